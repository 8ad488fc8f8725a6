//! The files that a ledger is written to, as they were when they were opened. One that was removed, renamed or replaced takes
//! whatever is written to it and keeps nothing for the next start; so it is looked at before and after each commit. One that was
//! written over shows by its times, which nothing but a checkpoint of our own changes, and by what a new connection reads in it.

use std::fs::{self, Metadata};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{file, reader};
use crate::ledger::store::owner_only;
use crate::ledger::{Head, Identity, LedgerError, MAX_READ_RECORDS, Verifier, export};

/// As many names are tried for what is rescued.
const MOST_RESCUED: u32 = 1_000;

/// The files as they were opened.
#[derive(Debug)]
pub(super) struct Held {
    files: Vec<HeldFile>,
    /// The times of the ledger itself, as they were when what is in it was last known to be ours.
    known: Option<Stamp>,
    /// As they are now.
    seen: Option<Stamp>,
}

/// When a file was written last, and when its place was: seconds and nanoseconds of each.
pub(super) type Stamp = [i64; 4];

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
        let stamp = stamp_of(ledger);
        Self { files: both.into_iter().filter_map(known).collect(), known: stamp, seen: stamp }
    }

    /// The times of the ledger, where they are others than when it was last known to be ours.
    pub(super) fn changed(&self) -> Option<Stamp> {
        self.seen.filter(|seen| self.known != Some(*seen))
    }

    /// What is in it is ours.
    pub(super) fn settle(&mut self) {
        self.known = self.seen;
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
        self.seen = self.files.first().and_then(|ledger| stamp_of(&ledger.path)).or(self.seen);
        Ok(())
    }
}

/// The times of a file; nothing where they can't be told.
pub(super) fn stamp_of(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    Some([about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()])
}

/// Why what a new connection reads in the file is not what ours wrote; nothing where it is, or can't be told now.
pub(super) fn exchanged(ours: &Connection, ledger: &Path, identity: &Identity) -> Option<LedgerError> {
    let head = file::head(ours, identity);
    let read = file::open_reader(ledger).and_then(|(conn, found)| {
        let tail = file::check_tail(&conn, ledger, identity);
        tail.map(|tail| (found, tail))
    });
    match (head, read) {
        (Ok(head), Ok((found, tail))) if found == *identity && tail == head => None,
        (Err(_), _) | (_, Err(LedgerError::Locked { .. } | LedgerError::Io { .. })) => None,
        (Ok(_), Ok(_) | Err(_)) => Some(gone(ledger, "another ledger was written over it")),
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
    writeln!(out, "{}", export::heading(identity, head.seq)).map_err(failed)?;
    let mut verifier = Verifier::after(Head { seq: 0, hash: identity.genesis() });
    let mut after = 0;
    while after < head.seq {
        let page = reader::read(conn, after, MAX_READ_RECORDS).map_err(|error| file::explain(ledger, &error));
        // What is written so far is whole lines, whatever happened to the rest.
        let page = page.inspect_err(|_| drop(out.flush()))?;
        let Some(last) = page.last().map(|record| record.seq) else { break };
        for record in &page {
            // Of a file that was written over, only what is ours.
            if let Err(broken) = verifier.check(record.seq, record.hash, &record.bytes) {
                out.flush().map_err(failed)?;
                let (place, reason) = (file::place(ledger), broken.to_string());
                return Err(LedgerError::Corrupt { place, seq: Some(broken.seq()), reason });
            }
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
