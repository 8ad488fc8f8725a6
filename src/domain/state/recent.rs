//! A map that keeps what was set last, up to a bound in entries and in bytes: the longest unused entries go first.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::ids::Seq;
use crate::domain::things::weight;

/// Most entries of one such map.
pub const KEPT: usize = 10_000;
/// How many are left when some are forgotten: a tenth at a time, so that one more does not pay for the search.
pub const KEPT_AFTER_A_CUT: usize = KEPT / 10 * 9;
/// Most bytes of one such map, its keys and values together.
const KEPT_BYTES: u64 = 16 * 1024 * 1024;
/// How many of them are left when some are forgotten.
const BYTES_AFTER_A_CUT: u64 = KEPT_BYTES / 10 * 9;

/// What was set last under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry<T> {
    deed: Seq,
    value: T,
    /// How large it is with its key.
    bytes: u64,
}

/// What was set last under each key, with the deed that set it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OrdMap<Arc<str>, (Seq, T)>", bound(deserialize = "T: Serialize + Deserialize<'de> + Clone"))]
pub struct Recent<T> {
    kept: OrdMap<Arc<str>, Entry<T>>,
    /// How large all of it is; what is read back is measured anew.
    bytes: u64,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { kept: OrdMap::new(), bytes: 0 }
    }
}

impl<T: Serialize> Serialize for Recent<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.kept.iter().map(|(key, entry)| (key, (entry.deed, &entry.value))))
    }
}

impl<T: Serialize + Clone> From<OrdMap<Arc<str>, (Seq, T)>> for Recent<T> {
    fn from(read: OrdMap<Arc<str>, (Seq, T)>) -> Self {
        let mut kept = Self::default();
        for (key, (deed, value)) in read {
            kept.put(key, deed, value);
        }
        kept
    }
}

impl<T: Clone + Serialize> Recent<T> {
    /// What is kept under the key.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.kept.get(key).map(|entry| &entry.value)
    }

    /// Everything that is kept, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.kept.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// The same with the deeds that set them.
    pub fn entries(&self) -> impl Iterator<Item = (&Arc<str>, Seq, &T)> {
        self.kept.iter().map(|(key, entry)| (key, entry.deed, &entry.value))
    }

    /// The same from a key on, in order.
    pub fn since<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a T)> {
        let range = self.kept.range::<_, str>((Bound::Included(key), Bound::Unbounded));
        range.map(|(key, entry)| (key, &entry.value))
    }

    /// Whether some may have been forgotten: of what is no larger than a third of the room, half of the bytes are left at least.
    pub fn was_cut(&self) -> bool {
        self.kept.len() >= KEPT_AFTER_A_CUT || self.bytes >= KEPT_BYTES / 2
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets what is kept under the key.
    pub fn remove(&mut self, key: &str) {
        if let Some(entry) = self.kept.remove(key) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
    }

    /// Changes what is kept under the key.
    pub fn change(&mut self, key: &str, change: impl FnOnce(&mut T)) {
        let Some(entry) = self.kept.get_mut(key) else { return };
        change(&mut entry.value);
        let bytes = size(key, &entry.value);
        self.bytes = (self.bytes + bytes).saturating_sub(entry.bytes);
        entry.bytes = bytes;
    }

    /// Changes everything.
    pub(super) fn change_all(&mut self, mut change: impl FnMut(&mut T)) {
        let keys: Vec<Arc<str>> = self.kept.keys().cloned().collect();
        for key in keys {
            self.change(&key, &mut change);
        }
    }

    /// Sets what is kept under the key.
    pub fn set(&mut self, key: Arc<str>, deed: Seq, value: T) {
        self.put(key, deed, value);
        if self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            self.cut();
        }
    }

    fn put(&mut self, key: Arc<str>, deed: Seq, value: T) {
        let bytes = size(&key, &value);
        let before = self.kept.insert(key, Entry { deed, value, bytes }).map_or(0, |entry| entry.bytes);
        self.bytes = (self.bytes + bytes).saturating_sub(before);
    }

    /// Forgets what was set longest ago, until both bounds have room again. What one deed set goes or stays together.
    fn cut(&mut self) {
        let mut deeds: Vec<(Seq, u64)> = self.kept.values().map(|entry| (entry.deed, entry.bytes)).collect();
        deeds.sort_unstable_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        let room = |(_, more): &&(Seq, u64)| {
            bytes += more;
            bytes <= BYTES_AFTER_A_CUT
        };
        let oldest = deeds.iter().take(KEPT_AFTER_A_CUT).take_while(room).last().or(deeds.first());
        let oldest = oldest.map(|(deed, _)| *deed).unwrap_or_default();
        let left = std::mem::take(&mut self.kept).into_iter().filter(|(_, entry)| entry.deed >= oldest);
        self.kept = left.collect();
        self.bytes = self.kept.values().map(|entry| entry.bytes).sum();
    }
}

