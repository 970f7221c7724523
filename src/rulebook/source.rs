//! The schema of rule files: values that say exactly what was written, with places.
//!
//! Nothing is looked up here; names of lists and scripts are checked when compiling.

mod read;

use super::Facts;
use super::diagnostic::Place;
use super::example::Sample;
use super::table::At;
use crate::verdict::{Verdict, ViewKind};

pub(crate) use read::read;

/// Everything that one rule file declares.
#[derive(Debug, Default)]
pub(crate) struct FileSource {
    pub(crate) lists: Vec<ListSource>,
    pub(crate) rules: Vec<RuleSource>,
    pub(crate) examples: Vec<ExampleSource>,
    pub(crate) thresholds: Vec<ThresholdSource>,
    pub(crate) patterns: Vec<PatternSource>,
    pub(crate) strictness: Option<StrictnessSource>,
}

/// `[list.NAME]`
#[derive(Debug)]
pub(crate) struct ListSource {
    pub(crate) name: At<String>,
    pub(crate) files: Vec<At<String>>,
    pub(crate) entries: Vec<At<String>>,
    pub(crate) view: ViewKind,
    pub(crate) matching: Matching,
    pub(crate) always: bool,
    pub(crate) severe: bool,
    pub(crate) variants: Vec<At<String>>,
    pub(crate) allow: Vec<At<String>>,
}

/// `[pattern.NAME]`: a regex that scripts ask for with `matched("NAME")`.
#[derive(Debug)]
pub(crate) struct PatternSource {
    pub(crate) name: At<String>,
    pub(crate) regex: At<String>,
}

/// Where in the text an entry matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Matching {
    /// Alphabetic ends at token edges, Han ends anywhere.
    #[default]
    Auto,
    /// Both ends at token edges.
    Word,
    /// Anywhere.
    Anywhere,
}

pub(crate) const MATCHINGS: [(&str, Matching); 3] =
    [("auto", Matching::Auto), ("word", Matching::Word), ("anywhere", Matching::Anywhere)];
pub(crate) const VIEWS: [(&str, ViewKind); 3] =
    [("plain", ViewKind::Plain), ("tight", ViewKind::Tight), ("sound", ViewKind::Sound)];

/// What a rule does with a message it fires on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Verdict(Verdict),
    Exempt,
}

pub(crate) const ACTIONS: [(&str, Action); 5] = [
    ("allow", Action::Verdict(Verdict::Allow)),
    ("mask", Action::Verdict(Verdict::Mask)),
    ("deny", Action::Verdict(Verdict::Deny)),
    ("discard", Action::Verdict(Verdict::Discard)),
    ("exempt", Action::Exempt),
];
pub(crate) const VERDICTS: [(&str, Verdict); 4] = [
    ("allow", Verdict::Allow),
    ("mask", Verdict::Mask),
    ("deny", Verdict::Deny),
    ("discard", Verdict::Discard),
];

/// Whether a rule acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Enforce,
    Shadow,
    Off,
}

