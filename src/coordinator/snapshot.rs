//! Snapshots: the board at one head in a file, with tokens, imports and links, so that a start replays the tail only. Values and
//! keys lie in an image of their own (see `outside`). A snapshot is a cache: one that
//! is missing, damaged, of another version or of another ledger is passed over, and nothing is lost.
//!
//! The file is lines of JSON: a heading, one line for each part of the state in a fixed order, and a seal with the
//! SHA-256 of all lines before it. The same state always gives the same bytes.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::state::{Access, Board, Imports, Links, State};
use crate::domain::things::{Invitation, TokenRecord};
use crate::ledger::{Hash, Head, Identity, open_file, room};

/// The name of a workspace's snapshot in its folder.
pub const FILE: &str = "snapshot";
/// Raised whenever the shape of the state changes, or what a deed does to it, so that older snapshots are passed over.
const FORMAT: u32 = 21;

/// The longest first line that is read where only that is wanted, in bytes.
const MAX_HEADING_BYTES: u64 = 64 * 1024;
/// After so many bytes it is looked how much room is left.
const LOOK_BYTES: usize = 256 * 1024;
/// For so many bytes of a line room is made before it is read.
const LINE_AHEAD: u64 = 64 * 1024 * 1024;

/// Why a snapshot was not used. None of these is an error to anyone: the state is rebuilt from the ledger.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// There is none.
    #[error("there is no snapshot")]
    Missing,
    /// It can't be read or written.
    #[error(transparent)]
    Io(io::Error),
    /// It is not one, or was damaged.
    #[error("line {line}: {reason}")]
    Damaged {
        /// The line, from 1.
        line: u64,
        /// What does not fit.
        reason: String,
    },
    /// It is of another version of the program or of another ledger.
    #[error("it is of {0}")]
    Foreign(&'static str),
}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound { Self::Missing } else { Self::Io(error) }
    }
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Heading {
    snapshot: u32,
    version: String,
    ledger: String,
    workspace: String,
    seq: u64,
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct Seal {
    lines: u64,
    sha256: String,
}

/// A line for reading.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Board(Box<Board>),
    Imports(Imports),
    Links(Links),
    Token(Box<TokenRecord>),
    Invitation(Box<Invitation>),
    Seal(Seal),
}

