//! The room as a whole: bytes in, bytes out.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::simulate::check;
use crate::verdict::Span;

const GROUP: &str = "CallbackCommand=Group.CallbackBeforeSendMsg";

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/tests/cases/tencent/callbacks", env!("CARGO_MANIFEST_DIR"));
    let mut samples: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    samples.sort();
    samples
}

/// Masks the whole of every field.
fn mask_all(message: &Message<'_>) -> Vec<Span> {
    let fields = message.fields.iter().enumerate();
    fields.map(|(field, at)| Span { field, range: 0..at.text.len() }).collect()
}

fn ask(raw: &str, body: &[u8], verdict: Verdict, code: u32) -> Result<Answer, NotACallback> {
    answer(&Query::parse(raw), body, &Settings::default(), &mut |message| Judgement {
        verdict,
        code: Some(code),
        notice: Some(Arc::from("notice")),
        masks: if verdict == Verdict::Mask { mask_all(message) } else { Vec::new() },
        ..Judgement::default()
    })
}

/// Checks a reply against what the platform documents for the command, and for more than that:
/// ours change nothing but text.
#[track_caller]
fn check_reply(command: Command, request: &Value, reply: &[u8]) {
    let answer = check(command, 200, reply).unwrap();
    if let Some(rewritten) = answer.rewritten {
        check_elements(&request["MsgBody"], &rewritten);
    }
}

