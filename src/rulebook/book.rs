//! What a rulebook holds: everything compiled, and the way from what a message contains to the
//! rules that may fire on it.

use std::sync::Arc;

use super::condition::Trigger;
use super::diagnostic::{Place, Sink};
use super::entry::{Entries, List, id, ix};
use super::regexes::Pattern;
use super::rule::Rule;
use super::scripts::Scripts;
use super::source::Mode;
use super::terms::{Automata, TermBuilder};
use crate::verdict::Verdict;

/// A sum of scores that is a verdict of its own.
#[derive(Debug)]
pub(crate) struct Threshold {
    pub(crate) score: i64,
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<u32>,
    pub(crate) notice: Option<Arc<str>>,
}

/// Everything compiled.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) lists: Vec<List>,
    pub(crate) entries: Entries,
    pub(crate) terms: TermBuilder,
    pub(crate) automata: Automata,
    pub(crate) regexes: Vec<Pattern>,
    pub(crate) scripts: Scripts,
    /// By id.
    pub(crate) rules: Vec<Rule>,
    /// By score, lowest first.
    pub(crate) thresholds: Vec<Threshold>,
    /// For each trigger where its rules start in `triggered`, and one past the end.
    starts: Vec<u32>,
    triggered: Vec<u32>,
    /// Rules that nothing in the text can rule out.
    pub(crate) always: Vec<u32>,
    /// Some list's tight hits count even where nothing looks like evasion.
    pub(crate) tight_always: bool,
    /// Some rule asks for contact numbers.
    pub(crate) uses_contacts: bool,
    /// Some rule or script asks for links.
    pub(crate) uses_links: bool,
}

impl Book {
    /// Builds the automata and the index from triggers to rules, once everything is known.
    pub(crate) fn finish(&mut self, sink: &mut Sink) {
        let mut terms = std::mem::take(&mut self.terms);
        for (index, regex) in self.regexes.iter().enumerate() {
            for gate in regex.gates.iter().flatten() {
                terms.gate(gate, id(index));
            }
        }
        match terms.build() {
            Ok(automata) => self.automata = automata,
            Err(error) => {
                let place = Place::new(&Arc::from("."), 0..0);
                sink.error(&place, "too-large", format!("the lists are too large: {error}"))
                    .help("remove some of their entries");
            }
        }
        self.scripts.finish(self.rules.len());
        self.tight_always = self.lists.iter().any(|list| list.always);
        let gated = |regex: u32| self.regexes.get(ix(regex)).is_some_and(|r| r.gates.is_some());
        let mut edges: Vec<(usize, u32)> = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            if rule.mode == Mode::Off {
                continue;
            }
            match rule.when.triggers(&gated) {
                Some(triggers) => {
                    edges.extend(triggers.into_iter().map(|t| (self.trigger(t), id(index))));
                }
                None => self.always.push(id(index)),
            }
        }
        edges.sort_unstable();
        edges.dedup();
        let count = self.trigger_count();
        self.starts = (0..=count).map(|t| id(edges.partition_point(|(of, _)| *of < t))).collect();
        self.triggered = edges.into_iter().map(|(_, rule)| rule).collect();
    }

    /// The number of a trigger.
    pub(crate) fn trigger(&self, trigger: Trigger) -> usize {
        match trigger {
            Trigger::List(list) => ix(list),
            Trigger::Regex(regex) => self.lists.len() + ix(regex),
            Trigger::Contact => self.lists.len() + self.regexes.len(),
            Trigger::Link => self.lists.len() + self.regexes.len() + 1,
        }
    }

    pub(crate) fn trigger_count(&self) -> usize {
        self.lists.len() + self.regexes.len() + 2
    }

    /// The rules a trigger calls up.
    pub(crate) fn rules_of(&self, trigger: usize) -> &[u32] {
        match (self.starts.get(trigger), self.starts.get(trigger + 1)) {
            (Some(from), Some(to)) => self.triggered.get(ix(*from)..ix(*to)).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Is it worth looking for signs of evasion?
    pub(crate) fn needs_signs(&self) -> bool {
        self.uses_contacts || self.uses_links || !self.automata.tight.is_empty()
    }

    pub(crate) fn list_name(&self, list: u32) -> Arc<str> {
        self.lists.get(ix(list)).map_or_else(|| Arc::from(""), |list| Arc::clone(&list.name))
    }
}
