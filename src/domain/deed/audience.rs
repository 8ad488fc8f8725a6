//! What of the ledger an agent sees: deeds on what it may read, what it sent itself, and deeds that name it; nothing that
//! is hidden from it, or was when it happened. Everything that people keep among themselves (items, alerts, reviews,
//! tokens, the map) stays with people: agents learn of it by their work stream. Which type has which audience stands in
//! the table.

use super::carried::Carried;
use super::{Body, Deed};
use crate::domain::code::Code;
use crate::domain::ids::{AgentId, Version};
use crate::domain::path::FieldName;
use crate::domain::sight::Sight;
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
    /// Whether the agent may see it.
    pub fn is_seen_by(&self, sight: &Sight<'_>) -> bool {
        let agent = sight.agent();
        let own = self.actor.agent() == Some(agent);
        match self.body.row().audience {
            Audience::Readers if self.subject.is_some() && !own => !self.tells_hidden(sight),
            Audience::Readers | Audience::Named => {
                if own {
                    !self.finds_hidden(sight)
                } else {
                    self.refs.owners.contains(agent) && !self.tells_hidden(sight)
                }
            }
            Audience::Author => own && !self.finds_hidden(sight),
            Audience::One => self.addressee() == Some(agent) && !self.carries_hidden(sight),
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
    fn tells_hidden(&self, sight: &Sight<'_>) -> bool {
        let said = |carried: &Carried| matches!(carried, Carried::Said(path) if sight.hides_path(path));
        // One that names no field of its own subject is about all of it.
        self.fields.iter().all(|field| field.entity.is_some()) && self.is_on_hidden(sight)
            || self.fields.iter().any(|field| self.is_hidden(field, sight))
            || self.based_on().iter().any(|path| sight.hides_path(path))
            || self.carried().iter().any(said)
            || self.carries_hidden(sight)
    }

    /// Of the agent's own deed: whether it tells what was there, beside what the agent sent itself.
    pub fn finds_hidden(&self, sight: &Sight<'_>) -> bool {
        let accepts = self.accepts();
        let found = |field: &FieldChange| {
            accepts
                || field.version != Version(0)
                || field.before.is_some()
                || field.by.is_some()
                || field.at.is_some()
        };
        self.fields.iter().any(|field| found(field) && self.is_hidden(field, sight))
            || self.code.is_some_and(Code::depends_on_state)
                && (self.is_on_hidden(sight) || self.based_on().iter().any(|path| sight.hides_path(path)))
            || self.carries_hidden(sight)
    }

    /// Whether it is a proposal that its author accepted and that did not go through: another's words. Such a write names that
    /// proposal after those that it becomes itself, one for each owner.
    fn accepts(&self) -> bool {
        matches!(self.body, Body::WriteRefused(()) | Body::WriteEscalated(()) | Body::WriteProposed(()))
            && self.refs.works.len() > self.refs.owners.len()
    }

    /// Whether it carries what is or was in a hidden field, or what others said about it.
    fn carries_hidden(&self, sight: &Sight<'_>) -> bool {
        self.carried().iter().any(|carried| match carried {
            Carried::Said(_) => false,
            Carried::Told(path) => sight.hides_path(path),
            Carried::Unsaid(entity) => sight.hides_any_of(entity),
        })
    }

    fn is_on_hidden(&self, sight: &Sight<'_>) -> bool {
        self.subject.as_ref().is_some_and(|entity| sight.hides(entity, &FieldName::whole()))
    }

    fn is_hidden(&self, field: &FieldChange, sight: &Sight<'_>) -> bool {
        let entity = field.entity.as_ref().or(self.subject.as_ref());
        entity.is_some_and(|entity| sight.hides(entity, &field.name))
    }
}
