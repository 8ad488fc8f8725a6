//! A batch decided and not recorded: its deeds, and the answers that wait for them. What it changes is in the state
//! already; when it is recorded, shown and answered, and what happens if it can't be, is the loop's business.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::door::Door;
use super::{Envelope, Look, LookError, Places, Standing, SubmitError, Values, Verdict, Waiter, outside};
use crate::domain::command::{Command, Request};
use crate::domain::decide::{Answer, decide_within, unfit_for_loss};
use crate::domain::deed::{Deed, Origin};
use crate::domain::ids::{Actor, Seq};
use crate::domain::state::{Changes, Front, State, Totals};
use crate::domain::things::Limits;
use crate::domain::time::Time;

/// No further command is taken into a batch that has this many deeds.
const BATCH_DEEDS: usize = 4_096;
/// So many are told by whoever decides.
const FEW: usize = 2;

/// By what a batch is decided.
pub(super) struct Rules<'a> {
    pub(super) now: Time,
    pub(super) origin: &'a Origin,
    pub(super) limits: &'a Limits,
}

/// Commands decided one after another.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) deeds: Vec<Arc<Deed>>,
    pub(super) bytes: Vec<Bytes>,
    pub(super) answers: Answers,
    /// Questions that are answered with what this batch leaves behind.
    pub(super) looks: Vec<Look>,
    commands: usize,
    size: usize,
}

/// What a batch leaves behind, taken down before anything else is decided.
pub(super) struct Left {
    pub(super) front: Arc<Front>,
    /// What each of its looks saw.
    pub(super) seen: Vec<Seen>,
    /// The whole state, where a copy was asked for.
    pub(super) copy: Option<State>,
    /// What it did to values and keys, and what is known of all of them then.
    pub(super) changes: Changes,
    pub(super) totals: Totals,
}

/// What somebody sees who looks.
type Seen = Result<State, LookError>;

