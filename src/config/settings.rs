//! Every setting, once: what the loader accepts, what `quell config` prints and the table in the
//! README all come from here.

use std::fmt::Write;

/// What a setting's value looks like in an environment variable or flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text, in quotes in the file.
    Text,
    /// Text that is never shown.
    Secret,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Switch,
    /// Texts, comma-separated outside the file.
    Texts,
    /// Texts that are never shown.
    Secrets,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key in the file, with dots.
    pub key: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// Its value where nothing is said; empty for none.
    pub default: &'static str,
    /// What a value looks like where there is no default.
    pub sample: &'static str,
    /// Its flag, where it has one.
    pub flag: Option<&'static str>,
    /// What it does, in one sentence.
    pub help: &'static str,
}

impl Setting {
    /// Its environment variable.
    pub fn variable(&self) -> String {
        format!("QUELL_{}", self.key.replace('.', "__").to_uppercase())
    }
}

const fn text(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, form: Form::Text, default, sample: "", flag: None, help }
}

/// A setting without a default.
const fn bare(key: &'static str, sample: &'static str, help: &'static str) -> Setting {
    Setting { sample, ..text(key, "", help) }
}

const fn number(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    formed(text(key, default, help), Form::Integer)
}

const fn flagged(setting: Setting, flag: &'static str) -> Setting {
    Setting { flag: Some(flag), ..setting }
}

const fn formed(setting: Setting, form: Form) -> Setting {
    Setting { form, ..setting }
}

