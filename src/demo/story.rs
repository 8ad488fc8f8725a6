//! A team's story as data: who exists, what happens in the first minute, what goes on after that. Read from
//! `assets/stories/`; playing it is `stage`'s business.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::domain::{deed::Outcome, ids::AgentId, time::Span};

/// What a team does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    /// From one recurring scene to the next, on average.
    pub(super) pace: Span,
    /// No scene that raises a case starts while so many wait for a person.
    pub(super) waiting: usize,
    /// What an owner says when it declines a proposal.
    pub(super) declines: Vec<String>,
    /// What comes back when a side effect fails.
    pub(super) failures: Vec<String>,
    /// The people, firms and files that scenes are about, by the name of the list.
    #[serde(default)]
    pub(super) lists: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// Once, in the first minute.
    pub(super) opening: Vec<Scene>,
    /// Again and again.
    #[serde(rename = "scene")]
    pub(super) scenes: Vec<Scene>,
}

/// A few steps that belong together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scene {
    /// What it shows.
    pub(super) name: String,
    /// When it opens, in seconds from the start; openings only.
    #[serde(default)]
    pub(super) at: f64,
    /// How often it comes up, beside the others.
    #[serde(default = "one")]
    pub(super) weight: u64,
    /// Whether a person must decide something because of it.
    #[serde(default)]
    pub(super) raises: bool,
    /// The lists that it takes one entry of each from, as `{list.key}`.
    #[serde(default)]
    pub(super) pick: Vec<String>,
    /// In order.
    pub(super) steps: Vec<Step>,
}

fn one() -> u64 {
    1
}

/// One thing that one agent does.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "WrittenStep")]
pub(super) struct Step {
    /// Seconds after the scene began.
    pub(super) at: f64,
    /// Who.
    pub(super) by: AgentId,
    /// Only if the step before came out so.
    pub(super) only_if: Option<Outcome>,
    /// Whose last deed in this scene led to it; its own by default.
    pub(super) from: Option<AgentId>,
    /// In the agent's words.
    pub(super) why: Option<String>,
    /// What.
    pub(super) verb: Verb,
}

/// What an agent does. Texts may have variables.
#[derive(Debug, Clone)]
pub(super) enum Verb {
    /// Looks at a record and remembers its versions.
    Read(String),
    /// Writes fields.
    Write {
        /// The record.
        entity: String,
        /// What to do with it.
        kind: crate::domain::command::WriteKind,
        /// The fields.
        set: BTreeMap<String, Json>,
        /// What it was based on besides.
        based_on: Vec<String>,
        /// From the versions remembered in this scene, instead of reading again.
        from_memory: bool,
    },
    /// Asks before a side effect, and does it when it may.
    Act {
        /// Where it goes.
        target: String,
        /// About what.
        subject: String,
        /// The agent's word for it.
        action: String,
        /// What it was based on.
        based_on: Vec<String>,
        /// How long it takes, in seconds.
        takes: f64,
    },
    /// Tells a person what it can't decide.
    Escalate {
        /// About what.
        subject: Option<String>,
        /// As received.
        input: Json,
    },
}

/// A step as the file has it: one of the verbs, with what goes with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    at: f64,
    by: AgentId,
    #[serde(rename = "if")]
    only_if: Option<Outcome>,
    from: Option<AgentId>,
    why: Option<String>,
    read: Option<String>,
    write: Option<String>,
    create: Option<String>,
    archive: Option<String>,
    delete: Option<String>,
    act: Option<String>,
    escalate: Option<Json>,
    #[serde(default)]
    set: BTreeMap<String, Json>,
    text: Option<String>,
    #[serde(default)]
    from_memory: bool,
    #[serde(default)]
    based_on: Vec<String>,
    on: Option<String>,
    action: Option<String>,
    takes: Option<f64>,
}

impl TryFrom<WrittenStep> for Step {
    type Error = String;

    fn try_from(step: WrittenStep) -> Result<Self, String> {
        use crate::domain::command::WriteKind;
        let WrittenStep { at, by, only_if, from, why, .. } = step;
        let who = format!("the step of {by} at {at}");
        let writes = [
            (step.write, WriteKind::Update),
            (step.create, WriteKind::Create),
            (step.archive, WriteKind::Archive),
            (step.delete, WriteKind::Delete),
        ];
        let mut set = step.set;
        if let Some(text) = step.text {
            set.insert(String::new(), Json::String(text));
        }
        let mut verbs: Vec<Verb> = writes
            .into_iter()
            .filter_map(|(entity, kind)| Some((entity?, kind)))
            .map(|(entity, kind)| Verb::Write {
                entity,
                kind,
                set: std::mem::take(&mut set),
                based_on: step.based_on.clone(),
                from_memory: step.from_memory,
            })
            .collect();
        verbs.extend(step.read.map(Verb::Read));
        if let Some(target) = step.act {
            verbs.push(Verb::Act {
                target,
                subject: step.on.clone().ok_or_else(|| format!("{who} acts on nothing: add `on`"))?,
                action: step.action.ok_or_else(|| format!("{who} has no word: add `action`"))?,
                based_on: step.based_on,
                takes: step.takes.unwrap_or(2.0),
            });
        }
        if let Some(input) = step.escalate {
            verbs.push(Verb::Escalate { subject: step.on, input });
        }
        match (verbs.pop(), verbs.is_empty()) {
            (Some(verb), true) => Ok(Self { at, by, only_if, from, why, verb }),
            (Some(_), false) => Err(format!("{who} does two things; write two steps")),
            (None, _) => Err(format!("{who} does nothing: add read, write, act or escalate")),
        }
    }
}

/// What a scene's variables stand for: `list.key` to text.
#[derive(Debug, Clone, Default)]
pub(super) struct Vars(BTreeMap<String, String>);

impl Vars {
    /// Lets a name stand for a text.
    pub(super) fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    /// The text with every known `{variable}` filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            filled.push_str(before);
            let Some(close) = from.find('}') else {
                rest = from;
                break;
            };
            let name = from.get(1..close).unwrap_or_default();
            match self.0.get(name) {
                Some(value) => filled.push_str(value),
                None => filled.push_str(from.get(..=close).unwrap_or_default()),
            }
            rest = from.get(close + 1..).unwrap_or_default();
        }
        filled.push_str(rest);
        filled
    }

    /// The same for every text in a value.
    pub(super) fn fill_json(&self, json: &Json) -> Json {
        match json {
            Json::String(text) => Json::String(self.fill(text)),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.fill_json(item)).collect()),
            Json::Object(fields) => {
                Json::Object(fields.iter().map(|(key, value)| (key.clone(), self.fill_json(value))).collect())
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => json.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_and_braces_left_alone() {
        let mut vars = Vars::default();
        vars.set("who.id", "amara");
        assert_eq!(vars.fill("crm/contact/{who.id}#name"), "crm/contact/amara#name");
        assert_eq!(vars.fill("{other} {who.id}{"), "{other} amara{");
    }

    #[test]
    fn a_step_does_one_thing() {
        let read = |text: &str| toml::from_str::<Step>(text).map_err(|error| error.to_string());
        assert!(read("at = 1\nby = 'a'\nread = 'x/y'").is_ok());
        assert!(read("at = 1\nby = 'a'").unwrap_err().contains("does nothing"));
        assert!(
            read("at = 1\nby = 'a'\nread = 'x'\nact = 'y'\non = 'z'\naction = 'w'")
                .unwrap_err()
                .contains("two things")
        );
        assert!(read("at = 1\nby = 'a'\nact = 'y'").unwrap_err().contains("add `on`"));
    }
}
