//! What rules decided beside the outcome of a deed, as the deed should say it; and for deeds of format 1, which do not
//! say it, as the rules of that time had it.
//!
//! [`FORMAT_1`] is frozen: what was recorded under it has the effect that it had. A rule that changes changes in `decide`,
//! which has a [`Rules`] of its own.

use std::borrow::Cow;
use std::sync::Arc;

use super::Board;
use crate::domain::deed::{Body, Decided, Deed, RULES_IN_DEEDS, ReviewDue, Timetable};
use crate::domain::ids::QueueName;
use crate::domain::map::{Map, Model};
use crate::domain::outcome::Outcome;
use crate::domain::things::{AlertKind, AlertSide, FieldChange, ItemAnswer, Severity};
use crate::domain::time::{Span, Time};

/// Rules whose decisions are seen in nothing else of a deed.
pub struct Rules {
    /// From this count on an alert is critical whatever its kind: it does not stop by itself.
    pub loud: u64,
    /// For how long work may wait without a sign of life of its agent.
    pub silence: Span,
    /// How long after its time a scheduled review is looked at first.
    pub review_grace: Span,
    /// Whether an alert says that agents failed to coordinate, by the side that was told last.
    pub is_failure: fn(AlertKind, Option<&AlertSide>) -> bool,
    /// Whether writes that come too late are counted.
    pub counts_tries: bool,
    /// For how long turns, conclusions and the names of ended tasks are known, whatever else happens; as long as there is room
    /// where nothing is said.
    pub known: Option<Span>,
    /// How long an act may be open of which nobody says how it ended; without an end where nothing is said.
    pub act_life: Option<Span>,
    /// Whether the review after one that is late begins by the schedule of a map that came since.
    pub new_schedules_begin: bool,
    /// Whether a person's deed is a step on what is an agent's own.
    pub is_intervention: fn(&Deed) -> bool,
}

/// The rules of format 1.
pub const FORMAT_1: Rules = Rules {
    loud: 10,
    silence: Span::from_mins(15),
    review_grace: Span::from_hours(1),
    is_failure,
    counts_tries: false,
    known: None,
    act_life: None,
    new_schedules_begin: false,
    is_intervention,
};

/// The deed as it says all that was decided.
pub(super) fn completed<'a>(board: &Board, deed: &'a Deed) -> Cow<'a, Deed> {
    let format = deed.body.format().unwrap_or(board.format);
    if format >= RULES_IN_DEEDS {
        return Cow::Borrowed(deed);
    }
    match FORMAT_1.decided(board, deed) {
        None => Cow::Borrowed(deed),
        decided => Cow::Owned(Deed { decided, ..deed.clone() }),
    }
}

impl Rules {
    /// What is decided beside the outcome, on the board before the deed.
    pub fn decided(&self, board: &Board, deed: &Deed) -> Option<Box<Decided>> {
        let mut decided = Decided {
            intervention: deed.actor.person().is_some() && (self.is_intervention)(deed),
            in_vain: self.counts_tries && is_in_vain(deed),
            ..Decided::default()
        };
        if let Some(model) = deed.body.model() {
            // With the queue that a map has which names none.
            let map = Map::compile(Arc::clone(model));
            decided.timetable = Some(Box::new(self.timetable(board, map.model(), deed.recorded)));
        }
        if let Body::ScopeExpanded(_) | Body::ScopeRevoked(_) | Body::ScopeTransferred(_) = deed.body {
            let timetable = self.timetable(board, board.map.model(), deed.recorded);
            decided.timetable = Some(Box::new(timetable));
        }
        if let Body::ClockRebased(rebased) = &deed.body {
            decided.timetable = Some(Box::new(self.timetable(board, board.map.model(), rebased.now)));
        }
        if let Body::WorkFailed(()) | Body::WorkReturned(()) | Body::WorkLapsed(()) = deed.body {
            decided.alarm = Some(deed.recorded.plus(self.silence));
        }
        if let Body::ReviewDelayed(queue) = &deed.body
            && self.new_schedules_begin
        {
            let said = board.reviews.get(queue).and_then(|reviews| reviews.round.as_ref());
            let next = next_review(board, queue);
            decided.alarm = next.filter(|next| said.is_some_and(|round| *next < round.next));
        }
        if let (Body::ActAllowed(_), Some(life)) = (&deed.body, self.act_life) {
            decided.alarm = Some(deed.recorded.plus(life));
        }
        if let Some(known) = self.known.filter(|_| is_kept(board, deed)) {
            decided.known_until = Some(deed.recorded.plus(known));
        }
        if let Body::AlertOpened(alert) = &deed.body {
            decided.failure = (self.is_failure)(alert.kind, alert.sides.last());
        }
        if let Body::AlertCounted(side) = &deed.body
            && let Some(alert) = deed.refs.alerts.first().and_then(|no| board.alerts.get(no))
        {
            decided.failure = (self.is_failure)(alert.kind, Some(side));
            decided.severity = (alert.count + 1 >= self.loud).then_some(Severity::Critical);
        }
        (decided != Decided::default()).then(|| Box::new(decided))
    }

