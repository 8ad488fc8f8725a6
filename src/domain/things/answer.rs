//! The answers that end an inbox item.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::AgentId;
use crate::domain::map::Grant;
use crate::domain::path::Pattern;
use crate::domain::value::{Value, some};

/// The answers that end an item, RULES §12.4.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ItemAnswer {
    /// An agent's zone grows.
    Expand {
        /// Whose.
        agent: AgentId,
        /// By what.
        grant: Grant,
        /// Why.
        note: Option<Arc<str>>,
    },
    /// What another agent owns goes over to this one; admins only.
    Transfer {
        /// What.
        pattern: Pattern,
        /// From whom.
        from: AgentId,
        /// To whom.
        to: AgentId,
        /// Why.
        note: Option<Arc<str>>,
    },
    /// The person handles this case; the scope stays.
    Handle {
        /// How.
        note: Arc<str>,
        /// What the waiting agent is told.
        #[serde(default, deserialize_with = "some")]
        reply: Option<Value>,
        /// Who is given this one event, where the case is an event that nobody or more than one answers.
        to: Option<AgentId>,
    },
    /// Which side of a contradiction is right. For those alone.
    Ruling {
        /// The side: the name of whoever said so, or the field that does.
        right: Option<Arc<str>>,
        /// What is right where no side is.
        #[serde(default, deserialize_with = "some")]
        value: Option<Value>,
        /// Why.
        note: Option<Arc<str>>,
    },
    /// Classified as none of the team's business.
    OutOfScope {
        /// Why.
        reason: Arc<str>,
        /// Whether this very input is closed on arrival from now on.
        #[serde(default)]
        rule: bool,
    },
    /// A task that leads nowhere is offered again. Stuck tasks only.
    SendOn {
        /// To whom; where nobody is named, to whom it was handed last.
        to: Option<AgentId>,
        /// How many attempts there are from now on; where nothing is said as many as there were, and one more where none is left.
        max_attempts: Option<u32>,
        /// A word of the person, which goes along as feedback.
        note: Option<Arc<str>>,
    },
    /// The publication goes out as it is. Approvals only, like the two below.
    Approve {
        /// A word to the agent.
        note: Option<Arc<str>>,
    },
    /// It goes out with another body.
    ApproveEdited {
        /// What goes out.
        body: Value,
        /// A word to the agent.
        note: Option<Arc<str>>,
    },
    /// It does not go out.
    Reject {
        /// Why.
        note: Arc<str>,
    },
}

impl ItemAnswer {
    /// The word of the answer.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Expand { .. } => "expand",
            Self::Transfer { .. } => "transfer",
            Self::Handle { .. } => "handle",
            Self::Ruling { .. } => "ruling",
            Self::OutOfScope { .. } => "out of scope",
            Self::SendOn { .. } => "send on",
            Self::Approve { .. } => "approve",
            Self::ApproveEdited { .. } => "approve edited",
            Self::Reject { .. } => "reject",
        }
    }

    /// Whether it is about the scope: then it settles whatever that scope settles. Any other is about one input.
    pub fn is_of_scope(&self) -> bool {
        match self {
            Self::Expand { .. } | Self::Transfer { .. } => true,
            Self::Handle { .. }
            | Self::Ruling { .. }
            | Self::OutOfScope { .. }
            | Self::SendOn { .. }
            | Self::Approve { .. }
            | Self::ApproveEdited { .. }
            | Self::Reject { .. } => false,
        }
    }

    /// What it changes in the map, as a difference is written: `+ intake.writes crm/contact/*#score`.
    pub fn on_the_map(&self) -> Vec<String> {
        match self {
            Self::Expand { agent, grant, .. } => vec![format!("+ {agent}.{grant}")],
            Self::Transfer { pattern, from, to, .. } => {
                vec![format!("- {from}.writes {pattern}"), format!("+ {to}.writes {pattern}")]
            }
            Self::Handle { .. }
            | Self::Ruling { .. }
            | Self::OutOfScope { .. }
            | Self::SendOn { .. }
            | Self::Approve { .. }
            | Self::ApproveEdited { .. }
            | Self::Reject { .. } => Vec::new(),
        }
    }

    /// The note that goes with it.
    pub fn note(&self) -> Option<&Arc<str>> {
        match self {
            Self::Expand { note, .. }
            | Self::Transfer { note, .. }
            | Self::SendOn { note, .. }
            | Self::Ruling { note, .. }
            | Self::Approve { note }
            | Self::ApproveEdited { note, .. } => note.as_ref(),
            Self::Handle { note, .. } | Self::Reject { note } => Some(note),
            Self::OutOfScope { reason, .. } => Some(reason),
        }
    }
}

/// Which answer, as those given are counted: a transfer grows a zone as an expansion does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likely {
    /// By hand.
    Handle,
    /// None of the team's business.
    OutOfScope,
    /// Which side is right.
    Ruling,
    /// The task is offered again.
    SendOn,
    /// A zone grows.
    Expand,
    /// It does not go out.
    Reject,
    /// It goes out with another body.
    ApproveEdited,
    /// It goes out.
    Approve,
}

impl Likely {
    /// All, what leaves more as it is first.
    pub const ALL: [Self; 8] = [
        Self::Handle,
        Self::OutOfScope,
        Self::Ruling,
        Self::SendOn,
        Self::Expand,
        Self::Reject,
        Self::ApproveEdited,
        Self::Approve,
    ];

    /// Which one an answer is.
    pub fn of(answer: &ItemAnswer) -> Self {
        match answer {
            ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. } => Self::Expand,
            ItemAnswer::Handle { .. } => Self::Handle,
            ItemAnswer::Ruling { .. } => Self::Ruling,
            ItemAnswer::OutOfScope { .. } => Self::OutOfScope,
            ItemAnswer::SendOn { .. } => Self::SendOn,
            ItemAnswer::Approve { .. } => Self::Approve,
            ItemAnswer::ApproveEdited { .. } => Self::ApproveEdited,
            ItemAnswer::Reject { .. } => Self::Reject,
        }
    }

    /// In words, as an answer: `out of scope`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::OutOfScope => "out of scope",
            Self::Ruling => "ruling",
            Self::SendOn => "send on",
            Self::Expand => "expand",
            Self::Reject => "reject",
            Self::ApproveEdited => "approve with edits",
            Self::Approve => "approve",
        }
    }
}
