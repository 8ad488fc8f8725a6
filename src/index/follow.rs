//! Keeping an index at the ledger's head: read on in large batches, say how far it has got, start anew where needed.
//!
//! The ledger is whatever the server gives as a [`Source`]; this module knows neither its engine nor its runtime. The
//! loop runs on a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

use super::{Entry, Index, IndexError};
use crate::domain::ids::Seq;

/// Most deeds taken in one transaction.
pub const BATCH_DEEDS: usize = 10_000;
/// How long to wait after an error before trying again, at first; doubled up to [`RETRY_MOST`].
pub const RETRY_FIRST: Duration = Duration::from_millis(200);
/// How often some deeds are compared with the ledger while nothing comes …
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// … how many at a time …
const CHECK_DEEDS: usize = 512;
/// … and how often it begins anew when it is through.
const ROUND_EVERY: Duration = Duration::from_mins(10);
/// The longest wait after an error.
pub const RETRY_MOST: Duration = Duration::from_secs(30);

/// One record as the source gives it.
#[derive(Debug, Clone)]
pub struct Record<B> {
    /// Its number.
    pub seq: Seq,
    /// Its chain hash.
    pub hash: [u8; 32],
    /// The deed as stored.
    pub bytes: B,
}

impl<B: AsRef<[u8]>> Record<B> {
    fn entry(&self) -> Entry<'_> {
        Entry { seq: self.seq, hash: &self.hash, bytes: self.bytes.as_ref() }
    }
}

/// A ledger to follow. Its calls may block; they are made from the follower's thread only.
pub trait Source: Send + 'static {
    /// The bytes of a record.
    type Bytes: AsRef<[u8]>;
    /// Why it could not be read.
    type Error: fmt::Display;

    /// Up to `limit` records after that number, in order; empty only at the end.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Self::Bytes>>, Self::Error>;

    /// The same where each of them was found to follow the one before it.
    ///
    /// # Errors
    /// When the ledger can't be read, or is not what it was.
    fn read_checked(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Self::Bytes>>, Self::Error>;

    /// The chain hash of that record; none where the ledger does not reach so far.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn hash_of(&mut self, seq: Seq) -> Result<Option<[u8; 32]>, Self::Error>;

    /// Waits until there may be records after that number, or some time has passed. False: the ledger is closed and
    /// following ends.
    fn wait(&mut self, after: Seq) -> bool;
}

/// How far the follower has got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The last deed indexed.
    pub seq: Seq,
    /// Whether it has reached the end of the ledger at least once since it began.
    pub caught_up: bool,
    /// Why it is waiting to try again, if it is.
    pub trouble: Option<String>,
    /// Whether it has ended.
    pub ended: bool,
}

/// A running follower. Dropping it asks it to end and waits.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
    stop: AtomicBool,
}

