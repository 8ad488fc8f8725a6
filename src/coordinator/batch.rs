//! The loop: decide what is waiting, append it once, show it, answer all.
//!
//! Two batches are at hand at most: one in flight, whose deeds are with the ledger, and a draft that is decided on what
//! that one will leave behind. When the flight has landed the draft takes off at once, and then the landed one is shown
//! and answered. Nothing that is not on disk is ever shown, and nothing that was decided on it is ever answered: if a
//! flight fails, the draft is dropped and its commands wait again, as if nobody had looked at them.
//!
//! There is one state, which batches are folded into as they are decided. What everybody may look at is copied when a batch
//! takes off; the values of entities, which are nearly all of it, are not. So after a failure the state is ahead of the
//! disk: it is thrown away and read again like at a start (see [`recovery`](super::recovery)).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::door::Door;
use super::doubts::Doubts;
use super::draft::{Draft, Left, Rules, refuse};
use super::flight::{Flight, Outcome};
use super::follow::Followed;
use super::lanes::Lanes;
use super::outside::Outside;
use super::pace::Pace;
use super::recovery::COPIES;
use super::start::{Founding, Options};
use super::timers::Timers;
use super::{Clock, Durable, Entry, Envelope, Look, Mail, Shared, SubmitError, Trouble, snapshot};
use crate::domain::deed::Origin;
use crate::domain::state::State;
use crate::domain::things::Limits;
use crate::domain::time::Time;
use crate::ledger::{Append, Head, Ledger, LedgerError, Lost, Record};

/// The most letters that are taken out of the mailbox at once.
const LETTERS: usize = 256;
/// The most commands that are decided for one append …
const BATCH: usize = 256;
/// … and for so long.
const BATCH_TIME: Duration = Duration::from_millis(100);
/// The same where several principals want their turns: who comes waits for the batch in flight, so it is short.
const SHARED_BATCH: usize = 16;
const SHARED_TIME: Duration = Duration::from_micros(500);
/// How often a command is decided anew because another node was first.
const ATTEMPTS: usize = 8;
/// How long the coordinator rests after an error before it looks again by itself.
pub(super) const REST: Duration = Duration::from_secs(1);
/// A snapshot is due when this many deeds came since the last one …
const SNAPSHOT_DEEDS: u64 = 20_000;
/// … and this much time went by.
const SNAPSHOT_GAP: Duration = Duration::from_secs(30);
/// How long the last snapshot may take where somebody waits for the end …
const LAST_SNAPSHOT: Duration = Duration::from_secs(1);
/// … and it, to end when it is given up.
const GIVING_UP: Duration = Duration::from_millis(200);

/// The coordinator at work.
pub(super) struct Loop {
    pub(super) shared: Arc<Shared>,
    mailbox: mpsc::UnboundedReceiver<Mail>,
    /// Taken out of the mailbox, not decided yet.
    pub(super) waiting: Lanes,
    /// Taken out of the mailbox, not answered yet.
    pub(super) looks: Vec<Look>,
    /// Decided on what the flight will leave behind, or on what is durable where nothing is in flight.
    draft: Option<Draft>,
    /// With the ledger at present.
    flight: Option<Flight>,
    /// Everything that was decided, the flight and the draft included.
    pub(super) state: State,
    /// How many batches more leave a copy of the whole state; see [`recovery`](super::recovery).
    pub(super) copies: u32,
    /// What is on disk; the same that `shared` shows.
    pub(super) durable: Durable,
    origin: Origin,
    clock: Clock,
    timers: Timers,
    pace: Pace,
    door: Door,
    doubts: Doubts,
    limits: Arc<Limits>,
    /// Whether this node tells the workspace's time.
    leads: bool,
    pub(super) followed: Followed,
    /// Told to stop: what is counted at the door is told now.
    ending: bool,
    /// Set by an error, until the ledger was opened and verified again and the state is what that says.
    pub(super) distrust: bool,
    /// When that is tried by itself next, however much is heard meanwhile.
    pub(super) again: Instant,
    /// What the ledger lacks, until a person accepts it; `distrust` is set, too.
    pub(super) lost: Option<Lost>,
    /// Why nothing is to be recorded at all.
    pub(super) look_only: Option<Arc<str>>,
    pub(super) snapshots: Snapshots,
    pub(super) outside: Outside,
}

