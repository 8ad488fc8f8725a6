//! Which workspaces of the data directory are open. All that there are are known by name; one is opened when somebody asks for it
//! or when something falls due in it, and closed when nobody has asked for a while, or to make place for another one.
//!
//! A workspace is in use while anybody has it in hand: a request, a stream, a wait. One that is closed is held by the table
//! alone, so that nothing is lost and nothing is answered by what is closed. What it was, the table of due times keeps ([`due`](super::due));
//! what is closed and woken, and when, is [`tend`]'s business.

mod others;
mod tend;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use super::cluster::{Cluster, keep};
use super::due::{Due, Row};
use super::workspace::{SpaceError, Workspace};
use crate::api::{Problem, ProblemCode};
use crate::coordinator::{Clock, Founding};
use crate::domain::ids::WorkspaceId;
use crate::domain::things::{Keeping, Limits};
use crate::ledger::Store;
use crate::store::Images;

/// How many are opened at once.
const OPENINGS: usize = 4;
/// How long somebody waits for one to be opened …
const OPEN_WAIT: Duration = Duration::from_secs(10);
/// … and how many wait for the same one.
const WAITING: usize = 1_024;
/// One that did not open is tried again when somebody asks after so long.
const AGAIN: Duration = Duration::from_secs(30);
/// One that was opened for what fell due is closed after so long.
const WOKEN: Duration = Duration::from_secs(2);
/// Up to so many whose rows are missing are opened before anything is served; more than that, while it is.
const AT_START: usize = 16;

/// What is told of the table as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) known: usize,
    pub(super) open: usize,
    pub(super) opened: u64,
    pub(super) closed: u64,
}

/// Why nobody gets a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreached {
    /// There is none, or it does not know the secret.
    Absent,
    /// It does not open.
    Broken,
    /// It takes long to open.
    Slow,
    /// Too many wait for it.
    Crowded,
    /// As many are open and in use as may be.
    Full(u64),
    /// The server goes down.
    Ending,
}

/// A workspace as lists show it.
#[derive(Debug)]
pub(super) enum Listed {
    Open(Arc<Workspace>),
    Closed(Shown),
    /// Nothing is known of it yet.
    Unknown,
    Broken(String),
}

/// What lists show of one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    pub(super) head: u64,
    pub(super) items: usize,
    pub(super) alerts: usize,
}

impl Shown {
    /// Of one that is open.
    pub(super) fn of(space: &Workspace) -> Self {
        let front = space.handle().front();
        let (items, alerts) = (front.board.items.len(), front.board.alerts.len());
        Self { head: front.head().0, items, alerts }
    }
}

/// Where workspaces lie.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) store: Store,
    /// Where values lie that are not in memory; without it all are in memory.
    pub(super) images: Option<Images>,
    /// The nodes that they are shared with.
    pub(super) cluster: Option<Arc<Cluster>>,
}

/// The table.
#[derive(Debug)]
pub(super) struct Spaces {
    places: Places,
    pub(in crate::server) clock: Clock,
    limits: Arc<Limits>,
    keeping: Keeping,
    slots: RwLock<BTreeMap<WorkspaceId, Slot>>,
    home: RwLock<Option<WorkspaceId>>,
    due: Mutex<Due>,
    openings: Arc<Semaphore>,
    ending: AtomicBool,
    /// Is told when one was opened or closed.
    stirred: Arc<Notify>,
    began: Instant,
    counts: [AtomicU64; 2],
}

#[derive(Debug)]
enum Slot {
    /// Nothing is known of one without a row but that it is there. It is not woken before that moment.
    Closed(Option<Arc<Row>>, Option<Instant>),
    /// It is being opened or closed; who waits is told what came of it.
    Moving(watch::Receiver<Moved>, Arc<Semaphore>, Option<Shown>),
    Open(Open),
    Broken(String, Instant),
}

#[derive(Debug)]
struct Open {
    space: Arc<Workspace>,
    /// When somebody asked for it last, in milliseconds since the table began.
    used: AtomicU64,
    /// Nobody has asked for it yet.
    woken: AtomicBool,
}

/// What came of opening or closing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    NotYet,
    Done,
    Full,
}

/// What somebody has who asks for a workspace.
enum Step {
    There(Arc<Workspace>),
    Wait(watch::Receiver<Moved>, OwnedSemaphorePermit),
    Not(Unreached),
}

/// Who asks for a workspace.
#[derive(Debug, Clone, Copy)]
enum For<'a> {
    /// Somebody who has shown that they may.
    Anyone,
    /// Somebody with a secret of that hash.
    Secret(&'a [u8; 32]),
    /// What falls due in it.
    Timer,
}

