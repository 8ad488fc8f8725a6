//! A thread that reads, over a connection that can't write and that the writer never makes wait.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use super::file;
use crate::ledger::{Head, Identity, LedgerError, MAX_READ_BYTES, MAX_READ_RECORDS, Record};

type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// What a reader is asked.
pub(super) enum Command {
    Head { reply: Reply<Head> },
    Read { after: u64, limit: usize, reply: Reply<Vec<Record>> },
    ReadMany { seqs: Vec<u64>, reply: Reply<Vec<Record>> },
    Close { reply: oneshot::Sender<()> },
}

pub(super) struct Reader {
    path: PathBuf,
    identity: Identity,
    /// Absent after an error, until the next request opens it anew.
    conn: Option<Connection>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let (conn, identity) = file::open_reader(path)?;
        Ok(Self { path: path.to_owned(), identity, conn: Some(conn) })
    }

    /// Works until it is told to close or until nobody can ask any more.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(command) = commands.blocking_recv() {
            match command {
                Command::Head { reply } => {
                    let identity = self.identity.clone();
                    drop(reply.send(self.query(|conn| file::head(conn, &identity))));
                }
                Command::Read { after, limit, reply } => {
                    drop(reply.send(self.query(|conn| read(conn, after, limit))));
                }
                Command::ReadMany { seqs, reply } => {
                    drop(reply.send(self.query(|conn| read_many(conn, &seqs))));
                }
                Command::Close { reply } => {
                    drop(self.conn.take());
                    reply.send(()).unwrap_or_default();
                    return;
                }
            }
        }
    }

    fn query<T>(&mut self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => file::open_reader(&self.path)?.0,
        };
        let answer = ask(&conn).map_err(|error| file::explain(&self.path, &error))?;
        self.conn = Some(conn);
        Ok(answer)
    }
}

pub(super) fn read(conn: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Record>> {
    let limit = limit.min(MAX_READ_RECORDS);
    let mut statement =
        conn.prepare_cached("SELECT seq, hash, bytes FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = statement.query(params![in_range(after), limit])?;
    let (mut page, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let record = file::record(row)?;
        size += record.bytes.len();
        page.push(record);
        if size > MAX_READ_BYTES {
            break;
        }
    }
    Ok(page)
}

pub(super) fn read_many(conn: &Connection, seqs: &[u64]) -> rusqlite::Result<Vec<Record>> {
    let mut statement = conn.prepare_cached("SELECT seq, hash, bytes FROM record WHERE seq = ?1")?;
    let mut found = Vec::new();
    for seq in seqs.iter().take(MAX_READ_RECORDS) {
        found.extend(statement.query_row([in_range(*seq)], file::record).optional()?);
    }
    Ok(found)
}

/// SQLite's numbers end earlier than ours; beyond its last one there are no records either.
fn in_range(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
