//! Asking the index what a filter has become (`plan`): from the source to candidates, some at a time, and from them to the deeds
//! that meet the conditions.

use std::rc::Rc;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};

use super::schema::RefKind;
use super::{IndexError, posts, texts, to_sql};
use crate::domain::filter::Numbers;

/// Candidates beyond this are not gathered first: the deeds are read in order instead.
pub(super) const GATHERED: u64 = 100_000;
/// How many candidates are asked for their conditions at once.
const AT_ONCE: usize = 128;

/// A piece of SQL with what is bound in it, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    pub(super) sql: String,
    pub(super) bound: Vec<Sql>,
}

impl Fragment {
    pub(super) fn new(sql: impl Into<String>, bound: Vec<Sql>) -> Self {
        Self { sql: sql.into(), bound }
    }

    fn rows<T>(
        self,
        connection: &Connection,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let rows = statement.query_map(params_from_iter(self.bound), row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Adds another piece behind this one.
    pub(super) fn push(&mut self, joint: &str, other: Self) {
        self.sql.push_str(joint);
        self.sql.push_str(&other.sql);
        self.bound.extend(other.bound);
    }
}

/// A filter ready to be asked.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) source: Source,
    /// Terms in whose lists the candidates are, too.
    pub(super) beside: Vec<i64>,
    /// What else is asked of a row `d` of `deed`, each with ` AND ` before it.
    pub(super) conditions: Fragment,
    /// The first and the last deed that can be meant, where that is known.
    pub(super) between: (i64, i64),
    pub(super) head: i64,
}

impl Prepared {
    /// The numbers of the deeds between the bounds, in the order asked for.
    pub(super) fn seqs(
        &self,
        connection: &Connection,
        between: (i64, i64),
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<i64>, IndexError> {
        let Some(mut candidates) = self.candidates(connection, between, newest_first)? else {
            let order = if newest_first { "DESC" } else { "ASC" };
            let end = format!("ORDER BY d.seq {order} LIMIT {limit}");
            return self.scan(connection, "d.seq", &[], between, &end, |row| row.get(0));
        };
        let mut found = Vec::new();
        while let Some(some) = candidates.next(connection)? {
            let mut meant = if self.conditions.sql.is_empty() {
                some
            } else {
                self.of(connection, "d.seq", &[], some, "", |row| row.get(0))?
            };
            meant.sort_unstable();
            if newest_first {
                meant.reverse();
            }
            found.extend(meant);
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        Ok(found)
    }

    /// How many deeds lie between the bounds.
    pub(super) fn count(&self, connection: &Connection, between: (i64, i64)) -> Result<u64, IndexError> {
        if self.conditions.sql.is_empty()
            && let Some(mut candidates) = self.candidates(connection, between, false)?
        {
            let mut count = 0;
            while let Some(some) = candidates.next(connection)? {
                count += some.len() as u64;
            }
            return Ok(count);
        }
        let counted = self.rows(connection, "count(*)", &[], between, "", |row| row.get::<_, i64>(0))?;
        Ok(counted.into_iter().map(super::from_sql).sum())
    }

    /// What all the deeds say by groups, where the groups may come in several rows.
    pub(super) fn grouped<T>(
        &self,
        connection: &Connection,
        columns: &str,
        bound: &[Sql],
        group: &str,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        self.rows(connection, columns, bound, (0, i64::MAX), group, row)
    }

    fn rows<T>(
        &self,
        connection: &Connection,
        columns: &str,
        bound: &[Sql],
        between: (i64, i64),
        end: &str,
        mut row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        let Some(mut candidates) = self.candidates(connection, between, false)? else {
            return self.scan(connection, columns, bound, between, end, row);
        };
        let mut rows = Vec::new();
        while let Some(some) = candidates.next(connection)? {
            rows.extend(self.of(connection, columns, bound, some, end, &mut row)?);
        }
        Ok(rows)
    }

    /// Asks the deeds in their order.
    fn scan<T>(
        &self,
        connection: &Connection,
        columns: &str,
        bound: &[Sql],
        between: (i64, i64),
        end: &str,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        let (low, high) = both(self.between, between);
        let mut asked =
            Fragment::new(format!("SELECT {columns} FROM deed d NOT INDEXED WHERE 1"), bound.to_vec());
        asked.push("", self.conditions.clone());
        asked.push(" AND ", Fragment::new("d.seq BETWEEN ? AND ? ", vec![Sql::from(low), Sql::from(high)]));
        asked.sql.push_str(end);
        asked.rows(connection, row)
    }

    /// Asks these deeds.
    fn of<T>(
        &self,
        connection: &Connection,
        columns: &str,
        bound: &[Sql],
        seqs: Vec<i64>,
        end: &str,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {columns} FROM rarray(?) c CROSS JOIN deed d ON d.seq = c.value WHERE 1{} {end}",
            self.conditions.sql
        );
        let mut statement = connection.prepare_cached(&sql)?;
        for (at, value) in (1..).zip(bound) {
            statement.raw_bind_parameter(at, value)?;
        }
        statement.raw_bind_parameter(bound.len() + 1, array(seqs))?;
        for (at, value) in (bound.len() + 2..).zip(&self.conditions.bound) {
            statement.raw_bind_parameter(at, value)?;
        }
        Ok(statement.raw_query().mapped(row).collect::<Result<_, _>>()?)
    }

    /// What may be meant between the bounds; none where that is any deed.
    fn candidates<'c>(
        &'c self,
        connection: &'c Connection,
        between: (i64, i64),
        newest_first: bool,
    ) -> Result<Option<Candidates<'c>>, IndexError> {
        let between = both(self.between, between);
        let gathered = |seqs: Vec<i64>| {
            Walk::Gathered(if newest_first { seqs.into_iter().rev().collect() } else { seqs }.into_iter())
        };
        let walk = match &self.source {
            Source::All | Source::Seqs => return Ok(None),
            Source::Posts(ids) => match ids.as_slice() {
                [id] => Walk::Posts(posts::Cursor::new(connection, *id, between, newest_first)),
                ids => gathered(of_all(connection, ids, between)?),
            },
            Source::References(kind, range) => gathered(referring(connection, *kind, *range, between)?),
            Source::Times(first, last) => gathered(of_time(connection, (*first, *last), between)?),
            Source::Text(text) => {
                Walk::Texts(texts::Cursor::new(connection, text, between, self.head, newest_first))
            }
        };
        Ok(Some(Candidates { walk, beside: &self.beside, between, newest_first, waiting: Vec::new() }))
    }
}

