//! A map that keeps what was set until its time is over: nothing goes by count, so that nothing is forgotten which a
//! promise rests on. How much one agent may have in it is the rules' to say.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use crate::domain::ids::AgentId;
use crate::domain::things::weight;
use crate::domain::time::{Span, Time};

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
#[serde(
    from = "Stored<T, B>",
    bound(
        serialize = "T: Serialize + Clone, B: Serialize + Clone + Ord",
        deserialize = "T: Serialize + Deserialize<'de> + Clone, B: Deserialize<'de> + Clone + Ord"
    )
)]
pub struct Lasting<T, B: Ord = AgentId> {
    kept: OrdMap<Arc<str>, Kept<T, B>>,
    /// The keys by when they go.
    due: OrdSet<(Time, Arc<str>)>,
    /// How many are each one's.
    of: OrdMap<B, usize>,
    /// How large those are together; what is read back is measured anew.
    #[serde(skip)]
    bytes: OrdMap<B, u64>,
    /// All of them together.
    #[serde(skip)]
    all: u64,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Clone, B: Deserialize<'de> + Clone + Ord"))]
struct Stored<T, B: Ord> {
    kept: OrdMap<Arc<str>, Kept<T, B>>,
    due: OrdSet<(Time, Arc<str>)>,
    of: OrdMap<B, usize>,
}

impl<T: Clone + Serialize, B: Clone + Ord> From<Stored<T, B>> for Lasting<T, B> {
    fn from(Stored { kept, due, of }: Stored<T, B>) -> Self {
        let mut bytes: OrdMap<B, u64> = OrdMap::new();
        for (key, kept) in &kept {
            if let Some(by) = &kept.by {
                *bytes.entry(by.clone()).or_default() += size(key, &kept.value);
            }
        }
        let all = bytes.values().sum();
        Self { kept, due, of, bytes, all }
    }
}

/// How large one is.
fn size<T: Serialize>(key: &str, value: &T) -> u64 {
    weight(value) + key.len() as u64
}

impl<T, B: Ord> Default for Lasting<T, B> {
    fn default() -> Self {
        Self { kept: OrdMap::new(), due: OrdSet::new(), of: OrdMap::new(), bytes: OrdMap::new(), all: 0 }
    }
}

impl<T: Clone + Serialize, B: Clone + Ord> Lasting<T, B> {
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

    /// The same from a key on, in order.
    pub fn since<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a T)> {
        let range = self.kept.range::<_, str>((Bound::Included(key), Bound::Unbounded));
        range.map(|(key, kept)| (key, &kept.value))
    }

    /// How many are theirs at that time.
    pub fn count(&self, whose: &B, now: Time) -> usize {
        let over = self.due.iter().take_while(|(until, _)| *until <= now);
        let over = over
            .filter(|(_, key)| self.kept.get(key).is_some_and(|kept| kept.by.as_ref() == Some(whose)))
            .count();
        self.of.get(whose).copied().unwrap_or_default().saturating_sub(over)
    }

    /// How large those are that are theirs, together.
    pub fn bytes(&self, whose: &B) -> u64 {
        self.bytes.get(whose).copied().unwrap_or_default()
    }

    /// How large all are that are somebody's.
    pub fn all_bytes(&self) -> u64 {
        self.all
    }

    /// Changes what is kept under the key; it stays as long as before.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut T)) {
        let Some(kept) = self.kept.get_mut(key) else { return };
        let before = size(key, &kept.value);
        change(&mut kept.value);
        let after = size(key, &kept.value);
        if let Some(by) = kept.by.clone() {
            self.measure(by, before, after);
        }
    }

    /// Of theirs, something of one size is of another now.
    fn measure(&mut self, by: B, before: u64, after: u64) {
        self.all = (self.all + after).saturating_sub(before);
        let bytes = (self.bytes(&by) + after).saturating_sub(before);
        if bytes == 0 {
            self.bytes.remove(&by);
        } else {
            self.bytes.insert(by, bytes);
        }
    }

    /// Sets what is kept under the key, as theirs; a person's is nobody's.
    pub fn set(&mut self, key: Arc<str>, by: impl Into<Option<B>>, until: Time, value: T) {
        let by = by.into();
        self.remove(&key);
        if let Some(by) = &by {
            *self.of.entry(by.clone()).or_default() += 1;
            self.measure(by.clone(), 0, size(&key, &value));
        }
        self.due.insert((until, Arc::clone(&key)));
        self.kept.insert(key, Kept { by, until, value });
    }

    /// Changes everything; what `change` says so of is over as much sooner. It must not change in size.
    pub(super) fn move_back(&mut self, back: Span, mut change: impl FnMut(&mut T, Time) -> bool) {
        let keys: Vec<Arc<str>> = self.kept.keys().cloned().collect();
        for key in keys {
            let Some(kept) = self.kept.get_mut(&key) else { continue };
            if change(&mut kept.value, kept.until) {
                self.due.remove(&(kept.until, Arc::clone(&key)));
                kept.until = kept.until.minus(back);
                self.due.insert((kept.until, key));
            }
        }
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
        self.measure(by.clone(), size(key, &kept.value), 0);
        let left = self.of.get(&by).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            self.of.remove(&by);
        } else {
            self.of.insert(by, left);
        }
    }
}
