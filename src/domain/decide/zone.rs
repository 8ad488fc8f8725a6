//! A part of a zone that goes to another agent by agreement, RULES §2.9: its owner offers it, the person accountable
//! confirms, and the map has it with the names of both.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{answer, inbox, propose, verdict};
use crate::domain::code::Code;
use crate::domain::command::{OfferZone, TEXT_BYTES};
use crate::domain::deed::{Body, ScopeTransfer};
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::map::{EditError, Grant, edit};
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::state::State;
use crate::domain::things::{Case, Effects, Granted, Item, ItemAnswer, Work, WorkKind};

const ACTION: &str = "offer zone";

/// Decides an offer: it waits for the person accountable, or is refused.
pub(super) fn offer(sheet: &mut Sheet<'_>, offer: &OfferZone) -> Seq {
    let refuse =
        |sheet: &mut Sheet<'_>, code, why: &str| sheet.refuse(Body::ItemRefused(()), ACTION, code, why);
    let Some(agent) = sheet.principal.actor.agent().cloned() else {
        return refuse(sheet, Code::NotAllowed, "only agents offer what is in their zone");
    };
    if offer.reason.trim().is_empty() || offer.reason.len() > TEXT_BYTES {
        let why = format!("`reason` must say why it shall go over, in at most {TEXT_BYTES} bytes");
        return refuse(sheet, Code::OverBound, &why);
    }
    let state = sheet.snapshot();
    if let Some((code, why)) = stands_in_the_way(&state, (&offer.pattern, &agent, &offer.to)) {
        return refuse(sheet, code, &why);
    }
    let Some(entry) = state.board.map.agent(&agent) else {
        return refuse(sheet, Code::NotFound, "the map does not name you");
    };
    let case = Case::ZoneOffer {
        pattern: offer.pattern.clone(),
        from: agent.clone(),
        to: offer.to.clone(),
        accountable: entry.owner.clone(),
    };
    let queue = state.board.map.queue_of(&agent).clone();
    let same = |item: &&Arc<Item>| offered(item) == Some((&offer.pattern, &agent, &offer.to));
    if let Some(no) = state.board.items.values().find(same).map(|item| item.no) {
        let joined = inbox::join_as(sheet, no, None);
        if let Some(deed) = sheet.deed_mut(joined) {
            deed.action = ACTION.into();
        }
        return joined;
    }
    if let Some(why) = inbox::full(&state) {
        return refuse(sheet, Code::OverBound, &why);
    }
    let item = inbox::NewItem {
        case,
        raised_by: Actor::Agent(agent.clone()),
        title: format!("{} from {agent} to {}", offer.pattern, offer.to),
        why: offer.reason.to_string(),
        unforeseen: false,
        subject: None,
        evidence: Vec::new(),
        alike: format!("zone|{agent}|{}|{}", offer.to, offer.pattern),
        suggestion: None,
    };
    let mut deed = inbox::open(sheet, &queue, item, None);
    deed.actor = sheet.principal.actor.clone();
    deed.action = ACTION.into();
    deed.outcome = Outcome::Escalated;
    sheet.push(deed)
}

/// What an item offers: what, from whom, to whom.
pub(super) fn offered(item: &Item) -> Option<(&Pattern, &AgentId, &AgentId)> {
    if let Case::ZoneOffer { pattern, from, to, .. } = &item.case { Some((pattern, from, to)) } else { None }
}

/// What keeps an offer from being confirmed now.
pub(super) fn obstacle(state: &State, item: &Item) -> Option<(Code, String)> {
    stands_in_the_way(state, offered(item)?)
}

fn stands_in_the_way(
    state: &State,
    (pattern, from, to): (&Pattern, &AgentId, &AgentId),
) -> Option<(Code, String)> {
    let error = edit::transfer(state.board.map.model(), pattern, from, to).err()?;
    let code = match &error {
        EditError::NotHeld { .. } => Code::NotYours,
        EditError::UnknownAgent(_) => Code::NotFound,
        EditError::Owned { .. }
        | EditError::Undecided { .. }
        | EditError::Useless { .. }
        | EditError::LeftToNobody { .. }
        | EditError::Scratch(_)
        | EditError::SameAgent(_)
        | EditError::Tool(_)
        | EditError::BadName => Code::Overlap,
    };
    Some((code, error.to_string()))
}

/// The person accountable has confirmed it: the map has it, and whoever gets it is told.
pub(super) fn confirm(sheet: &mut Sheet<'_>, item: &Item, effects: &mut Effects) {
    let Some((pattern, from, to)) = offered(item) else { return };
    // Another that is confirmed with it may have moved the same.
    if stands_in_the_way(sheet.state(), (pattern, from, to)).is_some() {
        return;
    }
    let before = sheet.state().board.map_version;
    let change = ScopeTransfer {
        version: before.next(),
        pattern: pattern.clone(),
        from: from.clone(),
        to: to.clone(),
        offered_by: item.raised_by.agent().cloned(),
    };
    effects.map = Some((before, change.version));
    let words = format!("map v{}: {pattern} goes from {from} to {to}, offered by {from}", change.version);
    answer::push_map(sheet, item, Body::ScopeTransferred(change), "hand over zone", &words);
    let granted = Granted { agent: to.clone(), grant: Grant::Write(pattern.clone()) };
    let title = format!("#{} confirmed: {granted}; it was {from}'s", item.no);
    let kind = WorkKind::Decision {
        item: item.no,
        answer: verdict::text("approve"),
        note: Some(Arc::clone(&item.why)),
        reply: None,
        result: None,
        granted: Some(granted),
        input: None,
    };
    let no = sheet.state().board.next.work;
    let work = Work::new(no, to.clone(), kind, title, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, work, Some(item.deed));
    effects.works.push(no);
}

/// What an answer to an offer comes to, in words.
pub(super) fn in_words(item: &Item, answer: &ItemAnswer) -> Option<String> {
    let (pattern, from, to) = offered(item)?;
    if let ItemAnswer::Approve { .. } = answer {
        let then = format!("{to} owns {pattern}; {from} no longer writes it and proposes instead");
        return Some(format!("{then}; both are told"));
    }
    Some(format!("{pattern} stays with {from}, and {from} is told"))
}
