//! Work that is taken, handed over and fanned out, RULES §7 and RULES §8.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{AgentId, Fence, Seq, TaskId, WorkNo};
use crate::domain::map::OnExhausted;
use crate::domain::path::EntityPath;
use crate::domain::things::WorkProduct;
use crate::domain::time::Span;
use crate::domain::value::{Value, some};

/// Most work items that are taken at once.
pub const TAKEN_AT_ONCE: u32 = 64;
/// For how long taken work is out of sight where the taker says nothing.
pub const VISIBILITY: Span = Span::from_mins(5);
/// The longest that taken work may be out of sight.
pub const LONGEST_VISIBILITY: Span = Span::from_hours(12);
/// Most branches of one fan-out.
pub const BRANCHES: usize = 64;
/// For how long a fan-out may run at most.
pub const LONGEST_FAN_OUT: Span = Span::from_days(30);

/// Takes what waits in the caller's stream: nobody else of the same name sees it until the time is over.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// At most this many, oldest first; 1 by default.
    #[serde(default = "one")]
    pub limit: u32,
    /// For how long; five minutes by default.
    pub visibility: Option<Span>,
    /// Only this item.
    pub work: Option<WorkNo>,
}

/// Something an agent does with an item of its work stream.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkStep {
    /// The work item.
    pub work: WorkNo,
    /// What.
    pub step: WorkVerb,
    /// Feedback of a declined proposal or a returned handoff, the reason of a failure, or a note.
    pub note: Option<Arc<str>>,
    /// What came of it, where it is completed.
    #[serde(default, deserialize_with = "some")]
    pub result: Option<Value>,
    /// The fencing token of the lease that the owner holds on what an accepted proposal changes.
    pub lease: Option<Fence>,
    /// Which attempt it is about: `attempts` of the work as it was taken.
    pub attempt: Option<u32>,
}

/// What can be done with a work item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkVerb {
    /// Done with it.
    Complete,
    /// Make the proposed change as the owner's own write; take over the task of a handoff.
    Accept,
    /// Do not make the proposed change; `note` says why.
    Decline,
    /// It was tried and failed; `note` says how. Tried again while attempts are left.
    Fail,
    /// Given back: taken work waits again; a handoff goes back to its giver with `note` as feedback.
    Return,
}

impl WorkVerb {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Complete, Self::Accept, Self::Decline, Self::Fail, Self::Return];

    /// The word, on every surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Fail => "fail",
            Self::Return => "return",
        }
    }
}

/// Hands a task over, RULES §8.1. What is missing is a refusal that names the keys, hence the options.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handoff {
    /// To whom. Required.
    pub to: Option<AgentId>,
    /// Which task; made known by its first handoff. Required.
    pub task: Option<TaskId>,
    /// What was done so far. Required.
    pub work_product: Option<WorkProduct>,
    /// What the receiver must know. Required.
    #[serde(default, deserialize_with = "some")]
    pub context: Option<Value>,
    /// What the receiver must keep to; an empty list is an answer. Required.
    #[serde(default, deserialize_with = "some")]
    pub constraints: Option<Value>,
    /// Which attempt this is, from 1. Required.
    pub attempt: Option<u32>,
    /// How many attempts there are; 3 where nobody says.
    pub max_attempts: Option<u32>,
    /// What happens when none is left: a person decides, or it ends as failed. As it was said before, or as the map says, where
    /// nothing is said.
    pub on_exhausted: Option<OnExhausted>,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
}

/// Independent pieces of work at once, joined with failures as values.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FanOut {
    /// The pieces.
    pub branches: Vec<BranchOrder>,
    /// After how long it is joined, whatever is missing.
    pub deadline: Span,
    /// How many branches must succeed; all where nobody says.
    pub needed: Option<u32>,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
}

/// One piece of a fan-out.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchOrder {
    /// Who does it.
    pub to: AgentId,
    /// What it is.
    pub input: Value,
    /// How often it is tried; 3 where nobody says.
    pub max_attempts: Option<u32>,
}

fn one() -> u32 {
    1
}
