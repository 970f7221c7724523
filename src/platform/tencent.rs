//! Tencent Cloud Chat: from a callback's URL and body to messages, and from verdicts to its reply.

use bytes::Bytes;

use crate::message::Message;
use crate::verdict::{Judgement, Verdict};

/// The kinds of callback that are answered differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Before a message is delivered: group, direct, official account.
    Message,
    /// Before a gift is sent.
    Gift,
    /// Before something else happens: group creation, join, invitation, friend request.
    Admission,
    /// After the fact; the reply has no effect.
    Event,
    /// A command this version does not know.
    Unknown,
}

/// Which callback it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Command(u8);

impl Command {
    /// The command of this name; [`Class::Unknown`] for a name that is not known.
    pub fn from_name(name: &str) -> Self {
        let _ = name;
        Self(0)
    }

    /// Its name, `unknown` for all that are not known: a closed set, fit for a metric label.
    pub fn name(self) -> &'static str {
        "unknown"
    }

    /// How it is answered.
    pub fn class(self) -> Class {
        Class::Unknown
    }
}

/// What the URL's query said.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The query as received.
    pub raw: &'a str,
}

/// Why a callback is refused before anything is judged (HTTP 403).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `SdkAppid` is missing, malformed or none of the configured apps.
    App,
    /// `Sign` or `RequestTime` is missing where a token is configured.
    Unsigned,
    /// `Sign` does not match any token.
    Forged,
    /// `RequestTime` is more than the allowed time away from now.
    Stale,
}

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
    let _ = (query, body, settings, judge);
    Err(NotACallback)
}
