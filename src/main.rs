//! The `quell` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    quell::cli::run()
}
