//! Regular expressions of rules, and the literals that must be there before one is tried.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};

use super::diagnostic::Sink;
use super::table::At;
use crate::text;

/// A compiled pattern may take at most so many bytes.
pub const REGEX_BYTES_MAX: usize = 1 << 20;
/// At most so many literals guard one pattern.
const GATES_MAX: usize = 64;
/// A shorter literal, in bytes, would open its gate on every other message.
const GATE_BYTES_MIN: usize = 2;
/// At most so many matches of one pattern in one stretch of text are reported.
pub(crate) const MATCHES_MAX: usize = 64;

/// A pattern of a rule.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// As written.
    pub(crate) source: Arc<str>,
    pub(crate) regex: Regex,
    /// Folded literals of which one is in every text it can match; `None` if there is no such set.
    pub(crate) gates: Option<Vec<String>>,
}

/// Compiles a pattern. `raw` is the file's text, to point into the pattern.
pub(crate) fn compile(at: &At<String>, raw: &str, sink: &mut Sink) -> Option<Pattern> {
    let hir = match regex_syntax::parse(&at.value) {
        Ok(hir) => hir,
        Err(error) => {
            syntax_error(at, raw, &error, sink);
            return None;
        }
    };
    if hir.properties().minimum_len() == Some(0) {
        sink.error(&at.place, "matches-nothing", "this pattern matches the empty text".to_owned())
            .label("would fire on every message")
            .help("make a part of it required, such as `+` in place of `*`");
        return None;
    }
    match RegexBuilder::new(&at.value).size_limit(REGEX_BYTES_MAX).build() {
        Ok(regex) => {
            Some(Pattern { source: Arc::from(at.value.as_str()), regex, gates: gates(&hir) })
        }
        Err(_) => {
            sink.error(&at.place, "too-large", "this pattern compiles to over 1 MiB".to_owned())
                .help("use smaller counts in `{…}`, or a list in place of a long alternation");
            None
        }
    }
}

fn syntax_error(at: &At<String>, raw: &str, error: &regex_syntax::Error, sink: &mut Sink) {
    let (what, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span()),
        _ => (
            error.to_string(),
            &regex_syntax::ast::Span::splat(regex_syntax::ast::Position::new(0, 1, 1)),
        ),
    };
    let mut place = at.place.clone();
    // In a literal string ('…') the pattern stands in the file as it is, so its offsets hold.
    let quotes =
        if raw.get(place.span.start..).is_some_and(|s| s.starts_with("'''")) { 3 } else { 1 };
    let start = place.span.start + quotes;
    if raw.get(start..start + at.value.len()) == Some(at.value.as_str()) {
        place.span = start + span.start.offset..start + span.end.offset.max(span.start.offset + 1);
    }
    let advice = if what.contains("look-around") {
        "look-around is not supported, it can make a pattern slow; use `unless` for what must not be there"
    } else if what.contains("backreference") {
        "backreferences are not supported, they can make a pattern slow; a script can compare parts"
    } else {
        "patterns use Rust's regex syntax; write them in single quotes, so that \\ needs no doubling"
    };
    sink.error(&place, "regex-syntax", format!("bad pattern: {}", what.trim_end_matches('.')))
        .help(advice);
}

/// The literals that open the gate to a pattern.
fn gates(hir: &regex_syntax::hir::Hir) -> Option<Vec<String>> {
    [ExtractKind::Prefix, ExtractKind::Suffix].into_iter().find_map(|kind| {
        let seq = Extractor::new().kind(kind).limit_total(GATES_MAX).extract(hir);
        let mut gates = Vec::new();
        for literal in seq.literals()? {
            let literal = std::str::from_utf8(literal.as_bytes()).ok()?;
            // Folding must not depend on neighbours, or the literal may be there and its folded
            // form not: kana and jamo compose, marks vanish.
            if !literal.chars().all(folds_alone) {
                return None;
            }
            let folded = text::fold(literal);
            if folded.trim().len() < GATE_BYTES_MIN {
                return None;
            }
            gates.push(folded);
        }
        gates.sort_unstable();
        gates.dedup();
        (!gates.is_empty()).then_some(gates)
    })
}

/// Does the character fold to the same whatever stands beside it?
fn folds_alone(c: char) -> bool {
    c.is_ascii() || text::is_han(c) || {
        let folded = text::fold(c.encode_utf8(&mut [0; 4]));
        // `(?i)k` also means the Kelvin sign.
        folded.len() == 1
    }
}
