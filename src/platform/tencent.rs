//! Tencent Cloud Chat: from a callback's URL and body to messages, and from verdicts to its reply.
//!
//! [`Query::parse`] reads the URL, [`verify`] says whether the platform made the call, and
//! [`answer`] does the rest. A body the JSON parser refuses is repaired and judged all the same:
//! a message never escapes judgement by being odd.

mod command;
mod elements;
mod query;
mod repair;
mod reply;
mod rewrite;
mod signature;
#[cfg(test)]
mod tests;
mod wire;

use bytes::Bytes;

use crate::message::Message;
use crate::verdict::{Judgement, Verdict};

// The room's interface is this module; its rooms behind are private.
pub use command::{C2C_CODES, Class, Command, FRIEND_CODES, GIFT_CODES, GROUP_CODES};
pub use query::Query;
pub use reply::fallback;
pub use signature::{App, Refusal, Secret, WINDOW_SECONDS, verify};

/// How to read callbacks and write replies.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What a `discard` becomes for direct messages, which have no documented silent form:
    /// `allow`, `discard` where the app has found that the platform takes it, and else `deny`.
    pub c2c_discard: Verdict,
    /// What replaces each visible character of a masked stretch.
    pub mask: char,
    /// At most so many fields are judged one by one; the rest of the text as one, and a rewrite
    /// that would have to touch that rest becomes a refusal.
    pub fields_max: usize,
    /// At most so many levels of JSON in strings are taken apart; what lies deeper is judged as
    /// it stands. Merged messages are taken apart as deep as they go.
    pub depth_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { c2c_discard: Verdict::Deny, mask: '*', fields_max: 256, depth_max: 4 }
    }
}

/// The answer to a callback.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The reply's body.
    pub reply: Bytes,
    /// The severest verdict among the callback's messages, as answered: `allow` for events.
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
/// reply. Where the URL names no command, the body's is taken.
///
/// `judge` is called once for each message in the callback, for events too; never for commands
/// that carry nothing to judge.
pub fn answer(
    query: &Query<'_>,
    body: &[u8],
    settings: &Settings,
    judge: &mut dyn FnMut(&Message<'_>) -> Judgement,
) -> Result<Answer, NotACallback> {
    let command = (!query.command_name.is_empty()).then(|| query.command());
    read(command, query, body, settings, &mut |callback, body, repaired| {
        let mut answer = reply::answer(callback, body, settings, judge);
        answer.repaired = repaired;
        answer.command_mismatch = command.is_some()
            && !callback.command_name.is_empty()
            && callback.command_name != query.command_name;
        answer
    })
}

/// Hands each message in `body` to `f`; says whether the body had to be repaired. Without a
/// command, the one the body names is taken.
pub fn messages(
    command: Option<Command>,
    body: &[u8],
    settings: &Settings,
    f: &mut dyn FnMut(&Message<'_>),
) -> Result<bool, NotACallback> {
    read(command, &Query::parse(""), body, settings, &mut |callback, _, repaired| {
        callback.messages.as_slice().iter().for_each(&mut *f);
        repaired
    })
}

/// Reads `body`, repaired if it must be, and hands on what it holds.
fn read<R>(
    command: Option<Command>,
    query: &Query<'_>,
    body: &[u8],
    settings: &Settings,
    then: &mut dyn FnMut(&wire::Callback<'_>, &str, bool) -> R,
) -> Result<R, NotACallback> {
    let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(NotACallback);
    }
    if let Ok(text) = simdutf8::basic::from_utf8(body)
        && let Ok(callback) = wire::read(command, query, text, settings, false)
    {
        return Ok(then(&callback, text, false));
    }
    let repair::Repaired { text, guessed } = repair::repair(body);
    let callback = wire::read(command, query, &text, settings, guessed).unwrap_or_else(|_| {
        let command = command.unwrap_or_else(|| Command::from_name(""));
        wire::unread(command, query, &text, settings)
    });
    Ok(then(&callback, &text, true))
}
