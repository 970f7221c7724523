//! Quotes in `.csv` lists that are not closed where a cell ends.
//!
//! What reads CSV takes them without a word, and every line after them for one cell.

const QUOTE: u8 = b'"';

/// Where a quoted cell begins that was not meant to be one: it is open to the end of the text, or
/// its quote closes lines later in the middle of another cell.
pub(crate) fn stray(text: &str, delimiter: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends_cell = |byte: u8| byte == delimiter || matches!(byte, b'\n' | b'\r');
    let mut starts = true;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !starts || *byte != QUOTE {
            starts = ends_cell(*byte);
            at += 1;
            continue;
        }
        let Some(close) = closing(bytes, at + 1) else { return Some(at) };
        let several_lines = bytes.get(at..close).is_some_and(|cell| cell.contains(&b'\n'));
        let mut after = bytes.iter().skip(close + 1).copied();
        if several_lines && !after.find(|byte| *byte != b' ').is_none_or(ends_cell) {
            return Some(at);
        }
        starts = false;
        at = close + 1;
    }
    None
}

/// The next quote from there on that is not written twice, to stand for one in the text.
fn closing(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == QUOTE)?;
        if bytes.get(at + 1) != Some(&QUOTE) {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::stray;

    #[test]
    fn where_a_quote_opens_that_was_not_meant_to() {
        for (text, expected) in [
            ("term,note\nfoo,\"bar\n", Some("\"bar\n")),
            ("\"foo\nbar\n", Some("\"foo\nbar\n")),
            ("foo,\"bar\nbaz\n\"qux\",\"\"\n", Some("\"bar\nbaz\n\"qux\",\"\"\n")),
            ("\"a\"\"\nb\"\"\n", Some("\"a\"\"\nb\"\"\n")),
            ("\"a, b\",\"c\nd\"\r\n\"e\" ,f", None),
            ("\"say \"\"hi\"\"\"\n\"\"\n", None),
            ("5\" nail, \"x\n", None),
            ("\"one\" line\n", None),
            ("", None),
        ] {
            assert_eq!(stray(text, b',').and_then(|at| text.get(at..)), expected, "{text:?}");
        }
        assert_eq!(stray("a\t\"b\n", b'\t'), Some(2));
    }
}
