//! From entries as written to patterns of the automata.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::BuildError;

use super::Options;
use super::diagnostic::{Place, Sink};
use super::entry::{Composite, Entries};
use super::list::{EntrySource, Term, terms};
use super::pattern::{Builder, Patterns, Target, Use};
use super::source::{ListSource, Matching};
use crate::text;

/// At most so many terms in one entry, `unless` phrases included.
pub const TERMS_MAX: usize = 16;
/// A term may be so long, in bytes.
pub const TERM_BYTES_MAX: usize = 512;

/// Collects the patterns of all views.
#[derive(Debug, Default)]
pub(crate) struct TermBuilder {
    plain: Builder,
    /// Which list has which folded text already, for duplicates: to the line.
    seen: HashMap<(u32, Box<str>), usize>,
}

/// The automata of all views.
#[derive(Debug, Default)]
pub(crate) struct Automata {
    pub(crate) plain: Patterns,
}

impl TermBuilder {
    /// Adds one entry.
    #[expect(clippy::too_many_arguments, reason = "each is needed to place or to name the entry")]
    pub(crate) fn add(
        &mut self,
        entries: &mut Entries,
        list: &ListSource,
        list_id: u32,
        file: &Arc<str>,
        line: usize,
        source: &EntrySource<'_>,
        options: &Options,
        sink: &mut Sink,
    ) {
        let place = || source.place(file);
        let parts = terms(&source.text);
        let mut unless = parts.unless;
        let column = source.unless.as_deref().unwrap_or_default();
        unless.extend(
            column.split('|').map(str::trim).filter(|t| !t.is_empty()).map(super::list::term),
        );
        let count = parts.all.len() + unless.len();
        if count > TERMS_MAX {
            let what = format!("this entry has {count} terms; {TERMS_MAX} is the most");
            sink.error(&place(), "too-many", what).help("split it, or write a rule");
            return;
        }
        let folded: Option<Vec<String>> =
            parts.all.iter().chain(&unless).map(|term| check(term, &place, sink)).collect();
        let Some(folded) = folded else { return };
        if let Some(expires) = source.expires.filter(|expires| *expires <= options.now) {
            let _ = expires;
            sink.warn(
                &place(),
                "expired",
                format!("`{}` has expired and does not match", source.text),
            )
            .help("remove the line, or give it a later date");
        }
        let single = count == 1;
        if single && let [only] = folded.as_slice() {
            if let Some(first) = self.seen.insert((list_id, only.as_str().into()), line) {
                sink.warn(
                    &place(),
                    "duplicate-entry",
                    format!("`{}` is in the list already", source.text),
                )
                .help(format!("line {first} reads the same once folded; remove one"));
                return;
            }
        }
        let composite = (!single).then(|| {
            let bits = |range: std::ops::Range<usize>| range.fold(0, |bits, at| bits | 1 << at);
            Composite { all: bits(0..parts.all.len()), unless: bits(parts.all.len()..count) }
        });
        let entry = entries.add(&source.text, list_id, line, composite, source.expires);
        let matching = source.matching.unwrap_or(list.matching);
        for (index, (term, folded)) in parts.all.iter().chain(&unless).zip(&folded).enumerate() {
            let (left, right) = edges(matching, term, folded);
            let target = Target::Entry { entry, term: u8::try_from(index).unwrap_or(u8::MAX) };
            self.plain.add(folded, Use { target, left_edge: left, right_edge: right });
        }
    }

    /// Adds a literal that a regex needs.
    pub(crate) fn gate(&mut self, folded: &str, regex: u32) {
        let target = Target::Gate(regex);
        self.plain.add(folded, Use { target, left_edge: false, right_edge: false });
    }

    /// Builds the automata.
    pub(crate) fn build(self) -> Result<Automata, BuildError> {
        Ok(Automata { plain: self.plain.build()? })
    }
}

/// Which ends of a term must be token edges.
fn edges(matching: Matching, term: &Term<'_>, folded: &str) -> (bool, bool) {
    let word_at = |c: Option<char>| c.is_some_and(text::is_word_char);
    let (left, right) = match matching {
        Matching::Anywhere => (false, false),
        Matching::Word => (true, true),
        Matching::Auto => (word_at(folded.chars().next()), word_at(folded.chars().next_back())),
    };
    (left && !term.open_left, right && !term.open_right)
}

/// The folded form of a term, unless nothing useful is left of it.
fn check(term: &Term<'_>, place: &dyn Fn() -> Place, sink: &mut Sink) -> Option<String> {
    if term.text.is_empty() {
        sink.error(&place(), "empty-entry", "a term of this entry is empty".to_owned())
            .help("`&` and `~` stand between two terms, as in `loan & no check ~ student`");
        return None;
    }
    if term.text.len() > TERM_BYTES_MAX {
        let what = format!("this term has {} bytes; {TERM_BYTES_MAX} is the most", term.text.len());
        sink.error(&place(), "too-long", what)
            .help("shorten it, or take it apart with ` & `");
        return None;
    }
    let folded = text::fold(term.text).trim().to_owned();
    if folded.is_empty() {
        let what = "nothing is left of this entry once invisible characters are removed".to_owned();
        sink.error(&place(), "empty-entry", what).help("remove the line");
        return None;
    }
    if folded.chars().nth(1).is_none() {
        sink.warn(&place(), "one-character", format!("`{}` is a single character", term.text))
            .help("it will fire on ordinary messages; use a longer phrase");
    }
    super::lint::spelling::lint(term.text, place, sink);
    Some(folded)
}
