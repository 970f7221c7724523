//! The request path, from bytes to bytes.
//!
//! [`Gate::handle`] cannot fail outward: what keeps a callback from being judged ends in the
//! configured fallback with HTTP 200, one counter and at most one log line a second. A request
//! sees exactly one rulebook from its beginning to its end.

#[cfg(test)]
mod tests;
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use hyper::{Method, StatusCode};

use crate::message::Message;
use crate::metrics::{Class, Mode, Oddity, Outcome, Refused, RuleMeters, Shard, Stage};
use crate::platform::tencent::{self, App, Command, Query, Refusal};
use crate::rulebook::{Facts, Rulebook, Timestamp};
use crate::server::BodyFault;
use crate::telemetry::Throttle;
use crate::verdict::{Judgement, Verdict};
pub use worker::Worker;

/// A rulebook in use, with the counters of its rules: one value, so that they cannot disagree.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub rulebook: Rulebook,
    /// Their counters.
    pub meters: RuleMeters,
}

/// The place where the rulebook in use is looked up and swapped.
pub type Current = Arc<ArcSwap<Loaded>>;

/// Verdicts on what could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// On messages.
    pub message: Verdict,
    /// On gifts.
    pub gift: Verdict,
    /// On joins, invitations, group and friend requests.
    pub admission: Verdict,
}

/// What a gate needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The path of the callback URL.
    pub path: String,
    /// The apps whose callbacks are accepted; none: any, unsigned.
    pub apps: Vec<App>,
    /// How far `RequestTime` may be from now, in seconds.
    pub signature_age_max_s: u64,
    /// Verdicts on what could not be judged.
    pub fallback: Fallback,
    /// How callbacks are read and answered.
    pub tencent: tencent::Settings,
}

/// The request path.
#[derive(Debug)]
pub struct Gate {
    options: Options,
    /// No facts are remembered yet.
    facts: Facts,
    log: Log,
}

/// One line a second for each kind of fault.
#[derive(Debug, Default)]
struct Log {
    refused: Throttle,
    body: Throttle,
    decode: Throttle,
    judge: Throttle,
    rule: Throttle,
}

/// A request, without its socket.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The path of its URL.
    pub path: &'a str,
    /// The query of its URL, without the `?`.
    pub query: &'a str,
    /// Its body, or why there is none.
    pub body: Result<&'a [u8], BodyFault>,
    /// When its head had come.
    pub begun: Instant,
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The methods allowed, for a 405.
    pub allow: Option<&'static str>,
    /// JSON.
    pub body: Bytes,
    /// Close the connection after it.
    pub close: bool,
    /// The callback's command; empty if it was refused before that mattered.
    pub command: &'static str,
    /// What became of it: the `outcome` of `quell_callbacks_total`, or `refused`.
    pub outcome: &'static str,
}

impl Gate {
    /// A gate with these options.
    pub fn new(options: Options) -> Self {
        Self { options, facts: Facts::default(), log: Log::default() }
    }

