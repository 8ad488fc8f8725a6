//! The keys that people sign with, RULES §13.5: none counts on the word of a token alone, or the token would be worth as much as
//! the key.

use std::sync::Arc;

use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::command::KeyStep;
use crate::domain::deed::Body;
use crate::domain::ids::{PersonId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::rule::signing;
use crate::domain::signature::SignKey;
use crate::domain::state::Board;
use crate::domain::things::{KnownKey, PersonKey, TokenClass};

/// Most keys of one person that count, or did.
const KEYS: usize = 16;
/// Most that wait to be confirmed: a token can name them, and must not take the places of those that count.
const WAITING: usize = 4;

/// Decides what is asked of a key.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &KeyStep) -> Seq {
    let decided = match step {
        KeyStep::Add { key } => add(sheet, key),
        KeyStep::Confirm { person, key } => confirm(sheet, person, key),
        KeyStep::Revoke { person, key } => revoke(sheet, person, key),
    };
    let action = match step {
        KeyStep::Add { .. } => "add key",
        KeyStep::Confirm { .. } => "confirm key",
        KeyStep::Revoke { .. } => "revoke key",
    };
    match decided {
        Ok((body, why)) => {
            let mut deed = sheet.draft(body, action, Outcome::Recorded);
            deed.because(why);
            sheet.push(deed)
        }
        Err((code, why)) => sheet.refuse(Body::KeyRefused(()), action, code, &why),
    }
}

type Decided = Result<(Body, String), (Code, String)>;

/// The caller, by the name that the map knows them by.
fn caller(sheet: &Sheet<'_>) -> Result<PersonId, (Code, String)> {
    let person = sheet.principal.actor.person();
    let person = person.ok_or_else(|| (Code::NotAllowed, "only people have keys".to_owned()))?;
    Ok(sheet.base().board.map.model().person_of(person).clone())
}

/// A key of the caller's own.
fn add(sheet: &Sheet<'_>, key: &SignKey) -> Decided {
    let person = caller(sheet)?;
    let board = &sheet.base().board;
    fits(board, &person, key)?;
    has_place(board, &person, false)?;
    let given = Box::new(PersonKey { person: person.clone(), key: key.clone() });
    let name = key.fingerprint();
    if sheet.signed.is_some() {
        return Ok((Body::KeyAdded(given), format!("{name}, signed for by an earlier key")));
    }
    if is_first_of_all(sheet, &person) {
        let why = format!("{name}, the first key of the only admin: nobody else could confirm it");
        return Ok((Body::KeyAdded(given), why));
    }
    has_place(board, &person, true)?;
    let why = format!("{name} waits: another admin confirms it (`deeds keys confirm {person} {name}`)");
    Ok((Body::KeyOffered(given), why))
}

/// Whether nobody could vouch for this person, and nothing is signed yet that the key would give power over.
fn is_first_of_all(sheet: &Sheet<'_>, person: &PersonId) -> bool {
    let board = &sheet.base().board;
    sheet.principal.class == TokenClass::Admin
        && board.live_keys(person).next().is_none()
        && board.admins(sheet.now).all(|admin| admin == person)
        && signing::anywhere(board.map.model()).is_none()
}

/// A key that came with an invitation: it counts where the person has none, and somebody vouched for the invitation.
pub(super) fn with_invitation(board: &Board, (person, vouched): (&PersonId, bool), key: &SignKey) -> Decided {
    let person = board.map.model().person_of(person).clone();
    fits(board, &person, key)?;
    has_place(board, &person, false)?;
    let name = key.fingerprint();
    let first = board.live_keys(&person).next().is_none();
    let given = Box::new(PersonKey { person, key: key.clone() });
    // An invitation of before the map asked for signatures is a token's word.
    let counts = vouched || signing::anywhere(board.map.model()).is_none();
    if first && counts {
        return Ok((Body::KeyAdded(given), format!("{name}, with the invitation")));
    }
    let why = format!(
        "{name} waits for an admin: an invitation vouches for a first key, where it was signed itself if that is asked for"
    );
    Ok((Body::KeyOffered(given), why))
}

