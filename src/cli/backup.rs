//! `deeds backup FILE`: every ledger in one file, also while a server appends to them. `deeds restore FILE` brings them
//! into an empty data directory. What was signed of them and the public keys go with them. Indexes and snapshots are made anew
//! from ledgers, and tokens and the key that signs are secrets: neither is in a backup.

mod archive;
mod restore;

use std::fs::{self, DirBuilder, File};
use std::io::{BufReader, BufWriter, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::{Manifest, Part, Sum};
use clap::Args;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::Serialize;

use super::context::Context;
use super::datadir::DataDir;
use super::output::{self, Output, bar};
use super::status::{Status, Usage};
use super::verify::{chosen, verified};
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::ledger::{Kept, Store};
use crate::server::witnesses::{self, Found};

#[cfg(any(test, fuzzing))]
pub(crate) use archive::any_backup;
pub(super) use restore::{Command as RestoreCommand, run as restore};

/// Where the backup goes to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds backup deeds-2026-11-20.tar\n  deeds backup two.tar northwind southwind\n\nA server may go on meanwhile: each ledger is copied as it was at one moment, its chain is verified in the copy, and the\nfile appears when it is whole. It has no tokens in it and not the key that signs heads (`signing.key`),\nwhich you keep elsewhere; keep it as safe as the ledgers."
)]
pub(crate) struct Command {
    /// The file to write; it must not exist yet
    file: PathBuf,
    /// The workspaces that it is to have; all of them where none is named
    workspaces: Vec<WorkspaceId>,
}

/// One ledger that was backed up or restored.
#[derive(Serialize)]
struct LedgerRow<'a> {
    workspace: &'a WorkspaceId,
    deeds: u64,
    bytes: u64,
    hash: &'a str,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let shown = command.file.display();
    if context.config.connect.is_some() {
        return Err(Usage::error("a backup is made where the ledgers lie: run it there, without --connect"));
    }
    if command.file.exists() {
        return Err(Usage::error(format!("{shown}: there is a file already; name a new one")));
    }
    let dir = context.existing_dir()?;
    let workspaces = meant(context, &dir, &command.workspaces)?;
    let draft = Draft::beside(&command.file)?;
    let (mut parts, mut faults) = (Vec::with_capacity(workspaces.len()), Vec::new());
    for workspace in workspaces {
        match copy(dir.store(), workspace.clone(), &draft.store) {
            Ok(part) => parts.push(part),
            Err(fault) => faults.push(fault.context("not in the backup")),
        }
        if let Ok(Found::Lost(lost)) = witnesses::look(dir.store(), &workspace) {
            faults.push(anyhow::Error::from(lost).context("in the backup as it is"));
        }
    }
    if parts.is_empty()
        && let Some(fault) = faults.pop()
    {
        for fault in &faults {
            output::complain(format!("{fault:#}"));
        }
        return Err(fault);
    }
    // After what they signed: every key that a head needs is there by now.
    let keys = signed(dir.store(), Kept::Keys, &draft.store)?;
    let manifest = Manifest::new(Clock::System.now(), dir.store().home(), parts, keys);
    let whole = draft.path.join("backup.tar");
    pack(&whole, &manifest, &draft).with_context(|| shown.to_string())?;
    try_out(&whole, &draft.path.join("trial")).context("the backup that was made can't be restored")?;
    // A link, and not a rename, never takes the place of a file that came meanwhile.
    fs::hard_link(&whole, &command.file)
        // Not every file system has links.
        .or_else(|error| {
            if error.kind() == ErrorKind::AlreadyExists {
                Err(error)
            } else {
                fs::rename(&whole, &command.file)
            }
        })
        .with_context(|| shown.to_string())?;
    let told = report(context.out, &manifest)?;
    for fault in &faults {
        output::complain(format!("{fault:#}"));
    }
    Ok(if faults.is_empty() { told } else { Status::No })
}

/// The workspaces that are named, else those that the settings mean.
fn meant(context: &Context, dir: &DataDir, named: &[WorkspaceId]) -> anyhow::Result<Vec<WorkspaceId>> {
    if named.is_empty() {
        return chosen(context, dir);
    }
    let there = dir.workspaces()?;
    if let Some(absent) = named.iter().find(|name| there.binary_search(name).is_err()) {
        return Err(Usage::error(format!("{}: there is no workspace {absent} here", dir.path().display())));
    }
    Ok(there.into_iter().filter(|name| named.contains(name)).collect())
}

/// Reads a backup as `deeds restore` does, into a directory that is taken away again, and verifies every ledger that comes of it.
fn try_out(backup: &Path, place: &Path) -> anyhow::Result<()> {
    let trial = Draft::at(place.to_owned());
    let manifest = restore::unpack(BufReader::new(File::open(backup)?), &trial)?;
    restore::verify(&manifest, &trial.store)
}

