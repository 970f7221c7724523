//! Is a hit of Han and letters, such as 加v信, a disguise?

use super::{TightEntry, is_stop, shown};
use crate::text::table::{Table, class};

impl TightEntry {
    /// Does this spell the entry with gaps that are meant? There may be none, spaces where Han and
    /// letters meet, as many people write them anyway, or one at each place. Letters at an end
    /// must be at a token edge; no digit is taken for one.
    pub(super) fn holds_both(&self, table: &Table, typed: &str, edges: [bool; 2]) -> bool {
        let is_han = |char: char| table.row(char).is(class::HAN);
        let ends = [self.letters.first(), self.letters.last()];
        if ends.iter().zip(edges).any(|(end, edge)| !edge && end.is_some_and(|&end| !is_han(end))) {
            return false;
        }
        let mut spelled: Vec<char> = Vec::with_capacity(self.letters.len());
        let (mut gaps, mut typographic, mut gap) = (0, 0, String::new());
        for char in typed.chars() {
            if char.is_numeric() {
                return false;
            }
            // A symbol that could be leet is more likely what parts them.
            if shown(table, char).is_none() || !is_han(char) && !table.row(char).is(class::WORD) {
                gap.push(char);
                continue;
            }
            if let Some(&last) = spelled.last().filter(|_| !gap.is_empty()) {
                if gap.chars().any(is_stop) {
                    return false;
                }
                gaps += 1;
                typographic += usize::from(gap.trim().is_empty() && is_han(last) != is_han(char));
                gap.clear();
            }
            spelled.push(char);
        }
        (gaps == typographic || gaps + 1 == spelled.len())
            && self.spells(table, spelled.into_iter())
    }
}
