//! From bytes to lines of text, whatever encoding, or mix of them, a file is in.

use std::borrow::Cow;

use encoding_rs::{Encoding, GB18030, UTF_16BE, UTF_16LE};

use crate::text;

/// A file as text.
#[derive(Debug)]
pub(super) struct Decoded<'b> {
    pub(super) text: Cow<'b, str>,
    /// What it was read as; `None` for UTF-8.
    pub(super) encoding: Option<&'static str>,
}

/// Decodes a whole file. What cannot be decoded becomes U+FFFD, which no clean entry holds.
pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    if let Some(encoding) = utf_16(bytes) {
        let (text, _) = encoding.decode_with_bom_removal(bytes);
        return Decoded { text, encoding: Some(encoding.name()) };
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Decoded { text: text.into(), encoding: None };
    }
    // Lists are glued together from files of several encodings. No character of GB18030 holds the
    // byte of a line end, so each line can be read on its own.
    let lines = || bytes.split_inclusive(|byte| *byte == b'\n');
    let (mut foreign, mut own) = (0_usize, 0_usize);
    for line in lines().filter(|line| !line.is_ascii()) {
        if simdutf8::basic::from_utf8(line).is_ok() { own += 1 } else { foreign += 1 }
    }
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    for line in lines() {
        match simdutf8::basic::from_utf8(line) {
            // Two characters of GB18030 may read as UTF-8 by accident, but hardly as Han.
            Ok(line) if line.is_ascii() || own >= foreign || line.contains(text::is_han) => {
                text.push_str(line);
            }
            _ => text.push_str(&GB18030.decode_without_bom_handling(line).0),
        }
    }
    let encoding = if own == 0 { "GB18030" } else { "UTF-8 and GB18030" };
    Decoded { text: text.into(), encoding: Some(encoding) }
}

/// UTF-16, by its mark or by the zeros in its line ends and ASCII.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xFF, 0xFE, ..] => return Some(UTF_16LE),
        [0xFE, 0xFF, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let sample = bytes.get(..bytes.len().min(1 << 16))?;
    let (mut little, mut big) = (0, 0);
    for pair in sample.chunks_exact(2) {
        match pair {
            [1..=0x7F, 0] => little += 1,
            [0, 1..=0x7F] => big += 1,
            _ => {}
        }
    }
    // One character in twenty is enough: a line end for each entry.
    let enough = sample.len() / 2 / 20;
    match (little, big) {
        (0, 0) => None,
        _ if little > enough && little > big => Some(UTF_16LE),
        _ if big > enough => Some(UTF_16BE),
        _ => None,
    }
}
