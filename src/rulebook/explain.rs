//! Why a rule did not fire, in words.

use std::sync::Arc;

use super::book::Book;
use super::condition::{Bounds, Unmet};
use super::entry::{id, ix};
use super::judge::{Miss, Scratch, Trial};
use super::source::Mode;
use super::{Facts, Timestamp};
use crate::message::{Kind, KindSet, Message};

/// A rule that did not fire, and the first condition that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFired {
    /// The rule's id.
    pub rule: Arc<str>,
    /// Why, with the values.
    pub why: String,
    /// Something it looks for was in the message.
    pub near: bool,
}

/// Every rule that did not fire.
pub(crate) fn not_fired(
    book: &Book,
    message: &Message<'_>,
    facts: &Facts,
    now: Timestamp,
    scratch: &mut Scratch,
) -> Vec<NotFired> {
    scratch.search(book, message, now);
    let called = scratch.called_up(book);
    let mut trial = Trial::new(book, message, facts, now, scratch);
    let mut missed = Vec::new();
    for (index, rule) in book.rules.iter().enumerate() {
        let miss = if rule.mode_for(&message.sender, now) == Mode::Off {
            Miss::Off
        } else {
            match trial.fires(rule) {
                Ok(_) => continue,
                Err(miss) => miss,
            }
        };
        let cancelled = matches!(miss, Miss::Unmet(Unmet::Cancelled { .. }));
        missed.push(NotFired {
            rule: Arc::clone(&rule.id),
            why: self::miss(book, index, &miss, message),
            near: cancelled || called.binary_search(&id(index)).is_ok(),
        });
    }
    missed
}

/// Why rule number `rule` did not fire.
pub(crate) fn miss(book: &Book, rule: usize, miss: &Miss, message: &Message<'_>) -> String {
    match miss {
        Miss::Off => match book.rules.get(rule) {
            Some(rule) if rule.mode == Mode::Off => "the rule is off".to_owned(),
            _ => "the rule has ended (`until`)".to_owned(),
        },
        Miss::Kind => {
            let kinds: Vec<&str> = Kind::ALL
                .iter()
                .filter(|(kind, _)| message.kinds.meets(KindSet::of(*kind)))
                .map(|(_, name)| *name)
                .collect();
            if kinds.is_empty() {
                return "the message has no elements".to_owned();
            }
            format!("the message has only {}", kinds.join(", "))
        }
        Miss::Scope(out) => out.explain(message),
        Miss::Unmet(unmet) => words(book, unmet),
    }
}

fn words(book: &Book, unmet: &Unmet) -> String {
    match unmet {
        Unmet::Lists(lists) => {
            let names: Vec<String> =
                lists.iter().map(|list| format!("`{}`", book.list_name(*list))).collect();
            format!("no entry of {} is in the text", names.join(", "))
        }
        Unmet::Cancelled { list, entry, by } => format!(
            "`{}` of `{}` is covered by an allow-phrase of `{}`",
            book.entries.text(*entry),
            book.list_name(*list),
            book.list_name(*by)
        ),
        Unmet::Regex(regexes) => {
            let sources: Vec<String> = regexes
                .iter()
                .filter_map(|regex| book.regexes.get(ix(*regex)))
                .map(|regex| format!("`{}`", regex.source))
                .collect();
            format!("no match of {}", sources.join(", "))
        }
        Unmet::ContactNumber(true) => "there is no contact number in the text".to_owned(),
        Unmet::ContactNumber(false) => "there is a contact number in the text".to_owned(),
        Unmet::Links => "there is no such link in the text".to_owned(),
        Unmet::Length(length, bounds) => {
            format!("the text has {length} characters, not {}", between(*bounds))
        }
        Unmet::Elements(count, bounds) => {
            format!("there are {count} such elements, not {}", between(*bounds))
        }
        Unmet::Mentions(count, bounds) => {
            format!("there are {count} mentions, not {}", between(*bounds))
        }
        Unmet::Writing => "the text is in none of the writing systems".to_owned(),
        Unmet::Time(now) => format!("it is {now}, outside the window"),
        Unmet::Json(seen) => seen.clone(),
        Unmet::Any => "none of the `any` tables holds".to_owned(),
        Unmet::All(index) => format!("table {} of `all` does not hold", index + 1),
        Unmet::Unless(entry) if entry.is_empty() => "`unless` holds".to_owned(),
        Unmet::Unless(entry) => format!("`unless` holds: `{entry}`"),
        Unmet::Script => "the script says no".to_owned(),
        Unmet::Fault(what) => format!("the script failed: {what}"),
    }
}

fn between(bounds: Bounds) -> String {
    match (bounds.min, bounds.max) {
        (min, usize::MAX) => format!("{min} or more"),
        (0, max) => format!("{max} or fewer"),
        (min, max) => format!("{min} to {max}"),
    }
}
