//! The searchable read model of one workspace: filtered pages, counts, histograms, traces and statistics over deeds.
//!
//! It is a cache in a file of its own: no truth lives here, it may be deleted at any time, and it is rebuilt from the
//! ledger when its version or its ledger is another one. It answers with sequence numbers; the bytes stay in the
//! ledger. What a filter means is `domain::filter`; here is only how its deeds are found fast.
//!
//! Everything here blocks on the disk: call it from a blocking thread. One thread writes, for all workspaces ([`follow`]); any
//! number read, each on a connection and a snapshot of its own, and none waits for the writer. An index that nobody uses has no
//! connection.

mod apply;
mod check;
pub mod follow;
mod keep;
mod lexicon;
mod page;
mod plan;
mod posts;
mod query;
mod schema;
mod sieve;
mod stats;
mod terms;
#[cfg(test)]
mod tests;
mod texts;
mod trace;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use rusqlite::vtab::array;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use self::lexicon::Lexicon;
use crate::domain::ids::Seq;

pub use check::Looked;
pub use page::{Bucket, Count, HISTOGRAM_BUCKETS, Histogram, PAGE_LIMIT, Page, PageFrom, Tally};
pub use stats::{Contested, FieldStats, Known, LastWrite, STATS_WINDOW, Tried};
pub use trace::{CHAIN_CAUSES, CHAIN_EFFECTS, Chain, Effect};

/// The name of a workspace's index in its folder.
pub const FILE: &str = "index.db";
/// Most idle connections kept for readers.
const IDLE_READERS: usize = 4;
/// Pages that the connection keeps which writes, in KiB: what a batch touches.
const WRITER_PAGES: i32 = 16 * 1_024;
/// Pages that one keeps which reads, in KiB: what a question comes back to. The next question finds the file changed and all that is
/// kept of it let go, or the file in the system's cache.
const READER_PAGES: i32 = 2 * 1_024;
/// How many compiled statements a connection keeps.
const STATEMENTS: usize = 64;

/// Why the index could not answer. A broken file is mended by [`Index::reset`]: nothing is lost with it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file can't be opened, created or removed.
    #[error(
        "the index {path:?} can't be opened: {source}; check the data directory's permissions and free space"
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite failed.
    #[error("the index failed: {0}; delete its file and it is rebuilt from the ledger")]
    Sqlite(#[from] rusqlite::Error),
    /// It says something else than the ledger.
    #[error("the index is wrong: {what}; it is rebuilt from the ledger")]
    Wrong {
        /// Where.
        what: String,
    },
    /// Deeds were given that do not follow the head.
    #[error(
        "the index has deeds up to {head} but was given {given}; it must follow the ledger without a gap"
    )]
    Gap {
        /// The last one it has.
        head: Seq,
        /// The first one given.
        given: Seq,
    },
}

impl IndexError {
    /// Whether only [`Index::reset`] mends it.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::File { .. } => false,
            Self::Gap { .. } | Self::Wrong { .. } => true,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(code) => {
                    matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
                }
                None => true,
            },
        }
    }
}

/// One record of the ledger, as [`Index::apply`] takes it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its number.
    pub seq: Seq,
    /// Its chain hash, by which a ledger that was replaced is told.
    pub hash: &'a [u8],
    /// The deed as stored.
    pub bytes: &'a [u8],
}

/// How far the index has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last deed it has; 0 if none.
    pub seq: Seq,
    /// That deed's chain hash; empty if none.
    pub hash: Vec<u8>,
}

/// The index of one workspace.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    identity: String,
    writer: Mutex<Writer>,
    readers: Mutex<Readers>,
    /// A reader found that it is broken.
    broken: Mutex<Option<IndexError>>,
    /// When something was asked or written last.
    used: Mutex<Instant>,
}

/// The connection that writes, none while the index is closed, and the terms that it knows.
#[derive(Debug, Default)]
struct Writer {
    connection: Option<Connection>,
    lexicon: Lexicon,
}

/// Idle connections, all of the file's present generation.
#[derive(Debug, Default)]
struct Readers {
    generation: u64,
    idle: Vec<Connection>,
}

impl Index {
    /// Opens the index of the ledger with that identity, or makes an empty one where the file is absent, broken, of
    /// another version, or of another ledger.
    ///
    /// # Errors
    /// When the file can neither be used nor replaced.
    pub fn open(path: &Path, identity: &str) -> Result<Self, IndexError> {
        let usable = path.is_file()
            && are_files(path)
            && connect(path, false)
                .is_ok_and(|connection| schema::fits(&connection, identity).unwrap_or(false));
        if !usable {
            create(path, identity)?;
        }
        Ok(Self {
            path: path.to_owned(),
            identity: identity.to_owned(),
            writer: Mutex::default(),
            readers: Mutex::default(),
            broken: Mutex::default(),
            used: Mutex::new(Instant::now()),
        })
    }

    /// Throws everything away and starts from an empty index. Readers at work finish on the old file.
    ///
    /// # Errors
    /// When the file can't be replaced.
    pub fn reset(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.generation += 1;
        readers.idle.clear();
        // The old file is let go of before its place is taken.
        *writer = Writer::default();
        create(&self.path, &self.identity)
    }

