//! Keeps a workspace's index at its ledger's head: the ledger as the index's follower wants it, on the follower's own
//! thread.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::coordinator::Handle;
use crate::domain::ids::Seq;
use crate::index::follow::{Record, Source};
use crate::ledger::{Hash, Head, Ledger as _, LedgerError, Verifier, room};

/// How long news gather before they are indexed.
const GATHER: Duration = Duration::from_millis(20);
/// How long they gather where the ledger is busy: few large transactions cost the index far less than many small ones,
/// and whoever watches a busy ledger follows its stream.
const GATHER_BUSY: Duration = Duration::from_secs(1);
/// From this many deeds between two waits on the ledger counts as busy.
const BUSY_DEEDS: usize = 1_000;
/// How much longer than it worked the follower rests where the ledger is busy: it gets a third of one processor then, falls
/// behind if that is not enough, and catches up when the load is over.
const BUSY_REST: u32 = 2;
/// The longest it rests so.
const MOST_REST: Duration = Duration::from_secs(2);
/// By how much the follower's thread stands back where the processor is wanted by those who decide and answer.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 19;
/// How many bytes a byte of the ledger takes in the index at most, its log and what is moved in it included.
const INDEXED: u64 = 4;
/// How long the follower sleeps at most.
const NAP: Duration = Duration::from_secs(5);

/// The ledger behind a coordinator.
pub(super) struct LedgerSource {
    pub(super) handle: Handle,
    /// Where the index lies.
    pub(super) folder: PathBuf,
    pub(super) runtime: runtime::Handle,
    /// True once following ends.
    pub(super) stop: watch::Receiver<bool>,
    /// Whether its thread stands back already.
    pub(super) nice: bool,
    /// Deeds read since it last waited.
    pub(super) read: usize,
    /// When it last read, and where the ledger ended then.
    pub(super) last: Option<(Instant, u64)>,
}

impl LedgerSource {
    /// Lets deciding and answering go first: the index may be behind for a moment, and says so.
    fn stand_back(&mut self) {
        if self.nice {
            return;
        }
        self.nice = true;
        // On Linux this is the thread's own niceness, elsewhere the whole process's.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "the index's thread can't stand back");
        }
    }

    /// Rests after a page if many deeds came meanwhile: a low priority alone keeps no processor free, since a busy
    /// server's threads wait for each other and for the disk all the time. Reading history on a quiet ledger goes on at
    /// once.
    fn rest(&mut self) {
        let Some((then, head)) = self.last.take() else { return };
        let came = self.handle.head().seq.saturating_sub(head);
        if came < BUSY_DEEDS as u64 {
            return;
        }
        let pause = (then.elapsed() * BUSY_REST).min(MOST_REST);
        let Self { runtime, stop, .. } = self;
        // Stopped or rested: the follower looks for itself.
        runtime.block_on(async { drop(timeout(pause, stop.wait_for(|stop| *stop)).await) });
    }
}

impl Source for LedgerSource {
    type Bytes = Bytes;
    type Error = LedgerError;

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Bytes>>, LedgerError> {
        self.stand_back();
        self.rest();
        self.last = Some((Instant::now(), self.handle.head().seq));
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
        self.read += records.len();
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

    fn wait(&mut self, after: Seq) -> bool {
        let gather = if self.read >= BUSY_DEEDS { GATHER_BUSY } else { GATHER };
        self.read = 0;
        self.last = None;
        let Self { handle, runtime, stop, .. } = self;
        runtime.block_on(async {
            let mut stopped = stop.clone();
            tokio::select! {
                // A sender that is gone has stopped too.
                _ = stopped.wait_for(|stop| *stop) => false,
                _ = timeout(NAP, handle.reached(after.next())) => {
                    tokio::select! {
                        _ = stop.wait_for(|stop| *stop) => false,
                        () = tokio::time::sleep(gather) => true,
                    }
                }
            }
        })
    }
}
