//! How the keys that people sign with travel.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{PersonId, Seq};
use crate::domain::signature::SignKey;
use crate::domain::things::KnownKey;
use crate::domain::time::Time;

/// The keys that people sign with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyList {
    /// By person, oldest first.
    pub keys: Vec<KeyView>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// Whose.
    pub person: PersonId,
    /// The public key, as a `.pub` file has it.
    pub key: SignKey,
    /// What people know it by: `SHA256:…`.
    pub fingerprint: Arc<str>,
    /// Whether it is in hardware that is to be touched.
    pub touched: bool,
    /// The deed from which on it counts; where it waits, that it was named with.
    pub since: Seq,
    /// When that was.
    pub at: Time,
    /// It waits until another admin confirms it.
    pub offered: bool,
    /// When it was revoked: what it signed before holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
}

impl KeyView {
    /// A key as it is shown.
    pub fn of(person: &PersonId, known: &KnownKey) -> Self {
        Self {
            person: person.clone(),
            key: known.key.clone(),
            fingerprint: known.key.fingerprint(),
            touched: known.key.is_touched(),
            since: known.since,
            at: known.at,
            offered: known.offered,
            ended: known.ended,
        }
    }
}
