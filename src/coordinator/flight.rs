//! A batch on its way to the disk: handed to the ledger at once, waited for later, so that there is time in between.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::Shared;
use super::draft::{Draft, Left};
use crate::ledger::{Append, Head, Ledger, LedgerError};

/// What the ledger says of an append.
pub(super) type Outcome = Result<Append, LedgerError>;

/// A batch that is being appended.
pub(super) struct Flight {
    pub(super) draft: Draft,
    /// What it leaves behind.
    pub(super) left: Left,
    append: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    /// What came of it, if that was known at once.
    early: Option<Outcome>,
}

impl Flight {
    /// Hands a draft to the ledger, before anything else is done.
    pub(super) async fn take_off(shared: &Arc<Shared>, head: Head, mut draft: Draft, left: Left) -> Self {
        let bytes = std::mem::take(&mut draft.bytes);
        let shared = Arc::clone(shared);
        let mut append: Pin<Box<dyn Future<Output = Outcome> + Send>> =
            Box::pin(async move { shared.ledger.append(head, bytes).await });
        let early = poll_fn(|context| match append.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => Poll::Ready(None),
        });
        let early = early.await;
        Self { draft, left, append, early }
    }

    /// Waits for what comes of it. Cancelling it loses nothing.
    pub(super) async fn landed(flight: &mut Option<Self>) -> Outcome {
        match flight {
            Some(Self { early, append, .. }) => match early.take() {
                Some(outcome) => outcome,
                None => append.await,
            },
            None => std::future::pending().await,
        }
    }
}
