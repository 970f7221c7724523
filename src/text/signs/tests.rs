use crate::text::View;

#[track_caller]
fn check(text: &str, tight: bool) {
    let mut view = View::default();
    view.push(0, text, false);
    assert_eq!(view.signs().call_for_tight(), tight, "{text:?} {:?}", view.signs());
}

#[test]
fn evasion_calls_for_the_tight_view() {
    for text in [
        "sсum",
        "ꜱᴄᴜᴍ",
        "teIegram",
        "sh1t",
        "$cum",
        "a$$",
        "s c u m",
        "s.c.u.m",
        "s_cum",
        "sc*m",
        "s**m",
        "scuuum",
        "加 微 信",
        "加*微信",
        "微❤信",
        "微微微信",
        "加v信",
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
        view.signs()
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
