//! The shapes of work that is taken, tasks, fan-outs, leases, outputs, conclusions and reviews as they travel. What an
//! agent may see of them is the server's to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::command::Take;
use crate::domain::ids::{AgentId, PersonId, QueueName, Seq, WorkNo};
use crate::domain::map::Schedule;
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::state::Stop;
use crate::domain::things::{
    Concluded, FanOutState, LastPublication, Lease, LeaseTarget, QueueReviews, Task, Work,
};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// Takes work, and waits for some to come.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBody {
    /// At most this many, oldest first; 1 by default.
    pub limit: Option<u32>,
    /// For how long it is out of sight; five minutes by default.
    pub visibility: Option<Span>,
    /// Only this item.
    pub work: Option<WorkNo>,
    /// How long to wait where nothing is there; not at all by default, a minute at most.
    pub wait: Option<Span>,
}

impl TakeBody {
    /// The command in it.
    pub fn take(&self) -> Take {
        Take { limit: self.limit.unwrap_or(1), visibility: self.visibility, work: self.work }
    }
}

impl From<&Take> for TakeBody {
    fn from(take: &Take) -> Self {
        Self { limit: Some(take.limit), visibility: take.visibility, work: take.work, wait: None }
    }
}

/// Work that was taken.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenWork {
    /// The items in full, with their attempts; none where nothing came or it was refused.
    pub works: Vec<Arc<Work>>,
    /// Until when they are the caller's.
    pub until: Option<Time>,
    /// What the rules say.
    pub reply: Reply,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
}

/// Tasks, the one that changed last first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskList {
    /// Under way.
    pub tasks: Vec<Arc<Task>>,
    /// Ended, as far as they are kept.
    pub ended: Vec<Arc<Task>>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// What of it is told in short (`item/12`), each long value and text by its beginning. `/v1/handoffs/…` tells it whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One task with all that it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskView {
    /// The task.
    pub task: Arc<Task>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
}

/// Fan-outs, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FanOutList {
    /// Under way.
    pub fan_outs: Vec<Arc<FanOutState>>,
    /// Joined, as far as they are kept.
    pub ended: Vec<Arc<FanOutState>>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// What of it is told in short (`item/12`), each long value and text by its beginning. `/v1/fan-outs/…` tells it whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A lease to be granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcquireBody {
    /// What is locked.
    pub target: LeaseTarget,
    /// For how long.
    pub ttl: Span,
}

/// For how long a lease runs on from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewBody {
    /// For how long.
    pub ttl: Span,
}

/// To whom a lease goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferBody {
    /// To whom.
    pub to: AgentId,
}

/// The live leases, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseList {
    /// The leases.
    pub leases: Vec<Arc<Lease>>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The outputs of the map, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputList {
    /// The outputs.
    pub outputs: Vec<OutputView>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One output.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputView {
    /// Its name.
    pub name: Arc<str>,
    /// Who publishes on it; where there is an order, in that order.
    pub publishers: Vec<AgentId>,
    /// Whether they take turns.
    pub in_turn: bool,
    /// Whether a person approves.
    pub needs_approval: bool,
    /// For how long a thread belongs to whoever published on it.
    pub thread_window: Option<Span>,
    /// The last publication of all; to agents where they publish there.
    pub last: Option<LastPublication>,
    /// The oldest of what waits for its agent's turn, in short; an agent sees its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Queued>,
    /// How many more wait.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub more: usize,
}

/// A publication that waits for its agent's turn.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    /// The deed that deferred it.
    pub deed: Seq,
    /// Who waits.
    pub agent: AgentId,
    /// On which thread.
    pub thread: Option<Arc<str>>,
    /// About what.
    pub subject: Option<EntityPath>,
    /// What would be published.
    pub body: Value,
    /// Since when.
    pub since: Time,
    /// When the turn passes at the latest, and it goes out.
    pub until: Time,
}

/// What was concluded, by subject and question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConclusionList {
    /// The questions with their answers.
    pub conclusions: Vec<ConclusionView>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One question with everybody's last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConclusionView {
    /// The entity it is about.
    pub subject: EntityPath,
    /// The question.
    pub question: Arc<str>,
    /// The answers, oldest first.
    pub answers: Vec<Concluded>,
}

/// The queues and their reviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewList {
    /// By queue, as the map has them.
    pub reviews: Vec<ReviewView>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One queue and its reviews.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewView {
    /// Which queue.
    pub queue: QueueName,
    /// Who answers for it.
    pub owner: PersonId,
    /// Who answers when the owner is away.
    pub deputies: Vec<PersonId>,
    /// Those of them who are away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub away: BTreeMap<PersonId, Stop>,
    /// When it is reviewed.
    pub schedule: Option<Schedule>,
    /// Items that wait in it now.
    pub waiting: usize,
    /// What is known of its reviews.
    #[serde(flatten)]
    pub reviews: QueueReviews,
}
