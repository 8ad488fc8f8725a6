//! One text made of several parts, by which things are told apart.

use std::sync::Arc;

/// Stands between the parts of a key; no character that names may have.
pub const SEPARATOR: char = '\u{1f}';

/// Parts of a key in one text.
pub fn key(parts: &[&str]) -> Arc<str> {
    Arc::from(parts.join(SEPARATOR.encode_utf8(&mut [0; 4])))
}
