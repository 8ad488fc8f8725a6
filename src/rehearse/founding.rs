//! How a rehearsed workspace begins: its map, and the seat of whoever looks on. A console needs a token that opens, a report
//! needs none; what becomes of the team is the same, and so is the chain that is told.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::command::{Command, Principal, Request, TokenStep};
use crate::domain::decide::{decide, found};
use crate::domain::deed::{Body, Deed, Origin};
use crate::domain::hash::{Hash, link};
use crate::domain::ids::{Actor, PersonId, TokenId};
use crate::domain::map::Model;
use crate::domain::state::State;
use crate::domain::things::{Token, TokenClass};
use crate::domain::time::Time;

/// The public part of a token that opens nothing.
const NO_TOKEN: &str = "000000000000";

/// Whoever is accountable for the team, and looks on.
pub fn onlooker(model: &Model) -> Option<&PersonId> {
    let first = || model.queues.first().map(|queue| &queue.owner);
    model.governance_owner.as_ref().or_else(first).or_else(|| model.agents.first().map(|agent| &agent.owner))
}

/// The first deeds, as a server would make them, with a token that opens nothing.
pub(super) fn founding(model: &Arc<Model>, at: Time) -> Vec<Deed> {
    let actor = onlooker(model).map_or(Actor::Deeds, |person| Actor::Person(person.clone()));
    let born = found(Arc::clone(model), actor.clone(), at);
    let mut state = State::new(model.workspace.clone());
    state.fold(&born);
    let mut deeds = vec![born];
    if let (Some(person), Ok(id)) = (onlooker(model), TokenId::new(NO_TOKEN)) {
        let name = Arc::from(person.as_str());
        let token =
            Token { id, class: TokenClass::Admin, name, hash: no_hash(), expires: None, invitation: None };
        let principal = Principal { actor, class: TokenClass::Admin, token: None };
        let command = Command::Token(TokenStep::Create(token));
        deeds.extend(decide(&state, &Request::new(principal, command), at).deeds);
    }
    deeds
}

fn no_hash() -> Arc<str> {
    Arc::from(Hash([0; 32]).to_string())
}

/// The chain that a ledger of these deeds would have, where its tokens opened nothing.
pub(super) fn chain(model: &Model, deeds: &[Deed]) -> String {
    let origin = Origin { source: Arc::from("rehearsal"), workspace: model.workspace.clone() };
    let bytes = deeds.iter().filter_map(|deed| plain(deed).encode(&origin).ok());
    bytes.fold(Hash([0; 32]), |before, bytes| link(before, &bytes)).to_string()
}

/// A deed without what is random in it.
fn plain(deed: &Deed) -> Cow<'_, Deed> {
    let Body::TokenCreated(token) = &deed.body else { return Cow::Borrowed(deed) };
    let Ok(id) = TokenId::new(NO_TOKEN) else { return Cow::Borrowed(deed) };
    let token = Token { id, hash: no_hash(), ..Token::clone(token) };
    Cow::Owned(Deed { body: Body::TokenCreated(Box::new(token)), reason: None, ..deed.clone() })
}
