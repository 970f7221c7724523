//! Judging one message: from what was found in it to the verdict and its reasons.

use std::ops::Range;
use std::sync::Arc;

use super::book::Book;
use super::condition::{Block, Hosts, Part, Unmet};
use super::entry::ix;
use super::found::Found;
use super::regexes::MATCHES_MAX;
use super::rule::Rule;
use super::scope::OutOfScope;
use super::script::Budget;
use super::source::{Action, Mode};
use super::sum::Sum;
use super::{Facts, Timestamp};
use crate::message::{KindSet, Message};
use crate::text::View;
use crate::verdict::{Fault, Firing, Hit, Judgement, Span, Verdict, ViewKind};

/// Buffers that judging reuses from message to message. One per thread.
#[derive(Debug, Default)]
pub struct Scratch {
    found: Found,
    candidates: Vec<u32>,
    live: bool,
}

/// Why a rule did not fire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Miss {
    /// Switched off, or past its end.
    Off,
    /// No element of a kind that it looks at.
    Kind,
    Scope(OutOfScope),
    Unmet(Unmet),
}

/// One message on trial.
pub(crate) struct Trial<'t> {
    pub(crate) book: &'t Book,
    pub(crate) message: &'t Message<'t>,
    pub(crate) facts: &'t Facts,
    pub(crate) now: Timestamp,
    pub(crate) found: &'t Found,
    pub(crate) faults: Vec<Fault>,
    /// What enforced rules that could not be judged ask for.
    pub(crate) fallback: Verdict,
    /// The time that scripts have left, where time counts.
    pub(crate) live: Option<Budget>,
}

impl Scratch {
    /// For judging live traffic: scripts are held to the clock and benched when they keep failing.
    /// The default is for replays, whose answers depend on nothing but their input.
    pub fn live() -> Self {
        Self { live: true, ..Self::default() }
    }

    /// Finds everything the rulebook looks for in the message.
    pub(crate) fn search(&mut self, book: &Book, message: &Message<'_>, now: Timestamp) {
        self.found.search(book, message, now);
    }

    /// The rules that something in the message calls up, in order of their index.
    pub(crate) fn called_up(&mut self, book: &Book) -> Vec<u32> {
        self.candidates.clear();
        self.call_up(book);
        self.candidates.clone()
    }

    fn call_up(&mut self, book: &Book) {
        for trigger in &self.found.triggers {
            self.candidates.extend_from_slice(book.rules_of(ix(*trigger)));
        }
        self.candidates.sort_unstable();
        self.candidates.dedup();
    }
}

/// Judges one message.
pub(crate) fn judge(
    book: &Book,
    message: &Message<'_>,
    facts: &Facts,
    now: Timestamp,
    scratch: &mut Scratch,
) -> Judgement {
    scratch.search(book, message, now);
    scratch.candidates.clear();
    scratch.candidates.extend_from_slice(&book.always);
    scratch.call_up(book);
    if scratch.candidates.is_empty() {
        return Judgement::default();
    }
    let candidates = std::mem::take(&mut scratch.candidates);
    let judgement = Trial::new(book, message, facts, now, scratch).run(&candidates);
    scratch.candidates = candidates;
    judgement
}

/// Judges a message by one rule alone, as if that were enforced.
pub(crate) fn alone(
    book: &Book,
    rule: u32,
    message: &Message<'_>,
    facts: &Facts,
    now: Timestamp,
    scratch: &mut Scratch,
) -> (Result<Judgement, Miss>, Vec<Fault>) {
    scratch.search(book, message, now);
    let mut trial = Trial::new(book, message, facts, now, scratch);
    let Some(rule) = book.rules.get(ix(rule)) else { return (Err(Miss::Off), Vec::new()) };
    let judgement = trial.fires(rule).map(|firing| {
        let mut sum = Sum::default();
        sum.add(rule, firing);
        sum.settle(&trial)
    });
    (judgement, trial.faults)
}

