//! How often each entry hits: measured with a rulebook, so exactly as Quell would match it.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use super::choose::{Budget, Choice, Chosen, Class, choose};
use super::report::{Before, Outcome, Shares};
use super::{Entry, Fate, Import, ORDINARY_MIN, Reason, write};
use crate::message::{Field, Kind, KindSet, Message};
use crate::rulebook::diagnostic::Severity;
use crate::rulebook::{Facts, Options, Rulebook, Scratch, Sources, Timestamp};
use crate::text;

/// What kind of messages are weighed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Messages that nothing should hit.
    Ordinary,
    /// Messages that should be hit.
    Abusive,
}

impl Side {
    const fn index(self) -> usize {
        match self {
            Self::Ordinary => 0,
            Self::Abusive => 1,
        }
    }
}

/// The rulebook refuses the list for something that is in none of its entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the entries cannot be compiled: {0}")]
pub struct Refused(String);

/// Which entries hit which messages, message by message.
#[derive(Debug, Default, Clone)]
pub(super) struct Hits {
    /// Numbers of candidates.
    ids: Vec<u32>,
    /// For each message where its numbers end.
    ends: Vec<usize>,
}

impl Hits {
    pub(super) fn push(&mut self, ids: impl IntoIterator<Item = u32>) {
        self.ids.extend(ids);
        self.ends.push(self.ids.len());
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The candidates that hit, for each message.
    pub(super) fn messages(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(from, to)| self.ids.get(*from..*to).unwrap_or_default())
    }

    /// How many messages are hit by a candidate for which `is` holds.
    pub(super) fn share(&self, is: impl Fn(u32) -> bool) -> usize {
        self.messages().filter(|ids| ids.iter().any(|id| is(*id))).count()
    }
}

/// Entries on the scales.
pub struct Weighing {
    import: Import,
    /// `None` if there is nothing to measure.
    rulebook: Option<Rulebook>,
    /// From the text of an entry, as the rulebook reports it, to its number.
    numbers: HashMap<String, u32>,
    /// Every entry as it stands in the input, to find anywhere: what naive filters do.
    naive: Option<AhoCorasick>,
    scratch: Scratch,
    now: Timestamp,
    hits: [Hits; 2],
    naive_hits: [usize; 2],
    any_hits: [usize; 2],
    found: Vec<u32>,
}

impl std::fmt::Debug for Weighing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weighing")
            .field("entries", &self.import.entries.len())
            .finish_non_exhaustive()
    }
}

/// Names in the rulebook that entries are measured with.
const LIST: &str = "candidates.csv";
const RULES: &str = "weigh.toml";
const RULE: &str = r#"
[list.candidates]
file = "candidates.csv"
[[rule]]
id           = "weigh"
when.lists   = "candidates"
then.verdict = "allow"
"#;

impl Import {
    /// Puts what was read into a rulebook, and what that refuses aside.
    ///
    /// `options` gives the time for what has expired.
    pub fn weigh(mut self, options: &Options) -> Result<Weighing, Refused> {
        let mut numbers = HashMap::new();
        let rulebook = loop {
            let (csv, lines) = self.candidates();
            if lines.is_empty() {
                break None;
            }
            let files = [(RULES.to_owned(), RULE.into()), (LIST.to_owned(), csv.into_bytes())];
            let (rulebook, report) = Rulebook::compile(&Sources { files: files.into() }, options);
            let mut changed = false;
            for diagnostic in report.diagnostics.iter().filter(|found| &*found.file == LIST) {
                let reason = match diagnostic.severity {
                    Severity::Error => Reason::Refused,
                    _ if diagnostic.code == "expired" => Reason::Expired,
                    _ => continue,
                };
                let number = diagnostic.line.checked_sub(2).and_then(|line| lines.get(line));
                if let Some(entry) = number.and_then(|number| self.entries.get_mut(*number)) {
                    let refused = reason == Reason::Refused;
                    let why = if refused { diagnostic.message.clone() } else { String::new() };
                    entry.fate = Fate::Review { reason, why };
                    changed = true;
                }
            }
            if changed {
                continue;
            }
            let Some(rulebook) = rulebook else {
                let first = report.diagnostics.iter().find(|d| d.severity == Severity::Error);
                return Err(Refused(first.map_or_else(String::new, ToString::to_string)));
            };
            for number in lines {
                if let Some(entry) = self.entries.get(number) {
                    numbers.insert(
                        write::term(entry).to_owned(),
                        u32::try_from(number).unwrap_or(u32::MAX),
                    );
                }
            }
            break Some(rulebook);
        };
        Ok(Weighing::new(self, rulebook, numbers, options.now))
    }

