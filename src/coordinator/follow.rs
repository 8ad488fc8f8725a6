//! What other nodes record in the ledger: read, folded and shown as if it were one's own.
//!
//! What was told to be acknowledged is read as it is. Whoever wants to be sure has the ledger asked for its end, and waits for what its
//! engine promises of that (`Ledger::settled`).

use tokio::sync::oneshot;

use super::Trouble;
use super::batch::Loop;
use super::draft::Draft;
use super::start::checked;
use crate::domain::ids::Seq;
use crate::ledger::{Ledger, Record, Verifier};

/// How many records are read at once.
const PAGE: u64 = 1_024;

/// What is known of a ledger that others write.
#[derive(Default)]
pub(super) struct Followed {
    /// Up to there somebody told that deeds are recorded and acknowledged.
    told: Seq,
    /// Who waits until all that is there is shown here.
    asked: Vec<oneshot::Sender<Result<(), Trouble>>>,
}

impl Followed {
    pub(super) fn hear(&mut self, told: Seq) {
        self.told = self.told.max(told);
    }

    pub(super) fn ask(&mut self, asked: oneshot::Sender<Result<(), Trouble>>) {
        self.asked.push(asked);
    }

    /// Tells whoever waits.
    pub(super) fn answer(&mut self, outcome: &Result<(), Trouble>) {
        for asked in self.asked.drain(..) {
            // Who went away misses it, nothing else.
            asked.send(outcome.clone()).unwrap_or_default();
        }
    }
}

impl Loop {
    /// Reads what others have recorded, if anybody told of it or asks. Nothing may be in flight or drafted.
    pub(super) async fn follow(&mut self) {
        let sure = !self.followed.asked.is_empty();
        if !sure && self.followed.told.0 <= self.durable.head.seq {
            return;
        }
        let outcome = Box::pin(self.read_others(sure)).await;
        if let Err(trouble) = &outcome {
            self.lose_trust(trouble.clone());
        }
        self.followed.answer(&outcome);
    }

    async fn read_others(&mut self, sure: bool) -> Result<(), Trouble> {
        let mut until = self.followed.told.0;
        if sure {
            let head = self.shared.ledger.settled().await?;
            self.is_behind(head)?;
            until = until.max(head.seq);
        }
        self.read_to(until).await
    }

    /// Folds and shows all that follows up to there. The state must be what was shown last.
    pub(super) async fn read_to(&mut self, until: u64) -> Result<(), Trouble> {
        while self.durable.head.seq < until {
            let after = self.durable.head.seq;
            let wanted = usize::try_from(PAGE.min(until - after)).unwrap_or(1);
            let page = self.shared.ledger.read(after, wanted).await?;
            // What was told and is not there is no loss: only the ledger itself says where it ends.
            if page.is_empty() {
                break;
            }
            self.take_on(page)?;
            if let Err(error) = self.outside.advance(&mut self.state).await {
                self.outside.doubt();
                return Err(Trouble::Values(error));
            }
        }
        Ok(())
    }

    /// Folds and shows what comes next.
    fn take_on(&mut self, page: Vec<Record>) -> Result<(), Trouble> {
        let mut verifier = Verifier::after(self.durable.head);
        let mut draft = Draft::default();
        for record in &page {
            let deed = checked(&mut verifier, record)?;
            draft
                .fold(&mut self.state, deed)
                .map_err(|error| Trouble::Unreadable { seq: record.seq, reason: error.to_string() })?;
        }
        let with_copy = self.with_copy(verifier.head());
        let left = draft.close(&self.state, with_copy);
        self.show(draft, left, page);
        Ok(())
    }
}
