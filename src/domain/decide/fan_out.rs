//! Fan-outs, RULES §8.5: independent pieces of work, joined once with failures as values.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{handoff, propose, verdict, work};
use crate::domain::code::Code;
use crate::domain::command::{BRANCHES, BranchOrder, CommandKind, FanOut, LONGEST_FAN_OUT, WorkStep};
use crate::domain::deed::{Body, BranchResult};
use crate::domain::ids::{AgentId, FanOutNo, Seq, WorkNo};
use crate::domain::map::OnExhausted;
use crate::domain::outcome::Outcome;
use crate::domain::state::State;
use crate::domain::things::{ATTEMPTS, Branch, BranchEnd, FanOutState, MOST_ATTEMPTS, Work, WorkKind};
use crate::domain::time::Span;

const ACTION: &str = CommandKind::FanOut.row().word;

/// Most fan-outs under way at once in a workspace.
const OPEN_FAN_OUTS: usize = 100_000;
/// Longest result of one branch in bytes of JSON: the join carries those of all.
const RESULT_BYTES: usize = 8 * 1024;

/// Decides a fan-out of the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, order: &FanOut) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, order, (Code::NotAllowed, "only agents fan out".to_owned()));
    };
    let state = sheet.snapshot();
    let cause = || verdict::unknown_cause(&state, order.cause).map(|why| (Code::NotFound, why));
    let wrong = over_bound(&state, order).map(|why| (Code::OverBound, why)).or_else(cause);
    let unseen = || {
        let subject = order.subject.as_ref().filter(|subject| verdict::unseen(&state, &agent, subject))?;
        Some((Code::Hidden, verdict::unseen_words(subject, &agent)))
    };
    match wrong.or_else(unseen).map_or_else(|| receivers(&state, order), Err) {
        Ok(()) => start(sheet, &state, &agent, order),
        Err(why) => refuse(sheet, order, why),
    }
}

fn over_bound(state: &State, order: &FanOut) -> Option<String> {
    let count = order.branches.len();
    if count == 0 || count > BRANCHES {
        return Some(format!("{count} branches; use 1 to {BRANCHES}"));
    }
    if order.deadline <= Span::default() || order.deadline > LONGEST_FAN_OUT {
        let longest = LONGEST_FAN_OUT;
        return Some(format!(
            "`deadline` is {}; use more than nothing, and at most {longest}",
            order.deadline
        ));
    }
    if order
        .needed
        .is_some_and(|needed| needed == 0 || usize::try_from(needed).is_ok_and(|needed| needed > count))
    {
        return Some(format!(
            "`needed` is {}; use 1 to {count}, the number of branches",
            order.needed.unwrap_or(0)
        ));
    }
    let wrong =
        |branch: &&BranchOrder| branch.max_attempts.is_some_and(|max| max == 0 || max > MOST_ATTEMPTS);
    if let Some(branch) = order.branches.iter().find(wrong) {
        let max = branch.max_attempts.unwrap_or(0);
        return Some(format!("`max_attempts` is {max} for {}; use 1 to {MOST_ATTEMPTS}", branch.to));
    }
    if state.board.fan_outs.len() >= OPEN_FAN_OUTS {
        return Some(format!("{OPEN_FAN_OUTS} fan-outs are under way; some must be joined first"));
    }
    verdict::too_long("reason", order.reason.as_deref()).or_else(|| work::full(state, count))
}

fn receivers(state: &State, order: &FanOut) -> Result<(), (Code, String)> {
    order.branches.iter().try_for_each(|branch| handoff::known(state, &branch.to))
}

