//! One thread that keeps all indexes at their ledgers' heads. It takes a batch of one, then of the next that is behind, round and
//! round, so that a busy workspace does not hold up the others. An index that nobody writes or reads for a while is closed, and costs
//! neither a thread nor a file.
//!
//! The ledger is whatever the server gives as a [`Source`]; this module knows neither its engine nor its runtime.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

use super::keep::{Keep, Keeper, Next};
use super::{Entry, Index};
use crate::domain::ids::Seq;

/// How often some deeds of one index are compared with its ledger while nothing comes, of one after the other.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// An index is closed after so long without a question or a deed.
const IDLE: Duration = Duration::from_secs(30);

/// One record as the source gives it.
#[derive(Debug, Clone)]
pub struct Record<B> {
    /// Its number.
    pub seq: Seq,
    /// Its chain hash.
    pub hash: [u8; 32],
    /// The deed as stored.
    pub bytes: B,
}

impl<B: AsRef<[u8]>> Record<B> {
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry { seq: self.seq, hash: &self.hash, bytes: self.bytes.as_ref() }
    }
}

/// A ledger to follow. Its calls may block; they are made from the followers' thread only.
pub trait Source: Send + 'static {
    /// The bytes of a record.
    type Bytes: AsRef<[u8]>;
    /// Why it could not be read.
    type Error: fmt::Display;

    /// Up to `limit` records after that number, in order; empty only at the end.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn read(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Self::Bytes>>, Self::Error>;

    /// The same where each of them was found to follow the one before it.
    ///
    /// # Errors
    /// When the ledger can't be read, or is not what it was.
    fn read_checked(&mut self, after: Seq, limit: usize) -> Result<Vec<Record<Self::Bytes>>, Self::Error>;

    /// The chain hash of that record; none where the ledger does not reach so far.
    ///
    /// # Errors
    /// When the ledger can't be read.
    fn hash_of(&mut self, seq: Seq) -> Result<Option<[u8; 32]>, Self::Error>;

    /// Whether it is time to take what comes after that number. False: the follower is woken when it is.
    fn has_more(&mut self, after: Seq) -> bool;

    /// How long the thread leaves the processor to others after a batch that took so long.
    fn rest(&mut self, worked: Duration) -> Duration;
}

/// How far a follower has got.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The last deed indexed.
    pub seq: Seq,
    /// Whether it has reached the end of the ledger at least once since it began.
    pub caught_up: bool,
    /// Why it is waiting to try again, if it is.
    pub trouble: Option<String>,
    /// Whether it has ended.
    pub ended: bool,
}

/// What a follower and its thread both know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) progress: Mutex<Progress>,
    changed: Condvar,
}

impl Shared {
    pub(super) fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut locked(&self.progress));
        self.changed.notify_all();
    }
}

/// One index that is followed, as the thread has it.
struct Place {
    shared: Shared,
    /// Whether it stands in the queue.
    queued: AtomicBool,
    /// None once it has ended.
    keeper: Mutex<Option<Box<dyn Keep>>>,
}

impl Place {
    /// Does something for the index, unless following it has ended. A panic ends it, and the others go on.
    fn kept<T>(&self, work: impl FnOnce(&mut dyn Keep) -> T) -> Option<T> {
        let mut kept = locked(&self.keeper);
        let keeper = kept.as_deref_mut()?;
        let done = panic::catch_unwind(AssertUnwindSafe(|| work(keeper)));
        if done.is_err() {
            *kept = None;
            self.shared.update(|progress| {
                progress.ended = true;
                progress.trouble = Some("keeping it broke off".to_owned());
            });
        }
        done.ok()
    }
}

/// The thread's queue.
#[derive(Default)]
struct Queue {
    /// Those that are behind, in their turns.
    ready: VecDeque<Arc<Place>>,
    /// Those that failed, and when they are tried again.
    later: Vec<(Instant, Arc<Place>)>,
    /// All, the next to be compared with its ledger first.
    all: VecDeque<Weak<Place>>,
    ended: bool,
}

#[derive(Default)]
struct Desk {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Desk {
    fn wake(&self, place: &Arc<Place>) {
        if !place.queued.swap(true, Ordering::AcqRel) {
            locked(&self.queue).ready.push_back(Arc::clone(place));
            self.changed.notify_all();
        }
    }

