//! Events as they are raised and claimed, RULES §6.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::value::Value;

/// Most attributes of one event.
pub const ATTRIBUTES: usize = 64;

/// Something happened that wakes an agent. Routed to exactly one.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raise {
    /// The event's name, such as `email.received`.
    pub event: Arc<str>,
    /// What routes are chosen by, and what the agent is told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Arc<str>, Value>,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// Why it is raised.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
}

/// An agent that listens on its own asks whether an event is its to handle.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The event's name.
    pub event: Arc<str>,
    /// Which occurrence: the same for everybody who hears of it, such as a message id.
    pub key: Arc<str>,
    /// What routes are chosen by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Arc<str>, Value>,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
}
