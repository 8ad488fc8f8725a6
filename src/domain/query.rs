//! Questions that leave no deed: reading an entity, recent activity, a zone, who owns a path. `hidden` holds here too.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{Actor, AgentId, MapVersion, PersonId, QueueName, Seq, Version};
use super::map::Agent;
use super::path::{EntityPath, FieldName, FieldPath};
use super::sight::Sight;
use super::state::{Board, State, Stop};
use super::time::{Span, Time};
use super::value::Value;
use crate::domain::things::{HeldField, Tombstone, Touch};

/// An entity as one caller may see it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityView {
    /// Which.
    pub entity: EntityPath,
    /// Its version; 0 where nothing is known of it.
    pub version: Version,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Its fields.
    pub fields: BTreeMap<FieldName, FieldView>,
    /// Who owns the entity as a whole.
    #[serialize_always]
    pub owner: Option<AgentId>,
    /// Set where it was archived or deleted.
    pub gone: Option<Tombstone>,
    /// Set where a person froze it.
    pub frozen: Option<Stop>,
    /// What others did on it lately, newest first.
    pub recent: Vec<Arc<Touch>>,
}

/// A field as one caller may see it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldView {
    /// Its value.
    pub value: Value,
    /// Its version.
    pub version: Version,
    /// Who wrote it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// Who may write it.
    #[serialize_always]
    pub owner: Option<AgentId>,
    /// Set where a person holds it: what agents write to it waits for a yes.
    pub held: Option<HeldField>,
}

/// Who owns a path, and who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ownership {
    /// The path asked for.
    pub path: FieldPath,
    /// Who may write it; several only where the kind allows it.
    pub owners: Vec<AgentId>,
    /// The people accountable for them.
    pub people: Vec<PersonId>,
    /// The kind of the field.
    pub kind: String,
    /// The queue that a write by somebody else, or by nobody, ends in.
    pub queue: QueueName,
    /// The map that says so.
    pub map_version: MapVersion,
    /// The present value, where there is one.
    pub field: Option<FieldView>,
    /// Agents of the map from which it is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_access: Vec<AgentId>,
}

/// An agent's own place in the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// Who.
    pub agent: AgentId,
    /// Its entry; none where the map does not know it.
    pub entry: Option<Agent>,
    /// Where its escalations go.
    pub queue: QueueName,
    /// The map that says so.
    pub map_version: MapVersion,
    /// Whether refusals are real.
    pub enforces: bool,
    /// Set while a person has stopped it.
    pub paused: Option<Stop>,
}

/// The entity with values, versions, owners and what others did on it lately. People see everything.
pub fn read(state: &State, reader: &Actor, entity: &EntityPath) -> Option<EntityView> {
    let map = &state.board.map;
    let hidden = |name: &FieldName| reader.agent().is_some_and(|agent| map.is_hidden(agent, entity, name));
    let known = state.entities.get(entity);
    if reader.agent().is_some_and(|agent| is_hidden(state, agent, entity)) {
        return None;
    }
    let fields = known.into_iter().flat_map(|known| &known.fields).filter(|(name, _)| !hidden(name));
    let view = |(name, field): &(FieldName, super::things::Field)| {
        let owner = map.owners(entity, name).first().map(|owner| (*owner).clone());
        let view = FieldView {
            value: field.value.clone(),
            version: field.version,
            by: field.by.clone(),
            at: field.at,
            owner,
            held: held(&state.board, entity, name),
        };
        (name.clone(), view)
    };
    // What is true of the entity is told to whom may see the whole of it.
    let whole = known.filter(|_| !hidden(&FieldName::whole()));
    let counted = known.filter(|_| reader.agent().is_none_or(|agent| !map.hides_version(agent, entity)));
    Some(EntityView {
        entity: entity.clone(),
        version: counted.map_or(Version(0), |known| known.version),
        seq: state.head(),
        fields: fields.map(view).collect(),
        owner: map.owner_of_whole(entity).cloned(),
        gone: whole.and_then(|known| known.gone.clone()),
        frozen: state.board.frozen.get(entity).filter(|_| !hidden(&FieldName::whole())).cloned(),
        recent: activity(state, reader, entity, None),
    })
}

