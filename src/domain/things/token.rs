//! Tokens as they are kept: hashes only, never a secret.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Actor, TokenId};
use crate::domain::time::Time;

/// A token as it is created.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    pub expires: Option<Time>,
    /// The invitation that it was made from, by the person that it is for.
    pub invitation: Option<TokenId>,
}

/// A person asked to make a token of their own, once and soon.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// Its public part.
    pub id: TokenId,
    /// What the token will allow.
    pub class: TokenClass,
    /// The person's name.
    pub name: Arc<str>,
    /// SHA-256 of the invitation's secret, hexadecimal.
    pub hash: Arc<str>,
    /// Until when it may be taken.
    pub until: Time,
    /// When the token ends by itself.
    pub expires: Option<Time>,
    /// Whether who invited signed it. Folded, and in no deed's payload.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vouched: bool,
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

/// The five classes of RULES §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// Guards files where agents work: looks at the map, and records what it saw or stopped.
    Guard,
}

impl TokenClass {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Agent, Self::Watcher, Self::Reviewer, Self::Admin, Self::Guard];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Watcher => "watcher",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
            Self::Guard => "guard",
        }
    }
}

impl TokenRecord {
    /// Whether it opens the door at that time.
    pub fn is_live(&self, now: Time) -> bool {
        self.revoked.is_none() && self.token.expires.is_none_or(|end| now < end)
    }
}
