//! Side effects outside: as their deeds keep them, open, and waiting for a free way.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::call::OpenCall;
use super::output::Conversation;
use super::stored;
use crate::domain::command::Act;
use crate::domain::ids::{ActNo, AgentId, Seq};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::time::Time;

/// An act as its deed keeps it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActOrder {
    /// Where it goes.
    pub target: Arc<str>,
    /// What an allowed act was based on: who changes it tells the agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub based_on: Vec<FieldPath>,
    /// What it goes out on, where its target is an output: the agent of an allowed act speaks there.
    pub conversation: Option<Conversation>,
    /// The act as asked, where it waits to be woken.
    pub waits: Option<Box<WaitingAct>>,
    /// The call of a tool that it is.
    pub call: Option<Box<OpenCall>>,
}

/// A side effect that may go ahead and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAct {
    /// Its number.
    pub no: ActNo,
    /// Who does it.
    pub agent: AgentId,
    /// The entity it is about.
    pub subject: EntityPath,
    /// Where it goes.
    pub target: Arc<str>,
    /// The caller's word for it.
    pub action: Arc<str>,
    /// What it was based on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub based_on: Vec<FieldPath>,
    /// When it was allowed.
    pub at: Time,
    /// The deed that allowed it.
    pub deed: Seq,
    /// When it is over without a word of its agent; never, where older programs allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The call of a tool that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<OpenCall>>,
}

/// A deferred act that waits until the way is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingAct {
    /// Who waits.
    pub agent: AgentId,
    /// The act as asked.
    #[serde(with = "stored::Act")]
    pub act: Act,
    /// When the way is free at the latest, as far as is known.
    pub until: Option<Time>,
    /// The fields on which it depends whether the way is free.
    pub watches: Vec<FieldPath>,
}

impl WaitingAct {
    /// The entities on which a change may free the way.
    pub fn entities(&self) -> impl Iterator<Item = &EntityPath> {
        std::iter::once(&self.act.subject).chain(self.watches.iter().map(|path| &path.entity))
    }
}
