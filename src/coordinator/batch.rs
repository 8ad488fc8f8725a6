//! The loop: decide what is waiting on a clone of the state, append it once, show it, answer all.
//!
//! Two batches are at hand at most: one in flight, whose deeds are with the ledger, and a draft that is decided on what
//! that one will leave behind. When the flight has landed the draft takes off at once, and then the landed one is shown
//! and answered. Nothing that is not on disk is ever shown, and nothing that was decided on it is ever answered: if a
//! flight fails, the draft is dropped and its commands wait again, as if nobody had looked at them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::draft::{Answers, Draft, refuse};
use super::flight::{Flight, Outcome};
use super::start::{Founding, Options, replay};
use super::timers::Timers;
use super::{Clock, Durable, Entry, Envelope, Shared, SubmitError, Trouble, snapshot};
use crate::domain::deed::Origin;
use crate::domain::state::State;
use crate::domain::time::Time;
use crate::ledger::{Append, Head, Ledger, LedgerError, Record};

/// The most commands that are taken out of the mailbox at once.
const LETTERS: usize = 256;
/// How often a command is decided anew because another node was first.
const ATTEMPTS: usize = 8;
/// How long the coordinator rests after an error before it looks again by itself.
const REST: Duration = Duration::from_secs(1);
/// A snapshot is due when this many deeds came since the last one …
const SNAPSHOT_DEEDS: u64 = 20_000;
/// … and this much time went by.
const SNAPSHOT_GAP: Duration = Duration::from_secs(30);

/// The coordinator at work.
pub(super) struct Loop {
    shared: Arc<Shared>,
    mailbox: mpsc::Receiver<Envelope>,
    /// Taken out of the mailbox, not decided yet.
    waiting: VecDeque<Envelope>,
    /// Decided on what the flight will leave behind, or on what is durable where nothing is in flight.
    draft: Option<Draft>,
    /// With the ledger at present.
    flight: Option<Flight>,
    /// The state on disk; the same that `shared` shows.
    durable: Durable,
    origin: Origin,
    clock: Clock,
    timers: Timers,
    /// Set by an error of the ledger, until it was opened and verified again.
    distrust: bool,
    snapshots: Snapshots,
}

impl Loop {
    pub(super) fn new(
        shared: Arc<Shared>,
        mailbox: mpsc::Receiver<Envelope>,
        origin: Origin,
        options: &Options,
        snapshot: Option<u64>,
    ) -> Self {
        let durable = shared.durable.borrow().clone();
        let snapshots = Snapshots {
            path: options.snapshot.clone(),
            taken: snapshot.unwrap_or(0),
            last: Instant::now(),
            running: None,
        };
        Self {
            shared,
            mailbox,
            waiting: VecDeque::new(),
            draft: None,
            flight: None,
            durable,
            origin,
            clock: options.clock.clone(),
            timers: Timers::default(),
            distrust: false,
            snapshots,
        }
    }

