//! The state as bytes, for snapshots and for comparing replays. The same state always gives the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Access, Board, Imports, Kept, KeyAnswer, Links, State};
use crate::domain::ids::{Actor, EventDigest, IdempotencyKey, TokenId};
use crate::domain::path::EntityPath;
use crate::domain::things::{Entity, Invitation, TokenRecord};

#[derive(Serialize, Deserialize)]
struct Stored {
    board: Board,
    entities: BTreeMap<EntityPath, Arc<Entity>>,
    tokens: imbl::OrdMap<TokenId, Arc<TokenRecord>>,
    #[serde(default, skip_serializing_if = "imbl::OrdMap::is_empty")]
    invitations: imbl::OrdMap<TokenId, Arc<Invitation>>,
    /// Oldest first.
    keys: Vec<StoredKey>,
    /// The lines that are known by their numbers.
    imports: imbl::OrdMap<Arc<str>, Arc<BTreeMap<u64, u64>>>,
    /// Those that are known by what they say.
    #[serde(default, skip_serializing_if = "imbl::OrdSet::is_empty")]
    events: imbl::OrdSet<EventDigest>,
    links: Links,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    actor: Actor,
    key: IdempotencyKey,
    answer: KeyAnswer,
}

impl State {
    /// The whole state as JSON.
    ///
    /// # Errors
    /// Never for states made by folding.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let keys = self.access.kept();
        let keys = keys.map(|Kept { actor, key, answer }| StoredKey { actor, key, answer });
        serde_json::to_vec(&Stored {
            board: self.board.clone(),
            entities: self.entities.iter().collect(),
            tokens: self.access.tokens.clone(),
            invitations: self.access.invitations.clone(),
            keys: keys.collect(),
            imports: self.imports.numbers.clone(),
            events: self.imports.events.clone(),
            links: self.links.clone(),
        })
    }

    /// Reads a state back.
    ///
    /// # Errors
    /// When the bytes are not a state of this version.
    pub fn from_bytes(bytes: &[u8]) -> serde_json::Result<Self> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        let mut access = Access::default();
        (access.tokens, access.invitations) = (stored.tokens, stored.invitations);
        for stored in stored.keys {
            access.restore(stored.actor, stored.key, stored.answer);
        }
        let entities = stored.entities.into_iter().collect();
        let imports = Arc::new(Imports { numbers: stored.imports, events: stored.events });
        Ok(Self::of_parts(stored.board, entities, access, imports, stored.links))
    }
}
