//! The plain view once more, as slow and obvious as can be: one character at a time, every row in
//! a map, every source range kept.

use std::collections::BTreeMap;

use std::ops::Range;

#[derive(Default)]
pub(super) struct Reference {
    dropped: Vec<char>,
    targets: BTreeMap<char, String>,
    joining: BTreeMap<char, char>,
    marks: BTreeMap<char, char>,
    flags: BTreeMap<char, char>,
    pairs: BTreeMap<(char, char), char>,
    marked: Vec<char>,
}

/// A folded character and where in the original it comes from.
pub(super) type Folded = (char, Range<usize>);

fn character(hex: &str) -> char {
    char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap()
}

impl Reference {
    pub(super) fn read() -> Self {
        let mut read = Self::default();
        let rows = include_str!("../../folding.txt").lines().filter(|line| !line.starts_with('#'));
        for row in rows {
            let words: Vec<&str> = row.split(' ').collect();
            let (first, last) = words[1].split_once("..").unwrap_or((words[1], words[1]));
            let targets: Vec<char> = words[2..].iter().map(|hex| character(hex)).collect();
            for (step, char) in (0..).zip(character(first)..=character(last)) {
                let stepped = || char::from_u32(u32::from(targets[0]) + step).unwrap();
                match words[0] {
                    "-" => read.dropped.push(char),
                    ">" if targets.len() > 1 => {
                        read.targets.insert(char, targets.iter().collect());
                    }
                    ">" => {
                        read.targets.insert(char, stepped().to_string());
                    }
                    "*" => {
                        read.targets.insert(char, targets[0].to_string());
                    }
                    "+" => {
                        read.joining.insert(char, stepped());
                    }
                    "^" => {
                        read.marks.insert(char, stepped());
                    }
                    "!" => {
                        read.flags.insert(char, stepped());
                    }
                    "&" => {
                        read.pairs.insert((char, targets[0]), targets[1]);
                    }
                    "m" => read.marked.push(char),
                    _ => {}
                }
            }
        }
        let han = include_str!("../../han.txt").lines().filter(|line| !line.starts_with('#'));
        for pair in han.flat_map(str::split_whitespace) {
            let mut chars = pair.chars();
            read.targets.insert(chars.next().unwrap(), chars.next().unwrap().to_string());
        }
        read
    }

    pub(super) fn fold(&self, text: &str) -> Vec<Folded> {
        let mut out: Vec<Folded> = Vec::new();
        let in_flags = self.in_flags(text);
        for (at, char) in text.char_indices() {
            let source = at..at + char.len_utf8();
            if let Some(letter) = self.flags.get(&char) {
                out.push((if in_flags.contains(&at) { char } else { *letter }, source));
                continue;
            }
            if self.dropped.binary_search(&char).is_ok() {
                extend(&mut out, source.end);
                continue;
            }
            let own = char.to_ascii_lowercase().to_string();
            let before = out.len();
            let mut start = source.start;
            for char in self.targets.get(&char).unwrap_or(&own).chars() {
                start = start.min(self.append(&mut out, char, source.clone()));
            }
            if out.len() == before && start == source.start {
                extend(&mut out, source.end);
                continue;
            }
            // All that comes from one character, or has gone into the one before, is one.
            out[before..].iter_mut().for_each(|(_, own)| own.start = start);
            extend_from(&mut out, start, source.end);
        }
        out
    }

    /// Where regional indicators stand that are flags: two without a third near. What vanishes
    /// does not part them, but what it stands in is no flag.
    fn in_flags(&self, text: &str) -> Vec<usize> {
        let are_marks = |text: &str| text.chars().all(|char| self.marks.contains_key(&char));
        let vanishes = |char: char| {
            self.dropped.binary_search(&char).is_ok()
                || self.marks.contains_key(&char)
                || self.targets.get(&char).is_some_and(|text| are_marks(text))
        };
        let left: Vec<(usize, char)> = text.char_indices().filter(|&(_, c)| !vanishes(c)).collect();
        let runs = left
            .chunk_by(|(_, a), (_, b)| self.flags.contains_key(a) && self.flags.contains_key(b));
        let flags = runs.filter_map(|run| match run {
            [(a, first), (b, _)] if a + first.len_utf8() == *b => Some([*a, *b]),
            _ => None,
        });
        flags.flatten().collect()
    }

    /// Appends a character and gives where what it went into begins.
    fn append(&self, out: &mut Vec<Folded>, char: char, source: Range<usize>) -> usize {
        let begin = source.start;
        let mark = self.marks.get(&char).copied();
        let Some(char) = mark.or_else(|| self.joining.get(&char).copied()) else {
            out.push((char, source));
            return begin;
        };
        if let Some((last, range)) = out.last_mut()
            && let Some(whole) = self.compose(*last, char)
        {
            *last = whole;
            return range.start;
        }
        let keeps = out.last().is_some_and(|(last, _)| self.marked.binary_search(last).is_ok());
        if mark.is_none() || keeps {
            out.push((char, source));
        }
        begin
    }

    fn compose(&self, first: char, second: char) -> Option<char> {
        let own = self.pairs.get(&(first, second)).copied();
        own.or_else(|| {
            let both: String = [first, second].iter().collect();
            let whole = icu_normalizer::ComposingNormalizerBorrowed::new_nfc()
                .normalize(&both)
                .into_owned();
            let hangul = whole.chars().all(|char| ('\u{AC00}'..='\u{D7A3}').contains(&char));
            let mut chars = whole.chars();
            chars.next().filter(|_| hangul && chars.next().is_none())
        })
    }
}

/// What was dropped belongs to the character before it.
fn extend(out: &mut [Folded], end: usize) {
    if let Some(start) = out.last().map(|(_, range)| range.start) {
        extend_from(out, start, end);
    }
}

fn extend_from(out: &mut [Folded], start: usize, end: usize) {
    out.iter_mut()
        .rev()
        .take_while(|(_, range)| range.start == start)
        .for_each(|(_, range)| range.end = end);
}
