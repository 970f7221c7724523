//! Examples: every rule says in its own file what it must and must not fire on.
//!
//! `[[rule.example]]` is judged by its rule alone, as if enforced, so that other rules cannot
//! break it. `[[example]]` is judged by the whole rulebook.

use std::sync::Arc;

use super::coverage::{Coverage, Tally};
use super::diagnostic::{Place, Sink, suggest};
use super::entry::id;
use super::judge::{self, Scratch};
use super::source::{ExampleSource, FileSource};
use super::{Options, Rulebook, explain, list};
use crate::message::Message;
use crate::text;
use crate::verdict::{Judgement, Verdict};

/// A message as people write it: in an example, or on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// One text element each.
    pub texts: Vec<String>,
    /// `Data` of a `TIMCustomElem`.
    pub data: Option<String>,
    /// The whole body of a callback, as JSON; the other keys are ignored then.
    pub message: Option<String>,
    /// The `MsgType` of the texts; `TIMTextElem` if absent.
    pub msg_type: Option<String>,
    /// The sender; `someone` if absent.
    pub sender: Option<String>,
    /// The operator; the sender if absent.
    pub operator: Option<String>,
    /// The group's id; `@TGS#example` if absent.
    pub group: Option<String>,
    /// The group's type; `Public` if absent.
    pub group_type: Option<String>,
    /// The receiver; makes it a direct message.
    pub to: Option<String>,
    /// The client's platform.
    pub platform: Option<String>,
    /// The client's network address.
    pub address: Option<String>,
}

