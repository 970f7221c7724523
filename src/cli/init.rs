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
use crate::config::settings::{self, Form};

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

/// Every setting with what it does, commented out: at its default, or else with a sample.
fn configuration() -> String {
    let mut text = String::from(
        "# Settings of Quell. Each stands at its default, or is said to have none: take the `#` away to\n\
         # change it. A QUELL_* variable beats this file, and a flag beats both; `quell config` prints\n\
         # what is in force.\n",
    );
    let mut section = "";
    for setting in settings::ALL {
        let (of, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if of != section {
            section = of;
            // An app without its id is none.
            let header = if of == "app" {
                "# For each app, this heading and what follows:\n# [[app]]".to_owned()
            } else {
                format!("[{of}]")
            };
            let _ = write!(text, "\n{header}");
        }
        // Relative to this file, where without it the current directory counts.
        let mark = if setting.key == "rules" { "" } else { "# " };
        let _ = write!(text, "\n# {}\n", setting.help);
        let value = if setting.default.is_empty() {
            text.push_str("# There is no default; a sample:\n");
            setting.sample
        } else {
            setting.default
        };
        let _ = writeln!(text, "{mark}{name} = {}", written(value, setting.form));
    }
    text
}

/// A value as the file has it.
fn written(value: &str, form: Form) -> String {
    match form {
        Form::Integer | Form::Switch => value.to_owned(),
        Form::Text | Form::Secret => toml::Value::from(value).to_string(),
        Form::Texts | Form::Secrets => {
            toml::Value::from(value.split(", ").collect::<Vec<_>>()).to_string()
        }
    }
}
