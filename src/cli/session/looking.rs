//! A data directory whose disk can't be written: it is looked at in a copy, which goes when the command ends. Nothing is
//! recorded in it, and no token is made.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use tempfile::TempDir;

use super::{Place, Session};
use crate::cli::context::Context;
use crate::cli::datadir::{DataDir, DataDirError};
use crate::cli::output;
use crate::ledger::Store;
use crate::ledger::engine::embedded;

/// What is in the directory and no use in a copy.
const LEFT: [&str; 4] = ["lock", "server.json", "deeds.log", "signing.key"];

/// Whether the disk was the reason.
pub(super) fn is_read_only(error: &anyhow::Error) -> bool {
    let reason = error.downcast_ref::<DataDirError>();
    matches!(reason, Some(DataDirError::System { reason, .. }) if reason.kind() == ErrorKind::ReadOnlyFilesystem)
}

impl Session {
    /// Serves a copy of the directory to be looked at.
    pub(super) async fn looking(context: &Context) -> anyhow::Result<Self> {
        let dir = context.existing_dir()?;
        let why = format!("{} is on a disk that is mounted for reading only", dir.path().display());
        output::complain(format!("{why}: nothing can be recorded, and what is there is looked at in a copy"));
        let scratch =
            TempDir::with_prefix("deeds-look-").context("there is no room for a copy to look at")?;
        copy(&dir, scratch.path())
            .with_context(|| format!("{why}, and could not be copied to be looked at"))?;
        let copied = DataDir::open(scratch.path(), embedded())?.only_looked_at(&why);
        let lock = copied.try_lock()?.context("the copy is another process's")?;
        let mut session = Self::serve_here(context, copied, lock).await?;
        if let Place::Local { copy, .. } = &mut session.place {
            *copy = Some(scratch);
        }
        Ok(session)
    }
}

/// Nobody writes there meanwhile: a ledger and its log are copied as the files that they are.
fn copy(dir: &DataDir, to: &Path) -> anyhow::Result<()> {
    let new = Store::of_backups(to);
    copy_files(dir.path(), to)?;
    copy_files(&dir.tokens_path(), &to.join("tokens"))?;
    for workspace in dir.workspaces()? {
        copy_files(&dir.store().folder(&workspace), &new.folder(&workspace))?;
    }
    Ok(())
}

/// The plain files of a folder.
fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        let is_left = LEFT.contains(&&*name.to_string_lossy()) || name.to_string_lossy().ends_with("-shm");
        if entry.file_type()?.is_file() && !is_left {
            fs::copy(entry.path(), to.join(&name)).with_context(|| entry.path().display().to_string())?;
        }
    }
    Ok(())
}
