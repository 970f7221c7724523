//! The tight view: the plain view with disguises folded away, and the check that a hit in it is a
//! disguise and not a coincidence.
//!
//! In the view look-alike letters and leet become the letters they pose as, what separates letters
//! or Han vanishes, and repeats collapse. That makes words out of ordinary text too (`as sass in`),
//! so no hit in the view counts before [`Tight::verify`] has looked at the plain text under it.

mod both;
mod phrase;
mod verify;

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::lookalike::pose;
use super::table::{Table, class, table};
use super::view::{SEPARATOR, View};

/// At most so many characters between two that belong together.
pub(super) const GAP: usize = 3;

/// So that the positions in an entry fit into the bits of one number.
const LETTERS_MAX: usize = 100;

/// A phrase of fewer letters would be found in anything.
const PHRASE_LETTERS_MIN: usize = 6;

/// The tight view of a message. Reusable; keeps its buffers.
#[derive(Debug, Clone, Default)]
pub struct Tight {
    text: String,
    cells: Vec<Cell>,
    /// From here on: Han alone, with the Latin letters between them left out.
    bare: usize,
}

/// One character of the view, and the stretch of the plain view it stands for.
#[derive(Debug, Clone, Copy)]
struct Cell {
    out: usize,
    start: usize,
    end: usize,
}

/// An entry as the tight view would show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TightEntry {
    pattern: String,
    letters: Vec<char>,
    /// Where, among the letters, each word of a phrase begins but the first.
    breaks: Vec<usize>,
    made_of: MadeOf,
    severe: bool,
    /// May a longer word begin or end with it?
    open: (bool, bool),
    /// The letters a mask such as `*` may stand for.
    starred: Option<Range<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MadeOf {
    Letters,
    Han,
    /// Both, such as 加v信.
    Both,
}

impl TightEntry {
    /// The entry of a folded term, if it is fit for the tight view: four letters or more, two Han
    /// or more, or three or more of both, nothing else, and at most a hundred. Shorter ones would
    /// be found in anything. A phrase of words of letters must have six.
    ///
    /// A `severe` entry is also found with a gap at only some of its Han, and with Latin letters
    /// between them.
    pub fn new(folded: &str, severe: bool) -> Option<Self> {
        let table = table();
        let letters: Vec<char> = folded.chars().filter(|&char| char != ' ').collect();
        let mut breaks = Vec::new();
        let mut begun = 0;
        for word in folded.split(' ').filter(|word| !word.is_empty()) {
            if begun > 0 {
                breaks.push(begun);
            }
            begun += word.chars().count();
        }
        let all = |bits| letters.iter().all(|&char| table.row(char).is(bits));
        let made_of = if all(class::HAN) {
            MadeOf::Han
        } else if letters.iter().any(|char| char.is_numeric()) || !all(class::HAN | class::WORD) {
            return None;
        } else if all(class::WORD) {
            MadeOf::Letters
        } else {
            MadeOf::Both
        };
        let fewest = match (made_of, breaks.as_slice()) {
            (MadeOf::Han, []) => 2,
            (MadeOf::Both, []) => 3,
            (MadeOf::Letters, []) => 4,
            (MadeOf::Letters, _) => PHRASE_LETTERS_MIN,
            (MadeOf::Han | MadeOf::Both, _) => return None,
        };
        let fit = (fewest..=LETTERS_MAX).contains(&letters.len());
        // Where one word ends as the next begins, both letters are there.
        let word = |word: &str| collapse(word.chars().map(|char| represent(table, char)));
        let pattern = folded.split(' ').map(word).collect();
        let open = (false, false);
        fit.then_some(Self { pattern, letters, breaks, made_of, severe, open, starred: None })
    }

    /// The same, also at the end of longer words, or at their beginning; that is only for single
    /// words of letters.
    #[must_use]
    pub fn open(self, left: bool, right: bool) -> Self {
        let word = self.made_of == MadeOf::Letters && self.breaks.is_empty();
        let open = if word { (left, right) } else { self.open };
        Self { open, ..self }
    }

