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
    if let Ok(regex) = RegexBuilder::new(&at.value).size_limit(REGEX_BYTES_MAX).build() {
        Some(Pattern { source: Arc::from(at.value.as_str()), regex, gates: gates(&hir) })
    } else {
        sink.error(&at.place, "too-large", "this pattern compiles to over 1 MiB".to_owned())
            .help("use smaller counts in `{…}`, or a list in place of a long alternation");
        None
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
    let what = what.trim_end_matches('.');
    let end = span.end.offset.max(span.start.offset + 1);
    let place = at.place.part(raw, &at.value, span.start.offset..end);
    let known = MENDS.iter().find(|(theirs, _)| what.contains(theirs));
    let help = known.map_or(
        "patterns use Rust's regex syntax; write them in single quotes, so that \\ needs no doubling",
        |(_, mend)| mend,
    );
    sink.error(&place, "regex-syntax", format!("bad pattern: {what}")).help(help);
}

/// What the parser's message holds, and how to mend it.
const MENDS: [(&str, &str); 12] = [
    ("look-around", "it can make a pattern slow; use `unless` for what must not be there"),
    ("backreferences", "they can make a pattern slow; a script can compare parts of a text"),
    ("unclosed group", "close this `(` with `)`, or write `\\(` for the character itself"),
    ("unopened group", "remove this `)`, or write `\\)` for the character itself"),
    (
        "unclosed character class",
        "close this `[` with `]`, or write `\\[` for the character itself",
    ),
    ("invalid repetition count range", "the smaller number comes first, as in {1,3}"),
    (
        "repetition operator missing",
        "`*`, `+`, `?` and `{…}` repeat what stands before them; write `\\*` for the character itself",
    ),
    ("invalid character class range", "the one that comes first goes first, as in [a-z]"),
    ("property not found", "use the name of a writing system, such as \\p{Han} or \\p{Cyrillic}"),
    (
        "unrecognized escape",
        "write the character without `\\`; `\\w`, `\\d`, `\\s` and `\\b` are known",
    ),
    ("incomplete escape", "write `\\\\` for the character `\\` itself"),
    ("repetition quantifier", "write it as {1,3}, or `\\{` for the character itself"),
];

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
