//! One running process: its parts put together, started, and ended in order.
//!
//! To start: the first rulebook, then the sockets, then the threads, then ready. To end: not ready,
//! no new connections, requests in flight to their end, and only then the rest.

pub mod capacity;
mod certificates;

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hyper::http::request::Parts;
use tokio::sync::watch;

use crate::config::Config;
use crate::gate::{self, Gate, Worker};
use crate::metrics::Metrics;
use crate::operator::{self, Operator};
use crate::platform::tencent::Command;
use crate::reload::{self, Reloader, Rules, Setup, Status};
use crate::rulebook::diagnostic::Report;
use crate::server::{self, BodyFault, Handler, ProxyProtocol, Reply, Request, Server, TlsError};
use crate::telemetry::{Answered, TraceError, Tracer};
use capacity::Capacity;
use certificates::Certificates;

/// The operator API's own limits: a few people and a scraper.
const OPERATOR_CONNECTIONS_MAX: usize = 64;
const OPERATOR_BODY_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATOR_DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// So long the last spans may take, even when requests in flight took all of the time to stop.
const TRACE_PATIENCE_MIN: Duration = Duration::from_secs(1);

/// A node that serves. Dropping it ends serving without waiting; [`Running::stop`] waits.
#[derive(Debug)]
pub struct Running {
    callbacks: SocketAddr,
    operator: SocketAddr,
    ready: Arc<AtomicBool>,
    reloader: Reloader,
    certificates: Option<Certificates>,
    callback_server: Server,
    operator_server: Server,
    tracer: Arc<Tracer>,
    drain_timeout: Duration,
    stop_callbacks: watch::Sender<bool>,
    stop_operator: watch::Sender<bool>,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There may be too few files open at a time.
    #[error(
        "{files} open files are too few for a node, which needs {needed} to start; raise the limit \
         (LimitNOFILE= in a systemd unit, `ulimit -n` in a shell)"
    )]
    Files {
        /// How many may be.
        files: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The rules have errors or cannot be read.
    #[error("the rules have errors")]
    Rules(Report),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}, `{setting}`: {source}")]
    Listen {
        /// The setting that named it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// Spans cannot be exported.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The metrics do not go together.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Running {
    /// Starts a node. It serves when this returns.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let workers = config.listen.workers.max(1);
        let (files, needed) = (capacity::files(), capacity::files_to_start(workers));
        if files < needed {
            return Err(StartError::Files { files, needed });
        }
        let metrics = Arc::new(Metrics::new(workers, &command_names())?);
        let tracer = Arc::new(Tracer::begin(config.trace.as_ref())?);
        let rules = Rules::open(setup(config, &metrics)).map_err(StartError::Rules)?;
        let certificates = match &config.listen.tls {
            Some(files) => Some(Certificates::start(files, &metrics)?),
            None => None,
        };
        let callbacks = listen("listen.callbacks", config.listen.callbacks)?;
        let operator = listen("listen.operator", config.listen.operator)?;
        let addresses = (callbacks.local_addr()?, operator.local_addr()?);
        let current = Arc::clone(rules.current());
        let capacity = Capacity::measure(config, &current.load().rulebook, files);

        let reloader = Reloader::start(rules)?;
        let gate = Arc::new(Gate::new(gate_options(config)));
        let (stop_callbacks, stopping) = watch::channel(false);
        let meters = metrics.listener("callbacks");
        let callback_server = {
            let (shards, current) = (Arc::clone(metrics.shards()), Arc::clone(&current));
            let tls = certificates.as_ref().map(|certificates| Arc::clone(certificates.tls()));
            let options = callback_options(config, workers, capacity.connections());
            let options = server::Options { tls, ..options };
            let recorder = Arc::clone(&tracer);
            Server::start(callbacks, "quell-worker", &options, &meters, &stopping, move |index| {
                let worker = RefCell::new(Worker::new(index, &shards, &current));
                Callbacks { gate: Arc::clone(&gate), tracer: Arc::clone(&recorder), worker }
            })?
        };
        let ready = Arc::new(AtomicBool::new(true));
        let (stop_operator, stopping) = watch::channel(false);
        let parts = Arc::new(operator::Parts {
            ready: Arc::clone(&ready),
            callbacks: addresses.0,
            beats: callback_server.beats().clone(),
            token: config.listen.operator_token.clone(),
            reloads: reloader.handle().clone(),
            current,
            tencent: config.tencent.clone(),
            metrics: Arc::clone(&metrics),
        });
        let meters = metrics.listener("operator");
        let options = operator_options(config);
        let operator_server =
            Server::start(operator, "quell-operator", &options, &meters, &stopping, move |_| {
                Operator::new(Arc::clone(&parts))
            })?;
        announce(config, &reloader.handle().status(), addresses, capacity);
        Ok(Self {
            callbacks: addresses.0,
            operator: addresses.1,
            ready,
            reloader,
            certificates,
            callback_server,
            operator_server,
            tracer,
            drain_timeout: config.limits.drain_timeout,
            stop_callbacks,
            stop_operator,
        })
    }

    /// Where callbacks are answered.
    pub fn callbacks(&self) -> SocketAddr {
        self.callbacks
    }

    /// Where the operator API is.
    pub fn operator(&self) -> SocketAddr {
        self.operator
    }

    /// The way to ask for reloads.
    pub fn reloads(&self) -> &reload::Handle {
        self.reloader.handle()
    }

    /// Has the certificate files read again, where there are any.
    pub fn reload_certificates(&self) {
        if let Some(certificates) = &self.certificates {
            certificates.reload();
        }
    }

    /// For how long the worker that is stuck longest has been so.
    pub fn stalled(&self) -> Duration {
        self.callback_server.beats().stalled()
    }

    /// Begins to stop: not ready, no new connections, each connection closed with its next reply.
    pub fn begin_stop(&self) {
        self.ready.store(false, Ordering::Relaxed);
        self.stop_callbacks.send_replace(true);
    }

    /// Stops and waits for the end, at most `limits.drain_timeout` and a little. True if no
    /// thread had panicked.
    pub fn stop(self) -> bool {
        let begun = Instant::now();
        self.begin_stop();
        let callbacks = self.callback_server.join();
        self.reloader.stop();
        if let Some(certificates) = self.certificates {
            certificates.stop();
        }
        self.stop_operator.send_replace(true);
        let operator = self.operator_server.join();
        let left = self.drain_timeout.saturating_sub(begun.elapsed());
        self.tracer.stop(left.max(TRACE_PATIENCE_MIN));
        callbacks && operator
    }
}

