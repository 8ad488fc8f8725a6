//! `deeds import`: another system's history through the front door, into a workspace that observes.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::context::Context;
use super::output::{self, bar, visible_lines};
use super::session::{self, Session};
use super::status::{Status, Usage};
use crate::client::Client;
use crate::domain::ids::WorkspaceId;
use crate::domain::map::{Mode, Model};
use crate::import::beads::Events;
use crate::import::{self, Progress, Report};

/// Which history.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The event log of a beads repository (`.beads/backup/events.jsonl`)
    #[command(
        after_help = "Examples:\n  deeds import beads events.jsonl\n  deeds import beads events.jsonl --workspace beads     makes the workspace if there is none\n\nThe workspace observes: every line goes in, with the verdict that it would have had. Importing a file twice adds\nnothing. Broken lines are reported with their number; the rest goes in. Exit status 1 if a line was left out."
    )]
    Beads {
        /// The log, one JSON object a line
        file: PathBuf,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let Command::Beads { file } = command;
    let shown = file.display();
    let opened = File::open(file)
        .map_err(|error| Usage::error(format!("{shown}: {error}; name a log that you may read")))?;
    let bytes = opened.metadata().map_or(0, |about| about.len());
    // A workspace that is wanted and not there is made first, by whoever is admin of the others.
    let wanted = context.config.workspace.clone();
    let mut base = context.clone();
    base.config.workspace = wanted.clone().filter(|_| !can_be_made(context));
    let out = context.out;
    session::with_session(&base, async |session| {
        let client = target(session, wanted.as_ref()).await?;
        let report = beads(&client, opened, bytes).await.with_context(|| shown.to_string())?;
        out.show(&report, || output::line(visible_lines(report.to_string().trim_end())))?;
        Ok(if report.left_out() > 0 { Status::No } else { Status::Done })
    })
}

/// A workspace is made on this directory, where it has others already; a fresh one begins with the name that is wanted.
fn can_be_made(context: &Context) -> bool {
    let given = context.token_file.is_some() || context.config.token_file.is_some();
    let dir = context.existing_dir().ok();
    let others = dir.and_then(|dir| dir.workspaces().ok()).is_some_and(|there| !there.is_empty());
    context.config.connect.is_none() && !given && others
}

/// The workspace that is meant, made if there is none, and observing if nothing has happened in it yet.
async fn target(session: &Session, wanted: Option<&WorkspaceId>) -> anyhow::Result<Client> {
    let client = match wanted {
        Some(name) if *name != session.client.token().workspace => {
            if session.client_of(name).await?.is_none() {
                session.create_workspace(name).await?;
            }
            let client = session.client_of(name).await?;
            client.with_context(|| format!("workspace {name} was made but can't be signed in to"))?
        }
        Some(_) | None => session.client.clone(),
    };
    let board = client.board().await?.board;
    if board.enforces() {
        if !(board.agents.is_empty() && board.map.model().agents.is_empty()) {
            return Err(Usage::error(format!(
                "workspace {} enforces its map and agents work in it; import into one of its own: --workspace NAME",
                board.workspace
            )));
        }
        let model = Model { mode: Mode::Observe, ..board.map.model().as_ref().clone() };
        let reason = "a history is imported: it is observed, not judged";
        let reply = client.apply_map(&model.to_toml(), board.map_version, Some(reason), false).await?;
        if !reply.is_done() {
            anyhow::bail!("the workspace can't be set to observe: {}", reply.message.unwrap_or_default());
        }
    }
    Ok(client)
}

async fn beads(client: &Client, file: File, bytes: u64) -> anyhow::Result<Report> {
    let bar = bar(bytes, "{bytes} of {total_bytes}");
    let events = Events::new(BufReader::new(file));
    let report = import::run(events, client, |progress: Progress| bar.set_position(progress.bytes)).await;
    bar.finish_and_clear();
    Ok(report?)
}
