//! What every character folds to: a two-level table over the checked-in rows.
//!
//! `folding.txt` and `han.txt` are the data, small enough to review; the table is spread out from
//! them once, on first use. A lookup cannot fail: a character without a row folds to itself.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{contact, lookalike};

/// Generated from Unicode data by the test `it::tables`, which also compares it.
const FOLDING: &str = include_str!("folding.txt");
const HAN: &str = include_str!("han.txt");

const PAGE: usize = 128;
const PAGES: usize = 0x11_0000 / PAGE;
const VALUE: u32 = (1 << 21) - 1;
const KIND: u32 = 7 << 21;

/// The class bits of a character: what it is, as far as matching cares.
pub(super) mod class {
    /// Continues a token of an alphabetic script: letters, digits, marks.
    pub(in crate::text) const WORD: u32 = 1 << 24;
    /// A Han character.
    pub(in crate::text) const HAN: u32 = 1 << 25;
    /// A letter or mark of a script that needs its combining marks.
    pub(in crate::text) const MARKED: u32 = 1 << 26;
    /// Ends a line.
    pub(in crate::text) const LINE: u32 = 1 << 27;
    /// Poses as an ASCII letter or digit.
    pub(in crate::text) const LOOK: u32 = 1 << 28;
    /// Can stand for a digit in a contact number, and is not an ASCII character.
    pub(in crate::text) const DIGIT: u32 = 1 << 29;
}

/// What becomes of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// It stays.
    Same,
    /// It becomes one other character.
    One(char),
    /// It becomes several: a range of [`Table::pool`].
    Many(u32),
    /// It vanishes.
    Drop,
    /// It joins the character before it if the two compose, and stays if not.
    Join(char),
    /// The same for a combining mark, which vanishes after a character that needs none.
    Mark(char),
    /// A regional indicator: a letter, unless it is half of a flag.
    Flag(char),
}

const SAME: u32 = 0;
const ONE: u32 = 1 << 21;
const MANY: u32 = 2 << 21;
const DROP: u32 = 3 << 21;
const JOIN: u32 = 4 << 21;
const MARK: u32 = 5 << 21;
const FLAG: u32 = 6 << 21;

/// A character's row: what it folds to and its classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row(u32);

impl Row {
    /// Does the character stay as it is?
    pub(super) fn is_same(self) -> bool {
        self.0 & KIND == SAME
    }

    /// Has it one of these class bits?
    pub(super) fn is(self, classes: u32) -> bool {
        self.0 & classes != 0
    }

    /// What becomes of it.
    pub(super) fn fold(self) -> Fold {
        let value = self.0 & VALUE;
        let char = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        match self.0 & KIND {
            ONE => Fold::One(char),
            MANY => Fold::Many(value),
            DROP => Fold::Drop,
            JOIN => Fold::Join(char),
            MARK => Fold::Mark(char),
            FLAG => Fold::Flag(char),
            _ => Fold::Same,
        }
    }
}

/// The rows of all characters.
#[derive(Debug)]
pub(super) struct Table {
    index: Vec<u16>,
    pages: Vec<[u32; PAGE]>,
    pool: Vec<Box<str>>,
    pairs: Vec<(char, char, char)>,
}

/// The table. Take the reference once per text, not once per character.
pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Draft::read(FOLDING, HAN).finish());
    &TABLE
}

impl Table {
    /// The row of a character.
    #[inline]
    pub(super) fn row(&self, char: char) -> Row {
        let code = usize::try_from(u32::from(char)).unwrap_or(0);
        let page = self.index.get(code / PAGE).copied().unwrap_or(0);
        let row = self.pages.get(usize::from(page)).and_then(|page| page.get(code % PAGE));
        Row(row.copied().unwrap_or(SAME))
    }

    /// The characters of a [`Fold::Many`].
    pub(super) fn pool(&self, number: u32) -> &str {
        usize::try_from(number).ok().and_then(|number| self.pool.get(number)).map_or("", |s| s)
    }

    /// The character that two compose to.
    pub(super) fn compose(&self, first: char, second: char) -> Option<char> {
        hangul(first, second).or_else(|| {
            let found = self.pairs.binary_search_by_key(&(first, second), |&(a, b, _)| (a, b));
            found.ok().and_then(|at| self.pairs.get(at)).map(|&(_, _, whole)| whole)
        })
    }
}

