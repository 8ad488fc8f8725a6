//! What of the ledger an agent's stream shows: deeds on what it may read, its own, and those that name it; nothing that
//! is hidden from it. Everything that people keep among themselves (items, alerts, reviews, tokens, the map) stays with
//! people: agents learn of it by their work stream.

use crate::domain::deed::{Body, Deed};
use crate::domain::ids::AgentId;
use crate::domain::map::Map;
use crate::domain::path::{EntityPath, FieldName};

/// Whether the agent may see the deed under this map.
#[expect(
    clippy::too_many_lines,
    reason = "one exhaustive match, so that a new deed type stops the build here"
)]
pub(super) fn visible(map: &Map, agent: &AgentId, deed: &Deed) -> bool {
    let own = deed.actor.agent() == Some(agent);
    let named = || own || (deed.refs.owners.contains(agent) && !hides(map, agent, deed));
    match &deed.body {
        // What happened to entities: everybody who may read them sees it.
        Body::WriteCommitted(())
        | Body::WriteProposed(())
        | Body::WriteEscalated(())
        | Body::WriteRefused(())
        | Body::EntityCreated(())
        | Body::EntityArchived(())
        | Body::EntityDeleted(())
        | Body::EntityFrozen(())
        | Body::EntityUnfrozen(())
        | Body::ActAllowed(_)
        | Body::ActRefused(_)
        | Body::ActDeferred(_)
        | Body::ActDone(())
        | Body::ActFailed(())
        | Body::OutputPublished(_)
        | Body::ConclusionDrawn(_) => {
            if deed.subject.is_some() {
                return !hides(map, agent, deed);
            }
            named()
        }
        Body::WorkQueued(work) => work.agent == *agent,
        // What agents do among themselves: who did it, and whom it names.
        Body::WorkAccepted(())
        | Body::WorkDeclined(())
        | Body::WorkCompleted(_)
        | Body::WorkTaken(_)
        | Body::WorkFailed(())
        | Body::WorkReturned(())
        | Body::WorkWithdrawn(())
        | Body::WorkLapsed(())
        | Body::WorkExhausted(())
        | Body::EventRaised(_)
        | Body::EventEscalated(_)
        | Body::ClaimGranted(_)
        | Body::HandoffOffered(_)
        | Body::HandoffAccepted(_)
        | Body::HandoffReturned(_)
        | Body::HandoffCompleted(_)
        | Body::HandoffEscalated(_)
        | Body::TaskClosed(_)
        | Body::FanOutOpened(_)
        | Body::BranchEnded(_)
        | Body::FanOutJoined(_)
        | Body::LeaseGranted(_)
        | Body::LeaseRenewed(_)
        | Body::LeaseReleased(())
        | Body::LeaseTransferred(_)
        | Body::LeaseLapsed(())
        | Body::LeaseRevoked(())
        | Body::ActWoken(_) => named(),
        // What was not done, or is not out yet, is its author's alone, whoever it names.
        Body::WorkRefused(())
        | Body::EventRefused(_)
        | Body::ClaimRefused(_)
        | Body::HandoffRefused(())
        | Body::FanOutRefused(())
        | Body::LeaseRefused(())
        | Body::OutputHeld(_)
        | Body::OutputRefused(_)
        | Body::ConclusionRefused(())
        | Body::BatchCommitted(())
        | Body::BatchRefused(_) => own,
        Body::AgentPaused(one) | Body::AgentResumed(one) => one == agent,
        Body::WorkspaceCreated(_)
        | Body::MapApplied(_)
        | Body::MapReviewed(())
        | Body::MapRefused(())
        | Body::ScopeExpanded(_)
        | Body::ScopeRevoked(_)
        | Body::ScopeTransferred(_)
        | Body::WorkUnheeded(())
        | Body::ItemRevised(_)
        | Body::ReviewStarted(_)
        | Body::ReviewEnded(_)
        | Body::ReviewMissed(_)
        | Body::ReviewRefused(())
        | Body::ItemOpened(_)
        | Body::ItemJoined(())
        | Body::ItemClaimed(())
        | Body::ItemReleased(())
        | Body::ItemReassigned(_)
        | Body::ItemAnswered(_)
        | Body::ItemUndone(())
        | Body::ItemRefused(())
        | Body::ItemWarned(())
        | Body::ItemOverdue(())
        | Body::RuleAdded(_)
        | Body::RuleRemoved(_)
        | Body::AlertOpened(_)
        | Body::AlertCounted(_)
        | Body::AlertAcknowledged(())
        | Body::AlertResolved(())
        | Body::AlertReopened(_)
        | Body::AlertRefused(())
        | Body::TokenCreated(_)
        | Body::TokenRevoked(_)
        | Body::TokenRefused(())
        | Body::OverrideRefused(()) => false,
    }
}

/// Whether the deed is about something that is hidden from the agent, in whole or in one of its fields, or names it
/// as what it was based on.
fn hides(map: &Map, agent: &AgentId, deed: &Deed) -> bool {
    let hidden = |entity: &EntityPath, field: &FieldName| map.is_hidden(agent, entity, field);
    let about = deed.subject.as_ref();
    if deed.based_on().iter().any(|path| hidden(&path.entity, &path.field)) {
        return true;
    }
    if deed.fields.is_empty() {
        return about.is_some_and(|subject| hidden(subject, &FieldName::whole()));
    }
    deed.fields
        .iter()
        .any(|field| field.entity.as_ref().or(about).is_some_and(|entity| hidden(entity, &field.name)))
}
