//! A zone that goes from agent to agent by agreement (RULES §2.9): offered by whoever owns all of it, confirmed by a person's
//! yes to that item and by nothing else, and from then on the other's.

use super::Look;
use crate::zones::Zones;
use deeds::domain::code::Code;
use deeds::domain::command::{Command, ItemVerb};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::AgentId;
use deeds::domain::outcome::Outcome;
use deeds::domain::things::{Case, Item, ItemAnswer};

pub(super) fn look(look: &Look<'_>) {
    let deed = look.deed;
    match &deed.body {
        Body::ItemOpened(item) if matches!(item.case, Case::ZoneOffer { .. }) => offered(look, item),
        Body::ItemRefused(()) => refused(look),
        Body::ItemJoined(()) => joined(look),
        Body::ScopeTransferred(moved) if moved.offered_by.is_some() => {
            assert_eq!(moved.offered_by.as_ref(), Some(&moved.from), "offered by another: {deed:?}");
            let Command::Item(step) = &look.request.command else { panic!("without a person: {deed:?}") };
            let item = &look.before.board.items[&step.item];
            let ItemVerb::Answer(answered) = &step.step else { panic!("without an answer: {deed:?}") };
            assert!(matches!(answered.answer, ItemAnswer::Approve { .. }), "without a yes: {deed:?}");
            let Case::ZoneOffer { pattern, from, to, .. } = &item.case else {
                panic!("nobody offered it: {deed:?}")
            };
            assert_eq!(
                (pattern, from, to),
                (&moved.pattern, &moved.from, &moved.to),
                "another zone: {deed:?}"
            );
            let owns = look.zones.owns_sample(from.as_str(), pattern.as_str());
            assert!(owns, "no more the owner of it: {deed:?}");
        }
        Body::ItemAnswered(closed) => {
            let item = &look.before.board.items.get(&deed.refs.item.unwrap());
            let offer = item.is_some_and(|item| matches!(item.case, Case::ZoneOffer { .. }));
            let yes = matches!(closed.answer, ItemAnswer::Approve { .. });
            let went = look.deeds.iter().any(|one| matches!(one.body, Body::ScopeTransferred(_)));
            assert!(!offer || yes == went, "a no moves nothing, a yes moves it: {deed:?}");
        }
        _ => {}
    }
}

/// By whoever owns all of it, to another agent of the map, with the name of whoever is accountable for the giver.
fn offered(look: &Look<'_>, item: &Item) {
    let deed = look.deed;
    let Case::ZoneOffer { pattern, from, to, accountable } = &item.case else { return };
    let Command::OfferZone(asked) = &look.request.command else { panic!("nobody offered it: {deed:?}") };
    assert_eq!((pattern, to), (&asked.pattern, &asked.to), "another offer: {deed:?}");
    assert_eq!(look.request.principal.actor.agent(), Some(from), "in another's name: {deed:?}");
    assert_ne!(from, to, "to itself: {deed:?}");
    assert!(look.zones.owns_sample(from.as_str(), pattern.as_str()), "not its own: {deed:?}");
    let agent = |id: &AgentId| look.model.agents.iter().find(|agent| agent.id == *id);
    assert!(agent(to).is_some(), "to nobody: {deed:?}");
    assert_eq!(agent(from).map(|agent| &agent.owner), Some(accountable), "{deed:?}");
    assert_eq!(deed.outcome, Outcome::Escalated, "it waits for a person: {deed:?}");
}

/// What is refused is not its caller's, or has nowhere to go.
fn refused(look: &Look<'_>) {
    let (deed, Command::OfferZone(asked)) = (look.deed, &look.request.command) else { return };
    let Some(from) = look.agent() else { return };
    let in_map = |id: &str| look.model.agents.iter().any(|agent| agent.id.as_str() == id);
    match deed.code {
        Some(Code::NotFound) => {
            assert!(!(in_map(from.as_str()) && in_map(asked.to.as_str())), "there is one: {deed:?}");
        }
        Some(Code::NotYours) => {
            let whole = asked.pattern.as_str().split('#').next().unwrap_or_default().to_owned();
            let all = look.model.agents.iter().any(|one| {
                let mut grants = one.writes.iter().map(deeds::domain::path::Pattern::as_str);
                let holds = grants.any(|grant| grant == asked.pattern.as_str() || grant == whole);
                one.id == *from && holds && one.except.is_empty() && one.except_of.is_empty()
            });
            assert!(!all, "it is its own: {deed:?}");
        }
        _ => {}
    }
}

/// The very same offer waits once.
fn joined(look: &Look<'_>) {
    let (deed, Command::OfferZone(asked)) = (look.deed, &look.request.command) else { return };
    let item = &look.before.board.items[&deed.refs.item.unwrap()];
    let Case::ZoneOffer { pattern, from, to, .. } = &item.case else { panic!("joined another: {deed:?}") };
    assert_eq!((pattern, Some(from), to), (&asked.pattern, look.agent(), &asked.to), "{deed:?}");
}

/// What went over is the other's now, and its giver's no more.
pub(super) fn went_over(zones: &Zones, deeds: &[Deed]) {
    for deed in deeds {
        let Body::ScopeTransferred(moved) = &deed.body else { continue };
        let pattern = moved.pattern.as_str();
        assert!(!zones.owns_some(moved.from.as_str(), pattern), "still the giver's: {deed:?}");
        assert!(zones.owns_sample(moved.to.as_str(), pattern), "not the taker's: {deed:?}");
    }
}
