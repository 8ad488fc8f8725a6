//! People override, 2-domain §2: set, freeze, pause. Each needs a reason and is recorded as what it is.

use super::{sheet::Sheet, verdict, write};
use crate::domain::{
    code::Code,
    command::{Override, OverrideVerb},
    deed::{Body, Outcome},
    ids::{AgentId, Seq},
    path::EntityPath,
};

/// Decides an override by a person.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &Override) -> Seq {
    let action = word(&step.step);
    if step.reason.trim().is_empty() {
        let why = "an override needs a reason: say why in `reason`";
        return sheet.refuse(Body::OverrideRefused(()), action, Code::WrongState, why);
    }
    if let Some(why) = verdict::too_long("reason", Some(&step.reason)) {
        return sheet.refuse(Body::OverrideRefused(()), action, Code::OverBound, &why);
    }
    match &step.step {
        OverrideVerb::Freeze { entity } => freeze(sheet, entity, true, &step.reason),
        OverrideVerb::Unfreeze { entity } => freeze(sheet, entity, false, &step.reason),
        OverrideVerb::Pause { agent } => pause(sheet, agent, true, &step.reason),
        OverrideVerb::Resume { agent } => pause(sheet, agent, false, &step.reason),
        OverrideVerb::Set { path, value, expected } => {
            let mut wish = write::simple(path, value.clone(), *expected, None);
            wish.reason = Some(verdict::text(&step.reason));
            set(sheet, &wish)
        }
        OverrideVerb::Unlock { lease } => super::lease::unlock(sheet, *lease, &step.reason),
        OverrideVerb::Revert { .. } => {
            sheet.refuse(Body::OverrideRefused(()), action, Code::NotInForce, "this is not decided yet")
        }
    }
}

/// A person's write: no zone and no kind binds it, versions do.
fn set(sheet: &mut Sheet<'_>, wish: &crate::domain::command::Write) -> Seq {
    let state = sheet.snapshot();
    let outdated = verdict::outdated(&state, None, wish);
    if !outdated.is_empty() {
        let why = write::stale_words(wish, &outdated);
        let mut deed = sheet.draft(Body::OverrideRefused(()), "set", Outcome::Stale);
        deed.subject = Some(wish.entity.clone());
        deed.code = Some(Code::Stale);
        deed.because(why);
        deed.fields = outdated;
        return sheet.push(deed);
    }
    let seq = write::commit(sheet, &state, wish, None);
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.action = "set".into();
    }
    seq
}

fn freeze(sheet: &mut Sheet<'_>, entity: &EntityPath, on: bool, reason: &str) -> Seq {
    let action = if on { "freeze" } else { "unfreeze" };
    if sheet.base().board.frozen.contains_key(entity) == on {
        let why = format!("{entity} is {} already", if on { "frozen" } else { "not frozen" });
        return sheet.refuse_on(Body::OverrideRefused(()), action, entity, (Code::WrongState, &why));
    }
    let body = if on { Body::EntityFrozen(()) } else { Body::EntityUnfrozen(()) };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject = Some(entity.clone());
    deed.because(reason);
    sheet.push(deed)
}

fn pause(sheet: &mut Sheet<'_>, agent: &AgentId, on: bool, reason: &str) -> Seq {
    let action = if on { "pause" } else { "resume" };
    let board = &sheet.base().board;
    let paused = board.agents.get(agent).is_some_and(|facts| facts.paused.is_some());
    let known = board.agents.contains_key(agent) || board.map.agent(agent).is_some();
    if !known {
        let why = format!("no agent {agent} is in the map or ever acted");
        return sheet.refuse(Body::OverrideRefused(()), action, Code::NotFound, &why);
    }
    if paused == on {
        let why = format!("{agent} is {} already", if on { "paused" } else { "running" });
        return sheet.refuse(Body::OverrideRefused(()), action, Code::WrongState, &why);
    }
    let body = if on { Body::AgentPaused(agent.clone()) } else { Body::AgentResumed(agent.clone()) };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.because(reason);
    deed.refs.owners = vec![agent.clone()];
    sheet.push(deed)
}

fn word(step: &OverrideVerb) -> &'static str {
    match step {
        OverrideVerb::Freeze { .. } => "freeze",
        OverrideVerb::Unfreeze { .. } => "unfreeze",
        OverrideVerb::Pause { .. } => "pause",
        OverrideVerb::Resume { .. } => "resume",
        OverrideVerb::Set { .. } => "set",
        OverrideVerb::Revert { .. } => "revert",
        OverrideVerb::Unlock { .. } => "unlock",
    }
}