/// The stretch that two have in common.
pub(super) fn both(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0.max(other.0), one.1.min(other.1))
}

/// A list of numbers as SQL reads it.
pub(super) fn array(seqs: Vec<i64>) -> Rc<Vec<Sql>> {
    Rc::new(seqs.into_iter().map(Sql::from).collect())
}

/// The deeds of several terms between two, both included, in order.
pub(super) fn of_all(
    connection: &Connection,
    ids: &[i64],
    between: (i64, i64),
) -> Result<Vec<i64>, IndexError> {
    let mut all = Vec::new();
    for id in ids {
        all.extend(posts::between(connection, *id, between)?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn referring(
    connection: &Connection,
    kind: RefKind,
    range: Numbers,
    between: (i64, i64),
) -> Result<Vec<i64>, IndexError> {
    let sql = "SELECT DISTINCT seq FROM ref WHERE kind = ? AND number BETWEEN ? AND ? AND seq BETWEEN ? AND ? ORDER BY seq";
    let bound = [kind.number(), to_sql(range.low), to_sql(range.high), between.0, between.1];
    Fragment::new(sql, bound.map(Sql::from).to_vec()).rows(connection, |row| row.get(0))
}

fn of_time(
    connection: &Connection,
    (first, last): (i64, i64),
    between: (i64, i64),
) -> Result<Vec<i64>, IndexError> {
    let sql = "SELECT seq FROM deed WHERE time BETWEEN ? AND ? AND +seq BETWEEN ? AND ?";
    let bound = [first, last, between.0, between.1].map(Sql::from).to_vec();
    let mut seqs: Vec<i64> = Fragment::new(sql, bound).rows(connection, |row| row.get(0))?;
    seqs.sort_unstable();
    Ok(seqs)
}

/// The deeds of a source, some at a time.
struct Candidates<'c> {
    walk: Walk<'c>,
    beside: &'c [i64],
    between: (i64, i64),
    newest_first: bool,
    /// Read and not handed out, the next at the end.
    waiting: Vec<i64>,
}

enum Walk<'c> {
    Posts(posts::Cursor<'c>),
    Texts(texts::Cursor<'c>),
    /// In the order asked for.
    Gathered(std::vec::IntoIter<i64>),
}

impl Candidates<'_> {
    /// The next of them, whichever way; may be empty. None at the end.
    fn next(&mut self, connection: &Connection) -> Result<Option<Vec<i64>>, IndexError> {
        if self.waiting.is_empty() {
            let Some(mut seqs) = self.walk()? else { return Ok(None) };
            for term in self.beside {
                let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else { break };
                let theirs = posts::between(connection, *term, (*first, *last))?;
                keep_common(&mut seqs, &theirs);
            }
            if !self.newest_first {
                seqs.reverse();
            }
            self.waiting = seqs;
        }
        Ok(Some(self.waiting.split_off(self.waiting.len().saturating_sub(AT_ONCE))))
    }

    /// The next of the source, in order.
    fn walk(&mut self) -> Result<Option<Vec<i64>>, IndexError> {
        let (low, high) = self.between;
        match &mut self.walk {
            Walk::Posts(cursor) => cursor.next(),
            Walk::Texts(cursor) => {
                let found = cursor.next()?;
                let inside = |mut seqs: Vec<i64>| {
                    seqs.retain(|seq| (low..=high).contains(seq));
                    seqs
                };
                Ok(found.map(inside))
            }
            Walk::Gathered(seqs) => {
                let mut some: Vec<i64> = seqs.take(4 * AT_ONCE).collect();
                some.sort_unstable();
                Ok((!some.is_empty()).then_some(some))
            }
        }
    }
}

/// Keeps what the other has too; both are in order.
fn keep_common(seqs: &mut Vec<i64>, other: &[i64]) {
    let mut other = other.iter().peekable();
    seqs.retain(|seq| {
        while other.next_if(|one| *one < seq).is_some() {}
        other.peek() == Some(&seq)
    });
}

/// Where candidates can be read from.
#[derive(Debug)]
pub(super) enum Source {
    /// The deeds of these terms.
    Posts(Vec<i64>),
    /// The deeds that refer to a number in the range.
    References(RefKind, Numbers),
    /// The deeds that have this in their text.
    Text(String),
    /// The deeds of a span of time.
    Times(i64, i64),
    /// A range of the ledger.
    Seqs,
    /// Every deed.
    All,
}
