//! What a person may override, RULES §13.1: admins and who answers for the map everything, a reviewer what is in the zones of
//! the queues that name them.

use crate::domain::code::Code;
use crate::domain::command::OverrideVerb;
use crate::domain::ids::{AgentId, PersonId};
use crate::domain::map::{Map, Queue};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::rule::reviewer;
use crate::domain::state::State;
use crate::domain::things::TokenClass;
use crate::domain::time::Time;

/// May the person do this?
///
/// # Errors
/// Who may, in words.
pub fn may(
    state: &State,
    (person, class): (&PersonId, TokenClass),
    verb: &OverrideVerb,
    now: Time,
) -> Result<(), (Code, String)> {
    let map = &state.board.map;
    if class == TokenClass::Admin || reviewer::governs(map, person) {
        return Ok(());
    }
    if let OverrideVerb::Release { path } = verb
        && let mut held = state.board.held_on(&path.entity, now)
        && held.any(|held| held.field == path.field && held.person() == Some(person))
    {
        return Ok(());
    }
    let queues = concerned(state, verb);
    let others = || queues.iter().find(|queue| !queue.is_reviewer(person));
    let all = matches!(verb, OverrideVerb::PauseAll | OverrideVerb::ResumeAll);
    if all {
        return others().map_or(Ok(()), |other| Err(no(person, &[other])));
    }
    let own = queues.iter().any(|queue| queue.is_reviewer(person));
    // Of a lease that is not there it is said where that is decided.
    if own || queues.is_empty() { Ok(()) } else { Err(no(person, &queues)) }
}

/// The queues of the agents that it is about.
pub fn concerned<'a>(state: &'a State, verb: &OverrideVerb) -> Vec<&'a Queue> {
    let map = &state.board.map;
    match verb {
        OverrideVerb::PauseAll | OverrideVerb::ResumeAll => {
            map.model().agents.iter().map(|agent| map.queue_of(&agent.id)).collect()
        }
        // That only admins allow more is said where that is decided.
        OverrideVerb::Pause { agent }
        | OverrideVerb::Resume { agent }
        | OverrideVerb::Allow { agent, .. } => {
            vec![map.queue_of(agent)]
        }
        OverrideVerb::Unlock { lease } => {
            state.board.leases.get(lease).map(|lease| map.queue_of(&lease.holder)).into_iter().collect()
        }
        OverrideVerb::Set { path, .. }
        | OverrideVerb::Revert { path, .. }
        | OverrideVerb::Release { path } => queues_of(map, &path.entity, std::iter::once(&path.field)),
        OverrideVerb::Freeze { entity } | OverrideVerb::Unfreeze { entity } => {
            let whole = FieldName::whole();
            let fields = state.entities.get(entity).into_iter().flat_map(|known| known.fields.iter());
            queues_of(map, entity, std::iter::once(&whole).chain(fields.map(|(name, _)| name)))
        }
    }
}

/// The queues of the agents in whose zone these fields are; of what nobody owns the first one.
fn queues_of<'a, 'f>(
    map: &'a Map,
    entity: &EntityPath,
    fields: impl Iterator<Item = &'f FieldName>,
) -> Vec<&'a Queue> {
    let mut queues: Vec<&Queue> = Vec::new();
    let mut add = |queue: &'a Queue| {
        if !queues.iter().any(|known| known.name == queue.name) {
            queues.push(queue);
        }
    };
    for field in fields {
        let owners: Vec<&AgentId> = map.owners(entity, field);
        if owners.is_empty() && field.is_whole() {
            continue;
        }
        if owners.is_empty() {
            add(map.first_queue());
        }
        for owner in owners {
            add(map.queue_of(owner));
        }
    }
    if queues.is_empty() {
        queues.push(map.first_queue());
    }
    queues
}

fn no(person: &PersonId, queues: &[&Queue]) -> (Code, String) {
    let named: Vec<String> = queues
        .iter()
        .take(3)
        .map(|queue| {
            let who: Vec<&str> = queue.reviewers().map(PersonId::as_str).take(3).collect();
            format!("the queue {} ({})", queue.name, who.join(", "))
        })
        .collect();
    let why = format!(
        "{person} is no reviewer of {}, whose agents this is about; they override there, and admins do",
        named.join(" or of ")
    );
    (Code::NotNamed, why)
}
