//! What can have happened: the deed and its closed set of types. The bytes of one are in `wire`.
//!
//! Types are add-only (3-architecture). A golden file for each of them under `tests/golden/` guards the bytes.

mod wire;

pub use wire::{DeedError, Origin};

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::code::Code;
use super::ids::{
    ActNo, Actor, AgentId, AlertNo, FanOutNo, Fence, IdempotencyKey, ItemNo, MapVersion, PersonId, QueueName,
    Seq, TaskId, TokenId, WorkNo, WorkspaceId,
};
use super::map::{Grant, Model};
use super::outcome::Outcome;
use super::path::{EntityPath, FieldPath, Pattern};
use super::things::{
    ActOrder, Alert, AlertSide, BranchEnd, Case, ClaimMark, Conclusion, Effects, FanOutState, FieldChange,
    HandoffOrder, Item, ItemAnswer, Lease, Publication, RaisedEvent, ReviewEnd, ReviewMiss, ScopeRule, Task,
    Token, Work,
};
use super::time::Time;
use super::value::{Value, some};

/// What a deed points at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refs {
    /// The inbox item it made or concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemNo>,
    /// The alerts it raised or concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertNo>,
    /// The work items it made or concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<WorkNo>,
    /// The act it opened or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActNo>,
    /// The lease it granted or concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Fence>,
    /// The fan-out it started or concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fan_out: Option<FanOutNo>,
    /// The task it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The queue it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
    /// The owners concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AgentId>,
    /// Until when somebody else goes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The primary deeds of a `together`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Seq>,
    /// The line of another system's history that this deed imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportMark>,
    /// The first answer that an input decided again goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// One line of another system's history: importing it twice adds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportMark {
    /// Which history.
    pub source: Arc<str>,
    /// The line's own number in it.
    pub id: u64,
}

/// The caller's key of a request and the digest of its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMark {
    /// The key.
    pub key: IdempotencyKey,
    /// The first 16 hexadecimal digits of the body's SHA-256.
    pub digest: Arc<str>,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Its place in the workspace.
    pub seq: Seq,
    /// When it happened; imports keep the original.
    pub time: Time,
    /// When it was appended; never goes back.
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
    /// The caller's idempotency key.
    pub key: Option<KeyMark>,
    /// Its type, with what only this type carries.
    pub body: Body,
}

impl Deed {
    /// What it was based on, beside the fields that it changed.
    pub fn based_on(&self) -> &[FieldPath] {
        if let Body::ActAllowed(order) = &self.body { &order.based_on } else { &self.refs.based_on }
    }
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($payload:ty) = $type:literal;)*) => {
        /// The closed set of deed types; each carries what only it needs.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $variant($payload),)*
        }

        impl Body {
            /// Every type name, in the order of the table.
            pub const TYPES: &'static [&'static str] = &[$($type),*];

            /// The CloudEvents type, `deeds.<noun>.<past participle>`.
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $type,)* }
            }

            pub(super) fn detail(&self) -> serde_json::Result<Option<Box<RawValue>>> {
                match self { $(Self::$variant(payload) => wire::to_raw(payload),)* }
            }

            fn from_detail(name: &str, detail: Option<&RawValue>) -> Result<Self, DeedError> {
                let json = detail.map_or("null", RawValue::get);
                match name {
                    $($type => Ok(Self::$variant(serde_json::from_str(json)?)),)*
                    other => Err(DeedError::UnknownType(other.to_owned())),
                }
            }
        }
    };
}

