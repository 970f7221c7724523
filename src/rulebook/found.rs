//! What one pass over a message's text finds: hits of lists and open gates.

use super::Timestamp;
use std::ops::Range;

use super::book::Book;
use super::condition::Trigger;
use super::entry::{Entries, List, ix};
use super::list::terms;
use super::pattern::{Target, Use};
use crate::message::Message;
use crate::text::{self, Link, Sound, Tight, TightEntry, View};
use crate::verdict::ViewKind;

/// At most so many hits in one message are kept; more only count as "the list was hit".
pub const HITS_MAX: usize = 65_536;

/// A hit of an entry, in the plain view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RawHit {
    pub(crate) list: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) entry: u32,
    pub(crate) view: ViewKind,
    /// The list whose allow-phrase covers it.
    pub(crate) cancelled: Option<u32>,
    /// The furthest end of this and all earlier hits of the list: what tells in one look whether
    /// some phrase covers a place.
    reach: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TermHit {
    entry: u32,
    term: u8,
    start: u32,
    end: u32,
    view: ViewKind,
}

/// The findings, in buffers that are reused.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) view: View,
    tight: Tight,
    sound: Sound,
    /// Contact numbers, as stretches of the plain view.
    pub(crate) contacts: Vec<Range<usize>>,
    /// Links.
    pub(crate) links: Vec<Link>,
    /// By list and place.
    pub(crate) hits: Vec<RawHit>,
    terms: Vec<TermHit>,
    /// Numbers of the triggers that are there, each once, in no order.
    pub(crate) triggers: Vec<u32>,
    /// By trigger: the message it was last seen in.
    seen: Vec<u32>,
    epoch: u32,
    /// There were more hits than are kept.
    pub(crate) overflow: bool,
}

impl Found {
    /// Folds the message's fields and finds everything in them.
    pub(crate) fn search(&mut self, book: &Book, message: &Message<'_>, now: Timestamp) {
        self.begin(book.trigger_count());
        for (index, field) in message.fields.iter().enumerate() {
            self.view.push(index, &field.text, field.joined);
        }
        self.scan_plain(book, now);
        if !book.automata.sound.is_empty() {
            self.scan_sound(book, now);
        }
        if book.needs_signs() {
            self.follow_signs(book, now);
        }
        if !self.terms.is_empty() {
            self.join_terms(book);
        }
        if !self.hits.is_empty() {
            self.settle(book);
        }
    }

