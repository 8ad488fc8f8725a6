//! The engines: a row for each says by which name it is chosen, the trait what it does for a workspace's folder, and
//! [`AnyLedger`] is an open ledger of whichever engine. What is asked of a ledger stands in the port, what is asked of
//! a data directory in the [store](super::Store).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::nodes::Nodes;
use super::{
    Append, Head, Identity, Ledger, LedgerError, Postgres, PostgresLedger, Record, SqliteLedger, Verified,
    sqlite,
};
use crate::domain::ids::WorkspaceId;

#[cfg(test)]
use super::MemoryLedger;

type Found<T> = Result<T, LedgerError>;
/// How a ledger's end was found, and its last record.
type End = (Verified, Option<Record>);

/// What keeps ledgers. Folders are those of one workspace in a [store](super::Store), but for `list` and `restore`, which are
/// given the folder of them all. All of it blocks.
pub trait Engine: fmt::Debug + Send + Sync {
    /// The name by which it is chosen.
    fn name(&self) -> &'static str;

    /// How the ledger in that folder is called in errors and lists.
    fn place(&self, folder: &Path) -> String;

    /// The workspaces that have something here, whether or not it opens, in order.
    ///
    /// # Errors
    /// When it can't be looked at.
    fn list(&self, root: &Path) -> Found<Vec<WorkspaceId>>;

    /// Whether a file of that name in a workspace's folder is a ledger that was being made.
    fn is_draft(&self, _name: &str) -> bool {
        false
    }

    /// Keeps a copy of what was not brought into the ledger yet, where it is opened though deeds are missing.
    ///
    /// # Errors
    /// When there is no room for it.
    fn set_log_apart(&self, _folder: &Path) -> Found<()> {
        Ok(())
    }

    /// Opens the ledger of that workspace, and makes it if there is none.
    ///
    /// # Errors
    /// When it can be neither opened nor made.
    fn create(&self, folder: &Path, workspace: &WorkspaceId) -> Found<AnyLedger>;

    /// Which ledger it says it is, without a look at its records.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    fn identity(&self, folder: &Path) -> Found<Identity>;

    /// Opens a ledger that exists, and verifies its end.
    ///
    /// # Errors
    /// When there is none, or its end does not hold.
    fn open(&self, folder: &Path) -> Found<AnyLedger>;

    /// Verifies the whole chain, also beside a writer; tells each number as it is reached.
    ///
    /// # Errors
    /// When it does not hold.
    fn verify(&self, folder: &Path, progress: &mut dyn FnMut(Head)) -> Found<Verified>;

    /// Verifies the end, also beside a writer, and gives the last record.
    ///
    /// # Errors
    /// When it does not hold.
    fn inspect(&self, folder: &Path) -> Found<End>;

    /// Gives every record in order, the chain verified, also beside a writer.
    ///
    /// # Errors
    /// When it does not hold.
    fn read_all(&self, folder: &Path, each: &mut dyn FnMut(Record)) -> Found<Verified>;

    /// Whether there is a ledger, or something that may be one.
    fn has(&self, folder: &Path) -> bool;

    /// What it says of these of its records, also beside a writer, without a look at the chain.
    ///
    /// # Errors
    /// When they can't be read.
    fn heads(&self, folder: &Path, seqs: &[u64]) -> Found<Vec<Head>>;

    /// Writes the ledger as it is at one moment, also beside a writer, into a folder in the form of backups.
    ///
    /// # Errors
    /// When it can't be read or written.
    fn copy(&self, folder: &Path, to: &Path) -> Found<()>;

    /// Puts all workspaces of a folder in the form of backups into its own, which has none.
    ///
    /// # Errors
    /// When something is in the way, or can't be written.
    fn restore(&self, from: &Path, root: &Path) -> Found<()>;

    /// What nodes tell each other through it; an engine that one process has for itself has none.
    fn nodes(&self) -> Option<Arc<dyn Nodes>> {
        None
    }

    /// The workspace whose admins are all nodes'; none where the engine does not keep it, or nobody has said it.
    ///
    /// # Errors
    /// When it can't be asked.
    fn home(&self) -> Found<Option<WorkspaceId>> {
        Ok(None)
    }

    /// Says which it is, where nobody has, or the one that was said has no ledger; false where the engine does not keep that.
    ///
    /// # Errors
    /// When it can't be written.
    fn say_home(&self, _home: &WorkspaceId) -> Found<bool> {
        Ok(false)
    }

    /// Where these ledgers end, for an engine whose ledgers are no files of the folder: by workspace, without those that it lacks.
    ///
    /// # Errors
    /// When it can't be asked.
    fn ends(&self, _workspaces: &[WorkspaceId]) -> Found<Option<Vec<(WorkspaceId, Head)>>> {
        Ok(None)
    }
}

/// With what an engine is reached, as the settings say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The address of the database.
    pub postgres: Option<Secret>,
    /// The file with its password.
    pub password_file: Option<PathBuf>,
    /// How many synchronous standbys are promised; with 0 nothing is.
    pub standbys: u32,
}

/// What is not shown, for it may have a password in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A row of the table of engines.
#[derive(Debug)]
pub struct Choice {
    /// The name by which it is chosen.
    pub name: &'static str,
    /// What it needs to be reached is looked at, nothing is connected.
    pub open: fn(&Reached) -> Found<Arc<dyn Engine>>,
}

/// Every engine that can be chosen; the first is taken where none is named.
pub const ENGINES: [Choice; 2] = [
    Choice { name: "sqlite", open: |_| Ok(embedded()) },
    Choice { name: "postgres", open: |reached| Ok(Arc::new(Postgres::reached(reached)?)) },
];

/// The one that needs nothing but a folder.
pub fn embedded() -> Arc<dyn Engine> {
    Arc::new(sqlite::ENGINE)
}

impl Choice {
    /// The engine of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENGINES.iter().find(|engine| engine.name == name)
    }
}

impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Choice {}

/// An open ledger of whichever engine.
#[derive(Debug)]
pub enum AnyLedger {
    /// One SQLite file.
    Sqlite(SqliteLedger),
    /// The rows of one workspace in PostgreSQL.
    Postgres(PostgresLedger),
    /// Nothing but memory, for tests.
    #[cfg(test)]
    Memory(MemoryLedger),
}

impl From<SqliteLedger> for AnyLedger {
    fn from(ledger: SqliteLedger) -> Self {
        Self::Sqlite(ledger)
    }
}

impl From<PostgresLedger> for AnyLedger {
    fn from(ledger: PostgresLedger) -> Self {
        Self::Postgres(ledger)
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
            AnyLedger::Postgres($ledger) => $question,
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

    async fn settled(&self) -> Result<Head, LedgerError> {
        ask!(self, ledger => ledger.settled().await)
    }

    fn failed_checkpoints(&self) -> u64 {
        ask!(self, ledger => ledger.failed_checkpoints())
    }

    async fn close(&self) {
        ask!(self, ledger => ledger.close().await);
    }
}