bodies! {
    /// A workspace was born, with its first map.
    WorkspaceCreated(Box<NewWorkspace>) = "deeds.workspace.created";
    /// A map was put in force.
    MapApplied(Box<NewMap>) = "deeds.map.applied";
    /// A person went through the map in force and stands by it.
    MapReviewed(()) = "deeds.map.reviewed";
    /// A map was not put in force.
    MapRefused(()) = "deeds.map.refused";
    /// An agent's zone grew.
    ScopeExpanded(ScopeChange) = "deeds.scope.expanded";
    /// An expansion was taken back.
    ScopeRevoked(ScopeChange) = "deeds.scope.revoked";
    /// A part of a zone went to another agent.
    ScopeTransferred(ScopeTransfer) = "deeds.scope.transferred";
    /// Fields were changed.
    WriteCommitted(()) = "deeds.write.committed";
    /// A change waits for its owners.
    WriteProposed(()) = "deeds.write.proposed";
    /// A change waits for a person.
    WriteEscalated(()) = "deeds.write.escalated";
    /// A change was not made.
    WriteRefused(()) = "deeds.write.refused";
    /// An entity came into being.
    EntityCreated(()) = "deeds.entity.created";
    /// An entity was put away; its tombstone has the entity's version.
    EntityArchived(()) = "deeds.entity.archived";
    /// An entity was deleted; its tombstone has the entity's version.
    EntityDeleted(()) = "deeds.entity.deleted";
    /// A side effect outside may go ahead.
    ActAllowed(ActOrder) = "deeds.act.allowed";
    /// A side effect outside was stopped.
    ActRefused(ActOrder) = "deeds.act.refused";
    /// A side effect outside must wait.
    ActDeferred(ActOrder) = "deeds.act.deferred";
    /// A side effect was done.
    ActDone(()) = "deeds.act.done";
    /// A side effect failed.
    ActFailed(()) = "deeds.act.failed";
    /// Something came into an agent's work stream.
    WorkQueued(Box<Work>) = "deeds.work.queued";
    /// A proposal was accepted by its owner.
    WorkAccepted(()) = "deeds.work.accepted";
    /// A proposal was declined by its owner.
    WorkDeclined(()) = "deeds.work.declined";
    /// A work item was done with, and what came of it.
    WorkCompleted(Option<Value>) = "deeds.work.completed";
    /// A work item was taken back before it was used.
    WorkWithdrawn(()) = "deeds.work.withdrawn";
    /// Work was taken; nobody else sees it until the time is over.
    WorkTaken(Box<Taken>) = "deeds.work.taken";
    /// An attempt failed; the work waits again.
    WorkFailed(()) = "deeds.work.failed";
    /// Work was given back; it waits again.
    WorkReturned(()) = "deeds.work.returned";
    /// The time of a taker is over; the work waits again.
    WorkLapsed(()) = "deeds.work.lapsed";
    /// Work is out of attempts: a person decides, or it ended as failed.
    WorkExhausted(()) = "deeds.work.exhausted";
    /// Work waits for long; the reason says whether its agent is alive.
    WorkUnheeded(()) = "deeds.work.unheeded";
    /// Something asked of a work item was not done.
    WorkRefused(()) = "deeds.work.refused";
    /// An event was raised and went to its owner.
    EventRaised(Box<RaisedEvent>) = "deeds.event.raised";
    /// An event waits for a person: nobody owns it, or more than one.
    EventEscalated(Box<RaisedEvent>) = "deeds.event.escalated";
    /// An event was not taken in.
    EventRefused(Box<RaisedEvent>) = "deeds.event.refused";
    /// An event is the claimant's to handle.
    ClaimGranted(Box<ClaimMark>) = "deeds.claim.granted";
    /// An event is not the claimant's to handle.
    ClaimRefused(Box<ClaimMark>) = "deeds.claim.refused";
    /// A task was offered to another agent.
    HandoffOffered(Box<HandoffOrder>) = "deeds.handoff.offered";
    /// A task has a new owner.
    HandoffAccepted(TaskId) = "deeds.handoff.accepted";
    /// A task went back to its giver; its history has the feedback.
    HandoffReturned(Box<Task>) = "deeds.handoff.returned";
    /// A task is done.
    HandoffCompleted(Box<TaskResult>) = "deeds.handoff.completed";
    /// A task is with a person: it is out of attempts, or does not converge.
    HandoffEscalated(Box<Task>) = "deeds.handoff.escalated";
    /// Something asked of a task was not done.
    HandoffRefused(()) = "deeds.handoff.refused";
    /// A person's answer ended a task.
    TaskClosed(TaskId) = "deeds.task.closed";
    /// Independent pieces of work were started.
    FanOutOpened(Box<FanOutState>) = "deeds.fan-out.opened";
    /// A piece of a fan-out ended.
    BranchEnded(Box<BranchResult>) = "deeds.branch.ended";
    /// A fan-out is over: its starter is told every branch's result or failure.
    FanOutJoined(FanOutNo) = "deeds.fan-out.joined";
    /// A fan-out was not started.
    FanOutRefused(()) = "deeds.fan-out.refused";
    /// A lease was granted.
    LeaseGranted(Box<Lease>) = "deeds.lease.granted";
    /// A lease runs longer.
    LeaseRenewed(Time) = "deeds.lease.renewed";
    /// A lease was given back.
    LeaseReleased(()) = "deeds.lease.released";
    /// A lease went to another agent under a new token.
    LeaseTransferred(Box<Lease>) = "deeds.lease.transferred";
    /// A lease ended by time.
    LeaseLapsed(()) = "deeds.lease.lapsed";
    /// A person ended a lease.
    LeaseRevoked(()) = "deeds.lease.revoked";
    /// Something asked of a lease was not done.
    LeaseRefused(()) = "deeds.lease.refused";
    /// Something was published.
    OutputPublished(Box<Publication>) = "deeds.output.published";
    /// A publication waits for a person.
    OutputHeld(Box<Publication>) = "deeds.output.held";
    /// Something was not published.
    OutputRefused(Box<Publication>) = "deeds.output.refused";
    /// An agent found something out.
    ConclusionDrawn(Box<Conclusion>) = "deeds.conclusion.drawn";
    /// A conclusion was not taken in.
    ConclusionRefused(()) = "deeds.conclusion.refused";
    /// An act that waited may be asked for again; the number is the deed that deferred it.
    ActWoken(Seq) = "deeds.act.woken";
    /// A decision is owed by a named person.
    ItemOpened(Box<Item>) = "deeds.item.opened";
    /// More of the same reached an item.
    ItemJoined(()) = "deeds.item.joined";
    /// A reviewer took an item.
    ItemClaimed(()) = "deeds.item.claimed";
    /// A reviewer gave an item back.
    ItemReleased(()) = "deeds.item.released";
    /// An item went to another named reviewer.
    ItemReassigned(PersonId) = "deeds.item.reassigned";
    /// A person answered.
    ItemAnswered(Box<ItemClosed>) = "deeds.item.answered";
    /// An answer was taken back.
    ItemUndone(()) = "deeds.item.undone";
    /// What an item shows has changed since it was opened.
    ItemRevised(Box<Case>) = "deeds.item.revised";
    /// Something asked of an item was not done.
    ItemRefused(()) = "deeds.item.refused";
    /// A session over a queue began.
    ReviewStarted(QueueName) = "deeds.review.started";
    /// A session over a queue ended.
    ReviewEnded(Box<ReviewEnd>) = "deeds.review.ended";
    /// A scheduled review was not held in time.
    ReviewMissed(Box<ReviewMiss>) = "deeds.review.missed";
    /// Something asked of a review was not done.
    ReviewRefused(()) = "deeds.review.refused";
    /// Three quarters of an item's time are gone.
    ItemWarned(()) = "deeds.item.warned";
    /// An item is past its deadline.
    ItemOverdue(()) = "deeds.item.overdue";
    /// An answer became a rule for inputs to come.
    RuleAdded(Box<ScopeRule>) = "deeds.rule.added";
    /// A rule was taken back.
    RuleRemoved(u64) = "deeds.rule.removed";
    /// A conflict was detected.
    AlertOpened(Box<Alert>) = "deeds.alert.opened";
    /// The same conflict happened again.
    AlertCounted(Box<AlertSide>) = "deeds.alert.counted";
    /// A person has seen an alert.
    AlertAcknowledged(()) = "deeds.alert.acknowledged";
    /// A person resolved an alert.
    AlertResolved(()) = "deeds.alert.resolved";
    /// A resolved alert is open again.
    AlertReopened(Box<Alert>) = "deeds.alert.reopened";
    /// Something asked of an alert was not done.
    AlertRefused(()) = "deeds.alert.refused";
    /// A token came into being; only its hash is kept.
    TokenCreated(Box<Token>) = "deeds.token.created";
    /// A token ended.
    TokenRevoked(TokenId) = "deeds.token.revoked";
    /// Something asked of a token was not done.
    TokenRefused(()) = "deeds.token.refused";
    /// A person stopped an agent.
    AgentPaused(AgentId) = "deeds.agent.paused";
    /// A person let an agent go on.
    AgentResumed(AgentId) = "deeds.agent.resumed";
    /// A person froze an entity.
    EntityFrozen(()) = "deeds.entity.frozen";
    /// A person unfroze an entity.
    EntityUnfrozen(()) = "deeds.entity.unfrozen";
    /// An override was not done.
    OverrideRefused(()) = "deeds.override.refused";
    /// Several commands went through together.
    BatchCommitted(()) = "deeds.batch.committed";
    /// Several commands did not go through, none of them.
    BatchRefused(Box<BatchFailure>) = "deeds.batch.refused";
}

impl Body {
    /// The version of the map that is in force from this deed on, where it changes the map.
    pub fn map_version(&self) -> Option<MapVersion> {
        if let Self::MapApplied(new) = self {
            return Some(new.version);
        }
        if let Self::ScopeExpanded(change) | Self::ScopeRevoked(change) = self {
            return Some(change.version);
        }
        if let Self::ScopeTransferred(change) = self { Some(change.version) } else { None }
    }
}

/// A workspace's birth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewWorkspace {
    /// Its name.
    pub workspace: WorkspaceId,
    /// Its first map, version 0.
    pub model: Arc<Model>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChange {
    /// The map's version that has it.
    pub version: MapVersion,
    /// Whose zone.
    pub agent: AgentId,
    /// What.
    pub grant: Grant,
    /// The person accountable for the agent, where this made it known to the map or removed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomer: Option<PersonId>,
    /// Whether it had been taken out of the agent's zone before, so that it is taken out again when this is revoked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Which.
    pub task: TaskId,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
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
