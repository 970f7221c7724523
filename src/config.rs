//! The configuration: flags beat `QUELL_*` variables beat the file beat the defaults.
//!
//! [`Config::resolve`] is pure: the environment, the file's text and the reading of token files
//! are given to it. Every setting, with its default, is in [`settings`].

mod layers;
mod raw;
pub mod settings;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use crate::gate::Fallback;
use crate::platform::tencent::{self, App, Secret};
use crate::rulebook::script;
use crate::server::{ProxyProtocol, TlsFiles};
use crate::telemetry::{self, Format};
use crate::verdict::Verdict;
use crate::watch;
use layers::{Layers, Shown};
use raw::Raw;
pub use units::{BadQuantity, ByteSize, Period};

/// Everything a node needs to know, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it comes from, where there is one.
    pub file: Option<PathBuf>,
    /// The files that hold a token or a key.
    pub secret_files: Vec<PathBuf>,
    /// The rule directory.
    pub rules: PathBuf,
    /// Where to listen.
    pub listen: Listen,
    /// The apps whose callbacks are accepted; none: any, unsigned.
    pub apps: Vec<App>,
    /// Verdicts on what could not be judged.
    pub fallback: Fallback,
    /// Every limit.
    pub limits: Limits,
    /// What scripts may use.
    pub scripts: script::Limits,
    /// How callbacks are read and answered.
    pub tencent: tencent::Settings,
    /// How log lines look.
    pub log_format: Format,
    /// What is logged.
    pub log_level: String,
    /// Where spans go.
    pub trace: Option<telemetry::Trace>,
    shown: Vec<Shown>,
}

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// For the platform's callbacks.
    pub callbacks: SocketAddr,
    /// The certificate to speak TLS with; none: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Who is believed about whom they call for.
    pub trusted_proxies: Vec<IpNet>,
    /// How they say so, besides `X-Forwarded-For`.
    pub proxy_protocol: ProxyProtocol,
    /// The path of the callback URL.
    pub path: String,
    /// Threads that answer callbacks, at least one.
    pub workers: usize,
    /// For the operator API.
    pub operator: SocketAddr,
    /// What its POST requests must bear.
    pub operator_token: Option<Secret>,
}

/// Every limit. Sizes are in bytes.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is described in the settings table")]
pub struct Limits {
    pub connections_max: usize,
    pub connections_per_address_max: Option<usize>,
    pub requests_per_address_max: u32,
    pub answer_deadline: Duration,
    pub head_max: usize,
    pub body_max: usize,
    pub handshake_timeout: Duration,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub idle_timeout: Duration,
    pub drain_timeout: Duration,
    pub signature_age_max: Duration,
    pub rule_files_max: usize,
    pub rule_file_max: usize,
    pub rules_max: usize,
}

/// What the configuration is made from.
pub struct Input<'a> {
    /// The file's path and text, where there is one.
    pub file: Option<(PathBuf, String)>,
    /// The process's environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Setting keys and values that flags gave.
    pub flags: Vec<(&'static str, String)>,
    /// Threads to use where nothing is said.
    pub cores: usize,
    /// Reads a token file.
    pub read: &'a dyn Fn(&Path) -> io::Result<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file breaks TOML or names what is not a setting.
    #[error("{}: line {line}, column {column}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line of the mistake, from 1.
        line: usize,
        /// Its column, in characters, from 1.
        column: usize,
        /// What is wrong, without the line itself: it may hold a token.
        reason: String,
    },
    /// A variable or flag has a value that its setting cannot have.
    #[error("{origin}: {reason}")]
    Value {
        /// The variable or flag.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A token file cannot be read.
    #[error("cannot read the token file {}: {source}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Settings that do not go together, or are unsafe.
    #[error("{0}")]
    Refused(&'static str),
}

impl fmt::Debug for Input<'_> {
    /// Without the values: tokens are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("cores", &self.cores).finish_non_exhaustive()
    }
}

