//! A ledger in memory, for tests: nothing outlives the process. It can be told to fail or to be overtaken,
//! so that what happens around a failing disk is tested without one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    Append, Head, Identity, Ledger, LedgerError, LedgerId, MAX_READ_BYTES, MAX_READ_RECORDS, Record, chain,
    check_batch,
};

const PLACE: &str = "memory";

/// A mishap that one coming append meets.
#[derive(Debug, Clone)]
pub enum Mishap {
    /// The append fails, and nothing is recorded.
    Fails(LedgerError),
    /// The append fails, it is not known how, and the batch is there after all.
    RecordedButUnknown,
    /// Another writer is first with this batch.
    Overtaken(Vec<Bytes>),
}

#[derive(Debug)]
struct Inner {
    records: Vec<Record>,
    mishaps: VecDeque<Mishap>,
    /// Why it can't be taken up again after an error, if so.
    down: Option<LedgerError>,
    closed: bool,
}

/// A ledger that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryLedger {
    identity: Identity,
    inner: Mutex<Inner>,
    held: watch::Sender<bool>,
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new(id: LedgerId, workspace: &str) -> Self {
        let inner = Inner { records: Vec::new(), mishaps: VecDeque::new(), down: None, closed: false };
        Self {
            identity: Identity { id, workspace: workspace.to_owned() },
            inner: Mutex::new(inner),
            held: watch::Sender::new(false),
        }
    }

    /// Lets the next append that has none yet meet a mishap.
    pub fn prepare(&self, mishap: Mishap) {
        self.lock().mishaps.push_back(mishap);
    }

    /// Forgets its last records, as a file does that was put back from an older copy.
    pub fn lose(&self, count: usize) {
        let mut inner = self.lock();
        let left = inner.records.len().saturating_sub(count);
        inner.records.truncate(left);
    }

    /// Lets recovering fail with that error from now on, or succeed again.
    pub fn stay_down(&self, down: Option<LedgerError>) {
        self.lock().down = down;
    }

    /// Lets appends wait from now on, or go on: what happens while a disk takes its time is tested so.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// A panic elsewhere can't leave the records half-changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Inner>, LedgerError> {
        let inner = self.lock();
        if inner.closed { Err(LedgerError::Closed { place: PLACE.to_owned() }) } else { Ok(inner) }
    }

    fn end(&self, inner: &Inner) -> Head {
        let empty = Head { seq: 0, hash: self.identity.genesis() };
        inner.records.last().map_or(empty, Record::head)
    }

    fn append_now(&self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        check_batch(PLACE, &batch)?;
        let mut inner = self.open()?;
        let mishap = inner.mishaps.pop_front();
        if let Some(Mishap::Fails(error)) = mishap {
            return Err(error);
        }
        if let Some(Mishap::Overtaken(others)) = &mishap {
            let others = chain::seal(self.end(&inner), others.clone());
            inner.records.extend(others);
        }
        let head = self.end(&inner);
        if head != expected {
            return Ok(Append::Moved(head));
        }
        let records = chain::seal(head, batch);
        inner.records.extend(records.iter().cloned());
        if let Some(Mishap::RecordedButUnknown) = mishap {
            let cause = |reason: &str| {
                Box::new(LedgerError::Io { place: PLACE.to_owned(), reason: reason.to_owned() })
            };
            let (first, then) = (cause("the commit failed"), cause("it could not be looked at"));
            return Err(LedgerError::OutcomeUnknown { place: PLACE.to_owned(), first, then });
        }
        Ok(Append::Appended(records))
    }
}

impl Ledger for MemoryLedger {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn head(&self) -> Result<Head, LedgerError> {
        let inner = self.open()?;
        Ok(self.end(&inner))
    }

    async fn append(&self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        // The sender lives as long as this ledger, so that there is no error.
        self.held.subscribe().wait_for(|held| !held).await.map(drop).unwrap_or_default();
        self.append_now(expected, batch)
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, LedgerError> {
        let inner = self.open()?;
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let mut size = 0;
        let page = inner.records.iter().skip(after).take(limit.min(MAX_READ_RECORDS)).take_while(|record| {
            let room = size <= MAX_READ_BYTES;
            size += record.bytes.len();
            room
        });
        Ok(page.cloned().collect())
    }

    async fn read_many(&self, seqs: Vec<u64>, bytes: usize) -> Result<Vec<Record>, LedgerError> {
        let inner = self.open()?;
        let at = |seq: u64| usize::try_from(seq.checked_sub(1)?).ok().and_then(|at| inner.records.get(at));
        let mut size = 0;
        let found = seqs.into_iter().take(MAX_READ_RECORDS).filter_map(at).take_while(|record| {
            let room = size <= bytes;
            size += record.bytes.len();
            room
        });
        Ok(found.cloned().collect())
    }

    async fn recover(&self) -> Result<Head, LedgerError> {
        if let Some(error) = &self.lock().down {
            return Err(error.clone());
        }
        self.head().await
    }

    async fn close(&self) {
        self.lock().closed = true;
    }
}
