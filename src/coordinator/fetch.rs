//! What commands name is read from its image while they wait, and not by who decides: the block it lies in is in the image's cache
//! then. Nothing is handed over, so nothing can be old, and what can't be read is met again by who decides.
//!
//! It costs a command one look at a flag where all values are near, and two small looks where it waits for nothing or names what was
//! named lately. A key is read along with an entity: by itself it is nearly always a new one, which an image knows in less time than
//! it takes to have another thread ask it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::LETTER;
use crate::domain::command::Request;
use crate::domain::path::EntityPath;
use crate::domain::state::Fingerprint;
use crate::store::Image;

/// How many read at once; who comes then leaves it to who decides.
const AT_ONCE: usize = 4;

/// Reads ahead for one workspace.
pub(super) struct Fetch {
    /// Gone once the workspace was shut down.
    image: RwLock<Option<Image>>,
    /// Whether anything lies in it alone.
    is_far: AtomicBool,
    room: Arc<Semaphore>,
}

impl Fetch {
    pub(super) fn of(image: Image) -> Self {
        let image = RwLock::new(Some(image));
        Self { image, is_far: AtomicBool::new(false), room: Arc::new(Semaphore::new(AT_ONCE)) }
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
        if !self.is_far.load(Ordering::Relaxed) || waiting() <= LETTER {
            return None;
        }
        let place = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let image = self.image.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let (paths, prints) = wanted(&image, requests);
        if paths.is_empty() {
            return None;
        }
        Some(tokio::task::spawn_blocking(move || {
            image.fetch(&paths, &prints);
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
