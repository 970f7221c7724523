//! No tracing: the feature `otel` is off, and nothing is done for it.

use std::time::Duration;

use super::{Answered, Trace, TraceError};

/// Records nothing.
#[derive(Debug)]
pub struct Tracer;

impl Tracer {
    /// There is nothing to begin; the configuration does not ask for it either.
    pub fn begin(_: Option<&Trace>) -> Result<Self, TraceError> {
        Ok(Self)
    }

    /// Nothing.
    #[inline]
    pub fn record(&self, _: Answered<'_>) {}

    /// Nothing.
    pub fn stop(&self, _: Duration) {}
}
