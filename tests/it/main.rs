//! Integration tests.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test panics"
)]

mod corpora;
mod differential;
mod harness;
mod lookalikes;
mod operator_api;
mod pinyin;
mod process;
mod recall;
mod rule_edits;
mod rulebooks;
mod server;
mod tables;
mod tidy;
