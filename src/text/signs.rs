//! Signs that somebody is evading, so that the costlier views are built only then.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::links;
use super::suspects::Suspects;
use super::table::{Row, class, table};
use super::tight::{GAP, leet, represent};

/// What a plain view shows of the ways to evade it. Cheap to find, and only a hint: most of what
/// it points at is ordinary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signs {
    bits: u8,
    digits: usize,
}

impl Signs {
    const DISGUISED: u8 = 1;
    const DROPPED: u8 = 2;
    const DOT: u8 = 4;

    /// Is the tight view worth building? True if look-alikes, leet, gaps or repetitions can make
    /// a disguise of an entry that went into the [`Suspects`]. The view finds nothing in other
    /// messages that the plain one does not find.
    pub fn call_for_tight(self) -> bool {
        self.bits & Self::DISGUISED != 0
    }

    /// Were invisible characters or decorating marks dropped?
    pub fn dropped(self) -> bool {
        self.bits & Self::DROPPED != 0
    }

    /// Can there be a link?
    pub fn call_for_links(self) -> bool {
        self.bits & Self::DOT != 0
    }

    /// Can there be a contact number?
    pub fn call_for_contacts(self) -> bool {
        self.digits >= 5
    }

    /// How many characters in a row can be read as digits, other characters that are no letters
    /// among them.
    pub fn digits(self) -> usize {
        self.digits
    }

    pub(super) fn note_dropped(&mut self) {
        self.bits |= Self::DROPPED;
    }

    pub(super) fn note_disguise(&mut self) {
        self.bits |= Self::DISGUISED;
    }
}

/// What a character is, for the purposes of this scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Letter,
    Digit,
    Han,
    Space,
    /// A symbol that stands for a letter in leet.
    Leet,
    Symbol,
    /// Punctuation of sentences: what follows is a new thought.
    Stop,
}

impl Sort {
    fn is_word(self) -> bool {
        matches!(self, Self::Letter | Self::Digit)
    }
}

/// A run of letters and digits; perhaps with a leet symbol before it.
#[derive(Debug, Clone, Copy)]
struct Token {
    /// Digit if there is no letter in it.
    sort: Sort,
    /// Repeated ones count once.
    len: usize,
    start: usize,
    /// Letters are repeated in it, pose as others, or stand beside digits.
    odd: bool,
    /// Symbols stand between it and the token before it.
    apart: bool,
}

/// What stands since the current token.
#[derive(Debug, Clone, Copy, Default)]
struct Gap {
    len: usize,
    symbols: bool,
    spaces: bool,
}

/// A run of one Han.
#[derive(Debug, Clone, Copy)]
struct Run {
    char: char,
    len: usize,
    end: usize,
}

/// One scan, with what it remembers of the characters before.
#[derive(Debug)]
struct Scan<'a> {
    text: &'a str,
    suspects: &'a Suspects,
    signs: Signs,
    second_last: Sort,
    last: Sort,
    last_char: char,
    token: Token,
    gap: Gap,
    /// Characters since the last letter, digit or leet symbol, none of which are spaces; whether
    /// it was such a symbol.
    glued: Option<(usize, bool)>,
    /// Tokens of one letter in a row.
    single: usize,
    /// Where the last letter or digit ends.
    word_end: usize,
    /// The last run of Han, and the Han before it.
    han: Run,
    han_before: Option<char>,
    /// Digits since the last letter that is none.
    digits: usize,
    /// There is an `ot`, perhaps of a `dot`.
    spelled: bool,
    /// There is a dot with a space after it.
    stopped: bool,
}