/// A rewritten `MsgBody` has the same shape, types and numbers as the one sent.
#[track_caller]
fn check_elements(sent: &Value, found: &Value) {
    match (sent, found) {
        (Value::Array(sent), Value::Array(found)) => {
            assert_eq!(sent.len(), found.len());
            sent.iter().zip(found).for_each(|(sent, found)| check_elements(sent, found));
        }
        (Value::Object(sent), Value::Object(found)) => {
            assert_eq!(sent.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
            for (key, sent) in sent {
                check_elements(sent, &found[key]);
                let fixed = key == "MsgType" || key.ends_with("UUID") || key == "From_Account";
                assert!(!fixed || *sent == found[key], "{key}");
            }
        }
        (Value::String(_), Value::String(_)) => {}
        (sent, found) => assert_eq!(sent, found),
    }
}

#[test]
fn every_sample_gets_a_valid_reply_to_every_verdict() {
    let samples = samples();
    assert!(samples.len() >= 39);
    for (name, body) in samples {
        let command = name.split('_').next().unwrap();
        let raw = format!("SdkAppid=1&CallbackCommand={command}&OptPlatform=iOS");
        let request: Value = serde_json::from_slice(&body).unwrap();
        for verdict in Verdict::ALL {
            for code in [0, 1, 2, 10130, 38_500, 120_042, u32::MAX] {
                let answer = ask(&raw, &body, verdict, code).unwrap();
                assert!(!answer.repaired && !answer.command_mismatch, "{name}");
                check_reply(Command::from_name(command), &request, &answer.reply);
                let decides = Command::from_name(command).is_before();
                assert!(decides || answer.verdict == Verdict::Allow, "{name}");
                assert!(
                    verdict != Verdict::Mask
                        || code != 1
                        || !decides
                        || command.contains("JoinGroup")
                        || answer.verdict >= Verdict::Mask,
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn the_sample_replies_are_ours() {
    let folder = format!("{}/tests/cases/tencent/replies", env!("CARGO_MANIFEST_DIR"));
    let sample = |name: &str| -> Value {
        let text = std::fs::read(format!("{folder}/{name}.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let parsed = |reply: Bytes| -> Value { serde_json::from_slice(&reply).unwrap() };
    let group = Command::from_name("Group.CallbackBeforeSendMsg");
    assert_eq!(parsed(fallback(group, Verdict::Allow)), sample("allow"));
    assert_eq!(parsed(fallback(group, Verdict::Deny)), sample("group_deny_10016"));
    assert_eq!(parsed(fallback(group, Verdict::Discard)), sample("group_silent_discard"));
    let mut notice = sample("group_deny_custom_10130");
    notice["ErrorInfo"] = json!("notice");
    assert_eq!(parsed(ask(GROUP, b"{}", Verdict::Deny, 10130).unwrap().reply), notice);
    for (command, name) in [
        ("Sns.CallbackPrevFriendAdd", "friend_add_refuse"),
        ("Group.CallbackBeforeInviteJoinGroup", "invite_refuse_some"),
    ] {
        let body = std::fs::read(format!("{folder}/../callbacks/{command}.json")).unwrap();
        let raw = format!("CallbackCommand={command}");
        let answer = answer(&Query::parse(&raw), &body, &Settings::default(), &mut |message| {
            let verdict = if message.sender == "eve" { Verdict::Allow } else { Verdict::Deny };
            Judgement { verdict, notice: Some(Arc::from("not now")), ..Judgement::default() }
        });
        assert_eq!(parsed(answer.unwrap().reply), sample(name));
    }
}

#[test]
fn the_sender_and_the_address_reach_the_judge() {
    let query = Query::parse("OptPlatform=iOS&ClientIP=2001:db8::1&CallbackCommand=C2C.x");
    let body = br#"{"CallbackCommand":"C2C.CallbackBeforeSendMsg"}"#;
    let mut judged = 0;
    let answer = answer(&query, body, &Settings::default(), &mut |_| {
        judged += 1;
        Judgement::default()
    });
    let answer = answer.unwrap();
    assert!(answer.command_mismatch);
    assert_eq!(judged, 0, "the URL's command is not known");
    let query = Query::parse("OptPlatform=iOS&ClientIP=2001:db8::1");
    let answer = super::answer(&query, body, &Settings::default(), &mut |message| {
        judged += 1;
        assert_eq!(message.client.platform, "iOS");
        assert_eq!(message.client.address, query.client_ip);
        Judgement::default()
    });
    assert!(!answer.unwrap().command_mismatch);
    assert_eq!(judged, 1, "the body's command is taken");
}

/// The texts the judge sees, and whether the body was repaired.
fn seen(body: &[u8]) -> (Vec<String>, bool) {
    let mut texts = Vec::new();
    let group = Command::from_name("Group.CallbackBeforeSendMsg");
    let repaired = messages(Some(group), body, &Settings::default(), &mut |message| {
        texts.extend(message.fields.iter().map(|field| field.text.clone().into_owned()));
    });
    (texts, repaired.unwrap())
}

fn message(content: &str) -> String {
    format!(r#"{{"MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{{content}}}}}]}}"#)
}

#[test]
fn odd_messages_are_judged() {
    let deep = |count: usize| format!("\"x\":{}\"bad\"{}", "[".repeat(count), "]".repeat(count));
    let many = vec![r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}"#; 2000].join(",");
    let cases: Vec<(&str, Vec<u8>, bool)> = vec![
        ("plain", message(r#""Text":"bad""#).into(), false),
        ("lone surrogate", message(r#""Text":"bad\ud800""#).into(), true),
        ("lone low surrogate elsewhere", message(r#""Text":"bad","x":"\udfff""#).into(), true),
        ("NUL", message("\"Text\":\"bad\u{0}\"").into(), true),
        ("escaped NUL", message(r#""Text":"\u0000bad""#).into(), false),
        ("raw newline", message("\"Text\":\"bad\n\"").into(), true),
        ("number out of range", message(r#""n":1e400,"Text":"bad""#).into(), true),
        (
            "integer of 400 digits",
            message(&format!(r#""n":{},"Text":"bad""#, "9".repeat(400))).into(),
            true,
        ),
        ("nested 90 deep", message(&deep(90)).into(), false),
        ("nested 200 deep", message(&deep(200)).into(), true),
        ("nested 100000 deep", message(&deep(100_000)).into(), true),
        ("escaped keys", message(r#""\u0054ext":"bad""#).into(), false),
        (
            "escaped MsgBody",
            message(r#""Text":"bad""#).replace("MsgBody", r"Msg\u0042ody").into(),
            false,
        ),
        ("repeated Text", message(r#""Text":"x","Text":"bad""#).into(), false),
        ("repeated Text, bad first", message(r#""Text":"bad","Text":"x""#).into(), false),
        ("repeated MsgBody", r#"{"MsgBody":[{"a":"bad"}],"MsgBody":[]}"#.into(), false),
        ("byte order mark", format!("\u{FEFF}{}", message(r#""Text":"bad""#)).into(), false),
        ("trailing comma", message(r#""Text":"bad","#).into(), true),
        ("trailing bytes", format!("{}\0\0", message(r#""Text":"bad""#)).into(), true),
        ("cut short", message(r#""Text":"bad""#).trim_end_matches(['}', ']']).into(), true),
        ("single quotes", message("Text:'bad'").into(), true),
        ("2000 elements", format!(r#"{{"MsgBody":[{many},{{"a":"bad"}}]}}"#).into(), false),
        ("text as an object", message(r#""Text":{"Text":{"Text":["bad"]}}"#).into(), false),
        ("no type", r#"{"MsgBody":[{"MsgContent":{"UUID":"bad"}}]}"#.into(), false),
        (
            "a quote too many",
            format!(r#"{{"MsgId":"x"y",{}"#, message(r#""Text":"bad:x""#).get(1..).unwrap()).into(),
            true,
        ),
        ("second object", format!("{{}}{}", message(r#""Text":"bad""#)).into(), true),
    ];
    for (name, body, repaired) in cases {
        let (texts, was_repaired) = seen(&body);
        assert!(texts.iter().any(|text| text.contains("bad")), "{name}: {texts:?}");
        assert_eq!(was_repaired, repaired, "{name}");
        // Whatever the verdict, the reply is one the platform understands.
        for verdict in Verdict::ALL {
            let answer = ask(GROUP, &body, verdict, 10130).unwrap();
            let reply: Value = serde_json::from_slice(&answer.reply).unwrap();
            assert_eq!(reply["ActionStatus"], "OK", "{name}");
            assert!(verdict == Verdict::Allow || answer.verdict >= Verdict::Mask, "{name}");
        }
    }
    let (texts, repaired) = seen(b"{\"MsgBody\":[{\"MsgContent\":{\"Text\":\"b\xFFad\"}}]}");
    assert_eq!((texts, repaired), (vec!["b\u{FFFD}ad".to_owned()], true));
    assert_eq!(seen(br#"{"MsgBody":[]}"#), (Vec::new(), false));
}

#[test]
fn what_is_no_object_is_no_callback() {
    for body in ["", "  ", "[]", "null", "\"{}\"", "a{}", "\u{FEFF}", "\u{FEFF}\u{FEFF}{}"] {
        assert_eq!(seen_error(body.as_bytes()), Err(NotACallback), "{body:?}");
    }
    assert_eq!(seen_error(b" \r\n\t{"), Ok(true));
}

fn seen_error(body: &[u8]) -> Result<bool, NotACallback> {
    messages(None, body, &Settings::default(), &mut |_| ())
}

#[test]
fn a_masked_repaired_body_is_whole_json() {
    let body = r#"{"MsgBody":[{"MsgContent":{"Text":"bad\ud800","n":1e400}},]}"#;
    let answer = ask(GROUP, body.as_bytes(), Verdict::Mask, 0).unwrap();
    let reply: Value = serde_json::from_slice(&answer.reply).unwrap();
    assert!(answer.repaired);
    assert_eq!(reply["MsgBody"], json!([{"MsgContent": {"Text": "****", "n": 0}}]));
}

proptest! {
    #[test]
    fn any_body_is_answered(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        command in 0usize..60,
        verdict in 0usize..4,
    ) {
        let command = Command::all().nth(command).map_or("new", Command::name);
        let raw = format!("CallbackCommand={command}");
        let body = [b"{", &bytes[..]].concat();
        let answer = ask(&raw, &body, Verdict::ALL[verdict], 1).unwrap();
        prop_assert!(serde_json::from_slice::<Value>(&answer.reply).is_ok());
    }

    #[test]
    fn a_planted_text_is_seen_through_damage(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        // Damage before the text's own quotes may hide where it stands, never that it is there.
        let body = message(r#""Text":"needle""#);
        let at = body.find("needle").unwrap();
        let mut bytes = body.clone().into_bytes();
        for (index, byte) in damage {
            let from = at + "needle\"".len();
            let index = from + index.index(bytes.len() - from);
            bytes[index] = byte;
        }
        let (texts, _) = seen(&bytes);
        prop_assert!(texts.iter().any(|text| text.contains("needle")), "{:?}", texts);
    }

    #[test]
    fn samples_survive_damage(
        sample in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        verdict in 0usize..4,
    ) {
        let samples = samples();
        let (name, body) = sample.get(&samples);
        let mut bytes = body.clone();
        for (index, byte) in damage {
            let index = 1 + index.index(bytes.len() - 1);
            bytes[index] = byte;
        }
        let raw = format!("CallbackCommand={}", name.split('_').next().unwrap());
        let answer = ask(&raw, &bytes, Verdict::ALL[verdict], 1).unwrap();
        prop_assert!(serde_json::from_slice::<Value>(&answer.reply).is_ok());
    }
}
