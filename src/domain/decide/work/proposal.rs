//! Proposals: accepted as the owner's own write, or declined with feedback.

use super::end;
use crate::domain::code::Code;
use crate::domain::command::{WorkStep, Write};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{propose, write};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::things::Work;

/// Decided afresh, versions too, as the owner's write with the proposal as its cause.
pub(super) fn accept(
    sheet: &mut Sheet<'_>,
    work: &Work,
    from: &Actor,
    wish: &Write,
    proposed: Seq,
    step: &WorkStep,
) -> Seq {
    let mut write = wish.clone();
    write.cause = Some(proposed);
    write.lease = step.lease;
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

pub(super) fn decline(
    sheet: &mut Sheet<'_>,
    work: &Work,
    from: &Actor,
    wish: &Write,
    step: &WorkStep,
) -> Seq {
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
