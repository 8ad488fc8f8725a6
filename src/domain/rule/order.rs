//! Whose case comes first, RULES §12.2.

use std::cmp::Reverse;

use crate::domain::ids::{AgentId, ItemNo, PersonId};
use crate::domain::map::Map;
use crate::domain::rule::reviewer;
use crate::domain::state::Board;
use crate::domain::things::{Case, Item};
use crate::domain::time::Time;

/// Where an item stands in somebody's list. Less comes first.
pub type Rank = (Reverse<bool>, usize, usize, Time, ItemNo);

/// Overdue ones first; then by the person's order of queues and the queue's order of agents; then by deadline. What is in
/// no order comes after what is.
pub fn rank(board: &Board, item: &Item, person: &PersonId, now: Time) -> Rank {
    let map = &board.map;
    let queue = reviewer::queue(map, item);
    let queues = map.model().person(person).map_or(&[][..], |person| person.priority.as_slice());
    let of_queue = place(queues, &queue.name);
    let agent = concerned(board, item);
    let of_agent = agent.map_or(queue.priority.len(), |agent| place(&queue.priority, agent));
    let overdue = item.overdue || item.due <= now;
    (Reverse(overdue), of_queue, of_agent, item.due, item.no)
}

/// The place in an order; behind it, where it is not in there.
fn place<T: PartialEq>(order: &[T], what: &T) -> usize {
    order.iter().position(|other| other == what).unwrap_or(order.len())
}

/// The agent that an item is about, as far as orders are concerned.
fn concerned<'a>(board: &'a Board, item: &'a Item) -> Option<&'a AgentId> {
    if let Case::GivenUp { work } = &item.case {
        return Some(&work.agent);
    }
    if let Case::Conflict { alert } = &item.case {
        let known = |agent: &&AgentId| is_known(&board.map, agent);
        return board.alerts.get(alert)?.who.iter().filter_map(|actor| actor.agent()).find(known);
    }
    item.raised_by.agent()
}

fn is_known(map: &Map, agent: &AgentId) -> bool {
    map.agent(agent).is_some()
}
