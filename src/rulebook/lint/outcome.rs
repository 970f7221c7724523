//! What a rule does when it fires: examples, ends, notices, codes, scores.

use std::sync::Arc;

use crate::rulebook::Timestamp;
use crate::rulebook::diagnostic::Sink;
use crate::rulebook::list;
use crate::rulebook::source::{Action, BlockSource, ExampleSource, FileSource, Mode, RuleSource};
use crate::rulebook::table::At;
use crate::verdict::Verdict;

pub(super) fn lint(rule: &RuleSource, now: Timestamp, sink: &mut Sink) {
    examples(rule, sink);
    mask(rule, sink);
    ended(rule, now, sink);
    words(rule, sink);
    idle(rule, sink);
}

fn examples(rule: &RuleSource, sink: &mut Sink) {
    let id = &rule.id;
    let exempts = rule.then.action == Action::Exempt;
    let records = rule.then.action == Action::Verdict(Verdict::Allow);
    if exempts || records {
        return;
    }
    let fires = |example: &&ExampleSource| {
        example.verdict.as_ref().is_some_and(|at| at.value != Verdict::Allow)
    };
    let hits = rule.examples.iter().filter(fires).count();
    if hits == 0 {
        let what = format!("rule `{}` has no example it fires on", id.value);
        sink.warn(&id.place, "no-example", what).help(
            "add [[rule.example]] with text and verdict, so that the rule is tested on every edit",
        );
    } else if hits == rule.examples.len() {
        let what = format!("rule `{}` has no example it must let pass", id.value);
        sink.warn(&id.place, "no-example", what)
            .help("add an ordinary message that is close to it, with verdict = \"allow\"");
    }
}

fn mask(rule: &RuleSource, sink: &mut Sink) {
    let looks_at_text = rule.when.as_ref().is_some_and(finds_text);
    if rule.then.action == Action::Verdict(Verdict::Mask) && !looks_at_text {
        let what = "this rule masks, but finds no words".to_owned();
        sink.error(&rule.id.place, "nothing-to-mask", what)
            .help("give it `lists` or `regex`: what they find is blanked out");
    }
}

fn finds_text(block: &BlockSource) -> bool {
    !block.lists.is_empty()
        || !block.regex.is_empty()
        || block.contact_number.as_ref().is_some_and(|at| at.value)
        || block.links.is_some()
        || block.script.is_some()
        || block.any.iter().chain(&block.all).any(finds_text)
}

fn ended(rule: &RuleSource, now: Timestamp, sink: &mut Sink) {
    let Some(until) = &rule.until else { return };
    if rule.mode != Mode::Off && list::day(&until.value).is_some_and(|end| end <= now) {
        let what = format!("rule `{}` has ended and never fires", rule.id.value);
        sink.warn(&until.place, "ended", what)
            .label("in the past")
            .help("remove the rule, or give it a later date");
    }
}

/// What the client is told.
fn words(rule: &RuleSource, sink: &mut Sink) {
    let then = &rule.then;
    if let Some(at) = &then.notice {
        notice(at, sink);
        if matches!(then.action, Action::Exempt | Action::Verdict(Verdict::Allow)) {
            sink.warn(&at.place, "useless-key", "nobody sees this notice".to_owned()).help(
                "only who is refused is told something; use verdict = \"deny\", or leave it out",
            );
        }
    }
    if then.action == Action::Verdict(Verdict::Deny) {
        bare_code(then.code.as_ref(), then.notice.as_ref(), sink);
    }
}

fn bare_code(code: Option<&At<i64>>, notice: Option<&At<String>>, sink: &mut Sink) {
    if let (Some(code), None) = (code, notice)
        && code.value != 1
    {
        sink.warn(&code.place, "no-notice", "this code comes without a notice".to_owned())
            .label("the client shows a bare number")
            .help("add `notice = \"…\"`, unless the app has words of its own for the code");
    }
}

