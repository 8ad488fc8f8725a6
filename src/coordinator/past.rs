//! The board as of an earlier sequence or time: the nearest board that is at hand, and the deeds from there on folded
//! onto it.
//!
//! What is at hand is a cache in two layers: boards in memory, so that going back and forth is cheap, and checkpoints
//! in files beside the snapshot (see [`checkpoints`]), so that the first look into a long history is. Nothing here
//! makes the coordinator wait: reading is the ledger's own thread, folding is done on a blocking one, and one replay
//! runs at a time. What happened to entities is not kept here; their deeds are few and are found by the index.

pub(super) mod checkpoints;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use checkpoints::Checkpoints;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::{Durable, Trouble};
use crate::domain::deed::Deed;
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::state::Board;
use crate::domain::time::Time;
use crate::ledger::{AnyLedger, Head, Ledger, LedgerError, Record, Verifier};

/// How many records are folded at once; after each such page the board is kept in memory.
const PAGE: u64 = 1_024;
/// How many boards are kept in memory. They share what did not change between them.
const KEPT: usize = 128;

/// Why there is no board as of then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PastError {
    /// The ledger does not reach so far.
    #[error("sequence {asked} is beyond the ledger's end, which is {head}")]
    Beyond {
        /// What was asked for.
        asked: Seq,
        /// Where the ledger ends.
        head: Seq,
    },
    /// There was nothing then.
    #[error("that is before the first deed, which was recorded at {first}")]
    BeforeFirst {
        /// When the first deed was recorded.
        first: Time,
    },
    /// There is no deed at all.
    #[error("nothing has been recorded yet")]
    Empty,
    /// The history can't be read.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Folding broke off.
    #[error("a defect in Deeds: the past could not be folded ({0}); please report it")]
    Defect(String),
}

impl From<LedgerError> for PastError {
    fn from(error: LedgerError) -> Self {
        Self::Trouble(error.into())
    }
}

/// A board with the head that it was folded up to.
#[derive(Debug, Clone)]
struct Known {
    head: Head,
    board: Arc<Board>,
    /// When it was last asked for, as a count of questions.
    used: u64,
}

/// Boards of the past that are at hand.
#[derive(Debug)]
pub(super) struct Past {
    known: Mutex<Memory>,
    files: Option<Checkpoints>,
    /// One replay at a time: they cost processor time that deciding and answering need.
    turn: Semaphore,
}

#[derive(Debug, Default)]
struct Memory {
    boards: Vec<Known>,
    questions: u64,
}

