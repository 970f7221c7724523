//! Quell, a moderation gateway for instant messaging.
//!
//! The chat platform (first: Tencent Cloud Chat) posts a webhook, a *callback*, before it delivers a
//! message. Quell answers, within the platform's two seconds and normally within a millisecond of
//! its own time, whether the message is delivered, refused, silently dropped or rewritten. A
//! trust-and-safety team owns the rules as files and edits them while Quell runs; Prometheus
//! scrapes it. This page is the map of the code.
//!
//! # Three rings
//!
//! `use` arrows point inward only; the test `it::tidy` holds the house to it.
//!
//! 1. **Words and judgement**, pure: no I/O, no clock, no randomness, no logging.
//!    [`message`] is the platform-free view of what a user sent, [`verdict`] what is decided and
//!    why. [`text`] folds text into views with exact maps back to what was typed. [`rulebook`]
//!    compiles rule files, lists and scripts into one immutable value and judges by it; `listing`
//!    makes clean lists of dirty ones.
//! 2. **Edges**, which know ring 1 and count into [`metrics`], but not one another.
//!    [`platform`] turns a platform's callbacks into messages and verdicts into its replies.
//!    [`server`] accepts connections, plain or TLS, under limits. [`watch`] reads and watches the
//!    rule directory. [`telemetry`] sets up the log and the traces.
//! 3. **Composition.** [`gate`] is the request path, bytes to bytes, without sockets. [`reload`]
//!    swaps rulebooks, [`operator`] is the second listener, [`config`] the settings, [`node`] one
//!    running process, [`cli`] the command line. [`simulate`] plays the platform. [`sample`] reads
//!    messages as people write them, [`explain`] writes judgements in words and in JSON.
//!
//! # Invariants
//!
//! - [`rulebook::Rulebook::judge`] gives the same answer to the same message, facts and time, on
//!   every node and in every replay. Only live traffic holds scripts to the clock.
//! - The request path cannot fail outward: every fault becomes a reply with the configured fallback,
//!   one counter and at most one log line a second.
//! - A bad rule edit never replaces a good rulebook, and each request sees exactly one revision.
//! - The order of rules and files never changes an outcome: verdicts combine by severity, `allow <
//!   mask < deny < discard`; exempt rules are judged first and end the matter; shadow rules leave
//!   evidence and nothing else.
//! - Message text, tokens and keys never reach logs or metric labels, and the number of series does
//!   not grow with users, groups, texts or revisions.
//! - Entries go through the same folding as messages, always.
//! - Every limit is explicit, has a safe default and stands in the settings table of the README or
//!   beside the constant that sets it.
//!
//! # Life of a callback
//!
//! A worker thread of the server reads a request and hands it to the gate. The gate takes one
//! snapshot of the rulebook, checks path, app and signature, and has the platform decode the body
//! with borrowed strings. For each message in it the rulebook folds all fields into one buffer,
//! finds every term of every list and every literal that guards a regex in one pass, and looks only
//! at rules that something in the message calls up. Conditions are tried cheap parts first, scripts
//! last. What fired adds up to a judgement; the platform writes it as a reply. Text that shows
//! signs of evasion is searched in the tight view too, and each hit there is verified on the
//! original.
//!
//! # Life of a rule edit
//!
//! The watcher notices, waits for quiet, and reads the whole directory. Equal digest: nothing to do.
//! Otherwise everything is compiled off the request path, every mistake is collected with its place,
//! and the examples in the rule files are run. Without errors the new rulebook is swapped in;
//! with errors the old one stays, and log, metric and operator API say why. `quell check` is the
//! same code.
//!
//! # Cross-cutting
//!
//! Errors are enums beside the code that raises them; rule files have diagnostics with places
//! instead. Tests are tables at three boundaries: rule directories with their own examples for
//! judging, bytes to bytes at the gate, and a few whole nodes on free ports. Each worker counts into
//! its own shard of the metrics, so that nothing on the request path is shared and written.

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
pub mod simulate;
pub mod telemetry;
pub mod text;
pub mod verdict;
pub mod watch;
