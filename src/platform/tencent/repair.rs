//! Turns any bytes into a JSON object the parser accepts, keeping every string's text.
//!
//! For bodies the parser refuses: a message must not escape judgement by being odd. Bytes that
//! are not UTF-8 and lone surrogates become U+FFFD, raw control characters are escaped, numbers
//! out of range become 0, words that are no JSON become strings, what is missing (commas, colons,
//! values, quotes, brackets) is put in, and what lies deeper than [`DEPTH_MAX`] is laid out flat.
//! A body that was JSON within these limits keeps its meaning.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::query::hex;

/// So many arrays and objects may lie within one another; the strings of what lies deeper become
/// items of the deepest array kept.
const DEPTH_MAX: usize = 64;

/// A body made into JSON.
#[derive(Debug)]
pub(super) struct Repaired {
    /// One JSON object.
    pub(super) text: String,
    /// Where one value ends and the next begins was guessed: what stands for text may have become
    /// a key, or lie where no text is looked for.
    pub(super) guessed: bool,
}

/// Rewrites `body` as one JSON object. Takes time and memory proportional to its length.
pub(super) fn repair(body: &[u8]) -> Repaired {
    let text = String::from_utf8_lossy(body);
    let mut writer = Writer {
        out: String::with_capacity(text.len() + text.len() / 8 + 16),
        open: Vec::new(),
        beyond: 0,
        place: Place::Key,
        first: true,
        ended: false,
        guessed: false,
    };
    writer.push(Container::Object);
    let mut scanner = Scanner { text: &text, at: 0 };
    scanner.skip_space();
    // The first brace is the object's own.
    if scanner.rest().starts_with('{') {
        scanner.at += 1;
    }
    while let Some(token) = scanner.next() {
        writer.take(token, scanner.at_colon());
    }
    writer.end()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

/// What the innermost container expects next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An object: a key.
    Key,
    /// An object: the value of a key already written.
    Value,
    /// An array: an item.
    Item,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open(Container),
    Close(Container),
    Comma,
    /// What stands between quotes, escapes and all.
    String(&'t str),
    /// Anything else.
    Word(&'t str),
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', ':']).len();
    }

    /// Is what was read last the key of what follows?
    fn at_colon(&self) -> bool {
        self.rest().trim_start_matches([' ', '\t', '\n', '\r']).starts_with(':')
    }

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip_space();
        let rest = self.rest();
        let token = match rest.bytes().next()? {
            b'{' => Token::Open(Container::Object),
            b'[' => Token::Open(Container::Array),
            b'}' => Token::Close(Container::Object),
            b']' => Token::Close(Container::Array),
            b',' => Token::Comma,
            b'"' => return Some(self.string()),
            _ => {
                let word = rest.find(is_delimiter).map_or(rest, |end| rest.split_at(end).0);
                self.at += word.len();
                return Some(Token::Word(word));
            }
        };
        self.at += 1;
        Some(token)
    }

    /// Reads a string from its opening quote; one that does not end, ends with the text.
    fn string(&mut self) -> Token<'t> {
        let inside = self.rest().get(1..).unwrap_or_default();
        let mut escaped = false;
        let end = inside.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        if let Some(end) = end {
            self.at += end + 2;
            Token::String(inside.get(..end).unwrap_or_default())
        } else {
            self.at = self.text.len();
            Token::String(inside)
        }
    }
}

fn is_delimiter(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | ':' | ',' | '{' | '}' | '[' | ']' | '"')
}

/// An open array or object.
struct Frame {
    /// What the body opened.
    read: Container,
    /// What was written for it.
    written: Container,
}

struct Writer {
    out: String,
    open: Vec<Frame>,
    /// How many arrays and objects are open beyond the deepest kept.
    beyond: usize,
    place: Place,
    /// Is the innermost array or object still empty?
    first: bool,
    /// Has the body's own object been closed?
    ended: bool,
    guessed: bool,
}

impl Writer {
    fn take(&mut self, token: Token<'_>, named: bool) {
        self.guessed |= self.ended;
        match token {
            Token::Open(container) => self.begin(container),
            Token::Close(container) => self.close(container),
            Token::Comma => self.finish_value(),
            Token::String(inside) => {
                self.before_value(named);
                write_string(&mut self.out, inside);
                self.after_scalar();
            }
            Token::Word(word) => {
                self.before_value(named);
                let is_key = self.place == Place::Key;
                if !is_key && is_literal(word) {
                    self.out.push_str(word);
                } else if !is_key && is_out_of_range(word) {
                    self.out.push('0');
                } else {
                    write_word(&mut self.out, word);
                    self.guessed = true;
                }
                self.after_scalar();
            }
        }
    }

    /// Writes what must stand before a value: a comma, and a key where one is missing. `named`
    /// says that the value is a key itself.
    fn before_value(&mut self, named: bool) {
        if self.place == Place::Value {
            return;
        }
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        if self.place == Place::Key && !named {
            self.out.push_str("\"\":");
            self.place = Place::Value;
            self.guessed = true;
        }
    }

