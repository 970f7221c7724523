//! Is every worker at work? A thread that is stuck answers nobody, and nothing else would show it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When each worker was last seen at work.
#[derive(Debug, Clone)]
pub struct Beats {
    begun: Instant,
    /// Milliseconds since `begun`.
    last: Arc<[AtomicU64]>,
}

impl Beats {
    pub(super) fn new(workers: usize) -> Self {
        Self { begun: Instant::now(), last: (0..workers).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Worker number `worker` is at work.
    pub(super) fn beat(&self, worker: usize) {
        if let Some(last) = self.last.get(worker) {
            last.store(self.now(), Ordering::Relaxed);
        }
    }

    /// For how long the worker that is stuck longest has been so. A worker at work says so at
    /// least four times a second.
    pub fn stalled(&self) -> Duration {
        let first = self.last.iter().map(|last| last.load(Ordering::Relaxed)).min();
        Duration::from_millis(self.now().saturating_sub(first.unwrap_or_default()))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
