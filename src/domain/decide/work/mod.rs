//! An agent's work stream, RULES §7: what may be done with an item of it, by its kind. Attempts and their ends are
//! in `tries`, what time does in `watch`, proposals in `proposal`.

mod fetched;
pub(super) mod proposal;
mod sequence;
mod tries;
mod watch;

pub(super) use self::sequence::next;
pub(super) use self::tries::{spent, take};
pub(super) use self::watch::alarm;
use std::sync::Arc;

use super::sheet::Sheet;
use super::verdict::{self, text};
use super::{fan_out, handoff, write};
use crate::domain::code::Code;
use crate::domain::command::{WorkStep, WorkVerb};
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::rule::attempt;
use crate::domain::state::State;
use crate::domain::things::{Work, WorkKind};

/// Most work items open at once in a workspace.
const OPEN_WORKS: usize = 100_000;

/// Whether the work streams take no more than they hold, in words.
pub(super) fn full(state: &State, more: usize) -> Option<String> {
    let open = state.board.works.len();
    let over = open + more > OPEN_WORKS;
    over.then(|| {
        format!("{open} work items are open, at most {OPEN_WORKS}; their agents must end some first")
    })
}

/// Decides a step on a work item of the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &WorkStep) -> Seq {
    if let Some(why) = verdict::too_long("note", step.note.as_deref()) {
        return refuse(sheet, step, Code::OverBound, &why);
    }
    let state = sheet.snapshot();
    let own = |work: &Work| write::is(&sheet.principal.actor, &work.agent);
    let seen = |work: &&Arc<Work>| !own(work) || tries::is_seen(&state, work);
    let Some(work) = state.board.works.get(&step.work).filter(seen).cloned() else {
        let why = format!("work {} is not open: it never was, or has ended", step.work);
        return refuse(sheet, step, Code::WrongState, &why);
    };
    if !write::is(&sheet.principal.actor, &work.agent) {
        let why = format!("work {} is in {}'s stream", work.no, work.agent);
        return refuse(sheet, step, Code::NotYours, &why);
    }
    if let Some((code, why)) = attempt::doubt(&work, step.attempt, sheet.now) {
        return refuse(sheet, step, code, &why);
    }
    match &work.kind {
        WorkKind::Proposal { write, proposed, partial, .. } => match step.step {
            WorkVerb::Accept => proposal::accept(sheet, &work, (write, *partial), *proposed, step),
            WorkVerb::Decline => proposal::decline(sheet, &work, step),
            WorkVerb::Complete => wrong(sheet, &work, step, "accept or decline it"),
            WorkVerb::Fail | WorkVerb::Return => held(sheet, &work, step, tries::give_back),
        },
        WorkKind::Dispatch { .. } | WorkKind::Branch { .. } => match step.step {
            WorkVerb::Complete => held(sheet, &work, step, complete),
            WorkVerb::Fail | WorkVerb::Return => held(sheet, &work, step, tries::give_back),
            WorkVerb::Accept | WorkVerb::Decline => {
                wrong(sheet, &work, step, "take it, then complete, fail or return it")
            }
        },
        WorkKind::Handoff { order, .. } => match step.step {
            WorkVerb::Accept => handoff::on_task(sheet, &work, &order.task, step, handoff::accept),
            WorkVerb::Complete => handoff::on_task(sheet, &work, &order.task, step, handoff::complete),
            WorkVerb::Return => handoff::on_task(sheet, &work, &order.task, step, handoff::give_back),
            WorkVerb::Decline | WorkVerb::Fail => {
                wrong(sheet, &work, step, "return it with feedback in `note`")
            }
        },
        WorkKind::Returned { task, .. } => match step.step {
            WorkVerb::Complete => handoff::on_task(sheet, &work, task, step, handoff::keep),
            WorkVerb::Fail | WorkVerb::Return => held(sheet, &work, step, tries::give_back),
            WorkVerb::Accept | WorkVerb::Decline => {
                wrong(sheet, &work, step, "hand the task over again, or complete it yourself")
            }
        },
        WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => match step.step {
            WorkVerb::Complete => complete(sheet, &work, step),
            WorkVerb::Fail | WorkVerb::Return => held(sheet, &work, step, tries::give_back),
            WorkVerb::Accept | WorkVerb::Decline => wrong(sheet, &work, step, "complete it"),
        },
    }
}

/// Only while the caller holds it: taken, and its time not over.
fn held(
    sheet: &mut Sheet<'_>,
    work: &Work,
    step: &WorkStep,
    then: impl FnOnce(&mut Sheet<'_>, &Work, &WorkStep) -> Seq,
) -> Seq {
    if work.is_taken(sheet.now) {
        return then(sheet, work, step);
    }
    let why = match work.taken_until {
        Some(until) => format!("your time with work {} was over at {until}; take it again", work.no),
        None => format!("work {} is not taken; take it first", work.no),
    };
    refuse(sheet, step, Code::WrongState, &why)
}

fn complete(sheet: &mut Sheet<'_>, work: &Work, step: &WorkStep) -> Seq {
    if matches!(work.kind, WorkKind::Branch { .. })
        && let Some(why) = fan_out::too_big(step)
    {
        return refuse(sheet, step, Code::OverBound, &why);
    }
    let body = Body::WorkCompleted(step.result.clone());
    let completed = end(sheet, work, body, "complete", Outcome::Recorded, step);
    next(sheet, work, Some(step), completed);
    fan_out::end_branch(sheet, work, true, Some(step), completed);
    completed
}

fn end(
    sheet: &mut Sheet<'_>,
    work: &Work,
    body: Body,
    action: &'static str,
    outcome: Outcome,
    step: &WorkStep,
) -> Seq {
    let mut deed = sheet.draft(body, action, outcome);
    deed.subject.clone_from(&work.subject);
    deed.cause = Some(work.deed);
    deed.reason = step.note.as_deref().map(text);
    deed.refs.works = vec![work.no];
    sheet.push(deed)
}

fn wrong(sheet: &mut Sheet<'_>, work: &Work, step: &WorkStep, mend: &str) -> Seq {
    let why = format!("work {} is a {}: {mend}", work.no, work.kind.word());
    refuse(sheet, step, Code::WrongState, &why)
}

fn refuse(sheet: &mut Sheet<'_>, step: &WorkStep, code: Code, why: &str) -> Seq {
    sheet.refuse(Body::WorkRefused(()), step.step.as_str(), code, why)
}
