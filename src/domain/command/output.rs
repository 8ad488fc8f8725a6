//! What agents publish and conclude, RULES §10.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Seq, Version};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::value::Value;

/// A publication on an output.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The destination.
    pub output: Arc<str>,
    /// The conversation in it, such as a mail thread; two agents in one thread collide.
    pub thread: Option<Arc<str>>,
    /// What is published.
    pub body: Value,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// The caller's word for it, which defer rules know; `publish` by default.
    pub action: Option<Arc<str>>,
    /// What it was based on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<FieldPath, Version>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
}

impl Publish {
    /// The word for it in lists and for defer rules.
    pub fn word(&self) -> &str {
        self.action.as_deref().unwrap_or("publish")
    }
}

/// What an agent found out. Two agents that differ are a contradiction.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conclude {
    /// The entity it is about.
    pub subject: EntityPath,
    /// The question, such as `is the invoice paid`.
    pub question: Arc<str>,
    /// The answer.
    pub answer: Value,
    /// What it was based on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<FieldPath, Version>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
}
