//! What an entity is an instance of: its path with `*` where a name stands for one of many.

use crate::domain::path::{EntityPath, FieldName};

/// The shape of one field: `issue/*#status`, or `issue/*` for the whole-entity field.
///
/// The last segment is an instance where there are several, and so is every later one that looks like an id. The first
/// is always kept: it says what kind of thing this is.
pub(crate) fn shape_of(entity: &EntityPath, field: &FieldName) -> String {
    let segments: Vec<&str> = entity.segments().collect();
    let last = segments.len() - 1;
    let mut shape = String::with_capacity(entity.as_str().len() + field.as_str().len());
    for (at, segment) in segments.into_iter().enumerate() {
        if at > 0 {
            shape.push('/');
        }
        let is_instance = at > 0 && (at == last || looks_like_id(segment));
        shape.push_str(if is_instance { "*" } else { segment });
    }
    if !field.is_whole() {
        shape.push('#');
        shape.push_str(field.as_str());
    }
    shape
}

/// Does a segment look like the number or key of one thing rather than like the name of a kind? `4711`, `inv-7`,
/// `2026-09-01`, a UUID, a hash: a run of digits beside nothing but short letters, or a long text with digits in it.
pub(crate) fn looks_like_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return false;
    }
    let letters = segment.chars().filter(|c| c.is_alphabetic()).count();
    letters == 0
        || (digits >= 2 && digits >= letters)
        || has_number_of_its_own(segment)
        || (segment.len() >= 16 && digits >= 4)
}

/// A number between separators: `inv-7`, `bd_019`, but not `v2`.
fn has_number_of_its_own(segment: &str) -> bool {
    let mut parts = segment.split(['-', '_', '.', ':']);
    parts.clone().nth(1).is_some()
        && parts.any(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_become_stars_and_kinds_stay() {
        let cases = [
            ("issue/bd-019", "status", "issue/*#status"),
            ("crm/contact/acme", "", "crm/contact/*"),
            ("readme", "text", "readme#text"),
            ("2026", "", "2026"),
            ("billing/2026-09/inv-7/lines/3", "sum", "billing/*/*/lines/*#sum"),
            ("api/v2/users/u1", "name", "api/v2/users/*#name"),
        ];
        for (entity, field, expected) in cases {
            assert_eq!(shape_of(&entity.parse().unwrap(), &field.parse().unwrap()), expected);
        }
    }

    #[test]
    fn ids_are_told_from_names() {
        for id in ["7", "inv-7", "2026-09-01", "a1b2c3", "bd-019", "9f86d081-884c-4d63-a0c4-5d5f2e7a1b22"] {
            assert!(looks_like_id(id), "{id}");
        }
        for name in ["contact", "v2", "utf8-text", "src", "über", "level2support"] {
            assert!(!looks_like_id(name), "{name}");
        }
    }
}
