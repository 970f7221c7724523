//! Is a hit in the tight view a disguise?

use std::ops::Range;

use super::{MadeOf, Tight, TightEntry, is_divider, is_stop, leet, represent, shown};
use crate::text::table::{Table, class, table};
use crate::text::view::{SEPARATOR, View};
use crate::text::words;

/// So many characters on either side tell which alphabet a text is in.
const AROUND: usize = 40;

impl Tight {
    /// Checks a hit of an entry's [`TightEntry::pattern`] against what stands in the plain view,
    /// and gives the stretch of the plain view it covers.
    ///
    /// Letters must begin and end at token edges, be at least as often repeated as in the entry,
    /// and be letters for the larger part. Set apart by spaces, they must all stand alone; by
    /// symbols, the whole of the chunk must begin with them. Two words that happen to meet never
    /// count. Han must be set apart everywhere, by one space, or nowhere; see [`TightEntry::new`]
    /// for `severe`.
    pub fn verify(
        &self,
        plain: &View,
        range: Range<usize>,
        entry: &TightEntry,
    ) -> Option<Range<usize>> {
        let bare = range.start >= self.bare;
        if bare && !(entry.made_of == MadeOf::Han && entry.severe) {
            return None;
        }
        let table = table();
        let mut stretch = self.under(&range)?;
        let mut typed = plain.text().get(stretch.clone())?;
        if entry.made_of == MadeOf::Letters {
            // At the end an exclamation mark or a bar is just that.
            typed = typed.trim_end_matches(['!', '|']);
            stretch.end = stretch.start + typed.len();
            // Part of a longer word must be in one piece.
            let whole = entry.is_open() && typed.chars().all(|char| shown(table, char).is_some());
            let (left, right) = (whole && entry.open.0, whole && entry.open.1);
            if !(left || plain.is_edge(stretch.start)) || !(right || plain.is_edge(stretch.end)) {
                return None;
            }
        }
        let around = (plain.text().get(..stretch.start)?, plain.text().get(stretch.end..)?);
        let han = |char: &char| table.row(*char).is(class::HAN);
        let holds = match (entry.made_of, &entry.starred) {
            (_, Some(hidden)) => entry.spells_starred(table, typed, hidden),
            (MadeOf::Han, None) => {
                entry.spells(table, typed.chars().filter(han))
                    && HanGaps::of(table, typed, around).hold(entry, around)
            }
            (MadeOf::Both, None) => {
                let ends = [stretch.start, stretch.end].map(|at| plain.is_edge(at));
                entry.holds_both(table, typed, ends)
            }
            (MadeOf::Letters, None) => {
                let shape = Shape::of(table, plain, stretch.start, typed, entry);
                if entry.breaks.is_empty() {
                    entry.spells(table, shape.letters.iter().copied()) && shape.holds(table, around)
                } else {
                    shape.holds_phrase(table, entry, around)
                }
            }
        };
        holds.then_some(stretch)
    }
}

impl TightEntry {
    /// Do these characters spell the entry, each letter once or more often?
    pub(super) fn spells(&self, table: &Table, chars: impl Iterator<Item = char>) -> bool {
        // Bit n is set when the characters so far can spell the first n letters.
        let mut spelled = 1_u128;
        for char in chars {
            let mut next = 0;
            for (n, &letter) in self.letters.iter().enumerate() {
                if poses(table, char, letter) {
                    let here = 1_u128 << n;
                    // The next letter, or the same one again.
                    next |= (spelled & here) << 1 | spelled & here << 1;
                }
            }
            spelled = next;
        }
        spelled >> self.letters.len() & 1 == 1
    }

    /// The same with mask characters for the hidden letters, each exactly once. `5#17` is no word.
    fn spells_starred(&self, table: &Table, typed: &str, hidden: &Range<usize>) -> bool {
        let letters = typed.chars().filter(|&char| is_letter(table, char)).count();
        if letters < 2 {
            return false;
        }
        let mut chars = typed.chars();
        let spelled = self.letters.iter().enumerate().all(|(n, &letter)| {
            chars.next().is_some_and(|char| {
                if hidden.contains(&n) {
                    matches!(char, '*' | '#' | '_')
                } else {
                    poses(table, char, letter)
                }
            })
        });
        spelled && chars.next().is_none()
    }
}

/// Is it a letter, and not something that poses as one by its shape alone?
fn is_letter(table: &Table, char: char) -> bool {
    table.row(char).is(class::WORD) && leet(char).is_none()
}

/// Can the character be meant for the letter?
pub(super) fn poses(table: &Table, char: char, letter: char) -> bool {
    if char.is_ascii_lowercase() && letter.is_ascii_lowercase() {
        // An i is no l, though a 1 may be either.
        return char == letter;
    }
    char == letter || represent(table, char) == represent(table, letter)
}

