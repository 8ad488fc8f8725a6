//! What of the ledger an agent sees: deeds on what it may read, its own, and those that name it; nothing that is hidden
//! from it. Everything that people keep among themselves (items, alerts, reviews, tokens, the map) stays with people:
//! agents learn of it by their work stream. Which type has which audience stands in the table.

use super::{Body, Deed};
use crate::domain::ids::AgentId;
use crate::domain::map::Map;
use crate::domain::path::{FieldName, FieldPath};
use crate::domain::things::FieldChange;

/// Which agents may see the deeds of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever may read its subject; where it has none, as [`Audience::Named`].
    Readers,
    /// Its author, and the agents that it names, unless it is about what is hidden from them.
    Named,
    /// Its author alone, whoever it names: it was not done, or is not out yet.
    Author,
    /// The one agent that it is for.
    One,
    /// No agent.
    People,
}

impl Deed {
    /// Whether the agent may see it under this map.
    pub fn is_seen_by(&self, agent: &AgentId, map: &Map) -> bool {
        let own = self.actor.agent() == Some(agent);
        match self.body.row().audience {
            Audience::Readers if self.subject.is_some() => !self.tells_hidden(agent, map),
            Audience::Readers | Audience::Named => {
                own || (self.refs.owners.contains(agent) && !self.tells_hidden(agent, map))
            }
            Audience::Author => own,
            Audience::One => self.addressee() == Some(agent),
            Audience::People => false,
        }
    }

    /// Whom a deed of the audience `One` is for. A type without a line here is nobody's to see.
    fn addressee(&self) -> Option<&AgentId> {
        if let Body::WorkQueued(work) = &self.body {
            return Some(&work.agent);
        }
        if let Body::AgentPaused(agent) | Body::AgentResumed(agent) = &self.body { Some(agent) } else { None }
    }

    /// Whether it is about something that is hidden from the agent, in whole or in one of its fields, carries values of
    /// it, or names it as what it was based on.
    fn tells_hidden(&self, agent: &AgentId, map: &Map) -> bool {
        let about = self.subject.as_ref();
        let whole = about.filter(|_| self.fields.is_empty());
        let hidden = |path: &FieldPath| map.is_hidden(agent, &path.entity, &path.field);
        let changed = |field: &FieldChange| {
            let entity = field.entity.as_ref().or(about);
            entity.is_some_and(|entity| map.is_hidden(agent, entity, &field.name))
        };
        whole.is_some_and(|entity| map.is_hidden(agent, entity, &FieldName::whole()))
            || self.fields.iter().any(changed)
            || self.based_on().iter().any(hidden)
            || self.carried().iter().any(hidden)
    }
}
