//! The certificate in use, and how another takes its place.
//!
//! One thread reads the files, whatever asked for it: a change noticed, the regular look every 30
//! seconds, a signal. Files that do not go together never replace those that do.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::StartError;
use crate::metrics::{Metrics, TlsMeters};
use crate::server::{Identity, Tls, TlsError, TlsFiles};
use crate::watch::Watcher;

/// How long the files must be left alone before they are read: a certificate and its key are
/// written one after the other.
const QUIET: Duration = Duration::from_millis(200);
/// Files that are never left alone are read this often.
const PATIENCE: Duration = Duration::from_secs(2);
/// Looking without being told covers links to elsewhere, network file systems and lost events.
const POLL: Duration = Duration::from_secs(30);
const REQUESTS_MAX: usize = 16;

/// The thread that keeps the certificate current.
#[derive(Debug)]
pub(super) struct Certificates {
    tls: Arc<Tls>,
    requests: SyncSender<Request>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
enum Request {
    Changed,
    Reload,
    Stop,
}

impl Certificates {
    /// Reads the files and begins to watch them.
    pub(super) fn start(files: &TlsFiles, metrics: &Metrics) -> Result<Self, StartError> {
        let meters = Arc::new(metrics.tls()?);
        let contents = files.read()?;
        let identity = files.identity(&contents)?;
        warn_if_invalid(&identity, files);
        let tls = Arc::new(Tls::new(identity, Arc::clone(&meters)));
        let (requests, waiting) = sync_channel(REQUESTS_MAX);
        let keeper = Keeper {
            files: files.clone(),
            tls: Arc::clone(&tls),
            meters,
            in_use: contents.digest(),
            rejected: None,
        };
        let watchers = files.folders().into_iter().filter_map(|folder| watch(folder, &requests));
        let watchers: Vec<Watcher> = watchers.collect();
        let thread = std::thread::Builder::new()
            .name("quell-tls".to_owned())
            .spawn(move || run(keeper, &waiting, watchers))?;
        Ok(Self { tls, requests, thread })
    }

    pub(super) fn tls(&self) -> &Arc<Tls> {
        &self.tls
    }

    /// Has the files read again.
    pub(super) fn reload(&self) {
        // Full: there is a look ahead that will see what we would.
        self.requests.try_send(Request::Reload).unwrap_or_default();
    }

    /// Ends the thread.
    pub(super) fn stop(self) {
        if self.requests.send(Request::Stop).is_ok() && self.thread.join().is_err() {
            tracing::error!("the thread that reloads certificates had panicked");
        }
    }
}

fn watch(folder: &Path, requests: &SyncSender<Request>) -> Option<Watcher> {
    let changed = requests.clone();
    let watcher = Watcher::shallow(folder, move || {
        changed.try_send(Request::Changed).unwrap_or_default();
    });
    watcher.inspect_err(|error| unwatched(folder, error)).ok()
}

fn unwatched(folder: &Path, error: &notify::Error) {
    let folder = folder.display();
    tracing::warn!(%error, %folder, "cannot watch for certificates; looking every 30 seconds");
}

fn run(mut keeper: Keeper, waiting: &Receiver<Request>, mut watchers: Vec<Watcher>) {
    loop {
        let request = match waiting.recv_timeout(POLL) {
            Ok(Request::Changed) => settle(waiting),
            Ok(request) => Some(request),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Before the files are read: a change after that is noticed.
        watchers.retain_mut(|watcher| {
            watcher.follow().inspect_err(|error| unwatched(watcher.directory(), error)).is_ok()
        });
        match request {
            Some(Request::Stop) => return,
            Some(Request::Reload) => keeper.look(true),
            Some(Request::Changed) | None => keeper.look(false),
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

struct Keeper {
    files: TlsFiles,
    tls: Arc<Tls>,
    meters: Arc<TlsMeters>,
    /// The digest of the files in use.
    in_use: [u8; 32],
    /// The files that were rejected, or why they could not be read: the same are not rejected
    /// again until somebody asks.
    rejected: Option<Result<[u8; 32], String>>,
}

impl Keeper {
    /// Puts the files in use if they are others than before. `asked`: somebody wants to know.
    fn look(&mut self, asked: bool) {
        let contents = match self.files.read() {
            Ok(contents) => contents,
            Err(error) => return self.reject(Err(error.to_string()), &error, asked),
        };
        let digest = contents.digest();
        if digest == self.in_use {
            self.rejected = None;
            self.meters.reloads.rejected_now.set(0);
            if asked {
                self.meters.reloads.unchanged.inc();
            }
            return;
        }
        match self.files.identity(&contents) {
            Ok(identity) => {
                warn_if_invalid(&identity, &self.files);
                self.tls.swap(identity);
                (self.in_use, self.rejected) = (digest, None);
                self.meters.reloads.applied.inc();
                self.meters.reloads.rejected_now.set(0);
                tracing::info!("a new certificate is in use");
            }
            Err(error) => self.reject(Ok(digest), &error, asked),
        }
    }

    fn reject(&mut self, seen: Result<[u8; 32], String>, error: &TlsError, asked: bool) {
        if !asked && self.rejected.as_ref() == Some(&seen) {
            return;
        }
        self.rejected = Some(seen);
        self.meters.reloads.rejected.inc();
        self.meters.reloads.rejected_now.set(1);
        tracing::error!(%error, "the certificate files cannot be used; those before stay in use");
    }
}

fn warn_if_invalid(identity: &Identity, files: &TlsFiles) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let what = match identity.validity {
        Some((begin, _)) if now < begin => "the certificate is not valid yet",
        Some((_, end)) if now > end => "the certificate has expired",
        Some(_) => return,
        None => "when the certificate expires cannot be read from it",
    };
    tracing::warn!(file = %files.certificate.display(), "{what}; callers may refuse it");
}
