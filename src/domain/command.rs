//! What can be asked. These shapes are also the request bodies of the API: parsed once, valid ever after.

mod event;
mod lease;
mod output;
mod task;

pub use event::{ATTRIBUTES, Claim, Raise};
pub use lease::{LONGEST_LEASE, LeaseStep, LeaseTarget};
pub use output::{Conclude, Publish};
pub use task::{
    ATTEMPTS, BRANCHES, BranchOrder, FanOut, Handoff, LONGEST_FAN_OUT, LONGEST_VISIBILITY, MOST_ATTEMPTS,
    OnExhausted, TAKEN_AT_ONCE, Take, VISIBILITY, WorkProduct, WorkStep, WorkVerb,
};

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use sha2::{Digest as _, Sha256};

use super::{
    ids::{
        ActNo, Actor, AgentId, AlertNo, Fence, IdempotencyKey, ItemNo, MapVersion, PersonId, QueueName, Seq,
        TokenId, Version,
    },
    map::{Grant, Model},
    path::{EntityPath, FieldName, FieldPath, Pattern},
    state::{Token, TokenClass, WaitingAct, hex},
    time::Time,
    value::{Value, some},
};

/// Most fields in one write.
pub const FIELDS_PER_WRITE: usize = 64;
/// Most entries of `depends_on`.
pub const DEPENDENCIES: usize = 256;
/// Most commands in one batch or `together`.
pub const COMMANDS_PER_BATCH: usize = 256;
/// Longest free text (reason, note, input) in bytes.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Longest target and action of an act in bytes.
pub const NAME_BYTES: usize = 256;
/// Most deeds named as the evidence of an escalation.
pub const EVIDENCE: usize = 64;

/// One command with everything that is decided upon.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks, as the token says.
    pub principal: Principal,
    /// What.
    pub command: Command,
    /// The caller's key, with the digest of the body.
    pub key: Option<(IdempotencyKey, Arc<str>)>,
    /// W3C trace context.
    pub traceparent: Option<Arc<str>>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Name and class.
    pub actor: Actor,
    /// What the token allows.
    pub class: TokenClass,
    /// The token, so that a revocation is ordered with every command; none for Deeds itself.
    pub token: Option<TokenId>,
}

/// Everything that can be asked of a workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Command {
    /// Change fields of an entity, or the entity as a whole.
    Write(Write),
    /// May this side effect go ahead?
    Act(Act),
    /// How a side effect ended.
    ActEnd(ActEnd),
    /// What an agent can't decide.
    Escalate(Escalate),
    /// Something happened that wakes an agent.
    Raise(Raise),
    /// Is this event the caller's to handle?
    Claim(Claim),
    /// Take what waits in the caller's work stream.
    Take(Take),
    /// Something done to a work item.
    Work(WorkStep),
    /// Hand a task over.
    Handoff(Handoff),
    /// Independent pieces of work at once.
    FanOut(FanOut),
    /// Something done to a lease.
    Lease(LeaseStep),
    /// A publication on an output.
    Publish(Publish),
    /// What the caller found out.
    Conclude(Conclude),
    /// Several commands of one caller, all or nothing.
    Together(Together),
    /// Something done to an inbox item.
    Item(ItemStep),
    /// Something done to an alert.
    Alert(AlertStep),
    /// A map to put in force.
    ApplyMap(ApplyMap),
    /// A person went through the map in force.
    MapReview(MapReview),
    /// A token to create or revoke.
    Token(TokenStep),
    /// A person overrides.
    Override(Override),
    /// A session over a queue begins or ends.
    Review(ReviewStep),
    /// One line of another system's history.
    Import(Import),
    /// Time went by; only Deeds itself says so.
    Tick,
}

/// What a write does to its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteKind {
    /// Changes fields; makes the entity known if it was not.
    #[default]
    Update,
    /// Makes the entity; it must not exist.
    Create,
    /// Puts the entity away.
    Archive,
    /// Deletes the entity.
    Delete,
}

/// The versions that a write starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Expected {
    /// The entity's version.
    Entity(Version),
    /// A version for each changed field.
    Fields(BTreeMap<FieldName, Version>),
}