impl Spaces {
    /// The table of that store's workspaces: what is known of each is read, and those of which nothing is known are opened if they are few.
    /// Blocks for as long as listing takes.
    pub(super) fn new(
        places: Places,
        clock: Clock,
        limits: Arc<Limits>,
        keeping: Keeping,
        there: &[WorkspaceId],
    ) -> Self {
        let (due, mut rows) = Due::read(&places.store, there);
        let known: Vec<_> = rows.values().map(Row::opened).collect();
        clock.known(&known);
        let closed = |id: &WorkspaceId| (id.clone(), Slot::Closed(rows.remove(id).map(Arc::new), None));
        let slots = there.iter().map(closed).collect();
        let home = RwLock::new(places.store.home());
        Self {
            places,
            clock,
            limits,
            keeping,
            slots: RwLock::new(slots),
            home,
            due: Mutex::new(due),
            openings: Arc::new(Semaphore::new(OPENINGS)),
            ending: AtomicBool::new(false),
            stirred: Arc::default(),
            began: Instant::now(),
            counts: Default::default(),
        }
    }

    /// Opens the home, and whatever nothing is known of: a few now, the rest in the background. From then on what falls due is woken.
    pub(super) async fn start(self: &Arc<Self>) {
        let unknown: Vec<WorkspaceId> = {
            let slots = self.read();
            slots
                .iter()
                .filter(|(_, slot)| matches!(slot, Slot::Closed(None, _)))
                .map(|(id, _)| id.clone())
                .collect()
        };
        let home = self.home();
        let now = if unknown.len() <= AT_START { unknown.as_slice() } else { &[] };
        for id in home.iter().chain(now) {
            // What does not open is told where it is asked for.
            drop(self.come(id, For::Anyone, None).await);
        }
        tokio::spawn(tend::keep(Arc::downgrade(self), Arc::clone(&self.stirred)));
        if let Some(cluster) = self.cluster() {
            keep::start(self, cluster);
        }
    }

