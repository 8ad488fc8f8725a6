//! Calls of tools: what rides on the write or the act that a call means, how it stands, and what servers offer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored;
use crate::domain::command::Write;
use crate::domain::ids::{ActNo, Actor, AgentId, ItemNo, MapVersion, Seq, WorkNo};
use crate::domain::key::key;
use crate::domain::map::Does;
use crate::domain::path::EntityPath;
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Which call it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallMark {
    /// The server behind the gateway, by its name in the map.
    pub server: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// What tells it from other calls: server, tool and arguments.
    pub digest: Arc<str>,
}

impl CallMark {
    /// `crm/update_contact`; the server alone, where it is about no tool.
    pub fn name(&self) -> String {
        if self.tool.is_empty() { self.server.to_string() } else { format!("{}/{}", self.server, self.tool) }
    }
}

/// A call that waits, or is allowed: what carries it is the write or the act that it means.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Whose call.
    pub agent: AgentId,
    /// Which.
    #[serde(flatten)]
    pub mark: CallMark,
    /// What the map says that it does; nothing where the map does not name the tool.
    pub does: Option<Does>,
    /// Its arguments as people see them, without what is withheld; only where a person decides.
    pub arguments: Option<Value>,
}

impl Call {
    /// Under which the board knows it: agent and digest.
    pub fn key(&self) -> Arc<str> {
        call_key(&self.agent, &self.mark.digest)
    }

    /// Without its arguments, for whoever may see no more than the write.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self { arguments: None, ..self.clone() }
    }
}

/// Under which the board knows a call.
pub fn call_key(agent: &AgentId, digest: &str) -> Arc<str> {
    key(&[agent.as_str(), digest])
}

/// The call of an act: approved, begun, or of an end that nobody knows.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCall {
    /// The call, without its arguments.
    pub call: Call,
    /// What it changes on the board once it is done.
    #[serde(default, with = "stored::write_option")]
    pub write: Option<Write>,
    /// Whose write that is, where its owner accepted it: the caller's own where nothing is said.
    pub writer: Option<AgentId>,
    /// The conversation in which it speaks.
    pub thread: Option<Arc<str>>,
    /// That somebody approved it, where somebody had to.
    pub approved: Option<CallApproval>,
    /// Since when it is under way, and by which gateway.
    pub begun: Option<CallBegun>,
    /// When it is over without a word: an approval lapses, the end of what has begun is unknown.
    pub until: Option<Time>,
    /// The item in which a person says how it ended.
    pub item: Option<ItemNo>,
}

/// An approval of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallApproval {
    /// Under which map.
    pub map: MapVersion,
    /// Until when it is good.
    pub until: Time,
}

/// That a call is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBegun {
    /// By which gateway.
    pub via: Arc<str>,
    /// Since when.
    pub at: Time,
    /// When its end is unknown.
    pub until: Time,
}

/// How a forwarded call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallHow {
    /// It was done.
    Done,
    /// The server behind said that it was not.
    Failed,
    /// Forwarding never began.
    Unsent,
    /// Forwarding began, and nobody knows how it ended.
    Unknown,
}

impl CallHow {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unsent => "unsent",
            Self::Unknown => "unknown",
        }
    }
}

/// The end of a call, as its deed keeps it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedCall {
    /// Which.
    #[serde(flatten)]
    pub mark: CallMark,
    /// How.
    pub how: CallHow,
    /// How long the server behind took, in milliseconds.
    pub ms: Option<u64>,
    /// The digest of its answer.
    pub answer: Option<Arc<str>>,
}

/// A call that was forwarded without an act: it read, or did nothing that the map names.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeCall {
    /// The call and its end.
    #[serde(flatten)]
    pub end: EndedCall,
    /// What the map says that it does.
    pub does: Option<Does>,
    /// What was read: nothing that was recorded later had been seen.
    pub head: Option<Seq>,
}

/// What an agent saw last of an entity through a server.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenThere {
    /// The last deed before it looked.
    pub head: Seq,
    /// By which tool.
    pub tool: Arc<str>,
    /// The digest of what came back.
    pub answer: Option<Arc<str>>,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallStage {
    /// Somebody has to let it go ahead.
    Pending,
    /// It may be forwarded once.
    Approved,
    /// It is being forwarded.
    Begun,
    /// It was done.
    Done,
    /// It was not done, as the server behind said.
    Failed,
    /// Forwarding began, and nobody knows how it ended.
    Unknown,
    /// It must not be done.
    Rejected,
    /// It was approved, and nobody forwarded it in time, or it does not hold any more.
    Expired,
}

impl CallStage {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// Whether it goes on by itself, so that waiting for more makes sense.
    pub fn goes_on(self) -> bool {
        match self {
            Self::Pending | Self::Begun => true,
            Self::Approved | Self::Done | Self::Failed | Self::Unknown | Self::Rejected | Self::Expired => {
                false
            }
        }
    }
}

/// A call as the board knows it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallState {
    /// Whose.
    pub agent: AgentId,
    /// Which.
    #[serde(flatten)]
    pub mark: CallMark,
    /// What the map says that it does.
    pub does: Option<Does>,
    /// What it is about.
    pub entity: Option<EntityPath>,
    /// Where it stands.
    pub stage: CallStage,
    /// The deed that says so.
    pub deed: Seq,
    /// Since when.
    pub at: Time,
    /// The item in which it waits, or waited.
    pub item: Option<ItemNo>,
    /// The proposal in its owner's stream.
    pub work: Option<WorkNo>,
    /// The act that it is.
    pub act: Option<ActNo>,
    /// Who decided.
    pub by: Option<Actor>,
    /// What was said with it.
    pub note: Option<Arc<str>>,
    /// How long it took, in milliseconds.
    pub ms: Option<u64>,
    /// Until when an approval is good; after it has ended, until when the very same call is answered with that end.
    pub until: Option<Time>,
}

/// One tool that a server offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferedTool {
    /// Its name.
    pub name: Arc<str>,
    /// What the server claims that it does; a claim decides nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// What a server behind a gateway offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolsSeen {
    /// Its name.
    pub server: Arc<str>,
    /// Its tools.
    pub tools: Vec<OfferedTool>,
}
