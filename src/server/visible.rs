//! What of the ledger an agent's stream shows: deeds on what it may read, and its own work. Everything that people keep
//! among themselves (items, alerts, tokens, the map) stays with people: agents learn of it by their work stream.

use crate::domain::{
    deed::{Body, Deed},
    ids::{Actor, AgentId},
    map::Map,
    path::{EntityPath, FieldName},
};

/// Whether the agent may see the deed under this map.
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
        | Body::ActFailed(()) => {
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
