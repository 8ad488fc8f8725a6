//! Fields that the map relies on and nobody writes.

use super::{Grants, Issue, Issues, Lint, Section, Spot};
use crate::domain::map::authority::scratch;
use crate::domain::map::model::{FieldKind, Model};
use crate::domain::map::whiles::While;
use crate::domain::path::{Meeting, Pattern, covers, overlap};

pub(super) fn check(model: &Model, grants: &mut Grants, issues: &mut Issues) {
    let mut check = |pattern: &Pattern, spot: Spot, what: &str| {
        let issue = match is_written(model, grants, pattern) {
            Some(true) => return,
            Some(false) => {
                let message = format!("{what} `{pattern}`, which no agent writes");
                Issue::new(Lint::UnownedField, spot, message)
            }
            None => {
                let message = format!("not decided here: whether any agent writes `{pattern}`");
                Issue::new(Lint::LeftOpen, spot, message)
            }
        };
        issues.push(issue);
    };
    for (at, rule) in model.fields.iter().enumerate() {
        if rule.kind != FieldKind::Constant {
            check(&rule.path, Spot::entry(Section::Field, at).key("path"), "a kind is declared for");
        }
    }
    for (at, contradiction) in model.contradictions.iter().enumerate() {
        for (item, clause) in contradiction.all.iter().enumerate() {
            let spot = Spot::entry(Section::Contradiction, at).key("all").item(item);
            check(&clause.template.to_pattern(), spot, "the clause is about");
        }
    }
    for (at, basis) in model.bases.iter().enumerate() {
        for (item, need) in basis.needs.iter().enumerate() {
            let spot = Spot::entry(Section::Basis, at).key("needs").item(item);
            check(&need.to_pattern(), spot, "what goes out is based on");
        }
    }
    for (at, defer) in model.defers.iter().enumerate() {
        let clauses = defer.while_.as_ref().map_or(&[][..], While::clauses);
        for (item, condition) in clauses.iter().enumerate() {
            let spot = Spot::entry(Section::Defer, at).key("while");
            let spot = if clauses.len() > 1 { spot.item(item) } else { spot };
            check(&condition.template.to_pattern(), spot, "the condition is about");
        }
    }
}

/// By an agent, in part at least; by people, where it is constant; by everybody, in scratch. None where that was not decided.
fn is_written(model: &Model, grants: &mut Grants, pattern: &Pattern) -> Option<bool> {
    let mut near = Vec::new();
    grants.index.near(pattern, &mut |grant| near.push(grant));
    let mut open = false;
    for grant in near {
        match grants.reach(model, grant, pattern) {
            Meeting::At(_) => return Some(true),
            Meeting::Undecided => open = true,
            Meeting::Apart => {}
        }
    }
    let constant = model.fields.iter().filter(|rule| rule.kind == FieldKind::Constant);
    for rule in constant {
        match overlap(&rule.path, &[], pattern, &[]) {
            Meeting::At(_) => return Some(true),
            Meeting::Undecided => open = true,
            Meeting::Apart => {}
        }
    }
    if covers(&[scratch()], &[], pattern, &[]) { Some(true) } else { (!open).then_some(false) }
}
