//! A task that leads nowhere gets to a person, once: out of attempts, or returned with the same feedback again. Further
//! handoffs of it are refused until the person has answered.

use super::receive::draft;
use super::{ACTION, Given, abort};
use crate::domain::code::Code;
use crate::domain::command::WorkStep;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{alert, stuck};
use crate::domain::deed::Body;
use crate::domain::ids::{ItemNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{Task, TaskStage, Work};

/// A handoff beyond the last attempt: nobody gets it.
pub(super) fn offered(sheet: &mut Sheet<'_>, state: &State, given: &Given) -> Seq {
    let order = &given.order;
    let item = state.board.next.item;
    let task = beyond(sheet, state, given, TaskStage::Escalated { item });
    let body = Body::HandoffEscalated(Box::new(task.clone()));
    let mut deed = sheet.draft(body, ACTION, Outcome::Escalated);
    deed.subject.clone_from(&given.subject);
    deed.cause = given.cause.or(state.board.tasks.get(&order.task).map(|task| task.deed));
    deed.code = Some(Code::OutOfAttempts);
    deed.because(format!("all {} attempts were made: a person decides", order.max_attempts));
    deed.refs.item = Some(item);
    deed.refs.task = Some(order.task.clone());
    deed.refs.owners = vec![order.from.clone(), order.to.clone()];
    let escalated = sheet.push(deed);
    stuck::task(sheet, &task, Code::OutOfAttempts, None, escalated);
    escalated
}

/// The task of a handoff beyond its last attempt.
pub(super) fn beyond(sheet: &Sheet<'_>, state: &State, given: &Given, stage: TaskStage) -> Task {
    let order = &given.order;
    let known = state.board.tasks.get(&order.task);
    Task {
        id: order.task.clone(),
        owner: order.from.clone(),
        subject: given.subject.clone(),
        stage,
        attempt: order.attempt,
        max_attempts: order.max_attempts,
        settled: known.is_some_and(|task| task.settled),
        history: known.map(|task| task.history.clone()).unwrap_or_default(),
        // Nobody has had it in this attempt.
        hands: Vec::new(),
        order: order.clone(),
        at: sheet.now,
        deed: sheet.next_seq(),
    }
}

/// A return beyond the last attempt, or with the same feedback as the one before.
pub(super) fn returned(
    sheet: &mut Sheet<'_>,
    work: &Work,
    mut back: Task,
    step: &WorkStep,
    code: Code,
) -> Seq {
    let item = sheet.state().board.next.item;
    back.stage = TaskStage::Escalated { item };
    let body = Body::HandoffEscalated(Box::new(back.clone()));
    let mut deed = draft(sheet, work, &back, body, step, Outcome::Escalated);
    deed.code = Some(code);
    deed.refs.item = Some(item);
    deed.refs.owners = vec![back.order.from.clone(), back.order.to.clone()];
    let escalated = sheet.push(deed);
    let alert =
        if code == Code::NotConverging { alert::not_converging(sheet, &back, escalated) } else { None };
    stuck::task(sheet, &back, code, alert, escalated);
    if let Some(deed) = sheet.deed_mut(escalated) {
        deed.refs.alerts.extend(alert);
    }
    escalated
}

/// The work item of a task is out of attempts: taken again and again, and never ended.
pub(in crate::domain::decide) fn exhausted(sheet: &mut Sheet<'_>, work: &Work, cause: Seq) -> Option<ItemNo> {
    let id = work.kind.task()?;
    let state = sheet.state();
    let item = state.board.next.item;
    let mut task = (**state.board.tasks.get(id)?).clone();
    if task.order.aborts() {
        abort::exhausted(sheet, work, task, cause);
        return None;
    }
    task.stage = TaskStage::Escalated { item };
    (task.at, task.deed) = (sheet.now, sheet.next_seq());
    let body = Body::HandoffEscalated(Box::new(task.clone()));
    let mut deed = sheet.follow_up(body, ACTION, Outcome::Escalated, Some(cause));
    deed.subject.clone_from(&task.subject);
    deed.code = Some(Code::OutOfAttempts);
    deed.because(format!("{} took task {id} {} times and did not end it", work.agent, work.attempts));
    deed.refs.item = Some(item);
    deed.refs.works = vec![work.no];
    deed.refs.task = Some(id.clone());
    deed.refs.owners = vec![task.order.from.clone(), task.order.to.clone()];
    let escalated = sheet.push(deed);
    Some(stuck::task(sheet, &task, Code::OutOfAttempts, None, escalated))
}
