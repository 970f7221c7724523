//! All rules, lists and scripts, compiled into one immutable value.
//!
//! [`Rulebook::judge`] is pure: no I/O, no clock, no randomness, no logging.

pub mod diagnostic;
pub mod script;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::message::Message;
use crate::verdict::{Judgement, Verdict};
use diagnostic::Report;

/// The files of a rule directory: path relative to it (with `/`), and content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Path to content.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A moment, in whole seconds of Unix time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// What Quell remembers about the sender and the conversation, fetched for one message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Name to value.
    pub numbers: BTreeMap<String, i64>,
}

/// How to compile and run a rulebook.
#[derive(Debug, Clone)]
pub struct Options {
    /// A monotonic clock in nanoseconds, for the wall-clock limit of scripts.
    pub clock: fn() -> u64,
}

/// All rules, lists and scripts as one immutable value.
#[derive(Debug)]
pub struct Rulebook {
    revision: Arc<str>,
}

/// Buffers that judging reuses from message to message. One per thread.
#[derive(Debug, Default)]
pub struct Scratch {}

/// What there is to know about one rule without judging.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleInfo {
    /// Its id.
    pub id: Arc<str>,
    /// Its title.
    pub title: Arc<str>,
    /// `enforce`, `shadow` or `off`.
    pub mode: &'static str,
    /// The verdict it asks for; `None` for an exemption.
    pub verdict: Option<Verdict>,
    /// File and line it stands in.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
}

impl Rulebook {
    /// Compiles `sources` and runs their examples.
    ///
    /// The rulebook is there exactly when the report holds no error; warnings come along with it.
    pub fn compile(sources: &Sources, options: &Options) -> (Option<Self>, Report) {
        let _ = (sources, options);
        (Some(Self { revision: Arc::from("") }), Report::default())
    }

    /// Judges one message.
    pub fn judge(
        &self,
        message: &Message<'_>,
        facts: &Facts,
        now: Timestamp,
        scratch: &mut Scratch,
    ) -> Judgement {
        let _ = (message, facts, now, scratch);
        Judgement::default()
    }

    /// The digest of everything it was compiled from.
    pub fn revision(&self) -> &Arc<str> {
        &self.revision
    }

    /// Its rules, by id. The index of a rule in this order is stable for the rulebook's life.
    pub fn rules(&self) -> Vec<RuleInfo> {
        Vec::new()
    }
}
