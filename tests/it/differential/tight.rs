//! Is a tight hit something that a reader takes for the entry?

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Pair;
use super::reference::{self, Found, Text};

/// Letters and digits that others pose as.
static POSES: LazyLock<BTreeMap<char, char>> = LazyLock::new(|| {
    let rows = include_str!("../../../src/text/lookalikes.txt").lines();
    let rows = rows.filter(|row| !row.starts_with('#')).filter_map(|row| row.split_once(' '));
    rows.flat_map(|(as_one, chars)| {
        let as_one = as_one.chars().next().unwrap();
        chars.chars().map(move |char| (char, as_one))
    })
    .collect()
});

/// What leet and look-alikes stand for; an `l`, an `i` and a `1` are one.
fn skeleton(char: char) -> char {
    let char = POSES.get(&char).copied().unwrap_or(char);
    let leet = "0o1i!i|i£i2z3e€e4a@a5s$s6g9g7t+t8b¢c©c®r¥y×xli";
    let pairs: Vec<char> = leet.chars().collect();
    pairs.chunks(2).find(|pair| pair[0] == char).map_or(char, |pair| pair[1])
}

/// Without repeats, and without what is neither letter nor stands for one.
fn spelled(text: &[char]) -> String {
    let mut spelled: Vec<char> = text.iter().copied().map(skeleton).collect();
    spelled.retain(|char| char.is_alphanumeric());
    spelled.dedup();
    spelled.into_iter().collect()
}

/// Does the stretch spell the entry, and begin and end with it? What could be leet may be a
/// separator as well.
pub(super) fn is_disguise(pair: &Pair, (list, entry, _, field, range): &Found) -> bool {
    let term = &pair.lists[*list].entries[*entry].all[0];
    // A hit over a seam is told field by field; each has only a part of it.
    if pair.fields.len() > 1 {
        return true;
    }
    let wanted = reference::fold(&term.text);
    let typed = Text::new(&pair.fields).folded(*field, range);
    let mut letters = spelled(&wanted).chars().collect::<Vec<_>>().into_iter().peekable();
    for char in spelled(&typed).chars() {
        letters.next_if_eq(&char);
    }
    letters.next().is_none()
}
