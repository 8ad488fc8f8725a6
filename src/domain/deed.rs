//! What can have happened: the deed, and what only some types carry. The types are in `table`, the bytes in `wire`.

mod about;
mod audience;
mod carried;
mod decided;
pub(super) mod table;
mod wire;

pub use audience::Audience;
pub use decided::{Decided, FORMAT, NewFormat, RULES_IN_DEEDS, ReviewDue, Timetable};
pub use table::{Body, DeedRow, Family, Listed, Touches};
pub use wire::{DeedError, Origin};

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::decided::{first_format, is_first_format};
use super::code::Code;
use super::command::is_default;
use super::ids::{
    ActNo, Actor, AgentId, AlertNo, EventDigest, FanOutNo, Fence, IdempotencyKey, ItemNo, MapVersion,
    PersonId, QueueName, Seq, TaskId, TokenId, WorkNo, WorkspaceId,
};
use super::map::{Grant, Model};
use super::outcome::Outcome;
use super::path::{EntityPath, FieldPath, Pattern};
use super::things::{BranchEnd, Door, Effects, FieldChange, ItemAnswer, RaisedAlert, Signed};
use super::time::Time;
use super::value::{Value, some};

/// What a deed points at.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refs {
    /// The inbox item it made or concerns.
    pub item: Option<ItemNo>,
    /// The alerts it raised or concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertNo>,
    /// The kinds of those that it raised or counted, for its author's answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<RaisedAlert>,
    /// The work items it made or concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkNo>,
    /// The act it opened or closed.
    pub act: Option<ActNo>,
    /// The lease it granted or concerns.
    pub lease: Option<Fence>,
    /// The fan-out it started or concerns.
    pub fan_out: Option<FanOutNo>,
    /// The task it concerns.
    pub task: Option<TaskId>,
    /// The queue it concerns.
    pub queue: Option<QueueName>,
    /// The owners concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AgentId>,
    /// Until when somebody else goes first, or a person's override holds.
    pub until: Option<Time>,
    /// A person holds the fields from now on: for the time in `until`, or until they are released.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// A person stepped in who is not named there, because nobody who is could, or as the map's governance owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stands_in: bool,
    /// The primary deeds of a `together`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Seq>,
    /// The line of another system's history that this deed imports.
    pub import: Option<Box<ImportMark>>,
    /// The first answer that an input decided again goes back to.
    pub first: Option<Seq>,
    /// What a write, a publication or a conclusion that went through was based on; an act's order has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub based_on: Vec<FieldPath>,
}

impl Refs {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(id: &u64) -> bool {
    *id == 0
}

/// One line of another system's history: importing it twice adds nothing.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportMark {
    /// Which history.
    pub source: Arc<str>,
    /// The line's own number in it; 0 where its events have other names, or none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub id: u64,
    /// The event's name there, where that is no number.
    pub event: Option<Arc<str>>,
    /// What the event says; a line that has one is known by it alone.
    pub digest: Option<EventDigest>,
    /// What its author is called there, where that is no agent's name.
    pub called: Option<Arc<str>>,
}

/// The caller's key of a request and the digest of what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyMark {
    /// The key.
    pub key: IdempotencyKey,
    /// The first 16 hexadecimal digits of the SHA-256 of the request as it is understood (RULES §3.3); of its bytes, before.
    pub digest: Arc<str>,
    /// Which part of a batch it is that was sent under the key. Older programs put that into the key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Its place in the workspace.
    pub seq: Seq,
    /// When it happened; imports keep the original.
    pub time: Time,
    /// When it was appended. It goes back after a deed that sets time right, and after no other (RULES §3.8).
    pub recorded: Time,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// The first deed of the decision it belongs to.
    pub correlation: Seq,
    /// The deed that led to it.
    pub cause: Option<Seq>,
    /// W3C trace context as the caller sent it.
    pub traceparent: Option<Arc<str>>,
    /// Who.
    pub actor: Actor,
    /// The token that they showed; none of what Deeds does itself, decides again, or recorded before tokens were named.
    pub token: Option<TokenId>,
    /// By which door it came; none of what came by HTTP, as most does.
    pub door: Option<Door>,
    /// What was asked, in the caller's word: `write`, `send_upsell`, `expand`.
    pub action: Cow<'static, str>,
    /// How it came out.
    pub outcome: Outcome,
    /// Why not, where it was not done; in observe mode why it would not have been.
    pub code: Option<Code>,
    /// The outcome it would have had in enforce mode.
    pub verdict: Option<Outcome>,
    /// The reason given by the caller or by the rule.
    pub reason: Option<Arc<str>>,
    /// The map it was decided under.
    pub map_version: MapVersion,
    /// The fields it touched or found.
    pub fields: Vec<FieldChange>,
    /// What it points at.
    pub refs: Refs,
    /// What rules decided beside the outcome, from format 2 on.
    pub decided: Option<Box<Decided>>,
    /// The caller's idempotency key.
    pub key: Option<KeyMark>,
    /// What the person signed, where they did.
    pub signed: Option<Box<Signed>>,
    /// Its type, with what only this type carries.
    pub body: Body,
}

