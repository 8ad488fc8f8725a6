//! Two agents on one field, two agents on one record.

use std::collections::{HashMap, HashSet};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::model::{Agent, Model};
use crate::domain::map::overlaps::{Grant, GrantIndex, shared_fields};
use crate::domain::path::{FieldPath, Pattern, overlap};

pub(super) fn check(model: &Model, grants: &GrantIndex, issues: &mut Issues) {
    let shared = shared_fields(model);
    let mut clashing = HashSet::new();
    two_writers(model, grants, &shared, &mut clashing, issues);
    adjacent_writers(model, &shared, &clashing, issues);
}

fn spot(grant: Grant) -> Spot {
    Spot::entry(Section::Agent, grant.agent).key("writes").item(grant.item)
}

fn two_writers(
    model: &Model,
    grants: &GrantIndex,
    shared: &[Pattern],
    clashing: &mut HashSet<(usize, usize)>,
    issues: &mut Issues,
) {
    for (at, agent) in model.agents.iter().enumerate() {
        for (item, pattern) in agent.writes.iter().enumerate() {
            let later = Grant { agent: at, item };
            let mut earlier: Vec<Grant> = Vec::new();
            grants.near(pattern, &mut |near| {
                if near.agent < at {
                    earlier.push(near);
                }
            });
            earlier.sort_unstable();
            earlier.dedup();
            for grant in earlier {
                if issues.is_full(Lint::TwoWriters) {
                    return;
                }
                let Some((other, other_pattern)) = grant.find(model) else { continue };
                if let Some(example) = meet(agent, pattern, other, other_pattern, shared) {
                    clashing.insert((grant.agent, at));
                    issues.push(clash((later, agent), (grant, other, other_pattern), &example));
                }
            }
        }
    }
}

fn clash(later: (Grant, &Agent), earlier: (Grant, &Agent, &Pattern), example: &FieldPath) -> Issue {
    let (later, agent) = later;
    let (earlier, other, other_pattern) = earlier;
    let message = format!("`{}` and `{}` may both write `{example}`", other.id, agent.id);
    let mut issue = Issue::new(Lint::TwoWriters, spot(later), message);
    issue.example = Some(example.to_string());
    issue.also.push((spot(earlier), format!("`{}` writes `{other_pattern}`", other.id)));
    issue
}

fn meet(
    a: &Agent,
    a_pattern: &Pattern,
    b: &Agent,
    b_pattern: &Pattern,
    shared: &[Pattern],
) -> Option<FieldPath> {
    let except: Vec<Pattern> = a.except.iter().chain(shared).cloned().collect();
    overlap(a_pattern, &except, b_pattern, &b.except)
}

/// One warning for each two agents that write the same record, not the same field.
fn adjacent_writers(
    model: &Model,
    shared: &[Pattern],
    clashing: &HashSet<(usize, usize)>,
    issues: &mut Issues,
) {
    let mut records: Vec<(Grant, Pattern)> = Vec::new();
    for (at, agent) in model.agents.iter().enumerate() {
        let mut seen = HashSet::new();
        for (item, pattern) in agent.writes.iter().enumerate() {
            if seen.insert(pattern.entity_text()) {
                records.push((Grant { agent: at, item }, pattern.without_field()));
            }
        }
    }
    let mut index = GrantIndex::default();
    let mut by_grant: HashMap<Grant, &Pattern> = HashMap::new();
    let mut told: HashSet<(usize, usize)> = clashing.clone();
    for (grant, record) in &records {
        let mut near: Vec<Grant> = Vec::new();
        index.near(record, &mut |other| {
            if other.agent != grant.agent && !told.contains(&(other.agent, grant.agent)) {
                near.push(other);
            }
        });
        near.sort_unstable();
        near.dedup();
        for other in near {
            if issues.is_full(Lint::AdjacentWriters) {
                return;
            }
            let (Some(agent), Some(owner)) = (model.agents.get(grant.agent), model.agents.get(other.agent))
            else {
                continue;
            };
            let Some(other_record) = by_grant.get(&other) else { continue };
            if told.contains(&(other.agent, grant.agent)) {
                continue;
            }
            if let Some(example) = meet(agent, record, owner, other_record, shared) {
                told.insert((other.agent, grant.agent));
                let entity = example.entity;
                let message =
                    format!("`{}` and `{}` write different fields of `{entity}`", owner.id, agent.id);
                let mut issue = Issue::new(Lint::AdjacentWriters, spot(*grant), message);
                issue.example = Some(entity.to_string());
                issue.also.push((spot(other), format!("`{}` writes here", owner.id)));
                issues.push(issue);
            }
        }
        index.insert(record, *grant);
        by_grant.insert(*grant, record);
    }
}
