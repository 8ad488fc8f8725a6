//! Who publishes on an output, in which order, and whether a person approves.

use super::turn;
use super::zone::Whose;
use crate::domain::ids::AgentId;
use crate::domain::map::Map;

/// Whose the output is.
pub fn whose<'a>(map: &'a Map, agent: &AgentId, output: &str) -> Whose<'a> {
    if map.has_output(agent, output) {
        return Whose::Own;
    }
    map.publisher(output).map_or(Whose::Nobodys, Whose::Of)
}

/// Is that an output? What some agent publishes on is one, and what the map has a rule for, also where its name reads as
/// a path in somebody's zone.
pub fn is_one(map: &Map, name: &str) -> bool {
    map.publisher(name).is_some() || map.output(name).is_some()
}

/// Do several publish there in an order?
pub fn takes_turns(map: &Map, output: &str) -> bool {
    map.output(output).is_some_and(|rule| !rule.order.is_empty())
}

/// Are both of the order of the output? Then it says who speaks there after whom, and neither is in the other's way.
pub fn in_order(map: &Map, output: &str, agent: &AgentId, other: &AgentId) -> bool {
    let order = map.output(output).map_or(&[][..], |rule| &rule.order);
    order.contains(agent) && order.contains(other)
}

/// Who goes before an agent whose turn it is not.
#[derive(Debug, PartialEq, Eq)]
pub struct Before<'a> {
    /// These.
    pub agents: Vec<&'a AgentId>,
    /// Whether its own turn comes: it is in the order.
    pub has_turn: bool,
}

/// Several publishers take turns: where one of the order spoke on the thread, that one goes on, or the one after it. Where
/// none did, anybody of the order begins, unless one that comes earlier is at it.
///
/// # Errors
/// Who goes before.
pub fn turn<'a>(
    map: &'a Map,
    output: &str,
    last: Option<&AgentId>,
    agent: &AgentId,
    is_at_it: impl Fn(&AgentId) -> bool,
) -> Result<(), Before<'a>> {
    let order = map.output(output).map_or(&[][..], |rule| &rule.order);
    let Err(agents) = turn::may(order, last, true, agent) else { return Ok(()) };
    let place = order.iter().position(|named| named == agent);
    let Some(place) = place.filter(|_| last.is_none_or(|last| !order.contains(last))) else {
        return Err(Before { agents, has_turn: place.is_some() });
    };
    let agents: Vec<&AgentId> = order.iter().take(place).filter(|earlier| is_at_it(earlier)).collect();
    if agents.is_empty() { Ok(()) } else { Err(Before { agents, has_turn: true }) }
}

/// Does a person approve what goes out there?
pub fn needs_approval(map: &Map, output: &str) -> bool {
    map.output(output).is_some_and(|rule| rule.needs_approval)
}