    /// Waits, unless it is the end.
    fn wait<'q>(&self, queue: MutexGuard<'q, Queue>, at_most: Duration) -> MutexGuard<'q, Queue> {
        let waited = self.changed.wait_timeout(queue, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn rest(&self, length: Duration) {
        let ended = self.changed.wait_timeout_while(locked(&self.queue), length, |queue| !queue.ended);
        drop(ended);
    }
}

/// The one thread of this process, while there is a follower.
static THREAD: Mutex<Weak<Followers>> = Mutex::new(Weak::new());

/// The thread that keeps indexes; it ends with the last follower.
struct Followers {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Followers {
    /// That of this process.
    fn here() -> io::Result<Arc<Self>> {
        let mut here = locked(&THREAD);
        if let Some(there) = here.upgrade() {
            return Ok(there);
        }
        let desk = Arc::new(Desk::default());
        let theirs = Arc::clone(&desk);
        let thread = thread::Builder::new().name("index-follow".to_owned()).spawn(move || run(&theirs))?;
        let new = Arc::new(Self { desk, thread: Some(thread) });
        *here = Arc::downgrade(&new);
        Ok(new)
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        locked(&self.desk.queue).ended = true;
        self.desk.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing to hand over: an index is rebuilt from what it has.
            let _ = thread.join();
        }
    }
}

/// An index that is kept at its ledger's head. Dropping it ends that, after the batch that it may be in.
pub struct Follower {
    place: Arc<Place>,
    thread: Arc<Followers>,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

impl Follower {
    /// Begins to keep an index. `on_progress` is called from the thread after every batch.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start<S: Source>(
        index: Arc<Index>,
        source: S,
        on_progress: impl Fn(&Progress) + Send + 'static,
    ) -> io::Result<Self> {
        let thread = Followers::here()?;
        let keeper: Box<dyn Keep> = Box::new(Keeper::new(index, source, on_progress));
        let place = Arc::new(Place {
            shared: Shared::default(),
            queued: AtomicBool::new(false),
            keeper: Mutex::new(Some(keeper)),
        });
        locked(&thread.desk.queue).all.push_back(Arc::downgrade(&place));
        thread.desk.wake(&place);
        Ok(Self { place, thread })
    }

    /// Says that there are deeds to take, as often as it is called.
    pub fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let (desk, place) = (Arc::clone(&self.thread.desk), Arc::downgrade(&self.place));
        move || {
            if let Some(place) = place.upgrade() {
                desk.wake(&place);
            }
        }
    }

    /// How far it has got.
    pub fn progress(&self) -> Progress {
        locked(&self.place.shared.progress).clone()
    }

    /// Waits until that deed is indexed. False: the time is over, or it has ended.
    pub fn wait_for(&self, seq: Seq, at_most: Duration) -> bool {
        let shared = &self.place.shared;
        let (progress, _) = shared
            .changed
            .wait_timeout_while(locked(&shared.progress), at_most, |progress| {
                progress.seq < seq && !progress.ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        progress.seq >= seq
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(locked(&self.place.keeper).take());
        self.place.shared.update(|progress| progress.ended = true);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(desk: &Desk) {
    let mut next_check = Instant::now();
    while let Some(turn) = turn(desk, next_check) {
        match turn {
            Turn::Step(place) => step(desk, &place),
            Turn::Check => {
                check(desk);
                next_check = Instant::now() + CHECK_EVERY;
            }
        }
    }
}

enum Turn {
    Step(Arc<Place>),
    Check,
}

/// What is to be done next; none at the end.
fn turn(desk: &Desk, next_check: Instant) -> Option<Turn> {
    let mut queue = locked(&desk.queue);
    loop {
        if queue.ended {
            return None;
        }
        let now = Instant::now();
        let due: Vec<_> = queue.later.extract_if(.., |(when, _)| *when <= now).collect();
        queue.ready.extend(due.into_iter().map(|(_, place)| place));
        if let Some(place) = queue.ready.pop_front() {
            return Some(Turn::Step(place));
        }
        if next_check <= now {
            return Some(Turn::Check);
        }
        let first = queue.later.iter().map(|(when, _)| *when).fold(next_check, Instant::min);
        queue = desk.wait(queue, first.saturating_duration_since(now));
    }
}

/// Takes a batch of one.
fn step(desk: &Desk, place: &Arc<Place>) {
    // What comes from here on wakes it again.
    place.queued.store(false, Ordering::Release);
    let Some((next, rest)) = place.kept(|keeper| keeper.step(&place.shared)) else { return };
    match next {
        Next::Idle => {}
        Next::More => desk.wake(place),
        Next::Again(pause) => again(desk, place, pause),
    }
    desk.rest(rest);
}

fn again(desk: &Desk, place: &Arc<Place>, pause: Duration) {
    // What comes meanwhile waits as well.
    if !place.queued.swap(true, Ordering::AcqRel) {
        locked(&desk.queue).later.push((Instant::now() + pause, Arc::clone(place)));
    }
}

/// Compares the next with its ledger, closes those that nobody uses, and has those mended that a reader found broken.
fn check(desk: &Desk) {
    let all: Vec<Weak<Place>> = {
        let mut queue = locked(&desk.queue);
        queue.all.retain(|place| place.strong_count() > 0);
        let one = 1.min(queue.all.len());
        queue.all.rotate_left(one);
        queue.all.iter().cloned().collect()
    };
    let mut places = all.iter().rev().filter_map(Weak::upgrade);
    if let Some(place) = places.next()
        && let Some(pause) = place.kept(|keeper| keeper.check(&place.shared)).flatten()
    {
        again(desk, &place, pause);
    }
    for place in places {
        let broken = place.kept(|keeper| {
            keeper.index().close_if_idle(IDLE);
            keeper.index().is_suspected()
        });
        if broken == Some(true) {
            desk.wake(&place);
        }
    }
}
