//! What was turned away at the door lately, RULES §3.2: counted by the coordinator, told by one deed for each caller and
//! reason.

use super::sheet::Sheet;
use crate::domain::command::CommandKind;
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::things::TurnedAway;

/// Tells how many more there were after the first, which has a deed of its own.
pub(super) fn tell(sheet: &mut Sheet<'_>, turned: &TurnedAway) -> Seq {
    let first = Some(turned.first).filter(|first| *first <= sheet.base().head());
    let body = Body::DoorRefused(Box::new(turned.clone()));
    let mut deed = sheet.follow_up(body, CommandKind::TurnAway.row().word, Outcome::Recorded, first);
    deed.because(format!("{} more of {} were turned away: {}", turned.count, turned.who, turned.code));
    sheet.push(deed)
}
