//! Keeps a workspace's index at its ledger's head: the ledger as the index's follower wants it, and who tells the follower that
//! there is news.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime;
use tokio::sync::watch;

use crate::coordinator::Handle;
use crate::domain::ids::Seq;
use crate::index::follow::{Record, Source};
use crate::ledger::{Hash, Head, Ledger as _, LedgerError, Verifier, room};

/// How long news gather before they are indexed.
const GATHER: Duration = Duration::from_millis(20);
/// How long they gather where the ledger is busy: a batch costs by the deed only where it is large, and whoever watches a busy
/// ledger follows its stream.
const GATHER_BUSY: Duration = Duration::from_millis(300);
/// From this many deeds while news gather on the ledger counts as busy.
const BUSY_DEEDS: u64 = 200;
/// By how much the follower's thread stands back where the processor is wanted by those who decide and answer: it gets a part that
/// is small and enough.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;
/// How many bytes a byte of the ledger takes in the index at most, its log and what is moved in it included.
const INDEXED: u64 = 4;

/// The ledger behind a coordinator.
pub(super) struct LedgerSource {
    pub(super) handle: Handle,
    /// Where the index lies.
    pub(super) folder: PathBuf,
    pub(super) runtime: runtime::Handle,
    /// Where the ledger ended when the follower was woken last.
    pub(super) told: Arc<AtomicU64>,
    /// Where the ledger ended when a batch was read last.
    pub(super) last: u64,
}

thread_local! {
    /// Whether this thread stands back already.
    static STANDS_BACK: Cell<bool> = const { Cell::new(false) };
}

/// Lets deciding and answering go first: the index may be behind for a moment, and says so.
fn stand_back() {
    if STANDS_BACK.replace(true) {
        return;
    }
    // On Linux this is the thread's own niceness, elsewhere the whole process's.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the index's thread can't stand back");
    }
}

/// Wakes the follower when there is news in the ledger, until following ends.
pub(super) async fn tell_news(
    handle: Handle,
    told: Arc<AtomicU64>,
    wake: impl Fn(),
    mut stop: watch::Receiver<bool>,
) {
    let news = async {
        let mut at = handle.head().seq;
        loop {
            told.store(at, Ordering::Release);
            wake();
            handle.reached(Seq(at + 1)).await;
            tokio::time::sleep(GATHER).await;
            if handle.head().seq.saturating_sub(at) >= BUSY_DEEDS {
                tokio::time::sleep(GATHER_BUSY).await;
            }
            at = handle.head().seq;
        }
    };
    tokio::select! {
        // A sender that is gone has stopped too.
        _ = stop.wait_for(|stop| *stop) => {}
        () = news => {}
    }
}

impl Source for LedgerSource {
    type Bytes = Bytes;
    type Error = LedgerError;

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Bytes>>, LedgerError> {
        stand_back();
        self.last = self.handle.head().seq;
        let records = self.runtime.block_on(self.handle.ledger().read(after.0, limit))?;
        let record = |record: crate::ledger::Record| Record {
            seq: Seq(record.seq),
            hash: record.hash.0,
            bytes: record.bytes,
        };
        let bytes: usize = records.iter().map(|record| record.bytes.len()).sum();
        if bytes > 0 {
            let taken = (bytes as u64).saturating_mul(INDEXED);
            room::for_cache(&self.folder, taken).map_err(|error| LedgerError::Full {
                place: self.folder.display().to_string(),
                reason: format!("the index stands back: {error}"),
            })?;
        }
        Ok(records.into_iter().map(record).collect())
    }

    fn read_checked(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Bytes>>, LedgerError> {
        let start = match self.hash_of(after)? {
            Some(hash) => Hash(hash),
            None => self.handle.identity().genesis(),
        };
        let records = self.read(after, limit)?;
        let mut verifier = Verifier::after(Head { seq: after.0, hash: start });
        for Record { seq, hash, bytes } in &records {
            if let Err(broken) = verifier.check(seq.0, Hash(*hash), bytes) {
                let error = LedgerError::Corrupt {
                    place: format!("the ledger of {}", self.handle.identity().workspace),
                    seq: Some(broken.seq()),
                    reason: broken.to_string(),
                };
                self.handle.found_damaged(error.clone());
                return Err(error);
            }
        }
        Ok(records)
    }

    fn hash_of(&mut self, seq: Seq) -> Result<Option<[u8; 32]>, LedgerError> {
        let record = self.runtime.block_on(self.handle.ledger().get(seq.0))?;
        Ok(record.map(|record| record.hash.0))
    }

    fn has_more(&mut self, after: Seq) -> bool {
        self.told.load(Ordering::Acquire) > after.0
    }

    /// As long as it worked, if many deeds came meanwhile: a low priority alone keeps no processor free, since a busy server's
    /// threads wait for each other and for the disk all the time. Reading history on a quiet ledger goes on at once.
    fn rest(&mut self, worked: Duration) -> Duration {
        let came = self.handle.head().seq.saturating_sub(self.last);
        if came < BUSY_DEEDS { Duration::ZERO } else { worked }
    }
}
