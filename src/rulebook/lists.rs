//! Compiling lists: from declarations and files to entries and patterns.

use std::sync::Arc;

use super::compile::{Compiler, ENTRIES_MAX, check_id, has_extension};
use super::diagnostic::{Lines, Place, suggest, suggest_path};
use super::entry::{Entries, List, id, ix};
use super::list::{self, EntrySource};
use super::source::{FileSource, ListSource};
use super::table::At;
use super::terms::TermBuilder;
use crate::verdict::ViewKind;

impl Compiler<'_> {
    /// Compiles every list.
    pub(crate) fn lists(&mut self, files: &[(Arc<str>, FileSource)]) {
        let sources: Vec<&ListSource> = files.iter().flat_map(|(_, file)| &file.lists).collect();
        self.declare(&sources);
        let mut entries = Entries::default();
        let mut terms = TermBuilder::default();
        self.excuse(&sources);
        for (index, source) in sources.iter().enumerate() {
            let allow: Vec<u32> =
                source.allow.iter().filter_map(|name| self.list_id(name)).collect();
            TermBuilder::check_variants(source, &mut self.sink);
            let before = entries.len();
            self.entries(id(index), source, &mut entries, &mut terms);
            terms.end_list(source, &mut self.sink);
            let count = entries.len() - before;
            if let Some(list) = self.book.lists.get_mut(index) {
                list.allow = allow;
                list.entries = count;
            }
        }
        if entries.len() > ENTRIES_MAX {
            let place = Place::new(&Arc::from("."), 0..0);
            let what = format!("{} entries are more than {ENTRIES_MAX}", entries.len());
            self.sink.error(&place, "too-many", what).help("split the directory, or remove some");
        }
        entries.shrink();
        self.book.entries = entries;
        self.book.terms = terms;
    }

    /// Marks the lists that cancel the hits of lists with the tight view.
    fn excuse(&mut self, sources: &[&ListSource]) {
        let tight = sources.iter().filter(|source| source.view == ViewKind::Tight);
        for name in tight.flat_map(|source| &source.allow) {
            let list = self.list_ids.get(&name.value).map(|list| ix(*list));
            if let Some(list) = list.and_then(|list| self.book.lists.get_mut(list)) {
                list.excuses = true;
            }
        }
    }

    /// Makes the names known before anything refers to them.
    fn declare(&mut self, sources: &[&ListSource]) {
        for source in sources {
            let name = &source.name.value;
            let raw = self.texts.get(&source.name.place.file);
            check_id(&source.name, "list", raw, &mut self.sink);
            if let Some(first) = self.list_ids.get(name) {
                let first = sources.get(ix(*first)).map_or("", |s| &s.name.place.file);
                let what = format!("list `{name}` is declared twice");
                self.sink
                    .error(&source.name.place, "duplicate-list", what)
                    .help(format!("the other one is in {first}; rename one of them"));
            }
            let next = id(self.book.lists.len());
            self.list_ids.entry(name.clone()).or_insert(next);
            self.book.lists.push(List {
                name: Arc::from(name.as_str()),
                allow: Vec::new(),
                always: source.always,
                severe: source.severe,
                excuses: false,
                entries: 0,
            });
        }
    }

    /// The entries of one list, from the rule file itself and from its files.
    fn entries(
        &mut self,
        list: u32,
        source: &ListSource,
        entries: &mut Entries,
        terms: &mut TermBuilder,
    ) {
        let options = self.options;
        let view = match source.view {
            ViewKind::Plain if self.book.lists.get(ix(list)).is_some_and(|list| list.excuses) => {
                ViewKind::Tight
            }
            view => view,
        };
        for at in &source.entries {
            let span = at.place.span.clone();
            let entry = EntrySource::plain(at.value.as_str().into(), span.start, span.end);
            let (file, sink) = (&at.place.file, &mut self.sink);
            terms.add(entries, (source, view), list, file, 0, &entry, options, sink);
        }
        for at in &source.files {
            let Some((file, text)) = self.list_file(at) else { continue };
            let errors = self.sink.errors();
            let parsed = if has_extension(&file, "csv") {
                list::read_csv(&file, &text, &mut self.sink)
            } else {
                list::read_text(&text)
            };
            if parsed.is_empty() && self.sink.errors() == errors {
                let what = format!("`{}` has no entries", at.value);
                self.sink
                    .warn(&at.place, "empty-list", what)
                    .help("write one entry a line into it, or leave it out");
            }
            let lines = Lines::of(&text);
            for entry in parsed {
                let (line, _) = lines.at(entry.start);
                let sink = &mut self.sink;
                terms.add(entries, (source, view), list, &file, line, &entry, options, sink);
            }
        }
    }

    /// A file of words named in a rule file; an error if there is none.
    pub(crate) fn list_file(&mut self, at: &At<String>) -> Option<(Arc<str>, Arc<str>)> {
        if let Some((file, text)) = self.texts.get_key_value(at.value.as_str()) {
            self.files_used.insert(Arc::clone(file));
            return Some((Arc::clone(file), Arc::clone(text)));
        }
        let is_list = |file: &&str| has_extension(file, "txt") || has_extension(file, "csv");
        let known: Vec<&str> = self.texts.keys().map(|file| &**file).filter(is_list).collect();
        let help = suggest_path(&at.value, &known);
        let what = format!("there is no file `{}`", at.value);
        self.sink
            .error(&at.place, "missing-file", what)
            .help(format!("{help} (paths start at the rule directory; lists end in .txt or .csv)"));
        None
    }

    /// The list of this name; an error if there is none.
    pub(crate) fn list_id(&mut self, name: &At<String>) -> Option<u32> {
        let Some(list) = self.list_ids.get(&name.value).copied() else {
            let what = format!("there is no list `{}`", name.value);
            let help = suggest(&name.value, self.list_ids.keys().map(String::as_str));
            self.sink.error(&name.place, "unknown-list", what).help(help);
            return None;
        };
        *self.list_uses.entry(list).or_default() += 1;
        Some(list)
    }
}