/// Callers with what they will be told.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) letters: Vec<Envelope>,
    verdicts: Vec<Vec<Verdict>>,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.answers.letters.is_empty() && self.looks.is_empty()
    }

    /// The bytes of its deeds.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether this caller's commands may be taken in, where it takes so many at `most` and while there is time. The first one's
    /// always may.
    pub(super) fn has_room_for(&self, letter: &Envelope, most: usize, in_time: bool) -> bool {
        self.answers.letters.is_empty()
            || in_time && self.deeds.len() < BATCH_DEEDS && self.commands + letter.requests.len() <= most
    }

    /// Whether this caller has nothing in it yet, and it takes so many commands at `most`.
    pub(super) fn is_new(&self, letter: &Envelope, most: usize) -> bool {
        self.commands + letter.requests.len() <= most
            && self.answers.letters.iter().all(|other| other.from != letter.from)
    }

    /// Decides one caller's commands. After an error the draft and the state are unfit: refuse all of its callers.
    pub(super) fn add(
        &mut self,
        state: &mut State,
        mut letter: Envelope,
        rules: &Rules<'_>,
        door: &mut Door,
    ) -> Result<(), SubmitError> {
        letter.places.take();
        self.commands += letter.requests.len();
        let mut verdicts = Vec::with_capacity(letter.requests.len());
        let mut outcome = Ok(());
        for request in &letter.requests {
            match self.decide(state, request, rules, door) {
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
    fn decide(
        &mut self,
        state: &mut State,
        request: &Request,
        rules: &Rules<'_>,
        door: &mut Door,
    ) -> Result<Verdict, SubmitError> {
        let now = rules.now;
        let decided = || decide_within(state, request, now, rules.limits);
        let Ok(mut decision) = catch_unwind(AssertUnwindSafe(decided)) else {
            return Ok(Err(SubmitError::Defect("the rules panicked".to_owned())));
        };
        outside::failed(state).map_err(SubmitError::Unavailable)?;
        if let Some(refusal) = decision.turned_away.filter(|_| rules.limits.counts_refusals) {
            let who = &request.principal.actor;
            if let Some(first) = door.count(who, refusal, now) {
                if let Answer::Reply(reply) = &mut decision.answer {
                    reply.deed = first;
                }
                return Ok(Ok(decision.answer));
            }
            if let Some(deed) = decision.deeds.first() {
                door.open(who, refusal.code, (now, deed.seq));
            }
        }
        self.take(state, decision.deeds, rules.origin)?;
        Ok(Ok(decision.answer))
    }

    /// Folds deeds and makes their bytes. An error here leaves draft and state unfit.
    pub(super) fn take(
        &mut self,
        state: &mut State,
        deeds: Vec<Deed>,
        origin: &Origin,
    ) -> Result<(), SubmitError> {
        for deed in deeds {
            let bytes = deed.encode(origin).map_err(|error| SubmitError::Defect(error.to_string()))?;
            self.fold(state, deed)?;
            self.size += bytes.len();
            self.bytes.push(bytes.into());
        }
        Ok(())
    }

    /// Folds one deed, whoever has its bytes. As unfit after an error.
    pub(super) fn fold(&mut self, state: &mut State, deed: Deed) -> Result<(), SubmitError> {
        catch_unwind(AssertUnwindSafe(|| state.fold(&deed)))
            .map_err(|_| SubmitError::Defect("folding panicked".to_owned()))?;
        outside::failed(state).map_err(SubmitError::Unavailable)?;
        self.deeds.push(Arc::new(deed));
        Ok(())
    }

    /// Takes down what the batch leaves behind. The state must not have gone on from there.
    pub(super) fn close(&self, state: &State, with_copy: bool) -> Left {
        let before = self.deeds.first().map_or(state.head(), |first| Seq(first.seq.0.saturating_sub(1)));
        Left {
            front: Arc::new(state.front()),
            seen: self.looks.iter().map(|look| look.at.of(state)).collect(),
            copy: with_copy.then(|| state.clone()),
            changes: state.changes(&self.deeds, before),
            totals: state.totals(),
        }
    }

    /// Tells everyone what the rules said, and what there is to see.
    pub(super) fn answer(self, seen: Vec<Seen>) {
        self.answers.send();
        for (look, state) in self.looks.into_iter().zip(seen) {
            look.answer(state);
        }
    }
}

impl Answers {
    /// Tells everyone what the rules said. Of many a task of theirs does it: whoever is woken one by one from here takes the
    /// processor from who decides.
    fn send(self) {
        let told = self.letters.into_iter().zip(self.verdicts);
        let told: Vec<_> = told.filter_map(|(letter, verdicts)| Some((letter.reply?, verdicts))).collect();
        let many = told.first().filter(|_| told.len() > FEW);
        let Some(runtime) = many.map(|(waiter, _)| waiter.runtime.clone()) else {
            return told.into_iter().for_each(tell);
        };
        let (theirs, others): (Vec<_>, _) =
            told.into_iter().partition(|(waiter, _)| waiter.runtime.id() == runtime.id());
        others.into_iter().for_each(tell);
        runtime.spawn(async move { theirs.into_iter().for_each(tell) });
    }

    /// Tells everyone that the rules' word does not count.
    pub(super) fn refuse(self, error: &SubmitError) {
        refuse(self.letters, error);
    }
}

/// A caller that went away misses its answer, nothing else.
fn tell((waiter, verdicts): (Waiter, Vec<Verdict>)) {
    waiter.verdicts.send(verdicts).unwrap_or_default();
}

/// Answers every command with the same error.
pub(super) fn refuse(letters: impl IntoIterator<Item = Envelope>, error: &SubmitError) {
    for letter in letters {
        let verdicts = vec![Err(error.clone()); letter.requests.len()];
        letter.answer(verdicts);
    }
}

impl Look {
    /// Whether its caller has gone away.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn answer(self, seen: Result<State, LookError>) {
        drop(self.place);
        // Who went away misses it, nothing else.
        self.reply.send(seen).map_err(drop).unwrap_or_default();
    }
}

impl Values {
    /// What there is to see of them in that state.
    pub(super) fn of(&self, state: &State) -> Seen {
        let seen = match self {
            Self::Of(path) => state.of_entity(path),
            Self::All => state.pinned(),
        };
        outside::failed(state).map(|()| seen).map_err(LookError::Unavailable)
    }
}

impl Envelope {
    /// Commands of one caller; without any, Deeds' own.
    pub(super) fn of(requests: Vec<Request>, reply: Option<Waiter>, places: Option<Places>) -> Self {
        let caller = requests.first().map(|request| &request.principal);
        let from = caller.map_or(Actor::Deeds, |caller| caller.actor.clone());
        let standing = caller.map_or(Standing::Person, |caller| Standing::of(caller.class));
        Self { from, standing, requests, reply, places, attempts: 0 }
    }

    /// Whether all that it asks is that a loss be accepted, by who may say so.
    pub(super) fn accepts_loss(&self) -> bool {
        self.requests.iter().all(|request| {
            let (command, by) = (&request.command, &request.principal);
            matches!(command, Command::AcceptLoss(accept) if unfit_for_loss(accept).is_none())
                && command.row().who.includes(by.class, &by.actor)
        })
    }

    /// Whether its caller has gone away. What the coordinator tells itself has none.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(|waiter| waiter.verdicts.is_closed())
    }

    fn answer(self, verdicts: Vec<Verdict>) {
        if let Some(waiter) = self.reply {
            tell((waiter, verdicts));
        }
    }
}
