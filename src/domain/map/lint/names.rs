//! Names that look like others: a space at the end, another case, an accent that is a sign of its own, a letter of another script; and
//! such as are taken for Deeds' own words.

use std::collections::{HashMap, HashSet};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::model::Model;
use crate::domain::path::{drawn, in_one_spelling, reserved};

/// Which names are of one kind, so that two of them can be taken for one another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Agent,
    Event,
    Output,
    Queue,
    /// A path up to the end of one of its parts.
    Path,
}

pub(super) fn check(model: &Model, issues: &mut Issues) {
    let mut names = Names::default();
    for (at, agent) in model.agents.iter().enumerate() {
        let spot = |key, item| Spot::entry(Section::Agent, at).key(key).item(item);
        names.see(Kind::Agent, agent.id.as_str(), Spot::entry(Section::Agent, at).key("id"), issues);
        for (item, pattern) in agent.writes.iter().enumerate() {
            names.see_path(pattern.as_str(), spot("writes", item), issues);
        }
        for (item, pattern) in agent.except.iter().enumerate() {
            names.see_path(pattern.as_str(), spot("except", item), issues);
        }
        for (item, pattern) in agent.hidden.iter().enumerate() {
            names.see_path(pattern.as_str(), spot("hidden", item), issues);
        }
        for (item, event) in agent.triggers.iter().enumerate() {
            names.see(Kind::Event, event, spot("triggers", item), issues);
        }
        for (item, output) in agent.outputs.iter().enumerate() {
            names.see(Kind::Output, output, spot("outputs", item), issues);
        }
    }
    for (at, event) in model.events.iter().enumerate() {
        names.see(Kind::Event, &event.name, Spot::entry(Section::Event, at).key("name"), issues);
    }
    for (at, rule) in model.fields.iter().enumerate() {
        names.see_path(rule.path.as_str(), Spot::entry(Section::Field, at).key("path"), issues);
    }
    for (at, output) in model.outputs.iter().enumerate() {
        names.see(Kind::Output, &output.name, Spot::entry(Section::Output, at).key("name"), issues);
    }
    for (at, queue) in model.queues.iter().enumerate() {
        names.see(Kind::Queue, queue.name.as_str(), Spot::entry(Section::Queue, at).key("name"), issues);
    }
    actors(model, issues);
}

/// Whoever acts or answers: names that are drawn alike, and such as are Deeds' own words.
fn actors(model: &Model, issues: &mut Issues) {
    let root = Spot::entry(Section::Root, 0).key("governance_owner");
    let mut actors = Actors::default();
    if let Some(person) = &model.governance_owner {
        actors.see((person.as_str(), false), root, issues);
    }
    for (at, agent) in model.agents.iter().enumerate() {
        let spot = Spot::entry(Section::Agent, at);
        actors.see((agent.id.as_str(), true), spot.key("id"), issues);
        actors.see((agent.owner.as_str(), false), spot.key("owner"), issues);
    }
    for (at, queue) in model.queues.iter().enumerate() {
        let spot = Spot::entry(Section::Queue, at);
        actors.see((queue.owner.as_str(), false), spot.key("owner"), issues);
        for (item, deputy) in queue.deputies.iter().enumerate() {
            actors.see((deputy.as_str(), false), spot.key("deputies").item(item), issues);
        }
    }
    for (at, person) in model.people.iter().enumerate() {
        actors.see((person.id.as_str(), false), Spot::entry(Section::Person, at).key("id"), issues);
    }
}

/// Agents and persons so far, by how their names are drawn.
#[derive(Default)]
struct Actors {
    seen: HashMap<String, (String, bool, Spot)>,
    told: HashSet<String>,
}

impl Actors {
    /// A name, and whether it is an agent's.
    fn see(&mut self, (name, agent): (&str, bool), spot: Spot, issues: &mut Issues) {
        let known = self.seen.entry(drawn(name)).or_insert_with(|| (name.to_owned(), agent, spot));
        let (first, first_agent, place) = (known.0.clone(), known.1, known.2);
        if let Some(word) = reserved(name)
            && self.told.insert(name.to_owned())
        {
            let message = format!("`{name}` is taken for `{word}`, a word of Deeds' own");
            issues.push(Issue::new(Lint::ReservedName, spot, message));
        }
        // That an agent and a person bear one name is told apart by their class; two agents that differ in case are told of already.
        let plain = |text: &str| in_one_spelling(text).to_lowercase();
        let told = agent && first_agent && plain(&first) == plain(name);
        if first == name || told || !self.told.insert(name.to_owned()) {
            return;
        }
        let message = format!("`{name}` and `{first}` are two names, and are drawn alike");
        let mut issue = Issue::new(Lint::Confusable, spot, message);
        issue.also.push((place, "the other one".to_owned()));
        issues.push(issue);
    }
}

/// The names so far: by what they look like, how the first of them is written, and where.
#[derive(Default)]
struct Names {
    seen: HashMap<(Kind, String), (String, Spot)>,
}

impl Names {
    /// Looks at each part of a path after the same parts before it.
    fn see_path(&mut self, path: &str, spot: Spot, issues: &mut Issues) {
        for (at, _) in path.match_indices(['/', '#']).chain([(path.len(), "")]) {
            if self.is_alike(Kind::Path, path.get(..at).unwrap_or(path), spot, issues) {
                return;
            }
        }
    }

    fn see(&mut self, kind: Kind, name: &str, spot: Spot, issues: &mut Issues) {
        self.is_alike(kind, name, spot, issues);
    }

    /// Says so where a name looks like another.
    fn is_alike(&mut self, kind: Kind, name: &str, spot: Spot, issues: &mut Issues) -> bool {
        let last = name.rsplit(['/', '#']).next().unwrap_or(name);
        if last.trim() != last {
            issues.push(Issue::new(
                Lint::LookAlike,
                spot,
                format!("`{last}` has a space at one end, which nobody sees"),
            ));
            return true;
        }
        let looks = in_one_spelling(name).to_lowercase();
        let (first, place) = self.seen.entry((kind, looks)).or_insert_with(|| (name.to_owned(), spot));
        if *first == name {
            return false;
        }
        let how = if in_one_spelling(first) == in_one_spelling(name) { "in their signs" } else { "in case" };
        let message = format!("`{name}` and `{first}` differ {how} only");
        let mut issue = Issue::new(Lint::LookAlike, spot, message);
        issue.also.push((*place, "the other one".to_owned()));
        issues.push(issue);
        true
    }
}
