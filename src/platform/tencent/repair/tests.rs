use super::*;

use proptest::prelude::*;
use serde_json::{Value, json};

fn repaired(body: &[u8]) -> Value {
    let Repaired { text, .. } = repair(body);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn check(body: &str, expected: &Value) {
    assert_eq!(repaired(body.as_bytes()), *expected, "{body}");
}

#[test]
fn odd_bodies_become_what_they_most_likely_meant() {
    check("{}", &json!({}));
    check(r#"{"a":1,}"#, &json!({"a": 1}));
    check(r#"{"a":[1,2,],}"#, &json!({"a": [1, 2]}));
    check(r#"{"a":"b"#, &json!({"a": "b"}));
    check(r#"{"a":{"b":["c"#, &json!({"a": {"b": ["c"]}}));
    check(r#"{"a"}"#, &json!({"": "a"}));
    check(r#"{"a":}"#, &json!({"a": null}));
    check(r#"{"a":,"b":2}"#, &json!({"a": null, "b": 2}));
    check(r#"{"a" "b"}"#, &json!({"": "b"}));
    check(r"{a:b,c:'d'}", &json!({"a": "b", "c": "'d'"}));
    check(
        r#"{"a":NaN,"b":1e400,"c":-1e999,"d":01,"e":138-0013}"#,
        &json!({"a": "NaN", "b": 0, "c": 0, "d": "01", "e": "138-0013"}),
    );
    check(r#"{"a":[1}"#, &json!({"a": [1]}));
    check(r#"{"a":{"b":1]}"#, &json!({"a": {"b": 1}}));
    check(r#"{"a":[{"b":"c"],"d":1}"#, &json!({"a": [{"b": "c"}], "d": 1}));
    check(r#"{"a":1}}}]"#, &json!({"a": 1}));
    check(r#"{"a":1}{"b":2}"#, &json!({"a": 1, "b": 2}));
    check(r#"{"a":1} tail "more""#, &json!({"a": 1, "": "more"}));
    check(r"{[1]}", &json!({"": [1]}));
    check("{\"a\":\"b\u{0}\n\u{1}c\"}", &json!({"a": "b\0\n\u{1}c"}));
    check("{\"a\":\u{0}}", &json!({"a": "\0"}));
}

#[test]
fn a_guess_is_told_from_a_plain_repair() {
    for (body, guessed) in [
        (r#"{"a":["\ud800",1e400,{"b":"\x"}],}"#, false),
        ("{\"a\":\"\u{0}\" }\n", false),
        (r#"{"a":"b"#, true),
        (r#"{"a":"b""#, true),
        (r#"{"a":"x"y"}"#, true),
        (r#"{"a":[1}}"#, true),
        (r#"{"a":1]}"#, true),
        (r#"{"a":}"#, true),
        (r#"{"a"}"#, true),
        (r#"{"a":1}{"b":2}"#, true),
        (r#"{"a":1},"b":2"#, true),
        (r#"{"a":NaN}"#, true),
    ] {
        assert_eq!(repair(body.as_bytes()).guessed, guessed, "{body}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    assert!(!repair(deep.as_bytes()).guessed);
}

#[test]
fn escapes_are_put_right() {
    check(r#"{"a":"\ud800"}"#, &json!({"a": "\u{FFFD}"}));
    check(r#"{"a":"\udc00x"}"#, &json!({"a": "\u{FFFD}x"}));
    check(r#"{"a":"\ud83d\ude00"}"#, &json!({"a": "😀"}));
    check(r#"{"a":"\ud83d\u0041"}"#, &json!({"a": "\u{FFFD}A"}));
    check(r#"{"a":"\ud83d\ud83d\ude00"}"#, &json!({"a": "\u{FFFD}😀"}));
    check(r#"{"a":"\x\u12"}"#, &json!({"a": "\\x\\u12"}));
    check(r#"{"a":"\u+041\u00e9"}"#, &json!({"a": "\\u+041é"}));
    check(r#"{"a":"\u0000\u0022\u005c\/\b\n"}"#, &json!({"a": "\0\"\\/\u{8}\n"}));
    check(r#"{"\u0061":"\\"}"#, &json!({"a": "\\"}));
    check(r#"{"a":"b\"#, &json!({"a": "b\\"}));
    check(r#"{"a":"b\\"}"#, &json!({"a": "b\\"}));
}

#[test]
fn bytes_that_are_not_utf_8_become_replacement_characters() {
    assert_eq!(repaired(b"{\"a\":\"\xFFb\xE5\xBE\"}"), json!({"a": "\u{FFFD}b\u{FFFD}"}));
}

#[test]
fn deep_nesting_is_laid_out_flat() {
    for open in ["[", "{\"k\":"] {
        let close = if open == "[" { "]" } else { "}" };
        let body = format!("{{\"a\":{}\"x\"{},\"b\":\"y\"}}", open.repeat(300), close.repeat(300));
        let value = repaired(body.as_bytes());
        assert_eq!(value["b"], "y", "{open}");
        assert!(strings(&value).contains(&"x".to_owned()), "{open}");
    }
}

/// Every string value of `value`.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(entries) => entries.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("\\PC{0,6}", any_json(), 0..6)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

proptest! {
    #[test]
    fn any_bytes_become_an_object(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(repaired(&bytes).is_object());
    }

    #[test]
    fn any_jumble_of_json_becomes_an_object(
        jumble in "([{}\\[\\],:\" ]|\\\\|\\\\u|d83d|\"a\"|1|1e999|true|nul){0,60}",
    ) {
        prop_assert!(repaired(jumble.as_bytes()).is_object());
    }

    #[test]
    fn json_keeps_its_meaning(value in any_object(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&value)
        } else {
            serde_json::to_string(&value)
        };
        let text = text.unwrap();
        prop_assert!(!repair(text.as_bytes()).guessed);
        // What the parser makes of it: it does not read every number back to the last digit.
        let value: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(repaired(text.as_bytes()), value);
    }

    #[test]
    fn the_text_before_a_cut_survives(value in any_object(), cut in any::<prop::sample::Index>()) {
        let whole = json!({"planted": "needle", "rest": value}).to_string();
        let start = whole.find("needle").unwrap() + "needle".len();
        let cut = start + cut.index(whole.len() - start);
        let found = strings(&repaired(&whole.as_bytes()[..cut]));
        prop_assert!(found.iter().any(|text| text.starts_with("needle")), "{:?}", found);
    }
}
