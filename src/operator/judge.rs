//! `POST /judge`: what would become of a callback, or of a text.

use serde_json::{Value, json};

use crate::platform::tencent::{self, Query};
use crate::rulebook::{Facts, Rulebook, Scratch, Timestamp};
use crate::verdict::{Firing, Verdict};

/// Judges a callback's body, or an object with a `text`, which is judged as a group message.
pub fn judge(rulebook: &Rulebook, body: &[u8], now: Timestamp) -> Result<Value, String> {
    let given: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let (command, body) = match (given.get("CallbackCommand"), given.get("text")) {
        (Some(Value::String(command)), _) => (command.clone(), body.to_vec()),
        (_, Some(Value::String(text))) => {
            let element = json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
            let command = "Group.CallbackBeforeSendMsg".to_owned();
            let body = json!({ "CallbackCommand": command, "MsgBody": [element] });
            (command, body.to_string().into_bytes())
        }
        _ => return Err("the body must be a callback, or an object with a `text`".to_owned()),
    };
    let query = format!("CallbackCommand={command}");
    let settings = tencent::Settings::default();
    let (facts, mut scratch) = (Facts::default(), Scratch::default());
    let mut messages = Vec::new();
    let answer = tencent::answer(&Query::parse(&query), &body, &settings, &mut |message| {
        let judgement = rulebook.judge(message, &facts, now, &mut scratch);
        messages.push(json!({
            "verdict": judgement.verdict.name(),
            "rules": ids(&judgement.fired),
            "shadow": ids(&judgement.shadow),
        }));
        judgement
    });
    let answer = answer.map_err(|error| error.to_string())?;
    let reply: Value = serde_json::from_slice(&answer.reply).unwrap_or_default();
    let verdict: Verdict = answer.verdict;
    Ok(json!({ "verdict": verdict.name(), "messages": messages, "reply": reply }))
}

fn ids(firings: &[Firing]) -> Vec<&str> {
    firings.iter().map(|firing| &*firing.rule).collect()
}
