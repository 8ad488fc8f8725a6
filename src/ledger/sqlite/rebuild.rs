//! A ledger that is made again from the bytes of its deeds, as an export has them: the same ledger, by its name and by the hash of
//! every record.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::Connection;

use super::{file, writer};
use crate::ledger::{Head, Identity, LedgerError, MAX_READ_BYTES, chain};

/// As many records are written at once.
const RECORDS: usize = 1_000;

/// A ledger on its way. It is whole once it is finished.
#[derive(Debug)]
pub struct Rebuild {
    path: PathBuf,
    identity: Identity,
    conn: Connection,
    head: Head,
    batch: Vec<Bytes>,
    bytes: usize,
}

impl Rebuild {
    /// Begins it in that file, which is not there yet.
    pub(in crate::ledger) fn begin(path: &Path, identity: &Identity) -> Result<Self, LedgerError> {
        file::fill(path, identity.id, &identity.workspace)?;
        let (conn, identity) = file::open_writer(path)?;
        let head = Head { seq: 0, hash: identity.genesis() };
        Ok(Self { path: path.to_owned(), identity, conn, head, batch: Vec::new(), bytes: 0 })
    }

    /// The next deed, to the byte.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn take(&mut self, deed: &[u8]) -> Result<(), LedgerError> {
        self.batch.push(Bytes::copy_from_slice(deed));
        self.bytes += deed.len();
        if self.batch.len() < RECORDS && self.bytes < MAX_READ_BYTES { Ok(()) } else { self.write() }
    }

    /// Ends it on the disk; where it ends.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> Result<Head, LedgerError> {
        self.write()?;
        file::checkpoint(&self.conn, &self.path)?;
        self.conn.close().map_err(|(_, error)| file::explain(&self.path, &error))?;
        Ok(self.head)
    }

    fn write(&mut self) -> Result<(), LedgerError> {
        self.bytes = 0;
        let records = chain::seal(self.head, std::mem::take(&mut self.batch));
        let Some(last) = records.last().map(crate::ledger::Record::head) else { return Ok(()) };
        let moved = writer::insert(&mut self.conn, &self.identity, self.head, &records);
        match moved.map_err(|error| file::explain(&self.path, &error))? {
            None => {
                self.head = last;
                Ok(())
            }
            Some(_) => Err(LedgerError::Locked {
                place: file::place(&self.path),
                reason: "another process writes to it".to_owned(),
            }),
        }
    }
}
