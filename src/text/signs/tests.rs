use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::text::{Suspects, SuspectsBuilder, Tight, TightEntry, View};

fn suspects(entries: &[&str]) -> Suspects {
    let mut builder = SuspectsBuilder::default();
    for entry in entries {
        builder.add(&TightEntry::new(entry, false).unwrap());
    }
    builder.build()
}

#[track_caller]
fn check(text: &str, tight: bool) {
    let mut view = View::default();
    view.push(0, text, false);
    let suspects = suspects(&["scum", "shit", "class", "telegram", "加微信", "free money"]);
    let signs = view.signs(&suspects);
    assert_eq!(signs.call_for_tight(), tight, "{text:?} {signs:?}");
}

#[test]
fn evasion_calls_for_the_tight_view() {
    for text in [
        "sсum",
        "ꜱᴄᴜᴍ",
        "teIegram",
        "sh1t",
        "$cum",
        "cla$$",
        "clas$ ",
        "@scuum",
        "frree money",
        "scuum",
        "free  money",
        "s c u m",
        "5 hhh 1 7",
        "s.c.u.m",
        "s_cum",
        "sc*m",
        "s**m",
        "scuuum",
        "加 微 信",
        "加*微信",
        "微❤信",
        "今天微 信吃",
        "微微信",
        "微微信信",
        "微微微信",
        "加微 微信",
        "加v微信",
    ] {
        check(text, true);
    }
}

#[test]
fn ordinary_text_does_not() {
    for text in [
        "are we still on for dinner, or should i call?",
        "hi!!! i am ok :) don't wait",
        "今天晚上，大家一起去吃火锅吧！怎么样？我请客。",
        "今天 晚上吃什么 你看看",
        "哈哈哈哈 看看书 2号 mp3 10pm soooo 😂你呢",
        "@ann 你好 #今天# 3.5 -- 10-12",
        "привет",
        "good too feel all",
        "👍👍👍 ok",
        "",
    ] {
        check(text, false);
    }
}

#[test]
fn digits_and_dots_are_counted() {
    let signs = |text: &str| {
        let mut view = View::default();
        view.push(0, text, false);
        view.signs(&Suspects::default())
    };
    assert_eq!(signs("①②３四 伍").digits(), 5);
    assert!(signs("1 三 8 oo 5 5").call_for_contacts());
    assert!(!signs("look, cool lollipops").call_for_contacts());
    assert!(signs("example.com").call_for_links() && signs("example dot com").call_for_links());
    assert!(signs("点com 看 a点com").call_for_links());
    assert!(signs("example. dev").call_for_links() && signs("example。 com").call_for_links());
    assert!(signs("http://a.-").call_for_links() && signs("http://a._b").call_for_links());
    assert!(!signs("see you. at noon. dinner").call_for_links());
    assert!(!signs("好的。你好. ").call_for_links() && !signs("三点来").call_for_links());
    assert!(signs("f\u{200b}uck").dropped());
}

const GAPS: [&str; 23] = [
    ":)", "(", "\"", "-", "", "", "", "", "", "", " ", "  ", "   ", ".", "*", "❤", " . ", " ~",
    "，", "\n", "'", "\u{200b}", "x",
];

/// What a character of an entry can be written as.
fn poses(char: char) -> Vec<String> {
    let others = match char {
        's' => "sss5$",
        'c' => "ccс",
        'u' => "uuᴜ",
        'm' => "mmᴍ",
        'l' => "l1I|",
        'a' => "aaа4@",
        'h' => "hh#",
        'i' => "iil1!",
        't' => "tt7+",
        'e' => "ee3€",
        other => return vec![other.into(), other.into(), String::from(other).repeat(2)],
    };
    let twice = String::from(char).repeat(2);
    others.chars().map(String::from).chain([twice, format!("{char}{char}{char}")]).collect()
}

/// An entry, disguised here and there, with something before and after it.
fn disguised(entry: &str) -> impl Strategy<Value = String> + use<> {
    let around =
        || select(vec!["", " ", "x", "is ", "我", "微", "@", "!", "1", "a b ", ".", "我 "]);
    let chars: Vec<_> =
        entry.chars().map(|char| (select(poses(char)), select(GAPS.to_vec()))).collect();
    // Most of it as it is, or nothing is found.
    let keep = vec(prop_oneof![2 => Just(true), 1 => Just(false)], chars.len());
    let entry: Vec<char> = entry.chars().collect();
    (around(), chars, keep, around()).prop_map(move |(before, chars, keep, after)| {
        let mut text = before.to_owned();
        for ((char, keep), (pose, gap)) in entry.iter().zip(keep).zip(chars) {
            if keep {
                text.push(*char);
            } else {
                text.extend([&*pose, gap]);
            }
        }
        text + after
    })
}

const ENTRIES: [&str; 9] =
    ["scum", "class", "shit", "teletext", "free money", "加微信", "微信", "裸聊", "聊天吧"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the tight view finds and the plain one does not, the signs have called for.
    #[test]
    fn nothing_is_missed_for_want_of_a_sign(
        (entry, text) in select(ENTRIES.to_vec()).prop_flat_map(|entry| (Just(entry), disguised(entry))),
        split in prop::option::of(0_usize..20),
        severe in any::<bool>(),
    ) {
        let mut plain = View::default();
        let split = text.floor_char_boundary(split.unwrap_or(text.len()));
        let (first, second) = text.split_at(split);
        plain.push(0, first, false);
        plain.push(1, second, true);
        if plain.text().contains(entry) {
            return Ok(());
        }
        let entry = TightEntry::new(entry, severe).unwrap();
        let mut suspects = SuspectsBuilder::default();
        suspects.add(&entry);
        let signs = plain.signs(&suspects.build());
        let mut tight = Tight::default();
        tight.fold(&plain, true);
        let forms: Vec<TightEntry> = if severe { entry.starred() } else { Vec::new() };
        for form in [&entry].into_iter().chain(&forms) {
            for (at, hit) in tight.text().match_indices(form.pattern()) {
                if let Some(found) = tight.verify(&plain, at..at + hit.len(), form) {
                    let found = plain.text().get(found);
                    prop_assert!(signs.call_for_tight(), "{:?} in {:?}", found, plain.text());
                }
            }
        }
    }
}