    /// When what a map schedules comes next, from `now` on. What is due and was not raised yet is raised still; the first
    /// review is the one that can still be held in time and was not.
    fn timetable(&self, board: &Board, model: &Model, now: Time) -> Timetable {
        let zone = model.zone();
        let events = model.events.iter().filter_map(|event| {
            let next = event.schedule?.next(zone, now)?;
            let at = board.schedules.get(event.name.as_str()).filter(|at| **at <= now);
            Some((event.name.as_str().into(), at.copied().unwrap_or(next)))
        });
        let reviews = model.queues.iter().filter_map(|queue| {
            let mut due = queue.review?.next(zone, now.minus(self.review_grace))?;
            let last = board.reviews.get(&queue.name).and_then(|reviews| reviews.last.as_ref());
            if last.and_then(|last| last.counts).is_some_and(|turn| turn.due >= due) {
                due = queue.review?.next(zone, due)?;
            }
            Some((queue.name.clone(), ReviewDue { due, late: due.plus(self.review_grace) }))
        });
        Timetable { events: events.collect(), reviews: reviews.collect() }
    }
}

/// When the review after the one that has begun begins: as was said when it did, or sooner by the schedule of a map that came
/// since.
pub fn next_review(board: &Board, queue: &QueueName) -> Option<Time> {
    let round = board.reviews.get(queue)?.round.as_ref()?;
    let applied = board.care.applied.as_ref().map_or(round.due, |mark| mark.at);
    let review = board.map.queue(queue)?.review?;
    Some(round.next.min(review.next(board.map.model().zone(), round.due.max(applied))?))
}

/// Whether it is a write of an agent from a version of a field that was no longer current.
fn is_in_vain(deed: &Deed) -> bool {
    let stale = matches!(deed.body, Body::WriteRefused(())) && deed.outcome == Outcome::Stale;
    stale && deed.actor.agent().is_some() && deed.fields.iter().any(FieldChange::is_outdated)
}

/// Whether later decisions rest on it: a turn on an output that has an order, a conclusion, the name of a task.
fn is_kept(board: &Board, deed: &Deed) -> bool {
    let in_turn = |output: &str| board.map.output(output).is_some_and(|output| !output.order.is_empty());
    if let Body::OutputPublished(said) = &deed.body {
        return in_turn(&said.output);
    }
    if let Body::ActAllowed(order) = &deed.body {
        return order.conversation.is_some() && in_turn(&order.target);
    }
    matches!(
        deed.body,
        Body::ConclusionDrawn(_) | Body::HandoffCompleted(_) | Body::TaskClosed(_) | Body::TaskAborted(_)
    )
}

/// Collisions, contradictions and loops; what was stale only where it was acted on.
fn is_failure(kind: AlertKind, side: Option<&AlertSide>) -> bool {
    matches!(
        kind,
        AlertKind::TriggerCollision
            | AlertKind::OutputCollision
            | AlertKind::Contradiction
            | AlertKind::PingPong
            | AlertKind::NotConverging
            | AlertKind::Cascade
    ) || matches!(kind, AlertKind::StaleRead | AlertKind::StaleWrite)
        && side.is_some_and(|side| *side.outcome != *"stopped, stale")
}

/// Set, freeze, pause, revert, release by force, and a case that a person handled instead of its agent.
fn is_intervention(deed: &Deed) -> bool {
    if let Body::ItemAnswered(closed) = &deed.body {
        return matches!(closed.answer, ItemAnswer::Handle { .. });
    }
    matches!(
        deed.body,
        Body::EntityFrozen(())
            | Body::EntityUnfrozen(())
            | Body::AgentPaused(_)
            | Body::AgentResumed(_)
            | Body::LeaseRevoked(())
            | Body::WriteCommitted(())
    )
}
