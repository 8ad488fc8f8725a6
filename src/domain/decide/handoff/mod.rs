//! Handoffs, RULES §8: a checked payload, one current owner, attempts that are counted here and not by the giver.
//! What the receiver does with one is in `receive`, how a task gets to a person in `escalate`.

mod abort;
mod escalate;
mod receive;
mod send_on;

use std::sync::Arc;

use super::sheet::Sheet;
use super::{KNOWN, MOST_KNOWN, propose, verdict, work};
use crate::domain::code::Code;
use crate::domain::command::{CommandKind, Handoff, NAME_BYTES};
use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, Seq, TaskId};
use crate::domain::map::OnExhausted;
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::sight::Sight;
use crate::domain::state::State;
use crate::domain::things::{ATTEMPTS, HandoffOrder, MOST_ATTEMPTS, Task, TaskStage, Work, WorkKind};
use crate::domain::time::Time;

pub(super) use self::escalate::exhausted;
pub(super) use self::receive::{accept, complete, give_back, keep, on_task};
pub(super) use self::send_on::{Way, send_on};

const ACTION: &str = CommandKind::Handoff.row().word;

/// Most tasks under way at once in a workspace.
const OPEN_TASKS: usize = 100_000;
/// Most agents that one attempt of a task goes through; the next handoff begins another attempt.
const HANDS: usize = 16;

type Refusal = (Code, String);

/// Decides a handoff by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, handoff: &Handoff) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, handoff, (Code::NotAllowed, "only agents hand tasks over".to_owned()));
    };
    let state = sheet.snapshot();
    let unknown = verdict::unknown_cause(&state, handoff.cause).map(|why| (Code::NotFound, why));
    let checked = over_bound(handoff)
        .and_then(|()| unknown.map_or(Ok(()), Err))
        .and_then(|()| payload(&agent, handoff))
        .and_then(|order| check(&state, &order, sheet.now).map(|()| order));
    let mut order = match checked {
        Ok(order) => order,
        Err(why) => return refuse(sheet, handoff, why),
    };
    count_attempt(&state, &mut order);
    if let Some(task) = state.board.tasks.get(&order.task) {
        order.carry(task);
        order.on_exhausted = order.on_exhausted.or(task.order.on_exhausted);
    }
    order.on_exhausted = order.on_exhausted.or(state.board.map.model().on_exhausted);
    let subject = handoff.subject.clone();
    let subject =
        subject.or_else(|| state.board.tasks.get(&order.task).and_then(|task| task.subject.clone()));
    if let Some(why) = subject.as_ref().and_then(|subject| verdict::kept_off(&state, &agent, subject)) {
        return refuse(sheet, handoff, why);
    }
    let given = Given { order, subject, cause: handoff.cause, reason: handoff.reason.clone() };
    if given.order.attempt > given.order.max_attempts && state.board.enforces() {
        let ends = if given.order.aborts() { abort::offered } else { escalate::offered };
        return ends(sheet, &state, &given);
    }
    offer(sheet, &state, &given)
}

/// A checked handoff, with what is around it.
struct Given {
    order: HandoffOrder,
    subject: Option<EntityPath>,
    cause: Option<Seq>,
    reason: Option<Arc<str>>,
}

