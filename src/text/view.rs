//! The plain view.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::signs::{self, Signs};
use super::suspects::Suspects;
use super::table::{Fold, Row, Table, class, table};
use crate::verdict::Span;

/// Stands between fields. No entry can contain it, since control characters vanish in folding.
pub(super) const SEPARATOR: char = '\u{1}';

/// The plain view of a whole message: all fields folded into one reused buffer.
///
/// Width, case and compatibility forms, traditional Han, invisible characters and decorating marks
/// are folded; every kind of space is U+0020. Offsets into the view are byte offsets into
/// [`View::text`].
#[derive(Debug, Clone, Default)]
pub struct View {
    text: String,
    parts: Vec<Part>,
    points: Vec<Point>,
    /// The offsets of spaces that were line ends.
    lines: Vec<usize>,
    /// The offsets of letters that were a capital I inside a word, where it poses as an l.
    odd_capitals: Vec<usize>,
    dropped: usize,
}

/// Where a field lies in the folded text.
#[derive(Debug, Clone)]
struct Part {
    field: usize,
    out: Range<usize>,
    points: Range<usize>,
}

/// From this folded offset on, up to the next point, the field's bytes are those from `src` on.
#[derive(Debug, Clone, Copy)]
struct Point {
    out: usize,
    src: usize,
    /// The stretch is what one or several characters became that cannot be taken apart.
    whole: bool,
}

/// An entry or literal through the very same folding.
pub fn fold(text: &str) -> String {
    let mut view = View::default();
    view.push(0, text, false);
    view.text
}

impl View {
    /// Forgets all fields and keeps the buffers.
    pub fn clear(&mut self) {
        self.text.clear();
        self.parts.clear();
        self.points.clear();
        self.lines.clear();
        self.odd_capitals.clear();
        self.dropped = 0;
    }

    /// Appends a field.
    ///
    /// Unless `joined`, a separator that no entry can contain stands before it; if `joined`,
    /// nothing does, but the place counts as a token edge. Fields are folded each on its own: no
    /// character composes with one of another field.
    pub fn push(&mut self, field: usize, text: &str, joined: bool) {
        if !joined && !self.parts.is_empty() {
            self.text.push(SEPARATOR);
        }
        let out = self.text.len();
        let points = self.points.len();
        self.points.push(Point { out, src: 0, whole: false });
        self.fold(text, out);
        if let Some(folded) = self.text.get_mut(out..) {
            folded.make_ascii_lowercase();
        }
        self.note_odd_capitals(text, points);
        let (out, points) = (out..self.text.len(), points..self.points.len());
        self.parts.push(Part { field, out, points });
    }

    /// Notes where `teIegram` has its capital, for a field whose points begin at `points`.
    fn note_odd_capitals(&mut self, text: &str, points: usize) {
        let mut last = None;
        for (src, _) in text.match_indices('I') {
            let Some(at) = src.checked_sub(1) else { continue };
            let lower = text.as_bytes().get(at).is_some_and(u8::is_ascii_lowercase);
            if !lower && last != Some(at) {
                continue;
            }
            last = Some(src);
            let points = self.points.get(points..).unwrap_or_default();
            let found = points.partition_point(|point| point.src <= src);
            if let Some(point) = found.checked_sub(1).and_then(|last| points.get(last)) {
                self.odd_capitals.push(point.out + (src - point.src));
            }
        }
    }

    /// The folded text of all fields.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Finds the signs of evasion in the text pushed so far; which of them are of interest, the
    /// entries say. One more pass, about 1 ns a character: ask once, and only if something depends
    /// on the answer.
    pub fn signs(&self, suspects: &Suspects) -> Signs {
        let mut signs = signs::scan(&self.text, suspects);
        if self.dropped > 0 {
            signs.note_dropped();
        }
        // A word in two elements, or with a capital that poses as another letter.
        if !self.odd_capitals.is_empty() || self.parts.iter().skip(1).any(|part| self.splits(part))
        {
            signs.note_disguise();
        }
        signs
    }

    /// Does the part begin inside a word?
    fn splits(&self, part: &Part) -> bool {
        let is_word =
            |char: Option<char>| char.is_some_and(|char| table().row(char).is(class::WORD));
        let (before, after) = self.text.split_at_checked(part.out.start).unwrap_or_default();
        is_word(before.chars().next_back()) && is_word(after.chars().next())
    }

