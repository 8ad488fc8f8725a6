//! What would move if what was recorded under a wrong clock did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::code::Code;
use crate::domain::things::Rebased;

/// What a re-basing would record.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockPreview {
    /// What would be recorded, where it would be done.
    pub rebased: Option<Rebased>,
    /// Why it would be refused.
    pub obstacle: Option<String>,
    /// The same as a code.
    pub code: Option<Code>,
}
