//! After a failure: what was decided and not recorded is gone, and the state is what the ledger says.
//!
//! Batches are folded into the one state there is, so a failed one can't be taken out of it again. The state is thrown away
//! and read from the newest snapshot and the ledger, as at a start. That may take a second, so for some batches after a
//! failure, or while somebody looks, a copy is kept of what is on disk; another failure, such as a disk that stays full, then costs no reading. What
//! follows that copy is read from the ledger in any case, with the chain checked.

use std::sync::Arc;

use tokio::time::Instant;

use super::batch::{Loop, REST};
use super::draft::refuse;
use super::start::{Base, base, clear, replay};
use super::{Envelope, LookError, StartError, SubmitError, Trouble};
use crate::domain::deed::{Body, Deed};
use crate::domain::state::{FarError, State};
use crate::ledger::{Head, Ledger, Lost};

/// For how many batches after a failure, or a look at values, each leaves a copy of the state as it is on disk. While one is
/// kept, every write copies what it changes.
pub(super) const COPIES: u32 = 256;

impl Loop {
    pub(super) fn lose_trust(&mut self, trouble: Trouble) {
        tracing::error!(%trouble, "the ledger failed; nothing is recorded until it was verified again");
        self.distrust = true;
        self.again = Instant::now() + REST;
        if let Trouble::Ledger(error) = &trouble
            && error.is_full()
        {
            self.snapshots.make_room(&self.shared);
        }
        // Deeds that are missing stay so, whatever else fails meanwhile.
        let lost = self.lost.clone().map(|lost| Trouble::Lost(Box::new(lost)));
        self.shared.trouble.send_replace(Some(lost.unwrap_or(trouble)));
    }

    /// Values could not be read or put away: nothing that was decided on them counts, and they are read again.
    pub(super) fn doubt_values(&mut self, trouble: &Trouble) {
        self.outside.doubt();
        self.drop_draft();
        self.lose_trust(trouble.clone());
    }

    /// What is there is looked at, for that reason, and nothing is ever recorded.
    pub(super) fn never_record(&mut self, why: Arc<str>) {
        self.durable.whole = Some(self.state.clone());
        self.look_only = Some(Arc::clone(&why));
        self.lose_trust(Trouble::LookOnly(why));
    }

    /// Deeds are missing: what is there is looked at, and nothing is recorded.
    pub(super) fn only_look(&mut self, lost: Lost) {
        // The state was read from the ledger just now.
        self.durable.whole = Some(self.state.clone());
        self.lost = Some(lost.clone());
        self.lose_trust(Trouble::Lost(Box::new(lost)));
    }

    /// After an error: has the ledger opened and verified again, and makes the state what it says. Until that works,
    /// nothing is decided.
    pub(super) async fn regain_trust(&mut self) -> Result<(), Trouble> {
        if let Some(why) = self.look_only.clone() {
            return Err(Trouble::LookOnly(why));
        }
        if let Some(lost) = self.lost.clone() {
            return self.hear_acceptance(lost).await;
        }
        if let Err(trouble) = self.verify_again().await {
            self.shared.trouble.send_replace(Some(trouble.clone()));
            return Err(trouble);
        }
        tracing::info!(seq = self.durable.head.seq, "the ledger is verified and in use again");
        self.distrust = false;
        self.shared.trouble.send_replace(None);
        Ok(())
    }

    /// While deeds are missing, one command is decided: that their loss is accepted. All others are refused.
    async fn hear_acceptance(&mut self, lost: Lost) -> Result<(), Trouble> {
        let trouble = Trouble::Lost(Box::new(lost));
        let (accepting, others): (Vec<_>, Vec<_>) =
            self.waiting.drain().into_iter().partition(Envelope::accepts_loss);
        refuse(others, &SubmitError::Unavailable(trouble.clone()));
        if accepting.is_empty() {
            return Err(trouble);
        }
        self.waiting.push_again(accepting);
        self.verify_again().await?;
        self.distrust = false;
        Ok(())
    }