    fn begin(&mut self, triggers: usize) {
        self.view.clear();
        self.hits.clear();
        self.terms.clear();
        self.triggers.clear();
        self.contacts.clear();
        self.links.clear();
        self.overflow = false;
        if self.seen.len() < triggers {
            self.seen.resize(triggers, 0);
        }
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.seen.fill(0);
            self.epoch = 1;
        }
    }

    /// Notes that a trigger is there.
    fn pull(&mut self, trigger: usize) {
        if let Some(seen) = self.seen.get_mut(trigger)
            && *seen != self.epoch
        {
            *seen = self.epoch;
            self.triggers.push(super::entry::id(trigger));
        }
    }

    /// Is the trigger there?
    pub(crate) fn pulled(&self, trigger: usize) -> bool {
        self.seen.get(trigger).is_some_and(|seen| *seen == self.epoch)
    }

    fn scan_plain(&mut self, book: &Book, now: Timestamp) {
        let view = std::mem::take(&mut self.view);
        book.automata.plain.scan(view.text(), |r#use, start, end| {
            if (r#use.left_edge && !view.is_edge(start)) || (r#use.right_edge && !view.is_edge(end))
            {
                return;
            }
            self.note(book, now, r#use, start, end, ViewKind::Plain);
        });
        self.view = view;
    }

    fn scan_sound(&mut self, book: &Book, now: Timestamp) {
        let mut sound = std::mem::take(&mut self.sound);
        sound.fold(&self.view);
        let view = std::mem::take(&mut self.view);
        book.automata.sound.scan(sound.text(), |r#use, start, end| {
            let Target::Entry { entry, term } = r#use.target else { return };
            let Some(folded) = folded(&book.entries, entry, term) else { return };
            if Sound::verify(&view, start..end, &folded) {
                self.note(book, now, r#use, start, end, ViewKind::Sound);
            }
        });
        (self.view, self.sound) = (view, sound);
    }

    /// What only messages with signs of it are searched for.
    fn follow_signs(&mut self, book: &Book, now: Timestamp) {
        let signs = self.view.signs(&book.automata.suspects);
        let evading = signs.call_for_tight();
        if !book.automata.tight.is_empty() && (evading || book.tight_always) {
            self.scan_tight(book, now, evading);
        }
        if book.uses_contacts && signs.call_for_contacts() {
            self.contacts = text::contacts(&self.view);
            if !self.contacts.is_empty() {
                self.pull(book.trigger(Trigger::Contact));
            }
        }
        if book.uses_links && signs.call_for_links() {
            self.links = text::links(&self.view);
            if !self.links.is_empty() {
                self.pull(book.trigger(Trigger::Link));
            }
        }
    }

    fn scan_tight(&mut self, book: &Book, now: Timestamp, evading: bool) {
        let (view, mut tight) = (std::mem::take(&mut self.view), std::mem::take(&mut self.tight));
        tight.fold(&view, book.lists.iter().any(|list| list.severe));
        book.automata.tight.scan(tight.text(), |r#use, start, end| {
            let Target::Entry { entry, .. } = r#use.target else { return };
            let Some(list) = book.lists.get(ix(book.entries.list(entry))) else { return };
            if !evading && !list.always {
                return;
            }
            // Made anew: hits are rare, and a million of them would not fit into memory.
            let Some(form) = tight_form(&book.entries, list, r#use) else { return };
            if let Some(range) = tight.verify(&view, start..end, &form) {
                self.note(book, now, r#use, range.start, range.end, ViewKind::Tight);
            }
        });
        (self.view, self.tight) = (view, tight);
    }

    fn note(
        &mut self,
        book: &Book,
        now: Timestamp,
        r#use: Use,
        start: usize,
        end: usize,
        view: ViewKind,
    ) {
        let (entry, term) = match r#use.target {
            Target::Gate(regex) => return self.pull(book.lists.len() + ix(regex)),
            Target::Entry { entry, term } => (entry, term),
        };
        if book.entries.expired(entry, now) {
            return;
        }
        let (start, end) = (super::entry::id(start), super::entry::id(end));
        if self.hits.len() + self.terms.len() >= HITS_MAX {
            // What is too much to list still counts: the list was hit, and nothing cancels it.
            self.overflow = true;
            if book.entries.composite(entry).is_none() {
                self.pull(ix(book.entries.list(entry)));
            }
            return;
        }
        if book.entries.composite(entry).is_some() {
            self.terms.push(TermHit { entry, term, start, end, view });
        } else {
            let list = book.entries.list(entry);
            self.hits.push(RawHit { list, start, end, entry, view, cancelled: None, reach: 0 });
        }
    }

    /// Entries of several terms hit when all their terms do and none of the others does.
    fn join_terms(&mut self, book: &Book) {
        self.terms.sort_unstable();
        for group in self.terms.chunk_by(|a, b| a.entry == b.entry) {
            let Some(TermHit { entry, .. }) = group.first().copied() else { continue };
            let Some(composite) = book.entries.composite(entry) else { continue };
            let bits = group.iter().fold(0_u16, |bits, hit| bits | 1 << hit.term);
            if bits & composite.all != composite.all || bits & composite.unless != 0 {
                continue;
            }
            let list = book.entries.list(entry);
            self.hits.extend(group.iter().map(|hit| RawHit {
                list,
                start: hit.start,
                end: hit.end,
                entry,
                view: hit.view,
                cancelled: None,
                reach: 0,
            }));
        }
    }

    /// Sorts the hits, cancels those an allow-phrase covers and pulls the triggers of the others.
    fn settle(&mut self, book: &Book) {
        self.hits.sort_unstable();
        // A hit that several views show is told of the plainest.
        self.hits.dedup_by_key(|hit| (hit.list, hit.start, hit.end, hit.entry));
        let mut hits = std::mem::take(&mut self.hits);
        let (mut list, mut reach) = (u32::MAX, 0);
        for hit in &mut hits {
            reach = if hit.list == list { reach.max(hit.end) } else { hit.end };
            list = hit.list;
            hit.reach = reach;
        }
        for at in 0..hits.len() {
            let Some(hit) = hits.get(at).copied() else { break };
            let allow = book.lists.get(ix(hit.list)).map_or(&[][..], |list| &list.allow);
            let by = allow.iter().copied().find(|allow| {
                let phrases = of_list(&hits, *allow);
                let until = phrases.partition_point(|phrase| phrase.start <= hit.start);
                phrases
                    .get(..until)
                    .and_then(<[RawHit]>::last)
                    .is_some_and(|phrase| phrase.reach >= hit.end)
            });
            match by {
                Some(by) => {
                    if let Some(hit) = hits.get_mut(at) {
                        hit.cancelled = Some(by);
                    }
                }
                None => self.pull(ix(hit.list)),
            }
        }
        self.hits = hits;
    }

    /// The hits of one list, by place.
    pub(crate) fn of_list(&self, list: u32) -> &[RawHit] {
        of_list(&self.hits, list)
    }
}

/// A term of an entry as it stands in the plain view.
fn folded(entries: &Entries, entry: u32, term: u8) -> Option<String> {
    let terms = terms(entries.text(entry));
    let term = usize::from(term);
    let folded = match terms.all.get(term) {
        Some(term) => text::fold(term.text),
        None => entries.unless(entry, term.checked_sub(terms.all.len())?)?.to_owned(),
    };
    Some(folded.trim().to_owned())
}

/// The tight form of a term of an entry. What excuses is believed in every disguise.
fn tight_form(entries: &Entries, list: &List, r#use: Use) -> Option<TightEntry> {
    let Target::Entry { entry, term } = r#use.target else { return None };
    let excuses =
        list.excuses || entries.composite(entry).is_some_and(|terms| terms.is_unless(term));
    let whole = TightEntry::new(&folded(entries, entry, term)?, list.severe || excuses)?;
    let whole = whole.open(!r#use.left_edge, !r#use.right_edge);
    match usize::from(r#use.form).checked_sub(1) {
        None => Some(whole),
        Some(starred) => whole.starred().into_iter().nth(starred),
    }
}

fn of_list(hits: &[RawHit], list: u32) -> &[RawHit] {
    let from = hits.partition_point(|hit| hit.list < list);
    let to = hits.partition_point(|hit| hit.list <= list);
    hits.get(from..to).unwrap_or_default()
}
