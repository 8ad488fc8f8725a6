//! Events that Deeds raises itself: after a change of a field or of an entity that an `[[event]]` waits for, and on schedule.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Origin, decide};
use crate::domain::command::Raise;
use crate::domain::decide::sheet::Sheet;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, Seq};
use crate::domain::map::condition::{ACTION, BEFORE, BY, DUE, FIELDS, PATH, VALUE};
use crate::domain::map::{Event, Happens, Schedule};
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::state::State;
use crate::domain::things::{FieldChange, Occurrence};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

/// How far back the latest occurrence of a schedule can be: a week, and a day that a change of clocks may add.
const LATEST: Span = Span::from_days(8);

/// What the changes of a commit raise, in the same batch. Imported history raises nothing.
pub(in crate::domain::decide) fn after_commit(sheet: &mut Sheet<'_>, state: &State, primary: Seq) {
    let map = &state.board.map;
    if !map.has_occasions() || sheet.imported {
        return;
    }
    let Some(deed) = sheet.deed(primary).cloned() else { return };
    let Some(subject) = deed.subject.as_ref() else { return };
    for event in map.occasions_of(subject) {
        if let Some(fields) = happens(event, state, (subject, &deed)) {
            let raise = happened(event, subject, &fields, &deed);
            decide(sheet, &raise, &Origin::of(Actor::Deeds));
        }
    }
    for change in &deed.fields {
        for event in map.occasions_on(subject, &change.name).filter(|event| is_occasion(event, change)) {
            let raise = changed(event, subject, change, &deed);
            decide(sheet, &raise, &Origin::of(Actor::Deeds));
        }
    }
}

/// Whether the change is one that the event waits for; a field that comes into being was `null` before.
fn is_occasion(event: &Event, change: &FieldChange) -> bool {
    let (Some(occasion), Some(after)) = (&event.on, &change.after) else { return false };
    let null = Value::null();
    !occasion.is_of_entity() && occasion.is_change(change.before.as_ref().unwrap_or(&null), after, event.case)
}

/// The fields that became others, where what happened to the entity is what the event waits for.
fn happens<'d>(
    event: &Event,
    before: &State,
    (subject, deed): (&EntityPath, &'d Deed),
) -> Option<Vec<&'d FieldName>> {
    let was_there = before.entities.get(subject).is_some_and(|entity| entity.gone.is_none());
    let is_there = !matches!(deed.body, Body::EntityArchived(()) | Body::EntityDeleted(()));
    let changed = |change: &&FieldChange| change.after.is_some() && change.after != change.before;
    let fields: Vec<&FieldName> = deed.fields.iter().filter(changed).map(|change| &change.name).collect();
    let happened = match event.on.as_ref()?.when {
        Happens::Created => !was_there && is_there,
        Happens::Changed => was_there && is_there && !fields.is_empty(),
        Happens::Deleted => was_there && !is_there,
        Happens::Value(..) => false,
    };
    happened.then_some(fields)
}

/// What the event has that tells of an entity: once for a write, whatever the number of its fields.
fn happened(event: &Event, subject: &EntityPath, fields: &[&FieldName], deed: &Deed) -> Raise {
    let names = fields.iter().map(|name| name.as_str().into()).collect();
    let names = Value::new(&serde_json::Value::Array(names)).unwrap_or_else(|_| Value::null());
    raised_by(
        event,
        (subject, subject.to_string()),
        deed,
        [(Arc::from(FIELDS), names), (Arc::from(ACTION), Value::text(&deed.action))],
    )
}

fn changed(event: &Event, subject: &EntityPath, change: &FieldChange, deed: &Deed) -> Raise {
    let path = FieldPath::new(subject.clone(), change.name.clone()).to_string();
    let before = (Arc::from(BEFORE), change.before.clone().unwrap_or_else(Value::null));
    let after = change.after.clone().map(|after| (Arc::from(VALUE), after));
    raised_by(event, (subject, path), deed, std::iter::once(before).chain(after))
}

fn raised_by(
    event: &Event,
    (subject, path): (&EntityPath, String),
    deed: &Deed,
    more: impl IntoIterator<Item = (Arc<str>, Value)>,
) -> Raise {
    let mut attributes = BTreeMap::from([
        (Arc::from(PATH), Value::text(&path)),
        (Arc::from(BY), Value::text(deed.actor.name())),
    ]);
    attributes.extend(more);
    Raise {
        event: Arc::from(event.name.as_str()),
        attributes,
        subject: Some(subject.clone()),
        reason: None,
        cause: Some(deed.seq),
    }
}

/// A scheduled event is due. Where several occurrences went by, only the latest is raised.
pub(in crate::domain::decide) fn scheduled(sheet: &mut Sheet<'_>, event: &str) -> Option<Seq> {
    let state = sheet.snapshot();
    let planned = *state.board.schedules.get(event)?;
    let schedule = state.board.map.event(event)?.schedule?;
    let occurrence = occurrence(schedule, state.board.map.model().zone(), planned, sheet.now)?;
    let raise = Raise {
        event: Arc::from(event),
        attributes: BTreeMap::from([(Arc::from(DUE), Value::text(&occurrence.due.to_string()))]),
        subject: None,
        reason: None,
        cause: None,
    };
    let origin = Origin { schedule: Some(occurrence), ..Origin::of(Actor::Deeds) };
    Some(decide(sheet, &raise, &origin))
}

/// The latest occurrence until now, and the next one. The planned one has come, so that there is a latest one.
fn occurrence(schedule: Schedule, zone: chrono_tz::Tz, planned: Time, now: Time) -> Option<Occurrence> {
    let mut due = planned;
    let mut next = schedule.next(zone, planned.max(now.minus(LATEST)))?;
    while next <= now {
        due = next;
        next = schedule.next(zone, due)?;
    }
    Some(Occurrence { due, next })
}
