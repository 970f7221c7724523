//! Quell, a moderation gateway for instant messaging.

pub mod explain;
pub mod message;
pub mod platform;
pub mod rulebook;
pub mod sample;
pub mod text;
pub mod verdict;