fn start(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, order: &FanOut) -> Seq {
    let no = state.board.next.fan_out;
    let first = state.board.next.work;
    let numbers: Vec<WorkNo> =
        std::iter::successors(Some(first), |no| Some(no.next())).take(order.branches.len()).collect();
    let branches: Vec<Branch> = order
        .branches
        .iter()
        .zip(&numbers)
        .map(|(branch, work)| Branch { to: branch.to.clone(), work: *work, end: None })
        .collect();
    let fan_out = FanOutState {
        no,
        agent: agent.clone(),
        subject: order.subject.clone(),
        reason: order.reason.clone(),
        needed: order.needed.unwrap_or_else(|| count(branches.len())),
        branches,
        opened: sheet.now,
        deadline: sheet.now.plus(order.deadline),
        deed: sheet.next_seq(),
        joined: None,
    };
    let mut deed = sheet.draft(Body::FanOutOpened(Box::new(fan_out.clone())), ACTION, Outcome::Recorded);
    deed.subject.clone_from(&order.subject);
    deed.cause = order.cause;
    deed.reason.clone_from(&order.reason);
    deed.refs.works.clone_from(&numbers);
    deed.refs.fan_out = Some(no);
    deed.refs.owners = fan_out.branches.iter().map(|branch| branch.to.clone()).collect();
    deed.refs.owners.sort();
    deed.refs.owners.dedup();
    deed.refs.until = Some(fan_out.deadline);
    let opened = sheet.push(deed);
    let of = order.branches.len();
    for (index, (branch, work)) in order.branches.iter().zip(numbers).enumerate() {
        let kind = WorkKind::Branch {
            fan_out: no,
            index: count(index),
            from: agent.clone(),
            input: branch.input.clone(),
        };
        let title = format!("{agent} fans out {no}: branch {} of {of}", index + 1);
        let mut work = Work::new(work, branch.to.clone(), kind, title, (sheet.now, sheet.next_seq()));
        work.max_attempts = branch.max_attempts.unwrap_or(ATTEMPTS);
        work.on_exhausted = OnExhausted::Abort;
        propose::queue(sheet, work.about(order.subject.clone()), Some(opened));
    }
    opened
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Why a result can't be a branch's, in words.
pub(super) fn too_big(step: &WorkStep) -> Option<String> {
    let bytes = step.result.as_ref().map_or(0, |result| result.as_json().len());
    let why =
        || format!("`result` is {bytes} bytes of JSON, at most {RESULT_BYTES}: say where it is instead");
    (bytes > RESULT_BYTES).then(why)
}

/// A branch came to its end: done, or out of attempts, which is a value like any other. The last one joins.
pub(super) fn end_branch(sheet: &mut Sheet<'_>, work: &Work, ok: bool, step: Option<&WorkStep>, cause: Seq) {
    let WorkKind::Branch { fan_out: no, index, .. } = &work.kind else { return };
    let note = step.and_then(|step| step.note.clone());
    let last = work.history.last();
    let note = note.or_else(|| last.and_then(|last| last.note.clone()));
    let end = BranchEnd {
        ok,
        result: step.filter(|_| ok).and_then(|step| step.result.clone()),
        note,
        attempts: work.attempts,
        at: sheet.now,
    };
    let outcome = if ok { Outcome::Recorded } else { Outcome::Failed };
    let result = BranchResult { fan_out: *no, index: *index, end };
    let mut deed = sheet.follow_up(Body::BranchEnded(Box::new(result)), "end branch", outcome, Some(cause));
    deed.subject.clone_from(&work.subject);
    let how = if ok { "succeeded" } else { "failed" };
    deed.because(format!("branch {} of fan-out {no} {how} after {} attempts", index + 1, work.attempts));
    deed.refs.works = vec![work.no];
    deed.refs.fan_out = Some(*no);
    deed.refs.owners = vec![work.agent.clone()];
    let ended = sheet.push(deed);
    let fan_out = sheet.state().board.fan_outs.get(no).cloned();
    if let Some(fan_out) = fan_out.filter(|fan_out| fan_out.all_ended()) {
        join(sheet, &fan_out, ended);
    }
}

/// The deadline of a fan-out has passed: what has not ended is withdrawn, and it is joined with what is there.
pub(super) fn deadline(sheet: &mut Sheet<'_>, no: FanOutNo) -> Option<Seq> {
    let now = sheet.now;
    let fan_out = sheet.state().board.fan_outs.get(&no).filter(|fan_out| fan_out.deadline <= now)?;
    let fan_out = Arc::clone(fan_out);
    let left = fan_out.branches.iter().filter(|branch| branch.end.is_none());
    let (works, owners): (Vec<WorkNo>, Vec<AgentId>) =
        left.map(|branch| (branch.work, branch.to.clone())).unzip();
    let mut deed =
        sheet.follow_up(Body::WorkWithdrawn(()), "withdraw", Outcome::Recorded, Some(fan_out.deed));
    deed.subject.clone_from(&fan_out.subject);
    deed.because(format!("fan-out {no} is past its deadline; {} branches had not ended", works.len()));
    deed.refs.works = works;
    deed.refs.owners = owners;
    deed.refs.fan_out = Some(no);
    let withdrawn = sheet.push(deed);
    Some(join(sheet, &fan_out, withdrawn))
}

fn join(sheet: &mut Sheet<'_>, fan_out: &FanOutState, cause: Seq) -> Seq {
    let (no, succeeded) = (fan_out.no, fan_out.succeeded());
    let met = succeeded >= fan_out.needed;
    let outcome = if met { Outcome::Recorded } else { Outcome::Failed };
    let mut deed = sheet.follow_up(Body::FanOutJoined(no), "join", outcome, Some(cause));
    deed.subject.clone_from(&fan_out.subject);
    let of = fan_out.branches.len();
    let words =
        format!("fan-out {no}: {succeeded} of {of} branches succeeded, {} were needed", fan_out.needed);
    deed.because(&words);
    let work_no = sheet.state().board.next.work;
    deed.refs.works = vec![work_no];
    deed.refs.fan_out = Some(no);
    deed.refs.owners = vec![fan_out.agent.clone()];
    let joined = sheet.push(deed);
    let kind = WorkKind::Join { fan_out: no, met, branches: fan_out.branches.clone() };
    let work = Work::new(work_no, fan_out.agent.clone(), kind, words, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(fan_out.subject.clone()), Some(joined));
    joined
}

fn refuse(sheet: &mut Sheet<'_>, order: &FanOut, (code, why): (Code, String)) -> Seq {
    let mut deed = sheet.draft(Body::FanOutRefused(()), ACTION, Outcome::Refused);
    deed.code = Some(code);
    deed.because(why);
    deed.subject.clone_from(&order.subject);
    deed.cause = order.cause;
    sheet.push(deed)
}
