//! Which entries of a map the cases touched: a grant that was used or stood in another's way, a route that was taken, a
//! rule that had something to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId};
use crate::domain::map::model::Route;
use crate::domain::map::{
    Agent, Basis, Contradiction, Defer, Event, FieldRule, Map, Model, Output, Queue, Routing, text_matches,
};
use crate::domain::path::{FieldName, FieldPath, Pattern};
use crate::domain::things::{AlertKind, Case, WorkKind};
use crate::domain::value::Value;

/// What of a map was touched, in the order of the map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Every entry.
    pub entries: Vec<Covered>,
}

/// One entry of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Which, in the words of the map.
    pub what: String,
    /// Whether a case touched it.
    pub touched: bool,
}

impl Coverage {
    /// How many entries were touched.
    pub fn touched(&self) -> usize {
        self.entries.iter().filter(|entry| entry.touched).count()
    }

    /// Those that none touched.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| !entry.touched).map(|entry| entry.what.as_str())
    }

    /// Adds what the cases of another file touched of the same map.
    pub fn merge(&mut self, other: &Self) {
        if self.entries.is_empty() {
            self.entries.clone_from(&other.entries);
        }
        for (entry, other) in self.entries.iter_mut().zip(&other.entries) {
            entry.touched |= other.touched;
        }
    }
}

