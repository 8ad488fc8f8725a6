//! How a server shows that it is the one of a data directory, before anything secret is said to it: it answers a random
//! number with what only a reader of the directory's own secret can work out. The secret itself never travels.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::domain::hash::Hash;

/// What the answer begins with under the seal, so that it is good for nothing else.
const PURPOSE: &[u8] = b"deeds proof of the server 1";

/// A secret that a server and the readers of its data directory share; new for each run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProofKey(Hash);

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Characters that a secret of several nodes has at least.
pub const LEAST_SECRET: usize = 32;

/// The answer of `GET /v1/proof`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// Which run of the server answers.
    pub instance: String,
    /// HMAC-SHA256 over the number asked, that run and the address it listens on.
    pub proof: Hash,
    /// The same under the secret that the nodes of a cluster share, and with the address by which they reach this one, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Hash>,
}

/// A random number to prove something with, or to prove.
///
/// # Errors
/// When the system gives no random bytes.
pub fn nonce() -> Result<Hash, getrandom::Error> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    Ok(Hash(random))
}

impl ProofKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        nonce().map(Self)
    }

    /// The one that nodes share which have this text in a file; none where it is shorter than [`LEAST_SECRET`].
    pub fn shared(text: &str) -> Option<Self> {
        (text.len() >= LEAST_SECRET).then(|| Self(Hash(Sha256::digest(text).into())))
    }

    /// Whether that is the seal of that run at that address.
    pub fn accepts(&self, nonce: &Hash, instance: &str, address: &str, seal: &Hash) -> bool {
        self.seal(nonce, instance, address).0.ct_eq(&seal.0).into()
    }

    /// What the server of that run at that address makes of the number.
    pub fn seal(&self, nonce: &Hash, instance: &str, address: &str) -> Hash {
        let Self(Hash(key)) = self;
        // A key of any length will do, so that this can't fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Hash([0; 32]) };
        for part in [PURPOSE, &nonce.0, instance.as_bytes(), address.as_bytes()] {
            // Each part with its length: none can be taken for the next one's beginning.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Hash(mac.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_number_one_run_and_one_address() {
        let (key, other) = (ProofKey::random().unwrap(), ProofKey::random().unwrap());
        let (number, later) = (nonce().unwrap(), nonce().unwrap());
        let proof = key.seal(&number, "run", "127.0.0.1:1");
        assert!(key.accepts(&number, "run", "127.0.0.1:1", &proof));
        assert!(!other.accepts(&number, "run", "127.0.0.1:1", &proof));
        assert!(!key.accepts(&later, "run", "127.0.0.1:1", &proof));
        assert!(!key.accepts(&number, "run", "127.0.0.1:2", &proof));
        assert!(!key.accepts(&number, "ru", "n127.0.0.1:1", &proof));
        let secret = "0123456789abcdef0123456789abcdef";
        assert_eq!(ProofKey::shared(secret), ProofKey::shared(secret));
        assert!(ProofKey::shared(&secret[1..]).is_none());
        assert_eq!(format!("{key:?}"), "…");
    }
}
