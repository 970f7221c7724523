//! How many connections may be open, so that no verdict is late.
//!
//! HTTP/1.1 has one request in flight on a connection, so the connections bound the work that can
//! be waiting: with all of them busy, the last answer leaves after connections × cost ÷ workers.
//! The cost is measured when the node starts, with its own rules, on the longest message that the
//! platform sends.

use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::Config;
use crate::platform::tencent::{self, Query};
use crate::rulebook::{Facts, Rulebook, Scratch, Timestamp};

/// The platform's longest message, in bytes of text.
const LONGEST_MESSAGE: usize = 12 << 10;
/// What the kernel and HTTP take for one request when a thousand connections are busy or each
/// request brings a new one: two to three times what was measured.
const SOCKET_COST: Duration = Duration::from_micros(50);
/// Never fewer or more connections than this by measurement.
const FEWEST: usize = 64;
const MOST: usize = 16_384;
/// Descriptors for everything that is no connection of the platform.
const OTHER_FILES: usize = 128;
/// An odd number of measurements, of which the middle one counts.
const TRIES: usize = 9;

/// What a node can bear.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// File descriptors that it may have.
    pub files: usize,
    /// Connections of the platform at a time that are asked for, or else bearable.
    pub wanted: usize,
    /// With more of them busy an answer may be late.
    pub bearable: usize,
    /// So many connections there are file descriptors for.
    pub room: usize,
    /// What judging the longest message costs.
    pub longest_message: Duration,
}

/// File descriptors below which a node with so many workers does not start. Measured: 20 once it
/// serves, and 4 for each worker.
pub fn files_to_start(workers: usize) -> usize {
    32 + 4 * workers.max(1)
}

/// Takes as many file descriptors as the system lets a process have, and says how many those are.
/// The customary default of 1,024 is a relic of `select`.
pub fn files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    let have =
        if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    have.map_or(usize::MAX, |have| usize::try_from(have).unwrap_or(usize::MAX))
}

impl Capacity {
    /// Measures what a node can bear with these rules and so many file descriptors.
    pub fn measure(config: &Config, rulebook: &Rulebook, files: usize) -> Self {
        let longest_message = cost(config, rulebook);
        let each = longest_message.saturating_add(SOCKET_COST);
        let in_a_row = config.limits.answer_deadline.as_nanos() / each.as_nanos().max(1);
        let bearable = usize::try_from(in_a_row)
            .unwrap_or(MOST)
            .saturating_mul(config.listen.workers.max(1))
            .clamp(FEWEST, MOST);
        let wanted = match config.limits.connections_max {
            0 => bearable,
            given => given,
        };
        let room = files.saturating_sub(OTHER_FILES);
        Self { files, wanted, bearable, room, longest_message }
    }

    /// Connections of the platform that the node takes at a time.
    pub fn connections(&self) -> usize {
        self.wanted.min(self.room.max(FEWEST))
    }
}

/// What it costs from a callback's bytes to its reply's.
fn cost(config: &Config, rulebook: &Rulebook) -> Duration {
    // Disguised and full of separators, so that every view is built.
    let text = "想看更多加 薇\u{200b}信 w0rld Ｈｅｌｌｏ，1 3 8 ";
    let text = text.repeat(LONGEST_MESSAGE / text.len());
    let body = serde_json::json!({
        "From_Account": "capacity",
        "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }],
    })
    .to_string();
    let query = Query::parse("CallbackCommand=Group.CallbackBeforeSendMsg");
    let (mut scratch, facts) = (Scratch::default(), Facts::default());
    let mut tries: Vec<Duration> = (0..TRIES)
        .map(|_| {
            let begun = Instant::now();
            let answer =
                tencent::answer(&query, body.as_bytes(), &config.tencent, &mut |message| {
                    rulebook.judge(message, &facts, Timestamp(0), &mut scratch)
                });
            drop(answer);
            begun.elapsed()
        })
        .collect();
    tries.sort_unstable();
    tries.get(TRIES / 2).copied().unwrap_or_default()
}