    /// Answers one request. `worker` is the caller's own and holds what one thread reuses.
    pub fn handle(&self, worker: &mut Worker, request: Request<'_>) -> Response {
        let response = self.answer(worker, request);
        let spent = u64::try_from(request.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        worker.shard().request.observe_ns(spent);
        response
    }

    /// Is a request with this head one to answer, so that its body is worth waiting for?
    pub fn wants(&self, worker: &mut Worker, request: Request<'_>) -> bool {
        let now = worker.now(request.begun);
        self.check(&Query::parse(request.query), request, now).is_ok()
    }

    /// May this be asked at all, and if so, was it signed?
    fn check(
        &self,
        query: &Query<'_>,
        request: Request<'_>,
        now: Timestamp,
    ) -> Result<bool, (StatusCode, Refused)> {
        if request.path != self.options.path {
            return Err((StatusCode::NOT_FOUND, Refused::Path));
        }
        if request.method != Method::POST {
            return Err((StatusCode::METHOD_NOT_ALLOWED, Refused::Method));
        }
        let age = self.options.signature_age_max_s;
        match tencent::verify(query, &self.options.apps, now, age) {
            Ok(app) => Ok(app.is_some_and(|app| !app.tokens.is_empty())),
            Err(refusal) => Err((StatusCode::FORBIDDEN, reason(refusal))),
        }
    }

    fn answer(&self, worker: &mut Worker, request: Request<'_>) -> Response {
        let id = worker.begin();
        let now = worker.now(request.begun);
        let query = Query::parse(request.query);
        let checked = self.check(&query, request, now);
        // Without a good signature anybody could have written the time.
        if let (Ok(true) | Err((_, Refused::Stale)), Some(time)) = (checked, query.request_time()) {
            worker.shard().note_skew(request.begun, now.0.saturating_sub(time));
        }
        if let Err((status, refused)) = checked {
            if let Some(held_back) = self.log.refused.pass(now) {
                let reason = refused.name();
                tracing::warn!(request = %id, reason, held_back, "a request was refused");
            }
            return refuse(worker.shard(), status, refused);
        }
        let command = query.command();
        match request.body {
            Ok(body) => self.judge(worker, &query, command, body, now),
            Err(fault) => {
                if let Some(held_back) = self.log.body.pass(now) {
                    let command = command.name();
                    tracing::warn!(request = %id, command, held_back, reason = %fault, "no body; fallback answered");
                }
                Response { close: true, ..self.fall_back(worker.shard(), command, Stage::Body) }
            }
        }
    }

    fn judge(
        &self,
        worker: &mut Worker,
        query: &Query<'_>,
        command: Command,
        body: &[u8],
        now: Timestamp,
    ) -> Response {
        let sampled = worker.samples().then(Instant::now);
        let mut worker_parts = worker.parts();
        let id = worker_parts.request;
        let settings = &self.options.tencent;
        // The fence: what panics in there costs one fallback, not the process.
        let judged = catch_unwind(AssertUnwindSafe(|| {
            tencent::answer(query, body, settings, &mut |message| {
                self.judge_message(&mut worker_parts, message, now)
            })
        }));
        let answer = match judged {
            Ok(Ok(answer)) => answer,
            Ok(Err(fault)) => {
                if let Some(held_back) = self.log.decode.pass(now) {
                    let command = command.name();
                    tracing::warn!(request = %id, command, held_back, reason = %fault, "not a callback; fallback answered");
                }
                return self.fall_back(worker.shard(), command, Stage::Decode);
            }
            Err(_) => {
                worker.reset();
                if let Some(held_back) = self.log.judge.pass(now) {
                    let command = command.name();
                    tracing::error!(request = %id, command, held_back, "judging broke down; fallback answered");
                }
                return self.fall_back(worker.shard(), command, Stage::Judge);
            }
        };
        let shard = worker.shard();
        if let Some(begun) = sampled {
            shard.judge.observe_ns(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        for (seen, oddity) in [
            (answer.repaired, Oddity::Repaired),
            (answer.command_mismatch, Oddity::CommandMismatch),
            (answer.discard_replaced, Oddity::DiscardReplaced),
        ] {
            if seen {
                shard.oddity(oddity);
            }
        }
        let outcome = outcome(command, answer.verdict);
        shard.callback(command.index(), outcome);
        let verdict = answer.verdict.name();
        tracing::debug!(request = %id, command = command.name(), verdict, "answered");
        ok(answer.reply, command, outcome)
    }

    fn judge_message(
        &self,
        worker: &mut worker::Parts<'_>,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Judgement {
        let worker::Parts { loaded, scratch, shard, index, request } = worker;
        let judgement = loaded.rulebook.judge(message, &self.facts, now, scratch);
        shard.verdict(severity(judgement.verdict));
        for firing in &judgement.fired {
            loaded.meters.hit(&firing.rule, Mode::Enforce, *index);
        }
        for firing in &judgement.shadow {
            loaded.meters.hit(&firing.rule, Mode::Shadow, *index);
        }
        for fault in &judgement.faults {
            shard.fault(Stage::Rule);
            loaded.meters.fault(&fault.rule, *index);
            if fault.benched {
                let (rule, what) = (&*fault.rule, &*fault.what);
                tracing::error!(%request, rule.id = rule, what, "a rule keeps failing and is benched");
            } else if let Some(held_back) = self.log.rule.pass(now) {
                let (rule, what) = (&*fault.rule, &*fault.what);
                tracing::warn!(%request, rule.id = rule, held_back, what, "a rule could not be judged");
            }
        }
        judgement
    }

    /// The configured answer to what could not be judged.
    fn fall_back(&self, shard: &Shard, command: Command, stage: Stage) -> Response {
        let fallback = self.options.fallback;
        let (class, verdict) = match command.class() {
            tencent::Class::Message => (Class::Message, fallback.message),
            tencent::Class::Gift => (Class::Gift, fallback.gift),
            tencent::Class::Admission => (Class::Admission, fallback.admission),
            tencent::Class::Event | tencent::Class::Unknown => (Class::Event, Verdict::Allow),
        };
        shard.fault(stage);
        shard.fallback(class);
        shard.callback(command.index(), Outcome::Fallback);
        ok(tencent::fallback(command, verdict), command, Outcome::Fallback)
    }
}

fn ok(body: Bytes, command: Command, outcome: Outcome) -> Response {
    let (command, outcome) = (command.name(), outcome.name());
    Response { status: StatusCode::OK, allow: None, body, close: false, command, outcome }
}

fn refuse(shard: &Shard, status: StatusCode, refused: Refused) -> Response {
    shard.refused(refused);
    let (allow, body) = match refused {
        Refused::Path => (None, &br#"{"error":"no such path"}"#[..]),
        Refused::Method => (Some("POST"), &br#"{"error":"only POST is allowed"}"#[..]),
        // Which of the checks failed is for the operator's metrics, not for whoever asks.
        _ => (None, &br#"{"error":"refused"}"#[..]),
    };
    // Closed, so that only those who may ask can keep a connection waiting.
    let body = Bytes::from_static(body);
    Response { status, allow, body, close: true, command: "", outcome: "refused" }
}

fn reason(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::App => Refused::App,
        Refusal::Unsigned => Refused::Unsigned,
        Refusal::Forged => Refused::Forged,
        Refusal::Stale => Refused::Stale,
    }
}

fn outcome(command: Command, verdict: Verdict) -> Outcome {
    match verdict {
        _ if !command.is_before() => Outcome::Observed,
        Verdict::Allow => Outcome::Allow,
        Verdict::Mask => Outcome::Mask,
        Verdict::Deny => Outcome::Deny,
        Verdict::Discard => Outcome::Discard,
    }
}

fn severity(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Mask => 1,
        Verdict::Deny => 2,
        Verdict::Discard => 3,
    }
}
