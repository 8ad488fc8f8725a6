//! The paths whose values the payload of a deed carries, beside the fields that the deed names itself: a function for
//! each answer that a row of the table gives. Too much hides a deed that could be shown; too little shows what is hidden.

use super::{Deed, ItemClosed};
use crate::domain::command::Write;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{Alert, AlertSide, Case, FieldChange, Item, Work, WorkKind};

/// No values: numbers, names, times, the words of a rule.
pub(super) fn no_values<P>(_: &Deed, _: &P) -> Vec<FieldPath> {
    Vec::new()
}

/// What somebody says in words and values of their own: they may be any of its subject.
pub(super) fn its_subject<P>(deed: &Deed, _: &P) -> Vec<FieldPath> {
    whole(deed.subject.as_ref())
}

/// A work item: the proposed values; else what its giver says about its subject.
pub(super) fn work(_: &Deed, work: &Work) -> Vec<FieldPath> {
    if let WorkKind::Proposal { write, .. } = &work.kind {
        written(write)
    } else {
        whole(work.subject.as_ref())
    }
}

/// An item: what it shows, which is about its subject.
pub(super) fn item(deed: &Deed, item: &Item) -> Vec<FieldPath> {
    let mut paths = case(deed, &item.case);
    paths.extend(whole(item.subject.as_ref()));
    paths
}

/// What an item shows.
pub(super) fn case(deed: &Deed, case: &Case) -> Vec<FieldPath> {
    if let Case::UnownedField { write } = case {
        return written(write);
    }
    if let Case::GivenUp { work: given_up } = case { work(deed, given_up) } else { its_subject(deed, case) }
}

/// An answer: its words, and the fields that inputs decided again have changed.
pub(super) fn answer(deed: &Deed, closed: &ItemClosed) -> Vec<FieldPath> {
    let mut paths = its_subject(deed, closed);
    for redone in &closed.effects.redone {
        let path = |field: &FieldChange| FieldPath::new(redone.entity.clone(), field.name.clone());
        paths.extend(redone.fields.iter().map(path));
    }
    paths
}

/// An alert: what each side wrote or wanted.
pub(super) fn alert(deed: &Deed, alert: &Alert) -> Vec<FieldPath> {
    alert.sides.iter().flat_map(|side| alert_side(deed, side)).chain(alert.on.clone()).collect()
}

/// One side of an alert.
pub(super) fn alert_side(_: &Deed, side: &AlertSide) -> Vec<FieldPath> {
    side.path.iter().cloned().collect()
}

fn written(write: &Write) -> Vec<FieldPath> {
    write.changes.keys().map(|name| FieldPath::new(write.entity.clone(), name.clone())).collect()
}

fn whole(entity: Option<&EntityPath>) -> Vec<FieldPath> {
    entity.cloned().map(FieldPath::whole).into_iter().collect()
}
