//! What an entry is, judged by itself: a term, a host, or a risk to set aside.

use std::borrow::Cow;

use super::host::{self, Link};
use super::read::looks_like_regex;
use super::{Reason, base64};
use crate::rulebook::{TERM_BYTES_MAX, TERMS_MAX};
use crate::text;

/// Nobody types so long a text twice the same way.
const CHARS_MAX: usize = 40;
/// Shorter words of one alphabet are parts, names and abbreviations of everything.
const LETTERS_MIN: usize = 4;

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Screened {
    /// Fit to be a term.
    Term,
    /// Fit only if ordinary messages show that it is no ordinary word.
    TwoHan,
    /// Belongs to a list of hosts.
    Host(String),
    /// For a person to look at, with what there is to say beyond the reason.
    Aside(Reason, String),
}

/// The entry without what nobody sees or means: control and invisible characters, HTML's way of
/// writing characters, quotes around it, separators left over at its end.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let decoded = if text.contains('&') { entities(text) } else { Cow::Borrowed(text) };
    let hidden = |c: char| c.is_control() && c != '\t' || is_invisible(c);
    let visible = if decoded.contains(hidden) {
        Cow::Owned(decoded.chars().filter(|c| !hidden(*c)).collect())
    } else {
        decoded
    };
    let trimmed = trim(&visible);
    if trimmed.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(trimmed.to_owned()) }
}

fn trim(text: &str) -> &str {
    let ends = [',', '，', ';', '；', '、'];
    let text = text.trim().trim_end_matches(ends).trim_start_matches(ends).trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.or_else(|| text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')));
    inner.map_or(text, str::trim)
}

/// Zero-width and direction characters, which have no place in an entry.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Decodes `&#20013;`, `&#x4e2d;` and the five names that XML has, and `&nbsp;`.
fn entities(text: &str) -> Cow<'_, str> {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let known = after.split_once(';').and_then(|(name, after)| Some((entity(name)?, after)));
        if let Some((char, after)) = known {
            decoded.push(char);
            rest = after;
        } else {
            decoded.push('&');
            rest = after;
        }
    }
    decoded.push_str(rest);
    if decoded == text { Cow::Borrowed(text) } else { Cow::Owned(decoded) }
}

fn entity(name: &str) -> Option<char> {
    let number = name.strip_prefix('#').and_then(|number| {
        match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        }
        .and_then(char::from_u32)
    });
    number.or(match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => None,
    })
}

/// The terms of `A & B ~ C`, and how many of them must be there.
pub(super) fn terms(entry: &str) -> (Vec<&str>, usize) {
    let mut parts = entry.split(" ~ ");
    let mut terms: Vec<&str> = parts.next().unwrap_or_default().split(" & ").collect();
    let all = terms.len();
    terms.extend(parts);
    (terms.into_iter().map(str::trim).collect(), all)
}

/// A term without the `*` at its ends.
pub(super) fn bare(term: &str) -> &str {
    let inner = term.strip_prefix('*').unwrap_or(term);
    inner.strip_suffix('*').unwrap_or(inner)
}

/// What the entry is. `own`: it comes from one of Quell's own lists, whose authors mean what they
/// write: spaces and signs are taken as they are.
pub(super) fn screen(entry: &str, own: bool) -> Screened {
    let aside = |reason| Screened::Aside(reason, String::new());
    if entry.contains('\u{fffd}') {
        return aside(Reason::Broken);
    }
    if text::fold(entry).trim().is_empty() {
        return aside(Reason::Empty);
    }
    match host::read(entry) {
        Some(Link::Host(host)) => return Screened::Host(host),
        Some(Link::Page(host)) => {
            let why = format!("as a host, `{host}` would stand for all of its pages");
            return Screened::Aside(Reason::Page, why);
        }
        Some(Link::Suffix(_)) => return aside(Reason::Suffix),
        None => {}
    }
    if let Some(hidden) = base64::readable(entry) {
        return Screened::Aside(Reason::Base64, format!("it reads `{hidden}`"));
    }
    let (terms, all) = terms(entry);
    if terms.len() > TERMS_MAX || terms.iter().any(|term| bare(term).is_empty()) {
        return aside(Reason::Operators);
    }
    if !own && let Some(why) = operators(&terms) {
        return Screened::Aside(Reason::Operators, why);
    }
    let folded: Vec<String> =
        terms.iter().map(|term| text::fold(bare(term)).trim().to_owned()).collect();
    if folded.iter().any(String::is_empty) {
        return aside(Reason::Empty);
    }
    if let Some(why) = terms.iter().find_map(|term| mixed_scripts(term)) {
        return Screened::Aside(Reason::MixedScripts, why);
    }
    if !own
        && let [only] = folded.as_slice()
        && let Some(why) = spaced_han(only)
    {
        return Screened::Aside(Reason::Spaces, why);
    }
    // Several terms narrow one another down: only one that is weak in each of them is weak.
    let risks: Vec<Screened> =
        folded.iter().take(all).map(|folded| term(folded, terms.len() > 1)).collect();
    let firm = risks.contains(&Screened::Term);
    let long = |risk: &Screened| matches!(risk, Screened::Aside(Reason::TooLong, _));
    let risk = risks.into_iter().find(|risk| !firm || long(risk));
    risk.unwrap_or(Screened::Term)
}

