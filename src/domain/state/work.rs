//! Agents' work streams and open acts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{
    command::Write,
    deed::Outcome,
    ids::{ActNo, Actor, AgentId, ItemNo, Seq, WorkNo},
    path::EntityPath,
    time::Time,
    value::{Value, some},
};

/// Something in an agent's work stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Its number.
    pub no: WorkNo,
    /// Whose stream.
    pub agent: AgentId,
    /// What.
    pub kind: WorkKind,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// It in one line.
    pub title: Arc<str>,
    /// When it came.
    pub at: Time,
    /// The deed that put it here.
    pub deed: Seq,
}

/// What a work item asks or tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WorkKind {
    /// A change that its author does not own: accept or decline.
    Proposal {
        /// Who wants it.
        from: Actor,
        /// The change, on the versions it started from.
        write: Write,
        /// The deed that proposed it.
        proposed: Seq,
    },
    /// A person's answer to what this agent raised.
    Decision {
        /// The item.
        item: ItemNo,
        /// The word of the answer.
        answer: Arc<str>,
        /// The person's note.
        note: Option<Arc<str>>,
        /// A reply for the agent to use.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
        reply: Option<Value>,
        /// How the stored input came out when it was decided afresh.
        result: Option<WorkResult>,
    },
    /// Something the agent should know.
    Notice {
        /// In words.
        text: Arc<str>,
    },
}

/// How something came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkResult {
    /// The word.
    pub outcome: Outcome,
    /// The deed that records it.
    pub deed: Seq,
}

impl WorkKind {
    /// The word on every screen.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proposal { .. } => "proposal",
            Self::Decision { .. } => "decision",
            Self::Notice { .. } => "notice",
        }
    }
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
    /// When it was allowed.
    pub at: Time,
    /// The deed that allowed it.
    pub deed: Seq,
}
