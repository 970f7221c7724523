use super::*;
use crate::message::Message;
use crate::platform::tencent::{Command, messages};

fn with(body: &str, settings: &Settings, mut f: impl FnMut(&Message<'_>)) -> bool {
    let command = Command::from_name("Group.CallbackBeforeSendMsg");
    let mut calls = 0;
    let repaired = messages(Some(command), body.as_bytes(), settings, &mut |message| {
        calls += 1;
        f(message);
    });
    assert_eq!(calls, 1);
    repaired.unwrap()
}

/// Each field as `name kinds… [+]= text`, `+` for joined.
fn shown(message: &Message<'_>) -> Vec<String> {
    message
        .fields
        .iter()
        .map(|field| {
            let kinds: Vec<_> = Kind::ALL
                .iter()
                .filter(|(kind, _)| field.kinds.meets(KindSet::of(*kind)))
                .map(|(_, name)| name.trim_start_matches("TIM"))
                .collect();
            let joined = if field.joined { "+" } else { "" };
            format!("{} {} {joined}= {}", field.name(), kinds.join(" "), field.text)
        })
        .collect()
}

#[track_caller]
fn check(body: &str, expected: &[&str]) {
    let body = format!(r#"{{"MsgBody":{body}}}"#);
    let repaired =
        with(&body, &Settings::default(), |message| assert_eq!(shown(message), expected, "{body}"));
    assert!(!repaired, "{body}");
}

fn text(text: &str) -> String {
    format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{text}"}}}}"#)
}

#[test]
fn texts_in_a_row_are_joined_even_over_faces() {
    let face = r#"{"MsgType":"TIMFaceElem","MsgContent":{"Index":1,"Data":"tt"}}"#;
    let place = r#"{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"here"}}"#;
    check(
        &format!("[{},{face},{},{},{place},{}]", text("a"), text("b"), text("c"), text("d")),
        &[
            "MsgBody[0].Text TextElem = a",
            "MsgBody[2].Text TextElem += b",
            "MsgBody[3].Text TextElem += c",
            "MsgBody[1].Data FaceElem = tt",
            "MsgBody[4].Desc LocationElem = here",
            "MsgBody[5].Text TextElem = d",
        ],
    );
}

#[test]
fn an_empty_text_does_not_break_the_row() {
    check(
        &format!("[{},{},{}]", text("a"), text(""), text("b")),
        &["MsgBody[0].Text TextElem = a", "MsgBody[2].Text TextElem += b"],
    );
}

#[test]
fn the_type_may_come_after_the_content() {
    check(
        r#"[{"MsgContent":{"UUID":"u","FileName":"f"},"MsgType":"TIMFileElem"}]"#,
        &["MsgBody[0].FileName FileElem = f"],
    );
}

#[test]
fn every_string_of_an_unknown_type_is_a_field() {
    check(
        r#"[{"MsgContent":{"UUID":"u","x":{"y":["z",1,null,true,2.5]}},"MsgType":"TIMNewElem"},
            {"MsgContent":{"Sound":"s"}}, "bare", 5, null, []]"#,
        &[
            "MsgBody[0].UUID Unknown = u",
            "MsgBody[0].x.y[0] Unknown = z",
            "MsgBody[1].Sound Unknown = s",
            "MsgBody[2].value Unknown = bare",
        ],
    );
}

#[test]
fn wrong_types_are_borne() {
    check("{}", &[]);
    check("null", &[]);
    check("7", &[]);
    check(r#""text""#, &["MsgBody[0].value Unknown = text"]);
    check(r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":123}}]"#, &[]);
    check(r#"[{"MsgType":"TIMTextElem","MsgContent":null}]"#, &[]);
    check(r#"[{"MsgType":"TIMTextElem"}]"#, &[]);
    check(
        r#"[{"MsgType":"TIMTextElem","MsgContent":"t"}]"#,
        &["MsgBody[0].MsgContent TextElem = t"],
    );
    check(
        r#"[{"MsgType":["x"],"MsgContent":{"Text":{"Text":["t"]}}}]"#,
        &["MsgBody[0].MsgType[0] Unknown = x", "MsgBody[0].Text.Text[0] Unknown = t"],
    );
    check(
        r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"t"}}"#,
        &["MsgBody[0].Text TextElem = t"],
    );
}

#[test]
fn repeated_keys_are_all_judged() {
    check(
        r#"[{"MsgType":"TIMTextElem","MsgType":"TIMFaceElem",
             "MsgContent":{"Text":"a","Text":"b"},"MsgContent":{"Te\u0078t":"c"}}]"#,
        &[
            "MsgBody[0].Text TextElem FaceElem = a",
            "MsgBody[0].Text TextElem FaceElem = b",
            "MsgBody[0].Text TextElem FaceElem = c",
        ],
    );
}

#[test]
fn a_type_given_twice_hides_nothing() {
    check(
        r#"[{"MsgType":"TIMFileElem","MsgContent":{"UUID":"u"},"MsgType":"Odd"}]"#,
        &["MsgBody[0].UUID FileElem Unknown = u"],
    );
}

#[test]
fn json_in_strings_is_taken_apart() {
    let inner = r#"{"k":"v","deep":"{\"x\":[\"y\",\"{\"]}","n":1,"UUID":"u"}"#;
    let data = serde_json::to_string(inner).unwrap();
    let body = format!(
        r#"[{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":{data},"Desc":" [1, \"d\"] ",
            "Ext":"{{broken","Sound":"ding"}}}}]"#
    );
    check(
        &body,
        &[
            "MsgBody[0].Data.k CustomElem = v",
            "MsgBody[0].Data.deep.x[0] CustomElem = y",
            "MsgBody[0].Data.deep.x[1] CustomElem = {",
            "MsgBody[0].Data.UUID CustomElem = u",
            "MsgBody[0].Desc[1] CustomElem = d",
            "MsgBody[0].Ext CustomElem = {broken",
        ],
    );
    with(&format!(r#"{{"MsgBody":{body}}}"#), &Settings::default(), |message| {
        let documents: Vec<_> =
            message.documents.iter().map(|d| (d.element, &*d.name, &*d.text)).collect();
        assert_eq!(documents, [(Some(0), "Data", inner), (Some(0), "Desc", " [1, \"d\"] ")]);
    });
}

