//! What is done with a task that was handed over: accepted, completed, or returned with feedback.

use super::{abort, escalate, queue, same_words, task_of, tell};
use crate::domain::code::Code;
use crate::domain::command::{LONGEST_VISIBILITY, WorkStep};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict::text;
use crate::domain::decide::{alert, work};
use crate::domain::deed::{Body, Deed, TaskResult};
use crate::domain::ids::{Actor, Seq, TaskId};
use crate::domain::outcome::Outcome;
use crate::domain::things::{Feedback, Task, TaskStage, Work, WorkKind};

/// Longest feedback of one return in bytes: every later return carries it along.
pub(super) const FEEDBACK_BYTES: usize = 4 * 1024;

/// A step on the task as it is, only while the work item is still about it.
pub(in crate::domain::decide) fn on_task(
    sheet: &mut Sheet<'_>,
    work: &Work,
    id: &TaskId,
    step: &WorkStep,
    then: impl FnOnce(&mut Sheet<'_>, &Work, &Task, &WorkStep) -> Seq,
) -> Seq {
    if let Some(task) = task_of(sheet.state(), id, work).cloned() {
        return then(sheet, work, &task, step);
    }
    let why = format!("task {id} has moved on; work {} is not about it any more", work.no);
    refuse(sheet, step, id, (Code::WrongState, &why))
}

/// The receiver takes the task over: it is its owner from now on, and holds it as long as taken work is held at most.
pub(in crate::domain::decide) fn accept(
    sheet: &mut Sheet<'_>,
    work: &Work,
    task: &Task,
    step: &WorkStep,
) -> Seq {
    if matches!(task.stage, TaskStage::Accepted { .. }) {
        let why = format!("task {} is accepted already: complete or return it", task.id);
        return refuse(sheet, step, &task.id, (Code::WrongState, &why));
    }
    let now = sheet.now;
    if let Some(why) = work::spent(sheet.state(), work).filter(|_| !work.is_taken(now)) {
        return refuse(sheet, step, &task.id, (Code::OutOfAttempts, &why));
    }
    let body = Body::HandoffAccepted(task.id.clone());
    let mut deed = draft(sheet, work, task, body, step, Outcome::Recorded);
    deed.refs.owners = vec![task.order.from.clone()];
    // Whoever needs longer takes it again; whoever died with it gives it free that way.
    deed.refs.until = Some(sheet.now.plus(LONGEST_VISIBILITY));
    sheet.push(deed)
}

/// The receiver has done the task; its giver is told.
pub(in crate::domain::decide) fn complete(
    sheet: &mut Sheet<'_>,
    work: &Work,
    task: &Task,
    step: &WorkStep,
) -> Seq {
    let done = keep(sheet, work, task, step);
    let words = format!("{} completed {}, which you handed over", work.agent, task.id);
    tell(sheet, &task.order.from, task, &words, done);
    done
}

/// The task is done, and nobody is told: its giver ends one that came back itself.
pub(in crate::domain::decide) fn keep(
    sheet: &mut Sheet<'_>,
    work: &Work,
    task: &Task,
    step: &WorkStep,
) -> Seq {
    let result = TaskResult { task: task.id.clone(), result: step.result.clone() };
    let body = Body::HandoffCompleted(Box::new(result));
    let mut deed = draft(sheet, work, task, body, step, Outcome::Recorded);
    deed.refs.owners = vec![task.order.from.clone()];
    sheet.push(deed)
}

/// The task goes back to its giver with the whole history of feedback, or to a person where that leads nowhere.
pub(in crate::domain::decide) fn give_back(
    sheet: &mut Sheet<'_>,
    work: &Work,
    task: &Task,
    step: &WorkStep,
) -> Seq {
    let Some(words) = step.note.as_deref().map(str::trim).filter(|note| !note.is_empty()) else {
        let why = "returning a task needs feedback in `note`: say what the next attempt must do otherwise";
        return refuse(sheet, step, &task.id, (Code::WrongState, why));
    };
    if words.len() > FEEDBACK_BYTES {
        let why = format!(
            "feedback in `note` is longer than {FEEDBACK_BYTES} bytes; every later return carries it"
        );
        return refuse(sheet, step, &task.id, (Code::OverBound, &why));
    }
    // What a person said in between is no return.
    let before = task.history.iter().rev().find(|feedback| feedback.by.agent().is_some());
    let same = before.is_some_and(|before| same_words(&before.text, words));
    let mut back = task.clone();
    back.hear(Feedback {
        attempt: task.attempt,
        by: Actor::Agent(work.agent.clone()),
        text: text(words),
        subject: task.subject.clone(),
        at: sheet.now,
        deed: sheet.next_seq(),
    });
    back.owner.clone_from(&task.order.from);
    back.attempt = task.attempt + 1;
    back.hands.clear();
    (back.at, back.deed) = (sheet.now, sheet.next_seq());
    let code = match (same, back.attempt > back.max_attempts) {
        (true, _) => Some(Code::NotConverging),
        (false, true) => Some(Code::OutOfAttempts),
        (false, false) => None,
    };
    match code {
        Some(Code::OutOfAttempts) if sheet.base().board.enforces() && back.order.aborts() => {
            abort::returned(sheet, work, back, step)
        }
        Some(code) if sheet.base().board.enforces() => escalate::returned(sheet, work, back, step, code),
        code => send_back(sheet, work, back, step, code),
    }
}

fn send_back(sheet: &mut Sheet<'_>, work: &Work, mut back: Task, step: &WorkStep, code: Option<Code>) -> Seq {
    let no = sheet.state().board.next.work;
    back.stage = TaskStage::Returned { work: no };
    let mut deed =
        draft(sheet, work, &back, Body::HandoffReturned(Box::new(back.clone())), step, Outcome::Recorded);
    deed.code = code;
    deed.verdict = code.map(|_| Outcome::Escalated);
    deed.refs.works = vec![work.no, no];
    deed.refs.owners = vec![back.owner.clone()];
    let returned = sheet.push(deed);
    let kind = WorkKind::Returned {
        task: back.id.clone(),
        attempt: back.attempt,
        max_attempts: back.max_attempts,
        history: back.history.clone(),
        earlier: back.order.earlier.clone(),
        left_out: back.order.left_out,
        returns_left_out: back.order.returns_left_out,
    };
    let title = format!("{} returned {}: {}", work.agent, back.id, step.note.as_deref().unwrap_or_default());
    let given = Work::new(no, back.owner.clone(), kind, title, (sheet.now, sheet.next_seq()));
    queue(sheet, given.about(back.subject.clone()), returned);
    if code == Some(Code::NotConverging) {
        alert::not_converging(sheet, &back, returned);
    }
    returned
}

pub(super) fn draft(
    sheet: &Sheet<'_>,
    work: &Work,
    task: &Task,
    body: Body,
    step: &WorkStep,
    outcome: Outcome,
) -> Deed {
    let mut deed = sheet.draft(body, step.step.as_str(), outcome);
    deed.subject.clone_from(&task.subject);
    deed.cause = Some(work.deed);
    deed.reason = step.note.as_deref().map(text);
    deed.refs.works = vec![work.no];
    deed.refs.task = Some(task.id.clone());
    deed
}

fn refuse(sheet: &mut Sheet<'_>, step: &WorkStep, id: &TaskId, (code, why): (Code, &str)) -> Seq {
    let seq = sheet.refuse(Body::HandoffRefused(()), step.step.as_str(), code, why);
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.refs.works = vec![step.work];
        deed.refs.task = Some(id.clone());
    }
    seq
}
