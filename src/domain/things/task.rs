//! Tasks that are handed from agent to agent, and fan-outs, RULES §8.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::ids::{Actor, AgentId, FanOutNo, ItemNo, Seq, TaskId, WorkNo};
use crate::domain::map::OnExhausted;
use crate::domain::path::EntityPath;
use crate::domain::time::Time;
use crate::domain::value::{Value, some};

/// Ended tasks and fan-outs that are kept for looking back.
pub const ENDED: usize = 64;

/// A task and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// Its one current owner.
    pub owner: AgentId,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// Where it is.
    pub stage: TaskStage,
    /// The attempt that is under way, from 1.
    pub attempt: u32,
    /// How many there are.
    pub max_attempts: u32,
    /// A person said how many: whoever hands it over does not say otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Every return so far, and what people said when they sent it on, oldest first.
    pub history: Vec<Feedback>,
    /// Who has had it in this attempt: an agent that gets it twice begins the next one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hands: Vec<AgentId>,
    /// The last handoff.
    pub order: HandoffOrder,
    /// When its owner or stage changed last.
    pub at: Time,
    /// The deed that did that.
    pub deed: Seq,
}

/// Where a task is.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum TaskStage {
    /// Offered and not accepted yet.
    Offered {
        /// To whom.
        to: AgentId,
        /// The work item in its stream.
        work: WorkNo,
    },
    /// Its owner accepted it and works on it.
    Accepted {
        /// The work item in its stream.
        work: WorkNo,
    },
    /// Back with its giver, with feedback.
    Returned {
        /// The work item in the giver's stream.
        work: WorkNo,
    },
    /// A person decides.
    Escalated {
        /// The item.
        item: ItemNo,
    },
    /// Completed.
    Done {
        /// What came of it.
        #[serde(default, deserialize_with = "some")]
        result: Option<Value>,
    },
    /// Ended by a person's answer.
    Closed {
        /// The item.
        item: ItemNo,
    },
    /// Out of attempts, and ended with that.
    Aborted,
}

impl TaskStage {
    /// The work item that belongs to the stage.
    pub fn work(&self) -> Option<WorkNo> {
        match self {
            Self::Offered { work, .. } | Self::Accepted { work } | Self::Returned { work } => Some(*work),
            Self::Escalated { .. } | Self::Done { .. } | Self::Closed { .. } | Self::Aborted => None,
        }
    }

    /// The word on every screen.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Offered { .. } => "offered",
            Self::Accepted { .. } => "accepted",
            Self::Returned { .. } => "returned",
            Self::Escalated { .. } => "escalated",
            Self::Done { .. } => "done",
            Self::Closed { .. } => "closed",
            Self::Aborted => "aborted",
        }
    }
}

/// A handoff, checked and complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffOrder {
    /// Which task.
    pub task: TaskId,
    /// From whom.
    pub from: AgentId,
    /// To whom.
    pub to: AgentId,
    /// What was done so far.
    pub work_product: WorkProduct,
    /// What the receiver must know.
    pub context: Value,
    /// What it must keep to.
    pub constraints: Value,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many there are.
    pub max_attempts: u32,
    /// What happens when none is left, where its giver or the map said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_exhausted: Option<OnExhausted>,
    /// What was said with the handoffs before this one, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierHand>,
    /// How many of these are left out, the oldest.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u32,
    /// How many returns are left out of the history, the oldest.
    #[serde(default, skip_serializing_if = "is_none")]
    pub returns_left_out: u32,
}

/// What was said with an earlier handoff of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierHand {
    /// From whom.
    pub from: AgentId,
    /// To whom.
    pub to: AgentId,
    /// Which attempt that was.
    pub attempt: u32,
    /// The entity that the task was about then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<EntityPath>,
    /// What the receiver had to know.
    pub context: Value,
    /// What it had to keep to.
    pub constraints: Value,
}

/// Most earlier handoffs that a handoff carries.
const EARLIER_HANDS: usize = 16;
/// Most bytes of JSON in what they say.
const EARLIER_BYTES: usize = 64 * 1024;
/// Most returns in the history of a task.
const RETURNS: usize = 128;

impl HandoffOrder {
    /// Whether the task ends as failed when no attempt is left.
    pub fn aborts(&self) -> bool {
        self.on_exhausted == Some(OnExhausted::Abort)
    }

