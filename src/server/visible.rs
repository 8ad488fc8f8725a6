//! What of the ledger an agent's stream shows: deeds on what it may read, and its own work. Everything that people keep
//! among themselves (items, alerts, tokens, the map) stays with people: agents learn of it by their work stream.

use crate::domain::{
    deed::{Body, Deed},
    ids::{Actor, AgentId},
    map::Map,
    path::{EntityPath, FieldName},
};

/// Whether the agent may see the deed under this map.
#[expect(
    clippy::too_many_lines,
    reason = "one exhaustive match, so that a new deed type stops the build here"
)]
pub(super) fn visible(map: &Map, agent: &AgentId, deed: &Deed) -> bool {
    let hidden = |entity: &EntityPath, field: &FieldName| map.is_hidden(agent, entity, field);
    match &deed.body {
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
        | Body::OutputHeld(_)
        | Body::OutputRefused(_)
        | Body::ConclusionDrawn(_)
        | Body::ConclusionRefused(()) => {
            let Some(subject) = &deed.subject else { return deed.actor == Actor::Agent(agent.clone()) };
            if deed.fields.is_empty() {
                return !hidden(subject, &FieldName::whole());
            }
            deed.fields.iter().all(|field| !hidden(field.entity.as_ref().unwrap_or(subject), &field.name))
        }
        Body::WorkQueued(work) => work.agent == *agent,
        Body::WorkAccepted(())
        | Body::WorkDeclined(())
        | Body::WorkCompleted(())
        | Body::WorkRefused(())
        | Body::WorkTaken(_)
        | Body::WorkFailed(())
        | Body::WorkReturned(())
        | Body::EventRaised(_)
        | Body::EventEscalated(_)
        | Body::EventRefused(_)
        | Body::ClaimGranted(_)
        | Body::ClaimRefused(_)
        | Body::HandoffOffered(_)
        | Body::HandoffAccepted(_)
        | Body::HandoffReturned(_)
        | Body::HandoffCompleted(_)
        | Body::HandoffEscalated(_)
        | Body::HandoffRefused(())
        | Body::FanOutOpened(_)
        | Body::FanOutRefused(())
        | Body::LeaseGranted(_)
        | Body::LeaseRenewed(_)
        | Body::LeaseReleased(())
        | Body::LeaseTransferred(_)
        | Body::LeaseRefused(())
        | Body::BatchCommitted(())
        | Body::BatchRefused(_) => deed.actor == Actor::Agent(agent.clone()),
        Body::AgentPaused(one) | Body::AgentResumed(one) => one == agent,
        Body::WorkspaceCreated(_)
        | Body::MapApplied(_)
        | Body::MapRefused(())
        | Body::ScopeExpanded(_)
        | Body::ScopeRevoked(_)
        | Body::ScopeTransferred(_)
        | Body::WorkWithdrawn(())
        | Body::WorkLapsed(())
        | Body::WorkExhausted(())
        | Body::WorkUnheeded(())
        | Body::TaskClosed(_)
        | Body::BranchEnded(_)
        | Body::FanOutJoined(_)
        | Body::LeaseLapsed(())
        | Body::LeaseRevoked(())
        | Body::ActWoken(_)
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
