//! Which rules, and which conditions of them, no example makes fire.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::Rulebook;
use super::book::Book;
use super::condition::{Block, Part};
use super::diagnostic::DIAGNOSTICS_MAX;
use super::entry::ix;
use crate::verdict::Firing;

/// How much of a rulebook its examples exercise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Rules.
    pub rules: usize,
    /// Rules that some example makes fire.
    pub rules_fired: usize,
    /// Lists, patterns and scripts of rules, each counted once for a rule.
    pub conditions: usize,
    /// Those that some example makes the rule fire on.
    pub conditions_fired: usize,
    /// What no example makes fire, by rule; at most [`DIAGNOSTICS_MAX`].
    pub gaps: Vec<Gap>,
}

/// Something that no example makes fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The rule.
    pub rule: Arc<str>,
    /// The list, pattern or script, in words; absent where the rule as a whole never fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The file the rule stands in.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    List(Arc<str>),
    Pattern(Arc<str>),
    Script(Arc<str>),
}

impl Condition {
    fn words(&self) -> String {
        match self {
            Self::List(name) => format!("list `{name}`"),
            Self::Pattern(source) => format!("pattern `{source}`"),
            Self::Script(path) => format!("script `{path}`"),
        }
    }
}

/// Watches the examples run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    rules: BTreeSet<Arc<str>>,
    conditions: BTreeSet<(Arc<str>, Condition)>,
}

impl Tally {
    /// Takes note of rules that fired on an example.
    pub(crate) fn note(&mut self, firings: &[Firing]) {
        for firing in firings {
            self.rules.insert(Arc::clone(&firing.rule));
            for hit in &firing.hits {
                let condition = match &hit.list {
                    Some(list) => Condition::List(Arc::clone(list)),
                    None => Condition::Pattern(Arc::clone(&hit.entry)),
                };
                self.conditions.insert((Arc::clone(&firing.rule), condition));
            }
            if let Some(reason) = &firing.reason {
                let script = Condition::Script(Arc::clone(reason));
                self.conditions.insert((Arc::clone(&firing.rule), script));
            }
        }
    }

    fn has(&self, rule: &Arc<str>, condition: &Condition) -> bool {
        match condition {
            // A reason ends in the script and the line.
            Condition::Script(path) => self.conditions.iter().any(|(of, seen)| {
                matches!(seen, Condition::Script(reason) if of == rule && reason.contains(&**path))
            }),
            other => self.conditions.contains(&(Arc::clone(rule), other.clone())),
        }
    }

    /// What was noted, against what there is.
    pub(crate) fn coverage(&self, rulebook: &Rulebook) -> Coverage {
        let book = &rulebook.book;
        let mut coverage = Coverage { rules: book.rules.len(), ..Coverage::default() };
        for rule in &book.rules {
            let mut conditions = BTreeSet::new();
            collect(book, &rule.when, &mut conditions);
            coverage.conditions += conditions.len();
            let mut gap = |condition| {
                if coverage.gaps.len() < DIAGNOSTICS_MAX {
                    coverage.gaps.push(Gap {
                        rule: Arc::clone(&rule.id),
                        condition,
                        file: Arc::clone(&rule.file),
                        line: rule.line,
                    });
                }
            };
            if !self.rules.contains(&rule.id) {
                gap(None);
                continue;
            }
            coverage.rules_fired += 1;
            for condition in &conditions {
                if self.has(&rule.id, condition) {
                    coverage.conditions_fired += 1;
                } else {
                    gap(Some(condition.words()));
                }
            }
        }
        coverage
    }
}

/// What a block looks for. What `unless` names is there to keep the rule from firing.
fn collect(book: &Book, block: &Block, conditions: &mut BTreeSet<Condition>) {
    for part in &block.parts {
        match part {
            Part::Lists(lists) => {
                conditions.extend(lists.iter().map(|list| Condition::List(book.list_name(*list))));
            }
            Part::Regex(regexes) => {
                let patterns = regexes.iter().filter_map(|regex| book.regexes.get(ix(*regex)));
                conditions.extend(
                    patterns.map(|pattern| Condition::Pattern(Arc::clone(&pattern.source))),
                );
            }
            Part::Script(script) => {
                conditions.extend(book.scripts.path(*script).map(Condition::Script));
            }
            Part::All(blocks) | Part::Any(blocks) => {
                for block in blocks {
                    collect(book, block, conditions);
                }
            }
            _ => {}
        }
    }
}
