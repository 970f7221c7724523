//! Keyword lists as people have them, made into lists that Quell can use.
//!
//! An [`Import`] reads dirty files, merges what folds to the same, finds the hosts and sets aside
//! what is risky; [`Weighing`] measures the rest on messages with a real rulebook; [`Outcome`]
//! holds the lists to write and the report. Nothing is dropped: every entry read has exactly one
//! [`Fate`].

mod base64;
mod choose;
mod decode;
mod host;
mod messages;
mod read;
mod report;
mod screen;
#[cfg(test)]
mod tests;
mod weigh;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use crate::rulebook::ENTRIES_MAX;
use crate::text;
use read::{Columns, Format, Raw};
use screen::Screened;

pub use choose::{BadBudget, Budget};
pub use messages::{NoMessages, messages};
pub use report::{Before, Counts, Finding, Outcome, Report, Shares, Worst};
pub use weigh::{Refused, Side, Weighing};

/// A two-character Han entry is trusted only after so many ordinary messages without it.
pub const ORDINARY_MIN: usize = 1_000;

/// A list to import.
#[derive(Debug, Clone)]
pub struct Input {
    /// The file's name: `.csv` and `.tsv` are read as tables, anything else line by line.
    pub name: String,
    /// Its content, in UTF-8, UTF-16 or GB18030.
    pub bytes: Vec<u8>,
}

impl Input {
    /// The ending of its name, in lower case.
    fn extension(&self) -> Option<String> {
        self.name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase())
    }
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It goes into the list.
    Kept,
    /// It goes into the list of hosts, as this host.
    Host(String),
    /// It reads the same, once folded, as the entry with this number.
    Merged(usize),
    /// It goes into the review file.
    Review {
        /// Why.
        reason: Reason,
        /// What there is to say beyond the reason; may be empty.
        why: String,
    },
}

/// Why an entry is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is explained by `Reason::words`")]
pub enum Reason {
    Broken,
    Cells,
    Empty,
    Base64,
    Page,
    Suffix,
    Operators,
    Spaces,
    TooLong,
    OneCharacter,
    Symbols,
    Digits,
    Short,
    MixedScripts,
    TwoHan,
    Conflict,
    Expired,
    Refused,
    Ordinary,
    Chance,
    Budget,
    Unproven,
}

impl Reason {
    /// A stable name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Cells => "cells",
            Self::Empty => "empty",
            Self::Base64 => "base64",
            Self::Page => "page",
            Self::Suffix => "suffix",
            Self::Operators => "operators",
            Self::Spaces => "spaces",
            Self::TooLong => "too-long",
            Self::OneCharacter => "one-character",
            Self::Symbols => "symbols",
            Self::Digits => "digits",
            Self::Short => "short",
            Self::MixedScripts => "mixed-scripts",
            Self::TwoHan => "two-han",
            Self::Conflict => "conflict",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Ordinary => "ordinary",
            Self::Chance => "chance",
            Self::Budget => "budget",
            Self::Unproven => "unproven",
        }
    }

    /// What it means.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Broken => "holds characters that could not be decoded",
            Self::Cells => "is a line whose cells cannot be told apart",
            Self::Empty => "nothing is left of it once invisible characters are removed",
            Self::Base64 => "is base64 of a text",
            Self::Page => "is a page of a host",
            Self::Suffix => "is what many hosts end in",
            Self::Operators => "holds signs of another tool's language",
            Self::Spaces => "holds spaces between Han characters",
            Self::TooLong => "is too long to be typed the same way twice",
            Self::OneCharacter => "is a single character",
            Self::Symbols => "has no letters",
            Self::Digits => "is all digits",
            Self::Short => "has fewer than four letters",
            Self::MixedScripts => "mixes letters that look alike",
            Self::TwoHan => "has two Han characters, and no corpus shows that it is rare",
            Self::Conflict => "is there already, with other settings",
            Self::Expired => "has expired",
            Self::Refused => "cannot be used as it is",
            Self::Ordinary => "is an ordinary word: alone it is over the budget",
            Self::Chance => "hits ordinary messages as often as abusive ones",
            Self::Budget => "does not fit into the budget",
            Self::Unproven => "hits nothing yet, but entries like it (same file, same length) do",
        }
    }
}

/// One entry as read and cleaned.
#[derive(Debug)]
struct Entry {
    /// As it stands in the file.
    raw: String,
    /// As it will be written.
    text: String,
    file: u32,
    line: usize,
    columns: Columns,
    fate: Fate,
    /// How many messages of each side it hits, once weighed.
    hits: [usize; 2],
}

/// The inputs are more than can be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the files hold more than {ENTRIES_MAX} entries")]
pub struct TooMany;

