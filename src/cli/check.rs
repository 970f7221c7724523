//! `quell check`: is a rule directory fit to go live?

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::rules::{BAD_RULES, compile_directory};
use super::sarif;
use crate::rulebook::diagnostic::{Diagnostic, Report, Severity};
use crate::rulebook::{Coverage, Rulebook, Sources};

/// So many gaps in the examples are named.
const GAPS_NAMED: usize = 3;

/// What `quell check` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the rulebook is fine, 64 the command line or configuration is wrong, 65 the rulebook
is not fine (or has warnings, with --strict) or cannot be read.

Examples:
  quell check                          check ./rules
  quell check rules --strict           fail on warnings too, for a merge gate
  quell check rules --json             for scripts
  quell check rules --format sarif     for editors and code review")]
pub struct Check {
    /// The rule directory.
    #[arg(default_value = "rules", env = "QUELL_RULES")]
    directory: PathBuf,
    /// How to write the report.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Warnings fail the check too.
    #[arg(long)]
    strict: bool,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, with the lines it is about.
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for editors and code review.
    Sarif,
}

/// Checks, and says what was found on standard output.
pub fn run(args: &Check) -> anyhow::Result<ExitCode> {
    let (sources, rulebook, report) = compile_directory(&args.directory)?;
    // Printed at once: what is found decides about the exit code, even if nobody reads it all.
    let mut out = Vec::new();
    match if args.json { Format::Json } else { args.format } {
        Format::Human => {
            write_report(&mut out, &sources, &report, io::stdout().is_terminal())?;
            let directory = args.directory.display().to_string();
            write_summary(&mut out, &directory, rulebook.as_ref(), &report)?;
        }
        Format::Json => {
            serde_json::to_writer(&mut out, &report)?;
            writeln!(out)?;
        }
        Format::Sarif => {
            let log = sarif::log(&sources, &report, &args.directory);
            serde_json::to_writer_pretty(&mut out, &log)?;
            writeln!(out)?;
        }
    }
    super::print(&out)?;
    let failed = rulebook.is_none() || args.strict && report.count(Severity::Warning) > 0;
    Ok(if failed { ExitCode::from(BAD_RULES) } else { ExitCode::SUCCESS })
}

/// Writes what comes after the diagnostics: the size of it all, and what the examples leave out.
fn write_summary(
    out: &mut dyn Write,
    directory: &str,
    rulebook: Option<&Rulebook>,
    report: &Report,
) -> io::Result<()> {
    let warnings = counted(report.count(Severity::Warning), "warning");
    let Some(rulebook) = rulebook else {
        let errors = counted(report.count(Severity::Error), "error");
        return writeln!(out, "{directory}: {errors}, {warnings}; this would not go live");
    };
    if let Some(coverage) = &report.coverage {
        writeln!(out, "{}", examples(coverage))?;
    }
    let size = rulebook.size();
    writeln!(
        out,
        "{directory}: {}, {}, {}, {warnings}; revision {}",
        counted(size.rules, "rule"),
        counted(size.lists, "list"),
        counted(size.entries, "entries"),
        rulebook.revision()
    )
}

/// `1 rule`, `2 rules`, `3 entries`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, "entries") => "1 entry".to_owned(),
        (1, _) | (_, "entries") => format!("{count} {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// The line about what the examples exercise.
pub fn examples(coverage: &Coverage) -> String {
    let Coverage { rules, rules_fired, conditions, conditions_fired, gaps } = coverage;
    let mut line = format!(
        "examples fire {rules_fired} of {} and {conditions_fired} of {}",
        counted(*rules, "rule"),
        counted(*conditions, "condition"),
    );
    let named: Vec<String> = gaps
        .iter()
        .take(GAPS_NAMED)
        .map(|gap| match &gap.condition {
            Some(condition) => format!("{condition} of `{}`", gap.rule),
            None => format!("rule `{}`", gap.rule),
        })
        .collect();
    if !named.is_empty() {
        line.push_str("; none for ");
        line.push_str(&named.join(", "));
    }
    match gaps.len().saturating_sub(GAPS_NAMED) {
        0 => line,
        more => format!("{line} and {more} more (--json lists all)"),
    }
}

/// Writes every diagnostic with the lines it is about.
pub fn write_report(
    out: &mut dyn Write,
    sources: &Sources,
    report: &Report,
    colour: bool,
) -> anyhow::Result<()> {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    for diagnostic in &report.diagnostics {
        let source = NamedSource::new(&*diagnostic.file, text_of(sources, diagnostic));
        let shown = Shown { diagnostic, source };
        let mut rendered = String::new();
        handler.render_report(&mut rendered, &shown).context("a diagnostic cannot be shown")?;
        for line in rendered.trim_matches('\n').lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    if report.suppressed > 0 {
        writeln!(out, "… and {} more\n", report.suppressed)?;
    }
    Ok(())
}

/// The text of the file a diagnostic is about, as its offsets count it.
pub(super) fn text_of(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let bytes = sources.files.get(&*diagnostic.file).map(Vec::as_slice).unwrap_or_default();
    crate::rulebook::decode(bytes)
}

/// A diagnostic with its file's text, as miette wants it.
#[derive(Debug)]
struct Shown<'d> {
    diagnostic: &'d Diagnostic,
    source: NamedSource<String>,
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Notice => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = self.diagnostic.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.diagnostic.label.is_empty()).then(|| self.diagnostic.label.clone());
        let span = self.diagnostic.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            label.or_else(|| Some("here".to_owned())),
            span,
        ))))
    }
}
