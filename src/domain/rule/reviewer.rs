//! Who answers an item, RULES §12.3, and whose claim of it holds.

use crate::domain::code::Code;
use crate::domain::ids::{Actor, PersonId};
use crate::domain::map::{Map, Queue, edit};
use crate::domain::state::Board;
use crate::domain::things::{Case, ClosedItem, Item, ItemAnswer, TokenClass};
use crate::domain::time::{Span, Time};

/// For how long a claim holds without the claimant's hand on it.
pub const CLAIM_LASTS: Span = Span::from_mins(30);

/// In which right a person does something with an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// Named on the queue, or the one whose hand is on the field.
    Named,
    /// Not named there, but nobody who is could, or it was handed to them or taken over: why, in words.
    StandsIn(String),
}

/// The queue that an item is in; the first one where the map has it no longer.
pub fn queue<'a>(map: &'a Map, item: &Item) -> &'a Queue {
    map.queue(&item.queue).unwrap_or_else(|| map.first_queue())
}

/// Whose claim of the item holds at that time. One that says no end is of an older program: it holds as long as the
/// claimant is named there.
pub fn claimant<'a>(map: &Map, item: &'a Item, now: Time) -> Option<&'a PersonId> {
    let person = item.claimed_by.as_ref()?;
    let holds = match item.claim_until {
        Some(until) => now < until,
        None => belongs(map, item, person),
    };
    holds.then_some(person)
}

/// Whether the person has a place at the item: named on its queue, the holder of the field, or answering for the map.
pub fn belongs(map: &Map, item: &Item, person: &PersonId) -> bool {
    queue(map, item).is_reviewer(person) || holder(map, item) == Some(person) || governs(map, person)
}

/// Who has a place at it beside its queue: whoever holds the field, or is accountable for the agent that gives a zone.
fn holder<'a>(map: &'a Map, item: &'a Item) -> Option<&'a PersonId> {
    accountable(map, item).or_else(|| item.case.holder())
}

/// Who confirms that a zone goes over: whoever is accountable by now for the agent that gives it; of one that is gone, whoever
/// was.
pub fn accountable<'a>(map: &'a Map, item: &'a Item) -> Option<&'a PersonId> {
    let Case::ZoneOffer { from, accountable, .. } = &item.case else { return None };
    Some(map.agent(from).map_or(accountable, |agent| &agent.owner))
}

/// Whether the person answers for the map.
pub fn governs(map: &Map, person: &PersonId) -> bool {
    map.model().governance_owner.as_ref() == Some(person)
}

/// Whether an item may be handed to the person.
pub fn may_be_handed(board: &Board, item: &Item, person: &PersonId, now: Time) -> bool {
    let named = !matches!(item.case, Case::MapOverdue { .. }) && queue(&board.map, item).is_reviewer(person);
    named || stands_in(board, person, now)
}

/// Whether the person answers for the map, or is an admin: who does what nobody else can.
fn stands_in(board: &Board, person: &PersonId, now: Time) -> bool {
    governs(&board.map, person) || board.is_admin(person, now)
}

/// May the person answer? Whoever holds the field that an item is about does, at any time; beside them only a reviewer
/// named on the queue does: its owner at any time; where the item was handed to somebody, that one; otherwise every
/// deputy from half the time on, and at once where the owner raised it, is away or has no token. Where nobody of them can, the
/// governance owner and admins do. Whoever has claimed it goes on. Nobody answers what another claimed, nor what they raised
/// where somebody else can.
///
/// # Errors
/// Why not, and who may, in words.
pub fn may_answer(
    board: &Board,
    item: &Item,
    (person, class): (&PersonId, TokenClass),
    now: Time,
) -> Result<Right, (Code, String)> {
    raised_by_another(board, item, person, now)?;
    let right = right(board, item, (person, class), now)?;
    unclaimed(board, item, person, now).map(|()| right)
}

/// What only an admin does with this answer: it takes from an owner, or puts back what was taken out of a zone.
fn of_an_admin(board: &Board, answer: &ItemAnswer) -> Option<&'static str> {
    match answer {
        ItemAnswer::Transfer { .. } => Some("transfer"),
        ItemAnswer::Expand { agent, grant, .. } => {
            edit::lifts(board.map.model(), agent, grant).then_some("lift an exception")
        }
        ItemAnswer::Handle { .. }
        | ItemAnswer::Ruling { .. }
        | ItemAnswer::OutOfScope { .. }
        | ItemAnswer::SendOn { .. }
        | ItemAnswer::Approve { .. }
        | ItemAnswer::ApproveEdited { .. }
        | ItemAnswer::Reject { .. } => None,
    }
}

/// May the person give this answer? Where it takes an admin and nobody who is named there is one, any admin gives it.
///
/// # Errors
/// Why not, and who may, in words.
pub fn may_give(
    board: &Board,
    item: &Item,
    answer: &ItemAnswer,
    who: (&PersonId, TokenClass),
    now: Time,
) -> Result<Right, (Code, String)> {
    match of_an_admin(board, answer) {
        Some(verb) => may_as_admin(board, item, who, now, verb),
        None => may_answer(board, item, who, now),
    }
}

