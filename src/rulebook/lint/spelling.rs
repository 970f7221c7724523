//! Characters of list entries that are not what they look like.

use crate::rulebook::diagnostic::{Place, Sink};
use crate::text;

/// Zero-width and direction characters that have no place in an entry.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Warns about a term with an invisible character, with a word of letters of two alphabets, or with
/// a `*` where it is no wildcard.
pub(crate) fn lint(term: &str, place: &dyn Fn() -> Place, sink: &mut Sink) {
    for operator in ["&", "~"] {
        let dangles = |rest: Option<&str>, spaced: fn(&str) -> bool| rest.is_some_and(spaced);
        if dangles(term.strip_suffix(operator), |rest| rest.ends_with(' '))
            || dangles(term.strip_prefix(operator), |rest| rest.starts_with(' '))
        {
            let what = format!("`{operator}` has a term on one side only");
            sink.error(&place(), "empty-entry", what).help(
                "it stands between two terms, as in `loan & no check ~ student`; complete or remove it",
            );
        }
    }
    if has_inner_star(term) {
        let parts = term.split('*').filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let what = format!("the `*` inside `{term}` stands for itself only");
        sink.warn(&place(), "inner-star", what).help(format!(
            "it stands for any letters at either end of a term; if all parts must be in the \
             message, write `{}`",
            parts.join(" & ")
        ));
    }
    if term.is_ascii() && !term.bytes().any(|byte| byte.is_ascii_control()) {
        return;
    }
    if let Some(odd) = term.chars().find(|c| c.is_control() || is_invisible(*c)) {
        let what = format!("this entry holds the invisible character {}", odd.escape_unicode());
        sink.warn(&place(), "invisible-character", what)
            .help("it is ignored when matching; retype the entry without it");
    }
    let words = term.split(|c: char| !c.is_alphabetic() || text::is_han(c));
    for word in words.filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic())) {
        if let Some(odd) = word.chars().find(|c| is_alien(*c)) {
            let what = format!(
                "`{word}` mixes Latin letters with the {} letter `{odd}` ({})",
                alphabet(odd),
                odd.escape_unicode()
            );
            sink.warn(&place(), "mixed-alphabets", what)
                .help("it looks like one word and is another; retype it with one keyboard");
        }
    }
}

/// Is there a `*` between two words? Beside a single Latin letter it hides another one, as in
/// `d*mn`, and is meant as it stands.
fn has_inner_star(term: &str) -> bool {
    let single = |part: &str| {
        let mut letters = part.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphanumeric()) && letters.next().is_none()
    };
    let mut parts = term.split('*').map(|part| {
        let word = |c: char| c.is_alphanumeric();
        let first = part.split(|c| !word(c)).next().unwrap_or_default();
        let last = part.rsplit(|c| !word(c)).next().unwrap_or_default();
        (first, last)
    });
    let Some((_, mut left)) = parts.next() else { return false };
    for (right, next) in parts {
        if !left.is_empty() && !right.is_empty() && !single(left) && !single(right) {
            return true;
        }
        left = next;
    }
    false
}

/// Is it a letter of an alphabet whose letters pass for Latin ones?
fn is_alien(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{52f}' | '\u{531}'..='\u{587}' | '\u{13a0}'..='\u{13fd}')
}

fn alphabet(c: char) -> &'static str {
    match c {
        '\u{370}'..='\u{3ff}' => "Greek",
        '\u{400}'..='\u{52f}' => "Cyrillic",
        '\u{531}'..='\u{587}' => "Armenian",
        _ => "Cherokee",
    }
}
