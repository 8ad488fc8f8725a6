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

/// Several publishers take turns: the first of the order begins a thread, then the last one or the one after it.
///
/// # Errors
/// Who may.
pub fn turn<'a>(
    map: &'a Map,
    output: &str,
    last: Option<&AgentId>,
    agent: &AgentId,
) -> Result<(), Vec<&'a AgentId>> {
    map.output(output).map_or(Ok(()), |rule| turn::may(&rule.order, last, true, agent))
}

/// Does a person approve what goes out there?
pub fn needs_approval(map: &Map, output: &str) -> bool {
    map.output(output).is_some_and(|rule| rule.needs_approval)
}
