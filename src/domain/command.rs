//! What can be asked. These shapes are also the request bodies of the API: parsed once, valid ever after.

mod call;
mod event;
mod lease;
mod named;
mod output;
mod people;
pub(super) mod table;
mod task;

pub use call::{CallEnd, CallMade, CallOrder, CallStep, TOOLS};
pub use event::{ATTRIBUTES, Claim, Raise};
pub use lease::{LONGEST_LEASE, LeaseStep};
pub use output::{Conclude, Publish};
pub use people::{
    AcceptLoss, AlertStep, AlertVerb, Answered, ApplyMap, AwayStep, AwayVerb, GUARD_PATHS, GuardNote,
    ItemStep, ItemVerb, KeyStep, MapReview, Override, OverrideVerb, RebaseClock, ReviewStep, ReviewVerb,
    TokenStep,
};
pub use table::{Again, Asker, Command, CommandKind, CommandRow, Effect, Keeps, Place};
pub use task::{
    BRANCHES, BranchOrder, FanOut, Handoff, LONGEST_FAN_OUT, LONGEST_VISIBILITY, TAKEN_AT_ONCE, Take,
    VISIBILITY, WorkStep, WorkVerb,
};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use super::hash::hex;
use super::ids::{ActNo, Actor, AgentId, EventDigest, Fence, IdempotencyKey, Seq, TokenId, Version};
use super::path::{EntityPath, FieldName, FieldPath, Pattern};
use super::things::{Call, Door, TokenClass};
use super::time::Time;
use super::value::{Value, some};

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
    /// The caller's key, with what it stands for.
    pub key: Option<AskedKey>,
    /// W3C trace context.
    pub traceparent: Option<Arc<str>>,
    /// By which door it came.
    pub door: Door,
    /// That the person meant it, where that is asked for.
    pub proof: Proof,
}

impl Request {
    /// One without a key, a trace, or more proof than the token.
    pub fn new(principal: Principal, command: Command) -> Self {
        Self { principal, command, key: None, traceparent: None, door: Door::Http, proof: Proof::None }
    }
}

/// What shows that a decision is the person's own, beside their token. RULES §13.5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    #[default]
    None,
    /// Their signature.
    Signature {
        /// What the ledger that they signed for is called: its `urn:uuid:…`, as the server has it.
        ledger: Arc<str>,
        /// The signature in armour.
        armored: Arc<str>,
    },
    /// None is asked for: it is only supposed, or it was decided before and is played again.
    Supposed,
}

/// An idempotency key and the request that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedKey {
    /// The key.
    pub key: IdempotencyKey,
    /// The digest of the request as it is understood, which is kept with the answer.
    pub digest: Arc<str>,
    /// The digest of its bytes, by which programs before this rule told requests apart.
    pub of_bytes: Option<Arc<str>>,
    /// Which part of a batch it is; none where it is the whole request.
    pub part: Option<u32>,
}

impl AskedKey {
    /// A key for a request with that digest.
    pub fn new(key: IdempotencyKey, digest: Arc<str>) -> Self {
        Self { key, digest, of_bytes: None, part: None }
    }

    /// The same for one part of the request.
    #[must_use]
    pub fn of_part(&self, part: u32) -> Self {
        Self { part: Some(part), ..self.clone() }
    }

    /// The key as programs wrote it that put the part into it.
    pub fn as_written_before(&self) -> Option<IdempotencyKey> {
        IdempotencyKey::new(&format!("{}/{}", self.key.as_str(), self.part?)).ok()
    }

    /// Whether it is the request that was answered under this digest.
    pub fn is_for(&self, digest: &str) -> bool {
        *self.digest == *digest || self.of_bytes.as_deref() == Some(digest)
    }
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

/// What a write does to its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Expected {
    /// The entity's version.
    Entity(Version),
    /// A version for each changed field.
    #[schemars(title = "Fields")]
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

/// A write, RULES §4.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    pub expected: Option<Expected>,
    /// Versions of anything else that it was based on; a path without `#` is the entity's version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<FieldPath, Version>,
    /// The fencing token of the lease that the caller holds on what it changes.
    pub lease: Option<Fence>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
    /// The call of a tool that means it; nobody sends one.
    #[serde(skip_deserializing)]
    pub call: Option<Box<Call>>,
}

/// A side effect outside, asked for before it is done.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Where it goes: an output of the caller, or a path in its zone.
    pub target: Arc<str>,
    /// The entity it is about.
    pub subject: EntityPath,
    /// The caller's word for it, such as `send_upsell`.
    pub action: Arc<str>,
    /// Where it goes to an output: the conversation in it, such as a mail thread.
    pub thread: Option<Arc<str>>,
    /// What it was based on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<FieldPath, Version>,
    /// Whether the caller waits where another goes first, and is woken when the way is free.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wait: bool,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
    /// The call of a tool that means it; nobody sends one.
    #[serde(skip_deserializing)]
    pub call: Option<Box<Call>>,
}

/// How an allowed act ended.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActEnd {
    /// The act's number.
    pub act: ActNo,
    /// Whether it was done.
    pub done: bool,
    /// What to keep of it.
    pub note: Option<Arc<str>>,
}

/// What an agent can't decide, RULES §12.1.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    /// The input as received.
    pub input: Value,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// Why the agent can't decide; one of its `escalates_when`, or it is marked unforeseen.
    pub why: Arc<str>,
    /// Deeds that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Seq>,
}

/// A part of an agent's zone that it offers to another agent, RULES §2.9.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferZone {
    /// What: all of it has to be the agent's own.
    pub pattern: Pattern,
    /// To whom; an agent of the map.
    pub to: AgentId,
    /// Why.
    pub reason: Arc<str>,
}

/// Several commands of one caller, decided all or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// The commands, in order; each sees what those before it did.
    pub commands: Vec<Command>,
}

/// One line of another system's history, with its own time. Decided in a workspace that observes.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Which history; the same line of it is taken once.
    pub source: Arc<str>,
    /// The line's number in it; 0 where its events have other names, or none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id: u64,
    /// The event's name there, where that is no number.
    pub event: Option<Arc<str>>,
    /// What the event says, as a digest: known by it, it is taken once, whatever its number and its history are. Without one
    /// it is known by `source` and `id`.
    #[schemars(with = "Option<String>")]
    pub digest: Option<EventDigest>,
    /// Who did it.
    pub actor: AgentId,
    /// What that one is called there, where that is no agent's name.
    pub called: Option<Arc<str>>,
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
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportChange {
    /// The value that the writer saw; absent where the history does not tell. `null` is empty.
    #[serde(default, deserialize_with = "some")]
    pub before: Option<Value>,
    /// The value written; `null` is empty.
    pub after: Value,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
