//! What an import did, in numbers and in words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::choose::Budget;
use super::{Entry, Fate, Import, Reason};

/// So many of the entries that hit most are shown.
const WORST_MAX: usize = 10;

/// The lists to write, and the report.
#[derive(Debug)]
pub struct Outcome {
    pub(super) import: Import,
    report: Report,
}

/// What an import did. As JSON, the names are a contract that other tools rely on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many entries were read. Each is in exactly one of the next four.
    pub entries: usize,
    /// Those in the list.
    pub kept: usize,
    /// Those in the list of hosts.
    pub hosts: usize,
    /// Those that fold to the same as an earlier one.
    pub merged: usize,
    /// Those set aside.
    pub review: usize,
    /// Those set aside, by reason.
    pub reasons: BTreeMap<Reason, usize>,
    /// Entries written differently from how they stood: without invisible characters, quotes …
    pub cleaned: usize,
    /// What was no entry.
    pub besides: Counts,
    /// Files that were not UTF-8, and what they were read as.
    pub encodings: Vec<(Arc<str>, &'static str)>,
    /// The budget, in percent of ordinary messages.
    pub budget_percent: f64,
    /// Hits in ordinary messages, if there were any to weigh with.
    pub ordinary: Option<Shares>,
    /// Hits in abusive messages, if there were any to weigh with.
    pub abusive: Option<Shares>,
    /// The entries that hit most ordinary messages, whatever became of them.
    pub worst: Vec<Worst>,
}

/// What the files hold besides entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Blank lines.
    pub blank_lines: usize,
    /// Lines that are comments.
    pub comment_lines: usize,
    /// Cells with a category or the like, kept as notes.
    pub label_cells: usize,
}

/// How many messages of one side are hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shares {
    /// All messages.
    pub messages: usize,
    /// Hit by what was read.
    pub before: Before,
    /// Hit by what is kept, hosts included.
    pub after: usize,
    /// Hit by what is kept when each half is tried with what the other half alone chooses: what to
    /// expect of new messages. `None` for few messages.
    pub unseen: Option<usize>,
}

/// How many messages are hit by what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Before {
    /// With the entries as they stand, found anywhere in the text: what naive filters do.
    pub naive: usize,
    /// As Quell would match them.
    pub matched: usize,
}

/// An entry that hits ordinary messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worst {
    /// The entry.
    pub term: String,
    /// How many ordinary messages it hits.
    pub ordinary: usize,
    /// How many abusive messages it hits.
    pub abusive: usize,
    /// Is it in the list all the same?
    pub kept: bool,
}

/// An entry that is not fit for the list as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The entry as it stands there.
    pub term: String,
    /// `host`, `duplicate`, or the name of a [`Reason`].
    pub code: &'static str,
    /// What is wrong.
    pub why: String,
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Outcome {
    pub(super) fn new(import: Import, budget: Budget, ordinary: Shares, abusive: Shares) -> Self {
        let mut report = Report {
            entries: import.entries.len(),
            kept: 0,
            hosts: 0,
            merged: 0,
            review: 0,
            reasons: BTreeMap::new(),
            cleaned: 0,
            besides: Counts {
                blank_lines: import.blank_lines,
                comment_lines: import.comment_lines,
                label_cells: import.label_cells,
            },
            encodings: import.encodings.clone(),
            budget_percent: budget.percent(),
            ordinary: (ordinary.messages > 0).then_some(ordinary),
            abusive: (abusive.messages > 0).then_some(abusive),
            worst: worst(&import),
        };
        for entry in &import.entries {
            report.cleaned += usize::from(entry.raw.trim() != entry.text);
            match &entry.fate {
                Fate::Kept => report.kept += 1,
                Fate::Host(_) => report.hosts += 1,
                Fate::Merged(_) => report.merged += 1,
                Fate::Review { reason, .. } => {
                    report.review += 1;
                    *report.reasons.entry(*reason).or_default() += 1;
                }
            }
        }
        Self { import, report }
    }

    /// The numbers.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The clean list: a `.csv` list for a rule directory.
    pub fn list(&self) -> String {
        self.import.list()
    }

    /// The hosts, one a line.
    pub fn hosts(&self) -> String {
        self.import.hosts()
    }

    /// What was set aside, as a `.csv` list whose notes say why: a line can be moved to the clean
    /// list as it is.
    pub fn review(&self) -> String {
        self.import
            .review(|entry| matches!(entry.fate, Fate::Review { .. }).then(|| self.why(entry).1))
    }

    /// What became of each entry, in the order of reading.
    pub fn fates(&self) -> impl Iterator<Item = &Fate> {
        self.import.entries.iter().map(|entry| &entry.fate)
    }

    /// Every entry that is not in the clean list as it stands, with why.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.import.entries.iter().filter(|entry| entry.fate != Fate::Kept).map(|entry| {
            let (code, why) = self.why(entry);
            let file = usize::try_from(entry.file).ok().and_then(|at| self.import.files.get(at));
            let file = file.map_or_else(|| Arc::from(""), Arc::clone);
            Finding { file, line: entry.line, term: entry.raw.trim().to_owned(), code, why }
        })
    }

    fn why(&self, entry: &Entry) -> (&'static str, String) {
        match &entry.fate {
            Fate::Kept => ("kept", String::new()),
            Fate::Host(_) => ("host", "belongs in a list of hosts".to_owned()),
            Fate::Merged(first) => (
                "duplicate",
                format!("reads the same as {} once folded", self.import.place(*first)),
            ),
            Fate::Review { reason, why } => {
                let mut words = format!("{}: {}", reason.name(), reason.words());
                if !why.is_empty() {
                    words.push_str("; ");
                    words.push_str(why);
                }
                self.add_hits(entry, &mut words);
                (reason.name(), words)
            }
        }
    }

    /// How often it hits, where that was measured.
    fn add_hits(&self, entry: &Entry, words: &mut String) {
        let [in_ordinary, in_abusive] = entry.hits;
        let of = |shares: Option<Shares>| shares.map_or(0, |shares| shares.messages);
        let (ordinary, abusive) = (of(self.report.ordinary), of(self.report.abusive));
        if in_ordinary > 0 {
            words.extend([format!("; hits {in_ordinary} of {ordinary} ordinary messages")]);
        }
        if in_abusive > 0 {
            words.extend([format!("; hits {in_abusive} of {abusive} abusive messages")]);
        }
    }
}

