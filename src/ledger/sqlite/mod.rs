//! The ledger in one SQLite file: one connection that writes, some that read, and the threads of the process (`threads`) on
//! which they work. A ledger that nobody asks has no thread, and beside the connection that writes one that reads at most.
//!
//! A workspace is a file; its primary key is the sequence, which makes an append a compare-and-set for any number of
//! processes. There is no secondary index: searching is the index's work.

mod checkpointer;
mod file;
mod held;
mod log;
mod reader;
mod rebuild;
mod threads;
mod writer;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use reader::Readers;
pub use rebuild::Rebuild;
use rusqlite::Connection;
use tokio::sync::{Mutex, oneshot};
use writer::Writer;

use super::engine::{AnyLedger, Engine};
use super::{
    Append, Head, Identity, Ledger, LedgerError, MAX_READ_BYTES, MAX_READ_RECORDS, Record, Verified,
    check_batch, store,
};
use crate::domain::ids::WorkspaceId;

/// The ledger's file, in the folder of its workspace and in backups.
pub const FILE: &str = "ledger.db";
/// The name of the write-ahead log beside the ledger's file.
pub(super) fn log_of(file: &Path) -> OsString {
    file::beside(file, "-wal")
}

/// How many records are read at once where only their hashes are wanted.
const HEADS_READ: usize = 16;

/// Each workspace's ledger in a file of its own.
#[derive(Debug)]
pub struct Sqlite;

/// What stores ask.
pub(super) const ENGINE: Sqlite = Sqlite;

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn place(&self, folder: &Path) -> String {
        file::place(&folder.join(FILE))
    }

    fn list(&self, root: &Path) -> Result<Vec<WorkspaceId>, LedgerError> {
        store::folders(root, FILE, |name| !file::is_draft(name))
    }

    fn is_draft(&self, name: &str) -> bool {
        file::is_draft(name)
    }

    fn set_log_apart(&self, folder: &Path) -> Result<(), LedgerError> {
        file::set_log_apart(&folder.join(FILE))
    }

    fn create(&self, folder: &Path, workspace: &WorkspaceId) -> Result<AnyLedger, LedgerError> {
        Ok(SqliteLedger::open_or_create(&folder.join(FILE), workspace.as_str())?.into())
    }

    fn identity(&self, folder: &Path) -> Result<Identity, LedgerError> {
        file::open_for_verifying(&folder.join(FILE)).map(|(_, identity)| identity)
    }

    fn open(&self, folder: &Path) -> Result<AnyLedger, LedgerError> {
        Ok(SqliteLedger::open(&folder.join(FILE))?.into())
    }

    fn verify(&self, folder: &Path, progress: &mut dyn FnMut(Head)) -> Result<Verified, LedgerError> {
        verify(&folder.join(FILE), progress)
    }

    fn inspect(&self, folder: &Path) -> Result<(Verified, Option<Record>), LedgerError> {
        inspect(&folder.join(FILE))
    }

    fn read_all(&self, folder: &Path, each: &mut dyn FnMut(Record)) -> Result<Verified, LedgerError> {
        read_all(&folder.join(FILE), each)
    }

    fn has(&self, folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    fn heads(&self, folder: &Path, seqs: &[u64]) -> Result<Vec<Head>, LedgerError> {
        heads(&folder.join(FILE), seqs)
    }

    fn copy(&self, folder: &Path, to: &Path) -> Result<(), LedgerError> {
        copy(&folder.join(FILE), &to.join(FILE))
    }

    fn restore(&self, from: &Path, root: &Path) -> Result<(), LedgerError> {
        fs::rename(from, root).map_err(|error| LedgerError::of_system(root, &error))
    }
}