    /// The original spans of a folded range, one for each field it touches.
    ///
    /// They cover whole characters: one that expands (`㎏`) is covered by any part of what it
    /// became, and marks and joiners that were dropped after the last character belong to it. A
    /// range that begins or ends inside a folded character is widened to it.
    pub fn spans(&self, range: Range<usize>) -> impl Iterator<Item = Span> + '_ {
        let Range { start, end } = range;
        let first = self.parts.partition_point(|part| part.out.end <= start);
        self.parts
            .iter()
            .skip(first)
            .take_while(move |part| part.out.start < end)
            .filter(move |part| start < end && !part.out.is_empty())
            .map(move |part| {
                let start = self.text.floor_char_boundary(start.max(part.out.start));
                let end = self.text.ceil_char_boundary(end.min(part.out.end));
                let range = self.source_start(part, start)..self.source_end(part, end);
                Span { field: part.field, range }
            })
    }

    /// Which field a folded offset lies in; a separator belongs to the field after it.
    pub fn field_at(&self, at: usize) -> usize {
        let found = self.parts.partition_point(|part| part.out.end <= at);
        self.parts.get(found).or(self.parts.last()).map_or(0, |part| part.field)
    }

    /// Is there a token edge at this folded offset?
    ///
    /// The start, the end and a seam between fields are edges, and so is every place but one
    /// between two letters or digits of alphabetic scripts. Han, kana, hangul, Thai and other
    /// scripts written without spaces never continue a token.
    pub fn is_edge(&self, at: usize) -> bool {
        let (Some(before), Some(after)) = (self.text.get(..at), self.text.get(at..)) else {
            return at >= self.text.len();
        };
        let table = table();
        let is_word = |char| table.row(char).is(class::WORD);
        !before.chars().next_back().is_some_and(is_word)
            || !after.chars().next().is_some_and(is_word)
            || self.parts.binary_search_by_key(&at, |part| part.out.start).is_ok()
    }

    /// Is the space at this folded offset the end of a line?
    pub(super) fn is_line_end(&self, at: usize) -> bool {
        self.lines.binary_search(&at).is_ok()
    }

    /// Was the letter at this folded offset a capital I inside a word?
    pub(super) fn is_odd_capital(&self, at: usize) -> bool {
        self.odd_capitals.binary_search(&at).is_ok()
    }

    /// Where in its field the character at a folded offset begins.
    fn source_start(&self, part: &Part, at: usize) -> usize {
        let (point, _) = self.point(part, at);
        if point.whole { point.src } else { point.src + (at - point.out) }
    }

    /// Where in its field the character before a folded offset ends, with all that was dropped
    /// after it.
    fn source_end(&self, part: &Part, at: usize) -> usize {
        let (point, next) = self.point(part, at);
        if point.whole && at > point.out {
            return next.map_or(point.src, |next| next.src);
        }
        point.src + (at - point.out)
    }

    /// The last point at or before a folded offset of the part, and the one after it.
    fn point(&self, part: &Part, at: usize) -> (Point, Option<Point>) {
        let points = self.points.get(part.points.clone()).unwrap_or_default();
        let after = points.partition_point(|point| point.out <= at);
        let origin = Point { out: at, src: 0, whole: false };
        let point = after.checked_sub(1).and_then(|last| points.get(last)).copied();
        (point.unwrap_or(origin), points.get(after).copied())
    }

    /// Folds a field that begins at folded offset `begin`; ASCII capitals stay for the caller.
    fn fold(&mut self, text: &str, begin: usize) {
        let table = table();
        // What is between the two stays as it is and is copied in one go.
        let mut copied = 0;
        let mut at = 0;
        // What is left of a run of regional indicators, and whether it is a flag. 🇺🇸 says nothing
        // about "us"; any other number spells a word.
        let (mut letters, mut flag) = (0_usize, false);
        loop {
            at = skip_printable_ascii(text.as_bytes(), at);
            let mut chars = text.get(at..).unwrap_or_default().chars();
            loop {
                let Some(char) = chars.next() else {
                    self.text.push_str(text.get(copied..).unwrap_or_default());
                    return;
                };
                let next = at + char.len_utf8();
                if matches!(char, ' '..='~') {
                    at = next;
                    break;
                }
                let row = table.row(char);
                let mut same = row.is_same();
                if matches!(row.fold(), Fold::Flag(_)) {
                    if letters == 0 {
                        (letters, flag) = run_of_flags(table, chars.as_str());
                    }
                    letters = letters.saturating_sub(1);
                    same = flag;
                }
                if !same {
                    self.text.push_str(text.get(copied..at).unwrap_or_default());
                    self.replace(table, row, begin, at..next);
                    copied = next;
                }
                at = next;
            }
        }
    }
}

