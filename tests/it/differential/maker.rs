//! Makes up lists and messages from few characters, so that they meet often.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use quell::text;

use super::reference::{self, Entry, List, Looked, Matching, Term};

/// What folds in some special way, by script. Words and messages are put together from a few.
const PIECES: [&[&str]; 9] = [
    &["a", "b", "A", "ａ", "𝐚", "ⓐ", "🅰", "é", "e\u{301}", "1", "１", "①", "²", "c", "l", "I"],
    &["ß", "s", "ﬁ", "f", "ǆ", "d", "ž", "İ", "i", "i\u{307}", "ĳ", "½", "㎏", "k", "g", "㏂"],
    &[
        "微", "信", "国", "國", "愛", "爱", "⼀", "一", "臺", "台", "裏", "加", "薇", "里", "⻢",
        "馬",
    ],
    &["カ", "ｶ", "ﾞ", "ガ", "か", "\u{3099}", "が", "゛", "㌢", "セ", "ン", "チ", "ﾊ", "ﾟ"],
    &["한", "하", "\u{1112}", "\u{1161}", "\u{11ab}", "ㅎ", "ㅏ", "가", "\u{11a8}"],
    &["ก", "ำ", "\u{e31}", "\u{e4d}", "\u{e32}", "ม", "क", "\u{93c}", "\u{94d}", "न"],
    &["ﷺ", "ا", "\u{654}", "أ", "\u{64e}", "ﻻ", "ل", "ש", "\u{5c1}", "؆", "ص", "م"],
    &["🇺", "🇸", "🇦", "u", "s", "1️⃣", "2", "👍", "❤", "🇫"],
    &[
        "澳", "门", "新", "葡", "京", "奥", "们", "心", "加", "微", "信", "家", "威", "欣", "人",
        "任", "里", "力",
    ],
];

/// What stands between and inside words.
const BETWEEN: [&str; 24] = [
    " ", " ", " ", "\u{3000}", "\u{200b}", "\u{200d}", "\u{fe0f}", "\u{ad}", "\u{feff}", "\u{301}",
    "\u{336}", "\u{20dd}", "-", ".", "，", "*", "&", "~", "'", "\u{1}", "\n", "\u{2028}", "_", "@",
];

/// Characters that fold to the same, by what they fold to.
static SAME: LazyLock<BTreeMap<String, Vec<char>>> = LazyLock::new(|| {
    let mut same: BTreeMap<String, Vec<char>> = BTreeMap::new();
    let pieces = PIECES.iter().flat_map(|pieces| pieces.iter()).flat_map(|piece| piece.chars());
    for char in pieces {
        same.entry(text::fold(char.encode_utf8(&mut [0; 4]))).or_default().push(char);
    }
    let blocks = [('!', '\u{24f}'), ('\u{1d00}', '\u{33ff}'), ('\u{f900}', '\u{ffff}')];
    for char in blocks.into_iter().flat_map(|(first, last)| first..=last) {
        if let Some(chars) = same.get_mut(&text::fold(char.encode_utf8(&mut [0; 4]))) {
            chars.push(char);
        }
    }
    same.retain(|folded, chars| !folded.is_empty() && chars.len() > 1);
    same
});

