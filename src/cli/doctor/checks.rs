//! What can be told from the files and the machine, without asking a node.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::node::Node;
use super::{Check, counted};
use crate::cli::rules::{Compiled, now};
use crate::config::Config;
use crate::node::capacity::{self, Capacity};
use crate::rulebook::Rulebook;
use crate::rulebook::diagnostic::Severity;
use crate::telemetry;

/// Sooner than this a certificate should have been renewed.
const DAYS_LEFT_MIN: u64 = 14;
const DAY_S: u64 = 24 * 60 * 60;
/// The network and whole seconds account for less.
const SKEW_MAX_S: u64 = 5;
/// Read, write and execute for everyone.
const OTHERS: u32 = 0o007;

/// Does it load, and is it safe? That it loads is seen by its being here.
pub(super) fn configuration(config: &Config) -> Check {
    const NAME: &str = "configuration";
    let from = match &config.file {
        Some(path) => path.display().to_string(),
        None => "no file".to_owned(),
    };
    if let Err(error) = telemetry::check(&config.log_level) {
        return Check::problem(NAME, format!("{from}: {error}"), "set `log.level` to one of them");
    }
    if !config.signed() {
        let callbacks = config.listen.callbacks;
        return Check::warning(
            NAME,
            format!("{from}: callbacks are accepted unsigned from whoever reaches {callbacks}"),
            "give each app an [[app]] section with its `sdk_app_id` and, in `token_files`, the \
             token from the platform's console",
        );
    }
    Check::ok(NAME, format!("{from}: callbacks of {}, signed", counted(config.apps.len(), "app")))
}

/// Can others on this machine read what they should not?
pub(super) fn secrets(config: &Config) -> Check {
    const NAME: &str = "secrets";
    if config.secret_files.is_empty() {
        return Check::ok(NAME, "no files with tokens or keys");
    }
    // What cannot be read at all, those who need it say.
    let open = config
        .secret_files
        .iter()
        .filter(|path| fs::metadata(path).is_ok_and(|metadata| metadata.mode() & OTHERS != 0));
    let open: Vec<String> = open.map(|path| path.display().to_string()).collect();
    if open.is_empty() {
        let files = counted(config.secret_files.len(), "file");
        return Check::ok(NAME, format!("{files} with tokens or keys, none open to everyone"));
    }
    Check::warning(
        NAME,
        format!("open to everyone on this machine: {}", open.join(", ")),
        format!(
            "`chmod o= {}`, and have the node's user own them or be in their group",
            open.join(" ")
        ),
    )
}

/// Would the rules go live?
pub(super) fn rules(config: &Config, compiled: &anyhow::Result<Compiled>) -> Check {
    const NAME: &str = "rules";
    let directory = config.rules.display();
    let (_, rulebook, report) = match compiled {
        Ok(compiled) => compiled,
        Err(error) => {
            let mend = "`rules` or `--rules` names the directory; `quell init` writes one";
            return Check::problem(NAME, format!("{error:#}"), mend);
        }
    };
    let first = |severity| report.diagnostics.iter().find(|found| found.severity == severity);
    let errors = counted(report.count(Severity::Error), "error");
    let warnings = counted(report.count(Severity::Warning), "warning");
    let Some(rulebook) = rulebook else {
        let first = first(Severity::Error).map(ToString::to_string).unwrap_or_default();
        return Check::problem(
            NAME,
            format!("{directory}: {errors}, {warnings}; first: {first}"),
            format!("`quell check {directory}` shows each in its line"),
        );
    };
    let rules = counted(rulebook.size().rules, "rule");
    let revision = rulebook.revision();
    if let Some(first) = first(Severity::Warning) {
        return Check::warning(
            NAME,
            format!("{directory}: {rules}, {warnings}; first: {first}"),
            format!("`quell check {directory}` shows each in its line"),
        );
    }
    if rulebook.size().rules == 0 {
        let mend = "write rules, or begin with those that `quell init` writes";
        return Check::warning(NAME, format!("{directory}: no rule, so all is allowed"), mend);
    }
    Check::ok(NAME, format!("{directory}: {rules}, revision {revision}"))
}