/// How letters stand in the plain text.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    /// What spells the entry, without the gaps.
    pub(super) letters: Vec<char>,
    /// Each gap, with the number of letters before it.
    pub(super) all_gaps: Vec<(usize, &'a str)>,
    leet: usize,
    looks: usize,
    /// The gap between the first two tokens.
    gap: &'a str,
    gaps: usize,
    /// A gap holds a space or an apostrophe, as gaps between and in words do.
    wordy: bool,
    /// Tokens of one letter, which may be repeated, and of more.
    single: usize,
    pub(super) longer: usize,
}

impl<'a> Shape<'a> {
    fn of(table: &Table, plain: &View, start: usize, typed: &'a str, entry: &TightEntry) -> Self {
        let mut shape = Self {
            letters: Vec::with_capacity(typed.len()),
            all_gaps: Vec::new(),
            leet: 0,
            looks: 0,
            gap: "",
            gaps: 0,
            wordy: false,
            single: 0,
            longer: 0,
        };
        let chars: Vec<(usize, char)> = typed.char_indices().collect();
        let char_at =
            |n: Option<usize>| n.and_then(|n| chars.get(n)).map_or(SEPARATOR, |&(_, char)| char);
        // Where the current gap began, and the distinct letters of the current token.
        let mut gap = None;
        let mut token = 0_usize;
        for (n, &(at, char)) in chars.iter().enumerate() {
            let second = || char_at(n.checked_add(2));
            let is_shown = shown(table, char).is_some()
                && !is_divider(char, char_at(n.checked_sub(2)), second);
            if !is_shown {
                gap = gap.or(Some(at));
                shape.wordy |= matches!(char, ' ' | '\'' | '’' | '‘' | '`' | '´');
                continue;
            }
            if let Some(begin) = gap.take() {
                shape.end_token(token);
                token = 0;
                let between = typed.get(begin..at).unwrap_or_default();
                if shape.gaps == 0 {
                    shape.gap = between;
                }
                shape.gaps += 1;
                shape.all_gaps.push((shape.letters.len(), between));
            }
            if token == 0 || shape.letters.last() != Some(&char) {
                token += 1;
            }
            // What poses as an l is neither letter: a bar, which can be either.
            let odd = char == 'i' && plain.is_odd_capital(start + at);
            shape.letters.push(if odd { '|' } else { char });
            if leet(char).is_some() {
                shape.leet += 1;
            } else if table.row(char).is(class::LOOK) && !entry.letters.contains(&char) {
                shape.looks += 1;
            }
        }
        shape.end_token(token);
        shape
    }

    fn end_token(&mut self, letters: usize) {
        if letters > 1 {
            self.longer += 1;
        } else {
            self.single += 1;
        }
    }

    /// Are the letters more than a coincidence?
    pub(super) fn is_meant(&self, table: &Table, (before, after): (&str, &str)) -> bool {
        let letters = self.letters.len() - self.leet;
        if self.leet > 0 && (letters < self.leet || letters < 2) {
            return false;
        }
        !(self.looks > 0 && self.is_foreign(table, before, after))
    }

    fn holds(&self, table: &Table, (before, after): (&str, &str)) -> bool {
        if !self.is_meant(table, (before, after)) {
            return false;
        }
        if self.gaps == 0 {
            return true;
        }
        if self.wordy && self.longer > 0 {
            return false;
        }
        // A full stop without its space, either/or, and a dash between two clauses.
        let ordinary = matches!(self.gap, "." | ".." | "..." | "/" | "&" | "–" | "—" | "——");
        if self.gaps == 1 && self.single == 0 && ordinary {
            return false;
        }
        !self.is_continued(table, before)
    }

    /// Is it a word of another alphabet, all of whose letters happen to pose as Latin ones? Such a
    /// word does not mix alphabets, and the text around it is not in Latin letters either.
    fn is_foreign(&self, table: &Table, before: &str, after: &str) -> bool {
        let letters = |char: &char| leet(*char).is_none();
        let mut own = self.letters.iter().copied().filter(letters).map(alphabet);
        let first = own.next().unwrap_or(0);
        if first == 0 || own.any(|alphabet| alphabet != first) {
            return false;
        }
        // The neighbourhood says enough, and many hits in a long text must not cost its square.
        let around = before.chars().rev().take(AROUND).chain(after.chars().take(AROUND));
        let (latin, other) = around
            .filter(|&char| table.row(char).is(class::WORD) && !char.is_numeric())
            .fold((0, 0), |(latin, other), char| match alphabet(char) {
                0 => (latin + 1, other),
                _ => (latin, other + 1),
            });
        other > latin
    }

