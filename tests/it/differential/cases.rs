//! What once went wrong, cut down.

use quell::rulebook::Scratch;

use super::reference::{Entry, List, Looked, Matching, Term};
use super::{Pair, compile, found, judge};

fn entry(text: &str) -> Entry {
    Entry {
        all: vec![Term { text: text.to_owned(), open: (false, false) }],
        unless: Vec::new(),
        matching: None,
        looked: None,
        expires: None,
    }
}

/// Looks for one list's entries in a text and expects these to be found, each once.
#[track_caller]
fn check(entries: Vec<Entry>, text: &str, expected: &[usize]) {
    let list = List { entries, allow: Vec::new(), matching: Matching::Auto, looked: Looked::Plain };
    let pair = Pair { lists: vec![list], fields: vec![(text.to_owned(), false)], today: 23 };
    super::check(&pair);
    let judgement = judge(&compile(&pair.lists), &pair, &mut Scratch::default());
    let entries = found(&pair, &judgement).0.into_iter().map(|(_, entry, ..)| entry);
    assert_eq!(entries.collect::<Vec<_>>(), expected);
}

#[test]
fn an_expired_entry_does_not_take_its_successor_along() {
    let expired = Entry { expires: Some(22), ..entry("ab") };
    check(vec![expired.clone(), entry("AB")], "ab", &[1]);
    check(vec![entry("AB"), expired], "ab", &[0]);
}

#[test]
fn an_entry_for_whole_words_does_not_stand_for_one_with_a_star() {
    let mut open = entry("AB");
    open.all[0].open = (true, true);
    check(vec![entry("ab"), open], "xabx", &[1]);
}

#[test]
fn an_entry_that_says_the_same_is_left_out() {
    check(vec![entry("ab"), entry("ＡＢ")], "ab", &[0]);
}
