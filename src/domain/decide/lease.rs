//! Leases, RULES §9: bounded-time locks with fencing tokens. Whether a lease stands in the way of a write is the
//! question of [`in_the_way`], which `write` and `act` ask.

use imbl::OrdSet;

use super::sheet::Sheet;
use super::{alert, propose, verdict};
use crate::domain::code::Code;
use crate::domain::command::{LONGEST_LEASE, LeaseStep};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, Fence, Seq, TaskId};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::rule::zone::{self, Whose};
use crate::domain::state::State;
use crate::domain::things::{Hold, Lease, LeaseTarget, TaskStage, Work, WorkKind};
use crate::domain::time::{Span, Time};

/// Most leases at once. Beyond it agents lock more than they work on.
pub(super) const OPEN_LEASES: usize = 100_000;

/// Why a step is not done.
type Refusal = (Code, String);

/// Decides a step on a lease by the caller.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &LeaseStep) -> Seq {
    let action = word(step);
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return sheet.refuse(Body::LeaseRefused(()), action, Code::NotAllowed, "only agents hold leases");
    };
    let state = sheet.snapshot();
    let now = sheet.now;
    let lease = match step {
        LeaseStep::Acquire { target, ttl } => {
            return match may_acquire(&state, &agent, target, *ttl, now) {
                Ok(found) => acquire(sheet, &state, agent, target, *ttl, found),
                Err(refusal) => refuse(sheet, action, Some(target), None, refusal),
            };
        }
        LeaseStep::Renew { lease, .. } | LeaseStep::Release { lease } | LeaseStep::Transfer { lease, .. } => {
            match held(&state, &agent, *lease, now) {
                Ok(held) => held.clone(),
                Err(refusal) => return refuse(sheet, action, None, Some(*lease), refusal),
            }
        }
    };
    let done = match step {
        LeaseStep::Renew { ttl, .. } => renew(sheet, &state, &agent, &lease, *ttl),
        LeaseStep::Transfer { to, .. } => transfer(sheet, &state, &lease, to),
        LeaseStep::Release { .. } | LeaseStep::Acquire { .. } => Ok(release(sheet, &lease)),
    };
    done.unwrap_or_else(|refusal| refuse(sheet, action, Some(&lease.target), Some(lease.fence), refusal))
}

fn word(step: &LeaseStep) -> &'static str {
    match step {
        LeaseStep::Acquire { .. } => "acquire lease",
        LeaseStep::Renew { .. } => "renew lease",
        LeaseStep::Release { .. } => "release lease",
        LeaseStep::Transfer { .. } => "transfer lease",
    }
}

/// Whether the target may be locked by this agent; where the workspace only observes, with what was found all the same.
fn may_acquire(
    state: &State,
    agent: &AgentId,
    target: &LeaseTarget,
    ttl: Span,
    now: Time,
) -> Result<Option<Refusal>, Refusal> {
    check_ttl(ttl)?;
    let open = state.board.leases.len();
    if open >= OPEN_LEASES {
        return Err((Code::OverBound, format!("{open} leases are held; release some first")));
    }
    check_hidden(state, agent, target)?;
    check_frozen(state, agent, target)?;
    let foreign = check_owner(state, agent, target).err();
    if let Some(foreign) = foreign.clone().filter(|_| state.board.enforces()) {
        return Err(foreign);
    }
    match overlap(state, target, now) {
        None => Ok(foreign),
        Some(own) if own.holder == *agent => {
            let why = format!("you hold lease {} on {} until {}: renew it", own.fence, own.target, own.until);
            Err((Code::WrongState, why))
        }
        Some(other) => {
            let why = match target {
                LeaseTarget::Path(path) => held_words(state, agent, other, (&path.entity, &path.field)),
                LeaseTarget::Task(_) => words(other),
            };
            Err((Code::Leased, why))
        }
    }
}

fn check_ttl(ttl: Span) -> Result<(), Refusal> {
    if ttl == Span::default() {
        return Err((Code::OverBound, "`ttl` is nothing: say for how long, such as 30s".to_owned()));
    }
    if ttl > LONGEST_LEASE {
        let why = format!("`ttl` is over {}: take less, and renew it", LONGEST_LEASE.rough());
        return Err((Code::OverBound, why));
    }
    Ok(())
}

