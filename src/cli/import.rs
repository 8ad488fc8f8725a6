//! `deeds import`: another system's history through the front door, into a workspace that observes.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;

use super::context::{Context, read_text};
use super::output::{self, bar, visible, visible_lines};
use super::session::{self, Session};
use super::status::{Status, Usage};
use crate::client::Client;
use crate::domain::ids::WorkspaceId;
use crate::domain::map::{Mode, Model};
use crate::import::{self, Beads, Events, Format, Mapping, Progress, Report, WrongMapping};

/// The largest file that says which keys mean what, in bytes.
const MAX_MAPPING_BYTES: u64 = 64 * 1024;

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
    /// Anybody's log, by a small TOML file that says which keys mean what
    #[command(
        after_help = "Examples:\n  deeds import jsonl audit.jsonl --map audit.toml --workspace audit\n\nThe TOML file:\n  name = \"audit\"                # names the history\n  actor = \"user.name\"           # keys; dots lead into objects\n  time = \"ts\"                   # RFC 3339, or as time_unit = \"seconds\", \"millis\" or \"micros\" says\n  entity = \"ticket/{id}\"        # the record, with keys in braces\n  field = \"what\"                # one field a line; without it before and after are records\n  before = \"old\"\n  after = \"new\"\n  kind = \"type\"                 # may be left out, as id and note may\n  created = [\"opened\"]          # the types by which a record begins\n  [fields]                      # fields whose values stand under keys of their own\n  assignee = \"owner\"\n\nElse as `deeds import beads`, see there."
    )]
    Jsonl {
        /// The log, one JSON object a line
        file: PathBuf,
        /// The TOML file that says which keys mean what
        #[arg(long, value_name = "FILE")]
        map: PathBuf,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::Beads { file } => import(context, file, Beads),
        Command::Jsonl { file, map } => import(context, file, mapping(map)?),
    }
}

/// What a person says of the keys of a log.
fn mapping(file: &Path) -> anyhow::Result<Mapping> {
    let text = read_text(file, MAX_MAPPING_BYTES)?;
    text.parse().map_err(|wrong: WrongMapping| {
        let before = wrong.span.and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Usage::error(format!(
            "{}:{line}: {}; see `deeds import jsonl --help`",
            file.display(),
            visible(&wrong.why)
        ))
    })
}

fn import(context: &Context, file: &Path, format: impl Format + 'static) -> anyhow::Result<Status> {
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
        let report = send(&client, opened, bytes, format).await.with_context(|| shown.to_string())?;
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

async fn send(
    client: &Client,
    file: File,
    bytes: u64,
    format: impl Format + 'static,
) -> anyhow::Result<Report> {
    let bar = bar(bytes, "{bytes} of {total_bytes}");
    let events = Events::new(BufReader::new(file), format);
    let report = import::run(events, client, |progress: Progress| bar.set_position(progress.bytes)).await;
    bar.finish_and_clear();
    Ok(report?)
}
