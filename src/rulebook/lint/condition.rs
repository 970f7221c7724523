//! What a rule looks for: parts that never or always hold, parts named twice, costly ones.

use std::collections::BTreeSet;

use super::{place, twice};
use crate::rulebook::diagnostic::Sink;
use crate::rulebook::source::{BlockSource, BoundsSource, RuleSource, TimeSource};
use crate::rulebook::table::At;

/// What a script costs that runs on a message, for people; from the bench `judge`.
const SCRIPT_COST: &str = "about 2.6 µs for each message";

pub(super) fn lint(rule: &RuleSource, gated: &dyn Fn(&str) -> bool, sink: &mut Sink) {
    let open = place::is_open(&rule.scope) && rule.on.is_none();
    if open && rule.when.as_ref().is_none_or(is_idle) {
        let what = format!("rule `{}` fires on every message", rule.id.value);
        sink.warn(&rule.id.place, "always-fires", what)
            .help("limit it with `when`, `scope` or `on`");
    }
    let Some(when) = &rule.when else { return };
    for inner in std::iter::once(when).chain(&when.all).chain(&when.any).chain(&when.unless) {
        repeated(inner, sink);
        idle(inner, sink);
        impossible(inner, sink);
    }
    for (key, blocks) in [("all", &when.all), ("any", &when.any), ("unless", &when.unless)] {
        let mut seen = BTreeSet::new();
        for block in blocks.iter().filter(|block| !seen.insert(fingerprint(block))) {
            let what = format!("two tables of `{key}` say the same");
            sink.warn(&block.place, "duplicate", what).help("remove one of them");
        }
    }
    lengths(when, sink);
    contradiction(when, sink);
    costly(rule, when, gated, sink);
}

/// A text that is the same for blocks that say the same.
pub(super) fn fingerprint(block: &BlockSource) -> String {
    let sorted = |names: &[At<String>]| -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(|at| at.value.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let word = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone());
    let number = |at: &Option<At<f64>>| at.as_ref().map(|at| at.value);
    let range = |bounds: &Option<BoundsSource>| {
        bounds.as_ref().map(|bounds| (bounds.min, bounds.max, sorted(&bounds.kinds)))
    };
    let links = block.links.as_ref().map(|at| {
        let files = (sorted(&at.hosts_files), sorted(&at.except_hosts_files));
        (sorted(&at.hosts), sorted(&at.except_hosts), files)
    });
    let time = block
        .time
        .as_ref()
        .map(|time| (word(&time.from), word(&time.to), sorted(&time.days), word(&time.zone)));
    let json: Vec<_> = block
        .json
        .iter()
        .map(|test| {
            let compared = (number(&test.above), number(&test.below));
            (test.path.value.clone(), sorted(&test.is), word(&test.regex), compared)
        })
        .collect();
    let inner = |blocks: &[BlockSource]| blocks.iter().map(fingerprint).collect::<Vec<_>>();
    let text = (sorted(&block.lists), sorted(&block.regex), sorted(&block.writing), links);
    let counts = (range(&block.length), range(&block.elements), range(&block.mentions));
    let contact = block.contact_number.as_ref().map(|at| at.value);
    let blocks = (inner(&block.all), inner(&block.any), inner(&block.unless));
    format!("{:?}", (text, counts, contact, time, json, word(&block.script), blocks))
}

fn repeated(block: &BlockSource, sink: &mut Sink) {
    twice(&block.lists, "list", sink);
    twice(&block.regex, "pattern", sink);
    twice(&block.writing, "writing system", sink);
    if let Some(links) = &block.links {
        twice(&links.hosts, "host", sink);
        twice(&links.except_hosts, "host", sink);
        twice(&links.hosts_files, "file", sink);
        twice(&links.except_hosts_files, "file", sink);
        let excepted = |at: &&At<String>| links.except_hosts.iter().any(|e| e.value == at.value);
        for both in links.hosts.iter().filter(excepted) {
            let what = format!("`{}` is both named and excepted", both.value);
            sink.error(&both.place, "contradiction", what).help("keep one of the two");
        }
    }
    if let Some(time) = &block.time {
        twice(&time.days, "day", sink);
    }
    for test in &block.json {
        twice(&test.is, "value", sink);
    }
}

/// Does the part hold for every message?
fn is_unbounded(bounds: &BoundsSource) -> bool {
    bounds.min.unwrap_or(0) == 0 && bounds.max.is_none()
}

/// Is the window always open?
fn is_always(time: &TimeSource) -> bool {
    let clock = |at: &Option<At<String>>| {
        at.as_ref().map_or_else(|| "00:00".to_owned(), |at| at.value.clone())
    };
    let mut days: Vec<&str> = time.days.iter().map(|at| at.value.as_str()).collect();
    days.sort_unstable();
    days.dedup();
    clock(&time.from) == clock(&time.to) && matches!(days.len(), 0 | 7)
}

/// Parts that say nothing.
fn idle(block: &BlockSource, sink: &mut Sink) {
    let counted =
        [("length", &block.length), ("elements", &block.elements), ("mentions", &block.mentions)];
    for (key, bounds) in counted {
        if let Some(bounds) = bounds.as_ref().filter(|bounds| is_unbounded(bounds)) {
            let what = format!("this `{key}` holds for every message");
            sink.warn(&bounds.place, "always-holds", what)
                .help("give it a `min` above 0 or a `max`, or leave it out");
        }
    }
    if let Some(time) = block.time.as_ref().filter(|time| is_always(time)) {
        let what = "this time window is open all the time".to_owned();
        sink.warn(&time.place, "always-holds", what)
            .help("a window opens at `from` and closes at `to`; they must differ");
    }
}

