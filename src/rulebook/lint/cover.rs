//! Rules that make no difference, because another one fires whenever they do and does as much.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::{fingerprint, part_count, within};
use super::place;
use crate::rulebook::Timestamp;
use crate::rulebook::diagnostic::Sink;
use crate::rulebook::list;
use crate::rulebook::source::{
    Action, BlockSource, BoundsSource, FileSource, Mode, RuleSource, ThenSource,
};
use crate::rulebook::table::At;
use crate::verdict::Verdict;

/// A rule is compared with at most so many others that share a condition with it: enough for
/// rules that people write, and bounded for ten thousand that a program wrote.
const COMPARED_MAX: usize = 64;

/// Warns about each rule that another one covers.
pub(super) fn lint(files: &[(Arc<str>, FileSource)], now: Timestamp, sink: &mut Sink) {
    let rules: Vec<&RuleSource> = files
        .iter()
        .flat_map(|(_, file)| &file.rules)
        .filter(|rule| rule.mode == Mode::Enforce && rule.rollout == 100 && lasts(rule, now))
        .collect();
    // By each value of which one must be there.
    let mut by_value: BTreeMap<String, Vec<&RuleSource>> = BTreeMap::new();
    for rule in &rules {
        for value in values(rule) {
            let sharing = by_value.entry(value).or_default();
            if sharing.len() < COMPARED_MAX {
                sharing.push(rule);
            }
        }
    }
    for rule in &rules {
        let Some(value) = values(rule).into_iter().next() else { continue };
        let others = by_value.get(&value).into_iter().flatten();
        let cover = others.filter(|other| other.id.value != rule.id.value).find(|other| {
            covers(other, rule) && (!covers(rule, other) || other.id.value < rule.id.value)
        });
        if let Some(cover) = cover {
            let what = format!("rule `{}` changes nothing", rule.id.value);
            sink.warn(&rule.id.place, "covered", what)
                .label(format!("`{}` fires whenever this does", cover.id.value))
                .help(format!(
                    "`{}` in {} looks for the same or more, and is at least as severe; remove this rule, or make it differ",
                    cover.id.value, cover.id.place.file
                ));
        }
    }
}

fn lasts(rule: &RuleSource, now: Timestamp) -> bool {
    let end = rule.until.as_ref().and_then(|until| list::day(&until.value));
    rule.until.is_none() || end.is_some_and(|end| end > now)
}

/// Names of what the rule needs to find, one of each sort.
fn values(rule: &RuleSource) -> Vec<String> {
    let Some(when) = &rule.when else { return Vec::new() };
    let named = |sort: &str, names: &[At<String>]| -> Vec<String> {
        names.iter().map(|at| format!("{sort} {}", at.value)).collect()
    };
    let mut values = named("list", &when.lists);
    values.extend(named("regex", &when.regex));
    values.extend(when.links.iter().map(|_| "links".to_owned()));
    values.extend(when.contact_number.iter().map(|at| format!("contact {}", at.value)));
    values
}

/// Does `other` fire whenever `rule` does, and make what that does meaningless?
fn covers(other: &RuleSource, rule: &RuleSource) -> bool {
    let (Some(wide), Some(narrow)) = (&other.when, &rule.when) else { return false };
    outdoes(&other.then, &rule.then)
        && other.level <= rule.level
        && (other.until.is_none() || same(other.until.as_ref(), rule.until.as_ref()))
        && other
            .on
            .as_ref()
            .is_none_or(|wide| rule.on.as_ref().is_some_and(|narrow| within(narrow, wide)))
        && contains(other, rule)
        && implies(narrow, wide)
}

fn same<T: PartialEq>(a: Option<&At<T>>, b: Option<&At<T>>) -> bool {
    a.map(|at| &at.value) == b.map(|at| &at.value)
}

/// Is everything that `rule` does lost in what `other` does?
fn outdoes(other: &ThenSource, rule: &ThenSource) -> bool {
    let (Action::Verdict(severe), Action::Verdict(mild)) = (other.action, rule.action) else {
        return false;
    };
    // A rule that allows is there for its evidence, its score or its flag.
    let moot = severe > mild
        || severe == mild
            && (rule.code.is_none() || same(other.code.as_ref(), rule.code.as_ref()))
            && (rule.notice.is_none() || same(other.notice.as_ref(), rule.notice.as_ref()));
    mild != Verdict::Allow && rule.score == 0 && (other.flag || !rule.flag) && moot
}

/// Is every message in scope of `rule` in scope of `other`? Each part must be left open by
/// `other` or name the same.
fn contains(other: &RuleSource, rule: &RuleSource) -> bool {
    place::parts(&other.scope).iter().zip(place::parts(&rule.scope)).all(
        |((key, wide), (_, narrow))| {
            if key.starts_with("except_") {
                within(wide, narrow)
            } else {
                wide.is_empty() || !narrow.is_empty() && within(narrow, wide)
            }
        },
    )
}

/// Does `wide` hold whenever `narrow` does?
fn implies(narrow: &BlockSource, wide: &BlockSource) -> bool {
    if fingerprint(narrow) == fingerprint(wide) {
        return true;
    }
    let some = |narrow: &[At<String>], wide: &[At<String>]| {
        wide.is_empty() || !narrow.is_empty() && within(narrow, wide)
    };
    let range = |narrow: &Option<BoundsSource>, wide: &Option<BoundsSource>| match (narrow, wide) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(narrow), Some(wide)) => {
            narrow.min.unwrap_or(0) >= wide.min.unwrap_or(0)
                && narrow.max.unwrap_or(i64::MAX) <= wide.max.unwrap_or(i64::MAX)
        }
    };
    let any_link = wide.links.as_ref().is_none_or(|at| {
        let names = [&at.hosts, &at.hosts_files, &at.except_hosts, &at.except_hosts_files];
        narrow.links.is_some() && names.iter().all(|names| names.is_empty())
    });
    let contact = wide.contact_number.is_none()
        || same(narrow.contact_number.as_ref(), wide.contact_number.as_ref());
    let decided = [
        !wide.lists.is_empty(),
        !wide.regex.is_empty(),
        !wide.writing.is_empty(),
        wide.links.is_some(),
        wide.contact_number.is_some(),
        wide.length.is_some(),
        wide.mentions.is_some(),
    ];
    // What is not compared here must not be there.
    decided.into_iter().filter(|named| *named).count() == part_count(wide)
        && some(&narrow.lists, &wide.lists)
        && some(&narrow.regex, &wide.regex)
        && some(&narrow.writing, &wide.writing)
        && range(&narrow.length, &wide.length)
        && range(&narrow.mentions, &wide.mentions)
        && any_link
        && contact
}
