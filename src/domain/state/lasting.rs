//! A map that keeps what was set until its time is over: nothing goes by count, so that nothing is forgotten which a
//! promise rests on. How much one agent may have in it is the rules' to say.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use crate::domain::ids::AgentId;
use crate::domain::time::Time;

/// What is kept under one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept<T, B> {
    /// Whose it is; nobody counts what people set.
    by: Option<B>,
    until: Time,
    value: T,
}

/// What was set last under each key, each for a time and by somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "T: Serialize + Clone, B: Serialize + Clone + Ord",
    deserialize = "T: Deserialize<'de> + Clone, B: Deserialize<'de> + Clone + Ord"
))]
pub struct Lasting<T, B: Ord = AgentId> {
    kept: OrdMap<Arc<str>, Kept<T, B>>,
    /// The keys by when they go.
    due: OrdSet<(Time, Arc<str>)>,
    /// How many are each one's.
    of: OrdMap<B, usize>,
}

impl<T, B: Ord> Default for Lasting<T, B> {
    fn default() -> Self {
        Self { kept: OrdMap::new(), due: OrdSet::new(), of: OrdMap::new() }
    }
}

impl<T: Clone, B: Clone + Ord> Lasting<T, B> {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What is kept under the key, while its time lasts.
    pub fn get(&self, key: &str, now: Time) -> Option<&T> {
        self.kept.get(key).filter(|kept| now < kept.until).map(|kept| &kept.value)
    }

    /// Everything that is kept, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.kept.iter().map(|(key, kept)| (key, &kept.value))
    }

    /// How many are theirs at that time.
    pub fn count(&self, whose: &B, now: Time) -> usize {
        let over = self.due.iter().take_while(|(until, _)| *until <= now);
        let over = over
            .filter(|(_, key)| self.kept.get(key).is_some_and(|kept| kept.by.as_ref() == Some(whose)))
            .count();
        self.of.get(whose).copied().unwrap_or_default().saturating_sub(over)
    }

    /// Changes what is kept under the key; it stays as long as before.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut T)) {
        if let Some(kept) = self.kept.get_mut(key) {
            change(&mut kept.value);
        }
    }

    /// Sets what is kept under the key, as theirs; a person's is nobody's.
    pub fn set(&mut self, key: Arc<str>, by: impl Into<Option<B>>, until: Time, value: T) {
        let by = by.into();
        self.remove(&key);
        if let Some(by) = &by {
            *self.of.entry(by.clone()).or_default() += 1;
        }
        self.due.insert((until, Arc::clone(&key)));
        self.kept.insert(key, Kept { by, until, value });
    }

    /// Lets go of what is over by that time.
    pub fn forget(&mut self, now: Time) {
        while let Some((_, key)) = self.due.get_min().filter(|(until, _)| *until <= now).cloned() {
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Arc<str>) {
        let Some(kept) = self.kept.remove(key) else { return };
        self.due.remove(&(kept.until, Arc::clone(key)));
        let Some(by) = kept.by else { return };
        let left = self.of.get(&by).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            self.of.remove(&by);
        } else {
            self.of.insert(by, left);
        }
    }
}
