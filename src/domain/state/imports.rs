//! Which lines of other systems' histories are in, as ranges, so that importing twice adds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::deed::ImportMark;

/// Per history the line numbers taken, as inclusive ranges: start to end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imports(imbl::OrdMap<Arc<str>, Arc<BTreeMap<u64, u64>>>);

impl Imports {
    /// Whether the line is in.
    pub fn has(&self, source: &str, id: u64) -> bool {
        self.0
            .get(source)
            .and_then(|ranges| ranges.range(..=id).next_back())
            .is_some_and(|(_, end)| id <= *end)
    }

    /// Takes a line in, joining it to its neighbours.
    pub fn add(&mut self, mark: &ImportMark) {
        let ranges = Arc::make_mut(self.0.entry(Arc::clone(&mark.source)).or_default());
        let mut start = mark.id;
        let mut end = mark.id;
        if let Some((&left, &left_end)) = ranges.range(..=mark.id).next_back() {
            if mark.id <= left_end {
                return;
            }
            if left_end + 1 == mark.id {
                start = left;
            }
        }
        if let Some(right_end) = mark.id.checked_add(1).and_then(|next| ranges.remove(&next)) {
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
            imports.add(&ImportMark { source: Arc::clone(&source), id });
        }
        let have: Vec<u64> = (0..12).filter(|id| imports.has("s", *id)).collect();
        assert_eq!(have, [1, 2, 3, 4, 5, 9]);
        assert_eq!(imports.0.get("s").unwrap().len(), 2);
    }
}
