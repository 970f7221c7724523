//! `quell init`: a directory to start from.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{FAILURE, Failure};
use crate::config::settings::{self, Form, Setting};

/// What `quell init` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Writes quell.toml with every setting in it, the shipped rules, alerts for Prometheus, a dashboard
for Grafana and a compose.yaml that starts all three. What is there already is never overwritten.

Example:
  quell init moderation")]
pub(super) struct Init {
    /// Where to write; made if it is not there
    directory: PathBuf,
}

/// Files by where they are written, from their places in a folder of the repository.
macro_rules! files {
    ($from:literal, $to:literal: $($path:literal),* $(,)?) => {
        &[$((concat!($to, $path), include_str!(concat!("../../", $from, $path)))),*]
    };
}

/// The shipped rules; a test compares the names with the directory.
const RULES: &[(&str, &str)] = files!["rules/", "rules/":
    "ads.toml",
    "civility.toml",
    "contact.toml",
    "gifts.toml",
    "links.toml",
    "lists/gambling.txt",
    "lists/gift-scam.csv",
    "lists/loans.csv",
    "lists/off-platform-fine.txt",
    "lists/off-platform.csv",
    "lists/rude.txt",
    "noise.toml",
    "rulebook.toml",
    "scripts/forged_gift.rhai",
    "scripts/repetition.rhai",
    "system.toml",
];
/// What watches a node.
const WATCHERS: &[(&str, &str)] = files!["deploy/", "":
    "compose.yaml",
    "grafana/provisioning/dashboards/quell.yaml",
    "grafana/provisioning/datasources/prometheus.yaml",
    "grafana/quell.json",
    "prometheus/prometheus.yml",
    "prometheus/quell.rules.yaml",
];

/// Writes the files, and says what to do next.
pub(super) fn run(args: &Init) -> anyhow::Result<ExitCode> {
    let directory = &args.directory;
    let config = configuration();
    let files: Vec<(PathBuf, &str)> = [("quell.toml", &*config)]
        .iter()
        .chain(WATCHERS)
        .chain(RULES)
        .map(|(path, text)| (directory.join(path), *text))
        .collect();
    for (path, _) in &files {
        if path.symlink_metadata().is_ok() {
            let what = format!(
                "{} is there already, and nothing was written: move it away, or give another \
                 directory",
                path.display()
            );
            return Err(Failure::new(FAILURE, what).into());
        }
    }
    for (path, text) in &files {
        write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    super::print(next(directory))
}

/// Never over what has come there since it was looked at.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create_new(path)?.write_all(text.as_bytes())
}

fn next(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "{directory} holds quell.toml, rules/, prometheus/, grafana/ and compose.yaml. Next:\n\n  \
         cd {directory}\n  \
         quell serve                # in one terminal\n  \
         quell simulate             # in another; then edit a rule and look again\n"
    )
}

/// Every setting with what it does, each at its default and commented out.
fn configuration() -> String {
    let mut text = String::from(
        "# Settings of Quell. Each stands at its default: take the `#` away to change it. A QUELL_*\n\
         # variable beats this file, and a flag beats both; `quell config` prints what is in force.\n",
    );
    let mut section = "";
    for setting in settings::ALL {
        let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of;
            // An app without its id is none.
            let header = if of == "app" { "# [[app]]".to_owned() } else { format!("[{of}]") };
            let _ = write!(text, "\n{header}");
        }
        // Relative to this file, where without it the current directory counts.
        let mark = if setting.key == "rules" { "" } else { "# " };
        let _ = write!(text, "\n# {}\n{mark}{name} = {}\n", setting.help, value(setting));
    }
    text
}

fn value(setting: &Setting) -> String {
    match setting.form {
        Form::Integer | Form::Switch if setting.default.is_empty() => "1400000001".to_owned(),
        Form::Integer | Form::Switch => setting.default.to_owned(),
        Form::Texts | Form::Secrets => "[]".to_owned(),
        Form::Text | Form::Secret => toml::Value::from(setting.default).to_string(),
    }
}
