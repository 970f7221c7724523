//! `quell serve`: a node until a signal ends it.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::rules::BAD_RULES;
use super::{FAILURE, Failure, USAGE};
use crate::config::Config;
use crate::node::{Running, StartError};
use crate::telemetry;

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    telemetry::begin(config.log_format, &config.log_level)
        .map_err(|error| Failure::new(USAGE, format!("`log.level`: {error}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::new(FAILURE, format!("cannot start: {e}")))?;
    runtime.block_on(async {
        // Before anything is started, so that no signal falls in between.
        let mut signals = Signals::listen()
            .map_err(|e| Failure::new(FAILURE, format!("cannot listen for signals: {e}")))?;
        let node = Running::start(config).map_err(failure)?;
        tell_systemd(&NotifyState::Ready);
        tokio::select! {
            () = until_stopped(&mut signals, &node) => {}
            never = feed_watchdog(&node) => match never {},
        }
        tracing::info!("stopping");
        tell_systemd(&NotifyState::Stopping);
        let clean = tokio::select! {
            stopped = tokio::task::spawn_blocking(|| node.stop()) => stopped.unwrap_or(false),
            // Asked a second time: whoever asks is in a hurry.
            () = signals.end() => {
                return Err(Failure::new(FAILURE, "stopped without waiting for requests in flight").into());
            }
        };
        tracing::info!(clean, "stopped");
        Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
    })
}

async fn until_stopped(signals: &mut Signals, node: &Running) {
    while signals.next().await == Wish::Reload {
        tracing::info!("reload asked for by SIGHUP");
        if let Err(busy) = node.reloads().reload().await {
            tracing::warn!(error = %busy, "not reloaded");
        }
    }
}

/// Where systemd started us and wants to know. Not being told is systemd's to notice.
fn tell_systemd(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "cannot tell systemd");
    }
}

/// Tells systemd's watchdog, where there is one, that every worker is at work. One that is stuck
/// longer than the watchdog's patience has the whole process started anew.
async fn feed_watchdog(node: &Running) -> Infallible {
    let Some(patience) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut timer = tokio::time::interval((patience / 3).max(Duration::from_millis(1)));
    loop {
        timer.tick().await;
        if node.stalled() < patience / 2 {
            tell_systemd(&NotifyState::Watchdog);
        }
    }
}

#[derive(PartialEq)]
enum Wish {
    Reload,
    Stop,
}

struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.hang_up.recv() => Wish::Reload,
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
        }
    }

    async fn end(&mut self) {
        while self.next().await == Wish::Reload {}
    }
}

fn failure(error: StartError) -> Failure {
    match error {
        StartError::Rules(report) => {
            let lines: Vec<String> = report.diagnostics.iter().map(ToString::to_string).collect();
            let message = format!("the rules cannot be used\n{}", lines.join("\n"));
            Failure::new(BAD_RULES, message)
        }
        other => Failure::new(FAILURE, other.to_string()),
    }
}
