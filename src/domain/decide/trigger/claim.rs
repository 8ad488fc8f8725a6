//! Claims of agents that listen on their own: the owner's first is granted, any other is refused.

use std::sync::Arc;

use super::{closed_door, cut, item, over_bound};
use crate::domain::code::Code;
use crate::domain::command::{Claim, Raise};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{alert, verdict};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{AgentId, Seq};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::rule::route::{self, NotYours};
use crate::domain::state::State;
use crate::domain::things::{ClaimHeld, ClaimMark};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// For how long it is known whose an occurrence is.
const CLAIMED: Span = Span::from_hours(7 * 24);
/// Most occurrences of one agent that are known. Beyond it the agent claims nothing more, and no claim is forgotten.
const CLAIMS: usize = 50_000;

/// The attribute that a stored claim keeps its key under.
const KEY: &str = "key";

enum Stop<'a> {
    /// It was claimed before.
    Held(&'a ClaimHeld),
    NotYours(NotYours<'a>),
}

/// Decides a claim of the caller.
pub(in crate::domain::decide) fn claim(sheet: &mut Sheet<'_>, claim: &Claim) -> Seq {
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, claim, Code::NotAllowed, "only agents claim");
    };
    let names = [("event", &*claim.event), ("key", &*claim.key)];
    if let Some(why) = over_bound(&names, &claim.attributes, None) {
        return refuse(sheet, claim, Code::OverBound, &why);
    }
    let state = sheet.snapshot();
    if let Some(why) = verdict::unknown_cause(&state, claim.cause) {
        return refuse(sheet, claim, Code::NotFound, &why);
    }
    let kept_off = claim.subject.as_ref().and_then(|subject| verdict::kept_off(&state, &agent, subject));
    if let Some((code, why)) = kept_off {
        return refuse(sheet, claim, code, &why);
    }
    if let Some(why) = too_many(&state, &agent, sheet.now) {
        return refuse(sheet, claim, Code::OverBound, &why);
    }
    let held = state.board.claim(&key(&[&claim.event, &claim.key]), sheet.now);
    let whose = || route::claim(&state.board.map, &agent, &claim.event, &claim.attributes);
    let primary = match held.map_or_else(|| whose().map_err(Stop::NotYours), |held| Err(Stop::Held(held))) {
        Ok(()) => {
            let words = format!("{} {} is yours to handle", claim.event, claim.key);
            grant(sheet, claim, None, &words)
        }
        Err(Stop::Held(held)) if held.by == agent => {
            // Its answer may have got lost: told to leave the event alone, nobody would handle it.
            let words =
                format!("{} {} is yours to handle, claimed in deed {}", claim.event, claim.key, held.deed);
            grant(sheet, claim, None, &words)
        }
        Err(Stop::Held(held)) => taken(sheet, &state, &agent, claim, (&held.by, Some(held))),
        Err(Stop::NotYours(NotYours::Of(owner))) => taken(sheet, &state, &agent, claim, (owner, None)),
        Err(Stop::NotYours(NotYours::Nobodys)) => undecided(sheet, &state, claim, &[]),
        Err(Stop::NotYours(NotYours::Several(agents))) => undecided(sheet, &state, claim, &agents),
    };
    alert::cascade(sheet, &state, primary);
    primary
}

/// Whether the agent has claimed too much lately, in words.
fn too_many(state: &State, agent: &AgentId, now: Time) -> Option<String> {
    let claimed = state.board.occurrences.count(agent, now);
    let words = || format!("{agent} has claimed {claimed} occurrences within {}", CLAIMED.rough());
    (claimed >= CLAIMS).then(words)
}

/// Another's, or claimed by another before: a collision.
fn taken(
    sheet: &mut Sheet<'_>,
    state: &State,
    agent: &AgentId,
    claim: &Claim,
    (owner, held): (&AgentId, Option<&ClaimHeld>),
) -> Seq {
    let what = format!("{} {}", claim.event, claim.key);
    let why = match held {
        Some(held) => format!("{what} was claimed by {owner}, deed {}", held.deed),
        None => format!("{} belongs to {owner}", claim.event),
    };
    let primary = if state.board.enforces() {
        refuse(sheet, claim, Code::ClaimTaken, &why)
    } else {
        grant(sheet, claim, Some((Code::ClaimTaken, Outcome::Refused)), &why)
    };
    let raised =
        if owner == agent { None } else { alert::claims_collide(sheet, claim, owner, held, primary) };
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.owners = vec![owner.clone()];
        deed.refs.alerts.extend(raised);
    }
    primary
}

