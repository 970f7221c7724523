//! Accepting: one loop for all workers, on the first one's thread.

use std::io;
use std::net::{IpAddr, TcpStream as StdStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::Handler;
use super::address::Caller;
use super::connection;
use super::worker::Shared;

/// How long to wait when the process or the machine is out of descriptors or memory: trying again
/// at once would spin.
const BACK_OFF: Duration = Duration::from_millis(100);
/// One log line in so long says that it is so; the counter tells each time.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// How many connections each worker holds.
#[derive(Debug)]
pub(super) struct Load(Box<[AtomicUsize]>);

impl Load {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self((0..workers).map(|_| AtomicUsize::new(0)).collect()))
    }

    /// The worker with the fewest connections; `None` when all together hold `max`.
    fn take(&self, max: usize) -> Option<usize> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        if counts.clone().sum::<usize>() >= max {
            return None;
        }
        let (worker, _) = counts.enumerate().min_by_key(|(_, count)| *count)?;
        self.0.get(worker)?.fetch_add(1, Ordering::Relaxed);
        Some(worker)
    }

    pub(super) fn give_back(&self, worker: usize) {
        if let Some(count) = self.0.get(worker) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A connection on its way to another worker.
pub(super) type Handed = (StdStream, Caller);

/// Accepts until told to stop. The first worker's connections are started here, the others' sent
/// to them.
pub(super) async fn run<H: Handler>(
    listener: TcpListener,
    shared: Rc<Shared<H>>,
    others: Vec<mpsc::Sender<Handed>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut complained: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => hand_out(stream, peer.ip(), &shared, &others),
            Err(error) if is_peers_fault(&error) => {}
            Err(error) => {
                shared.meters.accept_errors.inc();
                if complained.is_none_or(|then| then.elapsed() > COMPLAIN_EVERY) {
                    complained = Some(Instant::now());
                    tracing::error!(%error, "cannot accept connections; trying again");
                }
                tokio::select! {
                    () = tokio::time::sleep(BACK_OFF) => {}
                    _ = stop.wait_for(|stop| *stop) => break,
                }
            }
        }
    }
    // Those the kernel has already accepted for us would be reset.
    let backlog = || {
        std::future::poll_fn(|cx| match listener.poll_accept(cx) {
            Poll::Ready(Ok(accepted)) => Poll::Ready(Some(accepted)),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
        })
    };
    while let Some((stream, peer)) = backlog().await {
        hand_out(stream, peer.ip(), &shared, &others);
    }
}

fn hand_out<H: Handler>(
    stream: TcpStream,
    peer: IpAddr,
    shared: &Rc<Shared<H>>,
    others: &[mpsc::Sender<Handed>],
) {
    let caller = match shared.addresses.admit(peer) {
        Ok(caller) => caller,
        Err(unwanted) => return unwanted.count(&shared.meters),
    };
    let Some(worker) = shared.load.take(shared.options.connections_max) else {
        shared.meters.over_cap.inc();
        return;
    };
    shared.meters.accepted.inc();
    shared.meters.open.inc();
    let sent = match worker.checked_sub(1).and_then(|other| others.get(other)) {
        None => {
            connection::start(shared, stream, caller);
            true
        }
        Some(other) => {
            stream.into_std().is_ok_and(|stream| other.try_send((stream, caller)).is_ok())
        }
    };
    if !sent {
        shared.meters.over_cap.inc();
        shared.meters.open.dec();
        shared.load.give_back(worker);
    }
}

/// The peer went away between its request to connect and our taking it.
fn is_peers_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
    )
}