    /// The nodes that they are shared with.
    pub(super) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.places.cluster.as_ref()
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    pub(super) fn home(&self) -> Option<WorkspaceId> {
        self.home.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says which is the home, if none is.
    pub(super) fn settle(&self, home: &WorkspaceId) -> WorkspaceId {
        let mut settled = self.home.write().unwrap_or_else(PoisonError::into_inner);
        settled.get_or_insert_with(|| home.clone()).clone()
    }

    /// The names of all, in order.
    pub(super) fn names(&self) -> Vec<WorkspaceId> {
        self.read().keys().cloned().collect()
    }

    pub(super) fn has(&self, id: &WorkspaceId) -> bool {
        self.read().contains_key(id)
    }

    pub(super) fn keeping(&self) -> &Keeping {
        &self.keeping
    }

    pub(super) fn counts(&self) -> Counts {
        let slots = self.read();
        let open = slots.values().filter(|slot| matches!(slot, Slot::Open(_))).count();
        let [opened, closed] =
            [0, 1].map(|at: usize| self.counts.get(at).map_or(0, |count| count.load(Ordering::Relaxed)));
        Counts { known: slots.len(), open, opened, closed }
    }

    /// Those that are open, by name.
    pub(super) fn open(&self) -> Vec<Arc<Workspace>> {
        let slots = self.read();
        slots.values().filter_map(|slot| slot.open().map(|open| Arc::clone(&open.space))).collect()
    }

    /// That one, if it is open.
    pub(super) fn get(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.read().get(id).and_then(Slot::open).map(|open| Arc::clone(&open.space))
    }

    /// Those that do not open, with the reason.
    pub(super) fn broken(&self) -> Vec<(WorkspaceId, String)> {
        let slots = self.read();
        let why = |(id, slot): (&WorkspaceId, &Slot)| match slot {
            Slot::Broken(why, _) => Some((id.clone(), why.clone())),
            Slot::Closed(..) | Slot::Moving(..) | Slot::Open(_) => None,
        };
        slots.iter().filter_map(why).collect()
    }

    /// Says why it does not open.
    pub(super) fn break_off(&self, id: WorkspaceId, why: String) {
        self.write().entry(id).or_insert_with(|| Slot::Broken(why, Instant::now()));
    }

    /// So many after that name, or all of them from the first, as lists show them; whether there are more.
    pub(super) fn list(
        &self,
        after: Option<&WorkspaceId>,
        limit: usize,
    ) -> (Vec<(WorkspaceId, Listed)>, bool) {
        use std::ops::Bound::{Excluded, Unbounded};
        let slots = self.read();
        let from = after.map_or(Unbounded, Excluded);
        let mut rest = slots.range::<WorkspaceId, _>((from, Unbounded));
        let page = rest.by_ref().take(limit).map(|(id, slot)| (id.clone(), slot.listed())).collect();
        (page, rest.next().is_some())
    }

    /// The workspace of that name, opened if it is closed.
    pub(super) async fn reach(self: &Arc<Self>, id: &WorkspaceId) -> Result<Arc<Workspace>, Unreached> {
        self.come(id, For::Anyone, Some(OPEN_WAIT)).await
    }

    /// The same for who has a secret of that hash: no workspace is opened for one that it can't know.
    pub(super) async fn reach_with(
        self: &Arc<Self>,
        id: &WorkspaceId,
        hash: &[u8; 32],
    ) -> Result<Arc<Workspace>, Unreached> {
        if let Some(there) = self.touch(id) {
            return Ok(there);
        }
        Box::pin(self.come(id, For::Secret(hash), Some(OPEN_WAIT))).await
    }

    async fn come(
        self: &Arc<Self>,
        id: &WorkspaceId,
        whom: For<'_>,
        wait: Option<Duration>,
    ) -> Result<Arc<Workspace>, Unreached> {
        let until = wait.map(|wait| Instant::now() + wait);
        let mut looked = false;
        loop {
            let (mut moved, _place) = match self.step(id, whom) {
                Step::There(space) => return Ok(space),
                Step::Not(Unreached::Absent) if !looked && self.cluster().is_some() => {
                    looked = true;
                    self.look_for(id).await;
                    continue;
                }
                Step::Not(why) => return Err(why),
                Step::Wait(moved, place) => (moved, place),
            };
            let done = moved.wait_for(|moved| *moved != Moved::NotYet);
            let done = match until {
                Some(until) => timeout_at(until, done).await.map_err(|_| Unreached::Slow)?,
                None => done.await,
            };
            if matches!(done.as_deref(), Ok(Moved::Full)) {
                return Err(Unreached::Full(self.keeping.open));
            }
        }
    }

    /// It, where it is open; somebody asks for it.
    fn touch(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        let slots = self.read();
        let open = slots.get(id)?.open()?;
        open.used.store(self.millis(), Ordering::Relaxed);
        open.woken.store(false, Ordering::Relaxed);
        Some(Arc::clone(&open.space))
    }

    fn step(self: &Arc<Self>, id: &WorkspaceId, whom: For<'_>) -> Step {
        let by_timer = matches!(whom, For::Timer);
        let there = if by_timer { self.get(id) } else { self.touch(id) };
        if let Some(space) = there {
            return Step::There(space);
        }
        let mut slots = self.write();
        let Some(slot) = slots.get_mut(id) else { return Step::Not(Unreached::Absent) };
        let row = match slot {
            Slot::Open(open) => return Step::There(Arc::clone(&open.space)),
            Slot::Moving(moved, waiting, _) => {
                return match Arc::clone(waiting).try_acquire_owned() {
                    Ok(place) => Step::Wait(moved.clone(), place),
                    Err(_) => Step::Not(Unreached::Crowded),
                };
            }
            Slot::Broken(_, since) if since.elapsed() < AGAIN => return Step::Not(Unreached::Broken),
            Slot::Broken(..) => None,
            Slot::Closed(row, _) => row.take(),
        };
        // No ledger is opened for a secret that can't be known there.
        if let (For::Secret(hash), Some(row)) = (whom, &row)
            && !row.may_know(hash)
        {
            *slot = Slot::Closed(Some(Arc::clone(row)), None);
            return Step::Not(Unreached::Absent);
        }
        if self.ending.load(Ordering::Relaxed) {
            *slot = Slot::Closed(row, None);
            return Step::Not(Unreached::Ending);
        }
        let (tell, moved) = watch::channel(Moved::NotYet);
        let waiting = Arc::new(Semaphore::new(WAITING));
        let place = Arc::clone(&waiting).try_acquire_owned();
        *slot = Slot::Moving(moved.clone(), waiting, row.as_ref().map(|row| row.shown()));
        drop(slots);
        let (spaces, id) = (Arc::clone(self), id.clone());
        tokio::spawn(async move { Box::pin(spaces.open_it(id, row, by_timer, tell)).await });
        place.map_or(Step::Not(Unreached::Crowded), |place| Step::Wait(moved, place))
    }

    /// Opens it, whoever has gone away meanwhile.
    async fn open_it(
        self: Arc<Self>,
        id: WorkspaceId,
        row: Option<Arc<Row>>,
        woken: bool,
        tell: watch::Sender<Moved>,
    ) {
        // It is never closed.
        let Ok(_turn) = self.openings.acquire().await else { return };
        if !self.make_place().await {
            let rest = woken.then(|| Instant::now() + WOKEN);
            self.put(&id, Slot::Closed(row, rest));
            tell.send_replace(Moved::Full);
            return;
        }
        let opened = Box::pin(self.open_anew(&id, None)).await;
        match opened {
            Ok(space) => self.put(&id, self.opened(Arc::new(space), woken)),
            Err(SpaceError::Unfounded) => {
                tracing::warn!(workspace = %id, "passed over: it was never finished");
                self.write().remove(&id);
            }
            Err(error) => {
                tracing::error!(workspace = %id, %error, "the workspace does not open");
                self.put(&id, Slot::Broken(error.to_string(), Instant::now()));
            }
        }
        tell.send_replace(Moved::Done);
        self.stirred.notify_one();
    }

    async fn open_anew(&self, id: &WorkspaceId, founding: Option<Founding>) -> Result<Workspace, SpaceError> {
        Workspace::open(&self.places, id.clone(), self.clock.clone(), founding, Arc::clone(&self.limits))
            .await
    }

    /// Makes one, and has it open.
    ///
    /// # Errors
    /// When it can't be made.
    pub(super) async fn make(
        self: &Arc<Self>,
        id: &WorkspaceId,
        founding: Founding,
    ) -> Result<Arc<Workspace>, SpaceError> {
        // One more than may be open is better than one that can't be made.
        self.make_place().await;
        let space = Arc::new(self.open_anew(id, Some(founding)).await?);
        let slot = self.opened(Arc::clone(&space), false);
        self.write().insert(id.clone(), slot);
        Ok(space)
    }

    fn opened(&self, space: Arc<Workspace>, woken: bool) -> Slot {
        if let Some(cluster) = self.cluster() {
            space.tell(cluster);
            if cluster.holds(space.id()) {
                space.handle().lead(true);
            }
        }
        let [opened, _] = &self.counts;
        opened.fetch_add(1, Ordering::Relaxed);
        let (used, woken) = (AtomicU64::new(self.millis()), AtomicBool::new(woken));
        Slot::Open(Open { space, used, woken })
    }

    fn put(&self, id: &WorkspaceId, slot: Slot) {
        self.write().insert(id.clone(), slot);
    }

    fn millis(&self) -> u64 {
        millis(self.began.elapsed())
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<WorkspaceId, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<WorkspaceId, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unreached {
    /// What somebody is told of it who has a good token, or who may know.
    pub(super) fn problem(&self, id: &WorkspaceId) -> Box<Problem> {
        let (code, detail) = match self {
            Self::Absent => (ProblemCode::NotFound, format!("there is no workspace {id} here")),
            Self::Broken => (
                ProblemCode::Unavailable,
                format!("the workspace {id} does not open; the server's log says why"),
            ),
            Self::Slow => {
                let waited = OPEN_WAIT.as_secs();
                (
                    ProblemCode::NotYet,
                    format!("the workspace {id} is being opened, and is not yet after {waited} s"),
                )
            }
            Self::Crowded => (
                ProblemCode::Overloaded,
                format!("{WAITING} requests wait for the workspace {id} to be opened"),
            ),
            Self::Full(most) => (
                ProblemCode::Overloaded,
                format!(
                    "{most} workspaces are open and in use, which is the most (setting `workspaces.open`)"
                ),
            ),
            Self::Ending => (ProblemCode::Closing, "the server goes down".to_owned()),
        };
        let problem = Problem::new(code, detail);
        Box::new(if *self == Self::Slow { problem.next("try again in a second") } else { problem })
    }
}

impl Slot {
    fn open(&self) -> Option<&Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Closed(..) | Self::Moving(..) | Self::Broken(..) => None,
        }
    }

    fn listed(&self) -> Listed {
        match self {
            Self::Open(open) => Listed::Open(Arc::clone(&open.space)),
            Self::Closed(Some(row), _) => Listed::Closed(row.shown()),
            Self::Moving(.., Some(shown)) => Listed::Closed(*shown),
            Self::Closed(None, _) | Self::Moving(.., None) => Listed::Unknown,
            Self::Broken(why, _) => Listed::Broken(why.clone()),
        }
    }
}

impl Open {
    /// Whether nobody but the table has it in hand. To be asked while nobody can take it up.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.space) == 1
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
