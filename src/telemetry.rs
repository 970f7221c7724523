//! Logs: one line an event, JSON for machines, text for people at a terminal.
//!
//! There is one log in a process, and so one [`Level`], which can be changed while it runs. Nothing of a message's text and no token is ever passed to a log; a panic's own words may quote
//! text, so only its place is logged.

#[cfg(test)]
mod tests;
#[cfg(feature = "otel")]
mod traced;
#[cfg(not(feature = "otel"))]
mod untraced;

use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hyper::header::HeaderMap;
use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::rulebook::Timestamp;

#[cfg(feature = "otel")]
pub use traced::Tracer;
#[cfg(not(feature = "otel"))]
pub use untraced::Tracer;

/// Where spans go, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The URL of the collector.
    pub endpoint: String,
    /// How many of a hundred requests are traced whose caller does not say.
    pub percent: u8,
}

/// Tracing cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("cannot trace to {endpoint}, `trace.endpoint`: {why}")]
pub struct TraceError {
    endpoint: String,
    why: String,
}

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// When its head had come.
    pub begun: Instant,
    /// Its command, or nothing.
    pub command: &'static str,
    /// What became of it.
    pub outcome: &'static str,
    /// The status of the reply.
    pub status: u16,
}

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
    #[error("`{level}` is not a log level: use off, error, warn, info, debug or trace")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The log cannot be told.
    #[error("the log level cannot be changed")]
    Fixed(#[source] tracing_subscriber::reload::Error),
    /// There is a subscriber already.
    #[error("logging has already begun")]
    Begun(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is logged.
pub struct Level {
    state: Mutex<State>,
    apply: Apply,
}

type Apply = Box<dyn Fn(EnvFilter) -> Result<(), tracing_subscriber::reload::Error> + Send + Sync>;

#[derive(Debug, Default, Clone)]
struct State {
    now: String,
    /// What it was before the last change for a time.
    lasting: String,
    changes: u64,
}

static LEVEL: OnceLock<Level> = OnceLock::new();

/// What is logged in this process; `None` where nothing is.
pub fn level() -> Option<&'static Level> {
    LEVEL.get()
}

impl Level {
    /// The level or filter in force.
    pub fn now(&self) -> String {
        self.state().now.clone()
    }

    /// Changes it until it is changed again.
    pub fn set(&self, level: &str) -> Result<(), TelemetryError> {
        let before = self.now();
        self.change(level, || tracing::warn!(before, now = level, "log level changed"))
    }

    /// Changes it for so many seconds: which change this is, for [`Self::revert`].
    pub fn lend(&self, level: &str, seconds: u32) -> Result<u64, TelemetryError> {
        let State { now: before, lasting, .. } = self.state().clone();
        self.change(level, || {
            tracing::warn!(before, now = level, for_seconds = seconds, "log level changed");
        })?;
        let mut state = self.state();
        state.lasting = lasting;
        Ok(state.changes)
    }

    /// Ends a change for a time, if it was the last one.
    pub fn revert(&self, change: u64) -> Result<(), TelemetryError> {
        let State { now: before, lasting, changes } = self.state().clone();
        if changes != change {
            return Ok(());
        }
        self.change(&lasting, || {
            tracing::warn!(before, now = lasting, "log level is again what it was");
        })
    }

    fn change(&self, level: &str, tell: impl Fn()) -> Result<(), TelemetryError> {
        let filter = filter(level)?;
        // A change to `off` can be told only before it, and one from `off` only after it.
        let heard = tracing::enabled!(tracing::Level::WARN);
        if heard {
            tell();
        }
        (self.apply)(filter).map_err(TelemetryError::Fixed)?;
        let mut state = self.state();
        let changes = state.changes.wrapping_add(1);
        *state = State { now: level.to_owned(), lasting: level.to_owned(), changes };
        drop(state);
        if !heard {
            tell();
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Level").field("state", &self.state).finish_non_exhaustive()
    }
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let wrong = |source| TelemetryError::Level { level: level.to_owned(), source };
    // A filter that says nothing lets nothing through, not even errors.
    if level.split(',').all(|part| part.trim().is_empty()) {
        return Err(wrong("it is empty".into()));
    }
    // A single word is taken for a level: as a filter, a mistyped one would be a module's name.
    if !level.contains(['=', ',']) {
        level.parse::<LevelFilter>().map_err(|error| wrong(Box::new(error)))?;
    }
    EnvFilter::builder().parse(level).map_err(|error| wrong(Box::new(error)))
}

/// Is this a log level or filter?
pub fn check(level: &str) -> Result<(), TelemetryError> {
    filter(level).map(drop)
}

/// Begins logging to standard error, for the whole process.
pub fn begin(format: Format, level: &str) -> Result<(), TelemetryError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(level)?)
        .with_writer(std::io::stderr)
        .with_target(false);
    let json = match format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !std::io::stderr().is_terminal(),
    };
    let (apply, begun): (Apply, _) = if json {
        let lines = lines.json().flatten_event(true).with_filter_reloading();
        let handle = lines.reload_handle();
        (Box::new(move |filter| handle.reload(filter)), lines.try_init())
    } else {
        let lines = lines.with_ansi(std::io::stderr().is_terminal()).with_filter_reloading();
        let handle = lines.reload_handle();
        (Box::new(move |filter| handle.reload(filter)), lines.try_init())
    };
    begun.map_err(TelemetryError::Begun)?;
    let state = State { now: level.to_owned(), lasting: level.to_owned(), changes: 0 };
    // There was no subscriber before, and so no level.
    LEVEL.get_or_init(|| Level { state: Mutex::new(state), apply });
    std::panic::set_hook(Box::new(|panic| {
        static PANICS: Throttle = Throttle::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = Timestamp(i64::try_from(now).unwrap_or(i64::MAX));
        if let Some(held_back) = PANICS.pass(now) {
            let place = panic.location().map_or_else(String::new, ToString::to_string);
            tracing::error!(place, held_back, "a bug: something panicked");
        }
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
    /// Nothing held back yet.
    pub const fn new() -> Self {
        Self { last: AtomicI64::new(0), held_back: AtomicU64::new(0) }
    }

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