/// The same line for writing, over what is there.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum PartRef<'a> {
    Board(&'a Board),
    Imports(&'a Imports),
    Links(&'a Links),
    Token(&'a TokenRecord),
    Invitation(&'a Invitation),
    Seal(Seal),
}

fn heading(identity: &Identity, head: Head) -> Heading {
    Heading {
        snapshot: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ledger: identity.source(),
        workspace: identity.workspace.clone(),
        seq: head.seq,
        hash: head.hash.to_string(),
    }
}

/// Writes a snapshot beside its place, syncs it, and puts it there in one step, unless it is given up meanwhile. Blocks.
pub(super) fn save(
    path: &Path,
    identity: &Identity,
    head: Head,
    state: &State,
    given_up: &AtomicBool,
) -> io::Result<()> {
    put(path, |out| write(Wanted { out, given_up }, identity, head, state).map(drop))
}

/// Where to write while that is of use.
struct Wanted<'a, W> {
    out: W,
    given_up: &'a AtomicBool,
}

impl<W: Write> Write for Wanted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was given up, since the process is to end"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The same with the board alone.
pub(super) fn save_board(path: &Path, identity: &Identity, head: Head, board: &Board) -> io::Result<()> {
    put(path, |out| write_board(out, identity, head, board).map(drop))
}

/// The board at a head as bytes, like [`write()`].
pub(super) fn write_board(
    out: impl Write,
    identity: &Identity,
    head: Head,
    board: &Board,
) -> io::Result<String> {
    let mut out = Sealed { out, hasher: Sha256::new(), lines: 0 };
    out.line(&heading(identity, head))?;
    out.line(&PartRef::Board(board))?;
    out.seal()
}

/// What was begun and can't be finished is taken away: it would lie in the way of what needs the room.
fn put(path: &Path, write: impl FnOnce(&mut BufWriter<Spare>) -> io::Result<()>) -> io::Result<()> {
    let draft = draft_of(path);
    put_by(&draft, path, write).inspect_err(|_| {
        // It may not be there.
        fs::remove_file(&draft).unwrap_or_default();
    })
}

fn put_by(
    draft: &Path,
    path: &Path,
    write: impl FnOnce(&mut BufWriter<Spare>) -> io::Result<()>,
) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder = draft.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let before = fs::metadata(path).map_or(0, |about| about.len());
    room::for_cache(folder, before)?;
    let mut out =
        BufWriter::new(Spare { file: options.open(draft)?, folder: folder.to_owned(), unlooked: 0 });
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.file.sync_all()?;
    fs::rename(draft, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// A file that takes no room which is the ledger's.
struct Spare {
    file: fs::File,
    folder: PathBuf,
    /// Bytes that were written since it was looked how much is free.
    unlooked: usize,
}

impl Write for Spare {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unlooked >= LOOK_BYTES {
            room::for_cache(&self.folder, 0)?;
            self.unlooked = 0;
        }
        let written = self.file.write(bytes)?;
        self.unlooked += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    PathBuf::from(name)
}

/// The state at a head as bytes: equal states give equal bytes. Says what they are sealed with.
pub(super) fn write(out: impl Write, identity: &Identity, head: Head, state: &State) -> io::Result<String> {
    let mut out = Sealed { out, hasher: Sha256::new(), lines: 0 };
    out.line(&heading(identity, head))?;
    out.line(&PartRef::Board(&state.board))?;
    out.line(&PartRef::Imports(&state.imports))?;
    out.line(&PartRef::Links(&state.links))?;
    for token in state.access.tokens.values() {
        out.line(&PartRef::Token(token))?;
    }
    for invitation in state.access.invitations.values() {
        out.line(&PartRef::Invitation(invitation))?;
    }
    out.seal()
}

fn hex(digest: Sha256) -> String {
    Hash(digest.finalize().into()).to_string()
}

/// Lines, counted and hashed on their way.
struct Sealed<W> {
    out: W,
    hasher: Sha256,
    lines: u64,
}

impl<W: Write> Sealed<W> {
    fn line(&mut self, part: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(part)?;
        line.push(b'\n');
        self.hasher.update(&line);
        self.lines += 1;
        self.out.write_all(&line)
    }

    /// Ends it with its seal, and says it.
    fn seal(mut self) -> io::Result<String> {
        let sha256 = hex(self.hasher.clone());
        self.line(&PartRef::Seal(Seal { lines: self.lines, sha256: sha256.clone() }))?;
        self.out.flush()?;
        Ok(sha256)
    }
}

/// Takes a snapshot away, and what was begun of one; how many bytes they had.
pub(super) fn remove(path: &Path) -> u64 {
    let gone = |path: &Path| {
        let bytes = fs::symlink_metadata(path).map_or(0, |about| about.len());
        fs::remove_file(path).map_or(0, |()| bytes)
    };
    gone(&draft_of(path)) + gone(path)
}

/// Takes away what a process has left of a snapshot that was killed while it wrote one.
pub(super) fn tidy(path: &Path) {
    match fs::remove_file(draft_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(place = %path.display(), %error, "what is left of a snapshot stays");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Reads a snapshot of that ledger, and says at which head it was taken. Whether the ledger has that very head is for
/// the caller to check. Blocks.
pub(super) fn load(path: &Path, identity: &Identity) -> Result<(State, Head), SnapshotError> {
    let file = open_file(path)?;
    let longest = file.metadata()?.len();
    read(BufReader::new(file), longest, identity)
}

/// The same where only the board is wanted.
pub(super) fn load_board(path: &Path, identity: &Identity) -> Result<(Board, Head), SnapshotError> {
    let (state, head) = load(path, identity)?;
    Ok((state.board, head))
}

/// No line has more bytes than `longest`: most of a snapshot is one of them, and room for it is made once.
fn read(mut input: impl BufRead, longest: u64, identity: &Identity) -> Result<(State, Head), SnapshotError> {
    let mut hasher = Sha256::new();
    let mut text = Vec::with_capacity(usize::try_from(longest.min(LINE_AHEAD)).unwrap_or_default());
    input.read_until(b'\n', &mut text)?;
    let head = check_heading(&text, identity)?;
    let mut parts = Parts::default();
    let mut line = 1;
    loop {
        hasher.update(&text);
        text.clear();
        line += 1;
        let damaged = |reason: String| SnapshotError::Damaged { line, reason };
        if input.read_until(b'\n', &mut text)? == 0 {
            return Err(damaged("it ends without its seal".to_owned()));
        }
        let part = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let Some(seal) = parts.take(part) else { continue };
        let fits = seal.lines + 1 == line && seal.sha256 == hex(hasher);
        return match parts.state() {
            Some(state) if fits && state.head().0 == head.seq => Ok((state, head)),
            Some(_) | None => Err(damaged("its seal does not fit".to_owned())),
        };
    }
}

/// The head at which the snapshot in a file was taken of the ledger with that `source`; none where there is no such snapshot.
/// Where `holds` says that the ledger has that very head, there is nothing to look at; else only one that is as it was
/// written is heard, whatever version of Deeds wrote it. Blocks.
pub fn witness(path: &Path, source: &str, holds: impl FnOnce(Head) -> bool) -> Option<Head> {
    said(path, source).filter(|head| holds(*head) || is_whole(path))
}

/// What its first line says.
fn said(path: &Path, source: &str) -> Option<Head> {
    let mut text = Vec::new();
    BufReader::new(open_file(path).ok()?).take(MAX_HEADING_BYTES).read_until(b'\n', &mut text).ok()?;
    let heading: Heading = serde_json::from_slice(&text).ok()?;
    (heading.ledger == source).then_some(())?;
    Some(Head { seq: heading.seq, hash: heading.hash.parse().ok()? })
}

/// Whether its lines fit its seal.
fn is_whole(path: &Path) -> bool {
    seal_of(path).is_some()
}

/// What its lines are sealed with, where they fit it. Reads the whole file.
pub(super) fn seal_of(path: &Path) -> Option<String> {
    let mut input = BufReader::new(open_file(path).ok()?);
    let (mut hasher, mut lines) = (Sha256::new(), 0);
    let (mut text, mut next) = (Vec::new(), Vec::new());
    input.read_until(b'\n', &mut text).ok()?;
    while input.read_until(b'\n', &mut next).ok()? > 0 {
        hasher.update(&text);
        lines += 1;
        std::mem::swap(&mut text, &mut next);
        next.clear();
    }
    let Ok(Part::Seal(seal)) = serde_json::from_slice(&text) else { return None };
    (seal.lines == lines && seal.sha256 == hex(hasher)).then_some(seal.sha256)
}

/// At which head it was taken.
///
/// # Errors
/// When it is none, or of another version or ledger.
pub(super) fn head_of(path: &Path, identity: &Identity) -> Result<Head, SnapshotError> {
    let mut text = Vec::new();
    BufReader::new(open_file(path)?).take(MAX_HEADING_BYTES).read_until(b'\n', &mut text)?;
    check_heading(&text, identity)
}

fn check_heading(text: &[u8], identity: &Identity) -> Result<Head, SnapshotError> {
    let damaged = |reason: String| SnapshotError::Damaged { line: 1, reason };
    let found: Heading = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
    let hash = found.hash.parse().map_err(|error| damaged(format!("`hash`: {error}")))?;
    let head = Head { seq: found.seq, hash };
    let expected = heading(identity, head);
    if (found.snapshot, &found.version) != (expected.snapshot, &expected.version) {
        return Err(SnapshotError::Foreign("another version of Deeds"));
    }
    if found != expected {
        return Err(SnapshotError::Foreign("another ledger"));
    }
    Ok(head)
}

/// What was read so far.
#[derive(Default)]
struct Parts {
    board: Option<Box<Board>>,
    access: Access,
    imports: Imports,
    links: Links,
}

impl Parts {
    /// Takes a part in; gives the seal back, which is the last one.
    fn take(&mut self, part: Part) -> Option<Seal> {
        match part {
            Part::Board(board) => self.board = Some(board),
            Part::Imports(imports) => self.imports = imports,
            Part::Links(links) => self.links = links,
            Part::Token(record) => {
                self.access.tokens.insert(record.token.id.clone(), Arc::from(record));
            }
            Part::Invitation(invitation) => {
                self.access.invitations.insert(invitation.id.clone(), Arc::from(invitation));
            }
            Part::Seal(seal) => return Some(seal),
        }
        None
    }

    fn state(self) -> Option<State> {
        let board = *self.board?;
        let (imports, links) = (Arc::new(self.imports), self.links);
        Some(State { access: self.access, imports, links, ..State::of_board(board) })
    }
}
