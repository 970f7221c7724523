//! Signs that somebody is evading, so that the costlier views are built only then.

#[cfg(test)]
mod tests;

use super::links;
use super::table::{Row, class, table};

/// What a plain view shows of the ways to evade it. Cheap to find, and only a hint: most of what
/// it points at is ordinary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signs {
    bits: u8,
    digits: usize,
}

impl Signs {
    const LOOK: u8 = 1;
    const DROPPED: u8 = 2;
    const LEET: u8 = 4;
    const SEPARATED: u8 = 8;
    const REPEATED: u8 = 16;
    const DOT: u8 = 32;

    /// Is the tight view worth building? True for look-alike letters, leet, characters set apart
    /// and characters repeated. One doubled character, and one space between two Han that belong
    /// to longer runs, are too ordinary to be a sign: a list that wants those asks for the view
    /// always.
    pub fn call_for_tight(self) -> bool {
        self.bits & (Self::LOOK | Self::LEET | Self::SEPARATED | Self::REPEATED) != 0
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
    /// Does a token of this sort go on with one of that sort?
    fn continues(self, next: Self) -> bool {
        match self {
            Self::Letter | Self::Digit => matches!(next, Self::Letter | Self::Digit),
            Self::Han => next == Self::Han,
            _ => false,
        }
    }
}

/// A run of letters and digits, or of Han.
#[derive(Debug, Clone, Copy)]
struct Token {
    sort: Sort,
    len: usize,
}

/// One scan, with what it remembers of the characters before.
#[derive(Debug)]
struct Scan {
    signs: Signs,
    second_last: Sort,
    last: Sort,
    last_char: char,
    /// How often the last character stands in a row.
    run: usize,
    token: Token,
    /// The token before the current one.
    previous: Token,
    /// The gap since the current token: its length, and whether it holds more than spaces.
    gap: usize,
    symbols: bool,
    /// Tokens of one letter in a row.
    single: usize,
    /// Digits since the last letter that is none.
    digits: usize,
    /// There is an `ot`, perhaps of a `dot`.
    spelled: bool,
    /// There is a dot with a space after it.
    stopped: bool,
}

/// The signs of a folded text, of which `dropped` characters were dropped, and which perhaps had
/// capitals that pose as other letters.
pub(super) fn scan(text: &str, dropped: usize, odd_capitals: bool) -> Signs {
    let mut scan = Scan::new();
    let table = table();
    for char in text.chars() {
        // Most of a text is words with a space between them, and says nothing.
        match (scan.last, char) {
            (Sort::Letter, 'a'..='z') if char != scan.last_char => {
                scan.spelled |= char == 't' && scan.last_char == 'o';
                if !is_round(char) {
                    scan.digits = 0;
                }
                scan.go_on(Sort::Letter, char);
                continue;
            }
            (Sort::Letter, ' ') if scan.token.len > 1 => {
                (scan.single, scan.gap, scan.symbols) = (0, 1, false);
                scan.advance(Sort::Space, ' ');
                continue;
            }
            (Sort::Space, 'a'..='z') if scan.second_last == Sort::Letter => {
                scan.previous = scan.token;
                scan.token = Token { sort: Sort::Letter, len: 1 };
                if !is_round(char) {
                    scan.digits = 0;
                }
                scan.advance(Sort::Letter, char);
                continue;
            }
            _ => {}
        }
        let sort = match char {
            'a'..='z' => Sort::Letter,
            '0'..='9' => Sort::Digit,
            ' ' => Sort::Space,
            '$' | '@' | '!' | '|' | '+' => Sort::Leet,
            '\u{1}' | ',' | ';' | ':' | '?' | '"' | '\'' | '(' | ')' => Sort::Stop,
            '，' | '。' | '、' | '；' | '“' | '”' | '‘' | '’' | '…' | '—' | '《' | '》' => {
                Sort::Stop
            }
            '\0'..='\x7f' => Sort::Symbol,
            _ => scan.beyond_ascii(table.row(char)),
        };
        if sort == Sort::Han && scan.last == Sort::Han && char != scan.last_char {
            scan.go_on(Sort::Han, char);
        } else {
            scan.step(sort, char);
        }
    }
    scan.step(Sort::Stop, ' ');
    if dropped > 0 {
        scan.signs.bits |= Signs::DROPPED;
    }
    if odd_capitals {
        scan.signs.bits |= Signs::LOOK;
    }
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

impl Scan {
    fn new() -> Self {
        let nothing = Token { sort: Sort::Stop, len: 0 };
        Self {
            signs: Signs::default(),
            second_last: Sort::Stop,
            last: Sort::Stop,
            last_char: ' ',
            run: 0,
            token: nothing,
            previous: nothing,
            gap: 0,
            symbols: false,
            single: 0,
            digits: 0,
            spelled: false,
            stopped: false,
        }
    }

    fn beyond_ascii(&mut self, row: Row) -> Sort {
        if row.is(class::LOOK) {
            self.signs.bits |= Signs::LOOK;
        }
        let sort = if row.is(class::HAN) {
            Sort::Han
        } else if row.is(class::WORD) {
            Sort::Letter
        } else {
            Sort::Symbol
        };
        if row.is(class::DIGIT) {
            self.digit();
        } else if sort != Sort::Symbol {
            self.digits = 0;
        }
        sort
    }

    fn digit(&mut self) {
        self.digits += 1;
        self.signs.digits = self.signs.digits.max(self.digits);
    }

    /// One more character of a token, and not the same as the last.
    fn go_on(&mut self, sort: Sort, char: char) {
        self.token.len += 1;
        self.advance(sort, char);
    }

    fn advance(&mut self, sort: Sort, char: char) {
        self.run = 1;
        (self.second_last, self.last, self.last_char) = (self.last, sort, char);
    }

    fn step(&mut self, sort: Sort, char: char) {
        self.stopped |= char == ' ' && matches!(self.last_char, '.' | '。');
        self.run = if char == self.last_char { self.run + 1 } else { 1 };
        if self.run == 3 && matches!(sort, Sort::Letter | Sort::Han) {
            self.signs.bits |= Signs::REPEATED;
        }
        if sort == Sort::Digit {
            self.digit();
        }
        self.leet(sort, char);
        if char.is_ascii_lowercase() && !is_round(char) {
            self.digits = 0;
        }
        let dotted = matches!(sort, Sort::Letter | Sort::Digit)
            || matches!(char, ')' | ']' | '}' | '>' | '-' | '_')
            || self.second_last == Sort::Space;
        if matches!(self.last_char, '.' | '。' | '·') && dotted
            || self.last_char == '点' && dotted && sort != Sort::Han
        {
            self.signs.bits |= Signs::DOT;
        }
        self.token(sort, char);
        (self.second_last, self.last, self.last_char) = (self.last, sort, char);
    }

    fn leet(&mut self, sort: Sort, char: char) {
        let leet = match (self.last, sort) {
            (Sort::Letter, Sort::Digit) | (Sort::Digit, Sort::Letter) => {
                // An o or l beside a digit is perhaps another.
                let letter = if sort == Sort::Letter { char } else { self.last_char };
                if is_round(letter) {
                    self.digit();
                }
                true
            }
            (Sort::Leet, Sort::Letter) => true,
            // `a$$`, but not `hi!!`.
            (Sort::Leet, Sort::Leet) => self.second_last == Sort::Letter && char != '!',
            _ => false,
        };
        if leet {
            self.signs.bits |= Signs::LEET;
        }
    }

    /// Are there tokens that a gap should not part?
    fn token(&mut self, sort: Sort, char: char) {
        if self.last.continues(sort) {
            self.token.len += 1;
            return;
        }
        if matches!(self.last, Sort::Letter | Sort::Digit | Sort::Han) {
            // A token has just ended.
            self.single = if self.token.len == 1 { self.single + 1 } else { 0 };
            (self.gap, self.symbols) = (0, false);
        }
        if matches!(sort, Sort::Letter | Sort::Digit | Sort::Han) {
            let next = Token { sort, len: 1 };
            if self.is_set_apart(next) {
                self.signs.bits |= Signs::SEPARATED;
            }
            (self.previous, self.token) = (self.token, next);
        } else {
            // An exclamation mark ends a sentence of Han, and poses as a letter among Latin ones.
            let stop = sort == Sort::Stop || char == '!' && self.token.sort == Sort::Han;
            self.gap += if stop { 4 } else { 1 };
            self.symbols |= sort != Sort::Space;
        }
        if self.single >= 2 {
            self.signs.bits |= Signs::SEPARATED;
        }
    }

    fn is_set_apart(&self, next: Token) -> bool {
        if self.gap == 0 {
            // 加v信: one letter between Han.
            return next.sort == Sort::Han
                && self.token.len == 1
                && self.previous.sort == Sort::Han;
        }
        self.gap <= 3
            && self.token.sort.continues(next.sort)
            && (self.symbols || next.sort == Sort::Han && self.token.len == 1)
    }
}