    /// The next handoff of a task carries what was said with those before it; the very same words are there once.
    pub fn carry(&mut self, task: &Task) {
        let before = &task.order;
        let last = EarlierHand {
            from: before.from.clone(),
            to: before.to.clone(),
            attempt: before.attempt,
            subject: task.subject.clone(),
            context: before.context.clone(),
            constraints: before.constraints.clone(),
        };
        let mut earlier = before.earlier.clone();
        earlier.retain(|hand| !hand.says(&last.from, &last.context, &last.constraints));
        earlier.push(last);
        earlier.retain(|hand| !hand.says(&self.from, &self.context, &self.constraints));
        (self.left_out, self.returns_left_out) = (before.left_out, before.returns_left_out);
        let mut bytes: usize = earlier.iter().map(EarlierHand::bytes).sum();
        let over = |hands: usize, bytes: usize| hands > EARLIER_HANDS || bytes > EARLIER_BYTES;
        while over(earlier.len(), bytes) && !earlier.is_empty() {
            bytes -= earlier.remove(0).bytes();
            self.left_out += 1;
        }
        self.earlier = earlier;
    }
}

impl EarlierHand {
    /// Whether this agent said it, or it was said to it.
    pub fn is_with(&self, agent: &AgentId) -> bool {
        self.from == *agent || self.to == *agent
    }

    fn says(&self, from: &AgentId, context: &Value, constraints: &Value) -> bool {
        (&self.from, &self.context, &self.constraints) == (from, context, constraints)
    }

    fn bytes(&self) -> usize {
        self.context.as_json().len() + self.constraints.as_json().len()
    }
}

impl Task {
    /// How many attempts were begun, of how many, with this between them. What waits for a person is counted as the attempt that
    /// it would be next.
    pub fn tries(&self, of: &str) -> String {
        format!("{}{of}{}", self.attempt.min(self.max_attempts), self.max_attempts)
    }

    /// A return, or a person's word, is the last of the history; where that is full the oldest goes.
    pub fn hear(&mut self, feedback: Feedback) {
        self.history.push(feedback);
        while self.history.len() > RETURNS {
            self.history.remove(0);
            self.order.returns_left_out += 1;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Why a task was returned, or a person's word for the next attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Feedback {
    /// Which attempt.
    pub attempt: u32,
    /// By whom: the name of an agent, or a person with `class` and `name`.
    #[serde(with = "Speaker")]
    #[schemars(with = "Speaker")]
    pub by: Actor,
    /// In its words.
    pub text: Arc<str>,
    /// The entity that the task was about then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<EntityPath>,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
}

/// Whose feedback it is, as it is written: of agents the bare name, as ever.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Speaker {
    Agent(AgentId),
    Other(Actor),
}

impl Speaker {
    fn serialize<S: Serializer>(actor: &Actor, to: S) -> Result<S::Ok, S::Error> {
        match actor {
            Actor::Agent(agent) => agent.serialize(to),
            Actor::Person(_) | Actor::Deeds => actor.serialize(to),
        }
    }

    fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Actor, D::Error> {
        Ok(match <Self as Deserialize>::deserialize(from)? {
            Self::Agent(agent) => Actor::Agent(agent),
            Self::Other(actor) => actor,
        })
    }
}

/// Independent pieces of work that are joined once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FanOutState {
    /// Its number.
    pub no: FanOutNo,
    /// Who started it and is told the join.
    pub agent: AgentId,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// Why, in the starter's words.
    pub reason: Option<Arc<str>>,
    /// The pieces, in order.
    pub branches: Vec<Branch>,
    /// How many must succeed.
    pub needed: u32,
    /// When it was started.
    pub opened: Time,
    /// When it is joined at the latest.
    pub deadline: Time,
    /// The deed that started it.
    pub deed: Seq,
    /// When it was joined.
    pub joined: Option<Time>,
}

impl FanOutState {
    /// How many branches have succeeded.
    pub fn succeeded(&self) -> u32 {
        let ok = self.branches.iter().filter(|branch| branch.end.as_ref().is_some_and(|end| end.ok)).count();
        u32::try_from(ok).unwrap_or(u32::MAX)
    }

    /// Whether every branch has ended.
    pub fn all_ended(&self) -> bool {
        self.branches.iter().all(|branch| branch.end.is_some())
    }
}

/// One piece of a fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Branch {
    /// Who does it.
    pub to: AgentId,
    /// The work item in its stream.
    pub work: WorkNo,
    /// How it ended.
    pub end: Option<BranchEnd>,
}

/// How a branch ended; a failure is a value like any other.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BranchEnd {
    /// Whether it succeeded.
    pub ok: bool,
    /// What came of it.
    #[serde(default, deserialize_with = "some")]
    pub result: Option<Value>,
    /// Why it failed.
    pub note: Option<Arc<str>>,
    /// How many attempts it took.
    pub attempts: u32,
    /// When.
    pub at: Time,
}

/// What was done so far. Both keys are required.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkProduct {
    /// The product itself, or where it is.
    #[serde(default, deserialize_with = "some")]
    pub result: Option<Value>,
    /// How far it is, in the giver's word.
    pub status: Option<Arc<str>>,
}
