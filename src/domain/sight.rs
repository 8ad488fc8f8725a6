//! What an agent may see, RULES §2.2, of everything that is ever delivered to it: deeds, work, activity, leases, conclusions.
//! People see everything, and have none of this.
//!
//! What is there now is seen under the map in force. What has happened is hidden where it was hidden then, and where it
//! is hidden now.

use std::sync::Arc;

use super::ids::AgentId;
use super::map::{Map, Model};
use super::path::{EntityPath, FieldName, FieldPath};
use super::things::{
    Case, FanOutState, Item, Lease, LeaseTarget, Task, Touch, Work, WorkKind, without_values,
};

/// One agent's sight, of now or of something that happened under an earlier map.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    agent: &'a AgentId,
    now: &'a Map,
    /// The map of then, where it was another.
    then: Option<&'a Model>,
}

impl<'a> Sight<'a> {
    /// Of what is there now.
    pub fn now(agent: &'a AgentId, now: &'a Map) -> Self {
        Self { agent, now, then: None }
    }

    /// Of what happened under that map.
    pub fn then(agent: &'a AgentId, now: &'a Map, then: &'a Model) -> Self {
        Self { agent, now, then: Some(then) }
    }

    /// Whose it is.
    pub fn agent(&self) -> &'a AgentId {
        self.agent
    }

    /// Is the field kept from the agent?
    pub fn hides(&self, entity: &EntityPath, field: &FieldName) -> bool {
        self.now.is_hidden(self.agent, entity, field)
            || self.then.is_some_and(|then| then.is_hidden(self.agent, entity, field))
    }

    /// The same of a path.
    pub fn hides_path(&self, path: &FieldPath) -> bool {
        self.hides(&path.entity, &path.field)
    }

    /// Is everything about the entity kept from it, whatever is there?
    pub fn hides_all_of(&self, entity: &EntityPath) -> bool {
        self.now.hides_all_of(self.agent, entity)
            || self.then.is_some_and(|then| then.hides_all_of(self.agent, entity))
    }

    /// May something of the entity be kept from it?
    pub fn hides_any_of(&self, entity: &EntityPath) -> bool {
        self.now.hides_any_of(self.agent, entity)
            || self.then.is_some_and(|then| then.hides_any_of(self.agent, entity))
    }

    /// A touch of no field, such as an act, is one of the entity as a whole.
    pub fn sees_touch(&self, entity: &EntityPath, touch: &Touch) -> bool {
        match touch.fields.as_slice() {
            [] => !self.hides(entity, &FieldName::whole()),
            fields => !fields.iter().any(|name| self.hides(entity, name)),
        }
    }

    /// Its own leases, and others' on what it may see; others' on tasks are between those who share them.
    pub fn sees_lease(&self, lease: &Lease) -> bool {
        lease.holder == *self.agent
            || match &lease.target {
                LeaseTarget::Path(path) => !self.hides_path(path),
                LeaseTarget::Task(_) => false,
            }
    }

    /// A conclusion is about its subject as a whole.
    pub fn sees_conclusion(&self, subject: &EntityPath) -> bool {
        !self.hides(subject, &FieldName::whole())
    }

    /// The tasks that it is or was a part of.
    pub fn sees_task(&self, task: &Task) -> bool {
        let is_by = |who: &AgentId| who == self.agent;
        is_by(&task.owner)
            || is_by(&task.order.from)
            || is_by(&task.order.to)
            || task.history.iter().filter_map(|feedback| feedback.by.agent()).any(is_by)
    }

    /// The fan-outs that it started.
    pub fn sees_fan_out(&self, fan_out: &FanOutState) -> bool {
        fan_out.agent == *self.agent
    }

    /// Whether anything would be left of work in its own stream.
    pub fn sees_work(&self, work: &Work) -> bool {
        matches!(work.kind, WorkKind::Dispatch { .. })
            || !work.told().iter().any(|path| self.hides_path(path))
    }

    /// An item that it raised, as it may see it; nothing of anybody else's. What it asked is its own words; what came with
    /// work that it gave up may be hidden by now.
    pub fn item(&self, item: &Arc<Item>) -> Option<Arc<Item>> {
        if item.raised_by.agent() != Some(self.agent) {
            return None;
        }
        let Case::GivenUp { work } = &item.case else { return Some(Arc::clone(item)) };
        let work = self.work(&Arc::new(Work::clone(work)))?;
        let case = Case::GivenUp { work: Box::new(Work::clone(&work)) };
        Some(Arc::new(Item { case, ..Item::clone(item) }))
    }

    /// Work in its own stream, as it may see it: what came with an event without the values of a hidden field. None
    /// where nothing would be left of it.
    pub fn work(&self, work: &Arc<Work>) -> Option<Arc<Work>> {
        if !work.told().iter().any(|path| self.hides_path(path)) {
            return Some(Arc::clone(work));
        }
        let WorkKind::Dispatch { attributes, .. } = &work.kind else { return None };
        let kept = without_values(attributes.clone());
        let mut seen = Work::clone(work);
        if let WorkKind::Dispatch { attributes, .. } = &mut seen.kind {
            *attributes = kept;
        }
        Some(Arc::new(seen))
    }
}
