//! `deeds verify`: the hash chain from its first record to its last, without any server.

mod allowed;
pub(super) mod deep;
pub(super) mod notes;
mod signatures;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use self::allowed::Allowed;
use self::notes::Notes;
use self::signatures::Signatures;
use super::context::Context;
use super::datadir::DataDir;
use super::output::{self, Output, bar};
use super::status::{Status, Usage};
use crate::domain::ids::WorkspaceId;
use crate::ledger::note::NoteKey;
use crate::ledger::{Head, Store, Verified, export};
use crate::server::witnesses::{self, Found};

/// What is verified.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds verify                       every workspace in the data directory\n  deeds verify -w northwind          one of them\n  deeds verify --export deeds.jsonl  an export, made with `deeds log --export jsonl`\n  deeds verify --signatures --allowed-signers allowed\n  deeds verify --deep                snapshots, values and search index too\n\nReads the files themselves, also while a server appends to them. Exit status 3 where a chain does not hold,\nwith the sequence number up to which it does."
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
    /// Read every deed, and hold everything that was made of the ledger against it: snapshots, checkpoints, values on disk, the
    /// search index
    #[arg(long, conflicts_with = "export")]
    deep: bool,
    /// Check what people signed, and that nothing is unsigned that the map wanted signed
    #[arg(long)]
    signatures: bool,
    /// By this file of allowed signers, as `ssh-keygen` has it; without one the keys that the ledger itself names are believed
    #[arg(long, value_name = "FILE", requires = "signatures")]
    allowed_signers: Option<PathBuf>,
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
    /// How many decisions are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures: Option<usize>,
    /// How many snapshots and checkpoints are what the ledger gives; the search index agrees too.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshots: Option<usize>,
    /// How many entities of the image on disk are what the ledger gives, and so are its idempotency keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<u64>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    if context.config.connect.is_some() && command.export.is_none() {
        return Err(Usage::error(
            "a chain is verified where the ledgers lie: run it there, without --connect; or fetch it with `deeds log --export jsonl`, and verify that with --export FILE",
        ));
    }
    let allowed = command.allowed_signers.as_deref().map(Allowed::read).transpose()?;
    let (sound, mut faults) = match &command.export {
        Some(file) => (vec![verify_export(file, command, allowed.as_ref())?], Vec::new()),
        None => verify_ledgers(context, command, allowed.as_ref())?,
    };
    if !sound.is_empty() {
        report(context.out, &sound)?;
    }
    // Each is told; the last one says how it ended.
    let last = faults.pop();
    for fault in &faults {
        output::complain(format!("{fault:#}"));
    }
    last.map_or(Ok(Status::Done), Err)
}

fn verify_export(path: &Path, command: &Command, allowed: Option<&Allowed>) -> anyhow::Result<Sound> {
    let shown = path.display();
    let open = || File::open(path);
    let file = open()
        .map_err(|error| Usage::error(format!("{shown}: {error}; name an export that you may read")))?;
    let bar = bar(file.metadata().map_or(0, |about| about.len()), "{bytes}");
    let export::Exported { identity, head, tells_end } =
        export::verify(BufReader::new(bar.wrap_read(file))).with_context(|| shown.to_string())?;
    bar.finish_and_clear();
    if !tells_end {
        output::complain(format!("{shown}: {}", export::OPEN_END));
    }
    let verified = Verified { identity, head };
    let mut sound = sound(shown.to_string(), &verified);
    if command.signatures {
        let mut signatures = Signatures::new(&verified.identity, allowed)?;
        export::read_all(BufReader::new(open()?), |bytes| signatures.reached(bytes))
            .with_context(|| shown.to_string())?;
        sound.signatures = Some(signatures.finish(&sound.place)?);
    }
    Ok(sound)
}

