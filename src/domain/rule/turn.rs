//! Whose turn it is in a sequence that goes round: of writers of a field, of publishers of an output.

use crate::domain::ids::AgentId;

/// May the agent go on? If not, who may: the first of the order where nobody, or nobody named, was last; else the one
/// after the last, and where `stays` the last itself too.
///
/// # Errors
/// Who is next.
pub fn may<'a>(
    order: &'a [AgentId],
    last: Option<&AgentId>,
    stays: bool,
    agent: &AgentId,
) -> Result<(), Vec<&'a AgentId>> {
    let next = next(order, last, stays);
    if next.is_empty() || next.contains(&agent) { Ok(()) } else { Err(next) }
}

fn next<'a>(order: &'a [AgentId], last: Option<&AgentId>, stays: bool) -> Vec<&'a AgentId> {
    let places = order.iter().enumerate().filter(|(_, agent)| Some(*agent) == last);
    let next = |(at, agent)| [stays.then_some(agent), order.get(at + 1).or(order.first())];
    let mut next: Vec<&AgentId> = places.flat_map(next).flatten().collect();
    if next.is_empty() {
        next.extend(order.first());
    }
    next
}