    /// Does the text before go on in the same way: `c l` before `a s s`?
    pub(super) fn is_continued(&self, table: &Table, before: &str) -> bool {
        let is_word = |char: char| table.row(char).is(class::WORD);
        let rest = before.strip_suffix(self.gap).unwrap_or_default();
        let mut chars = rest.chars().rev();
        let Some(last) = chars.next().filter(|&char| is_word(char)) else { return false };
        if self.longer > 0 {
            return true;
        }
        match chars.next() {
            // The end of a longer word, or of one such as `it's`.
            Some(char) if is_word(char) || matches!(char, '\'' | '’') => false,
            // `i` and `a` are words, unless more single letters stand before them.
            _ if matches!(last, 'i' | 'a' | 'u') => {
                let rest = rest.strip_suffix(last).and_then(|rest| rest.strip_suffix(self.gap));
                let mut chars = rest.unwrap_or_default().chars().rev();
                chars.next().is_some_and(is_word) && !chars.next().is_some_and(is_word)
            }
            _ => true,
        }
    }
}

/// Latin, Greek, Cyrillic, or another alphabet by its place in Unicode.
fn alphabet(char: char) -> u32 {
    match char {
        '\0'..='\u{36F}'
        | '\u{1D00}'..='\u{1EFF}'
        | '\u{2C60}'..='\u{2C7F}'
        | '\u{A720}'..='\u{A7FF}'
        | '\u{AB30}'..='\u{AB6F}' => 0,
        '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => 1,
        '\u{400}'..='\u{52F}' | '\u{A640}'..='\u{A69F}' => 2,
        char => 3 + (u32::from(char) >> 7),
    }
}

/// Symbols that ordinary text does not put between two Han, unless something of its own begins or
/// ends there.
const ODD: &str = "*_^\\`$%|•‧#@[]{}<>·";

/// Does something begin or end with this symbol: a `[face]`, a `#topic#`, a `@name`?
fn is_of_its_own(symbol: char, (before, after): (&str, &str)) -> bool {
    let before = |char| before.chars().rev().take(AROUND).any(|other| other == char);
    let after = |char| after.chars().take(AROUND).any(|other| other == char);
    match symbol {
        '@' => true,
        '#' => before('#') || after('#'),
        '[' => after(']'),
        ']' => before('['),
        '{' => after('}'),
        '}' => before('{'),
        '<' => after('>'),
        '>' => before('<'),
        _ => false,
    }
}

/// Does the first or last Han of an entry belong to a common word around it: 参加 群里?
fn parts_words(entry: &TightEntry, (before, after): (&str, &str)) -> bool {
    let first = entry.letters.first().is_some_and(|&first| words::ends(before, first));
    first || entry.letters.last().is_some_and(|&last| words::begins(last, after))
}

/// How Han stand in the plain text.
#[derive(Debug, Default)]
struct HanGaps {
    han: usize,
    gaps: usize,
    /// Of the gaps, those with sentence punctuation, those of nothing but spaces, those of nothing
    /// but odd symbols, and of these those in which nothing of its own begins or ends.
    stops: usize,
    spaces: usize,
    odd: usize,
    bare: usize,
}

impl HanGaps {
    fn of(table: &Table, typed: &str, around: (&str, &str)) -> Self {
        let mut found = Self::default();
        let (mut len, mut stop, mut space, mut odd, mut bare) = (0_usize, false, true, true, true);
        for char in typed.chars() {
            if table.row(char).is(class::HAN) {
                found.han += 1;
                found.gaps += usize::from(len > 0);
                found.stops += usize::from(len > 0 && stop);
                found.spaces += usize::from(len > 0 && space);
                found.odd += usize::from(len > 0 && odd);
                found.bare += usize::from(len > 0 && bare);
                (len, stop, space, odd, bare) = (0, false, true, true, true);
            } else {
                len += 1;
                stop |= is_stop(char) || char == '!';
                space &= char == ' ';
                odd &= ODD.contains(char);
                bare &= odd && !is_of_its_own(char, around);
            }
        }
        found
    }

    fn hold(&self, entry: &TightEntry, (before, after): (&str, &str)) -> bool {
        let pair = entry.letters.len() == 2;
        if self.gaps == 0 {
            // 看看书 is ordinary.
            return !(pair && self.han == 3);
        }
        if pair && !entry.severe && parts_words(entry, (before, after)) {
            return false;
        }
        let all = self.gaps + 1 == self.han;
        if self.stops > 0 && (pair || !all || self.stops < self.gaps) {
            return false;
        }
        if self.gaps == if pair && !entry.severe { self.bare } else { self.odd } {
            return true;
        }
        if pair && !entry.severe && self.spaces < self.gaps {
            // Punctuation or emoji between two Han is ordinary, unless the two stand alone.
            let is_han =
                |char: Option<char>| char.is_some_and(|char| table().row(char).is(class::HAN));
            return !is_han(before.chars().next_back()) && !is_han(after.chars().next());
        }
        let one_space = self.gaps == 1 && self.spaces == 1;
        all || entry.severe || one_space && !parts_words(entry, (before, after))
    }
}