/// Conjoining jamo to a syllable, by the arithmetic of the Unicode standard, section 3.12.
fn hangul(first: char, second: char) -> Option<char> {
    const S: u32 = 0xAC00;
    const L: u32 = 0x1100;
    const V: u32 = 0x1161;
    const T: u32 = 0x11A7;
    let (first, second) = (u32::from(first), u32::from(second));
    if (L..L + 19).contains(&first) && (V..V + 21).contains(&second) {
        return char::from_u32(S + ((first - L) * 21 + (second - V)) * 28);
    }
    let open_syllable = (S..S + 11_172).contains(&first) && (first - S).is_multiple_of(28);
    if open_syllable && (T + 1..T + 28).contains(&second) {
        return char::from_u32(first + second - T);
    }
    None
}

/// The table while its rows are read.
#[derive(Default)]
struct Draft {
    pages: BTreeMap<usize, [u32; PAGE]>,
    pool: Vec<Box<str>>,
    pairs: Vec<(char, char, char)>,
}

impl Draft {
    fn read(folding: &str, han: &str) -> Self {
        let mut draft = Self::default();
        for line in folding.lines().filter(|line| !line.starts_with('#')) {
            draft.line(line);
        }
        for pair in
            han.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
        {
            let mut chars = pair.chars();
            if let (Some(from), Some(to)) = (chars.next(), chars.next()) {
                draft.set(from, KIND | VALUE, ONE | u32::from(to));
            }
        }
        for char in lookalike::chars() {
            draft.set(char, 0, class::LOOK);
        }
        for char in contact::chars() {
            draft.set(char, 0, class::DIGIT);
        }
        for char in ['\n', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{2028}', '\u{2029}'] {
            draft.set(char, 0, class::LINE);
        }
        draft
    }

    /// One line of `folding.txt`; its head says what the signs mean.
    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let sign = words.next()?;
        let (first, last) = range(words.next()?)?;
        let targets: Vec<char> = words.map(character).collect::<Option<_>>()?;
        let class = match sign {
            "w" => Some(class::WORD),
            "h" => Some(class::HAN),
            "m" => Some(class::MARKED),
            _ => None,
        };
        if let Some(class) = class {
            (first..=last).for_each(|char| self.set(char, 0, class));
            return Some(());
        }
        match (sign, targets.as_slice()) {
            ("-", []) => (first..=last).for_each(|char| self.set(char, KIND | VALUE, DROP)),
            ("&", &[second, whole]) => self.pairs.push((first, second, whole)),
            (_, &[target]) => {
                let kind = match sign {
                    "+" => JOIN,
                    "^" => MARK,
                    "!" => FLAG,
                    "*" | ">" => ONE,
                    _ => return None,
                };
                // A `>` range maps each to the next target, a `*` range all to the same one.
                let step = u32::from(sign != "*");
                let mut target = u32::from(target);
                for char in first..=last {
                    self.set(char, KIND | VALUE, kind | target);
                    target += step;
                }
            }
            (">", [_, ..]) => {
                let number = u32::try_from(self.pool.len()).ok()?;
                self.pool.push(targets.iter().collect());
                self.set(first, KIND | VALUE, MANY | number);
            }
            _ => return None,
        }
        Some(())
    }

    fn set(&mut self, char: char, clear: u32, bits: u32) {
        let Ok(code) = usize::try_from(u32::from(char)) else { return };
        let page = self.pages.entry(code / PAGE).or_insert([SAME; PAGE]);
        if let Some(row) = page.get_mut(code % PAGE) {
            *row = *row & !clear | bits;
        }
    }

    fn finish(mut self) -> Table {
        let mut index = vec![0; PAGES];
        let mut pages = vec![[SAME; PAGE]];
        for (at, page) in self.pages {
            // Neighbouring pages are often alike: whole blocks of Han without a folded character.
            if pages.last() != Some(&page) {
                pages.push(page);
            }
            if let Some(slot) = index.get_mut(at) {
                *slot = u16::try_from(pages.len() - 1).unwrap_or(0);
            }
        }
        self.pairs.sort_unstable();
        Table { index, pages, pool: self.pool, pairs: self.pairs }
    }
}

fn character(hex: &str) -> Option<char> {
    u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
}

fn range(text: &str) -> Option<(char, char)> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    Some((character(first)?, character(last)?))
}
