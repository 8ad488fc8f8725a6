//! The map: putting one in force by compare-and-set on its version, and the record that a person went through it.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{alert, answer, inbox, verdict};
use crate::domain::code::Code;
use crate::domain::command::{ApplyMap, CommandKind, MapReview};
use crate::domain::deed::{Body, NewMap};
use crate::domain::ids::Seq;
use crate::domain::map::{Model, difference, merge};
use crate::domain::outcome::Outcome;
use crate::domain::readiness;
use crate::domain::rule::{reviewer, signing};
use crate::domain::state::Board;
use crate::domain::things::{AlertKind, Case, Item};

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
    let end = signing::dead_ends(board, &apply.model, sheet.now).into_iter().next();
    if let Some(end) = end.filter(|_| !sheet.supposed) {
        let why = format!("{end}: register one first (`deeds keys add`)");
        return sheet.refuse(Body::MapRefused(()), APPLY, Code::MapBroken, &why);
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
    in_time_again(sheet, "another map is in force", seq);
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
    let caller = &sheet.principal;
    let found = if let Some(why) = reviewer::not_accountable(&board.map, (&caller.actor, caller.class)) {
        Some((Code::NotAccountable, why))
    } else if let Some(version) = review.version.filter(|version| *version != board.map_version) {
        let why = format!("v{version} was gone through, but v{} is in force", board.map_version);
        Some((Code::MapMoved, why))
    } else {
        verdict::too_long("note", review.note.as_deref()).map(|why| (Code::OverBound, why))
    };
    if let Some((code, why)) = found {
        return sheet.refuse(Body::MapRefused(()), REVIEW, code, &why);
    }
    let seq = gone_through(sheet, review.note.as_deref(), None);
    in_time_again(sheet, "the map was gone through", seq);
    seq
}

/// A person went through the map in force and stands by it.
pub(super) fn gone_through(sheet: &mut Sheet<'_>, note: Option<&str>, item: Option<&Item>) -> Seq {
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    let words = format!("map v{} was gone through{note}", sheet.state().board.map_version);
    let mut deed = sheet.draft(Body::MapReviewed(()), REVIEW, Outcome::Recorded);
    deed.because(words);
    deed.cause = item.map(|item| item.deed);
    deed.refs.item = item.map(|item| item.no);
    sheet.push(deed)
}

/// Nobody has gone through the map in time: that is an alert, and an item of the person who answers for it.
pub(super) fn fall_due(sheet: &mut Sheet<'_>) -> Seq {
    let state = sheet.snapshot().into_owned();
    let words =
        readiness::overdue(&state.board, sheet.now).map(|finding| finding.message).unwrap_or_default();
    let mut deed = sheet.follow_up(Body::MapOverdue(()), "overdue", Outcome::Recorded, None);
    deed.because(words.as_str());
    let seq = sheet.push(deed);
    let alert = alert::map_overdue(sheet, &words, seq);
    if inbox::full(&state).is_none() {
        inbox::open_map(sheet, &words, alert, seq);
    }
    seq
}

/// The map was gone through, or another is in force: what told that it is overdue is over.
fn in_time_again(sheet: &mut Sheet<'_>, why: &str, cause: Seq) {
    let state = sheet.snapshot().into_owned();
    let board = &state.board;
    let told = board.fingerprints.get(AlertKind::Overdue.fingerprint(alert::MAP).as_str());
    if let Some(alert) = told.and_then(|no| board.alerts.get(no)) {
        alert::end_by_itself(sheet, alert, why, cause);
    }
    // A person may have resolved the alert and left the item.
    let waits = |item: &&Arc<Item>| matches!(item.case, Case::MapOverdue { .. });
    if let Some(item) = sheet.state().board.items.values().find(waits).cloned() {
        answer::end_by_itself(sheet, &item, why, cause);
    }
}