fn over_bound(handoff: &Handoff) -> Result<(), Refusal> {
    let over = |why| Err((Code::OverBound, why));
    if let Some(why) = verdict::too_long("reason", handoff.reason.as_deref()) {
        return over(why);
    }
    let status = handoff.work_product.as_ref().and_then(|product| product.status.as_ref());
    if status.is_some_and(|status| status.len() > NAME_BYTES) {
        return over(format!("`work_product.status` is longer than {NAME_BYTES} bytes"));
    }
    if handoff.attempt == Some(0) {
        return over("`attempt` counts from 1".to_owned());
    }
    match handoff.max_attempts {
        Some(max) if max == 0 || max > MOST_ATTEMPTS => {
            over(format!("`max_attempts` is {max}; use 1 to {MOST_ATTEMPTS}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The payload, complete; or which keys are missing, all of them.
fn payload(from: &AgentId, handoff: &Handoff) -> Result<HandoffOrder, Refusal> {
    let product = handoff.work_product.clone().unwrap_or_default();
    let status = product.status.as_deref().map(str::trim).filter(|status| !status.is_empty());
    let whole = handoff.work_product.is_none();
    let lacks: Vec<&str> = [
        ("to", handoff.to.is_none()),
        ("task", handoff.task.is_none()),
        ("work_product", whole),
        ("work_product.result", product.result.is_none()),
        ("work_product.status", status.is_none()),
        ("context", handoff.context.is_none()),
        ("constraints", handoff.constraints.is_none()),
        ("attempt", handoff.attempt.is_none()),
    ]
    .into_iter()
    .filter_map(|(key, missing)| missing.then_some(key))
    .collect();
    if let ([], Some(to), Some(task), Some(context), Some(constraints), Some(attempt)) = (
        lacks.as_slice(),
        handoff.to.clone(),
        handoff.task.clone(),
        handoff.context.clone(),
        handoff.constraints.clone(),
        handoff.attempt,
    ) {
        let max_attempts = handoff.max_attempts.unwrap_or(ATTEMPTS);
        let from = from.clone();
        return Ok(HandoffOrder {
            task,
            from,
            to,
            work_product: product,
            context,
            constraints,
            attempt,
            max_attempts,
            on_exhausted: handoff.on_exhausted,
            earlier: Vec::new(),
            left_out: 0,
            returns_left_out: 0,
        });
    }
    Err((Code::Incomplete, format!("the handoff lacks {}", lacks.join(", "))))
}

/// May this agent hand this task to that one now?
fn check(state: &State, order: &HandoffOrder, now: Time) -> Result<(), Refusal> {
    let id = &order.task;
    if order.to == order.from {
        return Err((Code::WrongState, format!("{} can't hand {id} to itself", order.to)));
    }
    known(state, &order.to)?;
    if let Some(task) = state.board.tasks.get(id) {
        may_give(task, &order.from)?;
    } else if let Some(how) = state.board.ended(id, now) {
        let why = format!("task {id} is {how}: give what is new another name");
        return Err((Code::WrongState, why));
    } else if state.board.ended_names.count(&order.from, now) >= MOST_KNOWN {
        let why = format!("{MOST_KNOWN} tasks of {} ended within {}", order.from, KNOWN.rough());
        return Err((Code::OverBound, why));
    } else if state.board.tasks.len() >= OPEN_TASKS {
        return Err((Code::OverBound, format!("{OPEN_TASKS} tasks are under way; some must end first")));
    }
    if let Some(lease) = state.board.lease_on_task(id, now) {
        let why = format!("{} holds lease {} on task {id} until {}", lease.holder, lease.fence, lease.until);
        return Err((Code::Locked, why));
    }
    work::full(state, 1).map_or(Ok(()), |why| Err((Code::OverBound, why)))
}

/// Only the one owner gives a task away, and only where it is in its hands.
fn may_give(task: &Task, agent: &AgentId) -> Result<(), Refusal> {
    let id = &task.id;
    match &task.stage {
        TaskStage::Escalated { item } => {
            Err((Code::WrongState, format!("task {id} is with a person as #{item}; wait for the answer")))
        }
        _ if task.owner != *agent => Err((
            Code::NotYours,
            format!("task {id} belongs to {}; only its owner hands it over", task.owner),
        )),
        TaskStage::Offered { to, .. } => {
            Err((Code::WrongState, format!("task {id} is offered to {to}, who has not accepted it yet")))
        }
        TaskStage::Accepted { .. }
        | TaskStage::Returned { .. }
        | TaskStage::Done { .. }
        | TaskStage::Closed { .. }
        | TaskStage::Aborted => Ok(()),
    }
}

/// An agent that the map names, or that has acted before.
pub(super) fn known(state: &State, agent: &AgentId) -> Result<(), Refusal> {
    if state.board.map.agent(agent).is_some() || state.board.agents.contains_key(agent) {
        return Ok(());
    }
    Err((Code::NotFound, format!("no agent {agent} is in the map, and none of that name has ever acted")))
}

/// What the board counted holds where the giver says less: neither fewer attempts nor more of them can be claimed. A
/// task that comes to an agent for the second time in one attempt is in its next one, whoever calls it a handoff.
fn count_attempt(state: &State, order: &mut HandoffOrder) {
    let Some(task) = state.board.tasks.get(&order.task) else { return };
    let again = task.hands.contains(&order.to) || task.hands.len() >= HANDS;
    let tracked = if again { task.attempt + 1 } else { task.attempt };
    order.attempt = order.attempt.max(tracked);
    // What a person said holds.
    let max = if task.settled { task.max_attempts } else { order.max_attempts.min(task.max_attempts) };
    order.max_attempts = max;
}

fn offer(sheet: &mut Sheet<'_>, state: &State, given: &Given) -> Seq {
    let order = &given.order;
    let task = state.board.tasks.get(&order.task);
    let no = state.board.next.work;
    let mut deed = sheet.draft(Body::HandoffOffered(Box::new(order.clone())), ACTION, Outcome::Recorded);
    deed.subject.clone_from(&given.subject);
    deed.cause = given.cause.or(task.map(|task| task.deed));
    deed.reason.clone_from(&given.reason);
    if order.attempt > order.max_attempts {
        // Only a workspace that observes gets here.
        deed.code = Some(Code::OutOfAttempts);
        deed.verdict = Some(Outcome::Escalated);
    }
    deed.refs.works = vec![no];
    deed.refs.task = Some(order.task.clone());
    deed.refs.owners = vec![order.to.clone()];
    let offered = sheet.push(deed);
    let history = task.map(|task| task.history.clone()).unwrap_or_default();
    let kind = WorkKind::Handoff { order: Box::new(order.clone()), history };
    let title = format!(
        "{} hands over {}, attempt {} of {}",
        order.from, order.task, order.attempt, order.max_attempts
    );
    let work = Work::new(no, order.to.clone(), kind, title, (sheet.now, sheet.next_seq()));
    queue(sheet, work.about(given.subject.clone()), offered);
    offered
}

/// Puts a task into its receiver's stream, without what earlier hands said of what is hidden from it.
fn queue(sheet: &mut Sheet<'_>, mut work: Work, cause: Seq) {
    let state = sheet.snapshot();
    let task = work.kind.task().and_then(|task| state.board.tasks.get(task));
    if task.is_some_and(|task| task.order.aborts()) {
        work.on_exhausted = OnExhausted::Abort;
    }
    let seen = Sight::now(&work.agent, &state.board.map).work(&Arc::new(work.clone()));
    propose::queue(sheet, seen.map_or(work, |seen| Work::clone(&seen)), Some(cause));
}

fn refuse(sheet: &mut Sheet<'_>, handoff: &Handoff, (code, why): Refusal) -> Seq {
    let mut deed = sheet.draft(Body::HandoffRefused(()), ACTION, Outcome::Refused);
    deed.code = Some(code);
    deed.because(why);
    deed.subject.clone_from(&handoff.subject);
    deed.cause = handoff.cause;
    deed.refs.task.clone_from(&handoff.task);
    sheet.push(deed)
}

/// A word to an agent about a task.
fn tell(sheet: &mut Sheet<'_>, agent: &AgentId, task: &Task, words: &str, cause: Seq) {
    let no = sheet.state().board.next.work;
    let kind = WorkKind::notice(words);
    let work = Work::new(no, agent.clone(), kind, words, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(task.subject.clone()), Some(cause));
}

/// The task of a work item, where it is still the one that the item is about.
fn task_of<'a>(state: &'a State, id: &TaskId, work: &Work) -> Option<&'a Arc<Task>> {
    state.board.tasks.get(id).filter(|task| task.stage.work() == Some(work.no))
}

/// The same words, whatever their case and white space.
fn same_words(one: &str, other: &str) -> bool {
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    folded(one) == folded(other)
}