/// Does the block hold for every message, whatever is in it?
fn is_idle(block: &BlockSource) -> bool {
    !finds(block)
        && [&block.length, &block.elements, &block.mentions]
            .iter()
            .all(|bounds| bounds.as_ref().is_none_or(is_unbounded))
        && block.time.as_ref().is_none_or(is_always)
        && block.contact_number.is_none()
        && block.json.is_empty()
        && block.script.is_none()
        && block.any.is_empty()
        && block.unless.is_empty()
        && block.all.iter().all(is_idle)
}

/// Does it need something to be in the text?
fn finds(block: &BlockSource) -> bool {
    !block.lists.is_empty()
        || !block.regex.is_empty()
        || !block.writing.is_empty()
        || block.links.is_some()
        || block.contact_number.as_ref().is_some_and(|at| at.value)
}

fn impossible(block: &BlockSource, sink: &mut Sink) {
    if let Some(length) = &block.length
        && let Some(max) = length.max
    {
        let mentions = block.mentions.as_ref().and_then(|bounds| bounds.min).unwrap_or(0);
        if max == 0 && finds(block) {
            let what = "a text without characters has nothing in it to find".to_owned();
            sink.warn(&length.place, "never-fires", what)
                .label("never holds together with the rest")
                .help("raise `max`, or remove the other conditions");
        } else if mentions > max / 2 {
            let what = format!("{mentions} mentions do not fit into {max} characters");
            sink.warn(&length.place, "never-fires", what)
                .label("never holds together with `mentions`")
                .help("a mention has at least two characters; raise `max`");
        }
    }
    for test in &block.json {
        if let (Some(above), Some(below)) = (&test.above, &test.below)
            && above.value >= below.value
        {
            let what = format!("nothing is above {} and below {}", above.value, below.value);
            sink.warn(&above.place, "never-fires", what)
                .label("never holds")
                .help("swap the two numbers, or use two rules");
        }
    }
}

/// Lengths that exclude each other, in the tables of `all`.
fn lengths(when: &BlockSource, sink: &mut Sink) {
    let lengths: Vec<&BoundsSource> =
        std::iter::once(when).chain(&when.all).filter_map(|block| block.length.as_ref()).collect();
    let min = lengths.iter().filter_map(|bounds| bounds.min).max().unwrap_or(0);
    let max = lengths.iter().filter_map(|bounds| bounds.max).min().unwrap_or(i64::MAX);
    if lengths.len() > 1
        && min > max
        && let Some(last) = lengths.last()
    {
        let what = format!("no text has both {min} characters or more and {max} or fewer");
        sink.warn(&last.place, "never-fires", what)
            .label("never holds together with the other `length`")
            .help("keep one of the two, or use `any` in place of `all`");
    }
}

/// Is all of `inner` among `outer`?
pub(super) fn within(inner: &[At<String>], outer: &[At<String>]) -> bool {
    inner.iter().all(|at| outer.iter().any(|other| other.value == at.value))
}

/// How many conditions a block names.
pub(super) fn part_count(block: &BlockSource) -> usize {
    [
        !block.lists.is_empty(),
        !block.regex.is_empty(),
        !block.writing.is_empty(),
        !block.json.is_empty(),
        !block.all.is_empty(),
        !block.any.is_empty(),
        !block.unless.is_empty(),
        block.contact_number.is_some(),
        block.links.is_some(),
        block.length.is_some(),
        block.elements.is_some(),
        block.mentions.is_some(),
        block.time.is_some(),
        block.script.is_some(),
    ]
    .into_iter()
    .filter(|named| *named)
    .count()
}

/// Things both looked for and excluded.
fn contradiction(when: &BlockSource, sink: &mut Sink) {
    for unless in when.unless.iter().filter(|unless| part_count(unless) == 1) {
        let parts = [("list", &when.lists, &unless.lists), ("pattern", &when.regex, &unless.regex)];
        for (what, wanted, excluded) in parts {
            if let Some(at) = wanted.first().filter(|_| within(wanted, excluded)) {
                let message = format!("{what} `{}` is both looked for and excluded", at.value);
                sink.warn(&at.place, "never-fires", message)
                    .label("`unless` names it too")
                    .help("the rule never fires; remove it here or there");
            }
        }
    }
}

/// Patterns and scripts that have to be tried on every message.
fn costly(rule: &RuleSource, when: &BlockSource, gated: &dyn Fn(&str) -> bool, sink: &mut Sink) {
    let bounded =
        |bounds: &Option<BoundsSource>| bounds.as_ref().is_some_and(|bounds| !is_unbounded(bounds));
    let narrowed = !when.lists.is_empty()
        || when.contact_number.is_some()
        || when.links.is_some()
        || bounded(&when.length)
        || bounded(&when.elements)
        || bounded(&when.mentions)
        || !when.writing.is_empty()
        || when.time.is_some()
        || !when.json.is_empty()
        || !when.all.is_empty();
    if !narrowed && place::is_open(&rule.scope) {
        let patterns = when.regex.iter().chain(when.any.iter().flat_map(|block| &block.regex));
        for at in patterns.filter(|at| !gated(&at.value)) {
            let what = "this pattern is tried on every message in scope".to_owned();
            sink.warn(&at.place, "no-literal", what)
                .label("no letters or digits that must be there")
                .help(
                    "limit the rule with `scope`, `length` or `lists`, or write a word that each \
                     match contains into the pattern",
                );
        }
    }
    if let Some(at) = &when.script
        && !narrowed
        && when.regex.is_empty()
        && when.any.is_empty()
    {
        let what = format!("this script runs on every message in scope: {SCRIPT_COST}");
        sink.warn(&at.place, "script-alone", what)
            .help("add a condition that must hold first, such as `when.lists` or `when.length`");
    }
}
