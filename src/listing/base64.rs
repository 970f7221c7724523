//! Entries that somebody hid from view as base64.

/// Shorter ones are words.
const CHARS_MIN: usize = 8;

/// The readable text that `term` is the base64 of, if it is.
pub(super) fn readable(term: &str) -> Option<String> {
    let digits = term.trim_end_matches('=');
    let padding = term.len() - digits.len();
    let complete = term.len().is_multiple_of(4) && padding <= 2;
    if term.len() < CHARS_MIN || !complete || !term.is_ascii() {
        return None;
    }
    // A word in one case is a word: chance makes text of some, but not of names of hosts and files.
    let mixed = term.bytes().any(|byte| byte.is_ascii_uppercase())
        && term.bytes().any(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !mixed && padding == 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(term.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for digit in digits.bytes() {
        bits = (bits << 6 | value(digit)?) & 0xFF_FFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).unwrap_or(0));
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let (mut all, mut letters) = (0_usize, 0_usize);
    for char in text.chars() {
        all += 1;
        letters += usize::from(char.is_alphanumeric() || char == ' ');
    }
    (letters * 5 >= all * 4 && all > 0).then_some(text)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