impl Config {
    /// Puts the configuration together and checks it, for a node.
    pub fn resolve(input: &Input<'_>) -> Result<Self, ConfigError> {
        let (config, insecure) = Self::read(input)?;
        config.check_exposure(insecure)?;
        Ok(config)
    }

    /// The same for who will not listen: the addresses are another's to be safe on.
    pub fn resolve_to_ask(input: &Input<'_>) -> Result<Self, ConfigError> {
        Self::read(input).map(|(config, _)| config)
    }

    fn read(input: &Input<'_>) -> Result<(Self, bool), ConfigError> {
        let layers = Layers::stack(input)?;
        let raw = layers.read()?;
        let paths = Paths { input, layers: &layers };
        let own = tencent::Settings::default();
        let config = Self {
            file: input.file.as_ref().map(|(path, _)| path.clone()),
            secret_files: paths.secret_files(&raw),
            rules: paths.rules(&raw)?,
            apps: paths.apps(&raw.app)?,
            listen: paths.listen(&raw.listen)?,
            fallback: Fallback {
                message: raw.fallback.message.map_or(Verdict::Allow, |v| v.0),
                gift: raw.fallback.gift.map_or(Verdict::Deny, |v| v.0),
                admission: raw.fallback.admission.map_or(Verdict::Allow, |v| v.0),
            },
            tencent: tencent::Settings {
                c2c_discard: raw.tencent.c2c_discard.map_or(own.c2c_discard, |v| v.0),
                mask: raw.tencent.mask.unwrap_or(own.mask),
                fields_max: raw.limits.fields_max.map_or(own.fields_max, count),
                depth_max: raw.limits.depth_max.map_or(own.depth_max, usize::from),
            },
            limits: Limits::from(&raw.limits),
            scripts: raw.scripts.limits(),
            log_format: raw.log.format.unwrap_or_default(),
            log_level: raw.log.level.unwrap_or_else(|| "info".to_owned()),
            trace: raw.trace.endpoint.filter(|endpoint| !endpoint.is_empty()).map(|endpoint| {
                telemetry::Trace { endpoint, percent: raw.trace.percent.unwrap_or(1) }
            }),
            shown: layers.shown(),
        };
        config.check()?;
        Ok((config, raw.insecure.unwrap_or(false)))
    }

    /// Are callbacks of every app signed?
    pub fn signed(&self) -> bool {
        !self.apps.is_empty() && self.apps.iter().all(|app| !app.tokens.is_empty())
    }

    fn check_exposure(&self, insecure: bool) -> Result<(), ConfigError> {
        if !self.listen.callbacks.ip().is_loopback() && !self.signed() && !insecure {
            return Err(ConfigError::Refused(
                "callbacks would be accepted unsigned on an address others can reach; give each \
                 app its `sdk_app_id` and `tokens`, or listen on loopback behind something that \
                 authenticates, or say --insecure",
            ));
        }
        if !self.listen.operator.ip().is_loopback() && self.listen.operator_token.is_none() {
            return Err(ConfigError::Refused(
                "the operator API would be open on an address others can reach; set \
                 `listen.operator_token_file`, or listen on loopback",
            ));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.trace.as_ref().is_some_and(|trace| trace.percent > 100) {
            return Err(ConfigError::Refused("`trace.percent` must be from 0 to 100"));
        }
        if self.trace.is_some() && !cfg!(feature = "otel") {
            return Err(ConfigError::Refused(
                "`trace.endpoint` is set, but this program cannot trace: build it with \
                 `cargo build --release --features otel`, or leave the setting out",
            ));
        }
        if self.trace.as_ref().is_some_and(|trace| !trace.endpoint.starts_with("http://")) {
            return Err(ConfigError::Refused(
                "`trace.endpoint` must begin with `http://`: spans are sent without TLS; name a \
                 collector on this machine or network, and let it send them on",
            ));
        }
        if !(8 << 10..=1 << 20).contains(&self.limits.head_max) {
            return Err(ConfigError::Refused("`limits.head_max` must be from 8KiB to 1MiB"));
        }
        if self.limits.body_max < 1 << 10 {
            return Err(ConfigError::Refused("`limits.body_max` must be at least 1KiB"));
        }
        let Listen { proxy_protocol, trusted_proxies, .. } = &self.listen;
        if *proxy_protocol == ProxyProtocol::V2 && trusted_proxies.is_empty() {
            return Err(ConfigError::Refused(
                "with `listen.proxy_protocol` only trusted proxies may connect: name their \
                 networks in `listen.trusted_proxies`",
            ));
        }
        let least = Duration::from_millis(1);
        let Limits { handshake_timeout, header_timeout, body_timeout, idle_timeout, .. } =
            self.limits;
        let all = [handshake_timeout, header_timeout, body_timeout, idle_timeout];
        if all.iter().any(|limit| *limit < least) {
            return Err(ConfigError::Refused("a timeout under `limits` must not be zero"));
        }
        Ok(())
    }
}

impl fmt::Display for Config {
    /// As TOML, each value with where it came from, tokens hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.iter().try_for_each(|shown| shown.fmt(f))
    }
}

