//! The ledger in PostgreSQL: one table of a database for all workspaces of all nodes (several databases share them, `databases`), whose primary key is workspace and sequence, so that
//! an append is a compare-and-set for any number of nodes. Row 0 of a workspace says which ledger it is.
//!
//! Nothing that was read is believed after a connection was lost, or after a commit that did not wait for its standby, before
//! a barrier: a write that was committed synchronously after it (`link`). What became of an append whose answer was lost is
//! settled by sending the same records again (`settle`): one that is still under way on the server is waited
//! for there, by the primary key.
//!
//! Beside the ledgers lie the directory of workspaces with who holds each, the nodes that are there (`nodes`), and which
//! workspace is the home. What was recorded is told over a connection of its own (`notices`), and another one asks whether the
//! database keeps what is promised of it (`promise`).

mod databases;
mod engine;
mod error;
mod link;
mod nodes;
mod notices;
mod promise;
mod rows;
mod schema;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

pub use engine::Postgres;
use error::Failed;
use link::Database;

use super::{Append, Head, Identity, Ledger, LedgerError, Record, chain, check_batch};

/// How long an append whose answer was lost is sent again before its outcome is said to be unknown.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(100);

/// One workspace's ledger, open for appending.
#[derive(Debug)]
pub struct PostgresLedger {
    database: Arc<Database>,
    place: String,
    identity: Identity,
    closed: AtomicBool,
}

/// What became of one attempt to append.
enum Attempt {
    /// It is recorded.
    Done,
    /// It was not, for the ledger ends elsewhere.
    Elsewhere,
}

impl PostgresLedger {
    fn is_open(&self) -> Result<(), LedgerError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(LedgerError::Closed { place: self.place.clone() });
        }
        Ok(())
    }

    fn told(&self, failed: Failed) -> LedgerError {
        failed.told(&self.place)
    }

    /// Sends the records once.
    async fn send(&self, expected: Head, records: &Arc<[Record]>) -> Result<Attempt, Failed> {
        let (workspace, records) = (self.identity.workspace.clone(), Arc::clone(records));
        self.database
            .ask(async move |client| match rows::insert(&client, &workspace, expected, &records).await {
                Ok(true) => Ok(Attempt::Done),
                Ok(false) => Ok(Attempt::Elsewhere),
                Err(error) if error::is_taken(&error) => Ok(Attempt::Elsewhere),
                Err(error) => Err(error.into()),
            })
            .await
    }

    /// Whether exactly these records stand where they belong, as a standby has them, too.
    async fn stands(&self, expected: Head, records: &Arc<[Record]>) -> Result<bool, Failed> {
        self.database.barrier().await?;
        let (workspace, records) = (self.identity.workspace.clone(), Arc::clone(records));
        self.database
            .ask(async move |client| Ok(rows::stand(&client, &workspace, expected, &records).await?))
            .await
    }

    /// Sends them again until it is known what became of them.
    async fn settle(
        &self,
        expected: Head,
        records: &Arc<[Record]>,
        first: Failed,
    ) -> Result<Attempt, LedgerError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let again = match self.send(expected, records).await {
                // Taken by nobody but one of the attempts before, or by somebody else.
                Ok(Attempt::Elsewhere) => self
                    .stands(expected, records)
                    .await
                    .map(|stands| if stands { Attempt::Done } else { Attempt::Elsewhere }),
                done => done,
            };
            match again {
                Ok(known) => return Ok(known),
                Err(then) if Instant::now() >= until => {
                    let (first, then) = (Box::new(self.told(first)), Box::new(self.told(then)));
                    return Err(LedgerError::OutcomeUnknown { place: self.place.clone(), first, then });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

impl Ledger for PostgresLedger {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn head(&self) -> Result<Head, LedgerError> {
        self.is_open()?;
        let workspace = self.identity.workspace.clone();
        let head = self.database.ask(async move |client| rows::head(&client, &workspace).await).await;
        head.map_err(|failed| self.told(failed))
    }

    async fn append(&self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        self.is_open()?;
        check_batch(&self.place, &batch)?;
        let records: Arc<[Record]> = chain::seal(expected, batch).into();
        let attempt = match self.send(expected, &records).await {
            Err(failed) if failed.outcome_unknown() => self.settle(expected, &records, failed).await?,
            attempt => attempt.map_err(|failed| self.told(failed))?,
        };
        match attempt {
            Attempt::Done => Ok(Append::Appended(records.to_vec())),
            Attempt::Elsewhere => Ok(Append::Moved(self.recover().await?)),
        }
    }

    async fn read(&self, after: u64, limit: usize) -> Result<Vec<Record>, LedgerError> {
        self.is_open()?;
        let workspace = self.identity.workspace.clone();
        let page =
            self.database.ask(async move |client| rows::page(&client, &workspace, after, limit).await).await;
        page.map_err(|failed| self.told(failed))
    }

    async fn read_many(&self, seqs: Vec<u64>, bytes: usize) -> Result<Vec<Record>, LedgerError> {
        self.is_open()?;
        let workspace = self.identity.workspace.clone();
        let found = self
            .database
            .ask(async move |client| Ok(rows::some(&client, &workspace, &seqs, bytes).await?))
            .await;
        found.map_err(|failed| self.told(failed))
    }

    async fn look(&self) -> Result<(), LedgerError> {
        self.database.look().await
    }

    async fn recover(&self) -> Result<Head, LedgerError> {
        self.is_open()?;
        let (over, place, identity) = (Arc::clone(&self.database), self.place.clone(), self.identity.clone());
        let head = self
            .database
            .ask(async move |client| rows::check_tail(&client, &over, &place, &identity).await)
            .await;
        head.map_err(|failed| self.told(failed))
    }

    async fn settled(&self) -> Result<Head, LedgerError> {
        self.is_open()?;
        let head = self.head().await?;
        self.database.barrier().await.map_err(|failed| self.told(failed))?;
        Ok(head)
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}
