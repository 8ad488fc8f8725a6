//! Who publishes where: one agent on each output, or several in a named sequence.

use std::collections::HashMap;

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::ids::AgentId;
use crate::domain::map::model::{Model, Output};

/// A publisher of an output, and where its entry says so.
type Publisher<'a> = (&'a AgentId, Spot);

pub(super) fn check(model: &Model, issues: &mut Issues) {
    let publishers = publishers(model);
    let mut ruled: HashMap<&str, (usize, &Output)> = HashMap::new();
    for (at, output) in model.outputs.iter().enumerate() {
        ruled.entry(&output.name).or_insert((at, output));
    }
    let mut names: Vec<&str> = publishers.keys().copied().chain(ruled.keys().copied()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let here = publishers.get(name).map(Vec::as_slice).unwrap_or_default();
        match ruled.get(name) {
            Some((at, output)) if !output.order.is_empty() => sequence(*at, output, here, issues),
            Some(_) | None => alone(name, here, issues),
        }
    }
}

fn publishers(model: &Model) -> HashMap<&str, Vec<Publisher<'_>>> {
    let mut publishers: HashMap<&str, Vec<Publisher<'_>>> = HashMap::new();
    for (at, agent) in model.agents.iter().enumerate() {
        for (item, output) in agent.outputs.iter().enumerate() {
            let here = publishers.entry(output).or_default();
            if here.iter().all(|(other, _)| **other != agent.id) {
                here.push((&agent.id, Spot::entry(Section::Agent, at).key("outputs").item(item)));
            }
        }
    }
    publishers
}

/// Without an order there is exactly one.
fn alone(name: &str, here: &[Publisher<'_>], issues: &mut Issues) {
    let Some(((first, place), others)) = here.split_first() else { return };
    for (other, spot) in others {
        let message = format!("`{other}` publishes on `{name}`, and so does `{first}`");
        let mut issue = Issue::new(Lint::TwoPublishers, *spot, message);
        issue.also.push((*place, format!("`{first}` publishes here")));
        issues.push(issue);
    }
}

/// The order names everybody who publishes there, and nobody else.
fn sequence(at: usize, output: &Output, here: &[Publisher<'_>], issues: &mut Issues) {
    let spot = Spot::entry(Section::Output, at).key("order");
    let name = &output.name;
    for (item, agent) in output.order.iter().enumerate() {
        if here.iter().all(|(publisher, _)| *publisher != agent) {
            let message = format!("`{agent}` has a turn on `{name}` and does not publish there");
            let mut issue = Issue::new(Lint::TwoPublishers, spot.item(item), message);
            issue.mend =
                Some(format!("add `{name}` to the `outputs` of `{agent}`, or take it out of `order`"));
            issues.push(issue);
        }
    }
    for (publisher, place) in here.iter().filter(|(publisher, _)| !output.order.contains(publisher)) {
        let message = format!("`{publisher}` publishes on `{name}` and never has a turn there");
        let mut issue = Issue::new(Lint::TwoPublishers, *place, message);
        issue.mend =
            Some(format!("add `{publisher}` to the `order` of `{name}`, or take the output from it"));
        issue.also.push((spot, "the order is here".to_owned()));
        issues.push(issue);
    }
}
