//! A judgement in words and in JSON: the same for `quell judge`, the operator API and replays.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use serde::Serialize;

use crate::message::Message;
use crate::rulebook::{NotFired, RuleInfo};
use crate::text;
use crate::verdict::{Firing, Judgement};

/// A judgement as JSON. The names and their order are a contract that other tools rely on.
#[derive(Debug, Serialize)]
pub struct Report<'r> {
    verdict: &'static str,
    code: Option<u32>,
    notice: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<String>,
    rules: Vec<&'r str>,
    hits: Vec<HitReport<'r>>,
    shadow: Vec<&'r str>,
    faults: Vec<FaultReport<'r>>,
    #[serde(skip_serializing_if = "is_zero")]
    score: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    flagged: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scores: Vec<ScoreReport<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ReasonReport<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow_hits: Vec<HitReport<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_fired: Vec<NotFiredReport<'r>>,
}

#[derive(Debug, Serialize)]
struct HitReport<'r> {
    rule: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<&'r str>,
    entry: &'r str,
    view: &'static str,
    field: String,
    start: usize,
    end: usize,
    utf16_start: usize,
    utf16_end: usize,
    text: &'r str,
}

#[derive(Debug, Serialize)]
struct FaultReport<'r> {
    rule: &'r str,
    what: &'r str,
}

#[derive(Debug, Serialize)]
struct ScoreReport<'r> {
    rule: &'r str,
    score: i64,
}

#[derive(Debug, Serialize)]
struct ReasonReport<'r> {
    rule: &'r str,
    reason: &'r str,
}

#[derive(Debug, Serialize)]
struct NotFiredReport<'r> {
    rule: &'r str,
    why: &'r str,
    near: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(score: &i64) -> bool {
    *score == 0
}

impl<'r> Report<'r> {
    /// The report of a judgement on `message`; `mask` replaces each character blanked out.
    pub fn new(message: &'r Message<'_>, judgement: &'r Judgement, mask: char) -> Self {
        Self {
            verdict: judgement.verdict.name(),
            code: judgement.code,
            notice: judgement.notice.as_deref(),
            masked: masked(message, judgement, mask),
            rules: ids(&judgement.fired),
            hits: hits(message, &judgement.fired),
            shadow: ids(&judgement.shadow),
            faults: judgement
                .faults
                .iter()
                .map(|fault| FaultReport { rule: &fault.rule, what: &fault.what })
                .collect(),
            score: judgement.score,
            flagged: judgement.flagged,
            scores: judgement
                .fired
                .iter()
                .filter(|firing| firing.score != 0)
                .map(|firing| ScoreReport { rule: &firing.rule, score: firing.score })
                .collect(),
            reasons: judgement
                .fired
                .iter()
                .chain(&judgement.shadow)
                .filter_map(|firing| {
                    let reason = firing.reason.as_deref()?;
                    Some(ReasonReport { rule: &firing.rule, reason })
                })
                .collect(),
            shadow_hits: Vec::new(),
            not_fired: Vec::new(),
        }
    }

    /// Adds what the shadow rules found, and why the others did not fire.
    #[must_use]
    pub fn in_full(
        mut self,
        message: &'r Message<'_>,
        judgement: &'r Judgement,
        not_fired: &'r [NotFired],
    ) -> Self {
        self.shadow_hits = hits(message, &judgement.shadow);
        self.not_fired = not_fired
            .iter()
            .map(|miss| NotFiredReport { rule: &miss.rule, why: &miss.why, near: miss.near })
            .collect();
        self
    }
}

fn ids(firings: &[Firing]) -> Vec<&str> {
    firings.iter().map(|firing| &*firing.rule).collect()
}

fn hits<'r>(message: &'r Message<'_>, firings: &'r [Firing]) -> Vec<HitReport<'r>> {
    let all = firings.iter().flat_map(|firing| firing.hits.iter().map(move |hit| (firing, hit)));
    let mut counts: BTreeMap<usize, Utf16<'_>> = BTreeMap::new();
    all.filter_map(|(firing, hit)| {
        let field = message.fields.get(hit.span.field)?;
        let Range { start, end } = hit.span.range;
        let text = field.text.get(start..end)?;
        let utf16 = counts.entry(hit.span.field).or_insert_with(|| Utf16::of(&field.text));
        Some(HitReport {
            rule: &firing.rule,
            list: hit.list.as_deref(),
            entry: &hit.entry,
            view: hit.view.name(),
            field: field.name(),
            start,
            end,
            utf16_start: utf16.at(start),
            utf16_end: utf16.at(end),
            text,
        })
    })
    .collect()
}

/// So many bytes of a field are counted anew for each hit.
const STRIDE: usize = 256;

/// Where the bytes of a text stand in UTF-16, without counting from its start for every hit.
#[derive(Debug)]
struct Utf16<'t> {
    text: &'t [u8],
    /// How much lies before every `STRIDE`th byte.
    before: Vec<usize>,
}

impl<'t> Utf16<'t> {
    fn of(text: &'t str) -> Self {
        let mut sum = 0;
        let strides = text.as_bytes().chunks(STRIDE).map(|stride| {
            let before = sum;
            sum += Self::len(stride);
            before
        });
        let before = strides.collect();
        Self { text: text.as_bytes(), before }
    }

    fn at(&self, byte: usize) -> usize {
        // The end of a text of whole strides has none of its own.
        let stride = (byte / STRIDE).min(self.before.len().saturating_sub(1));
        let rest = self.text.get(stride * STRIDE..byte).unwrap_or_default();
        self.before.get(stride).map_or(0, |before| before + Self::len(rest))
    }

