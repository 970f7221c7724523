//! Integration tests.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test panics"
)]

mod allocations;
mod authority;
mod broken;
mod callers;
mod corpora;
mod deploy;
mod differential;
mod doctor;
mod dying;
mod harness;
mod hostile;
mod laws;
mod lookalikes;
mod operator_api;
mod packaging;
mod pinyin;
mod process;
mod readme;
mod recall;
mod rule_edits;
mod rulebooks;
mod server;
mod simulate;
mod tables;
mod tidy;
mod tls;
mod tls_files;
#[cfg(feature = "otel")]
mod traced;
mod words;
