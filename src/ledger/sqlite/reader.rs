//! What reads: connections that can't write and that the writer never makes wait. One that is not used is kept, a second is
//! opened when two read at once; of those that all ledgers keep, the one that was used longest ago makes place.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::file;
use crate::ledger::{LedgerError, MAX_READ_BYTES, MAX_READ_RECORDS, Record};

/// How many connections of one ledger read side by side.
const READERS: usize = 2;
/// Most connections that are kept while nobody uses them, of all ledgers of the process.
const KEPT: usize = 256;

/// Those that are kept: which ledger's, the one that was used last at the end.
static IDLE: Mutex<VecDeque<(u64, Connection)>> = Mutex::new(VecDeque::new());
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The connections of one ledger.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    number: u64,
    places: Arc<Semaphore>,
}

impl Readers {
    /// Opens the first.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, LedgerError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let places = Arc::new(Semaphore::new(READERS));
        let readers = Self { path: path.to_owned(), number, places };
        let (conn, _) = file::open_reader(path)?;
        readers.keep(conn);
        Ok(Arc::new(readers))
    }

    /// A place to read at; none once they are closed.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Asks over one of them, for whoever has a place. After an error it is not used again.
    pub(super) fn query<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let kept = {
            let mut idle = idle();
            let at = idle.iter().rposition(|(number, _)| *number == self.number);
            at.and_then(|at| idle.remove(at))
        };
        let conn = match kept {
            Some((_, conn)) => conn,
            None => file::open_reader(&self.path)?.0,
        };
        let answer = ask(&conn).map_err(|error| file::explain(&self.path, &error))?;
        self.keep(conn);
        Ok(answer)
    }

    fn keep(&self, conn: Connection) {
        let mut idle = idle();
        idle.push_back((self.number, conn));
        let over = if idle.len() > KEPT { idle.pop_front() } else { None };
        drop(idle);
        // Closed when nobody waits for the list.
        drop(over);
    }

    /// Waits for those who read, and closes all of them.
    pub(super) async fn close(&self) {
        let most = u32::try_from(READERS).unwrap_or(u32::MAX);
        let all = self.places.acquire_many(most).await;
        self.places.close();
        drop(all);
        self.let_go();
    }

    fn let_go(&self) {
        let mut idle = idle();
        let all = std::mem::take(&mut *idle);
        let (ours, others): (VecDeque<_>, _) =
            all.into_iter().partition(|(number, _)| *number == self.number);
        *idle = others;
        drop(idle);
        // Closed when nobody waits for the list.
        drop(ours);
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.let_go();
    }
}

fn idle() -> MutexGuard<'static, VecDeque<(u64, Connection)>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn read(conn: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Record>> {
    let limit = limit.min(MAX_READ_RECORDS);
    let mut statement =
        conn.prepare_cached("SELECT seq, hash, bytes FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = statement.query(params![in_range(after), limit])?;
    let (mut page, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let record = file::record(row)?;
        size += record.bytes.len();
        page.push(record);
        if size > MAX_READ_BYTES {
            break;
        }
    }
    Ok(page)
}

pub(super) fn read_many(conn: &Connection, seqs: &[u64], bytes: usize) -> rusqlite::Result<Vec<Record>> {
    let mut statement = conn.prepare_cached("SELECT seq, hash, bytes FROM record WHERE seq = ?1")?;
    let (mut found, mut size) = (Vec::new(), 0);
    for seq in seqs.iter().take(MAX_READ_RECORDS) {
        let Some(record) = statement.query_row([in_range(*seq)], file::record).optional()? else { continue };
        size += record.bytes.len();
        found.push(record);
        if size > bytes {
            break;
        }
    }
    Ok(found)
}

/// SQLite's numbers end earlier than ours; beyond its last one there are no records either.
fn in_range(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
