//! What was seen of a ledger before: nothing that a person decides is sent to a server whose history does not continue it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Client, ClientError, Result};
use crate::api::{Hash, ProblemCode};
use crate::domain::command::{Asker, Command, OverrideVerb};
use crate::domain::ids::Seq;

/// The last deed that was seen.
#[derive(Debug)]
pub(super) struct Expected {
    seq: Seq,
    hash: Hash,
    /// That the server has it was found already.
    found: AtomicBool,
}

impl Client {
    /// The same, which sends nothing that a person decides where the ledger has not that very deed.
    #[must_use]
    pub fn continuing(self, seen: Option<(Seq, Hash)>) -> Self {
        let seen = seen.filter(|(seq, _)| *seq > Seq(0));
        let expected =
            seen.map(|(seq, hash)| Arc::new(Expected { seq, hash, found: AtomicBool::new(false) }));
        Self { expected, ..self }
    }

    /// Whether that command may be sent there.
    pub(super) async fn continues_for(&self, command: &Command) -> Result<()> {
        if waits_for_sureness(command) { self.continues().await } else { Ok(()) }
    }

    /// Whether the server's history continues what was seen of it before.
    ///
    /// # Errors
    /// [`ClientError::Forked`] where it does not, and what else kept it from being told.
    pub async fn continues(&self) -> Result<()> {
        let Some(expected) = self.expected.as_deref() else { return Ok(()) };
        if expected.found.load(Ordering::Relaxed) {
            return Ok(());
        }
        let forked = || Err(ClientError::Forked { seq: expected.seq });
        match self.deed(expected.seq).await {
            Ok(there) if there.hash == expected.hash => {
                expected.found.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(_) => forked(),
            Err(ClientError::Problem(problem)) if problem.status == ProblemCode::NotFound.status() => {
                forked()
            }
            Err(error) => Err(error),
        }
    }
}

/// What a person decides; not what only stops, which must not wait, and not that a loss is accepted.
fn waits_for_sureness(command: &Command) -> bool {
    let stops = matches!(
        command,
        Command::Override(order)
            if matches!(order.step, OverrideVerb::Freeze { .. } | OverrideVerb::Pause { .. } | OverrideVerb::PauseAll)
    );
    let decides = matches!(command.row().who, Asker::Deciders | Asker::Admins);
    decides && !stops && !matches!(command, Command::AcceptLoss(_))
}
