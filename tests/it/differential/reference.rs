//! Lists and messages once more, as slow and obvious as can be: every term is tried at every
//! place, nothing is indexed, and each folded character carries the stretch it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use super::folding::Reference as Folding;

/// Between fields that are not joined. No entry can contain it.
const APART: char = '\u{1}';

/// How the ends of a term match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matching {
    Auto,
    Word,
    Anywhere,
}

/// Where an entry is looked for, besides the plain view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    Plain,
    Tight,
    Sound,
}

/// One term, taken apart already.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) text: String,
    pub(super) open: (bool, bool),
}

/// One entry: all of `all`, none of `unless`.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) all: Vec<Term>,
    pub(super) unless: Vec<Term>,
    pub(super) matching: Option<Matching>,
    pub(super) looked: Option<Looked>,
    /// A day of November 2026 at the start of which it stops matching.
    pub(super) expires: Option<u8>,
}

/// One list; `allow` are the lists whose hits cancel those of this one that they cover.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    pub(super) allow: Vec<usize>,
    pub(super) matching: Matching,
    pub(super) looked: Looked,
}

/// A hit: list, entry, whether by its sound, field, and where in the field.
pub(super) type Found = (usize, usize, bool, usize, Range<usize>);

/// A stretch of the folded text, in characters.
type Place = (usize, usize);

/// A folded character, the field it is from and where in it. Separators are of no field.
struct Cell {
    char: char,
    field: Option<usize>,
    range: Range<usize>,
}

/// A message's folded text, with the places where a field begins.
pub(super) struct Text {
    cells: Vec<Cell>,
    seams: BTreeSet<usize>,
}

static FOLDING: LazyLock<Folding> = LazyLock::new(Folding::read);

/// First and last character of each range that continues a word.
static WORDS: LazyLock<BTreeMap<char, char>> = LazyLock::new(|| {
    let character = |hex| char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
    let rows = include_str!("../../../src/text/folding.txt").lines();
    let ranges = rows.filter_map(|row| row.strip_prefix("w "));
    ranges
        .map(|range| range.split_once("..").unwrap_or((range, range)))
        .map(|(first, last)| (character(first), character(last)))
        .collect()
});

/// Each Han with the number of its syllable.
static SYLLABLES: LazyLock<BTreeMap<char, usize>> = LazyLock::new(|| {
    let rows = include_str!("../../../src/text/pinyin.txt").lines();
    let rows = rows.filter(|row| !row.starts_with('#')).filter_map(|row| row.split_once(' '));
    let numbered = rows.enumerate();
    numbered
        .flat_map(|(number, (_, chars))| chars.chars().map(move |char| (char, number)))
        .collect()
});

/// The common words of Chinese; those of one character are the little ones.
static COMMON: LazyLock<BTreeSet<Vec<char>>> = LazyLock::new(|| {
    let rows = include_str!("../../../src/text/words.txt").lines();
    let mut rows = rows.filter(|row| !row.starts_with('#'));
    let little = rows.next().unwrap().chars().map(|char| vec![char]);
    let longer = rows.filter_map(|row| row.split_once(' ')).flat_map(|(first, tails)| {
        tails.split(' ').map(move |tail| first.chars().chain(tail.chars()).collect())
    });
    little.chain(longer).collect()
});

fn is_word(char: char) -> bool {
    WORDS.range(..=char).next_back().is_some_and(|(_, last)| char <= *last)
}

/// The folded characters of a term, without spaces around.
pub(super) fn fold(text: &str) -> Vec<char> {
    let folded: String = FOLDING.fold(text).into_iter().map(|(char, _)| char).collect();
    folded.trim().chars().collect()
}

/// Which ends of a term must be token edges.
fn edges(term: &Term, folded: &[char], matching: Matching) -> (bool, bool) {
    let (left, right) = match matching {
        Matching::Anywhere => (false, false),
        Matching::Word => (true, true),
        Matching::Auto => (is_word(folded[0]), is_word(folded[folded.len() - 1])),
    };
    (left && !term.open.0, right && !term.open.1)
}