/// The gate behind the server of one worker.
struct Callbacks {
    gate: Arc<Gate>,
    tracer: Arc<Tracer>,
    worker: RefCell<Worker>,
}

impl Handler for Callbacks {
    async fn handle(&self, request: &Request) -> Reply {
        let body = request.body.as_deref().map_err(|fault| *fault);
        let asked = gate_request(&request.head, body, request.begun);
        let gate::Response { status, allow, body, close, command, outcome } =
            self.gate.handle(&mut self.worker.borrow_mut(), asked);
        let (headers, begun, status_code) = (&request.head.headers, request.begun, status.as_u16());
        self.tracer.record(Answered { headers, begun, command, outcome, status: status_code });
        Reply { allow, close, ..Reply::json(status, body) }
    }

    fn wants(&self, head: &Parts, begun: Instant) -> bool {
        let asked = gate_request(head, Err(BodyFault::Unwanted), begun);
        self.gate.wants(&mut self.worker.borrow_mut(), asked)
    }

    fn tick(&self) {
        self.worker.borrow_mut().refresh();
    }
}

fn gate_request<'a>(
    head: &'a Parts,
    body: Result<&'a [u8], BodyFault>,
    begun: Instant,
) -> gate::Request<'a> {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    gate::Request { method: &head.method, path, query, body, begun }
}

fn setup(config: &Config, metrics: &Arc<Metrics>) -> Setup {
    Setup {
        directory: config.rules.clone(),
        limits: config.limits.rule_files(),
        scripts: config.scripts.clone(),
        metrics: Arc::clone(metrics),
    }
}

fn command_names() -> Vec<&'static str> {
    let mut names = vec!["unknown"];
    for command in Command::all() {
        if names.len() == command.index() {
            names.push(command.name());
        }
    }
    names
}

fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    server::bind(address).map_err(|source| StartError::Listen { setting, address, source })
}

fn gate_options(config: &Config) -> gate::Options {
    gate::Options {
        path: config.listen.path.clone(),
        apps: config.apps.clone(),
        signature_age_max_s: config.limits.signature_age_max.as_secs(),
        fallback: config.fallback,
        tencent: config.tencent.clone(),
    }
}

fn callback_options(config: &Config, workers: usize, connections_max: usize) -> server::Options {
    let limits = &config.limits;
    server::Options {
        workers,
        connections_max,
        connections_per_address_max: limits
            .connections_per_address_max
            .unwrap_or(connections_max.div_ceil(2)),
        requests_per_address_max: limits.requests_per_address_max,
        trusted_proxies: config.listen.trusted_proxies.clone(),
        proxy_protocol: config.listen.proxy_protocol,
        tls: None,
        handshake_timeout: limits.handshake_timeout,
        header_timeout: limits.header_timeout,
        body_timeout: limits.body_timeout,
        idle_timeout: limits.idle_timeout,
        head_max: limits.head_max,
        body_max: limits.body_max,
        drain_timeout: limits.drain_timeout,
    }
}

fn operator_options(config: &Config) -> server::Options {
    server::Options {
        // Its address and its token are what protects it.
        connections_per_address_max: 0,
        requests_per_address_max: 0,
        trusted_proxies: Vec::new(),
        proxy_protocol: ProxyProtocol::Off,
        body_timeout: OPERATOR_BODY_TIMEOUT,
        drain_timeout: OPERATOR_DRAIN_TIMEOUT,
        ..callback_options(config, 1, OPERATOR_CONNECTIONS_MAX)
    }
}

fn announce(
    config: &Config,
    status: &Status,
    (callbacks, operator): (SocketAddr, SocketAddr),
    capacity: Capacity,
) {
    let Capacity { files, wanted, bearable, room, longest_message } = capacity;
    if wanted > room {
        tracing::warn!(
            files,
            wanted,
            "too few file descriptors for so many connections; raise the limit (LimitNOFILE= in \
             a systemd unit, ulimit -n in a shell)"
        );
    }
    if wanted > bearable {
        tracing::warn!(
            bearable,
            wanted,
            "with so many connections busy an answer may leave after `limits.answer_deadline`"
        );
    }
    let (rules, revision) = (status.rules, &*status.revision);
    let (apps, signed) = (config.apps.len(), config.signed());
    let workers = config.listen.workers;
    tracing::info!(
        %callbacks, %operator, revision, rules, apps, signed, workers,
        connections_max = capacity.connections(), ?longest_message, "serving"
    );
    if !signed {
        tracing::warn!("callbacks are accepted without a signature");
    }
}
