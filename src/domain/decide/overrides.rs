//! People override, RULES §13.1: set, revert, freeze, pause, release by force. Each needs a reason and is recorded as what it is.

use super::sheet::Sheet;
use super::{budget, halt, held, verdict, write};
use crate::domain::code::Code;
use crate::domain::command::{Override, OverrideVerb, Write};
use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::rule::overriding;
use crate::domain::state::{Board, State};
use crate::domain::things::Lasts;
use crate::domain::time::Time;
use crate::domain::value::Value;

/// How many entities are frozen at once.
const FROZEN: usize = 10_000;

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
    if step.lasts == Some(Lasts::NotAtAll)
        && !matches!(step.step, OverrideVerb::Set { .. } | OverrideVerb::Revert { .. })
    {
        let why = "a stop for `none` stops nothing: name a time, or leave it out";
        return sheet.refuse(Body::OverrideRefused(()), action, Code::WrongState, why);
    }
    if let Some((code, why)) = may_not(sheet, &step.step) {
        return match step.step.entity() {
            Some(entity) => sheet.refuse_on(Body::OverrideRefused(()), action, entity, (code, &why)),
            None => sheet.refuse(Body::OverrideRefused(()), action, code, &why),
        };
    }
    match &step.step {
        OverrideVerb::Freeze { entity } => freeze(sheet, entity, true, step),
        OverrideVerb::Unfreeze { entity } => freeze(sheet, entity, false, step),
        OverrideVerb::Pause { agent } => pause(sheet, agent, true, step),
        OverrideVerb::Resume { agent } => pause(sheet, agent, false, step),
        OverrideVerb::Allow { agent, allowance } => budget::allow(sheet, agent, *allowance, step),
        OverrideVerb::PauseAll => halt::pause(sheet, &step.reason, ends(step, sheet.now)),
        OverrideVerb::ResumeAll => halt::resume(sheet, &step.reason),
        OverrideVerb::Set { path, value, expected } => {
            let mut wish = write::simple(path, value.clone(), *expected, None);
            wish.reason = Some(verdict::text(&step.reason));
            set(sheet, &wish, action, step.lasts)
        }
        OverrideVerb::Release { path } => held::release(sheet, path, &step.reason),
        OverrideVerb::Unlock { lease } => super::lease::unlock(sheet, *lease, &step.reason),
        OverrideVerb::Revert { path, to, value, expected } => {
            let mut wish = write::simple(path, value.clone(), *expected, None);
            wish.reason = Some(verdict::text(format!("{} (back to v{to})", step.reason)));
            match may_revert(sheet.base(), path, *to, value) {
                Ok(()) => set(sheet, &wish, action, step.lasts),
                Err((code, why)) => {
                    sheet.refuse_on(Body::OverrideRefused(()), action, &path.entity, (code, &why))
                }
            }
        }
    }
}

/// Why it is not this person's to do.
fn may_not(sheet: &Sheet<'_>, verb: &OverrideVerb) -> Option<(Code, String)> {
    let person = sheet.principal.actor.person()?;
    overriding::may(sheet.base(), (person, sheet.principal.class), verb, sheet.now).err()
}

/// When a stop ends by itself, where that was said.
fn ends(step: &Override, now: Time) -> Option<Time> {
    if let Some(Lasts::For(span)) = step.lasts { Some(now.plus(span)) } else { None }
}

/// Back is to an older version, with a value that is known.
fn may_revert(state: &State, path: &FieldPath, to: Version, value: &Value) -> Result<(), (Code, String)> {
    let known = state.entities.get(&path.entity);
    if known.is_some_and(|entity| entity.gone.is_some()) {
        return Err((Code::Tombstone, format!("{} is gone; its fields have no way back", path.entity)));
    }
    let Some(field) = known.and_then(|entity| entity.field(&path.field)) else {
        return Err((Code::NotFound, format!("{path} was never written")));
    };
    let now = known.map_or(field.version, |entity| entity.version_of(&path.field));
    if to >= now || to == Version(0) {
        let why = format!("{path} is at v{now}; v{to} is no earlier version of it");
        return Err((Code::WrongState, why));
    }
    if value.is_withheld() {
        return Err((
            Code::NoValue,
            format!("the value of {path} at v{to} was withheld: only its digest is kept"),
        ));
    }
    Ok(())
}

