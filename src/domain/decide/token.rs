//! Tokens: created and revoked by admins, kept as hashes.

use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::command::TokenStep;
use crate::domain::deed::Body;
use crate::domain::ids::{AgentId, PersonId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::things::{Token, TokenClass};

/// Most live tokens of a workspace.
const TOKENS: usize = 10_000;

/// Creates or revokes a token.
pub(super) fn decide(sheet: &mut Sheet<'_>, step: &TokenStep) -> Seq {
    match step {
        TokenStep::Create(token) => create(sheet, token),
        TokenStep::Revoke { token } => {
            let action = "revoke token";
            let Some(record) = sheet.base().access.tokens.get(token) else {
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
            let mut deed = sheet.draft(Body::TokenRevoked(token.clone()), action, Outcome::Recorded);
            deed.because(format!("{} token {token} of {}", record.token.class.as_str(), record.token.name));
            sheet.push(deed)
        }
    }
}

fn create(sheet: &mut Sheet<'_>, token: &Token) -> Seq {
    let action = "create token";
    let refuse =
        |sheet: &mut Sheet<'_>, code, why: &str| sheet.refuse(Body::TokenRefused(()), action, code, why);
    if sheet.base().access.tokens.contains_key(&token.id) {
        return refuse(sheet, Code::WrongState, "a token of that id exists");
    }
    let named = match token.class {
        TokenClass::Agent => AgentId::new(&token.name).map(|_| ()),
        TokenClass::Watcher | TokenClass::Reviewer | TokenClass::Admin => {
            PersonId::new(&token.name).map(|_| ())
        }
    };
    if let Err(error) = named {
        return refuse(sheet, Code::WrongState, &error.to_string());
    }
    if token.expires.is_some_and(|end| end <= sheet.now) {
        return refuse(sheet, Code::WrongState, "the token would have expired already; name a later time");
    }
    let live = sheet.base().access.tokens.values().filter(|record| record.is_live(sheet.now)).count();
    if live >= TOKENS {
        let why = format!("{live} tokens are live; revoke those that nobody uses");
        return refuse(sheet, Code::OverBound, &why);
    }
    let mut deed = sheet.draft(Body::TokenCreated(Box::new(token.clone())), action, Outcome::Recorded);
    deed.because(format!("{} token {} for {}", token.class.as_str(), token.id, token.name));
    sheet.push(deed)
}
