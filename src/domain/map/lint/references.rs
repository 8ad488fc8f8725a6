//! Names that lead nowhere, names that are used twice.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::ids::AgentId;
use crate::domain::map::ahead::Ahead;
use crate::domain::map::model::{FieldKind, Model};
use crate::domain::map::spelling::nearest;

pub(super) fn check(model: &Model, issues: &mut Issues) {
    duplicates(Section::Agent, "id", model.agents.iter().map(|agent| agent.id.as_str()), issues);
    duplicates(Section::Event, "name", model.events.iter().map(|event| event.name.as_str()), issues);
    duplicates(Section::Output, "name", model.outputs.iter().map(|output| output.name.as_str()), issues);
    duplicates(Section::Queue, "name", model.queues.iter().map(|queue| queue.name.as_str()), issues);
    let names = model.contradictions.iter().map(|contradiction| contradiction.name.as_str());
    duplicates(Section::Contradiction, "name", names, issues);
    duplicates(Section::Person, "id", model.people.iter().map(|person| person.id.as_str()), issues);
    accounts(model, issues);
    queues(model, issues);
    agents(model, issues);
    timezone(model, issues);
}

/// Schedules and people's days are read in a timezone that is known.
fn timezone(model: &Model, issues: &mut Issues) {
    known_timezone(&model.timezone, Spot::entry(Section::Root, 0), issues);
    for (at, person) in model.people.iter().enumerate() {
        if let Some(name) = &person.timezone {
            known_timezone(name, Spot::entry(Section::Person, at), issues);
        }
    }
}

fn known_timezone(name: &str, spot: Spot, issues: &mut Issues) {
    if name.parse::<chrono_tz::Tz>().is_ok() {
        return;
    }
    let message = format!("`{name}` is not a timezone that is known");
    let mut issue = Issue::new(Lint::Types, spot.key("timezone"), message);
    let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    let near = nearest(name, names).map(|near| format!("did you mean `{near}`?"));
    issue.mend = near.or_else(|| Some("write an IANA name such as `Europe/Madrid` or `UTC`".to_owned()));
    issues.push(issue);
}

fn duplicates<'a>(
    section: Section,
    key: &'static str,
    names: impl Iterator<Item = &'a str>,
    issues: &mut Issues,
) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, name) in names.enumerate() {
        match first.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
            Entry::Occupied(entry) => {
                let spot = |at| Spot::entry(section, at).key(key);
                let mut issue =
                    Issue::new(Lint::DuplicateName, spot(at), format!("`{name}` has an entry already"));
                issue.also.push((spot(*entry.get()), "the first one is here".to_owned()));
                issues.push(issue);
            }
        }
    }
}

/// An account is one person's: its own, or the one that names it.
fn accounts(model: &Model, issues: &mut Issues) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, person) in model.people.iter().enumerate() {
        let account = person.account.as_ref().unwrap_or(&person.id);
        match first.entry(account.as_str()) {
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
            // One id twice is told already.
            Entry::Occupied(entry)
                if model.people.get(*entry.get()).is_some_and(|one| one.id == person.id) => {}
            Entry::Occupied(entry) => {
                let spot = Spot::entry(Section::Person, at).key("account");
                let message = format!("the account `{account}` is another person's already");
                let mut issue = Issue::new(Lint::DuplicateName, spot, message);
                issue.also.push((Spot::entry(Section::Person, *entry.get()), "that of this one".to_owned()));
                issues.push(issue);
            }
        }
    }
}

fn queues(model: &Model, issues: &mut Issues) {
    let known: HashSet<&str> = model.queues.iter().map(|queue| queue.name.as_str()).collect();
    for (at, agent) in model.agents.iter().enumerate() {
        let Some(queue) = agent.escalates_to.as_ref().filter(|queue| !known.contains(queue.as_str())) else {
            continue;
        };
        let spot = Spot::entry(Section::Agent, at).key("escalates_to");
        let mut issue = Issue::new(Lint::UnknownQueue, spot, format!("there is no queue `{queue}`"));
        issue.mend = suggestion(queue.as_str(), known.iter().copied());
        issues.push(issue);
    }
    for (at, person) in model.people.iter().enumerate() {
        for (item, queue) in person.priority.iter().enumerate() {
            if !known.contains(queue.as_str()) {
                let spot = Spot::entry(Section::Person, at).key("priority").item(item);
                let mut issue = Issue::new(Lint::UnknownQueue, spot, format!("there is no queue `{queue}`"));
                issue.mend = suggestion(queue.as_str(), known.iter().copied());
                issues.push(issue);
            }
        }
    }
}

fn agents(model: &Model, issues: &mut Issues) {
    let known: HashSet<&str> = model.agents.iter().map(|agent| agent.id.as_str()).collect();
    let mut check = |id: &AgentId, spot: Spot| {
        if known.contains(id.as_str()) || issues.is_full(Lint::UnknownAgent) {
            return;
        }
        let mut issue = Issue::new(Lint::UnknownAgent, spot, format!("there is no agent `{id}`"));
        issue.mend = suggestion(id.as_str(), known.iter().copied());
        issues.push(issue);
    };
    let mut list = |ids: &[AgentId], spot: Spot| {
        for (item, id) in ids.iter().enumerate() {
            check(id, spot.item(item));
        }
    };
    for (at, route) in model.routes.iter().enumerate() {
        let spot = Spot::entry(Section::Route, at);
        list(std::slice::from_ref(&route.agent), spot.key("agent"));
        list(&route.then, spot.key("then"));
    }
    for (at, rule) in model.fields.iter().enumerate() {
        if let FieldKind::Sequenced { agents } = &rule.kind {
            list(agents, Spot::entry(Section::Field, at).key("order"));
        }
    }
    for (at, output) in model.outputs.iter().enumerate() {
        list(&output.order, Spot::entry(Section::Output, at).key("order"));
    }
    for (at, queue) in model.queues.iter().enumerate() {
        list(&queue.priority, Spot::entry(Section::Queue, at).key("priority"));
    }
    for (at, defer) in model.defers.iter().enumerate() {
        let spot = Spot::entry(Section::Defer, at);
        list(std::slice::from_ref(&defer.agent), spot.key("agent"));
        match &defer.to {
            Ahead::Agent(to) => list(std::slice::from_ref(to), spot.key("to")),
            Ahead::Person(_) => {}
        }
    }
}

fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}
