//! What the TOML parser says, in the words of people who do not know TOML.

use super::diagnostic::{Place, SYNTAX, Sink};

/// What it does not say, but means.
const CURLY: &str = "curly quotes";
const HEADING: &str = "unclosed array of tables";

/// What the parser's message holds, what is said instead, and how to mend it.
const WORDS: [(&str, &str, &str); 13] = [
    (
        "string values must be quoted",
        "this text is not in quotes",
        "write it as \"…\", with a quote before and after it",
    ),
    (
        CURLY,
        "these quotes are of another kind than TOML's",
        "write the text as \"…\", with the straight quotes of a keyboard set to English",
    ),
    (
        "duplicate key",
        "this is set twice in the same table",
        "keep one of the two; a further rule or example starts with [[rule]] or [[rule.example]] again",
    ),
    (
        "unclosed table",
        "this heading is not closed",
        "end it with `]`, or with `]]` if it began with `[[`",
    ),
    (HEADING, "this heading is not closed", "end it with `]]`"),
    (
        "unclosed array",
        "this list is not closed",
        "end it with `]`, and put `,` between its values",
    ),
    (
        "unclosed inline table",
        "this table is not closed",
        "end it with `}`, and put `,` between its keys",
    ),
    (
        "invalid basic string",
        "this text has no closing quote",
        "end it with `\"`, in the same line",
    ),
    (
        "invalid literal string",
        "this text has no closing quote",
        "end it with `'`, in the same line",
    ),
    (
        "escaped value",
        "`\\` has a meaning of its own between double quotes",
        "put the text in single quotes, as in '\\d+', or write `\\\\` for each `\\`",
    ),
    ("key with no value", "this key has no value", "write it as key = value"),
    ("missing value", "this key has no value", "write it as key = value"),
    ("extra separator", "there is one `,` too many", "remove it"),
];

/// What the parser would say if it looked around.
fn meant<'m>(message: &'m str, place: &Place, raw: &str) -> &'m str {
    if message.contains("must be quoted")
        && raw.get(place.span.clone()).is_some_and(|text| text.contains(['“', '”', '‘', '’', '＂']))
    {
        return CURLY;
    }
    // `[[rule` after another line is taken for a list that goes on.
    let before = raw.get(..place.span.start).unwrap_or(raw).trim_end();
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    let heading = line.strip_prefix("[[").is_some_and(|name| {
        name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' '))
    });
    if heading && message.contains("unclosed array") { HEADING } else { message }
}

/// Reports a syntax error.
pub(crate) fn error(message: &str, place: &Place, raw: &str, sink: &mut Sink) {
    let mut place = place.clone();
    // At the end of the file there is nothing to point at; the last word is near enough.
    if place.span.start >= raw.trim_end().len() {
        let last = raw.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
        place.span = last..raw.trim_end().len();
    }
    let message = meant(message, &place, raw);
    let known = WORDS.iter().find(|(theirs, ..)| message.contains(theirs));
    let (what, help) = known.map_or_else(
        || {
            let help = "a rule file is TOML: lines of key = value under headings such as [[rule]]";
            (message.trim_end_matches('.').to_owned(), help)
        },
        |(_, ours, help)| ((*ours).to_owned(), *help),
    );
    sink.error(&place, SYNTAX, what).help(help);
}