    /// How far it has got.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn head(&self) -> Result<Head, IndexError> {
        self.read(head)
    }

    /// Takes the next deeds of the ledger, all in one transaction. Bytes that are no deed are indexed as text; they
    /// never stop the index.
    ///
    /// # Errors
    /// [`IndexError::Gap`] when the entries do not follow the head; nothing is written then.
    pub fn apply(&self, entries: &[Entry<'_>]) -> Result<(), IndexError> {
        self.note_use();
        let Writer { connection, lexicon } = &mut *self.writer();
        let connection = match connection {
            Some(connection) => connection,
            closed => closed.insert(self.reopened()?),
        };
        apply::apply(connection, lexicon, entries)
    }

    /// A connection to the file, which nobody may have changed while it was closed.
    fn reopened(&self) -> Result<Connection, IndexError> {
        let connection = connect(&self.path, true)?;
        if schema::fits(&connection, &self.identity)? {
            return Ok(connection);
        }
        Err(IndexError::Wrong { what: "it is another one than it was".to_owned() })
    }

    /// Lets go of the file where nothing was asked or written for so long; the next question opens it again.
    pub(super) fn close_if_idle(&self, idle: Duration) {
        if self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < idle {
            return;
        }
        *self.writer() = Writer::default();
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).idle.clear();
    }

    fn note_use(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Remembers that it is broken, where that is why something failed: whoever follows the ledger starts it anew.
    fn suspect(&self, error: IndexError) -> IndexError {
        if error.is_broken() {
            let told = IndexError::Wrong { what: error.to_string() };
            self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(told);
        }
        error
    }

    /// That it is broken, if a reader has found so since it was asked last.
    pub(super) fn take_broken(&self) -> Option<IndexError> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the same is so; it is taken later.
    pub(super) fn is_suspected(&self) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // A panic inside a transaction rolls it back, so a poisoned writer is as good as before.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a question on a connection of its own, within one snapshot.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, IndexError>) -> Result<T, IndexError> {
        self.note_use();
        let (generation, connection) = {
            // Held while opening, so that no reader looks for the file while it is being replaced.
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = readers.idle.pop();
            (readers.generation, if let Some(connection) = idle { connection } else { reader(&self.path)? })
        };
        let asked = connection.unchecked_transaction().map_err(IndexError::from).and_then(|transaction| {
            let answer = ask(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        });
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_ok() && readers.generation == generation && readers.idle.len() < IDLE_READERS {
            readers.idle.push(connection);
        } else {
            // Nobody puts another file in the place meanwhile: who closes one last takes away by name what lies beside it.
            drop(connection);
        }
        drop(readers);
        asked.map_err(|error| self.suspect(error))
    }
}

/// The last deed of the ledger with that identity that the index in a file has seen, and its chain hash; none where there is
/// no such index, or its word is not as it was written. Nothing is made or mended.
pub fn witness(path: &Path, identity: &str) -> Option<Head> {
    let connection = look(path).ok()?;
    if !schema::fits(&connection, identity).ok()? {
        return None;
    }
    let found = head(&connection).ok()?;
    let sealed: Vec<u8> = connection.query_row("SELECT seal FROM meta", [], |row| row.get(0)).ok()?;
    let fits = sealed == schema::seal(identity, to_sql(found.seq.0), &found.hash);
    (fits && found.seq > Seq(0)).then_some(found)
}

fn head(connection: &Connection) -> Result<Head, IndexError> {
    let mut statement = connection.prepare_cached("SELECT head, hash FROM meta")?;
    let (seq, hash) = statement.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
    Ok(Head { seq: Seq(from_sql(seq)), hash })
}

/// Takes the index in that file away; there may be none.
///
/// # Errors
/// When the system refuses.
pub fn remove(path: &Path) -> Result<(), IndexError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(IndexError::File { path: file.into(), source });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Puts an empty index in the file's place.
fn create(path: &Path, identity: &str) -> Result<(), IndexError> {
    let failed = |path: &Path, source| IndexError::File { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
    }
    remove(path)?;
    schema::create(&mut connect(path, true)?, identity)
}

fn connect(path: &Path, create: bool) -> Result<Connection, IndexError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags)?;
    // A crash may lose or break the index; then it is rebuilt. Said first: also the log's beginning is synced otherwise.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -WRITER_PAGES)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Opens the file for looking only. Where its folder refuses writing, one that lies there closed is read as it is.
fn look(path: &Path) -> Result<Connection, IndexError> {
    if !path.is_file() || !are_files(path) {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it, or what lies beside it, is no file");
        return Err(IndexError::File { path: path.to_owned(), source });
    }
    let opened = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .and_then(|connection| {
        connection.query_row("SELECT 1 FROM meta", [], |_| Ok(()))?;
        Ok(connection)
    });
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match opened {
        Err(_) if !Path::new(&log).exists() && path.exists() => Ok(look_at_closed(path)?),
        opened => Ok(opened?),
    }
}

/// Whether what is there of it are files: a pipe in the place of one would be waited at.
fn are_files(path: &Path) -> bool {
    ["", "-wal", "-shm", "-journal"].iter().all(|suffix| {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        fs::metadata(file).map_or(true, |about| about.is_file())
    })
}

fn look_at_closed(path: &Path) -> Result<Connection, rusqlite::Error> {
    let escaped = |sign: char| match sign {
        '%' | '?' | '#' => format!("%{:02x}", u32::from(sign)),
        _ => sign.to_string(),
    };
    let name: String = path.to_string_lossy().chars().map(escaped).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

fn reader(path: &Path) -> Result<Connection, IndexError> {
    let connection = connect(path, false)?;
    connection.pragma_update(None, "cache_size", -READER_PAGES)?;
    connection.execute_batch(terms::PICKS)?;
    array::load_module(&connection)?;
    texts::teach(&connection)?;
    Ok(connection)
}

/// SQLite counts in signed numbers; beyond them everything is the largest.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
