mod bombs;

use std::net::{IpAddr, Ipv4Addr};

use super::breaker::Breaker;
use super::input::ListHits;
use super::*;
use crate::message::{
    Client, Conversation, ConversationKind, Document, Field, Kind, KindSet, Message,
};
use crate::rulebook::Facts;

fn engine() -> Engine {
    Engine::new(Limits::default(), || 0)
}

fn field<'a>(element: Option<u32>, kind: Kind, path: &'a str, text: &'a str) -> Field<'a> {
    Field {
        element,
        ordinal: 0,
        kinds: KindSet::of(kind),
        path: path.into(),
        text: text.into(),
        joined: false,
    }
}

fn message() -> Message<'static> {
    Message {
        sender: "lan".into(),
        operator: "admin".into(),
        conversation: Conversation {
            kind: ConversationKind::Group,
            id: "room-7".into(),
            group_type: "Live".into(),
        },
        client: Client {
            platform: "iOS".into(),
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        },
        elements: vec![Kind::Text, Kind::Custom],
        kinds: [Kind::Text, Kind::Custom, Kind::CloudCustomData].into_iter().collect(),
        fields: vec![
            field(Some(0), Kind::Text, "Text", "加我 vx 12"),
            field(Some(1), Kind::Custom, "Data.note", "gift"),
            field(None, Kind::CloudCustomData, "CloudCustomData", "tag"),
        ],
        documents: vec![
            Document {
                element: Some(1),
                name: "Data".into(),
                text: r#"{"price": 30, "rate": 0.5, "to": ["a", "b"], "none": null}"#.into(),
            },
            Document { element: None, name: "CloudCustomData".into(), text: r#"{"v":1}"#.into() },
        ],
    }
}

fn run_body(body: &str) -> Result<Outcome, ScriptFault> {
    let engine = engine();
    let source = format!("fn judge(message, facts) {{ {body} }}");
    let script = engine.compile(&source, None).unwrap_or_else(|e| panic!("{body}: {e:?}"));
    let message = message();
    let numbers = [("sent_60s".to_owned(), 25), ("days".to_owned(), 3)].into();
    let facts = Facts { numbers };
    let mut input = Input::new(&message, &facts);
    input.hits = &[ListHits { list: "ads", texts: &["vx", "加我"] }];
    input.patterns = &["wechat-id"];
    let links = ["https://example.com/a".into()];
    input.links = &links;
    engine.run(&script, &input, &mut Budget::timeless())
}

#[track_caller]
fn check_fires(body: &str) {
    let decision = run_body(body).map(|outcome| outcome.decision);
    assert_eq!(decision, Ok(Decision::Fired(true)), "{body}");
}

#[test]
fn a_script_sees_the_message() {
    for body in [
        r#"message.sender == "lan" && message.operator == "admin""#,
        r#"message.group == "room-7" && message.group_type == "Live" && message.receiver == """#,
        r#"message.conversation == "group" && message.platform == "iOS""#,
        r#"message.address == "192.0.2.7""#,
        r#"message.kinds == ["TIMTextElem", "TIMCustomElem", "CloudCustomData"]"#,
        r#"message.text == "加我 vx 12\ngift\ntag" && message.len == 15 && !message.truncated"#,
        r#"message.fields.len == 3 && message.fields[0].name == "MsgBody[0].Text""#,
        r#"message.fields[1].kind == "TIMCustomElem" && message.fields[2].kind == "CloudCustomData""#,
        r#"message.fields.some(|f| f.kind == "TIMTextElem" && f.text.contains("vx"))"#,
        r#"message.custom.price == 30 && message.custom.rate == 0.5 && message.custom.to[1] == "b""#,
        r"message.custom.none == () && message.custom.other == () && message.cloud_custom.v == 1",
        r#"message["sender"] == "lan""#,
        r#"let m = message; m.get("sender") == "lan""#,
    ] {
        check_fires(body);
    }
}

#[test]
fn a_script_sees_facts_and_what_was_found() {
    for body in [
        "facts.sent_60s > 20 && facts.days == 3 && facts.other == ()",
        "let name = \"days\"; facts[name] == 3",
        r#"hits("ads") == ["vx", "加我"] && hits_count("ads") == 2"#,
        r#"hits("none-such") == [] && hits_count("none-such") == 0"#,
        r#"let list = "a" + "ds"; hits_count(list) == 2"#,
        r#"matched("wechat-id") && !matched("other")"#,
        r#"links().len == 1 && links()[0].starts_with("https://")"#,
        r#"scripts(message.text) == ["Han", "Latin"] && scripts("12 !") == []"#,
        r#"scripts("ΑΒ Жя ひ カ 한 ไทย ابت") ==
            ["Arabic", "Cyrillic", "Greek", "Hangul", "Hiragana", "Katakana", "Thai"]"#,
    ] {
        check_fires(body);
    }
}

