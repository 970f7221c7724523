//! Logs: one line an event, JSON for machines, text for people at a terminal.
//!
//! Nothing of a message's text and no token is ever passed to a log; a panic's own words may quote
//! text, so only its place is logged.

#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::rulebook::Timestamp;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The log level or filter cannot be read, or logging was begun before.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("`{level}` is not a log level: use error, warn, info, debug or trace")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// There is a subscriber already.
    #[error("logging has already begun")]
    Begun(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Begins logging to standard error, for the whole process.
pub fn begin(format: Format, level: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder()
        .parse(level)
        .map_err(|source| TelemetryError::Level { level: level.to_owned(), source })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = match format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !std::io::stderr().is_terminal(),
    };
    let begun = if json {
        lines.json().flatten_event(true).with_target(false).try_init()
    } else {
        lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    begun.map_err(TelemetryError::Begun)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "a bug: something panicked");
    }));
    Ok(())
}

/// Lets one log line a second through and counts the rest.
#[derive(Debug, Default)]
pub struct Throttle {
    last: AtomicI64,
    held_back: AtomicU64,
}

impl Throttle {
    /// Whether to log now; if so, how many lines were held back since the last one.
    pub fn pass(&self, now: Timestamp) -> Option<u64> {
        let last = self.last.load(Ordering::Relaxed);
        let mine = last != now.0
            && self
                .last
                .compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            return Some(self.held_back.swap(0, Ordering::Relaxed));
        }
        self.held_back.fetch_add(1, Ordering::Relaxed);
        None
    }
}
