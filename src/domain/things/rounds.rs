//! Two agents that wake each other about one entity.

use serde::{Deserialize, Serialize};

use crate::domain::ids::AgentId;
use crate::domain::time::Time;

/// How often two agents may wake each other about one entity while nothing changes, where the map says nothing.
pub const WAKE_UPS: u32 = 8;

/// How often two agents have woken each other about an entity since something of it changed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounds {
    /// Who woke whom last.
    pub last: (AgentId, AgentId),
    /// How often.
    pub count: u32,
    /// When last.
    pub at: Time,
}

impl Rounds {
    /// Whether these two are the ones.
    pub fn are_of(&self, one: &AgentId, other: &AgentId) -> bool {
        let (by, to) = &self.last;
        (by == one && to == other) || (by == other && to == one)
    }
}
