//! Attempts: work is taken for a time, and failed, given back or lapsed. Every attempt counts when it is taken, so that
//! work ends however its attempts do.

use std::sync::Arc;

use super::fetched;
use crate::domain::code::Code;
use crate::domain::command::{
    CommandKind, LONGEST_VISIBILITY, TAKEN_AT_ONCE, Take, VISIBILITY, WorkStep, WorkVerb,
};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict::text;
use crate::domain::decide::{fan_out, handoff, stuck};
use crate::domain::deed::{Body, Taken};
use crate::domain::ids::{AgentId, ItemNo, Seq, WorkNo};
use crate::domain::map::OnExhausted;
use crate::domain::outcome::Outcome;
use crate::domain::sight::Sight;
use crate::domain::state::State;
use crate::domain::things::{Work, WorkKind};
use crate::domain::time::{Span, Time};

const ACTION: &str = CommandKind::Take.row().word;

/// Takes what waits in the caller's stream, oldest first. None where nothing waits.
pub(in crate::domain::decide) fn take(sheet: &mut Sheet<'_>, take: &Take) -> Option<Seq> {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return Some(sheet.refuse(Body::WorkRefused(()), ACTION, Code::NotAllowed, "only agents take work"));
    };
    let visibility = take.visibility.unwrap_or(VISIBILITY);
    if let Some(why) = over_bound(take, visibility) {
        return Some(sheet.refuse(Body::WorkRefused(()), ACTION, Code::OverBound, &why));
    }
    let state = sheet.snapshot();
    let limit = usize::try_from(take.limit).unwrap_or(usize::MAX);
    let works: Vec<WorkNo> = if let Some(no) = take.work {
        if let Err((code, why)) = waits_for(&state, &agent, no, sheet.now) {
            return Some(sheet.refuse(Body::WorkRefused(()), ACTION, code, &why));
        }
        vec![no]
    } else {
        let waiting = state.board.work_of(&agent).filter(|work| waits(&state, work, sheet.now));
        waiting.take(limit).map(|work| work.no).collect()
    };
    if works.is_empty() {
        return None;
    }
    let works: Vec<WorkNo> = works.into_iter().map(|no| fetched::as_it_is_now(sheet, no)).collect();
    let state = sheet.snapshot();
    let until = sheet.now.plus(visibility);
    let taken = Taken { works: works.clone(), until };
    let mut deed = sheet.draft(Body::WorkTaken(Box::new(taken)), ACTION, Outcome::Recorded);
    if let [no] = works.as_slice()
        && let Some(work) = state.board.works.get(no)
    {
        deed.subject.clone_from(&work.subject);
        deed.cause = Some(work.deed);
    }
    let numbers: Vec<String> = works.iter().map(ToString::to_string).collect();
    deed.because(format!("took {} until {until}", numbers.join(", ")));
    deed.refs.works = works;
    deed.refs.until = Some(until);
    Some(sheet.push(deed))
}

fn over_bound(take: &Take, visibility: Span) -> Option<String> {
    if take.limit == 0 || take.limit > TAKEN_AT_ONCE {
        return Some(format!("`limit` is {}; take 1 to {TAKEN_AT_ONCE} at once", take.limit));
    }
    let wrong = visibility <= Span::default() || visibility > LONGEST_VISIBILITY;
    wrong.then(|| {
        format!("`visibility` is {visibility}; use more than nothing, and at most {LONGEST_VISIBILITY}")
    })
}

/// Whether the one item that the caller names waits for it, and why not.
fn waits_for(state: &State, agent: &AgentId, no: WorkNo, now: Time) -> Result<(), (Code, String)> {
    let Some(work) = state.board.works.get(&no).filter(|work| work.agent != *agent || is_seen(state, work))
    else {
        return Err((Code::WrongState, format!("work {no} is not open: it never was, or has ended")));
    };
    if work.agent != *agent {
        return Err((Code::NotYours, format!("work {no} is in {}'s stream", work.agent)));
    }
    if let Some(until) = work.taken_until.filter(|until| now < *until) {
        return Err((Code::WrongState, format!("work {no} is taken until {until}")));
    }
    spent(state, work).map_or(Ok(()), |why| Err((Code::OutOfAttempts, why)))
}

fn waits(state: &State, work: &Work, now: Time) -> bool {
    !work.is_taken(now) && spent(state, work).is_none() && is_seen(state, work)
}

/// What tells of a field that its agent may not see any more is as if it were not there.
pub(super) fn is_seen(state: &State, work: &Work) -> bool {
    Sight::now(&work.agent, &state.board.map).sees_work(work)
}

