//! The nearest zone: whose scope would most naturally grow to take in a field that nobody owns.

use super::Model;
use crate::domain::{
    ids::AgentId,
    path::{FieldPath, Pattern},
};

/// The agent to suggest, the pattern to grant, and why in words.
pub fn nearest_zone(model: &Model, raiser: &AgentId, path: &FieldPath) -> Option<(AgentId, Pattern, String)> {
    let sibling = |pattern: &&Pattern| pattern.matches_entity(&path.entity);
    let mine = model.agent(raiser).and_then(|agent| agent.writes.iter().find(sibling));
    if let Some(pattern) = mine {
        let grant = pattern.with_field(&path.field);
        return Some((raiser.clone(), grant, format!("{raiser} writes {pattern} already")));
    }
    for agent in &model.agents {
        if let Some(pattern) = agent.writes.iter().find(sibling) {
            let grant = pattern.with_field(&path.field);
            return Some((
                agent.id.clone(),
                grant,
                format!("{} writes {pattern}, on the same record", agent.id),
            ));
        }
    }
    Some((raiser.clone(), Pattern::exact(path), format!("no zone is near; {raiser} asked for it")))
}
