//! The bodies of replies.
//!
//! A reply is compact JSON with `ActionStatus`, `ErrorInfo` and `ErrorCode`, and always `OK`: a
//! refusal is a successful call. What a verdict becomes depends on what the command allows; one
//! it has no form for becomes a refusal, except that replies to events are always neutral.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::command::{Class, Command, Subject};
use super::rewrite::{self, Rewritten};
use super::wire::Callback;
use super::{Answer, Settings};
use crate::message::Message;
use crate::verdict::{Judgement, Verdict};

const NEUTRAL: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;
const REFUSAL: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":1}"#;
const SILENT: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":2}"#;

/// The reply to a callback of `command` that was not judged, for this verdict.
///
/// A `mask` cannot be carried out without the message and becomes a refusal, as does a `discard`
/// where there is no documented silent form. Commands that are answered user by user, events and
/// unknown commands get the neutral reply.
pub fn fallback(command: Command, verdict: Verdict) -> Bytes {
    let neutral = !command.is_before() || by_user(command);
    let reply = match (verdict, command.class(), command.subject()) {
        (Verdict::Allow, _, _) => NEUTRAL,
        _ if neutral => NEUTRAL,
        (Verdict::Discard, Class::Message, Subject::GroupMessage | Subject::OfficialMessage) => {
            SILENT
        }
        _ => REFUSAL,
    };
    Bytes::from_static(reply.as_bytes())
}

/// Is the command answered user by user, its `ErrorCode` always 0?
fn by_user(command: Command) -> bool {
    matches!(command.subject(), Subject::Friend | Subject::Invite | Subject::Nothing)
}

/// Has each message judged and writes the reply. `body` is what `callback` was read from.
pub(super) fn answer(
    callback: &Callback<'_>,
    body: &str,
    settings: &Settings,
    judge: &mut dyn FnMut(&Message<'_>) -> Judgement,
) -> Answer {
    let command = callback.command;
    let mut answer = Answer {
        reply: Bytes::from_static(NEUTRAL.as_bytes()),
        verdict: Verdict::Allow,
        repaired: false,
        command_mismatch: false,
        discard_replaced: false,
    };
    let mut refused = Vec::new();
    for message in callback.messages.as_slice() {
        let judgement = judge(message);
        if !command.is_before() {
            continue;
        }
        let verdict = settle(command, &judgement, settings, &mut answer);
        if by_user(command) {
            answer.verdict = answer.verdict.combine(verdict);
            if verdict != Verdict::Allow {
                refused.push((message, judgement));
            }
            continue;
        }
        (answer.verdict, answer.reply) = match verdict {
            Verdict::Allow => continue,
            Verdict::Mask => mask(callback, body, message, &judgement, settings),
            Verdict::Deny => (Verdict::Deny, deny(command, &judgement)),
            Verdict::Discard => (Verdict::Discard, Bytes::from_static(SILENT.as_bytes())),
        };
    }
    if !refused.is_empty() {
        answer.reply = refuse_users(command, &refused);
    }
    answer
}

/// What the judgement's verdict becomes for `command`.
fn settle(
    command: Command,
    judgement: &Judgement,
    settings: &Settings,
    answer: &mut Answer,
) -> Verdict {
    match (judgement.verdict, command.class(), command.subject()) {
        (Verdict::Allow, _, _) => Verdict::Allow,
        (Verdict::Discard, Class::Message, Subject::DirectMessage)
            if settings.c2c_discard != Verdict::Discard =>
        {
            answer.discard_replaced = true;
            if settings.c2c_discard == Verdict::Allow { Verdict::Allow } else { Verdict::Deny }
        }
        (verdict, Class::Message, _) => verdict,
        _ => Verdict::Deny,
    }
}

/// A rewritten message; allowed if nothing that may be rewritten is masked, refused if something
/// must be masked and cannot.
fn mask(
    callback: &Callback<'_>,
    body: &str,
    message: &Message<'_>,
    judgement: &Judgement,
    settings: &Settings,
) -> (Verdict, Bytes) {
    let masks = &judgement.masks;
    match rewrite::rewrite(body, message, &callback.opened, masks, settings.mask) {
        Ok(Rewritten { body: None, custom: None }) => {
            (Verdict::Allow, Bytes::from_static(NEUTRAL.as_bytes()))
        }
        Ok(Rewritten { body, custom }) => {
            let mut reply = String::from(NEUTRAL.trim_end_matches('}'));
            for (key, value) in [("MsgBody", body), ("CloudCustomData", custom)] {
                if let Some(value) = value {
                    reply.push_str(",\"");
                    reply.push_str(key);
                    reply.push_str("\":");
                    reply.push_str(&value);
                }
            }
            reply.push('}');
            (Verdict::Mask, Bytes::from(reply))
        }
        Err(rewrite::Unmaskable) => (Verdict::Deny, deny(callback.command, judgement)),
    }
}

fn deny(command: Command, judgement: &Judgement) -> Bytes {
    let code = command.refusal(judgement.code);
    let notice = judgement.notice.as_deref().unwrap_or_default();
    if code == 1 && notice.is_empty() {
        return Bytes::from_static(REFUSAL.as_bytes());
    }
    let notice = quoted(notice);
    Bytes::from(format!(r#"{{"ActionStatus":"OK","ErrorInfo":{notice},"ErrorCode":{code}}}"#))
}

/// The reply to a callback about several users, some of whom are refused.
fn refuse_users(command: Command, refused: &[(&Message<'_>, Judgement)]) -> Bytes {
    let (key, items): (_, Vec<String>) = if command.subject() == Subject::Invite {
        let names = refused.iter().map(|(message, _)| quoted(&message.sender));
        ("RefusedMembers_Account", names.collect())
    } else {
        let item = |(message, judgement): &(&Message<'_>, Judgement)| {
            let account = quoted(&message.conversation.id);
            let code = command.refusal(judgement.code);
            let notice = quoted(judgement.notice.as_deref().unwrap_or_default());
            format!(r#"{{"To_Account":{account},"ResultCode":{code},"ResultInfo":{notice}}}"#)
        };
        ("ResultItem", refused.iter().map(item).collect())
    };
    let open = NEUTRAL.trim_end_matches('}');
    Bytes::from(format!(r#"{open},"{key}":[{}]}}"#, items.join(",")))
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