/// May the person give an answer that takes an admin?
fn may_as_admin(
    board: &Board,
    item: &Item,
    (person, class): (&PersonId, TokenClass),
    now: Time,
    verb: &str,
) -> Result<Right, (Code, String)> {
    let refused = match may_answer(board, item, (person, class), now) {
        Err((code, why)) if code == Code::NotNamed && class == TokenClass::Admin => (code, why),
        decided => return decided,
    };
    let Some(words) = no_admin(board, item, now, verb) else { return Err(refused) };
    unclaimed(board, item, person, now).map(|()| Right::StandsIn(words))
}

/// May the person take the answer back? Whoever may answer the item does, and who gave it and still has a place there.
///
/// # Errors
/// Why not, and who may, in words.
pub fn may_undo(
    board: &Board,
    closed: &ClosedItem,
    (person, class): (&PersonId, TokenClass),
    now: Time,
) -> Result<Right, (Code, String)> {
    match may_answer(board, &closed.item, (person, class), now) {
        Err((Code::NotNamed, why)) if closed.by.person() == Some(person) => {
            place_of(board, &closed.item, (person, class), "gave the answer").ok_or((Code::NotNamed, why))
        }
        decided => decided,
    }
}

/// Nobody else has it in hand.
fn unclaimed(board: &Board, item: &Item, person: &PersonId, now: Time) -> Result<(), (Code, String)> {
    match claimant(&board.map, item, now).filter(|claimant| *claimant != person) {
        Some(claimant) => {
            let until = item.claim_until.map(|until| format!(" until {until}")).unwrap_or_default();
            Err((Code::Claimed, format!("#{} is claimed by {claimant}{until}", item.no)))
        }
        None => Ok(()),
    }
}

/// May the person take it from whoever has it? Whoever may answer it does, and the governance owner at any time.
///
/// # Errors
/// Why not, and who may, in words.
pub fn may_take_over(
    board: &Board,
    item: &Item,
    (person, class): (&PersonId, TokenClass),
    now: Time,
) -> Result<Right, (Code, String)> {
    raised_by_another(board, item, person, now)?;
    match right(board, item, (person, class), now) {
        Err(_) if governs(&board.map, person) => {
            Ok(Right::StandsIn(format!("{person} answers for the map and takes it over")))
        }
        right => right,
    }
}

/// Nobody answers what they raised, where it is an approval or somebody else who has a place at it is there.
fn raised_by_another(board: &Board, item: &Item, person: &PersonId, now: Time) -> Result<(), (Code, String)> {
    let can = |other: &PersonId| other != person && out(board, other, now).is_none();
    let others = || queue(&board.map, item).reviewers().chain(holder(&board.map, item)).any(can);
    if item.raised_by.person() == Some(person) && (item.case.is_approval() || others()) {
        return Err((Code::OwnCase, format!("you raised #{}; another reviewer answers", item.no)));
    }
    Ok(())
}

/// Why somebody does not go through the map, in words: that is for admins and the person accountable for it (§2.6).
pub fn not_accountable(map: &Map, (who, class): (&Actor, TokenClass)) -> Option<String> {
    let owner = map.model().governance_owner.as_ref();
    let may = class == TokenClass::Admin || (owner.is_some() && who.person() == owner);
    let owner = owner.map_or("nobody but admins", PersonId::as_str);
    (!may).then(|| format!("{owner} answers for the map, not {who}"))
}

/// In which right, whoever has claimed it.
fn right(
    board: &Board,
    item: &Item,
    (person, class): (&PersonId, TokenClass),
    now: Time,
) -> Result<Right, (Code, String)> {
    if let Some(accountable) = accountable(&board.map, item) {
        return confirms(board, item, (person, class), accountable, now);
    }
    let map = &board.map;
    if let Case::MapOverdue { .. } = item.case {
        let who = Actor::Person(person.clone());
        let no = not_accountable(map, (&who, class)).map(|why| (Code::NotAccountable, why));
        return no.map_or(Ok(Right::Named), Err);
    }
    let (queue, governs) = (queue(map, item), governs(map, person));
    let is_deputy = queue.deputies.contains(person) && deputies_answer(board, item, now);
    if queue.owner == *person || holder(map, item) == Some(person) || is_deputy {
        return Ok(Right::Named);
    }
    let mine = [
        (item.assigned_to.as_ref() == Some(person), "was handed it"),
        (claimant(map, item, now) == Some(person), "has claimed it"),
    ];
    for (_, since) in mine.into_iter().filter(|(is_so, _)| *is_so) {
        if let Some(right) = place_of(board, item, (person, class), since) {
            return Ok(right);
        }
    }
    if (governs || class == TokenClass::Admin)
        && let Some(words) = nobody_can(board, item, now)
    {
        return Ok(Right::StandsIn(words));
    }
    Err((Code::NotNamed, who_may(board, item, person, now)))
}

