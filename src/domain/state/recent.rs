//! A map that keeps what was set last, up to a bound: the longest unused entries go first.

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::domain::ids::Seq;

/// Most entries of one such map.
pub const KEPT: usize = 10_000;
/// How many are left when some are forgotten: a tenth at a time, so that one more does not pay for the search.
pub const KEPT_AFTER_A_CUT: usize = KEPT / 10 * 9;

/// What was set last under each key, with the deed that set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "T: Serialize + Clone", deserialize = "T: Deserialize<'de> + Clone"))]
pub struct Recent<T>(OrdMap<Arc<str>, (Seq, T)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<T: Clone> Recent<T> {
    /// What is kept under the key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.0.get(key).map(|(_, value)| value)
    }

    /// Everything that is kept, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.0.iter().map(|(key, (_, value))| (key, value))
    }

    /// The same with the deeds that set them.
    pub fn entries(&self) -> impl Iterator<Item = (&Arc<str>, Seq, &T)> {
        self.0.iter().map(|(key, (deed, value))| (key, *deed, value))
    }

    /// Whether some may have been forgotten.
    pub fn was_cut(&self) -> bool {
        self.0.len() >= KEPT_AFTER_A_CUT
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what is kept under the key.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Changes what is kept under the key.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut T)) {
        if let Some((_, value)) = self.0.get_mut(key) {
            change(value);
        }
    }

    /// Changes everything.
    pub(super) fn change_all(&mut self, mut change: impl FnMut(&mut T)) {
        let keys: Vec<Arc<str>> = self.0.keys().cloned().collect();
        for key in keys {
            self.change(&key, &mut change);
        }
    }

    /// Sets what is kept under the key.
    pub fn set(&mut self, key: Arc<str>, deed: Seq, value: T) {
        self.0.insert(key, (deed, value));
        if self.0.len() > KEPT {
            let mut deeds: Vec<Seq> = self.0.values().map(|(deed, _)| *deed).collect();
            deeds.sort_unstable_by(|a, b| b.cmp(a));
            let oldest = deeds.get(KEPT_AFTER_A_CUT - 1).copied().unwrap_or_default();
            self.0 =
                std::mem::take(&mut self.0).into_iter().filter(|(_, (deed, _))| *deed >= oldest).collect();
        }
    }
}
