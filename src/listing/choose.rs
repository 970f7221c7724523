//! Which entries to keep, so that ordinary messages are left alone.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::ORDINARY_MIN;
use super::weigh::Hits;

/// How many ordinary messages the kept entries may hit, in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    per_million: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { per_million: 5_000 }
    }
}

/// Not a share of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a budget is a percentage from 0 to 100 with at most four decimals, such as 0.5")]
pub struct BadBudget;

impl FromStr for Budget {
    type Err = BadBudget;

    fn from_str(text: &str) -> Result<Self, BadBudget> {
        let text = text.trim().trim_end_matches('%');
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || decimals.len() > 4 || !digits(whole) || !digits(decimals) {
            return Err(BadBudget);
        }
        let per_million: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| BadBudget)?;
        if per_million > 1_000_000 { Err(BadBudget) } else { Ok(Self { per_million }) }
    }
}

impl Budget {
    /// The budget in percent.
    pub fn percent(self) -> f64 {
        f64::from(self.per_million) / 10_000.0
    }

    /// How many of so many messages it allows.
    fn of(self, messages: usize) -> usize {
        let messages = u64::try_from(messages).unwrap_or(u64::MAX);
        let allowed = messages.saturating_mul(self.per_million.into()) / 1_000_000;
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }
}

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Keep,
    /// Alone it hits more than the budget allows.
    Ordinary,
    /// It hits ordinary messages no less often than abusive ones.
    Chance,
    /// Others tell abuse from ordinary messages better, and use up the budget.
    Budget,
    /// It hit nothing, but its like does too often to believe that this will last.
    Unproven,
}

/// What an entry is like: entries of one class are expected to fare alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    /// With others of its file.
    pub(super) fine: u32,
    /// With all others.
    pub(super) coarse: u32,
}

/// By entry; `None` for one that is no candidate.
pub(super) type Classes = [Option<Class>];

/// New messages may be hit so many times more often than the known ones: the known are what the
/// choice was made by.
const EXPECTED_FACTOR: usize = 3;

/// Trust is tried in steps of a quarter of the budget.
const TRUST_STEPS: usize = 4;
/// So many entries are worth as much as one abusive message.
const ENTRIES_PER_MESSAGE: usize = 100;

/// What to keep, and what to expect of it.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) choices: Vec<Choice>,
    /// How many messages would be hit by what is kept if each half of them were new to what the
    /// other half alone chooses. `None` for too few messages.
    pub(super) unseen: Option<usize>,
}

/// Chooses among candidates, so that known messages keep within the budget, and new ones, as far
/// as can be told, within [`EXPECTED_FACTOR`] budgets.
pub(super) fn choose(classes: &Classes, ordinary: &Hits, abusive: &Hits, budget: Budget) -> Chosen {
    let mut trust = EXPECTED_FACTOR * TRUST_STEPS;
    // Fewer messages say nothing about those to come.
    if ordinary.len() < 2 * ORDINARY_MIN {
        let choices = choose_with(classes, ordinary, abusive, budget, trust);
        return Chosen { choices, unseen: None };
    }
    let halves = halves(ordinary);
    // Choosing the classes that look best makes them look better than they are: it takes a trial
    // to see how much trust is too much.
    loop {
        let unseen = unseen(classes, &halves, abusive, budget, trust);
        if trust == 0 || unseen <= budget.of(ordinary.len() * EXPECTED_FACTOR) {
            let choices = choose_with(classes, ordinary, abusive, budget, trust);
            return Chosen { choices, unseen: Some(unseen) };
        }
        trust -= 1;
    }
}

/// Chooses once.
///
/// Those with hits in ordinary messages come in the order of how well they discriminate, and stay
/// as long as all that stay together keep within the budget; one that does not fit makes room for
/// the next. Those without a hit stay as long as their like can be trusted: see
/// [`Choosing::quiet`]. `trust` is in quarters of the budget.
fn choose_with(
    classes: &Classes,
    ordinary: &Hits,
    abusive: &Hits,
    budget: Budget,
    trust: usize,
) -> Vec<Choice> {
    let mut choosing = Choosing {
        classes,
        ordinary,
        abusive,
        of_ordinary: counts(classes.len(), ordinary),
        of_abusive: counts(classes.len(), abusive),
        choices: vec![Choice::Keep; classes.len()],
        covered: vec![false; ordinary.len()],
        used: 0,
    };
    let allowed = budget.of(ordinary.len());
    choosing.costly(allowed);
    if ordinary.len() >= ORDINARY_MIN {
        choosing.quiet(budget.of(ordinary.len() * trust) / TRUST_STEPS);
    }
    choosing.choices
}

