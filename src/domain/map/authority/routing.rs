//! Who answers an event, and which changes of fields raise one. Asked through `Map`; nothing is decided here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::ids::AgentId;
use crate::domain::map::authority::Map;
use crate::domain::map::index::PatternIndex;
use crate::domain::map::model::{Event, Model, Route};
use crate::domain::path::{EntityPath, FieldName, Glob};
use crate::domain::value::Value;

/// Who answers an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routing<'a> {
    /// This agent, and after it those, each once the one before is done.
    Owner {
        /// Who.
        agent: &'a AgentId,
        /// Who comes after, in sequence; empty where no route says so.
        then: &'a [AgentId],
    },
    /// No agent listens to it, and no route leads it anywhere.
    Nobody,
    /// These listen to it, in the order of the map, and no route decides; always two or more.
    Several(Vec<&'a AgentId>),
}

/// Names of events, exact or with `*`, and what they lead to.
#[derive(Debug, Default)]
struct Names {
    exact: HashMap<String, Vec<usize>>,
    globs: Vec<(Glob, usize)>,
}

/// Routes, triggers and occasions of a map, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Events {
    routes: Names,
    triggers: Names,
    occasions: PatternIndex<usize>,
    has_occasions: bool,
    entities: PatternIndex<usize>,
    declared: HashMap<String, usize>,
}

impl Names {
    fn insert(&mut self, name: &str, at: usize) {
        match Glob::new(name) {
            Some(glob) => self.globs.push((glob, at)),
            None => self.exact.entry(name.to_owned()).or_default().push(at),
        }
    }

    /// What the name leads to, each once, in the order of the map.
    fn find(&self, name: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self.exact.get(name).cloned().unwrap_or_default();
        found.extend(self.globs.iter().filter(|(glob, _)| glob.matches(name)).map(|(_, at)| *at));
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Events {
    pub(super) fn of(model: &Model) -> Self {
        let mut events = Self::default();
        for (at, route) in model.routes.iter().enumerate() {
            events.routes.insert(&route.event, at);
        }
        for (at, agent) in model.agents.iter().enumerate() {
            for trigger in &agent.triggers {
                events.triggers.insert(trigger, at);
            }
        }
        for (at, event) in model.events.iter().enumerate() {
            events.declared.entry(event.name.clone()).or_insert(at);
            if let Some(occasion) = &event.on {
                let of_entity = occasion.is_of_entity();
                let index = if of_entity { &mut events.entities } else { &mut events.occasions };
                index.insert(&occasion.pattern, at);
                events.has_occasions = true;
            }
        }
        events
    }
}

/// Do the event's attributes meet every condition of the route? A missing attribute meets none.
fn route_fits(route: &Route, attributes: &BTreeMap<Arc<str>, Value>) -> bool {
    route.when.iter().all(|(name, glob)| {
        attributes.get(name.as_str()).is_some_and(|value| route.is_met(glob, &value.plain()))
    })
}

impl Map {
    /// Who answers the event: the first route that fits, else whoever listens to it.
    pub fn route(&self, event: &str, attributes: &BTreeMap<Arc<str>, Value>) -> Routing<'_> {
        let events = &self.index.events;
        let routes = events.routes.find(event).into_iter().filter_map(|at| self.model.routes.get(at));
        if let Some(route) = routes.into_iter().find(|route| route_fits(route, attributes)) {
            return Routing::Owner { agent: &route.agent, then: &route.then };
        }
        let listeners = self.listeners(event);
        match listeners.as_slice() {
            [] => Routing::Nobody,
            [only] => Routing::Owner { agent: only, then: &[] },
            _ => Routing::Several(listeners),
        }
    }

    /// The agents that listen to the event, in the order of the map.
    pub fn listeners(&self, event: &str) -> Vec<&AgentId> {
        let found = self.index.events.triggers.find(event).into_iter();
        found.filter_map(|at| self.model.agents.get(at)).map(|agent| &agent.id).collect()
    }

    /// The `[[event]]` of that name.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.model.events.get(*self.index.events.declared.get(name)?)
    }

    /// Does anything that is written raise an event?
    pub fn has_occasions(&self) -> bool {
        self.index.events.has_occasions
    }

    /// The events that a change of this field may raise, each once, in the order of the map.
    pub fn occasions_on(&self, entity: &EntityPath, field: &FieldName) -> impl Iterator<Item = &Event> {
        self.occasions_in(&self.index.events.occasions, entity, field)
    }

    /// The events that wait for the entity to be created, changed or deleted.
    pub fn occasions_of(&self, entity: &EntityPath) -> impl Iterator<Item = &Event> {
        self.occasions_in(&self.index.events.entities, entity, &FieldName::whole())
    }

    fn occasions_in(
        &self,
        index: &PatternIndex<usize>,
        entity: &EntityPath,
        field: &FieldName,
    ) -> impl Iterator<Item = &Event> + use<'_> {
        let mut found = Vec::new();
        if self.has_occasions() {
            index.visit(entity, field, &mut |at| found.push(*at));
            found.sort_unstable();
            found.dedup();
        }
        found.into_iter().filter_map(|at| self.model.events.get(at))
    }
}
