//! What writes. It has the only connection that can, and after any error it trusts nothing that it has
//! not read again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};

use super::checkpointer::Checkpointer;
use super::held::{self, Held};
use super::{file, log};
use crate::ledger::mark::Mark;
use crate::ledger::{Append, Head, Identity, LedgerError, Record, chain};

/// How often the write-ahead log is gone through where nothing calls for it.
const LOG_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    identity: Identity,
    /// Absent while the storage is not trusted: after an error, until it was opened and verified anew.
    conn: Option<Connection>,
    checkpointer: Checkpointer,
    /// The files that it writes to.
    held: Held,
    /// That they are gone; from then on nothing is written.
    gone: Option<LedgerError>,
    /// The connection from then on. While it is open nobody else takes the log for what a crash left, and cuts it at the damage.
    kept: Option<Connection>,
    /// When the write-ahead log was gone through last.
    looked_through: Option<Instant>,
    /// Where the last durable head is noted.
    mark: Mark,
}

impl Writer {
    /// Opens the file and verifies its tail.
    pub(super) fn open(path: &Path) -> Result<(Self, Identity), LedgerError> {
        let (conn, identity) = file::open_writer(path)?;
        file::check_tail(&conn, path, &identity)?;
        let (mark, checkpointer) = (Mark::new(path, identity.source()), Checkpointer::new(path));
        let (path, held) = (path.to_owned(), Held::of(path));
        let (ours, conn) = (identity.clone(), Some(conn));
        let (gone, kept, looked_through) = (None, None, None);
        let writer =
            Self { path, identity: ours, conn, checkpointer, held, gone, kept, looked_through, mark };
        Ok((writer, identity))
    }

    /// How often in a row a checkpoint failed.
    pub(super) fn failed_checkpoints(&self) -> Arc<AtomicU64> {
        self.checkpointer.failed()
    }

    /// Lets go of the files, with everything in them that can be.
    pub(super) fn close(mut self) {
        self.checkpointer.finish();
        // Closing a file that is gone lets go of the last that there is of it.
        if self.look_through().is_err() {
            self.keep_what_is_left();
        }
        drop((self.conn.take(), self.kept.take()));
        self.say_what_stays();
        self.mark.sync();
    }

    /// A log that is there after the last connection closed could not be brought in; nothing is lost while it stays.
    fn say_what_stays(&self) {
        let log = self.path.with_file_name(file::beside(&self.path, "-wal"));
        if self.gone.is_none() && log.metadata().is_ok_and(|about| about.len() > 0) {
            tracing::warn!(place = %log.display(), "the write-ahead log stays: it could not be brought into the ledger's file, and has the last deeds");
        }
    }

