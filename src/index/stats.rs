//! What the deeds add up to: who writes which field, what is contested, which words there are.

use std::collections::BTreeMap;

use rusqlite::{Connection, ToSql};

use super::apply::NO_FIELD;
use super::schema::TermKind;
use super::terms::{entities, fields_of, pick};
use super::{Index, IndexError, from_sql, query, to_sql};
use crate::domain::filter::Vocabulary;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::time::{Span, Time};

/// How far back [`FieldStats`] looks.
pub const STATS_WINDOW: Span = Span::from_days(7);
/// Most rows of one answer.
const ROWS_LIMIT: usize = 10_000;

/// What happened lately to the fields of one name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldStats {
    /// The field; empty for the whole entity.
    pub field: String,
    /// Committed writes in the last seven days.
    pub writes: u64,
    /// The last committed write of all.
    pub last: Option<LastWrite>,
    /// Proposals of those days, by actor.
    pub proposals: Vec<Tried>,
    /// What was stale, refused or failed in those days, by actor.
    pub refusals: Vec<Tried>,
}

/// A committed write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWrite {
    /// The deed.
    pub seq: Seq,
    /// When it happened.
    pub time: Time,
    /// Who wrote.
    pub actor: String,
    pub entity: String,
    /// The version it made.
    pub version: u64,
}

/// How often somebody tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Who.
    pub actor: String,
    /// How often.
    pub times: u64,
    pub last: Time,
}

/// A field that several have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    pub entity: String,
    /// The field; empty for the whole entity.
    pub field: String,
    /// How many have written it.
    pub writers: u64,
    /// How many writes there were.
    pub writes: u64,
    /// The last of them.
    pub last: Seq,
}

/// Somebody who has done something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub name: String,
    /// How many deeds.
    pub deeds: u64,
}

impl Index {
    /// For every field that the pattern covers and a deed has touched: writes, proposals and refusals of the seven days
    /// before `now`, and the last write of all. Sorted by field.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn field_stats(&self, pattern: &Pattern, now: Time) -> Result<Vec<FieldStats>, IndexError> {
        self.read(|connection| {
            connection.prepare_cached("DELETE FROM temp.pick")?.execute([])?;
            let picked = entities(connection, pattern)?;
            pick(connection, 0, &picked.0)?;
            let fields = fields_of(connection, pattern, pattern.field_text().unwrap_or_default())?.0;
            let wanted = |field: i64| pattern.field_text().is_none() || fields.contains(&field);
            let mut stats: BTreeMap<String, FieldStats> = BTreeMap::new();
            for (field, name, last) in last_writes(connection)? {
                if wanted(field) {
                    stats.insert(
                        name.clone(),
                        FieldStats { field: name, last: Some(last), ..FieldStats::default() },
                    );
                }
            }
            for row in lately(connection, &picked, now.minus(STATS_WINDOW), now)? {
                if wanted(row.field) {
                    let entry = stats.entry(row.name.clone()).or_default();
                    entry.field.clone_from(&row.name);
                    entry.count(row);
                }
            }
            Ok(stats.into_values().collect())
        })
    }

    /// The fields with more than one writer, most writes first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn contested(&self, limit: usize) -> Result<Vec<Contested>, IndexError> {
        let sql = "SELECT e.name, n.name, f.writers, f.writes, f.last
            FROM field f JOIN term e ON e.id = f.entity JOIN term n ON n.id = f.field
            WHERE f.writers > 1 ORDER BY f.writes DESC, f.writers DESC, e.name, n.name LIMIT ?";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([to_sql(limit.min(ROWS_LIMIT) as u64)], |row| {
                Ok(Contested {
                    entity: row.get(0)?,
                    field: row.get(1)?,
                    writers: from_sql(row.get(2)?),
                    writes: from_sql(row.get(3)?),
                    last: Seq(from_sql(row.get(4)?)),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many entities more than one actor has written.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn multi_writer_entities(&self) -> Result<u64, IndexError> {
        let sql = "SELECT count(*) FROM
            (SELECT 1 FROM writer GROUP BY entity HAVING min(actor) <> max(actor))";
        self.read(|connection| Ok(from_sql(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)))
    }

    /// Everybody who has done something, most deeds first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn actors(&self) -> Result<Vec<Known>, IndexError> {
        self.read(|connection| known(connection, TermKind::Actor, ROWS_LIMIT))
    }

    /// The words of the workspace for completion, most used first, up to `limit` of each kind.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn vocabulary(&self, limit: usize) -> Result<Vocabulary, IndexError> {
        self.read(|connection| {
            let names = |kind| -> Result<Vec<String>, IndexError> {
                let known = known(connection, kind, limit.min(ROWS_LIMIT))?;
                Ok(known.into_iter().map(|known| known.name).filter(|name| !name.is_empty()).collect())
            };
            Ok(Vocabulary {
                actors: names(TermKind::Actor)?,
                actions: names(TermKind::Action)?,
                entities: names(TermKind::Entity)?,
                fields: names(TermKind::Field)?,
            })
        })
    }
}

