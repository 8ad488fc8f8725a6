//! Looking up terms: which actors, entities or fields a glob or a pattern names. What is asked of them is elsewhere.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params};

use super::schema::TermKind;
use super::{IndexError, from_sql};
use crate::domain::filter::{self, Glob};
use crate::domain::path::Pattern;

/// Where a reader keeps sets of terms that are too large to bind one by one.
pub(super) const PICKS: &str =
    "CREATE TEMP TABLE pick(slot INTEGER, id INTEGER, PRIMARY KEY(slot, id)) WITHOUT ROWID";

/// Puts a set of terms where SQL can join it.
pub(super) fn pick(connection: &Connection, slot: i64, ids: &[i64]) -> Result<(), IndexError> {
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO temp.pick VALUES (?, ?)")?;
    for id in ids {
        statement.execute([slot, *id])?;
    }
    Ok(())
}

/// The terms of a kind that a glob names, and how many deeds they have in all.
pub(super) fn named(
    connection: &Connection,
    kind: TermKind,
    glob: &Glob,
) -> Result<(Vec<i64>, u64), IndexError> {
    match glob.exact() {
        Some(name) => exactly(connection, kind, name),
        None => starting(connection, kind, literal_start(glob.as_str()), |name| glob.matches(name)),
    }
}

/// The entities that a pattern names, whatever its field.
pub(super) fn entities(connection: &Connection, pattern: &Pattern) -> Result<(Vec<i64>, u64), IndexError> {
    let text = pattern.entity_text();
    // `a/**` names `a` as well.
    let start = literal_start(text);
    let start = if text.contains('*') { start.trim_end_matches('/') } else { text };
    if start == text {
        return exactly(connection, TermKind::Entity, text);
    }
    starting(connection, TermKind::Entity, start, |name| filter::fits_entity(pattern, name))
}

/// A stretch of the names of entities: all below one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subtree<'p>(&'p str);

impl<'p> Subtree<'p> {
    /// What a pattern such as `crm/**` names, whatever its field; none where it says more than a place.
    pub(super) fn of(pattern: &'p Pattern) -> Option<Self> {
        let text = pattern.entity_text();
        let place = if text == "**" { "" } else { text.strip_suffix("/**")? };
        (!place.contains('*')).then_some(Self(place))
    }

    /// Where the names begin, where they end (not included), and the place itself.
    pub(super) fn bounds(self) -> [Sql; 3] {
        let Self(place) = self;
        if place.is_empty() {
            // Every text comes before every blob.
            return [Sql::from(String::new()), Sql::from(Vec::<u8>::new()), Sql::from(String::new())];
        }
        // What comes next after `/` is `0`.
        [format!("{place}/"), format!("{place}0"), place.to_owned()].map(Sql::from)
    }

    /// Whether it has more entities than that.
    pub(super) fn has_more_than(self, connection: &Connection, most: usize) -> Result<bool, IndexError> {
        let [begin, end, _] = self.bounds();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let found = connection
            .prepare_cached("SELECT 1 FROM term WHERE kind = ? AND name >= ? AND name < ? LIMIT 1 OFFSET ?")?
            .query_row(params![TermKind::Entity.number(), begin, end, most], |_| Ok(()))
            .optional()?;
        Ok(found.is_some())
    }
}

/// The fields that a pattern names.
pub(super) fn fields_of(
    connection: &Connection,
    pattern: &Pattern,
    field: &str,
) -> Result<(Vec<i64>, u64), IndexError> {
    let pattern = format!("field#{field}").parse::<Pattern>().unwrap_or_else(|_| pattern.clone());
    starting(connection, TermKind::Field, "", |name| filter::fits_field(&pattern, "field", name))
}

fn literal_start(text: &str) -> &str {
    text.split('*').next().unwrap_or_default()
}

fn exactly(connection: &Connection, kind: TermKind, name: &str) -> Result<(Vec<i64>, u64), IndexError> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT id, deeds FROM term WHERE kind = ? AND name = ?")?
        .query_row(params![kind.number(), name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map_or((Vec::new(), 0), |(id, deeds)| (vec![id], from_sql(deeds))))
}

fn starting(
    connection: &Connection,
    kind: TermKind,
    start: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<(Vec<i64>, u64), IndexError> {
    let mut statement = connection
        .prepare_cached("SELECT id, deeds, name FROM term WHERE kind = ? AND name >= ? ORDER BY name")?;
    let mut rows = statement.query(params![kind.number(), start])?;
    let (mut ids, mut deeds) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let name = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        if !name.starts_with(start) {
            break;
        }
        if fits(name) {
            ids.push(row.get(0)?);
            deeds += from_sql(row.get(1)?);
        }
    }
    Ok((ids, deeds))
}
