//! Whose signature counts: the keys of people, and what a signed decision carries.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{PersonId, Seq};
use crate::domain::signature::SignKey;
use crate::domain::time::Time;

/// A person's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonKey {
    /// Whose.
    pub person: PersonId,
    /// The public key.
    pub key: SignKey,
}

/// The statement that a decision was signed with, and the signature, as `ssh-keygen -Y verify` takes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What was signed, to the byte.
    pub statement: Arc<str>,
    /// The signature in armour.
    pub signature: Arc<str>,
}

/// A key that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownKey {
    /// The public key.
    pub key: SignKey,
    /// The deed that made it known; what it signs counts from then on.
    pub since: Seq,
    /// When that was.
    pub at: Time,
    /// It waits until another admin confirms that it is the person's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offered: bool,
    /// When it was revoked: what it signed before still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
}

/// A person whose keys are known.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signer {
    /// The keys, oldest first.
    pub keys: Vec<KnownKey>,
    /// The last deed that the person signed. The next statement names it, so that none counts twice.
    pub last: Option<Seq>,
}

impl Signer {
    /// The keys that count.
    pub fn live(&self) -> impl Iterator<Item = &KnownKey> {
        self.keys.iter().filter(|known| !known.offered && known.ended.is_none())
    }
}