/// The signs of a folded text.
pub(super) fn scan(text: &str, suspects: &Suspects) -> Signs {
    let mut scan = Scan::new(text, suspects);
    let table = table();
    for (at, char) in text.char_indices() {
        // Most of a text is words with a space between them, and says nothing.
        match (scan.last, char) {
            (Sort::Letter, 'a'..='z') => {
                scan.spelled |= char == 't' && scan.last_char == 'o';
                if !is_round(char) {
                    scan.digits = 0;
                }
                let repeated = char == scan.last_char;
                scan.token.odd |= repeated;
                scan.token.len += usize::from(!repeated);
                scan.advance(Sort::Letter, char);
                continue;
            }
            (Sort::Letter, ' ') if scan.token.len > 1 => {
                scan.end_token(at);
                scan.gap = Gap { len: 1, symbols: false, spaces: true };
                scan.glued = None;
                scan.advance(Sort::Space, ' ');
                continue;
            }
            (Sort::Space, 'a'..='z') if scan.second_last == Sort::Letter => {
                scan.token =
                    Token { sort: Sort::Letter, len: 1, start: at, odd: false, apart: false };
                if !is_round(char) {
                    scan.digits = 0;
                }
                scan.advance(Sort::Letter, char);
                continue;
            }
            _ => {}
        }
        let (sort, odd) = match char {
            'a'..='z' => (Sort::Letter, false),
            '0'..='9' => (Sort::Digit, false),
            ' ' => (Sort::Space, false),
            '$' | '@' | '!' | '|' | '+' => (Sort::Leet, false),
            '\u{1}' | ',' | ';' | '?' | '\'' => (Sort::Stop, false),
            '，' | '。' | '、' | '；' | '“' | '”' | '‘' | '’' | '…' | '《' | '》' => {
                (Sort::Stop, false)
            }
            '\0'..='\x7f' => (Sort::Symbol, false),
            _ => scan.beyond_ascii(char, table.row(char)),
        };
        if sort == Sort::Han {
            if !scan.signs.call_for_tight() {
                scan.han(at, char);
            }
            if scan.last == Sort::Han {
                scan.advance(sort, char);
                continue;
            }
        }
        scan.step(sort, at, char, odd);
    }
    scan.step(Sort::Stop, text.len(), ' ', false);
    // Sentences end in a dot and a space too, so these ask for more.
    let spelled = scan.spelled && text.contains("dot");
    if spelled || scan.stopped && links::is_set_apart(text) {
        scan.signs.bits |= Signs::DOT;
    }
    scan.signs
}

