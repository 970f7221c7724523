//! `quell simulate`: the platform, for trying a gateway without it.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use hyper::Uri;

use super::{FAILURE, Failure, USAGE};
use crate::config::Period;
use crate::platform::tencent::Secret;
use crate::simulate::{self, Latency, Options, Second};

/// What `quell simulate` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Messages are made up and carry labels of their own; what the rules do with them is compared with
those. Some of them no shipped rule stops: that is shown, not hidden.

Exit codes: 0 a valid reply came to every request, 1 not.

Examples:
  quell simulate                                     against `quell serve` on this machine
  quell simulate --rate 5000 --duration 1m --connections 32
  quell simulate --app 1400000001 --token-file token --target http://quell:8080/callback
  quell simulate --json > report.json")]
pub(super) struct Simulate {
    /// The callback URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/callback")]
    target: Uri,
    /// Requests a second, those after delivery included
    #[arg(long, value_name = "N", default_value = "200")]
    rate: NonZeroU32,
    /// For how long, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "10s")]
    duration: Period,
    /// Live rooms
    #[arg(long, value_name = "N", default_value = "20")]
    rooms: NonZeroU32,
    /// Viewers
    #[arg(long, value_name = "N", default_value = "2000")]
    senders: NonZeroU32,
    /// Percent of the messages that should be stopped
    #[arg(long, value_name = "SHARE", default_value = "20", value_parser = percent)]
    abuse: u32,
    /// The `SdkAppid`
    #[arg(long, value_name = "ID", default_value = "1400000001")]
    app: u64,
    /// The token to sign with (`QUELL_SIMULATE_TOKEN`: arguments can be seen by others)
    #[arg(long, value_name = "T", env = "QUELL_SIMULATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file with that token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value = "16")]
    connections: NonZeroU32,
    /// The same seed gives the same messages
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Write the final report in JSON
    #[arg(long)]
    json: bool,
}

/// Simulates: how it goes on standard error, what came of it on standard output.
pub(super) fn run(args: &Simulate) -> anyhow::Result<ExitCode> {
    let options = Options {
        target: args.target.clone(),
        app: args.app,
        token: token(args)?,
        rate: args.rate,
        duration: args.duration.0,
        rooms: args.rooms,
        senders: args.senders,
        abuse_percent: args.abuse,
        connections: args.connections,
        seed: args.seed,
    };
    let rewrite = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    let report = simulate::run(&options, &mut |second| {
        let line = line(second);
        let line = if rewrite { format!("\r\x1b[2K{line}") } else { format!("{line}\n") };
        // Where standard error is closed nobody watches.
        io::stderr().write_all(line.as_bytes()).unwrap_or_default();
    });
    if rewrite {
        io::stderr().write_all(b"\r\x1b[2K").unwrap_or_default();
    }
    let report = report.map_err(|failed| {
        let code = if matches!(failed, simulate::Failed::Target) { USAGE } else { FAILURE };
        Failure::new(code, failed.to_string())
    })?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&report)?)
    } else {
        report.to_string()
    };
    let written = super::print(&text)?;
    Ok(if report.sound() { written } else { ExitCode::from(FAILURE) })
}

fn token(args: &Simulate) -> Result<Option<Secret>, Failure> {
    let token = match (&args.token, &args.token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(file)) => fs::read_to_string(file).map_err(|error| {
            let what = format!("cannot read the token file {}: {error}", file.display());
            Failure::new(USAGE, what)
        })?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Secret::new(token.trim())))
}

/// `20` or `20%`.
fn percent(text: &str) -> Result<u32, String> {
    let number = text.trim_end_matches('%').parse().ok().filter(|percent| *percent <= 100);
    number.ok_or_else(|| format!("`{text}` is not a percentage such as 20"))
}

fn line(second: &Second) -> String {
    let Second { elapsed, replies, latency, verdicts, invalid, unanswered, late } = second;
    let Latency { p50_ms, p99_ms, .. } = latency;
    let [allow, mask, deny, discard] = verdicts;
    format!(
        "{:>4}s {replies}/s  p50 {p50_ms:.2} ms  p99 {p99_ms:.2} ms  allow {allow} mask {mask} \
         deny {deny} discard {discard}  invalid {invalid} no reply {unanswered} late {late}",
        elapsed.as_secs()
    )
}
