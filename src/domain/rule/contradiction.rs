//! States that must not be true together: what makes it the same contradiction again, and what waits while it is open,
//! RULES §10.7.

use crate::domain::map::{Contradiction, Map};
use crate::domain::path::{Bindings, EntityPath};
use crate::domain::things::AlertKind;

/// What makes it the same contradiction again: the rule, and what its variables are.
pub(in crate::domain) fn same(rule: &Contradiction, bindings: &Bindings) -> String {
    let bound: Vec<String> = bindings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}|{}", rule.name, bound.join(","))
}

/// By what it is known among the alerts.
pub(in crate::domain) fn print(rule: &Contradiction, bindings: &Bindings) -> String {
    AlertKind::Contradiction.fingerprint(&same(rule, bindings))
}

/// The first open contradiction for which something of that name about the subject waits: the rule, and its print. The
/// subject says what the variables are, by each clause that it fits.
pub(in crate::domain) fn stopping<'a>(
    map: &'a Map,
    (action, subject): (&str, &EntityPath),
    is_open: impl Fn(&str) -> bool,
) -> Option<(&'a Contradiction, String)> {
    let mut rules = map.model().contradictions.iter().filter(|rule| rule.stops_action(action));
    rules.find_map(|rule| {
        let bound = rule.all.iter().filter_map(|clause| clause.template.bind_entity(subject));
        let print = bound.map(|bindings| print(rule, &bindings)).find(|print| is_open(print))?;
        Some((rule, print))
    })
}
