//! The events of the deed stream. A deed travels as `{"hash":"…","deed":…}` with the deed's exact stored bytes, so that a
//! watcher of the whole ledger checks the chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Hash;
use crate::domain::ids::Seq;

/// The first event of a stream: [`Hello`].
pub const EVENT_HELLO: &str = "hello";
/// A deed; its `id` is the sequence.
pub const EVENT_DEED: &str = "deed";
/// How far a stream that leaves deeds out has got: [`Progress`].
pub const EVENT_PROGRESS: &str = "progress";
/// The last event of a stream that the server ends: a `Problem`.
pub const EVENT_END: &str = "end";

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The ledger's `urn:uuid:…`.
    pub ledger: String,
    /// The stream begins behind this deed.
    pub after: Seq,
    /// That deed's hash, or the ledger's genesis.
    pub hash: Hash,
    /// Where the ledger ends now.
    pub head: Seq,
    /// Whether every deed comes, so that the chain can be checked; otherwise progress marks stand for what is left out.
    pub complete: bool,
}

/// How far the stream has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Every deed up to this one was sent or left out.
    pub seq: Seq,
}
