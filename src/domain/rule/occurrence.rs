//! What tells one occurrence of an event from another, where the map says so: RULES §6.5.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::map::Map;
use crate::domain::time::Span;
use crate::domain::value::Value;

/// Longest value that an occurrence is known by, in bytes: the same as of the key of a claim.
const KEY_BYTES: usize = 256;

/// For how long an occurrence is known.
pub const KNOWN: Span = Span::from_days(7);

/// Why it can't be told which occurrence it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untold<'a> {
    /// It lacks this attribute, or has nothing in it.
    Missing(&'a str),
    /// What this attribute has is too long.
    TooLong(&'a str),
}

/// The attribute that tells occurrences of the event apart; none where the map says nothing.
pub fn attribute<'a>(map: &'a Map, event: &str) -> Option<&'a str> {
    map.event(event)?.key.as_deref()
}

/// Which occurrence it is, as text; none where the map says nothing of it.
///
/// # Errors
/// What is wrong with the attribute.
pub fn key<'a>(
    map: &'a Map,
    event: &str,
    attributes: &BTreeMap<Arc<str>, Value>,
) -> Result<Option<Arc<str>>, Untold<'a>> {
    let Some(name) = attribute(map, event) else { return Ok(None) };
    let told = attributes.get(name).filter(|value| !value.is_null()).map(Value::plain);
    match told.filter(|told| !told.trim().is_empty()) {
        None => Err(Untold::Missing(name)),
        Some(told) if told.len() > KEY_BYTES => Err(Untold::TooLong(name)),
        Some(told) => Ok(Some(Arc::from(told))),
    }
}
