//! Contact numbers, however their digits are disguised.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::table::{Table, class, table};
use super::view::{SEPARATOR, View};

/// Characters of the plain view, beyond ASCII, that stand for a digit.
const DIGITS: [(u8, &str); 10] = [
    (0, "〇零洞"),
    (1, "一壹幺"),
    (2, "二贰两俩"),
    (3, "三叁仨"),
    (4, "四肆"),
    (5, "五伍"),
    (6, "六陆"),
    (7, "七柒拐"),
    (8, "八捌"),
    (9, "九玖勾"),
];

/// At most so many characters that are no letters between two digits.
const GAP: usize = 2;
/// Telephone and account numbers have so many digits; longer runs are something else.
const DIGITS_MAX: usize = 32;

/// A number this long is a contact by itself, one from [`SHORT_MIN`] on with a cue before it.
const LONG_MIN: usize = 7;
const LONG_REAL_MIN: usize = 6;
const SHORT_MIN: usize = 5;

/// What announces a number: Han and signs anywhere in the few characters before it, words right
/// before it.
const CUE_CHARS: &str = "加微薇威扣群信号电联+";
const CUE_WORDS: [&str; 17] = [
    "v", "vx", "wx", "vv", "wechat", "weixin", "q", "qq", "tel", "phone", "call", "tg", "telegram",
    "whatsapp", "line", "signal", "skype",
];
const CUE_REACH: usize = 6;

/// What makes a number an amount or a year.
const UNITS: &str = "元块万亿%年$€£";

/// Every character beyond ASCII that stands for a digit.
pub(super) fn chars() -> impl Iterator<Item = char> {
    DIGITS.iter().flat_map(|(_, chars)| chars.chars())
}

/// The stretches of a plain view that are contact numbers.
///
/// A contact number is a run of seven or more characters that read as digits, at least six of them
/// real ones and not all the same, with at most two other characters between neighbours, none of
/// them a letter; five or six are enough after a cue such as `加`, `v` or `qq`. Dates, amounts and
/// counting up are none. Worth calling only if [`super::Signs::call_for_contacts`].
pub fn contacts(plain: &View) -> Vec<Range<usize>> {
    let table = table();
    let text = plain.text();
    let mut found = Vec::new();
    let mut run = Run::default();
    let mut last = SEPARATOR;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map_or(SEPARATOR, |&(_, next)| next);
        match digit(table, char, last, next) {
            Some(digit) => run.push(at..at + char.len_utf8(), digit),
            None if run.bears(table, char) => run.gap.push(char),
            None if run.digits.is_empty() => {}
            None => run.end(text, &mut found),
        }
        last = char;
    }
    run.end(text, &mut found);
    found
}

/// What a character reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digit {
    value: u8,
    /// A digit or a numeral, and not a letter that looks like one.
    real: bool,
}

fn digit(table: &Table, char: char, last: char, next: char) -> Option<Digit> {
    if let Some(value) = numeral(table, char) {
        return Some(Digit { value, real: true });
    }
    let letter = |char| match char {
        'o' => Some(0),
        'l' | 'i' => Some(1),
        _ => None,
    };
    // An o is a zero beside a digit, or beside an o that is one.
    let beside = |char| numeral(table, char).is_some() || letter(char).is_some();
    let value = letter(char)?;
    let word = |char: char| char.is_ascii_lowercase() && letter(char).is_none();
    let real = |char| numeral(table, char).is_some();
    let reads =
        (real(last) || real(next) || beside(last) && beside(next)) && !word(last) && !word(next);
    reads.then_some(Digit { value, real: false })
}

fn numeral(table: &Table, char: char) -> Option<u8> {
    if char.is_ascii() {
        return char.to_digit(10).and_then(|value| u8::try_from(value).ok());
    }
    if !table.row(char).is(class::DIGIT) {
        return None;
    }
    DIGITS.iter().find(|(_, chars)| chars.contains(char)).map(|&(value, _)| value)
}

/// Digits that may make a number.
#[derive(Debug, Default)]
struct Run {
    digits: Vec<Digit>,
    /// Where each group of digits without a gap begins, as an index into `digits`, and the gap
    /// before it.
    groups: Vec<(usize, String)>,
    /// Where the digits stand.
    places: Vec<Range<usize>>,
    /// The gap since the last digit.
    gap: String,
}

impl Run {
    fn push(&mut self, place: Range<usize>, digit: Digit) {
        if self.digits.is_empty() || !self.gap.is_empty() {
            self.groups.push((self.digits.len(), std::mem::take(&mut self.gap)));
        }
        self.digits.push(digit);
        self.places.push(place);
    }

    /// Can the run go on after this character?
    fn bears(&self, table: &Table, char: char) -> bool {
        !self.digits.is_empty()
            && self.gap.chars().count() < GAP
            && !table.row(char).is(class::WORD | class::HAN)
            && !matches!(char, SEPARATOR | ',' | ':' | '/' | ';' | '。')
    }

