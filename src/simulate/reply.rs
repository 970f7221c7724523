//! Is a reply one that the platform accepts, and what does it do?

use serde_json::{Map, Value};

use crate::platform::tencent::{Class, Command, FRIEND_CODES};
use crate::verdict::Verdict;

/// What a valid reply does.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// With the message, or whatever it was about.
    pub verdict: Verdict,
    /// The body the message is delivered with, where it was rewritten.
    pub rewritten: Option<Value>,
}

/// Why the platform would not accept a reply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Invalid {
    /// Only 200 counts.
    #[error("HTTP status {0} in place of 200")]
    Status(u16),
    /// Not a JSON object.
    #[error("not a JSON object")]
    Json,
    /// Missing, of another type, or not one of the documented values.
    #[error("`{0}` is missing or not as documented")]
    Field(&'static str),
    /// Not a code of this command.
    #[error("`ErrorCode` {code} is not one of {command}")]
    Code {
        /// The command.
        command: &'static str,
        /// The code.
        code: u64,
    },
    /// A field that replies to this command do not have, or not with this code.
    #[error("a field has no place in this reply, such as `MsgBody` with a refusal")]
    Misplaced,
}

/// Checks a reply to a callback of `command` against what the platform documents.
pub fn check(command: Command, status: u16, body: &[u8]) -> Result<Answer, Invalid> {
    if status != 200 {
        return Err(Invalid::Status(status));
    }
    let Ok(Value::Object(mut reply)) = serde_json::from_slice(body) else {
        return Err(Invalid::Json);
    };
    if reply.get("ActionStatus") != Some(&Value::from("OK")) {
        return Err(Invalid::Field("ActionStatus"));
    }
    if !reply.get("ErrorInfo").is_some_and(Value::is_string) {
        return Err(Invalid::Field("ErrorInfo"));
    }
    let code = reply.get("ErrorCode").and_then(Value::as_u64);
    let code = code.ok_or(Invalid::Field("ErrorCode"))?;
    let (plain, fields) = permitted(command);
    let known = plain.contains(&code)
        || command.class() != Class::Admission
            && u32::try_from(code)
                .is_ok_and(|code| command.codes().is_some_and(|codes| codes.contains(&code)));
    if !known {
        return Err(Invalid::Code { command: command.name(), code });
    }
    for (key, value) in &reply {
        match &**key {
            "ActionStatus" | "ErrorInfo" | "ErrorCode" => {}
            key if code != 0 || !fields.contains(&key) => {
                return Err(Invalid::Misplaced);
            }
            "MsgBody" if !are_elements(value) => return Err(Invalid::Field("MsgBody")),
            "CloudCustomData" if !value.is_string() => {
                return Err(Invalid::Field("CloudCustomData"));
            }
            "RefusedMembers_Account" if !all(value, Value::is_string) => {
                return Err(Invalid::Field("RefusedMembers_Account"));
            }
            "ResultItem" if !all(value, is_result) => return Err(Invalid::Field("ResultItem")),
            _ => {}
        }
    }
    Ok(Answer { verdict: verdict(code, &reply), rewritten: reply.remove("MsgBody") })
}

/// The codes besides those a rule may give, and the fields besides the usual three.
fn permitted(command: Command) -> (&'static [u64], &'static [&'static str]) {
    const REWRITE: &[&str] = &["MsgBody", "CloudCustomData"];
    match command.name() {
        "Group.CallbackBeforeSendMsg" | "OfficialAccount.CallbackBeforeSendMsg" => {
            (&[0, 1, 2], REWRITE)
        }
        "C2C.CallbackBeforeSendMsg" => (&[0, 1], REWRITE),
        "Group.CallbackBeforeInviteJoinGroup" => (&[0], &["RefusedMembers_Account"]),
        "Sns.CallbackPrevFriendAdd" | "Sns.CallbackPrevFriendResponse" => (&[0], &["ResultItem"]),
        _ if command.is_before() => (&[0, 1], &[]),
        _ => (&[0], &[]),
    }
}

fn verdict(code: u64, reply: &Map<String, Value>) -> Verdict {
    match code {
        0 if reply.len() == 3 => Verdict::Allow,
        // Users refused one by one count as a refusal.
        0 if !reply.contains_key("MsgBody") && !reply.contains_key("CloudCustomData") => {
            Verdict::Deny
        }
        0 => Verdict::Mask,
        2 => Verdict::Discard,
        _ => Verdict::Deny,
    }
}

fn all(value: &Value, holds: fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(holds))
}

fn is_result(item: &Value) -> bool {
    let code = item.get("ResultCode").and_then(Value::as_u64);
    let code = code.and_then(|code| u32::try_from(code).ok());
    let text = |key| item.get(key).is_some_and(Value::is_string);
    code.is_some_and(|code| code == 0 || FRIEND_CODES.contains(&code))
        && text("To_Account")
        && text("ResultInfo")
}

/// A body that a message can have: elements, of which at most one is the app's own.
fn are_elements(body: &Value) -> bool {
    let is_element = |element: &Value| {
        element.get("MsgType").is_some_and(Value::is_string)
            && element.get("MsgContent").is_some_and(Value::is_object)
    };
    let own = |element: &&Value| element.get("MsgType").is_some_and(|kind| kind == "TIMCustomElem");
    body.as_array().is_some_and(|elements| {
        !elements.is_empty()
            && elements.iter().all(is_element)
            && elements.iter().filter(own).count() <= 1
    })
}
