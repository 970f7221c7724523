use std::iter::once;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, hidden: &str, expected: &str) {
    let at = text.find(hidden).unwrap();
    assert_eq!(mask(text, once(at..at + hidden.len()), '*'), expected);
}

#[test]
fn visible_characters_are_masked() {
    check("you scum!", "scum", "you ****!");
    check("加薇信吧", "薇信", "加**吧");
    check("x s c u m y", "s c u m", "x * * * * y");
    check("a s\u{336}c\u{336}\u{200d}u\u{301} b", "s\u{336}c\u{336}\u{200d}u", "a *** b");
    check("👍🏽ok", "👍", "*ok");
    check("👨\u{200d}👩\u{200d}👧!", "👨\u{200d}👩\u{200d}👧", "***!");
    check("ที่นี่", "ที", "*นี่");
    check("\u{1112}\u{1161}\u{11ab}글", "\u{1112}\u{1161}\u{11ab}", "*글");
    check("ㅋㅋㅋ", "ㅋㅋ", "**ㅋ");
}

#[test]
fn odd_ranges_are_harmless() {
    assert_eq!(mask("加微信", once(1..4), '*'), "**信");
    assert_eq!(mask("abc", [0..2, 1..2, 9..12], '*'), "**c");
    assert_eq!(mask("abc", once(2..90), '#'), "ab#");
    assert_eq!(mask("", once(0..1), '*'), "");
    assert_eq!(mask("abc", [], '*'), "abc");
}

proptest! {
    #[test]
    fn the_rest_stays(text in "\\PC{0,20}", a in 0_usize..40, b in 0_usize..40) {
        let (a, b) = (a.min(b), a.max(b));
        let masked = mask(&text, once(a..b), '\u{2588}');
        let before = text.floor_char_boundary(a);
        prop_assert!(masked.starts_with(text.get(..before).unwrap()));
        prop_assert!(masked.chars().count() <= text.chars().count());
    }
}