    /// A character has one unit for its first byte, and one more if that begins four bytes.
    fn len(bytes: &[u8]) -> usize {
        let units = |byte: &u8| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0);
        bytes.iter().map(units).sum()
    }
}

/// The masked fields' new texts, one a line.
fn masked(message: &Message<'_>, judgement: &Judgement, mask: char) -> Option<String> {
    if judgement.masks.is_empty() {
        return None;
    }
    let texts: Vec<String> = judgement
        .masks
        .chunk_by(|a, b| a.field == b.field)
        .filter_map(|spans| {
            let field = message.fields.get(spans.first()?.field)?;
            let ranges: Vec<_> = spans.iter().map(|span| span.range.clone()).collect();
            Some(text::mask(&field.text, ranges, mask))
        })
        .collect();
    Some(texts.join("\n"))
}

/// Writes a judgement for people.
pub fn write(
    out: &mut dyn io::Write,
    message: &Message<'_>,
    judgement: &Judgement,
    not_fired: &[NotFired],
    rules: &[RuleInfo],
    style: Style,
) -> io::Result<()> {
    let verdict = judgement.verdict.name();
    write!(out, "{}", style.verdict(verdict))?;
    if let Some(code) = judgement.code {
        write!(out, "  code {code}")?;
    }
    if let Some(notice) = &judgement.notice {
        write!(out, "  “{notice}”")?;
    }
    if judgement.flagged {
        write!(out, "  flagged for review")?;
    }
    if judgement.score != 0 {
        write!(out, "  score {}", judgement.score)?;
    }
    writeln!(out, "\n")?;
    for (index, field) in message.fields.iter().enumerate() {
        let spans: Vec<Range<usize>> = judgement
            .fired
            .iter()
            .flat_map(|firing| &firing.hits)
            .filter(|hit| hit.span.field == index)
            .map(|hit| hit.span.range.clone())
            .collect();
        write_field(out, &field.name(), &field.text, spans, style)?;
    }
    if let Some(masked) = masked(message, judgement, '*') {
        for line in masked.lines() {
            writeln!(out, "  delivered: {line}")?;
        }
    }
    for firing in &judgement.fired {
        write_firing(out, "fired", firing, message, rules, style)?;
    }
    for firing in &judgement.shadow {
        write_firing(out, "shadow", firing, message, rules, style)?;
    }
    for fault in &judgement.faults {
        writeln!(out, "fault   {}: {}", fault.rule, fault.what)?;
    }
    for miss in not_fired.iter().filter(|miss| miss.near) {
        writeln!(out, "near    {}: {}", style.bold(&miss.rule), miss.why)?;
    }
    if judgement.fired.is_empty() && judgement.shadow.is_empty() {
        writeln!(out, "no rule fired; {} looked at", rules.len())?;
    }
    Ok(())
}

fn write_firing(
    out: &mut dyn io::Write,
    label: &str,
    firing: &Firing,
    message: &Message<'_>,
    rules: &[RuleInfo],
    style: Style,
) -> io::Result<()> {
    let verdict = firing.verdict.map_or("exempt", |verdict| verdict.name());
    write!(out, "{label:<7} {} → {verdict}", style.bold(&firing.rule))?;
    if let Some(info) = rules.iter().find(|info| info.id == firing.rule) {
        if !info.title.is_empty() {
            write!(out, "  {}", info.title)?;
        }
        write!(out, "  ({}:{})", info.file, info.line)?;
    }
    writeln!(out)?;
    if firing.score != 0 {
        writeln!(out, "          adds {:+} to the score", firing.score)?;
    }
    if let Some(reason) = &firing.reason {
        writeln!(out, "          because {reason}")?;
    }
    for hit in &firing.hits {
        let Some(field) = message.fields.get(hit.span.field) else { continue };
        let text = field.text.get(hit.span.range.clone()).unwrap_or_default();
        match &hit.list {
            Some(list) => writeln!(
                out,
                "          `{text}` is entry `{}` of list `{list}` ({} view)",
                hit.entry,
                hit.view.name()
            )?,
            None => writeln!(out, "          `{text}` matches `{}`", hit.entry)?,
        }
    }
    Ok(())
}

/// One field with its hits underlined, by carets where there is no colour.
fn write_field(
    out: &mut dyn io::Write,
    name: &str,
    text: &str,
    mut spans: Vec<Range<usize>>,
    style: Style,
) -> io::Result<()> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut spans = spans.into_iter().peekable();
    // How far the spans reach that have begun.
    let mut reach = 0;
    writeln!(out, "  {}", style.dim(name))?;
    let mut shown = String::from("  ");
    let mut carets = String::from("  ");
    let mut any = false;
    for (at, c) in text.char_indices() {
        let c = if c.is_control() { ' ' } else { c };
        let width = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        while let Some(span) = spans.next_if(|span| span.start <= at) {
            reach = reach.max(span.end);
        }
        if at < reach {
            any = true;
            shown.push_str(&style.underline(c));
            carets.extend(std::iter::repeat_n('^', width));
        } else {
            shown.push(c);
            carets.extend(std::iter::repeat_n(' ', width));
        }
    }
    writeln!(out, "{shown}")?;
    if any && style == Style::Plain {
        writeln!(out, "{}", carets.trim_end())?;
    }
    writeln!(out)
}

/// With colour, or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For a pipe or a file.
    Plain,
    /// For a terminal.
    Colour,
}

impl Style {
    /// With this code of an ANSI terminal, where there is colour.
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn underline(self, c: char) -> String {
        self.paint("4;31", c.encode_utf8(&mut [0; 4]))
    }

    fn verdict(self, verdict: &str) -> String {
        let code = match verdict {
            "allow" => "1;32",
            "mask" => "1;33",
            _ => "1;31",
        };
        self.paint(code, verdict)
    }
}
