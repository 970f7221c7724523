//! What Quell counts, for Prometheus.
//!
//! One [`Metrics`] value, built once; nothing is global. What the request path counts lies in one
//! [`Shard`] per worker, which only that worker writes: no cache line is shared and written across
//! threads, and the shards are summed when somebody scrapes. No label comes from a message, a user
//! or a group, so the number of series is bounded by the rules and the commands.

mod collect;
mod rules;
mod shard;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use prometheus::{
    Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

pub use rules::{Mode, RuleMeters};
pub use shard::{Class, JUDGE_SAMPLE, Oddity, Outcome, Refused, Shard, Stage, Timing};
pub use tls::TlsMeters;

use collect::ShardCollector;
use rules::RuleSeries;

/// All metrics of one node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    shards: Arc<[Shard]>,
    rules: Arc<RuleSeries>,
    /// Reloads of the rulebook, by outcome: applied, rejected, unchanged.
    pub reloads: Reloads,
    /// Enforced, shadow and switched-off rules of the rulebook in use.
    pub rules_loaded: IntGauge,
    /// Rules whose script is out of service after repeated failures; set when metrics are read.
    pub rules_benched: IntGauge,
    /// When the rulebook in use was put in use, in seconds of Unix time.
    pub rules_applied: IntGauge,
    rules_info: IntGaugeVec,
    listeners: Listeners,
}

/// The counters of one listener.
#[derive(Debug)]
pub struct ListenerMeters {
    /// Connections taken.
    pub accepted: IntCounter,
    /// Connections closed at once because the cap was reached.
    pub over_cap: IntCounter,
    /// Connections closed at once because their address had too many.
    pub over_address_cap: IntCounter,
    /// Connections closed at once because only trusted proxies may connect.
    pub untrusted: IntCounter,
    /// Connections of trusted proxies that did not say for whom they are.
    pub no_proxy_header: IntCounter,
    /// Requests refused because their address made too many.
    pub over_rate: IntCounter,
    /// Failed attempts to accept, such as for want of file descriptors.
    pub accept_errors: IntCounter,
    /// Connections open now.
    pub open: IntGauge,
    /// So many may be open at a time.
    pub max: IntGauge,
    /// Connections cut because a TLS handshake or a PROXY header took too long.
    pub late_handshakes: IntCounter,
    /// Connections cut because a request's head took too long.
    pub late_heads: IntCounter,
    /// Connections cut because the peer did not take its reply.
    pub late_replies: IntCounter,
    /// Connections closed because no request came for too long.
    pub idle: IntCounter,
}

/// Reloads by outcome.
#[derive(Debug)]
pub struct Reloads {
    /// What the files say is in use.
    pub applied: IntCounter,
    /// The files cannot be used; what was in use stays.
    pub rejected: IntCounter,
    /// The files are those in use.
    pub unchanged: IntCounter,
    /// 1 while the files as they are now are rejected, else 0.
    pub rejected_now: IntGauge,
}

#[derive(Debug)]
struct Listeners {
    connections: IntCounterVec,
    open: IntGaugeVec,
    max: IntGaugeVec,
    cut: IntCounterVec,
    accept_errors: IntCounterVec,
    over_rate: IntCounterVec,
}

