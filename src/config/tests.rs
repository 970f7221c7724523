use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::{self, Form};
use super::{Config, ConfigError, Input};
use crate::platform::tencent::Secret;
use crate::server::ProxyProtocol;
use crate::verdict::Verdict;

fn resolve(
    file: Option<&str>,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Config, ConfigError> {
    let environment: BTreeMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::resolve(&Input {
        file: file.map(|text| (PathBuf::from("/etc/quell/quell.toml"), text.to_owned())),
        environment: &environment,
        flags: flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
        cores: 3,
        read: &|path: &Path| match path.to_str() {
            Some("/etc/quell/token") => Ok("from-file\n".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        },
    })
}

#[track_caller]
fn fails(outcome: Result<Config, ConfigError>, words: &[&str]) {
    let said = outcome.expect_err("this must not be accepted").to_string();
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

#[test]
fn nothing_is_needed() {
    let config = resolve(None, &[], &[]).unwrap();
    assert_eq!(config.listen.callbacks.to_string(), "127.0.0.1:8080");
    assert_eq!((config.listen.path.as_str(), config.listen.workers), ("/callback", 3));
    assert_eq!(config.rules, Path::new("rules"));
    assert_eq!((config.fallback.message, config.fallback.gift), (Verdict::Allow, Verdict::Deny));
    assert_eq!(config.limits.body_max, 256 << 10);
    assert!(!config.signed());
}

/// What the table says is the default is the default.
#[test]
fn the_table_of_settings_tells_the_truth() {
    let variables: Vec<(String, &str)> = settings::ALL
        .iter()
        .filter(|setting| !setting.default.is_empty())
        .map(|setting| (setting.variable(), setting.default))
        .collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    let said = resolve(None, &variables, &[]).unwrap();
    let silent = resolve(None, &[], &[]).unwrap();
    let plain = |config: &Config| format!("{:?}", Config { shown: Vec::new(), ..config.clone() });
    assert_eq!(plain(&said), plain(&silent));
    let keys: BTreeSet<_> = settings::ALL.iter().map(|setting| setting.key).collect();
    assert_eq!(keys.len(), settings::ALL.len());
    for setting in settings::ALL {
        assert!(setting.default.is_empty() != setting.sample.is_empty(), "{setting:?}");
    }
    assert_eq!(settings::markdown().lines().count(), settings::ALL.len() + 2);
}

#[test]
fn the_example_in_the_design_is_accepted() {
    let file = r#"
[listen]
callbacks = "127.0.0.1:8080"
path      = "/callback"
operator  = "127.0.0.1:9090"
operator_token_file = "/etc/quell/token"

[[app]]
sdk_app_id  = 1400000001
tokens      = ["current", "previous"]
token_files = ["token"]
rules       = "rules"

[fallback]
message = "allow"
gift    = "deny"

[limits]
body_max        = "256KiB"
connections_max = 4096
header_timeout  = "5s"
"#;
    let config = resolve(Some(file), &[], &[]).unwrap();
    assert!(config.signed());
    let tokens: Vec<_> = config.apps[0].tokens.iter().map(Secret::expose).collect();
    assert_eq!(tokens, ["current", "previous", "from-file"]);
    assert_eq!(config.rules, Path::new("/etc/quell/rules"));
    assert_eq!(config.listen.operator_token.unwrap().expose(), "from-file");
}

#[test]
fn flags_beat_variables_beat_the_file_beat_defaults() {
    let file = "[listen]\ncallbacks = '127.0.0.1:1'\noperator = '127.0.0.1:1'\npath = '/file'\n";
    let variables = [
        ("QUELL_LISTEN__CALLBACKS", "127.0.0.1:2"),
        ("QUELL_LISTEN__OPERATOR", "127.0.0.1:2"),
        ("QUELL_SERVICE_HOST", "10.0.0.1"),
    ];
    let flags = [("listen.callbacks", "127.0.0.1:3")];
    let config = resolve(Some(file), &variables, &flags).unwrap();
    assert_eq!(config.listen.callbacks.port(), 3);
    assert_eq!(config.listen.operator.port(), 2);
    assert_eq!(config.listen.path, "/file");
    assert_eq!(config.limits.header_timeout, Duration::from_secs(5));
}

#[test]
fn variables_about_an_app_make_up_one() {
    let file = "[[app]]\nsdk_app_id = 1\n[[app]]\nsdk_app_id = 2\n";
    assert_eq!(resolve(Some(file), &[], &[]).unwrap().apps.len(), 2);
    let variables = [("QUELL_APP__SDK_APP_ID", "7"), ("QUELL_APP__TOKENS", "a, b")];
    let config = resolve(Some(file), &variables, &[]).unwrap();
    assert_eq!((config.apps.len(), config.apps[0].sdk_app_id), (1, 7));
    assert_eq!(config.apps[0].tokens.len(), 2);
}

#[test]
fn mistakes_are_named_with_their_place() {
    fails(
        resolve(Some("[limits]\nbody_max = 'big'\n"), &[], &[]),
        &["quell.toml", "line 2", "`big`"],
    );
    fails(resolve(Some("[limit]\n"), &[], &[]), &["unknown field `limit`", "`limits`"]);
    fails(resolve(Some("fallback.message = 'mask'\n"), &[], &[]), &["`mask`", "`discard`"]);
    fails(resolve(Some("fallback.gift = 'discard'\n"), &[], &[]), &["`discard`", "`deny`"]);
    fails(resolve(Some("listen.path = 'callback'\n"), &[], &[]), &["`callback`", "begin with `/`"]);
    fails(resolve(None, &[("QUELL_INSECURE", "yes")], &[]), &["QUELL_INSECURE", "`yes`"]);
    fails(resolve(None, &[("QUELL_LISTEN__WORKERS", "-1")], &[]), &["QUELL_LISTEN__WORKERS"]);
    fails(
        resolve(None, &[("QUELL_LIMITS__BODYMAX", "1KiB")], &[]),
        &["QUELL_LIMITS__BODYMAX", "did you mean `QUELL_LIMITS__BODY_MAX`"],
    );
    assert!(resolve(None, &[("QUELL_SERVICE_HOST", "10.0.0.1")], &[]).is_ok());
    if !cfg!(feature = "otel") {
        fails(resolve(None, &[("QUELL_TRACE__ENDPOINT", "http://x")], &[]), &["--features otel"]);
    }
    fails(resolve(None, &[], &[("listen.operator", "x")]), &["--operator"]);
    fails(resolve(None, &[("QUELL_LIMITS__HEAD_MAX", "4KiB")], &[]), &["head_max", "8KiB"]);
    fails(resolve(None, &[("QUELL_LIMITS__BODY_TIMEOUT", "0s")], &[]), &["timeout"]);
    fails(resolve(None, &[("QUELL_APP__TOKENS", "t")], &[]), &["sdk_app_id"]);
    fails(
        resolve(Some("app = [{ sdk_app_id = 1, token_files = ['x'] }]\n"), &[], &[]),
        &["/etc/quell/x"],
    );
}

#[test]
fn tls_needs_a_certificate_and_its_key() {
    let file = "[listen.tls]\ncertificate = 'server.pem'\nclient_ca = '/etc/ca.pem'\n";
    fails(resolve(Some(file), &[], &[]), &["`listen.tls.certificate`", "`listen.tls.key`"]);
    fails(resolve(Some("listen.tls.cert = 'x'\n"), &[], &[]), &["line 1", "`certificate`"]);
    let config = resolve(Some(file), &[("QUELL_LISTEN__TLS__KEY", "server.key")], &[]).unwrap();
    let tls = config.listen.tls.clone().unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/quell/server.pem"));
    assert_eq!(tls.key, Path::new("server.key"));
    assert_eq!(tls.client_ca.unwrap(), Path::new("/etc/ca.pem"));
    let shown = config.to_string();
    assert!(shown.contains("\n[listen.tls]\ncertificate = \"server.pem\""), "{shown}");
    let shown: toml::Table = shown.parse().unwrap();
    assert_eq!(shown["listen"]["tls"]["key"].as_str(), Some("server.key"));
    assert!(resolve(None, &[], &[]).unwrap().listen.tls.is_none());
}

#[test]
fn proxies_are_networks() {
    let file = "listen.trusted_proxies = ['10.0.0.0/8', '2001:db8::7']\n";
    let config = resolve(Some(file), &[("QUELL_LISTEN__PROXY_PROTOCOL", "v2")], &[]).unwrap();
    let trusted: Vec<_> = config.listen.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "2001:db8::7/128"]);
    assert_eq!(config.listen.proxy_protocol, ProxyProtocol::V2);
    fails(
        resolve(Some("listen.trusted_proxies = ['10.0.0.0/99']\n"), &[], &[]),
        &["line 1", "`10.0.0.0/99`", "network"],
    );
    fails(resolve(Some("listen.proxy_protocol = 'v1'\n"), &[], &[]), &["`v1`", "`v2`"]);
    fails(
        resolve(Some("listen = { trusted_proxies = [], proxy_protocol = 'v2' }\n"), &[], &[]),
        &["`listen.trusted_proxies`"],
    );
}

#[test]
fn one_rule_directory_for_all() {
    let two = "app = [{ sdk_app_id = 1, rules = 'a' }, { sdk_app_id = 2, rules = 'b' }]\n";
    fails(resolve(Some(two), &[], &[]), &["not supported yet", "same `rules`"]);
    let flag = [("rules", "c")];
    assert_eq!(resolve(Some(two), &[], &flag).unwrap().rules, Path::new("c"));
    let same = "rules = 'a'\napp = [{ sdk_app_id = 1, rules = 'a' }, { sdk_app_id = 2 }]\n";
    assert_eq!(resolve(Some(same), &[], &[]).unwrap().rules, Path::new("/etc/quell/a"));
}

#[test]
fn secrets_are_shown_nowhere() {
    let variables = [
        ("QUELL_APP__SDK_APP_ID", "7"),
        ("QUELL_APP__TOKENS", "hush,hush"),
        ("QUELL_LISTEN__OPERATOR_TOKEN", "hush"),
    ];
    let config = resolve(None, &variables, &[]).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    assert!(!config.to_string().contains("hush"));
    let secret = settings::ALL.iter().filter(|s| matches!(s.form, Form::Secret | Form::Secrets));
    assert_eq!(secret.count(), 2);
}

/// Not even in what is said about a token that is written wrongly.
#[test]
fn mistakes_about_tokens_do_not_show_them() {
    for (line, said) in [
        ("app = [{ sdk_app_id = 1, tokens = 12345678 }]", "column 35: invalid type: integer"),
        ("app = [{ sdk_app_id = 1, tokens = ['hush', 12345678] }]", "expected a string"),
        ("app = [{ sdk_app_id = 1, tokens = hush }]", "must be quoted"),
        ("app = [{ sdk_app_id = 1, tokens = { a = 'hush' } }]", "a string or a list of strings"),
        ("app = [{ sdk_app_id = 1, token = 'hush' }]", "unknown field `token`"),
        ("app = 'hush, expected \"hush'", "invalid type: string, expected a sequence"),
        ("listen.operator_token = hush", "must be quoted"),
        ("listen.operator_token = 12345678", "invalid type: integer, expected a string"),
        ("listen.operator_token = [\"hush\"]", "invalid type: sequence, expected a string"),
        ("listen.operator_token = \"hush", "invalid basic string"),
        ("listen.operator_tokens = 'hush'", "unknown field `operator_tokens`"),
        ("listen.workers = 'hush'", "invalid type: string, expected u16"),
    ] {
        let failed = resolve(Some(&format!("\n{line}\n")), &[], &[]).unwrap_err();
        for shown in [failed.to_string(), format!("{failed:?}")] {
            assert!(!shown.contains("hush") && !shown.contains("12345678"), "{shown}");
        }
        fails(Err(failed), &["/etc/quell/quell.toml: line 2, column ", said]);
    }
}

#[test]
fn one_token_needs_no_brackets() {
    let file = "[[app]]\nsdk_app_id = 1\ntokens = 'hush'\ntoken_files = 'token'\n";
    let config = resolve(Some(file), &[], &[]).unwrap();
    let tokens: Vec<_> = config.apps[0].tokens.iter().map(Secret::expose).collect();
    assert_eq!(tokens, ["hush", "from-file"]);
    assert!(!config.to_string().contains("hush"), "{config}");
}

#[test]
fn files_with_secrets_are_known() {
    let file = "[[app]]\nsdk_app_id = 1\ntoken_files = ['token']\n\n\
                [listen.tls]\ncertificate = 'server.pem'\nkey = 'server.key'\n";
    let config = resolve(Some(file), &[], &[]).unwrap();
    let expected = ["/etc/quell/token", "/etc/quell/server.key"].map(PathBuf::from);
    assert_eq!(config.secret_files, expected);
    let variables = [("QUELL_LISTEN__OPERATOR_TOKEN_FILE", "/etc/quell/token")];
    let config = resolve(Some("listen.operator_token = 'hush'\n"), &variables, &[]).unwrap();
    let expected = ["/etc/quell/quell.toml", "/etc/quell/token"].map(PathBuf::from);
    assert_eq!(config.secret_files, expected);
    let variables = [("QUELL_LISTEN__OPERATOR_TOKEN", "hush")];
    assert!(resolve(Some(""), &variables, &[]).unwrap().secret_files.is_empty());
}
