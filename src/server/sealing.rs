//! Signs heads: every so many deeds and minutes where the ledger ends, as a note that others can check.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::coordinator::{Clock, Handle};
use crate::domain::time::{Span, Time};
use crate::ledger::{Head, LedgerError, Signing, signing};

/// A head is signed when so many deeds came since the last one …
const DEEDS: u64 = 4_096;
/// … or after this time, if any came.
const EVERY: Span = Span::from_micros(15 * 60 * 1_000_000);
/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(5);

/// What one workspace's heads are signed with, and where they are kept.
#[derive(Debug, Clone)]
pub(super) struct Sealing {
    pub(super) signing: Signing,
    pub(super) folder: PathBuf,
    pub(super) clock: Clock,
}

impl Sealing {
    /// Signs heads until it is told to stop.
    pub(super) async fn run(self, handle: Handle, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = self.last_kept().await;
        loop {
            tokio::select! {
                // A sender that is gone says the same.
                _ = stop.wait_for(|stop| *stop) => return,
                _ = looks.tick() => {}
            }
            let head = handle.head();
            let now = self.clock.now();
            if !is_due(head, last, now) {
                continue;
            }
            last = (head.seq, Some(now));
            self.keep_apart(&handle, head, now).await;
        }
    }

    /// Signs where a ledger ended that takes nothing more, if that is not signed yet.
    pub(super) async fn finish(&self, handle: &Handle) {
        let (head, now) = (handle.head(), self.clock.now());
        if head.seq > self.last_kept().await.0 {
            self.keep_apart(handle, head, now).await;
        }
    }

    /// Signs a head on a blocking thread. Without the note the ledger is as good as before.
    async fn keep_apart(&self, handle: &Handle, head: Head, now: Time) {
        let (sealing, source) = (self.clone(), handle.identity().source());
        let kept = tokio::task::spawn_blocking(move || sealing.keep(&source, head, now)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "a head could not be signed");
        }
    }

    /// The note of that head, not kept.
    pub(super) fn note(&self, source: &str, head: Head) -> Result<String, LedgerError> {
        Ok(self.signing.signer()?.head(source, head, &self.clock.now().to_string()))
    }

    fn keep(&self, source: &str, head: Head, now: Time) -> Result<(), LedgerError> {
        let signer = self.signing.signer()?;
        signing::keep_head(&self.folder, &signer, source, head, &now.to_string())
    }

    /// The last head that was kept, and when; none is the beginning.
    async fn last_kept(&self) -> (u64, Option<Time>) {
        let folder = self.folder.clone();
        let last = tokio::task::spawn_blocking(move || signing::last_kept(&folder)).await.ok().flatten();
        last.map_or((0, None), |(seq, time)| (seq, time.parse().ok()))
    }
}

fn is_due(head: Head, (signed, at): (u64, Option<Time>), now: Time) -> bool {
    let new = head.seq.saturating_sub(signed);
    new >= DEEDS || new > 0 && at.is_none_or(|at| now.since(at) >= EVERY)
}
