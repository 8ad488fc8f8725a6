//! Whose case comes first, RULES §12.2.

use std::cmp::Reverse;

use crate::domain::ids::{Actor, AgentId, ItemNo, PersonId};
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
    let places = concerned(board, item).into_iter().map(|agent| place(&queue.priority, agent));
    let of_agent = places.min().unwrap_or(queue.priority.len());
    let overdue = item.overdue || item.due <= now;
    (Reverse(overdue), of_queue, of_agent, item.due, item.no)
}

/// The place in an order; behind it, where it is not in there.
fn place<T: PartialEq>(order: &[T], what: &T) -> usize {
    order.iter().position(|other| other == what).unwrap_or(order.len())
}

/// The agents that an item is about, as far as orders are concerned: of a conflict all of its sides.
fn concerned<'a>(board: &'a Board, item: &'a Item) -> Vec<&'a AgentId> {
    if let Case::GivenUp { work } = &item.case {
        return vec![&work.agent];
    }
    if let Case::Conflict { alert } = &item.case {
        let sides = board.alerts.get(alert).into_iter().flat_map(|alert| &alert.who);
        return sides.filter_map(Actor::agent).collect();
    }
    item.raised_by.agent().into_iter().collect()
}