/// One workspace's ledger, open for appending.
#[derive(Debug)]
pub struct SqliteLedger {
    place: String,
    identity: Identity,
    /// In front of what writes: let go of without a close, they go first.
    readers: Arc<Readers>,
    /// Absent once it was closed, or broke. Whoever has it writes; the others wait for their turns.
    writer: Arc<Mutex<Option<Writer>>>,
    failed_checkpoints: Arc<AtomicU64>,
}

impl SqliteLedger {
    /// Opens the ledger of `workspace` at `path`, and creates it if there is none.
    pub fn open_or_create(path: &Path, workspace: &str) -> Result<Self, LedgerError> {
        if let Ok(false) = fs::exists(path) {
            file::create(path, workspace)?;
        }
        let ledger = Self::open(path)?;
        if ledger.identity.workspace == workspace {
            return Ok(ledger);
        }
        Err(LedgerError::WrongWorkspace {
            place: ledger.place,
            found: ledger.identity.workspace,
            wanted: workspace.to_owned(),
        })
    }

    /// Opens a ledger that exists, and verifies its tail.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let (writer, identity) = Writer::open(path)?;
        let readers = Readers::open(path)?;
        let failed_checkpoints = writer.failed_checkpoints();
        let writer = Arc::new(Mutex::new(Some(writer)));
        Ok(Self { place: file::place(path), identity, writer, readers, failed_checkpoints })
    }

    /// Has something done by the connection that writes. Once it has begun it is done, whether or not anybody waits for it;
    /// who asked is answered before what is left to do after it.
    async fn ask_writer<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Writer) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let mut turn = Arc::clone(&self.writer).lock_owned().await;
        let mut writer = turn.take().ok_or_else(|| self.closed())?;
        let (reply, answer) = oneshot::channel();
        let work = move || {
            // A caller that went away misses its answer, nothing else.
            drop(reply.send(ask(&mut writer)));
            writer.keep_what_is_left();
            *turn = Some(writer);
        };
        threads::WRITING.run(work).map_err(|error| self.no_thread(&error))?;
        answer.await.map_err(|_| self.closed())?
    }

    async fn ask_reader<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let place = self.readers.place().await.ok_or_else(|| self.closed())?;
        let (reply, answer) = oneshot::channel();
        let readers = Arc::clone(&self.readers);
        let work = move || {
            let found = readers.query(ask);
            drop(place);
            drop(reply.send(found));
        };
        threads::READING.run(work).map_err(|error| self.no_thread(&error))?;
        answer.await.map_err(|_| self.closed())?
    }

    fn closed(&self) -> LedgerError {
        LedgerError::Closed { place: self.place.clone() }
    }

    fn no_thread(&self, error: &std::io::Error) -> LedgerError {
        let reason = format!("no thread could be started: {error}");
        LedgerError::Io { place: self.place.clone(), reason }
    }
}

impl Ledger for SqliteLedger {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn head(&self) -> Result<Head, LedgerError> {
        let identity = self.identity.clone();
        self.ask_reader(move |conn| file::head(conn, &identity)).await
    }