/// By hand: the derived one makes an error of every version that it tries in vain, on the path of each write.
impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Expected;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the entity's version, or an object with a version for each changed field")
            }

            fn visit_u64<E: de::Error>(self, version: u64) -> Result<Expected, E> {
                Ok(Expected::Entity(Version(version)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expected, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(Expected::Fields)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A write, 2-domain §2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The record, file or queue.
    pub entity: EntityPath,
    /// What it does; `update` by default.
    #[serde(default, rename = "op", skip_serializing_if = "is_default")]
    pub kind: WriteKind,
    /// New values by field; the empty name is the whole entity.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<FieldName, Value>,
    /// The versions it starts from; `0` for a field never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// Versions of anything else that it was based on; a path without `#` is the entity's version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<FieldPath, Version>,
    /// The fencing token of the lease that the caller holds on what it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Fence>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Seq>,
}

/// A side effect outside, asked for before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Where it goes: an output of the caller, or a path in its zone.
    pub target: Arc<str>,
    /// The entity it is about.
    pub subject: EntityPath,
    /// The caller's word for it, such as `send_upsell`.
    pub action: Arc<str>,
    /// What it was based on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<FieldPath, Version>,
    /// Whether the caller waits where another goes first, and is woken when the way is free.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wait: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Seq>,
}

/// An act as its deed keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActOrder {
    /// Where it goes.
    pub target: Arc<str>,
    /// What an allowed act was based on: who changes it tells the agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub based_on: Vec<FieldPath>,
    /// The act as asked, where it waits to be woken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Box<WaitingAct>>,
}

/// How an allowed act ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActEnd {
    /// The act's number.
    pub act: ActNo,
    /// Whether it was done.
    pub done: bool,
    /// What to keep of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

/// What an agent can't decide, 2-domain §3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    /// The input as received.
    pub input: Value,
    /// The entity it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<EntityPath>,
    /// Why the agent can't decide; one of its `escalates_when`, or it is marked unforeseen.
    pub why: Arc<str>,
    /// Deeds that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Seq>,
}

/// Several commands of one caller, decided all or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// The commands, in order; each sees what those before it did.
    pub commands: Vec<Command>,
}

/// Something a person does with an inbox item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemStep {
    /// The item.
    pub item: ItemNo,
    /// What.
    #[serde(flatten)]
    pub step: ItemVerb,
}

/// What can be done with an inbox item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum ItemVerb {
    /// Take it.
    Claim,
    /// Give it back.
    Release,
    /// Hand it to another reviewer named on its queue.
    Reassign {
        /// To whom.
        to: PersonId,
    },
    /// Answer it.
    Answer(Answered),
    /// Take the answer back.
    Undo,
}

/// An answer, with proof of what was shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The answer.
    pub answer: ItemAnswer,
    /// The item's version as shown.
    pub version: u64,
    /// The digest of the material as shown.
    pub digest: Arc<str>,
    /// Items alike that are settled by the same answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<ItemNo>,
}

/// The answers that end an item, 2-domain §6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ItemAnswer {
    /// An agent's zone grows.
    Expand {
        /// Whose.
        agent: AgentId,
        /// By what.
        grant: Grant,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Arc<str>>,
    },
    /// The person handles this case; the scope stays.
    Handle {
        /// How.
        note: Arc<str>,
        /// What the waiting agent is told.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
        reply: Option<Value>,
        /// Who is given this one event, where the case is an event that nobody or more than one answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<AgentId>,
    },
    /// Classified as none of the team's business.
    OutOfScope {
        /// Why.
        reason: Arc<str>,
        /// Whether inputs like this are closed on arrival from now on.
        #[serde(default)]
        rule: bool,
    },
    /// The publication goes out as it is. Approvals only, like the two below.
    Approve {
        /// A word to the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Arc<str>>,
    },
    /// It goes out with another body.
    ApproveEdited {
        /// What goes out.
        body: Value,
        /// A word to the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
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
            Self::OutOfScope { .. } => "out of scope",
            Self::Approve { .. } => "approve",
            Self::ApproveEdited { .. } => "approve edited",
            Self::Reject { .. } => "reject",
        }
    }

    /// The note that goes with it.
    pub fn note(&self) -> Option<&Arc<str>> {
        match self {
            Self::Expand { note, .. }
            | Self::Transfer { note, .. }
            | Self::Approve { note }
            | Self::ApproveEdited { note, .. } => note.as_ref(),
            Self::Handle { note, .. } | Self::Reject { note } => Some(note),
            Self::OutOfScope { reason, .. } => Some(reason),
        }
    }
}

