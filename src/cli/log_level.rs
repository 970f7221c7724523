//! `quell log-level`: what a running node logs.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use hyper::Method;
use serde_json::{Value, json};

use super::ask::ask;
use super::{ConfigArgs, load_to_ask};
use crate::config::{BadQuantity, Period};

/// What `quell log-level` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The node is found by its configuration, as `quell serve` reads it.

Examples:
  quell log-level                    what is it?
  quell log-level debug --for 10m    and back by itself
  quell log-level quell::reload=debug,info")]
pub(super) struct LogLevel {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter; nothing: print the one in force
    level: Option<String>,
    /// Back to what it was after this time, such as 10m
    #[arg(long = "for", value_name = "TIME", requires = "level", value_parser = time)]
    period: Option<Duration>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Asks or tells the node, and prints what is in force then.
pub(super) fn run(args: &LogLevel) -> anyhow::Result<ExitCode> {
    let config = load_to_ask(&args.config)?;
    let wanted = args.level.as_ref().map(|level| match &args.period {
        // Rounded up: not for less than was asked for.
        Some(period) => {
            json!({ "level": level, "for_seconds": period.as_millis().div_ceil(1_000) })
        }
        None => json!({ "level": level }),
    });
    let method = if wanted.is_some() { Method::PUT } else { Method::GET };
    let answer: Value =
        serde_json::from_str(&ask(&config, method, "/log-level", wanted.as_ref())?)?;
    let level = answer.get("level").and_then(Value::as_str).context("the node says no level")?;
    super::print(format!("{level}\n"))
}

fn time(text: &str) -> Result<Duration, String> {
    let Period(time) = text.parse().map_err(|error: BadQuantity| error.to_string())?;
    if time < Duration::from_secs(1) {
        return Err("give at least `1s`".to_owned());
    }
    Ok(time)
}
