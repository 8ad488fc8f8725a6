//! A task goes back and forth, and the feedback says the same again.

use super::stale::both;
use super::{Finding, raise_with_item, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, FieldChange, Task};

/// The same feedback twice in a row. Its inbox item, with the task in it, is the caller's to open.
pub(in crate::domain::decide) fn not_converging(
    sheet: &mut Sheet<'_>,
    task: &Task,
    cause: Seq,
) -> Option<AlertNo> {
    let on = task.subject.clone().map(FieldPath::whole);
    let giver = Actor::Agent(task.order.from.clone());
    let gave = side(&giver, None, on.as_ref(), sheet.now, (None, "hands it over"));
    let returns = task.history.iter().rev().filter(|feedback| feedback.by.agent().is_some());
    let last: Vec<_> = returns.take(2).collect();
    let last = last.into_iter().rev().map(|feedback| {
        side(&feedback.by, Some(feedback.deed), on.as_ref(), feedback.at, (Some(&feedback.text), "returned"))
    });
    let finding = Finding {
        kind: AlertKind::NotConverging,
        same: format!("{}|{}", task.order.to, task.id),
        title: format!("{} ⇄ {} on {}: the same feedback twice", task.order.from, task.order.to, task.id),
        sides: std::iter::once(gave).chain(last).collect(),
        on,
        first_cause: task.history.first().map(|feedback| feedback.deed),
        count: 1,
    };
    raise_with_item(sheet, finding, cause)
}

/// Writes of an agent to one field that come too late again and again: what stands there, and what it wants. Its inbox item
/// is the caller's to open.
pub(in crate::domain::decide) fn in_vain(
    sheet: &mut Sheet<'_>,
    state: &State,
    (same, title): (&str, &str),
    (on, change): (&FieldPath, &FieldChange),
    cause: Seq,
) -> Option<AlertNo> {
    let (sides, first_cause) = both(sheet, state, (on, change), cause)?;
    let finding = Finding {
        kind: AlertKind::NotConverging,
        same: same.to_owned(),
        title: title.to_owned(),
        on: Some(on.clone()),
        sides,
        first_cause,
        count: 1,
    };
    raise_with_item(sheet, finding, cause)
}
