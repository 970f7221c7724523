//! The node that runs here, or else the addresses for one.

use std::io;
use std::net::{SocketAddr, TcpListener};

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::{Check, counted};
use crate::cli::ask::{ask, exchange};
use crate::config::Config;
use crate::rulebook::Rulebook;
use crate::server;

const CALLBACKS: &str = "listen.callbacks";
const OPERATOR: &str = "listen.operator";

/// What a node says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    version: String,
    ready: bool,
    callbacks: SocketAddr,
    revision: String,
    rules: usize,
    since: Option<String>,
    pub(super) signature_skew_seconds: Option<i64>,
    rejected: Option<Rejected>,
    /// How many files it may open, as its metrics say.
    #[serde(skip)]
    pub(super) files: Option<usize>,
    /// Does it refuse the token of the configuration, or that there is none?
    #[serde(skip)]
    refuses: bool,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Deserialize)]
struct Diagnostic {
    file: String,
    line: usize,
    message: String,
}

impl Node {
    /// Asks at the operator address. What answers otherwise than a node, or not at all, is none.
    pub(super) fn find(config: &Config) -> Option<Self> {
        let get = |path| ask(config, Method::GET, path, None).ok();
        let node: Self = serde_json::from_str(&get("/status")?).ok()?;
        // No change of anything, which it says with a 400 once the token is looked at.
        let nothing = Some(&Value::Null);
        let refuses = exchange(config, Method::PUT, "/log-level", nothing)
            .is_ok_and(|(status, _)| status == StatusCode::UNAUTHORIZED);
        let metrics = get("/metrics").unwrap_or_default();
        let files = metrics.lines().find_map(|line| line.strip_prefix("process_max_fds "));
        Some(Self { files: files.and_then(|files| files.parse().ok()), refuses, ..node })
    }
}

impl Node {
    /// Does it answer callbacks where it should?
    fn answers_at(&self, wanted: SocketAddr) -> Check {
        let own = self.callbacks;
        if own.ip() == wanted.ip() && [0, own.port()].contains(&wanted.port()) {
            return Check::ok(CALLBACKS, format!("{own}, in use by the node"));
        }
        match server::bind(wanted) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Check::problem(
                CALLBACKS,
                format!("{wanted} is taken, and the node answers callbacks at {own}"),
                format!("{}; then start the node anew", by_what(CALLBACKS, wanted.port())),
            ),
            Err(error) => address(CALLBACKS, wanted, Err(error)),
            Ok(_) => Check::warning(
                CALLBACKS,
                format!("the node answers callbacks at {own}, and nothing listens on {wanted}"),
                "the node was started with another configuration: start it anew",
            ),
        }
    }

    /// Does it do what it is told with the token of the configuration?
    fn obeys(&self, config: &Config) -> Check {
        let operator = config.listen.operator;
        if !self.refuses {
            return Check::ok(OPERATOR, format!("{operator}, in use by the node"));
        }
        let said = match config.listen.operator_token {
            Some(_) => "another operator token than the one configured",
            None => "an operator token, and none is configured",
        };
        Check::problem(
            OPERATOR,
            format!("the node at {operator} wants {said}"),
            "give `listen.operator_token_file` the node's token, or start the node anew with this \
             configuration",
        )
    }
}

/// Does a node run, and is it up to date?
pub(super) fn node(config: &Config, node: Option<&Node>, disk: Option<&Rulebook>) -> Check {
    const NAME: &str = "node";
    const OWN: &str = env!("CARGO_PKG_VERSION");
    let operator = config.listen.operator;
    let Some(node) = node else { return Check::ok(NAME, format!("none runs at {operator}")) };
    let Node { version, ready, revision, rules, since, rejected, .. } = node;
    if let Some(Rejected { diagnostics }) = rejected {
        let first =
            diagnostics.first().map_or_else(String::new, |Diagnostic { file, line, message }| {
                format!(": {file}:{line}: {message}")
            });
        return Check::problem(
            NAME,
            format!(
                "revision {revision} is in use; the files as they are now were rejected{first}"
            ),
            format!(
                "`quell check {}` shows each mistake; mended, the files go live by themselves",
                config.rules.display()
            ),
        );
    }
    if let Some(disk) = disk.map(Rulebook::revision).filter(|disk| ***disk != **revision) {
        return Check::warning(
            NAME,
            format!(
                "it has not taken the files: revision {revision} is in use, {} holds {disk}",
                config.rules.display()
            ),
            "SIGHUP or `POST /rules/reload` has the node look again; if that changes nothing, it \
             reads another directory: start it anew with this configuration",
        );
    }
    if !ready {
        return Check::warning(NAME, "it is stopping", "wait for its end, or see its log");
    }
    if version != OWN {
        let said = format!("version {version} runs, this is {OWN}");
        return Check::warning(NAME, said, "start the node anew");
    }
    let since = since.as_ref().map_or_else(String::new, |since| format!(" since {since}"));
    let rules = counted(*rules, "rule");
    Check::ok(NAME, format!("ready at {operator}: {rules}, revision {revision} in use{since}"))
}

/// Are the addresses those of the node, or else free? First for callbacks, then for operators.
pub(super) fn addresses(config: &Config, node: Option<&Node>) -> [Check; 2] {
    let (callbacks, operator) = (config.listen.callbacks, config.listen.operator);
    if let Some(node) = node {
        return [node.answers_at(callbacks), node.obeys(config)];
    }
    // Held while the other is tried, as a node would.
    let first = server::bind(callbacks);
    let second = server::bind(operator);
    let same = first.is_ok() && callbacks.port() == operator.port();
    let second = match second {
        Err(error) if same && error.kind() == io::ErrorKind::AddrInUse => Check::problem(
            OPERATOR,
            format!("{operator} is the address of `{CALLBACKS}`, too"),
            format!("give `{OPERATOR}` another port"),
        ),
        second => address(OPERATOR, operator, second),
    };
    [address(CALLBACKS, callbacks, first), second]
}

pub(super) fn address(
    setting: &'static str,
    address: SocketAddr,
    bound: io::Result<TcpListener>,
) -> Check {
    let Err(error) = bound else {
        return match address.port() {
            0 => Check::ok(setting, format!("{address}, on any free port")),
            _ => Check::ok(setting, format!("{address} is free")),
        };
    };
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => Check::problem(
            setting,
            format!("{address} is taken, and no node answers at `{OPERATOR}`"),
            by_what(setting, port),
        ),
        io::ErrorKind::PermissionDenied => Check::problem(
            setting,
            format!("{address}: ports below 1024 are not for every user"),
            "take a higher port, or give the node CAP_NET_BIND_SERVICE (AmbientCapabilities= and \
             CapabilityBoundingSet= in a systemd unit)",
        ),
        io::ErrorKind::AddrNotAvailable => Check::problem(
            setting,
            format!("{} is no address of this machine", address.ip()),
            format!("`ip address` shows those there are: change `{setting}`; 0.0.0.0 is all"),
        ),
        _ => {
            let said = format!("cannot listen on {address}: {error}");
            Check::problem(setting, said, format!("change `{setting}`"))
        }
    }
}

fn by_what(setting: &str, port: u16) -> String {
    format!("`ss -ltnp 'sport = :{port}'` shows by what: stop it, or change `{setting}`")
}
