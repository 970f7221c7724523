//! One compiled rule.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Timestamp;
use super::condition::Block;
use super::scope::Scope;
use super::source::{Action, Mode};
use crate::message::{ConversationKind, KindSet};
use crate::verdict::Verdict;

/// Codes that a refusal may carry to the client, by kind of conversation. What the platform
/// accepts is the platform's business, so it is an option of compiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRange {
    /// For messages, such as "a group message".
    pub what: &'static str,
    /// Where these codes can be used.
    pub conversation: ConversationKind,
    /// The codes.
    pub codes: RangeInclusive<u32>,
}

/// A compiled rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: Arc<str>,
    pub(crate) title: Arc<str>,
    pub(crate) category: Arc<str>,
    pub(crate) file: Arc<str>,
    pub(crate) line: usize,
    pub(crate) on: KindSet,
    pub(crate) scope: Scope,
    /// Strictness already applied.
    pub(crate) mode: Mode,
    pub(crate) rollout: u8,
    pub(crate) until: Option<Timestamp>,
    pub(crate) when: Block,
    pub(crate) action: Action,
    pub(crate) code: Option<u32>,
    pub(crate) notice: Option<Arc<str>>,
    pub(crate) score: i64,
    pub(crate) flag: bool,
    pub(crate) on_fault: Verdict,
}

impl Rule {
    /// The rule's mode for this sender at this time.
    pub(crate) fn mode_for(&self, sender: &str, now: Timestamp) -> Mode {
        match self.mode {
            Mode::Off => Mode::Off,
            _ if self.until.is_some_and(|until| until <= now) => Mode::Off,
            Mode::Enforce if self.rollout < 100 && bucket(&self.id, sender) >= self.rollout => {
                Mode::Shadow
            }
            mode => mode,
        }
    }

    /// The verdict it asks for; `None` for an exemption.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match self.action {
            Action::Verdict(verdict) => Some(verdict),
            Action::Exempt => None,
        }
    }
}

/// Which of 100 buckets a sender falls into for a rule: the same on every node and for ever, and
/// independent from rule to rule.
fn bucket(rule: &str, sender: &str) -> u8 {
    // FNV-1a with a final mix; its low bits alone are too regular.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in rule.bytes().chain([0]).chain(sender.bytes()) {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    u8::try_from(hash % 100).unwrap_or(0)
}
