//! Whatever waits on values that an answer overwrote waits on the same values after the answer was taken back, RULES §12.8.

use super::sheet::Sheet;
use crate::domain::command::{Expected, Write};
use crate::domain::deed::Body;
use crate::domain::ids::{Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldName;
use crate::domain::state::State;
use crate::domain::things::{Case, ClosedItem, Redone};

/// The items whose writes started from what stood there before the answer: it stands there again, under a new version.
pub(super) fn items(sheet: &mut Sheet<'_>, closed: &ClosedItem, undone: Seq) {
    let state = sheet.state().clone();
    for item in state.board.items.values() {
        let case = match &item.case {
            Case::UnownedField { write, partial } => {
                on_top(write, closed, &state).map(|write| Case::UnownedField { write, partial: *partial })
            }
            Case::HeldField { write, held_by } => {
                on_top(write, closed, &state).map(|write| Case::HeldField { write, held_by: held_by.clone() })
            }
            Case::ZoneOffer { .. }
            | Case::UnownedTarget { .. }
            | Case::UnownedOutput { .. }
            | Case::UnownedEvent { .. }
            | Case::TriggerCollision { .. }
            | Case::Escalation { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::Loop { .. }
            | Case::Approval { .. }
            | Case::ActApproval { .. }
            | Case::UnmappedCall { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. } => None,
        };
        let Some(case) = case else { continue };
        let body = Body::ItemRevised(Box::new(case));
        let mut deed = sheet.follow_up(body, "revise item", Outcome::Recorded, Some(undone));
        deed.subject.clone_from(&item.subject);
        deed.because(format!("#{} stands on the values that are back", item.no));
        deed.refs.item = Some(item.no);
        sheet.push(deed);
    }
}

/// The write with the versions of now where those that it started from are back; none where it did not start from them.
pub(super) fn on_top(write: &Write, closed: &ClosedItem, state: &State) -> Option<Write> {
    let mut moved = write.clone();
    for redone in &closed.effects.redone {
        if redone.entity == write.entity {
            match &mut moved.expected {
                Some(Expected::Entity(version)) => bring(version, redone, &FieldName::whole(), state),
                Some(Expected::Fields(versions)) => {
                    for (name, version) in versions {
                        bring(version, redone, name, state);
                    }
                }
                None => {}
            }
        }
        for (path, version) in moved.depends_on.iter_mut().filter(|(path, _)| path.entity == redone.entity) {
            bring(version, redone, &path.field, state);
        }
    }
    (moved != *write).then_some(moved)
}

/// The version of now, where this one is that from before.
fn bring(version: &mut Version, redone: &Redone, name: &FieldName, state: &State) {
    let Some(entity) = state.entities.get(&redone.entity) else { return };
    let now = entity.version_of(name);
    let change = redone.fields.iter().find(|change| change.name == *name);
    // The entity as a whole counts each commit: the answer's, and one for each field that was put back.
    let put_back = redone.fields.iter().filter(|change| change.after.is_some()).count();
    let since = u64::try_from(put_back).unwrap_or(u64::MAX).saturating_add(1);
    let is_before = match change.and_then(|change| change.base) {
        Some(base) => base == *version,
        None => name.is_whole() && version.0.saturating_add(since) == now.0,
    };
    if is_before {
        *version = now;
    }
}