/// Does an entry before this one say all that it says?
fn is_duplicate(list: &List, entry: usize) -> bool {
    let means = |entry: &Entry| match (entry.all.as_slice(), entry.unless.as_slice()) {
        ([term], []) => {
            let folded = fold(&term.text);
            let edges = edges(term, &folded, entry.matching.unwrap_or(list.matching));
            Some((folded, edges, entry.looked.unwrap_or(list.looked), entry.expires))
        }
        _ => None,
    };
    let own = means(&list.entries[entry]);
    own.is_some() && list.entries[..entry].iter().any(|earlier| means(earlier) == own)
}

impl Text {
    pub(super) fn new(fields: &[(String, bool)]) -> Self {
        let mut text = Self { cells: Vec::new(), seams: BTreeSet::new() };
        for (field, (typed, joined)) in fields.iter().enumerate() {
            if field > 0 && !joined {
                text.cells.push(Cell { char: APART, field: None, range: 0..0 });
            }
            text.seams.insert(text.cells.len());
            text.cells.extend(FOLDING.fold(typed).into_iter().map(|(char, range)| Cell {
                char,
                field: Some(field),
                range,
            }));
        }
        text
    }

    fn is_edge(&self, at: usize) -> bool {
        let word_at = |at: Option<usize>| {
            at.and_then(|at| self.cells.get(at)).is_some_and(|cell| is_word(cell.char))
        };
        self.seams.contains(&at) || !word_at(at.checked_sub(1)) || !word_at(Some(at))
    }

    /// Where the term stands in the folded text.
    fn places(&self, term: &Term, matching: Matching) -> BTreeSet<Place> {
        let wanted = fold(&term.text);
        let (left, right) = edges(term, &wanted, matching);
        (0..self.cells.len())
            .map(|start| (start, start + wanted.len()))
            .filter(|&(start, end)| {
                self.cells.get(start..end).is_some_and(|cells| {
                    cells.iter().zip(&wanted).all(|(cell, wanted)| cell.char == *wanted)
                })
            })
            .filter(|place| !left || self.is_edge(place.0))
            .filter(|place| !right || self.is_edge(place.1))
            .collect()
    }

    /// Where something that sounds like the term stands.
    fn places_by_sound(&self, term: &Term) -> BTreeSet<Place> {
        let wanted: Vec<Option<usize>> =
            fold(&term.text).iter().map(|char| SYLLABLES.get(char).copied()).collect();
        if wanted.len() < 3 || wanted.contains(&None) {
            return BTreeSet::new();
        }
        (0..self.cells.len())
            .map(|start| (start, start + wanted.len()))
            .filter(|&(start, end)| {
                self.cells.get(start..end).is_some_and(|cells| {
                    let mut both = cells.iter().zip(&wanted);
                    both.all(|(cell, wanted)| SYLLABLES.get(&cell.char).copied() == *wanted)
                })
            })
            .filter(|place| !self.is_speech(*place, &fold(&term.text)))
            .collect()
    }

    /// Is it ordinary speech that only sounds like the term?
    fn is_speech(&self, (start, end): Place, wanted: &[char]) -> bool {
        let chars: Vec<char> = self.cells.iter().map(|cell| cell.char).collect();
        let foreign: Vec<usize> =
            (start..end).filter(|&at| chars[at] != wanted[at - start]).collect();
        let little = |at: &usize| COMMON.contains(&chars[*at..=*at]);
        let stays = |at: &usize| {
            let to_an_end = [start..*at + 1, *at..end];
            !to_an_end.into_iter().any(|mut way| way.all(|at| foreign.contains(&at) && little(&at)))
        };
        let of_a_word = |at: &usize| {
            (at.saturating_sub(3)..=*at).any(|from| {
                let ends = (at + 1).max(from + 2)..=(from + 4).min(chars.len());
                ends.into_iter().any(|to| COMMON.contains(&chars[from..to]))
            })
        };
        let crosses = [start, end].into_iter().any(|edge| {
            (edge.saturating_sub(3)..edge).any(|from| {
                let mut ends = edge + 1..=(from + 4).min(chars.len());
                ends.any(|to| COMMON.contains(&chars[from..to]))
            })
        });
        !foreign.is_empty()
            && (crosses || foreign.iter().any(of_a_word) || !foreign.iter().any(stays))
    }

