//! From entries as written to patterns of the automata.

use std::collections::HashMap;
use std::sync::Arc;

use aho_corasick::BuildError;

use super::diagnostic::{Place, Sink, suggest};
use super::entry::{Composite, Entries};
use super::list::{EntrySource, Term, terms};
use super::pattern::{Builder, Patterns, Target, Use};
use super::source::{ListSource, Matching};
use super::{Options, Timestamp};
use crate::text::{self, Sound, Suspects, SuspectsBuilder, Technique, TightEntry};
use crate::verdict::ViewKind;

/// Names of variants in rule files; the last two only to say why not.
pub(crate) const TECHNIQUES: [(&str, Technique); 5] = [
    ("pinyin", Technique::Pinyin),
    ("parts", Technique::Parts),
    ("reversed", Technique::Reversed),
    ("homophones", Technique::Homophones),
    ("initials", Technique::Initials),
];

/// At most so many terms in one entry, `unless` phrases included.
pub const TERMS_MAX: usize = 16;
/// A term may be so long, in bytes.
pub const TERM_BYTES_MAX: usize = 512;

/// Collects the patterns of all views.
#[derive(Debug, Default)]
pub(crate) struct TermBuilder {
    plain: Builder,
    tight: Builder,
    sound: Builder,
    suspects: SuspectsBuilder,
    /// Which list has which pattern already, for duplicates: to the line.
    seen: HashMap<(u32, u32, Way), u32>,
    /// How many terms of the current list are not fit for the tight view they are meant for, and
    /// the first of them.
    unfit: Option<(usize, String)>,
}

/// How an entry is found: which ends must be token edges, in which view, until when. Only entries
/// alike in this are duplicates, or an expired one would take its successor along.
type Way = ((bool, bool), ViewKind, Option<Timestamp>);

/// The automata of all views.
#[derive(Debug, Default)]
pub(crate) struct Automata {
    pub(crate) plain: Patterns,
    pub(crate) tight: Patterns,
    pub(crate) sound: Patterns,
    /// What is worth a look in the tight view.
    pub(crate) suspects: Suspects,
}

impl Automata {
    /// Bytes on the heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        let patterns = [&self.plain, &self.tight, &self.sound].into_iter();
        patterns.map(Patterns::memory_bytes).sum::<usize>() + self.suspects.memory_bytes()
    }
}