impl<'t> Trial<'t> {
    /// A trial of what `scratch` was searched for.
    pub(crate) fn new(
        book: &'t Book,
        message: &'t Message<'t>,
        facts: &'t Facts,
        now: Timestamp,
        scratch: &'t Scratch,
    ) -> Self {
        Self {
            book,
            message,
            facts,
            now,
            found: &scratch.found,
            faults: Vec::new(),
            fallback: Verdict::Allow,
            live: scratch.live.then(|| book.scripts.budget()),
        }
    }

    fn run(&mut self, candidates: &[u32]) -> Judgement {
        let book = self.book;
        let rules = || candidates.iter().filter_map(|rule| book.rules.get(ix(*rule)));
        let mut sum = Sum::default();
        // Exempt rules are judged first and end the matter.
        for rule in rules().filter(|rule| rule.action == Action::Exempt) {
            if let Some((mode, firing)) = self.outcome(rule) {
                if mode == Mode::Enforce {
                    return Judgement {
                        fired: vec![firing],
                        faults: std::mem::take(&mut self.faults),
                        ..Judgement::default()
                    };
                }
                sum.shadow.push(firing);
            }
        }
        for rule in rules().filter(|rule| rule.action != Action::Exempt) {
            match self.outcome(rule) {
                Some((Mode::Enforce, firing)) => sum.add(rule, firing),
                Some((_, firing)) => sum.shadow.push(firing),
                None => {}
            }
        }
        sum.shadow.sort_by(|a, b| a.rule.cmp(&b.rule));
        sum.settle(self)
    }

    /// The rule's mode and what it says, if it fires.
    fn outcome(&mut self, rule: &Rule) -> Option<(Mode, Firing)> {
        let mode = rule.mode_for(&self.message.sender, self.now);
        if mode == Mode::Off {
            return None;
        }
        let faults = self.faults.len();
        let fired = self.fires(rule).ok();
        if self.faults.len() > faults && mode == Mode::Enforce {
            self.fallback = self.fallback.combine(rule.on_fault);
        }
        fired.map(|firing| (mode, firing))
    }

    /// Does the rule fire? If not, why not.
    pub(crate) fn fires(&mut self, rule: &Rule) -> Result<Firing, Miss> {
        if !self.message.kinds.meets(rule.on) {
            return Err(Miss::Kind);
        }
        if let Some(out) = rule.scope.refuses(self.message) {
            return Err(Miss::Scope(out));
        }
        let mut firing = Firing {
            rule: Arc::clone(&rule.id),
            verdict: rule.verdict(),
            hits: Vec::new(),
            score: rule.score,
            reason: None,
        };
        match self.holds(rule, &rule.when, &mut firing) {
            Ok(()) => Ok(firing),
            Err(unmet) => Err(Miss::Unmet(unmet)),
        }
    }

    /// Do all parts of a block hold? Leaves the hits and what a script says in `firing`.
    fn holds(&mut self, rule: &Rule, block: &Block, firing: &mut Firing) -> Result<(), Unmet> {
        let before = firing.hits.len();
        let held = block.parts.iter().try_for_each(|part| self.part(rule, part, firing));
        if held.is_err() {
            // What half a block found is no evidence.
            firing.hits.truncate(before);
        }
        held
    }