    /// The list of everything that can be measured, and the number of the entry on each line.
    fn candidates(&self) -> (String, Vec<usize>) {
        let mut csv = write::Csv::new();
        let mut lines = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            if measurable(entry) {
                csv.candidate(entry);
                lines.push(number);
            }
        }
        (csv.into_text(), lines)
    }
}

/// Can the rulebook say how often it hits? Risky entries are measured too: the number helps
/// whoever reviews them.
fn measurable(entry: &Entry) -> bool {
    match &entry.fate {
        Fate::Kept | Fate::Host(_) => true,
        Fate::Merged(_) => false,
        Fate::Review { reason, .. } => matches!(
            reason,
            Reason::OneCharacter
                | Reason::Symbols
                | Reason::Digits
                | Reason::Short
                | Reason::MixedScripts
                | Reason::TwoHan
        ),
    }
}

impl Weighing {
    fn new(
        import: Import,
        rulebook: Option<Rulebook>,
        numbers: HashMap<String, u32>,
        now: Timestamp,
    ) -> Self {
        let raw = import.entries.iter().map(|entry| entry.raw.trim()).filter(|raw| !raw.is_empty());
        // Only a list too large for any automaton fails here, and the rulebook would have too.
        let naive = AhoCorasick::new(raw).ok();
        Self {
            import,
            rulebook,
            numbers,
            naive,
            scratch: Scratch::default(),
            now,
            hits: [Hits::default(), Hits::default()],
            naive_hits: [0; 2],
            any_hits: [0; 2],
            found: Vec::new(),
        }
    }

    /// Weighs a text message.
    pub fn text(&mut self, side: Side, text: &str) {
        let field = Field {
            element: Some(0),
            ordinal: 0,
            kinds: KindSet::of(Kind::Text),
            path: "Text".into(),
            text: text.into(),
            joined: false,
        };
        let message = Message {
            elements: vec![Kind::Text],
            kinds: KindSet::of(Kind::Text),
            fields: vec![field],
            ..Message::default()
        };
        self.message(side, &message);
    }

    /// Weighs a message.
    pub fn message(&mut self, side: Side, message: &Message<'_>) {
        let index = side.index();
        let naive = self.naive.as_ref().is_some_and(|naive| {
            message.fields.iter().any(|field| naive.is_match(field.text.as_ref()))
        });
        count(&mut self.naive_hits, index, naive);
        self.found.clear();
        if let Some(rulebook) = &self.rulebook {
            let judgement = rulebook.judge(message, &Facts::default(), self.now, &mut self.scratch);
            let hits = judgement.fired.iter().flat_map(|firing| &firing.hits);
            // One entry gives several hits in a row: looking it up once is enough for them.
            let mut last: Option<&Arc<str>> = None;
            for hit in hits {
                if last.is_none_or(|last| !Arc::ptr_eq(last, &hit.entry)) {
                    self.found.extend(self.numbers.get(&*hit.entry));
                }
                last = Some(&hit.entry);
            }
        }
        self.found.sort_unstable();
        self.found.dedup();
        count(&mut self.any_hits, index, !self.found.is_empty());
        let entries = &mut self.import.entries;
        self.found.retain(|number| {
            let entry = usize::try_from(*number).ok().and_then(|at| entries.get_mut(at));
            entry.is_some_and(|entry| {
                count(&mut entry.hits, index, true);
                eligible(entry)
            })
        });
        if let Some(hits) = self.hits.get_mut(index) {
            hits.push(self.found.iter().copied());
        }
    }

