//! Claims of agents that listen on their own: the owner's first is granted, any other is refused.

use std::borrow::Cow;
use std::sync::Arc;

use super::known::{self, Became, Before};
use super::{closed_door, cut, item, over_bound};
use crate::domain::code::Code;
use crate::domain::command::{Claim, Raise};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{alert, inbox, verdict};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{AgentId, ItemNo, Seq, WorkNo};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::rule::occurrence::{self, KNOWN};
use crate::domain::rule::route::{self, NotYours};
use crate::domain::state::State;
use crate::domain::things::{ClaimHeld, ClaimMark};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Most occurrences of one agent that are known. Beyond it the agent claims nothing more, and no claim is forgotten.
const CLAIMS: usize = 50_000;

/// The attribute that a stored claim keeps its key under.
const KEY: &str = "key";

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
    let claim = &*told_apart(&state, claim);
    let before = before(&state, &agent, claim, sheet.now);
    let whose = || route::claim(&state.board.map, &agent, &claim.event, &claim.attributes);
    let primary = match before {
        Some(before) => again(sheet, &state, &agent, claim, &before),
        None => match whose() {
            Ok(()) => {
                let words = format!("{} {} is yours to handle", claim.event, claim.key);
                grant(sheet, claim, None, &words)
            }
            Err(NotYours::Of(owner)) => taken(sheet, &state, claim, (owner, None)),
            Err(NotYours::Nobodys) => undecided(sheet, &state, claim, &[]),
            Err(NotYours::Several(agents)) => undecided(sheet, &state, claim, &agents),
        },
    };
    alert::cascade(sheet, &state, primary);
    primary
}

/// Where the map says which attribute tells occurrences apart and the claim has it, that is its key.
fn told_apart<'a>(state: &State, claim: &'a Claim) -> Cow<'a, Claim> {
    match occurrence::key(&state.board.map, &claim.event, &claim.attributes) {
        Ok(Some(key)) if key != claim.key => Cow::Owned(Claim { key, ..claim.clone() }),
        Ok(_) | Err(_) => Cow::Borrowed(claim),
    }
}

/// What became of the occurrence, where it was claimed before; or raised, where the map says what tells them apart.
fn before(state: &State, agent: &AgentId, claim: &Claim, now: Time) -> Option<Before> {
    if occurrence::attribute(&state.board.map, &claim.event).is_some() {
        let before = known::find(state, Some(agent), (&claim.event, &claim.key), now);
        // Nobody was woken, so that it is still to be had.
        return before.filter(|before| !matches!(before.now, Became::Nobodys));
    }
    let held = state.board.claim(&key(&[&claim.event, &claim.key]), now)?;
    Some(Before::claimed(format!("{} {}", claim.event, claim.key), held))
}

/// The very same occurrence was claimed or raised before.
fn again(sheet: &mut Sheet<'_>, state: &State, agent: &AgentId, claim: &Claim, before: &Before) -> Seq {
    match &before.now {
        Became::Waits(no, code) => await_answer(sheet, state, claim, (*no, *code), &before.words()),
        Became::Theirs(owners, works) if owners.contains(agent) => own(sheet, state, claim, before, works),
        Became::Theirs(owners, _) if let Some(owner) = owners.first() => {
            taken(sheet, state, claim, (owner, Some(before)))
        }
        Became::Theirs(..) | Became::Nobodys | Became::Answered(_) => {
            settled(sheet, state, claim, &before.words())
        }
    }
}

/// Its answer may have got lost: told to leave the event alone, nobody would handle it. What came to it as work and has
/// ended is handled.
fn own(sheet: &mut Sheet<'_>, state: &State, claim: &Claim, before: &Before, works: &[WorkNo]) -> Seq {
    let ended = !works.is_empty() && !works.iter().any(|no| state.board.works.contains_key(no));
    if ended {
        let why = format!("{}, which has ended", before.words());
        return settled(sheet, state, claim, &why);
    }
    let verb = if before.claimed { "claimed" } else { "raised" };
    let (what, work) = (&before.what, known::as_work(works));
    let words = format!("{what} is yours to handle{work}, {verb} in deed {}", before.deed);
    // One that came to it in another way is claimed by this.
    let primary = if before.claimed {
        let_through(sheet, claim, None, &words)
    } else {
        grant(sheet, claim, None, &words)
    };
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.works = works.to_vec();
    }
    primary
}

/// It is dealt with: there is nothing to handle, and nobody to collide with.
fn settled(sheet: &mut Sheet<'_>, state: &State, claim: &Claim, why: &str) -> Seq {
    if state.board.enforces() {
        refuse(sheet, claim, Code::ClaimTaken, why)
    } else {
        let_through(sheet, claim, Some((Code::ClaimTaken, Outcome::Refused)), why)
    }
}

