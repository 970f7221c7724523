//! The operator API: the second listener, on a thread of its own.
//!
//! `GET /metrics` for Prometheus; `GET /live` and `/ready` for whoever restarts or routes;
//! `GET /status` and `/rules` for what is in use; `POST /judge` for what would become of a message;
//! `POST /rules/check` and `/rules/reload` for an edit; `GET` and `PUT /log-level`. With a token
//! set, a POST and a PUT need it. Nothing here can delay a callback.

mod judge;
mod log_level;
mod report;

use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::AUTHORIZATION;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use crate::gate::Current;
use crate::metrics::Metrics;
use crate::platform::tencent::{self, Secret};
use crate::reload;
use crate::rulebook::Timestamp;
use crate::server::{Beats, Handler, Reply, Request};

/// How long a reload or a check may keep its caller waiting; it goes on after that.
const RELOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// A worker not seen at work for so long will not come back: nothing it does takes this long.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// What the operator API shows and moves.
pub struct Parts {
    /// Does the node serve?
    pub ready: Arc<AtomicBool>,
    /// Where it answers callbacks.
    pub callbacks: SocketAddr,
    /// Are its workers at work?
    pub beats: Beats,
    /// What POST and PUT requests must bear.
    pub token: Option<Secret>,
    /// The way to reload.
    pub reloads: reload::Handle,
    /// The rulebook in use.
    pub current: Current,
    /// How `POST /judge` reads callbacks.
    pub tencent: tencent::Settings,
    /// Everything counted.
    pub metrics: Arc<Metrics>,
}

/// The operator API.
#[derive(Debug)]
pub struct Operator {
    parts: Arc<Parts>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl Handler for Operator {
    async fn handle(&self, request: &Request) -> Reply {
        let (method, path) = (&request.head.method, request.head.uri.path());
        let get = match path {
            "/metrics" => Self::metrics,
            "/live" => Self::live,
            "/ready" => Self::ready,
            "/status" => Self::status,
            "/rules" => Self::rules,
            "/log-level" => return self.log_level(request),
            "/judge" | "/rules/check" | "/rules/reload" => {
                return self.post(request, path).await;
            }
            _ => return error(StatusCode::NOT_FOUND, "no such path"),
        };
        if method == Method::GET { get(self) } else { not_allowed("GET") }
    }
}

impl Operator {
    /// The operator API over these parts.
    pub fn new(parts: Arc<Parts>) -> Self {
        Self { parts }
    }

    async fn post(&self, request: &Request, path: &str) -> Reply {
        if request.head.method != Method::POST {
            return not_allowed("POST");
        }
        if !self.authorised(request) {
            return unauthorised();
        }
        match path {
            "/judge" => self.judge(request),
            "/rules/check" => self.check().await,
            _ => self.reload().await,
        }
    }

    fn log_level(&self, request: &Request) -> Reply {
        match request.head.method {
            Method::GET => log_level::get(),
            Method::PUT if self.authorised(request) => log_level::put(request),
            Method::PUT => unauthorised(),
            _ => not_allowed("GET, PUT"),
        }
    }

    fn authorised(&self, request: &Request) -> bool {
        let Some(token) = &self.parts.token else { return true };
        let given =
            request.head.headers.get(AUTHORIZATION).map(hyper::header::HeaderValue::as_bytes);
        let bearer = given.and_then(|given| {
            let (scheme, rest) = given.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(rest)
        });
        bearer.is_some_and(|bearer| bearer.ct_eq(token.expose().as_bytes()).into())
    }

    fn metrics(&self) -> Reply {
        let benched = self.parts.current.load().rulebook.benched();
        self.parts.metrics.rules_benched.set(i64::try_from(benched).unwrap_or(i64::MAX));
        match self.parts.metrics.render() {
            Ok(text) => Reply {
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                ..Reply::json(StatusCode::OK, text)
            },
            Err(fault) => {
                tracing::error!(error = %fault, "cannot write metrics");
                error(StatusCode::INTERNAL_SERVER_ERROR, "cannot write metrics")
            }
        }
    }

    fn live(&self) -> Reply {
        // Whether to route here is `/ready`'s to say; only starting anew helps a stuck worker.
        let live = self.parts.beats.stalled() < STUCK_AFTER;
        let status = if live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        reply(status, &json!({ "live": live }))
    }

    fn ready(&self) -> Reply {
        let ready = self.parts.ready.load(Ordering::Relaxed);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        reply(status, &json!({ "ready": ready }))
    }

    fn status(&self) -> Reply {
        reply(StatusCode::OK, &report::status(&self.parts))
    }

    fn rules(&self) -> Reply {
        reply(StatusCode::OK, &report::rules(&self.parts.current.load().rulebook))
    }

    fn judge(&self, request: &Request) -> Reply {
        let body = match &request.body {
            Ok(body) => body,
            Err(fault) => return error(StatusCode::BAD_REQUEST, &fault.to_string()),
        };
        let loaded = self.parts.current.load_full();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = Timestamp(i64::try_from(unix).unwrap_or(i64::MAX));
        let judged = catch_unwind(AssertUnwindSafe(|| {
            judge::judge(&loaded.rulebook, body, &self.parts.tencent, now)
        }));
        match judged {
            Ok(Ok(judgement)) => reply(StatusCode::OK, &judgement),
            Ok(Err(what)) => error(StatusCode::BAD_REQUEST, &what),
            Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "judging broke down"),
        }
    }

    async fn check(&self) -> Reply {
        match tokio::time::timeout(RELOAD_TIMEOUT, self.parts.reloads.check()).await {
            Ok(Ok(report)) => {
                let ok = !report.has_errors();
                reply(verdict(ok), &json!({ "ok": ok, "diagnostics": report.diagnostics }))
            }
            Ok(Err(busy)) => error(StatusCode::SERVICE_UNAVAILABLE, &busy.to_string()),
            Err(_) => error(StatusCode::GATEWAY_TIMEOUT, "the check still goes on"),
        }
    }

    async fn reload(&self) -> Reply {
        match tokio::time::timeout(RELOAD_TIMEOUT, self.parts.reloads.reload()).await {
            Ok(Ok(outcome)) => {
                let status = self.parts.reloads.status();
                let (ok, body) = report::outcome(&outcome, &status);
                reply(verdict(ok), &body)
            }
            Ok(Err(busy)) => error(StatusCode::SERVICE_UNAVAILABLE, &busy.to_string()),
            Err(_) => error(StatusCode::GATEWAY_TIMEOUT, "the reload still goes on"),
        }
    }
}

/// Files with errors in them are an answer that `curl --fail` should notice.
fn verdict(ok: bool) -> StatusCode {
    if ok { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

fn unauthorised() -> Reply {
    error(StatusCode::UNAUTHORIZED, "the bearer token is missing or wrong")
}

fn not_allowed(allow: &'static str) -> Reply {
    Reply {
        allow: Some(allow),
        ..error(StatusCode::METHOD_NOT_ALLOWED, &format!("only {allow} is allowed"))
    }
}

fn error(status: StatusCode, what: &str) -> Reply {
    reply(status, &json!({ "error": what }))
}

fn reply(status: StatusCode, body: &Value) -> Reply {
    Reply::json(status, format!("{body}\n"))
}
