//! Which entries to keep, so that ordinary messages are left alone.

use std::str::FromStr;

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
}

/// Chooses among `entries` candidates.
///
/// Those without a hit in an ordinary message stay. The others come in the order of how well they
/// discriminate, and stay as long as all that stay together keep within the budget; one that does
/// not fit makes room for the next.
pub(super) fn choose(
    entries: usize,
    ordinary: &Hits,
    abusive: &Hits,
    budget: Budget,
) -> Vec<Choice> {
    let allowed = budget.of(ordinary.len());
    let counts = [counts(entries, ordinary), counts(entries, abusive)];
    let count = |side: &Vec<u64>, number: usize| side.get(number).copied().unwrap_or(0);
    let [of_ordinary, of_abusive] = &counts;
    let [ordinary_all, abusive_all] =
        [ordinary, abusive].map(|hits| u64::try_from(hits.len()).unwrap_or(u64::MAX));
    let mut choices = vec![Choice::Keep; entries];
    let mut costly: Vec<usize> = Vec::new();
    for (number, choice) in choices.iter_mut().enumerate() {
        let (in_ordinary, in_abusive) = (count(of_ordinary, number), count(of_abusive, number));
        if in_ordinary == 0 {
            continue;
        }
        *choice = Choice::Budget;
        if abusive_all > 0 && in_abusive * ordinary_all <= in_ordinary * abusive_all {
            *choice = Choice::Chance;
        } else {
            costly.push(number);
        }
        if usize::try_from(in_ordinary).is_ok_and(|hits| hits > allowed) {
            *choice = Choice::Ordinary;
        }
    }
    // Best first: the ratio of both rates, each count with a half added so that few hits weigh
    // less; then the fewest ordinary hits, then the order of reading.
    costly.sort_by(|a, b| {
        let ratio = |n: &usize| (2 * count(of_abusive, *n) + 1, 2 * count(of_ordinary, *n) + 1);
        let ((a_up, a_down), (b_up, b_down)) = (ratio(a), ratio(b));
        (b_up * a_down)
            .cmp(&(a_up * b_down))
            .then_with(|| count(of_ordinary, *a).cmp(&count(of_ordinary, *b)))
            .then_with(|| a.cmp(b))
    });
    let messages = inverted(ordinary, &costly, entries);
    let mut covered = vec![false; ordinary.len()];
    let mut used = 0;
    for number in costly {
        let hit = messages.get(number).map_or(&[][..], Vec::as_slice);
        let fresh = hit.iter().filter(|at| covered.get(**at) == Some(&false)).count();
        if used + fresh > allowed {
            continue;
        }
        used += fresh;
        for at in hit {
            if let Some(covered) = covered.get_mut(*at) {
                *covered = true;
            }
        }
        if let Some(choice) = choices.get_mut(number) {
            *choice = Choice::Keep;
        }
    }
    choices
}

/// How many messages each candidate hits.
fn counts(entries: usize, hits: &Hits) -> Vec<u64> {
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

/// So few messages say nothing about those to come.
const UNSEEN_MIN: usize = 1_000;

/// How many messages would be hit by entries that were chosen without them: each half of the
/// messages is tried with what the other half chooses.
pub(super) fn unseen(
    entries: usize,
    ordinary: &Hits,
    abusive: &Hits,
    budget: Budget,
) -> Option<usize> {
    if ordinary.len() < UNSEEN_MIN {
        return None;
    }
    let mut halves = [Hits::default(), Hits::default()];
    for (index, ids) in ordinary.messages().enumerate() {
        if let Some(half) = halves.get_mut(index % 2) {
            half.push(ids.iter().copied());
        }
    }
    let [one, other] = &halves;
    let hit = |known: &Hits, new: &Hits| {
        let choices = choose(entries, known, abusive, budget);
        new.share(|number| {
            let choice = usize::try_from(number).ok().and_then(|at| choices.get(at));
            choice == Some(&Choice::Keep)
        })
    };
    Some(hit(one, other) + hit(other, one))
}
