//! What commands name is read from its image while they wait, and not by who decides: the block it lies in is in the image's cache
//! then. Nothing is handed over, so nothing can be old, and what can't be read is met again by who decides.
//!
//! It costs a command one look at a flag where all values are near, and two small looks where it waits for nothing or names what was
//! named lately. A key is read along with an entity: by itself it is nearly always a new one, which an image knows in less time than
//! it takes to have another thread ask it. The same is so of all reads while the image's files are in the system's memory: then few
//! are made ahead, to see when that has changed.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::LETTER;
use crate::domain::command::Request;
use crate::domain::path::EntityPath;
use crate::domain::state::Fingerprint;
use crate::store::Image;

/// How many read at once; who comes then leaves it to who decides.
const AT_ONCE: usize = 4;

/// What a read takes at most that does not wait for the disk; another thread takes as long to be woken and to give the processor back.
const FROM_MEMORY: Duration = Duration::from_micros(30);
/// Where reads take no longer, one in so many is made ahead.
const PROBE: u64 = 64;
/// By what part the newest read changes how long reads are said to take.
const NEWEST: u64 = 8;

/// Reads ahead for one workspace.
pub(super) struct Fetch {
    /// Gone once the workspace was shut down.
    image: RwLock<Option<Image>>,
    /// Whether anything lies in it alone.
    is_far: AtomicBool,
    room: Arc<Semaphore>,
    pace: Arc<Pace>,
}

/// How long reads take.
pub(super) struct Pace {
    /// Nanoseconds for an entity, of the last ones.
    takes: AtomicU64,
    asked: AtomicU64,
}

impl Default for Pace {
    /// The first ones may wait for the disk.
    fn default() -> Self {
        let takes = AtomicU64::new(2 * u64::from(FROM_MEMORY.subsec_nanos()));
        Self { takes, asked: AtomicU64::new(0) }
    }
}

impl Pace {
    /// Whether to read ahead.
    pub(super) fn helps(&self) -> bool {
        let nth = self.asked.fetch_add(1, Ordering::Relaxed);
        nth.is_multiple_of(PROBE) || u128::from(self.takes.load(Ordering::Relaxed)) > FROM_MEMORY.as_nanos()
    }

    /// So many entities were read in that time. What others note meanwhile may be lost.
    pub(super) fn note(&self, entities: usize, took: Duration) {
        let newest = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / (entities as u64).max(1);
        let before = self.takes.load(Ordering::Relaxed);
        self.takes.store(before - before / NEWEST + newest / NEWEST, Ordering::Relaxed);
    }
}

impl Fetch {
    pub(super) fn of(image: Image) -> Self {
        let image = RwLock::new(Some(image));
        let (is_far, room) = (AtomicBool::new(false), Arc::new(Semaphore::new(AT_ONCE)));
        Self { image, is_far, room, pace: Arc::default() }
    }

    /// From now on some values lie in the image alone.
    pub(super) fn is_far(&self) {
        self.is_far.store(true, Ordering::Relaxed);
    }

    /// Begins to read what these name, where so many wait that there is time for it.
    pub(super) fn begin(
        &self,
        requests: &[Request],
        waiting: impl FnOnce() -> usize,
    ) -> Option<JoinHandle<()>> {
        if !self.is_far.load(Ordering::Relaxed) || waiting() <= LETTER || !self.pace.helps() {
            return None;
        }
        let place = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let image = self.image.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let (paths, prints) = wanted(&image, requests);
        if paths.is_empty() {
            return None;
        }
        let pace = Arc::clone(&self.pace);
        Some(tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            image.fetch(&paths, &prints);
            pace.note(paths.len(), began.elapsed());
            drop(place);
        }))
    }

    /// Nothing is read any more.
    pub(super) fn end(&self) {
        self.image.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The entities that were not named lately, and the keys of who names one.
fn wanted(image: &Image, requests: &[Request]) -> (Vec<EntityPath>, Vec<Fingerprint>) {
    let (mut paths, mut prints) = (Vec::new(), Vec::new());
    for request in requests {
        let before = paths.len();
        let named = request.command.named().into_iter();
        paths.extend(named.filter(|path| image.is_new(path)).cloned());
        if let Some(asked) = request.key.as_ref().filter(|_| paths.len() > before) {
            prints.push(Fingerprint::of_key(&request.principal.actor, &asked.key, asked.part));
        }
    }
    (paths, prints)
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").field("is_far", &self.is_far).finish_non_exhaustive()
    }
}
