//! `deeds checkpoint`: where the ledger ends, signed, to be kept where nobody of this machine can change it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::context::Context;
use super::status::Status;
use super::{output, session};
use crate::ledger::signing;

/// A signed head, or the keys that sign.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  deeds checkpoint --keep /mnt/elsewhere/northwind.checkpoints   every day, by cron\n  deeds checkpoint keys                                          once, kept elsewhere too\n  deeds verify --checkpoints /mnt/elsewhere/northwind.checkpoints --key deeds+1a2b3c4d+…\n\nThe server signs its head by itself every 4,096 deeds and every 15 minutes in which there were some; those notes lie\nbeside the ledger. They are in the form of C2SP's signed-note and tlog-checkpoint."
)]
pub(crate) struct Command {
    /// Add it to this file, too
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    #[command(subcommand)]
    step: Option<Step>,
}

/// What is done with the keys.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Step {
    /// The public keys of the data directory, the first one first
    Keys,
    /// Sign with a new key from now on; the old one signs for it
    Rotate {
        /// The secret key is gone: begin with one that nobody signs for, and keep what the old ones signed in files of its own
        #[arg(long)]
        lost: bool,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    match command.step {
        Some(Step::Keys) => {
            let keys = context.existing_dir()?.store().signing().keys()?;
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            context.out.show(&keys, || keys.iter().try_for_each(output::line))?;
        }
        Some(Step::Rotate { lost: true }) => anew(context)?,
        Some(Step::Rotate { lost: false }) => {
            let key = context.existing_dir()?.store().signing().rotate()?.to_string();
            context.out.show(&key, || output::line(&key))?;
        }
        None => {
            return session::with_client(context, async |client| {
                let note = client.checkpoint().await?;
                if let Some(file) = &command.keep {
                    keep(file, &note)
                        .with_context(|| format!("{}: name a file that you may write", file.display()))?;
                }
                context.out.show(&note, || output::line(note.trim_end()))?;
                Ok(Status::Done)
            });
        }
    }
    Ok(Status::Done)
}

/// Begins with a new key; what the old ones signed is set aside with them.
fn anew(context: &Context) -> anyhow::Result<()> {
    let dir = context.existing_dir()?;
    let (key, kept) = dir.store().signing().begin_anew()?;
    for workspace in dir.workspaces()? {
        signing::set_aside(&dir.store().folder(&workspace).join(signing::HEADS))?;
    }
    let key = key.to_string();
    context.out.show(&key, || output::line(&key))?;
    output::complain(format!(
        "the keys of before are in {}, and what they signed beside each ledger under the same number; say the new key to whoever keeps the first one",
        kept.display()
    ));
    Ok(())
}

/// Adds a note to a file of notes.
fn keep(file: &std::path::Path, note: &str) -> std::io::Result<()> {
    let mut kept = OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    let between = if kept.metadata()?.len() > 0 { "\n" } else { "" };
    kept.write_all(format!("{between}{note}").as_bytes())?;
    kept.sync_all()
}
