//! Where a rule looks: `on` and `scope`.

use super::twice;
use crate::message::Kind;
use crate::rulebook::diagnostic::Sink;
use crate::rulebook::source::{BlockSource, RuleSource, ScopeSource};
use crate::rulebook::table::At;

/// The fields that may hold JSON, and the kinds that have them.
const DOCUMENTS: [(&str, &[Kind]); 4] = [
    ("Data", &[Kind::Custom, Kind::Face]),
    ("Ext", &[Kind::Custom]),
    ("Desc", &[Kind::Custom, Kind::Location]),
    ("CloudCustomData", &[Kind::CloudCustomData]),
];

/// Kinds that may hold fields of any other.
const ANYTHING: [Kind; 3] = [Kind::Relay, Kind::Unknown, Kind::Gift];

pub(super) fn lint(rule: &RuleSource, sink: &mut Sink) {
    if let Some(on) = &rule.on {
        twice(on, "kind", sink);
    }
    for (_, names) in parts(&rule.scope) {
        twice(names, "name", sink);
    }
    elsewhere(&rule.scope, sink);
    if let Some(when) = &rule.when {
        json(rule, when, sink);
        for block in when.all.iter().chain(&when.any).chain(&when.unless) {
            json(rule, block, sink);
        }
    }
}

/// Is every message in scope?
pub(super) fn is_open(scope: &ScopeSource) -> bool {
    parts(scope).iter().all(|(_, names)| names.is_empty())
}

/// All parts of a scope with their keys.
pub(super) fn parts(scope: &ScopeSource) -> [(&'static str, &[At<String>]); 13] {
    [
        ("conversations", &scope.conversations),
        ("group_types", &scope.group_types),
        ("except_group_types", &scope.except_group_types),
        ("groups", &scope.groups),
        ("except_groups", &scope.except_groups),
        ("senders", &scope.senders),
        ("except_senders", &scope.except_senders),
        ("operators", &scope.operators),
        ("except_operators", &scope.except_operators),
        ("platforms", &scope.platforms),
        ("except_platforms", &scope.except_platforms),
        ("networks", &scope.networks),
        ("except_networks", &scope.except_networks),
    ]
}

/// Groups, in a scope without groups.
fn elsewhere(scope: &ScopeSource, sink: &mut Sink) {
    let conversations = &scope.conversations;
    let groupless = |at: &At<String>| matches!(at.value.as_str(), "direct" | "official");
    if conversations.is_empty() || !conversations.iter().all(groupless) {
        return;
    }
    for (key, names) in [("group_types", &scope.group_types), ("groups", &scope.groups)] {
        if let Some(first) = names.first() {
            let what = format!("`{key}` is named, but no group is in scope");
            sink.warn(&first.place, "never-fires", what)
                .label("the rule never fires")
                .help("add \"group\" to `conversations`, or leave this out");
        }
    }
}

/// Values of JSON in fields that the rule does not look at, or that no message has.
fn json(rule: &RuleSource, block: &BlockSource, sink: &mut Sink) {
    for test in &block.json {
        let field = test.path.value.split('.').next().unwrap_or_default();
        let kinds: Option<Vec<Kind>> = rule
            .on
            .as_ref()
            .map(|on| on.iter().filter_map(|at| Kind::from_name(&at.value)).collect());
        let anything =
            kinds.as_ref().is_some_and(|kinds| ANYTHING.iter().any(|any| kinds.contains(any)));
        if anything {
            continue;
        }
        let Some((_, holders)) = DOCUMENTS.iter().find(|(name, _)| *name == field) else {
            let names: Vec<&str> = DOCUMENTS.iter().map(|(name, _)| *name).collect();
            let what = format!("no message has JSON in a field `{field}`");
            sink.warn(&test.path.place, "never-fires", what)
                .label("never holds")
                .help(crate::rulebook::diagnostic::suggest(field, names));
            continue;
        };
        if kinds.is_some_and(|kinds| !holders.iter().any(|holder| kinds.contains(holder))) {
            let names: Vec<String> = holders.iter().map(|kind| format!("\"{kind}\"")).collect();
            let what = format!("`{field}` is not in the elements that this rule looks at");
            sink.warn(&test.path.place, "not-looked-at", what)
                .help(format!("add {} to `on`", names.join(" or ")));
        }
    }
}