#[test]
fn json_without_a_string_is_judged_as_it_stands() {
    check(
        r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"{\"加微信\":1}","Desc":"[12]"}}]"#,
        &[r#"MsgBody[0].Data CustomElem = {"加微信":1}"#, "MsgBody[0].Desc CustomElem = [12]"],
    );
}

#[test]
fn keys_that_people_may_have_written_are_judged() {
    check(
        r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"{\"加微信\":{\"a b\":\"c\"},\"n-1\":2}"}}]"#,
        &[
            "MsgBody[0].Desc (key) LocationElem = 加微信",
            "MsgBody[0].Desc.加微信 (key) LocationElem = a b",
            "MsgBody[0].Desc.加微信.a b LocationElem = c",
        ],
    );
}

#[test]
fn escapes_in_what_is_nearly_json_hide_nothing() {
    check(
        r#"[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"{\"a\":\"\\u5fae\\ud800\"}","Ext":"[\"x\",]"}}]"#,
        &[
            "MsgBody[0].Data.a CustomElem = 微\u{FFFD}",
            r#"MsgBody[0].Data CustomElem = {"a":"\u5fae\ud800"}"#,
            r#"MsgBody[0].Ext CustomElem = ["x",]"#,
        ],
    );
}

#[test]
fn json_in_text_is_text() {
    check(
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"{\"加微信\":\"x\"}"}}]"#,
        &[r#"MsgBody[0].Text TextElem = {"加微信":"x"}"#],
    );
}

