//! The engines: a row for each says by which name it is chosen and what it does in a workspace's folder, and
//! [`AnyLedger`] is an open ledger of whichever engine. What is asked of a ledger stands in the port, what is asked of
//! a data directory in the [store](super::Store).

use std::path::Path;

use bytes::Bytes;

use super::{Append, Head, Identity, Ledger, LedgerError, Record, SqliteLedger, Verified, sqlite};
use crate::domain::ids::WorkspaceId;

#[cfg(test)]
use super::MemoryLedger;

/// Every engine that keeps ledgers; the first is taken where none is named.
pub const ENGINES: [&Engine; 1] = [&sqlite::ENGINE];

type Found<T> = Result<T, LedgerError>;
/// How a ledger's end was found, and its last record.
type End = (Verified, Option<Record>);

/// A row of the table of engines. Folders are those of one workspace in a [store](super::Store), but for `list`, which is
/// given the folder of them all. All of it blocks.
#[derive(Debug)]
pub struct Engine {
    /// The name by which it is chosen.
    pub name: &'static str,
    /// How the ledger in that folder is called in errors and lists.
    pub(super) place: fn(&Path) -> String,
    /// The workspaces that have something here, whether or not it opens, in order.
    pub(super) list: fn(&Path) -> Found<Vec<WorkspaceId>>,
    /// Whether a file of that name in a workspace's folder is a ledger that was being made.
    pub(super) is_draft: fn(&str) -> bool,
    /// Keeps a copy of what was not brought into the ledger yet, where it is opened though deeds are missing.
    pub(super) set_log_apart: fn(&Path) -> Found<()>,
    /// Opens the ledger of that workspace, and makes it if there is none.
    pub(super) create: fn(&Path, &WorkspaceId) -> Found<AnyLedger>,
    /// Opens a ledger that exists, and verifies its end.
    pub(super) open: fn(&Path) -> Found<AnyLedger>,
    /// Verifies the whole chain, also beside a writer; tells each number as it is reached.
    pub(super) verify: fn(&Path, &mut dyn FnMut(Head)) -> Found<Verified>,
    /// Verifies the end, also beside a writer, and gives the last record.
    pub(super) inspect: fn(&Path) -> Found<End>,
    /// What it says of these of its records, also beside a writer, without a look at the chain.
    pub(super) heads: fn(&Path, &[u64]) -> Found<Vec<Head>>,
    /// Writes the ledger as it is at one moment, also beside a writer, into a folder in the form of backups.
    pub(super) copy: fn(&Path, &Path) -> Found<()>,
    /// Puts all workspaces of a folder in the form of backups into its own, which has none.
    pub(super) restore: fn(&Path, &Path) -> Found<()>,
}

impl Engine {
    /// The engine of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENGINES.into_iter().find(|engine| engine.name == name)
    }
}

impl PartialEq for Engine {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Engine {}

/// An open ledger of whichever engine.
#[derive(Debug)]
pub enum AnyLedger {
    /// One SQLite file.
    Sqlite(SqliteLedger),
    /// Nothing but memory, for tests.
    #[cfg(test)]
    Memory(MemoryLedger),
}

impl From<SqliteLedger> for AnyLedger {
    fn from(ledger: SqliteLedger) -> Self {
        Self::Sqlite(ledger)
    }
}

#[cfg(test)]
impl From<MemoryLedger> for AnyLedger {
    fn from(ledger: MemoryLedger) -> Self {
        Self::Memory(ledger)
    }
}

/// Asks the same of whichever ledger it is.
macro_rules! ask {
    ($any:expr, $ledger:ident => $question:expr) => {
        match $any {
            AnyLedger::Sqlite($ledger) => $question,
            #[cfg(test)]
            AnyLedger::Memory($ledger) => $question,
        }
    };
}

impl Ledger for AnyLedger {
    fn identity(&self) -> &Identity {
        ask!(self, ledger => ledger.identity())
    }

    async fn head(&self) -> Result<Head, LedgerError> {
        ask!(self, ledger => ledger.head().await)
    }

    async fn append(&self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        ask!(self, ledger => ledger.append(expected, batch).await)
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, LedgerError> {
        ask!(self, ledger => ledger.read(after, limit).await)
    }

    async fn read_many(&self, seqs: Vec<u64>, bytes: usize) -> Result<Vec<Record>, LedgerError> {
        ask!(self, ledger => ledger.read_many(seqs, bytes).await)
    }

    async fn look(&self) -> Result<(), LedgerError> {
        ask!(self, ledger => ledger.look().await)
    }

    async fn recover(&self) -> Result<Head, LedgerError> {
        ask!(self, ledger => ledger.recover().await)
    }

    fn failed_checkpoints(&self) -> u64 {
        ask!(self, ledger => ledger.failed_checkpoints())
    }

    async fn close(&self) {
        ask!(self, ledger => ledger.close().await);
    }
}
