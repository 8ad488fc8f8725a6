//! The paths whose values the payload of a deed carries, beside the fields that the deed names itself: a function for
//! each answer that a row of the table gives. Too much hides a deed that could be shown; too little shows what is hidden.

use super::{Deed, ItemClosed};
use crate::domain::command::{Write, WriteKind};
use crate::domain::ids::Actor;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{
    ActOrder, Alert, AlertSide, Case, FieldChange, HandoffOrder, Item, RaisedEvent, Task, Work, paths_of,
};

/// What a payload carries.
#[derive(Debug)]
pub(super) enum Carried {
    /// Words and values of the deed's author, about this: they may be any of it.
    Said(FieldPath),
    /// What is, was or shall be there, or what others said about it.
    Told(FieldPath),
    /// What is or was there in some field of it; the deed does not say in which.
    Unsaid(EntityPath),
}

/// No values: numbers, names, times, the words of a rule.
pub(super) fn no_values<P>(_: &Deed, _: &P) -> Vec<Carried> {
    Vec::new()
}

/// What the author says in words and values of its own: they may be any of its subject.
pub(super) fn its_subject<P>(deed: &Deed, _: &P) -> Vec<Carried> {
    whole(deed.subject.as_ref()).map(Carried::Said).into_iter().collect()
}

/// What several have said about its subject.
pub(super) fn others_words<P>(deed: &Deed, _: &P) -> Vec<Carried> {
    whole(deed.subject.as_ref()).map(Carried::Told).into_iter().collect()
}

/// An event: what a change of a field was, where one raised it, or which fields of an entity were changed; else its raiser's
/// own words. Older programs did not say of which field.
pub(super) fn event(deed: &Deed, event: &RaisedEvent) -> Vec<Carried> {
    match (&event.of, &deed.subject, &deed.actor) {
        (Some(of), _, _) => {
            let mut paths = paths_of(&event.attributes);
            paths.push(of.clone());
            paths.into_iter().map(Carried::Told).collect()
        }
        (None, Some(subject), Actor::Deeds) if event.schedule.is_none() => {
            vec![Carried::Unsaid(subject.clone())]
        }
        (None, _, _) => its_subject(deed, event),
    }
}

/// A call of a tool that is allowed: what it changes once it is done.
pub(super) fn called(_: &Deed, order: &ActOrder) -> Vec<Carried> {
    let write = order.call.as_ref().and_then(|call| call.write.as_ref());
    write.map(written).unwrap_or_default()
}

/// An act that waits: on what is there in the fields that may free its way.
pub(super) fn waits(_: &Deed, order: &ActOrder) -> Vec<Carried> {
    let watches = order.waits.iter().flat_map(|waits| waits.watches.iter());
    watches.cloned().map(Carried::Told).collect()
}

/// A handoff: what its giver says about its subject, and what others said before.
pub(super) fn handed(deed: &Deed, order: &HandoffOrder) -> Vec<Carried> {
    let mut paths = its_subject(deed, order);
    paths.extend(order.earlier.iter().filter_map(|hand| whole(hand.subject.as_ref())).map(Carried::Told));
    paths
}

/// A task: what several have said about what it was about.
pub(super) fn task(deed: &Deed, task: &Task) -> Vec<Carried> {
    let mut paths = others_words(deed, task);
    let hands = task.order.earlier.iter().map(|hand| hand.subject.as_ref());
    let about = hands.chain(task.history.iter().map(|back| back.subject.as_ref()));
    paths.extend(about.filter_map(whole).map(Carried::Told));
    paths
}

/// A work item: the values that it tells, and what its giver says about its subject.
pub(super) fn work(_: &Deed, work: &Work) -> Vec<Carried> {
    let said = whole(work.subject.as_ref()).map(Carried::Said);
    said.into_iter().chain(work.told().into_iter().map(Carried::Told)).collect()
}

/// An item: what it shows, which is about its subject.
pub(super) fn item(deed: &Deed, item: &Item) -> Vec<Carried> {
    let mut paths = case(deed, &item.case);
    paths.extend(whole(item.subject.as_ref()).map(Carried::Told));
    paths
}

/// What an item shows.
pub(super) fn case(deed: &Deed, case: &Case) -> Vec<Carried> {
    if let Case::UnownedField { write, .. } | Case::HeldField { write, .. } = case {
        return written(write);
    }
    if let Case::GivenUp { work: given_up } = case { work(deed, given_up) } else { others_words(deed, case) }
}

/// An answer: its words, and the fields that inputs decided again have changed.
pub(super) fn answer(deed: &Deed, closed: &ItemClosed) -> Vec<Carried> {
    let mut paths = others_words(deed, closed);
    for redone in &closed.effects.redone {
        let path = |field: &FieldChange| FieldPath::new(redone.entity.clone(), field.name.clone());
        paths.extend(redone.fields.iter().map(path).map(Carried::Told));
    }
    paths
}

/// An alert: what each side wrote or wanted.
pub(super) fn alert(deed: &Deed, alert: &Alert) -> Vec<Carried> {
    let on = alert.on.clone().map(Carried::Told);
    alert.sides.iter().flat_map(|side| alert_side(deed, side)).chain(on).collect()
}

/// One side of an alert.
pub(super) fn alert_side(_: &Deed, side: &AlertSide) -> Vec<Carried> {
    side.path.iter().cloned().map(Carried::Told).collect()
}

fn written(write: &Write) -> Vec<Carried> {
    let path = |name| FieldPath::new(write.entity.clone(), name);
    let whole = Some(FieldPath::whole(write.entity.clone())).filter(|_| write.kind != WriteKind::Update);
    write.changes.keys().cloned().map(path).chain(whole).map(Carried::Told).collect()
}

fn whole(entity: Option<&EntityPath>) -> Option<FieldPath> {
    entity.cloned().map(FieldPath::whole)
}
