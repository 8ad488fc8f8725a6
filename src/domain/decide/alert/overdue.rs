//! What people or agents let lie past its time.

use super::{Finding, raise, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::things::{AlertKind, Item};

/// By what the map that nobody went through is known again.
pub(in crate::domain::decide) const MAP: &str = "map";

/// The map in force was not gone through in time.
pub(in crate::domain::decide) fn map_overdue(
    sheet: &mut Sheet<'_>,
    words: &str,
    cause: Seq,
) -> Option<AlertNo> {
    let board = &sheet.base().board;
    let owner = board.map.model().governance_owner.clone().map(Actor::Person);
    let last = board.care.last().map(|mark| (mark.by.clone(), mark.deed, mark.at));
    let (by, deed, at) = last.unwrap_or((Actor::Deeds, cause, sheet.now));
    let told = (Some("the last time that somebody went through it"), "overdue since");
    let finding = Finding {
        kind: AlertKind::Overdue,
        same: MAP.to_owned(),
        on: None,
        title: words.to_owned(),
        sides: vec![side(&owner.unwrap_or(by), Some(deed), None, at, told)],
        first_cause: Some(deed),
        count: 1,
    };
    raise(sheet, finding, cause)
}

/// An item is past its deadline.
pub(in crate::domain::decide) fn overdue(sheet: &mut Sheet<'_>, item: &Item, cause: Seq) {
    let on = item.subject.clone().map(FieldPath::whole);
    let told = (Some(&*item.why), "waiting");
    let side = side(&item.raised_by, Some(item.deed), on.as_ref(), item.opened, told);
    let finding = Finding {
        kind: AlertKind::Overdue,
        same: format!("{}", item.no),
        on,
        title: format!("#{} in {} is past its deadline: {}", item.no, item.queue, item.title),
        sides: vec![side],
        first_cause: Some(item.deed),
        count: 1,
    };
    raise(sheet, finding, cause);
}
