//! Who holds a connection, and who makes place when all are taken: first who has not signed in, then the agent that has
//! been silent longest. People keep theirs, and agents never get them all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::auth::{Caller, live};
use super::workspace::Workspace;
use crate::coordinator::{Clock, Standing};
use crate::domain::things::TokenRecord;

/// Most connections at once, where the system gives as many descriptors.
const CONNECTIONS: usize = 16_384;
/// Descriptors that are left to ledgers, indexes and backups.
const FILES: usize = 512;
/// Fewer connections than this make no server.
const LEAST: usize = 64;
/// One in so many connections is for people, and one in as many at most is one that has not signed in.
const PART: usize = 4;
/// Who said or heard something within this time is not silent.
const SILENT: Duration = Duration::from_secs(1);

/// The connections of a server.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    began: Instant,
    taken: Mutex<Seated>,
}

/// The seats by what is known of who holds them, each by its number: the oldest first.
#[derive(Debug, Default)]
struct Seated {
    strangers: BTreeMap<u64, Arc<Seat>>,
    agents: BTreeMap<u64, Arc<Seat>>,
    people: BTreeMap<u64, Arc<Seat>>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    seats: Arc<Seats>,
    holder: Mutex<Option<Holder>>,
    /// When a byte went either way, in microseconds since the server began.
    spoke: AtomicU64,
    /// Another connection takes its place.
    cut: Notify,
}

/// Who signed in on it last.
#[derive(Debug)]
struct Holder {
    standing: Standing,
    /// A connection that waits for its next request keeps no workspace open.
    space: Weak<Workspace>,
    record: Arc<TokenRecord>,
}

/// As many files as the system lets this process have; how many that are.
pub(super) fn raise_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    now.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

impl Seats {
    /// As many as there are descriptors for.
    pub(super) fn new(files: usize) -> Arc<Self> {
        let most = CONNECTIONS.min(files.saturating_sub(FILES)).max(LEAST);
        Arc::new(Self { most, began: Instant::now(), taken: Mutex::default() })
    }

    /// A place for a new connection; where all are taken another one ends.
    pub(super) fn sit(seats: &Arc<Self>, number: u64) -> Option<Arc<Seat>> {
        let mut all = seats.lock();
        if all.len() >= seats.most || all.strangers.len() >= seats.most / PART {
            all.make_place(seats.now().saturating_sub(micros(SILENT)))?;
        }
        let seat = Arc::new(Seat {
            number,
            seats: Arc::clone(seats),
            holder: Mutex::new(None),
            spoke: AtomicU64::new(seats.now()),
            cut: Notify::new(),
        });
        all.strangers.insert(number, Arc::clone(&seat));
        Some(seat)
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Seated> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seated {
    fn len(&self) -> usize {
        self.strangers.len() + self.agents.len() + self.people.len()
    }

    /// Who has not signed in makes place, the oldest first; else the agent that has been silent longest, since before
    /// that moment.
    fn make_place(&mut self, since: u64) -> Option<()> {
        if let Some((_, seat)) = self.strangers.pop_first() {
            seat.cut.notify_one();
            return Some(());
        }
        let silent = self.agents.values().map(|seat| (seat.spoke.load(Ordering::Relaxed), seat.number));
        let (_, number) = silent.filter(|(spoke, _)| *spoke < since).min()?;
        self.agents.remove(&number)?.cut.notify_one();
        Some(())
    }

    fn of(&mut self, standing: Option<Standing>) -> &mut BTreeMap<u64, Arc<Seat>> {
        match standing {
            None => &mut self.strangers,
            Some(Standing::Agent) => &mut self.agents,
            Some(Standing::Person) => &mut self.people,
        }
    }

    /// Seats somebody elsewhere. False where agents have as many as they may.
    fn move_over(&mut self, number: u64, from: Option<Standing>, to: Standing, agents: usize) -> bool {
        if to == Standing::Agent && self.agents.len() >= agents {
            return false;
        }
        let seat = self.of(from).remove(&number);
        self.of(Some(to)).extend(seat.map(|seat| (number, seat)));
        true
    }
}

impl Seat {
    /// Takes down who asks on it. False where agents have as many connections as they may.
    pub(super) fn sign_in(&self, caller: &Caller, space: &Arc<Workspace>) -> bool {
        let standing = Standing::of(caller.principal.class);
        let mut holder = self.lock();
        let from = holder.as_ref().map(|holder| holder.standing);
        let most = self.seats.most - self.seats.most / PART;
        if from != Some(standing) && !self.seats.lock().move_over(self.number, from, standing, most) {
            return false;
        }
        *holder = Some(Holder { standing, space: Arc::downgrade(space), record: Arc::clone(&caller.record) });
        true
    }

    /// A byte went either way.
    pub(super) fn speak(&self) {
        self.spoke.store(self.seats.now(), Ordering::Relaxed);
    }

    /// Whether the token that signed in on it has ended.
    pub(super) fn is_over(&self, clock: &Clock) -> bool {
        self.lock().as_ref().is_some_and(|holder| {
            // Of a workspace that is closed nobody has ended a token since.
            let front = holder.space.upgrade().map(|space| space.handle().front());
            let known = front.as_ref().and_then(|front| front.tokens.get(&holder.record.token.id));
            live(known.unwrap_or(&holder.record), clock.now()).is_err()
        })
    }

    /// Returns when another connection takes this one's place.
    pub(super) async fn is_cut(&self) {
        self.cut.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Holder>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the place back.
    pub(super) fn rise(&self) {
        let standing = self.lock().take().map(|holder| holder.standing);
        self.seats.lock().of(standing).remove(&self.number);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
