//! How many entities there are, and how large their values are together. It follows from the entities; where they lie outside
//! memory it is kept with them.

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::Entities;
use crate::domain::path::EntityPath;

/// The first segment of what agents keep for themselves.
const SCRATCH: &str = "scratch";

/// Entities and their values, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// How many entities are known.
    pub entities: u64,
    /// How large their values are, with those of before that are remembered.
    pub bytes: u64,
    /// The same of each part of the scratch, by the segment after its first: an agent's name up to its first `/`.
    scratch: OrdMap<Arc<str>, u64>,
}

impl Volume {
    /// That of all entities.
    pub(super) fn of(entities: &Entities) -> Self {
        let mut volume = Self::default();
        for (path, entity) in entities.iter() {
            volume.change(&path, None, entity.size());
        }
        volume
    }

    /// How large the values are in the scratch that an agent's name leads to.
    pub fn scratch_of(&self, agent: &str) -> u64 {
        let part = agent.split('/').next().unwrap_or_default();
        self.scratch.get(part).copied().unwrap_or_default()
    }

    /// An entity is new, or of another size than before.
    pub(super) fn change(&mut self, path: &EntityPath, before: Option<u64>, more: u64) {
        let less = before.unwrap_or_default();
        self.entities += u64::from(before.is_none());
        self.bytes = (self.bytes + more).saturating_sub(less);
        let mut segments = path.as_str().split('/');
        if segments.next() != Some(SCRATCH) {
            return;
        }
        let Some(part) = segments.next() else { return };
        let kept = (self.scratch.get(part).copied().unwrap_or_default() + more).saturating_sub(less);
        if kept == 0 {
            self.scratch.remove(part);
        } else {
            self.scratch.insert(Arc::from(part), kept);
        }
    }
}
