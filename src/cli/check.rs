//! `quell check`: is a rule directory fit to go live?

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::rules::{BAD_RULES, compile_directory};
use crate::rulebook::Sources;
use crate::rulebook::diagnostic::{Diagnostic, Report, Severity};

/// What `quell check` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the rulebook is fine, 65 it is not (or has warnings, with --strict).

Examples:
  quell check                    check ./rules
  quell check rules --strict     fail on warnings too, for a merge gate
  quell check rules --json       for editors and scripts")]
pub struct Check {
    /// The rule directory.
    #[arg(default_value = "rules", env = "QUELL_RULES")]
    directory: PathBuf,
    /// Write the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Warnings fail the check too.
    #[arg(long)]
    strict: bool,
}

/// Checks, and says what was found on standard output.
pub fn run(args: &Check) -> anyhow::Result<ExitCode> {
    let (sources, rulebook, report) = compile_directory(&args.directory)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write_report(&mut out, &sources, &report, io::stdout().is_terminal())?;
        let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
        match &rulebook {
            Some(rulebook) => {
                let size = rulebook.size();
                writeln!(
                    out,
                    "{}: {} rules, {} lists, {} entries, {warnings} warnings; revision {}",
                    args.directory.display(),
                    size.rules,
                    size.lists,
                    size.entries,
                    rulebook.revision()
                )?;
            }
            None => writeln!(
                out,
                "{}: {errors} errors, {warnings} warnings; this would not go live",
                args.directory.display()
            )?,
        }
    }
    let failed = rulebook.is_none() || args.strict && report.count(Severity::Warning) > 0;
    Ok(if failed { ExitCode::from(BAD_RULES) } else { ExitCode::SUCCESS })
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
        let text = sources.files.get(&*diagnostic.file).map(Vec::as_slice).unwrap_or_default();
        let text = String::from_utf8_lossy(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text));
        let source = NamedSource::new(&*diagnostic.file, text.into_owned());
        let shown = Shown { diagnostic, source };
        let mut rendered = String::new();
        handler.render_report(&mut rendered, &shown).context("a diagnostic cannot be shown")?;
        writeln!(out, "{}", rendered.trim_matches('\n'))?;
        writeln!(out)?;
    }
    if report.suppressed > 0 {
        writeln!(out, "… and {} more\n", report.suppressed)?;
    }
    Ok(())
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
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
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
