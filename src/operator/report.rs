//! What the operator API says, in JSON.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::Parts;
use crate::reload::{Outcome, Rejected, Status};
use crate::rulebook::{Rulebook, Timestamp};

/// `GET /status`.
pub(super) fn status(parts: &Parts) -> Value {
    let status = parts.reloads.status();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": parts.ready.load(Ordering::Relaxed),
        "callbacks": parts.callbacks,
        "revision": &*status.revision,
        "rules": status.rules,
        "since": time(status.since),
        "signature_skew_seconds": parts.metrics.signature_skew_s(),
        "warnings": &*status.warnings,
        "rejected": status.rejected.as_ref().map(rejected),
    })
}

/// `GET /rules`.
pub(super) fn rules(rulebook: &Rulebook) -> Value {
    let rules: Vec<Value> = rulebook
        .rules()
        .iter()
        .map(|rule| {
            json!({
                "id": &*rule.id,
                "title": &*rule.title,
                "mode": rule.mode,
                "verdict": rule.verdict.map_or("exempt", |verdict| verdict.name()),
                "category": &*rule.category,
                "rollout": rule.rollout,
                "benched": rule.benched,
                "file": &*rule.file,
                "line": rule.line,
            })
        })
        .collect();
    json!({ "revision": &**rulebook.revision(), "rules": rules })
}

/// `POST /rules/reload`: whether the files are in use, and the body.
pub(super) fn outcome(outcome: &Outcome, status: &Status) -> (bool, Value) {
    let (name, found) = match outcome {
        Outcome::Applied => ("applied", &status.warnings),
        Outcome::Unchanged => ("unchanged", &status.warnings),
        Outcome::Rejected(errors) => ("rejected", errors),
    };
    let body = json!({
        "outcome": name,
        "revision": &*status.revision,
        "rules": status.rules,
        "diagnostics": &**found,
    });
    (name != "rejected", body)
}

fn rejected(rejected: &Rejected) -> Value {
    json!({ "when": time(rejected.when), "diagnostics": &*rejected.diagnostics })
}

fn time(time: Timestamp) -> Option<String> {
    jiff::Timestamp::from_second(time.0).ok().map(|time| time.to_string())
}
