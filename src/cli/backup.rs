//! `deeds backup FILE`: every ledger in one file, also while a server appends to them. `deeds restore FILE` brings them
//! into an empty data directory. What was signed of them and the public keys go with them. Indexes and snapshots are made anew
//! from ledgers, and tokens and the key that signs are secrets: neither is in a backup.

mod archive;
mod restore;

use std::fs::{self, DirBuilder, File};
use std::io::{BufWriter, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::{Manifest, Part, Sum};
use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::output::{self, Output, bar};
use super::status::{Status, Usage};
use super::verify::{chosen, verified};
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::ledger::{Kept, Store};

#[cfg(any(test, fuzzing))]
pub(crate) use archive::any_backup;
pub(super) use restore::{Command as RestoreCommand, run as restore};

/// Where the backup goes to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds backup deeds-2026-11-20.tar\n  deeds backup -w northwind northwind.tar\n\nA server may go on meanwhile: each ledger is copied as it was at one moment, its chain is verified in the copy, and the\nfile appears when it is whole. It has no tokens in it and not the key that signs heads (`signing.key`),\nwhich you keep elsewhere; keep it as safe as the ledgers."
)]
pub(crate) struct Command {
    /// The file to write; it must not exist yet
    file: PathBuf,
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
    let workspaces = chosen(context, &dir)?;
    let draft = Draft::beside(&command.file)?;
    let mut parts = Vec::with_capacity(workspaces.len());
    for workspace in workspaces {
        parts.push(copy(dir.store(), workspace, &draft.store)?);
    }
    // After what they signed: every key that a head needs is there by now.
    let keys = signed(dir.store(), Kept::Keys, &draft.store)?;
    let manifest = Manifest::new(Clock::System.now(), dir.store().home(), parts, keys);
    let whole = draft.path.join("backup.tar");
    pack(&whole, &manifest, &draft).with_context(|| shown.to_string())?;
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
    report(context.out, &manifest)
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
}

impl Draft {
    fn beside(file: &Path) -> anyhow::Result<Self> {
        let mut path = file.as_os_str().to_owned();
        path.push(format!(".{}.new", std::process::id()));
        let path = PathBuf::from(path);
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            anyhow::anyhow!("{}: {error}; name a file in a directory that you may write to", path.display())
        })?;
        Ok(Self::at(path))
    }

    fn at(path: PathBuf) -> Self {
        Self { store: Store::of_backups(&path), path }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What can't be taken away is told by its name to whoever finds it.
        fs::remove_dir_all(&self.path).unwrap_or_default();
    }
}
