//! Counting what came back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::PATIENCE;
use super::disguise::Disguise;
use super::reply::{Answer, Invalid};
use super::report::{Found, Latency, Missed, Replies, Report, Row};
use super::traffic::{Kind, Label, Shot};
use crate::verdict::Verdict;

/// So many wrong answers of one kind are shown.
const MISSED_MAX: usize = 3;
/// So many reasons for invalid replies are told apart.
const REASONS_MAX: usize = 16;

/// What one second brought, for people to watch.
#[derive(Debug, Clone, Default)]
pub struct Second {
    /// Since the beginning.
    pub elapsed: Duration,
    /// Replies in this second.
    pub replies: u64,
    /// How long they took.
    pub latency: Latency,
    /// Verdicts on messages in this second, in order of severity.
    pub verdicts: [u64; 4],
    /// Invalid replies so far.
    pub invalid: u64,
    /// Requests that got no reply so far.
    pub unanswered: u64,
    /// Replies after the platform had given up, so far.
    pub late: u64,
}

/// Everything counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    requests: u64,
    verdicts: [u64; 4],
    times: Histogram,
    invalid: u64,
    reasons: BTreeMap<Invalid, u64>,
    unanswered: BTreeMap<&'static str, u64>,
    late: u64,
    connections: u64,
    kinds: BTreeMap<Kind, Found>,
    disguises: BTreeMap<Disguise, Found>,
    missed: BTreeMap<(Kind, bool), Vec<Missed>>,
    second: Histogram,
    second_verdicts: [u64; 4],
}

impl Tally {
    /// A request was due.
    pub(super) fn asked(&mut self) {
        self.requests += 1;
    }

    pub(super) fn connected(&mut self) {
        self.connections += 1;
    }

    /// No reply came, for this reason.
    pub(super) fn unanswered(&mut self, why: &'static str) {
        *self.unanswered.entry(why).or_default() += 1;
    }

    /// A reply came, so long after its request was due.
    pub(super) fn answered(
        &mut self,
        shot: &Shot,
        took: Duration,
        answer: Result<&Answer, Invalid>,
    ) {
        self.times.add(took);
        self.second.add(took);
        self.late += u64::from(took > PATIENCE);
        let answer = match answer {
            Ok(answer) => answer,
            Err(invalid) => {
                self.invalid += 1;
                if self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&invalid) {
                    *self.reasons.entry(invalid).or_default() += 1;
                }
                return;
            }
        };
        let Some(label) = shot.label else { return };
        let severity = Verdict::ALL.iter().position(|verdict| *verdict == answer.verdict);
        for counts in [&mut self.verdicts, &mut self.second_verdicts] {
            if let Some(count) = severity.and_then(|severity| counts.get_mut(severity)) {
                *count += 1;
            }
        }
        self.compare(shot, label, answer.verdict);
    }

    fn compare(&mut self, shot: &Shot, label: Label, verdict: Verdict) {
        let Label { kind, stop, disguise } = label;
        let stopped = verdict != Verdict::Allow;
        self.kinds.entry(kind).or_default().add(stop, stopped);
        if stop {
            self.disguises.entry(disguise).or_default().add(stop, stopped);
        }
        let missed = self.missed.entry((kind, stop)).or_default();
        if stop != stopped && missed.len() < MISSED_MAX {
            let text = text(shot);
            if missed.iter().all(|known| known.text != text) {
                let (kind, disguise) = (kind.name(), disguise.name());
                missed.push(Missed { kind, disguise, verdict: verdict.name(), text });
            }
        }
    }

    /// What this second brought; the next begins.
    pub(super) fn second(&mut self, elapsed: Duration) -> Second {
        let times = std::mem::take(&mut self.second);
        Second {
            elapsed,
            replies: times.count,
            latency: times.latency(),
            verdicts: std::mem::take(&mut self.second_verdicts),
            invalid: self.invalid,
            unanswered: self.unanswered.values().sum(),
            late: self.late,
        }
    }

    /// The end: what came of it all, and of how many connections at a time.
    pub(super) fn report(self, elapsed: Duration, connections_max: u32) -> Report {
        let reasons = self.reasons.iter().map(|(why, count)| (why.to_string(), *count));
        let unanswered = self.unanswered.iter().map(|(why, count)| ((*why).to_owned(), *count));
        let row = |name: &'static str, found: &Found| Row::new(name, *found);
        let mut all = Found::default();
        self.kinds.values().for_each(|found| all.merge(*found));
        let [allow, mask, deny, discard] = self.verdicts;
        Report {
            seconds: elapsed.as_secs_f64(),
            requests: self.requests,
            rate: super::report::ratio(self.times.count, 1) / elapsed.as_secs_f64().max(1e-9),
            replies: Replies { allow, mask, deny, discard, all: self.times.count },
            latency: self.times.latency(),
            invalid: self.invalid,
            unanswered: self.unanswered.values().sum(),
            late: self.late,
            reconnects: self.connections.saturating_sub(u64::from(connections_max)),
            reasons: reasons.chain(unanswered).collect(),
            all: Row::new("all", all),
            kinds: self.kinds.iter().map(|(kind, found)| row(kind.name(), found)).collect(),
            disguises: self
                .disguises
                .iter()
                .map(|(disguise, found)| row(disguise.name(), found))
                .collect(),
            missed: self.missed.into_values().flatten().collect(),
        }
    }
}

/// What a person would read, element by element.
fn text(shot: &Shot) -> String {
    let read = |element: &Value| {
        let content = element.get("MsgContent");
        let text = |key| content.and_then(|content| content.get(key)).and_then(Value::as_str);
        text("Text").or(text("Data")).unwrap_or_default().to_owned()
    };
    let elements = shot.body.get("MsgBody").and_then(Value::as_array);
    let texts: Vec<String> = elements.into_iter().flatten().map(read).collect();
    texts.join(" | ")
}

/// Durations in microseconds, told apart to about three percent.
#[derive(Debug, Default)]
struct Histogram {
    counts: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Histogram {
    fn add(&mut self, took: Duration) {
        let bucket = bucket(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.count += 1;
        self.max = self.max.max(took);
    }

    fn latency(&self) -> Latency {
        let at = |percent: u64| {
            let rank = (self.count * percent).div_ceil(100);
            let mut passed = 0;
            let reaches = |count: &u64| {
                passed += count;
                passed >= rank
            };
            let bucket = self.counts.iter().position(reaches).unwrap_or(0);
            Duration::from_micros(upper(bucket)).min(self.max).as_secs_f64() * 1e3
        };
        Latency {
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            max_ms: self.max.as_secs_f64() * 1e3,
        }
    }
}

/// 64 buckets of one microsecond, then 32 for each doubling.
fn bucket(us: u64) -> usize {
    let doublings = us.max(1).ilog2().saturating_sub(5);
    let within = us >> doublings;
    usize::try_from(u64::from(doublings) * 32 + within).unwrap_or(usize::MAX)
}

/// The largest number in a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let doublings = (bucket / 32).saturating_sub(1);
    ((bucket - doublings * 32 + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::{bucket, upper};

    #[test]
    fn buckets_follow_one_another_and_are_narrow() {
        for us in (0..100_000).chain([1 << 30, 1 << 36]) {
            let (low, high) = (upper(bucket(us).saturating_sub(1)), upper(bucket(us)));
            assert!(us <= high && (us == 0 || us > low), "{us}: {low}..={high}");
            assert!(high - us <= us / 32 + 1, "{us}: {high}");
        }
    }
}
