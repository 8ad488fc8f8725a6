//! Leases that are held, and what else agents hold open on an entity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ActNo, AgentId, Fence, Seq, TaskId, WorkNo};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::time::Time;

/// A bounded-time lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// Its number and fencing token.
    pub fence: Fence,
    /// Who holds it.
    pub holder: AgentId,
    /// What it locks.
    pub target: LeaseTarget,
    /// Since when.
    pub since: Time,
    /// Until when, on the clock that deeds are recorded with.
    pub until: Time,
    /// The deed that granted it.
    pub deed: Seq,
}

impl Lease {
    /// Whether it is held at `now`. A lapse needs no timer to be true.
    pub fn is_live(&self, now: Time) -> bool {
        now < self.until
    }

    /// Whether it locks this field: the field itself, or its entity as a whole.
    pub fn covers(&self, entity: &EntityPath, field: &FieldName) -> bool {
        match &self.target {
            LeaseTarget::Path(path) => {
                path.entity == *entity && (path.field.is_whole() || path.field == *field || field.is_whole())
            }
            LeaseTarget::Task(_) => false,
        }
    }
}

/// Something that an agent holds open on an entity. The board lists them by entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// A work item about it.
    Work(WorkNo),
    /// An act on it, or based on it.
    Act(ActNo),
    /// A lease on it.
    Lease(Fence),
    /// An act that waits until the way is free; the deed that deferred it.
    Waiting(Seq),
}

impl Hold {
    /// The lease, where it is one.
    pub fn lease(self) -> Option<Fence> {
        match self {
            Self::Lease(fence) => Some(fence),
            Self::Work(_) | Self::Act(_) | Self::Waiting(_) => None,
        }
    }
}

/// What a lease locks: `{"path": "crm/contact/acme#status"}` or `{"task": "draft-7"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LeaseTarget {
    /// A field; without `#` the entity with all its fields.
    Path(FieldPath),
    /// A task.
    Task(TaskId),
}

impl std::fmt::Display for LeaseTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{path}"),
            Self::Task(task) => write!(f, "task {task}"),
        }
    }
}
