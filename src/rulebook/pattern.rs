//! The automaton: every term of every list, and every literal a regex needs, found in one pass.
//!
//! Equal terms of different lists are one pattern; what a match means is looked up afterwards.

use std::collections::HashMap;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

/// What a match of a pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A term of an entry.
    Entry {
        /// Index of the entry.
        entry: u32,
        /// Index of the term in the entry.
        term: u8,
    },
    /// A literal without which a regex cannot match.
    Gate(u32),
}

/// A target, and which ends of the match must be token edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) target: Target,
    pub(crate) left_edge: bool,
    pub(crate) right_edge: bool,
    /// In the tight view: 0 for the term itself, else the number of its starred form.
    pub(crate) form: u8,
}

/// Collects patterns.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    ids: HashMap<Box<str>, u32>,
    uses: Vec<(u32, Use)>,
}

impl Builder {
    /// Adds a folded text; an empty one is ignored.
    pub(crate) fn add(&mut self, folded: &str, r#use: Use) {
        if folded.is_empty() {
            return;
        }
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let id = match self.ids.get(folded) {
            Some(id) => *id,
            None => *self.ids.entry(folded.into()).or_insert(next),
        };
        self.uses.push((id, r#use));
    }

    /// Builds the automaton.
    pub(crate) fn build(mut self) -> Result<Patterns, BuildError> {
        if self.ids.is_empty() {
            return Ok(Patterns::default());
        }
        let mut patterns: Vec<(Box<str>, u32)> = self.ids.into_iter().collect();
        patterns.sort_unstable_by_key(|(_, id)| *id);
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(patterns.iter().map(|(pattern, _)| pattern.as_bytes()))?;
        self.uses.sort_by_key(|(id, _)| *id);
        let mut starts = Vec::with_capacity(patterns.len() + 1);
        let mut at = 0;
        for id in 0..patterns.len() {
            starts.push(at);
            at += self
                .uses
                .get(at..)
                .unwrap_or_default()
                .partition_point(|(of, _)| usize::try_from(*of).is_ok_and(|of| of == id));
        }
        starts.push(at);
        let uses = self.uses.into_iter().map(|(_, r#use)| r#use).collect();
        Ok(Patterns { automaton: Some(automaton), starts, uses })
    }
}

/// A built automaton with the uses of each of its patterns.
#[derive(Default)]
pub(crate) struct Patterns {
    automaton: Option<AhoCorasick>,
    /// Pattern id to the start of its uses, and one past the end.
    starts: Vec<usize>,
    uses: Vec<Use>,
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patterns({})", self.starts.len().saturating_sub(1))
    }
}

impl Patterns {
    /// Is there nothing to find?
    pub(crate) fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// Bytes on the heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
            + size_of_val(self.starts.as_slice())
            + size_of_val(self.uses.as_slice())
    }

    /// Calls `found` for each use of each match, overlapping ones included, in order of their end.
    #[inline]
    pub(crate) fn scan(&self, text: &str, mut found: impl FnMut(Use, usize, usize)) {
        let Some(automaton) = &self.automaton else { return };
        for hit in automaton.find_overlapping_iter(text) {
            let pattern = hit.pattern().as_usize();
            let uses = match (self.starts.get(pattern), self.starts.get(pattern + 1)) {
                (Some(from), Some(to)) => self.uses.get(*from..*to).unwrap_or_default(),
                _ => &[],
            };
            for r#use in uses {
                found(*r#use, hit.start(), hit.end());
            }
        }
    }
}
