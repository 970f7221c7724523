//! What Quell decides, and why.
//!
//! A [`Judgement`] always carries its reasons and its faults along with the verdict. Verdicts
//! combine by severity, so the order of rules can never change an outcome.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What becomes of a message. Ordered by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Deliver as it is.
    #[default]
    Allow,
    /// Deliver rewritten.
    Mask,
    /// Refuse; the sender is told.
    Deny,
    /// Drop silently; the sender sees success.
    Discard,
}

impl Verdict {
    /// Every verdict, mildest first.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Mask, Self::Deny, Self::Discard];

    /// The more severe of the two.
    #[must_use]
    pub fn combine(self, other: Self) -> Self {
        self.max(other)
    }

    /// The verdict's name in rule files, replies of the operator API, and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Mask => "mask",
            Self::Deny => "deny",
            Self::Discard => "discard",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which folded form of the text a hit was found in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewKind {
    /// Width, case, compatibility forms, invisible characters, traditional Han folded.
    #[default]
    Plain,
    /// Plain, and look-alikes, leet, separators and repeats folded too.
    Tight,
    /// Toneless pinyin.
    Sound,
}

impl ViewKind {
    /// The view's name in rule files and evidence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tight => "tight",
            Self::Sound => "sound",
        }
    }
}

/// The decision on one message, with its evidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgement {
    /// What becomes of the message.
    pub verdict: Verdict,
    /// The code for the client, where the deciding rule gave one.
    pub code: Option<u32>,
    /// The text for the client, where the deciding rule gave one.
    pub notice: Option<Arc<str>>,
    /// The enforced rules that fired, by id.
    pub fired: Vec<Firing>,
    /// The shadow rules that would have fired, by id.
    pub shadow: Vec<Firing>,
    /// What to blank out, sorted, not overlapping. Empty unless the verdict is
    /// [`Verdict::Mask`].
    pub masks: Vec<Span>,
    /// The sum of the scores of the rules that fired.
    pub score: i64,
    /// Is it for human review?
    pub flagged: bool,
    /// What kept a rule from being judged.
    pub faults: Vec<Fault>,
}

/// A rule that fired.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Firing {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The verdict it asks for; `None` for an exemption.
    pub verdict: Option<Verdict>,
    /// Where its conditions were met in the text. Empty when none of them looks at text.
    pub hits: Vec<Hit>,
    /// What it adds to the score.
    pub score: i64,
    /// What the script said for it, and where.
    pub reason: Option<Arc<str>>,
}

/// Where a condition was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The list, for a list's entry.
    pub list: Option<Arc<str>>,
    /// The entry as written in its list, or the pattern.
    pub entry: Arc<str>,
    /// The view it was found in.
    pub view: ViewKind,
    /// Where.
    pub span: Span,
}

/// A stretch of one field's original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Index into the message's fields.
    pub field: usize,
    /// Byte offsets into the field's text, on character boundaries.
    pub range: Range<usize>,
}

/// What kept a rule from being judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The rule's id.
    pub rule: Arc<str>,
    /// What happened, without anything of the message's text.
    pub what: Arc<str>,
    /// This fault was one too many: the rule's script is out of service from now on.
    pub benched: bool,
}
