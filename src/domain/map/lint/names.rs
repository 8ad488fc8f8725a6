//! Names that look like others: a space at the end, another case, an accent that is a sign of its own.

use std::collections::HashMap;

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::model::Model;
use crate::domain::path::in_one_spelling;

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