/// Do certificate and key go together, and for how long?
pub(super) fn certificate(config: &Config) -> Check {
    const NAME: &str = "certificate";
    const RENEW: &str = "put a new certificate and its key in place of the old ones; a node that \
                         runs takes them up";
    let Some(files) = &config.listen.tls else {
        return Check::ok(NAME, "none: callbacks come as plain HTTP");
    };
    let validity = match files.read().and_then(|contents| files.identity(&contents)) {
        Ok(identity) => identity.validity,
        Err(error) => {
            let mend = "mend what `listen.tls` names; a node does not start with it, and one that \
                        runs keeps what it has";
            return Check::problem(NAME, error.to_string(), mend);
        }
    };
    let file = files.certificate.display();
    let Some((begin, end)) = validity else {
        let said = format!("{file}: when it expires cannot be read from it");
        return Check::warning(NAME, said, "try `openssl x509 -noout -dates -in` on it");
    };
    let now = u64::try_from(now().0).unwrap_or_default();
    let days = |seconds: u64| counted(usize::try_from(seconds / DAY_S).unwrap_or(0), "day");
    if now < begin {
        let said = format!("{file} is not valid before {}", date(begin));
        return Check::problem(
            NAME,
            said,
            "look at this machine's clock, or use another until then",
        );
    }
    if now > end {
        let said = format!("{file} expired on {}, {} ago", date(end), days(now - end));
        return Check::problem(NAME, said, RENEW);
    }
    let left = end - now;
    let said = format!("{file} fits its key and expires on {}, in {}", date(end), days(left));
    if left < DAYS_LEFT_MIN * DAY_S {
        return Check::warning(NAME, said, RENEW);
    }
    Check::ok(NAME, said)
}

fn date(unix_s: u64) -> String {
    let time = i64::try_from(unix_s).ok().and_then(|unix| jiff::Timestamp::from_second(unix).ok());
    time.map_or_else(|| "an unknown day".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// Is the clock that of the platform?
pub(super) fn clock(config: &Config, node: Option<&Node>) -> Check {
    const NAME: &str = "clock";
    let Some(node) = node else {
        return Check::ok(NAME, "unknown: no node runs here whose callbacks would tell");
    };
    let Some(skew) = node.signature_skew_seconds else {
        return Check::ok(
            NAME,
            "unknown: the node has seen no signed callback with its `RequestTime`",
        );
    };
    let way = if skew < 0 { "behind" } else { "ahead of" };
    let apart = skew.unsigned_abs();
    let age_max = config.limits.signature_age_max;
    let said = format!("this node's is {apart} s {way} the `RequestTime` of callbacks");
    let mend =
        "set the clock by NTP (`timedatectl set-ntp true`; `timedatectl` tells whether it is)";
    if apart > age_max.as_secs() / 2 {
        let said = format!(
            "{said}; beyond {} s, `limits.signature_age_max`, all are refused",
            age_max.as_secs()
        );
        return Check::problem(NAME, said, mend);
    }
    if apart > SKEW_MAX_S {
        return Check::warning(NAME, said, mend);
    }
    Check::ok(NAME, said)
}

/// May a node open as many connections as it should take?
pub(super) fn descriptors(
    config: &Config,
    node: Option<&Node>,
    rulebook: Option<&Rulebook>,
) -> Check {
    const NAME: &str = "descriptors";
    const RAISE: &str = "raise the limit: LimitNOFILE= in a systemd unit, `ulimit -n` in a shell";
    let (files, whose) = match node.and_then(|node| node.files) {
        Some(files) => (files, "for the node"),
        None => (capacity::files(), "for a node started from here"),
    };
    let files_said = format!("{files} open files {whose}");
    let needed = capacity::files_to_start(config.listen.workers);
    if node.is_none() && files < needed {
        let said = format!("{files_said}, too few for it to start: it needs {needed}");
        return Check::problem(NAME, said, RAISE);
    }
    let Some(rulebook) = rulebook else {
        let said = format!("{files_said}; how many it needs turns on the rules");
        return Check::ok(NAME, said);
    };
    let capacity = Capacity::measure(config, rulebook, files);
    let Capacity { wanted, bearable, room, .. } = capacity;
    let source = match config.limits.connections_max {
        0 => "measured to be bearable",
        _ => "of `limits.connections_max`",
    };
    if wanted > room {
        let said = format!("{files_said}, too few for the {wanted} connections {source}");
        return Check::warning(NAME, said, RAISE);
    }
    let said = format!("{files_said}, enough for the {wanted} connections {source}");
    if wanted > bearable {
        return Check::warning(
            NAME,
            format!("{said}, but with more than {bearable} busy an answer may be late"),
            "lower `limits.connections_max`, or set 0 to have it measured",
        );
    }
    Check::ok(NAME, said)
}
