//! What one worker counts.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

/// So many commands are told apart; the rest count as the last.
const COMMANDS_MAX: usize = 96;

/// How a callback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Delivered as it is.
    Allow,
    /// Delivered rewritten.
    Mask,
    /// Refused.
    Deny,
    /// Dropped silently.
    Discard,
    /// Told after the fact; the reply had no say.
    Observed,
    /// Not judged: the configured fallback was answered.
    Fallback,
}

impl Outcome {
    /// The label of each, in order.
    pub const NAMES: [&'static str; 6] =
        ["allow", "mask", "deny", "discard", "observed", "fallback"];

    /// Its label.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    const fn index(self) -> usize {
        self as usize
    }
}

/// What kept a request or a rule from being judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The body did not come whole and in time.
    Body,
    /// The body is not a callback.
    Decode,
    /// Judging it broke down.
    Judge,
    /// One rule of many could not be judged.
    Rule,
}

impl Stage {
    /// The label of each, in order.
    pub const NAMES: [&'static str; 4] = ["body", "decode", "judge", "rule"];

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    const fn index(self) -> usize {
        self as usize
    }
}

/// Why a request was refused before anything was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not the callback path.
    Path,
    /// Not a POST.
    Method,
    /// Not one of the configured apps.
    App,
    /// No signature.
    Unsigned,
    /// A wrong signature.
    Forged,
    /// A signature from another time.
    Stale,
}

impl Refused {
    /// The label of each, in order.
    pub const NAMES: [&'static str; 6] = ["path", "method", "app", "unsigned", "forged", "stale"];

    /// Its label.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    const fn index(self) -> usize {
        self as usize
    }
}

/// What kind of reply a fallback was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// To a message.
    Message,
    /// To a gift.
    Gift,
    /// To a join, an invitation, a group or a friend request.
    Admission,
    /// To something that had already happened, or is not known.
    Event,
}

impl Class {
    /// The label of each, in order.
    pub const NAMES: [&'static str; 4] = ["message", "gift", "admission", "event"];

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    const fn index(self) -> usize {
        self as usize
    }
}

/// What was odd about a callback that was answered all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Its body broke JSON or the documented types.
    Repaired,
    /// The command in its body is not the one in its URL.
    CommandMismatch,
    /// Its verdict was a discard, which its kind of conversation does not have.
    DiscardReplaced,
}

impl Oddity {
    /// The label of each, in order.
    pub const NAMES: [&'static str; 3] = ["repaired", "command_mismatch", "discard_replaced"];

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    const fn index(self) -> usize {
        self as usize
    }
}

/// One worker's counters, in cache lines of their own.
#[derive(Debug)]
#[repr(align(128))]
pub struct Shard {
    pub(super) callbacks: [Counts<{ Outcome::NAMES.len() }>; COMMANDS_MAX],
    pub(super) verdicts: Counts<4>,
    pub(super) faults: Counts<{ Stage::NAMES.len() }>,
    pub(super) refused: Counts<{ Refused::NAMES.len() }>,
    pub(super) fallbacks: Counts<{ Class::NAMES.len() }>,
    pub(super) oddities: Counts<{ Oddity::NAMES.len() }>,
    skew: Skew,
    /// From a request's head to its reply.
    pub request: Timing,
    /// Decoding and judging one callback; one callback in [`JUDGE_SAMPLE`] is measured.
    pub judge: Timing,
}

/// One callback in so many has its judging measured: reading the clock costs more than counting.
pub const JUDGE_SAMPLE: u32 = 16;

impl Shard {
    /// All at zero. The shards of one node are given the same `begun`.
    pub fn new(begun: Instant) -> Self {
        Self {
            callbacks: [const { Counts::new() }; COMMANDS_MAX],
            verdicts: Counts::new(),
            faults: Counts::new(),
            refused: Counts::new(),
            fallbacks: Counts::new(),
            oddities: Counts::new(),
            skew: Skew { begun, noted_ns: AtomicU64::new(0), seconds: AtomicI64::new(0) },
            request: Timing::new(REQUEST_BOUNDS_NS),
            judge: Timing::new(JUDGE_BOUNDS_NS),
        }
    }

