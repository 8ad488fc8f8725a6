//! The ledger in one SQLite file: a thread that writes, threads that read, and bounded queues to both.
//!
//! A workspace is a file; its primary key is the sequence, which makes an append a compare-and-set for any number of
//! processes. There is no secondary index: searching is the index's work.

mod checkpointer;
mod file;
mod held;
mod log;
mod reader;
mod rebuild;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::{fs, thread};

use bytes::Bytes;
use reader::Reader;
pub use rebuild::Rebuild;
use tokio::sync::{mpsc, oneshot};
use writer::Writer;

use super::engine::Engine;
use super::{
    Append, Head, Identity, Ledger, LedgerError, MAX_READ_RECORDS, Record, Verified, check_batch, store,
};

/// The ledger's file, in the folder of its workspace and in backups.
pub const FILE: &str = "ledger.db";
/// How many records are read at once where only their hashes are wanted.
const HEADS_READ: usize = 16;

/// The row of this engine.
pub(super) const ENGINE: Engine = Engine {
    name: "sqlite",
    place: |folder| file::place(&folder.join(FILE)),
    list: |root| store::folders(root, |name| !file::is_draft(name)),
    is_draft: file::is_draft,
    set_log_apart: |folder| file::set_log_apart(&folder.join(FILE)),
    create: |folder, workspace| {
        Ok(SqliteLedger::open_or_create(&folder.join(FILE), workspace.as_str())?.into())
    },
    open: |folder| Ok(SqliteLedger::open(&folder.join(FILE))?.into()),
    verify: |folder, progress| verify(&folder.join(FILE), progress),
    inspect: |folder| inspect(&folder.join(FILE)),
    heads: |folder, seqs| heads(&folder.join(FILE), seqs),
    copy: |folder, to| copy(&folder.join(FILE), &to.join(FILE)),
    restore: |from, root| fs::rename(from, root).map_err(|error| LedgerError::of_system(root, &error)),
};

/// How many connections read side by side.
const READERS: usize = 2;
/// How many requests wait for a thread before the next caller waits for a place.
const QUEUE: usize = 64;

/// One workspace's ledger, open for appending.
#[derive(Debug)]
pub struct SqliteLedger {
    place: String,
    identity: Identity,
    writer: mpsc::Sender<writer::Command>,
    readers: Vec<mpsc::Sender<reader::Command>>,
    turn: AtomicUsize,
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
        let readers: Vec<Reader> = (0..READERS).map(|_| Reader::open(path)).collect::<Result<_, _>>()?;
        let failed_checkpoints = writer.failed_checkpoints();
        let (to_writer, commands) = mpsc::channel(QUEUE);
        start(path, "ledger-writer", move || writer.run(commands))?;
        let mut to_readers = Vec::with_capacity(READERS);
        for reader in readers {
            let (to_reader, commands) = mpsc::channel(QUEUE);
            start(path, "ledger-reader", move || reader.run(commands))?;
            to_readers.push(to_reader);
        }
        Ok(Self {
            place: file::place(path),
            identity,
            writer: to_writer,
            readers: to_readers,
            turn: AtomicUsize::new(0),
            failed_checkpoints,
        })
    }

    async fn ask_writer<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> writer::Command,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(command(reply)).await.map_err(|_| self.closed())?;
        answer.await.map_err(|_| self.closed())
    }

    async fn ask_reader<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> reader::Command,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % READERS;
        let reader = self.readers.get(turn).ok_or_else(|| self.closed())?;
        reader.send(command(reply)).await.map_err(|_| self.closed())?;
        answer.await.map_err(|_| self.closed())
    }

    fn closed(&self) -> LedgerError {
        LedgerError::Closed { place: self.place.clone() }
    }
}

fn start(path: &Path, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), LedgerError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(|error| LedgerError::Io {
        place: file::place(path),
        reason: format!("no thread could be started: {error}"),
    })
}

impl Ledger for SqliteLedger {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn head(&self) -> Result<Head, LedgerError> {
        self.ask_reader(|reply| reader::Command::Head { reply }).await?
    }

    async fn append(&self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        check_batch(&self.place, &batch)?;
        self.ask_writer(|reply| writer::Command::Append { expected, batch, reply }).await?
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, LedgerError> {
        self.ask_reader(|reply| reader::Command::Read { after, limit, reply }).await?
    }

    async fn read_many(&self, seqs: Vec<u64>) -> Result<Vec<Record>, LedgerError> {
        self.ask_reader(|reply| reader::Command::ReadMany { seqs, reply }).await?
    }

    async fn look(&self) -> Result<(), LedgerError> {
        self.ask_writer(|reply| writer::Command::Look { reply }).await?
    }

    async fn recover(&self) -> Result<Head, LedgerError> {
        self.ask_writer(|reply| writer::Command::Recover { reply }).await?
    }

    fn failed_checkpoints(&self) -> u64 {
        self.failed_checkpoints.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        for reader in &self.readers {
            let (reply, done) = oneshot::channel();
            if reader.send(reader::Command::Close { reply }).await.is_ok() {
                // A reader that is gone already has closed its file too.
                done.await.unwrap_or_default();
            }
        }
        // Last, so that the writer's connection is the one that tidies the write-ahead log away.
        self.ask_writer(|reply| writer::Command::Close { reply }).await.unwrap_or_default();
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
    let last = reader::read_many(&snapshot, &[head.seq]).map_err(explain)?.pop();
    Ok((Verified { identity, head }, last))
}

/// Where it would end with each of these records.
fn heads(path: &Path, seqs: &[u64]) -> Result<Vec<Head>, LedgerError> {
    let (conn, _) = file::open_for_verifying(path)?;
    let mut heads = Vec::with_capacity(seqs.len());
    for some in seqs.chunks(HEADS_READ) {
        let records = reader::read_many(&conn, some).map_err(|error| file::explain(path, &error))?;
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
