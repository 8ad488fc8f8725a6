//! What a ledger lost, once a person has said that it goes on without.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::Seq;

/// Deeds that were recorded and are gone. Others bear their numbers from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The first that is missing.
    pub first: Seq,
    /// The last that anybody has seen.
    pub last: Seq,
}
