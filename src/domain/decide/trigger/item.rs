//! Inbox items of events: nobody answers, or more than one would. What opens them, and what answers do with the event.

use std::sync::Arc;

use super::{Call, Origin, decide, dispatch, dispatch_after};
use crate::domain::code::Code;
use crate::domain::command::Raise;
use crate::domain::decide::inbox::{self, NewItem};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict;
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, Seq, WorkNo};
use crate::domain::map::{Grant, Map, Model, Routing, nearest_listener};
use crate::domain::rule::route;
use crate::domain::state::State;
use crate::domain::things::{Case, Item, Suggestion, WorkKind};

/// Longest title of an item, in characters.
const TITLE: usize = 160;

/// An event that needs a person.
pub(super) struct Found<'a> {
    pub(super) raise: &'a Raise,
    pub(super) raiser: &'a Actor,
    /// Whether an agent claimed it: others will claim the very same one.
    pub(super) claimed: bool,
    /// Who would answer; nobody where it is empty.
    pub(super) listeners: &'a [&'a AgentId],
    pub(super) alert: Option<AlertNo>,
    /// That it would go round once more, in words.
    pub(super) goes_round: Option<&'a str>,
}

/// Items about the same event are alike.
pub(super) fn alike(event: &str, collides: bool) -> String {
    if collides { format!("collision|{event}") } else { format!("event|{event}") }
}

/// Events of one name that go round are alike.
pub(super) fn goes_round(event: &str) -> String {
    format!("loop|{event}")
}

/// `billing and payments answer email.received, and no route decides`.
pub(super) fn collision_words(event: &str, agents: &[&AgentId]) -> String {
    let names: Vec<&str> = agents.iter().map(|agent| agent.as_str()).collect();
    format!("{} answer {event}, and no route decides", names.join(" and "))
}

/// Opens an item, or joins the one in which the very same event waits already.
pub(super) fn open(sheet: &mut Sheet<'_>, found: &Found<'_>, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    if let Some(no) = same_waiting(&state, found) {
        inbox::join(sheet, no, cause);
        return no;
    }
    let (raise, map) = (found.raise, &state.board.map);
    let raiser = found.raiser.agent();
    let (case, why) = match (found.alert, found.goes_round) {
        (Some(alert), Some(why)) => (Case::Loop { alert, raise: raise.clone() }, why.to_owned()),
        (alert, _) if alert.is_none() && found.listeners.is_empty() => {
            (case(raise, alert), format!("nobody owns the event {}", raise.event))
        }
        (alert, _) => (case(raise, alert), collision_words(&raise.event, found.listeners)),
    };
    let nearest = nearest_listener(map.model(), &raise.event, raise.subject.as_ref(), raiser);
    let suggestion = nearest.filter(|_| found.listeners.is_empty()).map(|(agent, reason)| Suggestion {
        agent,
        grant: Grant::Trigger(raise.event.to_string()),
        reason: Arc::from(reason),
    });
    let queue = route::queue(map, found.listeners, raiser).clone();
    let item = NewItem {
        case,
        raised_by: found.raiser.clone(),
        title: title(raise),
        why,
        unforeseen: false,
        subject: raise.subject.clone(),
        evidence: raise.cause.into_iter().chain([cause]).collect(),
        alike: if found.goes_round.is_some() {
            goes_round(&raise.event)
        } else {
            alike(&raise.event, !found.listeners.is_empty())
        },
        suggestion,
    };
    inbox::open_in(sheet, &queue, item, cause)
}

/// An event as a case: of a collision where there is an alert of it.
pub(super) fn case(raise: &Raise, alert: Option<AlertNo>) -> Case {
    match alert {
        Some(alert) => Case::TriggerCollision { alert, raise: raise.clone() },
        None => Case::UnownedEvent { raise: raise.clone() },
    }
}

