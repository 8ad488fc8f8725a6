//! `deeds man`: the manual pages, made from the same tree of commands that reads the arguments.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::status::Status;

/// Where the pages go to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds man | man -l -                        read it\n  deeds man --out ~/.local/share/man/man1     a page for every command"
)]
pub(crate) struct Command {
    /// A directory for a page of every command, instead of the first one on standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(tree: clap::Command, command: &Command) -> anyhow::Result<Status> {
    if let Some(directory) = &command.out {
        let shown = || directory.display().to_string();
        fs::create_dir_all(directory).with_context(shown)?;
        // Of all that is written here these alone are for everybody.
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let made = clap_mangen::generate_to(tree, directory);
        rustix::process::umask(before);
        made.with_context(shown)?;
        return Ok(Status::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(tree).render(&mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(Status::Done)
}
