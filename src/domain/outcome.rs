//! How what was asked came out: the one word on every screen, in the filter and in every answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a deed came out. The word on every screen and in the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A change was made.
    Committed,
    /// A side effect outside may go ahead.
    Allowed,
    /// The change waits for its owner.
    Proposed,
    /// A named person decides.
    Escalated,
    /// Another agent goes first.
    Deferred,
    /// It was based on what is no longer so.
    Stale,
    /// A rule forbids it.
    Refused,
    /// It was tried outside and failed.
    Failed,
    /// An alert or an item came into being or counted up.
    Opened,
    /// A fact was recorded: a claim, an answer, a token, a map.
    Recorded,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Committed,
        Self::Allowed,
        Self::Proposed,
        Self::Escalated,
        Self::Deferred,
        Self::Stale,
        Self::Refused,
        Self::Failed,
        Self::Opened,
        Self::Recorded,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Allowed => "allowed",
            Self::Proposed => "proposed",
            Self::Escalated => "escalated",
            Self::Deferred => "deferred",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Opened => "opened",
            Self::Recorded => "recorded",
        }
    }

    /// Whether what was asked was not done.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Stale | Self::Refused | Self::Failed)
    }
}