/// One folded term of an entry, by length and kind.
fn term(folded: &str, in_company: bool) -> Screened {
    let aside = |reason| Screened::Aside(reason, String::new());
    let (mut chars, mut han, mut digits, mut letters) = (0_usize, 0_usize, 0_usize, 0_usize);
    for char in folded.chars() {
        chars += 1;
        han += usize::from(text::is_han(char));
        digits += usize::from(char.is_ascii_digit());
        letters += usize::from(char.is_alphabetic());
    }
    if folded.len() > TERM_BYTES_MAX || chars > CHARS_MAX {
        return aside(Reason::TooLong);
    }
    if chars == 1 {
        return aside(Reason::OneCharacter);
    }
    if letters == 0 {
        return aside(if digits > 0 { Reason::Digits } else { Reason::Symbols });
    }
    let alphabetic = folded.chars().filter(|c| text::is_word_char(*c)).count();
    if han == 0 && alphabetic > 0 && letters < LETTERS_MIN {
        return aside(Reason::Short);
    }
    if han == 2 && chars == 2 && !in_company {
        return Screened::TwoHan;
    }
    Screened::Term
}

/// What signs of other tools' languages there are, and what to write instead.
fn operators(terms: &[&str]) -> Option<String> {
    for term in terms {
        let inner = bare(term);
        if looks_like_regex(inner) {
            return Some("it looks like a regular expression: `when.regex` takes those".to_owned());
        }
        if inner.contains('+') && inner.chars().any(char::is_alphabetic) {
            let parts: Vec<&str> = inner.split('+').filter(|part| !part.is_empty()).collect();
            return Some(format!("if all must be in the message, write `{}`", parts.join(" & ")));
        }
        if inner.contains('=') {
            return Some(
                "`=` may give a word another meaning; write each word by itself".to_owned(),
            );
        }
        if inner.contains('*') {
            return Some("`*` stands for any letters only at the ends of a term".to_owned());
        }
        let signs =
            ['&', '~', '=', '^', '$', '{', '}', '<', '>', '\\', '`', '#', '%', '?', '!', '@'];
        if inner.starts_with(signs) || inner.ends_with(['&', '~', '=', '\\', '{', '[', '(', '<']) {
            return Some("it begins or ends with a sign that may be an operator".to_owned());
        }
    }
    None
}

/// Han on both sides of a space: one word typed apart, or two?
fn spaced_han(folded: &str) -> Option<String> {
    let mut parts = folded.split(' ').filter(|part| !part.is_empty()).peekable();
    let mut apart = false;
    while let Some(part) = parts.next() {
        apart |= parts.peek().is_some_and(|next| {
            part.chars().next_back().is_some_and(text::is_han)
                || next.chars().next().is_some_and(text::is_han)
        });
    }
    apart.then(|| {
        let parts: Vec<&str> = folded.split_ascii_whitespace().collect();
        let (all, one) = (parts.join(" & "), parts.concat());
        format!("write `{all}` if all must be in the message, `{one}` if it is one word")
    })
}

/// Alphabets whose letters pass for one another's.
const ALPHABETS: [(&str, std::ops::RangeInclusive<char>); 5] = [
    ("Greek", '\u{370}'..='\u{3ff}'),
    ("Cyrillic", '\u{400}'..='\u{52f}'),
    ("Armenian", '\u{530}'..='\u{58f}'),
    ("Hebrew", '\u{590}'..='\u{5ff}'),
    ("Cherokee", '\u{13a0}'..='\u{13ff}'),
];

/// Letters of several alphabets in one word.
fn mixed_scripts(term: &str) -> Option<String> {
    for word in term.split(|c: char| !c.is_alphanumeric()) {
        let mut names: Vec<&str> = Vec::new();
        for char in word.chars().filter(|c| c.is_alphabetic()) {
            let latin = matches!(char, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}');
            let other = ALPHABETS.iter().find(|(_, range)| range.contains(&char));
            if let Some(name) = if latin { Some("Latin") } else { other.map(|(name, _)| *name) }
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        if names.len() > 1 {
            return Some(format!("`{word}` has letters of {}", names.join(" and ")));
        }
    }
    None
}