struct Choosing<'c> {
    classes: &'c Classes,
    ordinary: &'c Hits,
    abusive: &'c Hits,
    /// By candidate: how many messages it hits.
    of_ordinary: Vec<usize>,
    of_abusive: Vec<usize>,
    choices: Vec<Choice>,
    /// By ordinary message: is it hit by what stays, or expected to be?
    covered: Vec<bool>,
    /// How many are.
    used: usize,
}

/// Entries of one class with as much to say for them.
#[derive(Debug, Default)]
struct Cell {
    /// Those without a hit in an ordinary message.
    quiet: Vec<usize>,
    /// Ordinary messages hit by those with exactly one.
    once: Vec<usize>,
    /// How many abusive messages they are worth.
    worth: usize,
}

impl Choosing<'_> {
    /// Hits in ordinary and in abusive messages.
    fn hits(&self, number: usize) -> (usize, usize) {
        let of = |counts: &[usize]| counts.get(number).copied().unwrap_or(0);
        (of(&self.of_ordinary), of(&self.of_abusive))
    }

    fn costly(&mut self, allowed: usize) {
        let mut costly: Vec<usize> = Vec::new();
        for number in 0..self.classes.len() {
            let (ordinary, abusive) = self.hits(number);
            if ordinary == 0 {
                continue;
            }
            let all = (self.ordinary.len(), self.abusive.len());
            let chance = all.1 > 0 && wide(abusive, all.0) <= wide(ordinary, all.1);
            let choice = match (ordinary > allowed, chance) {
                (true, _) => Choice::Ordinary,
                (false, true) => Choice::Chance,
                (false, false) => Choice::Budget,
            };
            if !chance {
                costly.push(number);
            }
            self.set(number, choice);
        }
        // Best first; then the fewest ordinary hits, then the order of reading.
        costly.sort_by(|a, b| {
            let (of_a, of_b) = (self.hits(*a), self.hits(*b));
            better(of_b.1, of_b.0, of_a.1, of_a.0)
                .then_with(|| of_a.0.cmp(&of_b.0))
                .then_with(|| a.cmp(b))
        });
        let messages = inverted(self.ordinary, &costly, self.classes.len());
        for number in costly {
            let hit = messages.get(number).map_or(&[][..], Vec::as_slice);
            if self.cover(hit, allowed) {
                self.set(number, Choice::Keep);
            }
        }
    }

    /// Entries without a hit are many, and some would hit the next messages. How often they would,
    /// those tell that hit exactly once: without that one message they would be without a hit, too
    /// (the estimate of Good and Turing). Class by class, those most worth it stay as long as what
    /// is to be expected of all that stay is at most `allowed`.
    fn quiet(&mut self, allowed: usize) {
        let mut cells: Vec<Cell> = self.cells().into_values().collect();
        cells.retain(|cell| !cell.quiet.is_empty() && !cell.once.is_empty());
        // That somebody put them on a list speaks for them, if not as loudly as abusive messages.
        let worth = |cell: &Cell| cell.worth * ENTRIES_PER_MESSAGE + cell.quiet.len();
        // The sort is stable, and the cells come in the order of their classes.
        cells.sort_by(|a, b| better(worth(b), b.once.len(), worth(a), a.once.len()));
        for cell in cells {
            if !self.cover(&cell.once, allowed) {
                for number in cell.quiet {
                    self.set(number, Choice::Unproven);
                }
            }
        }
    }

    /// By class and by how many abusive messages speak for the entries.
    fn cells(&self) -> BTreeMap<(u32, u32), Cell> {
        let mut cells: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
        let key = |number: usize| {
            let class = self.classes.get(number).copied().flatten()?;
            // Few abusive messages speak for any entry, so those are taken together by how many.
            Some(match self.hits(number).1.checked_ilog2() {
                None => (class.fine, 0),
                Some(size) => (class.coarse, 1 + size.min(4)),
            })
        };
        for number in 0..self.classes.len() {
            if let (Some(key), (0, _)) = (key(number), self.hits(number)) {
                cells.entry(key).or_default().quiet.push(number);
            }
        }
        for (message, numbers) in self.ordinary.messages().enumerate() {
            for number in numbers.iter().filter_map(|number| usize::try_from(*number).ok()) {
                if let (Some(key), (1, _)) = (key(number), self.hits(number)) {
                    cells.entry(key).or_default().once.push(message);
                }
            }
        }
        for numbers in self.abusive.messages() {
            let numbers = numbers.iter().filter_map(|number| usize::try_from(*number).ok());
            let quiet: BTreeSet<_> = numbers
                .filter(|number| self.hits(*number).0 == 0)
                .flat_map(|number| {
                    // What those without any are worth is told the same way as what they cost: by
                    // those with one.
                    let class = self.classes.get(number).copied().flatten();
                    let like = class.filter(|_| self.hits(number).1 == 1);
                    [key(number), like.map(|class| (class.fine, 0))]
                })
                .flatten()
                .collect();
            for cell in quiet {
                cells.entry(cell).or_default().worth += 1;
            }
        }
        cells
    }

    /// Covers these ordinary messages, if then at most `allowed` are covered.
    fn cover(&mut self, messages: &[usize], allowed: usize) -> bool {
        let mut fresh: Vec<usize> =
            messages.iter().copied().filter(|at| self.covered.get(*at) == Some(&false)).collect();
        fresh.sort_unstable();
        fresh.dedup();
        if self.used + fresh.len() > allowed {
            return false;
        }
        self.used += fresh.len();
        for at in fresh {
            if let Some(covered) = self.covered.get_mut(at) {
                *covered = true;
            }
        }
        true
    }

    fn set(&mut self, number: usize, choice: Choice) {
        if let Some(slot) = self.choices.get_mut(number) {
            *slot = choice;
        }
    }
}

