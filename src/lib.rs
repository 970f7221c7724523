//! Quell, a moderation gateway for instant messaging.

pub mod message;
pub mod platform;
pub mod rulebook;
pub mod text;
pub mod verdict;
