//! The files that a ledger is written to, as they were when they were opened. One that was removed, renamed or replaced takes
//! whatever is written to it and keeps nothing for the next start; so it is looked at before and after each commit.

use std::fs::{self, Metadata};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{file, reader};
use crate::ledger::store::owner_only;
use crate::ledger::{Head, Identity, LedgerError, MAX_READ_RECORDS, export};

/// As many names are tried for what is rescued.
const MOST_RESCUED: u32 = 1_000;

/// The files as they were opened.
#[derive(Debug)]
pub(super) struct Held {
    files: Vec<HeldFile>,
}

#[derive(Debug)]
struct HeldFile {
    path: PathBuf,
    /// Its device and inode.
    opened: (u64, u64),
    /// It never gets shorter than this, in bytes: what is in the write-ahead log is written over, not cut off.
    least: u64,
}

impl Held {
    /// Those of the ledger in that file, which is open.
    pub(super) fn of(ledger: &Path) -> Self {
        let both = [ledger.to_owned(), ledger.with_file_name(file::beside(ledger, "-wal"))];
        let known = |path: PathBuf| {
            let about = fs::metadata(&path).ok()?;
            Some(HeldFile { path, opened: identity(&about), least: about.len() })
        };
        Self { files: both.into_iter().filter_map(known).collect() }
    }

    /// Looks whether they are still there.
    ///
    /// # Errors
    /// [`LedgerError::Gone`] where one is not, or is another.
    pub(super) fn look(&mut self) -> Result<(), LedgerError> {
        for HeldFile { path, opened, least } in &mut self.files {
            let about = match fs::metadata(&*path) {
                Ok(about) => about,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(gone(path, "it was removed or renamed"));
                }
                // What can't be told now is looked at again.
                Err(_) => continue,
            };
            if identity(&about) != *opened {
                return Err(gone(path, "another file is in its place"));
            }
            if about.len() < *least {
                return Err(gone(path, &format!("it was cut off, from {least} bytes to {}", about.len())));
            }
            *least = about.len();
        }
        Ok(())
    }
}

fn identity(about: &Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}

fn gone(path: &Path, how: &str) -> LedgerError {
    LedgerError::Gone { place: file::place(path), reason: how.to_owned() }
}

/// Writes every deed that the connection still reads as an export into the ledger's folder, or where that is gone into the
/// data directory. Says where, and where it ends.
///
/// # Errors
/// When no such file can be made, or reading or writing fails; what was written until then stays.
pub(super) fn rescue(
    conn: &Connection,
    ledger: &Path,
    identity: &Identity,
) -> Result<(PathBuf, Head), LedgerError> {
    let head = file::head(conn, identity).map_err(|error| file::explain(ledger, &error))?;
    let path = place_for(ledger, identity, head.seq);
    let failed = |error: std::io::Error| LedgerError::of_system(&path, &error);
    // Its name says that it is whole.
    let coming = path.with_extension("jsonl.part");
    let opened = owner_only(fs::OpenOptions::new().write(true).create(true).truncate(true)).open(&coming);
    let mut out = BufWriter::new(opened.map_err(failed)?);
    writeln!(out, "{}", export::heading(identity)).map_err(failed)?;
    let mut after = 0;
    while after < head.seq {
        let page = reader::read(conn, after, MAX_READ_RECORDS).map_err(|error| file::explain(ledger, &error));
        // What is written so far is whole lines, whatever happened to the rest.
        let page = page.inspect_err(|_| drop(out.flush()))?;
        let Some(last) = page.last().map(|record| record.seq) else { break };
        for record in &page {
            out.write_all(&export::line(record)).and_then(|()| out.write_all(b"\n")).map_err(failed)?;
        }
        after = last;
    }
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().and_then(|()| fs::rename(&coming, &path)).map_err(failed)?;
    Ok((path, head))
}

/// A name that is free, where there is a folder for it.
fn place_for(ledger: &Path, identity: &Identity, seq: u64) -> PathBuf {
    let folder = ledger.parent().filter(|folder| folder.is_dir());
    // `workspaces/NAME/ledger.db` in the data directory.
    let above = || ledger.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let stem = match folder {
        Some(folder) => folder.join(format!("ledger.rescued-{seq}")),
        None if above().ends_with("workspaces") => {
            above().with_file_name(format!("{}.rescued-{seq}", identity.workspace))
        }
        None => above().join(format!("{}.rescued-{seq}", identity.workspace)),
    };
    let named = |suffix: &str| PathBuf::from(format!("{}{suffix}.jsonl", stem.display()));
    let first = named("");
    if !first.exists() {
        return first;
    }
    (2..MOST_RESCUED).map(|number| named(&format!("-{number}"))).find(|path| !path.exists()).unwrap_or(first)
}
