//! `deeds verify`: the hash chain from its first record to its last, without any server.

pub(super) mod notes;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use self::notes::Notes;
use super::context::Context;
use super::datadir::DataDir;
use super::output::{self, Output, bar};
use super::status::{Status, Usage};
use crate::domain::ids::WorkspaceId;
use crate::ledger::note::NoteKey;
use crate::ledger::{Head, Store, Verified, export};

/// What is verified.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds verify                       every workspace in the data directory\n  deeds verify -w northwind          one of them\n  deeds verify --export deeds.jsonl  an export, made with `deeds log --export jsonl`\n\nReads the files themselves, also while a server appends to them. Exit status 3 where a chain does not hold,\nwith the sequence number up to which it does."
)]
pub(crate) struct Command {
    /// An export instead of the database
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Hold the chain against signed checkpoints: those that were kept in this file, or beside the ledger if none is
    /// named
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "export")]
    #[expect(clippy::option_option, reason = "so clap has an option whose value may be left out")]
    checkpoints: Option<Option<PathBuf>>,
    /// A key that may have signed them, and whose successors may, as `deeds checkpoint keys` said when that was sure; may be
    /// repeated. Without one those in the data directory are believed
    #[arg(long, value_name = "KEY", requires = "checkpoints")]
    key: Vec<NoteKey>,
}

/// One chain that holds.
#[derive(Serialize)]
struct Sound {
    place: String,
    workspace: String,
    ledger: String,
    deeds: u64,
    hash: String,
    /// How many signed checkpoints it was held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoints: Option<usize>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    if context.config.connect.is_some() && command.export.is_none() {
        return Err(Usage::error(
            "a chain is verified where the ledgers lie: run it there, without --connect; or fetch it with `deeds log --export jsonl`, and verify that with --export FILE",
        ));
    }
    let sound = match &command.export {
        Some(file) => vec![verify_export(file)?],
        None => verify_ledgers(context, command)?,
    };
    report(context.out, &sound)?;
    Ok(Status::Done)
}

fn verify_export(path: &Path) -> anyhow::Result<Sound> {
    let shown = path.display();
    let file = File::open(path)
        .map_err(|error| Usage::error(format!("{shown}: {error}; name an export that you may read")))?;
    let bar = bar(file.metadata().map_or(0, |about| about.len()), "{bytes}");
    let (identity, head) =
        export::verify(BufReader::new(bar.wrap_read(file))).with_context(|| shown.to_string())?;
    bar.finish_and_clear();
    Ok(sound(shown.to_string(), &Verified { identity, head }))
}

fn verify_ledgers(context: &Context, command: &Command) -> anyhow::Result<Vec<Sound>> {
    let dir = context.existing_dir()?;
    let workspaces = chosen(context, &dir)?;
    let mut found = Vec::with_capacity(workspaces.len());
    for workspace in workspaces {
        let notes = command
            .checkpoints
            .as_ref()
            .map(|file| Notes::read(&dir, &workspace, file.as_deref(), &command.key));
        let mut notes = notes.transpose()?;
        let verified = verified_with(dir.store(), &workspace, |head| {
            if let Some(notes) = &mut notes {
                notes.reached(head);
            }
        })?;
        let mut sound = sound(dir.store().place(&workspace), &verified);
        if let Some(notes) = notes {
            sound.checkpoints = Some(notes.hold(&sound.place, &verified)?);
        }
        found.push(sound);
    }
    Ok(found)
}

/// Verifies a ledger whole, and shows how far it is.
pub(super) fn verified(store: &Store, workspace: &WorkspaceId) -> anyhow::Result<Verified> {
    verified_with(store, workspace, |_| {})
}

/// The same; each record is told as it is reached.
fn verified_with(
    store: &Store,
    workspace: &WorkspaceId,
    mut each: impl FnMut(Head),
) -> anyhow::Result<Verified> {
    let bar = bar(0, "{pos} deeds verified");
    let verified = store.verify(workspace, |head| {
        bar.set_position(head.seq);
        each(head);
    })?;
    bar.finish_and_clear();
    Ok(verified)
}

/// The workspaces of a data directory that are meant: the one that was named, else every one.
///
/// # Errors
/// When there is none.
pub(super) fn chosen(context: &Context, dir: &DataDir) -> anyhow::Result<Vec<WorkspaceId>> {
    let wanted = context.config.workspace.as_ref();
    let mut workspaces = dir.workspaces()?;
    if let Some(wanted) = wanted {
        workspaces.retain(|workspace| workspace == wanted);
    }
    if workspaces.is_empty() {
        let what = wanted.map_or_else(|| "ledger".to_owned(), |name| format!("ledger of workspace `{name}`"));
        anyhow::bail!(
            "{}: there is no {what} here; name another with --data-dir or --workspace",
            dir.path().display()
        );
    }
    Ok(workspaces)
}

fn sound(place: String, Verified { identity, head }: &Verified) -> Sound {
    Sound {
        place,
        workspace: identity.workspace.clone(),
        ledger: identity.source(),
        deeds: head.seq,
        hash: head.hash.to_string(),
        checkpoints: None,
    }
}

fn report(out: Output, sound: &[Sound]) -> anyhow::Result<()> {
    if out.json {
        return output::json(&sound);
    }
    let row = |one: &Sound| {
        let holds = match one.checkpoints {
            Some(count) => format!("holds, against {count} signed checkpoints"),
            None => "holds".to_owned(),
        };
        vec![one.workspace.clone(), one.deeds.to_string(), holds, one.hash.clone()]
    };
    out.table(
        &["WORKSPACE", "DEEDS", "CHAIN", "HASH OF THE LAST"],
        &sound.iter().map(row).collect::<Vec<_>>(),
    )
}
