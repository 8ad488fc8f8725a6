//! Who may write and publish what, read from the map's text and matched here anew: no code is shared with the rules.

use std::collections::{BTreeMap, BTreeSet};

use super::step::{ENTITIES, FIELDS};
use deeds::domain::map::Model;

/// A grant, and what is taken out of it alone.
type Held = (String, Vec<String>);

/// The grants of a map.
#[derive(Debug, Default, Clone)]
pub(crate) struct Zones {
    /// The grants, and what is taken out of all.
    writes: BTreeMap<String, (Vec<Held>, Vec<String>)>,
    outputs: BTreeMap<String, BTreeSet<String>>,
}

impl Zones {
    pub(crate) fn of(model: &Model) -> Self {
        let mut zones = Self::default();
        for agent in &model.agents {
            let texts = |patterns: &[deeds::domain::path::Pattern]| {
                patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect::<Vec<_>>()
            };
            let id = agent.id.as_str().to_owned();
            let grants = agent.writes.iter().map(|grant| {
                let own = agent.except_of.get(grant).map(|own| texts(own)).unwrap_or_default();
                (grant.as_str().to_owned(), own)
            });
            zones.writes.insert(id.clone(), (grants.collect(), texts(&agent.except)));
            zones.outputs.insert(id, agent.outputs.iter().cloned().collect());
        }
        zones
    }

    /// Whether the agent may write the field; its own scratch space in any case.
    pub(crate) fn writes(&self, agent: &str, entity: &str, field: &str) -> bool {
        if let Some(rest) = entity.strip_prefix("scratch/") {
            return rest.split('/').next() == Some(agent);
        }
        let covers = |pattern: &String| covers(pattern, entity, field);
        self.writes.get(agent).is_some_and(|(grants, except)| {
            let given = grants.iter().any(|(grant, own)| covers(grant) && !own.iter().any(covers));
            given && !except.iter().any(covers)
        })
    }

    /// Whether the agent may write each path of these that the pattern covers; true of nobody where it covers none.
    pub(crate) fn owns_sample(&self, agent: &str, pattern: &str) -> bool {
        let mut all = samples().filter(|(entity, field)| covers(pattern, entity, field)).peekable();
        all.peek().is_some() && all.all(|(entity, field)| self.writes(agent, entity, field))
    }

    /// Whether the agent may write one of these paths that the pattern covers.
    pub(crate) fn owns_some(&self, agent: &str, pattern: &str) -> bool {
        samples().any(|(entity, field)| covers(pattern, entity, field) && self.writes(agent, entity, field))
    }

    /// Whether the agent may publish there.
    pub(crate) fn publishes(&self, agent: &str, output: &str) -> bool {
        self.outputs.get(agent).is_some_and(|outputs| outputs.contains(output))
    }
}

/// Paths of every part of the map.
fn samples() -> impl Iterator<Item = (&'static str, &'static str)> {
    ENTITIES.into_iter().flat_map(|entity| FIELDS.into_iter().map(move |field| (entity, field)))
}

/// `crm/contact/*#email` against an entity and a field. Without `#` it covers every field; with nothing after it, or
/// with `*`, only the whole-entity field, or only the others.
pub(crate) fn covers(pattern: &str, entity: &str, field: &str) -> bool {
    let (path, name) = pattern.split_once('#').map_or((pattern, None), |(path, name)| (path, Some(name)));
    let pattern: Vec<&str> = path.split('/').collect();
    let segments: Vec<&str> = entity.split('/').collect();
    let field_fits = name.is_none_or(|name| name.is_empty() == field.is_empty() && glob(name, field));
    field_fits && segments_fit(&pattern, &segments)
}

fn segments_fit(pattern: &[&str], segments: &[&str]) -> bool {
    match (pattern.split_first(), segments.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=segments.len()).any(|skip| segments_fit(rest, &segments[skip..])),
        (Some((first, rest)), Some((segment, others))) => glob(first, segment) && segments_fit(rest, others),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && glob(tail, &rest[at..]))
        }),
    }
}