impl View {
    /// Appends what the character at `source` of its field becomes.
    fn replace(&mut self, table: &Table, row: Row, begin: usize, source: Range<usize>) {
        let before = self.text.len();
        let mut low = before;
        if row.is(class::LINE) {
            self.lines.push(before);
        }
        match row.fold() {
            Fold::Drop => self.dropped += 1,
            Fold::One(char) | Fold::Flag(char) => self.text.push(char),
            Fold::Many(number) => {
                for char in table.pool(number).chars() {
                    low = low.min(self.append(table, begin, char));
                }
            }
            Fold::Same | Fold::Join(_) | Fold::Mark(_) => {
                low = self.append_folded(table, begin, row);
            }
        }
        let after = self.text.len();
        if low < before {
            // It went into the character before it: the two are one from now on, with all that
            // came from the same character.
            while self.points.last().is_some_and(|last| last.out > low) {
                self.points.pop();
            }
            match self.points.last().copied() {
                Some(last) if last.whole => {}
                Some(last) => self.mark(low, last.src + (low - last.out), true),
                None => {}
            }
        } else if after == before {
            return self.mark(before, source.end, false);
        } else if after - before == source.len() && !matches!(row.fold(), Fold::Many(_)) {
            return;
        } else {
            self.mark(before, source.start, true);
        }
        self.mark(after, source.end, false);
    }

    /// Appends a character of an expansion and gives the offset it begins at.
    fn append(&mut self, table: &Table, begin: usize, char: char) -> usize {
        let row = table.row(char);
        if row.is_same() {
            let at = self.text.len();
            self.text.push(char);
            return at;
        }
        self.append_folded(table, begin, row)
    }

    /// Appends a character that may compose with the one before it, and gives the offset where
    /// the result begins.
    fn append_folded(&mut self, table: &Table, begin: usize, row: Row) -> usize {
        let at = self.text.len();
        let last = self.text.get(begin..).and_then(|own| own.chars().next_back());
        let (char, is_mark) = match row.fold() {
            Fold::Mark(char) => (char, true),
            Fold::Join(char) | Fold::One(char) | Fold::Flag(char) => (char, false),
            Fold::Same | Fold::Many(_) | Fold::Drop => return at,
        };
        if let Some(last) = last
            && let Some(whole) = table.compose(last, char)
        {
            self.text.pop();
            let at = self.text.len();
            self.text.push(whole);
            return at;
        }
        if is_mark && !last.is_some_and(|last| table.row(last).is(class::MARKED)) {
            self.dropped += 1;
        } else {
            self.text.push(char);
        }
        at
    }

    /// Sets a point; one already there gives way.
    fn mark(&mut self, out: usize, src: usize, whole: bool) {
        let point = Point { out, src, whole };
        match self.points.last_mut() {
            Some(last) if last.out == out => *last = point,
            _ => self.points.push(point),
        }
    }
}

/// How long the run of regional indicators is that goes on with `rest`, what vanishes between them
/// left out, and whether it is a flag: two and nothing between.
fn run_of_flags(table: &Table, rest: &str) -> (usize, bool) {
    let folds = |char: char| table.row(char).fold();
    let is_mark = |char: char| matches!(folds(char), Fold::Mark(_));
    let vanishes = |char: char| match folds(char) {
        Fold::Drop => true,
        Fold::Many(number) => table.pool(number).chars().all(is_mark),
        _ => is_mark(char),
    };
    let is_flag = |char: &char| matches!(folds(*char), Fold::Flag(_));
    let more = rest.chars().filter(|&char| !vanishes(char)).take_while(is_flag).count();
    (1 + more, more == 1 && rest.chars().next().is_some_and(|char| is_flag(&char)))
}

/// The first offset from `at` on that is not printable ASCII.
fn skip_printable_ascii(bytes: &[u8], mut at: usize) -> usize {
    const EACH: u64 = u64::MAX / 255;
    const HIGH: u64 = EACH * 0x80;
    // Eight bytes at a time: none has its high bit set, is below a space or is DEL.
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_ne_bytes(*eight);
        let below_space = word.wrapping_sub(EACH * 0x20) & !word;
        let del = (word ^ (EACH * 0x7F)).wrapping_sub(EACH) & !(word ^ (EACH * 0x7F));
        if (word | below_space | del) & HIGH != 0 {
            break;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| matches!(byte, b' '..=b'~')) {
        at += 1;
    }
    at
}
