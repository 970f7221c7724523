//! Quell, a moderation gateway for instant messaging.

pub mod cli;
pub mod config;
pub mod explain;
pub mod gate;
pub mod listing;
pub mod message;
pub mod metrics;
pub mod node;
pub mod operator;
pub mod platform;
pub mod reload;
pub mod rulebook;
pub mod sample;
pub mod server;
pub mod telemetry;
pub mod text;
pub mod verdict;
pub mod watch;