fn check_frozen(state: &State, agent: &AgentId, target: &LeaseTarget) -> Result<(), Refusal> {
    let frozen = subject(state, target).and_then(|entity| verdict::frozen(state, agent, &entity));
    frozen.map_or(Ok(()), |why| Err((Code::Frozen, why)))
}

/// Nobody locks what it may not see, whether the map is in force or only observed: who holds it would tell.
fn check_hidden(state: &State, agent: &AgentId, target: &LeaseTarget) -> Result<(), Refusal> {
    let LeaseTarget::Path(path) = target else { return Ok(()) };
    if state.board.map.is_hidden(agent, &path.entity, &path.field) {
        return Err((Code::Hidden, format!("{path} is hidden from {agent}")));
    }
    Ok(())
}

/// Fields are locked by an agent that may write them, tasks by their one owner, and nothing while it is offered.
fn check_owner(state: &State, agent: &AgentId, target: &LeaseTarget) -> Result<(), Refusal> {
    match target {
        LeaseTarget::Path(path) => match zone::whose(&state.board.map, agent, &path.entity, &path.field) {
            Whose::Own => Ok(()),
            Whose::Nobodys => Err((Code::NotOwner, format!("nobody owns {path}, so nobody locks it"))),
            Whose::Of(owner) => {
                Err((Code::NotOwner, format!("{path} belongs to {owner}, who alone locks it")))
            }
        },
        LeaseTarget::Task(id) => {
            let Some(task) = state.board.tasks.get(id) else {
                return Err((Code::NotFound, format!("no task {id} is under way")));
            };
            if task.owner != *agent {
                let why = format!("task {id} belongs to {}, who alone locks it", task.owner);
                return Err((Code::NotOwner, why));
            }
            match &task.stage {
                TaskStage::Accepted { .. } | TaskStage::Returned { .. } => Ok(()),
                TaskStage::Offered { to, .. } => {
                    Err((Code::WrongState, format!("task {id} is offered to {to}; it can't be locked now")))
                }
                stage @ (TaskStage::Escalated { .. }
                | TaskStage::Done { .. }
                | TaskStage::Closed { .. }
                | TaskStage::Aborted) => Err((Code::WrongState, format!("task {id} is {}", stage.word()))),
            }
        }
    }
}

/// The live lease that locks a part of the target, if there is one.
fn overlap<'a>(state: &'a State, target: &'a LeaseTarget, now: Time) -> Option<&'a Lease> {
    match target {
        LeaseTarget::Path(path) => on_path(state, path, now),
        LeaseTarget::Task(task) => state.board.lease_on_task(task, now).map(AsRef::as_ref),
    }
}

fn on_path<'a>(state: &'a State, path: &'a FieldPath, now: Time) -> Option<&'a Lease> {
    let holds = state.board.holds.get(&path.entity)?;
    covering(state, holds, &path.entity, &path.field, now).next()
}

/// The live leases among what is held open on the entity that lock this field.
fn covering<'a>(
    state: &'a State,
    holds: &'a OrdSet<Hold>,
    entity: &'a EntityPath,
    field: &'a FieldName,
    now: Time,
) -> impl Iterator<Item = &'a Lease> {
    // Works and acts on a busy entity are many; a range leaves them out.
    let leases = holds.range(Hold::Lease(Fence(0))..=Hold::Lease(Fence(u64::MAX)));
    leases
        .filter_map(|hold| state.board.leases.get(&hold.lease()?))
        .map(AsRef::as_ref)
        .filter(move |lease: &&Lease| lease.is_live(now) && lease.covers(entity, field))
}

/// Another's live lease on the path, in words.
pub(super) fn of_another(state: &State, agent: &AgentId, path: &FieldPath, now: Time) -> Option<String> {
    let holds = state.board.holds.get(&path.entity)?;
    let mut leases = covering(state, holds, &path.entity, &path.field, now);
    let lease = leases.find(|lease| lease.holder != *agent)?;
    Some(held_words(state, agent, lease, (&path.entity, &path.field)))
}

