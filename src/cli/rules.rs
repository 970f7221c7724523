//! Reading a rule directory on behalf of a command.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Failure;
use crate::config::Config;
use crate::reload;
use crate::rulebook::diagnostic::Report;
use crate::rulebook::{Options, Rulebook, Sources, Timestamp};
use crate::watch;

/// The exit code for rules that do not compile (`EX_DATAERR`).
pub const BAD_RULES: u8 = 65;

/// What a rule directory holds, the rulebook it makes if it makes one, and what is to be said of it.
pub(super) type Compiled = (Sources, Option<Rulebook>, Report);

/// Compiles what is in `directory` now, exactly as a reload of a node started here would.
pub(super) fn compile_directory(directory: &Path) -> anyhow::Result<Compiled> {
    compile(directory, &super::load_to_ask(&super::ConfigArgs::default())?)
        .map_err(|error| Failure::new(BAD_RULES, format!("{error:#}")).into())
}

/// Compiles what is in `directory` now, with the limits of this configuration.
pub(super) fn compile(directory: &Path, config: &Config) -> anyhow::Result<Compiled> {
    let snapshot = watch::read(directory, config.limits.rule_files())
        .map_err(|error| anyhow::anyhow!("the rule directory: {error}"))?;
    let options = reload::compile_options(now(), config.scripts.clone());
    let (rulebook, report) = Rulebook::compile(&snapshot.sources, &options);
    Ok((snapshot.sources, rulebook, report))
}

/// How a node started here would compile: with the limits of its configuration.
pub fn options() -> anyhow::Result<Options> {
    let config = super::load_to_ask(&super::ConfigArgs::default())?;
    Ok(reload::compile_options(now(), config.scripts))
}

/// The time now.
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}
