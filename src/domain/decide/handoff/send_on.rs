//! A person sends a task on that led nowhere, RULES §8.3: to the same agent once more, or to another one, with more
//! attempts, with a word that goes along as feedback.

use std::sync::Arc;

use super::receive::FEEDBACK_BYTES;
use super::{known, queue};
use crate::domain::code::Code;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{verdict, work};
use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::sight::Sight;
use crate::domain::state::State;
use crate::domain::things::{Case, Feedback, Item, MOST_ATTEMPTS, Task, TaskStage, Work, WorkKind};
use crate::domain::time::Time;

type Refusal = (Code, String);

/// What a person says of a task that is sent on.
pub(in crate::domain::decide) struct Way<'a> {
    /// To whom; where nobody is named, to whom it was handed last.
    pub(in crate::domain::decide) to: Option<&'a AgentId>,
    /// How many attempts there are from now on.
    pub(in crate::domain::decide) max_attempts: Option<u32>,
    /// A word for the next attempt.
    pub(in crate::domain::decide) word: Option<&'a Arc<str>>,
}

/// Offers the task of the item again, and gives the number of the receiver's work; or says why not.
pub(in crate::domain::decide) fn send_on(
    sheet: &mut Sheet<'_>,
    item: &Item,
    way: &Way<'_>,
) -> Result<WorkNo, Refusal> {
    let state = sheet.snapshot();
    let task = waiting(&state, item)?;
    let to = way.to.unwrap_or(&task.order.to);
    may_have(&state, task, to, sheet.now)?;
    let word = way.word.map(|word| word.trim()).filter(|word| !word.is_empty());
    if word.is_some_and(|word| word.len() > FEEDBACK_BYTES) {
        let why = format!("`note` goes along as feedback, and is longer than {FEEDBACK_BYTES} bytes");
        return Err((Code::OverBound, why));
    }
    // Where somebody has had it in this attempt, the attempt is over.
    let next = if task.hands.is_empty() { task.attempt } else { task.attempt + 1 };
    let mut on = Task::clone(task);
    on.max_attempts = attempts(task, next, way.max_attempts)?;
    on.settled |= way.max_attempts.is_some() || on.max_attempts != task.max_attempts;
    let no = state.board.next.work;
    let seq = sheet.next_seq();
    if let Some(word) = word {
        let (by, text) = (sheet.principal.actor.clone(), verdict::text(word));
        let subject = on.subject.clone();
        on.hear(Feedback { attempt: next, by, text, subject, at: sheet.now, deed: seq });
    }
    on.attempt = next;
    on.owner.clone_from(&task.order.from);
    on.hands = vec![task.order.from.clone(), to.clone()];
    on.stage = TaskStage::Offered { to: to.clone(), work: no };
    on.order.to = to.clone();
    (on.order.attempt, on.order.max_attempts) = (on.attempt, on.max_attempts);
    (on.at, on.deed) = (sheet.now, seq);
    offer(sheet, item, on, no);
    Ok(no)
}

fn offer(sheet: &mut Sheet<'_>, item: &Item, on: Task, no: WorkNo) {
    let (from, to) = (on.order.from.clone(), on.order.to.clone());
    let which = format!("attempt {} of {}", on.attempt, on.max_attempts);
    let body = Body::TaskSentOn(Box::new(on.clone()));
    let mut deed = sheet.draft(body, "send on", Outcome::Recorded);
    deed.subject.clone_from(&on.subject);
    deed.cause = Some(item.deed);
    deed.because(format!("{} goes to {to}, {which}", on.id));
    deed.refs.item = Some(item.no);
    deed.refs.works = vec![no];
    deed.refs.task = Some(on.id.clone());
    deed.refs.owners = vec![from.clone(), to.clone()];
    let sent = sheet.push(deed);
    let title = format!("{} sends on {} from {from}, {which}", sheet.principal.actor, on.id);
    let kind = WorkKind::Handoff { order: Box::new(on.order), history: on.history };
    let work = Work::new(no, to, kind, title, (sheet.now, sheet.next_seq()));
    queue(sheet, work.about(on.subject), sent);
}

/// The task as it waits for the answer to this item.
fn waiting<'s>(state: &'s State, item: &Item) -> Result<&'s Task, Refusal> {
    let Case::Stuck { task, .. } = &item.case else {
        let why = format!("#{} is no task that leads nowhere: only such a one is sent on", item.no);
        return Err((Code::WrongState, why));
    };
    let waits =
        |known: &&Arc<Task>| matches!(known.stage, TaskStage::Escalated { item: no } if no == item.no);
    let known = state.board.tasks.get(&task.id).filter(waits);
    known.map(AsRef::as_ref).ok_or_else(|| {
        (Code::WrongState, format!("task {} does not wait for #{} any more", task.id, item.no))
    })
}

/// Whether this agent can have the task now.
fn may_have(state: &State, task: &Task, to: &AgentId, now: Time) -> Result<(), Refusal> {
    let id = &task.id;
    if *to == task.order.from {
        let why = format!("{to} gave {id} away and would get it from itself; handle it, and tell {to} so");
        return Err((Code::WrongState, why));
    }
    known(state, to)?;
    let hidden = |subject: &&EntityPath| {
        *to != task.order.to && Sight::now(to, &state.board.map).hides(subject, &FieldName::whole())
    };
    if let Some(subject) = task.subject.as_ref().filter(hidden) {
        let why = format!("{id} is about {subject}, which is hidden from {to}");
        return Err((Code::Hidden, why));
    }
    if let Some(why) = verdict::paused(state, to) {
        return Err((Code::Paused, format!("{why}; send {id} to another agent, or resume first")));
    }
    if let Some(lease) = state.board.lease_on_task(id, now).filter(|lease| lease.holder != *to) {
        let why = format!("{} holds lease {} on task {id} until {}", lease.holder, lease.fence, lease.until);
        return Err((Code::Locked, why));
    }
    // The receiver's, and what the giver and whoever had it before are told.
    work::full(state, 3).map_or(Ok(()), |why| Err((Code::OverBound, why)))
}

/// How many attempts there are from now on: the next one is among them.
fn attempts(task: &Task, next: u32, asked: Option<u32>) -> Result<u32, Refusal> {
    if next > MOST_ATTEMPTS {
        let why = format!("{} has had {MOST_ATTEMPTS} attempts, and gets no more; handle it", task.id);
        return Err((Code::OverBound, why));
    }
    match asked {
        Some(max) if max < next || max > MOST_ATTEMPTS => {
            let why =
                format!("`max_attempts` is {max}; the next attempt is {next}: use {next} to {MOST_ATTEMPTS}");
            Err((Code::OverBound, why))
        }
        Some(max) => Ok(max),
        None => Ok(task.max_attempts.max(next)),
    }
}
