//! The form of a backup: one tar file, in it first `manifest.json`, then the ledger of each workspace in the manifest's
//! order, then what was signed of them and the public keys that signed. A tar file is read by any system, also without Deeds. Where files come from and go to is not known here.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::domain::hash::hex;
use crate::domain::ids::WorkspaceId;
use crate::domain::time::Time;
use crate::ledger::{Kept, signing, sqlite};

/// The format that this version writes, and the highest that it reads.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// The largest manifest that is read, in bytes.
const MAX_MANIFEST_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

/// Why a backup can't be read.
#[derive(Debug, Error)]
pub(super) enum ArchiveError {
    /// It is something else.
    #[error("this is no backup of Deeds: {0}; name a file that `deeds backup` wrote")]
    Foreign(String),
    /// It is of a later version.
    #[error("this backup has format {0}, {FORMAT} is known; install the version of Deeds that wrote it")]
    Newer(u32),
    /// It ends too early.
    #[error("the backup was cut short {0}; copy it again from where it was made")]
    Short(String),
    /// It was changed.
    #[error("{part} is damaged: {reason}; use another copy of the backup")]
    Damaged {
        /// Which part of it.
        part: String,
        /// What does not fit.
        reason: String,
    },
    /// What was read could not be put away.
    #[error("{0}")]
    Sink(io::Error),
}

/// What is in a backup.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The format.
    pub(super) deeds_backup: u32,
    /// The version that wrote it.
    pub(super) version: String,
    /// When.
    pub(super) made: Time,
    /// The workspace whose admins are the server's.
    pub(super) home: Option<WorkspaceId>,
    /// The ledgers, in the order in which they lie in the file.
    pub(super) ledgers: Vec<Part>,
    /// The public keys that signed heads, behind the ledgers; none where nothing was signed.
    pub(super) keys: Option<Sum>,
}

/// How long a file is, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    /// How long, in bytes.
    pub(super) bytes: u64,
    /// Its SHA-256.
    pub(super) sha256: String,
}

impl Sum {
    /// Of that file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { bytes: file.metadata()?.len(), sha256: sha256(file)? })
    }
}

/// One ledger in a backup.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Of which workspace.
    pub(super) workspace: WorkspaceId,
    /// Which ledger.
    pub(super) ledger: String,
    /// How many deeds.
    pub(super) deeds: u64,
    /// The hash of the last one.
    pub(super) hash: String,
    /// Its file.
    #[serde(flatten)]
    pub(super) file: Sum,
    /// Where it ended, signed: the file of it, behind the ledgers.
    pub(super) heads: Option<Sum>,
}

impl Manifest {
    /// Of what is backed up now.
    pub(super) fn new(made: Time, home: Option<WorkspaceId>, ledgers: Vec<Part>, keys: Option<Sum>) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { deeds_backup: FORMAT, version, made, home, ledgers, keys }
    }

    /// All bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files().map(|(_, sum)| sum.bytes).sum()
    }

    /// Every file, in the order in which they lie there. What came later lies last: earlier versions don't read so far.
    pub(super) fn files(&self) -> impl Iterator<Item = (Kept<'_>, &Sum)> {
        let ledgers = self.ledgers.iter().map(|part| (Kept::Ledger(&part.workspace), &part.file));
        let heads =
            self.ledgers.iter().filter_map(|part| Some((Kept::Heads(&part.workspace), part.heads.as_ref()?)));
        ledgers.chain(heads).chain(self.keys.iter().map(|keys| (Kept::Keys, keys)))
    }
}

