//! What must have been looked at before something goes out, RULES §10.6.

use crate::domain::map::Map;
use crate::domain::path::{EntityPath, FieldPath};

/// The fields that the map wants known where this is done about the subject, and that were not read. In the order of the
/// map, each once.
pub(in crate::domain) fn missing(
    map: &Map,
    (action, subject): (&str, Option<&EntityPath>),
    was_read: impl Fn(&FieldPath) -> bool,
) -> Vec<FieldPath> {
    let mut missing = Vec::new();
    for path in map.model().bases.iter().flat_map(|basis| basis.needed(action, subject)) {
        if !was_read(&path) && !missing.contains(&path) {
            missing.push(path);
        }
    }
    missing
}