/// An entry of the map that something can touch.
enum Entry<'m> {
    Write(&'m Agent, &'m Pattern),
    Except(&'m Agent, &'m Pattern),
    Hidden(&'m Agent, &'m Pattern),
    Trigger(&'m Agent, &'m str),
    Publishes(&'m Agent, &'m str),
    Reason(&'m Agent, &'m str),
    Event(&'m Event),
    Route(&'m Route),
    Field(&'m FieldRule),
    Output(&'m Output),
    Queue(&'m Queue),
    Defer(&'m Defer),
    Contradiction(&'m Contradiction),
    Basis(&'m Basis),
}

/// Looks on while cases are played.
pub(super) struct Watch<'m> {
    map: &'m Map,
    entries: Vec<(Entry<'m>, bool)>,
    reads: BTreeSet<(AgentId, FieldPath)>,
}

impl<'m> Watch<'m> {
    pub(super) fn new(map: &'m Map) -> Self {
        let entries = entries(map.model()).into_iter().map(|entry| (entry, false)).collect();
        Self { map, entries, reads: BTreeSet::new() }
    }

    /// An agent looked at a record.
    pub(super) fn read(&mut self, who: &Actor, path: &FieldPath) {
        if let Some(agent) = who.agent() {
            self.reads.insert((agent.clone(), path.clone()));
        }
    }

    /// The deeds of a case.
    pub(super) fn saw(&mut self, deeds: &[Deed]) {
        for deed in deeds {
            let paths = paths(deed);
            for (entry, touched) in &mut self.entries {
                *touched = *touched || entry.is_touched(self.map, deed, &paths);
            }
        }
    }

    pub(super) fn finish(mut self) -> Coverage {
        for (entry, touched) in &mut self.entries {
            if let Entry::Hidden(agent, pattern) = entry {
                let read =
                    |(who, path): &(AgentId, FieldPath)| *who == agent.id && pattern.matches_path(path);
                *touched = *touched || self.reads.iter().any(read);
            }
        }
        let covered = |(entry, touched): (Entry<'_>, bool)| Covered { what: entry.words(), touched };
        Coverage { entries: self.entries.into_iter().map(covered).collect() }
    }
}

fn entries(model: &Model) -> Vec<Entry<'_>> {
    let mut all = Vec::new();
    for agent in &model.agents {
        all.extend(agent.writes.iter().map(|pattern| Entry::Write(agent, pattern)));
        all.extend(agent.except.iter().map(|pattern| Entry::Except(agent, pattern)));
        all.extend(agent.hidden.iter().map(|pattern| Entry::Hidden(agent, pattern)));
        all.extend(agent.triggers.iter().map(|event| Entry::Trigger(agent, event)));
        all.extend(agent.outputs.iter().map(|output| Entry::Publishes(agent, output)));
        all.extend(agent.escalates_when.iter().map(|reason| Entry::Reason(agent, reason)));
    }
    all.extend(model.events.iter().map(Entry::Event));
    all.extend(model.routes.iter().map(Entry::Route));
    all.extend(model.fields.iter().map(Entry::Field));
    all.extend(model.outputs.iter().map(Entry::Output));
    all.extend(model.queues.iter().map(Entry::Queue));
    all.extend(model.defers.iter().map(Entry::Defer));
    all.extend(model.contradictions.iter().map(Entry::Contradiction));
    all.extend(model.bases.iter().map(Entry::Basis));
    all
}

/// The fields that a deed is about: those that it names, else the record as a whole, and the path that an act goes to.
fn paths(deed: &Deed) -> Vec<FieldPath> {
    let Some(subject) = &deed.subject else { return Vec::new() };
    let mut paths: Vec<FieldPath> = deed
        .fields
        .iter()
        .map(|field| FieldPath::new(field.entity.as_ref().unwrap_or(subject).clone(), field.name.clone()))
        .collect();
    if paths.is_empty() {
        paths.push(FieldPath::new(subject.clone(), FieldName::whole()));
    }
    paths.extend(target(deed).and_then(|target| target.parse::<FieldPath>().ok()));
    paths
}

/// Where an act goes.
fn target(deed: &Deed) -> Option<&str> {
    if let Body::ActAllowed(order) | Body::ActRefused(order) | Body::ActDeferred(order) = &deed.body {
        return Some(&order.target);
    }
    None
}

/// Where something goes out, whatever became of it.
fn spoken(deed: &Deed) -> Option<&str> {
    if let Body::OutputPublished(said)
    | Body::OutputHeld(said)
    | Body::OutputDeferred(said)
    | Body::OutputRefused(said) = &deed.body
    {
        return Some(&said.output);
    }
    target(deed)
}

/// Does it write, or try to?
fn is_write(deed: &Deed) -> bool {
    matches!(
        deed.body,
        Body::WriteCommitted(())
            | Body::WriteProposed(())
            | Body::WriteEscalated(())
            | Body::WriteRefused(())
            | Body::EntityCreated(())
            | Body::EntityArchived(())
            | Body::EntityDeleted(())
    )
}

impl Entry<'_> {
    fn words(&self) -> String {
        match self {
            Self::Write(agent, pattern) => format!("{} writes {pattern}", agent.id),
            Self::Except(agent, pattern) => format!("{} except {pattern}", agent.id),
            Self::Hidden(agent, pattern) => format!("{} hidden {pattern}", agent.id),
            Self::Trigger(agent, event) => format!("{} triggers {event}", agent.id),
            Self::Publishes(agent, output) => format!("{} outputs {output}", agent.id),
            Self::Reason(agent, reason) => format!("{} escalates_when {reason:?}", agent.id),
            Self::Event(event) => format!("[[event]] {}", event.name),
            Self::Route(route) => {
                let when: Vec<String> =
                    route.when.iter().map(|(name, glob)| format!("{name} {glob:?}")).collect();
                let when = if when.is_empty() { String::new() } else { format!(" when {}", when.join(", ")) };
                format!("[[route]] {}{when} to {}", route.event, route.agent)
            }
            Self::Field(rule) => format!("[[field]] {} ({})", rule.path, rule.kind.as_str()),
            Self::Output(output) => format!("[[output]] {}", output.name),
            Self::Queue(queue) => format!("[[queue]] {}", queue.name),
            Self::Defer(defer) => {
                let actions = if defer.actions.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", defer.actions.join(", "))
                };
                format!("[[defer]] {} to {}{actions}", defer.agent, defer.to)
            }
            Self::Contradiction(rule) => format!("[[contradiction]] {}", rule.name),
            Self::Basis(basis) => {
                let needs: Vec<String> = basis.needs.iter().map(ToString::to_string).collect();
                format!("[[basis]] {}", needs.join(", "))
            }
        }
    }

    fn is_touched(&self, map: &Map, deed: &Deed, paths: &[FieldPath]) -> bool {
        let by = |agent: &AgentId| deed.actor.agent() == Some(agent);
        let on = |pattern: &Pattern| paths.iter().any(|path| pattern.matches_path(path));
        match self {
            Self::Write(agent, pattern) => {
                let used = by(&agent.id) && !deed.outcome.is_refusal() || deed.refs.owners.contains(&agent.id);
                used && on(pattern) && (is_write(deed) || target(deed).is_some())
            }
            Self::Except(agent, pattern) => by(&agent.id) && on(pattern),
            Self::Hidden(agent, pattern) => {
                let based = || deed.based_on().iter().any(|path| pattern.matches_path(path));
                by(&agent.id) && (on(pattern) || based())
            }
            Self::Trigger(agent, event) => woken(deed, &agent.id, event),
            Self::Publishes(agent, output) => by(&agent.id) && spoken(deed) == Some(output),
            Self::Reason(agent, reason) => escalated(deed, &agent.id, reason),
            Self::Event(event) => heard(deed).is_some_and(|(name, _)| *name == *event.name),
            Self::Route(route) => heard(deed).is_some_and(|(name, attributes)| {
                matches!(map.route(name, attributes), Routing::Owner { agent, .. } if std::ptr::eq(agent, &raw const route.agent))
            }),
            Self::Field(rule) => is_write(deed) && on(&rule.path),
            Self::Output(output) => spoken(deed) == Some(&output.name),
            Self::Queue(queue) => {
                deed.refs.queue.as_ref() == Some(&queue.name)
                    || matches!(&deed.body, Body::ItemOpened(item) if item.queue == queue.name)
            }
            Self::Defer(defer) => {
                let owners = &deed.refs.owners;
                deed.code == Some(Code::Deferred)
                    && by(&defer.agent)
                    && defer.to.agent().map_or(owners.is_empty(), |to| owners.contains(to))
                    && defer.covers_action(&deed.action)
            }
            Self::Contradiction(rule) => contradicted(deed, &rule.name),
            Self::Basis(basis) => {
                spoken(deed).is_some() && !basis.needed(&deed.action, deed.subject.as_ref()).is_empty()
            }
        }
    }
}

type Attributes = BTreeMap<Arc<str>, Value>;

/// An event that came up.
fn heard(deed: &Deed) -> Option<(&str, &Attributes)> {
    if let Body::EventRaised(raised) | Body::EventEscalated(raised) | Body::EventRefused(raised) = &deed.body
    {
        return Some((&raised.event, &raised.attributes));
    }
    None
}

fn woken(deed: &Deed, agent: &AgentId, trigger: &str) -> bool {
    if let Body::WorkQueued(work) = &deed.body
        && let WorkKind::Dispatch { event, .. } = &work.kind
    {
        return work.agent == *agent && text_matches(trigger, event);
    }
    if let Body::ClaimGranted(claim) = &deed.body {
        return deed.actor.agent() == Some(agent) && text_matches(trigger, &claim.event);
    }
    false
}

fn escalated(deed: &Deed, agent: &AgentId, reason: &str) -> bool {
    let Body::ItemOpened(item) = &deed.body else { return false };
    let by = item.raised_by.agent() == Some(agent);
    by && !item.unforeseen
        && matches!(item.case, Case::Escalation { .. })
        && item.why.trim().eq_ignore_ascii_case(reason.trim())
}

fn contradicted(deed: &Deed, name: &str) -> bool {
    let Body::AlertOpened(alert) = &deed.body else { return false };
    let print = AlertKind::Contradiction.fingerprint(name);
    alert.kind == AlertKind::Contradiction
        && alert.fingerprint.strip_prefix(&print).is_some_and(|rest| rest.starts_with('|'))
}
