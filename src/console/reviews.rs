//! Which review a person owes, in words: for the header and for the Inbox.

use super::words;
use super::world::World;
use crate::domain::ids::QueueName;
use crate::domain::things::QueueReviews;
use crate::domain::time::Span;

/// From how long before on a scheduled review is spoken of.
const SOON: Span = Span::from_hours(12);

/// How urgent a review is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Today, later.
    Soon,
    /// One is being held.
    Open,
    /// Now.
    Due,
    /// The last one was not held.
    Missed,
}

/// A review that this person owes or holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Over which queue.
    pub queue: QueueName,
    /// How urgent.
    pub urgency: Urgency,
    /// In words: `ops review due 09:00`.
    pub words: String,
}

/// The most urgent review of the queues that this person answers for.
pub fn owed(world: &World) -> Option<Owed> {
    let board = world.board.as_ref()?;
    let mine = board
        .reviews
        .iter()
        .filter(|(name, _)| board.map.queue(name).is_some_and(|queue| queue.is_reviewer(&world.me.person)));
    mine.filter_map(|(name, reviews)| of(world, name, reviews)).max_by_key(|owed| owed.urgency)
}

fn of(world: &World, queue: &QueueName, reviews: &QueueReviews) -> Option<Owed> {
    let now = world.now;
    let told = |urgency, words| Some(Owed { queue: queue.clone(), urgency, words });
    if let Some(open) =
        reviews.open.as_ref().filter(|_| reviews.round.as_ref().is_none_or(|round| !round.is_late_by(now)))
    {
        let who = if open.by.person() == Some(&world.me.person) { "you" } else { open.by.name() };
        return told(Urgency::Open, format!("{queue} review by {who}"));
    }
    if let Some(round) = &reviews.round {
        let left = round.waiting.len();
        let since = words::clock(world.zone, round.due, now);
        return if round.is_late_by(now) {
            told(Urgency::Missed, format!("{queue} review late, {left} left"))
        } else {
            told(Urgency::Due, format!("{queue} review due {since}, {left} left"))
        };
    }
    let due = reviews.due?;
    if due <= now {
        let since = words::clock(world.zone, due, now);
        return told(Urgency::Due, format!("{queue} review due {since}"));
    }
    if reviews.last_held == Some(false) {
        return told(Urgency::Missed, format!("{queue} review not held"));
    }
    let soon = due.since(now) <= SOON;
    soon.then(|| words::clock(world.zone, due, now))
        .and_then(|at| told(Urgency::Soon, format!("{queue} review at {at}")))
}
