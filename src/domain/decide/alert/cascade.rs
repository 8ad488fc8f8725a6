//! Chains of causes that come back to where they were, or do not end.

use super::{Finding, raise, raise_with_item, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AgentId, AlertNo, Seq};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::{Link, State};
use crate::domain::things::{AlertKind, AlertSide};
use crate::domain::time::Time;

/// How many deeds of agents one chain of causes may have.
const CHAIN: u32 = 16;
/// How many deeds of a chain are looked at.
const STEPS: usize = 256;

/// A deed of an agent in a chain, the newest first.
struct Hop {
    deed: Seq,
    agent: AgentId,
    subject: Option<EntityPath>,
    at: Time,
}

/// A deed of an agent that names its cause: does the chain come back to an agent and entity that are in it already,
/// with another agent's deed between, or is it longer than it may be?
pub(in crate::domain::decide) fn cascade(sheet: &mut Sheet<'_>, before: &State, primary: Seq) {
    let Some(deed) = sheet.deed(primary) else { return };
    let (Some(cause), Some(agent)) = (deed.cause, deed.actor.agent().cloned()) else { return };
    let subject = deed.subject.clone();
    let in_hand = deed.decided.as_ref().and_then(|decided| decided.in_hand);
    let chain = chain(before.links.back_from(cause));
    let others = chain.iter().position(|step| step.agent != agent).unwrap_or(chain.len());
    let again = |step: &Hop| subject.is_some() && step.agent == agent && step.subject == subject;
    let back = chain.iter().skip(others).position(again).map(|at| others + at);
    // Of what its author did not name as a cause, to ask and be answered is no circle: wake-ups are counted instead.
    let back = back.filter(|_| !sheet.is_assumed(primary));
    let newest = Hop { deed: primary, agent, subject, at: sheet.time };
    let follows = before.links.deeper(Some(cause), in_hand);
    let finding = match back {
        Some(at) => circle(&newest, chain.get(..=at).unwrap_or_default()),
        None if is_endless(before, follows) => endless(&newest, &longest(before, follows)),
        None => return,
    };
    let raised = raise(sheet, finding, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
}

/// The deeds of agents among these, the newest first.
fn chain<'l>(links: impl Iterator<Item = (Seq, &'l Link)>) -> Vec<Hop> {
    let hop = |(deed, link): (Seq, &Link)| {
        let agent = link.actor.agent()?.clone();
        Some(Hop { deed, agent, subject: link.subject.clone(), at: link.at })
    };
    links.take(STEPS).filter_map(hop).collect()
}

/// The longest chain that ends with that deed.
fn longest(state: &State, deed: Option<Seq>) -> Vec<Hop> {
    deed.map(|deed| chain(state.links.longest_to(deed))).unwrap_or_default()
}

/// Whether what follows from that deed would be one deed more than a chain may have.
pub(in crate::domain::decide) fn is_endless(state: &State, follows: Option<Seq>) -> bool {
    state.links.depth(follows) >= CHAIN
}

/// An event that waits because it would go round once more: the alert that its item is about.
pub(in crate::domain::decide) fn goes_round(
    sheet: &mut Sheet<'_>,
    (by, to): (Option<&AgentId>, &AgentId),
    subject: Option<&EntityPath>,
    (follows, why): (Option<Seq>, &str),
    primary: Seq,
) -> Option<AlertNo> {
    let state = sheet.snapshot();
    let chain = longest(&state, follows);
    let agent = by.unwrap_or(to).clone();
    let newest = Hop { deed: primary, agent, subject: subject.cloned(), at: sheet.time };
    let finding = if is_endless(&state, follows) {
        endless(&newest, &chain)
    } else {
        let mut both = [newest.agent.as_str(), to.as_str()];
        both.sort_unstable();
        let on = subject.cloned().map(FieldPath::whole);
        let woken =
            side(&Actor::Agent(to.clone()), Some(primary), on.as_ref(), sheet.time, (None, "not woken"));
        let sides = sides(&newest, &chain).into_iter().chain([woken]).collect();
        let same =
            format!("round|{}|{}", subject.map(ToString::to_string).unwrap_or_default(), both.join(","));
        let first_cause = chain.last().map(|step| step.deed);
        Finding { kind: AlertKind::Cascade, same, title: why.to_owned(), on, sides, first_cause, count: 1 }
    };
    raise_with_item(sheet, finding, primary)
}

fn circle(newest: &Hop, chain: &[Hop]) -> Finding {
    let subject = newest.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut way: Vec<&str> = chain.iter().rev().map(|step| step.agent.as_str()).collect();
    way.push(newest.agent.as_str());
    way.dedup();
    Finding {
        kind: AlertKind::Cascade,
        same: format!("{subject}|{}", newest.agent),
        title: format!("{} comes back to {subject}: {}", newest.agent, way.join(" → ")),
        on: newest.subject.clone().map(FieldPath::whole),
        sides: sides(newest, chain),
        first_cause: chain.last().map(|step| step.deed),
        count: 1,
    }
}

fn endless(newest: &Hop, chain: &[Hop]) -> Finding {
    let mut who: Vec<&str> = chain.iter().chain([newest]).map(|step| step.agent.as_str()).collect();
    who.sort_unstable();
    who.dedup();
    Finding {
        kind: AlertKind::Cascade,
        same: format!("endless|{}", who.join(",")),
        title: format!("{} deeds of {} follow from each other, and go on", chain.len() + 1, who.join(", ")),
        on: newest.subject.clone().map(FieldPath::whole),
        sides: sides(newest, chain),
        first_cause: chain.last().map(|step| step.deed),
        count: 1,
    }
}

/// Where it began, then the last deeds of the chain, the newest at the end.
fn sides(newest: &Hop, chain: &[Hop]) -> Vec<AlertSide> {
    let first = chain.last().into_iter();
    let rest = chain.iter().take(crate::domain::things::SIDES - 2).rev();
    let rest = rest.filter(|step| chain.last().is_none_or(|first| first.deed != step.deed));
    let one = |step: &Hop| {
        let on = step.subject.clone().map(FieldPath::whole);
        let words = format!("deed {}", step.deed);
        side(&Actor::Agent(step.agent.clone()), Some(step.deed), on.as_ref(), step.at, (None, &words))
    };
    first.chain(rest).chain([newest]).map(one).collect()
}
