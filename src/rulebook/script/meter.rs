//! Counts the operations of the evaluation that runs on this thread, and watches its clock.
//!
//! The interpreter's own counter is handed back from closures only when they return without an
//! error; this one cannot be turned back. Once blown it stays blown, so a `try` in the script that
//! catches the error of a nested call gets no further than its next step.

use std::cell::Cell;

use rhai::Dynamic;

use super::ScriptFault;

/// How many operations pass between two looks at the clock. A look costs about as much as one
/// operation; an operation that copies the largest text takes several microseconds.
const STRIDE: u64 = 64;

/// So many bytes that a native function goes over count as one operation.
const BYTES_PER_OPERATION: usize = 16;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fuse {
    pub(super) operations: u64,
    /// On `clock`, in nanoseconds.
    pub(super) deadline: u64,
    pub(super) clock: fn() -> u64,
}

impl Fuse {
    /// One that counts operations only.
    pub(super) fn timeless(operations: u64) -> Self {
        Self { operations, deadline: u64::MAX, clock: || 0 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blown {
    No,
    Operations,
    WallClock,
}

struct Meter {
    count: Cell<u64>,
    /// The count at which there is something to look at next.
    next: Cell<u64>,
    fuse: Cell<Fuse>,
    blown: Cell<Blown>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            count: Cell::new(0),
            next: Cell::new(STRIDE),
            fuse: Cell::new(Fuse { operations: 0, deadline: 0, clock: || 0 }),
            blown: Cell::new(Blown::No),
        }
    };
}

/// Begins an evaluation.
pub(super) fn start(fuse: Fuse) {
    METER.with(|meter| {
        meter.count.set(0);
        meter.next.set(STRIDE.min(fuse.operations.saturating_add(1)));
        meter.fuse.set(fuse);
        meter.blown.set(Blown::No);
    });
}

/// One operation. A value ends the evaluation.
#[inline]
pub(super) fn tick() -> Option<Dynamic> {
    METER.with(|meter| {
        let count = meter.count.get().saturating_add(1);
        meter.count.set(count);
        if count < meter.next.get() { None } else { meter.look(count) }
    })
}

/// Work of a native function on so many bytes. It shows at the next operation.
pub(super) fn spend(bytes: usize) {
    let operations = u64::try_from(bytes / BYTES_PER_OPERATION).unwrap_or(u64::MAX);
    METER.with(|meter| meter.count.set(meter.count.get().saturating_add(operations)));
}

/// What ended the evaluation, if this did.
pub(super) fn blown() -> Option<ScriptFault> {
    METER.with(|meter| match meter.blown.get() {
        Blown::No => None,
        Blown::Operations => Some(ScriptFault::Operations),
        Blown::WallClock => Some(ScriptFault::WallClock),
    })
}

/// Operations of the last evaluation on this thread.
#[cfg(test)]
pub(super) fn count() -> u64 {
    METER.with(|meter| meter.count.get())
}

impl Meter {
    #[cold]
    fn look(&self, count: u64) -> Option<Dynamic> {
        let fuse = self.fuse.get();
        if self.blown.get() == Blown::No {
            if count > fuse.operations {
                self.blown.set(Blown::Operations);
            } else if (fuse.clock)() > fuse.deadline {
                self.blown.set(Blown::WallClock);
            } else {
                let last = fuse.operations.saturating_add(1);
                self.next.set(count.saturating_add(STRIDE).min(last));
                return None;
            }
        }
        // `next` stays where it is: every further step comes here and ends here.
        Some(Dynamic::UNIT)
    }
}