/// Compares two ratios of worth to cost. Each number has a half added, so that few hits weigh less.
fn better(a_worth: usize, a_cost: usize, b_worth: usize, b_cost: usize) -> Ordering {
    let twice = |number: usize| number.saturating_mul(2).saturating_add(1);
    wide(twice(a_worth), twice(b_cost)).cmp(&wide(twice(b_worth), twice(a_cost)))
}

fn wide(a: usize, b: usize) -> u128 {
    let wide = |number: usize| u128::try_from(number).unwrap_or(u128::MAX);
    wide(a).saturating_mul(wide(b))
}

/// How many messages each candidate hits.
fn counts(entries: usize, hits: &Hits) -> Vec<usize> {
    let mut counts = vec![0; entries];
    for number in hits.messages().flatten() {
        if let Some(count) = usize::try_from(*number).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    counts
}

/// The messages that each of `wanted` hits.
fn inverted(hits: &Hits, wanted: &[usize], entries: usize) -> Vec<Vec<usize>> {
    let mut is_wanted = vec![false; entries];
    for number in wanted {
        if let Some(is) = is_wanted.get_mut(*number) {
            *is = true;
        }
    }
    let mut messages = vec![Vec::new(); entries];
    for (message, numbers) in hits.messages().enumerate() {
        for number in numbers.iter().filter_map(|number| usize::try_from(*number).ok()) {
            if is_wanted.get(number) == Some(&true)
                && let Some(of) = messages.get_mut(number)
            {
                of.push(message);
            }
        }
    }
    messages
}

/// Every other message, and the rest.
fn halves(hits: &Hits) -> [Hits; 2] {
    let mut halves = [Hits::default(), Hits::default()];
    for (index, ids) in hits.messages().enumerate() {
        if let Some(half) = halves.get_mut(index % 2) {
            half.push(ids.iter().copied());
        }
    }
    halves
}

/// How many messages are hit by what is chosen without them: each half is tried with what the
/// other half chooses.
fn unseen(
    classes: &Classes,
    [one, other]: &[Hits; 2],
    abusive: &Hits,
    budget: Budget,
    trust: usize,
) -> usize {
    let hit = |known: &Hits, new: &Hits| {
        let choices = choose_with(classes, known, abusive, budget, trust);
        new.share(|number| {
            let choice = usize::try_from(number).ok().and_then(|at| choices.get(at));
            choice == Some(&Choice::Keep)
        })
    };
    hit(one, other) + hit(other, one)
}
