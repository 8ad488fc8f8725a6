//! What people send about who decides and when: an item that is taken over or left for later, sessions, who is away and
//! who is back.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::PersonId;
use crate::domain::things::Until;

/// Why an item is taken over, or left for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// Why.
    pub reason: Arc<str>,
}

/// What goes with the beginning or the end of a session.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionBody {
    /// What is worth keeping of it.
    pub note: Option<Arc<str>>,
    /// Why what waits still is left for later; where nothing is said, it is not gone through.
    pub leave: Option<Arc<str>>,
}

/// Who is away.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwayBody {
    /// Who; whoever asks, where nothing is said.
    pub person: Option<PersonId>,
    /// Until when: a time, a day, or a length of time from now on; until they are back, where nothing is said.
    pub until: Option<Until>,
    /// What others should know of it.
    pub note: Option<Arc<str>>,
}

/// Who is back.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackBody {
    /// Who; whoever asks, where nothing is said.
    pub person: Option<PersonId>,
    /// What others should know of it.
    pub note: Option<Arc<str>>,
}
