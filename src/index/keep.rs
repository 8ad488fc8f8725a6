//! Keeping one index at its ledger's head, a batch at a time: what the follower's thread (`follow`) does for it. An index that is
//! broken or of another ledger starts anew; while nothing comes, it is compared with its ledger.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::follow::{Progress, Record, Shared, Source};
use super::{Entry, Index, IndexError};
use crate::domain::ids::Seq;

/// Most deeds taken in one transaction.
pub(super) const BATCH_DEEDS: usize = 10_000;
/// How long to wait after an error before trying again, at first; doubled up to [`RETRY_MOST`].
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// The longest wait after an error.
const RETRY_MOST: Duration = Duration::from_secs(30);
/// How many deeds are compared with the ledger at a time …
const CHECK_DEEDS: usize = 512;
/// … of so many bytes: comparing takes many times as much memory …
const CHECK_BYTES: usize = 1024 * 1024;
/// … and how often that begins anew when it is through.
const ROUND_EVERY: Duration = Duration::from_mins(10);

/// What comes after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There may be more to take.
    More,
    /// It has what there is.
    Idle,
    /// It failed and is tried again then.
    Again(Duration),
}

/// One index and its ledger, whichever.
pub(super) trait Keep: Send {
    /// Takes the next batch. Afterwards how long the thread rests.
    fn step(&mut self, shared: &Shared) -> (Next, Duration);
    /// Compares some deeds with the ledger, if it is time. None: it stands well.
    fn check(&mut self, shared: &Shared) -> Option<Duration>;
    fn index(&self) -> &Index;
}

/// See [`Keep`].
pub(super) struct Keeper<S, F> {
    index: Arc<Index>,
    source: S,
    on_progress: F,
    /// Up to where the ledger was found to be the index's own and taken.
    at: Option<Seq>,
    pause: Duration,
    checks: Checks,
}

/// Why a step ended early.
enum Trouble {
    Index(IndexError),
    Ledger(String),
}

impl From<IndexError> for Trouble {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl<S: Source, F: Fn(&Progress) + Send> Keeper<S, F> {
    pub(super) fn new(index: Arc<Index>, source: S, on_progress: F) -> Self {
        Self { index, source, on_progress, at: None, pause: RETRY_FIRST, checks: Checks::default() }
    }

    /// Whether there is more to take.
    fn take(&mut self, shared: &Shared) -> Result<bool, Trouble> {
        if let Some(broken) = self.index.take_broken() {
            return Err(broken.into());
        }
        let at = match self.at {
            Some(at) => at,
            None => self.same_ledger()?,
        };
        let read = self.source.read(at, BATCH_DEEDS);
        let records = read.map_err(|error| Trouble::Ledger(error.to_string()))?;
        let entries: Vec<Entry<'_>> = records.iter().map(Record::entry).collect();
        if !entries.is_empty() {
            self.index.apply(&entries)?;
        }
        let at = entries.last().map_or(at, |entry| entry.seq);
        self.at = Some(at);
        let more = !entries.is_empty() && self.source.has_more(at);
        shared.update(|progress| {
            progress.seq = at;
            progress.trouble = None;
            progress.caught_up |= !more;
        });
        Ok(more)
    }

    /// Where to go on: at the index's head if the ledger still has that deed, else from the start with an empty index.
    fn same_ledger(&mut self) -> Result<Seq, Trouble> {
        let head = self.index.head()?;
        if head.seq == Seq(0) {
            return Ok(head.seq);
        }
        let hash = self.source.hash_of(head.seq).map_err(|error| Trouble::Ledger(error.to_string()))?;
        if hash.is_some_and(|hash| hash.as_slice() == head.hash) {
            return Ok(head.seq);
        }
        self.index.reset()?;
        Ok(Seq(0))
    }

    /// A broken index is a cache gone bad: it starts anew. A full disk or an unreadable ledger is tried again.
    fn mend(&mut self, trouble: Trouble, shared: &Shared) -> Duration {
        self.at = None;
        let said = match trouble {
            Trouble::Index(error) if error.is_broken() => match self.index.reset() {
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
        let mut first = false;
        shared.update(|progress| {
            first = progress.trouble.is_none();
            if first {
                tracing::warn!(trouble = said, "the index does not get on; it is tried again");
            }
            progress.trouble = Some(said);
        });
        self.pause = if first { RETRY_FIRST } else { (self.pause * 2).min(RETRY_MOST) };
        self.tell(shared);
        self.pause
    }

    fn tell(&self, shared: &Shared) {
        let progress = shared.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.on_progress)(&progress);
    }
}

impl<S: Source, F: Fn(&Progress) + Send> Keep for Keeper<S, F> {
    fn step(&mut self, shared: &Shared) -> (Next, Duration) {
        let begun = Instant::now();
        match self.take(shared) {
            Ok(more) => {
                self.tell(shared);
                (if more { Next::More } else { Next::Idle }, self.source.rest(begun.elapsed()))
            }
            Err(trouble) => (Next::Again(self.mend(trouble, shared)), Duration::ZERO),
        }
    }

    fn check(&mut self, shared: &Shared) -> Option<Duration> {
        let end = self.at?;
        let checked = match self.index.take_broken() {
            Some(broken) => Err(broken),
            None => self.checks.go_on(&self.index, &mut self.source, end),
        };
        checked.err().map(|error| self.mend(error.into(), shared))
    }

    fn index(&self) -> &Index {
        &self.index
    }
}

/// What the index has is compared with the ledger: its counts, then its deeds, some at a time, round and round.
#[derive(Default)]
struct Checks {
    /// Compared up to there.
    at: Seq,
    /// When a round ended.
    last: Option<Instant>,
}

impl Checks {
    fn go_on<S: Source>(&mut self, index: &Index, source: &mut S, end: Seq) -> Result<(), IndexError> {
        if self.at == Seq(0) {
            if self.last.is_some_and(|last| last.elapsed() < ROUND_EVERY) {
                return Ok(());
            }
            index.check_counts()?;
        }
        // Whoever reads the ledger says what is wrong with it; the index goes on.
        let records = source.read_checked(self.at, CHECK_DEEDS).unwrap_or_default();
        let mut bytes = 0;
        let fit = records.iter().take_while(|record| {
            let first = bytes == 0;
            bytes += record.bytes.as_ref().len();
            record.seq <= end && (first || bytes <= CHECK_BYTES)
        });
        let entries: Vec<Entry<'_>> = fit.map(Record::entry).collect();
        index.check(&entries)?;
        self.at = entries.last().map_or(Seq(0), |entry| entry.seq);
        if self.at == Seq(0) {
            self.last = Some(Instant::now());
        }
        Ok(())
    }
}
