//! An agent's work stream: completing, accepting and declining. Dispatches and handoffs are not here yet.

use super::{
    propose,
    sheet::Sheet,
    verdict::{self, text},
    write,
};
use crate::domain::{
    code::Code,
    command::{Take, WorkStep, WorkVerb, Write},
    deed::{Body, Outcome},
    ids::{Actor, Seq, WorkNo},
    state::{Work, WorkKind},
};

/// Decides a step on a work item of the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &WorkStep) -> Seq {
    let action = step.step.as_str();
    if let Some(why) = verdict::too_long("note", step.note.as_deref()) {
        return sheet.refuse(Body::WorkRefused(()), action, Code::OverBound, &why);
    }
    let Some(work) = sheet.state().board.works.get(&step.work).cloned() else {
        let why = format!("work {} is not open: it never was, or has ended", step.work);
        return sheet.refuse(Body::WorkRefused(()), action, Code::WrongState, &why);
    };
    if !write::is(&sheet.principal.actor, &work.agent) {
        let why = format!("work {} is in {}'s stream", work.no, work.agent);
        return sheet.refuse(Body::WorkRefused(()), action, Code::NotYours, &why);
    }
    match (&work.kind, step.step) {
        (WorkKind::Proposal { from, write, proposed }, WorkVerb::Accept) => {
            accept(sheet, &work, from, write, *proposed, step)
        }
        (WorkKind::Proposal { from, write, .. }, WorkVerb::Decline) => {
            decline(sheet, &work, from, write, step)
        }
        (WorkKind::Proposal { .. }, WorkVerb::Complete) => {
            let why = format!("work {} is a proposal: accept or decline it", work.no);
            sheet.refuse(Body::WorkRefused(()), action, Code::WrongState, &why)
        }
        (_, WorkVerb::Complete) => {
            end(sheet, &work, Body::WorkCompleted(()), action, Outcome::Recorded, step)
        }
        (_, WorkVerb::Accept | WorkVerb::Decline | WorkVerb::Fail | WorkVerb::Return) => {
            let why = format!("work {} is a {}: complete it", work.no, work.kind.word());
            sheet.refuse(Body::WorkRefused(()), action, Code::WrongState, &why)
        }
    }
}

/// Decided afresh, versions too, as the owner's write with the proposal as its cause.
fn accept(
    sheet: &mut Sheet<'_>,
    work: &Work,
    from: &Actor,
    wish: &Write,
    proposed: Seq,
    step: &WorkStep,
) -> Seq {
    let mut write = wish.clone();
    write.cause = Some(proposed);
    if let Some(note) = &step.note {
        write.reason = Some(note.clone());
    }
    let decided = write::decide_as(sheet, &work.agent, &write);
    if let Some(deed) = sheet.deed_mut(decided) {
        deed.refs.works.push(work.no);
    }
    if sheet.outcome(decided) != Outcome::Committed {
        // The proposal stays: the owner sees why it does not go through now, and can still decline it.
        return decided;
    }
    let accepted = end(sheet, work, Body::WorkAccepted(()), "accept", Outcome::Recorded, step);
    if let Some(agent) = from.agent() {
        let words = format!("{} accepted your proposal: {}", work.agent, work.title);
        propose::notice(sheet, agent, wish, &words, accepted);
    }
    decided
}

fn decline(sheet: &mut Sheet<'_>, work: &Work, from: &Actor, wish: &Write, step: &WorkStep) -> Seq {
    let Some(note) = step.note.as_deref().map(str::trim).filter(|note| !note.is_empty()) else {
        let why = "declining needs feedback in `note`: say what would make it acceptable";
        return sheet.refuse(Body::WorkRefused(()), "decline", Code::WrongState, why);
    };
    let declined = end(sheet, work, Body::WorkDeclined(()), "decline", Outcome::Recorded, step);
    if let Some(agent) = from.agent() {
        let words = format!("{} declined your proposal: {note}", work.agent);
        propose::notice(sheet, agent, wish, &words, declined);
    }
    declined
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

/// Takes what waits in the caller's stream. None where nothing waits.
pub(super) fn take(_sheet: &mut Sheet<'_>, _take: &Take) -> Option<Seq> {
    None
}

/// The time of a taker is over, or nobody took the work for long.
pub(super) fn alarm(_sheet: &mut Sheet<'_>, _no: WorkNo) -> Option<Seq> {
    None
}
