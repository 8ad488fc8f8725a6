//! Keeps a workspace's index at its ledger's head: the ledger as the index's follower wants it, on the follower's own
//! thread.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{runtime, sync::watch, time::timeout};

use crate::{
    coordinator::{Entry, Handle, Tail},
    domain::{filter::Facts, ids::Seq},
    index::follow::{BATCH_DEEDS, Content, Record, Source},
    ledger::{Ledger as _, LedgerError},
};

/// How long news gather before they are indexed, and how often they are taken over while more gather.
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
/// How long the follower sleeps at most.
const NAP: Duration = Duration::from_secs(5);

/// The ledger behind a coordinator.
pub(super) struct LedgerSource {
    handle: Handle,
    runtime: runtime::Handle,
    /// True once following ends.
    stop: watch::Receiver<bool>,
    /// Where the coordinator leaves what it appends.
    tail: Arc<Tail>,
    /// What was taken from there and read while it was fresh; without a gap, at most [`BATCH_DEEDS`].
    gathered: VecDeque<Record<Bytes>>,
    /// Whether its thread stands back already.
    nice: bool,
    /// Deeds read since it last waited.
    read: usize,
    /// When it last read, and where the ledger ended then.
    last: Option<(Instant, u64)>,
}

impl LedgerSource {
    pub(super) fn new(handle: Handle, runtime: runtime::Handle, stop: watch::Receiver<bool>) -> Self {
        let tail = handle.tail();
        Self { handle, runtime, stop, tail, gathered: VecDeque::new(), nice: false, read: 0, last: None }
    }

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
    fn rest(&mut self, after: Seq) {
        let Some((then, head)) = self.last.take() else { return };
        let came = self.handle.head().seq.saturating_sub(head);
        if came < BUSY_DEEDS as u64 {
            return;
        }
        let pause = (then.elapsed() * BUSY_REST).min(MOST_REST);
        // Stopped or rested: the follower looks for itself.
        self.linger(pause, after, usize::MAX);
    }

    /// Lets time go by, and gathers what is appended meanwhile. Sooner over where that many are gathered. False:
    /// following ends.
    fn linger(&mut self, pause: Duration, after: Seq, enough: usize) -> bool {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now()).min(GATHER);
            let Self { runtime, stop, .. } = self;
            if runtime.block_on(async { timeout(left, stop.wait_for(|stop| *stop)).await.is_ok() }) {
                return false;
            }
            self.gather(after);
            if Instant::now() >= until || self.gathered.len() >= enough {
                return true;
            }
        }
    }

    /// Takes over what the coordinator has left in its tail, as far as it joins on without a gap.
    fn gather(&mut self, after: Seq) {
        while self.gathered.pop_front_if(|record| record.seq <= after).is_some() {}
        if self.gathered.len() >= BATCH_DEEDS {
            return;
        }
        for entry in self.tail.take(after) {
            let Entry { record: stored, .. } = &entry;
            let seq = Seq(stored.seq);
            if self.gathered.back().is_some_and(|last| last.seq.next() != seq) {
                return;
            }
            let content = match entry.deed() {
                Ok(deed) => Content::Facts(Box::new(Facts::owned(&deed))),
                Err(_) => Content::Bytes(stored.bytes.clone()),
            };
            self.gathered.push_back(Record { seq, hash: stored.hash.0, content });
        }
    }

    /// From the ledger, up to where what was gathered begins.
    fn read_back(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Bytes>>, LedgerError> {
        let missing = self.gathered.front().map(|first| first.seq.0.saturating_sub(after.next().0));
        let missing = missing.and_then(|count| usize::try_from(count).ok()).unwrap_or(limit);
        let records = self.handle.ledger().read(after.0, limit.min(missing));
        let record = |record: crate::ledger::Record| Record {
            seq: Seq(record.seq),
            hash: record.hash.0,
            content: Content::Bytes(record.bytes),
        };
        Ok(self.runtime.block_on(records)?.into_iter().map(record).collect())
    }
}

impl Source for LedgerSource {
    type Bytes = Bytes;
    type Error = LedgerError;

    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Bytes>>, LedgerError> {
        self.stand_back();
        self.rest(after);
        self.last = Some((Instant::now(), self.handle.head().seq));
        self.gather(after);
        let joins_on = self.gathered.front().is_some_and(|first| first.seq == after.next());
        let records: Vec<_> = if joins_on {
            let count = self.gathered.len().min(limit);
            self.gathered.drain(..count).collect()
        } else {
            self.read_back(after, limit)?
        };
        self.read += records.len();
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
        let woken = runtime.block_on(async {
            tokio::select! {
                // A sender that is gone has stopped too.
                _ = stop.wait_for(|stop| *stop) => false,
                _ = timeout(NAP, handle.reached(after.next())) => true,
            }
        });
        woken && self.linger(gather, after, BATCH_DEEDS)
    }
}
