//! Tokens, kept as hashes: of programs made by admins, of people by themselves from an invitation; ended by admins.

use std::sync::Arc;

use super::key;
use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::command::TokenStep;
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, PersonId, Seq, TokenId};
use crate::domain::outcome::Outcome;
use crate::domain::rule::{naming, signing};
use crate::domain::signature::SignKey;
use crate::domain::state::State;
use crate::domain::things::{Invitation, Token, TokenClass};
use crate::domain::time::{Span, Time};

/// Within what time an invitation must be taken, at most.
const INVITED_FOR: Span = Span::from_days(7);
/// How many wait to be taken at once.
const INVITATIONS: usize = 1_000;

/// Most live tokens of a workspace.
const TOKENS: usize = 10_000;

/// Creates or revokes a token.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &TokenStep) -> Seq {
    match step {
        TokenStep::Create(token) => create(sheet, token),
        TokenStep::Invite(invitation) => invite(sheet, invitation),
        TokenStep::Redeem { invitation, token, key } => redeem(sheet, invitation, token, key.as_ref()),
        TokenStep::Revoke { token } => {
            let action = "revoke token";
            let access = &sheet.base().access;
            if let Some(invitation) = access.invitation(token, sheet.now) {
                let why = format!("invitation {token} of {}", invitation.name);
                let mut deed = sheet.draft(Body::TokenRevoked(token.clone()), action, Outcome::Recorded);
                deed.because(why);
                return sheet.push(deed);
            }
            let Some(record) = access.tokens.get(token) else {
                return sheet.refuse(
                    Body::TokenRefused(()),
                    action,
                    Code::NotFound,
                    &format!("no token {token}"),
                );
            };
            if record.revoked.is_some() {
                let why = format!("token {token} was revoked before");
                return sheet.refuse(Body::TokenRefused(()), action, Code::WrongState, &why);
            }
            if let Some(end) = ends_with(sheet, token) {
                let why = format!("then {end}; let another admin name a key first");
                return sheet.refuse(Body::TokenRefused(()), action, Code::WrongState, &why);
            }
            let mut deed = sheet.draft(Body::TokenRevoked(token.clone()), action, Outcome::Recorded);
            deed.because(format!("{} token {token} of {}", record.token.class.as_str(), record.token.name));
            sheet.push(deed)
        }
    }
}

/// What nobody could sign any more without this token, in words.
fn ends_with(sheet: &Sheet<'_>, token: &TokenId) -> Option<String> {
    let board = &sheet.base().board;
    let model = board.map.model();
    signing::anywhere(model)?;
    let mut after = board.clone();
    after.seats.remove(token);
    let before = signing::dead_ends(board, model, sheet.now);
    signing::dead_ends(&after, model, sheet.now).into_iter().find(|end| !before.contains(end))
}

/// RULES §13.3: a token that decides is made by the person whose it is; what only looks, and programs', by admins.
fn create(sheet: &mut Sheet<'_>, token: &Token) -> Seq {
    let action = "create token";
    if let Err((code, why)) = may_name(sheet, token.class, &token.name, token.expires) {
        return refuse(sheet, action, code, &why);
    }
    if let Some(caller) = sheet.principal.actor.person()
        && matches!(token.class, TokenClass::Reviewer | TokenClass::Admin)
        && !is_person(sheet.base(), &token.name, caller)
    {
        let why = format!(
            "{caller} makes no token in the name of {}: invite them, and they make it themselves (`deeds tokens invite`)",
            token.name
        );
        return refuse(sheet, action, Code::NotAllowed, &why);
    }
    record(sheet, action, token.clone(), None)
}

/// Whether that name is this person's, by another account of theirs too.
fn is_person(state: &State, name: &str, person: &PersonId) -> bool {
    PersonId::new(name).is_ok_and(|named| state.board.map.model().person_of(&named) == person)
}

fn invite(sheet: &mut Sheet<'_>, invitation: &Invitation) -> Seq {
    let action = "invite";
    if matches!(invitation.class, TokenClass::Agent | TokenClass::Guard) {
        let why = "a program's token is made at once: `deeds tokens create`";
        return refuse(sheet, action, Code::WrongState, why);
    }
    if let Err((code, why)) = may_name(sheet, invitation.class, &invitation.name, invitation.expires) {
        return refuse(sheet, action, code, &why);
    }
    let access = &sheet.base().access;
    if access.invitations.contains_key(&invitation.id) || access.tokens.contains_key(&invitation.id) {
        return refuse(sheet, action, Code::WrongState, "an invitation or a token of that id exists");
    }
    if invitation.until <= sheet.now || invitation.until.since(sheet.now) > INVITED_FOR {
        let why = format!("an invitation is taken within {} at most, from now on", INVITED_FOR.rough());
        return refuse(sheet, action, Code::OverBound, &why);
    }
    if access.invitations.len() >= INVITATIONS {
        let why = format!("{INVITATIONS} invitations wait to be taken; revoke some");
        return refuse(sheet, action, Code::OverBound, &why);
    }
    let mut deed = sheet.draft(Body::TokenInvited(Box::new(invitation.clone())), action, Outcome::Recorded);
    deed.because(format!(
        "{} for {}, until {}",
        invitation.class.as_str(),
        invitation.name,
        invitation.until
    ));
    sheet.push(deed)
}

