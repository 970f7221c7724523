//! The configuration as it is written, before it is checked.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

use super::units::{ByteSize, Period};
use crate::rulebook::script;
use crate::server::ProxyProtocol;
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
    pub(super) scripts: Scripts,
    pub(super) tencent: Tencent,
    pub(super) log: Log,
    pub(super) trace: Trace,
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
    pub(super) tls: Tls,
    pub(super) trusted_proxies: Option<Vec<Network>>,
    pub(super) proxy_protocol: Option<Protocol>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct App {
    pub(super) sdk_app_id: Option<u64>,
    #[serde(deserialize_with = "one_or_more")]
    pub(super) tokens: Vec<String>,
    #[serde(deserialize_with = "one_or_more")]
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
    pub(super) connections_per_address_max: Option<u32>,
    pub(super) requests_per_address_max: Option<u32>,
    pub(super) answer_deadline: Option<Period>,
    pub(super) head_max: Option<ByteSize>,
    pub(super) body_max: Option<ByteSize>,
    pub(super) handshake_timeout: Option<Period>,
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
#[expect(clippy::struct_field_names, reason = "the names of the settings")]
pub(super) struct Scripts {
    pub(super) operations_max: Option<u32>,
    pub(super) wall_max: Option<Period>,
    pub(super) message_wall_max: Option<Period>,
    pub(super) call_depth_max: Option<u16>,
    pub(super) expression_depth_max: Option<u16>,
    pub(super) variables_max: Option<u16>,
    pub(super) held_max: Option<u16>,
    pub(super) string_max: Option<ByteSize>,
    pub(super) array_items_max: Option<u32>,
    pub(super) map_entries_max: Option<u32>,
    pub(super) source_max: Option<ByteSize>,
}

impl Scripts {
    /// The limits, with their defaults where nothing is said.
    pub(super) fn limits(&self) -> script::Limits {
        let own = script::Limits::default();
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        script::Limits {
            operations: self.operations_max.map_or(own.operations, u64::from),
            wall: self.wall_max.map_or(own.wall, |period| period.0),
            message_wall: self.message_wall_max.map_or(own.message_wall, |period| period.0),
            call_depth: self.call_depth_max.map_or(own.call_depth, usize::from),
            expression_depth: self.expression_depth_max.map_or(own.expression_depth, usize::from),
            variables: self.variables_max.map_or(own.variables, usize::from),
            held: self.held_max.map_or(own.held, usize::from),
            string_bytes: self.string_max.map_or(own.string_bytes, |size| size.0),
            array_items: self.array_items_max.map_or(own.array_items, count),
            map_entries: self.map_entries_max.map_or(own.map_entries, count),
            source_bytes: self.source_max.map_or(own.source_bytes, |size| size.0),
        }
    }
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

/// A list of texts, or the only one without its brackets.
fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: de::Error>(self, one: &str) -> Result<Vec<String>, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
            Vec::deserialize(de::value::SeqAccessDeserializer::new(list))
        }
    }
    let texts = deserializer.deserialize_any(Visitor)?;
    Ok(texts.into_iter().map(T::from).collect())
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

/// A network, or one address.
#[derive(Debug)]
pub(super) struct Network(pub(super) IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let one = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| one()).map(Self).map_err(|_| {
            de::Error::custom(format!("`{text}` is not a network such as `10.0.0.0/8`"))
        })
    }
}

/// How proxies say for whom they call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protocol(pub(super) ProxyProtocol);

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "off" => Ok(Self(ProxyProtocol::Off)),
            "v2" => Ok(Self(ProxyProtocol::V2)),
            other => Err(de::Error::custom(format!("`{other}` is not one of `off`, `v2`"))),
        }
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trace {
    pub(super) endpoint: Option<String>,
    pub(super) percent: Option<u8>,
}
