//! Questions that the rules ask of a map, answered from an index that is built once for each version of it.
//!
//! The answers cost the length of the path, not the number of agents or grants. Nothing is decided here.

mod routing;
mod sight;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::ids::{AgentId, PersonId, QueueName};
use crate::domain::map::index::PatternIndex;
use crate::domain::map::model::{Agent, Contradiction, Defer, FieldKind, Mode, Model, Output, Queue};
use crate::domain::path::{EntityPath, FieldName, Pattern};

pub use routing::Routing;

/// The first segment of every agent's own place, `scratch/<agent>/**`.
pub const SCRATCH: &str = "scratch";

/// Every agent's own place, as a pattern.
pub fn scratch() -> Pattern {
    Pattern::below(SCRATCH)
}

/// A map ready to be asked. A clone costs nothing.
#[derive(Clone, Debug)]
pub struct Map {
    model: Arc<Model>,
    index: Arc<Index>,
}

/// May an agent write a field?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority<'a> {
    /// It is in the agent's zone.
    Granted,
    /// It is in the zone of these others, never none.
    Owners(Vec<&'a AgentId>),
    /// It is in nobody's zone.
    Nobody,
}

#[derive(Debug, Default)]
struct Index {
    agents: HashMap<AgentId, usize>,
    grants: PatternIndex<Held>,
    own: Vec<PatternIndex<()>>,
    zones: Vec<Zone>,
    kinds: PatternIndex<usize>,
    queues: HashMap<QueueName, usize>,
    publishers: HashMap<String, usize>,
    outputs: HashMap<String, usize>,
    clauses: PatternIndex<usize>,
    events: routing::Events,
}

/// One grant: whose, and where what is taken out of it alone is.
#[derive(Clone, Copy, Debug)]
struct Held {
    agent: usize,
    own: Option<usize>,
}

/// What one agent's entry says besides its grants, ready to be asked.
#[derive(Debug, Default)]
struct Zone {
    except: Option<PatternIndex<()>>,
    hidden: Option<PatternIndex<()>>,
    /// `None` where it reads everything.
    reads: Option<PatternIndex<()>>,
    defers: Vec<Defer>,
    outputs: HashSet<String>,
}

static OWNED: FieldKind = FieldKind::Owned;

impl Map {
    /// Builds the index. A map without a queue gets its first one from `Model::default_for` or the lints; one that has
    /// none all the same answers `queue_of` with a queue of the governance owner.
    pub fn compile(model: impl Into<Arc<Model>>) -> Self {
        let mut model = model.into();
        if model.queues.is_empty() {
            let queues = fallback_queue(&model);
            Arc::make_mut(&mut model).queues.extend(queues);
        }
        let mut index = Index::default();
        for (at, agent) in model.agents.iter().enumerate() {
            index.agents.entry(agent.id.clone()).or_insert(at);
            for grant in &agent.writes {
                let own = index_of(agent.own_exceptions(grant)).map(|own| {
                    index.own.push(own);
                    index.own.len() - 1
                });
                index.grants.insert(grant, Held { agent: at, own });
            }
            for output in &agent.outputs {
                index.publishers.entry(output.clone()).or_insert(at);
            }
            index.zones.push(Zone::of(agent, &model.defers));
        }
        for (at, output) in model.outputs.iter().enumerate() {
            index.outputs.entry(output.name.clone()).or_insert(at);
        }
        for (at, rule) in model.fields.iter().enumerate() {
            index.kinds.insert(&rule.path, at);
        }
        for (at, queue) in model.queues.iter().enumerate() {
            index.queues.entry(queue.name.clone()).or_insert(at);
        }
        for (at, contradiction) in model.contradictions.iter().enumerate() {
            for clause in &contradiction.all {
                index.clauses.insert(&clause.template.to_pattern(), at);
            }
        }
        index.events = routing::Events::of(&model);
        Self { model, index: Arc::new(index) }
    }

    /// What the map says.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Refuse, or only record.
    pub fn mode(&self) -> Mode {
        self.model.mode
    }

