//! The SQLite file: how it is created, opened, set and checked. No threads and no queues here.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, params};

use super::log;
use crate::ledger::store::owner_only;
use crate::ledger::{Hash, Head, Identity, LedgerError, LedgerId, Record, Verifier};

/// Marks the file as a ledger in SQLite's header: the letters `DEED`.
const APPLICATION_ID: i32 = 0x4445_4544;
/// The format of the file. A higher one on disk refuses to open.
const FORMAT: i64 = 1;
/// How the extension of a ledger begins that is being made.
const DRAFT: &str = "new-";
/// How many records at the end of the ledger are verified on opening.
pub(super) const TAIL_RECORDS: u64 = 1_000;
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many pages of write-ahead log are gathered before the writer itself sees that they are in the file, most of which another
/// thread has done by then. From then on the log is written over in place, which a disk makes durable in about half the
/// time that it takes for a file that grows.
const CHECKPOINT_PAGES: i64 = 4_000;

/// How every connection that writes is set: durable on every commit.
const SYNCED: [(&str, i64); 4] =
    [("synchronous", 2), ("fullfsync", 1), ("checkpoint_fullfsync", 1), ("cell_size_check", 1)];

const SCHEMA: &str = "
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    workspace TEXT NOT NULL
) STRICT;
CREATE TABLE record (
    seq INTEGER PRIMARY KEY CHECK (seq > 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    bytes BLOB NOT NULL
) STRICT;";

/// Creates an empty ledger at `path`, complete or not at all: it is made beside its place and linked to it when it is
/// on disk. Does nothing if another process was first.
pub(super) fn create(path: &Path, workspace: &str) -> Result<(), LedgerError> {
    let id = LedgerId::random().map_err(|error| LedgerError::Io {
        place: place(path),
        reason: format!("the system has no random bytes: {error}"),
    })?;
    let draft = path.with_extension(format!("{DRAFT}{id}"));
    let made = fill(&draft, id, workspace).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(LedgerError::of_system(path, &error)),
        Ok(()) | Err(_) => sync_directory(path),
    });
    match (made, fs::remove_file(&draft)) {
        (Ok(()), Err(error)) => Err(LedgerError::of_system(path, &error)),
        (made, _) => made,
    }
}

/// Whether a file of that name is a ledger that was never finished.
pub(super) fn is_draft(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end.to_string_lossy().starts_with(DRAFT))
}

pub(super) fn fill(draft: &Path, id: LedgerId, workspace: &str) -> Result<(), LedgerError> {
    owner_only(fs::OpenOptions::new().write(true).create_new(true))
        .open(draft)
        .map_err(|error| LedgerError::of_system(draft, &error))?;
    let explain = |error| explain(draft, &error);
    let conn = Connection::open_with_flags(draft, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(explain)?;
    // A draft that breaks off is thrown away, so it needs no journal beside it, and one sync when it is whole.
    conn.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(())).map_err(explain)?;
    conn.pragma_update(None, "synchronous", "OFF").map_err(explain)?;
    let transaction = conn.unchecked_transaction().map_err(explain)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(explain)?;
    transaction.pragma_update(None, "user_version", FORMAT).map_err(explain)?;
    transaction.execute_batch(SCHEMA).map_err(explain)?;
    transaction
        .execute(
            "INSERT INTO ledger (one, id, workspace) VALUES (1, ?1, ?2)",
            params![id.as_bytes(), workspace],
        )
        .map_err(explain)?;
    transaction.commit().map_err(explain)?;
    // Who writes to it would have to sync four times for that.
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(explain)?;
    conn.close().map_err(|(_, error)| explain(error))?;
    fs::File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(|error| LedgerError::of_system(draft, &error))
}

/// Copies the write-ahead log beside itself, once, before a ledger is opened that lacks what was in it: opening it takes what can
/// be read of the log into the file, and the rest away.
pub(super) fn set_log_apart(path: &Path) -> Result<(), LedgerError> {
    let (log, apart) =
        (path.with_file_name(beside(path, "-wal")), path.with_file_name(beside(path, "-wal.lost")));
    let has_something = fs::metadata(&log).is_ok_and(|about| about.len() > 0);
    if !has_something || apart.exists() {
        return Ok(());
    }
    fs::copy(&log, &apart).map(drop).map_err(|error| LedgerError::of_system(&apart, &error))
}

fn sync_directory(path: &Path) -> Result<(), LedgerError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| LedgerError::of_system(path, &error))
}

/// Opens the one connection that writes: durable on every commit, and read back to be so.
pub(super) fn open_writer(path: &Path) -> Result<(Connection, Identity), LedgerError> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let identity = identify(&conn, path)?;
    let explain = |error| explain(path, &error);
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(explain)?;
    for (name, value) in SYNCED {
        conn.pragma_update(None, name, value).map_err(explain)?;
    }
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(explain)?;
    let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(explain)?;
    if mode != "wal" || synchronous != 2 {
        return Err(LedgerError::Unwritable {
            place: place(path),
            reason: format!(
                "the file system does not give durable writes: journal {mode}, synchronous {synchronous}"
            ),
        });
    }
    Ok((conn, identity))
}

