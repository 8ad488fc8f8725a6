//! The coordinator: one task per workspace, on one of a few threads (`threads`), the one write door. Commands come in by a bounded mailbox, the rules
//! decide them, a batch of deeds is appended, and only then does anyone see or hear of it.
//!
//! Rules live in `domain`, bytes in `ledger`. Here is the order of things and nothing else:
//! [`batch`](self) decides and appends, `timers` turns time into commands, `snapshot` saves the way at the next start,
//! `recovery` makes the state what is on disk after a failure,
//! `past` shows the board as it was, [`Watcher`] joins history to what happens now, and [`Clock`] is the only reader of the wall clock.
//!
//! What is deliberately absent: a way to change the state other than by appending, and a way to see a state that is not
//! on disk.

mod batch;
mod believed;
mod clock;
mod door;
mod doubts;
mod draft;
mod fetch;
mod flight;
mod follow;
mod held;
mod lanes;
mod mixed;
mod outside;
mod pace;
mod past;
mod proof;
mod recovery;
mod room;
mod snapshot;
mod start;
#[cfg(test)]
mod tests;
mod threads;
mod timers;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;
use tokio::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch as cell};

use crate::domain::command::{Command, Request};
use crate::domain::decide;
use crate::domain::deed::{Deed, DeedError};
use crate::domain::ids::{Actor, Seq};
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::sight::Sight;
use crate::domain::state::{Board, FarError, Front, State};
use crate::domain::time::Time;
use crate::ledger::{AnyLedger, Head, Identity, Ledger, LedgerError, Lost};

pub use believed::Opened;
pub use clock::Clock;
pub use held::{Fault, Held, LAST as HELD_LAST};
pub use mixed::Mixed;
pub use past::PastError;
pub use proof::{Proof, hold_last};
pub use room::{Full, Places, Room, Standing};
pub use snapshot::witness as snapshot_witness;
pub use snapshot::{FILE as SNAPSHOT_FILE, SnapshotError};
pub use start::{Founding, Options, StartError, start, start_apart};
pub use watch::{Entry, LIVE_BATCHES, WatchError, Watcher};

/// How many commands of agents may wait, and how many questions. Who comes then is told to come again, unless nothing of
/// theirs waits.
pub const MAILBOX: usize = 4_096;
/// How many commands of one principal may wait.
pub const SHARE: usize = 1_024;

/// From so many failures in a row on, the ledger is said to fail at keeping its log short.
const FAILED_CHECKPOINTS: u64 = 2;

/// So many commands of one caller are decided before somebody else has a turn; a batch is that many at a time.
const LETTER: usize = 4;

/// What a caller is answered: what the rules say, a refusal by a rule included.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the rules say.
    pub reply: Reply,
    /// True if the same key was answered before, and this is that answer again.
    pub replayed: bool,
}

/// Why a command got no answer from the rules. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// Too many commands wait.
    #[error("{MAILBOX} commands are waiting already; try again in a second")]
    Overloaded,
    /// Too many of the caller's own commands wait.
    #[error("{SHARE} commands of yours are waiting already; send the next when some of them were answered")]
    Share,
    /// The deeds could not be recorded, so nothing happened.
    #[error("nothing was recorded: {0}")]
    Unavailable(Trouble),
    /// The deeds may or may not have been recorded.
    #[error("it is not known whether this was recorded: {0}; send it again with the same idempotency key")]
    Unknown(Trouble),
    /// Other nodes were first, again and again.
    #[error("other nodes on this workspace were first each time; try again")]
    Contended,
    /// The rules broke on this command.
    #[error(
        "a defect in Deeds: the command could not be decided ({0}); nothing was recorded, please report it"
    )]
    Defect(String),
    /// A loss is to be accepted, and nothing is missing, or something else.
    #[error("deeds up to {0} are not what is missing here; what is missing `GET /v1/whoami` says")]
    NotLost(Seq),
    /// A loss is to be accepted, and not in these words.
    #[error("{0}")]
    Unfit(String),
    /// The coordinator was shut down.
    #[error("shutting down; try again when the server is back")]
    Closed,
}