fn notice(at: &At<String>, sink: &mut Sink) {
    if at.value.trim().is_empty() {
        sink.warn(&at.place, "empty", "this notice is empty".to_owned())
            .help("write what the sender should read, or leave the line out");
    } else if let Some(odd) = at.value.chars().find(|c| c.is_control()) {
        let what = match odd {
            '\n' => "this notice holds a line break".to_owned(),
            '\t' => "this notice holds a tab".to_owned(),
            odd => format!("this notice holds the control character {}", odd.escape_unicode()),
        };
        sink.warn(&at.place, "control-character", what)
            .help("clients show a notice as one line; write it without line breaks and tabs");
    } else if let Some(odd) = at.value.chars().find(|c| super::spelling::is_invisible(*c)) {
        let what = format!("this notice holds the invisible character {}", odd.escape_unicode());
        sink.warn(&at.place, "invisible-character", what).help("retype it without that character");
    }
}

/// Keys that do nothing in this rule.
fn idle(rule: &RuleSource, sink: &mut Sink) {
    let place = &rule.id.place;
    if rule.then.action == Action::Exempt && (rule.then.score != 0 || rule.then.flag) {
        let what = "this rule exempts, so its `score` and `flag` do nothing".to_owned();
        sink.warn(place, "useless-key", what).help("an exemption ends the matter; leave them out");
    }
    if rule.on_fault != Verdict::Allow && !rule.when.as_ref().is_some_and(runs) {
        sink.warn(place, "useless-key", "`on_fault` does nothing without a script".to_owned())
            .help("only scripts can fail; leave it out");
    }
}

fn runs(block: &BlockSource) -> bool {
    block.script.is_some()
        || block.any.iter().chain(&block.all).chain(&block.unless).any(|b| b.script.is_some())
}

/// Scores and the thresholds they are compared with.
pub(super) fn scores(files: &[(Arc<str>, FileSource)], sink: &mut Sink) {
    let thresholds: Vec<_> = files.iter().flat_map(|(_, file)| &file.thresholds).collect();
    let rules = || files.iter().flat_map(|(_, file)| &file.rules);
    for threshold in &thresholds {
        if let Some(at) = &threshold.notice {
            notice(at, sink);
        }
        bare_code(threshold.code.as_ref(), threshold.notice.as_ref(), sink);
        let milder = thresholds
            .iter()
            .filter(|lower| lower.score.value < threshold.score.value)
            .find(|lower| lower.verdict > threshold.verdict);
        if let Some(lower) = milder {
            let (score, verdict) = (lower.score.value, lower.verdict);
            let what = format!(
                "from {} on the verdict is {}, milder than {verdict} from {score} on",
                threshold.score.value, threshold.verdict
            );
            sink.warn(&threshold.score.place, "milder-threshold", what)
                .label("more is less")
                .help("only the highest threshold that is reached counts; make it the severest");
        }
    }
    // A script may add any score.
    if rules().any(|rule| rule.when.as_ref().is_some_and(runs)) {
        return;
    }
    let most: i64 = rules()
        .filter(|rule| rule.mode != Mode::Off && rule.then.action != Action::Exempt)
        .map(|rule| rule.then.score.max(0))
        .sum();
    for threshold in thresholds.iter().filter(|threshold| threshold.score.value > most) {
        let what = format!("no message can reach the score {}", threshold.score.value);
        sink.warn(&threshold.score.place, "never-reached", what)
            .label(format!("the scores of all rules add up to {most}"))
            .help("lower it, or raise the scores of rules");
    }
    if thresholds.is_empty()
        && let Some(rule) = rules().find(|rule| rule.then.score != 0)
    {
        let what = "this rule adds to a score, but there is no threshold".to_owned();
        sink.warn(&rule.id.place, "no-threshold", what)
            .help("add [[threshold]] with score and verdict, usually in rulebook.toml");
    }
}
