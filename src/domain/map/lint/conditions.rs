//! Rules about what is true together and who yields to whom.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::ids::AgentId;
use crate::domain::map::model::Model;
use crate::domain::path::Template;

/// What the `while` of a defer rule may speak about: the subject's last segment, and its whole name.
pub(crate) const DEFER_VARIABLES: [&str; 2] = ["id", "subject"];

pub(super) fn check(model: &Model, issues: &mut Issues) {
    for (at, contradiction) in model.contradictions.iter().enumerate() {
        let all = contradiction.all.iter().map(|clause| &clause.template).enumerate();
        clauses(all, Spot::entry(Section::Contradiction, at).key("all"), issues);
    }
    for (at, basis) in model.bases.iter().enumerate() {
        // A field that no variable leads to is needed whatever the subject is.
        let all = basis.needs.iter().enumerate().filter(|(_, need)| need.variables().next().is_some());
        clauses(all, Spot::entry(Section::Basis, at).key("needs"), issues);
    }
    for (at, defer) in model.defers.iter().enumerate() {
        let Some(condition) = &defer.while_ else { continue };
        for name in variables(&condition.template) {
            if !DEFER_VARIABLES.contains(&name) {
                let spot = Spot::entry(Section::Defer, at).key("while");
                let mut issue = Issue::new(
                    Lint::UnboundVariable,
                    spot,
                    format!("nothing says what `{{{name}}}` stands for"),
                );
                issue.mend = Some("use `{id}`, which is the last segment of the subject".to_owned());
                issues.push(issue);
            }
        }
    }
    circles(model, issues);
}

fn variables(template: &Template) -> BTreeSet<&str> {
    template.variables().collect()
}

/// Each of these, which stand there in the file, binds the variables that any of them does.
fn clauses<'a>(all: impl Iterator<Item = (usize, &'a Template)> + Clone, spot: Spot, issues: &mut Issues) {
    let bound: BTreeSet<&str> = all.clone().flat_map(|(_, clause)| variables(clause)).collect();
    for (item, clause) in all {
        let own = variables(clause);
        let missing: Vec<String> = bound.difference(&own).map(|name| format!("`{{{name}}}`")).collect();
        if !missing.is_empty() {
            let message = format!("this clause does not bind {}, another one does", missing.join(", "));
            issues.push(Issue::new(Lint::UnboundVariable, spot.item(item), message));
        }
    }
}

/// Each circle once, shown from the rule that comes first in the file.
fn circles(model: &Model, issues: &mut Issues) {
    let mut edges: HashMap<&AgentId, Vec<&AgentId>> = HashMap::new();
    for defer in &model.defers {
        edges.entry(&defer.agent).or_default().push(&defer.to);
    }
    let mut told: HashSet<BTreeSet<&AgentId>> = HashSet::new();
    for (at, defer) in model.defers.iter().enumerate() {
        let Some(way) = way_back(&edges, &defer.to, &defer.agent) else { continue };
        if !told.insert(way.iter().copied().collect()) {
            continue;
        }
        let mut shown: Vec<&str> = vec![defer.agent.as_str()];
        shown.extend(way.iter().map(|agent| agent.as_str()));
        let message = format!("nobody goes first: {}", shown.join(" → "));
        issues.push(Issue::new(Lint::CircularDefer, Spot::entry(Section::Defer, at).key("to"), message));
    }
}

/// The shortest way from one agent to another along the rules, both ends included.
fn way_back<'a>(
    edges: &HashMap<&'a AgentId, Vec<&'a AgentId>>,
    from: &'a AgentId,
    to: &'a AgentId,
) -> Option<Vec<&'a AgentId>> {
    let mut came: HashMap<&AgentId, Option<&'a AgentId>> = HashMap::from([(from, None)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        if at == to {
            let mut way = vec![at];
            let mut step = came.get(at).copied().flatten();
            while let Some(before) = step {
                way.push(before);
                step = came.get(before).copied().flatten();
            }
            way.reverse();
            return Some(way);
        }
        for next in edges.get(at).into_iter().flatten() {
            if !came.contains_key(next) {
                came.insert(next, Some(at));
                waiting.push_back(next);
            }
        }
    }
    None
}
