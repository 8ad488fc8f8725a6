//! Calls of tools behind a gateway, RULES §20: an act that carries its call. What a call means says the map; whether it may is
//! decided by the rules for a write, an act or a publication. How it ends is in `end`, what was read in `memory`.

mod end;
mod item;
mod make;
mod memory;

use std::sync::Arc;

use super::effect::Stop;
use super::sheet::Sheet;
use super::write;
use crate::domain::code::Code;
use crate::domain::command::{Act, CallOrder, CallStep, NAME_BYTES, Write};
use crate::domain::decide::effect::{self, Effect};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::Seq;
use crate::domain::map::ToolRow;
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::rule::tool;
use crate::domain::state::State;
use crate::domain::things::{Call, CallApproval, CallBegun, CallMark, OpenAct, OpenCall};

pub(super) use end::{answered, expire};
pub(super) use item::{again, shut_out};
pub(super) use memory::as_read;

/// Decides whatever is asked about a call. None where nothing happened that is worth a deed.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &CallStep) -> Option<Seq> {
    match step {
        CallStep::Make(order) => Some(make::decide(sheet, order)),
        CallStep::End(ended) => Some(end::decide(sheet, ended)),
        CallStep::Made(made) => Some(memory::made(sheet, made)),
        CallStep::Offer(seen) => memory::offer(sheet, seen),
    }
}

/// What a step is about, as deeds keep it; of an end its act says that.
pub(super) fn mark(step: &CallStep) -> CallMark {
    match step {
        CallStep::Make(order) => mark_of(order),
        CallStep::Made(made) => CallMark {
            server: super::verdict::cut(&made.server),
            tool: super::verdict::cut(&made.tool),
            digest: made.arguments.digest(&made.server, &made.tool),
        },
        CallStep::End(_) => CallMark::default(),
        CallStep::Offer(seen) => {
            CallMark { server: super::verdict::cut(&seen.server), ..CallMark::default() }
        }
    }
}

fn mark_of(order: &CallOrder) -> CallMark {
    CallMark {
        server: super::verdict::cut(&order.server),
        tool: super::verdict::cut(&order.tool),
        digest: order.arguments.digest(&order.server, &order.tool),
    }
}

/// Whether a name of a call is over its bound, in words.
fn too_long(names: &[(&str, Option<&Arc<str>>)]) -> Option<String> {
    let long = names.iter().find(|(_, name)| name.is_some_and(|name| name.len() > NAME_BYTES));
    if let Some((name, _)) = long {
        return Some(format!("`{name}` is longer than {NAME_BYTES} bytes"));
    }
    let empty = names.iter().find(|(_, name)| name.is_some_and(|name| name.is_empty()));
    empty.map(|(name, _)| format!("`{name}` is empty: name it"))
}

/// The row that counts for the tool of a call.
fn row<'s>(state: &'s State, mark: &CallMark) -> Option<&'s ToolRow> {
    tool::row(state.board.map.model(), &mark.server, &mark.tool)
}

/// What is not a refusal of a write or an act: a deed of the call's own.
fn answer(
    sheet: &mut Sheet<'_>,
    body: Body,
    outcome: Outcome,
    (mark, subject): (&CallMark, Option<&EntityPath>),
    said: Option<(Code, String)>,
) -> Seq {
    let mut deed = sheet.draft(body, mark.name(), outcome);
    deed.subject = subject.cloned();
    if let Some((code, why)) = said {
        deed.code = Some(code);
        deed.because(why);
    }
    sheet.push(deed)
}

fn refuse(
    sheet: &mut Sheet<'_>,
    (mark, subject): (&CallMark, Option<&EntityPath>),
    code: Code,
    why: impl Into<String>,
) -> Seq {
    let body = Body::CallRefused(Box::new(mark.clone()));
    answer(sheet, body, Outcome::Refused, (mark, subject), Some((code, why.into())))
}

/// A write that a call means may go ahead: the call begins, or may be forwarded once. What it writes is recorded once it is
/// done.
pub(super) fn allow_write(
    sheet: &mut Sheet<'_>,
    state: &State,
    (wish, call): (&Write, &Call),
    verdict: Option<(Code, Outcome, String)>,
) -> Seq {
    if let Some(why) = super::act::too_many(state) {
        return sheet.refuse_on(write::refused(), write::word(wish), &wish.entity, (Code::OverBound, &why));
    }
    let asks = sheet.via.is_some()
        && state.board.enforces()
        && row(state, &call.mark).is_some_and(|row| row.approve);
    if asks {
        return item::await_person(sheet, state, wish, call);
    }
    let write = Write { call: None, ..wish.clone() };
    let mut order = super::act::plain_order(Arc::from(wish.entity.as_str()));
    order.call = Some(Box::new(open(sheet, state, call, (Some(write), None))));
    let mut deed = allowed(sheet, state, call, Body::ActAllowed(order), &wish.entity);
    deed.cause = wish.cause;
    deed.fields = write::wanted(state, &call.agent, wish);
    if let Some((code, verdict, why)) = verdict {
        deed.code = Some(code);
        deed.verdict = Some(verdict);
        deed.because(why);
    }
    sheet.push(deed)
}

