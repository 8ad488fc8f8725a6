//! Sessions over a queue, and whether the scheduled reviews were held, RULES §13.2.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{alert, inbox, verdict};
use crate::domain::code::Code;
use crate::domain::command::{ReviewStep, ReviewVerb};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{ItemNo, PersonId, QueueName, Seq};
use crate::domain::map::Queue;
use crate::domain::outcome::Outcome;
use crate::domain::rule::reviewer;
use crate::domain::state::{State, next_review};
use crate::domain::things::{
    Case, Item, QueueReviews, ReviewEnd, ReviewHeld, ReviewMiss, ReviewPlan, ReviewRound, ReviewTurn,
};
use crate::domain::time::Time;

/// Most items that the deed of a session's end names, and that end as left with it.
const NAMED: usize = 256;

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
    for (name, text) in [("note", &step.note), ("leave", &step.leave)] {
        if let Some(why) = verdict::too_long(name, text.as_deref()) {
            return Err((Code::OverBound, why));
        }
    }
    if step.leave.is_some() && step.step == ReviewVerb::Start {
        let why = "`leave` goes with the end of a session".to_owned();
        return Err((Code::WrongState, why));
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
    let waiting = waiting(state, &queue.name).count();
    let note = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    deed.because(format!("{}, {waiting} waiting{note}", queue.name));
    deed.refs.queue = Some(queue.name.clone());
    sheet.push(deed)
}

/// It ends and says what is left; where a reason is given, that is left knowingly.
fn end(
    sheet: &mut Sheet<'_>,
    state: &State,
    queue: &Queue,
    reviews: Option<&QueueReviews>,
    step: &ReviewStep,
) -> Seq {
    let open = reviews.and_then(|reviews| reviews.open.clone());
    let by = sheet.principal.actor.clone();
    let left = waiting(state, &queue.name).count();
    let remaining: Vec<ItemNo> = waiting(state, &queue.name).map(|item| item.no).take(NAMED).collect();
    let answered = open.as_ref().map_or(0, |open| open.answered);
    let began = open.as_ref().map_or(sheet.now, |open| open.at);
    let mut came_to = open.as_ref().map(|open| open.came_to.clone()).unwrap_or_default();
    let leaves = step.leave.as_deref().filter(|reason| !reason.trim().is_empty());
    let put_off = if leaves.is_some() { mine(sheet, state, &queue.name) } else { Vec::new() };
    came_to.put_off += put_off.len() as u64;
    let named: Vec<String> = remaining.iter().take(8).map(|no| format!("#{no}")).collect();
    let more = if left > named.len() { ", …" } else { "" };
    let named = if left > 0 { format!(" ({}{more})", named.join(", ")) } else { String::new() };
    let beside = [(came_to.handed_on, "handed on"), (came_to.put_off, "left with a reason")];
    let beside = beside.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}, "));
    let beside = beside.collect::<String>();
    let ended = ReviewEnd {
        queue: queue.name.clone(),
        by,
        began,
        ended: sheet.now,
        answered,
        left: left as u64,
        counts: None,
        remaining,
        came_to,
    };
    let mut deed = sheet.draft(Body::ReviewEnded(Box::new(ended)), "end review", Outcome::Recorded);
    deed.cause = open.map(|open| open.deed);
    let note = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    deed.because(format!("{}, {answered} answered, {beside}{left} left{named}{note}", queue.name));
    deed.refs.queue = Some(queue.name.clone());
    let seq = sheet.push(deed);
    if let Some(reason) = leaves {
        for item in put_off {
            inbox::record(sheet, &item, Body::ItemLeft(()), "leave", &format!("left for later: {reason}"));
        }
    }
    settle(sheet);
    seq
}

/// What the caller may answer there, which is what they can leave knowingly.
fn mine(sheet: &Sheet<'_>, state: &State, queue: &QueueName) -> Vec<Arc<Item>> {
    let Some(person) = sheet.principal.actor.person().cloned() else { return Vec::new() };
    let who = (&person, sheet.principal.class);
    let mine = |item: &&Arc<Item>| reviewer::may_answer(&state.board, item, who, sheet.now).is_ok();
    waiting(state, queue).filter(mine).take(NAMED).cloned().collect()
}

/// What the reviewers of a queue go through. A map that is overdue is not theirs, whichever queue it lies in.
fn waiting<'a>(state: &'a State, queue: &'a QueueName) -> impl Iterator<Item = &'a Arc<Item>> {
    let theirs = |item: &Item| !matches!(item.case, Case::MapOverdue { .. });
    state.board.items.values().filter(move |item| item.queue == *queue && theirs(item))
}

/// The turn of `due`, after which the one at `next` comes.
fn turn(due: Time, next: Time) -> ReviewTurn {
    ReviewTurn { due, next, late: next }
}

