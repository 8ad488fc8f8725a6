//! What is kept from an agent, RULES §2.2: asked of a compiled map, and of the model of an earlier one, which is compiled
//! for nothing else.

use super::{Map, SCRATCH, Scratch, any, is_under};
use crate::domain::ids::AgentId;
use crate::domain::map::model::{Agent, Mode, Model};
use crate::domain::path::{EntityPath, FieldName, FieldPart, Meeting, Pattern, example_outside, overlap};

/// What the question needs to know of a map.
trait Names {
    fn mode(&self) -> Mode;
    fn agent(&self, id: &AgentId) -> Option<&Agent>;
    fn scratch_owner(&self, agent: &AgentId, entity: &EntityPath) -> Option<Scratch<'_>>;
    /// Do the patterns of an agent that the map names keep it from it?
    fn is_kept(&self, agent: &Agent, entity: &EntityPath, field: &FieldName) -> bool;
}

impl Names for Map {
    fn mode(&self) -> Mode {
        self.model.mode
    }

    fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agent(id)
    }

    fn scratch_owner(&self, agent: &AgentId, entity: &EntityPath) -> Option<Scratch<'_>> {
        self.scratch_owner(agent, entity)
    }

    fn is_kept(&self, agent: &Agent, entity: &EntityPath, field: &FieldName) -> bool {
        let zone = self.index.agents.get(&agent.id).and_then(|at| self.index.zones.get(*at));
        zone.is_some_and(|zone| {
            zone.hidden.as_ref().is_some_and(|hidden| any(hidden, entity, field))
                || zone.reads.as_ref().is_some_and(|reads| !any(reads, entity, field))
        })
    }
}

impl Names for Model {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.agent(id)
    }

    fn scratch_owner(&self, agent: &AgentId, entity: &EntityPath) -> Option<Scratch<'_>> {
        let place = entity.as_str().strip_prefix(SCRATCH)?.strip_prefix('/')?;
        let own = is_under(place, agent.as_str());
        let named = self.agents.iter().map(|one| &one.id).filter(|id| is_under(place, id.as_str()));
        Some(match named.max_by_key(|id| id.as_str().len()) {
            Some(owner) if own && agent.as_str().len() >= owner.as_str().len() => Scratch::Own,
            Some(owner) => Scratch::Of(owner),
            None if own => Scratch::Own,
            None => Scratch::Nobodys,
        })
    }

    fn is_kept(&self, agent: &Agent, entity: &EntityPath, field: &FieldName) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(entity, field);
        agent.hidden.iter().any(matches)
            || !agent.reads.iter().any(|reads| reads.is_everything() || matches(reads))
    }
}

fn is_hidden(map: &impl Names, agent: &AgentId, entity: &EntityPath, field: &FieldName) -> bool {
    match map.scratch_owner(agent, entity) {
        Some(Scratch::Own) => return false,
        Some(Scratch::Of(_) | Scratch::Nobodys) => return true,
        None => {}
    }
    // Observing takes a team as it is; enforcing shows nothing to whom the map does not name.
    map.agent(agent).map_or_else(|| map.mode() == Mode::Enforce, |entry| map.is_kept(entry, entity, field))
}

/// Whether no field of the entity can be seen, whichever it has.
fn hides_all_of(map: &impl Names, agent: &AgentId, entity: &EntityPath) -> bool {
    if !is_hidden(map, agent, entity, &FieldName::whole()) {
        return false;
    }
    let Some(entry) = map.agent(agent) else { return true };
    if map.scratch_owner(agent, entity).is_some() {
        return true;
    }
    let all =
        |pattern: &Pattern| pattern.matches_entity(entity) && matches!(pattern.field_part(), FieldPart::All);
    entry.hidden.iter().any(all)
        || !entry.reads.iter().any(|reads| reads.is_everything() || reads.matches_entity(entity))
}

/// Whether some field of the entity may be kept from the agent, whichever it has.
fn hides_any_of(map: &impl Names, agent: &AgentId, entity: &EntityPath) -> bool {
    if is_hidden(map, agent, entity, &FieldName::whole()) {
        return true;
    }
    if map.scratch_owner(agent, entity).is_some() {
        return false;
    }
    let Some(entry) = map.agent(agent) else { return false };
    let all = |reads: &Pattern| {
        reads.is_everything() || reads.matches_entity(entity) && matches!(reads.field_part(), FieldPart::All)
    };
    entry.hidden.iter().any(|hidden| hidden.matches_entity(entity)) || !entry.reads.iter().any(all)
}

impl Map {
    /// What keeps something of these entities, each as a whole, from an agent of the map: a pattern of its `hidden`, or a path
    /// that it does not read. Not found out within the bound of the question counts as kept.
    pub fn hidden_within(&self, agent: &AgentId, within: &Pattern) -> Option<String> {
        let entry = self.agent(agent)?;
        let meets = |hidden: &&Pattern| overlap(within, &[], hidden, &[]).may_be();
        if let Some(hidden) = entry.hidden.iter().find(meets) {
            return Some(hidden.to_string());
        }
        if entry.reads.iter().any(Pattern::is_everything) {
            return None;
        }
        match example_outside(within, &entry.reads) {
            Meeting::Apart => None,
            Meeting::At(path) => Some(path.to_string()),
            Meeting::Undecided => Some("what it may not read".to_owned()),
        }
    }
}

macro_rules! asked {
    ($map:ty) => {
        impl $map {
            /// Is the field kept from the agent: hidden, outside what it reads, in another's scratch, or all of it since
            /// a map in force does not name the agent?
            pub fn is_hidden(&self, agent: &AgentId, entity: &EntityPath, field: &FieldName) -> bool {
                is_hidden(self, agent, entity, field)
            }

            /// Is the entity kept from the agent whatever it holds, and whether it is there or not?
            pub fn hides_all_of(&self, agent: &AgentId, entity: &EntityPath) -> bool {
                hides_all_of(self, agent, entity)
            }

            /// May something of the entity be kept from the agent?
            pub fn hides_any_of(&self, agent: &AgentId, entity: &EntityPath) -> bool {
                hides_any_of(self, agent, entity)
            }
        }
    };
}
asked!(Map);
asked!(Model);