/// Why values could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookError {
    /// Too much waits in front of it.
    #[error("{MAILBOX} questions are waiting already; try again in a second")]
    Overloaded,
    /// What was to be worked out on them broke.
    #[error("a defect in Deeds: it could not be worked out ({0}); please report it")]
    Defect(String),
    /// They can't be read again after a failure.
    #[error("the values can't be read again after a failure: {0}")]
    Unavailable(Trouble),
    /// The coordinator was shut down.
    #[error("shutting down; try again when the server is back")]
    Closed,
}

/// Why a workspace can't record anything at present.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger ends before what was read from it, or holds something else there.
    #[error(
        "the ledger no longer continues what was read from it: sequence {seq} is missing or changed; stop, and restore it from a backup"
    )]
    WentBack {
        /// Where.
        seq: u64,
    },
    /// The ledger lacks what a witness has seen in it.
    #[error(transparent)]
    Lost(Box<Lost>),
    /// It is looked at, and nothing is to be recorded in it.
    #[error("{0}: nothing is recorded, and what is there is looked at in a copy")]
    LookOnly(Arc<str>),
    /// Values or idempotency keys can't be read, or not be put where they lie.
    #[error(transparent)]
    Values(#[from] FarError),
    /// A deed can't be read.
    #[error("deed {seq} can't be read: {reason}; install the version of Deeds that wrote it")]
    Unreadable {
        /// Which.
        seq: u64,
        /// Why.
        reason: String,
    },
}

impl Trouble {
    fn unreadable(seq: u64, error: &DeedError) -> Self {
        Self::Unreadable { seq, reason: error.to_string() }
    }
}

/// What everybody may look at, as it is on disk, and where that is.
#[derive(Debug, Clone)]
struct Durable {
    front: Arc<Front>,
    head: Head,
    /// The whole state, where somebody looked lately. What it has outside is as it is when it is pinned.
    whole: Option<State>,
}

/// What the coordinator and its handles share.
#[derive(Debug)]
struct Shared {
    ledger: AnyLedger,
    past: past::Past,
    clock: Clock,
    /// Reads ahead, where values lie in an image.
    fetch: Option<fetch::Fetch>,
    durable: cell::Sender<Durable>,
    /// Whether somebody looked at values since the last batch.
    looked: AtomicBool,
    trouble: cell::Sender<Option<Trouble>>,
    /// That less is kept than is promised, if so; deeds are recorded all the same.
    unreplicated: cell::Sender<Option<LedgerError>>,
    /// Whether somebody waits for the end.
    hurry: AtomicBool,
    /// Gone once it was shut down.
    live: RwLock<Option<broadcast::Sender<watch::Batch>>>,
}

impl Shared {
    fn new(
        ledger: AnyLedger,
        past: past::Past,
        clock: Clock,
        fetch: Option<fetch::Fetch>,
        durable: Durable,
    ) -> Self {
        Self {
            ledger,
            past,
            clock,
            fetch,
            durable: cell::Sender::new(durable),
            looked: AtomicBool::new(false),
            trouble: cell::Sender::new(None),
            unreplicated: cell::Sender::new(None),
            hurry: AtomicBool::new(false),
            live: RwLock::new(Some(broadcast::Sender::new(LIVE_BATCHES))),
        }
    }

    fn head(&self) -> Head {
        self.durable.borrow().head
    }