impl TermBuilder {
    /// Adds one entry of a list that is looked for in this view.
    #[expect(clippy::too_many_arguments, reason = "each is needed to place or to name the entry")]
    pub(crate) fn add(
        &mut self,
        entries: &mut Entries,
        (list, view): (&ListSource, ViewKind),
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
        let matching = source.matching.unwrap_or(list.matching);
        let view = source.view.unwrap_or(view);
        if single && let ([only], [term]) = (folded.as_slice(), parts.all.as_slice()) {
            let way = (edges(matching, term, only), view, source.expires);
            let pattern = self.plain.intern(only);
            if let Some(first) = self.seen.insert((list_id, pattern, way), super::entry::id(line)) {
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
        let entry = entries.add(&source.text, list_id, composite, source.expires);
        entries.set_unless(entry, folded.get(parts.all.len()..).unwrap_or_default());
        for (index, (term, folded)) in parts.all.iter().chain(&unless).zip(&folded).enumerate() {
            let (left, right) = edges(matching, term, folded);
            let target = Target::Entry { entry, term: u8::try_from(index).unwrap_or(u8::MAX) };
            self.plain.add(folded, Use { target, left_edge: left, right_edge: right, form: 0 });
            match view {
                ViewKind::Plain => {}
                ViewKind::Tight => self.tight(folded, list.severe, (left, right), target),
                ViewKind::Sound => {
                    if let Err(why) = self.sound(folded, target) {
                        let what = format!("`{}` is not found by its sound: {why}", term.text);
                        sink.warn(&place(), "no-sound", what)
                            .help("it is found as written; give it `view` plain to say so");
                    }
                }
            }
            for technique in &list.variants {
                self.variants(folded, &technique.value, target);
            }
        }
    }

    /// Adds the tight forms of a term, if it is fit for them.
    fn tight(
        &mut self,
        folded: &str,
        severe: bool,
        (left_edge, right_edge): (bool, bool),
        target: Target,
    ) {
        let Some(term) = TightEntry::new(folded, severe) else {
            self.unfit.get_or_insert((0, folded.to_owned())).0 += 1;
            return;
        };
        let term = term.open(!left_edge, !right_edge);
        let mut add = |pattern: &str, form: usize| {
            if let Ok(form) = u8::try_from(form) {
                let r#use = Use { target, left_edge, right_edge, form };
                self.tight.add(pattern, r#use);
            }
        };
        add(term.pattern(), 0);
        self.suspects.add(&term);
        if severe {
            for (index, form) in term.starred().iter().enumerate() {
                add(form.pattern(), index + 1);
            }
        }
    }

    fn sound(&mut self, folded: &str, target: Target) -> Result<(), text::Refusal> {
        let sound = Sound::entry(folded)?;
        self.sound.add(&sound, Use { target, left_edge: false, right_edge: false, form: 0 });
        Ok(())
    }

    /// Adds other ways of writing a term; one that has none in this technique is found as written.
    fn variants(&mut self, folded: &str, name: &str, target: Target) {
        let technique = TECHNIQUES.iter().find(|(known, _)| *known == name);
        let Some((_, technique)) = technique else { return };
        for variant in text::variants(folded, *technique).unwrap_or_default() {
            // Whole tokens, whatever the entry says of itself.
            let word_at = |c: Option<char>| c.is_some_and(text::is_word_char);
            let left_edge = word_at(variant.chars().next());
            let right_edge = word_at(variant.chars().next_back());
            self.plain.add(&variant, Use { target, left_edge, right_edge, form: 0 });
        }
    }

    /// Checks the names of a list's variants; what must never be on is refused with the reason.
    pub(crate) fn check_variants(list: &ListSource, sink: &mut Sink) {
        for at in &list.variants {
            match TECHNIQUES.iter().find(|(known, _)| *known == at.value) {
                Some((_, Technique::Homophones | Technique::Initials)) => {
                    let technique = if at.value == "initials" {
                        Technique::Initials
                    } else {
                        Technique::Homophones
                    };
                    if let Err(why) = text::variants("", technique) {
                        sink.error(&at.place, "refused-variant", format!("`{}`: {why}", at.value))
                            .help("leave it out");
                    }
                }
                Some(_) => {}
                None => {
                    let what = format!("there are no variants `{}`", at.value);
                    sink.error(&at.place, "unknown-value", what)
                        .help(suggest(&at.value, TECHNIQUES.iter().map(|(name, _)| *name)));
                }
            }
        }
    }

    /// What there is to say of a list whose entries have all been added.
    pub(crate) fn end_list(&mut self, list: &ListSource, sink: &mut Sink) {
        // What only excuses was not asked to see through disguises.
        let asked = list.view == ViewKind::Tight;
        if let Some((count, first)) = self.unfit.take().filter(|_| asked) {
            let what = format!("{count} terms such as `{first}` are not found in disguise");
            sink.note(&list.name.place, "no-tight", what).help(
                "they are found as written; in disguise: four letters or more, two Han or more, or \
                 three of both, and no digits",
            );
        }
    }

    /// Adds a literal that a regex needs.
    pub(crate) fn gate(&mut self, folded: &str, regex: u32) {
        let target = Target::Gate(regex);
        self.plain.add(folded, Use { target, left_edge: false, right_edge: false, form: 0 });
    }

    /// Builds the automata.
    pub(crate) fn build(self) -> Result<Automata, BuildError> {
        Ok(Automata {
            plain: self.plain.build()?,
            tight: self.tight.build()?,
            sound: self.sound.build()?,
            suspects: self.suspects.build(),
        })
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
        sink.error(&place(), "too-long", what).help("shorten it, or take it apart with ` & `");
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
