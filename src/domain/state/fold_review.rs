//! Folding schedules: which scheduled event and which review is next, and how reviews went. No rules here.

use std::sync::Arc;

use super::{Board, Timer};
use crate::domain::deed::Deed;
use crate::domain::ids::QueueName;
use crate::domain::things::{OpenReview, PastTurn, RaisedEvent, ReviewEnd, ReviewMiss, ReviewTurn};
use crate::domain::time::{Span, Time};

/// How long after its time a scheduled review may still be held.
pub const REVIEW_GRACE: Span = Span::from_hours(1);

impl Board {
    /// After a change of the map at `now`: schedules that are gone are forgotten, new or changed ones begin. The first
    /// review is the one that can still be held in time.
    pub(super) fn reschedule(&mut self, now: Time) {
        let model = Arc::clone(self.map.model());
        let zone = model.zone();
        let planned = std::mem::take(&mut self.schedules);
        for (event, at) in &planned {
            self.timers.remove(&(*at, Timer::Event(Arc::clone(event))));
        }
        for event in &model.events {
            let Some(next) = event.schedule.and_then(|schedule| schedule.next(zone, now)) else { continue };
            // One that is due and was not raised yet is raised still.
            let at = planned.get(event.name.as_str()).filter(|at| **at <= now).copied().unwrap_or(next);
            let name: Arc<str> = Arc::from(event.name.as_str());
            self.timers.insert((at, Timer::Event(Arc::clone(&name))));
            self.schedules.insert(name, at);
        }
        for (queue, reviews) in &self.reviews {
            if let Some(late) = reviews.late {
                self.timers.remove(&(late, Timer::Review(queue.clone())));
            }
        }
        let reviews = std::mem::take(&mut self.reviews);
        let known = |name: &QueueName| model.queues.iter().any(|queue| queue.name == *name);
        self.reviews = reviews.into_iter().filter(|(name, _)| known(name)).collect();
        for queue in &model.queues {
            let reviews = self.reviews.entry(queue.name.clone()).or_default();
            let due = queue.review.and_then(|schedule| schedule.next(zone, now.minus(REVIEW_GRACE)));
            // The one that was held already is not due again.
            let due = match (due, &reviews.last) {
                (Some(due), Some(last)) if last.counts.is_some_and(|turn| turn.due >= due) => {
                    queue.review.and_then(|schedule| schedule.next(zone, due))
                }
                (due, _) => due,
            };
            reviews.due = due;
            reviews.late = due.map(|due| due.plus(REVIEW_GRACE));
            if let Some(late) = reviews.late {
                self.timers.insert((late, Timer::Review(queue.name.clone())));
            }
        }
    }

    /// A scheduled event was raised; the next occurrence is the deed's to say.
    pub(super) fn schedule_next(&mut self, _: &Deed, raised: &RaisedEvent) {
        let Some(occurrence) = raised.schedule else { return };
        let timer = Timer::Event(Arc::clone(&raised.event));
        if let Some(at) = self.schedules.get(&raised.event) {
            self.timers.remove(&(*at, timer.clone()));
        }
        self.timers.insert((occurrence.next, timer));
        self.schedules.insert(Arc::clone(&raised.event), occurrence.next);
    }

    pub(super) fn start_review(&mut self, deed: &Deed, queue: &QueueName) {
        let waiting = self.items.values().filter(|item| item.queue == *queue).count() as u64;
        let open =
            OpenReview { by: deed.actor.clone(), at: deed.recorded, deed: deed.seq, waiting, answered: 0 };
        self.reviews.entry(queue.clone()).or_default().open = Some(open);
    }

    /// An answer in a queue whose review this person holds counts for it.
    pub(super) fn count_in_review(&mut self, deed: &Deed, queue: &QueueName, items: u64) {
        let open = self.reviews.get_mut(queue).and_then(|reviews| reviews.open.as_mut());
        if let Some(open) = open.filter(|open| open.by == deed.actor) {
            open.answered += items;
        }
    }

    pub(super) fn end_review(&mut self, deed: &Deed, end: &ReviewEnd) {
        let reviews = self.reviews.entry(end.queue.clone()).or_default();
        reviews.open = None;
        reviews.last = Some(end.clone());
        if let Some(turn) = end.counts {
            reviews.held += 1;
            reviews.last_held = Some(true);
            reviews.turned(PastTurn { due: turn.due, held: true, deed: deed.seq });
            self.turn_review(&end.queue, turn);
        }
    }

    pub(super) fn miss_review(&mut self, deed: &Deed, miss: &ReviewMiss) {
        let reviews = self.reviews.entry(miss.queue.clone()).or_default();
        reviews.missed += 1;
        reviews.last_held = Some(false);
        reviews.turned(PastTurn { due: miss.turn.due, held: false, deed: deed.seq });
        self.turn_review(&miss.queue, miss.turn);
    }

    fn turn_review(&mut self, queue: &QueueName, turn: ReviewTurn) {
        let Some(reviews) = self.reviews.get_mut(queue) else { return };
        if let Some(late) = reviews.late.replace(turn.late) {
            self.timers.remove(&(late, Timer::Review(queue.clone())));
        }
        reviews.due = Some(turn.next);
        self.timers.insert((turn.late, Timer::Review(queue.clone())));
    }
}
