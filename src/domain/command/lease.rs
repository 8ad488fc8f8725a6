//! Bounded-time locks, 2-domain §3.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{AgentId, Fence, TaskId},
    path::FieldPath,
    time::Span,
};

/// The longest that a lease may run without being renewed.
pub const LONGEST_LEASE: Span = Span::from_hours(24);

/// Something an agent does with a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum LeaseStep {
    /// Lock it, as its owner.
    Acquire {
        /// What.
        target: LeaseTarget,
        /// For how long.
        ttl: Span,
    },
    /// Hold it longer, from now on. The token stays.
    Renew {
        /// Which.
        lease: Fence,
        /// For how long.
        ttl: Span,
    },
    /// Give it back.
    Release {
        /// Which.
        lease: Fence,
    },
    /// Give it to another agent, under a new token, for the time that is left.
    Transfer {
        /// Which.
        lease: Fence,
        /// To whom.
        to: AgentId,
    },
}

/// What a lease locks: `{"path": "crm/contact/acme#status"}` or `{"task": "draft-7"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
