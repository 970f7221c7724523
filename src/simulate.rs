//! The platform, simulated: for trying a gateway without Tencent, and for loading one.
//!
//! Viewers of live rooms chat, send gifts and likes, correct themselves and flood; some advertise,
//! plainly or in disguise. Each message carries a label of its own: the generator knows what it
//! meant and never asks the rules, so what they miss shows as a miss. Requests leave by the clock,
//! whether or not earlier ones were answered, and latency counts from the moment a request was due.

mod chance;
mod client;
mod disguise;
mod reply;
mod report;
mod tally;
mod templates;
#[cfg(test)]
mod tests;
mod traffic;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use hyper::Uri;

use crate::platform::tencent::Secret;
pub use client::run;
pub use reply::{Answer, Invalid, check};
pub use report::{Found, Latency, Missed, Replies, Report, Row};
pub use tally::Second;

/// The platform listens no longer than this for the answer to a callback.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What to simulate, and against what.
#[derive(Debug, Clone)]
pub struct Options {
    /// The callback URL, `http://…`.
    pub target: Uri,
    /// The `SdkAppid` to send.
    pub app: u64,
    /// The token to sign with.
    pub token: Option<Secret>,
    /// Requests a second.
    pub rate: NonZeroU32,
    /// For how long.
    pub duration: Duration,
    /// Live rooms.
    pub rooms: NonZeroU32,
    /// Viewers.
    pub senders: NonZeroU32,
    /// How many of a hundred messages are meant to be stopped.
    pub abuse_percent: u32,
    /// Connections at a time.
    pub connections: NonZeroU32,
    /// The same seed gives the same messages.
    pub seed: u64,
}

/// Why nothing could be simulated.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The target is not a URL that can be posted to.
    #[error("the target must be a URL such as http://127.0.0.1:8080/callback; https is not spoken")]
    Target,
    /// The target's host is not known.
    #[error("no address is known for {host}: {source}")]
    Host {
        /// The host.
        host: String,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody listens there.
    #[error("nobody answers at {address}: {source}; is `quell serve` running?")]
    Unreachable {
        /// The target's address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A thread or its runtime cannot be started.
    #[error("cannot start: {0}")]
    Start(#[source] std::io::Error),
}
