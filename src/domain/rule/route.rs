//! Who may claim an event, and in which queue one waits that nobody, or more than one, answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::ids::{Actor, AgentId};
use crate::domain::map::{Map, Queue, Routing};
use crate::domain::things::Alert;
use crate::domain::value::Value;

/// Why an event is not the claimant's.
#[derive(Debug, PartialEq, Eq)]
pub enum NotYours<'a> {
    /// It is another's.
    Of(&'a AgentId),
    /// It is nobody's.
    Nobodys,
    /// It is these agents', and no route decides.
    Several(Vec<&'a AgentId>),
}

impl NotYours<'_> {
    /// As a code.
    pub fn code(&self) -> Code {
        match self {
            Self::Of(_) => Code::ClaimTaken,
            Self::Nobodys => Code::Unowned,
            Self::Several(_) => Code::Collision,
        }
    }
}

/// May the agent claim the event, if it is the first to?
///
/// # Errors
/// Whose it is.
pub fn claim<'a>(
    map: &'a Map,
    agent: &AgentId,
    event: &str,
    attributes: &BTreeMap<Arc<str>, Value>,
) -> Result<(), NotYours<'a>> {
    match map.route(event, attributes) {
        Routing::Owner { agent: owner, .. } if owner == agent => Ok(()),
        Routing::Owner { agent: owner, .. } => Err(NotYours::Of(owner)),
        Routing::Nobody => Err(NotYours::Nobodys),
        Routing::Several(agents) => Err(NotYours::Several(agents)),
    }
}

/// The queue in which a conflict waits for a person.
pub fn of_alert<'a>(map: &'a Map, alert: &Alert) -> &'a Queue {
    let who: Vec<&AgentId> = alert.who.iter().filter_map(Actor::agent).collect();
    queue(map, &who, None)
}

/// The queue of the first of the listeners, else of the raiser, that the map knows; else the first of all.
pub fn queue<'a>(map: &'a Map, listeners: &[&AgentId], raiser: Option<&AgentId>) -> &'a Queue {
    let known = listeners.iter().copied().chain(raiser).find(|agent| map.agent(agent).is_some());
    known.map_or_else(|| map.first_queue(), |agent| map.queue_of(agent))
}