/// Written as things that say by which deed they were set, beside what they are.
pub(super) mod dated {
    use serde::de::Deserializer;

    use super::{Arc, Deserialize, OrdMap, Recent, Seq, Serialize, Serializer};

    #[derive(Clone, Serialize, Deserialize)]
    struct Dated<T> {
        #[serde(default)]
        deed: Seq,
        #[serde(flatten)]
        value: T,
    }

    pub(in crate::domain::state) fn serialize<T: Serialize, S: Serializer>(
        recent: &Recent<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let dated =
            recent.kept.iter().map(|(key, entry)| (key, Dated { deed: entry.deed, value: &entry.value }));
        serializer.collect_map(dated)
    }

    pub(in crate::domain::state) fn deserialize<'de, T, D>(deserializer: D) -> Result<Recent<T>, D::Error>
    where
        T: Serialize + Deserialize<'de> + Clone,
        D: Deserializer<'de>,
    {
        let mut recent = Recent::default();
        for (key, Dated { deed, value }) in OrdMap::<Arc<str>, Dated<T>>::deserialize(deserializer)? {
            recent.put(key, deed, value);
        }
        Ok(recent)
    }
}

/// How large an entry is.
fn size<T: Serialize>(key: &str, value: &T) -> u64 {
    weight(value) + key.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(recent: &mut Recent<String>, no: u64, bytes: usize) {
        recent.set(Arc::from(format!("key {no}")), Seq(no), "x".repeat(bytes));
    }

    #[test]
    fn what_was_set_longest_ago_goes_by_number_and_by_size() {
        let mut recent = Recent::default();
        for no in 0..50_000 {
            set(&mut recent, no, 10);
            set(&mut recent, 0, 10);
            assert!(recent.kept.len() <= KEPT && recent.bytes <= KEPT_BYTES);
        }
        assert!(recent.was_cut() && recent.get("key 49999").is_some() && recent.get("key 30000").is_none());
        let mut recent = Recent::default();
        for no in 1..2_000 {
            set(&mut recent, no, 64 * 1024);
            assert!(recent.bytes <= KEPT_BYTES, "{no}: {}", recent.bytes);
        }
        assert!(recent.was_cut() && recent.get("key 1999").is_some() && recent.get("key 1").is_none());
        // What is larger than all that there is room for is alone.
        set(&mut recent, 9_999, 20 * 1024 * 1024);
        assert_eq!(recent.entries().map(|(_, deed, _)| deed).collect::<Vec<_>>(), [Seq(9_999)]);
    }

    #[test]
    fn what_is_written_is_read_back_and_measured_anew() {
        let mut recent = Recent::default();
        for no in 0..100 {
            set(&mut recent, no, 100);
        }
        recent.change("key 7", String::clear);
        recent.remove("key 8");
        let text = serde_json::to_string(&recent).unwrap();
        assert!(text.starts_with(r#"{"key 0":[0,"xxx"#), "{text}");
        assert_eq!(serde_json::from_str::<Recent<String>>(&text).unwrap(), recent);
    }
}