    /// The agent's entry.
    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.model.agents.get(*self.index.agents.get(id)?)
    }

    /// May `agent` write the field, and if not, whose is it?
    pub fn authority(&self, agent: &AgentId, entity: &EntityPath, field: &FieldName) -> Authority<'_> {
        if let Some(owner) = self.scratch_owner(agent, entity) {
            return match owner {
                Scratch::Own => Authority::Granted,
                Scratch::Of(other) => Authority::Owners(vec![other]),
                Scratch::Nobodys => Authority::Nobody,
            };
        }
        let caller = self.index.agents.get(agent).copied();
        let mut granted = false;
        let mut others = Vec::new();
        self.index.grants.visit(entity, field, &mut |held| {
            let own = Some(held.agent) == caller;
            granted |=
                own && self.gives(*held, entity, field) && !self.is_excepted(held.agent, entity, field);
            if !granted && !own {
                others.push(*held);
            }
        });
        if granted {
            return Authority::Granted;
        }
        let owners = self.named(others, entity, field);
        if owners.is_empty() { Authority::Nobody } else { Authority::Owners(owners) }
    }

    /// Everybody in whose zone the field is, in the order of the map.
    pub fn owners(&self, entity: &EntityPath, field: &FieldName) -> Vec<&AgentId> {
        if entity.segments().next() == Some(SCRATCH) && entity.as_str() != SCRATCH {
            return self.scratch_agent(entity).into_iter().collect();
        }
        let mut owners = Vec::new();
        self.index.grants.visit(entity, field, &mut |held| owners.push(*held));
        self.named(owners, entity, field)
    }

    /// The first owner of the whole entity: whom `create`, `archive` and `delete` need.
    pub fn owner_of_whole(&self, entity: &EntityPath) -> Option<&AgentId> {
        self.owners(entity, &FieldName::whole()).into_iter().next()
    }

    /// Is the version of the entity kept from the agent? It counts the changes of every field, hidden ones too. Whoever owns
    /// the whole of it is told, for it can't be removed without.
    pub fn hides_version(&self, agent: &AgentId, entity: &EntityPath) -> bool {
        let whole = FieldName::whole();
        self.hides_any_of(agent, entity)
            && (self.is_hidden(agent, entity, &whole) || !self.owners(entity, &whole).contains(&agent))
    }

    /// Is what is told of the field with its version kept from the agent?
    pub fn hides_version_of(&self, agent: &AgentId, entity: &EntityPath, field: &FieldName) -> bool {
        if field.is_whole() {
            self.hides_version(agent, entity)
        } else {
            self.is_hidden(agent, entity, field)
        }
    }

    /// How the field may be written; the first `[[field]]` that fits says so.
    pub fn field_kind(&self, entity: &EntityPath, field: &FieldName) -> &FieldKind {
        let mut first: Option<usize> = None;
        self.index
            .kinds
            .visit(entity, field, &mut |at| first = Some(first.map_or(*at, |first| first.min(*at))));
        first.and_then(|at| self.model.fields.get(at)).map_or(&OWNED, |rule| &rule.kind)
    }

    /// The queue that an agent's undecided inputs go to: the one it names, else the first.
    pub fn queue_of(&self, agent: &AgentId) -> &Queue {
        let named = self.agent(agent).and_then(|agent| agent.escalates_to.as_ref());
        named.and_then(|name| self.queue(name)).unwrap_or_else(|| self.first_queue())
    }

    /// The queue that takes what names no other.
    pub fn first_queue(&self) -> &Queue {
        #[expect(clippy::indexing_slicing, reason = "`compile` sees to it that there is a queue")]
        &self.model.queues[0]
    }

    /// The queue of that name.
    pub fn queue(&self, name: &QueueName) -> Option<&Queue> {
        self.model.queues.get(*self.index.queues.get(name)?)
    }

    /// To whom the agent yields, and when.
    pub fn defers(&self, agent: &AgentId) -> &[Defer] {
        let zone = self.index.agents.get(agent).and_then(|at| self.index.zones.get(*at));
        zone.map_or(&[], |zone| &zone.defers)
    }

    /// The contradictions of which a clause speaks about this field, each once, in the order of the map.
    pub fn contradictions_on(
        &self,
        entity: &EntityPath,
        field: &FieldName,
    ) -> impl Iterator<Item = &Contradiction> {
        let mut found = Vec::new();
        self.index.clauses.visit(entity, field, &mut |at| found.push(*at));
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.model.contradictions.get(at))
    }

    /// The destinations that the agent publishes to.
    pub fn outputs_of(&self, agent: &AgentId) -> &[String] {
        self.agent(agent).map_or(&[], |agent| &agent.outputs)
    }

    /// Does the agent publish to this destination?
    pub fn has_output(&self, agent: &AgentId, output: &str) -> bool {
        let zone = self.index.agents.get(agent).and_then(|at| self.index.zones.get(*at));
        zone.is_some_and(|zone| zone.outputs.contains(output))
    }

    /// The first agent that publishes to this destination.
    pub fn publisher(&self, output: &str) -> Option<&AgentId> {
        self.model.agents.get(*self.index.publishers.get(output)?).map(|agent| &agent.id)
    }

    /// The people accountable for these agents, each once.
    pub fn people_of(&self, agents: &[AgentId]) -> Vec<PersonId> {
        let mut people: Vec<PersonId> = Vec::new();
        for agent in agents.iter().filter_map(|agent| self.agent(agent)) {
            if !people.contains(&agent.owner) {
                people.push(agent.owner.clone());
            }
        }
        people
    }

    /// The `[[output]]` of that name.
    pub fn output(&self, name: &str) -> Option<&Output> {
        self.model.outputs.get(*self.index.outputs.get(name)?)
    }

    /// Does nothing of its own take this out of the grant?
    fn gives(&self, held: Held, entity: &EntityPath, field: &FieldName) -> bool {
        let own = held.own.and_then(|at| self.index.own.get(at));
        !own.is_some_and(|own| any(own, entity, field))
    }

    fn is_excepted(&self, at: usize, entity: &EntityPath, field: &FieldName) -> bool {
        let except = self.index.zones.get(at).and_then(|zone| zone.except.as_ref());
        except.is_some_and(|except| any(except, entity, field))
    }

    fn named(&self, held: Vec<Held>, entity: &EntityPath, field: &FieldName) -> Vec<&AgentId> {
        let giving = held.into_iter().filter(|held| self.gives(*held, entity, field));
        let mut agents: Vec<usize> = giving.map(|held| held.agent).collect();
        agents.sort_unstable();
        agents.dedup();
        agents.retain(|at| !self.is_excepted(*at, entity, field));
        agents.into_iter().filter_map(|at| self.model.agents.get(at)).map(|agent| &agent.id).collect()
    }

    /// Whose scratch the entity is in, seen from `agent`; `None` where it is in no scratch.
    ///
    /// Ids may contain `/`, so that `scratch/a/b` may be read as a's or as a/b's: the longest name wins, the caller's
    /// being known even where the map doesn't list it.
    fn scratch_owner(&self, agent: &AgentId, entity: &EntityPath) -> Option<Scratch<'_>> {
        let place = entity.as_str().strip_prefix(SCRATCH)?.strip_prefix('/')?;
        let owner = self.scratch_agent(entity);
        let own = is_under(place, agent.as_str());
        Some(match owner {
            Some(owner) if own && agent.as_str().len() >= owner.as_str().len() => Scratch::Own,
            Some(owner) => Scratch::Of(owner),
            None if own => Scratch::Own,
            None => Scratch::Nobodys,
        })
    }

    /// The agent of the map whose scratch the entity is in.
    fn scratch_agent(&self, entity: &EntityPath) -> Option<&AgentId> {
        let mut place = entity.as_str().strip_prefix(SCRATCH)?.strip_prefix('/')?;
        loop {
            if let Some((id, _)) = self.index.agents.get_key_value(place) {
                return Some(id);
            }
            place = place.rsplit_once('/')?.0;
        }
    }
}

