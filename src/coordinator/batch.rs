//! The loop: take what is waiting, decide one after another on a clone of the state, append once, show it, answer all.
//!
//! While an append is in flight the next commands gather in the mailbox: group commit without a timer. Nothing that is
//! not on disk is ever shown.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::start::{Founding, Options, replay};
use super::timers::Timers;
use super::{Clock, Durable, Entry, Envelope, Shared, SubmitError, Trouble, Verdict, snapshot};
use crate::domain::command::Request;
use crate::domain::decide::decide;
use crate::domain::deed::{Deed, Origin};
use crate::domain::state::State;
use crate::domain::time::Time;
use crate::ledger::{Append, Ledger, LedgerError, Record};

/// The most commands that are decided for one append.
const BATCH_COMMANDS: usize = 256;
/// No further command is taken into a batch that has this many deeds.
const BATCH_DEEDS: usize = 4_096;
/// How often a batch is decided anew because another node was first.
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
    /// The state on disk; the same that `shared` shows.
    durable: Durable,
    origin: Origin,
    clock: Clock,
    timers: Timers,
    /// Set by an error of the ledger, until it was opened and verified again.
    distrust: bool,
    snapshots: Snapshots,
}

/// A batch decided and not recorded.
struct Draft {
    next: State,
    deeds: Vec<Arc<Deed>>,
    bytes: Vec<Bytes>,
    verdicts: Vec<Vec<Verdict>>,
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
        let mut draft = Draft {
            next: (*self.durable.state).clone(),
            deeds: Vec::new(),
            bytes: Vec::new(),
            verdicts: Vec::new(),
        };
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
        let mut letters = Vec::with_capacity(BATCH_COMMANDS);
        let mut open = true;
        while open {
            tokio::select! {
                biased;
                // Handles that are gone without a word mean the same as one that says stop.
                () = told_to_stop(&mut stopped) => {
                    self.mailbox.close();
                    while let Some(letter) = self.mailbox.recv().await {
                        letters.push(letter);
                    }
                    open = false;
                }
                count = self.mailbox.recv_many(&mut letters, BATCH_COMMANDS) => open = count > 0,
                () = self.timers.due(&self.clock, &self.durable.state), if !self.distrust => {}
                () = tokio::time::sleep(REST), if self.distrust => {
                    // Its trouble is published, and whoever comes meanwhile is told.
                    self.regain_trust().await.unwrap_or_default();
                }
            }
            self.waiting.extend(letters.drain(..));
            self.work_off().await;
        }
        self.shared.hush();
        self.snapshots.finish(&self.shared, &self.durable).await;
        self.shared.ledger.close().await;
        ended.send_replace(true);
    }

    /// Decides and records everything that is waiting, batch by batch.
    async fn work_off(&mut self) {
        loop {
            let now = self.now();
            if !self.distrust
                && let Some(tick) = self.timers.tick(&self.durable.state, now)
            {
                self.waiting.push_front(tick);
            }
            let batch = self.gather();
            if batch.is_empty() {
                return;
            }
            self.record(batch).await;
            self.snapshots.consider(&self.shared, &self.durable);
        }
    }

    /// Never earlier than the last deed, whatever the clock says.
    fn now(&self) -> Time {
        self.clock.now().max(self.durable.state.board.recorded)
    }

    /// Takes commands up to the bound. Those whose callers have gone away are dropped undecided.
    fn gather(&mut self) -> Vec<Envelope> {
        let mut batch: Vec<Envelope> = Vec::new();
        let mut commands = 0;
        while let Some(mut letter) = self.waiting.pop_front() {
            if letter.reply.as_ref().is_some_and(tokio::sync::oneshot::Sender::is_closed) {
                continue;
            }
            if commands > 0 && commands + letter.requests.len() > BATCH_COMMANDS {
                self.waiting.push_front(letter);
                break;
            }
            commands += letter.requests.len();
            letter.places.take();
            batch.push(letter);
        }
        batch
    }

    /// One batch: decide, append, show, answer. If another node was first, what it appended is read and everything
    /// decided anew.
    async fn record(&mut self, mut batch: Vec<Envelope>) {
        if let Err(trouble) = self.regain_trust().await {
            return refuse(batch, &SubmitError::Unavailable(trouble));
        }
        for _ in 0..ATTEMPTS {
            let mut draft = match self.decide(&mut batch) {
                Ok(draft) => draft,
                Err(error) => return refuse(batch, &error),
            };
            if draft.deeds.is_empty() {
                return answer(batch, draft.verdicts);
            }
            let bytes = std::mem::take(&mut draft.bytes);
            match self.shared.ledger.append(self.durable.head, bytes).await {
                Ok(Append::Appended(records)) => {
                    let verdicts = self.show(draft, records);
                    return answer(batch, verdicts);
                }
                Ok(Append::Moved(_)) => {
                    if let Err(trouble) = self.read_on().await {
                        self.lose_trust(trouble.clone());
                        return refuse(batch, &SubmitError::Unavailable(trouble));
                    }
                }
                Err(error) => {
                    let told = refused(&error);
                    self.lose_trust(error.into());
                    return refuse(batch, &told);
                }
            }
        }
        refuse(batch, &SubmitError::Contended);
    }

    /// Decides the batch on a clone. What would make it too long goes back to the front of the queue.
    fn decide(&mut self, batch: &mut Vec<Envelope>) -> Result<Draft, SubmitError> {
        let now = self.now();
        let mut draft = Draft {
            next: (*self.durable.state).clone(),
            deeds: Vec::new(),
            bytes: Vec::new(),
            verdicts: Vec::with_capacity(batch.len()),
        };
        let mut done = 0;
        for letter in batch.iter() {
            if done > 0 && draft.deeds.len() >= BATCH_DEEDS {
                break;
            }
            let mut verdicts = Vec::with_capacity(letter.requests.len());
            for request in &letter.requests {
                verdicts.push(draft.decide(request, now, &self.origin)?);
            }
            draft.verdicts.push(verdicts);
            done += 1;
        }
        for letter in batch.drain(done..).rev() {
            self.waiting.push_front(letter);
        }
        Ok(draft)
    }

    /// Makes a recorded batch the state that everyone sees.
    fn show(&mut self, draft: Draft, records: Vec<Record>) -> Vec<Vec<Verdict>> {
        let head = records.last().map_or(self.durable.head, Record::head);
        self.durable = Durable { state: Arc::new(draft.next), head };
        let batch =
            records.into_iter().zip(draft.deeds).map(|(record, deed)| Entry::new(record, deed)).collect();
        self.shared.publish(self.durable.clone(), batch);
        draft.verdicts
    }

    /// Folds and shows what other nodes appended.
    async fn read_on(&mut self) -> Result<(), Trouble> {
        let mut next = (*self.durable.state).clone();
        let mut news = Vec::new();
        let each = |(record, deed)| news.push(Entry::new(record, deed));
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

impl Draft {
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
    fn take(&mut self, deeds: Vec<Deed>, origin: &Origin) -> Result<(), SubmitError> {
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

async fn told_to_stop(stopped: &mut cell::Receiver<bool>) {
    stopped.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
}

fn refused(error: &LedgerError) -> SubmitError {
    let trouble = Trouble::Ledger(error.clone());
    if error.outcome_unknown() { SubmitError::Unknown(trouble) } else { SubmitError::Unavailable(trouble) }
}

fn answer(batch: Vec<Envelope>, verdicts: Vec<Vec<Verdict>>) {
    for (letter, verdicts) in batch.into_iter().zip(verdicts) {
        if let Some(reply) = letter.reply {
            // A caller that went away misses its answer, nothing else.
            reply.send(verdicts).unwrap_or_default();
        }
    }
}

fn refuse(batch: Vec<Envelope>, error: &SubmitError) {
    let verdicts = batch.iter().map(|letter| vec![Err(error.clone()); letter.requests.len()]).collect();
    answer(batch, verdicts);
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
        }));
    }
}
