use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Metrics, Mode, Outcome, Stage};

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.render().unwrap()).unwrap()
}

fn has(metrics: &Metrics, line: &str) -> bool {
    text(metrics).lines().any(|found| found == line)
}

#[test]
fn the_shards_are_summed() {
    let metrics = Metrics::new(2, &["unknown", "One"]).unwrap();
    for (shard, times) in metrics.shards().iter().zip([2, 3]) {
        for _ in 0..times {
            shard.callback(1, Outcome::Deny);
            shard.fault(Stage::Decode);
            shard.request.observe_ns(60_000);
        }
    }
    metrics.shards()[0].request.observe_ns(3_000_000_000);
    for line in [
        "quell_callbacks_total{command=\"One\",outcome=\"deny\"} 5",
        "quell_faults_total{stage=\"decode\"} 5",
        "quell_faults_total{stage=\"body\"} 0",
        "quell_request_seconds_bucket{le=\"0.00005\"} 0",
        "quell_request_seconds_bucket{le=\"0.0001\"} 5",
        "quell_request_seconds_bucket{le=\"2\"} 5",
        "quell_request_seconds_bucket{le=\"+Inf\"} 6",
        "quell_request_seconds_count 6",
        "quell_request_seconds_sum 3.0003",
    ] {
        assert!(has(&metrics, line), "{line}\n{}", text(&metrics));
    }
}

#[test]
fn of_the_workers_skews_the_last_counts() {
    let metrics = Metrics::new(2, &[]).unwrap();
    assert_eq!(metrics.signature_skew_s(), None);
    let begun = Instant::now();
    // The clock was wrong, was set right, and went wrong the other way.
    for (second, worker, skew) in [(0, 0, 45), (1, 1, 0), (2, 0, -20), (2, 0, 0)] {
        metrics.shards()[worker].note_skew(begun + Duration::from_secs(second), skew);
        assert!(has(&metrics, &format!("quell_signature_skew_seconds {skew}")), "{skew}");
    }
}

#[test]
fn a_rules_series_lives_as_long_as_its_rule() {
    let metrics = Metrics::new(2, &[]).unwrap();
    let (one, two): (Arc<str>, Arc<str>) = (Arc::from("one"), Arc::from("two"));
    let before = metrics.rules([(&one, Mode::Enforce), (&two, Mode::Shadow)]);
    before.hit("one", Mode::Enforce, 0);
    before.hit("two", Mode::Shadow, 1);
    before.fault("two", 1);
    before.hit("unheard of", Mode::Enforce, 0);
    before.hit("one", Mode::Enforce, 99);
    assert!(has(&metrics, "quell_rule_hits_total{rule=\"two\",mode=\"shadow\"} 1"));
    assert!(has(&metrics, "quell_rule_faults_total{rule=\"two\"} 1"));
    let after = metrics.rules([(&one, Mode::Enforce)]);
    after.hit("one", Mode::Enforce, 1);
    // A request that began with the rules from before.
    before.hit("two", Mode::Shadow, 0);
    assert!(has(&metrics, "quell_rule_hits_total{rule=\"one\",mode=\"enforce\"} 2"));
    assert!(!text(&metrics).contains("two"));
}

/// What a linter of Prometheus metrics would say.
#[test]
fn names_and_help_are_as_prometheus_wants_them() {
    let metrics = Metrics::new(1, &["unknown"]).unwrap();
    let rule: Arc<str> = Arc::from("one");
    metrics.rules([(&rule, Mode::Enforce)]).hit("one", Mode::Enforce, 0);
    metrics.listener("callbacks").accepted.inc();
    metrics.note_rulebook("abc", 1, 1);
    metrics.shards()[0].callback(0, Outcome::Observed);
    let text = text(&metrics);
    let mut families = 0;
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP quell_") {
            let (_, help) = help.split_once(' ').unwrap();
            assert!(help.ends_with('.') && help.len() > 15, "{line}");
        }
        let Some(family) = line.strip_prefix("# TYPE quell_") else { continue };
        families += 1;
        let (name, kind) = family.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{line}");
        assert!(text.contains(&format!("# HELP quell_{name} ")), "{line}");
    }
    assert!(families > 10, "not all were looked at: {text}");
}

#[test]
fn one_revision_at_a_time() {
    let metrics = Metrics::new(1, &[]).unwrap();
    metrics.note_rulebook("first", 1, 1);
    metrics.note_rulebook("second", 2, 2);
    assert!(has(&metrics, "quell_rules_info{revision=\"second\"} 1"));
    assert!(!text(&metrics).contains("first"));
}
