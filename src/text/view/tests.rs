mod reference;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::text::tests::hard;
use reference::{Folded, Reference};

/// Folds `text` and expects `folded`.
#[track_caller]
fn check(text: &str, folded: &str) {
    assert_eq!(fold(text), folded, "{text:?}");
    assert_eq!(fold(folded), folded, "folding again: {text:?}");
}

/// Finds `entry` in the folded `text` and expects it to map back to `original`.
#[track_caller]
fn check_span(text: &str, entry: &str, original: &str) {
    let mut view = View::default();
    view.push(0, text, false);
    let at = view.text().find(&fold(entry)).unwrap_or_else(|| panic!("not in {:?}", view.text()));
    let spans: Vec<Span> = view.spans(at..at + fold(entry).len()).collect();
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(text.get(span.range.clone()), Some(original));
}

#[test]
fn each_technique_folds() {
    check("FuCK", "fuck");
    check("İstanbul STRAẞE ς", "istanbul strasse σ");
    check("ＦＵＣＫ　１２３", "fuck 123");
    check("𝐟𝓾𝒸𝔨 𝙛𝚞ｃⓚ", "fuck fuck");
    check("🅵🆄🅲🅺 🅕🅤🅒🅚", "fuck fuck");
    check("🇫🇺🇨🇰", "fuck");
    check("🇺🇸", "🇺🇸");
    check("🇫 🇺 🇨", "f u c");
    check("🇫🇺\u{200b}🇨🇰 🇺\u{301}🇸 🇺🇸\u{f73}🇺", "fuck us usu");
    check("⓿❶➀➋", "0112");
    check("⓫❿", "1110");
    check("f\u{200b}u\u{200d}c\u{ad}k\u{202e}\u{2066}\u{fe0f}\u{e0061}", "fuck");
    check("f\u{0}u\u{7f}c\u{1}k", "fuck");
    check("f\u{336}u\u{489}c\u{361}k\u{20dd}", "fuck");
    check("fúçk ėñ", "fuck en");
    check("a\tb\nc\u{a0}d\u{2003}e\u{2800}f\u{3000}g", "a b c d e f g");
    check("國語 愛 裡 裏", "国语 爱 里 里");
    check("⼀⼆ ⺝ ⻢ ⻋ 金", "一二 月 马 车 金");
    check("ｶﾞｷﾞ ﾊﾟ か\u{3099} か゛", "ガギ パ が が");
    check("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "한글");
    check("㎏ ﬁ ½ ㈱", "kg fi 1⁄2 (株)");
    check("1️⃣2⃣", "12");
    check("下三滥 三", "下三滥 三");
}

#[test]
fn scripts_that_need_their_marks_keep_them() {
    for text in ["กำลังที่", "हिन्दी", "বাংলা", "عَرَبِيّ", "שָׁלוֹם", "தமிழ்"]
    {
        let folded = fold(text);
        assert_eq!(fold(&folded), folded);
        assert!(folded.chars().count() >= text.chars().count(), "{text} {folded}");
    }
    check("क\u{93c}", "क\u{93c}");
    check("न\u{93c}", "ऩ");
    check("ا\u{654}", "أ");
    // The same marks on a Latin letter are decoration.
    check("f\u{e31}u\u{93f}c\u{64e}k", "fuck");
    check("加\u{e31}微", "加微");
}

#[test]
fn spans_cover_what_was_typed() {
    check_span("say ＦＵ\u{200b}ＣＫ!", "fuck", "ＦＵ\u{200b}ＣＫ");
    check_span("5㎏", "g", "㎏");
    check_span(
        "xxf\u{336}u\u{336}\u{336}ck\u{336}\u{200d} b",
        "fuck",
        "f\u{336}u\u{336}\u{336}ck\u{336}\u{200d}",
    );
    check_span("\u{200b}abc", "abc", "abc");
    check_span("加，微信", "微信", "微信");
    check_span("か\u{200b}\u{3099}か", "が", "か\u{200b}\u{3099}");
    check_span("か\u{200b}\u{3099}か", "か", "か");
    check_span("ｶﾞｷ", "キ", "ｷ");
    check_span("x㌷\u{3099}", "ペ", "㌷\u{3099}");
    check_span("愛國", "国", "國");
    check_span("🇫🇺🇨🇰!", "u", "🇺");
    check_span("ﷺ x", "x", "x");
}

#[test]
fn fields_stay_apart() {
    let mut view = View::default();
    view.push(4, "FU", false);
    view.push(5, "ck", true);
    view.push(6, "", false);
    view.push(7, "か", false);
    view.push(9, "\u{3099}", true);
    assert_eq!(view.text(), "fuck\u{1}\u{1}か");
    let spans: Vec<Span> = view.spans(1..3).collect();
    assert_eq!(spans, [Span { field: 4, range: 1..2 }, Span { field: 5, range: 0..1 }]);
    assert_eq!((view.field_at(1), view.field_at(2), view.field_at(6)), (4, 5, 7));
    assert!(view.is_edge(2) && view.is_edge(0) && view.is_edge(4) && view.is_edge(9));
    assert!(!view.is_edge(1) && !view.is_edge(3));
    view.clear();
    assert_eq!((view.text(), view.spans(0..9).count(), view.field_at(3)), ("", 0, 0));
}

#[test]
fn edges() {
    let mut view = View::default();
    view.push(0, "a1 b,加v信c", false);
    let edges: Vec<usize> = (0..=view.text().len()).filter(|&at| view.is_edge(at)).collect();
    // Between every two characters but `a` and `1`.
    assert_eq!(edges, [0, 2, 3, 4, 5, 8, 9, 12, 13]);
}

proptest! {
    #[test]
    fn the_fast_way_is_the_slow_way(text in hard()) {
        static REFERENCE: LazyLock<Reference> = LazyLock::new(Reference::read);
        let slow = REFERENCE.fold(&text);
        let mut view = View::default();
        view.push(0, &text, false);
        let fast: Vec<Folded> = view
            .text()
            .char_indices()
            .map(|(at, char)| (char, view.spans(at..at + char.len_utf8()).next().unwrap().range))
            .collect();
        prop_assert_eq!(fast, slow, "{:?}", text);
    }

    #[test]
    fn folding_is_idempotent(text in hard()) {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded);
    }

    #[test]
    fn lower_case_ascii_stays(text in "[ -@\\[-~]{0,40}") {
        prop_assert_eq!(fold(&text), text);
    }

    #[test]
    fn fields_fold_each_on_its_own(texts in prop::collection::vec((hard(), any::<bool>()), 0..4)) {
        let mut view = View::default();
        let mut expected = String::new();
        for (field, (text, joined)) in texts.iter().enumerate() {
            view.push(field, text, *joined);
            if field > 0 && !joined {
                expected.push('\u{1}');
            }
            expected.push_str(&fold(text));
        }
        prop_assert_eq!(view.text(), expected);
    }

    #[test]
    fn spans_are_on_character_boundaries(
        texts in prop::collection::vec((hard(), any::<bool>()), 1..4),
        a in 0_usize..80,
        b in 0_usize..80,
    ) {
        let mut view = View::default();
        for (field, (text, joined)) in texts.iter().enumerate() {
            view.push(field, text, *joined);
        }
        for span in view.spans(a.min(b)..a.max(b)) {
            let text = &texts[span.field].0;
            prop_assert!(text.get(span.range.clone()).is_some_and(|typed| !typed.is_empty()));
        }
    }

    /// The whole of a field maps to the whole of it, bar what was dropped at its start; and
    /// neighbouring stretches meet without a gap.
    #[test]
    fn spans_tile_the_field(text in hard()) {
        let mut view = View::default();
        view.push(0, &text, false);
        let mut end = None;
        let mut offsets = view.text().char_indices().map(|(at, char)| at..at + char.len_utf8());
        for range in offsets.by_ref() {
            let span = view.spans(range).next().unwrap().range;
            if let Some(end) = end {
                // Parts of one expanded character have the same span.
                prop_assert!(span.start == end || span.end == end, "{:?} {}", span, end);
            }
            end = Some(span.end);
        }
        if let Some(end) = end {
            prop_assert_eq!(end, text.len());
        }
    }
}

#[test]
fn a_mark_on_the_last_of_an_expansion_is_one_with_all_of_it() {
    let mut view = View::default();
    view.push(0, "㌢\u{3099}", false);
    let spans: Vec<_> = view.spans(0..3).map(|span| span.range).collect();
    assert_eq!(spans, vec![0.."㌢\u{3099}".len()]);
}

#[test]
fn what_an_expansion_loses_is_its_own() {
    // The vowel becomes two, and the first of them is dropped after a character that needs none.
    check_span("\u{606}\u{e33}", "\u{606}", "\u{606}");
    check_span("\u{606}\u{e33}", "\u{e32}", "\u{e33}");
}
