//! Proposals: accepted as the owner's own write, or declined with feedback.

use std::fmt;

use crate::domain::code::Code;
use crate::domain::command::{WorkStep, Write};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict::text;
use crate::domain::decide::{answer, held, propose, write};
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::things::{Work, WorkKind};

/// Decided afresh, versions too, as the owner's write with the proposal as its cause.
pub(super) fn accept(
    sheet: &mut Sheet<'_>,
    work: &Work,
    (wish, partial): (&Write, bool),
    proposed: Seq,
    step: &WorkStep,
) -> Seq {
    let mut write = wish.clone();
    write.cause = Some(proposed);
    write.lease = step.lease;
    write.reason = step.note.clone().or_else(|| write::reason_again(wish, partial));
    let decided = write::decide_as(sheet, &work.agent, &write);
    if let Some(deed) = sheet.deed_mut(decided) {
        deed.refs.works.push(work.no);
    }
    let goes = if wish.call.is_some() { Outcome::Allowed } else { Outcome::Committed };
    if sheet.outcome(decided) != goes {
        // The proposal stays: the owner sees why it does not go through now, and can still decline it.
        return decided;
    }
    accepted(sheet, work, step.note.as_deref());
    end_items(sheet, work, "was accepted and went through", decided);
    decided
}

pub(super) fn decline(sheet: &mut Sheet<'_>, work: &Work, step: &WorkStep) -> Seq {
    let Some(note) = step.note.as_deref().map(str::trim).filter(|note| !note.is_empty()) else {
        let why = "declining needs feedback in `note`: say what would make it acceptable";
        return sheet.refuse(Body::WorkRefused(()), "decline", Code::WrongState, why);
    };
    let declined = declined(sheet, work, &work.agent, note);
    end_items(sheet, work, "was declined by its owner", declined);
    declined
}

/// Its owner accepted it, and it went through: its author is told.
pub(in crate::domain::decide) fn accepted(sheet: &mut Sheet<'_>, work: &Work, note: Option<&str>) -> Seq {
    let words = format!("{} accepted your proposal: {}", work.agent, work.title);
    end(sheet, work, Body::WorkAccepted(()), note, &words)
}

/// It was declined, by its owner or by a person: its author is told by whom and why.
pub(in crate::domain::decide) fn declined(
    sheet: &mut Sheet<'_>,
    work: &Work,
    by: &dyn fmt::Display,
    note: &str,
) -> Seq {
    let words = format!("{by} declined your proposal: {note}");
    end(sheet, work, Body::WorkDeclined(()), Some(note), &words)
}

fn end(sheet: &mut Sheet<'_>, work: &Work, body: Body, note: Option<&str>, words: &str) -> Seq {
    let action = if matches!(body, Body::WorkAccepted(())) { "accept" } else { "decline" };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject.clone_from(&work.subject);
    deed.cause = Some(work.deed);
    deed.reason = note.map(text);
    deed.refs.works = vec![work.no];
    let ended = sheet.push(deed);
    if let WorkKind::Proposal { from, write, .. } = &work.kind
        && let Some(agent) = from.agent()
    {
        propose::notice(sheet, agent, write, words, ended);
    }
    ended
}

/// What waits for a person since the proposal was accepted, on a field that a person holds, needs no answer any more.
fn end_items(sheet: &mut Sheet<'_>, work: &Work, how: &str, cause: Seq) {
    let state = sheet.snapshot();
    for item in state.board.items.values().filter(|item| held::is_of(work, item)) {
        answer::end_by_itself(sheet, item, &format!("the proposal {how}"), cause);
    }
}
