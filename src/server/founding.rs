//! How a workspace begins: its first map and the first admin's token, as the first deeds of its ledger. Also where
//! tokens are made from random bytes.

use std::sync::Arc;

use crate::api::TokenText;
use crate::coordinator::Founding;
use crate::domain::command::{Command, Principal, Request, TokenStep};
use crate::domain::decide;
use crate::domain::hash::hex;
use crate::domain::ids::{Actor, PersonId, TokenId, WorkspaceId};
use crate::domain::map::Model;
use crate::domain::state::State;
use crate::domain::things::{Token, TokenClass};
use crate::domain::time::Time;

/// Random bytes in a token's public part.
const ID_BYTES: usize = 6;

/// What a workspace keeps of a token.
pub(super) fn kept(text: &TokenText, name: &str) -> Token {
    let (id, class, hash) = (text.id.clone(), text.class, text.hash_text());
    Token { id, class, name: Arc::from(name), hash, expires: None, invitation: None }
}

/// A new token, and what the workspace keeps of it.
pub(super) fn mint(
    class: TokenClass,
    workspace: &WorkspaceId,
    name: &str,
    expires: Option<Time>,
) -> Result<(TokenText, Token), getrandom::Error> {
    let (mut id, mut secret) = ([0_u8; ID_BYTES], [0_u8; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    // Hexadecimal digits are a token id, so that this never takes the other way.
    let id = TokenId::new(&hex(&id)).map_err(|_| getrandom::Error::UNEXPECTED)?;
    let text = TokenText::new(class, workspace.clone(), id, secret);
    let token = Token { expires, ..kept(&text, name) };
    Ok((text, token))
}

/// The first deeds: the workspace with its map, a token for its first admin, and those that `others` are to have, all as
/// the rules make them and recorded at once.
pub(super) fn founding(
    workspace: WorkspaceId,
    person: PersonId,
    mut model: Model,
    token: Token,
    others: Vec<Token>,
) -> Founding {
    Box::new(move |now| {
        let actor = Actor::Person(person);
        // A map that was written for another name is this workspace's from now on.
        model.workspace = workspace.clone();
        let first = decide::found(Arc::new(model), actor.clone(), now);
        let mut state = State::new(workspace);
        state.fold(&first);
        let mut deeds = vec![first];
        let by = std::iter::once((actor, token)).chain(others.into_iter().map(|other| (Actor::Deeds, other)));
        for (actor, token) in by {
            let principal = Principal { actor, class: TokenClass::Admin, token: None };
            let request = Request::new(principal, Command::Token(TokenStep::Create(token)));
            let made = decide::decide(&state, &request, now).deeds;
            for deed in &made {
                state.fold(deed);
            }
            deeds.extend(made);
        }
        deeds
    })
}
