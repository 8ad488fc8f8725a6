//! Whether a grant is one of what an item is about, RULES §2.7: an answer to one case is no way to grant another.

use crate::domain::command::{Act, Write, WriteKind};
use crate::domain::map::Grant;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::things::{Case, Item};

/// Why the grant does not cover the case, in words; none where it does. Of what an agent escalated only the subject is known.
pub fn misses(item: &Item, grant: &Grant) -> Option<String> {
    let (covers, about) = match &item.case {
        Case::UnownedField { write, .. } => (reaches(grant, write), write.entity.to_string()),
        Case::UnownedTarget { act } => (is_target(grant, act), act.target.to_string()),
        Case::UnownedOutput { publish } => {
            (*grant == Grant::Output(publish.output.to_string()), publish.output.to_string())
        }
        Case::UnownedEvent { raise } | Case::TriggerCollision { raise, .. } => {
            (*grant == Grant::Trigger(raise.event.to_string()), raise.event.to_string())
        }
        Case::Escalation { .. } => match (&item.subject, grant) {
            (Some(subject), Grant::Write(pattern)) => (pattern.matches_entity(subject), subject.to_string()),
            (None, _) | (_, Grant::Trigger(_) | Grant::Output(_) | Grant::Tool(_)) => return None,
        },
        Case::UnmappedCall { call, .. } => (
            matches!(grant, Grant::Tool(row) if row.names(&call.mark.server, &call.mark.tool)),
            call.mark.name(),
        ),
        // No scope ends these, which is said elsewhere.
        Case::HeldField { .. }
        | Case::ZoneOffer { .. }
        | Case::Conflict { .. }
        | Case::MapOverdue { .. }
        | Case::Loop { .. }
        | Case::Approval { .. }
        | Case::ActApproval { .. }
        | Case::UnknownOutcome { .. }
        | Case::GivenUp { .. }
        | Case::Stuck { .. } => return None,
    };
    (!covers).then(|| {
        format!("#{} is about {about}, which `{grant}` does not cover: grant what the case is about", item.no)
    })
}

/// One of the fields that the write wants at least: the others come back as a case of their own.
fn reaches(grant: &Grant, write: &Write) -> bool {
    let Grant::Write(pattern) = grant else { return false };
    let whole = FieldName::whole();
    let of_all = (write.kind != WriteKind::Update).then_some(&whole);
    write.changes.keys().chain(of_all).any(|field| pattern.matches(&write.entity, field))
}

/// A target is an output, or a path.
fn is_target(grant: &Grant, act: &Act) -> bool {
    match grant {
        Grant::Output(output) => **output == *act.target,
        Grant::Write(pattern) => {
            act.target.parse::<FieldPath>().is_ok_and(|path| pattern.matches_path(&path))
                || act.target.parse::<EntityPath>().is_ok_and(|entity| pattern.matches_entity(&entity))
        }
        Grant::Trigger(_) | Grant::Tool(_) => false,
    }
}
