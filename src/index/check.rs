//! Whether an index says what its ledger says. An index is a cache: nothing in it is sealed, and a flipped bit in it is an answer
//! that is wrong without a word. So what it has of some deeds is compared with what those deeds make of an empty one, and its counts
//! with each other.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use rusqlite::{Connection, Params, Row, params};

use super::{Entry, Head, Index, IndexError, apply, head, look, schema, to_sql};
use crate::domain::ids::Seq;

/// What a deed is, by words and not by their numbers, which are another index's own.
const DEEDS: &str = "SELECT d.seq || ' ' || d.time || ' ' || class.name || ' ' || actor.name || ' ' || action.name || ' ' || type.name || ' ' ||
    outcome.name || ' ' || coalesce(code.name, '') || ' ' || d.cause || ' ' || d.correlation || ' ' || d.map || ' ' || text.folded
  FROM deed d JOIN term class ON class.id = d.class JOIN term actor ON actor.id = d.actor JOIN term action ON action.id = d.action
  JOIN term type ON type.id = d.type JOIN term outcome ON outcome.id = d.outcome LEFT JOIN term code ON code.id = d.code
  JOIN text ON text.seq = d.seq WHERE d.seq BETWEEN ? AND ? ORDER BY d.seq";
const TOUCHES: &str =
    "SELECT touch.seq || ' ' || entity.name || '#' || coalesce(field.name, '') || ' ' || touch.version
  FROM touch JOIN term entity ON entity.id = touch.entity LEFT JOIN term field ON field.id = touch.field
  WHERE touch.seq BETWEEN ? AND ? ORDER BY touch.seq, entity.name, field.name";
/// What others are found by.
const POSTS: &str = "SELECT term.kind, term.name, post.seq FROM post JOIN term ON term.id = post.term";
const POST: &str =
    "SELECT count(*) FROM term JOIN post ON post.term = term.id WHERE kind = ? AND name = ? AND post.seq = ?";
const REFS: &str = "SELECT kind, number, seq FROM ref";
const REF: &str = "SELECT count(*) FROM ref WHERE kind = ? AND number = ? AND seq = ?";
/// How many deeds there are by each table that has one row of each, or counts them.
const COUNTS: [&str; 4] = [
    "SELECT count(*) FROM deed",
    "SELECT coalesce(max(seq), 0) FROM deed",
    "SELECT count(*) FROM text",
    "SELECT coalesce(sum(deeds), 0) FROM minute",
];
/// Where two tables count the same.
const PAIRS: [(&str, &str); 2] = [
    ("SELECT count(*) FROM post", "SELECT coalesce(sum(deeds), 0) FROM term"),
    ("SELECT coalesce(sum(writes), 0) FROM writer", "SELECT coalesce(sum(writes), 0) FROM field"),
];

impl Index {
    /// Compares the counts, and looks at every page's form. Reads the whole file.
    ///
    /// # Errors
    /// [`IndexError::Wrong`] where something does not agree.
    pub fn check_counts(&self) -> Result<(), IndexError> {
        self.read(counts)
    }

    /// Compares what it has of these deeds, which follow each other, with what they say.
    ///
    /// # Errors
    /// [`IndexError::Wrong`] where something does not agree.
    pub fn check(&self, entries: &[Entry<'_>]) -> Result<(), IndexError> {
        self.read(|connection| compare(connection, entries).map(drop))
    }
}

/// An index in a file that is looked at and used for nothing else, compared with its ledger from the first deed on.
#[derive(Debug)]
pub struct Looked {
    connection: Connection,
    head: Head,
    /// What the deeds so far make of the full text.
    words: Words,
}

impl Looked {
    /// Looks at the index in that file; none where it would be made anew: it is none, of another version or ledger.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn at(path: &Path, identity: &str) -> Result<Option<Self>, IndexError> {
        let connection = look(path)?;
        let head = head(&connection)?;
        let fits = schema::fits(&connection, identity)?;
        Ok(fits.then_some(Self { connection, head, words: Words::default() }))
    }

    /// How far it had got.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// As [`Index::check_counts`].
    ///
    /// # Errors
    /// The same.
    pub fn check_counts(&self) -> Result<(), IndexError> {
        counts(&*self.connection.unchecked_transaction()?)
    }