/// A letter that can be read as a digit beside one.
fn is_round(char: char) -> bool {
    matches!(char, 'o' | 'l' | 'i')
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, suspects: &'a Suspects) -> Self {
        Self {
            text,
            suspects,
            signs: Signs::default(),
            second_last: Sort::Stop,
            last: Sort::Stop,
            last_char: ' ',
            token: Token { sort: Sort::Stop, len: 0, start: 0, odd: false, apart: false },
            gap: Gap::default(),
            glued: None,
            single: 0,
            word_end: 0,
            han: Run { char: ' ', len: 0, end: 0 },
            han_before: None,
            digits: 0,
            spelled: false,
            stopped: false,
        }
    }

    fn disguised(&mut self, is: bool) {
        if is {
            self.signs.note_disguise();
        }
    }

    /// What it is, and whether it is a letter that poses as another.
    fn beyond_ascii(&mut self, char: char, row: Row) -> (Sort, bool) {
        let sort = if row.is(class::HAN) {
            Sort::Han
        } else if row.is(class::WORD) {
            Sort::Letter
        } else if leet(char).is_some() {
            Sort::Leet
        } else {
            Sort::Symbol
        };
        let poses = row.is(class::LOOK);
        self.disguised(poses && sort != Sort::Letter);
        if row.is(class::DIGIT) {
            self.digit();
        } else if matches!(sort, Sort::Han | Sort::Letter) {
            self.digits = 0;
        }
        (sort, poses)
    }

    fn digit(&mut self) {
        self.digits += 1;
        self.signs.digits = self.signs.digits.max(self.digits);
    }

    fn advance(&mut self, sort: Sort, char: char) {
        (self.second_last, self.last, self.last_char) = (self.last, sort, char);
    }

    /// A Han at `at`: repeated, after a repeated one, or set apart from one that an entry has
    /// before it?
    fn han(&mut self, at: usize, char: char) {
        let end = at + char.len_utf8();
        let word_end = if self.last.is_word() { at } else { self.word_end };
        if word_end > self.han.end && self.is_near(word_end..at) {
            self.letter_and_han(word_end, char);
        }
        let Run { char: last, len, end: last_end } = self.han;
        let adjacent = at == last_end;
        if len > 0 && (adjacent || self.is_near(last_end..at)) {
            if char == last {
                self.han = Run { char, len: len + 1, end };
                self.disguised(self.han_before.is_some_and(|l| self.suspects.pair(l, char)));
                return;
            }
            if !adjacent || len > 1 {
                self.disguised(self.suspects.pair(last, char));
            }
            self.han_before = Some(last);
        } else {
            self.han_before = None;
        }
        self.han = Run { char, len: 1, end };
    }

    /// Can an entry have the letter that ends here before this Han?
    fn letter_and_han(&mut self, end: usize, han: char) {
        let letter = self.text.get(..end).and_then(|text| text.chars().next_back());
        let found = letter.is_some_and(|l| self.suspects.pair(represent(table(), l), han));
        self.disguised(found);
    }

    fn is_near(&self, gap: Range<usize>) -> bool {
        gap.len() <= GAP * 4 && self.text.get(gap).is_some_and(|gap| gap.chars().count() <= GAP)
    }

    fn step(&mut self, sort: Sort, at: usize, char: char, odd: bool) {
        self.stopped |= char == ' ' && matches!(self.last_char, '.' | '。');
        if sort == Sort::Digit {
            self.digit();
        }
        if sort.is_word() && self.last.is_word() && sort != self.last {
            // An o or l beside a digit is perhaps another.
            let letter = if sort == Sort::Letter { char } else { self.last_char };
            if is_round(letter) {
                self.digit();
            }
        }
        let dotted = sort.is_word()
            || matches!(char, ')' | ']' | '}' | '>' | '-' | '_')
            || self.second_last == Sort::Space;
        if matches!(self.last_char, '.' | '。' | '·') && dotted
            || self.last_char == '点' && dotted && sort != Sort::Han
        {
            self.signs.bits |= Signs::DOT;
        }
        // One disguise is enough.
        if !self.signs.call_for_tight() {
            self.leet(sort, char);
            self.token(sort, at, char, odd);
        }
        if char.is_ascii_lowercase() && !is_round(char) {
            self.digits = 0;
        }
        self.advance(sort, char);
    }

    /// Does a symbol stand for a letter? One before a word is looked at with the word.
    fn leet(&mut self, sort: Sort, char: char) {
        let found = match (self.second_last, self.last) {
            // `a$$` and `a$`, but not `hi!!`.
            (Sort::Letter | Sort::Digit, Sort::Leet) => {
                sort.is_word()
                    || !matches!(self.last_char, '!' | '|')
                    || sort == Sort::Leet && char != '!'
            }
            (Sort::Leet, Sort::Leet) => sort.is_word(),
            _ => false,
        };
        self.disguised(found);
    }

    /// Goes on with a token, ends it or begins one, and looks at the gap before it.
    fn token(&mut self, sort: Sort, at: usize, char: char, odd: bool) {
        if sort.is_word() && self.last.is_word() {
            let repeated = char == self.last_char;
            self.token.odd |= odd || sort != self.last || sort == Sort::Letter && repeated;
            self.token.len += usize::from(!repeated);
            if sort == Sort::Letter && self.token.sort == Sort::Digit {
                self.token.sort = sort;
                self.disguised(self.token.apart);
            }
            return;
        }
        if self.last.is_word() {
            self.end_token(at);
            self.glued = Some((0, false));
        }
        match sort {
            Sort::Letter | Sort::Digit => {
                // `$.cum`
                self.disguised(self.glued.is_some_and(|(gap, leet)| leet && gap > 0));
                let Run { char: han, len, end } = self.han;
                if len > 0 && sort == Sort::Letter && self.is_near(end..at) {
                    self.disguised(self.suspects.pair(han, represent(table(), char)));
                }
                let letter = sort == Sort::Letter || self.token.sort == Sort::Letter;
                let near = self.token.sort.is_word() && self.gap.len <= GAP;
                // Spaces part words, or else letters that stand alone.
                let apart = near && self.gap.symbols && !self.gap.spaces;
                self.disguised(apart && letter);
                // Words of a phrase with more than a space between them.
                let wide = near && self.gap.len > 1;
                let leet = self.last == Sort::Leet;
                let start = if leet { at - self.last_char.len_utf8() } else { at };
                let odd = odd || wide || leet && sort == Sort::Letter;
                self.token = Token { sort, len: 1, start, odd, apart };
            }
            Sort::Han => {
                self.token.sort = Sort::Han;
                self.single = 0;
                self.glued = None;
            }
            _ => {
                self.glued = match self.glued {
                    _ if sort == Sort::Leet => {
                        // `scu.$`; at the end an exclamation mark or a bar is just that.
                        let gap = self.glued.map_or(0, |(gap, _)| gap);
                        let end = !matches!(char, '!' | '|');
                        self.disguised(end && gap > 0);
                        Some((gap.min(1), true))
                    }
                    _ if matches!(char, ' ' | '\'' | '\u{1}') => None,
                    Some((gap, leet)) if gap < GAP => Some((gap + 1, leet)),
                    _ => None,
                };
                self.gap.len += if sort == Sort::Stop { GAP + 1 } else { 1 };
                self.gap.symbols |= sort != Sort::Space;
                self.gap.spaces |= sort == Sort::Space;
            }
        }
    }

    /// The token has ended before `at`.
    fn end_token(&mut self, at: usize) {
        self.word_end = at;
        let Token { sort, len, start, odd, .. } = self.token;
        if len > 1 {
            self.single = 0;
        } else if sort == Sort::Letter {
            // A repeated one makes up for two digits.
            self.single += 1 + usize::from(odd);
            self.disguised(self.single >= 2);
        }
        if odd && !self.signs.call_for_tight() {
            let word = self.text.get(start..at).unwrap_or_default();
            // The symbol before a word may be of it or not.
            let bare = word.strip_prefix(|char| matches!(char, '$' | '@' | '!' | '|' | '+'));
            let found = self.suspects.word(word) || bare.is_some_and(|w| self.suspects.word(w));
            self.disguised(found);
        }
        self.gap = Gap::default();
    }
}