/// One key has one person. That somebody else has only named it says nothing: public keys are public.
fn fits(board: &Board, person: &PersonId, key: &SignKey) -> Result<(), (Code, String)> {
    let model = board.map.model();
    let mut all =
        board.signers.iter().flat_map(|(who, signer)| signer.keys.iter().map(move |one| (who, one)));
    let taken = |(who, known): &(&PersonId, &KnownKey)| {
        known.key == *key && (!known.offered || model.person_of(who) == model.person_of(person))
    };
    all.find(taken).map_or(Ok(()), |(who, _)| {
        Err((Code::WrongState, format!("{} is known already, as {who}'s", key.fingerprint())))
    })
}

fn has_place(board: &Board, person: &PersonId, waits: bool) -> Result<(), (Code, String)> {
    let keys = board.signers_of(person).flat_map(|(_, signer)| signer.keys.iter());
    let (own, most) =
        (keys.filter(|known| known.offered == waits).count(), if waits { WAITING } else { KEYS });
    if own < most {
        return Ok(());
    }
    Err((
        Code::OverBound,
        format!("{person} has {own} keys that {}; revoke some", if waits { "wait" } else { "count" }),
    ))
}

/// Another admin says that it is the person's.
fn confirm(sheet: &Sheet<'_>, person: &PersonId, name: &str) -> Decided {
    let board = &sheet.base().board;
    let (person, known) = find(board, person, name)?;
    if known.ended.is_some() {
        return Err((Code::WrongState, format!("{name} was revoked; name another one")));
    }
    if !known.offered {
        return Err((Code::WrongState, format!("{name} counts for {person} already")));
    }
    if sheet.principal.class != TokenClass::Admin {
        return Err((Code::NotAllowed, "an admin confirms a key".to_owned()));
    }
    if &caller(sheet)? == board.map.model().person_of(&person) {
        return Err((Code::OwnCase, "nobody confirms a key of their own: another admin does".to_owned()));
    }
    let others = board.signers.iter().filter(|(who, _)| **who != person);
    if let Some((who, _)) =
        others.into_iter().find(|(_, signer)| signer.live().any(|one| one.key == known.key))
    {
        return Err((Code::WrongState, format!("{name} counts for {who} by now")));
    }
    let given = Box::new(PersonKey { person: person.clone(), key: known.key.clone() });
    Ok((Body::KeyAdded(given), format!("{name} is {person}'s, says another admin")))
}

/// It counts no more. That is never to be signed: whoever lost a key can say so.
fn revoke(sheet: &Sheet<'_>, person: &PersonId, name: &str) -> Decided {
    let board = &sheet.base().board;
    let (person, known) = find(board, person, name)?;
    if sheet.principal.class != TokenClass::Admin && &caller(sheet)? != board.map.model().person_of(&person) {
        return Err((Code::NotAllowed, "its person and admins revoke a key".to_owned()));
    }
    if known.ended.is_some() {
        return Err((Code::WrongState, format!("{name} was revoked before")));
    }
    let mut after = board.clone();
    if let Some(signer) = after.signers.get_mut(&person) {
        Arc::make_mut(signer).keys.retain(|other| other.key != known.key);
    }
    let model = board.map.model();
    let ends = signing::dead_ends(board, model, sheet.now);
    if let Some(end) =
        signing::dead_ends(&after, model, sheet.now).into_iter().find(|end| !ends.contains(end))
    {
        return Err((Code::WrongState, format!("then {end}; register another one first")));
    }
    let given = Box::new(PersonKey { person: person.clone(), key: known.key.clone() });
    Ok((Body::KeyRevoked(given), format!("{name} of {person}")))
}

fn find<'a>(
    board: &'a Board,
    person: &PersonId,
    name: &str,
) -> Result<(PersonId, &'a KnownKey), (Code, String)> {
    let mut keys =
        board.signers_of(person).flat_map(|(who, signer)| signer.keys.iter().map(move |key| (who, key)));
    let known = keys.find(|(_, known)| *known.key.fingerprint() == *name);
    let (who, known) = known.ok_or_else(|| (Code::NotFound, format!("{person} has no key {name}")))?;
    Ok((who.clone(), known))
}