/// It waits for a person already.
fn await_answer(
    sheet: &mut Sheet<'_>,
    state: &State,
    claim: &Claim,
    (no, code): (ItemNo, Code),
    why: &str,
) -> Seq {
    if !state.board.enforces() {
        return let_through(sheet, claim, Some((code, Outcome::Escalated)), why);
    }
    let mut deed = draft(sheet, claim, Body::ClaimRefused(Box::new(mark(claim))), Outcome::Escalated, why);
    (deed.code, deed.refs.item) = (Some(code), Some(no));
    let primary = sheet.push(deed);
    inbox::join(sheet, no, primary);
    primary
}

/// Whether the agent has claimed too much lately, in words.
fn too_many(state: &State, agent: &AgentId, now: Time) -> Option<String> {
    let claimed = state.board.occurrences.count(agent, now);
    let words = || format!("{agent} has claimed {claimed} occurrences within {}", KNOWN.rough());
    (claimed >= CLAIMS).then(words)
}

/// Another's, or claimed by another before: a collision.
fn taken(
    sheet: &mut Sheet<'_>,
    state: &State,
    claim: &Claim,
    (owner, before): (&AgentId, Option<&Before>),
) -> Seq {
    let why = match before {
        Some(before) if before.claimed => {
            format!("{} was claimed by {owner}, deed {}", before.what, before.deed)
        }
        Some(before) => format!("{} went to {owner}, deed {}", before.what, before.deed),
        None => format!("{} belongs to {owner}", claim.event),
    };
    let primary = if state.board.enforces() {
        refuse(sheet, claim, Code::ClaimTaken, &why)
    } else {
        let_through(sheet, claim, Some((Code::ClaimTaken, Outcome::Refused)), &why)
    };
    let claimed = before.filter(|before| before.claimed);
    let held = claimed.map(|before| ClaimHeld { by: owner.clone(), at: before.at, deed: before.deed });
    let raised = alert::claims_collide(sheet, claim, owner, held.as_ref(), primary);
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
    if let Some((code, why)) = closed_door(state, &as_raise(state, claim), &sheet.principal.actor, collides) {
        return refuse(sheet, claim, code, &why);
    }
    let told = occurrence::attribute(&state.board.map, &claim.event);
    let mark = ClaimMark { until: told.map(|_| sheet.now.plus(KNOWN)), ..mark(claim) };
    let mut deed = draft(sheet, claim, Body::ClaimRefused(Box::new(mark)), Outcome::Escalated, &why);
    deed.code = Some(code);
    deed.refs.owners = agents.iter().map(|agent| (*agent).clone()).collect();
    let primary = sheet.push(deed);
    let alert = collide(sheet, primary);
    let raiser = sheet.principal.actor.clone();
    let raise = as_raise(state, claim);
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
fn as_raise(state: &State, claim: &Claim) -> Raise {
    let mut attributes = claim.attributes.clone();
    let name = occurrence::attribute(&state.board.map, &claim.event).unwrap_or(KEY);
    attributes.entry(Arc::from(name)).or_insert_with(|| Value::text(&claim.key));
    Raise {
        event: Arc::clone(&claim.event),
        attributes,
        subject: claim.subject.clone(),
        reason: None,
        cause: claim.cause,
    }
}

/// It is the caller's from now on.
fn grant(sheet: &mut Sheet<'_>, claim: &Claim, verdict: Option<(Code, Outcome)>, words: &str) -> Seq {
    let mark = ClaimMark { until: Some(sheet.now.plus(KNOWN)), ..mark(claim) };
    granted(sheet, claim, mark, verdict, words)
}

/// Granted, and yet whose it is stays as it was: it is the caller's since an earlier deed, or somebody else's.
fn let_through(sheet: &mut Sheet<'_>, claim: &Claim, verdict: Option<(Code, Outcome)>, words: &str) -> Seq {
    let mark = ClaimMark { takes_nothing: true, ..mark(claim) };
    granted(sheet, claim, mark, verdict, words)
}

fn granted(
    sheet: &mut Sheet<'_>,
    claim: &Claim,
    mark: ClaimMark,
    verdict: Option<(Code, Outcome)>,
    words: &str,
) -> Seq {
    let mut deed = draft(sheet, claim, Body::ClaimGranted(Box::new(mark)), Outcome::Allowed, words);
    (deed.code, deed.verdict) = verdict.unzip();
    sheet.push(deed)
}

fn refuse(sheet: &mut Sheet<'_>, claim: &Claim, code: Code, why: &str) -> Seq {
    let mut deed = draft(sheet, claim, Body::ClaimRefused(Box::new(mark(claim))), Outcome::Refused, why);
    deed.code = Some(code);
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
    ClaimMark { event: cut(&claim.event), key: cut(&claim.key), until: None, takes_nothing: false }
}
