//! An entity: field values with their versions and writers, its tombstone, who touched it last, and what a deed changes of it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, AgentId, Seq, Version};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::time::{Span, Time};
use crate::domain::value::{Value, some};

/// How many of the last deeds on it an entity remembers for `activity`.
pub const RECENT: usize = 8;
/// What a value and an entity take beside the value's text.
const BESIDE: u64 = 64;
/// How many runs of one writer after another a field remembers, enough to see A-B-A.
pub const RUNS: usize = 3;
/// How many actors an entity remembers the last deed of; the one that is longest silent goes first.
pub const ACTORS: usize = 64;
/// For how long it remembers more than that.
pub const ACTORS_KNOWN: Span = Span::from_days(31);
/// How many it remembers at most.
pub const MOST_ACTORS: usize = 4_096;

/// A record, file or queue.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Grows with every commit on any of its fields.
    pub version: Version,
    /// Its fields, sorted by name.
    pub fields: Vec<(FieldName, Field)>,
    /// Set once it was archived or deleted.
    pub gone: Option<Tombstone>,
    /// Where it was deleted and made anew: its version then. What is written first goes on from there, so that no version of
    /// before is one of now.
    #[serde(default, skip_serializing_if = "is_first")]
    pub floor: Version,
    /// The last deeds on it, oldest first.
    pub recent: Vec<Arc<Touch>>,
    /// When each actor last touched it, for rules about who goes first.
    pub last: Vec<(Actor, Time)>,
    /// The last deed that is in it. Folding passes over older ones.
    #[serde(default, skip_serializing_if = "is_before_all")]
    pub deed: Seq,
}

/// A field's present value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its version.
    pub version: Version,
    /// Its value.
    pub value: Value,
    /// Who wrote it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// The deed that wrote it.
    pub deed: Seq,
    /// The last runs of writes by one actor, oldest first; the last one is the present writer's.
    pub runs: Vec<Run>,
}

/// Consecutive writes of one field by one actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Who.
    pub by: Actor,
    /// The value at the end of the run.
    pub value: Value,
    /// How many writes.
    pub writes: u64,
    /// The first deed of the run.
    pub deed: Seq,
    /// The version before the run.
    pub base: Version,
    /// The version at its end.
    pub version: Version,
    /// When the run ended.
    pub at: Time,
}

/// What is left of an entity that was archived or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tombstone {
    /// Deleted, or only put away.
    pub deleted: bool,
    /// The entity's version at that.
    pub version: Version,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// The deed.
    pub deed: Seq,
}

/// One deed on an entity, as `activity` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Touch {
    /// The deed.
    pub deed: Seq,
    /// When.
    pub at: Time,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Arc<str>,
    /// How it came out.
    pub outcome: Outcome,
    /// The fields.
    pub fields: Vec<FieldName>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_before_all(deed: &Seq) -> bool {
    *deed == Seq(0)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_first(floor: &Version) -> bool {
    *floor == Version(0)
}

impl Entity {
    /// How large its values are, with those of before that its fields remember, and what it takes beside.
    pub fn size(&self) -> u64 {
        let value = |value: &Value| value.as_json().len() as u64 + BESIDE;
        let runs = |field: &Field| field.runs.iter().map(|run| value(&run.value)).sum::<u64>();
        let fields = self.fields.iter();
        BESIDE
            + fields
                .map(|(name, field)| name.as_str().len() as u64 + value(&field.value) + runs(field))
                .sum::<u64>()
    }

    /// Whether it was deleted, and is not there again.
    pub fn is_deleted(&self) -> bool {
        self.gone.as_ref().is_some_and(|gone| gone.deleted)
    }

    /// Without the fields of before; its versions go on.
    pub fn begin_anew(&mut self) {
        self.fields.clear();
        self.floor = self.version;
    }

    /// The version that the next write of the field makes.
    pub fn next_version_of(&self, name: &FieldName) -> Version {
        self.field(name).map_or(self.floor, |field| field.version).next()
    }

    /// The field, if it was ever written.
    pub fn field(&self, name: &FieldName) -> Option<&Field> {
        self.place(name).ok().and_then(|at| self.fields.get(at)).map(|(_, field)| field)
    }

    /// Puts a field in its place.
    pub fn set(&mut self, name: &FieldName, field: Field) {
        match self.place(name) {
            Ok(at) => {
                if let Some(slot) = self.fields.get_mut(at) {
                    slot.1 = field;
                }
            }
            Err(at) => self.fields.insert(at, (name.clone(), field)),
        }
    }

    fn place(&self, name: &FieldName) -> Result<usize, usize> {
        self.fields.binary_search_by(|(have, _)| have.as_str().cmp(name.as_str()))
    }

    /// The version that a `depends_on` or `expected` of this field is compared with. The whole-entity field's is the
    /// entity's.
    pub fn version_of(&self, name: &FieldName) -> Version {
        if name.as_str().is_empty() {
            self.version
        } else {
            self.field(name).map_or(Version(0), |field| field.version)
        }
    }
}

/// How many stale writes of one agent to one field, shortly after each other, are one too many.
pub const IN_VAIN: usize = 6;

/// Under which the stale writes of an agent to a field are kept.
pub fn in_vain_key(agent: &AgentId, path: &FieldPath) -> Arc<str> {
    key(&[agent.as_str(), &path.to_string()])
}

/// What items about such a field are alike by.
pub const IN_VAIN_ALIKE: &str = "in vain|";

impl FieldChange {
    /// Whether a write wanted to change it from a version that was no longer current.
    pub fn is_outdated(&self) -> bool {
        self.entity.is_none() && self.after.is_some() && self.base.is_some_and(|base| base != self.version)
    }
}

/// One field as a deed touched it, or found it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// The entity, where it is another one than the deed's subject.
    pub entity: Option<EntityPath>,
    /// The field; empty for the whole entity.
    pub name: FieldName,
    /// The version that the caller named.
    pub base: Option<Version>,
    /// The version after a commit; the current one otherwise.
    pub version: Version,
    /// The value before the commit; the current one otherwise.
    #[serde(default, deserialize_with = "some")]
    pub before: Option<Value>,
    /// The value written or wanted.
    #[serde(default, deserialize_with = "some")]
    pub after: Option<Value>,
    /// Who wrote the current value, told where the caller was stale.
    pub by: Option<Actor>,
    /// When the current value was written.
    pub at: Option<Time>,
    /// It was committed by an agent that may not see it: the answer tells nothing of what was there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
}
