//! Whose zone a field, or an event, that nobody owns is nearest to: the suggestion that an inbox item makes.

use super::edit::{self, Grant, check_write};
use super::model::{Agent, Model};
use crate::domain::ids::{AgentId, PersonId};
use crate::domain::path::{EntityPath, FieldPath, Pattern};

/// Suggests who should own `path`, seen from the agent that asked for it: the agent, what its zone would grow by (which
/// `edit::grant` does not refuse), and why, as a clause. `None` where nobody can be granted it, as somebody owns it.
///
/// First the asking agent, where it writes other fields of the record; then whoever does; then the asking agent with
/// just this entity.
pub fn nearest_zone(model: &Model, agent: &AgentId, path: &FieldPath) -> Option<(AgentId, Pattern, String)> {
    if model.agents.iter().any(|entry| entry.has(path)) {
        return None;
    }
    let asking = model.agent(agent).map(|entry| (entry, grant_beside(entry, path)));
    let beside = asking
        .into_iter()
        .chain(
            model
                .agents
                .iter()
                .filter(|other| other.id != *agent)
                .map(|other| (other, grant_beside(other, path))),
        )
        .filter_map(|(entry, grant)| Some((entry, grant?)));
    for (entry, grant) in beside {
        if let Some(pattern) =
            widest(model, entry, path, [grant.with_field(&path.field), Pattern::exact(path)])
        {
            let whose = if entry.id == *agent { "" } else { ", on the same record" };
            return Some((entry.id.clone(), pattern, format!("{} writes {grant} already{whose}", entry.id)));
        }
    }
    let stranger;
    let entry = if let Some(entry) = model.agent(agent) {
        entry
    } else {
        stranger = Agent::new(agent.clone(), any_person(model)?);
        &stranger
    };
    let pattern = widest(model, entry, path, [Pattern::entity(&path.entity), Pattern::exact(path)])?;
    Some((agent.clone(), pattern, format!("no zone is near; {agent} asked for it")))
}

/// Suggests who should own the event, and why, as a clause: who listens to its nearest relatives (`email.received` and
/// `email.bounced` are), else who routes of it lead to, else who writes its subject, else who raised it. `edit::grant`
/// does not refuse it.
pub fn nearest_listener(
    model: &Model,
    event: &str,
    subject: Option<&EntityPath>,
    raiser: Option<&AgentId>,
) -> Option<(AgentId, String)> {
    let person = any_person(model)?;
    let grant = Grant::Trigger(event.to_owned());
    let may = |agent: &AgentId| edit::grant(model, agent, &grant, &person).is_ok();
    let related = model.agents.iter().flat_map(|agent| {
        agent.triggers.iter().map(move |trigger| (kinship(trigger, event), agent, trigger))
    });
    let related = related.filter(|(shared, ..)| *shared > 0).rev().max_by_key(|(shared, ..)| *shared);
    let related =
        related.map(|(_, agent, trigger)| (&agent.id, format!("{} listens to {trigger}", agent.id)));
    let route = model.routes.iter().find(|route| route.event == event);
    let routed = route.map(|route| (&route.agent, format!("a route leads some of these to {}", route.agent)));
    let writes = |agent: &&Agent| {
        subject.is_some_and(|subject| agent.writes.iter().any(|grant| grant.matches_entity(subject)))
    };
    let writer = model.agents.iter().find(writes);
    let writer = writer.map(|agent| (&agent.id, format!("{} writes the record that it is about", agent.id)));
    let asked = raiser.map(|raiser| (raiser, format!("no zone is near; {raiser} raised it")));
    let mut near = related.into_iter().chain(routed).chain(writer).chain(asked);
    near.find(|(agent, _)| may(agent)).map(|(agent, why)| (agent.clone(), why))
}

/// How many parts of their names, apart by dots, two events have in common from the left.
fn kinship(a: &str, b: &str) -> usize {
    a.split('.').zip(b.split('.')).take_while(|(a, b)| a == b).count()
}

/// The agent's most particular grant on other fields of the same record.
fn grant_beside<'a>(agent: &'a Agent, path: &FieldPath) -> Option<&'a Pattern> {
    let on_record = agent.writes.iter().filter(|grant| grant.matches_entity(&path.entity));
    on_record.max_by_key(|grant| grant.entity_text().bytes().filter(|byte| *byte != b'*').count())
}

/// The first of the patterns that the agent may be granted, if it would have the path then.
fn widest(model: &Model, agent: &Agent, path: &FieldPath, patterns: [Pattern; 2]) -> Option<Pattern> {
    if agent.except.iter().chain(&agent.hidden).any(|kept_out| kept_out.matches_path(path)) {
        return None;
    }
    patterns.into_iter().find(|pattern| check_write(model, agent, pattern).is_ok())
}

/// Somebody to stand in as owner while a grant is only tried.
fn any_person(model: &Model) -> Option<PersonId> {
    let queues = model.queues.iter().map(|queue| &queue.owner);
    model
        .governance_owner
        .iter()
        .chain(queues)
        .chain(model.agents.iter().map(|agent| &agent.owner))
        .next()
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_follow_the_neighbours() {
        let text = r#"
            workspace = "w"
            [[agent]]
            id = "intake"
            owner = "dana"
            writes = ["crm/**#source", "crm/contact/*#name", "crm/contact/vip#phone"]
            [[agent]]
            id = "support"
            owner = "sam"
            writes = ["support/ticket/*#status", "crm/contact/vip#score", "desk/*"]
            except = ["desk/*#locked"]
            [[queue]]
            name = "ops"
            owner = "dana"
        "#;
        let model: Model = toml::from_str(text).unwrap();
        let cases = [
            ("intake", "crm/contact/acme#email", Some(("intake", "crm/contact/*#email"))),
            ("support", "crm/contact/acme#email", Some(("intake", "crm/contact/*#email"))),
            ("intake", "crm/contact/acme#score", Some(("intake", "crm/contact/acme#score"))),
            ("support", "support/ticket/7#owner", Some(("support", "support/ticket/*#owner"))),
            ("stranger", "support/ticket/7#owner", Some(("support", "support/ticket/*#owner"))),
            ("stranger", "files/report.md", Some(("stranger", "files/report.md"))),
            ("support", "files/report.md", Some(("support", "files/report.md"))),
            ("intake", "support/ticket/7", Some(("support", "support/ticket/*#"))),
            ("support", "desk/1#locked", None),
            ("intake", "support/ticket/7#status", None),
            ("intake", "scratch/intake/x", None),
        ];
        for (agent, path, expected) in cases {
            let found = nearest_zone(&model, &agent.parse().unwrap(), &path.parse().unwrap());
            let shown = found.as_ref().map(|found| (found.0.as_str(), found.1.as_str()));
            assert_eq!(shown, expected, "{agent} on {path}");
        }
    }
}