#[test]
fn the_vocabulary_works() {
    for body in [
        r#"" A b ".trim().to_upper() == "A B" && "ÀB".to_lower() == "àb""#,
        r#""a,b".split(",") == ["a", "b"] && "aXbX".replace("X", "-") == "a-b-""#,
        r#""b" in "abc" && 2 in [1, 2] && "k" in #{ k: 1 } && "abcab".count("ab") == 2"#,
        r#""n" + 1 == "n1" && 1 + "n" == "1n" && `${1}+${"x"}` == "1+x""#,
        r"[3, 1, 2].sum() == 6 && [1, 2, 3].filter(|x| x > 1).map(|x| x * 2) == [4, 6]",
        r"[1, 2, 3].reduce(|sum, x| sum + x, 0) == 6 && [1, 2].all(|x| x > 0)",
        r#"let m = #{}; m.set("a", 1); m.set("b", 2); m.keys() == ["a", "b"] && m.values() == [1, 2]"#,
        r"let a = [3, 1, 2]; a.sort(); a.set(0, 9); set(a, 1, 8); a == [9, 8, 3]",
        r"let n = 0; for x in range(0, 10, 2) { n += x; } n == 20",
        r"let n = 0; for c in message.text { n += 1; } n == message.text.len",
        r"min(1, 2) == 1 && max(1, 2) == 2 && abs(-3) == 3 && (7.9).to_int() == 7",
        r#"switch message.group_type { "Live" | "AVChatRoom" => true, _ => false }"#,
    ] {
        check_fires(body);
    }
}

