//! HTTP/1.1 over TCP or TLS: accepting, limits, bodies, drain.
//!
//! Each worker is one thread with its own runtime; a connection lives and dies on one worker, so
//! nothing is shared or woken across threads while a request is answered. One listener is kept and
//! its sockets go to the worker with the fewest connections: a platform that holds a handful of
//! long connections is spread evenly, which the kernel's own spreading would leave to chance.
//! Time limits cost no timer per request: a connection notes what it is doing, and its worker
//! looks at all of them a few times a second.

mod accept;
mod address;
mod beats;
mod body;
mod certificate;
mod connection;
mod proxy;
mod tls;
mod worker;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::http::request::Parts;
use ipnet::IpNet;
use tokio::sync::watch;

use crate::metrics::ListenerMeters;
pub use beats::Beats;
pub use certificate::{Identity, TlsContents, TlsError, TlsFiles};
pub use proxy::ProxyProtocol;
pub use tls::Tls;

/// The limits of one listener.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads, each with its own runtime. At least one.
    pub workers: usize,
    /// Connections held at a time; one more is accepted and closed at once.
    pub connections_max: usize,
    /// Connections of one address at a time; 0 is any number.
    pub connections_per_address_max: usize,
    /// Requests of one address a second; 0 is any number.
    pub requests_per_address_max: u32,
    /// Who is believed about whom they call for, and has no limits of its own.
    pub trusted_proxies: Vec<IpNet>,
    /// How they say so, besides `X-Forwarded-For`.
    pub proxy_protocol: ProxyProtocol,
    /// TLS, where it is spoken.
    pub tls: Option<Arc<Tls>>,
    /// How long a TLS handshake or a PROXY header may take.
    pub handshake_timeout: Duration,
    /// From the first byte of a request's head to its last.
    pub header_timeout: Duration,
    /// How long a body may take to arrive, and a reply to be taken.
    pub body_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// The longest request head, in bytes. hyper's least is 8 KiB.
    pub head_max: usize,
    /// The longest request body, in bytes.
    pub body_max: usize,
    /// How long requests in flight may take to end once stopping has begun.
    pub drain_timeout: Duration,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// It is longer than the limit.
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    Late,
    /// It had not arrived when the head turned out to be reason enough to refuse the request.
    #[error("the body was not waited for")]
    Unwanted,
    /// The peer went away in the middle, or its framing is broken.
    #[error("the body is broken off")]
    Broken,
}

/// A request, read whole.
#[derive(Debug)]
pub struct Request {
    /// Its head.
    pub head: Parts,
    /// Its body, or why there is none.
    pub body: Result<Bytes, BodyFault>,
    /// When its head had come.
    pub begun: Instant,
}

/// What goes back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The methods allowed, for a 405.
    pub allow: Option<&'static str>,
    /// The body.
    pub body: Bytes,
    /// Close the connection after it.
    pub close: bool,
}

impl Reply {
    /// A JSON reply that keeps the connection open.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "application/json",
            allow: None,
            body: body.into(),
            close: false,
        }
    }
}

/// Who answers the requests of one worker. Made on the worker's thread and never leaves it.
pub trait Handler: 'static {
    /// Answers one request.
    fn handle(&self, request: &Request) -> impl Future<Output = Reply>;

    /// Is the body of a request with this head, which came at `begun`, worth waiting for? Asked
    /// only when the body has not come with the head: whoever may not ask at all cannot make us
    /// hold a body. A request said no to is handled without it.
    fn wants(&self, head: &Parts, begun: Instant) -> bool {
        let _ = (head, begun);
        true
    }

    /// Called a few times a second, requests or not.
    fn tick(&self) {}
}

/// The threads of one listener.
#[derive(Debug)]
pub struct Server {
    threads: Vec<JoinHandle<()>>,
    beats: Beats,
}

impl Server {
    /// Serves `listener` until `stop` says true, with a handler made by `handler` for each worker.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made.
    pub fn start<H, F>(
        listener: TcpListener,
        name: &str,
        options: &Options,
        meters: &Arc<ListenerMeters>,
        stop: &watch::Receiver<bool>,
        handler: F,
    ) -> io::Result<Self>
    where
        H: Handler,
        F: Fn(usize) -> H + Send + Sync + 'static,
    {
        let beats = Beats::new(options.workers.max(1));
        let threads = worker::start(listener, name, options, meters, stop, &beats, handler)?;
        Ok(Self { threads, beats })
    }

    /// When each worker was last seen at work.
    pub fn beats(&self) -> &Beats {
        &self.beats
    }

    /// Waits until every connection has ended and every thread with it. True if none panicked.
    pub fn join(self) -> bool {
        let ends: Vec<bool> =
            self.threads.into_iter().map(|thread| thread.join().is_ok()).collect();
        ends.into_iter().all(|clean| clean)
    }
}

/// Opens a listening socket, port 0 for any free one.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    // A restart must not wait for the connections of the process before it to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}
