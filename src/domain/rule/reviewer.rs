//! Who answers an item.

use crate::domain::code::Code;
use crate::domain::ids::PersonId;
use crate::domain::map::{Map, Queue};
use crate::domain::things::Item;
use crate::domain::time::{Span, Time};

/// The queue that an item is in; the first one where the map has it no longer.
pub fn queue<'a>(map: &'a Map, item: &Item) -> &'a Queue {
    map.queue(&item.queue).unwrap_or_else(|| map.first_queue())
}

/// May the person answer? Whoever holds the field that an item is about does, at any time; beside them only a reviewer named on the queue does: its owner at any time; where the item was handed to a
/// deputy, that one; otherwise every deputy from half the time on. Nobody answers what they raised, where
/// somebody else is named or it is an approval; nor what another claimed.
///
/// # Errors
/// Why not, and who may, in words.
pub fn may_answer(map: &Map, item: &Item, person: &PersonId, now: Time) -> Result<(), (Code, String)> {
    let queue = queue(map, item);
    let half = Span::from_micros(item.due.since(item.opened).micros() / 2);
    let handed = item.assigned_to.as_ref().filter(|to| **to != queue.owner);
    let may = queue.owner == *person
        || handed.map_or_else(|| now.since(item.opened) >= half, |handed| handed == person);
    // A case always has somebody who may answer it: who raised it does where nobody else is named.
    let raised = item.raised_by.person() == Some(person);
    if raised && (item.case.is_approval() || queue.reviewers().any(|other| other != person)) {
        return Err((Code::OwnCase, format!("you raised #{}; another reviewer answers", item.no)));
    }
    let holds = item.case.holder() == Some(person);
    if !holds && !queue.is_reviewer(person) {
        let names: Vec<&str> = queue.reviewers().map(PersonId::as_str).collect();
        return Err((Code::NotNamed, format!("#{} is answered by {}", item.no, names.join(", "))));
    }
    if !holds && !may {
        let owner = &queue.owner;
        let why = if let Some(to) = handed {
            format!("#{} was handed to {to}; {to} or {owner} answers", item.no)
        } else {
            let from = item.opened.plus(half);
            format!("{owner} answers #{}; deputies from {from} on, or when it is handed to them", item.no)
        };
        return Err((Code::NotNamed, why));
    }
    match &item.claimed_by {
        Some(claimant) if claimant != person => {
            Err((Code::Claimed, format!("#{} is claimed by {claimant}", item.no)))
        }
        Some(_) | None => Ok(()),
    }
}
