//! All rules, lists and scripts, compiled into one immutable value.
//!
//! [`Rulebook::judge`] is pure: no I/O, no clock, no randomness, no logging. The same message,
//! facts and time get the same judgement on every node and in every replay.

mod block;
mod book;
mod calendar;
mod compile;
mod condition;
mod coverage;
pub mod diagnostic;
mod entry;
mod example;
mod explain;
mod found;
mod json;
mod judge;
mod lint;
mod list;
mod lists;
mod pattern;
mod quotes;
mod regexes;
mod rule;
pub mod schema;
mod scope;
pub mod script;
mod scripts;
mod source;
mod sum;
mod syntax;
mod table;
mod terms;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::message::Message;
use crate::verdict::{Judgement, Verdict};
use book::Book;
use diagnostic::Report;

pub use compile::{ENTRIES_MAX, ID_BYTES_MAX, NOTICE_CHARS_MAX, RULES_MAX};
pub use coverage::{Coverage, Gap};
pub use example::{ReadSample, Sample};
pub use explain::NotFired;
pub use found::HITS_MAX;
pub use judge::Scratch;
pub(crate) use quotes::stray as stray_quote;
pub use regexes::REGEX_BYTES_MAX;
pub use rule::CodeRange;
pub use terms::{TERM_BYTES_MAX, TERMS_MAX};

/// The files of a rule directory: path relative to it (with `/`), and content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Path to content.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A moment, in whole seconds of Unix time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// What Quell remembers about the sender and the conversation, fetched for one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Name to value.
    pub numbers: BTreeMap<String, i64>,
}

/// How to compile and run a rulebook: everything it cannot know by itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// A monotonic clock in nanoseconds, for the wall-clock limit of scripts.
    pub clock: fn() -> u64,
    /// The time of compiling, for what has expired and for examples without a time of their own.
    pub now: Timestamp,
    /// The codes that the platform accepts.
    pub codes: Vec<CodeRange>,
    /// What scripts may use.
    pub script_limits: script::Limits,
    /// How examples become messages.
    pub read_sample: ReadSample,
}

/// All rules, lists and scripts as one immutable value.
#[derive(Debug)]
pub struct Rulebook {
    book: Book,
    revision: Arc<str>,
}

/// What there is to know about one rule without judging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its id.
    pub id: Arc<str>,
    /// Its title.
    pub title: Arc<str>,
    /// Its category.
    pub category: Arc<str>,
    /// `enforce`, `shadow` or `off`.
    pub mode: &'static str,
    /// Percent of senders it is enforced for.
    pub rollout: u8,
    /// The verdict it asks for; `None` for an exemption.
    pub verdict: Option<Verdict>,
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// Its script is out of service after repeated failures.
    pub benched: bool,
}

/// How large a rulebook is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Rules, those that are off included.
    pub rules: usize,
    /// Lists.
    pub lists: usize,
    /// Entries of all lists.
    pub entries: usize,
    /// Bytes of the automata and the entries.
    pub memory_bytes: usize,
}

/// The text of a file of a rule directory as compiling reads it; the spans of diagnostics are
/// byte ranges of this.
pub fn decode(bytes: &[u8]) -> String {
    list::text(bytes).0.into_owned()
}

impl Rulebook {
    /// Compiles `sources` and runs their examples.
    ///
    /// The rulebook is there exactly when the report holds no error; warnings come along with it.
    pub fn compile(sources: &Sources, options: &Options) -> (Option<Self>, Report) {
        compile::compile(sources, options)
    }

    fn new(book: Book, revision: Arc<str>) -> Self {
        Self { book, revision }
    }

    /// Judges one message.
    pub fn judge(
        &self,
        message: &Message<'_>,
        facts: &Facts,
        now: Timestamp,
        scratch: &mut Scratch,
    ) -> Judgement {
        judge::judge(&self.book, message, facts, now, scratch)
    }

    /// Every rule that did not fire on the message, and why not.
    pub fn not_fired(
        &self,
        message: &Message<'_>,
        facts: &Facts,
        now: Timestamp,
        scratch: &mut Scratch,
    ) -> Vec<NotFired> {
        explain::not_fired(&self.book, message, facts, now, scratch)
    }

    /// The digest of everything it was compiled from.
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }

    /// Its rules, by id.
    pub fn rules(&self) -> Vec<RuleInfo> {
        self.book
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| RuleInfo {
                id: Arc::clone(&rule.id),
                title: Arc::clone(&rule.title),
                category: Arc::clone(&rule.category),
                mode: rule.mode.name(),
                rollout: rule.rollout,
                verdict: rule.verdict(),
                file: Arc::clone(&rule.file),
                line: rule.line,
                benched: self.book.scripts.benched(index),
            })
            .collect()
    }

    /// How many rules are out of service because their script kept failing.
    pub fn benched(&self) -> usize {
        (0..self.book.rules.len()).filter(|rule| self.book.scripts.benched(*rule)).count()
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        Size {
            rules: self.book.rules.len(),
            lists: self.book.lists.len(),
            entries: self.book.entries.len(),
            memory_bytes: self.book.automata.memory_bytes() + self.book.entries.memory_bytes(),
        }
    }
}
