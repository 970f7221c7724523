use super::*;
use crate::text::fold;

fn found(text: &str, term: &str) -> Option<String> {
    let mut plain = View::default();
    plain.push(0, text, false);
    let mut sound = Sound::default();
    sound.fold(&plain);
    assert_eq!(sound.text().len(), plain.text().len());
    let entry = Sound::entry(&fold(term)).unwrap();
    let at = sound.text().find(&entry)?;
    let range = at..at + entry.len();
    if !Sound::verify(&plain, range.clone(), &fold(term)) {
        return None;
    }
    let span = plain.spans(range).next()?;
    text.get(span.range).map(str::to_owned)
}

#[test]
fn other_characters_of_the_same_sound_are_found() {
    assert_eq!(found("快佳薇芯哦", "加微信").as_deref(), Some("佳薇芯"));
    assert_eq!(found("快佳薇\u{200b}芯哦", "加微信").as_deref(), Some("佳薇\u{200b}芯"));
    assert_eq!(found("嘉維訊", "加微信"), None);
    assert_eq!(found("佳薇 芯", "加微信"), None);
    assert_eq!(found("加微信", "加薇信").as_deref(), Some("加微信"));
}

#[test]
fn ordinary_speech_is_no_homophone() {
    for (text, term) in [
        ("现在是北京时间八点", "北京事件"),
        ("大学毕业了", "大雪碧"),
        ("我是江西人", "江系人"),
        ("这不是过年吗", "布施国"),
        ("东北人的豪爽", "东北任德"),
        ("快加卫星电视", "加微信"),
    ] {
        assert_eq!(found(text, term), None, "{term} in {text}");
    }
    for (text, found_as) in
        [("快加威信吧", "加威信"), ("加维信", "加维信"), ("快家威芯啊", "家威芯")]
    {
        assert_eq!(found(text, "加微信").as_deref(), Some(found_as), "in {text}");
    }
}

#[test]
fn short_and_other_terms_are_refused() {
    assert_eq!(Sound::entry("微信"), Err(Refusal::ShortSound));
    assert_eq!(Sound::entry("加v信"), Err(Refusal::NotHan));
    assert_eq!(Sound::entry(""), Err(Refusal::ShortSound));
}

#[test]
fn private_characters_are_no_syllables() {
    let entry = Sound::entry("加微信").unwrap();
    let mut plain = View::default();
    plain.push(0, &entry, false);
    let mut sound = Sound::default();
    sound.fold(&plain);
    assert!(!sound.text().contains(&entry));
    assert_eq!(sound.text().len(), plain.text().len());
}

#[test]
fn syllables_are_spelled() {
    assert_eq!((pinyin('微'), pinyin('女'), pinyin('a')), (Some("wei"), Some("nv"), None));
}