    fn subscribe(&self) -> Option<broadcast::Receiver<watch::Batch>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.as_ref().map(broadcast::Sender::subscribe)
    }

    /// Shows a batch that is on disk: first to those who look, then to those who listen. In this order, a watcher that
    /// listens first and looks then misses nothing.
    fn publish(&self, durable: Durable, batch: watch::Batch) {
        self.durable.send_replace(durable);
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = live.as_ref() {
            // Without listeners there is nobody to tell.
            live.send(batch).map(drop).unwrap_or_default();
        }
    }

    fn hush(&self) {
        if let Some(fetch) = &self.fetch {
            fetch.end();
        }
        self.live.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl From<Full> for SubmitError {
    fn from(full: Full) -> Self {
        match full {
            Full::Mine => Self::Share,
            Full::All => Self::Overloaded,
        }
    }
}

/// One caller's commands on their way to the coordinator: as many as are decided in one turn.
struct Envelope {
    from: Actor,
    standing: Standing,
    requests: Vec<Request>,
    reply: Option<Waiter>,
    /// The places in the mailbox; given back when the commands are decided.
    places: Option<Places>,
    /// How often another node was first when they were appended.
    attempts: usize,
}

type Verdict = Result<decide::Answer, SubmitError>;

/// Who waits for what is decided.
struct Waiter {
    verdicts: oneshot::Sender<Vec<Verdict>>,
    /// Where it waits.
    runtime: runtime::Handle,
}

/// A question about values. Only the coordinator has them; it answers with what is on disk.
struct Look {
    at: Values,
    reply: oneshot::Sender<Result<State, LookError>>,
    /// Its place among all that waits, until it is answered.
    place: OwnedSemaphorePermit,
}

/// Which values are asked for.
enum Values {
    Of(EntityPath),
    All,
}

/// What comes by the mailbox.
enum Mail {
    /// One caller's at a time.
    Commands(Vec<Envelope>),
    Look(Look),
    /// Another node has recorded and acknowledged up to there.
    Heard(Seq),
    /// What other nodes have recorded is to be read.
    Follow(oneshot::Sender<Result<(), Trouble>>),
    /// Whether this node tells the workspace's time.
    Lead(bool),
}

/// The way to one workspace's coordinator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    mailbox: mpsc::UnboundedSender<Mail>,
    /// For commands, and for questions.
    room: Arc<Room>,
    looks: Arc<Semaphore>,
    stop: cell::Sender<bool>,
    ended: cell::Receiver<bool>,
}

impl Handle {
    /// Has a command decided. When it is answered, its deeds are on disk.
    pub async fn submit(&self, request: Request) -> Result<Answer, SubmitError> {
        let mut answers = self.submit_all(vec![request]).await?;
        answers.pop().unwrap_or(Err(SubmitError::Closed))
    }