    async fn append(&self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        check_batch(&self.place, &batch)?;
        self.ask_writer(move |writer| writer.append(expected, batch)).await
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, LedgerError> {
        self.ask_reader(move |conn| reader::read(conn, after, limit)).await
    }

    async fn read_many(&self, seqs: Vec<u64>, bytes: usize) -> Result<Vec<Record>, LedgerError> {
        self.ask_reader(move |conn| reader::read_many(conn, &seqs, bytes)).await
    }

    async fn look(&self) -> Result<(), LedgerError> {
        self.ask_writer(Writer::look_each_second).await
    }

    async fn recover(&self) -> Result<Head, LedgerError> {
        self.ask_writer(Writer::recover).await
    }

    fn failed_checkpoints(&self) -> u64 {
        self.failed_checkpoints.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        self.readers.close().await;
        // Last, so that the writer's connection is the one that tidies the write-ahead log away.
        let mut turn = Arc::clone(&self.writer).lock_owned().await;
        let Some(writer) = turn.take() else { return };
        let (reply, done) = oneshot::channel();
        let work = move || {
            writer.close();
            drop(turn);
            reply.send(()).unwrap_or_default();
        };
        // Without a thread it is closed where it is dropped.
        threads::WRITING.run(work).unwrap_or_default();
        done.await.unwrap_or_default();
    }
}

/// Verifies the whole chain in the file, also while another process appends to it: what is there on beginning is
/// read. `progress` is told each record as it is reached. Blocks; call it off the runtime's threads.
pub fn verify(path: &Path, mut progress: impl FnMut(Head)) -> Result<Verified, LedgerError> {
    let (conn, identity) = file::open_for_verifying(path)?;
    log::check(&conn, path)?;
    let snapshot = conn.unchecked_transaction().map_err(|error| file::explain(path, &error))?;
    let end = file::head(&snapshot, &identity).map_err(|error| file::explain(path, &error))?;
    let start = Head { seq: 0, hash: identity.genesis() };
    let head = file::check_from(&snapshot, path, start, &mut progress)?;
    if head == end {
        return Ok(Verified { identity, head });
    }
    Err(LedgerError::Corrupt {
        place: file::place(path),
        seq: Some(head.seq + 1),
        reason: format!("the records can be followed to {} only, the last one is {}", head.seq, end.seq),
    })
}

/// Reads every record of the file in order, the chain verified first, also while another process appends to it. Blocks.
///
/// # Errors
/// When it is no ledger, or its chain does not hold.
pub fn read_all(path: &Path, mut each: impl FnMut(Record)) -> Result<Verified, LedgerError> {
    let verified = verify(path, |_| {})?;
    let (conn, _) = file::open_for_verifying(path)?;
    let mut after = 0;
    while after < verified.head.seq {
        let page =
            reader::read(&conn, after, MAX_READ_RECORDS).map_err(|error| file::explain(path, &error))?;
        let Some(last) = page.last().map(|record| record.seq) else { break };
        page.into_iter().filter(|record| record.seq <= verified.head.seq).for_each(&mut each);
        after = last;
    }
    Ok(verified)
}

/// Looks at the end of a ledger: the tail chains, where it ends, and its last record.
fn inspect(path: &Path) -> Result<(Verified, Option<Record>), LedgerError> {
    let (conn, identity) = file::open_for_verifying(path)?;
    log::check(&conn, path)?;
    let explain = |error| file::explain(path, &error);
    let snapshot = conn.unchecked_transaction().map_err(explain)?;
    let head = file::check_tail(&snapshot, path, &identity)?;
    let last = reader::read_many(&snapshot, &[head.seq], MAX_READ_BYTES).map_err(explain)?.pop();
    Ok((Verified { identity, head }, last))
}

/// Where it would end with each of these records.
fn heads(path: &Path, seqs: &[u64]) -> Result<Vec<Head>, LedgerError> {
    let (conn, _) = file::open_for_verifying(path)?;
    let mut heads = Vec::with_capacity(seqs.len());
    for some in seqs.chunks(HEADS_READ) {
        let records =
            reader::read_many(&conn, some, usize::MAX).map_err(|error| file::explain(path, &error))?;
        heads.extend(records.iter().map(Record::head));
    }
    Ok(heads)
}

/// Copies the ledger into a new file as it is at one moment.
fn copy(path: &Path, to: &Path) -> Result<(), LedgerError> {
    let (conn, _) = file::open_for_verifying(path)?;
    let name = to.to_str().ok_or_else(|| LedgerError::Io {
        place: file::place(to),
        reason: "the file's name is not UTF-8".to_owned(),
    })?;
    conn.execute("VACUUM INTO ?1", [name]).map_err(|error| file::explain(to, &error))?;
    fs::File::open(to).and_then(|copy| copy.sync_all()).map_err(|error| LedgerError::of_system(to, &error))
}
