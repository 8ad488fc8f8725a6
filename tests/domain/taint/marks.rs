//! Markers: texts that happen once, with where they stand and whom they were meant for. Who may see one is worked out here
//! anew, from docs/RULES.md §2.2.

use std::collections::{BTreeMap, BTreeSet};

use super::team;
use deeds::domain::ids::AgentId;
use deeds::domain::map::{Mode, Model};
use deeds::domain::path::FieldPath;

/// How a marker begins. Nothing else is written so.
pub(super) const SIGN: &str = "mk0";

/// One marker.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    /// Who sent it.
    pub(super) from: String,
    /// What it says something of: whoever sees all of it may see the marker. None: nobody by that.
    pub(super) paths: Vec<FieldPath>,
    /// Whom it was said to.
    pub(super) to: BTreeSet<String>,
    /// What it came with: whoever listens to it.
    pub(super) event: Option<&'static str>,
    /// The task or thread that it is a part of: whoever has a part in it.
    pub(super) task: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Marks {
    all: Vec<Mark>,
    listeners: BTreeMap<&'static str, BTreeSet<String>>,
    parts: BTreeMap<String, BTreeSet<String>>,
}

/// Who looks, under which maps.
pub(super) struct Sees<'a> {
    pub(super) agent: &'a AgentId,
    pub(super) now: &'a Model,
    pub(super) then: Option<&'a Model>,
}

impl Marks {
    /// A new text.
    pub(super) fn fresh(&mut self, mark: Mark) -> String {
        self.all.push(mark);
        format!("{SIGN}{:05}", self.all.len() - 1)
    }

    /// Who listens to which event, in this map too.
    pub(super) fn listen(&mut self, model: &Model) {
        for event in team::EVENTS {
            let heard = self.listeners.entry(event).or_default();
            let triggered = model.agents.iter().filter(|agent| agent.triggers.iter().any(|one| one == event));
            heard.extend(triggered.map(|agent| agent.id.to_string()));
            for route in model.routes.iter().filter(|route| route.event == event) {
                heard.extend(std::iter::once(&route.agent).chain(&route.then).map(ToString::to_string));
            }
        }
    }

    /// An agent gets a part in a task.
    pub(super) fn joins(&mut self, task: &str, agent: &str) {
        self.parts.entry(task.to_owned()).or_default().insert(agent.to_owned());
    }

    /// A person passes on what waited.
    pub(super) fn pass_on(&mut self, text: &str, to: &str) {
        let numbers: Vec<usize> = Self::in_text(text).map(number).collect();
        for at in numbers {
            let mark = &mut self.all[at];
            if mark.paths.is_empty() {
                mark.to.insert(to.to_owned());
            }
        }
    }

    /// A person gives another agent what was said to one.
    pub(super) fn hand_on(&mut self, text: &str, to: &str) {
        let numbers: Vec<usize> = Self::in_text(text).map(number).collect();
        for at in numbers {
            self.all[at].to.insert(to.to_owned());
        }
    }

    /// The markers in a text.
    pub(super) fn in_text(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices(SIGN).map(|(at, _)| &text[at..at + SIGN.len() + 5])
    }

    /// Whether this agent may see it.
    pub(super) fn is_for(&self, text: &str, sees: &Sees<'_>) -> bool {
        let mark = &self.all[number(text)];
        let agent = sees.agent.as_str();
        let has = |set: Option<&BTreeSet<String>>| set.is_some_and(|set| set.contains(agent));
        let open = |path: &FieldPath| {
            is_open(sees.now, sees.agent, path)
                && sees.then.is_none_or(|then| is_open(then, sees.agent, path))
        };
        mark.from == agent
            || mark.to.contains(agent)
            || has(mark.event.and_then(|event| self.listeners.get(event)))
            || has(mark.task.as_ref().and_then(|task| self.parts.get(task)))
            || !mark.paths.is_empty() && mark.paths.iter().all(open)
    }

    pub(super) fn describe(&self, text: &str) -> String {
        format!("{text} {:?}", self.all[number(text)])
    }
}

fn number(text: &str) -> usize {
    text[SIGN.len()..].parse().unwrap()
}

/// May the agent see the field?
fn is_open(model: &Model, agent: &AgentId, path: &FieldPath) -> bool {
    let mut segments = path.entity.segments();
    if segments.next() == Some("scratch")
        && let Some(whose) = segments.next()
    {
        return whose == agent.as_str();
    }
    let Some(entry) = model.agents.iter().find(|entry| entry.id == *agent) else {
        return model.mode == Mode::Observe;
    };
    !entry.hidden.iter().any(|pattern| pattern.matches_path(path))
        && entry.reads.iter().any(|pattern| pattern.matches_path(path))
}
