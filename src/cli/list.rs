//! `quell list`: keyword lists as people have them, made into lists that Quell can use.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;

use super::rules::{BAD_RULES, options};
use super::{Failure, USAGE};
use crate::listing::{Budget, Import, Input, Outcome, Side, Weighing, messages};
use crate::platform::tencent;
use crate::sample;

/// A file may be so long, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// So many findings are shown to a person.
const FINDINGS_MAX: usize = 100;

/// What `quell list` can do.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make clean lists out of dirty ones
    #[command(after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// Say what `import` would set aside, and write nothing
    #[command(after_help = LINT_HELP)]
    Lint(Common),
}

const IMPORT_HELP: &str = "\
Written into DIR: NAME.csv (the clean list), hosts.txt (hosts found among the words) and review.csv
(what is risky, each with why in its note: move a line to NAME.csv to use it). Every entry read is
in one of them or is a duplicate.

With --corpus, entries are kept only as long as all of them together hit at most --budget percent
of those messages. Take messages that were fine: a few thousand of last week's, or better tens of
thousands: with fewer, more entries that hit none of them are set aside as unproven, so that new
messages, too, are hit no more than three times as often as the budget says.

Examples:
  quell list import words.txt --out rules/lists
  quell list import *.txt --out new --name insults --corpus fine.txt --budget 0.2
  quell list import *.txt --out new --corpus fine.jsonl --abusive reported.jsonl";

const LINT_HELP: &str = "\
Exit codes: 0 every entry is fine, 65 there are findings.