    /// Records the first deeds of an empty ledger. If another node founds it at the same moment, that one did.
    pub(super) async fn found(&mut self, founding: Founding) -> Result<(), SubmitError> {
        let deeds = founding(self.now());
        let mut draft = Draft::on(&self.durable.state);
        draft.take(deeds, &self.origin)?;
        let bytes = std::mem::take(&mut draft.bytes);
        match self.shared.ledger.append(self.durable.head, bytes).await {
            Ok(Append::Appended(records)) => {
                self.show(draft, records);
                Ok(())
            }
            Ok(Append::Moved(_)) => self.read_on().await.map_err(SubmitError::Unavailable),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Works until it is told to stop, or until every handle is gone; then finishes what is waiting.
    pub(super) async fn run(mut self, mut stopped: cell::Receiver<bool>, ended: cell::Sender<bool>) {
        let mut letters = Vec::with_capacity(LETTERS);
        let mut open = true;
        loop {
            self.gather();
            self.advance().await;
            let idle = self.flight.is_none();
            if idle && !open {
                break;
            }
            tokio::select! {
                biased;
                outcome = Flight::landed(&mut self.flight), if !idle => self.land(outcome).await,
                // Handles that are gone without a word mean the same as one that says stop.
                () = told_to_stop(&mut stopped), if open => {
                    self.mailbox.close();
                    while let Some(letter) = self.mailbox.recv().await {
                        letters.push(letter);
                    }
                    open = false;
                }
                // What comes during a flight waits until that has landed: few large batches cost less than many small ones.
                count = self.mailbox.recv_many(&mut letters, LETTERS), if open && idle => open = count > 0,
                () = self.timers.due(&self.clock, &self.durable.state), if idle && !self.distrust => {}
                () = tokio::time::sleep(REST), if idle && self.distrust => {
                    // Its trouble is published, and whoever comes meanwhile is told.
                    self.regain_trust().await.unwrap_or_default();
                }
            }
            self.waiting.extend(letters.drain(..));
        }
        self.shared.hush();
        self.snapshots.finish(&self.shared, &self.durable).await;
        self.shared.ledger.close().await;
        ended.send_replace(true);
    }

    /// Takes out of the mailbox what is there, if the draft has room for any.
    fn gather(&mut self) {
        let room = if self.draft.as_ref().is_none_or(Draft::has_room) { LETTERS } else { 0 };
        while self.waiting.len() < room
            && let Ok(letter) = self.mailbox.try_recv()
        {
            self.waiting.push_back(letter);
        }
    }

    /// Decides what is waiting as far as there is room, and sends it off where nothing is in flight. When nothing is in
    /// flight afterwards, nothing waits either.
    async fn advance(&mut self) {
        loop {
            if self.flight.is_none()
                && !self.waiting.is_empty()
                && let Err(trouble) = self.regain_trust().await
            {
                refuse(self.waiting.drain(..), &SubmitError::Unavailable(trouble));
            }
            self.decide();
            if self.flight.is_none()
                && let Some(draft) = self.draft.take()
            {
                self.send(self.durable.head, draft).await;
            } else if self.draft.is_some() || self.waiting.is_empty() {
                return;
            }
        }
    }

    /// Hands a draft to the ledger. One without deeds has nothing to wait for.
    async fn send(&mut self, head: Head, draft: Draft) {
        if draft.deeds.is_empty() {
            return draft.answers.send();
        }
        self.flight = Some(Flight::take_off(&self.shared, head, draft).await);
    }

    /// The state that the next command is decided on.
    fn latest(&self) -> &State {
        let flying = self.flight.as_ref().map(|flight| &flight.draft);
        self.draft.as_ref().or(flying).map_or(&self.durable.state, |draft| &draft.next)
    }

    /// Never earlier than the last deed, whatever the clock says.
    fn now(&self) -> Time {
        self.clock.now().max(self.latest().board.recorded)
    }

    /// Decides commands onto the draft up to its bounds. Those whose callers have gone away are dropped undecided.
    fn decide(&mut self) {
        let now = self.now();
        let mut draft = match self.draft.take() {
            Some(draft) => draft,
            None => Draft::on(self.latest()),
        };
        if draft.is_empty()
            && !self.distrust
            && let Some(tick) = self.timers.tick(&draft.next, now)
        {
            self.waiting.push_front(tick);
        }
        while let Some(letter) = self.waiting.pop_front_if(|letter| draft.has_room_for(letter)) {
            if letter.is_abandoned() {
                continue;
            }
            if let Err(error) = draft.add(letter, now, &self.origin) {
                return draft.answers.refuse(&error);
            }
        }
        self.draft = (!draft.is_empty()).then_some(draft);
    }

    /// What was in flight is on disk, or not.
    async fn land(&mut self, outcome: Outcome) {
        let Some(Flight { draft: landed, .. }) = self.flight.take() else { return };
        match outcome {
            Ok(Append::Appended(records)) => {
                let head = records.last().map_or(self.durable.head, Record::head);
                // The ledger is busy again before anybody is told of what it did. A draft without deeds needs no
                // ledger: `advance` answers it, now that what it was decided on is durable.
                if let Some(next) = self.draft.take_if(|draft| !draft.deeds.is_empty()) {
                    self.send(head, next).await;
                }
                self.show(landed, records).send();
                self.snapshots.consider(&self.shared, &self.durable);
            }
            Ok(Append::Moved(_)) => {
                self.drop_draft();
                match self.read_on().await {
                    Ok(()) => self.decide_anew(landed),
                    Err(trouble) => {
                        self.lose_trust(trouble.clone());
                        landed.answers.refuse(&SubmitError::Unavailable(trouble));
                    }
                }
            }
            Err(error) => {
                self.drop_draft();
                let told = refused(&error);
                self.lose_trust(error.into());
                landed.answers.refuse(&told);
            }
        }
    }

    /// What it was decided on will not be: its commands are decided as if nobody had looked at them.
    fn drop_draft(&mut self) {
        if let Some(draft) = self.draft.take() {
            self.wait_again(draft.answers.letters);
        }
    }

    /// Another node was first: the commands wait again, except those that it happened to too often.
    fn decide_anew(&mut self, draft: Draft) {
        let mut letters = draft.answers.letters;
        for letter in &mut letters {
            letter.attempts += 1;
        }
        let (again, tired) = letters.into_iter().partition(|letter| letter.attempts < ATTEMPTS);
        self.wait_again(again);
        let tired: Vec<Envelope> = tired;
        refuse(tired, &SubmitError::Contended);
    }

    /// Puts commands back to the front, in their order.
    fn wait_again(&mut self, letters: Vec<Envelope>) {
        for letter in letters.into_iter().rev() {
            self.waiting.push_front(letter);
        }
    }

    /// Makes a recorded batch the state that everyone sees.
    fn show(&mut self, draft: Draft, records: Vec<Record>) -> Answers {
        let head = records.last().map_or(self.durable.head, Record::head);
        self.durable = Durable { state: Arc::new(draft.next), head };
        let batch =
            records.into_iter().zip(draft.deeds).map(|(record, deed)| Entry::new(record, deed)).collect();
        self.shared.publish(self.durable.clone(), batch);
        draft.answers
    }

    /// Folds and shows what other nodes appended.
    async fn read_on(&mut self) -> Result<(), Trouble> {
        let mut next = (*self.durable.state).clone();
        let mut news = Vec::new();
        let each = |_: &State, (record, deed)| news.push(Entry::new(record, deed));
        let head = replay(&self.shared.ledger, &mut next, self.durable.head, each).await?;
        if head == self.durable.head {
            // It moved, and there is nothing to read: it is not the ledger that it was.
            return Err(Trouble::WentBack { seq: head.seq });
        }
        self.durable = Durable { state: Arc::new(next), head };
        self.shared.publish(self.durable.clone(), news.into());
        Ok(())
    }

    fn lose_trust(&mut self, trouble: Trouble) {
        tracing::error!(%trouble, "the ledger failed; nothing is recorded until it was verified again");
        self.distrust = true;
        self.shared.trouble.send_replace(Some(trouble));
    }

    /// After an error: has the ledger opened and verified again, and reads on where it ends. Until that works, nothing
    /// is decided.
    async fn regain_trust(&mut self) -> Result<(), Trouble> {
        if !self.distrust {
            return Ok(());
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

    async fn verify_again(&mut self) -> Result<(), Trouble> {
        let head = self.shared.ledger.recover().await?;
        if head == self.durable.head {
            return Ok(());
        }
        if head.seq <= self.durable.head.seq {
            return Err(Trouble::WentBack { seq: self.durable.head.seq });
        }
        self.read_on().await
    }
}

async fn told_to_stop(stopped: &mut cell::Receiver<bool>) {
    stopped.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
}

fn refused(error: &LedgerError) -> SubmitError {
    let trouble = Trouble::Ledger(error.clone());
    if error.outcome_unknown() { SubmitError::Unknown(trouble) } else { SubmitError::Unavailable(trouble) }
}

/// When snapshots are written, one at a time.
struct Snapshots {
    path: Option<PathBuf>,
    /// The head of the last one that was begun.
    taken: u64,
    last: Instant,
    running: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Begins one in the background if it is time.
    fn consider(&mut self, shared: &Arc<Shared>, durable: &Durable) {
        let due = durable.head.seq.saturating_sub(self.taken) >= SNAPSHOT_DEEDS
            && self.last.elapsed() >= SNAPSHOT_GAP
            && self.running.as_ref().is_none_or(JoinHandle::is_finished);
        if due {
            self.begin(shared, durable);
        }
    }

    /// Writes a last one, unless nothing happened since.
    async fn finish(&mut self, shared: &Arc<Shared>, durable: &Durable) {
        if let Some(running) = self.running.take() {
            running.await.unwrap_or_default();
        }
        if durable.head.seq > self.taken {
            self.begin(shared, durable);
        }
        if let Some(running) = self.running.take() {
            running.await.unwrap_or_default();
        }
    }

    fn begin(&mut self, shared: &Arc<Shared>, durable: &Durable) {
        let Some(path) = self.path.clone() else { return };
        (self.taken, self.last) = (durable.head.seq, Instant::now());
        let (shared, durable) = (Arc::clone(shared), durable.clone());
        self.running = Some(tokio::task::spawn_blocking(move || {
            let identity = shared.ledger.identity();
            if let Err(error) = snapshot::save(&path, identity, durable.head, &durable.state) {
                tracing::warn!(place = %path.display(), %error, "no snapshot was written; the next start takes longer");
            }
            if let Some(files) = shared.past.files() {
                files.consider(identity, durable.head, &durable.state.board, durable.head.seq);
            }
        }));
    }
}
