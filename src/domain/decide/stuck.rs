//! Inbox items of what does not end by itself: work that is out of attempts, and tasks that lead nowhere. What their
//! answers do is here as well.

use super::inbox::{self, NewItem};
use super::sheet::Sheet;
use super::{propose, work};
use crate::domain::code::Code;
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::state::Board;
use crate::domain::things::{Case, ClosedItem, Effects, Item, ItemAnswer, Task, Work, WorkKind};

/// Work that is out of attempts, with the history of them.
pub(super) fn given_up(sheet: &mut Sheet<'_>, work: &Work, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    let last = work.history.last();
    let note = last.and_then(|last| last.note.as_deref()).map(|note| format!(": {note}")).unwrap_or_default();
    let how = last.map_or("lapsed", |last| &last.how);
    let what = match &work.kind {
        WorkKind::Dispatch { event, .. } => event,
        WorkKind::Proposal { .. }
        | WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Handoff { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => work.kind.word(),
    };
    let mut evidence = vec![work.deed];
    evidence.extend(work.history.iter().map(|attempt| attempt.deed));
    let item = NewItem {
        case: Case::GivenUp { work: Box::new(work.clone()) },
        raised_by: Actor::Agent(work.agent.clone()),
        title: work.title.to_string(),
        why: format!("{} attempts, none completed it; the last one {how}{note}", work.attempts),
        unforeseen: false,
        subject: work.subject.clone(),
        evidence,
        alike: format!("given-up|{}|{what}", work.agent),
        suggestion: None,
    };
    inbox::open_for(sheet, &state, &work.agent, item, cause)
}

/// A task that is out of attempts or does not converge, with every feedback so far.
pub(super) fn task(
    sheet: &mut Sheet<'_>,
    task: &Task,
    code: Code,
    alert: Option<AlertNo>,
    cause: Seq,
) -> ItemNo {
    let state = sheet.snapshot();
    let (from, to) = (&task.order.from, &task.order.to);
    let why = if code == Code::NotConverging {
        let words = task.history.last().map(|feedback| &*feedback.text).unwrap_or_default();
        format!("{to} returned {} with the same feedback twice: {words}", task.id)
    } else {
        format!("{} is out of attempts: {} between {from} and {to}", task.id, task.tries(" of "))
    };
    let mut evidence: Vec<Seq> = task.history.iter().map(|feedback| feedback.deed).collect();
    if evidence.last() != Some(&cause) {
        evidence.push(cause);
    }
    let item = NewItem {
        case: Case::Stuck { task: Box::new(task.clone()), alert },
        raised_by: Actor::Agent(from.clone()),
        title: format!("{}: {from} ⇄ {to}", task.id),
        why,
        unforeseen: false,
        subject: task.subject.clone(),
        evidence,
        alike: format!("stuck|{from}|{to}"),
        suggestion: None,
    };
    inbox::open_for(sheet, &state, from, item, cause)
}

/// Why this answer does not end such a case, in words. Any other case is not asked about.
pub(super) fn obstacle(item: &Item, answer: &ItemAnswer) -> Option<&'static str> {
    match (&item.case, answer) {
        (Case::GivenUp { .. }, ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. }) => Some(
            "the work is in the agent's zone already and was not done; handle it, or put it out of scope",
        ),
        (Case::Loop { .. }, ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. }) => Some(
            "no scope ends a loop; handle it, with the agent in `to` that shall have the event, or put it out of scope",
        ),
        (Case::Stuck { .. }, ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. }) => {
            Some("no scope ends a task that leads nowhere; send it on, handle it, or put it out of scope")
        }
        (Case::MapOverdue { .. }, ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. }) => {
            Some("no scope makes up for it; go through the map and handle it, or put it out of scope")
        }
        (Case::MapOverdue { .. }, ItemAnswer::OutOfScope { rule: true, .. }) => {
            Some("a map falls due again: put it out of scope without a rule, or set `review_every`")
        }
        (Case::GivenUp { .. } | Case::Stuck { .. }, ItemAnswer::OutOfScope { rule: true, .. }) => {
            Some("what was not done is looked at case by case; put it out of scope without a rule")
        }
        _ => None,
    }
}

