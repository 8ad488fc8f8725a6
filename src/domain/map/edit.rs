//! Changes to a map that answers make: one grant added or taken back, a part of a zone handed over.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Agent, Model};
use crate::domain::{
    ids::{AgentId, PersonId},
    path::{FieldPath, Pattern, overlap},
};

/// One thing that an agent's zone can grow by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "value", rename_all = "lowercase")]
pub enum Grant {
    /// Fields.
    Write(Pattern),
    /// An event that wakes it.
    Trigger(String),
    /// A destination it publishes to.
    Output(String),
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(pattern) => write!(f, "writes {pattern}"),
            Self::Trigger(event) => write!(f, "triggers {event}"),
            Self::Output(output) => write!(f, "outputs {output}"),
        }
    }
}

/// Why a map can't be changed so, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Another agent has it.
    #[error("{what} belongs to {owner}, as {example} shows; transfer it from {owner} instead")]
    Owned {
        /// What was asked for.
        what: String,
        /// Whose it is.
        owner: AgentId,
        /// A path in both.
        example: String,
    },
    /// The agent it is taken from does not have it.
    #[error("{0} does not write {1}; look at `deeds map show` for its zone")]
    NotTheirs(AgentId, Pattern),
    /// The map has no such agent.
    #[error("the map has no agent {0}; name one that it has")]
    Unknown(AgentId),
}

impl EditError {
    /// The present owner, where that is what stands in the way.
    pub fn owner(&self) -> Option<&AgentId> {
        match self {
            Self::Owned { owner, .. } => Some(owner),
            Self::NotTheirs(..) | Self::Unknown(_) => None,
        }
    }
}

/// The map with the grant added. An unknown agent is added too, with this person as its owner.
///
/// # Errors
/// When another agent's zone has a part of it.
pub fn grant(model: &Model, agent: &AgentId, grant: &Grant, person: &PersonId) -> Result<Model, EditError> {
    if let Some((owner, example)) = taken(model, agent, grant) {
        return Err(EditError::Owned { what: grant.to_string(), owner, example });
    }
    let newcomer = model.agent(agent).is_none().then_some(person);
    Ok(add_grant(model, agent, grant, newcomer))
}

fn taken(model: &Model, agent: &AgentId, grant: &Grant) -> Option<(AgentId, String)> {
    let mut others = model.agents.iter().filter(|other| other.id != *agent);
    match grant {
        Grant::Write(pattern) => {
            let except = model.agent(agent).map(|agent| agent.except.as_slice()).unwrap_or_default();
            others.find_map(|other| {
                let example = shared(model, pattern, except, other)?;
                Some((other.id.clone(), example.to_string()))
            })
        }
        Grant::Trigger(event) => {
            others.find(|other| other.triggers.contains(event)).map(|other| (other.id.clone(), event.clone()))
        }
        Grant::Output(output) => others
            .find(|other| other.outputs.contains(output))
            .map(|other| (other.id.clone(), output.clone())),
    }
}

fn shared(model: &Model, pattern: &Pattern, except: &[Pattern], other: &Agent) -> Option<FieldPath> {
    let open: Vec<Pattern> = model
        .fields
        .iter()
        .filter(|rule| rule.kind.takes_several_writers())
        .map(|rule| rule.path.clone())
        .chain(except.iter().cloned())
        .collect();
    other.writes.iter().find_map(|theirs| overlap(pattern, &open, theirs, &other.except))
}

/// The map with a part of `from`'s zone given to `to`.
///
/// # Errors
/// When `from` does not have it, `to` is unknown, or a third agent has a part of it.
pub fn transfer(model: &Model, pattern: &Pattern, from: &AgentId, to: &AgentId) -> Result<Model, EditError> {
    let giver = model.agent(from).ok_or_else(|| EditError::Unknown(from.clone()))?;
    if model.agent(to).is_none() {
        return Err(EditError::Unknown(to.clone()));
    }
    if shared(model, pattern, &[], giver).is_none() {
        return Err(EditError::NotTheirs(from.clone(), pattern.clone()));
    }
    let moved = move_grant(model, pattern, from, to);
    let third = moved.agents.iter().filter(|other| other.id != *to && other.id != *from);
    for other in third {
        if let Some(example) = shared(model, pattern, &[], other) {
            return Err(EditError::Owned {
                what: pattern.to_string(),
                owner: other.id.clone(),
                example: example.to_string(),
            });
        }
    }
    Ok(moved)
}

/// Adds a grant without asking; what a deed says happened.
pub fn add_grant(model: &Model, agent: &AgentId, grant: &Grant, newcomer: Option<&PersonId>) -> Model {
    let mut model = model.clone();
    if let Some(person) = newcomer
        && model.agent(agent).is_none()
    {
        model.agents.push(Agent::new(agent.clone(), person.clone()));
    }
    if let Some(entry) = model.agents.iter_mut().find(|entry| entry.id == *agent) {
        match grant {
            Grant::Write(pattern) => {
                // What was taken out of the zone before comes back with the grant.
                entry.except.retain(|except| except != pattern);
                push_new(&mut entry.writes, pattern.clone());
            }
            Grant::Trigger(event) => push_new(&mut entry.triggers, event.clone()),
            Grant::Output(output) => push_new(&mut entry.outputs, output.clone()),
        }
    }
    model
}

/// Takes a grant back without asking; with `gone` the agent leaves the map too.
pub fn remove_grant(model: &Model, agent: &AgentId, grant: &Grant, gone: bool) -> Model {
    let mut model = model.clone();
    if gone {
        model.agents.retain(|entry| entry.id != *agent);
        return model;
    }
    if let Some(entry) = model.agents.iter_mut().find(|entry| entry.id == *agent) {
        match grant {
            Grant::Write(pattern) => entry.writes.retain(|have| have != pattern),
            Grant::Trigger(event) => entry.triggers.retain(|have| have != event),
            Grant::Output(output) => entry.outputs.retain(|have| have != output),
        }
    }
    model
}

/// Moves a pattern from one zone to another without asking.
pub fn move_grant(model: &Model, pattern: &Pattern, from: &AgentId, to: &AgentId) -> Model {
    let mut model = model.clone();
    if let Some(giver) = model.agents.iter_mut().find(|entry| entry.id == *from) {
        let before = giver.writes.len();
        giver.writes.retain(|have| have != pattern);
        if giver.writes.len() == before {
            push_new(&mut giver.except, pattern.clone());
        }
    }
    if let Some(taker) = model.agents.iter_mut().find(|entry| entry.id == *to) {
        let excepted = taker.except.len();
        taker.except.retain(|except| except != pattern);
        // A pattern that only had been taken out of a wider grant is covered again by that grant.
        if taker.except.len() == excepted {
            push_new(&mut taker.writes, pattern.clone());
        }
    }
    model
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