/// A person's write: no zone and no kind binds it, versions do. It holds what it sets.
fn set(sheet: &mut Sheet<'_>, wish: &Write, action: &'static str, lasts: Option<Lasts>) -> Seq {
    let state = sheet.snapshot();
    let hand = match held::begins(&state, wish, lasts, sheet.now) {
        Ok(hand) => hand,
        Err(why) => {
            let why = (Code::OverBound, why.as_str());
            return sheet.refuse_on(Body::OverrideRefused(()), action, &wish.entity, why);
        }
    };
    let outdated = verdict::outdated(&state, None, wish);
    if !outdated.is_empty() {
        let why = write::stale_words(wish, &outdated);
        let mut deed = sheet.draft(Body::OverrideRefused(()), action, Outcome::Stale);
        deed.subject = Some(wish.entity.clone());
        deed.code = Some(Code::Stale);
        deed.because(why);
        deed.fields = outdated;
        return sheet.push(deed);
    }
    let seq = if action == "revert" {
        write::restore(sheet, &state, wish)
    } else {
        write::commit(sheet, &state, wish, None)
    };
    if let Some(deed) = sheet.deed_mut(seq) {
        deed.action = action.into();
        deed.refs.owners = owners(&state.board, &wish.entity, wish.changes.keys());
        if let (Some(hand), Outcome::Committed) = (hand, deed.outcome) {
            deed.refs.held = true;
            deed.refs.until = hand.until;
        }
    }
    if lasts == Some(Lasts::NotAtAll) && sheet.outcome(seq) == Outcome::Committed {
        held::end_earlier(sheet, wish, seq);
    }
    seq
}

/// The agents in whose zone a person steps: it counts for their readiness.
fn owners<'a>(
    board: &Board,
    entity: &EntityPath,
    fields: impl Iterator<Item = &'a FieldName>,
) -> Vec<AgentId> {
    let mut owners: Vec<AgentId> = Vec::new();
    for owner in fields.flat_map(|field| board.map.owners(entity, field)) {
        if !owners.contains(owner) {
            owners.push(owner.clone());
        }
    }
    owners
}

/// The owners of an entity as a whole and of each field that it has.
fn owners_of_all(state: &State, entity: &EntityPath) -> Vec<AgentId> {
    let whole = FieldName::whole();
    let fields = state.entities.get(entity).into_iter().flat_map(|known| known.fields.iter());
    owners(&state.board, entity, std::iter::once(&whole).chain(fields.map(|(name, _)| name)))
}

fn freeze(sheet: &mut Sheet<'_>, entity: &EntityPath, on: bool, step: &Override) -> Seq {
    let action = if on { "freeze" } else { "unfreeze" };
    if sheet.base().board.frozen.contains_key(entity) == on {
        let why = format!("{entity} is {} already", if on { "frozen" } else { "not frozen" });
        return sheet.refuse_on(Body::OverrideRefused(()), action, entity, (Code::WrongState, &why));
    }
    if on && sheet.base().board.frozen.len() >= FROZEN {
        let why = format!("{FROZEN} entities are frozen; unfreeze some first");
        return sheet.refuse_on(Body::OverrideRefused(()), action, entity, (Code::OverBound, &why));
    }
    let body = if on { Body::EntityFrozen(()) } else { Body::EntityUnfrozen(()) };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject = Some(entity.clone());
    deed.because(&step.reason);
    deed.refs.until = ends(step, sheet.now).filter(|_| on);
    deed.refs.owners = owners_of_all(sheet.base(), entity);
    sheet.push(deed)
}

/// The time of a freeze is over.
pub(super) fn thaw(sheet: &mut Sheet<'_>, entity: &EntityPath) -> Option<Seq> {
    let stop = sheet.base().board.frozen.get(entity)?.clone();
    let mut deed = sheet.follow_up(Body::EntityUnfrozen(()), "lapse", Outcome::Recorded, None);
    deed.subject = Some(entity.clone());
    deed.because(format!("the freeze by {} is over", stop.by));
    deed.refs.owners = owners_of_all(sheet.base(), entity);
    Some(sheet.push(deed))
}

/// The time of an agent's pause is over.
pub(super) fn wake(sheet: &mut Sheet<'_>, agent: &AgentId) -> Option<Seq> {
    let stop = sheet.base().board.agents.get(agent)?.paused.clone()?;
    let body = Body::AgentResumed(agent.clone());
    let mut deed = sheet.follow_up(body, "lapse", Outcome::Recorded, None);
    deed.because(format!("the pause by {} is over", stop.by));
    deed.refs.owners = vec![agent.clone()];
    Some(sheet.push(deed))
}

fn pause(sheet: &mut Sheet<'_>, agent: &AgentId, on: bool, step: &Override) -> Seq {
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
    deed.because(&step.reason);
    deed.refs.until = ends(step, sheet.now).filter(|_| on);
    deed.refs.owners = vec![agent.clone()];
    sheet.push(deed)
}

fn word(step: &OverrideVerb) -> &'static str {
    match step {
        OverrideVerb::Freeze { .. } => "freeze",
        OverrideVerb::Unfreeze { .. } => "unfreeze",
        OverrideVerb::Pause { .. } => "pause",
        OverrideVerb::Resume { .. } => "resume",
        OverrideVerb::Allow { .. } => "allow",
        OverrideVerb::PauseAll => "pause-all",
        OverrideVerb::ResumeAll => "resume-all",
        OverrideVerb::Set { .. } => "set",
        OverrideVerb::Revert { .. } => "revert",
        OverrideVerb::Release { .. } => "release",
        OverrideVerb::Unlock { .. } => "unlock",
    }
}
