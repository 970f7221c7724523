//! `quell health`: for container engines and scripts that watch a process by its exit code.

use std::process::ExitCode;

use hyper::Method;

use super::ask::ask;
use super::{ConfigArgs, load_to_ask};

/// What `quell health` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The node is found by its configuration, as `quell serve` reads it.
Exit codes: 0 ready, 1 not ready or not there.

Examples:
  quell health                        is the node of ./quell.toml ready?
  quell health --operator 10.0.0.7:9090")]
pub(super) struct Health {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Asks the node. What it answers with anything but success is an error, and says so in one line.
pub(super) fn run(args: &Health) -> anyhow::Result<ExitCode> {
    ask(&load_to_ask(&args.config)?, Method::GET, "/ready", None)?;
    super::print("ready\n")
}
