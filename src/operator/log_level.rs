//! `GET` and `PUT /log-level`: what is logged, changed while the node runs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::task::AbortHandle;

use super::{error, reply};
use crate::server::{Reply, Request};
use crate::telemetry::{self, Level, TelemetryError};

/// The body of a `PUT`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    level: String,
    /// After so long it becomes again what it was.
    for_seconds: Option<u32>,
}

pub(super) fn get() -> Reply {
    with_level(|level| reply(StatusCode::OK, &json!({ "level": level.now() })))
}

pub(super) fn put(request: &Request) -> Reply {
    let body = match &request.body {
        Ok(body) => body,
        Err(fault) => return error(StatusCode::BAD_REQUEST, &fault.to_string()),
    };
    let wanted: Wanted = match serde_json::from_slice(body) {
        Ok(wanted) => wanted,
        Err(fault) => return error(StatusCode::BAD_REQUEST, &fault.to_string()),
    };
    if wanted.for_seconds == Some(0) {
        let what = "`for_seconds` must be at least 1; leave it out for a change that lasts";
        return error(StatusCode::BAD_REQUEST, what);
    }
    with_level(|level| match change(level, &wanted) {
        Ok(()) => get(),
        Err(fault) => error(StatusCode::BAD_REQUEST, &fault.to_string()),
    })
}

fn change(level: &'static Level, wanted: &Wanted) -> Result<(), TelemetryError> {
    // The task that waits for the end of a change; one at a time, however often it is changed.
    static END: Mutex<Option<AbortHandle>> = Mutex::new(None);
    let end = match wanted.for_seconds {
        None => {
            level.set(&wanted.level)?;
            None
        }
        Some(seconds) => {
            let change = level.lend(&wanted.level, seconds)?;
            let end = tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_secs(seconds.into())).await;
                // It was in force before, so it is a level.
                level.revert(change).unwrap_or_default();
            });
            Some(end.abort_handle())
        }
    };
    let before = std::mem::replace(&mut *END.lock().unwrap_or_else(PoisonError::into_inner), end);
    if let Some(before) = before {
        before.abort();
    }
    Ok(())
}

fn with_level(then: impl FnOnce(&'static Level) -> Reply) -> Reply {
    let none = || error(StatusCode::SERVICE_UNAVAILABLE, "this process does not log");
    telemetry::level().map_or_else(none, then)
}