fn known(connection: &Connection, kind: TermKind, limit: usize) -> Result<Vec<Known>, IndexError> {
    let sql = "SELECT name, deeds FROM term WHERE kind = ? AND deeds > 0 ORDER BY deeds DESC LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([kind.number(), to_sql(limit as u64)], |row| {
        Ok(Known { name: row.get(0)?, deeds: from_sql(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Field, its name, and the last write to any picked entity's field of that name.
fn last_writes(connection: &Connection) -> Result<Vec<(i64, String, LastWrite)>, IndexError> {
    // SQLite takes the other columns of a group from the row with the maximum.
    let sql = "SELECT l.field, n.name, l.seq, d.time, a.name, e.name, t.version FROM
          (SELECT f.field, f.entity, max(f.last) AS seq FROM temp.pick k CROSS JOIN field f ON f.entity = k.id
           WHERE k.slot = 0 GROUP BY f.field) l
        JOIN deed d ON d.seq = l.seq JOIN term a ON a.id = d.actor JOIN term e ON e.id = l.entity
        JOIN term n ON n.id = l.field
        JOIN touch t ON t.seq = l.seq AND t.entity = l.entity AND t.field = l.field";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let last = LastWrite {
            seq: Seq(from_sql(row.get(2)?)),
            time: Time::from_micros(row.get(3)?),
            actor: row.get(4)?,
            entity: row.get(5)?,
            version: from_sql(row.get(6)?),
        };
        Ok((row.get(0)?, row.get(1)?, last))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What one actor's deeds on one field came to.
struct Lately {
    field: i64,
    name: String,
    actor: String,
    outcome: String,
    times: u64,
    last: Time,
}

/// Of the picked entities, which have so many deeds in all.
fn lately(
    connection: &Connection,
    (picked, deeds): &(Vec<i64>, u64),
    since: Time,
    until: Time,
) -> Result<Vec<Lately>, IndexError> {
    // Many deeds: those of the time are read in their order, and each has few entities.
    let (from, seqs) = if *deeds <= query::GATHERED {
        let from = "rarray(?) c CROSS JOIN deed d ON d.seq = c.value";
        (from, Some(query::array(query::of_all(connection, picked, (0, i64::MAX))?)))
    } else {
        ("deed d", None)
    };
    let sql = format!(
        "SELECT g.field, n.name, a.name, o.name, g.times, g.last FROM
          (SELECT t.field, d.actor, d.outcome, count(*) AS times, max(d.time) AS last
           FROM {from} CROSS JOIN touch t ON t.seq = d.seq CROSS JOIN temp.pick k ON k.slot = 0 AND k.id = t.entity
           WHERE d.time BETWEEN ? AND ? AND t.field <> ?
           GROUP BY t.field, d.actor, d.outcome) g
        JOIN term n ON n.id = g.field JOIN term a ON a.id = g.actor JOIN term o ON o.id = g.outcome
        ORDER BY g.times DESC, a.name"
    );
    let (since, until) = (since.micros(), until.micros());
    let mut bound: Vec<&dyn ToSql> = vec![&since, &until, &NO_FIELD];
    if let Some(seqs) = &seqs {
        bound.insert(0, seqs);
    }
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(bound.as_slice(), |row| {
        Ok(Lately {
            field: row.get(0)?,
            name: row.get(1)?,
            actor: row.get(2)?,
            outcome: row.get(3)?,
            times: from_sql(row.get(4)?),
            last: Time::from_micros(row.get(5)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl FieldStats {
    fn count(&mut self, row: Lately) {
        let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == row.outcome);
        let tried = Tried { actor: row.actor, times: row.times, last: row.last };
        match outcome {
            Some(Outcome::Committed) => self.writes += tried.times,
            Some(Outcome::Proposed) => self.proposals.push(tried),
            Some(refused) if refused.is_refusal() => add(&mut self.refusals, tried),
            Some(_) | None => {}
        }
    }
}

/// Several outcomes of one actor count together.
fn add(all: &mut Vec<Tried>, tried: Tried) {
    match all.iter_mut().find(|one| one.actor == tried.actor) {
        Some(one) => {
            one.times += tried.times;
            one.last = one.last.max(tried.last);
        }
        None => all.push(tried),
    }
}