/// Whether it is out of attempts and ends with that, in words. The last attempt may be over before its timer has said so:
/// there is no other one.
pub(in crate::domain::decide) fn spent(state: &State, work: &Work) -> Option<String> {
    let spent = work.attempts >= work.max_attempts && !goes_on(state, work);
    spent.then(|| format!("work {} is out of attempts: {} of {}", work.no, work.attempts, work.max_attempts))
}

/// Where nobody is asked, a task goes on as it would without Deeds.
fn goes_on(state: &State, work: &Work) -> bool {
    let is_task = matches!(work.kind, WorkKind::Handoff { .. } | WorkKind::Returned { .. });
    is_task && !state.board.enforces()
}

/// The holder says that the attempt failed, or gives the work back untried. It waits again while attempts are left.
pub(super) fn give_back(sheet: &mut Sheet<'_>, work: &Work, step: &WorkStep) -> Seq {
    let failed = step.step == WorkVerb::Fail;
    let last = work.attempts >= work.max_attempts;
    let (body, outcome) = match (failed, last && escalates(sheet.base(), work)) {
        (true, _) => (Body::WorkFailed(()), Outcome::Failed),
        (false, true) => (Body::WorkReturned(()), Outcome::Escalated),
        (false, false) => (Body::WorkReturned(()), Outcome::Recorded),
    };
    let mut deed = sheet.draft(body, step.step.as_str(), outcome);
    deed.subject.clone_from(&work.subject);
    deed.cause = Some(work.deed);
    deed.reason = step.note.as_deref().map(text);
    deed.refs.works = vec![work.no];
    deed.code = last.then_some(Code::OutOfAttempts);
    deed.verdict = (last && only_observed(sheet.base(), work)).then_some(Outcome::Escalated);
    let primary = sheet.push(deed);
    if last {
        let item = exhaust(sheet, work.no, primary);
        if let Some(deed) = sheet.deed_mut(primary) {
            deed.refs.item = item;
        }
    }
    primary
}

/// The time of the taker is over: the work waits again, or is out of attempts.
pub(super) fn lapse(sheet: &mut Sheet<'_>, work: &Work) -> Seq {
    let body = Body::WorkLapsed(());
    let mut deed = sheet.follow_up(body, "lapse", Outcome::Recorded, Some(work.deed));
    deed.subject.clone_from(&work.subject);
    deed.because(format!("{} had work {} for its time and did not end it", work.agent, work.no));
    deed.refs.works = vec![work.no];
    deed.refs.owners = vec![work.agent.clone()];
    let lapsed = sheet.push(deed);
    if work.attempts >= work.max_attempts {
        exhaust(sheet, work.no, lapsed);
    }
    lapsed
}

/// Whether a person decides when this is out of attempts.
fn escalates(state: &State, work: &Work) -> bool {
    ends_with_a_person(work) && state.board.enforces()
}

/// Whether a person would decide, if the workspace did more than observe.
fn only_observed(state: &State, work: &Work) -> bool {
    ends_with_a_person(work) && !state.board.enforces()
}

fn ends_with_a_person(work: &Work) -> bool {
    work.kind.asks() && work.on_exhausted == OnExhausted::Escalate
}

/// Work is out of attempts: a person decides, with its history before them, or it ended as failed.
fn exhaust(sheet: &mut Sheet<'_>, no: WorkNo, cause: Seq) -> Option<ItemNo> {
    let work = Arc::clone(sheet.state().board.works.get(&no)?);
    if goes_on(sheet.base(), &work) {
        return None;
    }
    let is_task = matches!(work.kind, WorkKind::Handoff { .. } | WorkKind::Returned { .. });
    let observed = only_observed(sheet.base(), &work);
    let asks_a_person = escalates(sheet.base(), &work);
    let outcome = if asks_a_person { Outcome::Escalated } else { Outcome::Failed };
    let mut deed = sheet.follow_up(Body::WorkExhausted(()), "exhaust", outcome, Some(cause));
    deed.subject.clone_from(&work.subject);
    deed.code = Some(Code::OutOfAttempts);
    deed.verdict = observed.then_some(Outcome::Escalated);
    deed.because(format!("work {} is out of attempts: {} of {}", no, work.attempts, work.max_attempts));
    deed.refs.works = vec![no];
    deed.refs.owners = vec![work.agent.clone()];
    let item = sheet.state().board.next.item;
    deed.refs.item = asks_a_person.then_some(item);
    let exhausted = sheet.push(deed);
    fan_out::end_branch(sheet, &work, false, None, exhausted);
    if is_task {
        return handoff::exhausted(sheet, &work, exhausted);
    }
    asks_a_person.then(|| stuck::given_up(sheet, &work, exhausted))
}