enum Scratch<'a> {
    Own,
    Of(&'a AgentId),
    Nobodys,
}

fn is_under(place: &str, agent: &str) -> bool {
    place.strip_prefix(agent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn any(patterns: &PatternIndex<()>, entity: &EntityPath, field: &FieldName) -> bool {
    let mut found = false;
    patterns.visit(entity, field, &mut |()| found = true);
    found
}

fn index_of(patterns: &[Pattern]) -> Option<PatternIndex<()>> {
    let mut index = PatternIndex::default();
    for pattern in patterns {
        index.insert(pattern, ());
    }
    (!patterns.is_empty()).then_some(index)
}

impl Zone {
    fn of(agent: &Agent, defers: &[Defer]) -> Self {
        let everything = agent.reads.iter().any(Pattern::is_everything);
        Self {
            except: index_of(&agent.except),
            hidden: index_of(&agent.hidden),
            reads: if everything { None } else { Some(index_of(&agent.reads).unwrap_or_default()) },
            defers: defers.iter().filter(|defer| defer.agent == agent.id).cloned().collect(),
            outputs: agent.outputs.iter().cloned().collect(),
        }
    }
}

/// A queue for a model that has none.
fn fallback_queue(model: &Model) -> Option<Queue> {
    let person =
        model.governance_owner.clone().or_else(|| model.agents.first().map(|agent| agent.owner.clone()));
    let person = person.or_else(|| "admin".parse::<PersonId>().ok())?;
    Model::default_for(model.workspace.clone(), person).queues.into_iter().next()
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.model == other.model
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.model.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Model::deserialize(deserializer).map(Self::compile)
    }
}

#[cfg(test)]
mod tests;
