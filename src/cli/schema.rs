//! `quell schema`: the JSON Schema of rule files.

use std::process::ExitCode;

use crate::rulebook::schema::schema;

/// What `quell schema` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Once:
  quell schema > rules/.schema.json

Then, in the first line of each rule file, for editors with Even Better TOML or Taplo:
  #:schema ./.schema.json")]
pub struct Schema {}

/// Writes the schema to standard output.
pub fn run(_args: &Schema) -> anyhow::Result<ExitCode> {
    super::print(format!("{:#}\n", schema()))
}
