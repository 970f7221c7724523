//! What must hold for any text, whatever it is made of.

use proptest::prelude::*;

use super::*;

/// Characters that fold in some special way, with ordinary ones between them.
pub(super) fn hard() -> impl Strategy<Value = String> {
    let special = ['か', '\u{3099}', 'ﾞ', 'ｶ', '㎏', '㌷', 'ß', '\u{200b}', '\u{fe0f}', '가', '🇺'];
    let char = prop_oneof![
        prop::char::range(' ', '~'),
        prop::char::range('\0', '\u{24f}'),
        prop::char::range('\u{300}', '\u{36f}'),
        prop::char::range('\u{370}', '\u{52f}'),
        prop::char::range('\u{600}', '\u{6ff}'),
        prop::char::range('\u{900}', '\u{e7f}'),
        prop::char::range('\u{1100}', '\u{11ff}'),
        prop::char::range('\u{1e00}', '\u{24ff}'),
        prop::char::range('\u{2e80}', '\u{31ff}'),
        prop::char::range('\u{3200}', '\u{33ff}'),
        prop::char::range('\u{4e00}', '\u{9fff}'),
        prop::char::range('\u{f900}', '\u{ffff}'),
        prop::char::range('\u{1d400}', '\u{1d7ff}'),
        prop::char::range('\u{1f100}', '\u{1f1ff}'),
        prop::sample::select(special.to_vec()),
        any::<char>(),
    ];
    prop::collection::vec(char, 0..24).prop_map(|chars| chars.into_iter().collect())
}

/// Pieces of disguises, so that some come out whole.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "s", "c", "u", "m", "С", "ѕ", "5", "$", "!", " ", ".", "*", "_", "\n", "\u{200b}", "加",
        "微", "信", "薇", "v", "，", "😂", "1", "三", "o", "l", "qq", "example", ".com", "(dot)",
        " dot ", "http://", "@", "/", "点", "-", "'", "ss", "🇸", "か", "\u{301}", "２０", "年",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..32).prop_map(|all| all.concat())
}

fn view_of(fields: &[(String, bool)]) -> View {
    let mut view = View::default();
    for (field, (text, joined)) in fields.iter().enumerate() {
        view.push(field, text, *joined);
    }
    view
}

fn fields() -> impl Strategy<Value = Vec<(String, bool)>> {
    prop::collection::vec((prop_oneof![pieces(), hard()], any::<bool>()), 1..4)
}

/// Every span of the stretch is a part of its field that can be cut out.
fn spans_hold(view: &View, fields: &[(String, bool)], stretch: std::ops::Range<usize>) -> bool {
    let mut spans = view.spans(stretch).peekable();
    spans.peek().is_some()
        && spans
            .all(|span| fields[span.field].0.get(span.range).is_some_and(|typed| !typed.is_empty()))
}

proptest! {
    #[test]
    fn tight_hits_map_back(fields in fields(), severe in any::<bool>()) {
        let plain = view_of(&fields);
        let mut tight = Tight::default();
        tight.fold(&plain, true);
        for term in ["scum", "scumscum", "加微信", "微信", "пост"] {
            let entry = TightEntry::new(term, severe).unwrap();
            for form in entry.starred().iter().chain([&entry]) {
                for (at, hit) in tight.text().match_indices(form.pattern()) {
                    if let Some(stretch) = tight.verify(&plain, at..at + hit.len(), form) {
                        prop_assert!(spans_hold(&plain, &fields, stretch));
                    }
                }
            }
        }
    }

    /// What the plain view finds as a word, the tight view finds too.
    #[test]
    fn tight_hits_include_plain_ones(before in pieces(), after in pieces()) {
        let plain = view_of(&[(format!("{before} scum, {after}"), false)]);
        let mut tight = Tight::default();
        tight.fold(&plain, true);
        let entry = TightEntry::new("scum", false).unwrap();
        let mut hits = tight.text().match_indices(entry.pattern());
        prop_assert!(hits.any(|(at, hit)| tight.verify(&plain, at..at + hit.len(), &entry).is_some()));
    }

    #[test]
    fn contacts_and_links_map_back(fields in fields()) {
        let plain = view_of(&fields);
        for stretch in contacts(&plain) {
            prop_assert!(plain.signs(&Suspects::default()).call_for_contacts());
            prop_assert!(spans_hold(&plain, &fields, stretch));
        }
        for link in links(&plain) {
            prop_assert!(plain.signs(&Suspects::default()).call_for_links(), "{:?}", link);
            prop_assert!(spans_hold(&plain, &fields, link.range.clone()));
            prop_assert!(link.host.is_ascii() && !link.host.starts_with('.'));
        }
    }

    #[test]
    fn sound_has_the_offsets_of_the_plain_view(fields in fields()) {
        let plain = view_of(&fields);
        let mut sound = Sound::default();
        sound.fold(&plain);
        let offsets = |text: &str| text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
        prop_assert_eq!(offsets(sound.text()), offsets(plain.text()));
    }

    /// Any folded text is a possible entry.
    #[test]
    fn any_term_can_be_compiled(term in prop_oneof![pieces(), hard()]) {
        let folded = fold(&term);
        if let Some(entry) = TightEntry::new(&folded, true) {
            prop_assert!(!entry.pattern().is_empty());
            prop_assert!(entry.starred().iter().all(|form| !form.pattern().is_empty()));
        }
        for technique in [Technique::Pinyin, Technique::Parts, Technique::Reversed] {
            for variant in variants(&folded, technique).unwrap_or_default() {
                prop_assert_eq!(fold(&variant), variant);
            }
        }
    }
}
