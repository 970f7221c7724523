//! Integration tests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod lookalikes;
mod pinyin;
mod recall;
mod tables;
