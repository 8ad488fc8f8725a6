//! Whose the target of a side effect is: an output of the agent's, or a path in its zone.

use super::{output, zone};
use crate::domain::ids::AgentId;
use crate::domain::map::Map;
use crate::domain::path::FieldPath;

pub use super::zone::Whose;

/// Whose the target is. Who publishes there comes before who owns the path.
pub fn whose<'a>(map: &'a Map, agent: &AgentId, target: &str) -> Whose<'a> {
    let publisher = output::whose(map, agent, target);
    if publisher == Whose::Own {
        return Whose::Own;
    }
    let path = target.parse::<FieldPath>().ok();
    match (path.map(|path| zone::whose(map, agent, &path.entity, &path.field)), publisher) {
        (Some(Whose::Own), _) => Whose::Own,
        (_, Whose::Of(_)) | (None, _) => publisher,
        (Some(owner), _) => owner,
    }
}