impl Mode {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

pub(crate) const MODES: [(&str, Mode); 3] =
    [("enforce", Mode::Enforce), ("shadow", Mode::Shadow), ("off", Mode::Off)];

/// `[[rule]]`
#[derive(Debug)]
pub(crate) struct RuleSource {
    pub(crate) id: At<String>,
    pub(crate) title: String,
    pub(crate) category: String,
    pub(crate) on: Option<Vec<At<String>>>,
    pub(crate) scope: ScopeSource,
    pub(crate) mode: Mode,
    pub(crate) rollout: u8,
    pub(crate) until: Option<At<String>>,
    pub(crate) level: u8,
    pub(crate) when: Option<BlockSource>,
    pub(crate) then: ThenSource,
    pub(crate) on_fault: Verdict,
    pub(crate) examples: Vec<ExampleSource>,
}

/// `rule.scope`
#[derive(Debug, Default)]
pub(crate) struct ScopeSource {
    pub(crate) conversations: Vec<At<String>>,
    pub(crate) group_types: Vec<At<String>>,
    pub(crate) except_group_types: Vec<At<String>>,
    pub(crate) groups: Vec<At<String>>,
    pub(crate) except_groups: Vec<At<String>>,
    pub(crate) senders: Vec<At<String>>,
    pub(crate) except_senders: Vec<At<String>>,
    pub(crate) operators: Vec<At<String>>,
    pub(crate) except_operators: Vec<At<String>>,
    pub(crate) platforms: Vec<At<String>>,
    pub(crate) except_platforms: Vec<At<String>>,
    pub(crate) networks: Vec<At<String>>,
    pub(crate) except_networks: Vec<At<String>>,
}

/// `rule.when`, or one table of `all`, `any`, `unless` in it.
#[derive(Debug)]
pub(crate) struct BlockSource {
    pub(crate) place: Place,
    pub(crate) lists: Vec<At<String>>,
    pub(crate) regex: Vec<At<String>>,
    pub(crate) contact_number: Option<At<bool>>,
    pub(crate) links: Option<LinksSource>,
    pub(crate) length: Option<BoundsSource>,
    pub(crate) elements: Option<BoundsSource>,
    pub(crate) mentions: Option<BoundsSource>,
    pub(crate) writing: Vec<At<String>>,
    pub(crate) time: Option<TimeSource>,
    pub(crate) json: Vec<JsonSource>,
    pub(crate) script: Option<At<String>>,
    pub(crate) all: Vec<BlockSource>,
    pub(crate) any: Vec<BlockSource>,
    pub(crate) unless: Vec<BlockSource>,
}

/// `when.links`: true, or hosts.
#[derive(Debug)]
pub(crate) struct LinksSource {
    pub(crate) hosts: Vec<At<String>>,
    pub(crate) hosts_files: Vec<At<String>>,
    pub(crate) except_hosts: Vec<At<String>>,
    pub(crate) except_hosts_files: Vec<At<String>>,
}

/// `{ min, max }`, both included.
#[derive(Debug)]
pub(crate) struct BoundsSource {
    pub(crate) place: Place,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) kinds: Vec<At<String>>,
}

/// `when.time`
#[derive(Debug)]
pub(crate) struct TimeSource {
    pub(crate) place: Place,
    pub(crate) from: Option<At<String>>,
    pub(crate) to: Option<At<String>>,
    pub(crate) days: Vec<At<String>>,
    pub(crate) zone: Option<At<String>>,
}

/// One of `when.json`
#[derive(Debug)]
pub(crate) struct JsonSource {
    pub(crate) place: Place,
    pub(crate) path: At<String>,
    pub(crate) is: Vec<At<String>>,
    pub(crate) regex: Option<At<String>>,
    pub(crate) above: Option<At<f64>>,
    pub(crate) below: Option<At<f64>>,
}

/// `rule.then`
#[derive(Debug)]
pub(crate) struct ThenSource {
    pub(crate) action: Action,
    pub(crate) code: Option<At<i64>>,
    pub(crate) notice: Option<At<String>>,
    pub(crate) score: i64,
    pub(crate) flag: bool,
}

/// `[[threshold]]`
#[derive(Debug)]
pub(crate) struct ThresholdSource {
    pub(crate) score: At<i64>,
    pub(crate) verdict: Verdict,
    pub(crate) code: Option<At<i64>>,
    pub(crate) notice: Option<At<String>>,
}

/// `[strictness]`
#[derive(Debug)]
pub(crate) struct StrictnessSource {
    pub(crate) place: Place,
    pub(crate) enforce: u8,
    pub(crate) shadow: u8,
}

/// `[[rule.example]]`, or `[[example]]` for the whole rulebook.
#[derive(Debug)]
pub(crate) struct ExampleSource {
    pub(crate) place: Place,
    pub(crate) sample: Sample,
    pub(crate) at: Option<At<String>>,
    pub(crate) facts: Facts,
    pub(crate) verdict: Option<At<Verdict>>,
    pub(crate) exempt: Option<bool>,
    pub(crate) rules: Option<Vec<At<String>>>,
    pub(crate) masked: Option<At<String>>,
}
