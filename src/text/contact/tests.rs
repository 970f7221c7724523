use super::*;
use crate::text::Suspects;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let mut view = View::default();
    view.push(0, text, false);
    let spans: Vec<&str> = contacts(&view)
        .into_iter()
        .flat_map(|range| view.spans(range).collect::<Vec<_>>())
        .map(|span| text.get(span.range).unwrap())
        .collect();
    assert_eq!(spans, expected, "{text:?}");
    if !expected.is_empty() {
        assert!(view.signs(&Suspects::default()).call_for_contacts(), "{text:?}");
    }
}

#[test]
fn disguised_numbers_are_found() {
    for number in [
        "13800138001",
        "138 0013 8001",
        "138-0013-8001",
        "1 3 8 0 0 1 3 8 0 0 1",
        "１３８００１３８００１",
        "①③⑧⓪⓪①③⑧⓪⓪①",
        "❶❸❽00138001",
        "一三八零零一三八零零一",
        "壹叁捌零零壹叁捌零零壹",
        "幺三八洞洞幺三八洞洞幺",
        "1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣",
        "138oo138oo1",
        "l38001380o1",
        "𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟏",
        "1*3*8*0*0*1*3*8",
        "1\u{200b}380\u{200b}0138001",
        "138❤0013❤8001",
    ] {
        check(&format!("找我{number}吧"), &[number]);
    }
}

#[test]
fn short_ones_need_a_cue() {
    check("加 53 98 21", &["53 98 21"]);
    check("my qq: 539821 ok", &["539821"]);
    check("vx 53982", &["53982"]);
    check("call 2347-6589", &["2347-6589"]);
    check("热线 4008200000", &["4008200000"]);
    check("得了539821分", &[]);
    check("look at 539821", &[]);
    check("加v13800138001", &["13800138001"]);
    check("vx13800138001abc", &["13800138001"]);
    check("2026-11-23 13800138001", &["13800138001"]);
}

#[test]
fn other_numbers_are_not() {
    for text in [
        "2026-11-23 09:10",
        "2026.11.23",
        "0.4.2 (2017-11-03)",
        "commit f01488236a8e944",
        "一共12345670元",
        "1,000,000 people",
        "3.14159265",
        "66666666",
        "12345678",
        "三三两两，七七八八",
        "hello lollipop ooo lilo",
        "一心一意 三心二意",
        "room 1203, floor 12",
        "1000000 views",
        "已经 15000000 了",
        "1100-1500 each",
        "预算 3000~4500 左右",
        "from 2019-2026",
        "",
    ] {
        check(text, &[]);
    }
    check(&"1".repeat(40), &[]);
    check(&"1350".repeat(40), &[]);
}
