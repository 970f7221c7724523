//! What the entries of lists look like under a disguise, as a filter: it tells in a few
//! nanoseconds whether a stretched word or two Han set apart can be of any entry at all.
//!
//! Most doubled letters, digits beside letters and gaps between Han are ordinary. Only where the
//! filter knows what they would spell is the tight view worth building.

use super::table::table;
use super::tight::{TightEntry, represent};

/// Bits for each thing put in: one in thirty-two of the others is then taken for one of them.
const BITS_EACH: usize = 32;

/// Collects what goes into the filter.
#[derive(Debug, Default, Clone)]
pub struct SuspectsBuilder {
    hashes: Vec<u64>,
    parts: bool,
}

impl SuspectsBuilder {
    /// Adds an entry.
    pub fn add(&mut self, entry: &TightEntry) {
        if entry.has_han() {
            let mut last = None;
            for char in entry.pattern().chars() {
                self.hashes.extend(last.map(|last| of_pair(last, char)));
                last = Some(char);
            }
        } else {
            self.hashes.extend(entry.words().map(of_word));
            if entry.is_open() {
                self.hashes.extend(triples(entry.pattern().chars()).next());
                self.parts = true;
            }
        }
    }

    /// Makes the filter.
    pub fn build(mut self) -> Suspects {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        if self.hashes.is_empty() {
            return Suspects::default();
        }
        let words = (self.hashes.len() * BITS_EACH / 64).next_power_of_two();
        let mut suspects = Suspects { bits: vec![0; words], parts: self.parts };
        for &hash in &self.hashes {
            let (word, bit) = suspects.place(hash);
            if let Some(word) = suspects.bits.get_mut(word) {
                *word |= bit;
            }
        }
        suspects
    }
}

/// The filter; it may take something for suspect that is not, never the other way round.
#[derive(Debug, Default, Clone)]
pub struct Suspects {
    /// A power of two of them, or none.
    bits: Vec<u64>,
    /// Some entries are found inside longer words; their first three letters are in the filter.
    parts: bool,
}

impl Suspects {
    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.bits.as_slice())
    }

    /// Can these two stand side by side in an entry with Han in it? A letter is what it is shown as.
    pub(super) fn pair(&self, first: char, second: char) -> bool {
        self.holds(of_pair(first, second))
    }

    /// Can this be a word of an entry, or hold an open one, once its disguise is taken off?
    pub(super) fn word(&self, typed: &str) -> bool {
        self.holds(of_word(typed.chars()))
            || self.parts && triples(typed.chars()).any(|hash| self.holds(hash))
    }

    fn holds(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Which word of `bits`, and which bit of it.
    fn place(&self, hash: u64) -> (usize, u64) {
        let words = u64::try_from(self.bits.len()).unwrap_or(u64::MAX);
        // The upper bits are mixed best.
        let word = (hash >> 6) & words.wrapping_sub(1);
        (usize::try_from(word).unwrap_or(usize::MAX), 1 << (hash & 63))
    }
}

fn of_pair(first: char, second: char) -> u64 {
    mix(mix(1, first), second) >> 20
}

/// What the letters stand for, each repetition once.
fn letters(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let table = table();
    let mut last = None;
    chars
        .map(move |char| represent(table, char))
        .filter(move |&char| last.replace(char) != Some(char))
}

fn of_word(chars: impl Iterator<Item = char>) -> u64 {
    letters(chars).fold(2, mix) >> 20
}

/// Each three letters that follow one another.
fn triples(chars: impl Iterator<Item = char>) -> impl Iterator<Item = u64> {
    let mut before = [None; 2];
    letters(chars).filter_map(move |char| {
        let [first, second] = before;
        before = [second, Some(char)];
        Some(mix(mix(mix(3, first?), second?), char) >> 20)
    })
}

/// One round of a multiplicative hash.
fn mix(hash: u64, char: char) -> u64 {
    (hash.rotate_left(23) ^ u64::from(u32::from(char))).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
