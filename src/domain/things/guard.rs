//! What a guard tells: a hook that asks the map before an agent changes or looks at a file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::AgentId;
use crate::domain::path::EntityPath;

/// What an agent was about to do that is not its own to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardReport {
    /// Which agent, as the guard was told; it need not be in the map.
    pub agent: AgentId,
    /// Which guard: `claude-code`, `git`.
    pub by: Arc<str>,
    /// The entities that it was about.
    pub paths: Vec<EntityPath>,
    /// How many more there were, which are not named.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_none(more: &u32) -> bool {
    *more == 0
}
