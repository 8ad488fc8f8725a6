//! Occurrences of events whose map names what tells them apart: what is known of one that was raised.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, AgentId, ItemNo, Seq, WorkNo};
use crate::domain::path::FieldPath;
use crate::domain::time::Time;

/// Which occurrence a deed is of. That it is there makes the deed what became of it, for as long as it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OccurrenceMark {
    /// The value that tells it apart, as text.
    pub key: Arc<str>,
    /// Until when it is known.
    pub until: Time,
}

/// What became of an occurrence.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Occurred {
    /// Who raised it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
    /// Whose it is; nobody's while a person decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AgentId>,
    /// The work that it became.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkNo>,
    /// The item in which it waited for a person.
    pub item: Option<ItemNo>,
    /// The field whose change raised it: to whom that is hidden, it did not occur.
    pub of: Option<FieldPath>,
}

/// Under whose name it counts among what is known. An agent and a person of one name are not the same.
pub fn counted_as(by: &Actor) -> Arc<str> {
    match by {
        Actor::Agent(id) => Arc::from(format!("agent:{id}")),
        Actor::Person(id) => Arc::from(format!("person:{id}")),
        Actor::Deeds => Arc::from("deeds"),
    }
}
