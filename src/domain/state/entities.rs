//! Every entity by its path: those that were changed lately near at hand, the others outside memory where there is such a
//! place (see [`Far`]). Who asks sees one map.

use std::hash::BuildHasherDefault;
use std::sync::{Arc, OnceLock};

use super::far::{Far, FarError};
use super::fetched::Fetched;
use super::moved::Moves;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::things::Entity;

/// A hasher without a random seed, so that two replays build the same map.
pub type Hasher = BuildHasherDefault<std::collections::hash_map::DefaultHasher>;

type Near = imbl::GenericHashMap<EntityPath, Arc<Entity>, Hasher, imbl::shared_ptr::DefaultSharedPtr>;

/// So many are read from outside at once where all are wanted.
const PAGE: usize = 512;
/// So many that were only read are kept at hand.
const FETCHED: usize = 4_096;
/// What an entity takes in memory, as a multiple of the size of its values …
const TIMES: u64 = 4;
/// … and beside it.
const BESIDE: u64 = 256;

/// Every entity of the workspace. Equal where the same entities are in it, wherever they lie.
#[derive(Debug, Clone, Default)]
pub struct Entities {
    /// What is not outside, or was changed since.
    near: Near,
    /// What those take in memory, about, in bytes.
    bytes: u64,
    far: Option<Reach>,
    /// What was changed up to that deed may lie outside alone.
    least: Seq,
    /// How times have moved: an entity outside moves when it is fetched.
    moves: Moves,
}

/// The way to what lies outside memory.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) far: Arc<dyn Far>,
    /// What was read there and is not near. Clones share it, until what is near is another selection.
    fetched: Arc<Fetched>,
    /// The first thing that could not be read. Nothing counts that was decided from then on.
    failed: Arc<OnceLock<FarError>>,
}

impl Reach {
    pub(super) fn new(far: Arc<dyn Far>) -> Self {
        Self { far, fetched: Arc::default(), failed: Arc::default() }
    }

    pub(super) fn failed(&self) -> Option<&FarError> {
        self.failed.get()
    }

    /// What was read; where it could not be, that is noted, and there is nothing.
    pub(super) fn heard<T: Default>(&self, read: Result<T, FarError>) -> T {
        read.unwrap_or_else(|error| {
            // The first one counts.
            self.failed.set(error).unwrap_or_default();
            T::default()
        })
    }
}

impl Entities {
    /// One of them.
    pub fn get(&self, path: &EntityPath) -> Option<&Arc<Entity>> {
        self.near.get(path).or_else(|| self.fetch(path))
    }

    /// Is it known?
    pub fn contains_key(&self, path: &EntityPath) -> bool {
        self.get(path).is_some()
    }

    fn fetch(&self, path: &EntityPath) -> Option<&Arc<Entity>> {
        let reach = self.far.as_ref()?;
        let read = || reach.heard(reach.far.entity(path)).map(|entity| self.moves.of_entity(entity));
        reach.fetched.get(path, read)
    }

    /// Puts an entity in its place.
    pub fn insert(&mut self, path: EntityPath, entity: Arc<Entity>) {
        let more = weight(&path, entity.size());
        let less = self.near.get(&path).map_or(0, |before| weight(&path, before.size()));
        self.near.insert(path, entity);
        self.bytes = (self.bytes + more).saturating_sub(less);
    }

    /// Changes an entity, which is new where it was not known. Says how large it was and is.
    pub(super) fn change(
        &mut self,
        path: &EntityPath,
        change: impl FnOnce(&mut Entity),
    ) -> (Option<u64>, u64) {
        let near = self.near.get(path).map(|entity| entity.size());
        let known = near.or_else(|| self.fetch(path).map(|entity| entity.size()));
        if near.is_none() {
            let entity = self.fetch(path).cloned().unwrap_or_default();
            self.near.insert(path.clone(), entity);
        }
        let Some(entity) = self.near.get_mut(path).map(Arc::make_mut) else { return (known, 0) };
        change(entity);
        let now = entity.size();
        let less = near.map_or(0, |near| weight(path, near));
        self.bytes = (self.bytes + weight(path, now)).saturating_sub(less);
        (known, now)
    }