    /// Is it also found inside longer words?
    pub(super) fn is_open(&self) -> bool {
        self.open.0 || self.open.1
    }

    /// The forms with one or two letters inside masked (`sc*m`, `s**m`), for entries of letters.
    pub fn starred(&self) -> Vec<Self> {
        let table = table();
        let len = self.letters.len();
        if self.made_of != MadeOf::Letters || !self.breaks.is_empty() {
            return Vec::new();
        }
        let stretches = (1..=2).flat_map(|n| (1..len.saturating_sub(n)).map(move |at| at..at + n));
        stretches
            .map(|hidden| {
                let shown = self.letters.iter().enumerate().filter(|(at, _)| !hidden.contains(at));
                let pattern = collapse(shown.map(|(_, &char)| represent(table, char)));
                Self { pattern, starred: Some(hidden), ..self.clone() }
            })
            .filter(|form| form.pattern.len() >= 2)
            .collect()
    }

    /// Is there a Han in it?
    pub(super) fn has_han(&self) -> bool {
        self.made_of != MadeOf::Letters
    }

    /// The letters of each word.
    pub(super) fn words(&self) -> impl Iterator<Item = impl Iterator<Item = char> + '_> + '_ {
        let ends = self.breaks.iter().copied().chain([self.letters.len()]);
        let begins = [0].into_iter().chain(self.breaks.iter().copied());
        begins
            .zip(ends)
            .map(|(begin, end)| self.letters.get(begin..end).unwrap_or_default().iter().copied())
    }

    /// What to look for in [`Tight::text`].
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl Tight {
    /// Builds the view anew from the plain one. Whether any entry is severe says whether to look
    /// for Han with letters between them, too.
    pub fn fold(&mut self, plain: &View, severe: bool) {
        self.text.clear();
        self.cells.clear();
        self.spell(plain);
        self.bare = self.text.len();
        if severe {
            self.spell_han(plain);
        }
    }

    /// The folded text, to look for [`TightEntry::pattern`] in. Control characters part what
    /// cannot belong together.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The stretch of the plain view under a stretch of this one.
    fn under(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let first = self.cells.partition_point(|cell| cell.out < range.start);
        let after = self.cells.partition_point(|cell| cell.out < range.end);
        let start = self.cells.get(first)?.start;
        Some(start..self.cells.get(after.checked_sub(1)?)?.end)
    }

    fn spell(&mut self, plain: &View) {
        let table = table();
        let mut last = Last::default();
        let mut chars = plain.text().char_indices();
        let nothing = Seen::of(table, SEPARATOR);
        // The two characters before the current one.
        let mut before = [nothing; 2];
        let mut coming = chars.next();
        let mut seen = coming.map_or(nothing, |(_, char)| Seen::of(table, char));
        while let Some((at, char)) = coming {
            coming = chars.next();
            let next = coming.map_or(nothing, |(_, char)| Seen::of(table, char));
            let cell = Cell { out: self.text.len(), start: at, end: at + char.len_utf8() };
            let second = || chars.clone().next().map_or(SEPARATOR, |(_, second)| second);
            if let Some(shown) = seen.shown
                && !is_divider(char, before[0].char, second)
                && !(before[1].han && next.han && !char.is_alphanumeric())
            {
                let single = !before[1].word && !next.word;
                let merges = last.shown == Some(shown)
                    && (last.gap == 0 || !last.spaces || last.single && single);
                if merges && let Some(cell) = self.cells.last_mut() {
                    cell.end = at + char.len_utf8();
                } else {
                    self.text.push(shown);
                    self.cells.push(cell);
                }
                last = Last { shown: Some(shown), gap: 0, spaces: false, single };
            } else {
                let latin = last.shown.is_some_and(|shown| !table.row(shown).is(class::HAN));
                last.gap += 1;
                last.spaces |= char == ' ';
                let parts = char == SEPARATOR || plain.is_line_end(at) && latin;
                if last.shown.is_some() && (parts || last.gap > GAP || latin && is_stop(char)) {
                    self.part(at);
                    last = Last::default();
                }
            }
            before = [before[1], seen];
            seen = next;
        }
    }

    /// Once more the Han, for severe entries that are written with letters between them: 加v微x信.
    fn spell_han(&mut self, plain: &View) {
        let table = table();
        let text = plain.text();
        let is_latin = |char: char| char.is_ascii_lowercase();
        let mut begun = false;
        let mut gap = 0;
        let mut letters = 0;
        let start = self.text.len();
        let cells = self.cells.len();
        let mut any = false;
        self.part(0);
        for (at, char) in text.char_indices() {
            if table.row(char).is(class::HAN) {
                any |= begun && gap > 0 && letters > 0;
                self.cells.push(Cell {
                    out: self.text.len(),
                    start: at,
                    end: at + char.len_utf8(),
                });
                self.text.push(char);
                (begun, gap, letters) = (true, 0, 0);
            } else {
                gap += 1;
                letters += usize::from(is_latin(char));
                if begun && (gap > GAP || letters > 2 || char == SEPARATOR || is_stop(char)) {
                    self.part(at);
                    begun = false;
                }
            }
        }
        if !any {
            self.text.truncate(start);
            self.cells.truncate(cells);
        }
    }

    /// Nothing matches across this place.
    fn part(&mut self, at: usize) {
        self.cells.push(Cell { out: self.text.len(), start: at, end: at });
        self.text.push(SEPARATOR);
    }
}

/// A character of the plain view, looked at once.
#[derive(Debug, Clone, Copy)]
struct Seen {
    char: char,
    han: bool,
    word: bool,
    /// What it is shown as.
    shown: Option<char>,
}

impl Seen {
    fn of(table: &Table, char: char) -> Self {
        if char.is_ascii() {
            let word = char.is_ascii_alphanumeric();
            return Self { char, han: false, word, shown: shown(table, char) };
        }
        let row = table.row(char);
        let (han, word) = (row.is(class::HAN), row.is(class::WORD));
        // Most Han pose as nothing.
        let plain = han && !row.is(class::LOOK);
        let shown = if plain { Some(char) } else { shown(table, char) };
        Self { char, han, word, shown }
    }
}

/// The last character shown, and the gap since.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    shown: Option<char>,
    gap: usize,
    spaces: bool,
    /// It is a token of its own.
    single: bool,
}

