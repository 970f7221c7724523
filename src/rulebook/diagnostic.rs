//! What is wrong with a rule file, said so that its author can mend it.

use std::ops::Range;
use std::sync::Arc;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Works, and here is what was done.
    Notice,
    /// Works, and is probably not meant.
    Warning,
    /// The rulebook is not used.
    Error,
}

/// One mistake, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name for the kind of mistake, such as `rule.unknown-key`.
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
    /// A word or two at the place itself.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// Everything found in one rule directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// How many diagnostics have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Does an error keep the rulebook from being used?
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}