    /// All, by path.
    pub fn iter(&self) -> impl Iterator<Item = (EntityPath, Arc<Entity>)> + '_ {
        self.range("")
    }

    /// Those whose path begins with that text, by path.
    pub fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (EntityPath, Arc<Entity>)> + 'a {
        let mut near: Vec<_> =
            self.near.iter().filter(|(path, _)| path.as_str().starts_with(prefix)).collect();
        near.sort_unstable_by_key(|(path, _)| *path);
        let near = near.into_iter().map(|(path, entity)| (path.clone(), Arc::clone(entity)));
        let mut near = near.peekable();
        let mut far = self.far_range(prefix).filter(|(path, _)| !self.near.contains_key(path)).peekable();
        std::iter::from_fn(move || {
            let is_near = match (near.peek(), far.peek()) {
                (Some((near, _)), Some((far, _))) => near < far,
                (near, _) => near.is_some(),
            };
            if is_near { near.next() } else { far.next() }
        })
    }

    fn far_range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (EntityPath, Arc<Entity>)> + 'a {
        let mut page = Vec::new().into_iter();
        let mut after: Option<EntityPath> = None;
        let mut more = true;
        std::iter::from_fn(move || {
            let reach = self.far.as_ref()?;
            let next = page.next().or_else(|| {
                let read =
                    std::mem::take(&mut more).then(|| reach.far.entities(prefix, after.as_ref(), PAGE));
                let read = reach.heard(read.unwrap_or_else(|| Ok(Vec::new())));
                more = read.len() == PAGE;
                page = read.into_iter();
                page.next()
            });
            let (path, entity) = next?;
            after = Some(path.clone());
            Some((path, self.moves.of_entity(entity)))
        })
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Times move: of what is near at once, of the others when they are fetched.
    pub(super) fn rebase(&mut self, moves: &Moves) {
        self.moves = moves.clone();
        let changed = |(path, entity): (&EntityPath, &Arc<Entity>)| {
            let moved = self.moves.of_entity(Arc::clone(entity));
            (!Arc::ptr_eq(entity, &moved)).then(|| (path.clone(), moved))
        };
        let moved: Vec<_> = self.near.iter().filter_map(changed).collect();
        for (path, entity) in moved {
            self.near.insert(path, entity);
        }
        self.forget_fetched();
    }

    fn forget_fetched(&mut self) {
        if let Some(reach) = &mut self.far {
            reach.fetched = Arc::default();
        }
    }

    /// Up to which deed what was changed may lie outside alone.
    pub(super) fn least(&self) -> Seq {
        self.least
    }

    /// From now on the others are outside, moved up to there.
    pub(super) fn reach(&mut self, far: Reach, moves: Moves) {
        (self.far, self.moves) = (Some(far), moves);
    }

    /// The way outside, if there is one.
    pub(super) fn far(&self) -> Option<&Reach> {
        self.far.as_ref()
    }

    /// What of these is near at hand.
    pub(super) fn near(&self) -> impl Iterator<Item = (&EntityPath, &Arc<Entity>)> {
        self.near.iter()
    }

    /// One that is near at hand.
    pub(super) fn near_one(&self, path: &EntityPath) -> Option<&Arc<Entity>> {
        self.near.get(path)
    }

    /// What that takes in memory, about, in bytes.
    pub fn near_bytes(&self) -> u64 {
        self.bytes
    }

    /// What is outside up to that deed need not be near.
    pub(super) fn let_go(&mut self, head: Seq) {
        if self.far.is_none() {
            return;
        }
        self.least = self.least.max(head);
        self.near.retain(|_, entity| entity.deed > head);
        self.bytes = self.near.iter().map(|(path, entity)| weight(path, entity.size())).sum();
        self.forget_fetched();
    }

    /// What was only read is let go of where it is much.
    pub(super) fn rest(&mut self) {
        if self.far.as_ref().is_some_and(|reach| reach.fetched.len() > FETCHED) {
            self.forget_fetched();
        }
    }
}

/// What an entity of that size takes in memory, about, in bytes.
fn weight(path: &EntityPath, size: u64) -> u64 {
    TIMES * size + path.as_str().len() as u64 + BESIDE
}

impl PartialEq for Entities {
    fn eq(&self, other: &Self) -> bool {
        if self.far.is_none() && other.far.is_none() {
            self.near == other.near
        } else {
            self.iter().eq(other.iter())
        }
    }
}

impl FromIterator<(EntityPath, Arc<Entity>)> for Entities {
    fn from_iter<T: IntoIterator<Item = (EntityPath, Arc<Entity>)>>(all: T) -> Self {
        let mut entities = Self::default();
        for (path, entity) in all {
            entities.insert(path, entity);
        }
        entities
    }
}
