//! Whose a field is, and what becomes of a write that touches several.

use std::collections::BTreeMap;

use crate::domain::code::Code;
use crate::domain::command::{Write, WriteKind};
use crate::domain::ids::AgentId;
use crate::domain::map::{Authority, Map};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};

/// Whose something is, seen from an agent that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Its own.
    Own,
    /// Another's: the first one that the map names.
    Of(&'a AgentId),
    /// Nobody's.
    Nobodys,
}

/// Whose the field is. What is hidden from an agent is not its own, whatever it is granted: another's, or nobody's.
pub fn whose<'a>(map: &'a Map, agent: &AgentId, entity: &EntityPath, field: &FieldName) -> Whose<'a> {
    let hidden = |agent: &AgentId| map.is_hidden(agent, entity, field);
    let first_of = |owners: Vec<&'a AgentId>| {
        let mut owners = owners.into_iter().filter(|owner| *owner != agent && !hidden(owner));
        owners.next().map_or(Whose::Nobodys, Whose::Of)
    };
    match map.authority(agent, entity, field) {
        Authority::Granted if hidden(agent) => first_of(map.owners(entity, field)),
        Authority::Granted => Whose::Own,
        Authority::Owners(owners) => first_of(owners),
        Authority::Nobody => Whose::Nobodys,
    }
}

/// The fields that a write touches, by whose they are.
#[derive(Debug, Default, PartialEq)]
pub struct Zones {
    /// The caller's own.
    pub own: Vec<FieldName>,
    /// Other agents', by owner.
    pub others: BTreeMap<AgentId, Vec<FieldName>>,
    /// Nobody's.
    pub nobody: Vec<FieldName>,
}

impl Zones {
    /// Of a write: one to the entity as a whole concerns its whole-entity field.
    pub fn of(map: &Map, agent: &AgentId, write: &Write) -> Self {
        let whole = FieldName::whole();
        let wholly = write.kind != WriteKind::Update;
        let names = write.changes.keys().filter(|name| !wholly || !name.is_whole());
        Self::of_fields(map, agent, &write.entity, wholly.then_some(&whole).into_iter().chain(names))
    }

    /// Of these fields of an entity.
    pub fn of_fields<'n>(
        map: &Map,
        agent: &AgentId,
        entity: &EntityPath,
        names: impl Iterator<Item = &'n FieldName>,
    ) -> Self {
        let mut zones = Self::default();
        for name in names {
            match whose(map, agent, entity, name) {
                Whose::Own => zones.own.push(name.clone()),
                Whose::Of(owner) => zones.others.entry(owner.clone()).or_default().push(name.clone()),
                Whose::Nobodys => zones.nobody.push(name.clone()),
            }
        }
        zones
    }

    /// What becomes of the whole write, if not all of it is the caller's own: a proposal to every owner concerned, else a
    /// person decides.
    pub fn verdict(&self) -> Option<(Code, Outcome)> {
        if !self.others.is_empty() {
            return Some((Code::NotOwner, Outcome::Proposed));
        }
        (!self.nobody.is_empty()).then_some((Code::Unowned, Outcome::Escalated))
    }
}
