//! One connection: what it is doing, for the worker's time limits, and its life under hyper.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address::Caller;
use super::worker::Shared;
use super::{Handler, Reply, body, proxy};

/// What a connection is doing, as far as time limits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Shaking hands, or a proxy saying for whom it calls.
    Handshake,
    /// Waiting for the next request.
    Idle,
    /// A request's head has begun to arrive. A new connection starts here: one that never sends
    /// anything must not hold a place for long.
    Head,
    /// A request is being read or answered; its own limits apply.
    Work,
}

/// The note a connection keeps for its worker.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) phase: Cell<Phase>,
    /// The worker's tick at which the phase began.
    pub(super) since: Cell<u64>,
    /// The peer does not take what we write.
    pub(super) blocked: Cell<bool>,
    /// The worker has given the connection up.
    expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Pulse {
    fn new(tick: u64) -> Self {
        Self {
            phase: Cell::new(Phase::Head),
            since: Cell::new(tick),
            blocked: Cell::new(false),
            expired: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    /// Ends the connection.
    pub(super) fn expire(&self) {
        self.expired.set(true);
        self.wake();
    }

    /// Has the connection look at its worker's flags.
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Has [`wake`](Self::wake) wake the task of `cx`.
    fn listen(&self, cx: &Context<'_>) {
        if self.waker.borrow().is_none() {
            *self.waker.borrow_mut() = Some(cx.waker().clone());
        }
    }

    fn enter(&self, phase: Phase, tick: u64) {
        self.phase.set(phase);
        self.since.set(tick);
    }
}

/// A socket that notes when bytes come in and when none go out.
struct Socket<S, H> {
    inner: TokioIo<S>,
    pulse: Rc<Pulse>,
    shared: Rc<Shared<H>>,
}

impl<S, H> Socket<S, H> {
    fn note_write<T>(&self, result: &Poll<io::Result<T>>) {
        if result.is_pending() != self.pulse.blocked.get() {
            self.pulse.blocked.set(result.is_pending());
            self.pulse.since.set(self.shared.tick.get());
        }
    }
}

impl<S: AsyncRead + Unpin, H> Read for Socket<S, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if result.is_ready() && self.pulse.phase.get() == Phase::Idle {
            self.pulse.enter(Phase::Head, self.shared.tick.get());
        }
        result
    }
}

impl<S: AsyncWrite + Unpin, H> Write for Socket<S, H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note_write(&result);
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        // TLS takes what it is given and keeps what the peer does not take; TCP never does.
        self.note_write(&result);
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.note_write(&result);
        result
    }
}

/// Takes the connection off its worker's books, however it ends.
struct Registration<H> {
    shared: Rc<Shared<H>>,
    id: u64,
    caller: Caller,
}

impl<H> Drop for Registration<H> {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}

/// Starts serving a connection that [`Load::take`](super::accept::Load::take) has counted.
pub(super) fn start<H: Handler>(shared: &Rc<Shared<H>>, stream: TcpStream, caller: Caller) {
    // Without it a small reply may wait 40 ms for an acknowledgement; failing is harmless.
    stream.set_nodelay(true).unwrap_or_default();
    let pulse = Rc::new(Pulse::new(shared.tick.get()));
    // On the books before it first runs, so that a drain cannot overlook it.
    let registration = Registration { id: shared.enter(&pulse), shared: Rc::clone(shared), caller };
    if shared.options.tls.is_some() || matches!(registration.caller, Caller::Announced) {
        pulse.enter(Phase::Handshake, shared.tick.get());
        tokio::task::spawn_local(greet(registration, pulse, stream));
    } else {
        tokio::task::spawn_local(serve(registration, pulse, stream));
    }
}

/// What comes before the first request: for whom a proxy calls, and TLS.
async fn greet<H: Handler>(
    mut registration: Registration<H>,
    pulse: Rc<Pulse>,
    mut stream: TcpStream,
) {
    let shared = Rc::clone(&registration.shared);
    if matches!(registration.caller, Caller::Announced) {
        let announced = unless_given_up(&shared, &pulse, announced(&shared, &mut stream)).await;
        let Some(caller) = announced.flatten() else { return };
        registration.caller = caller;
    }
    let Some(tls) = &shared.options.tls else {
        pulse.enter(Phase::Head, shared.tick.get());
        return serve(registration, pulse, stream).await;
    };
    match unless_given_up(&shared, &pulse, tls.greet(stream)).await {
        Some(Some(stream)) => {
            pulse.enter(Phase::Head, shared.tick.get());
            serve(registration, pulse, stream).await;
        }
        None if pulse.expired.get() => tls.note_late(),
        Some(None) | None => {}
    }
}