#[test]
fn answers() {
    let verdict =
        |verdict, list: Option<&str>| Decision::Verdict { verdict, list: list.map(Arc::from) };
    for (body, decision, reason) in [
        ("true", Decision::Fired(true), None),
        ("false", Decision::Fired(false), None),
        ("if message.len > 1_000 { return true; }", Decision::Fired(false), None),
        ("deny()", verdict(Verdict::Deny, None), None),
        (r#"deny("too loud")"#, verdict(Verdict::Deny, None), Some("too loud")),
        (r#"return discard("spam");"#, verdict(Verdict::Discard, None), Some("spam")),
        (r#"allow("known")"#, verdict(Verdict::Allow, None), Some("known")),
        (r#"mask("ads")"#, verdict(Verdict::Mask, Some("ads")), None),
        (r#"mask("ads", "why")"#, verdict(Verdict::Mask, Some("ads")), Some("why")),
        ("score(-3)", Decision::Score(-3), None),
        (r#"score(5, "caps")"#, Decision::Score(5), Some("caps")),
    ] {
        let outcome = run_body(body).unwrap();
        assert_eq!(outcome.decision, decision, "{body}");
        assert_eq!(outcome.reason.as_deref(), reason, "{body}");
        let by_call = !matches!(decision, Decision::Fired(_));
        assert_eq!(outcome.line, by_call.then_some(1), "{body}");
    }
    for (body, kind) in [("1", "a whole number"), ("\"x\"", "a text"), ("[1]", "an array")] {
        assert_eq!(run_body(body), Err(ScriptFault::WrongResult(kind)), "{body}");
    }
    assert_eq!(run_body("#{ a: 1 }"), Err(ScriptFault::WrongResult("a map")));
}

#[test]
fn reasons_are_cut_between_characters() {
    let outcome = run_body(r#"let s = "啊"; for i in 0..8 { s += s; } deny(s)"#).unwrap();
    let reason = outcome.reason.unwrap();
    assert!(reason.len() <= 200 && reason.chars().all(|c| c == '啊'), "{reason}");
}

#[test]
fn faults_say_where_and_quote_no_values() {
    let fault = run_body("let n = message.text;\n n.frob").unwrap_err();
    assert!(matches!(&fault, ScriptFault::Runtime { line: Some(2), .. }), "{fault:?}");
    for body in [
        "throw message.text",
        "message.text - 1",
        "let n = message.text; n[100]",
        "let m = #{}; m.a.b.c",
        "message.text.sort()",
        "parse_int(message.text) + 1",
    ] {
        let shown =
            run_body(body).map_or_else(|fault| format!("{fault} {fault:?}"), |_| String::new());
        assert!(!shown.contains("vx") && !shown.contains("lan"), "{body}: {shown}");
    }
}

#[track_caller]
fn check_refused(source: &str, expected: &[(&str, usize, usize)]) -> Vec<ScriptError> {
    let errors = engine().compile(source, None).expect_err(source);
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.message.as_str(), error.place.line, error.place.column))
        .collect();
    assert_eq!(found, expected, "{source}");
    errors
}

#[test]
fn mistakes_are_found_at_their_place() {
    check_refused(
        "fn judge(message) { true }",
        &[("`fn judge` has 1 parameters, it needs two", 1, 1)],
    );
    check_refused("// 规则\nfn jugde(m, f) { true }", &[("there is no `fn judge`", 1, 1)]);
    let errors = check_refused(
        "fn judge(message, facts) {\n  /* 啊 */ mesage.text\n}",
        &[("there is no variable `mesage`", 2, 11)],
    );
    assert_eq!(errors[0].place.offset, 27 + 12);
    let errors = check_refused(
        "fn judge(message, facts) {\n  message.txt == \"a\" ||\n  hit_count(\"ads\") > 1\n}",
        &[("`message` has no `txt`", 2, 11), ("there is no function `hit_count`", 3, 3)],
    );
    assert_eq!(errors[0].help.as_deref(), Some("did you mean `text`?"));
    assert_eq!(errors[1].help.as_deref(), Some("did you mean `hits_count`?"));
    check_refused(
        "fn judge(message, facts) { mask(message.text) }",
        &[("`mask` needs the name of a list, written out", 1, 28)],
    );
    check_refused(
        "fn judge(message, facts) {\n  if true {\n    1 +\n  }\n}",
        &[("unexpected '}'", 4, 3)],
    );
    check_refused(
        "fn len(x) { 1 }\nfn judge(message, facts) { true }",
        &[("`len` is the name of a built-in function", 1, 1)],
    );
}

#[test]
fn a_script_that_is_too_long_is_refused() {
    let source = format!("fn judge(message, facts) {{ true }}{}", " ".repeat(32 << 10));
    let errors = engine().compile(&source, None).unwrap_err();
    assert_eq!(errors[0].message, "the script is 32801 bytes long, 32768 are allowed");
}

#[test]
fn what_is_named_is_known() {
    let source = r#"fn judge(message, facts) {
        hits_count("ads") + hits("spam").len > facts.limit || hits_count("ads") > 0
            || matched("wechat") || links().len > 0
    }"#;
    let script = engine().compile(source, None).unwrap();
    let names = |named: &[(String, Place)]| -> Vec<(String, usize)> {
        named.iter().map(|(name, place)| (name.clone(), place.line)).collect()
    };
    assert_eq!(names(script.lists_named()), [("ads".into(), 2), ("spam".into(), 2)]);
    assert_eq!(names(script.patterns_named()), [("wechat".into(), 3)]);
    assert_eq!(names(script.facts_named()), [("limit".into(), 2)]);
    assert!(script.needs_links() && !script.names_lists_freely());
    let place = script.lists_named()[0].1;
    assert!(source.get(place.offset..).unwrap().starts_with("\"ads\""));
}

#[test]
fn lib_functions_are_shared() {
    let engine = engine();
    let lib = engine.compile_lib("fn is_live(m) { m.group_type == \"Live\" }").unwrap();
    let script =
        engine.compile("fn judge(message, facts) { is_live(message) }", Some(&lib)).unwrap();
    let (message, facts) = (message(), Facts::default());
    let input = Input::new(&message, &facts);
    let outcome = engine.run(&script, &input, &mut Budget::timeless()).unwrap();
    assert_eq!(outcome.decision, Decision::Fired(true));
    let own = "fn is_live(m) { true } fn judge(message, facts) { true }";
    let errors = engine.compile(own, Some(&lib)).unwrap_err();
    assert_eq!(errors[0].message, "`is_live` is a function of `lib.rhai` already");
}

#[test]
fn long_messages_are_shown_in_part() {
    let limits = Limits::default();
    let engine = engine();
    let text = "长".repeat(100_000);
    let many: Vec<_> = (0..1_000).map(|n| format!(r#""k{n}": "{n}""#)).collect();
    let nested = format!("{}1{}", "[".repeat(20), "]".repeat(20));
    let json = format!(r#"{{"a": {nested}, {}}}"#, many.join(", "));
    let mut message = message();
    message.fields = (0..500).map(|_| field(Some(0), Kind::Text, "Text", &text)).collect();
    message.documents[0].text = json.as_str().into();
    message.documents[1].text = json.as_str().into();
    let facts = Facts::default();
    let ids = "x".repeat(1_000);
    message.sender = ids.as_str().into();
    message.operator = ids.as_str().into();
    message.conversation.id = ids.as_str().into();
    message.conversation.group_type = ids.as_str().into();
    message.client.platform = ids.as_str().into();
    message.kinds = KindSet::ALL;
    // A native function looks at the size of the whole of what it is called on.
    let source = r#"fn judge(message, facts) {
        message.keys() == ["address", "cloud_custom", "conversation", "custom", "fields", "group",
            "group_type", "kinds", "len", "operator", "platform", "receiver", "sender", "text",
            "truncated"]
        && message.truncated && message.text.len == 2730 && message.fields.len == 32
        && message.len == 50_000_000 && message.sender.len == 128 && message.custom.a.len == 1 }"#;
    let script = engine.compile(source, None).unwrap();
    let input = Input::new(&message, &facts);
    let outcome = engine.run(&script, &input, &mut Budget::timeless());
    assert_eq!(outcome.map(|o| o.decision), Ok(Decision::Fired(true)));
    assert!(limits.memory_bytes() <= 16 << 20, "{}", limits.memory_bytes());
}

#[test]
fn time_runs_out_per_script_and_per_message() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NOW: AtomicU64 = AtomicU64::new(0);
    // Every look at the clock takes a millisecond.
    let engine = Engine::new(Limits::default(), || NOW.fetch_add(1_000_000, Ordering::Relaxed));
    let compile =
        |body| engine.compile(&format!("fn judge(message, facts) {{ {body} }}"), None).unwrap();
    let (endless, quick) = (compile("loop { }"), compile("true"));
    let (message, facts) = (message(), Facts::default());
    let input = Input::new(&message, &facts);
    let mut budget = Budget::new(engine.limits());
    for _ in 0..3 {
        assert_eq!(engine.run(&endless, &input, &mut budget), Err(ScriptFault::WallClock));
    }
    assert_eq!(engine.run(&quick, &input, &mut budget), Err(ScriptFault::WallClock));
    assert!(engine.run(&quick, &input, &mut Budget::new(engine.limits())).is_ok());
    let counted = engine.run(&endless, &input, &mut Budget::timeless());
    assert_eq!(counted, Err(ScriptFault::Operations));
}

#[test]
fn same_input_same_answer() {
    let body = r#"let m = #{ z: 1, a: 2, k: 3 }; let s = "";
        for k in m.keys() { s += k; } deny(s + message.custom.keys().len)"#;
    let first = run_body(body).unwrap();
    assert_eq!(first.reason.as_deref(), Some("akz4"));
    for _ in 0..20 {
        assert_eq!(run_body(body).unwrap(), first);
    }
}

#[test]
fn nothing_of_a_message_stays_behind() {
    run_body(r#"hits_count("ads") == 2"#).unwrap();
    assert!(vocabulary::host_is_empty());
}

#[test]
fn threads_can_share_them() {
    fn shared<T: Send + Sync>() {}
    shared::<Engine>();
    shared::<Script>();
    shared::<Lib>();
    shared::<Breaker>();
}

/// Whoever sends a message must not be able to make a sound script fail by what is in it.
#[test]
fn a_message_full_of_hits_fits() {
    let engine = engine();
    let source = "fn judge(message, facts) {
        let all = [hits(\"a\"), hits(\"b\"), hits(\"c\"), links(), message.text, message.custom];
        all.len == 6 && hits_count(\"a\") == 5_000 && hits(\"a\").len == 64 && text(message) }
        fn text(m) { `${m.text}!`.to_lower().replace(\"x\", \"\").split(\" \").len > 1 }";
    let script = engine.compile(source, None).unwrap();
    let long = "word ".repeat(40_000);
    let mut message = message();
    message.fields = vec![field(Some(0), Kind::Text, "Text", &long)];
    let facts = Facts::default();
    let texts: Vec<_> = (0..5_000).map(|_| "word").collect();
    let hits = ["a", "b", "c"].map(|list| ListHits { list, texts: &texts });
    let links: Vec<_> = (0..5_000).map(|_| long.as_str().into()).collect();
    let mut input = Input::new(&message, &facts);
    (input.hits, input.links) = (&hits, &links);
    let outcome = engine.run(&script, &input, &mut Budget::timeless());
    assert_eq!(outcome.map(|o| o.decision), Ok(Decision::Fired(true)));
}

#[test]
fn a_panic_is_a_fault() {
    let mut engine = engine();
    engine.inner.register_fn("floor", |_: bool| -> i64 { panic!("on purpose") });
    let script = engine.compile("fn judge(message, facts) { floor(true) }", None).unwrap();
    let (message, facts) = (message(), Facts::default());
    let input = Input::new(&message, &facts);
    let result = engine.run(&script, &input, &mut Budget::timeless());
    assert_eq!(result, Err(ScriptFault::Panicked));
}