    /// A callback with this command, by the command's index among the names given to
    /// [`Metrics::new`](super::Metrics::new), was answered.
    pub fn callback(&self, command: usize, outcome: Outcome) {
        if let Some(counts) = self.callbacks.get(command).or(self.callbacks.last()) {
            counts.add(outcome.index());
        }
    }

    /// A message was given this verdict, by the verdict's index in order of severity.
    pub fn verdict(&self, severity: usize) {
        self.verdicts.add(severity);
    }

    /// Something kept a request or a rule from being judged.
    pub fn fault(&self, stage: Stage) {
        self.faults.add(stage.index());
    }

    /// A request was refused before anything was judged.
    pub fn refused(&self, reason: Refused) {
        self.refused.add(reason.index());
    }

    /// A fallback was answered.
    pub fn fallback(&self, class: Class) {
        self.fallbacks.add(class.index());
    }

    /// By so many seconds this machine's clock was ahead of the one that signed a callback.
    pub fn note_skew(&self, when: Instant, seconds: i64) {
        self.skew.note(when, seconds);
    }

    /// When a skew was last noted, in nanoseconds since the node began, and how large it was.
    pub(super) fn skew(&self) -> Option<(u64, i64)> {
        self.skew.last()
    }

    /// A callback was answered in spite of something odd about it.
    pub fn oddity(&self, oddity: Oddity) {
        self.oddities.add(oddity.index());
    }
}

/// How far this machine's clock was from the platform's when a worker last saw a signature.
#[derive(Debug)]
struct Skew {
    begun: Instant,
    /// By the monotonic clock, since the wall clock is what is in doubt. 0: never.
    noted_ns: AtomicU64,
    seconds: AtomicI64,
}

impl Skew {
    fn note(&self, when: Instant, seconds: i64) {
        let since = when.saturating_duration_since(self.begun).as_nanos();
        self.seconds.store(seconds, Ordering::Relaxed);
        // After the seconds, so that whoever reads a time does not read older seconds with it.
        self.noted_ns.store(u64::try_from(since).unwrap_or(u64::MAX).max(1), Ordering::Release);
    }

    fn last(&self) -> Option<(u64, i64)> {
        let noted_ns = self.noted_ns.load(Ordering::Acquire);
        (noted_ns > 0).then(|| (noted_ns, self.seconds.load(Ordering::Relaxed)))
    }
}

/// A number that one thread writes and any thread reads.
#[derive(Debug)]
pub(super) struct Count(AtomicU64);

impl Count {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A load and a store: with one writer, no locked instruction is needed.
    fn add(&self, by: u64) {
        self.0.store(self.get().wrapping_add(by), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter for each value of a label.
#[derive(Debug)]
pub(super) struct Counts<const N: usize>([Count; N]);

impl<const N: usize> Counts<N> {
    const fn new() -> Self {
        Self([const { Count::new() }; N])
    }

    fn add(&self, index: usize) {
        if let Some(count) = self.0.get(index) {
            count.add(1);
        }
    }

    pub(super) fn get(&self, index: usize) -> u64 {
        self.0.get(index).map_or(0, Count::get)
    }
}

/// Upper bounds of the buckets for whole requests, in nanoseconds: from far below what is normal
/// to the two seconds after which the platform no longer listens.
const REQUEST_BOUNDS_NS: &[u64] = &[
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
];

/// Upper bounds of the buckets for judging, in nanoseconds.
const JUDGE_BOUNDS_NS: &[u64] = &[
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
];

const BUCKETS_MAX: usize = 18;

/// A histogram of durations that one thread writes.
#[derive(Debug)]
pub struct Timing {
    pub(super) bounds_ns: &'static [u64],
    pub(super) buckets: Counts<BUCKETS_MAX>,
    pub(super) sum_ns: Count,
}

impl Timing {
    const fn new(bounds_ns: &'static [u64]) -> Self {
        Self { bounds_ns, buckets: Counts::new(), sum_ns: Count::new() }
    }

    /// Counts a duration.
    pub fn observe_ns(&self, nanoseconds: u64) {
        let bucket = self.bounds_ns.iter().position(|bound| nanoseconds <= *bound);
        self.buckets.add(bucket.unwrap_or(self.bounds_ns.len()));
        self.sum_ns.add(nanoseconds);
    }
}
