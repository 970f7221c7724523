//! Blanking out parts of a text.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::table::{Fold, Table, table};

/// The text with each visible character in `ranges` replaced by `mask`.
///
/// Spaces stay; marks, joiners and variation selectors of a masked character vanish with it, also
/// those that stand after the end of its range. The rest is as it was. `ranges` are byte ranges of
/// `text`, sorted and not overlapping; one that begins or ends inside a character is widened to
/// it, and what lies beyond the text or before the end of an earlier range is ignored.
pub fn mask(text: &str, ranges: impl IntoIterator<Item = Range<usize>>, mask: char) -> String {
    let table = table();
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for range in ranges {
        let start = text.floor_char_boundary(range.start).max(done);
        let end = text.ceil_char_boundary(range.end);
        if start >= end {
            continue;
        }
        masked.push_str(text.get(done..start).unwrap_or_default());
        for char in text.get(start..end).unwrap_or_default().chars() {
            if char.is_whitespace() {
                masked.push(char);
            } else if !is_attached(table, char) {
                masked.push(mask);
            }
        }
        let rest = text.get(end..).unwrap_or_default();
        let attached = rest.chars().take_while(|&char| is_attached(table, char));
        done = end + attached.map(char::len_utf8).sum::<usize>();
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    masked
}

/// Is the character only seen as part of the one before it, or not at all?
fn is_attached(table: &Table, char: char) -> bool {
    match table.row(char).fold() {
        Fold::Drop | Fold::Mark(_) => true,
        // The vowels and finals of a syllable; their compatibility forms stand for themselves.
        Fold::Join(_) => matches!(char, '\u{1160}'..='\u{11FF}'),
        _ => matches!(char, '\u{1F3FB}'..='\u{1F3FF}'),
    }
}
