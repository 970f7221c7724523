//! Is a hit of several words a disguise of them?
//!
//! The words stand apart as words do, each of them perhaps in look-alike letters, or every letter
//! stands alone: `s u r e   w i n`. Words run together, and words parted elsewhere than the entry
//! parts them, are other words: the rapist is no therapist.

use super::verify::{Shape, poses};
use super::{TightEntry, leet};
use crate::text::table::Table;

impl Shape<'_> {
    /// Does this spell the phrase, and is that meant?
    pub(super) fn holds_phrase(
        &self,
        table: &Table,
        entry: &TightEntry,
        (before, after): (&str, &str),
    ) -> bool {
        let Some(spelled) = entry.align(table, &self.letters) else { return false };
        if !self.is_meant(table, (before, after)) {
            return false;
        }
        // How much of the entry stands before a gap.
        let done = |letters: usize| {
            letters.checked_sub(1).and_then(|last| spelled.get(last)).copied().unwrap_or(0)
        };
        let (between, inside): (Vec<_>, Vec<_>) =
            self.all_gaps.iter().partition(|(letters, _)| entry.breaks.contains(&done(*letters)));
        if between.len() < entry.breaks.len() || !entry.has_words(&self.letters, &spelled) {
            return false;
        }
        if inside.is_empty() {
            return between.iter().all(|(_, gap)| parts_words(gap));
        }
        self.longer == 0 && !self.is_continued(table, before)
    }
}

impl TightEntry {
    /// For each typed letter, how many letters of the entry are spelled with it; `None` if they do
    /// not spell it. A letter may be repeated.
    fn align(&self, table: &Table, typed: &[char]) -> Option<Vec<usize>> {
        let mut done = 0;
        let mut spelled = Vec::with_capacity(typed.len());
        for &char in typed {
            let is = |at: Option<usize>| {
                at.and_then(|at| self.letters.get(at)).is_some_and(|&l| poses(table, char, l))
            };
            if is(Some(done)) {
                done += 1;
            } else if leet(char).is_some() || !is(done.checked_sub(1)) {
                // The exclamation mark after `girl` is no second l.
                return None;
            }
            spelled.push(done);
        }
        (done == self.letters.len()).then_some(spelled)
    }

    /// Has each word a letter that is one? `! please` is not `i please`.
    fn has_words(&self, typed: &[char], spelled: &[usize]) -> bool {
        let ends = self.breaks.iter().copied().chain([self.letters.len()]);
        let starts = [0].into_iter().chain(self.breaks.iter().copied());
        starts.zip(ends).all(|(start, end)| {
            let of_word = |done: usize| start < done && done <= end;
            let mut letters = typed.iter().zip(spelled).filter(|(_, done)| of_word(**done));
            letters.any(|(&char, _)| leet(char).is_none())
        })
    }
}

/// Is this what stands between two words: spaces, or one sign that ends no sentence?
fn parts_words(gap: &str) -> bool {
    let mut signs = gap.chars().filter(|&char| char != ' ');
    match signs.next() {
        None => true,
        Some('.' | '!' | ':' | '/' | '&' | '–' | '—' | '\'' | '’' | '(' | ')' | '"') => false,
        Some(_) => signs.next().is_none(),
    }
}