/// Opens a connection that only reads, and that never waits for the writer.
pub(super) fn open_reader(path: &Path) -> Result<(Connection, Identity), LedgerError> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let identity = identify(&conn, path)?;
    Ok((conn, identity))
}

/// Opens a file to be verified. Reading beside a writer needs its shared memory, which can't be made in a directory
/// that refuses writing; a ledger that lies there closed, without a write-ahead log, can be read as it is.
pub(super) fn open_for_verifying(path: &Path) -> Result<(Connection, Identity), LedgerError> {
    let log = path.with_file_name(beside(path, "-wal"));
    match open_reader(path) {
        Err(LedgerError::Unwritable { .. }) if !log.exists() => {
            let name: String = path.to_string_lossy().chars().map(escaped).collect();
            let uri = format!("file:{name}?immutable=1");
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let conn =
                Connection::open_with_flags(uri, flags).map_err(|error| explain_opening(path, &error))?;
            let identity = identify(&conn, path)?;
            Ok((conn, identity))
        }
        opened => opened,
    }
}

/// A character of a path as SQLite's URIs take it.
fn escaped(letter: char) -> String {
    match letter {
        '%' => "%25".to_owned(),
        '?' => "%3f".to_owned(),
        '#' => "%23".to_owned(),
        _ => letter.to_string(),
    }
}

/// The name of the file that SQLite keeps beside `path`.
pub(super) fn beside(path: &Path, suffix: &str) -> OsString {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    name
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(LedgerError::Missing { place: place(path) });
        }
        Err(error) => return Err(LedgerError::of_system(path, &error)),
        Ok(meta) if meta.is_dir() => {
            return Err(LedgerError::NotALedger {
                place: place(path),
                reason: "it is a directory".to_owned(),
            });
        }
        Ok(meta) if meta.len() == 0 => {
            return Err(LedgerError::Truncated {
                place: place(path),
                reason: "the file is empty".to_owned(),
            });
        }
        Ok(_) => {}
    }
    // A pipe in the place of one of them would be waited at.
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = path.with_file_name(beside(path, suffix));
        if fs::metadata(&file).is_ok_and(|about| !about.is_file()) {
            let reason = "it is no file; move it away, and put back what was there".to_owned();
            return Err(LedgerError::NotALedger { place: place(&file), reason });
        }
    }
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| explain(path, &error))?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(|error| explain(path, &error))?;
    Ok(conn)
}

