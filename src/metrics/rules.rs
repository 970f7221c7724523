//! The counters of single rules, which come and go with the rulebook.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::collect::{counter, counter_family};

const HITS: (&str, &str) =
    ("quell_rule_hits_total", "Messages on which a rule fired, or in shadow mode would have.");
const FAULTS: (&str, &str) =
    ("quell_rule_faults_total", "Messages on which a rule could not be judged.");

/// A rule's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Its verdict counts.
    Enforce,
    /// It leaves evidence only.
    Shadow,
}

impl Mode {
    /// The mode's name in rule files and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }
}

/// One worker's part of a rule's counters.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell {
    hits: AtomicU64,
    faults: AtomicU64,
}

type Cells = Arc<[Cell]>;

/// The counters of one rulebook's rules.
#[derive(Debug, Default)]
pub struct RuleMeters {
    by_rule: HashMap<Arc<str>, ByMode>,
}

#[derive(Debug, Default)]
struct ByMode {
    enforce: Option<Cells>,
    shadow: Option<Cells>,
}

impl RuleMeters {
    /// The rule fired on worker `worker`, or in shadow mode would have.
    pub fn hit(&self, rule: &str, mode: Mode, worker: usize) {
        let Some(cells) = self.by_rule.get(rule) else { return };
        let cells = match mode {
            Mode::Enforce => &cells.enforce,
            Mode::Shadow => &cells.shadow,
        };
        if let Some(cell) = cells.as_ref().and_then(|cells| cells.get(worker)) {
            cell.hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The rule could not be judged on worker `worker`.
    pub fn fault(&self, rule: &str, worker: usize) {
        let Some(cells) = self.by_rule.get(rule) else { return };
        let cells = cells.enforce.as_ref().or(cells.shadow.as_ref());
        if let Some(cell) = cells.and_then(|cells| cells.get(worker)) {
            cell.faults.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The series of the rules in use, kept from rulebook to rulebook while their rule is there.
#[derive(Debug)]
pub(super) struct RuleSeries {
    workers: usize,
    cells: Mutex<BTreeMap<(Arc<str>, Mode), Cells>>,
    families: [Desc; 2],
}

impl RuleSeries {
    pub(super) fn new(workers: usize) -> prometheus::Result<Self> {
        let desc = |(name, help): (&str, &str), labels: &[&str]| {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let families = [desc(HITS, &["rule", "mode"])?, desc(FAULTS, &["rule"])?];
        Ok(Self { workers, cells: Mutex::default(), families })
    }

    pub(super) fn load<'a>(
        &self,
        rules: impl IntoIterator<Item = (&'a Arc<str>, Mode)>,
    ) -> RuleMeters {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = BTreeMap::new();
        for (rule, mode) in rules {
            let key = (Arc::clone(rule), mode);
            let found = cells.remove(&key);
            let fresh = || (0..self.workers).map(|_| Cell::default()).collect();
            kept.entry(key).or_insert_with(|| found.unwrap_or_else(fresh));
        }
        *cells = kept;
        let mut by_rule: HashMap<Arc<str>, ByMode> = HashMap::new();
        for ((rule, mode), cells) in cells.iter() {
            let entry = by_rule.entry(Arc::clone(rule)).or_default();
            let place = match mode {
                Mode::Enforce => &mut entry.enforce,
                Mode::Shadow => &mut entry.shadow,
            };
            *place = Some(Arc::clone(cells));
        }
        RuleMeters { by_rule }
    }
}

/// Writes the series of the rules in use.
#[derive(Debug)]
pub(super) struct RuleCollector(pub(super) Arc<RuleSeries>);

impl Collector for RuleCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.0.families.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let cells = self.0.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |cells: &Cells, read: fn(&Cell) -> &AtomicU64| {
            cells.iter().map(|cell| read(cell).load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
        };
        let mut hits = Vec::with_capacity(cells.len());
        let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
        for ((rule, mode), cells) in cells.iter() {
            let labels = [("rule", &**rule), ("mode", mode.name())];
            hits.push(counter(&labels, sum(cells, |cell| &cell.hits)));
            let count = faults.entry(rule).or_default();
            *count = count.wrapping_add(sum(cells, |cell| &cell.faults));
        }
        if hits.is_empty() {
            return Vec::new();
        }
        let faults = faults.into_iter().map(|(rule, count)| counter(&[("rule", rule)], count));
        vec![counter_family(HITS, hits), counter_family(FAULTS, faults.collect())]
    }
}
