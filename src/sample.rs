//! Messages as people write them, turned into what the platform would send.
//!
//! Examples in rule files, `quell judge` and `POST /judge` all read them here, through the same
//! decoder as callbacks, so an example tests what the gateway does.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::message::Message;
use crate::platform::tencent::{self, Command};
use crate::rulebook::Sample;

const GROUP: &str = "Group.CallbackBeforeSendMsg";
const DIRECT: &str = "C2C.CallbackBeforeSendMsg";

/// A line of `quell judge --jsonl`, or the body of `POST /judge`, that is not a callback.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Line {
    text: Texts,
    data: Option<String>,
    msg_type: Option<String>,
    sender: Option<String>,
    operator: Option<String>,
    group: Option<String>,
    group_type: Option<String>,
    to: Option<String>,
    platform: Option<String>,
    address: Option<String>,
}

/// One text, or several elements' texts.
#[derive(Debug, Default)]
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::default()),
            Value::String(text) => Ok(Self(vec![text])),
            Value::Array(texts) => Ok(Self(
                texts
                    .into_iter()
                    .map(|text| match text {
                        Value::String(text) => text,
                        other => other.to_string(),
                    })
                    .collect(),
            )),
            other => Ok(Self(vec![other.to_string()])),
        }
    }
}

impl From<Line> for Sample {
    fn from(line: Line) -> Self {
        Self {
            texts: line.text.0,
            data: line.data,
            message: None,
            msg_type: line.msg_type,
            sender: line.sender,
            operator: line.operator,
            group: line.group,
            group_type: line.group_type,
            to: line.to,
            platform: line.platform,
            address: line.address,
        }
    }
}

/// What is wrong with a callback that hands nothing on to be judged.
pub const NO_MESSAGE: &str =
    "nothing to judge: a callback with this `CallbackCommand` carries no message";

/// Reads a callback's body, or an object with `text` and perhaps `sender`, `group`, `group_type`,
/// `msg_type`; gives every message in it to `judge`.
pub fn read_line(
    line: &[u8],
    settings: &tencent::Settings,
    judge: &mut dyn FnMut(&Message<'_>),
) -> Result<(), String> {
    // The check is on bytes because most lines are callbacks and each is read in earnest only once.
    let named = contains(line, b"\"CallbackCommand\"");
    if !named && !contains(line, b"\"MsgBody\"") {
        return read(&object(line)?.into(), settings, judge);
    }
    let command = (!named).then(|| unnamed(line));
    tencent::messages(command, line, settings, judge).map(|_| ()).map_err(|error| error.to_string())
}

/// Reads what is no callback. Nothing in it is passed over: a misspelt `text` would be taken for a
/// message without one, and allowed.
fn object(line: &[u8]) -> Result<Line, String> {
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err("not a JSON object with a `text`".to_owned());
    }
    let line: Line = serde_json::from_slice(line)
        .map_err(|error| format!("not a callback, nor an object with a `text`: {error}"))?;
    if line.text.0.is_empty() && line.data.is_none() {
        return Err("it has neither a `text` nor `data`, so there is nothing to judge".to_owned());
    }
    Ok(line)
}

/// The command of a callback that does not name it: the platform puts it into the URL, too.
fn unnamed(body: &[u8]) -> Command {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct To {
        #[serde(rename = "To_Account")]
        to_account: Option<IgnoredAny>,
        group_id: Option<IgnoredAny>,
    }
    let direct = serde_json::from_slice(body)
        .is_ok_and(|To { to_account, group_id }| to_account.is_some() && group_id.is_none());
    Command::from_name(if direct { DIRECT } else { GROUP })
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Reads a sample with the default settings: what compiling a rulebook runs its examples with.
pub fn read_sample(sample: &Sample, judge: &mut dyn FnMut(&Message<'_>)) -> Result<(), String> {
    read(sample, &tencent::Settings::default(), judge)
}

fn read(
    sample: &Sample,
    settings: &tencent::Settings,
    judge: &mut dyn FnMut(&Message<'_>),
) -> Result<(), String> {
    let body = match &sample.message {
        Some(message) => message.clone().into_bytes(),
        None => callback(sample).to_string().into_bytes(),
    };
    let mut seen = |message: &Message<'_>| {
        if sample.platform.is_none() && sample.address.is_none() {
            return judge(message);
        }
        // The platform puts these into the URL, which a sample does not have.
        let mut message = message.clone();
        message.client.platform = sample.platform.clone().unwrap_or_default().into();
        message.client.address = sample.address.as_ref().and_then(|text| text.parse().ok());
        judge(&message);
    };
    tencent::messages(None, &body, settings, &mut seen)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// The callback that the platform would send for a sample.
fn callback(sample: &Sample) -> Value {
    let word =
        |value: &Option<String>, default: &str| value.as_deref().unwrap_or(default).to_owned();
    let msg_type = word(&sample.msg_type, "TIMTextElem");
    let field = match msg_type.as_str() {
        "TIMTextElem" => "Text",
        "TIMLocationElem" => "Desc",
        "TIMFileElem" => "FileName",
        "TIMRelayElem" => "Title",
        _ => "Data",
    };
    let mut elements: Vec<Value> = sample
        .texts
        .iter()
        .map(|text| json!({"MsgType": msg_type, "MsgContent": {field: text}}))
        .collect();
    if let Some(data) = &sample.data {
        elements.push(json!({"MsgType": "TIMCustomElem", "MsgContent": {"Data": data}}));
    }
    let sender = word(&sample.sender, "someone");
    let mut body = Map::new();
    body.insert("From_Account".to_owned(), json!(sender));
    body.insert("Operator_Account".to_owned(), json!(word(&sample.operator, &sender)));
    body.insert("MsgBody".to_owned(), Value::Array(elements));
    let command = if let Some(to) = &sample.to {
        body.insert("To_Account".to_owned(), json!(to));
        DIRECT
    } else {
        body.insert("GroupId".to_owned(), json!(word(&sample.group, "@TGS#example")));
        body.insert("Type".to_owned(), json!(word(&sample.group_type, "Public")));
        GROUP
    };
    body.insert("CallbackCommand".to_owned(), json!(command));
    Value::Object(body)
}
