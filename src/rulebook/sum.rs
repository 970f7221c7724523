//! From the rules that fired to the judgement: verdicts combine, scores add up, masks merge.

use std::sync::Arc;

use super::judge::Trial;
use super::rule::Rule;
use crate::verdict::{Firing, Judgement, Span, Verdict};

/// What the rules that fired add up to.
#[derive(Debug, Default)]
pub(crate) struct Sum<'b> {
    fired: Vec<(&'b Rule, Firing)>,
    pub(crate) shadow: Vec<Firing>,
    score: i64,
    flagged: bool,
}

impl<'b> Sum<'b> {
    /// Adds a rule that fired.
    pub(crate) fn add(&mut self, rule: &'b Rule, firing: Firing) {
        self.score = self.score.saturating_add(firing.score);
        self.flagged |= rule.flag;
        self.fired.push((rule, firing));
    }

    /// The judgement.
    pub(crate) fn settle(self, trial: &Trial<'_>) -> Judgement {
        let mut judgement = Judgement {
            score: self.score,
            flagged: self.flagged,
            shadow: self.shadow,
            faults: trial.faults.clone(),
            ..Judgement::default()
        };
        judgement.verdict = trial.fallback;
        for (_, firing) in &self.fired {
            judgement.verdict = judgement.verdict.combine(firing.verdict.unwrap_or_default());
        }
        // The deciding rule is the first by id among the severest; one with words for the client
        // goes before one without.
        let deciding = self
            .fired
            .iter()
            .filter(|(_, firing)| firing.verdict == Some(judgement.verdict))
            .min_by_key(|(rule, _)| rule.notice.is_none() && rule.code.is_none());
        if let Some((rule, _)) = deciding {
            judgement.code = rule.code;
            judgement.notice.clone_from(&rule.notice);
        }
        let mut fired: Vec<Firing> = self.fired.into_iter().map(|(_, firing)| firing).collect();
        let reached = trial.book.thresholds.iter().rev().find(|t| t.score <= judgement.score);
        if let Some(threshold) = reached
            && !fired.is_empty()
        {
            if threshold.verdict > judgement.verdict {
                judgement.verdict = threshold.verdict;
                judgement.code = threshold.code;
                judgement.notice.clone_from(&threshold.notice);
            }
            fired.push(Firing {
                rule: Arc::from("threshold"),
                verdict: Some(threshold.verdict),
                hits: Vec::new(),
                score: 0,
                reason: Some(
                    format!("the score {} reaches {}", judgement.score, threshold.score).into(),
                ),
            });
        }
        if judgement.verdict == Verdict::Mask {
            judgement.masks = masks(&fired);
        }
        judgement.fired = fired;
        judgement
    }
}

/// What the mask rules found, merged.
fn masks(fired: &[Firing]) -> Vec<Span> {
    let mut spans: Vec<Span> = fired
        .iter()
        .filter(|firing| firing.verdict == Some(Verdict::Mask))
        .flat_map(|firing| firing.hits.iter().map(|hit| hit.span.clone()))
        .collect();
    spans.sort_by_key(|span| (span.field, span.range.start, span.range.end));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.field == span.field && span.range.start <= last.range.end => {
                last.range.end = last.range.end.max(span.range.end);
            }
            _ => merged.push(span),
        }
    }
    merged
}
