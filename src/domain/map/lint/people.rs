//! Who answers: for the map, for each queue, in which order. Missing owners are found while the file is read, since a
//! model has none missing.

use std::collections::{HashMap, HashSet};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::ids::QueueName;
use crate::domain::map::model::{Agent, Model};

/// From this many agents on a map has a governance owner.
pub(crate) const GOVERNED_FROM: usize = 4;

pub(super) fn check(model: &Model, issues: &mut Issues) {
    if model.agents.len() >= GOVERNED_FROM && model.governance_owner.is_none() {
        let message = format!("the map has {} agents and nobody is accountable for it", model.agents.len());
        let spot = Spot::entry(Section::Agent, GOVERNED_FROM - 1).key("id");
        issues.push(Issue::new(Lint::NoGovernanceOwner, spot, message));
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
    }
}

fn idle(model: &Model, issues: &mut Issues) {
    let routed: HashSet<_> =
        model.routes.iter().flat_map(|route| std::iter::once(&route.agent).chain(&route.then)).collect();
    for (at, agent) in model.agents.iter().enumerate() {
        let owns = !agent.writes.is_empty() || !agent.triggers.is_empty() || !agent.outputs.is_empty();
        if !owns && !routed.contains(&agent.id) {
            let message = format!("`{}` owns nothing and routes nothing", agent.id);
            issues.push(Issue::new(Lint::IdleAgent, Spot::entry(Section::Agent, at).key("id"), message));
        }
    }
}
