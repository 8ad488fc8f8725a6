//! `deeds restore FILE`: the ledgers of a backup into an empty data directory. The whole file is read and compared with
//! its manifest before anything is written, and every chain is verified before anything is in its place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::BufReader;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::archive::{self, Manifest};
use super::report;
use crate::cli::arguments::Context;
use crate::cli::datadir::DataDir;
use crate::cli::status::{Status, Usage};
use crate::cli::verify::bar;
use crate::ledger::sqlite;

/// Where the backup lies.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds restore deeds-2026-11-20.tar --data-dir /var/lib/deeds\n\nThe data directory must have no workspace yet. Tokens that agents hold go on working, since ledgers keep their hashes; your\nown is made anew when you start `deeds` there. Never let two servers go on from one backup: their histories would differ."
)]
pub(crate) struct Command {
    /// A file that `deeds backup` wrote
    file: PathBuf,
}

/// Runs it.
pub(crate) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let shown = command.file.display().to_string();
    if context.config.connect.is_some() {
        return Err(Usage::error(
            "a backup is restored where the ledgers will lie: run it there, without --connect",
        ));
    }
    let open = || {
        let file = File::open(&command.file);
        file.map_err(|error| Usage::error(format!("{shown}: {error}; name a backup that you may read")))
    };
    let whole = open()?;
    let shown_bar = bar(whole.metadata().map_or(0, |about| about.len()), "{bytes} read");
    archive::read(BufReader::new(shown_bar.wrap_read(whole)), |_, _| Ok(std::io::sink()))
        .with_context(|| shown.clone())?;
    shown_bar.finish_and_clear();

    let dir = DataDir::open(&context.data_dir()?)?;
    let place = dir.path().display().to_string();
    let Some(_lock) = dir.try_lock()? else {
        anyhow::bail!(
            "{place}: another deeds serves this directory; end it, or name another with --data-dir"
        );
    };
    if let Some(there) = dir.workspaces()?.first() {
        return Err(Usage::error(format!(
            "{place}: the workspace {there} is here already; name an empty directory with --data-dir"
        )));
    }
    let draft = Coming { path: dir.path().join("restoring") };
    let manifest = unpack(BufReader::new(open()?), &draft.path).with_context(|| shown.clone())?;
    verify(&manifest, &draft.path).with_context(|| shown.clone())?;
    fs::rename(&draft.path, dir.workspaces_path()).with_context(|| place.clone())?;
    if let Some(home) = &manifest.home {
        dir.say_home(home)?;
    }
    if !context.out.json {
        context.out.faint(format!("restored into {place}; every chain holds"))?;
    }
    report(context.out, &manifest)
}

/// Writes every ledger below `root`, each to its disk.
fn unpack(input: BufReader<File>, root: &Path) -> anyhow::Result<Manifest> {
    let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    // What a restore that was killed has left; that there may be nothing is no matter.
    fs::remove_dir_all(root).unwrap_or_default();
    private(root)?;
    let manifest = archive::read(input, |_, part| {
        let directory = root.join(part.workspace.as_str());
        private(&directory)?;
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join("ledger.db"))
    })?;
    for part in &manifest.ledgers {
        File::open(ledger(root, part.workspace.as_str()))?.sync_all()?;
    }
    Ok(manifest)
}

/// Every chain, from its first deed to the one that the manifest names.
fn verify(manifest: &Manifest, root: &Path) -> anyhow::Result<()> {
    for part in &manifest.ledgers {
        let shown = bar(0, "{pos} deeds verified");
        let verified = sqlite::verify(&ledger(root, part.workspace.as_str()), |seq| shown.set_position(seq))?;
        shown.finish_and_clear();
        let found = (verified.identity.source(), verified.head.seq, verified.head.hash.to_string());
        let same_workspace = verified.identity.workspace == part.workspace.as_str();
        if !same_workspace || found != (part.ledger.clone(), part.deeds, part.hash.clone()) {
            anyhow::bail!(
                "the ledger of {} is not the one that the manifest names; use another copy of the backup",
                part.workspace
            );
        }
    }
    Ok(())
}

fn ledger(root: &Path, workspace: &str) -> PathBuf {
    root.join(workspace).join("ledger.db")
}

/// The directory of what is not whole yet; taken away unless it was put in its place.
struct Coming {
    path: PathBuf,
}

impl Drop for Coming {
    fn drop(&mut self) {
        // After a rename nothing is there any more.
        fs::remove_dir_all(&self.path).unwrap_or_default();
    }
}
