//! The automaton: every term of every list, and every literal a regex needs, found in one pass.
//!
//! Equal terms of different lists are one pattern; what a match means is looked up afterwards.

use std::collections::HashMap;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::entry::{id, ix};

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
    /// The number of a pattern, new or known.
    pub(crate) fn intern(&mut self, folded: &str) -> u32 {
        if let Some(id) = self.ids.get(folded) {
            return *id;
        }
        let next = id(self.ids.len());
        self.ids.insert(folded.into(), next);
        next
    }

    /// Adds a use of a folded text; an empty one is ignored.
    pub(crate) fn add(&mut self, folded: &str, r#use: Use) {
        if !folded.is_empty() {
            let pattern = self.intern(folded);
            self.uses.push((pattern, r#use));
        }
    }

    /// Builds the automaton.
    pub(crate) fn build(self) -> Result<Patterns, BuildError> {
        if self.ids.is_empty() {
            return Ok(Patterns::default());
        }
        let mut patterns: Vec<(Box<str>, u32)> = self.ids.into_iter().collect();
        // In order of the alphabet: neighbours in the trie are neighbours in memory then, which
        // halves the time it takes to build.
        patterns.sort_unstable();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(patterns.iter().map(|(pattern, _)| pattern.as_bytes()))?;
        let mut rank = vec![0; patterns.len()];
        for (position, (_, interned)) in patterns.iter().enumerate() {
            if let Some(rank) = rank.get_mut(ix(*interned)) {
                *rank = id(position);
            }
        }
        drop(patterns);
        let mut uses = self.uses;
        for (pattern, _) in &mut uses {
            *pattern = rank.get(ix(*pattern)).copied().unwrap_or(u32::MAX);
        }
        uses.sort_by_key(|(pattern, _)| *pattern);
        let mut starts = Vec::with_capacity(rank.len() + 1);
        let mut at = 0;
        for position in 0..rank.len() {
            starts.push(id(at));
            let rest = uses.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|(pattern, _)| ix(*pattern) == position).count();
        }
        starts.push(id(at));
        let uses = uses.into_iter().map(|(_, r#use)| r#use).collect();
        Ok(Patterns { automaton: Some(automaton), starts, uses })
    }
}

/// A built automaton with the uses of each of its patterns.
#[derive(Default)]
pub(crate) struct Patterns {
    automaton: Option<AhoCorasick>,
    /// Pattern id to the start of its uses, and one past the end.
    starts: Vec<u32>,
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
                (Some(from), Some(to)) => self.uses.get(ix(*from)..ix(*to)).unwrap_or_default(),
                _ => &[],
            };
            for r#use in uses {
                found(*r#use, hit.start(), hit.end());
            }
        }
    }
}