/// Reads which ledger this is, and refuses what is none or comes from a newer program.
fn identify(conn: &Connection, path: &Path) -> Result<Identity, LedgerError> {
    let explain = |error| explain_opening(path, &error);
    let not_a_ledger = |reason: String| LedgerError::NotALedger { place: place(path), reason };
    let application: i32 =
        conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(explain)?;
    if application != APPLICATION_ID {
        return Err(not_a_ledger(format!("a SQLite file of another application, id {application:#010x}")));
    }
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
    if found > FORMAT {
        return Err(LedgerError::Newer { place: place(path), found, known: FORMAT });
    }
    if found != FORMAT {
        return Err(not_a_ledger(format!("its format number {found} was never used")));
    }
    let row: Option<([u8; 16], String)> = conn
        .query_row("SELECT id, workspace FROM ledger", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(explain)?;
    let (id, workspace) = row.ok_or_else(|| not_a_ledger("it does not say which ledger it is".to_owned()))?;
    Ok(Identity { id: LedgerId::from_bytes(id), workspace })
}

/// Where the ledger ends, as this connection sees it.
pub(super) fn head(conn: &Connection, identity: &Identity) -> rusqlite::Result<Head> {
    let last = conn
        .prepare_cached("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { seq: row.get(0)?, hash: Hash(row.get(1)?) }))
        .optional()?;
    Ok(last.unwrap_or(Head { seq: 0, hash: identity.genesis() }))
}

/// One row of `SELECT seq, hash, bytes`.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record { seq: row.get(0)?, hash: Hash(row.get(1)?), bytes: Bytes::from(row.get::<_, Vec<u8>>(2)?) })
}

/// Verifies that the last [`TAIL_RECORDS`] chain, and says where they end.
pub(super) fn check_tail(conn: &Connection, path: &Path, identity: &Identity) -> Result<Head, LedgerError> {
    let end = head(conn, identity).map_err(|error| explain(path, &error))?;
    let first = end.seq.saturating_sub(TAIL_RECORDS);
    let start = if first == 0 {
        Head { seq: 0, hash: identity.genesis() }
    } else {
        let hash = conn
            .query_row("SELECT hash FROM record WHERE seq = ?1", [first], |row| row.get(0))
            .optional()
            .map_err(|error| explain(path, &error))?
            .map(Hash);
        Head { seq: first, hash: hash.ok_or_else(|| missing(path, first))? }
    };
    let verified = check_from(conn, path, start, &mut |_| {})?;
    if verified == end { Ok(end) } else { Err(missing(path, verified.seq + 1)) }
}

/// Verifies everything after `start`, row by row as it lies on disk, telling `progress` each record as it is reached.
pub(super) fn check_from(
    conn: &Connection,
    path: &Path,
    start: Head,
    progress: &mut dyn FnMut(Head),
) -> Result<Head, LedgerError> {
    let mut verifier = Verifier::after(start);
    let damaged = |seq: u64, error: &rusqlite::Error| {
        let mut error = explain(path, error);
        if let LedgerError::Corrupt { seq: unknown @ None, .. } = &mut error {
            *unknown = Some(seq);
        }
        error
    };
    let mut rows = conn
        .prepare("SELECT seq, hash, bytes FROM record WHERE seq > ?1 ORDER BY seq")
        .map_err(|error| explain(path, &error))?;
    let mut rows = rows.query([start.seq]).map_err(|error| explain(path, &error))?;
    loop {
        let due = verifier.head().seq + 1;
        let Some(row) = rows.next().map_err(|error| damaged(due, &error))? else { break };
        let seq: u64 = row.get(0).map_err(|error| damaged(due, &error))?;
        let hash: [u8; 32] = row.get(1).map_err(|error| damaged(due, &error))?;
        let bytes = row
            .get_ref(2)
            .and_then(|value| value.as_blob().map_err(Into::into))
            .map_err(|error| damaged(due, &error))?;
        verifier.check(seq, Hash(hash), bytes).map_err(|broken| LedgerError::Corrupt {
            place: place(path),
            seq: Some(broken.seq()),
            reason: broken.to_string(),
        })?;
        progress(verifier.head());
    }
    Ok(verifier.head())
}

fn missing(path: &Path, seq: u64) -> LedgerError {
    LedgerError::Corrupt {
        place: place(path),
        seq: Some(seq),
        reason: "records are missing in front of the end".to_owned(),
    }
}

/// Brings what is in the write-ahead log into the file, synced, over a connection of its own that neither waits for the writer nor
/// lets it wait.
pub(super) fn checkpoint_beside(path: &Path) -> Result<(), LedgerError> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let explain = |error| explain(path, &error);
    for (name, value) in SYNCED {
        conn.pragma_update(None, name, value).map_err(explain)?;
    }
    // What is damaged in the log stays there.
    log::check_coming(&conn, path)?;
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(explain)
}

/// Brings the whole write-ahead log into the file, synced, and empties it. After a failed commit this is what makes
/// sure that its remains can't come back.
pub(super) fn checkpoint(conn: &Connection, path: &Path) -> Result<(), LedgerError> {
    let busy: i64 = conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(|error| explain(path, &error))?;
    if busy == 0 {
        return Ok(());
    }
    Err(LedgerError::Locked {
        place: place(path),
        reason: "the write-ahead log could not be emptied while others read it".to_owned(),
    })
}

/// How a path is named in errors.
pub(super) fn place(path: &Path) -> String {
    path.display().to_string()
}

/// An error of SQLite in our words.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> LedgerError {
    const SHORT_READ: i32 = rusqlite::ffi::SQLITE_IOERR_SHORT_READ;
    let (place, reason) = (place(path), error.to_string());
    if error.sqlite_error().is_some_and(|failure| failure.extended_code == SHORT_READ) {
        return LedgerError::Truncated { place, reason };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full { place, reason },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            LedgerError::Unwritable { place, reason }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            LedgerError::Locked { place, reason }
        }
        Some(ErrorCode::NotADatabase) => LedgerError::NotALedger { place, reason },
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => LedgerError::Io { place, reason },
        Some(_) | None => LedgerError::Corrupt { place, seq: None, reason },
    }
}

/// The error of the very first look into a file: SQLite calls one that lost its end malformed, although its header
/// says how many pages there should be.
///
/// This reads the file beside SQLite, and closing that descriptor drops every lock that this process holds on it. So
/// it is done only here, for a file that is beyond use anyhow.
fn explain_opening(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let corrupt = error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt);
    match corrupt.then(|| lengths(path)).flatten() {
        Some((length, due)) if length < due => {
            LedgerError::Truncated { place: place(path), reason: format!("it has {length} of {due} bytes") }
        }
        Some(_) | None => explain(path, error),
    }
}

/// How long the file is, and how long its header says it should be.
fn lengths(path: &Path) -> Option<(u64, u64)> {
    let mut header = Vec::new();
    fs::File::open(path).ok()?.take(100).read_to_end(&mut header).ok()?;
    let page = match u16::from_be_bytes(header.get(16..18)?.try_into().ok()?) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u32::from_be_bytes(header.get(28..32)?.try_into().ok()?);
    Some((fs::metadata(path).ok()?.len(), u64::from(pages) * page))
}
