//! One worker: a thread, its runtime, its connections, their time limits and their end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::accept::{self, Handed, Load};
use super::address::Addresses;
use super::connection::{self, Phase, Pulse};
use super::{Beats, Handler, Options};
use crate::metrics::ListenerMeters;

/// Sockets on their way to a worker.
const HAND_OVER_MAX: usize = 256;
/// Room for the deepest judging.
const STACK_BYTES: usize = 8 << 20;
/// How long a connection may still bring a request once stopping has begun, to be answered with
/// `connection: close`. Cutting it while a request is under way would lose that request.
const LINGER: Duration = Duration::from_secs(1);

/// What the connections of one worker share.
#[derive(Debug)]
pub(super) struct Shared<H> {
    pub(super) handler: H,
    pub(super) options: Options,
    pub(super) meters: Arc<ListenerMeters>,
    pub(super) load: Arc<Load>,
    pub(super) addresses: Arc<Addresses>,
    beats: Beats,
    /// The worker's coarse clock.
    pub(super) tick: Cell<u64>,
    /// Each reply closes its connection.
    pub(super) closing: Cell<bool>,
    /// Connections end as soon as they wait for a request.
    pub(super) ending: Cell<bool>,
    worker: usize,
    pulses: RefCell<BTreeMap<u64, Rc<Pulse>>>,
    next_id: Cell<u64>,
    left: Notify,
}

impl<H> Shared<H> {
    pub(super) fn enter(&self, pulse: &Rc<Pulse>) -> u64 {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        self.pulses.borrow_mut().insert(id, Rc::clone(pulse));
        id
    }

    pub(super) fn leave(&self, id: u64) {
        self.pulses.borrow_mut().remove(&id);
        self.load.give_back(self.worker);
        self.meters.open.dec();
        self.left.notify_one();
    }

    /// Ends the connections that have been at one thing for too long.
    fn sweep(&self, interval: Duration) {
        let tick = self.tick.get();
        let ticks = |limit: Duration| {
            // One more, since a phase begins somewhere within a tick.
            u64::try_from(limit.as_nanos().div_ceil(interval.as_nanos().max(1)))
                .unwrap_or(u64::MAX)
                .saturating_add(1)
        };
        let (head, idle) = (ticks(self.options.header_timeout), ticks(self.options.idle_timeout));
        let handshake = ticks(self.options.handshake_timeout);
        let reply = ticks(self.options.body_timeout);
        for pulse in self.pulses.borrow().values() {
            let (limit, meter) = match pulse.phase.get() {
                _ if pulse.blocked.get() => (reply, &self.meters.late_replies),
                Phase::Handshake => (handshake, &self.meters.late_handshakes),
                Phase::Head => (head, &self.meters.late_heads),
                Phase::Idle => (idle, &self.meters.idle),
                Phase::Work => continue,
            };
            if tick.saturating_sub(pulse.since.get()) >= limit {
                meter.inc();
                pulse.expire();
            }
        }
    }

    fn wake_all(&self) {
        for pulse in self.pulses.borrow().values() {
            pulse.wake();
        }
    }

    async fn empty(&self) {
        while !self.pulses.borrow().is_empty() {
            self.left.notified().await;
        }
    }
}

