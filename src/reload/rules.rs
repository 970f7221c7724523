//! The rulebook in use, and how another takes its place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use crate::gate::{Current, Loaded};
use crate::message::ConversationKind;
use crate::metrics::{Metrics, Mode};
use crate::platform::tencent::{C2C_CODES, GROUP_CODES};
use crate::rulebook::diagnostic::{Diagnostic, Report, Severity};
use crate::rulebook::{self, CodeRange, Rulebook, Timestamp, script};
use crate::sample;
use crate::watch::{self, Limits, Snapshot};

/// So many diagnostics of one rulebook go to the log; the operator API has them all.
const LOGGED_MAX: usize = 20;

/// What reloading needs to know.
#[derive(Debug)]
pub struct Setup {
    /// The rule directory.
    pub directory: PathBuf,
    /// How much of it is read.
    pub limits: Limits,
    /// What its scripts may use.
    pub scripts: script::Limits,
    /// Where reloads and rules are counted.
    pub metrics: Arc<Metrics>,
}

/// The rulebook in use and where it comes from.
#[derive(Debug)]
pub struct Rules {
    setup: Setup,
    current: Current,
    status: Arc<ArcSwap<Status>>,
    /// Rulebooks that requests may still be seeing. Kept so that the last to let go of one is
    /// this thread: freeing a large one would hold up a callback.
    retired: Vec<Arc<Loaded>>,
    /// The digest of the files in use.
    digest: [u8; 32],
    /// The files that were rejected, or why they could not be read: the same are not rejected
    /// again until somebody asks.
    rejected: Option<Result<[u8; 32], String>>,
}

/// What is in use.
#[derive(Debug, Clone)]
pub struct Status {
    /// The digest of everything the rulebook in use was compiled from.
    pub revision: Arc<str>,
    /// How many rules it has.
    pub rules: usize,
    /// Since when it is in use.
    pub since: Timestamp,
    /// Its warnings and notices.
    pub warnings: Arc<[Diagnostic]>,
    /// The files as they are now, if they could not be put in use.
    pub rejected: Option<Rejected>,
}

/// Files that could not be put in use.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// When.
    pub when: Timestamp,
    /// Why.
    pub diagnostics: Arc<[Diagnostic]>,
}

/// How a reload ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The files are in use now.
    Applied,
    /// The files have errors; what was in use before still is.
    Rejected(Arc<[Diagnostic]>),
    /// The files are those in use.
    Unchanged,
}

impl Rules {
    /// Compiles the first rulebook.
    ///
    /// # Errors
    /// What is wrong with the files, or with reading them.
    pub fn open(setup: Setup) -> Result<Self, Report> {
        let snapshot = watch::read(&setup.directory, setup.limits).map_err(|e| unreadable(&e))?;
        let (rulebook, report) = compile(&snapshot, &setup.scripts);
        let Some(rulebook) = rulebook else { return Err(report) };
        log(&report);
        let (loaded, status) = load(rulebook, report, &setup.metrics);
        Ok(Self {
            setup,
            current: Arc::new(ArcSwap::from_pointee(loaded)),
            status: Arc::new(ArcSwap::from_pointee(status)),
            retired: Vec::new(),
            digest: snapshot.digest,
            rejected: None,
        })
    }

    /// Where the rulebook in use is looked up.
    pub fn current(&self) -> &Current {
        &self.current
    }

    /// Where the status is looked up.
    pub fn status(&self) -> &Arc<ArcSwap<Status>> {
        &self.status
    }

    /// The rule directory.
    pub fn directory(&self) -> &Path {
        &self.setup.directory
    }

    /// Puts the files in use if they are others than those last tried.
    pub(super) fn refresh(&mut self) {
        self.retired.retain(|loaded| Arc::strong_count(loaded) > 1);
        let snapshot = watch::read(&self.setup.directory, self.setup.limits);
        let found = match &snapshot {
            Ok(found) => Ok(found.digest),
            Err(error) => Err(error.to_string()),
        };
        if found != self.rejected.clone().unwrap_or(Ok(self.digest)) {
            self.apply(snapshot);
        }
    }

    /// Puts the files in use, rejected before or not, so that whoever asked is told why not.
    pub(super) fn reload(&mut self) -> Outcome {
        let snapshot = watch::read(&self.setup.directory, self.setup.limits);
        self.apply(snapshot)
    }

    /// Compiles the files and says what is wrong with them.
    pub(super) fn check(&self) -> Report {
        match watch::read(&self.setup.directory, self.setup.limits) {
            Ok(snapshot) => compile(&snapshot, &self.setup.scripts).1,
            Err(error) => unreadable(&error),
        }
    }