/// Every setting, in the order of the file.
pub const ALL: &[Setting] = &[
    flagged(
        text("rules", "rules", "The directory of the rules; in the file, relative to the file."),
        "--rules",
    ),
    flagged(
        formed(
            text("insecure", "false", "Serve callbacks unsigned on an address others can reach."),
            Form::Switch,
        ),
        "--insecure",
    ),
    flagged(
        text(
            "listen.callbacks",
            "127.0.0.1:8080",
            "Address and port for the platform's callbacks.",
        ),
        "--listen",
    ),
    text("listen.path", "/callback", "The path of the callback URL."),
    formed(
        text("listen.workers", "0", "Threads that answer callbacks; 0 is one for each core."),
        Form::Integer,
    ),
    flagged(
        text("listen.operator", "127.0.0.1:9090", "Address and port of the operator API."),
        "--operator",
    ),
    formed(
        bare(
            "listen.operator_token",
            "a-long-random-text",
            "Bearer token for the operator API's POST requests.",
        ),
        Form::Secret,
    ),
    bare(
        "listen.operator_token_file",
        "/run/secrets/quell-operator",
        "A file that holds that token.",
    ),
    formed(
        text(
            "listen.trusted_proxies",
            "127.0.0.1/32, ::1/128",
            "Networks of proxies whose `X-Forwarded-For` or PROXY header is believed; they have no limits themselves.",
        ),
        Form::Texts,
    ),
    text(
        "listen.proxy_protocol",
        "off",
        "`v2`: trusted proxies begin each connection with that PROXY header, and nobody else may connect.",
    ),
    bare(
        "listen.tls.certificate",
        "server.pem",
        "The certificate for callbacks over TLS and those that lead to its CA, PEM; reloaded when changed.",
    ),
    bare("listen.tls.key", "server.key", "Its private key, PEM."),
    bare(
        "listen.tls.client_ca",
        "ca.pem",
        "The CA that the caller's certificate must lead to, PEM (mutual TLS); none: no certificate is asked for.",
    ),
    formed(
        bare(
            "app.sdk_app_id",
            "1400000001",
            "An app whose callbacks are accepted; none: any, on loopback.",
        ),
        Form::Integer,
    ),
    formed(
        bare(
            "app.tokens",
            "token-from-the-console",
            "The app's callback tokens, any of which is good.",
        ),
        Form::Secrets,
    ),
    formed(
        bare("app.token_files", "/run/secrets/quell-token", "Files that each hold such a token."),
        Form::Texts,
    ),
    bare("app.rules", "rules", "The app's rule directory; for now the same for all apps."),
    text("fallback.message", "allow", "Verdict on a message that could not be judged."),
    text("fallback.gift", "deny", "Verdict on a gift that could not be judged."),
    text(
        "fallback.admission",
        "allow",
        "Verdict on a join, invitation, group or friend request that could not be judged.",
    ),
    formed(
        text(
            "limits.connections_max",
            "0",
            "Connections of the platform at a time; 0: measured at start, for `limits.answer_deadline`.",
        ),
        Form::Integer,
    ),
    formed(
        bare(
            "limits.connections_per_address_max",
            "2048",
            "Of them, from one address (IPv6: /64) at a time; unset: half of them; 0: any number.",
        ),
        Form::Integer,
    ),
    number(
        "limits.requests_per_address_max",
        "0",
        "Requests from one address a second; more are answered 429, and the platform delivers what it asked about; 0: any number.",
    ),
    text(
        "limits.answer_deadline",
        "1s",
        "With every connection busy with the longest message, the last answer leaves within this.",
    ),
    text("limits.head_max", "16KiB", "The longest request head; from 8KiB to 1MiB."),
    text("limits.body_max", "256KiB", "The longest request body."),
    text("limits.handshake_timeout", "5s", "For a TLS handshake or a PROXY header."),
    text(
        "limits.header_timeout",
        "5s",
        "From a new connection's start, or a head's first byte, to the head's last.",
    ),
    text("limits.body_timeout", "1500ms", "For a body to arrive, or a reply to be taken."),
    text("limits.idle_timeout", "10m", "For a connection to wait for its next request."),
    text("limits.drain_timeout", "5s", "For requests in flight to end when the node stops."),
    text("limits.signature_age_max", "60s", "How far a callback's `RequestTime` may be from now."),
    formed(
        text(
            "limits.fields_max",
            "256",
            "Fields of a callback judged one by one; the rest as one.",
        ),
        Form::Integer,
    ),
    formed(
        text("limits.depth_max", "4", "Levels of JSON in strings that are taken apart."),
        Form::Integer,
    ),
    formed(text("limits.rule_files_max", "1024", "Files in the rule directory."), Form::Integer),
    text("limits.rule_file_max", "32MiB", "The longest rule file."),
    text("limits.rules_max", "128MiB", "All rule files together."),
    number("scripts.operations_max", "100000", "Steps of one script."),
    text("scripts.wall_max", "5ms", "Time for one script."),
    text("scripts.message_wall_max", "20ms", "Time for all scripts of one message."),
    number("scripts.call_depth_max", "8", "Calls inside one another."),
    number("scripts.expression_depth_max", "64", "Nesting of one function's source."),
    number("scripts.variables_max", "26", "Variables alive in one function."),
    number("scripts.held_max", "8", "Unfinished values in one function, such as arguments."),
    text("scripts.string_max", "24KiB", "All strings of one value."),
    number("scripts.array_items_max", "512", "All items of arrays of one value."),
    number("scripts.map_entries_max", "192", "All entries of maps of one value."),
    text("scripts.source_max", "32KiB", "The source of one script."),
    text(
        "tencent.c2c_discard",
        "deny",
        "What a discard becomes for direct messages, which have no silent form.",
    ),
    text("tencent.mask", "*", "What replaces each character of a masked stretch."),
    text("log.format", "auto", "`json`, `text`, or `auto`: text on a terminal, else JSON."),
    text("log.level", "info", "`error`, `warn`, `info`, `debug` or `trace`, or a filter."),
    bare(
        "trace.endpoint",
        "http://127.0.0.1:4318/v1/traces",
        "Where OpenTelemetry spans go, OTLP over plain HTTP in JSON, such as `http://127.0.0.1:4318/v1/traces`; needs a build with `--features otel`.",
    ),
    number(
        "trace.percent",
        "1",
        "Of the requests that are refused, or whose `traceparent` does not say whether to trace them, so many percent are.",
    ),
];

/// The settings as a Markdown table.
pub fn markdown() -> String {
    let mut table = String::from(
        "| setting | default | variable | flag | what it does |\n| --- | --- | --- | --- | --- |\n",
    );
    for setting in ALL {
        let quoted = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
        let _ = writeln!(
            table,
            "| `{}` | {} | `{}` | {} | {} |",
            setting.key,
            quoted(setting.default),
            setting.variable(),
            quoted(setting.flag.unwrap_or_default()),
            setting.help,
        );
    }
    table
}
