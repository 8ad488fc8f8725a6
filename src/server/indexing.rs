//! Keeps a workspace's index at its ledger's head: the ledger as the index's follower wants it, on the follower's own
//! thread.

use std::time::Duration;

use bytes::Bytes;
use tokio::{runtime, sync::watch, time::timeout};

use crate::{
    coordinator::Handle,
    domain::ids::Seq,
    index::follow::{Record, Source},
    ledger::{Ledger as _, LedgerError},
};

/// How long news gather before they are indexed, so that a busy ledger is not indexed deed by deed.
const GATHER: Duration = Duration::from_millis(20);
/// How long the follower sleeps at most.
const NAP: Duration = Duration::from_secs(5);

/// The ledger behind a coordinator.
pub(super) struct LedgerSource {
    pub(super) handle: Handle,
    pub(super) runtime: runtime::Handle,
    /// True once following ends.
    pub(super) stop: watch::Receiver<bool>,
}

impl Source for LedgerSource {
    type Bytes = Bytes;
    type Error = LedgerError;

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Bytes>>, LedgerError> {
        let records = self.runtime.block_on(self.handle.ledger().read(after.0, limit))?;
        let record = |record: crate::ledger::Record| Record {
            seq: Seq(record.seq),
            hash: record.hash.0,
            bytes: record.bytes,
        };
        Ok(records.into_iter().map(record).collect())
    }

    fn hash_of(&mut self, seq: Seq) -> Result<Option<[u8; 32]>, LedgerError> {
        let record = self.runtime.block_on(self.handle.ledger().get(seq.0))?;
        Ok(record.map(|record| record.hash.0))
    }

    fn wait(&mut self, after: Seq) -> bool {
        let Self { handle, runtime, stop } = self;
        runtime.block_on(async {
            let mut stopped = stop.clone();
            tokio::select! {
                // A sender that is gone has stopped too.
                _ = stopped.wait_for(|stop| *stop) => false,
                _ = timeout(NAP, handle.reached(after.next())) => {
                    tokio::select! {
                        _ = stop.wait_for(|stop| *stop) => false,
                        () = tokio::time::sleep(GATHER) => true,
                    }
                }
            }
        })
    }
}
