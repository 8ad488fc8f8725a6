//! Which events of other systems' histories are in, so that importing twice adds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::command::Import;
use crate::domain::deed::ImportMark;
use crate::domain::ids::EventDigest;

/// Events known by what they say; and of histories whose events are known by their numbers, those as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imports {
    pub(super) events: imbl::OrdSet<EventDigest>,
    /// By history: start to end, inclusive.
    pub(super) numbers: imbl::OrdMap<Arc<str>, Arc<BTreeMap<u64, u64>>>,
}

impl Imports {
    /// Whether the line is in.
    pub fn has(&self, line: &Import) -> bool {
        let by_what_it_says = line.digest.is_some_and(|digest| self.events.contains(&digest));
        by_what_it_says || line.event.is_none() && self.has_number(&line.source, line.id)
    }

    fn has_number(&self, source: &str, id: u64) -> bool {
        self.numbers
            .get(source)
            .and_then(|ranges| ranges.range(..=id).next_back())
            .is_some_and(|(_, end)| id <= *end)
    }

    /// Takes a line in.
    pub fn add(&mut self, mark: &ImportMark) {
        match mark.digest {
            Some(digest) => {
                self.events.insert(digest);
            }
            None => self.add_number(&mark.source, mark.id),
        }
    }

    /// Joins the number to its neighbours.
    fn add_number(&mut self, source: &Arc<str>, id: u64) {
        let ranges = Arc::make_mut(self.numbers.entry(Arc::clone(source)).or_default());
        let mut start = id;
        let mut end = id;
        if let Some((&left, &left_end)) = ranges.range(..=id).next_back() {
            if id <= left_end {
                return;
            }
            if left_end + 1 == id {
                start = left;
            }
        }
        if let Some(right_end) = id.checked_add(1).and_then(|next| ranges.remove(&next)) {
            end = right_end;
        }
        ranges.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_answer() {
        let mut imports = Imports::default();
        let source: Arc<str> = Arc::from("s");
        for id in [1, 2, 5, 4, 9, 3] {
            imports.add_number(&source, id);
        }
        let have: Vec<u64> = (0..12).filter(|id| imports.has_number("s", *id)).collect();
        assert_eq!(have, [1, 2, 3, 4, 5, 9]);
        assert_eq!(imports.numbers.get("s").unwrap().len(), 2);
    }
}
