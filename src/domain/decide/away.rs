//! A person goes away and comes back, RULES §12.3: meanwhile deputies answer at once.

use super::sheet::Sheet;
use super::verdict;
use crate::domain::code::Code;
use crate::domain::command::{AwayStep, AwayVerb};
use crate::domain::deed::Body;
use crate::domain::ids::{PersonId, Seq};
use crate::domain::map::Queue;
use crate::domain::outcome::Outcome;
use crate::domain::rule::reviewer;
use crate::domain::state::Board;
use crate::domain::things::{TokenClass, Until};
use crate::domain::time::Time;

/// Decides that somebody is away, or back.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &AwayStep) -> Seq {
    let action = match step.step {
        AwayVerb::Leave { .. } => "leave",
        AwayVerb::Return => "return",
    };
    let found = whose(sheet, step).and_then(|person| {
        let until = may(&sheet.base().board, &person, step, sheet.now)?;
        Ok((person, until))
    });
    let (person, until) = match found {
        Ok(found) => found,
        Err((code, why)) => return sheet.refuse(Body::AbsenceRefused(()), action, code, &why),
    };
    let (body, words) = match step.step {
        AwayVerb::Leave { .. } => (Body::AbsenceBegun(person.clone()), "is away"),
        AwayVerb::Return => (Body::AbsenceEnded(person.clone()), "is back"),
    };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    let until_words = until.map(|until| format!(" until {until}")).unwrap_or_default();
    let note = step.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    deed.because(format!("{person} {words}{until_words}{note}"));
    deed.refs.until = until;
    sheet.push(deed)
}

/// The time of an absence is over.
pub(super) fn lapse(sheet: &mut Sheet<'_>, person: &PersonId) -> Option<Seq> {
    sheet.base().board.away.get(person)?;
    let body = Body::AbsenceEnded(person.clone());
    let mut deed = sheet.follow_up(body, "lapse", Outcome::Recorded, None);
    deed.because(format!("the time for which {person} was away is over"));
    Some(sheet.push(deed))
}

/// Whose absence it is. Of somebody else the governance owner and admins say it: who fell ill can't.
fn whose(sheet: &Sheet<'_>, step: &AwayStep) -> Result<PersonId, (Code, String)> {
    let caller = &sheet.principal;
    let Some(me) = caller.actor.person() else {
        return Err((Code::NotAllowed, "only people are away".to_owned()));
    };
    let map = &sheet.base().board.map;
    let named = step.person.as_ref().map(|person| map.model().person_of(person));
    let Some(person) = named.filter(|person| *person != me) else { return Ok(me.clone()) };
    if caller.class != TokenClass::Admin && !reviewer::governs(map, me) {
        let why = format!("{person} says so, or the governance owner or an admin, not {me}");
        return Err((Code::NotAccountable, why));
    }
    Ok(person.clone())
}

/// Whether that can be so, and until when.
fn may(board: &Board, person: &PersonId, step: &AwayStep, now: Time) -> Result<Option<Time>, (Code, String)> {
    if let Some(why) = verdict::too_long("note", step.note.as_deref()) {
        return Err((Code::OverBound, why));
    }
    let AwayVerb::Leave { until } = &step.step else {
        let away = board.away.contains_key(person);
        return away.then_some(None).ok_or_else(|| (Code::WrongState, format!("{person} is not away")));
    };
    if !is_known(board, person) {
        let why = format!("{person} is named nowhere in the map and has no token");
        return Err((Code::NotFound, why));
    }
    let time = |until: Until| until.time(board.map.model().zone_of(person), now).filter(|time| *time > now);
    match until {
        None => Ok(None),
        Some(until) => match time(*until) {
            Some(time) => Ok(Some(time)),
            None => Err((Code::WrongState, format!("{until} is past; name a later time"))),
        },
    }
}

/// Whether the map names the person, or a token is theirs.
fn is_known(board: &Board, person: &PersonId) -> bool {
    let model = board.map.model();
    let mut named = model.queues.iter().flat_map(Queue::reviewers);
    named.any(|other| other == person)
        || model.agents.iter().any(|agent| agent.owner == *person)
        || reviewer::governs(&board.map, person)
        || board.seats.values().any(|seat| model.person_of(&seat.person) == person)
}