/// The signatures of one ledger, whose chain was verified.
fn signatures_of(
    store: &Store,
    workspace: &WorkspaceId,
    verified: &Verified,
    allowed: Option<&Allowed>,
) -> anyhow::Result<usize> {
    let place = store.place(workspace);
    let mut signatures = Signatures::new(&verified.identity, allowed)?;
    let mut read = Ok(());
    store.read_all(workspace, |record| {
        if read.is_ok() && record.seq <= verified.head.seq {
            read = signatures.reached(&record.bytes).map_err(|why| format!("deed {}: {why}", record.seq));
        }
    })?;
    read.map_err(|why| anyhow::anyhow!("{place}: {why}"))?;
    signatures.finish(&place)
}

/// Those that hold, and the faults of the others.
fn verify_ledgers(
    context: &Context,
    command: &Command,
    allowed: Option<&Allowed>,
) -> anyhow::Result<(Vec<Sound>, Vec<anyhow::Error>)> {
    let dir = context.existing_dir()?;
    let (mut sound, mut faults) = (Vec::new(), Vec::new());
    let values = command.deep.then(|| deep::Values::of(dir.store()));
    for workspace in chosen(context, &dir)? {
        match verify_ledger(&dir, &workspace, command, (allowed, values.as_ref())) {
            Ok(found) => sound.push(found),
            Err(fault) => faults.push(fault),
        }
    }
    Ok((sound, faults))
}

fn verify_ledger(
    dir: &DataDir,
    workspace: &WorkspaceId,
    command: &Command,
    (allowed, values): (Option<&Allowed>, Option<&deep::Values>),
) -> anyhow::Result<Sound> {
    let notes = command.checkpoints.as_ref();
    let notes = notes.map(|file| Notes::read(dir, workspace, file.as_deref(), &command.key));
    let mut notes = notes.transpose()?;
    let verified = verified_with(dir.store(), workspace, |head| {
        if let Some(notes) = &mut notes {
            notes.reached(head);
        }
    })?;
    if let Found::Lost(lost) = witnesses::look(dir.store(), workspace)? {
        return Err(lost.into());
    }
    let mut sound = sound(dir.store().place(workspace), &verified);
    if let Some(notes) = notes {
        sound.checkpoints = Some(notes.hold(&sound.place, &verified)?);
    }
    if command.signatures {
        sound.signatures = Some(signatures_of(dir.store(), workspace, &verified, allowed)?);
    }
    if let Some(values) = values {
        let deep = deep::look(dir.store(), workspace, &verified, values, |_| {})?;
        let faults: Vec<String> = deep.faults().collect();
        if !faults.is_empty() {
            anyhow::bail!(
                "{}: the chain holds, and what was made of it does not:\n  {}\n`deeds doctor --fix` takes away what is made anew",
                sound.place,
                faults.join("\n  ")
            );
        }
        (sound.snapshots, sound.values) = (Some(deep.agreed), deep.values);
    }
    Ok(sound)
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
        signatures: None,
        snapshots: None,
        values: None,
    }
}

fn report(out: Output, sound: &[Sound]) -> anyhow::Result<()> {
    if out.json {
        return output::json(&sound);
    }
    let row = |one: &Sound| {
        let checkpoints = one.checkpoints.map(|count| format!("against {count} signed checkpoints"));
        let signatures = one.signatures.map(|count| format!("with {count} signed decisions"));
        let snapshots = one.snapshots.map(|count| format!("with its index and {count} snapshots"));
        let values = one.values.map(|count| format!("with {count} values on disk"));
        let holds = ["holds".to_owned()].into_iter().chain(checkpoints).chain(signatures).chain(snapshots);
        let holds = holds.chain(values);
        let holds: Vec<String> = holds.collect();
        let holds = holds.join(", ");
        vec![one.workspace.clone(), one.deeds.to_string(), holds, one.hash.clone()]
    };
    out.table(
        &["WORKSPACE", "DEEDS", "CHAIN", "HASH OF THE LAST"],
        &sound.iter().map(row).collect::<Vec<_>>(),
    )
}
