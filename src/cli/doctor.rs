//! `quell doctor`: everything a node here needs, looked at, and what to mend.

mod checks;
mod node;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::{env, iter};

use serde::Serialize;

use super::check::counted;
use super::rules::compile;
use super::{ConfigArgs, FAILURE, USAGE, load};
use crate::config::Config;
use crate::explain::Style;
use node::Node;

/// What `quell doctor` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks at the configuration, the files with secrets, the rules, a node that runs here or else the
addresses for one, the certificate, the clock and the file descriptors. Changes nothing. Run it as
the user that the node runs as: permissions are that user's.

Exit codes: 0 nothing is broken (there may be warnings), 1 something is, 64 the configuration
cannot be loaded.

Examples:
  quell doctor                                   with ./quell.toml, if there is one
  quell doctor --config /etc/quell/quell.toml    before `quell serve`, or while it runs
  quell doctor --json | jq '.checks[] | select(.status != \"ok\")'")]
pub(super) struct Doctor {
    #[command(flatten)]
    config: ConfigArgs,
    /// Write the findings in JSON
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Problem,
}

/// What one check found.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    said: String,
    mend: Option<String>,
}

/// All of it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

impl Check {
    fn ok(name: &'static str, said: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, said: said.into(), mend: None }
    }

    fn warning(name: &'static str, said: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, said: said.into(), mend: Some(mend.into()) }
    }

    fn problem(name: &'static str, said: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { status: Status::Problem, ..Self::warning(name, said, mend) }
    }
}

/// Looks at everything, and says what was found on standard output.
pub(super) fn run(args: &Doctor) -> anyhow::Result<ExitCode> {
    let (checks, code) = match load(&args.config) {
        Ok(config) => (examine(&config), FAILURE),
        Err(error) if args.json => {
            let mend = "mend the file, variable or flag that is named; nothing else was looked at";
            (vec![Check::problem("configuration", format!("{error:#}"), mend)], USAGE)
        }
        Err(error) => return Err(error),
    };
    let ok = count(&checks, Status::Problem) == 0;
    let text = if args.json {
        let report = Report { ok, checks: &checks };
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        let colour = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
        render(&checks, if colour { Style::Colour } else { Style::Plain })
    };
    let written = super::print(&text)?;
    Ok(if ok { written } else { ExitCode::from(code) })
}

fn examine(config: &Config) -> Vec<Check> {
    let compiled = compile(&config.rules, config);
    let rulebook = compiled.as_ref().ok().and_then(|(_, rulebook, _)| rulebook.as_ref());
    let node = Node::find(config);
    let [callbacks, operator] = node::addresses(config, node.as_ref());
    vec![
        checks::configuration(config),
        checks::secrets(config),
        checks::rules(config, &compiled),
        node::node(config, node.as_ref(), rulebook),
        callbacks,
        operator,
        checks::certificate(config),
        checks::clock(config, node.as_ref()),
        checks::descriptors(config, node.as_ref(), rulebook),
    ]
}

fn count(checks: &[Check], status: Status) -> usize {
    checks.iter().filter(|check| check.status == status).count()
}

fn render(checks: &[Check], style: Style) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Check { name, status, said, mend } in checks {
        let mark = match status {
            Status::Ok => style.paint("1;32", "✓"),
            Status::Warning => style.paint("1;33", "!"),
            Status::Problem => style.paint("1;31", "✗"),
        };
        let lines = iter::once(format!("{mark} {name:<width$}  {said}"))
            .chain(mend.iter().map(|mend| format!("  {:<width$}  → {mend}", "")));
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
    }
    let (problems, warnings) = (count(checks, Status::Problem), count(checks, Status::Warning));
    let sum = match (problems, warnings) {
        (0, 0) => "nothing to mend".to_owned(),
        (0, _) => counted(warnings, "warning"),
        _ => format!("{}, {}", counted(problems, "problem"), counted(warnings, "warning")),
    };
    let _ = writeln!(text, "\n{sum}");
    text
}