/// RULES §9.2: another's lease refuses, and the caller's own token must be shown and current. One look-up where
/// nothing is held open on the entity and no token is shown.
pub(super) fn in_the_way<'a>(
    state: &'a State,
    agent: &AgentId,
    entity: &'a EntityPath,
    fields: &(impl Iterator<Item = &'a FieldName> + Clone),
    shown: Option<Fence>,
    now: Time,
) -> Option<Refusal> {
    let mut own: Option<&Lease> = None;
    if let Some(holds) = state.board.holds.get(entity) {
        let of_fields = |field: &'a FieldName| {
            covering(state, holds, entity, field, now).map(move |lease| (field, lease))
        };
        for (field, lease) in fields.clone().flat_map(of_fields) {
            if lease.holder != *agent {
                return Some((Code::Leased, held_words(state, agent, lease, (entity, field))));
            }
            if shown != Some(lease.fence) {
                own = Some(lease);
            }
        }
    }
    if let Some(shown) = shown {
        let lease = match held(state, agent, shown, now) {
            Ok(lease) => lease,
            Err((_, why)) => return Some((Code::LeaseOver, why)),
        };
        if !fields.clone().any(|field| lease.covers(entity, field)) {
            return Some((Code::LeaseOver, format!("lease {shown} is on {}, not on this", lease.target)));
        }
    }
    let own = own?;
    let named = |path: &FieldPath| fields.clone().any(|field| *field == path.field);
    let on = match &own.target {
        LeaseTarget::Path(path) if !named(path) => format!("a field of {entity}"),
        LeaseTarget::Path(_) | LeaseTarget::Task(_) => own.target.to_string(),
    };
    let why = format!("you hold lease {} on {on}: show its token", own.fence);
    Some((Code::NoToken, why))
}

fn held_words(
    state: &State,
    agent: &AgentId,
    lease: &Lease,
    (entity, field): (&EntityPath, &FieldName),
) -> String {
    match &lease.target {
        LeaseTarget::Path(path) if path.field != *field => of_part_words(state, agent, lease, entity),
        LeaseTarget::Path(_) | LeaseTarget::Task(_) => words(lease),
    }
}

fn words(lease: &Lease) -> String {
    format!("{} holds lease {} on {} until {}", lease.holder, lease.fence, lease.target, lease.until)
}

/// Of a lease on something of the entity that was not named: who may read these words may not see what it is on.
pub(super) fn of_part_words(state: &State, agent: &AgentId, lease: &Lease, entity: &EntityPath) -> String {
    let (fence, until) = (lease.fence, lease.until);
    match &lease.target {
        LeaseTarget::Path(path) if state.board.map.is_hidden(agent, &path.entity, &path.field) => {
            format!("another agent holds a lease on a field of {entity}")
        }
        LeaseTarget::Path(path) if !path.field.is_whole() => {
            format!("{} holds lease {fence} on a field of {entity} until {until}", lease.holder)
        }
        LeaseTarget::Path(_) | LeaseTarget::Task(_) => {
            format!("{} holds lease {fence} on {entity} until {until}", lease.holder)
        }
    }
}

/// The lease, if this agent holds it now.
fn held<'a>(state: &'a State, agent: &AgentId, fence: Fence, now: Time) -> Result<&'a Lease, Refusal> {
    let hidden = |lease: &Lease| lease.holder != *agent && check_hidden(state, agent, &lease.target).is_err();
    let Some(lease) = state.board.leases.get(&fence).filter(|lease| !hidden(lease)) else {
        return Err(if fence >= state.board.next.fence {
            (Code::NotFound, format!("no lease {fence} was ever granted"))
        } else {
            (Code::LeaseOver, format!("lease {fence} has ended"))
        });
    };
    if lease.holder != *agent {
        return Err((Code::NotYours, format!("lease {fence} is held by {}", lease.holder)));
    }
    if !lease.is_live(now) {
        return Err((Code::LeaseOver, format!("lease {fence} ended at {}", lease.until)));
    }
    Ok(lease)
}

fn acquire(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: AgentId,
    target: &LeaseTarget,
    ttl: Span,
    found: Option<Refusal>,
) -> Seq {
    let fence = state.board.next.fence;
    let (since, deed) = (sheet.now, sheet.next_seq());
    let lease = Lease { fence, holder: agent, target: target.clone(), since, until: since.plus(ttl), deed };
    let words = format!("{target} until {}", lease.until);
    let mut deed =
        about(sheet, &lease, Body::LeaseGranted(Box::new(lease.clone())), "acquire lease", Outcome::Allowed);
    deed.refs.until = Some(lease.until);
    deed.because(words);
    if let Some((code, why)) = found {
        (deed.code, deed.verdict) = (Some(code), Some(Outcome::Refused));
        deed.because(why);
    }
    sheet.push(deed)
}