/// What turns on where a value came from: a path in the file is relative to the file.
struct Paths<'a> {
    input: &'a Input<'a>,
    layers: &'a Layers,
}

impl Paths<'_> {
    fn place(&self, path: &Path, key: &str) -> PathBuf {
        match &self.input.file {
            Some((file, _)) if self.layers.is_from_file(key) => {
                file.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path))
            }
            _ => path.to_owned(),
        }
    }

    /// A flag or variable for `rules` beats what the apps say; else all must say the same.
    fn rules(&self, raw: &Raw) -> Result<PathBuf, ConfigError> {
        let top = raw.rules.as_deref().map(|path| self.place(path, "rules"));
        let mut all: Vec<PathBuf> = raw
            .app
            .iter()
            .filter_map(|app| app.rules.as_deref())
            .map(|path| self.place(path, "app.rules"))
            .collect();
        if self.layers.is_overridden("rules") {
            all.clear();
        }
        all.extend(top);
        all.dedup();
        match all.as_slice() {
            [] => Ok(PathBuf::from("rules")),
            [one] => Ok(one.clone()),
            _ => Err(ConfigError::Refused(
                "several rule directories are not supported yet: give every app, and the top \
                 level, the same `rules`",
            )),
        }
    }

    fn apps(&self, raw: &[raw::App]) -> Result<Vec<App>, ConfigError> {
        let mut apps: Vec<App> = Vec::with_capacity(raw.len());
        for app in raw {
            let Some(sdk_app_id) = app.sdk_app_id else {
                return Err(ConfigError::Refused("an app lacks its `sdk_app_id`"));
            };
            if apps.iter().any(|app| app.sdk_app_id == sdk_app_id) {
                return Err(ConfigError::Refused("two apps have the same `sdk_app_id`"));
            }
            let mut tokens: Vec<Secret> =
                app.tokens.iter().map(|token| Secret::new(token.trim())).collect();
            for file in &app.token_files {
                tokens.push(self.token(&self.place(file, "app.token_files"))?);
            }
            if tokens.iter().any(|token| token.expose().is_empty()) {
                return Err(ConfigError::Refused("a token of an app is empty"));
            }
            apps.push(App { sdk_app_id, tokens });
        }
        Ok(apps)
    }

    fn listen(&self, raw: &raw::Listen) -> Result<Listen, ConfigError> {
        let own = raw.operator_token.as_deref().map(|token| Secret::new(token.trim()));
        let operator_token = match (own, &raw.operator_token_file) {
            (Some(token), _) => Some(token),
            (None, Some(file)) => {
                Some(self.token(&self.place(file, "listen.operator_token_file"))?)
            }
            (None, None) => None,
        };
        if operator_token.as_ref().is_some_and(|token| token.expose().is_empty()) {
            return Err(ConfigError::Refused("the operator token is empty"));
        }
        let workers = match raw.workers {
            None | Some(0) => self.input.cores.max(1),
            Some(workers) => usize::from(workers),
        };
        Ok(Listen {
            callbacks: raw.callbacks.unwrap_or_else(|| loopback(8080)),
            tls: self.tls(&raw.tls)?,
            trusted_proxies: raw.trusted_proxies.as_ref().map_or_else(
                || vec![loopback(0).ip().into(), IpAddr::from(Ipv6Addr::LOCALHOST).into()],
                |networks| networks.iter().map(|network| network.0).collect(),
            ),
            proxy_protocol: raw.proxy_protocol.map(|it| it.0).unwrap_or_default(),
            path: raw.path.as_ref().map_or_else(|| "/callback".to_owned(), |path| path.0.clone()),
            workers,
            operator: raw.operator.unwrap_or_else(|| loopback(9090)),
            operator_token,
        })
    }

    fn secret_files(&self, raw: &Raw) -> Vec<PathBuf> {
        let inside = ["app.tokens", "listen.operator_token"];
        let inside = inside.iter().any(|key| self.layers.is_from_file(key));
        let own = self.input.file.as_ref().filter(|_| inside).map(|(path, _)| path.clone());
        let place = |path: &PathBuf, key| self.place(path, key);
        let tokens = raw.app.iter().flat_map(|app| &app.token_files);
        let tokens = tokens.map(|path| place(path, "app.token_files"));
        let operator = &raw.listen.operator_token_file;
        let operator = operator.iter().map(|path| place(path, "listen.operator_token_file"));
        let key = raw.listen.tls.key.iter().map(|path| place(path, "listen.tls.key"));
        own.into_iter().chain(tokens).chain(operator).chain(key).collect()
    }

    fn tls(&self, raw: &raw::Tls) -> Result<Option<TlsFiles>, ConfigError> {
        match (&raw.certificate, &raw.key, &raw.client_ca) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), client_ca) => Ok(Some(TlsFiles {
                certificate: self.place(certificate, "listen.tls.certificate"),
                key: self.place(key, "listen.tls.key"),
                client_ca: client_ca
                    .as_deref()
                    .map(|path| self.place(path, "listen.tls.client_ca")),
            })),
            _ => Err(ConfigError::Refused(
                "TLS needs both `listen.tls.certificate` and `listen.tls.key`",
            )),
        }
    }

    fn token(&self, path: &Path) -> Result<Secret, ConfigError> {
        let text = (self.input.read)(path)
            .map_err(|source| ConfigError::TokenFile { path: path.to_owned(), source })?;
        Ok(Secret::new(text.trim()))
    }
}

