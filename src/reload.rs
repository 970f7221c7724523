//! From an edit of a rule file to the rulebook in use.
//!
//! One thread reads, compiles and swaps, whatever asked for it: a change noticed, the regular look
//! every 30 seconds, a signal, the operator API. A rulebook with an error in it never replaces a
//! good one, and files caught half-written are looked at again with the next change.

mod rules;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use crate::rulebook::diagnostic::Report;
use crate::watch::Watcher;
pub use rules::{Outcome, Rejected, Rules, Setup, Status, compile_options};

/// How long the files must be left alone before they are read.
const QUIET: Duration = Duration::from_millis(100);
/// Files that are never left alone are read this often.
const PATIENCE: Duration = Duration::from_secs(2);
/// Looking without being told covers network file systems and lost events.
const POLL: Duration = Duration::from_secs(30);
const REQUESTS_MAX: usize = 16;
/// Room for compiling deeply nested patterns and scripts.
const STACK_BYTES: usize = 8 << 20;

/// Asks the reloading thread for things.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: SyncSender<Request>,
    status: Arc<ArcSwap<Status>>,
}

/// The reloading thread.
#[derive(Debug)]
pub struct Reloader {
    handle: Handle,
    thread: JoinHandle<()>,
}

/// Too many reloads are waiting already, or the node is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rules are being reloaded already, or the node is stopping")]
pub struct Busy;

enum Request {
    Changed,
    Reload(oneshot::Sender<Outcome>),
    Check(oneshot::Sender<Report>),
    Stop,
}

impl Handle {
    /// Reads the files and puts them in use if they compile.
    pub async fn reload(&self) -> Result<Outcome, Busy> {
        let (sender, answer) = oneshot::channel();
        self.requests.try_send(Request::Reload(sender)).map_err(|_| Busy)?;
        answer.await.map_err(|_| Busy)
    }

    /// Reads and compiles the files without putting them in use.
    pub async fn check(&self) -> Result<Report, Busy> {
        let (sender, answer) = oneshot::channel();
        self.requests.try_send(Request::Check(sender)).map_err(|_| Busy)?;
        answer.await.map_err(|_| Busy)
    }

    /// Which rulebook is in use, and what was wrong with the last one that is not.
    pub fn status(&self) -> Arc<Status> {
        self.status.load_full()
    }
}

impl Reloader {
    /// Starts watching and reloading.
    ///
    /// # Errors
    /// When the thread cannot be started. A directory that cannot be watched is not an error: it
    /// is looked at every 30 seconds.
    pub fn start(rules: Rules) -> io::Result<Self> {
        let (requests, waiting) = sync_channel(REQUESTS_MAX);
        let handle = Handle { requests: requests.clone(), status: Arc::clone(rules.status()) };
        let changed = requests;
        let watcher = Watcher::new(rules.directory(), move || {
            // Full: there is a reload ahead that will see this change.
            changed.try_send(Request::Changed).unwrap_or_default();
        });
        let watcher = watcher.inspect_err(unwatched).ok();
        let thread = std::thread::Builder::new()
            .name("quell-reload".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || run(rules, &waiting, watcher))?;
        Ok(Self { handle, thread })
    }

    /// The way to ask it for things.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends the thread, after the reload it may be at.
    pub fn stop(self) {
        // Blocks while requests are waiting, which end with the thread's next round.
        if self.handle.requests.send(Request::Stop).is_ok() && self.thread.join().is_err() {
            tracing::error!("the reloading thread had panicked");
        }
    }
}

fn unwatched(error: &notify::Error) {
    tracing::warn!(%error, "cannot watch the rule directory; looking at it every 30 seconds");
}

fn run(mut rules: Rules, waiting: &Receiver<Request>, mut watcher: Option<Watcher>) {
    loop {
        let mut request = match waiting.recv_timeout(POLL) {
            Ok(request) => Some(request),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let look = matches!(request, Some(Request::Changed) | None);
        if matches!(request, Some(Request::Changed)) {
            request = settle(waiting);
        }
        // Before it is read: a change after that is noticed.
        if let Some(Err(error)) = watcher.as_mut().map(Watcher::follow) {
            unwatched(&error);
            watcher = None;
        }
        if look {
            rules.refresh();
        }
        match request {
            Some(Request::Stop) => return,
            // Whoever asked may have gone away since.
            Some(Request::Reload(answer)) => drop(answer.send(rules.reload())),
            Some(Request::Check(answer)) => drop(answer.send(rules.check())),
            Some(Request::Changed) | None => {}
        }
    }
}

/// Waits until changes have stopped for a moment; gives the first request of another kind.
fn settle(waiting: &Receiver<Request>) -> Option<Request> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match waiting.recv_timeout(QUIET) {
            Ok(Request::Changed) => {}
            Ok(request) => return Some(request),
            Err(_) => return None,
        }
    }
    None
}
