//! The map: putting one in force by compare-and-set on its version, and the record that a person went through it.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{alert, inbox, verdict};
use crate::domain::code::Code;
use crate::domain::command::{ApplyMap, CommandKind, MapReview};
use crate::domain::deed::{Body, NewMap};
use crate::domain::ids::Seq;
use crate::domain::map::{Model, difference, merge};
use crate::domain::outcome::Outcome;
use crate::domain::readiness;
use crate::domain::state::Board;
use crate::domain::things::TokenClass;

/// Most of what would be taken back that a refusal names.
const LISTED: usize = 16;
/// The word for an apply in lists.
const APPLY: &str = CommandKind::ApplyMap.row().word;
/// The word for a review of the map in lists.
const REVIEW: &str = CommandKind::MapReview.row().word;

/// Decides an apply. The model was parsed and linted at the door: a map with errors never gets here.
pub(super) fn decide(sheet: &mut Sheet<'_>, apply: &ApplyMap) -> Seq {
    let board = &sheet.base().board;
    if board.map_version != apply.if_version {
        let why = format!("made for map v{}, but v{} is in force", apply.if_version, board.map_version);
        return sheet.refuse(Body::MapRefused(()), APPLY, Code::MapMoved, &why);
    }
    if board.workspace != apply.model.workspace {
        let why = format!("the map is of workspace {}, this is {}", apply.model.workspace, board.workspace);
        return sheet.refuse(Body::MapRefused(()), APPLY, Code::MapBroken, &why);
    }
    if let Some(why) = verdict::too_long("reason", apply.reason.as_deref()) {
        return sheet.refuse(Body::MapRefused(()), APPLY, Code::OverBound, &why);
    }
    if !apply.take_back
        && let Some(why) = takes_back(board, &apply.model)
    {
        return sheet.refuse(Body::MapRefused(()), APPLY, Code::TakesBack, &why);
    }
    let unmet = readiness::unmet(board, &apply.model, sheet.now);
    // Nobody is asked why the first agents come: there is no team yet that could be ready for them.
    let asked_why = !unmet.is_empty() && !board.map.model().agents.is_empty();
    let reason = apply.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if asked_why && reason.is_none() {
        let why = format!("agents join although not everything is ready for them: {}", unmet.join("; "));
        return sheet.refuse(Body::MapRefused(()), APPLY, Code::ReasonNeeded, &why);
    }
    let changes: Vec<String> =
        difference(board.map.model(), &apply.model).iter().map(ToString::to_string).collect();
    let (version, planned) = (board.map_version.next(), apply.planned);
    let words = match reason {
        Some(reason) => format!("map v{version}: {reason}"),
        None => format!("map v{version}, {} changes", changes.len()),
    };
    let new = NewMap { version, model: Arc::clone(&apply.model), changes, unmet, planned };
    let mut deed = sheet.draft(Body::MapApplied(Box::new(new)), APPLY, Outcome::Recorded);
    deed.because(words);
    let seq = sheet.push(deed);
    inbox::free_of_strangers(sheet);
    alert::after_map(sheet, seq);
    seq
}

/// What the map would take back of what reviewers have answered since the last one, in words.
fn takes_back(board: &Board, model: &Model) -> Option<String> {
    let changes = merge::taken_back(board.before_answers(), board.map.model(), model);
    let named: Vec<String> = changes.iter().take(LISTED).map(|change| format!("`{change}`")).collect();
    let more = changes.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!changes.is_empty()).then(|| {
        format!("answers in the inbox have changed the map, and it lacks {}{more}", named.join(", "))
    })
}

/// Decides the record of a review: by an admin, or by the person whom the map names as accountable for it.
pub(super) fn review(sheet: &mut Sheet<'_>, review: &MapReview) -> Seq {
    let board = &sheet.base().board;
    let owner = board.map.model().governance_owner.as_ref();
    let caller = &sheet.principal;
    let may = caller.class == TokenClass::Admin || (owner.is_some() && caller.actor.person() == owner);
    let found = if !may {
        let owner = owner.map_or_else(|| "nobody but admins".to_owned(), ToString::to_string);
        Some((Code::NotAccountable, format!("{owner} answers for the map, not {}", caller.actor)))
    } else if let Some(version) = review.version.filter(|version| *version != board.map_version) {
        let why = format!("v{version} was gone through, but v{} is in force", board.map_version);
        Some((Code::MapMoved, why))
    } else {
        verdict::too_long("note", review.note.as_deref()).map(|why| (Code::OverBound, why))
    };
    if let Some((code, why)) = found {
        return sheet.refuse(Body::MapRefused(()), REVIEW, code, &why);
    }
    let mut words = format!("map v{} was gone through", board.map_version);
    if let Some(note) = &review.note {
        words = format!("{words}: {note}");
    }
    let mut deed = sheet.draft(Body::MapReviewed(()), REVIEW, Outcome::Recorded);
    deed.because(words);
    sheet.push(deed)
}
