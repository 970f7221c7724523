//! The configuration as it is written, before it is checked.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};

use super::units::{ByteSize, Period};
use crate::telemetry::Format;
use crate::verdict::Verdict;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) rules: Option<PathBuf>,
    pub(super) insecure: Option<bool>,
    pub(super) listen: Listen,
    pub(super) app: Vec<App>,
    pub(super) fallback: Fallback,
    pub(super) limits: Limits,
    pub(super) tencent: Tencent,
    pub(super) log: Log,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listen {
    pub(super) callbacks: Option<SocketAddr>,
    pub(super) path: Option<CallbackPath>,
    pub(super) workers: Option<u16>,
    pub(super) operator: Option<SocketAddr>,
    pub(super) operator_token: Option<String>,
    pub(super) operator_token_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct App {
    pub(super) sdk_app_id: Option<u64>,
    pub(super) tokens: Vec<String>,
    pub(super) token_files: Vec<PathBuf>,
    pub(super) rules: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fallback {
    pub(super) message: Option<AnyVerdict>,
    pub(super) gift: Option<PlainVerdict>,
    pub(super) admission: Option<PlainVerdict>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) connections_max: Option<u32>,
    pub(super) head_max: Option<ByteSize>,
    pub(super) body_max: Option<ByteSize>,
    pub(super) header_timeout: Option<Period>,
    pub(super) body_timeout: Option<Period>,
    pub(super) idle_timeout: Option<Period>,
    pub(super) drain_timeout: Option<Period>,
    pub(super) signature_age_max: Option<Period>,
    pub(super) fields_max: Option<u32>,
    pub(super) depth_max: Option<u16>,
    pub(super) rule_files_max: Option<u32>,
    pub(super) rule_file_max: Option<ByteSize>,
    pub(super) rules_max: Option<ByteSize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tencent {
    pub(super) c2c_discard: Option<AnyVerdict>,
    pub(super) mask: Option<char>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) format: Option<Format>,
    pub(super) level: Option<String>,
}

/// A path that a request can have.
#[derive(Debug)]
pub(super) struct CallbackPath(pub(super) String);

impl<'de> Deserialize<'de> for CallbackPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        if path.starts_with('/') && !path.contains(['?', '#', ' ']) {
            return Ok(Self(path));
        }
        Err(de::Error::custom(format!(
            "`{path}` is not a path such as `/callback`: it must begin with `/` and have no query"
        )))
    }
}

/// A verdict that needs nothing of the message.
#[derive(Debug)]
pub(super) struct AnyVerdict(pub(super) Verdict);

/// A verdict where nothing can be dropped silently.
#[derive(Debug)]
pub(super) struct PlainVerdict(pub(super) Verdict);

impl<'de> Deserialize<'de> for AnyVerdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        verdict(deserializer, &[Verdict::Allow, Verdict::Deny, Verdict::Discard]).map(Self)
    }
}

impl<'de> Deserialize<'de> for PlainVerdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        verdict(deserializer, &[Verdict::Allow, Verdict::Deny]).map(Self)
    }
}

fn verdict<'de, D: Deserializer<'de>>(d: D, allowed: &[Verdict]) -> Result<Verdict, D::Error> {
    let name = String::deserialize(d)?;
    allowed.iter().find(|verdict| verdict.name() == name).copied().ok_or_else(|| {
        let names: Vec<_> = allowed.iter().map(|verdict| format!("`{verdict}`")).collect();
        de::Error::custom(format!("`{name}` is not one of {}", names.join(", ")))
    })
}
