//! Values as people type them.

use super::status::Usage;
use crate::domain::value::Value;

/// JSON where it is JSON, a text otherwise.
pub(super) fn parse(text: &str) -> anyhow::Result<Value> {
    let json = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text));
    Value::new(&json).map_err(|error| Usage::error(error.to_string()))
}
