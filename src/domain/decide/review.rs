//! Sessions over a queue, RULES §13.2, and whether the scheduled ones were held.

use super::sheet::Sheet;
use super::{alert, verdict};
use crate::domain::code::Code;
use crate::domain::command::{ReviewStep, ReviewVerb};
use crate::domain::deed::Body;
use crate::domain::ids::{PersonId, QueueName, Seq};
use crate::domain::map::Queue;
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{QueueReviews, ReviewEnd, ReviewMiss, ReviewTurn};
use crate::domain::time::{Span, Time};

/// How long after its time a scheduled review may still be held.
pub const REVIEW_GRACE: Span = Span::from_hours(1);
/// How long before its time a scheduled review may be held.
const EARLY: Span = Span::from_hours(12);

/// Decides a person's step on a review.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &ReviewStep) -> Seq {
    let action = match step.step {
        ReviewVerb::Start => "start review",
        ReviewVerb::End => "end review",
    };
    let state = sheet.snapshot();
    let done = match sheet.principal.actor.person().cloned() {
        None => Err((Code::AgentToken, "only named people review".to_owned())),
        Some(person) => check(&state, step, &person),
    };
    match (done, step.step) {
        (Err((code, why)), _) => {
            let seq = sheet.refuse(Body::ReviewRefused(()), action, code, &why);
            if let Some(deed) = sheet.deed_mut(seq) {
                deed.refs.queue = Some(step.queue.clone());
            }
            seq
        }
        (Ok((queue, _)), ReviewVerb::Start) => start(sheet, &state, queue, step),
        (Ok((queue, reviews)), ReviewVerb::End) => end(sheet, &state, queue, reviews, step),
    }
}

/// Is it this person's to do, and is the queue where it must be?
fn check<'a>(
    state: &'a State,
    step: &ReviewStep,
    person: &PersonId,
) -> Result<(&'a Queue, Option<&'a QueueReviews>), (Code, String)> {
    if let Some(why) = verdict::too_long("note", step.note.as_deref()) {
        return Err((Code::OverBound, why));
    }
    let name = &step.queue;
    let Some(queue) = state.board.map.queue(name) else {
        return Err((Code::NotFound, format!("no queue {name} is in the map")));
    };
    if !queue.is_reviewer(person) {
        let names: Vec<&str> = queue.reviewers().map(PersonId::as_str).collect();
        return Err((Code::NotNamed, format!("{name} is reviewed by {}", names.join(", "))));
    }
    let reviews = state.board.reviews.get(name);
    let open = reviews.and_then(|reviews| reviews.open.as_ref());
    match (step.step, open) {
        (ReviewVerb::Start, Some(open)) => {
            let why = format!("{} has been reviewing {name} since {}", open.by, open.at);
            Err((Code::WrongState, why))
        }
        (ReviewVerb::End, None) => Err((Code::WrongState, format!("no review of {name} is under way"))),
        (ReviewVerb::End, Some(open)) if open.by.person() != Some(person) => {
            Err((Code::WrongState, format!("the review of {name} is held by {}, who ends it", open.by)))
        }
        (ReviewVerb::Start, None) | (ReviewVerb::End, Some(_)) => Ok((queue, reviews)),
    }
}

fn start(sheet: &mut Sheet<'_>, state: &State, queue: &Queue, step: &ReviewStep) -> Seq {
    let body = Body::ReviewStarted(queue.name.clone());
    let mut deed = sheet.draft(body, "start review", Outcome::Recorded);
    let waiting = waiting(state, &queue.name);
    let note = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    deed.because(format!("{}, {waiting} waiting{note}", queue.name));
    deed.refs.queue = Some(queue.name.clone());
    sheet.push(deed)
}

fn end(
    sheet: &mut Sheet<'_>,
    state: &State,
    queue: &Queue,
    reviews: Option<&QueueReviews>,
    step: &ReviewStep,
) -> Seq {
    let open = reviews.and_then(|reviews| reviews.open.clone());
    let by = sheet.principal.actor.clone();
    let left = waiting(state, &queue.name);
    let answered = open.as_ref().map_or(0, |open| open.answered);
    let began = open.as_ref().map_or(sheet.now, |open| open.at);
    let counts = reviews.and_then(|reviews| counts_for(state, queue, reviews, sheet.now));
    let ended = ReviewEnd { queue: queue.name.clone(), by, began, ended: sheet.now, answered, left, counts };
    let mut deed = sheet.draft(Body::ReviewEnded(Box::new(ended)), "end review", Outcome::Recorded);
    deed.cause = open.map(|open| open.deed);
    let held = counts.map(|turn| format!(", the one of {} was held", turn.due)).unwrap_or_default();
    let note = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    deed.because(format!("{}, {answered} answered, {left} left{held}{note}", queue.name));
    deed.refs.queue = Some(queue.name.clone());
    sheet.push(deed)
}

fn waiting(state: &State, queue: &QueueName) -> u64 {
    state.board.items.values().filter(|item| item.queue == *queue).count() as u64
}

/// The scheduled review that one ending now counts for, and the one after it.
fn counts_for(state: &State, queue: &Queue, reviews: &QueueReviews, now: Time) -> Option<ReviewTurn> {
    let due = reviews.due.filter(|due| now >= due.minus(EARLY))?;
    let late = reviews.late?;
    if now >= late {
        return None;
    }
    turn(state, queue, due, due)
}

/// The turn of `due`; the next one is the first after `after`.
fn turn(state: &State, queue: &Queue, due: Time, after: Time) -> Option<ReviewTurn> {
    let next = queue.review?.next(state.board.map.model().zone(), after)?;
    Some(ReviewTurn { due, next, late: next.plus(REVIEW_GRACE) })
}

/// A scheduled review was not held in time. After a long stop all that were missed meanwhile are told as one: the next
/// is the one that can still be held.
pub(super) fn missed(sheet: &mut Sheet<'_>, name: &QueueName) -> Option<Seq> {
    let now = sheet.now;
    let state = sheet.snapshot();
    let reviews = state.board.reviews.get(name)?;
    let due = reviews.due.filter(|_| reviews.late.is_some_and(|late| late <= now))?;
    let queue = state.board.map.queue(name)?;
    let turn = turn(&state, queue, due, due.max(now.minus(REVIEW_GRACE)))?;
    let miss = ReviewMiss { queue: name.clone(), turn };
    let mut deed =
        sheet.follow_up(Body::ReviewMissed(Box::new(miss)), "miss review", Outcome::Recorded, None);
    deed.because(format!("nobody held the review of {name} of {due}; {} answers for it", queue.owner));
    deed.refs.queue = Some(name.clone());
    let primary = sheet.push(deed);
    let raised = alert::review_missed(sheet, queue, due, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
    Some(primary)
}