/// Entries read, cleaned, merged and screened.
#[derive(Debug, Default)]
pub struct Import {
    files: Vec<Arc<str>>,
    entries: Vec<Entry>,
    blank_lines: usize,
    comment_lines: usize,
    label_cells: usize,
    encodings: Vec<(Arc<str>, &'static str)>,
    /// Entries that may be kept if enough ordinary messages show that they are rare.
    two_han: Vec<usize>,
    /// By what they fold to.
    seen: HashMap<Box<str>, usize>,
}

impl Import {
    /// Reads one more file.
    pub fn read(&mut self, input: &Input) -> Result<(), TooMany> {
        let decoded = decode::decode(&input.bytes);
        let name: Arc<str> = Arc::from(input.name.as_str());
        if let Some(encoding) = decoded.encoding {
            self.encodings.push((Arc::clone(&name), encoding));
        }
        let format = match input.extension().as_deref() {
            Some("csv") => Format::Csv,
            Some("tsv") => Format::Tsv,
            _ => Format::Text,
        };
        let content = read::read(&decoded.text, format);
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(name);
        self.blank_lines += content.blank_lines;
        self.comment_lines += content.comment_lines;
        self.label_cells += content.label_cells;
        if self.entries.len() + content.entries.len() > ENTRIES_MAX {
            return Err(TooMany);
        }
        for raw in content.entries {
            self.spread(raw, file, content.own);
        }
        Ok(())
    }

    /// Adds an entry, or several hosts that were written as one.
    fn spread(&mut self, raw: Raw, file: u32, own: bool) {
        let hosts = raw.term.split_whitespace();
        let several = raw.fault.is_none()
            && raw.term.trim().contains(char::is_whitespace)
            && hosts.clone().all(|piece| host::read(piece).is_some());
        if !several {
            return self.add(raw, file, own);
        }
        for piece in hosts {
            let columns = raw.columns.clone();
            let raw = Raw { term: piece.to_owned(), line: raw.line, columns, fault: None };
            self.add(raw, file, own);
        }
    }

    fn add(&mut self, raw: Raw, file: u32, own: bool) {
        let text = screen::clean(&raw.term).into_owned();
        let number = self.entries.len();
        let screened = screen::screen(&text, own);
        let key = match &screened {
            Screened::Host(host) => host.clone(),
            _ => key(&text),
        };
        // What folds to nothing is the same only as itself.
        let key = if key.is_empty() { raw.term.clone() } else { key };
        let fate = if let Some(why) = raw.fault {
            Fate::Review { reason: Reason::Cells, why }
        } else if let Some(first) = self.seen.get(key.as_str()) {
            self.again(*first, &raw.columns)
        } else {
            self.seen.insert(key.into(), number);
            match screened {
                Screened::Term => Fate::Kept,
                // Somebody chose it for Quell already.
                Screened::TwoHan if own => Fate::Kept,
                Screened::TwoHan => {
                    self.two_han.push(number);
                    Fate::Review { reason: Reason::TwoHan, why: String::new() }
                }
                Screened::Host(host) => Fate::Host(host),
                Screened::Aside(reason, why) => Fate::Review { reason, why },
            }
        };
        let Raw { term: raw, line, columns, .. } = raw;
        self.entries.push(Entry { raw, text, file, line, columns, fate, hits: [0; 2] });
    }

    /// What becomes of an entry that folds to what an earlier one folds to.
    fn again(&self, first: usize, columns: &Columns) -> Fate {
        let settings = |columns: &Columns| {
            let Columns { matching, view, unless, expires, .. } = columns;
            [matching.clone(), view.clone(), unless.clone(), expires.clone()]
        };
        let own = settings(columns);
        let same = own.iter().all(String::is_empty)
            || self.entries.get(first).is_some_and(|entry| settings(&entry.columns) == own);
        if same {
            return Fate::Merged(first);
        }
        let why = format!("see {}", self.place(first));
        Fate::Review { reason: Reason::Conflict, why }
    }

    /// Where an entry was read: `words.txt:12`.
    fn place(&self, number: usize) -> String {
        self.entries.get(number).map_or_else(String::new, |entry| {
            let file = usize::try_from(entry.file).ok().and_then(|file| self.files.get(file));
            format!("{}:{}", file.map_or("", |file| file), entry.line)
        })
    }
}

/// What two entries have in common that match the same texts.
fn key(entry: &str) -> String {
    let (terms, all) = screen::terms(entry);
    if let [only] = terms.as_slice() {
        return text::fold(only).trim().to_owned();
    }
    let mut folded: Vec<String> =
        terms.iter().map(|term| text::fold(term).trim().to_owned()).collect();
    let (all, unless) = folded.split_at_mut(all.min(terms.len()));
    all.sort_unstable();
    unless.sort_unstable();
    let mut key = all.join(" & ");
    for term in unless {
        key.push_str(" ~ ");
        key.push_str(term);
    }
    key
}