/// Made-up lists and messages; the same for the same seed.
pub(super) struct Maker {
    state: u64,
    pieces: Vec<&'static str>,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Self {
        let mut maker = Self { state: seed, pieces: Vec::new() };
        let mut scripts = vec![maker.below(PIECES.len())];
        while maker.one_in(2) {
            scripts.push(maker.below(PIECES.len()));
        }
        for _ in 0..3 + maker.below(4) {
            let script = PIECES[*maker.pick(&scripts)];
            let piece = *maker.pick(script);
            maker.pieces.push(piece);
        }
        maker
    }

    /// Numbers that look random: splitmix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    fn between(&mut self) -> &'static str {
        let at = self.below(BETWEEN.len());
        BETWEEN[at]
    }

    /// A day around those on which entries expire.
    pub(super) fn day(&mut self) -> u8 {
        u8::try_from(22 + self.below(3)).unwrap()
    }

    pub(super) fn lists(&mut self, views: &[Looked]) -> Vec<List> {
        let tight = views.contains(&Looked::Tight);
        let count = 1 + self.below(3);
        let mut lists: Vec<List> = Vec::new();
        for number in 0..count {
            let mut list = List {
                entries: Vec::new(),
                allow: Vec::new(),
                matching: *self.pick(&[Matching::Auto, Matching::Auto, Matching::Word]),
                looked: *self.pick(views),
            };
            if self.one_in(5) {
                list.matching = Matching::Anywhere;
            }
            for _ in 0..=self.below(5) {
                let known: Vec<String> = lists
                    .iter()
                    .chain([&list])
                    .flat_map(|list| &list.entries)
                    .map(|entry| entry.all[0].text.clone())
                    .collect();
                let entry = self.entry(&known, tight);
                let written = |entry: &Entry| super::render_entry(entry);
                // Evidence quotes entries as written: two that are the same could not be told apart.
                list.entries.extend(entry.filter(|entry| {
                    !list.entries.iter().any(|other| written(other) == written(entry))
                }));
            }
            if !tight && self.one_in(2) {
                let others = (0..count).filter(|other| *other != number);
                list.allow = others.filter(|_| self.one_in(2)).collect();
            }
            lists.push(list);
        }
        lists
    }

    fn entry(&mut self, known: &[String], tight: bool) -> Option<Entry> {
        let mut entry = Entry {
            all: vec![self.term(known)],
            unless: Vec::new(),
            matching: None,
            looked: None,
            expires: None,
        };
        if self.one_in(6) {
            entry.matching =
                Some(*self.pick(&[Matching::Auto, Matching::Word, Matching::Anywhere]));
        }
        if self.one_in(6) {
            entry.expires = Some(self.day());
        }
        if !tight && self.one_in(6) {
            entry.looked = Some(*self.pick(&[Looked::Plain, Looked::Sound]));
        }
        if !tight && self.one_in(5) {
            entry.all.push(self.term(known));
        }
        while !tight && self.one_in(6) {
            entry.unless.push(self.term(known));
        }
        Some(entry).filter(|entry| entry.all.iter().chain(&entry.unless).all(is_sound))
    }

    /// A term of its own, or one that overlaps a known one.
    fn term(&mut self, known: &[String]) -> Term {
        let mut text = if known.is_empty() || self.one_in(2) {
            let count = 1 + self.below(5);
            self.word(count)
        } else {
            self.pick(known).clone()
        };
        if self.one_in(3) {
            text = self.rewrite(&text);
        }
        match self.below(6) {
            0 => text.push_str(&self.word(1)),
            1 => text.insert_str(0, &self.word(1)),
            2 => drop(text.pop()),
            3 if text.chars().nth(1).is_some() => drop(text.remove(0)),
            _ => {}
        }
        let text = text.replace(['\n', '\r'], " ");
        let text = text.trim_matches(|char: char| char == '*' || char.is_whitespace()).to_owned();
        Term { text, open: (self.one_in(8), self.one_in(8)) }
    }

    fn word(&mut self, count: usize) -> String {
        let mut word = String::new();
        for _ in 0..count {
            let at = self.below(self.pieces.len());
            word.push_str(self.pieces[at]);
            if self.one_in(8) {
                word.push_str(self.between());
            }
        }
        word
    }

    /// The same word in other characters, perhaps with others between.
    fn rewrite(&mut self, word: &str) -> String {
        let mut written = String::new();
        for char in word.chars() {
            let same = SAME.get(&text::fold(char.encode_utf8(&mut [0; 4])));
            match same.filter(|_| self.one_in(3)) {
                Some(same) => written.push(*self.pick(same)),
                None => written.push(char),
            }
            if self.one_in(6) {
                written.push_str(self.between());
            }
        }
        written
    }

    pub(super) fn fields(&mut self, lists: &[List]) -> Vec<(String, bool)> {
        let terms: Vec<&Term> = lists
            .iter()
            .flat_map(|list| &list.entries)
            .flat_map(|entry| entry.all.iter().chain(&entry.unless))
            .collect();
        let mut text = String::new();
        for _ in 0..=self.below(5) {
            let count = 1 + self.below(3);
            let word = match self.below(4) {
                _ if terms.is_empty() => self.word(count),
                0 => self.word(count),
                1 => {
                    let term = self.pick(&terms).text.clone();
                    self.rewrite(&term)
                }
                _ => self.pick(&terms).text.clone(),
            };
            text.push_str(&word);
            if self.one_in(3) {
                text.push_str(self.between());
            }
        }
        self.cut(&text)
    }

    /// The text in one field or several, some empty.
    fn cut(&mut self, text: &str) -> Vec<(String, bool)> {
        let mut fields = vec![(String::new(), self.one_in(2))];
        let many = self.one_in(2);
        for char in text.chars() {
            while many && self.one_in(6) {
                let joined = self.one_in(2);
                fields.push((String::new(), joined));
            }
            fields.last_mut().unwrap().0.push(char);
        }
        if self.one_in(8) {
            fields.push((String::new(), self.one_in(2)));
        }
        fields
    }
}

/// Can it stand in a list as it is, and is something left of it?
fn is_sound(term: &Term) -> bool {
    let read_otherwise = [" & ", " ~ "].iter().any(|operator| term.text.contains(operator))
        || term.text.starts_with(['&', '~'])
        || term.text.ends_with(['&', '~']);
    !read_otherwise && !term.text.is_empty() && !reference::fold(&term.text).is_empty()
}
