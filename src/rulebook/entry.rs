//! The entries of all lists, stored side by side: a million of them must stay small.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Timestamp;

/// An index as the tables keep it.
pub(crate) fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// An index to look up with.
pub(crate) fn ix(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

/// A compiled list.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) name: Arc<str>,
    /// Lists whose hits cancel the hits of this one that they cover.
    pub(crate) allow: Vec<u32>,
    /// Its tight hits count even where nothing in the message looks like evasion.
    pub(crate) always: bool,
    /// Its entries are worth more effort, see [`crate::text::TightEntry`].
    pub(crate) severe: bool,
    /// It is what cancels the hits of a list that sees through disguises, and so sees through them
    /// itself: a space inside an allowed phrase must not make it a hit.
    pub(crate) excuses: bool,
    /// How many entries it has.
    pub(crate) entries: usize,
}

/// What only entries of several terms have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Composite {
    /// One bit for each term that must be there.
    pub(crate) all: u16,
    /// One bit for each term that must not be there.
    pub(crate) unless: u16,
}

impl Composite {
    /// Is this one of the terms that must not be there?
    pub(crate) fn is_unless(self, term: u8) -> bool {
        self.unless.checked_shr(u32::from(term)).is_some_and(|bits| bits & 1 == 1)
    }
}

#[derive(Debug, Clone, Copy)]
struct Record {
    text_at: u32,
    text_len: u16,
    flags: u8,
    list: u32,
}

const COMPOSITE: u8 = 1;
const EXPIRES: u8 = 2;

/// All entries, by index.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    texts: String,
    records: Vec<Record>,
    composites: BTreeMap<u32, Composite>,
    expiries: BTreeMap<u32, Timestamp>,
    /// The folded terms that must not be there, which may come from another column than the text.
    unless: BTreeMap<u32, Box<[String]>>,
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds an entry and returns its index.
    pub(crate) fn add(
        &mut self,
        text: &str,
        list: u32,
        composite: Option<Composite>,
        expires: Option<Timestamp>,
    ) -> u32 {
        let index = id(self.records.len());
        let text_at = id(self.texts.len());
        self.texts.push_str(text);
        let mut flags = 0;
        if let Some(composite) = composite {
            flags |= COMPOSITE;
            self.composites.insert(index, composite);
        }
        if let Some(expires) = expires {
            flags |= EXPIRES;
            self.expiries.insert(index, expires);
        }
        let text_len = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.records.push(Record { text_at, text_len, flags, list });
        index
    }

    /// The list an entry belongs to.
    #[inline]
    pub(crate) fn list(&self, entry: u32) -> u32 {
        self.records.get(ix(entry)).map_or(u32::MAX, |record| record.list)
    }

    /// As written.
    pub(crate) fn text(&self, entry: u32) -> &str {
        self.records
            .get(ix(entry))
            .and_then(|record| {
                let from = ix(record.text_at);
                self.texts.get(from..from + usize::from(record.text_len))
            })
            .unwrap_or_default()
    }

    /// Its terms, if there are several.
    #[inline]
    pub(crate) fn composite(&self, entry: u32) -> Option<Composite> {
        let record = self.records.get(ix(entry))?;
        if record.flags & COMPOSITE == 0 {
            return None;
        }
        self.composites.get(&entry).copied()
    }

    /// Notes the folded terms that must not be there.
    pub(crate) fn set_unless(&mut self, entry: u32, folded: &[String]) {
        if !folded.is_empty() {
            self.unless.insert(entry, folded.into());
        }
    }

    /// One of the terms that must not be there.
    pub(crate) fn unless(&self, entry: u32, index: usize) -> Option<&str> {
        self.unless.get(&entry)?.get(index).map(String::as_str)
    }

    /// Has it stopped matching?
    #[inline]
    pub(crate) fn expired(&self, entry: u32, now: Timestamp) -> bool {
        self.records.get(ix(entry)).is_some_and(|record| {
            record.flags & EXPIRES != 0
                && self.expiries.get(&entry).is_some_and(|expires| *expires <= now)
        })
    }

    /// Bytes on the heap, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.texts.capacity()
            + self.records.capacity() * size_of::<Record>()
            + (self.composites.len() + self.expiries.len()) * 32
            + self.unless.values().flatten().map(|term| term.capacity() + 48).sum::<usize>()
    }

    /// Gives back what growing left over.
    pub(crate) fn shrink(&mut self) {
        self.texts.shrink_to_fit();
        self.records.shrink_to_fit();
    }
}
