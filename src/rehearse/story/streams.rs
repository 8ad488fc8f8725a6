//! What agents asked about work, tasks, fan-outs, open acts and leases.

use super::asked::{Asked, Scribe};
use crate::domain::command::{
    ActEnd, BranchOrder, Command, CommandKind, FanOut, Handoff, LeaseStep, Take, WorkStep, WorkVerb,
};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Fence, WorkNo};
use crate::domain::things::{FanOutState, HandoffOrder, Lease, Work, WorkKind};
use crate::domain::time::Time;

const NO_WORK: &str = "work that does not come up here";
const NO_LEASE: &str = "a lease that is not held here";

/// What it was asked, where it was one of these.
pub(super) fn asked(scribe: &Scribe<'_>) -> Option<Asked> {
    scribe.agent()?;
    end_act(scribe)
        .or_else(|| take(scribe))
        .or_else(|| hand_over(scribe))
        .or_else(|| step(scribe))
        .or_else(|| fan_out(scribe))
        .or_else(|| lease(scribe))
}

fn end_act(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    let done = matches!(deed.body, Body::ActDone(()));
    if !done && !matches!(deed.body, Body::ActFailed(())) {
        return None;
    }
    let Some(act) = scribe.pairs.act(deed.refs.act?, scribe.here) else {
        return Some(Asked::Moot("an act that was not allowed here"));
    };
    Some(Command::ActEnd(ActEnd { act, done, note: deed.reason.clone() }).into())
}

fn take(scribe: &Scribe<'_>) -> Option<Asked> {
    let Body::WorkTaken(taken) = &scribe.deed.body else { return None };
    let visibility = Some(taken.until.since(scribe.deed.recorded));
    let works = taken.works.iter().filter_map(|no| scribe.pairs.work(*no, scribe.there, scribe.here));
    let one = |no: WorkNo| Command::Take(Take { limit: 1, visibility, work: Some(no) });
    let commands: Vec<Command> = works.map(one).collect();
    Some(if commands.is_empty() { Asked::Moot(NO_WORK) } else { Asked::Commands(commands) })
}

fn hand_over(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    let order: &HandoffOrder = if let Body::HandoffOffered(order) = &deed.body {
        order
    } else {
        // One attempt too many is a handover, too: its task is with a person, or has ended.
        let (Body::HandoffEscalated(task) | Body::TaskAborted(task)) = &deed.body else { return None };
        Some(&task.order).filter(|_| *deed.action == *CommandKind::Handoff.row().word)?
    };
    let handoff = Handoff {
        to: Some(order.to.clone()),
        task: Some(order.task.clone()),
        work_product: Some(order.work_product.clone()),
        context: Some(order.context.clone()),
        constraints: Some(order.constraints.clone()),
        attempt: Some(order.attempt),
        max_attempts: Some(order.max_attempts),
        on_exhausted: order.on_exhausted,
        subject: deed.subject.clone(),
        reason: scribe.reason(),
        cause: scribe.pairs.deed_of(deed.cause),
    };
    Some(Command::Handoff(handoff).into())
}

/// A step on an item of the stream, by the word that was asked.
fn step(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    let verb = WorkVerb::ALL.into_iter().find(|verb| *verb.as_str() == *deed.action)?;
    let then = *deed.refs.works.first()?;
    let Some(work) = scribe.pairs.work(then, scribe.there, scribe.here) else {
        return Some(Asked::Moot(NO_WORK));
    };
    let result = if let Body::WorkCompleted(result) = &deed.body {
        result.clone()
    } else if let Body::HandoffCompleted(done) = &deed.body {
        done.result.clone()
    } else {
        None
    };
    let attempt = scribe.here.board.works.get(&work).map(|work| work.attempts);
    let note = deed.reason.clone();
    Some(Command::Work(WorkStep { work, step: verb, note, result, lease: None, attempt }).into())
}

fn fan_out(scribe: &Scribe<'_>) -> Option<Asked> {
    let Body::FanOutOpened(opened) = &scribe.deed.body else { return None };
    let branches = opened.branches.iter().filter_map(|branch| {
        let work = scribe.group.iter().find_map(|deed| queued(deed, branch.work))?;
        let WorkKind::Branch { input, .. } = &work.kind else { return None };
        let max_attempts = Some(work.max_attempts);
        Some(BranchOrder { to: branch.to.clone(), input: input.clone(), max_attempts })
    });
    let FanOutState { deadline, opened: since, needed, subject, reason, .. } = &**opened;
    let order = FanOut {
        branches: branches.collect(),
        deadline: deadline.since(*since),
        needed: Some(*needed),
        subject: subject.clone(),
        reason: reason.clone(),
        cause: scribe.pairs.deed_of(scribe.deed.cause),
    };
    Some(Command::FanOut(order).into())
}

fn queued(deed: &Deed, no: WorkNo) -> Option<&Work> {
    let Body::WorkQueued(work) = &deed.body else { return None };
    Some(&**work).filter(|work| work.no == no)
}

fn lease(scribe: &Scribe<'_>) -> Option<Asked> {
    let deed = scribe.deed;
    if let Body::LeaseGranted(lease) = &deed.body {
        let Lease { target, since, until, .. } = &**lease;
        let ttl = until.since(*since);
        return Some(Command::Lease(LeaseStep::Acquire { target: target.clone(), ttl }).into());
    }
    let held = |make: &dyn Fn(Fence) -> LeaseStep| {
        let fence = scribe.pairs.lease(deed.refs.lease?, scribe.here);
        Some(fence.map_or(Asked::Moot(NO_LEASE), |fence| Command::Lease(make(fence)).into()))
    };
    let longer = |until: Time| until.since(deed.recorded);
    if let Body::LeaseRenewed(until) = &deed.body {
        held(&|lease| LeaseStep::Renew { lease, ttl: longer(*until) })
    } else if let Body::LeaseTransferred(new) = &deed.body {
        held(&|lease| LeaseStep::Transfer { lease, to: new.holder.clone() })
    } else if let Body::LeaseReleased(()) = &deed.body {
        held(&|lease| LeaseStep::Release { lease })
    } else {
        None
    }
}
