//! Is a callback from the platform?
//!
//! The platform signs `token ++ RequestTime` with SHA-256 and nothing else: a signature holds for
//! any body within the allowed time. The comparison takes the same time wherever the first
//! difference is, and every token is tried, so that neither shows from outside.

#[cfg(test)]
mod tests;

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::query::{Query, hex};
use crate::rulebook::Timestamp;

/// How far `RequestTime` may be from now on either side, in seconds, as the platform advises.
pub const WINDOW_SECONDS: u64 = 60;

/// A token of callback authentication. Shows itself to nobody.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `token` secret.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// An app whose callbacks are accepted.
#[derive(Debug, Clone)]
pub struct App {
    /// Its `SdkAppid`.
    pub sdk_app_id: u64,
    /// Its tokens, any of which is good. None: its callbacks need no signature.
    pub tokens: Vec<Secret>,
}

/// Why a callback is refused before anything is judged (HTTP 403).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// `SdkAppid` is missing, malformed or none of the configured apps.
    #[error("the app is not one of those configured")]
    App,
    /// `Sign` or `RequestTime` is missing where a token is configured.
    #[error("the signature is missing")]
    Unsigned,
    /// `Sign` does not match any token.
    #[error("the signature does not match")]
    Forged,
    /// `RequestTime` is more than the allowed time away from now.
    #[error("the signature is too old or from the future")]
    Stale,
}

impl Refusal {
    /// The reason's name, for metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Unsigned => "unsigned",
            Self::Forged => "forged",
            Self::Stale => "stale",
        }
    }
}

/// Checks app, signature and freshness of a callback; `window` is in seconds and counts on both
/// sides of `now`. Gives the app, or `None` when no apps are configured and so any is accepted.
pub fn verify<'t>(
    query: &Query<'_>,
    apps: &'t [App],
    now: Timestamp,
    window: u64,
) -> Result<Option<&'t App>, Refusal> {
    if apps.is_empty() {
        return Ok(None);
    }
    let id = query.sdk_app_id.ok_or(Refusal::App)?;
    let app = apps.iter().find(|app| app.sdk_app_id == id).ok_or(Refusal::App)?;
    if app.tokens.is_empty() {
        return Ok(Some(app));
    }
    if query.sign.is_empty() || query.request_time.is_empty() {
        return Err(Refusal::Unsigned);
    }
    if !matches_any(&query.sign, &query.request_time, &app.tokens) {
        return Err(Refusal::Forged);
    }
    let time = query.request_time().ok_or(Refusal::Stale)?;
    if time.abs_diff(now.0) > window {
        return Err(Refusal::Stale);
    }
    Ok(Some(app))
}

fn matches_any(sign: &str, request_time: &str, tokens: &[Secret]) -> bool {
    let Some(sign) = digest(sign) else { return false };
    let mut found = Choice::from(0);
    for token in tokens {
        let mut hasher = Sha256::new();
        hasher.update(token.expose().as_bytes());
        hasher.update(request_time.as_bytes());
        found |= hasher.finalize().as_slice().ct_eq(&sign);
    }
    found.into()
}

/// The 32 bytes that 64 hexadecimal digits of either case stand for.
fn digest(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != 32 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex(*high)? << 4 | hex(*low)?;
    }
    Some(bytes)
}