/// For whom a proxy calls. `None` if it does not say or may not; then that is counted.
async fn announced<H>(shared: &Shared<H>, stream: &mut TcpStream) -> Option<Caller> {
    let source = proxy::read(stream).await.inspect_err(|error| {
        // One that only looks whether the port is open has nothing to say.
        if error.kind() == io::ErrorKind::InvalidData {
            shared.meters.no_proxy_header.inc();
            tracing::debug!(%error, "a trusted proxy did not say for whom it calls");
        }
    });
    let caller = shared.addresses.announced(source.ok()?);
    caller.inspect_err(|unwanted| unwanted.count(&shared.meters)).ok()
}

/// `None` when the worker gave the connection up first.
async fn unless_given_up<H, F: Future>(
    shared: &Shared<H>,
    pulse: &Pulse,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        pulse.listen(cx);
        if pulse.expired.get() || shared.ending.get() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

async fn serve<H: Handler, S: AsyncRead + AsyncWrite + Unpin>(
    registration: Registration<H>,
    pulse: Rc<Pulse>,
    stream: S,
) {
    let shared = &registration.shared;
    let socket =
        Socket { inner: TokioIo::new(stream), pulse: Rc::clone(&pulse), shared: Rc::clone(shared) };
    let service = service_fn(|request| answer(&registration, &pulse, request));
    let mut connection = pin!(
        Builder::new()
            // A client that has closed its own side still waits for its answer.
            .half_close(true)
            .pipeline_flush(false)
            // Replies are small: one flat write is cheaper than a vectored one.
            .writev(false)
            // hyper's own limit would also cut connections that merely wait for their next
            // request, and arms a timer for each head; the worker's look at the pulse does neither.
            .header_read_timeout(None)
            .max_buf_size(shared.options.head_max)
            .serve_connection(socket, service)
    );
    let mut ending = false;
    poll_fn(|cx| {
        pulse.listen(cx);
        if pulse.expired.get() || connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if shared.ending.get() && !ending {
            ending = true;
            connection.as_mut().graceful_shutdown();
            return connection.as_mut().poll(cx).map(|_| ());
        }
        Poll::Pending
    })
    .await;
}

async fn answer<H: Handler>(
    Registration { shared, caller, .. }: &Registration<H>,
    pulse: &Pulse,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    pulse.enter(Phase::Work, shared.tick.get());
    let begun = Instant::now();
    let (head, incoming) = request.into_parts();
    let doubtful = in_doubt(&head.headers, &incoming);
    let options = &shared.options;
    let may_ask = shared.addresses.may_ask(caller, &head.headers);
    let wanted = || may_ask && shared.handler.wants(&head, begun);
    let body = body::read(incoming, options.body_max, options.body_timeout, wanted).await;
    let mut request = super::Request { head, body, begun };
    let reply = if may_ask {
        shared.handler.handle(&request).await
    } else {
        shared.meters.over_rate.inc();
        let body = Bytes::from_static(br#"{"error":"too many requests"}"#);
        Reply::json(StatusCode::TOO_MANY_REQUESTS, body)
    };
    let close = reply.close || doubtful || request.body.is_err() || shared.closing.get();
    let Reply { status, content_type, allow, body, .. } = reply;
    // The request's header map goes back as the reply's: hyper hands it on to the next request,
    // so a connection in its stride allocates none.
    let mut headers = std::mem::take(&mut request.head.headers);
    headers.clear();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    pulse.enter(Phase::Idle, shared.tick.get());
    Ok(response)
}

/// May somebody in front of us have seen another end of this request than we do? What follows it
/// must then not be taken for a request.
fn in_doubt(headers: &HeaderMap, body: &Incoming) -> bool {
    if body.size_hint().exact().is_some() {
        return false;
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let plain = codings.next().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"chunked"));
    !plain || codings.next().is_some()
}
