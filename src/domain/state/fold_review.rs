//! Folding schedules: which scheduled event and which review is next, and how reviews went. No rules here.

use std::sync::Arc;

use super::{Board, Timer};
use crate::domain::deed::{Deed, ReviewDue, Timetable};
use crate::domain::ids::{ItemNo, QueueName};
use crate::domain::things::{
    CameTo, OpenReview, PastTurn, QueueReviews, RaisedEvent, ReviewEnd, ReviewHeld, ReviewMiss, ReviewPlan,
    ReviewRound, ReviewTurn, Rounds,
};
use crate::domain::time::Time;

impl Board {
    /// After a change of the map: schedules that are gone are forgotten, the others go on as the deed says.
    pub(super) fn reschedule(&mut self, timetable: &Timetable) {
        for (event, at) in std::mem::take(&mut self.schedules) {
            self.timers.remove(&(at, Timer::Event(event)));
        }
        for (event, at) in &timetable.events {
            self.timers.insert((*at, Timer::Event(Arc::clone(event))));
            self.schedules.insert(Arc::clone(event), *at);
        }
        let before = std::mem::take(&mut self.reviews);
        for (queue, reviews) in &before {
            if let Some(late) = reviews.late {
                self.timers.remove(&(late, Timer::Review(queue.clone())));
            }
        }
        let model = Arc::clone(self.map.model());
        for queue in model.queues.iter().map(|queue| &queue.name) {
            let mut reviews = before.get(queue).cloned().unwrap_or_default();
            let next = timetable.reviews.get(queue);
            (reviews.due, reviews.late) = (next.map(|next| next.due), next.map(|next| next.late));
            match (&reviews.round, reviews.late) {
                // What has begun goes on, under the new map too.
                (Some(round), Some(late)) => {
                    let at = if round.is_late { round.next } else { round.late };
                    (reviews.due, reviews.late) = (Some(round.due), Some(at.min(late)));
                }
                (Some(_), None) => reviews.round = None,
                (None, _) => {}
            }
            if let Some(late) = reviews.late {
                self.timers.insert((late, Timer::Review(queue.clone())));
            }
            self.reviews.insert(queue.clone(), reviews);
        }
    }

    /// What is scheduled, as it stands.
    pub fn timetable(&self) -> Timetable {
        let reviews = self.reviews.iter().filter_map(|(queue, reviews)| {
            Some((queue.clone(), ReviewDue { due: reviews.due?, late: reviews.late? }))
        });
        Timetable {
            events: self.schedules.iter().map(|(event, at)| (Arc::clone(event), *at)).collect(),
            reviews: reviews.collect(),
        }
    }

    /// An event that woke an agent: of what two wake each other with, the deed says how often they have.
    pub(super) fn wake(&mut self, deed: &Deed, raised: &RaisedEvent) {
        self.schedule_next(deed, raised);
        if let (Some(count), Some(by), Some(to), Some(subject)) =
            (raised.wake_ups, deed.actor.agent(), deed.refs.owners.first(), &deed.subject)
        {
            let rounds = Rounds { last: (by.clone(), to.clone()), count, at: deed.recorded };
            self.rounds.set(Arc::from(subject.to_string()), deed.seq, rounds);
        }
    }

    /// A scheduled event was raised; the next occurrence is the deed's to say.
    pub(super) fn schedule_next(&mut self, deed: &Deed, raised: &RaisedEvent) {
        if let Some(mark) = &raised.occurrence {
            self.occur(deed, &raised.event, mark, raised.of.clone());
        }
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
        let open = OpenReview {
            by: deed.actor.clone(),
            at: deed.recorded,
            deed: deed.seq,
            waiting,
            answered: 0,
            came_to: CameTo::default(),
        };
        self.reviews.entry(queue.clone()).or_default().open = Some(open);
    }

    /// What is done to an item of a queue whose review this person holds counts for it.
    pub(super) fn count_in_review(
        &mut self,
        deed: &Deed,
        queue: &QueueName,
        count: impl FnOnce(&mut OpenReview),
    ) {
        let open = self.reviews.get_mut(queue).and_then(|reviews| reviews.open.as_mut());
        if let Some(open) = open.filter(|open| open.by == deed.actor) {
            count(open);
        }
    }