impl Shared {
    fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

impl Follower {
    /// Starts to follow. `on_progress` is called from the follower's thread after every batch.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start<S: Source>(
        index: Arc<Index>,
        source: S,
        on_progress: impl Fn(&Progress) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("index-follow".to_owned()).spawn(move || {
            run(&index, source, &theirs, &on_progress);
            theirs.update(|progress| progress.ended = true);
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How far it has got.
    pub fn progress(&self) -> Progress {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until that deed is indexed. False: the time is over, or it has ended.
    pub fn wait_for(&self, seq: Seq, at_most: Duration) -> bool {
        let progress = self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let (progress, _) = self
            .shared
            .changed
            .wait_timeout_while(progress, at_most, |progress| progress.seq < seq && !progress.ended)
            .unwrap_or_else(PoisonError::into_inner);
        progress.seq >= seq
    }

    /// Asks it to end at the next batch or when the source's `wait` returns.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.changed.notify_all();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A follower that panicked has nothing to hand over: the index is rebuilt from what it has.
            let _ = thread.join();
        }
    }
}

/// Why a round ended early.
enum Trouble {
    Index(IndexError),
    Ledger(String),
}

impl From<IndexError> for Trouble {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

fn run<S: Source>(index: &Index, mut source: S, shared: &Shared, on_progress: &impl Fn(&Progress)) {
    let mut pause = RETRY_FIRST;
    while !shared.stopped() {
        let trouble = match round(index, &mut source, shared, on_progress) {
            Ok(()) => return,
            Err(trouble) => trouble,
        };
        // A broken index is a cache gone bad: it starts anew. A full disk or an unreadable ledger is tried again.
        let said = match trouble {
            Trouble::Index(error) if error.is_broken() => match index.reset() {
                Ok(()) => {
                    // Who waits for a deed waits until it is there again.
                    shared.update(|progress| progress.seq = Seq(0));
                    format!("{error}; it is being rebuilt")
                }
                Err(again) => again.to_string(),
            },
            Trouble::Index(error) => error.to_string(),
            Trouble::Ledger(error) => error,
        };
        shared.update(|progress| {
            if progress.trouble.is_none() {
                pause = RETRY_FIRST;
                tracing::warn!(trouble = said, "the index does not get on; it is tried again");
            }
            progress.trouble = Some(said);
        });
        let told = shared.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        on_progress(&told);
        let progress = shared.progress.lock().unwrap_or_else(PoisonError::into_inner);
        drop(shared.changed.wait_timeout_while(progress, pause, |_| !shared.stopped()));
        pause = (pause * 2).min(RETRY_MOST);
    }
}

/// Follows until the source is closed or following is stopped.
fn round<S: Source>(
    index: &Index,
    source: &mut S,
    shared: &Shared,
    on_progress: &impl Fn(&Progress),
) -> Result<(), Trouble> {
    let ledger = |error: S::Error| Trouble::Ledger(error.to_string());
    let mut at = same_ledger(index, source)?;
    let mut checks = Checks::default();
    loop {
        if let Some(broken) = index.take_broken() {
            return Err(broken.into());
        }
        let records = source.read(at, BATCH_DEEDS).map_err(ledger)?;
        let entries: Vec<Entry<'_>> = records.iter().map(Record::entry).collect();
        index.apply(&entries)?;
        at = entries.last().map_or(at, |entry| entry.seq);
        shared.update(|progress| {
            progress.seq = at;
            progress.trouble = None;
            progress.caught_up |= entries.is_empty();
        });
        let progress = shared.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        on_progress(&progress);
        if shared.stopped() {
            return Ok(());
        }
        if entries.is_empty() {
            checks.go_on(index, source, at)?;
            if !source.wait(at) {
                return Ok(());
            }
        }
    }
}

/// While nothing comes, what the index has is compared with the ledger: its counts, then its deeds, some at a time, round and round.
#[derive(Default)]
struct Checks {
    /// Compared up to there.
    at: Seq,
    last: Option<Instant>,
}

impl Checks {
    fn go_on<S: Source>(&mut self, index: &Index, source: &mut S, end: Seq) -> Result<(), Trouble> {
        let pause = if self.at == Seq(0) { ROUND_EVERY } else { CHECK_EVERY };
        if self.last.is_some_and(|last| last.elapsed() < pause) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        if self.at == Seq(0) {
            index.check_counts()?;
        }
        // Whoever reads the ledger says what is wrong with it; the index goes on.
        let records = source.read_checked(self.at, CHECK_DEEDS).unwrap_or_default();
        let entries: Vec<Entry<'_>> =
            records.iter().take_while(|record| record.seq <= end).map(Record::entry).collect();
        index.check(&entries)?;
        self.at = entries.last().map_or(Seq(0), |entry| entry.seq);
        Ok(())
    }
}

/// Where to go on: at the index's head if the ledger still has that deed, else from the start with an empty index.
fn same_ledger<S: Source>(index: &Index, source: &mut S) -> Result<Seq, Trouble> {
    let head = index.head()?;
    if head.seq == Seq(0) {
        return Ok(head.seq);
    }
    let hash = source.hash_of(head.seq).map_err(|error| Trouble::Ledger(error.to_string()))?;
    if hash.is_some_and(|hash| hash.as_slice() == head.hash) {
        return Ok(head.seq);
    }
    index.reset()?;
    Ok(Seq(0))
}
