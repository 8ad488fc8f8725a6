//! Reviews that nobody held.

use super::{Finding, raise, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::map::Queue;
use crate::domain::things::AlertKind;
use crate::domain::time::Time;

/// A scheduled review was not held in time. Another one of the same queue counts up.
pub(in crate::domain::decide) fn review_missed(
    sheet: &mut Sheet<'_>,
    queue: &Queue,
    due: Time,
    missed: Seq,
) -> Option<AlertNo> {
    let owner = Actor::Person(queue.owner.clone());
    let why = format!("the review of {due}");
    let finding = Finding {
        kind: AlertKind::Overdue,
        same: format!("review|{}", queue.name),
        on: None,
        title: format!("the review of {} was not held in time: {owner} answers for it", queue.name),
        sides: vec![side(&owner, Some(missed), None, due, (Some(&why), "not held"))],
        first_cause: None,
        count: 1,
    };
    raise(sheet, finding, missed)
}
