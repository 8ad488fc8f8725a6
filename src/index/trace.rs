//! Where things came from: the deeds of one entity, and the causes and effects of one deed.

use rusqlite::{Connection, OptionalExtension, params};

use super::page::PAGE_LIMIT;
use super::schema::{RefKind, TermKind};
use super::{Index, IndexError, from_sql, head, posts, query, to_sql};
use crate::domain::ids::{Seq, Version};
use crate::domain::path::{EntityPath, FieldName};

/// Most causes shown above a deed.
pub const CHAIN_CAUSES: usize = 64;
/// Most effects shown below a deed.
pub const CHAIN_EFFECTS: usize = 500;
/// Most deeds that are looked through for the one that made a version. An attempt can't find a version before it is made.
const VERSION_DEEDS: usize = 16;
/// Deepest effect shown below a deed.
const CHAIN_DEPTH: u32 = 64;

/// One deed with everything that led to it and that it led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The causes, the first cause of all first; the last one led to the deed itself.
    pub causes: Vec<Seq>,
    /// The effects as a tree written out: each directly behind its cause and that one's earlier effects.
    pub effects: Vec<Effect>,
    /// Whether a bound cut something off.
    pub cut: bool,
}

/// One effect in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The deed.
    pub seq: Seq,
    /// What led to it.
    pub cause: Seq,
    /// 1 for what the deed itself led to, 2 for what that led to.
    pub depth: u32,
}

impl Index {
    /// The newest deeds on an entity (or on one field of it) before `before`, oldest first, at most [`PAGE_LIMIT`].
    /// What it was only named beside another subject is in it too.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn trace_entity(
        &self,
        entity: &EntityPath,
        field: Option<&FieldName>,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Seq>, IndexError> {
        let limit = limit.clamp(1, PAGE_LIMIT);
        let last = before.map_or(i64::MAX, |seq| to_sql(seq.0).saturating_sub(1));
        self.read(|connection| {
            let Some(entity) = term(connection, TermKind::Entity, entity.as_str())? else {
                return Ok(Vec::new());
            };
            let found = match field {
                None => among(connection, entity, last, limit, None)?,
                Some(field) => match term(connection, TermKind::Field, field.as_str())? {
                    Some(field) => among(connection, entity, last, limit, Some(field))?,
                    None => return Ok(Vec::new()),
                },
            };
            Ok(found.into_iter().map(|seq| Seq(from_sql(seq))).collect())
        })
    }

    /// The first deeds that found or made this version of a field, oldest first: the one that made it is among them.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn version_of(
        &self,
        entity: &EntityPath,
        field: &FieldName,
        version: Version,
    ) -> Result<Vec<Seq>, IndexError> {
        self.read(|connection| {
            let entity = term(connection, TermKind::Entity, entity.as_str())?;
            let field = term(connection, TermKind::Field, field.as_str())?;
            let (Some(entity), Some(field)) = (entity, field) else { return Ok(Vec::new()) };
            let mut cursor = posts::Cursor::new(connection, entity, (0, i64::MAX), false);
            let mut found = Vec::new();
            while found.len() < VERSION_DEEDS
                && let Some(seqs) = cursor.next()?
            {
                let mut touching = connection.prepare_cached(
                    "SELECT t.seq FROM rarray(?) c CROSS JOIN touch t ON t.seq = c.value AND t.entity = ? AND t.field = ?
                     WHERE t.version = ?",
                )?;
                let bound = params![query::array(seqs), entity, field, to_sql(version.0)];
                let seqs = touching.query_map(bound, |row| row.get::<_, i64>(0))?;
                found.extend(seqs.collect::<Result<Vec<_>, _>>()?);
            }
            found.sort_unstable();
            found.truncate(VERSION_DEEDS);
            Ok(found.into_iter().map(|seq| Seq(from_sql(seq))).collect())
        })
    }

    /// The causes above and the effects below a deed; none where the index does not have it yet.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn chain(&self, seq: Seq) -> Result<Option<Chain>, IndexError> {
        self.read(|connection| {
            if seq > head(connection)?.seq || seq == Seq(0) {
                return Ok(None);
            }
            let (mut causes, above) = causes(connection, seq)?;
            causes.reverse();
            let (effects, below) = effects(connection, seq)?;
            Ok(Some(Chain { causes, effects, cut: above || below }))
        })
    }
}