/// The server has compared the secret; whose token it becomes is what the invitation says.
fn redeem(sheet: &mut Sheet<'_>, id: &TokenId, token: &Token, signs: Option<&SignKey>) -> Seq {
    let action = "take invitation";
    if sheet.principal.actor != Actor::Deeds {
        return refuse(sheet, action, Code::NotAllowed, "an invitation is taken with its secret");
    }
    let Some(invitation) = sheet.base().access.invitation(id, sheet.now).cloned() else {
        let why = "the invitation was taken, revoked, or its time is over; ask for another one";
        return refuse(sheet, action, Code::NotFound, why);
    };
    if let Err((code, why)) = may_name(sheet, invitation.class, &invitation.name, invitation.expires) {
        return refuse(sheet, action, code, &why);
    }
    let token = Token {
        class: invitation.class,
        name: Arc::clone(&invitation.name),
        expires: invitation.expires,
        invitation: Some(id.clone()),
        ..token.clone()
    };
    let Ok(person) = PersonId::new(&token.name) else {
        return record(sheet, action, token, None);
    };
    let key = signs
        .map(|key| key::with_invitation(&sheet.base().board, (&person, invitation.vouched), key))
        .transpose();
    let key = match key {
        Ok(key) => key,
        Err((code, why)) => return refuse(sheet, action, code, &why),
    };
    let by = Actor::Person(person);
    let primary = record(sheet, action, token, Some(by.clone()));
    if let Some((body, why)) = key.filter(|_| !sheet.outcome(primary).is_refusal()) {
        let mut deed = sheet.draft(body, "add key", Outcome::Recorded);
        deed.actor = by;
        deed.cause = Some(primary);
        deed.because(why);
        sheet.push(deed);
    }
    primary
}

/// Whether a token of that name, class and end may come into being.
fn may_name(
    sheet: &Sheet<'_>,
    class: TokenClass,
    name: &str,
    expires: Option<Time>,
) -> Result<(), (Code, String)> {
    let named = match class {
        TokenClass::Agent => AgentId::new(name).map(|_| ()),
        TokenClass::Watcher | TokenClass::Reviewer | TokenClass::Admin | TokenClass::Guard => {
            PersonId::new(name).map(|_| ())
        }
    };
    named.map_err(|error| (Code::WrongState, error.to_string()))?;
    if let Some(word) = naming::is_taken(&sheet.base().access.tokens, name) {
        let why = format!("`{name}` is taken for `{word}`, a word of Deeds' own; choose another name");
        return Err((Code::WrongState, why));
    }
    if expires.is_some_and(|end| end <= sheet.now) {
        let why = "the token would have expired already; name a later time";
        return Err((Code::WrongState, why.to_owned()));
    }
    Ok(())
}

fn record(sheet: &mut Sheet<'_>, action: &'static str, token: Token, by: Option<Actor>) -> Seq {
    if sheet.base().access.tokens.contains_key(&token.id) {
        return refuse(sheet, action, Code::WrongState, "a token of that id exists");
    }
    let live = sheet.base().access.tokens.values().filter(|record| record.is_live(sheet.now)).count();
    if live >= TOKENS {
        let why = format!("{live} tokens are live; revoke those that nobody uses");
        return refuse(sheet, action, Code::OverBound, &why);
    }
    let alike = naming::taken_for(sheet.base().board.map.model(), &sheet.base().access.tokens, &token.name);
    let alike =
        alike.map(|other| format!("; it is drawn like {other}, which is another name")).unwrap_or_default();
    let why = format!("{} token {} for {}{alike}", token.class.as_str(), token.id, token.name);
    let mut deed = sheet.draft(Body::TokenCreated(Box::new(token)), action, Outcome::Recorded);
    deed.because(why);
    if let Some(by) = by {
        deed.actor = by;
    }
    sheet.push(deed)
}

fn refuse(sheet: &mut Sheet<'_>, action: &'static str, code: Code, why: &str) -> Seq {
    sheet.refuse(Body::TokenRefused(()), action, code, why)
}
