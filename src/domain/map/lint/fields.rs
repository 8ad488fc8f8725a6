//! Fields that the map relies on and nobody writes.

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::authority::scratch;
use crate::domain::map::model::{FieldKind, Model};
use crate::domain::map::overlaps::GrantIndex;
use crate::domain::map::whiles::While;
use crate::domain::path::{Pattern, covers, overlap};

pub(super) fn check(model: &Model, grants: &GrantIndex, issues: &mut Issues) {
    let mut check = |pattern: &Pattern, spot: Spot, what: &str| {
        if !is_written(model, grants, pattern) {
            issues.push(Issue::new(
                Lint::UnownedField,
                spot,
                format!("{what} `{pattern}`, which no agent writes"),
            ));
        }
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

/// By an agent, in part at least; by people, where it is constant; by everybody, in scratch.
fn is_written(model: &Model, grants: &GrantIndex, pattern: &Pattern) -> bool {
    let mut near = Vec::new();
    grants.near(pattern, &mut |grant| near.push(grant));
    near.iter()
        .filter_map(|grant| grant.find(model))
        .any(|(agent, grant)| overlap(grant, &agent.except, pattern, &[]).is_some())
        || model
            .fields
            .iter()
            .any(|rule| rule.kind == FieldKind::Constant && overlap(&rule.path, &[], pattern, &[]).is_some())
        || covers(&[scratch()], &[], pattern, &[])
}