Examples:
  quell list lint rules/lists/*
  quell list lint words.txt --corpus fine.txt --json";

#[derive(Debug, clap::Args)]
struct ImportArgs {
    #[command(flatten)]
    common: Common,
    /// Where to write; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What to call the list
    #[arg(long, default_value = "list", value_parser = name)]
    name: String,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Lists: .txt, .csv or .tsv, in UTF-8, UTF-16 or GB18030
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ordinary messages: one a line, a .csv with a column `text`, or .jsonl as for `quell judge`
    #[arg(long, value_name = "TEXTS")]
    corpus: Vec<PathBuf>,
    /// Messages that should be hit, in the same formats
    #[arg(long, value_name = "TEXTS")]
    abusive: Vec<PathBuf>,
    /// Percent of the ordinary messages that what is kept may hit
    #[arg(long, value_name = "PERCENT", default_value = "0.5")]
    budget: Budget,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// Say how far it is, even if nobody is watching
    #[arg(long)]
    progress: bool,
}

fn name(name: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err("a name has letters, digits, `-` and `_`, and at most 64 of them".to_owned());
    }
    if ["review", "hosts"].contains(&name) {
        return Err("another file is called that".to_owned());
    }
    Ok(name.to_owned())
}

/// Imports or lints.
pub(super) fn run(args: &List) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Import(args) => import(args),
        Command::Lint(args) => lint(args),
    }
}

fn import(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let [list, hosts, review] =
        [&*format!("{}.csv", args.name), "hosts.txt", "review.csv"].map(|file| args.out.join(file));
    // Somebody may have edited them since.
    if let Some(there) = [&list, &hosts, &review].into_iter().find(|path| path.exists()) {
        let what =
            format!("{} is there already; move it away or choose another --out", there.display());
        return Err(Failure::new(USAGE, what).into());
    }
    let outcome = weigh(&args.common)?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let files = [(&list, outcome.list()), (&hosts, outcome.hosts()), (&review, outcome.review())];
    for (path, text) in &files {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut out = io::stdout().lock();
    if args.common.json {
        let written = files.map(|(path, _)| path.display().to_string());
        writeln!(out, "{}", json!({ "report": outcome.report(), "written": written }))?;
    } else {
        write!(out, "{}\nWritten:", outcome.report())?;
        for (path, _) in files {
            write!(out, " {}", path.display())?;
        }
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lint(args: &Common) -> anyhow::Result<ExitCode> {
    let outcome = weigh(args)?;
    let report = outcome.report();
    let mut out = Vec::new();
    if args.json {
        let findings: Vec<_> = outcome.findings().collect();
        writeln!(out, "{}", json!({ "report": report, "findings": findings }))?;
    } else {
        for finding in outcome.findings().take(FINDINGS_MAX) {
            let (file, line) = (&finding.file, finding.line);
            writeln!(out, "{file}:{line}: `{}`: {}", finding.term.escape_debug(), finding.why)?;
        }
        let more = outcome.findings().skip(FINDINGS_MAX).count();
        if more > 0 {
            writeln!(out, "… and {more} more (--json has them all)")?;
        }
        write!(out, "\n{report}")?;
    }
    super::print(&out)?;
    let clean = report.kept == report.entries;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(BAD_RULES) })
}

/// Reads everything and weighs it.
fn weigh(args: &Common) -> anyhow::Result<Outcome> {
    let mut progress = Progress::new(args.progress);
    let mut import = Import::default();
    for (index, path) in args.files.iter().enumerate() {
        progress.tick("reading lists", index, args.files.len());
        let bytes = read(path)?;
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"%PDF") {
            let what = format!("{} is no text file; save it as .csv or .txt", path.display());
            return Err(Failure::new(USAGE, what).into());
        }
        import.read(&Input { name: path.display().to_string(), bytes })?;
    }
    progress.tick("building a rulebook of what was read", 0, 0);
    let mut weighing = import.weigh(&options()?)?;
    for (side, paths) in [(Side::Ordinary, &args.corpus), (Side::Abusive, &args.abusive)] {
        for path in paths {
            corpus(&mut weighing, side, path, &mut progress)?;
        }
    }
    progress.tick("choosing", 0, 0);
    let outcome = weighing.finish(args.budget);
    progress.end();
    Ok(outcome)
}

/// Weighs the messages of one file.
fn corpus(
    weighing: &mut Weighing,
    side: Side,
    path: &Path,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let what = format!("weighing {}", path.display());
    let bytes = read(path)?;
    let jsonl = path.extension().is_some_and(|end| end == "jsonl" || end == "ndjson");
    if !jsonl {
        let texts = messages(&Input { name: path.display().to_string(), bytes })
            .with_context(|| format!("cannot use {}", path.display()))?;
        for (index, text) in texts.iter().enumerate() {
            progress.tick(&what, index, texts.len());
            weighing.text(side, text);
        }
        return Ok(());
    }
    let settings = tencent::Settings::default();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let count = lines.clone().count();
    for (index, line) in lines.enumerate() {
        progress.tick(&what, index, count);
        sample::read_line(line, &settings, &mut |message| weighing.message(side, message))
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{}, message {}", path.display(), index + 1))?;
    }
    Ok(())
}

/// Reads a file, or standard input for `-`.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let mut source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(fs::File::open(path).with_context(context)?)
    };
    io::Read::read_to_end(&mut io::Read::take(&mut source, FILE_BYTES_MAX), &mut bytes)
        .with_context(context)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len >= FILE_BYTES_MAX) {
        let what = format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
        return Err(Failure::new(USAGE, what).into());
    }
    Ok(bytes)
}

/// What a long run is doing, on standard error.
#[derive(Debug)]
struct Progress {
    shown: bool,
    terminal: bool,
    /// When to say something next.
    next: Instant,
    said: bool,
}

/// A run this short needs no progress.
const PATIENCE: Duration = Duration::from_secs(2);
const EVERY: Duration = Duration::from_millis(500);

impl Progress {
    fn new(asked: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let next = Instant::now() + if asked { Duration::ZERO } else { PATIENCE };
        Self { shown: asked || terminal, terminal, next, said: false }
    }

    /// Says it if it is time to.
    fn tick(&mut self, what: &str, done: usize, all: usize) {
        // Looking at the clock for every message would be felt.
        if !self.shown || !done.is_multiple_of(64) || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + EVERY;
        self.said = true;
        let (before, after) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        let count = if all > 0 { format!(", {done} of {all}") } else { String::new() };
        // Where standard error is closed there is nobody to tell.
        write!(io::stderr(), "{before}{what}{count}{after}").unwrap_or_default();
        io::stderr().flush().unwrap_or_default();
    }

    /// Clears the line.
    fn end(&self) {
        if self.said && self.terminal {
            write!(io::stderr(), "\r\x1b[K").unwrap_or_default();
        }
    }
}
