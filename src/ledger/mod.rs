//! The ledger port: an append-only, hash-chained sequence of opaque records, and its engines.
//!
//! The ledger knows nothing of what a record says: it stores exact bytes, numbers them from 1 without a gap, chains
//! them, and hands them back. Meaning lives in `domain`; who appends and when lives in `coordinator`. It never
//! serialises anything again: what was hashed is what is stored is what is read.
//!
//! * [`Ledger`] is the port to one ledger, [`Store`] to all of a data directory, [`LedgerError`] what can go wrong.
//! * [`engine`] is the table of engines: [`sqlite`] and [`postgres`] are the durable ones, `testing` has one that can be told to fail.
//! * [`note`] signs where a ledger ended, and [`signing`] keeps what it signs with beside the ledgers.
//! * [`nodes`] is what nodes tell each other through the engine that they share.
//! * [`mark`] notes the last head beside a ledger, and [`witness`] says what it means when the ledger ends before it.
//! * [`chain`] seals and verifies, [`export`] is the same chain as lines of JSON.

pub mod chain;
#[cfg(test)]
mod contract;
pub mod engine;
mod error;
pub mod export;

mod identity;
pub mod mark;
pub mod nodes;
pub mod note;
pub mod postgres;
pub mod room;
pub mod signing;
pub mod sqlite;
mod store;
#[cfg(test)]
pub mod testing;
pub mod witness;

use std::future::Future;

use bytes::Bytes;

pub use chain::{Hash, Verifier};
pub use engine::{AnyLedger, Engine};
pub use error::LedgerError;
pub use identity::{Identity, LedgerId};
pub use postgres::{Postgres, PostgresLedger};
pub use signing::Signing;
pub use sqlite::{Rebuild, SqliteLedger, read_all};
pub use store::{Kept, Stamp, Store, open_file, secret_in};
#[cfg(test)]
pub use testing::MemoryLedger;
pub use witness::{Lost, Witness};

/// The most records that one append may carry.
pub const MAX_BATCH_RECORDS: usize = 65_536;
/// The most bytes that one record may have.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;
/// The most records that one read returns, whatever limit was asked for.
pub const MAX_READ_RECORDS: usize = 10_000;
/// A read stops after the record with which it passes this many bytes, so that no page grows without bound.
pub const MAX_READ_BYTES: usize = 8 * 1024 * 1024;

/// Where a ledger ends: the last sequence number and its chain hash. `seq` 0 is the empty ledger, whose hash is the
/// [`genesis`](Identity::genesis) of its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last record's number; 0 if there is none.
    pub seq: u64,
    /// The last record's chain hash.
    pub hash: Hash,
}

/// One stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number: 1, 2, 3 … without a gap.
    pub seq: u64,
    /// `SHA-256(hash of the record before ‖ bytes)`.
    pub hash: Hash,
    /// Exactly what was appended.
    pub bytes: Bytes,
}

impl Record {
    /// The head of a ledger that ends with this record.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

/// What became of an append that met no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Append {
    /// The batch is durable, as these records.
    Appended(Vec<Record>),
    /// Nothing was written: the ledger ends here and not where the caller thought.
    Moved(Head),
}

/// The port that every engine implements, and that the contract suite checks.
pub trait Ledger: Send + Sync + 'static {
    /// Which ledger this is, and of which workspace.
    fn identity(&self) -> &Identity;

    /// Where the durable ledger ends now.
    fn head(&self) -> impl Future<Output = Result<Head, LedgerError>> + Send;

    /// Writes `batch` as `expected.seq + 1 ..`, all or nothing, if and only if the ledger ends at `expected`.
    ///
    /// Once it answers [`Append::Appended`], the batch survives a crash of process and machine. An error means that
    /// nothing was recorded, unless [`LedgerError::outcome_unknown`] says otherwise.
    fn append(
        &self,
        expected: Head,
        batch: Vec<Bytes>,
    ) -> impl Future<Output = Result<Append, LedgerError>> + Send;

    /// Up to `limit` records with numbers above `after`, in order. A page may be shorter than `limit`
    /// ([`MAX_READ_RECORDS`], [`MAX_READ_BYTES`]) but is empty only at the end.
    fn read(&self, after: u64, limit: usize)
    -> impl Future<Output = Result<Vec<Record>, LedgerError>> + Send;

    /// Those of the named records that exist, in the order asked for; the one with which they pass `bytes` is the last.
    fn read_many(
        &self,
        seqs: Vec<u64>,
        bytes: usize,
    ) -> impl Future<Output = Result<Vec<Record>, LedgerError>> + Send;

    /// One record.
    fn get(&self, seq: u64) -> impl Future<Output = Result<Option<Record>, LedgerError>> + Send {
        async move { Ok(self.read_many(vec![seq], MAX_READ_BYTES).await?.into_iter().next()) }
    }

    /// Looks whether what is written is still where the next start will look for it. Appends do so, too.
    fn look(&self) -> impl Future<Output = Result<(), LedgerError>> + Send {
        async { Ok(()) }
    }

    /// Closes and opens the storage anew, verifies the tail against the disk, and says where the ledger ends. For a
    /// caller that was told of an error and wants to know whether it may go on.
    fn recover(&self) -> impl Future<Output = Result<Head, LedgerError>> + Send;

    /// Where the ledger ends, once all that can be read up to there is as lasting as what was acknowledged. For who believes what
    /// others have appended.
    fn settled(&self) -> impl Future<Output = Result<Head, LedgerError>> + Send {
        self.head()
    }

    /// How often in a row what was committed could not be brought to where it lies in the end. It is durable all the same, and takes
    /// more and more room.
    fn failed_checkpoints(&self) -> u64 {
        0
    }

    /// Ends the engine's threads and lets go of its files. Everything after it answers [`LedgerError::Closed`].
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// What a verification found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Which ledger it is.
    pub identity: Identity,
    /// Where it ends.
    pub head: Head,
}

/// Refuses a batch that no engine takes, before any of them is asked.
fn check_batch(place: &str, batch: &[Bytes]) -> Result<(), LedgerError> {
    let refuse = |reason: String| Err(LedgerError::BadBatch { place: place.to_owned(), reason });
    if batch.is_empty() {
        return refuse("it is empty".to_owned());
    }
    if batch.len() > MAX_BATCH_RECORDS {
        return refuse(format!("it has {} records, {MAX_BATCH_RECORDS} at most are taken", batch.len()));
    }
    match batch.iter().find(|bytes| bytes.len() > MAX_RECORD_BYTES) {
        Some(bytes) => {
            refuse(format!("a record has {} bytes, {MAX_RECORD_BYTES} at most are taken", bytes.len()))
        }
        None => Ok(()),
    }
}