    /// Has several commands decided one after another, each on its own; others have their turns in between. Answers are in order.
    pub async fn submit_all(
        &self,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Answer, SubmitError>>, SubmitError> {
        let mut requests = requests;
        for request in &mut requests {
            if let Command::RebaseClock(rebase) = &mut request.command {
                rebase.read = self.times_of(rebase.from).await.map_err(SubmitError::Unavailable)?;
            }
        }
        let Some(caller) = requests.first().map(|request| &request.principal) else { return Ok(Vec::new()) };
        if let Some(why) = requests.iter().find_map(|request| self.not_accepted(request)) {
            return Err(why);
        }
        let count = requests.len();
        let mut places = Room::take(&self.room, Standing::of(caller.class), &caller.actor, count)?;
        if let Some(fetch) = &self.shared.fetch {
            // Nobody waits for it.
            drop(fetch.begin(&requests, || self.room.taken()));
        }
        let mut requests = requests.into_iter();
        let (letters, runtime) = (count.div_ceil(LETTER), runtime::Handle::current());
        let (mut letters, mut awaited) = (Vec::with_capacity(letters), Vec::with_capacity(letters));
        while requests.len() > 0 {
            let some: Vec<Request> = requests.by_ref().take(LETTER).collect();
            let (places, (verdicts, answer)) = (places.split(some.len()), oneshot::channel());
            awaited.push((some.len(), answer));
            let waiter = Waiter { verdicts, runtime: runtime.clone() };
            letters.push(Envelope::of(some, Some(waiter), Some(places)));
        }
        self.mailbox.send(Mail::Commands(letters)).map_err(|_| SubmitError::Closed)?;
        let mut answers = Vec::with_capacity(count);
        for (count, answer) in awaited {
            match answer.await {
                Ok(verdicts) => {
                    for verdict in verdicts {
                        answers.push(self.told(verdict).await);
                    }
                }
                Err(_) if answers.is_empty() => return Err(SubmitError::Closed),
                // What came before is on disk already.
                Err(_) => answers.extend(std::iter::repeat_n(Err(SubmitError::Closed), count)),
            }
        }
        Ok(answers)
    }

    /// Why a loss that is to be accepted is not, before anything is recorded of it on a ledger that is lost.
    fn not_accepted(&self, request: &Request) -> Option<SubmitError> {
        let Command::AcceptLoss(accept) = &request.command else { return None };
        // Who may not ask is refused for that.
        if !request.command.row().who.includes(request.principal.class, &request.principal.actor) {
            return None;
        }
        let last = self.lost().and_then(|lost| lost.missing()).map(|(_, last)| Seq(last));
        if last != Some(accept.through) {
            return Some(SubmitError::NotLost(accept.through));
        }
        decide::unfit_for_loss(accept).map(|(_, why)| SubmitError::Unfit(why))
    }

    /// When the deed before that one was recorded, and that one; nothing where there is none.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn times_of(&self, seq: Seq) -> Result<Option<(Option<Time>, Time)>, Trouble> {
        let Some(first) = self.time_of(seq.0).await? else { return Ok(None) };
        Ok(Some((self.time_of(seq.0.saturating_sub(1)).await?, first)))
    }

    async fn time_of(&self, seq: u64) -> Result<Option<Time>, Trouble> {
        let Some(record) = self.shared.ledger.get(seq).await? else { return Ok(None) };
        let deed = Deed::decode(&record.bytes).map_err(|error| Trouble::unreadable(seq, &error))?;
        Ok(Some(deed.recorded))
    }

    async fn told(&self, verdict: Verdict) -> Result<Answer, SubmitError> {
        match verdict? {
            decide::Answer::Reply(reply) => Ok(Answer { reply: *reply, replayed: false }),
            // Seldom, and large: not a part of every caller's future.
            decide::Answer::Replay(seq) => Box::pin(self.first_answer(seq)).await,
        }
    }

    /// The answer that a deed records; without what it found, where the map has hidden that from its agent since.
    async fn first_answer(&self, seq: Seq) -> Result<Answer, SubmitError> {
        let record =
            self.shared.ledger.get(seq.0).await.map_err(|error| SubmitError::Unavailable(error.into()))?;
        let record = record.ok_or(SubmitError::Unavailable(Trouble::WentBack { seq: seq.0 }))?;
        let deed = Deed::decode(&record.bytes)
            .map_err(|error| SubmitError::Unavailable(Trouble::unreadable(seq.0, &error)))?;
        let board = &self.front().board;
        let hidden = board.map_version != deed.map_version
            && deed.actor.agent().is_some_and(|agent| deed.finds_hidden(&Sight::now(agent, &board.map)));
        let reply = Reply::of(&deed);
        Ok(Answer { reply: if hidden { reply.without_found() } else { reply }, replayed: true })
    }

    /// What everybody may look at, as it is on disk.
    pub fn front(&self) -> Arc<Front> {
        Arc::clone(&self.shared.durable.borrow().front)
    }

    /// The board, and of all values those of one entity, as they are on disk: at least what was answered before it was
    /// asked. Where nobody looked lately it waits for what was waiting, else for nothing.
    ///
    /// # Errors
    /// When too much waits, when the coordinator was shut down, or when after a failure the values can't be read again.
    pub async fn of_entity(&self, path: &EntityPath) -> Result<State, LookError> {
        self.look(Values::Of(path.clone())).await
    }