    /// Where the files are gone, keeps what the connection still reads, once, and brings nothing more into them.
    pub(super) fn keep_what_is_left(&mut self) {
        if let Some(gone) = self.gone.clone()
            && let Some(conn) = self.conn.take()
        {
            self.rescue(&conn, &gone);
            if let Err(error) = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
                tracing::warn!(%error, "the write-ahead log may be brought in");
            }
            self.kept = Some(conn);
        }
    }

    /// Looks at the files; once they are gone they stay so.
    fn look(&mut self) -> Result<(), LedgerError> {
        let found = self.gone.clone().map_or_else(|| self.held.look(), Err).and_then(|()| self.look_into());
        self.gone = found.clone().err();
        found
    }

    /// The same, and now and then through the write-ahead log.
    pub(super) fn look_each_second(&mut self) -> Result<(), LedgerError> {
        let is_due = self.looked_through.is_none_or(|at| at.elapsed() >= LOG_EVERY);
        if is_due { self.look_through() } else { self.look() }
    }

    /// The same, and through the write-ahead log. No commit calls for it: the log may be long.
    fn look_through(&mut self) -> Result<(), LedgerError> {
        self.look()?;
        let found = self.conn.as_ref().map_or(Ok(()), |conn| log::check(conn, &self.path));
        self.looked_through = Some(Instant::now());
        self.gone = found.clone().err();
        found
    }

    /// Looks into the file where it was written and not by us.
    fn look_into(&mut self) -> Result<(), LedgerError> {
        let Some(changed) = self.held.changed().filter(|_| !self.checkpointer.is_running()) else {
            return Ok(());
        };
        let ours = self.checkpointer.left() == Some(changed);
        let exchanged = |conn| held::exchanged(conn, &self.path, &self.identity);
        if let Some(why) = self.conn.as_ref().filter(|_| !ours).and_then(exchanged) {
            return Err(why);
        }
        self.held.settle();
        Ok(())
    }

    fn rescue(&self, conn: &Connection, gone: &LedgerError) {
        match held::rescue(conn, &self.path, &self.identity) {
            Ok((place, head)) => {
                tracing::error!(%gone, place = %place.display(), deeds = head.seq, "every deed was kept as an export");
            }
            Err(error) => tracing::error!(%gone, %error, "not every deed could be kept as an export"),
        }
    }

    /// What is durable is noted before anybody is told of it.
    pub(super) fn append(&mut self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        let appended = self.append_to_disk(expected, batch)?;
        if let Append::Appended(records) = &appended
            && let Some(last) = records.last()
        {
            self.mark.set(last.head());
        }
        Ok(appended)
    }

    fn append_to_disk(&mut self, expected: Head, batch: Vec<Bytes>) -> Result<Append, LedgerError> {
        self.look()?;
        let records = chain::seal(expected, batch);
        if self.conn.is_none() {
            self.recover()?;
        }
        let Some(conn) = self.conn.as_mut() else {
            return Err(LedgerError::Closed { place: file::place(&self.path) });
        };
        match insert(conn, &self.identity, expected, &records) {
            // Only of files that are still there: the checkpoint opens them by their names.
            Ok(None) => match self.look() {
                Ok(()) => {
                    self.checkpointer.committed(records.iter().map(|record| record.bytes.len()).sum());
                    Ok(Append::Appended(records))
                }
                Err(gone) => Err(self.unknown(gone.clone(), gone)),
            },
            Ok(Some(head)) => Ok(Append::Moved(head)),
            Err(error) => self.after_failure(expected, records, &error),
        }
    }

    /// Never retries in place: closes, opens anew, and looks what the disk says. What is there is there, what is not
    /// was not recorded, and if the disk can't say, that is the answer.
    fn after_failure(
        &mut self,
        expected: Head,
        records: Vec<Record>,
        error: &rusqlite::Error,
    ) -> Result<Append, LedgerError> {
        let first = file::explain(&self.path, error);
        match self.recover() {
            Ok(head) if head == expected => Err(first),
            Ok(head) => match self.holds(records.last()) {
                Ok(true) => Ok(Append::Appended(records)),
                Ok(false) => Ok(Append::Moved(head)),
                Err(then) => Err(self.unknown(first, then)),
            },
            Err(then) => Err(self.unknown(first, then)),
        }
    }

    /// Whether this very record is on disk. Its hash vouches for all that are in front of it.
    fn holds(&self, record: Option<&Record>) -> Result<bool, LedgerError> {
        let (Some(conn), Some(record)) = (&self.conn, record) else { return Ok(false) };
        let stored: Option<[u8; 32]> = conn
            .query_row("SELECT hash FROM record WHERE seq = ?1", [record.seq], |row| row.get(0))
            .optional()
            .map_err(|error| file::explain(&self.path, &error))?;
        Ok(stored == Some(record.hash.0))
    }

    fn unknown(&self, first: LedgerError, then: LedgerError) -> LedgerError {
        let (place, first, then) = (file::place(&self.path), Box::new(first), Box::new(then));
        LedgerError::OutcomeUnknown { place, first, then }
    }

    /// Stop, close, open, checkpoint the write-ahead log, verify the tail; then go on, or stay down.
    pub(super) fn recover(&mut self) -> Result<Head, LedgerError> {
        self.look_through()?;
        drop(self.conn.take());
        let (conn, identity) = file::open_writer(&self.path)?;
        if identity != self.identity {
            return Err(LedgerError::NotALedger {
                place: file::place(&self.path),
                reason: "the file was exchanged for another ledger while in use".to_owned(),
            });
        }
        self.checkpointer.finish();
        file::checkpoint(&conn, &self.path)?;
        let head = file::check_tail(&conn, &self.path, &self.identity)?;
        self.conn = Some(conn);
        self.held = Held::of(&self.path);
        Ok(head)
    }
}

/// One transaction: compare the head, write, commit. Answers the real head if it is not the expected one.
pub(super) fn insert(
    conn: &mut Connection,
    identity: &Identity,
    expected: Head,
    records: &[Record],
) -> rusqlite::Result<Option<Head>> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let head = file::head(&transaction, identity)?;
    if head != expected {
        return Ok(Some(head));
    }
    {
        let mut statement =
            transaction.prepare_cached("INSERT INTO record (seq, hash, bytes) VALUES (?1, ?2, ?3)")?;
        for record in records {
            match statement.execute(params![record.seq, record.hash.0, &record.bytes[..]]) {
                Ok(_) => {}
                // The key itself guards the sequence, should two writers ever get past the comparison.
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    return file::head(&transaction, identity).map(Some);
                }
                Err(error) => return Err(error),
            }
        }
    }
    transaction.commit()?;
    Ok(None)
}
