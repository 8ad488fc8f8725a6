//! What was appended last, kept for one follower until it takes it: it need not read back and parse what was at hand a
//! moment ago. What doesn't fit is in the ledger.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Entry;
use super::watch::Batch;
use crate::domain::ids::Seq;

/// The most deeds that wait to be taken. A follower that leaves more lying reads them from the ledger.
pub const TAIL_DEEDS: usize = 8_192;

/// What one follower has not taken yet. It is offered everything as long as somebody holds it.
#[derive(Debug, Default)]
pub struct Tail {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    batches: VecDeque<Batch>,
    deeds: usize,
}

impl Tail {
    /// Keeps a batch, if there is room for it.
    pub(super) fn offer(&self, batch: &Batch) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.deeds + batch.len() <= TAIL_DEEDS {
            kept.deeds += batch.len();
            kept.batches.push_back(batch.clone());
        }
    }

    /// Everything kept after that number, in order. There may be a gap in front of it and, where there was no room,
    /// between two of them.
    pub fn take(&self, after: Seq) -> Vec<Entry> {
        let Kept { batches, .. } =
            std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let entries = batches.iter().flat_map(|batch| batch.iter());
        entries.filter(|entry| entry.record.seq > after.0).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Hash, Record};

    fn batch(seqs: std::ops::Range<u64>) -> Batch {
        let record = |seq| Record { seq, hash: Hash([0; 32]), bytes: bytes::Bytes::new() };
        seqs.map(|seq| Entry::raw(record(seq))).collect()
    }

    fn taken(tail: &Tail, after: u64) -> Vec<u64> {
        tail.take(Seq(after)).iter().map(|entry| entry.record.seq).collect()
    }

    #[test]
    fn what_was_offered_is_taken_once_and_in_order() {
        let tail = Tail::default();
        tail.offer(&batch(1..4));
        tail.offer(&batch(4..6));
        assert_eq!(taken(&tail, 2), [3, 4, 5]);
        assert!(taken(&tail, 0).is_empty());
    }

    #[test]
    fn there_is_no_more_than_its_bound_until_it_is_taken() {
        let tail = Tail::default();
        let most = TAIL_DEEDS as u64;
        tail.offer(&batch(1..most));
        tail.offer(&batch(most..most + 2));
        assert_eq!(taken(&tail, 0).len() as u64, most - 1);
        tail.offer(&batch(most + 2..most + 4));
        assert_eq!(taken(&tail, 0), [most + 2, most + 3]);
    }
}
