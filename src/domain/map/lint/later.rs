//! What a map may say already and this version does not act on yet: one row for each kind of thing.

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::model::Model;

/// Where the first of a kind is, and what is to be said about the kind.
type Row = (fn(&Model) -> Option<Spot>, &'static str);

const ROWS: &[Row] = &[
    (
        |model| first(Section::Event, &model.events, |_| true),
        "events ([[event]]) are not raised or required yet",
    ),
    (|model| first(Section::Route, &model.routes, |_| true), "routing rules ([[route]]) do not dispatch yet"),
    (
        |model| {
            Some(first(Section::Agent, &model.agents, |agent| !agent.triggers.is_empty())?.key("triggers"))
        },
        "triggers do not wake agents yet",
    ),
    (
        |model| first(Section::Output, &model.outputs, |_| true),
        "publishing to outputs ([[output]]: order, approval, thread window) is not governed yet",
    ),
    (
        |model| Some(first(Section::Queue, &model.queues, |queue| queue.review.is_some())?.key("review")),
        "schedules are kept, but reviews that were not held raise no alert yet",
    ),
];

fn first<T>(section: Section, list: &[T], test: impl Fn(&T) -> bool) -> Option<Spot> {
    list.iter().position(test).map(|at| Spot::entry(section, at))
}

pub(super) fn check(model: &Model, issues: &mut Issues) {
    for (find, message) in ROWS {
        if let Some(spot) = find(model) {
            issues.push(Issue::new(Lint::NotYetInForce, spot, *message));
        }
    }
}
