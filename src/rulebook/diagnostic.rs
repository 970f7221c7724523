//! What is wrong with a rule file, said so that its author can mend it.
//!
//! Compiling never stops at the first mistake: everything found goes into one [`Report`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

/// At most so many diagnostics are kept for one rule directory; the rest is only counted.
pub const DIAGNOSTICS_MAX: usize = 1_000;

/// The code of what breaks TOML.
pub(crate) const SYNTAX: &str = "toml-syntax";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Works, and here is what was done.
    Notice,
    /// Works, and is probably not meant.
    Warning,
    /// The rulebook is not used.
    Error,
}

impl Severity {
    /// The word for it in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One mistake, at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name for the kind of mistake, such as `unknown-key`.
    pub code: &'static str,
    /// What is wrong: lower case, no final period, the author's words in backticks.
    pub message: String,
    /// The file, relative to the rule directory.
    pub file: Arc<str>,
    /// Byte range in the file.
    pub span: Range<usize>,
    /// Line of the start of the span, from 1.
    pub line: usize,
    /// Column of the start of the span, in characters, from 1.
    pub column: usize,
    /// A word or two at the place itself; may be empty.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, file, line, column, message, .. } = self;
        write!(f, "{file}:{line}:{column}: {severity}: {message}")?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

/// Everything found in one rule directory, by file and place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// At most [`DIAGNOSTICS_MAX`].
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there were.
    pub suppressed: usize,
    /// What the examples exercise; absent where they were not run because of errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<super::Coverage>,
}

impl Report {
    /// How many of the kept diagnostics have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Does an error keep the rulebook from being used?
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}

/// A place in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<str>,
    pub(crate) span: Range<usize>,
}

impl Place {
    pub(crate) fn new(file: &Arc<str>, span: Range<usize>) -> Self {
        Self { file: Arc::clone(file), span }
    }

    /// The place of a part of the text at this place, given as the file has it (`raw`) and as it
    /// reads (`value`). The whole place where that cannot be told.
    pub(crate) fn part(&self, raw: &str, value: &str, part: Range<usize>) -> Self {
        let span = self.inside(raw, value, part).unwrap_or_else(|| self.span.clone());
        Self { file: Arc::clone(&self.file), span }
    }

    fn inside(&self, raw: &str, value: &str, part: Range<usize>) -> Option<Range<usize>> {
        let text = raw.get(self.span.clone())?;
        if let Some(at) = text.find(value) {
            let start = self.span.start + at;
            return Some(start + part.start..start + part.end);
        }
        // Between double quotes, `\\` and its like are two characters for one.
        let text = text.strip_prefix('"').filter(|text| !text.starts_with('"'))?;
        let mut chars = text.char_indices();
        let (mut read, mut start) = (0, None);
        while let Some((at, c)) = chars.next() {
            if read == part.start && start.is_none() {
                start = Some(at);
            }
            if read >= part.end {
                let from = self.span.start + 1;
                return start.map(|start| from + start..from + at);
            }
            if c == '\\' {
                chars.next().filter(|(_, escaped)| "\\\"bfnrt".contains(*escaped))?;
            }
            read += if c == '\\' { 1 } else { c.len_utf8() };
        }
        None
    }
}

/// Where compiling leaves what it finds.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    found: Vec<(Place, Found)>,
    suppressed: usize,
    errors: usize,
    hushed: bool,
}

#[derive(Debug)]
struct Found {
    severity: Severity,
    code: &'static str,
    message: String,
    label: String,
    help: Option<String>,
}

