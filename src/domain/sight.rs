//! What an agent may see, RULES §2.2, of everything that is ever delivered to it: deeds, work, activity, leases, conclusions.
//! People see everything, and have none of this.
//!
//! What is there now is seen under the map in force. What has happened is hidden where it was hidden then, and where it
//! is hidden now.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::{Write, WriteKind};
use super::ids::AgentId;
use super::map::{Map, Model};
use super::path::{EntityPath, FieldName, FieldPath};
use super::things::{
    CallState, Case, EarlierHand, FanOutState, Feedback, Item, Lease, LeaseTarget, Task, Touch, Work,
    WorkKind, paths_of, without_values,
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

    /// Its own calls, but for those about what is hidden from it by now.
    pub fn sees_call(&self, call: &CallState) -> bool {
        let hidden = |entity: &EntityPath| self.hides(entity, &FieldName::whole());
        call.agent == *self.agent && !call.entity.as_ref().is_some_and(hidden)
    }

    /// A conclusion is about its subject as a whole.
    pub fn sees_conclusion(&self, subject: &EntityPath) -> bool {
        !self.hides(subject, &FieldName::whole())
    }

    /// The tasks that it is or was a part of.
    fn sees_task(&self, task: &Task) -> bool {
        let is_by = |who: &AgentId| who == self.agent;
        is_by(&task.owner)
            || is_by(&task.order.from)
            || is_by(&task.order.to)
            || task.history.iter().filter_map(|feedback| feedback.by.agent()).any(is_by)
                && task.subject.as_ref().is_none_or(|subject| !self.hides(subject, &FieldName::whole()))
    }

    /// A task as it may see it: without what others said of what is hidden from it.
    pub fn task(&self, task: &Arc<Task>) -> Option<Arc<Task>> {
        if !self.sees_task(task) {
            return None;
        }
        let mut seen = Task::clone(task);
        seen.order.earlier.retain(|hand| self.hears(hand));
        seen.history.retain(|back| self.hears_return(back, task.subject.as_ref()));
        Some(if seen == **task { Arc::clone(task) } else { Arc::new(seen) })
    }

    /// What it said itself, or was told; and what others said of what it may see.
    fn hears(&self, hand: &EarlierHand) -> bool {
        let hidden = |subject: &EntityPath| self.hides(subject, &FieldName::whole());
        hand.is_with(self.agent) || !hand.subject.as_ref().is_some_and(hidden)
    }

    /// The same of a return; an older one was about what the task is about.
    fn hears_return(&self, back: &Feedback, subject: Option<&EntityPath>) -> bool {
        let hidden = |subject: &EntityPath| self.hides(subject, &FieldName::whole());
        back.by.agent() == Some(self.agent) || !back.subject.as_ref().or(subject).is_some_and(hidden)
    }

    /// The fan-outs that it started.
    pub fn sees_fan_out(&self, fan_out: &FanOutState) -> bool {
        fan_out.agent == *self.agent
    }

    /// Whether anything would be left of work in its own stream.
    pub fn sees_work(&self, work: &Work) -> bool {
        matches!(work.kind, WorkKind::Dispatch { .. } | WorkKind::Handoff { .. } | WorkKind::Returned { .. })
            || !work.told().iter().any(|path| self.hides_path(path))
    }

    /// An item that it raised, as it may see it; nothing of anybody else's. What it asked is its own words; what came with
    /// work that it gave up, and what it accepted of another or why a person holds that, may be hidden by now.
    pub fn item(&self, item: &Arc<Item>) -> Option<Arc<Item>> {
        if item.raised_by.agent() != Some(self.agent) {
            return None;
        }
        if let Case::Stuck { task, alert } = &item.case {
            let task = self.task(&Arc::new(Task::clone(task)))?;
            let case = Case::Stuck { task: Box::new(Task::clone(&task)), alert: *alert };
            return Some(Arc::new(Item { case, ..Item::clone(item) }));
        }
        if let Case::HeldField { write, .. } | Case::UnownedField { write, .. } = &item.case {
            // Of a write to all of the entity it says which of its fields is held.
            let of_all = matches!(item.case, Case::HeldField { .. }) && write.kind != WriteKind::Update;
            let hidden = write.changes.keys().any(|name| self.hides(&write.entity, name))
                || of_all && self.hides_any_of(&write.entity);
            return Some(if hidden { Arc::new(self.write_item(item, write)) } else { Arc::clone(item) });
        }
        let Case::GivenUp { work } = &item.case else { return Some(Arc::clone(item)) };
        let work = self.work(&Arc::new(Work::clone(work)))?;
        let case = Case::GivenUp { work: Box::new(Work::clone(&work)) };
        Some(Arc::new(Item { case, ..Item::clone(item) }))
    }

    /// That it waits for a person, and what of it is not hidden.
    fn write_item(&self, item: &Item, write: &Write) -> Item {
        let changes = write.changes.iter().filter(|(name, _)| !self.hides(&write.entity, name));
        let changes = changes.map(|(name, value)| (name.clone(), value.clone())).collect();
        let write =
            Write { changes, expected: None, depends_on: BTreeMap::new(), reason: None, ..write.clone() };
        let (words, case) = if let Case::UnownedField { partial, .. } = item.case {
            let words = format!("nobody owns a field of {}", write.entity);
            (words, Case::UnownedField { write, partial })
        } else {
            let words = format!("a field of {} is held", write.entity);
            (words, Case::HeldField { write, held_by: Vec::new() })
        };
        let words: Arc<str> = Arc::from(words);
        Item { case, title: Arc::clone(&words), why: words, ..item.clone() }
    }

    /// Work in its own stream, as it may see it: what came with an event without the values of a hidden field, and without what
    /// the one before in its sequence said of what is hidden; a task without what others said before of that. None where
    /// nothing would be left of it.
    pub fn work(&self, work: &Arc<Work>) -> Option<Arc<Work>> {
        if !work.told().iter().any(|path| self.hides_path(path)) {
            return Some(Arc::clone(work));
        }
        let mut seen = Work::clone(work);
        match &mut seen.kind {
            WorkKind::Dispatch { attributes, before, .. } => {
                let field = paths_of(attributes).iter().any(|path| self.hides_path(path));
                if field {
                    *attributes = without_values(std::mem::take(attributes));
                }
                let hidden = |subject: &EntityPath| self.hides(subject, &FieldName::whole());
                if field || work.subject.as_ref().is_some_and(hidden) {
                    *before = None;
                }
            }
            WorkKind::Notice { history, .. } => {
                history.retain(|back| self.hears_return(back, work.subject.as_ref()));
            }
            WorkKind::Handoff { order, history } => {
                order.earlier.retain(|hand| self.hears(hand));
                history.retain(|back| self.hears_return(back, work.subject.as_ref()));
            }
            WorkKind::Returned { earlier, history, .. } => {
                earlier.retain(|hand| self.hears(hand));
                let last = history.pop();
                history.retain(|back| self.hears_return(back, work.subject.as_ref()));
                history.extend(last);
            }
            WorkKind::Proposal { .. }
            | WorkKind::Decision { .. }
            | WorkKind::Ruling { .. }
            | WorkKind::Branch { .. }
            | WorkKind::Join { .. }
            | WorkKind::Changed { .. }
            | WorkKind::Free { .. } => return None,
        }
        Some(Arc::new(seen))
    }
}
