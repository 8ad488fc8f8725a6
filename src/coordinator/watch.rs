//! Watchers: the ledger's history joined to what is appended now, each record once, in order.
//!
//! A watcher that follows the live end keeps nothing of its own: all share one bounded ring of batches. Who falls out
//! of it ends, and is told where to resume. Which records a watcher may see is the server's business.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use thiserror::Error;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Shared;
use crate::domain::deed::{Deed, DeedError};
use crate::domain::ids::Seq;
use crate::ledger::{Ledger, LedgerError, Record};

/// How many batches a watcher may be behind the live end.
pub const LIVE_BATCHES: usize = 512;
/// How many records a watcher reads from history at once, at most.
const HISTORY_PAGE: usize = 512;
/// How many it reads first, before it knows how large they are.
const FIRST_PAGE: usize = 32;
/// How many bytes of records it reads, gathers and hands out at once, or one record: what somebody holds who does not go on.
const HELD_BYTES: usize = 256 * 1024;

/// A record as watchers get it: the exact bytes, and the deed in them.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Number, hash and bytes, as stored.
    pub record: Record,
    deed: OnceLock<Arc<Deed>>,
}

impl Entry {
    /// A record whose deed is at hand.
    pub(super) fn new(record: Record, deed: Arc<Deed>) -> Self {
        Self { record, deed: OnceLock::from(deed) }
    }

    /// A record from history; it is parsed when somebody asks.
    pub fn raw(record: Record) -> Self {
        Self { record, deed: OnceLock::new() }
    }

    /// The deed in the bytes.
    pub fn deed(&self) -> Result<Arc<Deed>, DeedError> {
        if let Some(deed) = self.deed.get() {
            return Ok(Arc::clone(deed));
        }
        let deed = Arc::new(Deed::decode(&self.record.bytes)?);
        Ok(Arc::clone(self.deed.get_or_init(|| deed)))
    }
}

/// What was appended at once.
pub(super) type Batch = Arc<[Entry]>;

/// Why a watcher ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WatchError {
    /// It was too slow.
    #[error("too slow: watch again from sequence {resume_at}")]
    Lagged {
        /// Watch after this one.
        resume_at: Seq,
    },
    /// It asked for what is not there yet.
    #[error(
        "sequence {asked} was asked for, but the ledger ends at {head}: this is another or an older ledger than the one seen before"
    )]
    Beyond {
        /// Where it wanted to begin.
        asked: Seq,
        /// Where the ledger ends.
        head: Seq,
    },
    /// The history could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The coordinator was shut down.
    #[error("shut down: watch again when the server is back, from sequence {resume_at}")]
    Closed {
        /// Watch after this one.
        resume_at: Seq,
    },
}

/// One follower of the ledger.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    /// The last record handed out.
    cursor: u64,
    live: Option<broadcast::Receiver<Batch>>,
    /// Up to here history is read; what follows is heard from `live`.
    joint: u64,
    /// What was received and not handed out: at most one page, or what others have too: one batch.
    ready: VecDeque<Entry>,
    /// How many records of history are some [`HELD_BYTES`].
    page: usize,
}

impl Watcher {
    pub(super) fn new(shared: Arc<Shared>, after: Seq) -> Self {
        Self { shared, cursor: after.0, live: None, joint: 0, ready: VecDeque::new(), page: FIRST_PAGE }
    }

    /// The last record that was handed out.
    pub fn cursor(&self) -> Seq {
        Seq(self.cursor)
    }

    /// Another one that goes on where this one has got to.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(Arc::clone(&self.shared), self.cursor())
    }

    /// Whether so much waits for it that it should not wait itself: a quarter of what it may be behind, or part of a page.
    pub fn is_pressed(&self) -> bool {
        let heard = self.live.as_ref().map_or(0, broadcast::Receiver::len);
        heard >= LIVE_BATCHES / 4 || !self.ready.is_empty()
    }

    /// The next records, at least one. Waits for them if there are none. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<Vec<Entry>, WatchError> {
        let head = self.shared.head();
        if self.cursor > head.seq {
            return Err(WatchError::Beyond { asked: Seq(self.cursor), head: Seq(head.seq) });
        }
        while self.ready.is_empty() {
            self.fill().await?;
        }
        // What came meanwhile goes with it.
        let mut bytes = self.bytes_from(0);
        while self.ready.len() < HISTORY_PAGE
            && bytes < HELD_BYTES
            && let Some(live) = self.live.as_mut().filter(|_| self.cursor >= self.joint)
            && let Ok(batch) = live.try_recv()
        {
            let before = self.ready.len();
            self.take(Ok(batch))?;
            bytes += self.bytes_from(before);
        }
        let count = fitting(self.ready.iter().map(|entry| &entry.record));
        let entries: Vec<Entry> = self.ready.drain(..count).collect();
        self.cursor = entries.last().map_or(self.cursor, |entry| entry.record.seq);
        Ok(entries)
    }

    /// How many bytes wait to be handed out, from that entry on.
    fn bytes_from(&self, at: usize) -> usize {
        self.ready.iter().skip(at).map(|entry| entry.record.bytes.len()).sum()
    }

    async fn fill(&mut self) -> Result<(), WatchError> {
        let published = self.shared.head().seq;
        match &mut self.live {
            None if published - self.cursor > self.page as u64 => self.read_history(published).await,
            // Close to the end: listen first, then look how much history there is in front of what will be heard.
            None => {
                self.live = self.shared.subscribe();
                if self.live.is_none() && self.cursor == self.shared.head().seq {
                    return Err(WatchError::Closed { resume_at: Seq(self.cursor) });
                }
                self.joint = self.shared.head().seq;
                self.read_history(self.joint).await
            }
            Some(_) if self.cursor < self.joint => self.read_history(self.joint).await,
            Some(live) => {
                let heard = live.recv().await;
                self.take(heard)
            }
        }
    }

    fn take(&mut self, heard: Result<Batch, RecvError>) -> Result<(), WatchError> {
        let resume_at = Seq(self.cursor);
        match heard {
            Ok(batch) => {
                let news = batch.iter().filter(|entry| entry.record.seq > self.cursor).cloned();
                self.ready.extend(news);
                let due = self.cursor + 1;
                let gap = self.ready.front().is_some_and(|entry| entry.record.seq != due);
                if gap { Err(WatchError::Lagged { resume_at }) } else { Ok(()) }
            }
            Err(RecvError::Lagged(_)) => Err(WatchError::Lagged { resume_at }),
            Err(RecvError::Closed) => Err(WatchError::Closed { resume_at }),
        }
    }

    /// Reads on up to `until`, a page at most; what is durable but not published yet is heard later.
    async fn read_history(&mut self, until: u64) -> Result<(), WatchError> {
        if until <= self.cursor {
            return Ok(());
        }
        let page = self.shared.ledger.read(self.cursor, self.page).await?;
        let count = fitting(page.iter());
        self.page = if count < page.len() { count } else { HISTORY_PAGE.min(self.page * 2) };
        let page = page.into_iter().take(count);
        self.ready.extend(page.filter(|record| record.seq <= until).map(Entry::raw));
        Ok(())
    }
}

/// How many of the first of these have room in [`HELD_BYTES`]: one at least, where there is one.
fn fitting<'a>(records: impl Iterator<Item = &'a Record>) -> usize {
    let mut bytes = 0;
    let fits = |(at, record): &(usize, &Record)| {
        bytes += record.bytes.len();
        *at == 0 || bytes <= HELD_BYTES
    };
    records.enumerate().take_while(fits).count()
}
