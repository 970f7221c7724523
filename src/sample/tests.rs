use super::read_line;
use crate::message::ConversationKind::{self, Direct, Group};
use crate::platform::tencent::Settings;

/// Where each message goes, and its texts.
fn read(line: &str) -> Result<Vec<(ConversationKind, String)>, String> {
    let mut seen = Vec::new();
    read_line(line.as_bytes(), &Settings::default(), &mut |message| {
        let texts: Vec<&str> = message.fields.iter().map(|field| &*field.text).collect();
        seen.push((message.conversation.kind, texts.join(" ")));
    })?;
    Ok(seen)
}

/// The platform names the command in the URL as well, and what is copied from there lacks it.
#[test]
fn a_callback_without_its_command_is_a_message_about_to_be_sent() {
    let body = |more: &str| {
        format!(r#"{{{more}"MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"hi"}}}}]}}"#)
    };
    for (more, expected) in [
        ("", Group),
        (r#""GroupId":"@TGS#1","#, Group),
        (r#""To_Account":"jared","#, Direct),
        (r#""To_Account":"jared","GroupId":"@TGS#1","#, Group),
        (r#""CallbackCommand":"C2C.CallbackBeforeSendMsg","#, Direct),
    ] {
        assert_eq!(read(&body(more)).unwrap(), [(expected, "hi".to_owned())], "{more}");
    }
    assert_eq!(read(r#"{"CallbackCommand":"State.StateChange"}"#).unwrap(), []);
}

/// Each was judged once, as a message without text.
#[test]
fn what_is_misspelt_is_not_an_empty_message() {
    for (line, words) in [
        (r#"{"txt":"x"}"#, "unknown field `txt`, expected one of `text`"),
        (r#"{"text":"ok","sendr":"x"}"#, "unknown field `sendr`"),
        (r#"{"msgbody":[]}"#, "unknown field `msgbody`"),
        ("[]", "not a JSON object"),
        ("what", "not a JSON object"),
        ("", "not a JSON object"),
        ("{}", "neither a `text` nor `data`"),
        (r#"{"text":null}"#, "neither a `text` nor `data`"),
        (r#"{"text":[],"sender":"x"}"#, "neither a `text` nor `data`"),
    ] {
        let error = read(line).unwrap_err();
        assert!(error.contains(words), "{line}: {error}");
    }
    for (line, text) in [
        (r#"{"text":""}"#, ""),
        (r#" {"text":["a","b"]}"#, "a b"),
        (r#"{"data":"{\"note\":\"a\"}"}"#, "a"),
    ] {
        assert_eq!(read(line).unwrap(), [(Group, text.to_owned())], "{line}");
    }
}
