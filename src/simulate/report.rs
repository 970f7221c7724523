//! What a simulation found, as a table for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What a simulation found. As JSON, the names are a contract that other tools rely on.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// How long it took.
    pub seconds: f64,
    /// Requests that were due.
    pub requests: u64,
    /// Replies a second.
    pub rate: f64,
    /// What came back.
    pub replies: Replies,
    /// From when a request was due to the end of its reply.
    pub latency: Latency,
    /// Replies that the platform would not accept.
    pub invalid: u64,
    /// Requests that got no reply.
    pub unanswered: u64,
    /// Replies after the platform had given up.
    pub late: u64,
    /// Connections that had to be replaced.
    pub reconnects: u64,
    /// How often each reason for an invalid or missing reply came up.
    pub reasons: BTreeMap<String, u64>,
    /// Every message with a label.
    pub all: Row,
    /// By what the message was about.
    pub kinds: Vec<Row>,
    /// Those to be stopped, by their disguise.
    pub disguises: Vec<Row>,
    /// Some messages that were not answered as their label says.
    pub missed: Vec<Missed>,
}

/// Replies, and the verdicts of those that decide about a message.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[expect(missing_docs, reason = "the names of verdicts")]
pub struct Replies {
    /// All of them, those to events too.
    pub all: u64,
    pub allow: u64,
    pub mask: u64,
    pub deny: u64,
    pub discard: u64,
}

/// Milliseconds within which so many of a hundred replies came.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Verdicts against labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Messages to be stopped.
    pub bad: u64,
    /// Those of them that were.
    pub stopped: u64,
    /// Messages to be delivered as they are.
    pub fine: u64,
    /// Those of them that were not.
    pub hit: u64,
}

/// Verdicts against the labels of one kind.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// The numbers.
    #[serde(flatten)]
    pub found: Found,
    /// The share of what should be stopped that was.
    pub recall: Option<f64>,
    /// The share of what was stopped that should be.
    pub precision: Option<f64>,
}

/// A message that was not answered as its label says.
#[derive(Debug, Clone, Serialize)]
pub struct Missed {
    /// What it was about.
    pub kind: &'static str,
    /// Its disguise.
    pub disguise: &'static str,
    /// What was answered.
    pub verdict: &'static str,
    /// Its text; elements are parted by ` | `.
    pub text: String,
}

impl Found {
    pub(super) fn add(&mut self, stop: bool, stopped: bool) {
        let (count, found) =
            if stop { (&mut self.bad, &mut self.stopped) } else { (&mut self.fine, &mut self.hit) };
        *count += 1;
        *found += u64::from(stopped);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.bad += other.bad;
        self.stopped += other.stopped;
        self.fine += other.fine;
        self.hit += other.hit;
    }
}

impl Row {
    pub(super) fn new(name: &'static str, found: Found) -> Self {
        let Found { bad, stopped, hit, .. } = found;
        let share = |part, whole| (whole > 0).then(|| ratio(part, whole));
        let precision = if bad > 0 { share(stopped, stopped + hit) } else { None };
        Self { name, found, recall: share(stopped, bad), precision }
    }
}

impl Report {
    /// Did a valid reply come to every request?
    pub fn sound(&self) -> bool {
        self.invalid == 0 && self.unanswered == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency, replies, .. } = self;
        let Latency { p50_ms, p90_ms, p99_ms, max_ms } = latency;
        writeln!(f, "requests    {} in {:.1} s", self.requests, self.seconds)?;
        writeln!(f, "replies     {}, {:.0} a second", replies.all, self.rate)?;
        writeln!(
            f,
            "latency     p50 {p50_ms:.2} ms, p90 {p90_ms:.2} ms, p99 {p99_ms:.2} ms, \
             max {max_ms:.2} ms"
        )?;
        let Replies { allow, mask, deny, discard, .. } = replies;
        writeln!(f, "verdicts    allow {allow}, mask {mask}, deny {deny}, discard {discard}")?;
        writeln!(
            f,
            "faults      invalid {}, no reply {}, late {}, reconnects {}",
            self.invalid, self.unanswered, self.late, self.reconnects
        )?;
        for (why, count) in &self.reasons {
            writeln!(f, "            {count} × {why}")?;
        }
        table(f, "messages", self.kinds.iter().chain([&self.all]))?;
        table(f, "disguises", self.disguises.iter())?;
        if !self.missed.is_empty() {
            writeln!(f, "\nnot as labelled, among others:")?;
        }
        for Missed { kind, disguise, verdict, text } in &self.missed {
            writeln!(f, "  {kind}, {disguise}: {verdict:<7} {text}")?;
        }
        Ok(())
    }
}

fn table<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    rows: impl Iterator<Item = &'a Row>,
) -> fmt::Result {
    writeln!(
        f,
        "\n{title:<12} {:>9} {:>9} {:>7} {:>9} {:>7} {:>10}",
        "to stop", "stopped", "recall", "innocent", "hit", "precision"
    )?;
    let share =
        |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |s| format!("{:.1}%", s * 100.0));
    for Row { name, found, recall, precision } in rows {
        let Found { bad, stopped, fine, hit } = found;
        let (recall, precision) = (share(*recall), share(*precision));
        writeln!(
            f,
            "{name:<12} {bad:>9} {stopped:>9} {recall:>7} {fine:>9} {hit:>7} {precision:>10}"
        )?;
    }
    Ok(())
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts are exact up to 2^53"
)]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