impl Past {
    /// With its checkpoints in that directory, if there is one.
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self::with(directory.map(Checkpoints::new))
    }

    fn with(files: Option<Checkpoints>) -> Self {
        Self { known: Mutex::default(), files, turn: Semaphore::new(1) }
    }

    /// The files, where some are kept.
    pub(super) fn files(&self) -> Option<&Checkpoints> {
        self.files.as_ref()
    }

    /// The board after that deed.
    pub(super) async fn board_at(
        &self,
        ledger: &AnyLedger,
        durable: &Durable,
        seq: Seq,
    ) -> Result<Arc<Board>, PastError> {
        let head = Seq(durable.head.seq);
        if seq > head {
            return Err(PastError::Beyond { asked: seq, head });
        }
        if seq == Seq(0) {
            return Err(before_first(ledger).await?);
        }
        if seq == head {
            return Ok(Arc::new(durable.front.board.clone()));
        }
        if let Some(board) = self.exact(seq) {
            return Ok(board);
        }
        let turn = self.turn.acquire().await;
        let base = match self.exact(seq) {
            Some(board) => return Ok(board),
            None => self.nearest(ledger, seq).await?,
        };
        let board = self.replay(ledger, base, seq, head).await;
        drop(turn);
        board
    }

    /// The last deed that was recorded at that time or before it. What was recorded under a wrong clock that was set right since counts
    /// as if that had been right: such times never go back.
    pub(super) async fn seq_at(
        &self,
        ledger: &AnyLedger,
        durable: &Durable,
        time: Time,
    ) -> Result<Seq, PastError> {
        let head = durable.head.seq;
        if head > 0 && time >= durable.front.board.recorded {
            return Ok(Seq(head));
        }
        // Deed `low` was recorded in time, deed `high` was not.
        let (mut low, mut high) = (0, head.saturating_add(1));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let recorded = deed(ledger, middle).await?.recorded;
            let right = durable.front.board.clock.right(Seq(middle), recorded);
            if right <= time { low = middle } else { high = middle }
        }
        if low == 0 { Err(before_first(ledger).await?) } else { Ok(Seq(low)) }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exact(&self, seq: Seq) -> Option<Arc<Board>> {
        self.memory().nearest(seq).filter(|known| known.head.seq == seq.0).map(|known| known.board)
    }

    /// The nearest board at or before that deed, of memory or of a checkpoint that this ledger bears out.
    async fn nearest(&self, ledger: &AnyLedger, seq: Seq) -> Result<Known, PastError> {
        let known = self.memory().nearest(seq);
        let floor = known.as_ref().map_or(0, |known| known.head.seq);
        for place in self.files.iter().flat_map(|files| files.between(floor, seq.0)) {
            let identity = ledger.identity().clone();
            let loading = {
                let files = self.files.clone();
                tokio::task::spawn_blocking(move || files.and_then(|files| files.load(place, &identity)))
            };
            let Some((board, head)) = loading.await.unwrap_or_default() else { continue };
            if ledger.get(head.seq).await?.map(|record| record.head()) == Some(head) {
                return Ok(Known { head, board: Arc::new(board), used: 0 });
            }
            // Another history: as good as damaged.
            self.files.iter().for_each(|files| files.remove(place));
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let identity = ledger.identity();
        let workspace =
            WorkspaceId::new(&identity.workspace).map_err(|error| PastError::Defect(error.to_string()))?;
        let head = Head { seq: 0, hash: identity.genesis() };
        Ok(Known { head, board: Arc::new(Board::new(workspace)), used: 0 })
    }

    /// Folds on from a board that is at hand, leaving others at hand on the way.
    async fn replay(
        &self,
        ledger: &AnyLedger,
        from: Known,
        until: Seq,
        end: Seq,
    ) -> Result<Arc<Board>, PastError> {
        let Known { mut head, mut board, .. } = from;
        while head.seq < until.0 {
            // Pages end at round numbers, so that different questions leave the same boards behind.
            let stop = until.0.min((head.seq / PAGE + 1) * PAGE);
            let wanted = usize::try_from(stop - head.seq).unwrap_or(1);
            let page = ledger.read(head.seq, wanted).await?;
            if page.is_empty() {
                return Err(Trouble::WentBack { seq: head.seq + 1 }.into());
            }
            let files = self.files.clone();
            let identity = ledger.identity().clone();
            let folding = tokio::task::spawn_blocking(move || {
                let (head, board) = fold(head, &board, page)?;
                if let Some(files) = files {
                    files.consider(&identity, head, &board, end.0);
                }
                Ok::<_, Trouble>((head, Arc::new(board)))
            });
            (head, board) = folding.await.map_err(|error| PastError::Defect(error.to_string()))??;
            self.memory().keep(head, &board);
        }
        Ok(board)
    }
}

/// Folds a page, checking the chain.
fn fold(head: Head, board: &Board, page: Vec<Record>) -> Result<(Head, Board), Trouble> {
    let mut verifier = Verifier::after(head);
    let mut board = board.clone();
    for record in page {
        verifier
            .check(record.seq, record.hash, &record.bytes)
            .map_err(|broken| Trouble::WentBack { seq: broken.seq() })?;
        let deed = Deed::decode(&record.bytes).map_err(|error| Trouble::unreadable(record.seq, &error))?;
        board.fold(&deed);
    }
    Ok((verifier.head(), board))
}

async fn deed(ledger: &AnyLedger, seq: u64) -> Result<Deed, PastError> {
    let record = ledger.get(seq).await?.ok_or(Trouble::WentBack { seq })?;
    Ok(Deed::decode(&record.bytes).map_err(|error| Trouble::unreadable(seq, &error))?)
}

async fn before_first(ledger: &AnyLedger) -> Result<PastError, PastError> {
    if ledger.head().await?.seq == 0 {
        return Ok(PastError::Empty);
    }
    Ok(PastError::BeforeFirst { first: deed(ledger, 1).await?.recorded })
}

impl Memory {
    fn nearest(&mut self, seq: Seq) -> Option<Known> {
        self.questions += 1;
        let found = self.boards.iter_mut().filter(|known| known.head.seq <= seq.0);
        let found = found.max_by_key(|known| known.head.seq)?;
        found.used = self.questions;
        Some(found.clone())
    }

    fn keep(&mut self, head: Head, board: &Arc<Board>) {
        if self.boards.iter().any(|known| known.head.seq == head.seq) {
            return;
        }
        if self.boards.len() >= KEPT
            && let Some(oldest) =
                self.boards.iter().enumerate().min_by_key(|(_, known)| known.used).map(|(at, _)| at)
        {
            self.boards.swap_remove(oldest);
        }
        self.boards.push(Known { head, board: Arc::clone(board), used: self.questions });
    }
}
