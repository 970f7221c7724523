//! Blanking out parts of a text.

use std::ops::Range;

/// The text with each visible character of `ranges` replaced by `mask`.
///
/// `ranges` are byte ranges, sorted and not overlapping. Marks, joiners and other invisible
/// characters in them vanish with the character they belong to; everything else stays as it is.
pub fn mask(text: &str, ranges: &[Range<usize>], mask: char) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut ranges = ranges.iter().peekable();
    for (at, char) in text.char_indices() {
        while ranges.next_if(|range| range.end <= at).is_some() {}
        if ranges.peek().is_none_or(|range| at < range.start) {
            masked.push(char);
        } else if is_visible(char) {
            masked.push(mask);
        }
    }
    masked
}

/// Does the character take up room of its own?
fn is_visible(char: char) -> bool {
    unicode_width::UnicodeWidthChar::width(char).is_some_and(|width| width > 0)
}