    /// Deeds are on disk. Where the loss is accepted by one, the ledger is as good as any from then on; else it still lacks
    /// what it lacked.
    pub(super) fn see_acceptance(&mut self, deeds: &[Arc<Deed>]) {
        if self.lost.is_none() {
            return;
        }
        if deeds.iter().any(|deed| matches!(deed.body, Body::LossAccepted(_))) {
            tracing::warn!("a loss of deeds was accepted; the ledger goes on without them");
            self.lost = None;
            self.shared.trouble.send_replace(None);
        } else {
            self.distrust = true;
        }
    }

    async fn verify_again(&mut self) -> Result<(), Trouble> {
        let head = self.shared.ledger.recover().await?;
        self.is_behind(head)?;
        self.restore(head.seq).await
    }

    /// Whether the ledger has all that was shown of it.
    pub(super) fn is_behind(&self, head: Head) -> Result<(), Trouble> {
        let known = self.durable.head;
        if head.seq < known.seq || head.seq == known.seq && head != known {
            return Err(Trouble::WentBack { seq: known.seq });
        }
        Ok(())
    }

    /// Another node was first: folds and shows what it appended up to there.
    pub(super) async fn read_on(&mut self, until: u64) -> Result<(), Trouble> {
        let before = self.durable.head;
        self.restore(until).await?;
        if self.durable.head == before {
            // It moved, and there is nothing to read: it is not the ledger that it was.
            return Err(Trouble::WentBack { seq: before.seq });
        }
        Ok(())
    }

    /// Makes the state what is on disk, and shows what others appended meanwhile up to there.
    async fn restore(&mut self, until: u64) -> Result<(), Trouble> {
        let mut state = self.settled().await?.clone();
        self.outside.settle().await;
        self.outside.go_on(&mut state, self.durable.head);
        self.copies = COPIES;
        self.state = state;
        self.read_to(until).await
    }

    /// Answers who only looks with what is on disk for certain, though nothing can be appended at present.
    pub(super) async fn answer_looks(&mut self) {
        if self.looks.is_empty() {
            return;
        }
        let looks = std::mem::take(&mut self.looks);
        match self.settled().await {
            Ok(state) => {
                for look in looks {
                    let seen = look.at.of(state);
                    look.answer(seen);
                }
            }
            Err(trouble) => {
                for look in looks {
                    look.answer(Err(LookError::Unavailable(trouble.clone())));
                }
            }
        }
    }

    /// The state at the last head that was shown: the copy, or read again, which needs nobody to append.
    async fn settled(&mut self) -> Result<&State, Trouble> {
        let known = self.durable.whole.take();
        let whole = match known.filter(|whole| !self.outside.is_in_doubt() && whole.failed().is_none()) {
            Some(whole) => whole,
            None => self.read_again(self.durable.head).await?,
        };
        Ok(self.durable.whole.insert(whole))
    }

    /// The state at that head, which this ledger has been at.
    async fn read_again(&mut self, known: Head) -> Result<State, Trouble> {
        let ledger = &self.shared.ledger;
        let workspace = self.state.board.workspace.clone();
        // Two states at a time would be one too many.
        self.state = State::new(workspace.clone());
        if self.outside.settle().await
            && let Some(image) = self.outside.image()
        {
            clear(image).await?;
        }
        let snapshot = self.snapshots.path.as_ref();
        let begun = Box::pin(base(ledger, workspace.clone(), snapshot, &self.outside, known.seq)).await;
        let begun = match begun {
            // A snapshot that has seen more is for the next start to tell.
            Err(
                StartError::Lost { .. }
                | StartError::Name(_)
                | StartError::Thread(_)
                | StartError::Founding(_),
            ) => Box::pin(base(ledger, workspace, None, &self.outside, known.seq)).await,
            begun => begun,
        };
        let Base { mut state, heads, .. } = begun.map_err(|error| match error {
            StartError::Trouble(trouble) => trouble,
            other @ (StartError::Lost { .. }
            | StartError::Name(_)
            | StartError::Thread(_)
            | StartError::Founding(_)) => Trouble::Values(FarError(other.to_string().into())),
        })?;
        let outside = Some(&self.outside);
        let end = Box::pin(replay(ledger, &mut state, heads, known.seq, outside, |_, _| {})).await?;
        self.outside.believe();
        if end == known { Ok(state) } else { Err(Trouble::WentBack { seq: known.seq }) }
    }
}
