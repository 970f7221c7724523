//! Reading a rule directory on behalf of a command.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use crate::reload;
use crate::rulebook::diagnostic::Report;
use crate::rulebook::{Options, Rulebook, Sources, Timestamp};
use crate::watch;

/// The exit code for rules that do not compile (`EX_DATAERR`).
pub const BAD_RULES: u8 = 65;

/// Compiles what is in `directory` now, exactly as a reload would.
pub fn compile_directory(directory: &Path) -> anyhow::Result<(Sources, Option<Rulebook>, Report)> {
    let snapshot = watch::read(directory, watch::Limits::default())
        .with_context(|| format!("cannot read the rule directory {}", directory.display()))?;
    let (rulebook, report) = Rulebook::compile(&snapshot.sources, &options()?);
    Ok((snapshot.sources, rulebook, report))
}

/// How a node started here would compile: with the limits of its configuration.
pub fn options() -> anyhow::Result<Options> {
    let config = super::load(&super::ConfigArgs::default())?;
    Ok(reload::compile_options(now(), config.scripts))
}

/// The time now.
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}
