//! The command line.
//!
//! Exit codes: 0 done, 1 failed, 64 the command line or configuration is wrong, 65 the rules are.

mod ask;
pub mod check;
mod doctor;
mod health;
mod init;
pub mod judge;
mod list;
mod log_level;
pub mod rules;
pub mod sarif;
pub mod schema;
mod serve;
mod simulate;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, thread};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Input};

/// Something failed.
const FAILURE: u8 = 1;
/// The command line or the configuration is wrong.
const USAGE: u8 = 64;

/// The file read where none is named, if it is there.
const DEFAULT_FILE: &str = "quell.toml";

const EXAMPLES: &str = "\
Examples:
  quell serve                            rules in ./rules, callbacks on 127.0.0.1:8080
  quell serve --config /etc/quell.toml   with a file
  QUELL_LOG__LEVEL=debug quell serve     with a variable
  quell config                           what is in force, and where it comes from

Flags beat QUELL_* variables, which beat the file, which beats the defaults.
Exit codes: 0 done, 1 failed, 64 wrong command line or configuration, 65 wrong rules.";

/// A moderation gateway for instant messaging.
#[derive(Debug, Parser)]
#[command(name = "quell", version, about, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer the platform's callbacks until told to stop
    #[command(after_help = SERVE_HELP)]
    Serve(ConfigArgs),
    /// Check what a node here needs and what it does, and say what to mend
    Doctor(doctor::Doctor),
    /// Ask the node that the configuration describes whether it is ready
    Health(health::Health),
    /// Write a configuration, rules and a compose file to start from
    Init(init::Init),
    /// Is a rule directory fit to go live?
    Check(check::Check),
    /// Print the JSON Schema of rule files, with which editors complete and check them
    Schema(schema::Schema),
    /// What would become of a message, and why?
    Judge(judge::Judge),
    /// Turn dirty keyword lists into clean ones, and weigh what they would hit
    List(list::List),
    /// Send what the platform would, and compare the answers with what was meant
    Simulate(simulate::Simulate),
    /// Print or change what a running node logs
    LogLevel(log_level::LogLevel),
    /// Print the configuration in force, tokens hidden, with where each value comes from
    Config(ConfigArgs),
}

const SERVE_HELP: &str = "\
SIGHUP reloads the rules, which also happens by itself when a file changes.
SIGTERM and SIGINT let requests in flight end and then stop.

Try it:
  curl -s 'http://127.0.0.1:8080/callback?SdkAppid=1&CallbackCommand=Group.CallbackBeforeSendMsg' \\
    -d '{\"MsgBody\":[{\"MsgType\":\"TIMTextElem\",\"MsgContent\":{\"Text\":\"hello\"}}]}'
  curl -s http://127.0.0.1:9090/status";

/// What the subcommands that need the configuration have in common.
#[derive(Debug, Default, Args)]
pub struct ConfigArgs {
    /// The configuration file; `quell.toml` here, if there is one (`QUELL_CONFIG`)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the rules; `rules` if nothing is said (`QUELL_RULES`)
    #[arg(long, value_name = "DIR")]
    rules: Option<String>,
    /// Address and port for callbacks; port 0 takes a free one (`QUELL_LISTEN__CALLBACKS`)
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address and port of the operator API (`QUELL_LISTEN__OPERATOR`)
    #[arg(long, value_name = "ADDR")]
    operator: Option<String>,
    /// Accept unsigned callbacks on an address others can reach (`QUELL_INSECURE`)
    #[arg(long)]
    insecure: bool,
}

/// Why the program ends, for people and for whoever started it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Ends with this exit code and these words on standard error.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, for standard output.
            let code = if error.use_stderr() { USAGE } else { 0 };
            return match error.print() {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(FAILURE),
                _ => ExitCode::from(code),
            };
        }
    };
    let done = match cli.command {
        Command::Serve(args) => load(&args).and_then(|config| serve::run(&config)),
        Command::Doctor(args) => doctor::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::List(args) => list::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::LogLevel(args) => log_level::run(&args),
        Command::Config(args) => load(&args).and_then(|config| print(config.to_string())),
    };
    done.unwrap_or_else(|error| {
        if reader_left(&error) {
            return ExitCode::SUCCESS;
        }
        let code = error.downcast_ref().map_or(FAILURE, |failure: &Failure| failure.code);
        // Where standard error is closed there is nobody to tell.
        writeln!(io::stderr(), "quell: {}", format!("{error:#}").trim_end()).unwrap_or_default();
        ExitCode::from(code)
    })
}

/// Puts the configuration of a node here together from flags, environment and file.
pub fn load(args: &ConfigArgs) -> anyhow::Result<Config> {
    resolve(args, Config::resolve)
}

/// The same for a command that does not listen, such as one that asks a node elsewhere.
fn load_to_ask(args: &ConfigArgs) -> anyhow::Result<Config> {
    resolve(args, Config::resolve_to_ask)
}

fn resolve(
    args: &ConfigArgs,
    resolve: impl FnOnce(&Input<'_>) -> Result<Config, ConfigError>,
) -> anyhow::Result<Config> {
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    let named = args.config.clone().or_else(|| environment.get("QUELL_CONFIG").map(PathBuf::from));
    let given = |key, value: &Option<String>| value.clone().map(|value| (key, value));
    let flags = [
        given("rules", &args.rules),
        given("listen.callbacks", &args.listen),
        given("listen.operator", &args.operator),
        args.insecure.then(|| ("insecure", "true".to_owned())),
    ];
    let input = Input {
        file: file(named.as_deref())?,
        environment: &environment,
        flags: flags.into_iter().flatten().collect(),
        cores: thread::available_parallelism().map_or(1, std::num::NonZero::get),
        read: &|path| fs::read_to_string(path),
    };
    Ok(resolve(&input).map_err(|error| Failure::new(USAGE, error.to_string()))?)
}

fn file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let what = format!("cannot read the configuration file {}: {error}", path.display());
            Err(Failure::new(USAGE, what))
        }
    }
}

/// Prints all there is to say; the exit code of whoever calls stands, read to its end or not.
fn print(text: impl AsRef<[u8]>) -> anyhow::Result<ExitCode> {
    match io::stdout().write_all(text.as_ref()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Has whoever reads standard output, such as `head`, seen enough?
fn reader_left(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        let kind = io.or_else(|| json.and_then(serde_json::Error::io_error_kind));
        kind == Some(io::ErrorKind::BrokenPipe)
    })
}