/// Writes a backup; `open` opens each file.
pub(super) fn write<R: Read>(
    out: impl Write,
    manifest: &Manifest,
    mut open: impl FnMut(Kept<'_>) -> io::Result<R>,
) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    let text = serde_json::to_vec_pretty(manifest)?;
    archive.append_data(&mut header(text.len() as u64), MANIFEST, text.as_slice())?;
    for (kept, sum) in manifest.files() {
        archive.append_data(&mut header(sum.bytes), place(kept), open(kept)?.take(sum.bytes))?;
    }
    archive.into_inner()?.flush()
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

fn place(kept: Kept<'_>) -> String {
    match kept {
        Kept::Ledger(workspace) => format!("{workspace}/{}", sqlite::FILE),
        Kept::Heads(workspace) => format!("{workspace}/{}", signing::HEADS),
        Kept::Keys => signing::KEYS.to_owned(),
    }
}

/// Reads a backup from its first byte to its last and compares it with its manifest. `sink` is asked where each file
/// goes to before it is read.
pub(super) fn read<W: Write>(
    input: impl Read,
    mut sink: impl FnMut(Kept<'_>) -> io::Result<W>,
) -> Result<Manifest, ArchiveError> {
    let mut archive = tar::Archive::new(input);
    let mut entries = archive.entries().map_err(|error| ArchiveError::Foreign(error.to_string()))?;
    let first = entries.next().ok_or_else(|| ArchiveError::Foreign("it is empty".to_owned()))?;
    let manifest = manifest(first)?;
    for (kept, sum) in manifest.files() {
        let part = place(kept);
        let short = |reason: String| ArchiveError::Short(format!("at {part}: {reason}"));
        let damaged = |reason: &str| ArchiveError::Damaged { part: part.clone(), reason: reason.to_owned() };
        let entry = entries.next().ok_or_else(|| short("it is missing".to_owned()))?;
        let mut entry = entry.map_err(|error| short(error.to_string()))?;
        let named = entry.path().is_ok_and(|path| path.as_os_str() == part.as_str());
        if !named || entry.size() != sum.bytes {
            return Err(damaged("its name or length is not the manifest's"));
        }
        let mut out = sink(kept).map_err(ArchiveError::Sink)?;
        if copy(&mut entry, &mut out, sum.bytes, &short)? != sum.sha256 {
            return Err(damaged("its SHA-256 is not the manifest's"));
        }
    }
    Ok(manifest)
}

fn manifest<R: Read>(entry: io::Result<tar::Entry<'_, R>>) -> Result<Manifest, ArchiveError> {
    let foreign = |reason: String| ArchiveError::Foreign(reason);
    let entry = entry.map_err(|error| foreign(error.to_string()))?;
    if !entry.path().is_ok_and(|path| path.as_os_str() == MANIFEST) {
        return Err(foreign(format!("it does not begin with {MANIFEST}")));
    }
    let size = entry.size();
    let mut text = Vec::new();
    entry.take(MAX_MANIFEST_BYTES).read_to_end(&mut text).map_err(|error| foreign(error.to_string()))?;
    if (text.len() as u64) < size {
        return Err(ArchiveError::Short(format!("in {MANIFEST}")));
    }
    let damaged = |error: serde_json::Error| ArchiveError::Damaged {
        part: MANIFEST.to_owned(),
        reason: error.to_string(),
    };
    let any: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
    match any.get("deeds_backup").and_then(serde_json::Value::as_u64) {
        Some(format) if format > u64::from(FORMAT) => {
            Err(ArchiveError::Newer(u32::try_from(format).unwrap_or(u32::MAX)))
        }
        Some(_) => serde_json::from_value(any).map_err(damaged),
        None => Err(foreign("its manifest names no format".to_owned())),
    }
}

/// Copies one file and says its SHA-256.
fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    whole: u64,
    short: &dyn Fn(String) -> ArchiveError,
) -> Result<String, ArchiveError> {
    let mut copied = 0;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = from.read(&mut piece).map_err(|error| short(error.to_string()))?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        copied += bytes.len() as u64;
        digest.update(bytes);
        to.write_all(bytes).map_err(ArchiveError::Sink)?;
    }
    if copied < whole {
        return Err(short(format!("it has {copied} of {whole} bytes")));
    }
    to.flush().map_err(ArchiveError::Sink)?;
    Ok(hex(&digest.finalize()).to_string())
}

/// Any bytes as a backup: what is read of it whole is what its manifest says.
#[cfg(any(test, fuzzing))]
pub(crate) fn any_backup(bytes: &[u8]) {
    let mut parts = 0;
    let read = read(bytes, |_| {
        parts += 1;
        Ok(io::sink())
    });
    if let Ok(manifest) = read {
        assert_eq!(parts, manifest.files().count(), "not every file was read");
        assert!(manifest.bytes() <= bytes.len() as u64, "it says that it has more than there is");
    }
}

/// The SHA-256 of everything that can be read.
pub(super) fn sha256(mut from: impl Read) -> io::Result<String> {
    let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = from.read(&mut piece)?;
        match piece.get(..read) {
            Some(bytes) if read > 0 => digest.update(bytes),
            Some(_) | None => return Ok(hex(&digest.finalize()).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bytes: &[u8]) -> Sum {
        Sum { bytes: bytes.len() as u64, sha256: sha256(bytes).unwrap() }
    }

    fn made() -> (Manifest, Vec<u8>) {
        let content = vec![7_u8; 100_000];
        let part = Part {
            workspace: "northwind".parse().unwrap(),
            ledger: "urn:uuid:x".to_owned(),
            deeds: 3,
            hash: "h".to_owned(),
            file: sum(&content),
            heads: Some(sum(b"heads")),
        };
        let manifest = Manifest::new(Time::from_micros(1), None, vec![part], Some(sum(b"keys")));
        let mut file = Vec::new();
        let bytes = |kept: Kept<'_>| match kept {
            Kept::Ledger(_) => content.clone(),
            Kept::Heads(_) => b"heads".to_vec(),
            Kept::Keys => b"keys".to_vec(),
        };
        write(&mut file, &manifest, |kept| Ok(io::Cursor::new(bytes(kept)))).unwrap();
        (manifest, file)
    }

    fn read_it(file: &[u8]) -> Result<Manifest, ArchiveError> {
        read(file, |_| Ok(io::sink()))
    }

    #[test]
    fn what_was_written_is_read() {
        let (manifest, file) = made();
        assert_eq!(read_it(&file).unwrap(), manifest);
    }

    #[test]
    fn a_backup_cut_anywhere_is_refused() {
        let (_, file) = made();
        // The rest of the last block and the two empty ones after it are the only thing that may be missing.
        let whole = file.len() - 1024 - (512 - b"keys".len());
        for length in (0..whole).step_by(499).chain([whole - 1, 512, 513]) {
            let error = read_it(&file[..length]).unwrap_err();
            assert!(!matches!(error, ArchiveError::Sink(_)), "{length}: {error}");
        }
    }

    #[test]
    fn a_changed_byte_is_found() {
        let (_, file) = made();
        let at = file.len() - 50_000;
        let mut changed = file;
        changed[at] ^= 1;
        assert!(read_it(&changed).unwrap_err().to_string().contains("SHA-256"));
    }

    #[test]
    fn what_is_something_else_or_newer_is_said_to_be() {
        assert!(read_it(b"just a text").unwrap_err().to_string().contains("no backup"));
        let mut newer = made().0;
        newer.deeds_backup = 9;
        newer.ledgers.clear();
        newer.keys = None;
        let mut file = Vec::new();
        write(&mut file, &newer, |_| Ok(io::empty())).unwrap();
        assert!(matches!(read_it(&file).unwrap_err(), ArchiveError::Newer(9)));
    }
}
