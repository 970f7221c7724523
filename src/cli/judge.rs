//! `quell judge`: what would happen to a message, and why.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::check::write_report;
use super::rules::{BAD_RULES, compile_directory, now};
use crate::explain::{self, Style};
use crate::message::Message;
use crate::platform::tencent;
use crate::rulebook::{Facts, Rulebook, Scratch, Timestamp};
use crate::sample;

/// A line of bulk input may be so long, in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What `quell judge` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The message is a text (--text), or in a file (`-` for standard input): the body of a callback, or
an object such as {\"text\": \"…\", \"sender\": \"…\", \"group_type\": \"Live\"}.

With --jsonl every input line is such an object, and every output line its judgement, in order.

Examples:
  quell judge --text '加薇信看更多'
  quell judge --json callback.json
  zcat yesterday.jsonl.gz | quell judge --jsonl --rules new-rules - > verdicts.jsonl")]
pub struct Judge {
    /// The rule directory.
    #[arg(long, default_value = "rules", env = "QUELL_RULES")]
    rules: PathBuf,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    /// Judge one message a line.
    #[arg(long, conflicts_with_all = ["text", "json"])]
    jsonl: bool,
    /// The text of the message.
    #[arg(long, conflicts_with = "file", required_unless_present_any = ["file", "jsonl"])]
    text: Option<String>,
    /// The file with the message, or `-`.
    file: Option<PathBuf>,
}

/// Judges, and says what came out on standard output.
pub fn run(args: &Judge) -> anyhow::Result<ExitCode> {
    let (sources, rulebook, report) = compile_directory(&args.rules)?;
    let Some(rulebook) = rulebook else {
        write_report(&mut io::stderr().lock(), &sources, &report, io::stderr().is_terminal())?;
        return Ok(ExitCode::from(BAD_RULES));
    };
    if args.jsonl {
        bulk(&rulebook, args.file.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }
    let line = match (&args.text, &args.file) {
        (Some(text), _) => json!({ "text": text }).to_string().into_bytes(),
        (None, Some(file)) => {
            let mut bytes = Vec::new();
            let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
            open(Some(file))?.take(limit).read_to_end(&mut bytes)?;
            anyhow::ensure!(
                bytes.len() <= LINE_BYTES_MAX,
                "{} is longer than {LINE_BYTES_MAX} bytes; give several messages with --jsonl",
                file.display()
            );
            bytes
        }
        // Not reached: the command line asks for one of the two.
        (None, None) => Vec::new(),
    };
    one(&rulebook, &line, args.json)?;
    Ok(ExitCode::SUCCESS)
}

fn one(rulebook: &Rulebook, line: &[u8], as_json: bool) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let style = if io::stdout().is_terminal() { Style::Colour } else { Style::Plain };
    let settings = tencent::Settings::default();
    let (facts, now) = (Facts::default(), now());
    let mut scratch = Scratch::default();
    let mut written = None;
    let mut judge = |message: &Message<'_>| {
        if !matches!(written, Some(Err(_))) {
            let shown =
                show(&mut out, rulebook, message, &facts, now, &mut scratch, as_json, style);
            written = Some(shown);
        }
    };
    sample::read_line(line, &settings, &mut judge).map_err(anyhow::Error::msg)?;
    written.context(sample::NO_MESSAGE)??;
    out.flush().context("cannot write the judgement")
}

#[expect(clippy::too_many_arguments, reason = "a message, what judges it, and how to show it")]
fn show(
    out: &mut dyn Write,
    rulebook: &Rulebook,
    message: &Message<'_>,
    facts: &Facts,
    now: Timestamp,
    scratch: &mut Scratch,
    as_json: bool,
    style: Style,
) -> io::Result<()> {
    let judgement = rulebook.judge(message, facts, now, scratch);
    let not_fired = rulebook.not_fired(message, facts, now, scratch);
    if as_json {
        let report =
            explain::Report::new(message, &judgement, '*').in_full(message, &judgement, &not_fired);
        serde_json::to_writer(&mut *out, &report)?;
        return writeln!(out);
    }
    explain::write(out, message, &judgement, &not_fired, &rulebook.rules(), style)
}

/// One judgement a line. A line that is no message gives an object with `error`, so that line
/// numbers stay in step.
fn bulk(rulebook: &Rulebook, file: Option<&Path>) -> anyhow::Result<()> {
    let mut input = open(file)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let settings = tencent::Settings::default();
    let (facts, now) = (Facts::default(), now());
    let mut scratch = Scratch::default();
    let mut line = Vec::new();
    while read_line(&mut input, &mut line)? {
        let mut answer = None;
        let mut judge = |message: &Message<'_>| {
            let judgement = rulebook.judge(message, &facts, now, &mut scratch);
            // A callback about several users is answered for the severest.
            let severity = judgement.verdict;
            if answer.as_ref().is_none_or(|(worst, _)| severity > *worst) {
                let report = explain::Report::new(message, &judgement, '*');
                answer = Some((severity, serde_json::to_vec(&report)));
            }
        };
        let read = sample::read_line(&line, &settings, &mut judge);
        match (read, answer) {
            (Ok(()), Some((_, report))) => out.write_all(&report?)?,
            (Ok(()), None) => {
                serde_json::to_writer(&mut out, &json!({"error": sample::NO_MESSAGE}))?;
            }
            (Err(why), _) => serde_json::to_writer(&mut out, &json!({ "error": why }))?,
        }
        out.write_all(b"\n")?;
    }
    out.flush().context("cannot write the judgements")
}

/// Reads one line without its end, however long; what is over the limit is dropped, so that such
/// a line becomes an error of its own.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let read = input.take(limit).read_until(b'\n', line)?;
    if read == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
        line.clear();
        input.skip_until(b'\n')?;
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(read > 0)
}

fn open(file: Option<&Path>) -> anyhow::Result<Box<dyn BufRead>> {
    match file {
        Some(path) if path != Path::new("-") => {
            let file =
                File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
        }
        _ => Ok(Box::new(BufReader::with_capacity(1 << 16, io::stdin()))),
    }
}