    /// Chooses what to keep, so that it hits at most `budget` of the ordinary messages.
    pub fn finish(self, budget: Budget) -> Outcome {
        let Self { mut import, hits: [ordinary, abusive], naive_hits, any_hits, .. } = self;
        if ordinary.len() >= ORDINARY_MIN {
            for number in &import.two_han {
                if let Some(entry) = import.entries.get_mut(*number)
                    && eligible(entry)
                {
                    entry.fate = Fate::Kept;
                }
            }
        }
        let classes = classes(&import.entries);
        let Chosen { choices, unseen } = choose(&classes, &ordinary, &abusive, budget);
        for (entry, choice) in import.entries.iter_mut().zip(choices) {
            let reason = match choice {
                _ if !matches!(entry.fate, Fate::Kept | Fate::Host(_)) => continue,
                Choice::Keep => continue,
                Choice::Ordinary => Reason::Ordinary,
                Choice::Chance => Reason::Chance,
                Choice::Budget => Reason::Budget,
                Choice::Unproven => Reason::Unproven,
            };
            entry.fate = Fate::Review { reason, why: String::new() };
        }
        let kept = |number: u32| {
            let entry = usize::try_from(number).ok().and_then(|at| import.entries.get(at));
            entry.is_some_and(|entry| matches!(entry.fate, Fate::Kept | Fate::Host(_)))
        };
        let shares = |hits: &Hits, side: Side| Shares {
            messages: hits.len(),
            before: Before {
                naive: naive_hits.get(side.index()).copied().unwrap_or(0),
                matched: any_hits.get(side.index()).copied().unwrap_or(0),
            },
            after: hits.share(kept),
            unseen: None,
        };
        let [mut of_ordinary, of_abusive] =
            [shares(&ordinary, Side::Ordinary), shares(&abusive, Side::Abusive)];
        of_ordinary.unseen = unseen;
        Outcome::new(import, budget, of_ordinary, of_abusive)
    }
}

fn count(counts: &mut [usize; 2], side: usize, is: bool) {
    if let Some(count) = counts.get_mut(side) {
        *count += usize::from(is);
    }
}

/// May it be chosen?
fn eligible(entry: &Entry) -> bool {
    match &entry.fate {
        Fate::Kept | Fate::Host(_) => true,
        Fate::Review { reason, .. } => *reason == Reason::TwoHan,
        Fate::Merged(_) => false,
    }
}

/// A file with fewer entries of a length tells nothing about them.
const LIKE_MIN: usize = 100;

/// What the entries are like: those of about one length hit about as often, and those of one file
/// all the more.
fn classes(entries: &[Entry]) -> Vec<Option<Class>> {
    type Like = [usize; 3];
    let like = |entry: &Entry| -> Option<Like> {
        if !matches!(entry.fate, Fate::Kept | Fate::Host(_)) {
            return None;
        }
        let term = write::term(entry);
        let han = term.chars().filter(|c| text::is_han(*c)).count();
        let others = term.chars().count() - han;
        let host = usize::from(matches!(entry.fate, Fate::Host(_)));
        // Words of letters differ less by their length than Han do.
        Some([host, han.min(5), others.div_ceil(3).min(3)])
    };
    let mut many: HashMap<(u32, Like), usize> = HashMap::new();
    for entry in entries {
        if let Some(like) = like(entry) {
            *many.entry((entry.file, like)).or_default() += 1;
        }
    }
    let mut known: HashMap<(Option<u32>, Like), u32> = HashMap::new();
    let mut number = |key| {
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *known.entry(key).or_insert(next)
    };
    let mut class = |entry: &Entry| {
        let like = like(entry)?;
        let enough = many.get(&(entry.file, like)).filter(|many| **many >= LIKE_MIN);
        let fine = number((enough.map(|_| entry.file), like));
        Some(Class { fine, coarse: number((None, like)) })
    };
    entries.iter().map(&mut class).collect()
}
