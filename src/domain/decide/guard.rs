//! What guards tell, RULES §13.4: it is recorded, and changes nothing.

use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::command::{CommandKind, GUARD_PATHS, GuardNote};
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::things::GuardReport;

const ACTION: &str = CommandKind::Guard.row().word;
/// The longest name of a guard, in characters.
const BY: usize = 64;

/// Records what a guard saw or stopped.
pub(super) fn decide(sheet: &mut Sheet<'_>, note: &GuardNote) -> Seq {
    if let Some(why) = beyond(note) {
        return sheet.refuse(Body::GuardRefused(()), ACTION, Code::OverBound, &why);
    }
    let GuardNote { agent, by, stopped, paths, more } = note.clone();
    let first = paths.first().map_or_else(|| "nothing that a map can name".to_owned(), ToString::to_string);
    let others = paths.len().saturating_sub(1).saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
    let others = if others > 0 { format!(" and {others} more") } else { String::new() };
    let did = if stopped { "stopped" } else { "saw" };
    let why = format!("{by} {did} {agent}: {first}{others}");
    let subject = paths.first().cloned();
    let report = Box::new(GuardReport { agent, by, paths, more });
    let body = if stopped { Body::GuardStopped(report) } else { Body::GuardSaw(report) };
    let mut deed = sheet.draft(body, ACTION, Outcome::Recorded);
    deed.subject = subject;
    deed.because(why);
    sheet.push(deed)
}

fn beyond(note: &GuardNote) -> Option<String> {
    if note.paths.len() > GUARD_PATHS {
        return Some(format!("a report names at most {GUARD_PATHS} entities; count the others in `more`"));
    }
    (note.by.is_empty() || note.by.chars().count() > BY)
        .then(|| format!("a guard is named in 1 to {BY} characters"))
}