/// A zone goes over with the word of the person accountable for the agent that gives it, or of who answers for the map; where
/// they are out, of an admin.
fn confirms(
    board: &Board,
    item: &Item,
    (person, class): (&PersonId, TokenClass),
    accountable: &PersonId,
    now: Time,
) -> Result<Right, (Code, String)> {
    if person == accountable || governs(&board.map, person) {
        return Ok(Right::Named);
    }
    let both = std::iter::once(accountable).chain(board.map.model().governance_owner.as_ref());
    let out: Option<Vec<String>> = both.map(|one| out(board, one, now)).collect();
    match out.filter(|_| class == TokenClass::Admin) {
        Some(words) => Ok(Right::StandsIn(format!("nobody accountable can: {}", words.join(", ")))),
        None => Err((
            Code::NotNamed,
            format!(
                "#{} is confirmed by {accountable}, who is accountable for the agent that gives",
                item.no
            ),
        )),
    }
}

/// The right of somebody to whom the item is known already: who is named there, answers for the map or is an admin.
fn place_of(
    board: &Board,
    item: &Item,
    (person, class): (&PersonId, TokenClass),
    since: &str,
) -> Option<Right> {
    if queue(&board.map, item).is_reviewer(person) {
        return Some(Right::Named);
    }
    let office = match class {
        _ if governs(&board.map, person) => "answers for the map",
        TokenClass::Admin => "is an admin",
        TokenClass::Reviewer | TokenClass::Agent | TokenClass::Watcher | TokenClass::Guard => return None,
    };
    Some(Right::StandsIn(format!("{person} {office} and {since}")))
}

/// Whether a deputy to whom it was not handed answers by now.
fn deputies_answer(board: &Board, item: &Item, now: Time) -> bool {
    let owner = &queue(&board.map, item).owner;
    let owner_can_not = || item.raised_by.person() == Some(owner) || out(board, owner, now).is_some();
    handed(board, item, now).is_none() && (now >= half_time(item) || owner_can_not())
}

/// The one beside the owner to whom it was handed, who is there and still has a place at it.
fn handed<'a>(board: &Board, item: &'a Item, now: Time) -> Option<&'a PersonId> {
    let queue = queue(&board.map, item);
    let to = item.assigned_to.as_ref().filter(|to| **to != queue.owner)?;
    let there = queue.is_reviewer(to) || stands_in(board, to, now);
    (there && out(board, to, now).is_none()).then_some(to)
}

/// Why a person can't decide anything at that time, in words.
fn out(board: &Board, person: &PersonId, now: Time) -> Option<String> {
    if let Some(away) = board.absence(person, now) {
        let until = away.until.map(|until| format!(" until {until}")).unwrap_or_default();
        return Some(format!("{person} is away{until}"));
    }
    (!board.has_seat(person, now)).then(|| format!("{person} has no token"))
}

/// Why nobody who has a place at the item can answer it, in words.
fn nobody_can(board: &Board, item: &Item, now: Time) -> Option<String> {
    let queue = queue(&board.map, item);
    let mut words = Vec::new();
    for person in queue.reviewers().chain(holder(&board.map, item)) {
        if item.raised_by.person() == Some(person) {
            words.push(format!("{person} raised it"));
        } else {
            words.push(out(board, person, now)?);
        }
    }
    Some(format!("nobody named on {} can: {}", queue.name, words.join(", ")))
}

/// Why nobody who has a place at the item can give an answer that takes an admin, in words.
fn no_admin(board: &Board, item: &Item, now: Time, verb: &str) -> Option<String> {
    // Where no token was made, that tells nothing about who is an admin.
    if board.seats.is_empty() {
        return None;
    }
    let queue = queue(&board.map, item);
    let mut words = Vec::new();
    for person in queue.reviewers().chain(holder(&board.map, item)) {
        if board.is_admin(person, now) {
            words.push(out(board, person, now)?);
        } else {
            words.push(format!("{person} is no admin"));
        }
    }
    Some(format!("nobody named on {} can {verb}: {}", queue.name, words.join(", ")))
}

fn who_may(board: &Board, item: &Item, person: &PersonId, now: Time) -> String {
    let queue = queue(&board.map, item);
    if !queue.is_reviewer(person) {
        let names: Vec<&str> = queue.reviewers().map(PersonId::as_str).collect();
        return format!("#{} is answered by {}", item.no, names.join(", "));
    }
    let owner = &queue.owner;
    if let Some(to) = handed(board, item, now) {
        return format!("#{} was handed to {to}; {to} or {owner} answers", item.no);
    }
    let from = half_time(item);
    format!("{owner} answers #{}; deputies from {from} on, or when it is handed to them", item.no)
}

/// From when on deputies answer.
fn half_time(item: &Item) -> Time {
    item.opened.plus(Span::from_micros(item.due.since(item.opened).micros() / 2))
}
