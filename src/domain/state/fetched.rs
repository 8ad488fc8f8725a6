//! What was read from outside memory: a map that only grows, so that what is in it can be lent while more comes.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::Hasher;
use crate::domain::path::EntityPath;
use crate::domain::things::Entity;

/// Bits of the hash for each step.
const BITS: u32 = 2;
/// Places below each.
const PLACES: usize = 1 << BITS;

/// Entities by path, those too that are known not to be there.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    root: OnceLock<Box<Node>>,
    count: AtomicUsize,
}

#[derive(Debug)]
struct Node {
    path: EntityPath,
    entity: Option<Arc<Entity>>,
    below: [OnceLock<Box<Node>>; PLACES],
}

impl Fetched {
    /// How many are in it.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// What is known of one; it is read where nothing is.
    pub(super) fn get(
        &self,
        path: &EntityPath,
        read: impl FnOnce() -> Option<Arc<Entity>>,
    ) -> Option<&Arc<Entity>> {
        let mut bits = Hasher::default().hash_one(path);
        let mut place = &self.root;
        let mut read = Some(read);
        loop {
            let made = || {
                let entity = read.take().and_then(|read| read());
                self.count.fetch_add(1, Ordering::Relaxed);
                Box::new(Node { path: path.clone(), entity, below: Default::default() })
            };
            let node = place.get_or_init(made);
            if node.path == *path {
                return node.entity.as_ref();
            }
            let at = usize::try_from(bits).unwrap_or_default() % PLACES;
            bits = bits.rotate_right(BITS);
            place = node.below.get(at)?;
        }
    }
}
