//! Rules about what is true together and who yields to whom.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::ids::AgentId;
use crate::domain::map::condition::{Condition, Op};
use crate::domain::map::model::Model;
use crate::domain::map::whiles::{ID, OF_SUBJECT, SUBJECT, While};
use crate::domain::path::Template;

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
        if let Some(while_) = &defer.while_ {
            subjects(while_, Spot::entry(Section::Defer, at).key("while"), issues);
        }
    }
    circles(model, issues);
}

/// What a `while` has to do with the subject: the clauses with free variables have all of them, and one of them names the
/// subject by its path or value.
fn subjects(while_: &While, spot: Spot, issues: &mut Issues) {
    let clauses = while_.clauses();
    let place = |item| if clauses.len() > 1 { spot.item(item) } else { spot };
    let mut tell = |item: usize, message: String, mend: &str| {
        let mut issue = Issue::new(Lint::UnboundVariable, place(item), message);
        issue.mend = Some(mend.to_owned());
        issues.push(issue);
    };
    let free = while_.free();
    let ties = |clause: &&Condition| clause.binds(ID) || clause.stands_for().is_some();
    let tied = clauses.iter().filter(|clause| clause.free().next().is_some()).any(|clause| ties(&clause));
    for (item, clause) in clauses.iter().enumerate() {
        if let Some(name) = clause.stands_for()
            && (!OF_SUBJECT.contains(&name) || clause.op != Op::Is && !clause.binds(ID))
        {
            tell(item, format!("no value is told to be `{{{name}}}`"), VALUE);
        }
        let mut own = clause.free().peekable();
        let Some(name) = own.peek().copied() else { continue };
        let own: BTreeSet<&str> = own.collect();
        let missing: Vec<String> = free.difference(&own).map(|name| format!("`{{{name}}}`")).collect();
        if !missing.is_empty() {
            let message = format!("this clause does not bind {}, another one does", missing.join(", "));
            tell(item, message, Lint::UnboundVariable.rule().mend);
        } else if !tied {
            tell(item, format!("nothing says what `{{{name}}}` stands for"), TIED);
        } else if clause.binds(SUBJECT) {
            tell(item, format!("`{{{SUBJECT}}}` is no segment of a path with `{{{name}}}`"), VALUE);
        }
    }
}

const TIED: &str =
    "use `{id}`, which is the last segment of the subject, or add a clause that ends in `= '{id}'`";
const VALUE: &str = "compare with a value, or with `= '{id}'` or `= '{subject}'`";

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
        if let Some(to) = defer.to.agent() {
            edges.entry(&defer.agent).or_default().push(to);
        }
    }
    let mut told: HashSet<BTreeSet<&AgentId>> = HashSet::new();
    for (at, defer) in model.defers.iter().enumerate() {
        let Some(to) = defer.to.agent() else { continue };
        let Some(way) = way_back(&edges, to, &defer.agent) else { continue };
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
