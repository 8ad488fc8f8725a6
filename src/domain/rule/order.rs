//! Whose case comes first, RULES §12.2.

use std::cmp::Reverse;

use crate::domain::ids::{Actor, AgentId, ItemNo, PersonId, QueueName};
use crate::domain::rule::reviewer;
use crate::domain::state::Board;
use crate::domain::things::{Case, Item, Severity};
use crate::domain::time::Time;

/// Where an item stands in somebody's list. Less comes first.
pub type Rank = (Reverse<Urgency>, usize, usize, Time, ItemNo);

/// What is urgent about an item, whoever looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It has time.
    Waits,
    /// Three quarters of its time are gone.
    Soon,
    /// A critical alert is open on what it is about.
    Critical,
    /// Its deadline has passed.
    Overdue,
}

impl Urgency {
    /// Of an item at that time.
    pub fn of(board: &Board, item: &Item, now: Time) -> Self {
        if item.is_overdue(now) {
            return Self::Overdue;
        }
        let alert = item.case.alert().and_then(|no| board.alerts.get(&no));
        if alert.is_some_and(|alert| alert.severity == Severity::Critical) {
            return Self::Critical;
        }
        if item.warned || item.warn_at <= now { Self::Soon } else { Self::Waits }
    }

    /// In a word; what has time has none.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Waits => None,
            Self::Soon => Some("soon"),
            Self::Critical => Some("critical"),
            Self::Overdue => Some("overdue"),
        }
    }
}

/// The most urgent first; then by the person's order of queues and the queue's order of agents; then by deadline. What is in
/// no order comes after what is.
pub fn rank(board: &Board, item: &Item, person: &PersonId, now: Time) -> Rank {
    let map = &board.map;
    let queue = reviewer::queue(map, item);
    let of_queue = place(queues(board, person), &queue.name);
    let places = concerned(board, item).into_iter().map(|agent| place(&queue.priority, agent));
    let of_agent = places.min().unwrap_or(queue.priority.len());
    (Reverse(Urgency::of(board, item, now)), of_queue, of_agent, item.due, item.no)
}

/// Why an item stands where it does, in words, what counts most first; nothing where its deadline alone says it.
pub fn reasons(board: &Board, item: &Item, person: &PersonId, now: Time) -> Vec<String> {
    let queue = reviewer::queue(&board.map, item);
    let mut words = Vec::new();
    match (Urgency::of(board, item, now), item.case.alert()) {
        (Urgency::Critical, Some(alert)) => words.push(format!("alert #{alert} is critical")),
        (Urgency::Soon, _) => words.push("three quarters of its time are gone".to_owned()),
        (urgency, _) => words.extend(urgency.word().map(str::to_owned)),
    }
    let queues = queues(board, person);
    if let Some(at) = queues.iter().position(|other| *other == queue.name) {
        words.push(format!("{} is {} of {} in your order of queues", queue.name, at + 1, queues.len()));
    }
    let agents = concerned(board, item).into_iter().filter_map(|agent| {
        let at = queue.priority.iter().position(|other| other == agent)?;
        Some((at, agent))
    });
    if let Some((at, agent)) = agents.min() {
        words.push(format!("{agent} is {} of {} in {}", at + 1, queue.priority.len(), queue.name));
    }
    words
}

fn queues<'a>(board: &'a Board, person: &PersonId) -> &'a [QueueName] {
    board.map.model().person(person).map_or(&[][..], |person| person.priority.as_slice())
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