impl Loop {
    pub(super) fn new(
        shared: Arc<Shared>,
        mailbox: mpsc::UnboundedReceiver<Mail>,
        origin: Origin,
        (state, outside): (State, Outside),
        options: &Options,
        snapshot: Option<u64>,
    ) -> Self {
        let durable = shared.durable.borrow().clone();
        let pace = Pace::of(&state);
        let snapshots = Snapshots {
            path: options.snapshot.clone(),
            taken: snapshot.unwrap_or(0),
            last: Instant::now(),
            running: None,
            given_up: Arc::default(),
        };
        Self {
            shared,
            mailbox,
            waiting: Lanes::default(),
            looks: Vec::new(),
            draft: None,
            flight: None,
            state,
            copies: 0,
            durable,
            origin,
            clock: options.clock.clone(),
            timers: Timers::default(),
            pace,
            door: Door::default(),
            doubts: Doubts::of(&options.clock),
            limits: Arc::clone(&options.limits),
            leads: !options.follows,
            followed: Followed::default(),
            ending: false,
            distrust: false,
            again: Instant::now(),
            lost: None,
            look_only: None,
            snapshots,
            outside,
        }
    }

    /// Records the first deeds of an empty ledger. If another node founds it at the same moment, that one did.
    pub(super) async fn found(&mut self, founding: Founding) -> Result<(), SubmitError> {
        let now = self.now();
        let deeds = founding(now);
        let mut draft = Draft::default();
        draft.take(&mut self.state, deeds, &self.origin)?;
        let left = draft.close(&self.state, false);
        let bytes = std::mem::take(&mut draft.bytes);
        match self.shared.ledger.append(self.durable.head, bytes).await {
            Ok(Append::Appended(records)) => {
                self.show(draft, left, records);
                Ok(())
            }
            Ok(Append::Moved(head)) => self.read_on(head.seq).await.map_err(SubmitError::Unavailable),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Works until it is told to stop, or until every handle is gone; then finishes what is waiting.
    pub(super) async fn run(mut self, mut stopped: cell::Receiver<bool>, ended: cell::Sender<bool>) {
        let mut mail = Vec::with_capacity(LETTERS);
        let mut open = true;
        loop {
            self.gather();
            self.advance().await;
            let idle = self.flight.is_none();
            if idle && !open {
                if self.ending || self.distrust || !self.door.is_counting() {
                    break;
                }
                self.ending = true;
                continue;
            }
            tokio::select! {
                biased;
                outcome = Flight::landed(&mut self.flight), if !idle => self.land(outcome).await,
                // Handles that are gone without a word mean the same as one that says stop.
                () = told_to_stop(&mut stopped), if open => {
                    self.mailbox.close();
                    while let Some(letter) = self.mailbox.recv().await {
                        mail.push(letter);
                    }
                    open = false;
                }
                // What comes during a flight waits until that has landed: few large batches cost less than many small ones.
                count = self.mailbox.recv_many(&mut mail, LETTERS), if open && idle => open = count > 0,
                () = self.timers.due(&self.clock, &self.state, self.pace.ahead()), if idle && self.tells() => {}
                () = self.door.due(&self.clock), if idle && !self.distrust => {}
                () = self.doubts.due(), if idle && self.tells() => {}
                () = tokio::time::sleep_until(self.again), if idle && self.distrust => {
                    // Its trouble is published, and whoever comes meanwhile is told.
                    self.regain_trust().await.unwrap_or_default();
                    self.again = Instant::now() + REST;
                }
            }
            mail.drain(..).for_each(|letter| self.sort(letter));
        }
        self.shared.hush();
        // A state that is not what is on disk is not kept.
        let last = (!self.distrust).then_some((self.durable.head, self.state));
        self.outside.finish().await;
        self.snapshots.finish(&self.shared, last).await;
        self.shared.ledger.close().await;
        ended.send_replace(true);
    }

    /// Takes out of the mailbox what is there: whose turn it is shows only where all lanes are seen.
    fn gather(&mut self) {
        while let Ok(letter) = self.mailbox.try_recv() {
            self.sort(letter);
        }
    }

    fn sort(&mut self, mail: Mail) {
        match mail {
            Mail::Commands(letters) => {
                for letter in letters {
                    self.waiting.push(letter);
                }
            }
            Mail::Look(look) => self.looks.push(look),
            Mail::Heard(seq) => self.followed.hear(seq),
            Mail::Follow(asked) => self.followed.ask(asked),
            Mail::Lead(leads) => self.leads = leads,
        }
    }

    /// Whether it tells the rules the time.
    fn tells(&self) -> bool {
        self.leads && !self.distrust
    }

    /// Decides what is waiting as far as there is room, and sends it off where nothing is in flight. When nothing is in
    /// flight afterwards, nothing and nobody waits either.
    async fn advance(&mut self) {
        loop {
            // Until the word is recorded that a loss is accepted, nothing is decided on it.
            if self.lost.is_some() && self.flight.is_some() {
                return;
            }
            if self.distrust {
                if self.flight.is_some() {
                    return;
                }
                self.answer_looks().await;
                if self.waiting.is_empty() {
                    return self.followed.answer(&self.shared.trouble.borrow().clone().map_or(Ok(()), Err));
                }
                if let Err(trouble) = self.regain_trust().await {
                    self.followed.answer(&Err(trouble.clone()));
                    return refuse(self.waiting.drain(), &SubmitError::Unavailable(trouble));
                }
            }
            if self.flight.is_none() && self.draft.is_none() {
                self.follow().await;
                if self.distrust {
                    continue;
                }
            }
            if let Err(error) = self.outside.advance(&mut self.state).await {
                self.doubt_values(&Trouble::Values(error));
                continue;
            }
            if let Some(fetch) = self.shared.fetch.as_ref().filter(|_| self.state.is_far()) {
                fetch.is_far();
            }
            self.decide();
            if self.flight.is_none()
                && let Some(draft) = self.draft.take()
            {
                self.send(self.durable.head, draft).await;
            } else if self.draft.is_some() || self.waiting.is_empty() && self.looks.is_empty() {
                return;
            }
        }
    }

    /// Hands a draft to the ledger, before anything else is decided. One without deeds has nothing to wait for.
    async fn send(&mut self, head: Head, draft: Draft) {
        let with_copy = self.with_copy(head);
        let left = draft.close(&self.state, with_copy);
        if draft.deeds.is_empty() {
            return draft.answer(left.seen);
        }
        self.flight = Some(Flight::take_off(&self.shared, head, draft, left).await);
    }

    /// Whether the batch that follows that head leaves a copy of the whole state.
    pub(super) fn with_copy(&mut self, head: Head) -> bool {
        if self.shared.looked.swap(false, Ordering::Relaxed) {
            self.copies = COPIES;
        }
        let with_copy = self.copies > 0 || self.snapshots.are_due(head);
        self.copies = self.copies.saturating_sub(1);
        with_copy
    }

    /// Never earlier than the last deed, whatever the clock says.
    fn now(&mut self) -> Time {
        self.pace.now(&self.clock, &self.state)
    }

    /// Decides commands onto the draft up to its bounds. Those whose callers have gone away are dropped undecided.
    fn decide(&mut self) {
        let now = self.now();
        let draft = self.draft.take().unwrap_or_default();
        let with_tick = draft.is_empty() && self.lost.is_none();
        if with_tick
            && self.leads
            && let Some(tick) = self.timers.tick(&self.state, now)
        {
            self.waiting.push_again(vec![tick]);
        }
        if with_tick && let Some(told) = self.door.tell(now, self.ending) {
            self.waiting.push_again(vec![told]);
        }
        if with_tick
            && self.leads
            && let Some(doubt) = self.doubts.tell(&self.clock, &self.state, self.pace.ahead())
        {
            self.waiting.push_again(vec![doubt]);
        }
        let shared = self.waiting.are_shared();
        let (most, time) = if shared { (SHARED_BATCH, SHARED_TIME) } else { (BATCH, BATCH_TIME) };
        let began = Instant::now();
        self.take_in(draft, now, |draft, letter| draft.has_room_for(letter, most, began.elapsed() < time));
    }

    /// Decides those onto a draft that waits for the ledger who came meanwhile and have nothing in it, where several want
    /// their turns: else they would wait for two batches.
    fn let_in(&mut self) {
        if !self.waiting.are_shared() {
            return;
        }
        self.gather();
        let now = self.now();
        if let Some(draft) = self.draft.take() {
            self.take_in(draft, now, |draft, letter| draft.is_new(letter, 2 * SHARED_BATCH));
        }
    }

    /// Decides what fits onto a draft.
    fn take_in(&mut self, mut draft: Draft, mut now: Time, fits: impl Fn(&Draft, &Envelope) -> bool) {
        while let Some(letter) = self.waiting.pop_if(|letter| fits(&draft, letter)) {
            if letter.is_abandoned() {
                continue;
            }
            let (from, before) = ((letter.standing, letter.from.clone()), draft.size());
            let commands = letter.requests.len();
            let rules = Rules { now, origin: &self.origin, limits: &self.limits };
            if let Err(error) = draft.add(&mut self.state, letter, &rules, &mut self.door) {
                self.looks.append(&mut draft.looks);
                self.distrust = true;
                self.door.forget();
                self.doubts.forget();
                if let SubmitError::Unavailable(trouble @ Trouble::Values(_)) = &error {
                    self.doubt_values(trouble);
                }
                return draft.answers.refuse(&error);
            }
            self.waiting.charge(&from, commands, draft.size() - before);
            // A command may have set time right, for those that come after it.
            if self.state.board.recorded < now {
                now = self.now();
            }
        }
        draft.looks.extend(self.looks.drain(..).filter(|look| !look.is_abandoned()));
        self.draft = (!draft.is_empty()).then_some(draft);
    }

    /// What was in flight is on disk, or not.
    async fn land(&mut self, outcome: Outcome) {
        let Some(Flight { draft: landed, left, .. }) = self.flight.take() else { return };
        match outcome {
            Ok(Append::Appended(records)) => {
                let head = records.last().map_or(self.durable.head, Record::head);
                self.let_in();
                // The ledger is busy again before anybody is told of what it did. A draft without deeds needs no
                // ledger: `advance` answers it, now that what it was decided on is durable.
                if let Some(next) = self.draft.take_if(|draft| !draft.deeds.is_empty()) {
                    self.send(head, next).await;
                }
                self.show(landed, left, records);
            }
            Ok(Append::Moved(head)) => {
                self.drop_draft();
                match self.read_on(head.seq).await {
                    Ok(()) => {
                        self.decide_anew(landed);
                        self.answer_looks().await;
                    }
                    Err(trouble) => {
                        self.lose_trust(trouble.clone());
                        self.refuse(landed, &SubmitError::Unavailable(trouble));
                    }
                }
            }
            Err(error) => {
                self.drop_draft();
                let told = refused(&error);
                self.lose_trust(error.into());
                self.refuse(landed, &told);
            }
        }
    }

    /// What it was decided on will not be: its commands are decided as if nobody had looked at them.
    pub(super) fn drop_draft(&mut self) {
        self.door.forget();
        self.doubts.forget();
        if let Some(draft) = self.draft.take() {
            self.looks.extend(draft.looks);
            self.waiting.push_again(draft.answers.letters);
        }
    }

    /// It was not recorded. Who only looks is answered when the state is trusted again.
    fn refuse(&mut self, draft: Draft, error: &SubmitError) {
        self.looks.extend(draft.looks);
        draft.answers.refuse(error);
    }

    /// Another node was first: the commands wait again, except those that it happened to too often.
    fn decide_anew(&mut self, draft: Draft) {
        self.looks.extend(draft.looks);
        let mut letters = draft.answers.letters;
        for letter in &mut letters {
            letter.attempts += 1;
        }
        let (again, tired) = letters.into_iter().partition(|letter| letter.attempts < ATTEMPTS);
        self.waiting.push_again(again);
        let tired: Vec<Envelope> = tired;
        refuse(tired, &SubmitError::Contended);
    }

    /// Makes a recorded batch what everyone sees, and answers its callers.
    pub(super) fn show(&mut self, mut draft: Draft, left: Left, records: Vec<Record>) {
        let head = records.last().map_or(self.durable.head, Record::head);
        self.durable = Durable { front: left.front, head, whole: left.copy };
        let deeds = std::mem::take(&mut draft.deeds);
        self.see_acceptance(&deeds);
        self.outside.note(head, left.totals, left.changes);
        let batch = records.into_iter().zip(deeds).map(|(record, deed)| Entry::new(record, deed)).collect();
        self.shared.publish(self.durable.clone(), batch);
        draft.answer(left.seen);
        if let Some(copy) = self.durable.whole.as_ref().filter(|_| self.snapshots.are_due(head)) {
            self.snapshots.begin(&self.shared, head, copy.clone());
        }
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
pub(super) struct Snapshots {
    pub(super) path: Option<PathBuf>,
    /// The head of the last one that was begun.
    taken: u64,
    last: Instant,
    running: Option<JoinHandle<()>>,
    /// Whether the one that is being written is of no use any more.
    given_up: Arc<AtomicBool>,
}

impl Snapshots {
    /// Whether it is time for one.
    fn are_due(&self, head: Head) -> bool {
        self.path.is_some()
            && head.seq.saturating_sub(self.taken) >= SNAPSHOT_DEEDS
            && self.last.elapsed() >= SNAPSHOT_GAP
            && self.running.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Writes a last one, unless nothing happened since.
    async fn finish(&mut self, shared: &Arc<Shared>, last: Option<(Head, State)>) {
        let until = Instant::now() + LAST_SNAPSHOT;
        self.end_of_running(shared, until).await;
        if let Some((head, state)) = last
            && head.seq > self.taken
        {
            self.begin(shared, head, state);
        }
        self.end_of_running(shared, until).await;
    }

    /// Waits for the one that is being written; where somebody waits for the end, until then at most. It is given up, and takes
    /// away what it has written.
    async fn end_of_running(&mut self, shared: &Shared, until: Instant) {
        let Some(mut running) = self.running.take() else { return };
        if !shared.hurry.load(Ordering::Relaxed) {
            return running.await.unwrap_or_default();
        }
        if tokio::time::timeout_at(until, &mut running).await.is_err() {
            self.given_up.store(true, Ordering::Relaxed);
            // What the system is writing for it is not waited for.
            tokio::time::timeout(GIVING_UP, running).await.map(drop).unwrap_or_default();
        }
    }

    /// Takes away what was saved for a quick start and for looking back: deeds need the room.
    pub(super) fn make_room(&mut self, shared: &Shared) {
        let Some(path) = &self.path else { return };
        // One that is being written now is of no use any more either, and takes itself away.
        self.given_up.store(true, Ordering::Relaxed);
        self.given_up = Arc::default();
        let mut freed = snapshot::remove(path);
        if let Some(files) = shared.past.files() {
            freed += files.remove_all();
        }
        if freed > 0 {
            tracing::warn!(place = %path.display(), freed, "the disk is full: what was saved for a quick start is taken away for the ledger");
            self.taken = 0;
        }
    }

    /// Begins one in the background.
    fn begin(&mut self, shared: &Arc<Shared>, head: Head, state: State) {
        let Some(path) = self.path.clone() else { return };
        (self.taken, self.last) = (head.seq, Instant::now());
        let (shared, given_up) = (Arc::clone(shared), Arc::clone(&self.given_up));
        self.running = Some(tokio::task::spawn_blocking(move || {
            let identity = shared.ledger.identity();
            if let Err(error) = snapshot::save(&path, identity, head, &state, &given_up) {
                tracing::warn!(place = %path.display(), %error, "no snapshot was written; the next start takes longer");
            }
            if given_up.load(Ordering::Relaxed) {
                return;
            }
            if let Some(files) = shared.past.files() {
                files.consider(identity, head, &state.board, head.seq);
            }
        }));
    }
}