    pub(super) fn end_review(&mut self, deed: &Deed, end: &ReviewEnd) {
        let reviews = self.reviews.entry(end.queue.clone()).or_default();
        reviews.open = None;
        reviews.last = Some(end.clone());
        if let Some(turn) = end.counts {
            reviews.held += 1;
            reviews.last_held = Some(true);
            reviews.turned(PastTurn { due: turn.due, held: true, late: false, deed: deed.seq });
            self.turn_review(&end.queue, turn);
        }
    }

    /// What waits now is to be gone through.
    pub(super) fn begin_round(&mut self, deed: &Deed, plan: &ReviewPlan) {
        let reviews = self.reviews.entry(plan.queue.clone()).or_default();
        reviews.due = Some(plan.due);
        reviews.round = Some(ReviewRound {
            due: plan.due,
            late: plan.late,
            next: plan.next,
            waiting: plan.waiting.clone(),
            is_late: false,
            deed: deed.seq,
        });
        self.look_again(&plan.queue, plan.late.min(plan.next));
    }

    pub(super) fn delay_round(&mut self, deed: &Deed, queue: &QueueName) {
        let Some(round) = self.reviews.get_mut(queue).and_then(|reviews| reviews.round.as_mut()) else {
            return;
        };
        round.is_late = true;
        let sooner = deed.decided.as_ref().and_then(|decided| decided.alarm);
        let next = sooner.unwrap_or(round.next);
        self.look_again(queue, next);
    }

    pub(super) fn hold_round(&mut self, deed: &Deed, held: &ReviewHeld) {
        let reviews = self.reviews.entry(held.queue.clone()).or_default();
        reviews.round = None;
        reviews.held += 1;
        reviews.last_held = Some(!held.late);
        reviews.turned(PastTurn { due: held.turn.due, held: true, late: held.late, deed: deed.seq });
        self.turn_review(&held.queue, held.turn);
    }

    pub(super) fn leave_item<P>(&mut self, deed: &Deed, _: &P) {
        let Some(no) = deed.refs.item else { return };
        self.gone_through(no);
        if let Some(queue) = self.items.get(&no).map(|item| item.queue.clone()) {
            self.count_in_review(deed, &queue, |open| open.came_to.put_off += 1);
        }
    }

    /// Nothing waits for a review in that item any more.
    pub(super) fn gone_through(&mut self, no: ItemNo) {
        let waits =
            |reviews: &QueueReviews| reviews.round.as_ref().is_some_and(|round| round.waiting.contains(&no));
        let Some(queue) =
            self.reviews.iter().find(|(_, reviews)| waits(reviews)).map(|(queue, _)| queue.clone())
        else {
            return;
        };
        if let Some(round) = self.reviews.get_mut(&queue).and_then(|reviews| reviews.round.as_mut()) {
            round.waiting.retain(|other| *other != no);
        }
    }

    pub(super) fn miss_review(&mut self, deed: &Deed, miss: &ReviewMiss) {
        let reviews = self.reviews.entry(miss.queue.clone()).or_default();
        reviews.round = None;
        reviews.missed += 1;
        reviews.last_held = Some(false);
        reviews.turned(PastTurn { due: miss.turn.due, held: false, late: false, deed: deed.seq });
        self.turn_review(&miss.queue, miss.turn);
    }

    fn turn_review(&mut self, queue: &QueueName, turn: ReviewTurn) {
        let Some(reviews) = self.reviews.get_mut(queue) else { return };
        reviews.due = Some(turn.next);
        self.look_again(queue, turn.late);
    }

    fn look_again(&mut self, queue: &QueueName, at: Time) {
        let Some(reviews) = self.reviews.get_mut(queue) else { return };
        if let Some(before) = reviews.late.replace(at) {
            self.timers.remove(&(before, Timer::Review(queue.clone())));
        }
        self.timers.insert((at, Timer::Review(queue.clone())));
    }
}