    fn part(&mut self, rule: &Rule, part: &Part, firing: &mut Firing) -> Result<(), Unmet> {
        let on = rule.on;
        match part {
            Part::Lists(lists) => self.lists(lists, on, firing),
            Part::Regex(regexes) => self.regexes(regexes, on, firing),
            Part::Length(bounds) => {
                let length = self.fields(on).map(|(_, text)| text.chars().count()).sum();
                bounds.admits(length).then_some(()).ok_or(Unmet::Length(length, *bounds))
            }
            Part::Elements(kinds, bounds) => {
                let of_kind = |kind: &&crate::message::Kind| kinds.meets(KindSet::of(**kind));
                let count = self.message.elements.iter().filter(of_kind).count();
                bounds.admits(count).then_some(()).ok_or(Unmet::Elements(count, *bounds))
            }
            Part::Mentions(bounds) => {
                let count = self.fields(on).map(|(_, text)| mentions(text)).sum();
                bounds.admits(count).then_some(()).ok_or(Unmet::Mentions(count, *bounds))
            }
            Part::Writing(systems) => {
                let there =
                    self.fields(on).any(|(_, text)| systems.iter().any(|(_, s)| s.is_match(text)));
                there.then_some(()).ok_or(Unmet::Writing)
            }
            Part::Time(window) => window.admits(self.now).map_err(Unmet::Time),
            Part::Json(tests) => {
                tests.iter().try_for_each(|test| test.admits(self.message).map_err(Unmet::Json))
            }
            Part::All(blocks) => blocks.iter().enumerate().try_for_each(|(index, block)| {
                self.holds(rule, block, firing).map_err(|_| Unmet::All(index))
            }),
            Part::Any(blocks) => {
                // All that hold leave their hits, so that masking covers every one of them.
                let held = blocks.iter().filter(|block| self.holds(rule, block, firing).is_ok());
                if held.count() > 0 { Ok(()) } else { Err(Unmet::Any) }
            }
            Part::Unless(blocks) => blocks.iter().try_for_each(|block| {
                let mut other = Firing { hits: Vec::new(), ..firing.clone() };
                match self.holds(rule, block, &mut other) {
                    Ok(()) => Err(Unmet::Unless(
                        other
                            .hits
                            .first()
                            .map_or_else(|| Arc::from(""), |hit| Arc::clone(&hit.entry)),
                    )),
                    Err(_) => Ok(()),
                }
            }),
            Part::Script(script) => self.script(rule, *script, firing),
            Part::ContactNumber(wanted) => self.contacts(*wanted, on, firing),
            Part::Links(hosts) => self.links(hosts, on, firing),
        }
    }

