//! Who has no access to a resource: neither writes nor reads any of it.

use super::model::{Agent, Model};
use crate::domain::ids::AgentId;
use crate::domain::path::{Pattern, covers, overlap};

/// The agents from which all of it is kept, in the order of the map.
pub fn without_access<'a>(model: &'a Model, resource: &Pattern) -> Vec<&'a AgentId> {
    model.agents.iter().filter(|agent| is_kept_from(agent, resource)).map(|agent| &agent.id).collect()
}

/// What agents write, each resource once and by name, with those that have no access to it; of what everybody sees nothing.
pub fn closed_resources(model: &Model) -> Vec<(&Pattern, Vec<&AgentId>)> {
    let mut all: Vec<&Pattern> = model.agents.iter().flat_map(|agent| &agent.writes).collect();
    all.sort_unstable_by_key(|pattern| pattern.as_str());
    all.dedup_by_key(|pattern| pattern.as_str().to_owned());
    let closed = all.into_iter().map(|resource| (resource, without_access(model, resource)));
    closed.filter(|(_, agents)| !agents.is_empty()).collect()
}

fn is_kept_from(agent: &Agent, resource: &Pattern) -> bool {
    if agent.hidden.is_empty() && agent.reads.iter().any(Pattern::is_everything) {
        return false;
    }
    let hidden = !agent.hidden.is_empty() && covers(&agent.hidden, &[], resource, &[]);
    hidden || !agent.reads.iter().any(|read| overlap(read, &agent.hidden, resource, &[]).may_be())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_seen_is_access() {
        let text = "workspace = \"w\"\n[[agent]]\nid = \"a\"\nowner = \"dana\"\nwrites = [\"hr/*\", \"crm/*#x\"]\n\
             [[agent]]\nid = \"b\"\nowner = \"dana\"\nhidden = [\"hr/**\"]\nwrites = [\"crm/*#y\"]\n\
             [[agent]]\nid = \"c\"\nowner = \"dana\"\nreads = [\"hr/*#name\"]\n";
        let model = crate::domain::map::parse(text).model.unwrap();
        let of = |resource: &str| -> Vec<String> {
            let found = without_access(&model, &resource.parse().unwrap());
            found.into_iter().map(ToString::to_string).collect()
        };
        assert_eq!(of("hr/*"), ["b"]);
        assert_eq!(of("hr/*#pay"), ["b", "c"]);
        assert_eq!(of("crm/7#x"), ["c"]);
        let closed = closed_resources(&model);
        let closed: Vec<&str> = closed.iter().map(|(resource, _)| resource.as_str()).collect();
        assert_eq!(closed, ["crm/*#x", "crm/*#y", "hr/*"]);
    }
}
