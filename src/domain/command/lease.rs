//! Bounded-time locks, RULES §9.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{AgentId, Fence};
use crate::domain::things::LeaseTarget;
use crate::domain::time::Span;

/// The longest that a lease may run without being renewed.
pub const LONGEST_LEASE: Span = Span::from_hours(24);

/// Something an agent does with a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
