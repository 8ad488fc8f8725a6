//! Deeds that were based on old versions.

use std::sync::Arc;

use super::{Finding, raise};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{verdict, write};
use crate::domain::ids::{Actor, AlertNo, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::state::State;
use crate::domain::things::{AlertSide, FieldChange, STOPPED};

/// A refused deed that was based on old versions: its alert, noted on the deed.
pub(in crate::domain::decide) fn stale(sheet: &mut Sheet<'_>, state: &State, primary: Seq) {
    let Some(deed) = sheet.deed(primary).cloned() else { return };
    if deed.outcome != Outcome::Stale {
        return;
    }
    let raised = would_be_stale(sheet, state, primary, &deed.fields);
    super::note(sheet, primary, raised);
}

/// The alert of a deed that was, or in enforce mode would have been, stale.
pub(in crate::domain::decide) fn would_be_stale(
    sheet: &mut Sheet<'_>,
    state: &State,
    primary: Seq,
    fields: &[FieldChange],
) -> Option<AlertNo> {
    let deed = sheet.deed(primary).cloned()?;
    let subject = deed.subject.clone()?;
    let field = fields.iter().find(|field| field.base.is_some()).or(fields.first())?;
    let on = FieldPath::new(field.entity.clone().unwrap_or_else(|| subject.clone()), field.name.clone());
    let kind = write::stale_kind(fields);
    let (sides, first_cause) = both(sheet, state, (&on, field), primary)?;
    let before = match sides.first() {
        Some(won) if won.wrote == Some(Version(0)) => format!("{on} at a version that it never had"),
        Some(won) if won.actor == deed.actor => format!("{on} as it was before its own change"),
        Some(won) => format!("{on} as it was before {}", won.actor),
        None => on.to_string(),
    };
    let finding = Finding {
        kind,
        same: format!("{on}|{}", deed.actor),
        title: format!("{} acted on {before}", deed.actor),
        on: Some(on),
        sides,
        first_cause,
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// What stands there by whom, and what the deed wanted; with the deed that wrote what stands there.
pub(super) fn both(
    sheet: &Sheet<'_>,
    state: &State,
    (on, field): (&FieldPath, &FieldChange),
    primary: Seq,
) -> Option<(Vec<AlertSide>, Option<Seq>)> {
    let deed = sheet.deed(primary)?;
    let subject = deed.subject.clone()?;
    // From the state: the fields leave out what the loser may not see, and an alert is for people.
    let now = verdict::found(state, &on.entity, &on.field, field.base.unwrap_or_default(), None);
    let winner = now.by.unwrap_or(Actor::Deeds);
    let known = state.entities.get(&on.entity).and_then(|entity| entity.field(&on.field));
    let won = AlertSide {
        actor: winner,
        deed: known.map(|field| field.deed),
        path: Some(on.clone()),
        read: None,
        wrote: Some(now.version),
        value: now.before,
        at: now.at.unwrap_or(deed.time),
        why: None,
        outcome: Arc::from("committed"),
    };
    let lost = AlertSide {
        actor: deed.actor.clone(),
        deed: Some(primary),
        path: Some(if field.entity.is_some() { FieldPath::whole(subject.clone()) } else { on.clone() }),
        read: field.base,
        wrote: None,
        value: field.after.clone(),
        at: deed.time,
        why: Some(Arc::from(format!(
            "{} · {}",
            deed.action,
            deed.reason.as_deref().unwrap_or("no reason given")
        ))),
        outcome: if deed.outcome == Outcome::Stale {
            Arc::from(STOPPED)
        } else {
            Arc::from(format!("{}, would be stale", deed.outcome.as_str()))
        },
    };
    Some((vec![won, lost], known.map(|field| field.deed)))
}
