//! A batch decided and not recorded: the state that it would leave, its deeds, and the answers that wait for them.
//! When it is recorded, shown and answered is the loop's business.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Envelope, SubmitError, Verdict};
use crate::domain::command::Request;
use crate::domain::decide::decide;
use crate::domain::deed::{Deed, Origin};
use crate::domain::state::State;
use crate::domain::time::Time;

/// The most commands that are decided for one append.
const BATCH_COMMANDS: usize = 256;
/// No further command is taken into a batch that has this many deeds.
const BATCH_DEEDS: usize = 4_096;

/// Commands decided one after another.
pub(super) struct Draft {
    pub(super) next: State,
    pub(super) deeds: Vec<Arc<Deed>>,
    pub(super) bytes: Vec<Bytes>,
    pub(super) answers: Answers,
    commands: usize,
}

/// Callers with what they will be told.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) letters: Vec<Envelope>,
    verdicts: Vec<Vec<Verdict>>,
}

impl Draft {
    /// Nothing decided yet on this state.
    pub(super) fn on(state: &State) -> Self {
        Self {
            next: state.clone(),
            deeds: Vec::new(),
            bytes: Vec::new(),
            answers: Answers::default(),
            commands: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.answers.letters.is_empty()
    }

    /// Whether any further command may be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.commands < BATCH_COMMANDS && self.deeds.len() < BATCH_DEEDS
    }

    /// Whether this caller's commands may be taken in. The first one's always may.
    pub(super) fn has_room_for(&self, letter: &Envelope) -> bool {
        self.is_empty()
            || self.deeds.len() < BATCH_DEEDS && self.commands + letter.requests.len() <= BATCH_COMMANDS
    }

    /// Decides one caller's commands. After an error the draft is unfit: refuse all of its callers.
    pub(super) fn add(
        &mut self,
        mut letter: Envelope,
        now: Time,
        origin: &Origin,
    ) -> Result<(), SubmitError> {
        letter.places.take();
        self.commands += letter.requests.len();
        let mut verdicts = Vec::with_capacity(letter.requests.len());
        let mut outcome = Ok(());
        for request in &letter.requests {
            match self.decide(request, now, origin) {
                Ok(verdict) => verdicts.push(verdict),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        self.answers.letters.push(letter);
        self.answers.verdicts.push(verdicts);
        outcome
    }

    /// Decides one command on what was decided before it. A command that breaks the rules' code is answered so and
    /// leaves nothing behind.
    fn decide(&mut self, request: &Request, now: Time, origin: &Origin) -> Result<Verdict, SubmitError> {
        let Ok(decision) = catch_unwind(AssertUnwindSafe(|| decide(&self.next, request, now))) else {
            return Ok(Err(SubmitError::Defect("the rules panicked".to_owned())));
        };
        self.take(decision.deeds, origin)?;
        Ok(Ok(decision.answer))
    }

    /// Folds deeds and makes their bytes. An error here leaves the draft unfit: drop it.
    pub(super) fn take(&mut self, deeds: Vec<Deed>, origin: &Origin) -> Result<(), SubmitError> {
        for deed in deeds {
            let bytes = deed.encode(origin).map_err(|error| SubmitError::Defect(error.to_string()))?;
            catch_unwind(AssertUnwindSafe(|| self.next.fold(&deed)))
                .map_err(|_| SubmitError::Defect("folding panicked".to_owned()))?;
            self.bytes.push(bytes.into());
            self.deeds.push(Arc::new(deed));
        }
        Ok(())
    }
}

impl Answers {
    /// Tells everyone what the rules said.
    pub(super) fn send(self) {
        for (letter, verdicts) in self.letters.into_iter().zip(self.verdicts) {
            letter.answer(verdicts);
        }
    }

    /// Tells everyone that the rules' word does not count.
    pub(super) fn refuse(self, error: &SubmitError) {
        refuse(self.letters, error);
    }
}

/// Answers every command with the same error.
pub(super) fn refuse(letters: impl IntoIterator<Item = Envelope>, error: &SubmitError) {
    for letter in letters {
        let verdicts = vec![Err(error.clone()); letter.requests.len()];
        letter.answer(verdicts);
    }
}

impl Envelope {
    /// Whether its caller has gone away. What the coordinator tells itself has none.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn answer(self, verdicts: Vec<Verdict>) {
        if let Some(reply) = self.reply {
            // A caller that went away misses its answer, nothing else.
            reply.send(verdicts).unwrap_or_default();
        }
    }
}
