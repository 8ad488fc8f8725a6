//! Who may speak: tokens (hashes only) and the answers to idempotency keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entities::Hasher;
use crate::domain::{
    ids::{Actor, IdempotencyKey, Seq, TokenId},
    time::{Span, Time},
};

/// How long an idempotency key keeps its answer.
pub const KEY_LIFE: Span = Span::from_hours(24);
/// Most idempotency keys kept; the oldest go first.
pub const KEYS: usize = 1_000_000;

/// Tokens and keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Access {
    /// Every token that was created, ended ones too.
    pub tokens: imbl::OrdMap<TokenId, Arc<TokenRecord>>,
    /// The answer to each key of each caller.
    pub keys: imbl::GenericHashMap<KeyOf, KeyAnswer, Hasher, imbl::shared_ptr::DefaultSharedPtr>,
    /// The keys by age, oldest first.
    pub ages: imbl::Vector<(Time, KeyOf)>,
}

impl Access {
    /// What this caller's key was answered, while it is kept.
    pub fn answered(&self, actor: &Actor, key: &IdempotencyKey, now: Time) -> Option<&KeyAnswer> {
        let answer = self.keys.get(&(actor.clone(), key.clone()))?;
        (now.since(answer.at) < KEY_LIFE).then_some(answer)
    }
}

/// A caller's key.
pub type KeyOf = Arc<(Actor, IdempotencyKey)>;

/// What a key was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAnswer {
    /// The deed that records the answer.
    pub deed: Seq,
    /// When.
    pub at: Time,
    /// The digest of the body.
    pub digest: Arc<str>,
}

/// A token as it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its public part.
    pub id: TokenId,
    /// What it allows.
    pub class: TokenClass,
    /// The agent's id or the person's name.
    pub name: Arc<str>,
    /// SHA-256 of the secret, hexadecimal.
    pub hash: Arc<str>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
}

/// A token with its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The token.
    pub token: Token,
    /// Who created it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// When it was revoked.
    pub revoked: Option<Time>,
}

/// The four classes of 6-guarantees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenClass {
    /// A program.
    Agent,
    /// Only looks.
    Watcher,
    /// Answers what its queues hold.
    Reviewer,
    /// Changes the map and the tokens, and answers too where named.
    Admin,
}

impl TokenClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Watcher, Self::Reviewer, Self::Admin];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Watcher => "watcher",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
        }
    }
}

impl TokenRecord {
    /// Whether it opens the door at that time.
    pub fn is_live(&self, now: Time) -> bool {
        self.revoked.is_none() && self.token.expires.is_none_or(|end| now < end)
    }
}