/// The very same event waits already: a retry, or what another agent claimed.
fn same_waiting(state: &State, found: &Found<'_>) -> Option<ItemNo> {
    let same = |waiting: &Raise| {
        let of = |raise: &Raise| (raise.event.clone(), raise.attributes.clone(), raise.subject.clone());
        let caused = found.claimed || waiting.cause == found.raise.cause;
        waiting.event == found.raise.event && caused && of(waiting) == of(found.raise)
    };
    let is = |item: &&Arc<Item>| {
        event_of(&item.case).is_some_and(same) && (found.claimed || item.raised_by == *found.raiser)
    };
    state.board.items.values().find(is).map(|item| item.no)
}

/// The event that waits in an item.
pub(in crate::domain::decide) fn event_of(case: &Case) -> Option<&Raise> {
    waits_for(case).map(|(raise, _)| raise)
}

/// The event that waits in an item, and for what.
pub(super) fn waits_for(case: &Case) -> Option<(&Raise, Code)> {
    match case {
        Case::UnownedEvent { raise } => Some((raise, Code::Unowned)),
        Case::TriggerCollision { raise, .. } => Some((raise, Code::Collision)),
        Case::Loop { raise, .. } => Some((raise, Code::Looping)),
        Case::UnownedField { .. }
        | Case::UnownedTarget { .. }
        | Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::UnownedOutput { .. }
        | Case::Escalation { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. }
        | Case::UnmappedCall { .. }
        | Case::UnknownOutcome { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => None,
    }
}

fn title(raise: &Raise) -> String {
    let attributes = raise.attributes.iter().map(|(name, value)| format!(" {name}={}", value.plain()));
    let words: String = std::iter::once(raise.event.to_string()).chain(attributes).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TITLE).collect()
}

/// The stored event, raised again under the map of now; by Deeds where its raiser is stopped or shut out, since it did happen.
pub(in crate::domain::decide) fn again(sheet: &mut Sheet<'_>, item: &Item, raise: &Raise) -> Seq {
    let raiser = item.raised_by.agent();
    let stopped = raiser.is_some_and(|agent| verdict::stopped(sheet.base(), agent, sheet.now).is_some());
    let actor = if stopped { Actor::Deeds } else { item.raised_by.clone() };
    let raise = Raise { cause: Some(item.deed), ..raise.clone() };
    decide(sheet, &raise, &Origin { decided: true, ..Origin::of(actor) })
}

/// Whether the event of a collision is still more than one agent's under the map that an answer would make, in words.
pub(in crate::domain::decide) fn still_collides(map: Model, item: &Item) -> Option<String> {
    let Case::TriggerCollision { raise, .. } = &item.case else { return None };
    let map = Map::compile(map);
    let Routing::Several(agents) = map.route(&raise.event, &raise.attributes) else { return None };
    let words = collision_words(&raise.event, &agents);
    Some(format!(
        "{words}: apply a map with a [[route]] for it and answer again, or handle it and name one in `to`"
    ))
}

/// A person gives this one event to an agent; nothing else changes.
pub(in crate::domain::decide) fn handle(
    sheet: &mut Sheet<'_>,
    item: &Item,
    to: &AgentId,
) -> Result<WorkNo, (Code, String)> {
    if sheet.base().board.map.agent(to).is_none() {
        return Err((Code::NotFound, format!("there is no agent {to} in the map")));
    }
    if let Some(raise) = event_of(&item.case) {
        let raised = item.evidence.last().copied().unwrap_or(item.deed);
        let (event, attributes) = (&raise.event, &raise.attributes);
        let call = Call { event, attributes, subject: raise.subject.as_ref(), raised };
        return Ok(dispatch(sheet, to, &call, &[], item.deed));
    }
    if let Case::GivenUp { work } = &item.case
        && let WorkKind::Dispatch { event, attributes, then, before, raised } = &work.kind
    {
        // It is the same place in the sequence, and who comes after comes after this agent.
        let call = Call { event, attributes, subject: work.subject.as_ref(), raised: *raised };
        return Ok(dispatch_after(sheet, to, &call, then, before.as_deref().cloned(), item.deed));
    }
    let why = format!("#{} is no event: leave `to` out, or send what the agent is told as `reply`", item.no);
    Err((Code::WrongState, why))
}