    /// What a stretch of a field has been folded to.
    pub(super) fn folded(&self, field: usize, range: &Range<usize>) -> Vec<char> {
        let within = |cell: &&Cell| {
            cell.field == Some(field)
                && range.start <= cell.range.start
                && cell.range.end <= range.end
        };
        self.cells.iter().filter(within).map(|cell| cell.char).collect()
    }

    /// The stretch of each field that a place covers.
    fn spans(&self, place: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut spans: Vec<(usize, Range<usize>)> = Vec::new();
        for cell in &self.cells[place] {
            match (spans.last_mut(), cell.field) {
                (Some((field, range)), Some(own)) if *field == own => range.end = cell.range.end,
                (_, Some(own)) => spans.push((own, cell.range.clone())),
                (_, None) => {}
            }
        }
        spans
    }
}

/// A place where an entry hits, before allow-phrases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    list: usize,
    start: usize,
    end: usize,
    entry: usize,
    sound: bool,
}

/// All hits of an entry.
fn hits_of(text: &Text, list: &List, entry: &Entry, today: u8) -> BTreeMap<Place, bool> {
    if entry.expires.is_some_and(|day| day <= today) {
        return BTreeMap::new();
    }
    let matching = entry.matching.unwrap_or(list.matching);
    let sounds = entry.looked.unwrap_or(list.looked) == Looked::Sound;
    let of = |term: &Term| {
        let mut places: BTreeMap<Place, bool> = BTreeMap::new();
        if sounds {
            places.extend(text.places_by_sound(term).into_iter().map(|place| (place, true)));
        }
        places.extend(text.places(term, matching).into_iter().map(|place| (place, false)));
        places
    };
    let all: Vec<_> = entry.all.iter().map(of).collect();
    let holds = all.iter().all(|places| !places.is_empty())
        && entry.unless.iter().all(|term| of(term).is_empty());
    let mut hits = BTreeMap::new();
    for (place, sound) in all.into_iter().flatten().filter(|_| holds) {
        // What several terms or views show is told of the plainest.
        hits.entry(place).and_modify(|known| *known &= sound).or_insert(sound);
    }
    hits
}

/// What all lists find in a message, tight hits left out.
pub(super) fn search(lists: &[List], text: &Text, today: u8) -> Vec<Found> {
    let mut hits: Vec<Hit> = Vec::new();
    for (list, of) in lists.iter().enumerate() {
        for (entry, source) in of.entries.iter().enumerate() {
            if is_duplicate(of, entry) {
                continue;
            }
            for ((start, end), sound) in hits_of(text, of, source, today) {
                hits.push(Hit { list, start, end, entry, sound });
            }
        }
    }
    let cancelled = |hit: &Hit| {
        hits.iter().any(|phrase| {
            lists[hit.list].allow.contains(&phrase.list)
                && phrase.start <= hit.start
                && phrase.end >= hit.end
        })
    };
    let stay = hits.iter().filter(|hit| !cancelled(hit));
    let mut found: Vec<Found> = stay
        .flat_map(|hit| {
            let spans = text.spans(hit.start..hit.end).into_iter();
            spans.map(|(field, range)| (hit.list, hit.entry, hit.sound, field, range))
        })
        .collect();
    found.sort_by_key(|(list, entry, sound, field, range)| {
        (*list, *entry, *sound, *field, range.start, range.end)
    });
    found
}
