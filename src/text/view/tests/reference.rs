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
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let is_flag = |n: usize| chars.get(n).is_some_and(|(_, c)| self.flags.contains_key(c));
        let mut n = 0;
        while let Some(&(at, char)) = chars.get(n) {
            let source = at..at + char.len_utf8();
            if is_flag(n) {
                let run = (n..chars.len()).take_while(|&n| is_flag(n)).count();
                for &(at, char) in &chars[n..n + run] {
                    let shown = if run == 2 { char } else { self.flags[&char] };
                    out.push((shown, at..at + char.len_utf8()));
                }
                n += run;
                continue;
            }
            n += 1;
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
            // Only what vanished altogether belongs to the character before.
            if out.len() == before {
                extend(&mut out, source.end);
            }
            // All that comes from one character, or has gone into the one before, is one.
            out[before..].iter_mut().for_each(|(_, own)| own.start = start);
            extend_from(&mut out, start, source.end);
        }
        out
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
