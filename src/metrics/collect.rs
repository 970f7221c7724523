//! Summing the workers' shards when somebody scrapes.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use super::shard::{Class, JUDGE_SAMPLE, Oddity, Outcome, Refused, Shard, Stage, Timing};

const NANOSECONDS: f64 = 1e9;
const VERDICTS: [&str; 4] = ["allow", "mask", "deny", "discard"];

/// Writes the sum of all shards.
#[derive(Debug)]
pub(super) struct ShardCollector {
    shards: Arc<[Shard]>,
    commands: Box<[&'static str]>,
    families: Vec<Desc>,
}

const CALLBACKS: (&str, &str) =
    ("quell_callbacks_total", "Callbacks answered, by command and by what was answered.");
const VERDICT: (&str, &str) = (
    "quell_verdicts_total",
    "Verdicts on single messages, before what the platform cannot do is replaced.",
);
const FAULTS: (&str, &str) =
    ("quell_faults_total", "What kept requests or rules from being judged, by stage.");
const REFUSED: (&str, &str) =
    ("quell_refused_total", "Requests refused before anything was judged, by reason.");
const FALLBACKS: (&str, &str) = (
    "quell_fallbacks_total",
    "Callbacks answered with the configured fallback, by what kind of callback it was.",
);
const ODDITIES: (&str, &str) = (
    "quell_oddities_total",
    "Callbacks judged and answered in spite of something odd about them, by what it was.",
);
const REQUEST: (&str, &str) = (
    "quell_request_seconds",
    "Time from a request's head to its reply, waiting for its body included.",
);
const JUDGE: (&str, &str) = (
    "quell_judge_seconds",
    "Time to decode and judge one callback and to write its reply; one callback in 16 is measured.",
);
const SKEW: (&str, &str) = (
    "quell_signature_skew_seconds",
    "By how much this machine's clock was ahead of the one that signed the last callback.",
);
const _: () = assert!(JUDGE_SAMPLE == 16, "the help text above says so");

impl ShardCollector {
    pub(super) fn new(shards: Arc<[Shard]>, commands: &[&'static str]) -> prometheus::Result<Self> {
        let families = [
            (CALLBACKS, &["command", "outcome"][..]),
            (VERDICT, &["verdict"]),
            (FAULTS, &["stage"]),
            (REFUSED, &["reason"]),
            (FALLBACKS, &["class"]),
            (ODDITIES, &["oddity"]),
            (REQUEST, &[]),
            (JUDGE, &[]),
            (SKEW, &[]),
        ];
        let families = families
            .into_iter()
            .map(|((name, help), labels)| {
                let labels = labels.iter().map(|&label| label.to_owned()).collect();
                Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
            })
            .collect::<prometheus::Result<_>>()?;
        Ok(Self { shards, commands: commands.into(), families })
    }

    fn sum(&self, read: impl Fn(&Shard) -> u64) -> u64 {
        self.shards.iter().map(read).fold(0, u64::wrapping_add)
    }

    /// One counter for each value of a label.
    fn by_label(
        &self,
        family: (&str, &str),
        label: &str,
        values: &[&str],
        read: impl Fn(&Shard, usize) -> u64,
    ) -> MetricFamily {
        let series = values
            .iter()
            .enumerate()
            .map(|(index, value)| counter(&[(label, value)], self.sum(|shard| read(shard, index))));
        counter_family(family, series.collect())
    }

    /// Only the pairs that have happened: most commands have one outcome.
    fn callbacks(&self) -> MetricFamily {
        let mut series = Vec::new();
        for (command, name) in self.commands.iter().enumerate() {
            for (outcome, outcome_name) in Outcome::NAMES.iter().enumerate() {
                let count = self.sum(|shard| {
                    shard.callbacks.get(command).map_or(0, |counts| counts.get(outcome))
                });
                if count > 0 {
                    series.push(counter(&[("command", name), ("outcome", outcome_name)], count));
                }
            }
        }
        counter_family(CALLBACKS, series)
    }

    fn histogram(&self, family: (&str, &str), timing: impl Fn(&Shard) -> &Timing) -> MetricFamily {
        let bounds = self.shards.first().map_or(&[][..], |shard| timing(shard).bounds_ns);
        let mut count = 0_u64;
        let mut buckets = Vec::with_capacity(bounds.len());
        for (index, bound) in bounds.iter().enumerate() {
            count = count.wrapping_add(self.sum(|shard| timing(shard).buckets.get(index)));
            let mut bucket = Bucket::default();
            bucket.set_cumulative_count(count);
            bucket.set_upper_bound(float(*bound) / NANOSECONDS);
            buckets.push(bucket);
        }
        count = count.wrapping_add(self.sum(|shard| timing(shard).buckets.get(bounds.len())));
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(count);
        histogram.set_sample_sum(float(self.sum(|shard| timing(shard).sum_ns.get())) / NANOSECONDS);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        self::family(family, MetricType::HISTOGRAM, vec![metric])
    }
}

impl Collector for ShardCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.families.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = vec![
            self.by_label(VERDICT, "verdict", &VERDICTS, |shard, i| shard.verdicts.get(i)),
            self.by_label(FAULTS, "stage", &Stage::NAMES, |shard, i| shard.faults.get(i)),
            self.by_label(REFUSED, "reason", &Refused::NAMES, |shard, i| shard.refused.get(i)),
            self.by_label(FALLBACKS, "class", &Class::NAMES, |shard, i| shard.fallbacks.get(i)),
            self.by_label(ODDITIES, "oddity", &Oddity::NAMES, |shard, i| shard.oddities.get(i)),
            self.histogram(REQUEST, |shard| &shard.request),
            self.histogram(JUDGE, |shard| &shard.judge),
        ];
        let callbacks = self.callbacks();
        // The crate treats a family without series as an error.
        if !callbacks.get_metric().is_empty() {
            families.push(callbacks);
        }
        families.extend(skew(&self.shards).map(gauge));
        families
    }
}

/// The skew noted last. An older one may be from before somebody set the clock right.
pub(super) fn skew(shards: &[Shard]) -> Option<i64> {
    shards.iter().filter_map(Shard::skew).max().map(|(_, seconds)| seconds)
}

fn gauge(skew_s: i64) -> MetricFamily {
    let mut gauge = Gauge::default();
    gauge.set_value(if skew_s < 0 {
        -float(skew_s.unsigned_abs())
    } else {
        float(skew_s.unsigned_abs())
    });
    let mut metric = Metric::default();
    metric.set_gauge(gauge);
    family(SKEW, MetricType::GAUGE, vec![metric])
}

pub(super) fn counter(labels: &[(&str, &str)], value: u64) -> Metric {
    let labels = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    let mut counter = Counter::default();
    counter.set_value(float(value));
    let mut metric = Metric::from_label(labels.collect());
    metric.set_counter(counter);
    metric
}

pub(super) fn counter_family(family: (&str, &str), series: Vec<Metric>) -> MetricFamily {
    self::family(family, MetricType::COUNTER, series)
}

fn family((name, help): (&str, &str), kind: MetricType, series: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(series);
    family
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "Prometheus' numbers are floats; counts are exact up to 2^53"
)]
fn float(value: u64) -> f64 {
    value as f64
}