/// A scheduled review begins, is late, or was missed.
pub(super) fn fall_due(sheet: &mut Sheet<'_>, name: &QueueName) -> Option<Seq> {
    let now = sheet.now;
    let state = sheet.snapshot();
    let reviews =
        state.board.reviews.get(name).filter(|reviews| reviews.late.is_some_and(|late| late <= now))?;
    let queue = state.board.map.queue(name)?;
    match &reviews.round {
        None => begin(sheet, &state, queue, reviews.due?),
        Some(round) if !round.is_late && now >= round.late && now < next_review(&state.board, name)? => {
            let words =
                format!("the review of {name} of {} is late; {} answers for it", round.due, queue.owner);
            let mut deed = sheet.follow_up(
                Body::ReviewDelayed(name.clone()),
                "delay review",
                Outcome::Recorded,
                Some(round.deed),
            );
            deed.because(words);
            deed.refs.queue = Some(name.clone());
            Some(tell(sheet, queue, round.due, deed))
        }
        Some(round) => missed(sheet, &state, queue, round),
    }
}

/// What waits now is to be gone through. After a long stop it is the review of the last time that was scheduled.
fn begin(sheet: &mut Sheet<'_>, state: &State, queue: &Queue, due: Time) -> Option<Seq> {
    let zone = state.board.map.model().zone();
    let (mut due, mut next) = (due, queue.review?.next(zone, due)?);
    while next <= sheet.now {
        (due, next) = (next, queue.review?.next(zone, next)?);
    }
    let waiting: Vec<ItemNo> = waiting(state, &queue.name).map(|item| item.no).collect();
    let words = format!("the review of {} of {due}: {} waiting", queue.name, waiting.len());
    let plan = ReviewPlan { queue: queue.name.clone(), due, late: due.plus(queue.grace()), next, waiting };
    let mut deed =
        sheet.follow_up(Body::ReviewScheduled(Box::new(plan)), "begin review", Outcome::Recorded, None);
    deed.because(words);
    deed.refs.queue = Some(queue.name.clone());
    let seq = sheet.push(deed);
    let state = sheet.snapshot();
    let round = state.board.reviews.get(&queue.name).and_then(|reviews| reviews.round.as_ref());
    if let Some(round) = round.filter(|round| round.waiting.is_empty()) {
        // Nobody was late for nothing, however long Deeds was away.
        hold(sheet, &state, &queue.name, round, false);
    }
    Some(seq)
}

/// Each scheduled review of which everything has been gone through is held.
pub(super) fn settle(sheet: &mut Sheet<'_>) {
    let state = sheet.snapshot();
    for (name, reviews) in &state.board.reviews {
        let Some(round) = reviews.round.as_ref().filter(|round| round.waiting.is_empty()) else { continue };
        hold(sheet, &state, name, round, round.is_late_by(sheet.now));
    }
}

fn hold(sheet: &mut Sheet<'_>, state: &State, name: &QueueName, round: &ReviewRound, late: bool) {
    let next = next_review(&state.board, name).unwrap_or(round.next);
    let held = ReviewHeld { queue: name.clone(), turn: turn(round.due, next), late };
    let (body, cause) = (Body::ReviewHeld(Box::new(held)), Some(round.deed));
    let mut deed = sheet.follow_up(body, "hold review", Outcome::Recorded, cause);
    let how = if late { "held, late" } else { "held" };
    deed.because(format!("the review of {name} of {} was {how}", round.due));
    deed.refs.queue = Some(name.clone());
    sheet.push(deed);
}

/// A scheduled review was not held until the next one began.
fn missed(sheet: &mut Sheet<'_>, state: &State, queue: &Queue, round: &ReviewRound) -> Option<Seq> {
    let zone = state.board.map.model().zone();
    let mut next = next_review(&state.board, &queue.name)?;
    // After a long stop all that were missed meanwhile are told as one.
    while let Some(after) = queue.review?.next(zone, next).filter(|after| *after <= sheet.now) {
        next = after;
    }
    let (name, due) = (&queue.name, round.due);
    let miss = ReviewMiss { queue: name.clone(), turn: turn(due, next) };
    let cause = Some(round.deed);
    let mut deed =
        sheet.follow_up(Body::ReviewMissed(Box::new(miss)), "miss review", Outcome::Recorded, cause);
    let left = round.waiting.len();
    deed.because(format!(
        "nobody held the review of {name} of {due}, {left} left; {} answers for it",
        queue.owner
    ));
    deed.refs.queue = Some(name.clone());
    Some(tell(sheet, queue, due, deed))
}

fn tell(sheet: &mut Sheet<'_>, queue: &Queue, due: Time, deed: Deed) -> Seq {
    let primary = sheet.push(deed);
    let raised = alert::review_missed(sheet, queue, due, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
    primary
}