fn worst(import: &Import) -> Vec<Worst> {
    let hits = |entry: &&Entry| entry.hits.first().copied().unwrap_or(0);
    let mut hitting: Vec<&Entry> = import.entries.iter().filter(|entry| hits(entry) > 0).collect();
    // The sort is stable: those that hit as often stay in the order of reading.
    hitting.sort_by_key(|entry| std::cmp::Reverse(hits(entry)));
    let shown = hitting.into_iter().take(WORST_MAX);
    shown
        .map(|entry| {
            let [ordinary, abusive] = entry.hits;
            let kept = matches!(entry.fate, Fate::Kept | Fate::Host(_));
            Worst { term: entry.text.clone(), ordinary, abusive, kept }
        })
        .collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { blank_lines, comment_lines, .. } = self.besides;
        writeln!(
            f,
            "{} entries ({blank_lines} blank lines and {comment_lines} comments besides)",
            grouped(self.entries)
        )?;
        let fates = [
            (self.kept, "kept"),
            (self.hosts, "hosts"),
            (self.merged, "duplicates merged"),
            (self.review, "set aside for review"),
        ];
        for (count, what) in fates {
            writeln!(f, "  {:>9}  {what}", grouped(count))?;
        }
        if self.cleaned > 0 {
            let cleaned = grouped(self.cleaned);
            writeln!(f, "{cleaned} were cleaned of invisible characters, quotes or entities")?;
        }
        for (file, encoding) in &self.encodings {
            writeln!(f, "{file} was read as {encoding}")?;
        }
        if !self.reasons.is_empty() {
            writeln!(f, "\nSet aside")?;
            let mut reasons: Vec<_> = self.reasons.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (reason, count) in reasons {
                writeln!(f, "  {:>9}  {}: {}", grouped(*count), reason.name(), reason.words())?;
            }
        }
        self.shares(f)?;
        if !self.worst.is_empty() {
            writeln!(f, "\nEntries that hit most ordinary messages")?;
        }
        for worst in &self.worst {
            let all = self.ordinary.map_or(0, |shares| shares.messages);
            let fate = if worst.kept { "kept" } else { "set aside" };
            write!(f, "  {:>9}  {fate:9}  {}", percent(worst.ordinary, all), worst.term)?;
            if let Some(abusive) = self.abusive {
                write!(f, "  ({} of abusive)", percent(worst.abusive, abusive.messages))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Report {
    fn shares(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let budget = self.budget_percent;
        if let Some(shares) = &self.ordinary {
            let messages = grouped(shares.messages);
            writeln!(f, "\nHit, of {messages} ordinary messages (budget {budget} %)")?;
            shares.write(f)?;
        } else if self.reasons.contains_key(&Reason::TwoHan) {
            writeln!(
                f,
                "\nNothing was weighed: give ordinary messages with --corpus to learn what the \
                 entries would hit"
            )?;
        }
        if let Some(shares) = &self.abusive {
            writeln!(f, "\nHit, of {} abusive messages", grouped(shares.messages))?;
            shares.write(f)?;
        }
        Ok(())
    }
}

impl Shares {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = [
            (Some(self.before.naive), "before: every entry as it stands, anywhere in the text"),
            (Some(self.before.matched), "before: every entry, as Quell matches"),
            (Some(self.after), "after: what is kept"),
            (self.unseen, "to expect of new messages: each half judged by the other's choice"),
        ];
        for (hit, what) in rows {
            if let Some(hit) = hit {
                writeln!(f, "  {:>9}  {what}", percent(hit, self.messages))?;
            }
        }
        Ok(())
    }
}

/// `1,234,567`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn percent(part: usize, all: usize) -> String {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    format!("{:.2} %", 100.0 * number(part) / number(all.max(1)))
}