/// The call of an act that may go ahead.
pub(super) fn of_act(sheet: &Sheet<'_>, state: &State, act: &Act) -> Option<Box<OpenCall>> {
    act.call.as_ref().map(|call| Box::new(open(sheet, state, call, (None, act.thread.clone()))))
}

/// Whether a person has to approve an act before its call is forwarded, as its row has it.
pub(super) fn asks_for_act(sheet: &Sheet<'_>, state: &State, act: &Act) -> Option<Stop> {
    let call = act.call.as_ref().filter(|_| sheet.via.is_some() && state.board.enforces())?;
    let asks = row(state, &call.mark).is_some_and(|row| row.approve);
    asks.then(|| effect::stop(Code::NeedsApproval, Outcome::Escalated, approves(&call.mark)))
}

fn approves(mark: &CallMark) -> String {
    format!("a person approves each call of {}", mark.name())
}

/// Begun, where it is forwarded at once; else approved.
fn open(
    sheet: &Sheet<'_>,
    state: &State,
    call: &Call,
    (write, thread): (Option<Write>, Option<Arc<str>>),
) -> OpenCall {
    let row = row(state, &call.mark);
    let begun = sheet.via.as_ref().map(|via| begun(sheet, row, via));
    let approved = begun.is_none().then(|| CallApproval {
        map: state.board.map_version,
        until: sheet.now.plus(row.map_or(crate::domain::map::tool::APPROVAL_FOR, ToolRow::approval_for)),
    });
    let until = begun.as_ref().map(|begun| begun.until).or(approved.as_ref().map(|approved| approved.until));
    let writer = sheet.principal.actor.agent().filter(|agent| **agent != call.agent).cloned();
    OpenCall { call: call.bare(), write, writer, thread, approved, begun, until, item: None }
}

fn begun(sheet: &Sheet<'_>, row: Option<&ToolRow>, via: &Arc<str>) -> CallBegun {
    let timeout = row.map_or(crate::domain::map::tool::TIMEOUT, ToolRow::timeout);
    CallBegun { via: Arc::clone(via), at: sheet.now, until: sheet.now.plus(timeout) }
}

/// The deed that lets a call go ahead, as its agent's.
fn allowed(sheet: &mut Sheet<'_>, state: &State, call: &Call, body: Body, subject: &EntityPath) -> Deed {
    let no = state.board.next.act.max(sheet.state().board.next.act);
    let mut deed = sheet.draft(body, call.mark.name(), Outcome::Allowed);
    deed.subject = Some(subject.clone());
    deed.refs.act = Some(no);
    deed.refs.owners = vec![call.agent.clone()];
    deed
}

/// Whether another call is being forwarded that changes what the write changes, in words.
pub(super) fn in_flight(state: &State, agent: &crate::domain::ids::AgentId, wish: &Write) -> Option<String> {
    let board = &state.board;
    let act = board.holds_on(&wish.entity).find_map(|hold| {
        let crate::domain::things::Hold::Act(no) = hold else { return None };
        let act = board.acts.get(&no)?;
        let call = act.call.as_ref().filter(|call| call.begun.is_some() && call.item.is_none())?;
        let theirs = call.write.as_ref().filter(|theirs| theirs.entity == wish.entity)?;
        let of_all = wish.changes.is_empty() || theirs.changes.is_empty();
        let meets = of_all || wish.changes.keys().any(|name| theirs.changes.contains_key(name));
        meets.then_some(act)
    })?;
    if super::verdict::hides_whole(state, agent, &wish.entity) {
        return Some(format!("a call that changes {} is being forwarded", wish.entity));
    }
    Some(format!("a call of {} that changes {} is being forwarded, act {}", act.agent, wish.entity, act.no))
}

/// What stands in the way of an approved call by now: everything that would have, but for whose it is, which was settled.
fn obstacle(
    state: &State,
    act: &crate::domain::things::OpenAct,
    call: &OpenCall,
    sheet: &Sheet<'_>,
) -> Option<write::Hindrance> {
    if let Some(wish) = &call.write {
        return write::hindrance(state, &call.call.agent, wish, (act.deed, sheet.now));
    }
    let wish = act_of(act, call);
    let effect = Effect::Act(&wish);
    let plain = |code, why| write::Hindrance { code, outcome: Outcome::Refused, why, fields: Vec::new() };
    if let Some(why) = effect::frozen(state, &act.agent, effect) {
        return Some(plain(Code::Frozen, why));
    }
    if !effect.is_its(state, &act.agent) {
        return Some(plain(Code::NotOwner, format!("{} no longer acts on {}", act.agent, act.target)));
    }
    let found = effect::recheck(state, &act.agent, effect, sheet.now)?;
    Some(write::Hindrance { code: found.code, outcome: found.outcome, why: found.why, fields: found.fields })
}

/// The act of a call as it was asked.
fn act_of(act: &OpenAct, call: &OpenCall) -> Act {
    Act {
        target: Arc::clone(&act.target),
        subject: act.subject.clone(),
        action: Arc::clone(&call.call.mark.tool),
        thread: call.thread.clone(),
        depends_on: std::collections::BTreeMap::new(),
        wait: false,
        reason: None,
        cause: None,
        call: None,
    }
}