#[test]
fn json_deeper_than_allowed_is_judged_as_it_stands() {
    let data = (0..3).fold(r#"{"a":"bad"}"#.to_owned(), |inner, _| {
        format!(r#"{{"a":{}}}"#, serde_json::to_string(&inner).unwrap())
    });
    let data = serde_json::to_string(&data).unwrap();
    let body =
        format!(r#"{{"MsgBody":[{{"MsgType":"TIMCustomElem","MsgContent":{{"Data":{data}}}}}]}}"#);
    for (depth_max, expected) in [(4, "bad"), (3, r#"{"a":"bad"}"#)] {
        let settings = Settings { depth_max, ..Settings::default() };
        with(&body, &settings, |message| {
            let texts: Vec<_> = message.fields.iter().map(|field| &*field.text).collect();
            assert_eq!(texts, [expected]);
        });
    }
}

#[test]
fn merged_messages_carry_both_kinds() {
    check(
        r#"[{"MsgContent":{"Title":"t","MsgList":[{"From_Account":"ann","MsgBody":[
            {"MsgType":"TIMTextElem","MsgContent":{"Text":"a"}},
            {"MsgType":"TIMTextElem","MsgContent":{"Text":"b"}},
            {"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":[
                {"MsgContent":{"Data":"[\"d\"]"},"MsgType":"TIMCustomElem"}]}]}}],
            "CloudCustomData":"c"}]},"MsgType":"TIMRelayElem"}]"#,
        &[
            "MsgBody[0].Title RelayElem = t",
            "MsgBody[0].MsgList[0].MsgBody[0].Text TextElem RelayElem = a",
            "MsgBody[0].MsgList[0].MsgBody[1].Text TextElem RelayElem += b",
            "MsgBody[0].MsgList[0].MsgBody[2].MsgList[0].MsgBody[0].Data[0] CustomElem RelayElem = d",
            "MsgBody[0].MsgList[0].CloudCustomData RelayElem CloudCustomData = c",
        ],
    );
}

#[test]
fn what_exceeds_the_fields_is_judged_as_one() {
    let settings = Settings { fields_max: 2, ..Settings::default() };
    let custom = r#"{"MsgType":"TIMCustomElem","MsgContent":{"Data":"e","Desc":"f"}}"#;
    let texts: Vec<_> = ["a", "b", "c", "d"].into_iter().map(text).collect();
    let body = format!(r#"{{"MsgBody":[{},{custom}]}}"#, texts.join(","));
    with(&body, &settings, |message| {
        let texts: Vec<_> = message.fields.iter().map(|field| &*field.text).collect();
        assert_eq!(texts, ["a", "b", "cd\ne\nf"]);
        let last = message.fields.last().unwrap();
        assert_eq!((last.ordinal, last.kinds), (REST, KindSet::ALL));
        assert_eq!((message.elements.len(), message.kinds), (5, KindSet::ALL));
    });
}

#[test]
fn paths_stay_short() {
    let key = "键".repeat(1000);
    let inner = format!(r#"{{"{key}":[[["x","y"]]]}}"#);
    let body = (0..40).fold(inner, |inner, _| format!(r#"{{"{key}":[{inner}]}}"#));
    with(&format!(r#"{{"MsgBody":[{body}]}}"#), &Settings::default(), |message| {
        assert_eq!(message.fields.len(), 2);
        assert!(message.fields.iter().all(|field| field.path.len() < 2 * PATH_MAX));
    });
}

#[test]
fn ordinary_leaves_borrow_from_the_body() {
    with(&format!(r#"{{"MsgBody":[{}]}}"#, text("hello")), &Settings::default(), |message| {
        let field = message.fields.first().unwrap();
        assert!(matches!(field.path, Cow::Borrowed(_)));
        assert!(matches!(field.text, Cow::Borrowed(_)));
    });
}