/// Turns a sample into the messages it holds; the error says what is wrong with it. What a
/// platform makes of it is the platform's business, so it is an option of compiling.
pub type ReadSample = fn(&Sample, &mut dyn FnMut(&Message<'_>)) -> Result<(), String>;

/// Runs every example, and says what they exercise.
pub(crate) fn run(
    rulebook: &Rulebook,
    files: &[(Arc<str>, FileSource)],
    options: &Options,
    sink: &mut Sink,
) -> Coverage {
    let mut scratch = Scratch::default();
    let mut tally = Tally::default();
    for (_, file) in files {
        for source in &file.rules {
            let rule = rulebook.book.rules.iter().position(|rule| *rule.id == *source.id.value);
            for example in &source.examples {
                one(rulebook, rule, example, options, (&mut scratch, &mut tally), sink);
            }
        }
        for example in &file.examples {
            one(rulebook, None, example, options, (&mut scratch, &mut tally), sink);
        }
    }
    tally.coverage(rulebook)
}

fn one(
    rulebook: &Rulebook,
    rule: Option<usize>,
    example: &ExampleSource,
    options: &Options,
    (scratch, tally): (&mut Scratch, &mut Tally),
    sink: &mut Sink,
) {
    let now = match &example.at {
        None => options.now,
        Some(at) => {
            if let Some(now) = list::day(&at.value) {
                now
            } else {
                sink.error(&at.place, "bad-date", format!("`{}` is not a time", at.value))
                    .help("write it as at = 2027-01-31T22:00:00+08:00");
                return;
            }
        }
    };
    let mut seen = 0;
    let read = (options.read_sample)(&example.sample, &mut |message| {
        seen += 1;
        let whole = rulebook.judge(message, &example.facts, now, scratch);
        tally.note(&whole.fired);
        tally.note(&whole.shadow);
        let mut why = |id: &str| {
            let missed = explain::not_fired(&rulebook.book, message, &example.facts, now, scratch);
            missed.into_iter().find(|miss| *miss.rule == *id).map(|miss| miss.why)
        };
        expect_rules(rulebook, example, message, &whole, &mut why, sink);
        let Some(rule) = rule else {
            return check(example, message, &whole, None, sink);
        };
        let (alone, faults) =
            judge::alone(&rulebook.book, id(rule), message, &example.facts, now, scratch);
        for fault in faults {
            sink.error(&example.place, "example-fault", fault.what.to_string())
                .help("the script failed on this example; mend the script");
        }
        match alone {
            Ok(judgement) => {
                tally.note(&judgement.fired);
                check(example, message, &judgement, None, sink);
            }
            Err(miss) => {
                let why = explain::miss(&rulebook.book, rule, &miss, message);
                check(example, message, &Judgement::default(), Some(&why), sink);
                expect_exempt(example, &why, sink);
            }
        }
    });
    if let Err(why) = read {
        sink.error(&example.place, "bad-example", format!("this example cannot be read: {why}"))
            .help("`message` is the body of a callback, JSON with `MsgBody`; or give it a `text`");
    } else if seen == 0 {
        sink.error(&example.place, "bad-example", "this example holds no message".to_owned())
            .help("`message` is the body of a callback, JSON with `MsgBody`; or give it a `text`");
    }
}

fn expect_exempt(example: &ExampleSource, why: &str, sink: &mut Sink) {
    if example.exempt == Some(true) {
        sink.error(&example.place, "example-failed", "the rule does not exempt this".to_owned())
            .help(format!("the rule did not fire: {why}"));
    }
}

/// Compares the verdict and the masked text.
fn check(
    example: &ExampleSource,
    message: &Message<'_>,
    judgement: &Judgement,
    why: Option<&str>,
    sink: &mut Sink,
) {
    if let Some(expected) = &example.verdict
        && expected.value != judgement.verdict
    {
        let (want, got) = (expected.value, judgement.verdict);
        let what = format!("this example expects {want}, but the verdict is {got}");
        let help = match (why, judgement.fired.first()) {
            (Some(why), _) if got == Verdict::Allow => format!("the rule did not fire: {why}"),
            (_, Some(firing)) => fired_on(firing, message),
            _ => "no rule fired".to_owned(),
        };
        sink.error(&expected.place, "example-failed", what).label(format!("got {got}")).help(help);
        return;
    }
    if example.exempt == Some(false) && judgement.fired.iter().any(|f| f.verdict.is_none()) {
        sink.error(&example.place, "example-failed", "the rule exempts this".to_owned())
            .help("correct `exempt`, or the rule");
    }
    if let Some(expected) = &example.masked {
        let masked = masked_text(message, judgement);
        if masked != expected.value {
            sink.error(&expected.place, "example-failed", format!("the masked text is `{masked}`"))
                .help("correct the example, or the list");
        }
    }
}

fn fired_on(firing: &crate::verdict::Firing, message: &Message<'_>) -> String {
    let texts: Vec<String> = firing
        .hits
        .iter()
        .take(3)
        .filter_map(|hit| {
            let field = message.fields.get(hit.span.field)?;
            Some(format!("`{}`", field.text.get(hit.span.range.clone())?))
        })
        .collect();
    if texts.is_empty() {
        format!("rule `{}` fired", firing.rule)
    } else {
        format!("rule `{}` fired on {}", firing.rule, texts.join(", "))
    }
}

/// The texts of a message as they would be delivered, joined.
fn masked_text(message: &Message<'_>, judgement: &Judgement) -> String {
    let mut whole = String::new();
    for (index, field) in message.fields.iter().enumerate() {
        let ranges: Vec<_> = judgement
            .masks
            .iter()
            .filter(|span| span.field == index)
            .map(|span| span.range.clone())
            .collect();
        whole.push_str(&text::mask(&field.text, ranges, '*'));
    }
    whole
}

/// Compares the rules that fired, by the whole rulebook.
fn expect_rules(
    rulebook: &Rulebook,
    example: &ExampleSource,
    message: &Message<'_>,
    judgement: &Judgement,
    why: &mut dyn FnMut(&str) -> Option<String>,
    sink: &mut Sink,
) {
    let Some(expected) = &example.rules else { return };
    for at in expected {
        if judgement.fired.iter().chain(&judgement.shadow).any(|firing| *firing.rule == *at.value) {
            continue;
        }
        let known = rulebook.book.rules.iter().any(|rule| *rule.id == *at.value);
        if known {
            let what = format!("rule `{}` does not fire on this example", at.value);
            let why = why(&at.value).unwrap_or_else(|| "another rule exempts it".to_owned());
            sink.error(&at.place, "example-failed", what).help(why);
        } else {
            let ids = rulebook.book.rules.iter().map(|rule| &*rule.id);
            sink.error(&at.place, "unknown-rule", format!("there is no rule `{}`", at.value))
                .help(suggest(&at.value, ids.collect::<Vec<_>>()));
        }
    }
    for firing in &judgement.fired {
        // A threshold is no rule.
        let known = rulebook.book.rules.iter().any(|rule| rule.id == firing.rule);
        if !known || expected.iter().any(|at| *at.value == *firing.rule) {
            continue;
        }
        let place: &Place = expected.first().map_or(&example.place, |at| &at.place);
        let what = format!("rule `{}` fires on this example, but is not expected to", firing.rule);
        let why = fired_on(firing, message);
        sink.error(place, "example-failed", what)
            .help(format!("{why}; add it to `rules`, or mend it"));
    }
}