fn renew(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    lease: &Lease,
    ttl: Span,
) -> Result<Seq, Refusal> {
    check_ttl(ttl)?;
    check_frozen(state, agent, &lease.target)?;
    if state.board.enforces() {
        check_owner(state, agent, &lease.target)?;
    }
    let until = sheet.now.plus(ttl);
    let mut deed = about(sheet, lease, Body::LeaseRenewed(until), "renew lease", Outcome::Allowed);
    deed.refs.until = Some(until);
    deed.because(format!("{} until {until}", lease.target));
    Ok(sheet.push(deed))
}

fn release(sheet: &mut Sheet<'_>, lease: &Lease) -> Seq {
    let deed = about(sheet, lease, Body::LeaseReleased(()), "release lease", Outcome::Recorded);
    sheet.push(deed)
}

/// The receiver, who may write there itself, holds it for the time that is left.
fn transfer(sheet: &mut Sheet<'_>, state: &State, lease: &Lease, to: &AgentId) -> Result<Seq, Refusal> {
    if let LeaseTarget::Task(id) = &lease.target {
        let why = format!("task {id} is locked by its owner alone: release the lease, then hand it over");
        return Err((Code::WrongState, why));
    }
    if *to == lease.holder {
        return Err((Code::WrongState, format!("{to} holds lease {} already", lease.fence)));
    }
    if state.board.map.agent(to).is_none() {
        return Err((Code::NotFound, format!("no agent {to} is in the map")));
    }
    if let Some(why) = verdict::paused(state, to) {
        return Err((Code::WrongState, why));
    }
    check_frozen(state, &lease.holder, &lease.target)?;
    if state.board.enforces() && check_owner(state, to, &lease.target).is_err() {
        return Err((
            Code::NotOwner,
            format!("{to} may not write {}: a lease goes to who may", lease.target),
        ));
    }
    let fence = state.board.next.fence;
    let granted = sheet.next_seq();
    let next = Lease { fence, holder: to.clone(), since: sheet.now, deed: granted, ..lease.clone() };
    let body = Body::LeaseTransferred(Box::new(next.clone()));
    let mut deed = about(sheet, lease, body, "transfer lease", Outcome::Allowed);
    deed.refs.owners = vec![to.clone()];
    deed.refs.until = Some(lease.until);
    deed.because(format!("{} goes to {to} as lease {fence}", lease.target));
    let primary = sheet.push(deed);
    let words = format!(
        "{} gave you lease {fence} on {} until {}: its token is {fence}",
        lease.holder, lease.target, lease.until
    );
    tell(sheet, &next, &words, primary);
    Ok(primary)
}

