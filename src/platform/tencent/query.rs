//! The query of a callback's URL.
//!
//! Parameters come in any order. Of a repeated one the first counts; unknown ones are ignored;
//! an escape that is not one stands for itself, and bytes that are not UTF-8 become U+FFFD.
//! Nothing is allocated unless a value is escaped.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;

use super::command::Command;

/// What the URL's query said. What it did not say is empty.
#[derive(Clone)]
pub struct Query<'a> {
    /// The query as received, without the `?`. Holds the signature: not for logs.
    pub raw: &'a str,
    /// `SdkAppid`; `None` if missing or not a number.
    pub sdk_app_id: Option<u64>,
    /// `CallbackCommand` as sent.
    pub command_name: Cow<'a, str>,
    /// `contenttype`, `json` in either case where the platform sends it.
    pub content_type: Cow<'a, str>,
    /// `ClientIP`, where it is a well-formed address.
    pub client_ip: Option<IpAddr>,
    /// `OptPlatform` as sent; compare without case.
    pub platform: Cow<'a, str>,
    /// `Sign` as sent.
    pub(super) sign: Cow<'a, str>,
    /// `RequestTime` as sent.
    pub(super) request_time: Cow<'a, str>,
}

impl std::fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("sdk_app_id", &self.sdk_app_id)
            .field("command_name", &self.command_name)
            .field("client_ip", &self.client_ip)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

impl<'a> Query<'a> {
    /// `RequestTime` in Unix seconds, where it is a number.
    pub fn request_time(&self) -> Option<i64> {
        digits(&self.request_time).and_then(|time| i64::try_from(time).ok())
    }

    /// Reads a query, without the leading `?`. Never fails: what is missing or malformed stays
    /// empty.
    pub fn parse(raw: &'a str) -> Self {
        let mut query = Self {
            raw,
            sdk_app_id: None,
            command_name: Cow::Borrowed(""),
            content_type: Cow::Borrowed(""),
            client_ip: None,
            platform: Cow::Borrowed(""),
            sign: Cow::Borrowed(""),
            request_time: Cow::Borrowed(""),
        };
        let escaped = raw.as_bytes().contains(&b'%') || raw.as_bytes().contains(&b'+');
        let decode = |text| if escaped { decode(text) } else { Cow::Borrowed(text) };
        let mut seen = 0u8;
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let bit = match &*decode(name) {
                "SdkAppid" => 1,
                "CallbackCommand" => 2,
                "contenttype" => 4,
                "ClientIP" => 8,
                "OptPlatform" => 16,
                "Sign" => 32,
                "RequestTime" => 64,
                _ => continue,
            };
            if seen & bit != 0 {
                continue;
            }
            seen |= bit;
            let value = decode(value);
            match bit {
                1 => query.sdk_app_id = digits(&value),
                2 => query.command_name = value,
                4 => query.content_type = value,
                8 => query.client_ip = address(&value),
                16 => query.platform = value,
                32 => query.sign = value,
                _ => query.request_time = value,
            }
        }
        query
    }

    /// Which callback the URL says it is.
    pub fn command(&self) -> Command {
        Command::from_name(&self.command_name)
    }
}

/// A number of decimal digits only: no sign, no space.
pub(super) fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

/// Decodes `%XX` and `+`.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                if let [high, low, after @ ..] = rest
                    && let (Some(high), Some(low)) = (hex(*high), hex(*low))
                {
                    bytes.push(high << 4 | low);
                    rest = after;
                } else {
                    bytes.push(b'%');
                }
            }
            byte => bytes.push(byte),
        }
    }
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(bad) => String::from_utf8_lossy(bad.as_bytes()).into_owned(),
    })
}

/// The value of a hexadecimal digit.
pub(super) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
