//! Who answers: for the map, for each queue, in which order. Missing owners are found while the file is read, since a
//! model has none missing.

use std::collections::{HashMap, HashSet};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::ids::{PersonId, QueueName};
use crate::domain::map::model::{Agent, FieldKind, Model, Queue};

/// From this many agents on a map has a governance owner.
pub(crate) const GOVERNED_FROM: usize = 2;

pub(super) fn check(model: &Model, issues: &mut Issues) {
    if model.agents.len() >= GOVERNED_FROM && model.governance_owner.is_none() {
        let message = format!("the map has {} agents and nobody is accountable for it", model.agents.len());
        let spot = Spot::entry(Section::Agent, GOVERNED_FROM - 1).key("id");
        issues.push(Issue::new(Lint::NoGovernanceOwner, spot, message));
    }
    let of_map = model.governance_owner.as_ref();
    if let Some(owner) =
        of_map.filter(|owner| model.agents.iter().any(|agent| agent.id.as_str() == owner.as_str()))
    {
        let message = format!("`{owner}` is accountable for the map and is an agent");
        let spot = Spot::entry(Section::Root, 0).key("governance_owner");
        issues.push(Issue::new(Lint::AgentAsReviewer, spot, message));
    }
    if model.queues.is_empty() {
        let mut issue = Issue::new(
            Lint::NoNamedReviewer,
            Spot::entry(Section::Root, 0),
            "the map has no queue: nobody answers",
        );
        issue.mend = Some("add a [[queue]] with a `name`, an `owner` and a `review`".to_owned());
        issues.push(issue);
    }
    queues(model, issues);
    idle(model, issues);
}

fn queues(model: &Model, issues: &mut Issues) {
    let mut escalating: HashMap<&QueueName, Vec<&Agent>> = HashMap::new();
    for agent in &model.agents {
        let queue = agent.escalates_to.as_ref().or_else(|| model.queues.first().map(|queue| &queue.name));
        if let Some(queue) = queue {
            escalating.entry(queue).or_default().push(agent);
        }
    }
    for (at, queue) in model.queues.iter().enumerate() {
        let spot = Spot::entry(Section::Queue, at);
        if queue.review.is_none() {
            let message = format!("nobody goes through the queue `{}` on a schedule", queue.name);
            issues.push(Issue::new(Lint::NoSchedule, spot.key("name"), message));
        }
        let agents = escalating.get(&queue.name).map_or(&[][..], Vec::as_slice);
        if let [first, second, ..] = agents
            && queue.priority.is_empty()
        {
            let message = format!(
                "{} agents escalate to `{}` (`{}`, `{}`{}) and no priority is given",
                agents.len(),
                queue.name,
                first.id,
                second.id,
                if agents.len() > 2 { ", …" } else { "" }
            );
            issues.push(Issue::new(Lint::SharedQueueWithoutPriority, spot.key("name"), message));
        }
        left_out(queue, agents, spot, issues);
        let names = model.agents.iter().map(|agent| agent.id.as_str());
        agent_as_reviewer(queue, &names.collect(), spot, issues);
    }
    without_priority(model, issues);
}

/// Every agent whose items come there is in the queue's order, where it has one.
fn left_out(queue: &Queue, agents: &[&Agent], spot: Spot, issues: &mut Issues) {
    let missing = |agent: &&&Agent| !queue.priority.is_empty() && !queue.priority.contains(&agent.id);
    let missing: Vec<&str> = agents.iter().filter(missing).map(|agent| agent.id.as_str()).collect();
    if let [first, rest @ ..] = missing.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let message = format!("`{first}`{more} escalates to `{}` and is not in its priority", queue.name);
        issues.push(Issue::new(Lint::PriorityLeavesOut, spot.key("priority"), message));
    }
}

/// Those who answer are people.
fn agent_as_reviewer(queue: &Queue, agents: &HashSet<&str>, spot: Spot, issues: &mut Issues) {
    if agents.contains(queue.owner.as_str()) {
        let message = format!("`{}` answers for `{}` and is an agent", queue.owner, queue.name);
        issues.push(Issue::new(Lint::AgentAsReviewer, spot.key("owner"), message));
    }
    for (item, deputy) in queue.deputies.iter().enumerate() {
        if agents.contains(deputy.as_str()) {
            let message = format!("`{deputy}` is a deputy in `{}` and is an agent", queue.name);
            issues.push(Issue::new(Lint::AgentAsReviewer, spot.key("deputies").item(item), message));
        }
    }
}

/// Whoever answers for several queues says which of them comes first.
fn without_priority(model: &Model, issues: &mut Issues) {
    let mut owned: HashMap<&PersonId, Vec<usize>> = HashMap::new();
    for (at, queue) in model.queues.iter().enumerate() {
        owned.entry(&queue.owner).or_default().push(at);
    }
    for (at, queue) in model.queues.iter().enumerate() {
        let Some([first, .., last]) = owned.get(&queue.owner).map(Vec::as_slice) else { continue };
        let order = model.person(&queue.owner).map_or(&[][..], |person| &person.priority);
        let spot = Spot::entry(Section::Queue, at).key("owner");
        if order.is_empty() && at == *last {
            let others = model.queues.get(*first).map(|queue| queue.name.as_str()).unwrap_or_default();
            let message = format!(
                "{} answers for `{others}` and `{}`, and nothing says which comes first",
                queue.owner, queue.name
            );
            issues.push(Issue::new(Lint::QueuesWithoutPriority, spot, message));
        } else if !order.is_empty() && !order.contains(&queue.name) {
            let message =
                format!("`{}` is not in the priority of {}, who answers for it", queue.name, queue.owner);
            issues.push(Issue::new(Lint::PriorityLeavesOut, spot, message));
        }
    }
}

fn idle(model: &Model, issues: &mut Issues) {
    let routed: HashSet<_> =
        model.routes.iter().flat_map(|route| std::iter::once(&route.agent).chain(&route.then)).collect();
    // Whoever has a turn, goes first or sends on to people has a part in it, too.
    let turns = model.outputs.iter().flat_map(|output| &output.order);
    let ahead = model.defers.iter().filter_map(|defer| defer.to.agent());
    let batons = model.fields.iter().flat_map(|rule| match &rule.kind {
        FieldKind::Sequenced { agents } => agents.as_slice(),
        FieldKind::Owned | FieldKind::Append | FieldKind::Progression { .. } | FieldKind::Constant => &[],
    });
    let routed: HashSet<_> = routed.into_iter().chain(turns).chain(ahead).chain(batons).collect();
    for (at, agent) in model.agents.iter().enumerate() {
        let owns = !agent.writes.is_empty() || !agent.triggers.is_empty() || !agent.outputs.is_empty();
        let sends_on = !agent.escalates_when.is_empty();
        if !owns && !sends_on && !routed.contains(&agent.id) {
            let message = format!("`{}` owns nothing and routes nothing", agent.id);
            issues.push(Issue::new(Lint::IdleAgent, Spot::entry(Section::Agent, at).key("id"), message));
        }
    }
}
