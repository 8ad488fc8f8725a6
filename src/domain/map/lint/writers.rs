//! Two agents on one field, two agents on one record.

use std::collections::{HashMap, HashSet};

use super::{Grants, Issue, Issues, Lint, Section, Spot};
use crate::domain::map::model::{Agent, Model};
use crate::domain::map::overlaps::{Grant, GrantIndex, shared_fields};
use crate::domain::path::{Exceptions, FieldPath, Meeting, Pattern, meet};

pub(super) fn check(model: &Model, grants: &mut Grants, issues: &mut Issues) {
    let shared = shared_fields(model).iter().collect();
    let mut clashing = HashSet::new();
    two_writers(model, grants, &shared, &mut clashing, issues);
    adjacent_writers(model, grants, &shared, &clashing, issues);
}

fn spot(grant: Grant) -> Spot {
    Spot::entry(Section::Agent, grant.agent).key("writes").item(grant.item)
}

fn two_writers(
    model: &Model,
    grants: &mut Grants,
    shared: &Exceptions,
    clashing: &mut HashSet<(usize, usize)>,
    issues: &mut Issues,
) {
    for (at, agent) in model.agents.iter().enumerate() {
        for (item, pattern) in agent.writes.iter().enumerate() {
            let later = Grant { agent: at, item };
            let mut earlier: Vec<Grant> = Vec::new();
            let looked = grants.index.near(pattern, &mut |near| {
                if near.agent < at {
                    earlier.push(near);
                }
            });
            grants.work.spend(looked);
            earlier.sort_unstable();
            earlier.dedup();
            for grant in earlier {
                if issues.is_full(Lint::TwoWriters) || issues.is_full(Lint::NotDecided) {
                    return;
                }
                let Some((other, other_pattern)) = grant.find(model) else { continue };
                let (later, earlier) = ((later, pattern), (grant, other_pattern));
                let issue = match both(grants, later, earlier, shared) {
                    Meeting::Apart => continue,
                    Meeting::At(example) => clash((later.0, agent), (grant, other, other_pattern), &example),
                    Meeting::Undecided => undecided((later.0, agent), (grant, other, other_pattern)),
                };
                clashing.insert((grant.agent, at));
                issues.push(issue);
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

fn undecided(later: (Grant, &Agent), earlier: (Grant, &Agent, &Pattern)) -> Issue {
    let (later, agent) = later;
    let (earlier, other, other_pattern) = earlier;
    let message =
        format!("not decided here: whether `{}` and `{}` may both write one field", other.id, agent.id);
    let mut issue = Issue::new(Lint::NotDecided, spot(later), message);
    issue.also.push((spot(earlier), format!("`{}` writes `{other_pattern}`", other.id)));
    issue
}

/// A path of both patterns that neither grant's exceptions take out, and that not several may write.
fn both(
    grants: &mut Grants,
    (a, a_pattern): (Grant, &Pattern),
    (b, b_pattern): (Grant, &Pattern),
    shared: &Exceptions,
) -> Meeting {
    let mut less = grants.taken.of_grant(a);
    less.extend(grants.taken.of_grant(b));
    less.push(shared);
    meet(a_pattern, b_pattern, &less, &mut grants.work)
}

/// One warning for each two agents that write the same record, not the same field.
fn adjacent_writers(
    model: &Model,
    grants: &mut Grants,
    shared: &Exceptions,
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
        let looked = index.near(record, &mut |other| {
            if other.agent != grant.agent && !told.contains(&(other.agent, grant.agent)) {
                near.push(other);
            }
        });
        grants.work.spend(looked);
        near.sort_unstable();
        near.dedup();
        for other in near {
            if issues.is_full(Lint::AdjacentWriters) || issues.is_full(Lint::LeftOpen) {
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
            let mut issue = match both(grants, (*grant, record), (other, other_record), shared) {
                Meeting::Apart => continue,
                Meeting::At(example) => adjacent(agent, owner, *grant, &example),
                Meeting::Undecided => {
                    let message = format!(
                        "not decided here: whether `{}` and `{}` write fields of one record",
                        owner.id, agent.id
                    );
                    Issue::new(Lint::LeftOpen, spot(*grant), message)
                }
            };
            told.insert((other.agent, grant.agent));
            issue.also.push((spot(other), format!("`{}` writes here", owner.id)));
            issues.push(issue);
        }
        index.insert(record, *grant);
        by_grant.insert(*grant, record);
    }
}

fn adjacent(agent: &Agent, owner: &Agent, grant: Grant, example: &FieldPath) -> Issue {
    let entity = &example.entity;
    let message = format!("`{}` and `{}` write different fields of `{entity}`", owner.id, agent.id);
    let mut issue = Issue::new(Lint::AdjacentWriters, spot(grant), message);
    issue.example = Some(entity.to_string());
    issue
}