/// What an answer does to what was stuck: the task is closed, the event goes on where a person did its work, and
/// whoever waits is told. The agent that raised the item is told by `answer`.
pub(super) fn settle(sheet: &mut Sheet<'_>, item: &Item, answer: &ItemAnswer, effects: &mut Effects) {
    match &item.case {
        Case::Stuck { task, .. } if matches!(answer, ItemAnswer::SendOn { .. }) => {
            let state = sheet.snapshot();
            let goes_to = state.board.tasks.get(&task.id).map(|task| &task.order.to);
            if goes_to.is_some_and(|to| *to != task.order.to) {
                tell(sheet, &task.order.to, item, answer, effects);
            }
        }
        Case::Stuck { task, .. } => {
            let mut deed = sheet.draft(Body::TaskClosed(task.id.clone()), "close task", Outcome::Recorded);
            deed.subject.clone_from(&task.subject);
            deed.cause = Some(item.deed);
            deed.reason = answer.note().cloned();
            deed.refs.item = Some(item.no);
            deed.refs.task = Some(task.id.clone());
            deed.refs.owners = vec![task.order.from.clone(), task.order.to.clone()];
            sheet.push(deed);
            tell(sheet, &task.order.to, item, answer, effects);
        }
        Case::GivenUp { work } => {
            if let ItemAnswer::Handle { to: None, .. } = answer {
                effects.works.extend(work::next(sheet, work, None, item.deed));
            }
            if let WorkKind::Proposal { from: Actor::Agent(author), .. } = &work.kind {
                tell(sheet, author, item, answer, effects);
            }
        }
        Case::UnownedField { .. }
        | Case::UnownedTarget { .. }
        | Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::UnownedEvent { .. }
        | Case::TriggerCollision { .. }
        | Case::Loop { .. }
        | Case::Approval { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::ActApproval { .. } => {}
    }
}

fn tell(sheet: &mut Sheet<'_>, agent: &AgentId, item: &Item, answer: &ItemAnswer, effects: &mut Effects) {
    let no = sheet.state().board.next.work;
    let kind = WorkKind::Decision {
        item: item.no,
        answer: answer.word().into(),
        note: answer.note().cloned(),
        reply: if let ItemAnswer::Handle { reply, .. } = answer { reply.clone() } else { None },
        result: None,
        granted: None,
        input: None,
    };
    let goes_on = goes_on(sheet, item, answer).unwrap_or_default();
    let title = format!("#{} answered: {}{goes_on}", item.no, answer.word());
    let work = Work::new(no, agent.clone(), kind, title, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(item.subject.clone()), Some(item.deed));
    effects.works.push(no);
}

/// Where an answer has sent a task, as a part of a sentence.
pub(super) fn goes_on(sheet: &mut Sheet<'_>, item: &Item, answer: &ItemAnswer) -> Option<String> {
    let (Case::Stuck { task, .. }, ItemAnswer::SendOn { .. }) = (&item.case, answer) else { return None };
    let on = sheet.state().board.tasks.get(&task.id)?;
    Some(format!(", {} goes to {}, attempt {} of {}", on.id, on.order.to, on.attempt, on.max_attempts))
}

/// Why an answer to such a case can't be taken back, in words.
pub(super) fn used(board: &Board, closed: &ClosedItem) -> Option<String> {
    let Case::Stuck { task, .. } = &closed.item.case else { return None };
    if let ItemAnswer::SendOn { .. } = closed.answer {
        // Its work is among what the answer made, and was not touched.
        return None;
    }
    board.tasks.contains_key(&task.id).then(|| format!("task {} was begun anew since", task.id))
}

/// The answer is taken back: the task waits for another one.
pub(super) fn reopen(sheet: &mut Sheet<'_>, closed: &ClosedItem) {
    let Case::Stuck { task, .. } = &closed.item.case else { return };
    let body = Body::HandoffEscalated(task.clone());
    let mut deed = sheet.draft(body, "undo", Outcome::Escalated);
    deed.subject.clone_from(&task.subject);
    deed.cause = Some(closed.deed);
    deed.because(format!("task {} waits for another answer", task.id));
    deed.refs.item = Some(closed.item.no);
    deed.refs.task = Some(task.id.clone());
    deed.refs.owners = vec![task.order.from.clone(), task.order.to.clone()];
    sheet.push(deed);
}
