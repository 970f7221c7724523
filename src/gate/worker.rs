//! What one thread keeps from request to request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, Cache};

use super::{Current, Loaded};
use crate::metrics::{JUDGE_SAMPLE, Shard};
use crate::rulebook::{Scratch, Timestamp};

/// How often the wall clock is read; in between, the monotonic clock counts on from it.
const WALL_CLOCK_EVERY: Duration = Duration::from_secs(1);

/// One thread's buffers, counters and view of the rulebook.
#[derive(Debug)]
pub struct Worker {
    index: usize,
    shards: Arc<[Shard]>,
    spare: Shard,
    loaded: Cache<Arc<ArcSwap<Loaded>>, Arc<Loaded>>,
    scratch: Scratch,
    wall: Wall,
    request: RequestId,
    judged: u32,
}

/// Tells the log lines of one request from those of others, within and across nodes: when the
/// node began, the worker, and the worker's count. Holds nothing of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId {
    begun: u64,
    worker: usize,
    number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}-{}", self.begun, self.worker, self.number)
    }
}

/// What judging one callback needs, borrowed at once.
pub(super) struct Parts<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) scratch: &'a mut Scratch,
    pub(super) shard: &'a Shard,
    pub(super) index: usize,
    pub(super) request: RequestId,
}

impl Worker {
    /// Worker number `index`, which alone counts into the shard of that number.
    pub fn new(index: usize, shards: &Arc<[Shard]>, current: &Current) -> Self {
        Self {
            index,
            shards: Arc::clone(shards),
            spare: Shard::new(Instant::now()),
            loaded: Cache::new(Arc::clone(current)),
            scratch: Scratch::live(),
            wall: Wall::default(),
            request: RequestId { begun: unix_ms(), worker: index, number: 0 },
            judged: 0,
        }
    }

    /// Looks at the rulebook in use: a thread without requests must not hold on to an old one.
    pub fn refresh(&mut self) {
        self.loaded.load();
    }

    pub(super) fn shard(&self) -> &Shard {
        self.shards.get(self.index).unwrap_or(&self.spare)
    }

    /// The next request begins.
    pub(super) fn begin(&mut self) -> RequestId {
        self.request.number = self.request.number.wrapping_add(1);
        self.request
    }

    /// The wall clock at `instant`, to the second.
    pub(super) fn now(&mut self, instant: Instant) -> Timestamp {
        self.wall.at(instant)
    }

    /// Is this one of the callbacks whose judging is measured?
    pub(super) fn samples(&mut self) -> bool {
        let judged = self.judged;
        self.judged = judged.wrapping_add(1);
        judged.is_multiple_of(JUDGE_SAMPLE)
    }

    /// The rulebook as it is now, and the buffers.
    pub(super) fn parts(&mut self) -> Parts<'_> {
        Parts {
            loaded: self.loaded.load(),
            scratch: &mut self.scratch,
            shard: self.shards.get(self.index).unwrap_or(&self.spare),
            index: self.index,
            request: self.request,
        }
    }

    /// Forgets buffers that a panic may have left half-written.
    pub(super) fn reset(&mut self) {
        self.scratch = Scratch::live();
    }
}

fn unix_ms() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
}

/// The wall clock, read once a second.
#[derive(Debug, Default)]
struct Wall {
    read: Option<(Instant, Duration)>,
}

impl Wall {
    fn at(&mut self, instant: Instant) -> Timestamp {
        let (read, unix) = match self.read {
            Some((read, unix)) if instant.saturating_duration_since(read) < WALL_CLOCK_EVERY => {
                (read, unix)
            }
            _ => {
                let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                // `instant` may lie a little back, when the body took its time.
                let read = Instant::now();
                self.read = Some((read, unix));
                (read, unix)
            }
        };
        let then = unix.saturating_add(instant.saturating_duration_since(read));
        Timestamp(i64::try_from(then.as_secs()).unwrap_or(i64::MAX))
    }
}