impl Deed {
    /// What it was based on, beside the fields that it changed.
    pub fn based_on(&self) -> &[FieldPath] {
        if let Body::ActAllowed(order) = &self.body { &order.based_on } else { &self.refs.based_on }
    }
}

impl Body {
    /// The CloudEvents type, `deeds.<noun>.<past participle>`.
    pub const fn type_name(&self) -> &'static str {
        self.row().name
    }

    /// The version of the map that is in force from this deed on, where it changes the map.
    pub fn map_version(&self) -> Option<MapVersion> {
        if let Self::MapApplied(new) = self {
            return Some(new.version);
        }
        if let Self::WorkspaceCreated(born) | Self::WorkspaceFounded(born) = self {
            return Some(born.version);
        }
        if let Self::ScopeExpanded(change) | Self::ScopeRevoked(change) = self {
            return Some(change.version);
        }
        if let Self::ScopeTransferred(change) = self { Some(change.version) } else { None }
    }

    /// The task that is not its owner's any more from this deed on: given back, ended, or with a person.
    pub fn left_task(&self) -> Option<&TaskId> {
        if let Self::HandoffReturned(task) | Self::HandoffEscalated(task) | Self::TaskAborted(task) = self {
            return Some(&task.id);
        }
        if let Self::HandoffCompleted(done) = self {
            return Some(&done.task);
        }
        if let Self::TaskClosed(task) = self { Some(task) } else { None }
    }

    /// The map that it puts in force as a whole.
    pub fn model(&self) -> Option<&Arc<Model>> {
        if let Self::WorkspaceCreated(born) | Self::WorkspaceFounded(born) = self {
            return Some(&born.model);
        }
        if let Self::MapApplied(new) = self { Some(&new.model) } else { None }
    }

    /// The format of the deeds from here on, where it says so.
    pub fn format(&self) -> Option<u32> {
        if let Self::WorkspaceCreated(born) | Self::WorkspaceFounded(born) = self {
            return Some(born.format);
        }
        if let Self::FormatRaised(new) = self { Some(new.format) } else { None }
    }
}

/// A workspace's birth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewWorkspace {
    /// Its name.
    pub workspace: WorkspaceId,
    /// The format of its deeds.
    #[serde(default = "first_format", skip_serializing_if = "is_first_format")]
    pub format: u32,
    /// Its first map.
    pub model: Arc<Model>,
    /// That map's version: 0 where it is nobody's yet, which is what older programs wrote of every map, else 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub version: MapVersion,
}

/// A map put in force as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewMap {
    /// Its version.
    pub version: MapVersion,
    /// The map.
    pub model: Arc<Model>,
    /// The difference to the one before, in words.
    pub changes: Vec<String>,
    /// Where it lets agents join: what readiness asks for and is not met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<String>,
    /// Whether its effects were looked at on past deeds first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
}

/// One grant added to, or taken from, an agent.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChange {
    /// The map's version that has it.
    pub version: MapVersion,
    /// Whose zone.
    pub agent: AgentId,
    /// What.
    pub grant: Grant,
    /// The person accountable for the agent, where this made it known to the map or removed it.
    pub newcomer: Option<PersonId>,
    /// Whether it had been taken out of the agent's zone before, so that it is taken out again when this is revoked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
    /// Who became accountable for the map with it, because nobody was; where it is taken back, who is that no more.
    pub governs: Option<PersonId>,
}

/// A part of a zone given to another agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeTransfer {
    /// The map's version that has it.
    pub version: MapVersion,
    /// What.
    pub pattern: Pattern,
    /// From whom.
    pub from: AgentId,
    /// To whom.
    pub to: AgentId,
    /// Who offered it, where it went over by agreement: who confirmed that is the deed's author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_by: Option<AgentId>,
}

/// An answer and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemClosed {
    /// The answer.
    pub answer: ItemAnswer,
    /// What it did, so that it can be undone.
    pub effects: Effects,
}

/// Work that was taken at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The items; `refs.works` names the same.
    pub works: Vec<WorkNo>,
    /// Until when they are out of sight.
    pub until: Time,
}

/// What came of a task.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Which.
    pub task: TaskId,
    /// What came of it.
    #[serde(default, deserialize_with = "some")]
    pub result: Option<Value>,
}

/// How a piece of a fan-out ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchResult {
    /// Of which fan-out.
    pub fan_out: FanOutNo,
    /// Its place in it, from 0.
    pub index: u32,
    /// How.
    pub end: BranchEnd,
}

/// Which command of a `together` failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchFailure {
    /// Its place, from 0.
    pub index: u64,
    /// How that command came out.
    pub outcome: Outcome,
}