    /// As [`Index::check`], of the deeds that follow those of before and are not beyond its head.
    ///
    /// # Errors
    /// The same.
    pub fn check_next(&mut self, entries: &[Entry<'_>]) -> Result<(), IndexError> {
        let anew = compare(&self.connection, entries)?;
        if let Some(anew) = anew {
            self.words.add(&anew, self.head.seq)?;
        }
        Ok(())
    }

    /// Whether the full text has every deed up to its head under every word, once they all were compared. Reads it whole.
    ///
    /// # Errors
    /// [`IndexError::Wrong`] where it does not agree.
    pub fn check_words(&self) -> Result<(), IndexError> {
        let mut here = Words::default();
        here.add(&*self.connection.unchecked_transaction()?, self.head.seq)?;
        if here == self.words {
            return Ok(());
        }
        Err(IndexError::Wrong { what: "its full text finds other deeds than those that say it".to_owned() })
    }
}

/// Which deeds the full text has under which words, as a sum in which no order matters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    count: u64,
    sum: u64,
}

impl Words {
    /// What another process has indexed meanwhile, beyond that deed, is left out.
    fn add(&mut self, connection: &Connection, end: Seq) -> Result<(), IndexError> {
        connection.execute_batch(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, instance)",
        )?;
        let mut statement = connection.prepare("SELECT term, doc FROM temp.vocabulary")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let deed: i64 = row.get(1)?;
            if deed > to_sql(end.0) {
                continue;
            }
            let mut hasher = DefaultHasher::new();
            row.get_ref(0)?.as_bytes().unwrap_or_default().hash(&mut hasher);
            deed.hash(&mut hasher);
            self.count += 1;
            self.sum = self.sum.wrapping_add(hasher.finish());
        }
        Ok(())
    }
}

/// What these deeds alone make of an index, with which it agrees.
fn compare(connection: &Connection, entries: &[Entry<'_>]) -> Result<Option<Connection>, IndexError> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(None) };
    let range = [to_sql(first.seq.0), to_sql(last.seq.0)];
    let anew = anew(connection, first.seq, entries)?;
    for sql in [DEEDS, TOUCHES] {
        let text = |row: &Row<'_>| row.get::<_, String>(0);
        let (here, there) = (rows(connection, sql, range, text)?, rows(&anew, sql, range, text)?);
        if let Some(place) = here.iter().zip(&there).find(|(here, there)| here != there) {
            return Err(IndexError::Wrong { what: format!("it says {:?} for {:?}", place.0, place.1) });
        }
        agree("rows", to_sql(here.len() as u64), to_sql(there.len() as u64))?;
    }
    let found = |sql: &str, kind: i64, name: &dyn rusqlite::ToSql, seq: i64| {
        let count = connection
            .prepare_cached(sql)?
            .query_row(params![kind, name, seq], |row| row.get::<_, i64>(0))?;
        agree(sql, count, 1)
    };
    let post = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?));
    for (kind, name, seq) in rows(&anew, POSTS, [], post)? {
        found(POST, kind, &name, seq)?;
    }
    let reference = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?));
    for (kind, number, seq) in rows(&anew, REFS, [], reference)? {
        found(REF, kind, &number, seq)?;
    }
    Ok(Some(anew))
}

fn counts(connection: &Connection) -> Result<(), IndexError> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(IndexError::Wrong { what: said });
    }
    let deeds = to_sql(head(connection)?.seq.0);
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    for sql in COUNTS {
        agree(sql, number(sql)?, deeds)?;
    }
    for (one, other) in PAIRS {
        agree(one, number(one)?, number(other)?)?;
    }
    Ok(())
}

/// An index in memory of these deeds alone.
fn anew(of: &Connection, first: Seq, entries: &[Entry<'_>]) -> Result<Connection, IndexError> {
    let mut anew = Connection::open_in_memory()?;
    schema::create(&mut anew, "")?;
    let before = to_sql(first.0.saturating_sub(1));
    anew.execute("UPDATE meta SET head = ?", [before])?;
    apply::apply_after(&mut anew, entries, apply::last_time(of, before)?)?;
    Ok(anew)
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, IndexError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters, row)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

fn agree(what: &str, found: i64, due: i64) -> Result<(), IndexError> {
    if found == due {
        return Ok(());
    }
    Err(IndexError::Wrong { what: format!("{what}: {found} and not {due}") })
}