    fn apply(&mut self, snapshot: Result<Snapshot, watch::ReadError>) -> Outcome {
        self.retired.retain(|loaded| Arc::strong_count(loaded) > 1);
        let reloads = &self.setup.metrics.reloads;
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(error) => return self.reject(unreadable(&error), Err(error.to_string())),
        };
        if snapshot.digest == self.digest {
            reloads.unchanged.inc();
            reloads.rejected_now.set(0);
            if self.rejected.take().is_some() {
                tracing::info!("the rule files are again those in use");
                let status = Status { rejected: None, ..(**self.status.load()).clone() };
                self.status.store(Arc::new(status));
            }
            return Outcome::Unchanged;
        }
        let (rulebook, report) = compile(&snapshot, &self.setup.scripts);
        let Some(rulebook) = rulebook else { return self.reject(report, Ok(snapshot.digest)) };
        reloads.applied.inc();
        reloads.rejected_now.set(0);
        let before = Arc::clone(&self.status.load().revision);
        log(&report);
        let (loaded, status) = load(rulebook, report, &self.setup.metrics);
        let (revision, rules) = (Arc::clone(&status.revision), status.rules);
        self.retired.push(self.current.swap(Arc::new(loaded)));
        self.status.store(Arc::new(status));
        self.digest = snapshot.digest;
        self.rejected = None;
        tracing::info!(revision = &*revision, rules, before = &*before, "rules reloaded");
        Outcome::Applied
    }

    fn reject(&mut self, report: Report, files: Result<[u8; 32], String>) -> Outcome {
        let reloads = &self.setup.metrics.reloads;
        reloads.rejected.inc();
        reloads.rejected_now.set(1);
        self.rejected = Some(files);
        log(&report);
        let errors = report.count(Severity::Error);
        tracing::error!(errors, "changed rules rejected; the rules from before stay in use");
        let diagnostics: Arc<[Diagnostic]> = report.diagnostics.into();
        let rejected = Rejected { when: now(), diagnostics: Arc::clone(&diagnostics) };
        let status = Status { rejected: Some(rejected), ..(**self.status.load()).clone() };
        self.status.store(Arc::new(status));
        Outcome::Rejected(diagnostics)
    }
}

/// How rules are compiled: the same for a node and for whoever checks its rules beforehand.
pub fn compile_options(now: Timestamp, script_limits: script::Limits) -> rulebook::Options {
    let codes = [
        ("a group message", ConversationKind::Group, GROUP_CODES),
        ("a direct message", ConversationKind::Direct, C2C_CODES),
    ];
    let codes = codes
        .into_iter()
        .map(|(what, conversation, codes)| CodeRange { what, conversation, codes })
        .collect();
    rulebook::Options {
        clock: monotonic_ns,
        now,
        codes,
        script_limits,
        read_sample: sample::read_sample,
    }
}

fn monotonic_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn compile(snapshot: &Snapshot, scripts: &script::Limits) -> (Option<Rulebook>, Report) {
    let options = compile_options(now(), scripts.clone());
    let compiled =
        catch_unwind(AssertUnwindSafe(|| Rulebook::compile(&snapshot.sources, &options)));
    compiled.unwrap_or_else(|_| {
        (None, failure("rules.bug", "compiling broke down: a bug".to_owned(), None))
    })
}

fn load(rulebook: Rulebook, report: Report, metrics: &Metrics) -> (Loaded, Status) {
    let rules = rulebook.rules();
    let modes = rules.iter().filter_map(|rule| match rule.mode {
        "enforce" => Some((&rule.id, Mode::Enforce)),
        "shadow" => Some((&rule.id, Mode::Shadow)),
        _ => None,
    });
    let meters = metrics.rules(modes);
    let status = Status {
        revision: Arc::clone(rulebook.revision()),
        rules: rules.len(),
        since: now(),
        warnings: report.diagnostics.into(),
        rejected: None,
    };
    metrics.note_rulebook(&status.revision, status.rules, status.since.0);
    (Loaded { rulebook, meters }, status)
}

fn log(report: &Report) {
    for diagnostic in report.diagnostics.iter().take(LOGGED_MAX) {
        let line = diagnostic.to_string();
        match diagnostic.severity {
            Severity::Notice => tracing::info!(diagnostic = line, "about the rules"),
            Severity::Warning => tracing::warn!(diagnostic = line, "about the rules"),
            Severity::Error => tracing::error!(diagnostic = line, "about the rules"),
        }
    }
    let more =
        report.diagnostics.len().saturating_sub(LOGGED_MAX).saturating_add(report.suppressed);
    if more > 0 {
        tracing::warn!(more, "about the rules: and more of them; see /status or `quell check`");
    }
}

fn unreadable(error: &watch::ReadError) -> Report {
    let help = "the rules are read from the directory that `--rules` or `rules` names";
    failure("rules.unreadable", error.to_string(), Some(help))
}

fn failure(code: &'static str, message: String, help: Option<&str>) -> Report {
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        code,
        message,
        file: Arc::from("."),
        span: 0..0,
        line: 1,
        column: 1,
        label: String::new(),
        help: help.map(str::to_owned),
    };
    Report { diagnostics: vec![diagnostic], ..Report::default() }
}

fn now() -> Timestamp {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(unix.as_secs()).unwrap_or(i64::MAX))
}