impl Sink {
    pub(crate) fn error(&mut self, place: &Place, code: &'static str, message: String) -> Help<'_> {
        self.errors += 1;
        self.add(place, Severity::Error, code, message)
    }

    pub(crate) fn warn(&mut self, place: &Place, code: &'static str, message: String) -> Help<'_> {
        self.add(place, Severity::Warning, code, message)
    }

    pub(crate) fn note(&mut self, place: &Place, code: &'static str, message: String) -> Help<'_> {
        self.add(place, Severity::Notice, code, message)
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there were so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// From now on only errors are taken: what else looks odd may come from them.
    pub(crate) fn hush(&mut self) {
        self.hushed = true;
    }

    fn add(
        &mut self,
        place: &Place,
        severity: Severity,
        code: &'static str,
        message: String,
    ) -> Help<'_> {
        if self.hushed && severity != Severity::Error {
            return Help(None);
        }
        // Errors always find room: a report that hides why a rulebook is refused is no report.
        if self.found.len() >= DIAGNOSTICS_MAX && severity != Severity::Error
            || self.found.len() >= 2 * DIAGNOSTICS_MAX
        {
            self.suppressed += 1;
            return Help(None);
        }
        let found = Found { severity, code, message, label: String::new(), help: None };
        self.found.push((place.clone(), found));
        Help(self.found.last_mut().map(|(_, found)| found))
    }

    /// The report, with lines and columns looked up in `texts`. In each file what breaks TOML comes
    /// first, and what only follows from it is left out.
    pub(crate) fn report(self, texts: &BTreeMap<Arc<str>, Arc<str>>) -> Report {
        let lines: BTreeMap<&Arc<str>, Lines<'_>> =
            texts.iter().map(|(file, text)| (file, Lines::of(text))).collect();
        let mut diagnostics: Vec<Diagnostic> = self
            .found
            .into_iter()
            .map(|(place, found)| {
                let (line, column) =
                    lines.get(&place.file).map_or((1, 1), |lines| lines.at(place.span.start));
                Diagnostic {
                    severity: found.severity,
                    code: found.code,
                    message: found.message,
                    file: place.file,
                    span: place.span,
                    line,
                    column,
                    label: found.label,
                    help: found.help,
                }
            })
            .collect();
        let broken: Vec<(Arc<str>, Range<usize>)> = diagnostics
            .iter()
            .filter(|found| found.code == SYNTAX)
            .map(|found| (Arc::clone(&found.file), found.span.clone()))
            .collect();
        let follows = |found: &Diagnostic| {
            broken
                .iter()
                .filter(|(file, _)| *file == found.file)
                .any(|(_, span)| found.code == "missing-key" || span.contains(&found.span.start))
        };
        diagnostics.retain(|found| found.code == SYNTAX || !follows(found));
        diagnostics.sort_by(|a, b| {
            (&a.file, a.code != SYNTAX, a.span.start, b.severity, a.code, &a.message).cmp(&(
                &b.file,
                b.code != SYNTAX,
                b.span.start,
                a.severity,
                b.code,
                &b.message,
            ))
        });
        diagnostics.dedup();
        Report { diagnostics, suppressed: self.suppressed, coverage: None }
    }
}

/// Lets the finder of a mistake add to it.
#[derive(Debug)]
pub(crate) struct Help<'a>(Option<&'a mut Found>);

impl Help<'_> {
    /// How to mend it.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        if let Some(found) = self.0 {
            found.help = Some(help.into());
            return Self(Some(found));
        }
        self
    }

    /// What to write at the place itself.
    pub(crate) fn label(self, label: impl Into<String>) -> Self {
        if let Some(found) = self.0 {
            found.label = label.into();
            return Self(Some(found));
        }
        self
    }
}

/// Line starts of a text.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub(crate) fn at(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// The closest of `known` to `word`, if it is close enough to be what was meant.
pub(crate) fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(score, candidate)| {
            // Words that only begin alike are not what was meant.
            *score >= 0.8
                && strsim::normalized_damerau_levenshtein(&word, &candidate.to_lowercase()) >= 0.5
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The same for paths: the name of the file counts for more than its folder.
pub(crate) fn suggest_path(path: &str, known: &[&str]) -> String {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let names: Vec<String> = known.iter().map(|known| name(known)).collect();
    let close = closest(&name(path), names.iter().map(String::as_str));
    let found = known.iter().find(|known| close.is_some_and(|close| name(known) == close));
    match found {
        Some(found) => format!("did you mean `{found}`?"),
        None => suggest(path, known.iter().copied()),
    }
}

/// "did you mean `x`?" or the list of what is known.
pub(crate) fn suggest<'k>(word: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    if let Some(close) = closest(word, known.clone()) {
        return format!("did you mean `{close}`?");
    }
    let all: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => "there is none to choose from".to_owned(),
        1..=24 => format!("known here: {}", all.join(", ")),
        many => format!(
            "known here: {} and {} more",
            all.get(..24).unwrap_or_default().join(", "),
            many - 24
        ),
    }
}
