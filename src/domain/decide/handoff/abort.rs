//! A task that is out of attempts and ends with that, because its giver or the map says so, RULES §8.3: nobody is asked,
//! its giver is told with every return, and who had it last that it is over.

use super::receive::draft;
use super::{ACTION, Given, escalate, queue, tell};
use crate::domain::code::Code;
use crate::domain::command::WorkStep;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict::text;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{Task, TaskStage, Work, WorkKind};

/// A handoff beyond the last attempt: nobody gets it.
pub(super) fn offered(sheet: &mut Sheet<'_>, state: &State, given: &Given) -> Seq {
    let task = escalate::beyond(sheet, state, given, TaskStage::Aborted);
    let body = Body::TaskAborted(Box::new(task.clone()));
    let mut deed = sheet.draft(body, ACTION, Outcome::Failed);
    deed.subject.clone_from(&task.subject);
    deed.cause = given.cause.or(state.board.tasks.get(&task.id).map(|task| task.deed));
    deed.because(words(&task));
    end(sheet, deed, &task)
}

/// A return beyond the last attempt.
pub(super) fn returned(sheet: &mut Sheet<'_>, work: &Work, mut back: Task, step: &WorkStep) -> Seq {
    back.stage = TaskStage::Aborted;
    let body = Body::TaskAborted(Box::new(back.clone()));
    let deed = draft(sheet, work, &back, body, step, Outcome::Failed);
    end(sheet, deed, &back)
}

/// Taken again and again, and never ended.
pub(super) fn exhausted(sheet: &mut Sheet<'_>, work: &Work, mut task: Task, cause: Seq) {
    task.stage = TaskStage::Aborted;
    (task.at, task.deed) = (sheet.now, sheet.next_seq());
    let body = Body::TaskAborted(Box::new(task.clone()));
    let mut deed = sheet.follow_up(body, ACTION, Outcome::Failed, Some(cause));
    deed.subject.clone_from(&task.subject);
    deed.because(format!("{} took task {} {} times and did not end it", work.agent, task.id, work.attempts));
    deed.refs.works = vec![work.no];
    end(sheet, deed, &task);
}

fn end(sheet: &mut Sheet<'_>, mut deed: Deed, task: &Task) -> Seq {
    let (from, to) = (&task.order.from, &task.order.to);
    deed.code = Some(Code::OutOfAttempts);
    deed.refs.task = Some(task.id.clone());
    deed.refs.owners = vec![from.clone(), to.clone()];
    let ended = sheet.push(deed);
    let said = words(task);
    let history = task.history.clone();
    let returns_left_out = task.order.returns_left_out;
    let kind = WorkKind::Notice { text: text(&said), history, returns_left_out };
    let no = sheet.state().board.next.work;
    let work = Work::new(no, from.clone(), kind, said.as_str(), (sheet.now, sheet.next_seq()));
    queue(sheet, work.about(task.subject.clone()), ended);
    tell(sheet, to, task, &said, ended);
    ended
}

fn words(task: &Task) -> String {
    let of = task.max_attempts;
    format!("{} ended as failed after attempt {of} of {of}; no person is asked", task.id)
}
