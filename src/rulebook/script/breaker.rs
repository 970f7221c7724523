//! Takes a script that keeps failing out of service, and tries it again later.
//!
//! One [`Breaker`] stands beside each scripted rule. It knows no clock: time comes in as monotonic
//! nanoseconds. Judging does not need it; a replay leaves it out.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many faults …
const FAULTS_MAX: u32 = 5;
/// … within this many nanoseconds of the first of them bench the rule.
const WINDOW: u64 = 60_000_000_000;
/// The first time on the bench, in nanoseconds. Each further one without a success in between is
/// twice as long.
const BENCH_MIN: u64 = 1_000_000_000;
/// The longest.
const BENCH_MAX: u64 = 300_000_000_000;
/// [`Breaker::until`] of a rule in service.
const IN_SERVICE: u64 = 0;

/// The circuit breaker of one rule, shared between threads.
#[derive(Debug, Default)]
pub struct Breaker {
    /// When the next attempt may be made; [`IN_SERVICE`] while there is nothing to wait for. The
    /// only thing that a healthy rule's evaluation looks at.
    until: AtomicU64,
    slow: Mutex<Slow>,
}

#[derive(Debug, Default)]
struct Slow {
    faults: u32,
    window_start: u64,
    /// Times on the bench in a row.
    times: u32,
    probing: bool,
}

/// Whether a rule's script is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Serving,
    /// Not before this time, in nanoseconds.
    Benched {
        /// Until when.
        until: u64,
    },
    /// One evaluation is trying whether it works again; the others skip it.
    Probing,
}

/// A change that somebody should hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Taken out of service until then, in nanoseconds.
    Benched {
        /// Until when.
        until: u64,
    },
    /// Back in service.
    Restored,
}

impl Breaker {
    /// May the script be run now? Exactly one caller is told yes when its time on the bench is
    /// over; that caller's [`record`](Self::record) decides what comes next.
    pub fn allow(&self, now: u64) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until == IN_SERVICE || (now >= until && self.probe(now))
    }

    /// Is the rule on the bench, its time there over, so that [`allow`](Self::allow) would try it?
    pub fn is_due(&self, now: u64) -> Option<bool> {
        let until = self.until.load(Ordering::Relaxed);
        (until != IN_SERVICE).then_some(now >= until)
    }

    /// Notes how an allowed evaluation ended.
    pub fn record(&self, ok: bool, now: u64) -> Option<Transition> {
        if ok {
            if self.until.load(Ordering::Relaxed) == IN_SERVICE {
                return None;
            }
            return self.restore();
        }
        let mut slow = self.slow();
        if self.until.load(Ordering::Relaxed) != IN_SERVICE {
            // A straggler that began before the rule was benched says nothing new.
            return slow.probing.then(|| self.bench(&mut slow, now));
        }
        if slow.faults == 0 || now.saturating_sub(slow.window_start) > WINDOW {
            slow.window_start = now;
            slow.faults = 0;
        }
        slow.faults += 1;
        (slow.faults >= FAULTS_MAX).then(|| self.bench(&mut slow, now))
    }

    /// Whether the script is run.
    pub fn state(&self) -> State {
        let slow = self.slow();
        match self.until.load(Ordering::Relaxed) {
            IN_SERVICE => State::Serving,
            _ if slow.probing => State::Probing,
            until => State::Benched { until },
        }
    }

    fn slow(&self) -> MutexGuard<'_, Slow> {
        // Nothing in here panics half-way, so what a poisoned lock guards is whole.
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probe(&self, now: u64) -> bool {
        let mut slow = self.slow();
        let until = self.until.load(Ordering::Relaxed);
        if until == IN_SERVICE {
            return true;
        }
        if now < until {
            return false;
        }
        // Should the probe never report, another is due after the same time again.
        self.until.store(now.saturating_add(bench_time(slow.times)), Ordering::Relaxed);
        slow.probing = true;
        true
    }

    fn bench(&self, slow: &mut Slow, now: u64) -> Transition {
        slow.times = slow.times.saturating_add(1);
        slow.faults = 0;
        slow.probing = false;
        let until = now.saturating_add(bench_time(slow.times));
        self.until.store(until, Ordering::Relaxed);
        Transition::Benched { until }
    }

    fn restore(&self) -> Option<Transition> {
        let mut slow = self.slow();
        if !slow.probing {
            return None;
        }
        *slow = Slow::default();
        self.until.store(IN_SERVICE, Ordering::Relaxed);
        Some(Transition::Restored)
    }
}

fn bench_time(times: u32) -> u64 {
    let doublings = times.saturating_sub(1).min(32);
    BENCH_MIN.saturating_mul(1 << doublings).min(BENCH_MAX)
}