impl Limits {
    /// How much of the rule directory is read.
    pub fn rule_files(&self) -> watch::Limits {
        watch::Limits {
            files_max: self.rule_files_max,
            file_bytes_max: self.rule_file_max,
            bytes_max: self.rules_max,
        }
    }
}

impl From<&raw::Limits> for Limits {
    fn from(raw: &raw::Limits) -> Self {
        let size = |given: Option<ByteSize>, default| given.map_or(default, |size| size.0);
        let rules = watch::Limits::default();
        let time = |given: Option<Period>, default_ms| {
            given.map_or(Duration::from_millis(default_ms), |period| period.0)
        };
        Self {
            connections_max: count(raw.connections_max.unwrap_or_default()),
            connections_per_address_max: raw.connections_per_address_max.map(count),
            requests_per_address_max: raw.requests_per_address_max.unwrap_or_default(),
            answer_deadline: time(raw.answer_deadline, 1_000),
            head_max: size(raw.head_max, 16 << 10),
            body_max: size(raw.body_max, 256 << 10),
            handshake_timeout: time(raw.handshake_timeout, 5_000),
            header_timeout: time(raw.header_timeout, 5_000),
            body_timeout: time(raw.body_timeout, 1_500),
            idle_timeout: time(raw.idle_timeout, 600_000),
            drain_timeout: time(raw.drain_timeout, 5_000),
            signature_age_max: time(raw.signature_age_max, 60_000),
            rule_files_max: raw.rule_files_max.map_or(rules.files_max, count),
            rule_file_max: size(raw.rule_file_max, rules.file_bytes_max),
            rules_max: size(raw.rules_max, rules.bytes_max),
        }
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
