//! A team's story as data: who exists, what happens in the first minute, what goes on after that. Read from
//! `assets/stories/`; playing it is `stage`'s business.

mod step;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::domain::ids::{AgentId, QueueName};
use crate::domain::time::Span;

pub(super) use self::step::{
    Act, Claim, Conclude, Escalate, FanOut, HandOver, LeaseVerb, LeaseWord, Publish, Raise, Step, Verb,
    WorkPick, Write,
};

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
    /// What agents do with events that come to them; without a duty an event is taken and completed.
    #[serde(default, rename = "duty")]
    pub(super) duties: Vec<Duty>,
    /// What of the map falls due soon after the start, whatever the hour is.
    #[serde(default)]
    pub(super) soon: Soon,
}

/// What falls due at the first full minute after the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Soon {
    /// A scheduled event that is raised then.
    pub(super) event: Option<String>,
    /// A queue whose review is too late then: nobody held it.
    pub(super) missed_review: Option<QueueName>,
}

/// What an agent does with an event that is its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Duty {
    /// What it shows.
    pub(super) name: String,
    /// The event; what it is about is `{on}`, an attribute of it `{event.name}`.
    pub(super) event: String,
    /// Whose.
    pub(super) by: AgentId,
    /// In order, from the moment it is seen.
    pub(super) steps: Vec<Step>,
}

impl Duty {
    /// The scene that it is.
    pub(super) fn scene(&self) -> Scene {
        Scene {
            name: self.name.clone(),
            at: 0.0,
            weight: 1,
            raises: false,
            pick: Vec::new(),
            steps: self.steps.clone(),
        }
    }
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
}
