//! Integration tests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod broken;
mod laws;
mod lookalikes;
mod rulebooks;
mod tables;
