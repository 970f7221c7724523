//! Days and hours in a time zone, for rules that hold only then.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::Timestamp;
use super::diagnostic::{Sink, suggest};
use super::source::TimeSource;
use super::table::At;

pub(crate) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// A window that opens on some days at `from` and closes at the next `to`.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    from: Time,
    to: Time,
    days: Vec<Weekday>,
    zone: TimeZone,
}

impl Window {
    /// Checks and compiles a window.
    pub(crate) fn compile(source: &TimeSource, sink: &mut Sink) -> Option<Self> {
        if source.from.is_none() && source.to.is_none() && source.days.is_empty() {
            sink.error(&source.place, "missing-key", "`time` says nothing".to_owned())
                .help("give it `from` and `to`, such as \"22:00\" and \"06:00\", or `days`");
            return None;
        }
        let mut days = Vec::new();
        for at in &source.days {
            if let Some((_, day)) = DAYS.iter().find(|(name, _)| *name == at.value.to_lowercase()) {
                days.push(*day);
            } else {
                let what = format!("there is no day `{}`", at.value);
                sink.error(&at.place, "unknown-value", what)
                    .help(suggest(&at.value, DAYS.iter().map(|(name, _)| *name)));
            }
        }
        let midnight = Time::midnight();
        let from = source.from.as_ref().map_or(Some(midnight), |at| clock(at, sink));
        let to = source.to.as_ref().map_or(Some(midnight), |at| clock(at, sink));
        let zone = match &source.zone {
            None => Some(TimeZone::UTC),
            Some(at) => {
                if let Ok(zone) = jiff::tz::db().get(&at.value) {
                    Some(zone)
                } else {
                    let what = format!("there is no time zone `{}`", at.value);
                    sink.error(&at.place, "unknown-value", what)
                        .help("use a name such as \"Asia/Shanghai\" or \"UTC\"");
                    None
                }
            }
        };
        Some(Self { from: from?, to: to?, days, zone: zone? })
    }

    /// Is the window open at `now`? If not, what time it is there.
    pub(crate) fn admits(&self, now: Timestamp) -> Result<(), String> {
        let Ok(moment) = jiff::Timestamp::from_second(now.0) else {
            return Err("the time is out of range".to_owned());
        };
        let local = moment.to_zoned(self.zone.clone());
        let time = local.time();
        // Past midnight, a window that wraps belongs to the day it opened.
        let (open, opened) = if self.from < self.to {
            (self.from <= time && time < self.to, local.weekday())
        } else if time >= self.from {
            (true, local.weekday())
        } else {
            (time < self.to, local.weekday().previous())
        };
        if open && (self.days.is_empty() || self.days.contains(&opened)) {
            Ok(())
        } else {
            Err(format!(
                "{} {}",
                local.strftime("%a %H:%M"),
                self.zone.iana_name().unwrap_or("UTC")
            ))
        }
    }
}

fn clock(at: &At<String>, sink: &mut Sink) -> Option<Time> {
    let time = at.value.parse::<Time>().ok();
    if time.is_none() {
        sink.error(&at.place, "bad-time", format!("`{}` is not a time of day", at.value))
            .help("write it with 24 hours, as in \"22:00\"; midnight is \"00:00\"");
    }
    time
}