    /// The fields a rule looks at, with their index.
    fn fields(&self, on: KindSet) -> impl Iterator<Item = (usize, &'t str)> + use<'t> {
        self.message
            .fields
            .iter()
            .enumerate()
            .filter(move |(_, field)| field.kinds.meets(on))
            .map(|(index, field)| (index, field.text.as_ref()))
    }

    fn sees(&self, on: KindSet, at: usize) -> bool {
        let field = self.found.view.field_at(at);
        self.message.fields.get(field).is_some_and(|field| field.kinds.meets(on))
    }

    pub(crate) fn lists(
        &self,
        lists: &Arc<[u32]>,
        on: KindSet,
        firing: &mut Firing,
    ) -> Result<(), Unmet> {
        let before = firing.hits.len();
        let mut cancelled = None;
        for list in lists.iter() {
            for hit in self.found.of_list(*list) {
                if !self.sees(on, ix(hit.start)) {
                    continue;
                }
                if let Some(by) = hit.cancelled {
                    cancelled = Some(Unmet::Cancelled { list: *list, entry: hit.entry, by });
                    continue;
                }
                let entry: Arc<str> = Arc::from(self.book.entries.text(hit.entry));
                let list = self.book.list_name(hit.list);
                firing.hits.extend(self.found.view.spans(ix(hit.start)..ix(hit.end)).map(|span| {
                    Hit {
                        list: Some(Arc::clone(&list)),
                        entry: Arc::clone(&entry),
                        view: hit.view,
                        span,
                    }
                }));
            }
        }
        // Hits beyond what is kept have no place, but they are hits.
        let hit = firing.hits.len() > before
            || self.found.overflow && lists.iter().any(|list| self.found.pulled(ix(*list)));
        if hit { Ok(()) } else { Err(cancelled.unwrap_or_else(|| Unmet::Lists(Arc::clone(lists)))) }
    }

    fn contacts(&self, wanted: bool, on: KindSet, firing: &mut Firing) -> Result<(), Unmet> {
        let seen = self.found.contacts.iter().filter(|range| self.sees(on, range.start));
        let before = firing.hits.len();
        let entry: Arc<str> = Arc::from("contact number");
        for range in seen {
            firing.hits.extend(self.native_hits(&entry, range));
        }
        let there = firing.hits.len() > before;
        if !wanted {
            firing.hits.truncate(before);
        }
        if there == wanted { Ok(()) } else { Err(Unmet::ContactNumber(wanted)) }
    }

    fn links(&self, hosts: &Hosts, on: KindSet, firing: &mut Firing) -> Result<(), Unmet> {
        let before = firing.hits.len();
        for link in &self.found.links {
            if self.sees(on, link.range.start) && hosts.admits(&link.host) {
                let entry: Arc<str> = format!("link to {}", link.host).into();
                firing.hits.extend(self.native_hits(&entry, &link.range));
            }
        }
        if firing.hits.len() > before { Ok(()) } else { Err(Unmet::Links) }
    }

    /// The hits of a matcher that is no list.
    fn native_hits(&self, entry: &Arc<str>, range: &Range<usize>) -> impl Iterator<Item = Hit> {
        self.found.view.spans(range.clone()).map(|span| Hit {
            list: None,
            entry: Arc::clone(entry),
            view: ViewKind::Plain,
            span,
        })
    }

    /// Does this pattern match anywhere?
    pub(crate) fn matches(&self, regex: u32) -> bool {
        let mut firing = Firing::default();
        self.regexes(&Arc::from([regex]), KindSet::ALL, &mut firing).is_ok()
    }

    fn regexes(&self, regexes: &Arc<[u32]>, on: KindSet, firing: &mut Firing) -> Result<(), Unmet> {
        let before = firing.hits.len();
        for index in regexes.iter() {
            let Some(pattern) = self.book.regexes.get(ix(*index)) else { continue };
            if pattern.gates.is_some() && !self.found.pulled(self.book.lists.len() + ix(*index)) {
                continue;
            }
            let hit = |span| Hit {
                list: None,
                entry: Arc::clone(&pattern.source),
                view: ViewKind::Plain,
                span,
            };
            let view = &self.found.view;
            let first = firing.hits.len();
            for stretch in stretches(view) {
                if !self.sees(on, stretch.start) {
                    continue;
                }
                let text = view.text().get(stretch.clone()).unwrap_or_default();
                for found in pattern.regex.find_iter(text).take(MATCHES_MAX) {
                    let range = stretch.start + found.start()..stretch.start + found.end();
                    firing.hits.extend(view.spans(range).map(hit));
                }
            }
            // A pattern may ask for what folding removes, such as capitals.
            if firing.hits.len() == first {
                for (field, text) in self.fields(on) {
                    firing.hits.extend(
                        pattern
                            .regex
                            .find_iter(text)
                            .take(MATCHES_MAX)
                            .map(|found| hit(Span { field, range: found.range() })),
                    );
                }
            }
        }
        if firing.hits.len() > before { Ok(()) } else { Err(Unmet::Regex(Arc::clone(regexes))) }
    }
}

/// The stretches of a view that are shown as one text.
fn stretches(view: &View) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    view.text().split('\u{1}').map(move |text| {
        let range = start..start + text.len();
        start = range.end + 1;
        range
    })
}

/// How many `@name` there are.
fn mentions(text: &str) -> usize {
    let mut before = ' ';
    let mut count = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let named = chars.peek().is_some_and(|next| !next.is_whitespace() && *next != '@');
        if matches!(c, '@' | '＠') && named && !before.is_ascii_alphanumeric() {
            count += 1;
        }
        before = c;
    }
    count
}