/// Copies one ledger, and verifies the copy.
fn copy(store: &Store, workspace: WorkspaceId, backup: &Store) -> anyhow::Result<Part> {
    // Heads first: none is of a deed that the copy has not got yet.
    let heads = signed(store, Kept::Heads(&workspace), backup)?;
    store.copy(&workspace, backup)?;
    let verified = verified(backup, &workspace)?;
    let path = backup.file(&workspace);
    let file = Sum::of(&path).with_context(|| path.display().to_string())?;
    Ok(Part {
        workspace,
        ledger: verified.identity.source(),
        deeds: verified.head.seq,
        hash: verified.head.hash.to_string(),
        file,
        heads,
    })
}

/// Copies what was signed, or the keys that signed it, where there is any.
fn signed(store: &Store, kept: Kept<'_>, backup: &Store) -> anyhow::Result<Option<Sum>> {
    let there = store.copy_signed(kept, backup)?;
    Ok(there.then(|| Sum::of(&backup.path(kept))).transpose()?)
}

fn pack(path: &Path, manifest: &Manifest, draft: &Draft) -> anyhow::Result<()> {
    let shown = bar(manifest.bytes(), "{bytes}");
    let out = BufWriter::new(File::create_new(path)?);
    archive::write(out, manifest, |kept| Ok(shown.wrap_read(File::open(draft.store.path(kept))?)))?;
    shown.finish_and_clear();
    Ok(File::open(path)?.sync_all()?)
}

fn report(out: Output, manifest: &Manifest) -> anyhow::Result<Status> {
    let rows = manifest.ledgers.iter().map(|part| LedgerRow {
        workspace: &part.workspace,
        deeds: part.deeds,
        bytes: part.file.bytes,
        hash: &part.hash,
    });
    let rows: Vec<LedgerRow<'_>> = rows.collect();
    if out.json {
        output::json(&rows)?;
    } else {
        let cells = |row: &LedgerRow<'_>| {
            vec![row.workspace.to_string(), row.deeds.to_string(), row.bytes.to_string(), row.hash.to_owned()]
        };
        let header = ["WORKSPACE", "DEEDS", "BYTES", "HASH OF THE LAST"];
        out.table(&header, &rows.iter().map(cells).collect::<Vec<_>>())?;
    }
    Ok(Status::Done)
}

/// A directory for what is not whole yet, for its owner alone; gone when this is dropped.
struct Draft {
    path: PathBuf,
    store: Store,
    /// Held while it is filled, so that nobody takes it for what a kill left behind.
    _lock: Option<File>,
}

impl Draft {
    fn beside(file: &Path) -> anyhow::Result<Self> {
        let mut path = file.as_os_str().to_owned();
        path.push(format!(".{}.new", std::process::id()));
        let path = PathBuf::from(path);
        for left in leftovers(file) {
            fs::remove_dir_all(left).unwrap_or_default();
        }
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            anyhow::anyhow!("{}: {error}; name a file in a directory that you may write to", path.display())
        })?;
        // Not every file system has locks; then the number of the process tells.
        let lock = File::open(&path).ok().filter(|directory| directory.try_lock().is_ok());
        Ok(Self { store: Store::of_backups(&path), path, _lock: lock })
    }

    fn at(path: PathBuf) -> Self {
        Self { store: Store::of_backups(&path), path, _lock: None }
    }
}

/// What backups to that file left beside it that were killed: a directory that has the number of a process which is gone, or
/// is this one, and that nobody has locked.
fn leftovers(file: &Path) -> impl Iterator<Item = PathBuf> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_left = move |path: &PathBuf| {
        let found = path.file_name().unwrap_or_default().to_string_lossy();
        let number = found.strip_prefix(&format!("{name}.")).and_then(|rest| rest.strip_suffix(".new"));
        let Some(number) = number.and_then(|number| number.parse::<i32>().ok()) else { return false };
        let gone = Pid::from_raw(number).is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH));
        let ours = u32::try_from(number) == Ok(std::process::id());
        (gone || ours) && File::open(path).is_ok_and(|directory| directory.try_lock().is_ok())
    };
    fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_left)
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What can't be taken away is told by its name to whoever finds it.
        fs::remove_dir_all(&self.path).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_tried_before_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::of_backups(&directory.path().join("data"));
        let workspace: WorkspaceId = "northwind".parse().unwrap();
        drop(store.create(&workspace).unwrap());
        let draft = Draft::beside(&directory.path().join("b.tar")).unwrap();
        let part = copy(&store, workspace, &draft.store).unwrap();
        let tried = |name: &str, part: Part| {
            let backup = draft.path.join(name);
            pack(&backup, &Manifest::new(Clock::System.now(), None, vec![part], None), &draft).unwrap();
            try_out(&backup, &draft.path.join("trial"))
        };
        tried("right.tar", part.clone()).unwrap();
        assert!(!draft.path.join("trial").exists(), "the trial is left");
        let wrongs = [
            Part { deeds: 1, ..part.clone() },
            Part { hash: "0".repeat(64), ..part.clone() },
            Part { ledger: "urn:uuid:another".to_owned(), ..part },
        ];
        for (number, wrong) in wrongs.into_iter().enumerate() {
            let error = tried(&format!("wrong-{number}.tar"), wrong).unwrap_err();
            assert!(error.to_string().contains("not the one that the manifest names"), "{error:#}");
        }
    }
}