/// What a character is shown as, if it is more than a separator.
fn shown(table: &Table, char: char) -> Option<char> {
    match char {
        'l' => return Some('i'),
        'a'..='z' => return Some(char),
        // The others are digits, all of which pose as letters, and symbols.
        '\0'..='\x7f' => return leet(char),
        _ => {}
    }
    if leet(char).is_some()
        || table.row(char).is(class::WORD | class::HAN)
        || char.is_alphanumeric()
    {
        return Some(represent(table, char));
    }
    None
}

/// The letter that stands for all that can pose as each other.
pub(super) fn represent(table: &Table, char: char) -> char {
    let char = if table.row(char).is(class::LOOK) { pose(char).unwrap_or(char) } else { char };
    match leet(char).unwrap_or(char) {
        'l' => 'i',
        char => char,
    }
}

/// The letter a digit or symbol poses as. Where there are several, one that stands for all.
pub(super) fn leet(char: char) -> Option<char> {
    Some(match char {
        '0' => 'o',
        '1' | '!' | '|' | '£' => 'i',
        '2' => 'z',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' | '+' => 't',
        '8' => 'b',
        '¢' | '©' => 'c',
        '®' => 'r',
        '¥' => 'y',
        '×' => 'x',
        _ => return None,
    })
}

/// Does a character that could be leet stand between letters again and again: `s|c|u|m`?
fn is_divider(char: char, second_last: char, second_next: impl FnOnce() -> char) -> bool {
    matches!(char, '!' | '|' | '+') && (char == second_last || char == second_next())
}

/// Punctuation between sentences or their parts.
fn is_stop(char: char) -> bool {
    matches!(char, ',' | ';' | '?' | '。' | '、' | '；' | '，' | '…' | '“' | '”' | '《' | '》')
}

fn collapse(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for char in chars {
        if !text.ends_with(char) {
            text.push(char);
        }
    }
    text
}
