//! What a rule looks for: the compiled form of `when`.
//!
//! Inside one part any of its values will do; all parts of a block must hold. What a block needs
//! at least to hold is its [`Trigger`]s: a rule none of whose triggers is in the message is never
//! looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use super::calendar::Window;
use super::json::JsonTest;
use crate::message::KindSet;
use crate::text;

/// Something the one pass over the text finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Trigger {
    /// A hit of a list.
    List(u32),
    /// A literal of a regex.
    Regex(u32),
    /// Enough digits for a contact number.
    Contact,
    /// Something with a dot that may be a link.
    Link,
}

/// Numbers from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl Bounds {
    pub(crate) fn admits(self, number: usize) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

/// Hosts a link may or may not point to.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// Any host if there is none.
    pub(crate) only: Option<BTreeSet<Box<str>>>,
    pub(crate) except: BTreeSet<Box<str>>,
}

impl Hosts {
    /// Is a link to this host looked for? A named host stands for those below it too.
    pub(crate) fn admits(&self, host: &str) -> bool {
        let in_set = |set: &BTreeSet<Box<str>>| text::domains(host).any(|name| set.contains(name));
        self.only.as_ref().is_none_or(in_set) && !in_set(&self.except)
    }
}

/// One part of a block.
#[derive(Debug)]
pub(crate) enum Part {
    Lists(Arc<[u32]>),
    Regex(Arc<[u32]>),
    ContactNumber(bool),
    Links(Hosts),
    /// In characters, over all fields the rule sees.
    Length(Bounds),
    Elements(KindSet, Bounds),
    Mentions(Bounds),
    Writing(Vec<(Box<str>, Regex)>),
    Time(Window),
    Json(Vec<JsonTest>),
    Any(Vec<Block>),
    All(Vec<Block>),
    Unless(Vec<Block>),
    /// Always the last part: it is the dear one.
    Script(u32),
}

/// A compiled `when`, or a table in it. Parts in order of their cost.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) parts: Vec<Part>,
}

impl Block {
    /// A set of triggers of which one must be there for the block to hold; `None` if there is no
    /// such set.
    pub(crate) fn triggers(&self, gated: &dyn Fn(u32) -> bool) -> Option<Vec<Trigger>> {
        self.parts
            .iter()
            .filter_map(|part| part.triggers(gated))
            .min_by_key(|triggers| (triggers.contains(&Trigger::Link), triggers.len()))
    }

    /// Does it look at text, so that there are hits to show and to mask?
    pub(crate) fn has_hits(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Lists(_) | Part::Regex(_) | Part::ContactNumber(true) | Part::Links(_) => true,
            Part::Any(blocks) | Part::All(blocks) => blocks.iter().any(Self::has_hits),
            _ => false,
        })
    }
}

impl Part {
    fn triggers(&self, gated: &dyn Fn(u32) -> bool) -> Option<Vec<Trigger>> {
        match self {
            Self::Lists(lists) => Some(lists.iter().map(|list| Trigger::List(*list)).collect()),
            Self::Regex(regexes) => regexes
                .iter()
                .map(|regex| gated(*regex).then_some(Trigger::Regex(*regex)))
                .collect(),
            Self::ContactNumber(true) => Some(vec![Trigger::Contact]),
            Self::Links(_) => Some(vec![Trigger::Link]),
            Self::Any(blocks) => {
                let each: Option<Vec<_>> =
                    blocks.iter().map(|block| block.triggers(gated)).collect();
                each.map(|each| each.into_iter().flatten().collect())
            }
            Self::All(blocks) => {
                blocks.iter().filter_map(|block| block.triggers(gated)).min_by_key(Vec::len)
            }
            _ => None,
        }
    }
}

/// Why a block does not hold for a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unmet {
    Lists(Arc<[u32]>),
    /// A list matched, but an allow-phrase covers the hit.
    Cancelled {
        list: u32,
        entry: u32,
        by: u32,
    },
    Regex(Arc<[u32]>),
    ContactNumber(bool),
    Links,
    Length(usize, Bounds),
    Elements(usize, Bounds),
    Mentions(usize, Bounds),
    Writing,
    Time(String),
    Json(String),
    Any,
    All(usize),
    Unless(Arc<str>),
    /// The script said no.
    Script,
    /// The script could not be judged.
    Fault(Arc<str>),
}