/// Starts the workers. The listener belongs to the first.
pub(super) fn start<H, F>(
    listener: TcpListener,
    name: &str,
    options: &Options,
    meters: &Arc<ListenerMeters>,
    stop: &watch::Receiver<bool>,
    beats: &Beats,
    handler: F,
) -> io::Result<Vec<JoinHandle<()>>>
where
    H: Handler,
    F: Fn(usize) -> H + Send + Sync + 'static,
{
    let workers = options.workers.max(1);
    meters.max.set(i64::try_from(options.connections_max).unwrap_or(i64::MAX));
    let load = Load::new(workers);
    let addresses = Addresses::new(options);
    let handler = Arc::new(handler);
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (1..workers).map(|_| mpsc::channel(HAND_OVER_MAX)).unzip();
    let mut first = Some((listener, senders));
    let mut threads = Vec::with_capacity(workers);
    for (index, sockets) in std::iter::once(None).chain(receivers.into_iter().map(Some)).enumerate()
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let accepting = first.take();
        let (options, meters) = (options.clone(), Arc::clone(meters));
        let (load, handler, stop) = (Arc::clone(&load), Arc::clone(&handler), stop.clone());
        let (beats, addresses) = (beats.clone(), Arc::clone(&addresses));
        let body = move || {
            let shared = Rc::new(Shared {
                handler: handler(index),
                options,
                meters,
                load,
                addresses,
                beats,
                tick: Cell::new(0),
                closing: Cell::new(false),
                ending: Cell::new(false),
                worker: index,
                pulses: RefCell::default(),
                next_id: Cell::new(0),
                left: Notify::new(),
            });
            run(&runtime, &shared, accepting, sockets, stop);
        };
        let thread = std::thread::Builder::new().name(format!("{name}-{index}"));
        threads.push(thread.stack_size(STACK_BYTES).spawn(body)?);
    }
    Ok(threads)
}

fn run<H: Handler>(
    runtime: &Runtime,
    shared: &Rc<Shared<H>>,
    accepting: Option<(TcpListener, Vec<mpsc::Sender<Handed>>)>,
    sockets: Option<mpsc::Receiver<Handed>>,
    mut stop: watch::Receiver<bool>,
) {
    let local = LocalSet::new();
    local.block_on(runtime, async {
        let acceptor = accepting.and_then(|(listener, others)| {
            // Already non-blocking and listening: registering it can only fail for want of memory.
            let listener = tokio::net::TcpListener::from_std(listener).ok()?;
            let accepting = accept::run(listener, Rc::clone(shared), others, stop.clone());
            Some(tokio::task::spawn_local(accepting))
        });
        let receiver =
            sockets.map(|sockets| tokio::task::spawn_local(take(sockets, Rc::clone(shared))));
        let sweeper = tokio::task::spawn_local(sweep(Rc::clone(shared)));
        // The sender gone means the node is gone: stop as well.
        drop(stop.wait_for(|stop| *stop).await);
        shared.closing.set(true);
        let deadline = Instant::now() + shared.options.drain_timeout;
        for task in [acceptor, receiver].into_iter().flatten() {
            // Both end by themselves: the acceptor by the signal, the receiver with the acceptor.
            drop(tokio::time::timeout_at(deadline, task).await);
        }
        drain(shared, deadline).await;
        sweeper.abort();
    });
}

/// Lets requests in flight end and waiting connections bring one more, up to the deadline.
async fn drain<H: Handler>(shared: &Rc<Shared<H>>, deadline: Instant) {
    let linger = LINGER.min(shared.options.drain_timeout / 2);
    if tokio::time::timeout(linger, shared.empty()).await.is_ok() {
        return;
    }
    shared.ending.set(true);
    shared.wake_all();
    if tokio::time::timeout_at(deadline, shared.empty()).await.is_err() {
        let connections = shared.pulses.borrow().len();
        tracing::warn!(connections, "drain took too long; cutting the connections that are left");
    }
}

async fn take<H: Handler>(mut sockets: mpsc::Receiver<Handed>, shared: Rc<Shared<H>>) {
    while let Some((stream, caller)) = sockets.recv().await {
        if let Ok(stream) = TcpStream::from_std(stream) {
            connection::start(&shared, stream, caller);
        } else {
            shared.meters.open.dec();
            shared.load.give_back(shared.worker);
        }
    }
}

async fn sweep<H: Handler>(shared: Rc<Shared<H>>) {
    let options = &shared.options;
    let shortest = [options.handshake_timeout, options.body_timeout, options.idle_timeout]
        .into_iter()
        .fold(options.header_timeout, Duration::min);
    let interval = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(250));
    let mut timer = tokio::time::interval(interval);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        shared.tick.set(shared.tick.get().wrapping_add(1));
        shared.sweep(interval);
        shared.beats.beat(shared.worker);
        shared.handler.tick();
    }
}
