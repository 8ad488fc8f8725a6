//! Chains of causes that come back to where they were, or do not end.

use super::{Finding, raise, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::state::State;
use crate::domain::things::{AlertKind, AlertSide};

/// How many deeds of agents one chain of causes may have.
const CHAIN: usize = 16;
/// How many deeds of a chain are looked at.
const STEPS: usize = 256;

/// A deed of an agent in a chain, the newest first.
struct Hop {
    deed: Seq,
    agent: AgentId,
    subject: Option<EntityPath>,
}

/// A deed of an agent that names its cause: does the chain come back to an agent and entity that are in it already,
/// with another agent's deed between, or is it longer than it may be?
pub(in crate::domain::decide) fn cascade(sheet: &mut Sheet<'_>, before: &State, primary: Seq) {
    let Some(deed) = sheet.deed(primary) else { return };
    let (Some(cause), Some(agent)) = (deed.cause, deed.actor.agent().cloned()) else { return };
    let subject = deed.subject.clone();
    let chain: Vec<Hop> = before
        .links
        .back_from(cause)
        .take(STEPS)
        .filter_map(|(deed, link)| {
            let agent = link.actor.agent()?.clone();
            Some(Hop { deed, agent, subject: link.subject.clone() })
        })
        .collect();
    let others = chain.iter().position(|step| step.agent != agent).unwrap_or(chain.len());
    let again = |step: &Hop| subject.is_some() && step.agent == agent && step.subject == subject;
    let back = chain.iter().skip(others).position(again).map(|at| others + at);
    let newest = Hop { deed: primary, agent, subject };
    let finding = match back {
        Some(at) => circle(sheet, &newest, chain.get(..=at).unwrap_or_default()),
        None if chain.len() >= CHAIN => endless(sheet, &newest, &chain),
        None => return,
    };
    let raised = raise(sheet, finding, primary);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.alerts.extend(raised);
    }
}

fn circle(sheet: &Sheet<'_>, newest: &Hop, chain: &[Hop]) -> Finding {
    let subject = newest.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut way: Vec<&str> = chain.iter().rev().map(|step| step.agent.as_str()).collect();
    way.push(newest.agent.as_str());
    way.dedup();
    Finding {
        kind: AlertKind::Cascade,
        same: format!("{subject}|{}", newest.agent),
        title: format!("{} comes back to {subject}: {}", newest.agent, way.join(" → ")),
        on: newest.subject.clone().map(FieldPath::whole),
        sides: sides(sheet, newest, chain),
        first_cause: chain.last().map(|step| step.deed),
        count: 1,
    }
}

fn endless(sheet: &Sheet<'_>, newest: &Hop, chain: &[Hop]) -> Finding {
    let mut who: Vec<&str> = chain.iter().chain([newest]).map(|step| step.agent.as_str()).collect();
    who.sort_unstable();
    who.dedup();
    Finding {
        kind: AlertKind::Cascade,
        same: format!("endless|{}", who.join(",")),
        title: format!("{} deeds of {} follow from each other, and go on", chain.len() + 1, who.join(", ")),
        on: newest.subject.clone().map(FieldPath::whole),
        sides: sides(sheet, newest, chain),
        first_cause: chain.last().map(|step| step.deed),
        count: 1,
    }
}

/// Where it began, then the last deeds of the chain, the newest at the end.
fn sides(sheet: &Sheet<'_>, newest: &Hop, chain: &[Hop]) -> Vec<AlertSide> {
    let first = chain.last().into_iter();
    let rest = chain.iter().take(crate::domain::things::SIDES - 2).rev();
    let rest = rest.filter(|step| chain.last().is_none_or(|first| first.deed != step.deed));
    let one = |step: &Hop| {
        let on = step.subject.clone().map(FieldPath::whole);
        let words = format!("deed {}", step.deed);
        side(&Actor::Agent(step.agent.clone()), Some(step.deed), on.as_ref(), sheet.time, (None, &words))
    };
    first.chain(rest).chain([newest]).map(one).collect()
}