/// Something a person does with an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertStep {
    /// The alert.
    pub alert: AlertNo,
    /// What.
    pub step: AlertVerb,
    /// A note; required to resolve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

/// What can be done with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertVerb {
    /// Seen.
    Acknowledge,
    /// Ended, with a note.
    Resolve,
    /// Into the inbox.
    Escalate,
}

/// A map to put in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyMap {
    /// The map, already parsed and free of errors.
    pub model: Arc<Model>,
    /// The version it was made for: compare-and-set.
    pub if_version: MapVersion,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Whether its effects were looked at on past deeds first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
}

/// A person went through the map in force as a whole, and stands by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapReview {
    /// The version that was gone through; the one in force where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<MapVersion>,
    /// What is worth keeping of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

/// A token to create or revoke. The secret never gets here, only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum TokenStep {
    /// Make one known.
    Create(Token),
    /// End one.
    Revoke {
        /// Which.
        token: TokenId,
    },
}

/// A person overrides, 2-domain §2; each needs a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What.
    #[serde(flatten)]
    pub step: OverrideVerb,
    /// Why.
    pub reason: Arc<str>,
}

/// What a person can override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum OverrideVerb {
    /// All agents keep off the entity.
    Freeze {
        /// Which.
        entity: EntityPath,
    },
    /// They may touch it again.
    Unfreeze {
        /// Which.
        entity: EntityPath,
    },
    /// The agent stops.
    Pause {
        /// Who.
        agent: AgentId,
    },
    /// It goes on.
    Resume {
        /// Who.
        agent: AgentId,
    },
    /// Sets a field.
    Set {
        /// Which.
        path: FieldPath,
        /// To what.
        value: Value,
        /// The version it starts from.
        expected: Version,
    },
    /// Sets a field back to an earlier version: a new version with the old value.
    Revert {
        /// Which.
        path: FieldPath,
        /// The version whose value it gets.
        to: Version,
        /// That value, as the ledger has it: the caller of the rules looks it up.
        value: Value,
        /// The version it starts from.
        expected: Version,
    },
    /// Ends a lease by force; its token is void from now on.
    Unlock {
        /// Which.
        lease: Fence,
    },
}

/// A session over a queue, 2-domain §6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewStep {
    /// Which queue.
    pub queue: QueueName,
    /// What.
    pub step: ReviewVerb,
    /// What is worth keeping of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

/// What can be done with a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewVerb {
    /// It begins.
    Start,
    /// It ends: it was held.
    End,
}

/// One line of another system's history, with its own time. Decided in a workspace that observes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Which history; the same line of it is taken once.
    pub source: Arc<str>,
    /// The line's number in it.
    pub id: u64,
    /// Who did it.
    pub actor: AgentId,
    /// When.
    pub time: Time,
    /// The record.
    pub entity: EntityPath,
    /// What it does.
    #[serde(default, rename = "op", skip_serializing_if = "is_default")]
    pub kind: WriteKind,
    /// The fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<FieldName, ImportChange>,
    /// What the history says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

impl Import {
    /// What a history is called: its system, and the beginning of the SHA-256 of its first line. A longer version of
    /// the same history keeps the name.
    pub fn source_name(system: &str, first_line: &[u8]) -> Arc<str> {
        let digest = hex(&Sha256::digest(first_line));
        Arc::from(format!("{system}:{}", digest.get(..16).unwrap_or(&digest)))
    }
}

/// A field of an imported line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportChange {
    /// The value that the writer saw; absent where the history does not tell. `null` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub before: Option<Value>,
    /// The value written; `null` is empty.
    pub after: Value,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