/// Nobody's, or more than one agent's: a person decides.
fn undecided(sheet: &mut Sheet<'_>, state: &State, claim: &Claim, agents: &[&AgentId]) -> Seq {
    let collides = !agents.is_empty();
    let (code, why) = if collides {
        (Code::Collision, item::collision_words(&claim.event, agents))
    } else {
        (Code::Unowned, format!("nobody owns the event {}", claim.event))
    };
    let collide = |sheet: &mut Sheet<'_>, primary| {
        let subject = claim.subject.as_ref();
        if collides { alert::listeners_collide(sheet, &claim.event, subject, agents, primary) } else { None }
    };
    if !state.board.enforces() {
        let primary = grant(sheet, claim, Some((code, Outcome::Escalated)), &why);
        let raised = collide(sheet, primary);
        if let Some(deed) = sheet.deed_mut(primary) {
            deed.refs.alerts.extend(raised);
        }
        return primary;
    }
    if let Some((code, why)) = closed_door(state, &as_raise(claim), &sheet.principal.actor, collides) {
        return refuse(sheet, claim, code, &why);
    }
    let mut deed = draft(sheet, claim, Body::ClaimRefused(Box::new(mark(claim))), Outcome::Escalated, &why);
    deed.code = Some(code);
    deed.refs.owners = agents.iter().map(|agent| (*agent).clone()).collect();
    let primary = sheet.push(deed);
    let alert = collide(sheet, primary);
    let raiser = sheet.principal.actor.clone();
    let raise = as_raise(claim);
    let case = item::Found {
        raise: &raise,
        raiser: &raiser,
        claimed: true,
        listeners: agents,
        alert,
        goes_round: None,
    };
    let item = item::open(sheet, &case, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.item = Some(item);
        deed.refs.alerts.extend(alert);
    }
    primary
}

/// The event as it would have been raised; its key tells it from others of the same name.
fn as_raise(claim: &Claim) -> Raise {
    let mut attributes = claim.attributes.clone();
    attributes.entry(Arc::from(KEY)).or_insert_with(|| Value::text(&claim.key));
    Raise {
        event: Arc::clone(&claim.event),
        attributes,
        subject: claim.subject.clone(),
        reason: None,
        cause: claim.cause,
    }
}

fn grant(sheet: &mut Sheet<'_>, claim: &Claim, verdict: Option<(Code, Outcome)>, words: &str) -> Seq {
    let mark = ClaimMark { until: Some(sheet.now.plus(CLAIMED)), ..mark(claim) };
    let mut deed = draft(sheet, claim, Body::ClaimGranted(Box::new(mark)), Outcome::Allowed, words);
    (deed.code, deed.verdict) = verdict.unzip();
    sheet.push(deed)
}

fn refuse(sheet: &mut Sheet<'_>, claim: &Claim, code: Code, why: &str) -> Seq {
    let mut deed = draft(sheet, claim, Body::ClaimRefused(Box::new(mark(claim))), Outcome::Refused, why);
    deed.code = Some(code);
    deed.cause = deed.cause.filter(|cause| *cause < deed.seq);
    sheet.push(deed)
}

fn draft(sheet: &Sheet<'_>, claim: &Claim, body: Body, outcome: Outcome, why: &str) -> Deed {
    let mut deed = sheet.draft(body, "claim event", outcome);
    deed.subject.clone_from(&claim.subject);
    deed.cause = claim.cause;
    deed.because(why);
    deed
}

/// The claim as its deed keeps it, within the bounds.
pub(in crate::domain::decide) fn mark(claim: &Claim) -> ClaimMark {
    ClaimMark { event: cut(&claim.event), key: cut(&claim.key), until: None }
}