    /// The run is over: what contacts it holds, and room for the next.
    fn end(&mut self, text: &str, found: &mut Vec<Range<usize>>) {
        if self.digits.len() >= SHORT_MIN {
            self.contacts(text, found);
        }
        self.digits.clear();
        self.groups.clear();
        self.places.clear();
        self.gap.clear();
    }

    /// The contacts before, between and after dates.
    fn contacts(&self, text: &str, found: &mut Vec<Range<usize>>) {
        let starts: Vec<usize> = self.groups.iter().map(|&(start, _)| start).collect();
        let start = |group: usize| starts.get(group).copied().unwrap_or(self.digits.len());
        let mut first = 0;
        let mut group = 0;
        while group < starts.len() {
            if self.is_date(group) {
                found.extend(self.contact(text, first..start(group)));
                first = start(group + 3);
                group += 3;
            } else {
                group += 1;
            }
        }
        found.extend(self.contact(text, first..self.digits.len()));
    }

    /// Where these digits stand, if they are a contact.
    fn contact(&self, text: &str, part: Range<usize>) -> Option<Range<usize>> {
        let gaps = self.groups.iter().filter(|(start, _)| part.start < *start && *start < part.end);
        let decimal = gaps.map(|(_, gap)| gap.as_str()).eq(["."]);
        let ranged = self.is_range(&part);
        let digits = self.digits.get(part.clone())?;
        let places = self.places.get(part)?;
        let range = places.first()?.start..places.last()?.end;
        let values: Vec<u8> = digits.iter().map(|digit| digit.value).collect();
        let real = digits.iter().filter(|digit| digit.real).count();
        let same = values.iter().all(|value| values.first() == Some(value));
        let counting = values.windows(2).all(|two| matches!(two, &[a, b] if (a + 1) % 10 == b));
        let (before, after) = (text.get(..range.start)?, text.get(range.end..)?);
        let unit = after.trim_start().chars().next();
        let amount = unit.is_some_and(|unit| UNITS.contains(unit));
        let round = values.iter().skip(2).all(|&value| value == 0);
        if same || counting || decimal || amount || round || ranged {
            return None;
        }
        if digits.len() > DIGITS_MAX {
            return None;
        }
        let announced = is_announced(before);
        // Digits inside a word are part of some identifier.
        let is_letter = |char: Option<char>| char.is_some_and(|char| char.is_ascii_lowercase());
        let inside = is_letter(before.chars().next_back()) || is_letter(after.chars().next());
        let long = digits.len() >= LONG_MIN && real >= LONG_REAL_MIN && !inside;
        let short = digits.len() >= SHORT_MIN && real >= SHORT_MIN && announced;
        (long || short).then_some(range)
    }

    /// Is it two amounts or years, from one to the other: `1100-1500`, `2019~2026`?
    fn is_range(&self, part: &Range<usize>) -> bool {
        let inside = |start: usize| part.start < start && start < part.end;
        let mut gaps = self.groups.iter().filter(|(start, _)| inside(*start));
        let (Some((middle, gap)), None) = (gaps.next(), gaps.next()) else { return false };
        let number = |range: Range<usize>| {
            let digits = self.digits.get(range).unwrap_or_default();
            (digits.len() == 4)
                .then(|| digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit.value)))
        };
        let (Some(from), Some(to)) = (number(part.start..*middle), number(*middle..part.end))
        else {
            return false;
        };
        let amounts = from.is_multiple_of(50) && to.is_multiple_of(50);
        let years = [from, to].iter().all(|year| (1900..2100).contains(year));
        matches!(gap.as_str(), "-" | "~" | "–" | "—") && from < to && (amounts || years)
    }

    /// Does a date such as `2026-11-23` begin at this group?
    fn is_date(&self, group: usize) -> bool {
        let start = |group: usize| self.groups.get(group).map(|&(start, _)| start);
        let end = |group: usize| start(group + 1).unwrap_or(self.digits.len());
        let len = |group: usize| start(group).map_or(0, |start| end(group) - start);
        let gap = |group: usize| self.groups.get(group).map(|(_, gap)| gap.as_str());
        let century = self.digits.iter().skip(start(group).unwrap_or(0)).take(2).map(|d| d.value);
        len(group) == 4
            && (1..=2).contains(&len(group + 1))
            && (1..=2).contains(&len(group + 2))
            && (century.clone().eq([1, 9]) || century.eq([2, 0]))
            && gap(group + 1) == gap(group + 2)
            && matches!(gap(group + 1), Some("-" | "."))
    }
}

/// Is there a cue before the number?
fn is_announced(before: &str) -> bool {
    let near = before.char_indices().rev().take(CUE_REACH).take_while(|&(_, c)| c != SEPARATOR);
    if near.clone().any(|(_, char)| CUE_CHARS.contains(char)) {
        return true;
    }
    let word = before.trim_end_matches(|char: char| !char.is_alphanumeric());
    let gap = before.len() - word.len();
    let start = word.trim_end_matches(|char: char| char.is_ascii_lowercase()).len();
    gap <= 3 && word.get(start..).is_some_and(|word| CUE_WORDS.contains(&word))
}
