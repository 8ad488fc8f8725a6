//! `deeds map`: check a file without any server, show the map in force, apply a new one.

mod check;

use std::path::PathBuf;

use clap::Subcommand;

use super::arguments::Context;
use super::status::Status;

/// What is done with a map.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say everything that is wrong with a map file, with its place and the mend
    #[command(
        after_help = "Examples:\n  deeds map check team.toml\n  deeds map check team.toml --json | jq '.findings[].code'\n\nExit status 1 if the map has errors and so can't be applied. Needs no server."
    )]
    Check {
        /// The map file
        file: PathBuf,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Command) -> anyhow::Result<Status> {
    match command {
        Command::Check { file } => check::run(context.out, &file),
    }
}
