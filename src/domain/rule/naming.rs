//! Whose name another would be taken for, RULES §1.1.

use std::sync::Arc;

use crate::domain::ids::{PersonId, TokenId};
use crate::domain::map::{Model, Queue};
use crate::domain::path::{drawn, reserved};
use crate::domain::things::TokenRecord;

type Tokens = imbl::OrdMap<TokenId, Arc<TokenRecord>>;

/// A name of the map, or of somebody who has a token, that is another one and drawn alike.
pub fn taken_for(model: &Model, tokens: &Tokens, name: &str) -> Option<String> {
    let looks = drawn(name);
    let queues = model.queues.iter().flat_map(Queue::reviewers);
    let people = model.agents.iter().map(|agent| &agent.owner).chain(queues).chain(&model.governance_owner);
    let known = model.agents.iter().map(|agent| agent.id.as_str());
    let known = known.chain(people.map(PersonId::as_str));
    let known = known.chain(tokens.values().map(|record| &*record.token.name));
    known.filter(|known| *known != name).find(|known| drawn(known) == looks).map(str::to_owned)
}

/// The reserved word that a new name is, or is drawn like; a name that has a token already goes on.
pub fn is_taken(tokens: &Tokens, name: &str) -> Option<&'static str> {
    let goes_on = tokens.is_empty() || tokens.values().any(|record| *record.token.name == *name);
    reserved(name).filter(|_| !goes_on)
}
