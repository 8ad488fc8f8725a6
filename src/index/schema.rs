//! The index's tables. What is written into them is `apply`'s business, what is asked of them `query`'s.
//!
//! Words (actors, types, entities, fields …) are interned in `term`; every deed is one row of numbers in `deed`, and
//! `post` lists the deeds of each term in order (`posts`), so that a page of a filter is read off its rarest term. `text` has
//! what deeds say (`texts`), `sieve`, `sieved` and `stacked` where a text may be (`sieve`).

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::IndexError;

/// Grows with every change of the tables or of what is written into them; a mismatch rebuilds the index.
pub(super) const VERSION: i64 = 7;

const TABLES: &str = "
CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, head INTEGER NOT NULL, hash BLOB NOT NULL,
  seal BLOB NOT NULL);
CREATE TABLE term(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL, deeds INTEGER NOT NULL DEFAULT 0,
  UNIQUE(kind, name));
CREATE INDEX term_deeds ON term(kind, deeds);
CREATE TABLE deed(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, class INTEGER NOT NULL, actor INTEGER NOT NULL,
  action INTEGER NOT NULL, type INTEGER NOT NULL, outcome INTEGER NOT NULL, code INTEGER NOT NULL,
  cause INTEGER NOT NULL, correlation INTEGER NOT NULL, map INTEGER NOT NULL);
CREATE INDEX deed_time ON deed(time);
CREATE TABLE post(term INTEGER, first INTEGER, last INTEGER NOT NULL, deeds INTEGER NOT NULL, steps BLOB NOT NULL,
  PRIMARY KEY(term, first)) WITHOUT ROWID;
CREATE TABLE touch(seq INTEGER, entity INTEGER, field INTEGER, version INTEGER NOT NULL,
  PRIMARY KEY(seq, entity, field)) WITHOUT ROWID;
CREATE TABLE ref(kind INTEGER, number INTEGER, seq INTEGER, PRIMARY KEY(kind, number, seq)) WITHOUT ROWID;
CREATE TABLE text(first INTEGER PRIMARY KEY, deeds INTEGER NOT NULL, lengths BLOB NOT NULL, said TEXT NOT NULL);
CREATE TABLE sieve(block INTEGER PRIMARY KEY, bits BLOB NOT NULL);
CREATE TABLE sieved(row INTEGER PRIMARY KEY, lines BLOB NOT NULL);
CREATE TABLE stacked(row INTEGER PRIMARY KEY, lines BLOB NOT NULL);
CREATE TABLE minute(minute INTEGER, outcome INTEGER, deeds INTEGER NOT NULL, PRIMARY KEY(minute, outcome)) WITHOUT ROWID;
CREATE TABLE writer(entity INTEGER, field INTEGER, actor INTEGER, writes INTEGER NOT NULL,
  PRIMARY KEY(entity, field, actor)) WITHOUT ROWID;
CREATE TABLE field(entity INTEGER, field INTEGER, writers INTEGER NOT NULL, writes INTEGER NOT NULL,
  last INTEGER NOT NULL, PRIMARY KEY(entity, field)) WITHOUT ROWID;
CREATE INDEX field_contested ON field(writes) WHERE writers > 1;
";

/// What a term names. The numbers are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TermKind {
    Actor = 1,
    Class = 2,
    Action = 3,
    Type = 4,
    Outcome = 5,
    Code = 6,
    Entity = 7,
    Field = 8,
    /// What stands in an entity's place and is no entity's path; only a deed of another version has one. Patterns pass it by.
    NoEntity = 9,
}

impl TermKind {
    /// The column of `deed` that has the term, for kinds of which a deed has one.
    pub(super) fn column(self) -> Option<&'static str> {
        match self {
            Self::Actor => Some("d.actor"),
            Self::Class => Some("d.class"),
            Self::Action => Some("d.action"),
            Self::Type => Some("d.type"),
            Self::Outcome => Some("d.outcome"),
            Self::Code => Some("d.code"),
            Self::Entity | Self::Field | Self::NoEntity => None,
        }
    }

    pub(super) fn number(self) -> i64 {
        self as i64
    }
}

/// What a number of a deed refers to. The numbers are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefKind {
    Item = 1,
    Alert = 2,
    Work = 3,
    Cause = 4,
}

impl RefKind {
    pub(super) fn number(self) -> i64 {
        self as i64
    }
}

/// Whether the file holds an index of this version for this ledger.
pub(super) fn fits(connection: &Connection, identity: &str) -> Result<bool, rusqlite::Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        return Ok(false);
    }
    connection.query_row("SELECT identity = ? FROM meta", [identity], |row| row.get(0))
}

/// What the head in `meta` is sealed with: who is asked where a ledger ended must not say what a broken page says.
pub(super) fn seal(identity: &str, seq: i64, hash: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(identity);
    hasher.update(seq.to_be_bytes());
    hasher.update(hash);
    hasher.finalize().into()
}

/// Lays out the tables of an empty index.
pub(super) fn create(connection: &mut Connection, identity: &str) -> Result<(), IndexError> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO meta VALUES (1, ?, 0, x'', x'')", [identity])?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}
