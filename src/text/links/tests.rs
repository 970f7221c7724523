use super::*;
use crate::text::Suspects;

#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let mut view = View::default();
    view.push(0, text, false);
    let links = links(&view);
    let found: Vec<(&str, &str)> = links
        .iter()
        .map(|link| {
            let span = view.spans(link.range.clone()).next().unwrap();
            (link.host.as_str(), text.get(span.range).unwrap())
        })
        .collect();
    assert_eq!(found, expected, "{text:?}");
    assert!(expected.is_empty() || view.signs(&Suspects::default()).call_for_links(), "{text:?}");
}

#[test]
fn plain_links() {
    check("see Example.COM now", &[("example.com", "Example.COM")]);
    check("看shop.example.cn吧", &[("shop.example.cn", "shop.example.cn")]);
    check("http://a.b/c?d=1 x", &[("a.b", "http://a.b/c?d=1")]);
    check("https://1.2.3.4:80/x", &[("1.2.3.4", "https://1.2.3.4:80/x")]);
    check("xn--fiq228c.com!", &[("xn--fiq228c.com", "xn--fiq228c.com")]);
    check("a.xn--p1ai", &[("a.xn--p1ai", "a.xn--p1ai")]);
    check("x.me/abc 和 b.com", &[("x.me", "x.me/abc"), ("b.com", "b.com")]);
    check("www.x.me", &[("www.x.me", "www.x.me")]);
    check("example.com。ok", &[("example.com", "example.com")]);
    check("http://good.com@evil.com/", &[("evil.com", "evil.com/")]);
}

#[test]
fn disguised_links() {
    check("ｅｘａｍｐｌｅ．ｃｏｍ", &[("example.com", "ｅｘａｍｐｌｅ．ｃｏｍ")]);
    check("example。com", &[("example.com", "example。com")]);
    check("example｡com", &[("example.com", "example｡com")]);
    check("example(dot)top", &[("example.top", "example(dot)top")]);
    check("example [.] com", &[("example.com", "example [.] com")]);
    check("example[.]com/x", &[("example.com", "example[.]com/x")]);
    check("example dot com", &[("example.com", "example dot com")]);
    check("example. com", &[("example.com", "example. com")]);
    check("example . com", &[("example.com", "example . com")]);
    check("example点com", &[("example.com", "example点com")]);
    check("hxxps://example.zip/", &[("example.zip", "hxxps://example.zip/")]);
    check("exa\u{200b}mple.c\u{200b}om", &[("example.com", "exa\u{200b}mple.c\u{200b}om")]);
    check("ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ", &[("example.com", "ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ")]);
}

#[test]
fn a_host_after_a_scheme_is_taken_whole() {
    // Only the last label decides whose host it is.
    check(
        "hxxp://example.com.spam.test/login",
        &[("example.com.spam.test", "hxxp://example.com.spam.test/login")],
    );
    check("https://example.com。ok", &[("example.com", "https://example.com")]);
    check("spam-shop (dot) com", &[("spam-shop.com", "spam-shop (dot) com")]);
}

#[test]
fn ordinary_text_has_none() {
    for text in [
        "i like it. me too",
        "ok.so what",
        "see you. at noon",
        "is he at home. in bed",
        "3.14 and 1.2.3",
        "mail me at name@example.com please",
        "report.doc and main.rs",
        "三点 二十点 3点到",
        "今天。好",
        "wait...what",
        "go there. shop now",
        "a dot matrix",
        "",
    ] {
        check(text, &[]);
    }
}

#[test]
fn a_domain_covers_its_subdomains() {
    let all: Vec<&str> = domains("a.b.example.com").collect();
    assert_eq!(all, ["a.b.example.com", "b.example.com", "example.com", "com"]);
    assert_eq!(domains("").count(), 0);
}
