//! Entries that say what another one says, and allow-phrases that allow nothing.
//!
//! Entries are looked for in each other by the very automata that look for them in messages, so
//! that what is said here is what happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::message::{Field, Kind, KindSet, Message};
use crate::rulebook::book::Book;
use crate::rulebook::compile::{Compiler, has_extension};
use crate::rulebook::diagnostic::{Place, Sink};
use crate::rulebook::entry::ix;
use crate::rulebook::found::Found;
use crate::rulebook::list::{self, EntrySource};
use crate::rulebook::source::{BlockSource, FileSource, ListSource};
use crate::rulebook::{Timestamp, table::At};

/// What is looked at: the compiled lists with their sources.
struct Lists<'c> {
    book: &'c Book,
    now: Timestamp,
    texts: &'c BTreeMap<Arc<str>, Arc<str>>,
    ids: &'c BTreeMap<String, u32>,
    uses: &'c BTreeMap<u32, usize>,
    sources: BTreeMap<&'c str, &'c ListSource>,
    found: Found,
}

/// Warns about entries of lists that work together. `book` is what `compiler` has built, without
/// errors.
pub(crate) fn lint(book: &Book, compiler: &mut Compiler<'_>, files: &[(Arc<str>, FileSource)]) {
    let Compiler { sink, texts, list_ids: ids, list_uses: uses, options, .. } = compiler;
    let now = options.now;
    let named = files.iter().flat_map(|(_, file)| &file.lists);
    let sources = named.map(|list| (list.name.value.as_str(), list)).collect();
    let mut lists = Lists { book, now, texts, ids, uses, sources, found: Found::default() };
    lists.phrases(files, sink);
    lists.pairs(files, sink);
}

impl Lists<'_> {
    fn id(&self, name: &At<String>) -> Option<u32> {
        self.ids.get(&name.value).copied()
    }

    /// Every phrase of an allow list, with what it allows.
    fn phrases(&mut self, files: &[(Arc<str>, FileSource)], sink: &mut Sink) {
        let mut users: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for list in files.iter().flat_map(|(_, file)| &file.lists) {
            for allow in &list.allow {
                users.entry(&allow.value).or_default().extend(self.id(&list.name));
            }
        }
        for (allow, users) in users {
            let (Some(source), Some(id)) =
                (self.sources.get(allow).copied(), self.ids.get(allow).copied())
            else {
                continue;
            };
            self.each_entry(source, &mut |lists, text, place| {
                lists.phrase(id, &users, text, place, sink);
            });
        }
    }

    fn phrase(&mut self, allow: u32, users: &[u32], text: &str, place: &Place, sink: &mut Sink) {
        self.search(text);
        let own: BTreeSet<(u32, u32)> =
            self.found.of_list(allow).iter().map(|hit| (hit.start, hit.end)).collect();
        let mut covered = false;
        for list in users {
            let hits = self.found.of_list(*list).iter();
            for hit in hits.filter(|hit| hit.cancelled.is_some()) {
                covered = true;
                if own.contains(&(hit.start, hit.end)) && self.is_whole(hit.start, hit.end) {
                    let what = format!(
                        "`{text}` is an entry of list `{}` and of its allow list",
                        self.book.list_name(*list)
                    );
                    sink.warn(place, "entry-conflict", what)
                        .help("the entry never counts; remove it from one of the two");
                }
            }
        }
        // A phrase that has expired is reported as that. Where rules name the list too, what it
        // holds may be there for them.
        let only_allows = self.uses.get(&allow).is_none_or(|uses| *uses <= users.len());
        if !covered && !own.is_empty() && only_allows {
            let names: Vec<String> =
                users.iter().map(|list| format!("`{}`", self.book.list_name(*list))).collect();
            let what =
                format!("`{text}` holds no entry of {}, so it allows nothing", names.join(" or "));
            sink.warn(place, "useless-phrase", what).help(
                "an allow-phrase holds the entry that it excuses, and more around it; correct or remove it",
            );
        }
    }

    /// Entries that are in two lists of one condition.
    fn pairs(&mut self, files: &[(Arc<str>, FileSource)], sink: &mut Sink) {
        let mut pairs = BTreeSet::new();
        for rule in files.iter().flat_map(|(_, file)| &file.rules) {
            for block in rule.when.iter().flat_map(blocks) {
                let names: BTreeSet<&str> =
                    block.lists.iter().map(|at| at.value.as_str()).collect();
                for a in &names {
                    pairs.extend(names.iter().filter(|b| *b > a).map(|b| (*a, *b)));
                }
            }
        }
        for (a, b) in pairs {
            let (Some(a), Some(b)) = (self.sources.get(a).copied(), self.sources.get(b).copied())
            else {
                continue;
            };
            let size = |lists: &Self, list: &ListSource| {
                let id = lists.id(&list.name)?;
                Some(lists.book.lists.get(ix(id))?.entries)
            };
            let (small, large) = if size(self, a) < size(self, b) { (a, b) } else { (b, a) };
            let (Some(own), Some(other)) = (self.id(&small.name), self.id(&large.name)) else {
                continue;
            };
            self.each_entry(small, &mut |lists, text, place| {
                lists.search(text);
                let whole = |lists: &Self, list| {
                    lists.found.of_list(list).iter().any(|hit| lists.is_whole(hit.start, hit.end))
                };
                if whole(lists, own) && whole(lists, other) {
                    let what = format!("`{text}` is in list `{}` too", large.name.value);
                    sink.warn(place, "entry-twice", what)
                        .help("a rule names both lists, so once is enough; remove one of the two");
                }
            });
        }
    }

    /// Calls `with` for each entry of a single term, with the term and its place.
    fn each_entry(&mut self, source: &ListSource, with: &mut dyn FnMut(&mut Self, &str, &Place)) {
        for at in &source.entries {
            self.entry(&at.value, &at.place, with);
        }
        for at in &source.files {
            let Some((file, text)) = self.texts.get_key_value(at.value.as_str()) else { continue };
            let entries: Vec<EntrySource<'_>> = if has_extension(file, "csv") {
                // What is wrong with the file has been said.
                list::read_csv(file, text, &mut Sink::default())
            } else {
                list::read_text(text)
            };
            for entry in entries.iter().filter(|entry| entry.unless.is_none()) {
                self.entry(&entry.text, &entry.place(file), with);
            }
        }
    }

    fn entry(&mut self, entry: &str, place: &Place, with: &mut dyn FnMut(&mut Self, &str, &Place)) {
        let terms = list::terms(entry);
        if let ([only], []) = (terms.all.as_slice(), terms.unless.as_slice()) {
            with(self, only.text, place);
        }
    }

    fn search(&mut self, text: &str) {
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
        self.found.search(self.book, &message, self.now);
    }

    /// Is this the whole of what was searched, spaces around it aside?
    fn is_whole(&self, start: u32, end: u32) -> bool {
        let text = self.found.view.text();
        let outside = [text.get(..ix(start)), text.get(ix(end)..)];
        outside
            .into_iter()
            .flatten()
            .all(|rest| rest.chars().all(|c| c.is_whitespace() || c.is_control()))
    }
}

/// A block and those in it.
fn blocks(when: &BlockSource) -> impl Iterator<Item = &BlockSource> {
    std::iter::once(when).chain(&when.all).chain(&when.any).chain(&when.unless)
}