impl Metrics {
    /// The metrics of a node with so many workers, whose callbacks have these command names.
    ///
    /// # Errors
    /// When two metrics share a name, which a test rules out.
    pub fn new(workers: usize, commands: &[&'static str]) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let begun = Instant::now();
        let shards: Arc<[Shard]> = (0..workers.max(1)).map(|_| Shard::new(begun)).collect();
        let rules = Arc::new(RuleSeries::new(workers.max(1))?);
        registry.register(Box::new(ShardCollector::new(Arc::clone(&shards), commands)?))?;
        registry.register(Box::new(rules::RuleCollector(Arc::clone(&rules))))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let build = gauges(
            &registry,
            "quell_build_info",
            "The version of Quell that is running; always 1.",
            "version",
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Self {
            reloads: Reloads::new(
                &registry,
                (
                    "quell_rule_reloads_total",
                    "Attempts to put changed rule files in use, by outcome.",
                ),
                (
                    "quell_rules_rejected",
                    "1 while the rule files have errors and the rules from before stay in use, else 0.",
                ),
            )?,
            rules_loaded: gauge(
                &registry,
                "quell_rules_loaded",
                "Rules in the rulebook in use, shadow and switched-off ones included.",
            )?,
            rules_benched: gauge(
                &registry,
                "quell_rules_benched",
                "Rules whose script is out of service after repeated failures.",
            )?,
            rules_applied: gauge(
                &registry,
                "quell_rules_applied_timestamp_seconds",
                "When the rulebook in use was put in use, in seconds of Unix time.",
            )?,
            rules_info: gauges(
                &registry,
                "quell_rules_info",
                "The revision of the rulebook in use; always 1, and one series only.",
                "revision",
            )?,
            listeners: Listeners::new(&registry)?,
            registry,
            shards,
            rules,
        })
    }

    /// What worker number `index` counts into. Only that worker may.
    pub fn shards(&self) -> &Arc<[Shard]> {
        &self.shards
    }

    /// By how many seconds this machine's clock was ahead of the one that signed the last callback.
    pub fn signature_skew_s(&self) -> Option<i64> {
        collect::skew(&self.shards)
    }

    /// The counters of the listener called `name`.
    pub fn listener(&self, name: &str) -> Arc<ListenerMeters> {
        let of = |vec: &IntCounterVec, label: &str| vec.with_label_values(&[name, label]);
        let Listeners { connections, open, max, cut, accept_errors, over_rate } = &self.listeners;
        Arc::new(ListenerMeters {
            accepted: of(connections, "accepted"),
            over_cap: of(connections, "over_cap"),
            over_address_cap: of(connections, "over_address_cap"),
            untrusted: of(connections, "untrusted"),
            no_proxy_header: of(connections, "no_proxy_header"),
            over_rate: over_rate.with_label_values(&[name]),
            accept_errors: accept_errors.with_label_values(&[name]),
            open: open.with_label_values(&[name]),
            max: max.with_label_values(&[name]),
            late_handshakes: of(cut, "handshake"),
            late_heads: of(cut, "head"),
            late_replies: of(cut, "reply"),
            idle: of(cut, "idle"),
        })
    }

    /// The counters of the callbacks' TLS. To be asked for once, and only where TLS is spoken.
    ///
    /// # Errors
    /// When asked for twice.
    pub fn tls(&self) -> prometheus::Result<TlsMeters> {
        TlsMeters::new(&self.registry)
    }

    /// The counters of these rules, in this order. Series of rules that are not among them vanish.
    pub fn rules<'a>(&self, rules: impl IntoIterator<Item = (&'a Arc<str>, Mode)>) -> RuleMeters {
        self.rules.load(rules)
    }

    /// Notes which rulebook is in use.
    pub fn note_rulebook(&self, revision: &str, rules: usize, applied_unix_s: i64) {
        self.rules_info.reset();
        self.rules_info.with_label_values(&[revision]).set(1);
        self.rules_loaded.set(i64::try_from(rules).unwrap_or(i64::MAX));
        self.rules_applied.set(applied_unix_s);
    }

    /// Everything, in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be written as text.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::with_capacity(16 << 10);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

impl Reloads {
    fn new(
        registry: &Registry,
        (name, help): (&str, &str),
        (now_name, now_help): (&str, &str),
    ) -> prometheus::Result<Self> {
        let vec = counters(registry, name, help, &["outcome"])?;
        Ok(Self {
            applied: vec.with_label_values(&["applied"]),
            rejected: vec.with_label_values(&["rejected"]),
            unchanged: vec.with_label_values(&["unchanged"]),
            rejected_now: gauge(registry, now_name, now_help)?,
        })
    }
}

impl Listeners {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            connections: counters(
                registry,
                "quell_connections_total",
                "Connections, by listener: accepted, or why they were closed before any request.",
                &["listener", "outcome"],
            )?,
            open: gauges(
                registry,
                "quell_connections_open",
                "Connections open now, by listener.",
                "listener",
            )?,
            max: gauges(
                registry,
                "quell_connections_max",
                "Connections that may be open at a time, by listener.",
                "listener",
            )?,
            cut: counters(
                registry,
                "quell_connection_timeouts_total",
                "Connections cut by a time limit, by listener and by what took too long.",
                &["listener", "waiting_for"],
            )?,
            accept_errors: counters(
                registry,
                "quell_accept_errors_total",
                "Failures to accept connections, such as for want of file descriptors.",
                &["listener"],
            )?,
            over_rate: counters(
                registry,
                "quell_requests_over_limit_total",
                "Requests answered 429 because their address made too many.",
                &["listener"],
            )?,
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> prometheus::Result<IntCounterVec> {
    let vec = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(vec.clone()))?;
    Ok(vec)
}

fn gauges(
    registry: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> prometheus::Result<IntGaugeVec> {
    let vec = IntGaugeVec::new(Opts::new(name, help), &[label])?;
    registry.register(Box::new(vec.clone()))?;
    Ok(vec)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}