    /// The whole state as it is on disk. As long as somebody holds it, every write copies what it changes.
    ///
    /// # Errors
    /// As [`Handle::of_entity`].
    pub async fn whole(&self) -> Result<State, LookError> {
        self.look(Values::All).await
    }

    /// Works something out on the whole state as it is on disk, such as what `decide` would say, at the time at which a
    /// command would be decided now. Nothing is recorded, and no command waits for it.
    ///
    /// # Errors
    /// As [`Handle::of_entity`], and when the work panics.
    pub async fn suppose<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State, Time) -> T + Send + 'static,
    ) -> Result<T, LookError> {
        let state = self.whole().await?;
        let now = self.shared.clock.now().max(state.board.recorded);
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work(&state, now);
            outside::failed(&state).map(|()| worked).map_err(LookError::Unavailable)
        });
        worked.await.map_err(|error| LookError::Defect(error.to_string()))?
    }

    async fn look(&self, at: Values) -> Result<State, LookError> {
        self.shared.looked.store(true, Ordering::Relaxed);
        let whole = self.shared.durable.borrow().whole.clone();
        let pinned = whole.filter(|_| !self.mailbox.is_closed()).map(|whole| whole.pinned());
        if let Some(pinned) = pinned.filter(State::fits) {
            return at.of(&pinned);
        }
        let place = Arc::clone(&self.looks).try_acquire_owned().map_err(|_| LookError::Overloaded)?;
        let (reply, answer) = oneshot::channel();
        let look = Look { at, reply, place };
        self.mailbox.send(Mail::Look(look)).map_err(|_| LookError::Closed)?;
        answer.await.map_err(|_| LookError::Closed)?
    }

    /// Where the ledger ends for everyone who looks here. The hash lets a watcher check the chain.
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// The board as it was after that deed.
    ///
    /// # Errors
    /// When the ledger does not reach that far, or begins later, or can't be read.
    pub async fn board_at(&self, seq: Seq) -> Result<Arc<Board>, PastError> {
        let durable = self.shared.durable.borrow().clone();
        self.shared.past.board_at(&self.shared.ledger, &durable, seq).await
    }

    /// The last deed that was recorded at that time or before it.
    ///
    /// # Errors
    /// When nothing had been recorded by then, or the ledger can't be read.
    pub async fn seq_at(&self, time: Time) -> Result<Seq, PastError> {
        let durable = self.shared.durable.borrow().clone();
        self.shared.past.seq_at(&self.shared.ledger, &durable, time).await
    }

    /// Waits until [`Handle::front`] has folded `seq`. Without a limit of its own: the caller sets one.
    pub async fn reached(&self, seq: Seq) -> Arc<Front> {
        let mut durable = self.shared.durable.subscribe();
        match durable.wait_for(|durable| durable.head.seq >= seq.0).await {
            Ok(durable) => Arc::clone(&durable.front),
            // The sender lives in `shared`, so this is never reached; the present state is as good as any.
            Err(_) => self.front(),
        }
    }

    /// Follows the ledger from the record after `after`: history first, then what is appended.
    pub fn watch(&self, after: Seq) -> Watcher {
        Watcher::new(Arc::clone(&self.shared), after)
    }

    /// Another node has recorded and acknowledged deeds up to there: they are read soon.
    pub fn heard(&self, seq: Seq) {
        if seq.0 > self.head().seq {
            // One that ends reads nothing more.
            self.mailbox.send(Mail::Heard(seq)).unwrap_or_default();
        }
    }

    /// Reads what other nodes have recorded until now.
    ///
    /// # Errors
    /// When the ledger can't be read, or does not continue what is known of it.
    pub async fn catch_up(&self) -> Result<(), SubmitError> {
        let (tell, told) = oneshot::channel();
        self.mailbox.send(Mail::Follow(tell)).map_err(|_| SubmitError::Closed)?;
        told.await.map_err(|_| SubmitError::Closed)?.map_err(SubmitError::Unavailable)
    }

    /// Whether this node tells the workspace's time from now on: what falls due, and what its clock is worth.
    pub fn lead(&self, leads: bool) {
        // One that ends tells nothing more.
        self.mailbox.send(Mail::Lead(leads)).unwrap_or_default();
    }

    /// How many commands wait to be decided, and questions to be answered.
    pub fn waiting(&self) -> usize {
        self.room.taken() + MAILBOX.saturating_sub(self.looks.available_permits())
    }

    /// Why nothing can be recorded at present, if so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.shared.trouble.borrow().clone()
    }

    /// Looks whether the ledger is still where it was opened; where it is not, that is why nothing can be recorded. That it is on fewer
    /// machines than is promised is told, and stops nobody.
    pub async fn look_at_ledger(&self) {
        let found = self.shared.ledger.look().await;
        match found {
            Err(error) if error.is_gone() && self.trouble().is_none() => {
                tracing::error!(%error, "nothing is recorded any more");
                self.shared.trouble.send_replace(Some(error.into()));
            }
            Err(error) if error.is_unreplicated() => {
                if self.unreplicated().as_ref() != Some(&error) {
                    tracing::error!(%error, "a failover may lose what is recorded now");
                }
                self.shared.unreplicated.send_replace(Some(error));
            }
            Ok(()) => _ = self.shared.unreplicated.send_replace(None),
            // Whoever records meets it, too.
            Err(_) => {}
        }
    }

    /// What is missing where the ledger is on fewer machines than is promised.
    pub fn unreplicated(&self) -> Option<LedgerError> {
        self.shared.unreplicated.borrow().clone()
    }

    /// A record was found to be another than it was. What is recorded goes on behind it; that it is so is said.
    pub fn found_damaged(&self, error: LedgerError) {
        if self.trouble().is_none() {
            tracing::error!(%error, "the ledger is damaged; keep its file, and restore a backup elsewhere to compare");
            self.shared.trouble.send_replace(Some(error.into()));
        }
    }

    /// Whether nothing is recorded at present.
    pub fn is_troubled(&self) -> bool {
        self.shared.trouble.borrow().is_some()
    }

    /// What the ledger lacks that a witness has seen in it, if so.
    pub fn lost(&self) -> Option<Lost> {
        match self.trouble() {
            Some(Trouble::Lost(lost)) => Some(*lost),
            Some(
                Trouble::Ledger(_)
                | Trouble::WentBack { .. }
                | Trouble::LookOnly(_)
                | Trouble::Values(_)
                | Trouble::Unreadable { .. },
            )
            | None => None,
        }
    }

    /// Waits until nothing is missing any more; returns at once where nothing is.
    pub async fn whole_again(&self) {
        let mut trouble = self.shared.trouble.subscribe();
        // The sender lives in `shared`.
        trouble
            .wait_for(|trouble| !matches!(trouble, Some(Trouble::Lost(_))))
            .await
            .map(drop)
            .unwrap_or_default();
    }

    /// Whether the ledger's engine fails again and again at what keeps its log short: deeds are recorded, and not for long.
    pub fn is_failing(&self) -> bool {
        self.shared.ledger.failed_checkpoints() >= FAILED_CHECKPOINTS
    }

    /// The ledger, for reading.
    pub fn ledger(&self) -> &AnyLedger {
        &self.shared.ledger
    }

    /// Which ledger and workspace this is.
    pub fn identity(&self) -> &Identity {
        self.shared.ledger.identity()
    }

    /// Somebody waits for the shutdown: a snapshot that takes long is given up.
    pub fn hurry(&self) {
        self.shared.hurry.store(true, Ordering::Relaxed);
    }

    /// Decides what is waiting, writes a snapshot, closes the ledger, and returns when that is done.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let mut ended = self.ended.clone();
        // A sender that is gone has ended too.
        ended.wait_for(|ended| *ended).await.map(drop).unwrap_or_default();
    }
}