/// The time of a lease is over: the ledger, its holder and people learn of it.
pub(super) fn lapse(sheet: &mut Sheet<'_>, fence: Fence) -> Option<Seq> {
    let now = sheet.now;
    let lease = sheet.state().board.leases.get(&fence).filter(|lease| !lease.is_live(now))?.clone();
    let mut deed = about(sheet, &lease, Body::LeaseLapsed(()), "lapse", Outcome::Recorded);
    deed.actor = Actor::Deeds;
    deed.cause = Some(lease.deed);
    deed.refs.owners = vec![lease.holder.clone()];
    deed.because(format!("lease {fence} of {} on {} ended by time", lease.holder, lease.target));
    let primary = sheet.push(deed);
    let words = format!(
        "your lease {fence} on {} ended at {}: read again before you go on, its token is void",
        lease.target, lease.until
    );
    tell(sheet, &lease, &words, primary);
    let raised = alert::lease_lapsed(sheet, &lease, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
    Some(primary)
}

/// The tasks that a command took from their owners, RULES §9.3: a lock on one is its owner's alone, and goes with that.
/// Asked once for each command, of its deeds from `first` on, whichever rule made them.
pub(super) fn free_left_tasks(sheet: &mut Sheet<'_>, first: usize) {
    let left = |deed: &Deed| deed.body.left_task().map(|id| (id.clone(), deed.seq));
    let left: Vec<(TaskId, Seq)> = sheet.deeds().iter().skip(first).filter_map(left).collect();
    for (id, cause) in left {
        free_task(sheet, &id, cause);
    }
}

fn free_task(sheet: &mut Sheet<'_>, id: &TaskId, cause: Seq) {
    let now = sheet.now;
    let board = &sheet.state().board;
    let Some(lease) = board.lease_on_task(id, now).cloned() else { return };
    let still_theirs = board.tasks.get(id).is_some_and(|task| {
        let is_under_way = matches!(task.stage, TaskStage::Accepted { .. } | TaskStage::Returned { .. });
        task.owner == lease.holder && is_under_way
    });
    if still_theirs {
        return;
    }
    let mut deed = about(sheet, &lease, Body::LeaseReleased(()), "release lease", Outcome::Recorded);
    deed.actor = Actor::Deeds;
    deed.cause = Some(cause);
    deed.refs.owners = vec![lease.holder.clone()];
    deed.because(format!("task {id} is not {}'s any more", lease.holder));
    sheet.push(deed);
}

/// A person ends a lease: its token is void from now on.
pub(super) fn unlock(sheet: &mut Sheet<'_>, fence: Fence, reason: &str) -> Seq {
    let state = sheet.snapshot();
    let refused = |sheet: &mut Sheet<'_>, code, why: &str| {
        let seq = sheet.refuse(Body::OverrideRefused(()), "unlock", code, why);
        if let Some(deed) = sheet.deed_mut(seq) {
            deed.refs.lease = Some(fence);
        }
        seq
    };
    let Some(lease) = state.board.leases.get(&fence) else {
        return if fence >= state.board.next.fence {
            refused(sheet, Code::NotFound, &format!("no lease {fence} was ever granted"))
        } else {
            refused(sheet, Code::WrongState, &format!("lease {fence} has ended already"))
        };
    };
    if !lease.is_live(state.board.agents_clock(sheet.now)) {
        let why = format!("lease {fence} ended at {} already", lease.until);
        return refused(sheet, Code::WrongState, &why);
    }
    let mut deed = about(sheet, lease, Body::LeaseRevoked(()), "unlock", Outcome::Recorded);
    deed.refs.owners = vec![lease.holder.clone()];
    deed.because(reason);
    let person = deed.actor.clone();
    let primary = sheet.push(deed);
    let words = format!("{person} ended your lease {fence} on {}: {reason}; its token is void", lease.target);
    tell(sheet, lease, &words, primary);
    primary
}

/// The entity that a target is about.
fn subject(state: &State, target: &LeaseTarget) -> Option<EntityPath> {
    match target {
        LeaseTarget::Path(path) => Some(path.entity.clone()),
        LeaseTarget::Task(id) => state.board.tasks.get(id).and_then(|task| task.subject.clone()),
    }
}

/// A deed on a lease.
fn about(sheet: &mut Sheet<'_>, lease: &Lease, body: Body, action: &'static str, outcome: Outcome) -> Deed {
    let subject = subject(sheet.state(), &lease.target);
    let mut deed = sheet.draft(body, action, outcome);
    deed.subject = subject;
    deed.refs.lease = Some(lease.fence);
    if let LeaseTarget::Task(task) = &lease.target {
        deed.refs.task = Some(task.clone());
    }
    if lease.deed < deed.seq {
        deed.cause = Some(lease.deed);
    }
    deed
}

fn refuse(
    sheet: &mut Sheet<'_>,
    action: &'static str,
    target: Option<&LeaseTarget>,
    lease: Option<Fence>,
    (code, why): Refusal,
) -> Seq {
    let subject = target.and_then(|target| subject(sheet.state(), target));
    let seq = sheet.refuse(Body::LeaseRefused(()), action, code, &why);
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.subject = subject;
        deed.refs.lease = lease;
        if let Some(LeaseTarget::Task(task)) = target {
            deed.refs.task = Some(task.clone());
        }
    }
    seq
}

fn tell(sheet: &mut Sheet<'_>, lease: &Lease, words: &str, cause: Seq) {
    let board = &sheet.state().board;
    let no = board.next.work;
    let about = subject(sheet.state(), &lease.target);
    let kind = WorkKind::notice(verdict::text(words));
    let work = Work::new(no, lease.holder.clone(), kind, words, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work.about(about), Some(cause));
}
