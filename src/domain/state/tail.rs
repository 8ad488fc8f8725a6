//! The last of what ended: up to a bound in number and one in bytes, beyond which the oldest go.

use std::ops::Deref;

use imbl::Vector;
use serde::{Deserialize, Serialize};

use crate::domain::things::weight;

/// Most bytes of one, as JSON: as many as of what is remembered by number.
pub const TAIL_BYTES: u64 = 16 * 1024 * 1024;

/// The last `MOST` of something, oldest first. Read like a list. The last one is kept, however large it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "Vector<T>",
    into = "Vector<T>",
    bound(serialize = "T: Serialize + Clone", deserialize = "T: Serialize + Deserialize<'de> + Clone")
)]
pub struct Tail<T: Clone, const MOST: usize> {
    kept: Vector<T>,
    /// How large all of it is; what is read back is measured anew.
    bytes: u64,
}

impl<T: Clone, const MOST: usize> Default for Tail<T, MOST> {
    fn default() -> Self {
        Self { kept: Vector::new(), bytes: 0 }
    }
}

impl<T: Clone, const MOST: usize> Deref for Tail<T, MOST> {
    type Target = Vector<T>;

    fn deref(&self) -> &Vector<T> {
        &self.kept
    }
}

impl<'a, T: Clone, const MOST: usize> IntoIterator for &'a Tail<T, MOST> {
    type Item = &'a T;
    type IntoIter = <&'a Vector<T> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.kept.iter()
    }
}

impl<T: Clone, const MOST: usize> From<Tail<T, MOST>> for Vector<T> {
    fn from(tail: Tail<T, MOST>) -> Self {
        tail.kept
    }
}

impl<T: Clone + Serialize, const MOST: usize> From<Vector<T>> for Tail<T, MOST> {
    fn from(kept: Vector<T>) -> Self {
        let mut tail = Self { kept, bytes: 0 };
        tail.measure();
        tail
    }
}

impl<T: Clone + Serialize, const MOST: usize> FromIterator<T> for Tail<T, MOST> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Vector::from_iter(all).into()
    }
}

impl<T: Clone + Serialize, const MOST: usize> Tail<T, MOST> {
    /// Puts the newest one behind the others; the oldest go where there is no room any more.
    pub fn push_back(&mut self, one: T) {
        self.push_all([one]);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The same with several, which are looked at together when all of them are there.
    pub(super) fn push_all(&mut self, more: impl IntoIterator<Item = T>) {
        for one in more {
            self.bytes += weight(&one);
            self.kept.push_back(one);
        }
        while self.kept.len() > MOST || (self.bytes > TAIL_BYTES && self.kept.len() > 1) {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(weight(&oldest));
        }
    }

    /// Keeps those of which it is so.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let mut gone = 0;
        self.kept.retain(|one| {
            let stays = keep(one);
            gone += if stays { 0 } else { weight(one) };
            stays
        });
        self.bytes = self.bytes.saturating_sub(gone);
    }

    /// Puts another in the place of the last of which it is so.
    pub(super) fn replace(&mut self, other: T, is: impl Fn(&T) -> bool) {
        let Some(at) = self.kept.iter().rposition(is) else { return };
        self.bytes += weight(&other);
        let before = self.kept.set(at, other);
        self.bytes = self.bytes.saturating_sub(weight(&before));
    }

    /// Changes each.
    pub(super) fn change_all(&mut self, change: impl FnMut(&mut T)) {
        self.kept.iter_mut().for_each(change);
        self.measure();
    }

    fn measure(&mut self) {
        self.bytes = self.kept.iter().map(weight).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Last = Tail<String, 4>;

    fn measured(tail: &Last) -> bool {
        tail.bytes == tail.iter().map(weight).sum::<u64>()
    }

    #[test]
    fn the_oldest_go_by_number_and_by_size() {
        let mut tail = Last::default();
        for no in 0..9 {
            tail.push_back(no.to_string());
        }
        assert!(tail.iter().eq(["5", "6", "7", "8"]) && measured(&tail));
        let large = "x".repeat(6 * 1024 * 1024);
        for no in 0..3 {
            tail.push_back(format!("{no}{large}"));
        }
        assert_eq!(tail.iter().map(|one| &one[..1]).collect::<Vec<_>>(), ["1", "2"]);
        assert!(measured(&tail) && tail.bytes <= TAIL_BYTES);
        tail.push_back(large.repeat(3));
        assert!(
            tail.len() == 1 && tail.bytes > TAIL_BYTES,
            "what is larger than all there is room for is alone"
        );
        tail.push_back("y".to_owned());
        assert!(tail.iter().eq(["y"]));
    }

    #[test]
    fn what_changes_is_measured_and_what_is_read_back_is_the_same() {
        let mut tail: Last = ["one", "two", "three"].map(str::to_owned).into_iter().collect();
        tail.retain(|one| one != "two");
        tail.replace("four".repeat(9), |one| one.starts_with('t'));
        assert!(tail.iter().eq(["one", &"four".repeat(9)]) && measured(&tail));
        tail.change_all(|one| one.push('!'));
        assert!(measured(&tail));
        let text = serde_json::to_string(&tail).unwrap();
        assert!(text.starts_with(r#"["one!","#), "{text}");
        assert_eq!(serde_json::from_str::<Last>(&text).unwrap(), tail);
    }
}