/// The newest deeds on an entity, or on a field of it, up to that one; in order.
fn among(
    connection: &Connection,
    entity: i64,
    last: i64,
    limit: usize,
    field: Option<i64>,
) -> Result<Vec<i64>, IndexError> {
    let mut cursor = posts::Cursor::new(connection, entity, (0, last), true);
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(mut seqs) = cursor.next()?
    {
        if let Some(field) = field {
            let mut touching = connection.prepare_cached(
                "SELECT t.seq FROM rarray(?) c CROSS JOIN touch t ON t.seq = c.value AND t.entity = ? AND t.field = ?",
            )?;
            let rows = touching.query_map(params![query::array(seqs), entity, field], |row| row.get(0))?;
            seqs = rows.collect::<Result<_, _>>()?;
        }
        found.extend(seqs);
    }
    found.sort_unstable();
    Ok(found.split_off(found.len().saturating_sub(limit)))
}

/// The causes, nearest first, and whether there are more.
fn causes(connection: &Connection, seq: Seq) -> Result<(Vec<Seq>, bool), IndexError> {
    let mut statement = connection.prepare_cached("SELECT cause FROM deed WHERE seq = ?")?;
    let mut found: Vec<Seq> = Vec::new();
    let mut at = seq;
    loop {
        let cause: Option<i64> = statement.query_row([to_sql(at.0)], |row| row.get(0)).optional()?;
        // A cause is older than its effect; what is not so is broken and is not followed in circles.
        match cause.map(|cause| Seq(from_sql(cause))) {
            Some(cause) if cause != Seq(0) && cause < at => {
                if found.len() == CHAIN_CAUSES {
                    return Ok((found, true));
                }
                found.push(cause);
                at = cause;
            }
            Some(_) | None => return Ok((found, false)),
        }
    }
}

/// The effects as a tree written out, and whether there are more.
fn effects(connection: &Connection, seq: Seq) -> Result<(Vec<Effect>, bool), IndexError> {
    let sql = "SELECT seq FROM ref WHERE kind = ? AND number = ? AND seq > ? ORDER BY seq LIMIT ?";
    let limit = i64::try_from(CHAIN_EFFECTS + 1).unwrap_or(i64::MAX);
    let (mut found, mut cut) = (Vec::new(), false);
    let mut waiting = Vec::new();
    let below = |cause: Seq, depth: u32, waiting: &mut Vec<Effect>| -> Result<(), IndexError> {
        let cause_number = to_sql(cause.0);
        let effects = seqs(connection, sql, &[RefKind::Cause.number(), cause_number, cause_number, limit])?;
        waiting.extend(effects.into_iter().rev().map(|seq| Effect { seq, cause, depth }));
        Ok(())
    };
    below(seq, 1, &mut waiting)?;
    while let Some(effect) = waiting.pop() {
        if found.len() == CHAIN_EFFECTS {
            return Ok((found, true));
        }
        found.push(effect);
        if effect.depth < CHAIN_DEPTH {
            below(effect.seq, effect.depth + 1, &mut waiting)?;
        } else {
            cut = true;
        }
    }
    Ok((found, cut))
}

fn seqs(connection: &Connection, sql: &str, bound: &[i64]) -> Result<Vec<Seq>, IndexError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(bound), |row| row.get(0))?;
    Ok(rows.map(|seq| seq.map(|seq| Seq(from_sql(seq)))).collect::<Result<_, _>>()?)
}

fn term(connection: &Connection, kind: TermKind, name: &str) -> Result<Option<i64>, IndexError> {
    let mut statement = connection.prepare_cached("SELECT id FROM term WHERE kind = ? AND name = ?")?;
    Ok(statement.query_row(params![kind.number(), name], |row| row.get(0)).optional()?)
}