/// The entity as it was. What is hidden from the reader now is hidden in the past too.
pub fn read_past(then: &State, now: &State, reader: &Actor, entity: &EntityPath) -> Option<EntityView> {
    let mut view = read(then, reader, entity)?;
    let Some(agent) = reader.agent() else { return Some(view) };
    if is_hidden(now, agent, entity) {
        return None;
    }
    let sight = Sight::now(agent, &now.board.map);
    view.fields.retain(|name, _| !sight.hides(entity, name));
    if sight.hides(entity, &FieldName::whole()) {
        if view.fields.is_empty() {
            return None;
        }
        (view.gone, view.frozen) = (None, None);
    }
    if now.board.map.hides_version(agent, entity) {
        view.version = Version(0);
    }
    view.recent.retain(|touch| sight.sees_touch(entity, touch));
    Some(view)
}

/// Whether an agent may see nothing of the entity: neither the whole of it nor a field that it has.
fn is_hidden(state: &State, agent: &AgentId, entity: &EntityPath) -> bool {
    let hidden = |name: &FieldName| state.board.map.is_hidden(agent, entity, name);
    let fields = state.entities.get(entity).map(|known| known.fields.as_slice()).unwrap_or_default();
    hidden(&FieldName::whole()) && fields.iter().all(|(name, _)| hidden(name))
}

/// What others did on the entity within the span, newest first. What was hidden from the reader then is no activity, nor is
/// what is hidden now.
pub fn activity(state: &State, reader: &Actor, entity: &EntityPath, since: Option<Time>) -> Vec<Arc<Touch>> {
    let seen = |touch: &&Arc<Touch>| {
        let sees = reader.agent().is_none_or(|agent| {
            let sight = state.board.sight_of(agent, touch.deed);
            sight.is_some_and(|sight| sight.sees_touch(entity, touch))
        });
        touch.actor != *reader && sees && since.is_none_or(|since| touch.at >= since)
    };
    let recent = state.entities.get(entity).map(|known| known.recent.as_slice()).unwrap_or_default();
    recent.iter().rev().filter(seen).cloned().collect()
}

/// The person's hand on a field.
fn held(board: &Board, entity: &EntityPath, name: &FieldName) -> Option<HeldField> {
    board.held.get(entity)?.iter().find(|held| held.field == *name).cloned()
}

/// Since when `activity` looks back, for a span before now.
pub fn look_back(now: Time, within: Option<Span>) -> Option<Time> {
    within.map(|within| now.minus(within))
}

/// Who owns the path.
pub fn who_owns(state: &State, reader: &Actor, path: &FieldPath) -> Ownership {
    let map = &state.board.map;
    let owners: Vec<AgentId> = map.owners(&path.entity, &path.field).into_iter().cloned().collect();
    let hidden = reader.agent().is_some_and(|agent| map.is_hidden(agent, &path.entity, &path.field));
    let field =
        state.entities.get(&path.entity).and_then(|entity| entity.field(&path.field)).filter(|_| !hidden);
    let queue = owners.first().map_or_else(|| map.first_queue(), |owner| map.queue_of(owner));
    let kept = |agent: &&Agent| map.is_hidden(&agent.id, &path.entity, &path.field);
    let no_access = map.model().agents.iter().filter(kept).map(|agent| agent.id.clone()).collect();
    Ownership {
        no_access,
        path: path.clone(),
        people: map.people_of(&owners),
        kind: map.field_kind(&path.entity, &path.field).as_str().to_owned(),
        queue: queue.name.clone(),
        map_version: state.board.map_version,
        field: field.map(|field| FieldView {
            value: field.value.clone(),
            version: field.version,
            by: field.by.clone(),
            at: field.at,
            owner: owners.first().cloned(),
            held: held(&state.board, &path.entity, &path.field),
        }),
        owners,
    }
}

/// The agent's own place in the map.
pub fn scope(board: &Board, agent: &AgentId) -> Scope {
    let map = &board.map;
    Scope {
        agent: agent.clone(),
        entry: map.agent(agent).cloned(),
        queue: map.queue_of(agent).name.clone(),
        map_version: board.map_version,
        enforces: board.enforces(),
        paused: board.stop_of(agent).cloned(),
    }
}
