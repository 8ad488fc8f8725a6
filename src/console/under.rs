//! What lies under the cursor: entities, agents and leases that can be looked at quickly, and overridden. Views say it; the
//! peek and the overrides take it from there.

use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, AgentId, Fence};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::state::Board;
use crate::domain::things::LeaseTarget;
use crate::domain::time::Time;

/// Entities, agents and leases, the one that is most likely meant first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Under {
    /// Fields, or whole entities where no field is meant.
    pub paths: Vec<FieldPath>,
    pub agents: Vec<AgentId>,
    pub leases: Vec<Fence>,
}

impl Under {
    /// What a deed is about: its first field, or its entity where it has none; and who did it.
    pub fn deed(deed: &Deed) -> Self {
        let field = deed.fields.iter().find_map(|change| {
            let entity = change.entity.as_ref().or(deed.subject.as_ref())?;
            Some(FieldPath::new(entity.clone(), change.name.clone()))
        });
        let under = Self::default().actors([&deed.actor]);
        if field.is_some() { under.path(field) } else { under.entity(deed.subject.as_ref()) }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.agents.is_empty() && self.leases.is_empty()
    }

    /// With a field too.
    #[must_use]
    pub fn path(mut self, path: Option<FieldPath>) -> Self {
        self.paths.extend(path.filter(|path| !self.paths.contains(path)));
        self
    }

    /// With an entity too, as a whole.
    #[must_use]
    pub fn entity(self, entity: Option<&EntityPath>) -> Self {
        let path = entity.map(|entity| FieldPath::new(entity.clone(), FieldName::whole()));
        self.path(path)
    }

    /// With an agent too.
    #[must_use]
    pub fn agent(mut self, agent: Option<&AgentId>) -> Self {
        self.agents.extend(agent.filter(|agent| !self.agents.contains(agent)).cloned());
        self
    }

    /// With those of the actors that are agents.
    #[must_use]
    pub fn actors<'a>(self, actors: impl IntoIterator<Item = &'a Actor>) -> Self {
        actors.into_iter().fold(self, |under, actor| under.agent(actor.agent()))
    }

    /// With a lease, its holder and what it locks.
    #[must_use]
    pub fn lease(mut self, board: &Board, fence: Fence) -> Self {
        let Some(lease) = board.leases.get(&fence) else { return self };
        if !self.leases.contains(&fence) {
            self.leases.push(fence);
        }
        let path = match &lease.target {
            LeaseTarget::Path(path) => Some(path.clone()),
            LeaseTarget::Task(_) => None,
        };
        self.path(path).agent(Some(&lease.holder))
    }

    /// With the live leases on its entities.
    #[must_use]
    pub fn with_leases(mut self, board: &Board, now: Time) -> Self {
        for path in &self.paths {
            for lease in board.leases_on(&path.entity, now) {
                if !self.leases.contains(&lease.fence) {
                    self.leases.push(lease.fence);
                }
            }
        }
        self
    }
}
