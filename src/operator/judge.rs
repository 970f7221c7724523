//! `POST /judge`: what would become of a callback, or of a text.

use serde_json::{Value, json};

use crate::explain;
use crate::platform::tencent;
use crate::rulebook::{Facts, Rulebook, Scratch, Timestamp};
use crate::sample;

/// Judges what [`sample::read_line`] reads: a report for each message in it.
pub(super) fn judge(
    rulebook: &Rulebook,
    body: &[u8],
    settings: &tencent::Settings,
    now: Timestamp,
) -> Result<Value, String> {
    let (facts, mut scratch) = (Facts::default(), Scratch::default());
    let mut reports = Vec::new();
    sample::read_line(body, settings, &mut |message| {
        let judgement = rulebook.judge(message, &facts, now, &mut scratch);
        let not_fired = rulebook.not_fired(message, &facts, now, &mut scratch);
        let report = explain::Report::new(message, &judgement, settings.mask)
            .in_full(message, &judgement, &not_fired);
        reports.push(serde_json::to_value(&report).map_err(|error| error.to_string()));
    })?;
    if reports.is_empty() {
        return Err(sample::NO_MESSAGE.to_owned());
    }
    let messages = reports.into_iter().collect::<Result<Vec<_>, String>>()?;
    Ok(json!({ "revision": &**rulebook.revision(), "messages": messages }))
}
