//! The format of a ledger's deeds: an older ledger is raised to the newest before anything makes use of it.

use super::sheet::Sheet;
use crate::domain::deed::{Body, FORMAT, NewFormat};
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::state::Board;

/// Whether the ledger of a workspace is in an older format than the newest.
pub(super) fn is_behind(board: &Board) -> bool {
    board.format < FORMAT && !board.maps.is_empty()
}

/// Raises the format, where it is behind.
pub(super) fn raise(sheet: &mut Sheet<'_>) -> Option<Seq> {
    let board = &sheet.base().board;
    if !is_behind(board) {
        return None;
    }
    let new = NewFormat { format: FORMAT, timetable: board.timetable() };
    let words =
        format!("from format {} to {FORMAT}: older versions of Deeds can't go on from here", board.format);
    let body = Body::FormatRaised(Box::new(new));
    let mut deed = sheet.follow_up(body, "raise format", Outcome::Recorded, None);
    deed.because(words);
    Some(sheet.push(deed))
}
