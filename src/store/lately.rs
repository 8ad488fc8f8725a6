//! Which rows were asked about lately: a guess that is never too large. It holds no value, so that it can say nothing wrong.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many rows are remembered at most, for all workspaces of a node.
const PLACES: u64 = 65_536;

/// A place for each row by its hash; who comes later takes it. It takes half a mebibyte from its first use on.
#[derive(Debug, Default)]
pub(super) struct Lately {
    hasher: RandomState,
    places: OnceLock<Box<[AtomicU64]>>,
}

impl Lately {
    /// Whether a row was not asked about lately; from now on it was.
    pub(super) fn is_new(&self, key: &[u8]) -> bool {
        let hash = self.hasher.hash_one(key);
        let places = self.places.get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        let place = usize::try_from(hash % PLACES).ok().and_then(|place| places.get(place));
        place.is_none_or(|place| place.swap(hash, Ordering::Relaxed) != hash)
    }
}