    fn after_scalar(&mut self) {
        match self.place {
            Place::Key => {
                self.out.push(':');
                self.place = Place::Value;
            }
            Place::Value => self.place = Place::Key,
            Place::Item => {}
        }
    }

    /// Gives a key that has no value one.
    fn finish_value(&mut self) {
        if self.place == Place::Value {
            self.out.push_str("null");
            self.place = Place::Key;
            self.guessed = true;
        }
    }

    fn begin(&mut self, read: Container) {
        if self.open.len() >= DEPTH_MAX {
            self.beyond += 1;
            return;
        }
        // A second object after the body's own goes on with it.
        if self.open.len() == 1 && read == Container::Object && self.place == Place::Key {
            self.guessed = true;
            return;
        }
        self.before_value(false);
        self.push(read);
    }

    fn push(&mut self, read: Container) {
        let deepest = self.open.len() + 1 >= DEPTH_MAX;
        let written = if deepest { Container::Array } else { read };
        self.open.push(Frame { read, written });
        self.first = true;
        match written {
            Container::Object => {
                self.out.push('{');
                self.place = Place::Key;
            }
            Container::Array => {
                self.out.push('[');
                self.place = Place::Item;
            }
        }
    }

    fn close(&mut self, read: Container) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        // The innermost one of its kind closes, and all inside it; the body's own not before the
        // end, since more may follow.
        let at = self.open.iter().rposition(|frame| frame.read == read);
        self.guessed |= at.is_none_or(|at| at + 1 != self.open.len());
        let Some(at) = at else { return };
        while self.open.len() > at.max(1) {
            self.pop();
        }
        if at == 0 {
            self.finish_value();
            self.ended = true;
        }
    }

    fn pop(&mut self) {
        self.finish_value();
        let closed = self.open.pop().map(|frame| frame.written);
        self.out.push(if closed == Some(Container::Array) { ']' } else { '}' });
        self.first = false;
        let outer = self.open.last().map(|frame| frame.written);
        self.place = if outer == Some(Container::Array) { Place::Item } else { Place::Key };
    }

    fn end(mut self) -> Repaired {
        while !self.open.is_empty() {
            self.pop();
        }
        Repaired { text: self.out, guessed: self.guessed || !self.ended }
    }
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
        || serde_json::from_str::<serde_json::Number>(word).is_ok()
}

fn is_out_of_range(word: &str) -> bool {
    word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
        && word.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Writes what stood between quotes, with every escape put right.
fn write_string(out: &mut String, inside: &str) {
    out.push('"');
    let mut rest = inside;
    while let Some(at) = rest.find(|c: char| c == '\\' || c < ' ') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('\\') => rest = write_escape(out, chars.as_str()),
            Some(control) => {
                write_char(out, control);
                rest = chars.as_str();
            }
            None => break,
        }
    }
    out.push_str(rest);
    out.push('"');
}

/// Writes the escape whose text after the backslash begins `rest`; gives what follows it.
fn write_escape<'t>(out: &mut String, rest: &'t str) -> &'t str {
    let mut chars = rest.chars();
    match chars.next() {
        Some(c @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
            out.push('\\');
            out.push(c);
            chars.as_str()
        }
        Some('u') => write_unicode_escape(out, chars.as_str()),
        // No escape at all: the backslash stands for itself.
        _ => {
            out.push_str("\\\\");
            rest
        }
    }
}

fn write_unicode_escape<'t>(out: &mut String, rest: &'t str) -> &'t str {
    let Some((unit, after)) = code_unit(rest) else {
        out.push_str("\\\\u");
        return rest;
    };
    if let Some(c) = char::from_u32(unit) {
        write_char(out, c);
        return after;
    }
    let low = after.strip_prefix("\\u").and_then(code_unit);
    match low {
        Some((low @ 0xDC00..=0xDFFF, after)) if unit < 0xDC00 => {
            let c = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            out.push(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
            after
        }
        _ => {
            out.push(char::REPLACEMENT_CHARACTER);
            after
        }
    }
}

/// Four hexadecimal digits at the beginning, and what follows them.
fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    let unit =
        digits.bytes().try_fold(0, |unit, digit| Some(unit << 4 | u32::from(hex(digit)?)))?;
    Some((unit, after))
}

fn write_word(out: &mut String, word: &str) {
    out.push('"');
    word.chars().for_each(|c| write_char(out, c));
    out.push('"');
}

fn write_char(out: &mut String, c: char) {
    match c {
        '"' | '\\' => {
            out.push('\\');
            out.push(c);
        }
        c if c < ' ' => {
            // Writing to a string cannot fail.
            write!(out, "\\u{:04x}", u32::from(c)).unwrap_or(());
        }
        c => out.push(c),
    }
}
