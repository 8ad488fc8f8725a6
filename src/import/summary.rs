//! What a history has in it: counted while it is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::command::Import;
use crate::domain::ids::AgentId;
use crate::domain::path::{EntityPath, FieldName};

/// Counts over imported lines.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    lines: u64,
    agents: BTreeSet<AgentId>,
    entities: BTreeMap<EntityPath, BTreeSet<AgentId>>,
    fields: BTreeMap<(EntityPath, FieldName), (BTreeSet<AgentId>, u64)>,
}

/// A field that several agents wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contested {
    pub entity: EntityPath,
    pub field: FieldName,
    /// How many wrote it.
    pub writers: u64,
    /// How often it was written.
    pub writes: u64,
}

impl Summary {
    /// Counts a line.
    pub fn add(&mut self, line: &Import) {
        self.lines += 1;
        self.agents.insert(line.actor.clone());
        self.entities.entry(line.entity.clone()).or_default().insert(line.actor.clone());
        for field in line.changes.keys() {
            let (by, times) = self.fields.entry((line.entity.clone(), field.clone())).or_default();
            by.insert(line.actor.clone());
            *times += 1;
        }
    }

    /// How many lines.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// How many agents did something.
    pub fn agents(&self) -> u64 {
        self.agents.len() as u64
    }

    /// How many entities were touched.
    pub fn entities(&self) -> u64 {
        self.entities.len() as u64
    }

    /// How many entities more than one agent touched.
    pub fn multi_writer_entities(&self) -> u64 {
        self.entities.values().filter(|writers| writers.len() > 1).count() as u64
    }

    /// The fields that more than one agent wrote, most writes first.
    pub fn contested(&self, limit: usize) -> Vec<Contested> {
        let several = self.fields.iter().filter(|(_, (by, _))| by.len() > 1);
        let mut contested: Vec<_> = several
            .map(|((entity, field), (by, times))| Contested {
                entity: entity.clone(),
                field: field.clone(),
                writers: by.len() as u64,
                writes: *times,
            })
            .collect();
        contested.sort_by_key(|one| std::cmp::Reverse((one.writes, one.writers)));
        contested.truncate(limit);
        contested
    }
}
