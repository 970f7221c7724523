//! Other ways of writing an entry, made when a list is compiled.
//!
//! What is guessed at run time costs every message; what is expanded here costs a pattern. Only
//! such techniques are offered as ordinary speech does not run into.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::sound::pinyin;
use super::table::{class, table};
use super::view::fold;

/// Characters and the parts they are written as; made by hand.
const PARTS: &str = include_str!("parts.txt");

const PINYIN_MIN: usize = 3;
const REVERSED_MIN: usize = 5;

/// A way of writing an entry differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Technique {
    /// The whole entry, or one of its characters, in pinyin: `jiaweixin`, `加wei信`.
    Pinyin,
    /// One character taken apart: `弓虽` for `强`.
    Parts,
    /// Backwards.
    Reversed,
    /// Other characters of the same sound. Not a variant: the sound view does it.
    Homophones,
    /// The first letters of the pinyin: `jwx`.
    Initials,
}

/// Why an entry has no such variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Pinyin and sound are of Han.
    #[error("only entries that are all Han have a sound")]
    NotHan,
    /// Measured on text messages: 13 % of them contain the pinyin of some two-character entry.
    #[error("the pinyin of fewer than three characters is found in one of eight ordinary messages")]
    ShortPinyin,
    /// Measured on text messages: 36 %.
    #[error("fewer than three syllables sound like something in one of three ordinary messages")]
    ShortSound,
    /// Measured on text messages: 50 % for two letters, 17 % for three, 7 % for four and more.
    #[error("pinyin initials are found in up to half of ordinary messages; list those you mean")]
    Initials,
    /// Homophones are found by the sound view.
    #[error("homophones are found by `view = \"sound\"`, not by variants")]
    Homophones,
    /// Short words backwards are other words.
    #[error("only words of five or more letters are told from others when reversed")]
    ShortReversed,
    /// None of the characters is known to be taken apart.
    #[error("none of its characters is written in parts")]
    NoParts,
}

/// The variants of a folded entry, folded themselves. They are to be found as whole tokens in the
/// plain view, whatever the entry says of itself.
pub fn variants(folded: &str, technique: Technique) -> Result<Vec<String>, Refusal> {
    match technique {
        Technique::Pinyin => in_pinyin(folded),
        Technique::Parts => in_parts(folded),
        Technique::Reversed => reversed(folded),
        Technique::Homophones => Err(Refusal::Homophones),
        Technique::Initials => Err(Refusal::Initials),
    }
}

fn in_pinyin(folded: &str) -> Result<Vec<String>, Refusal> {
    let syllables: Option<Vec<&str>> = folded.chars().map(pinyin).collect();
    let syllables = syllables.ok_or(Refusal::NotHan)?;
    if syllables.len() < PINYIN_MIN {
        return Err(Refusal::ShortPinyin);
    }
    let mut variants = vec![syllables.concat(), syllables.join(" ")];
    variants.extend(replace_each(folded, pinyin));
    Ok(variants)
}

fn in_parts(folded: &str) -> Result<Vec<String>, Refusal> {
    static KNOWN: LazyLock<HashMap<char, &str>> = LazyLock::new(|| {
        let lines = PARTS.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.flat_map(|line| line.split(' ')).filter_map(|pair| {
            let first = pair.chars().next()?;
            Some((first, pair.get(first.len_utf8()..)?))
        });
        pairs.collect()
    });
    let variants: Vec<String> = replace_each(folded, |char| KNOWN.get(&char).copied()).collect();
    if variants.is_empty() { Err(Refusal::NoParts) } else { Ok(variants) }
}

fn reversed(folded: &str) -> Result<Vec<String>, Refusal> {
    let table = table();
    let letters = folded.chars().all(|char| table.row(char).is(class::WORD) && !char.is_numeric());
    if !letters || folded.chars().count() < REVERSED_MIN {
        return Err(Refusal::ShortReversed);
    }
    // Once more folded: a mark that now begins the word vanishes in messages too.
    let reversed = fold(&folded.chars().rev().collect::<String>());
    Ok(if reversed == folded { Vec::new() } else { vec![reversed] })
}

/// The text with one of its characters replaced, for each that can be.
fn replace_each<'a, 'b: 'a>(
    text: &'a str,
    with: impl Fn(char) -> Option<&'b str> + 'a,
) -> impl Iterator<Item = String> + 'a {
    text.char_indices().filter_map(move |(at, char)| {
        let (before, rest) = text.split_at_checked(at)?;
        let after = rest.get(char.len_utf8()..)?;
        Some([before, with(char)?, after].concat())
    })
}
