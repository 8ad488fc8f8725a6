//! Writing deeds into the index, in large transactions. Reading is elsewhere.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params, params_from_iter};

use super::schema::{RefKind, TermKind, seal};
use super::{Entry, IndexError, head, to_sql};
use crate::domain::filter::Facts;
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::time::Time;

/// How long a minute is.
pub(super) const MINUTE_MICROS: i64 = 60_000_000;

/// How many posts one statement inserts.
const POSTS: usize = 64;

/// Stands in `touch` for a deed's subject itself; no term has this number.
pub(super) const NO_FIELD: i64 = 0;

/// Applies the entries, all or nothing.
pub(super) fn apply(connection: &mut Connection, entries: &[Entry<'_>]) -> Result<(), IndexError> {
    let last_time = last_time(connection, i64::MAX)?;
    apply_after(connection, entries, last_time)
}

/// When the last deed up to that one was.
pub(super) fn last_time(connection: &Connection, until: i64) -> Result<Time, IndexError> {
    let last: Option<i64> = connection
        .query_row("SELECT time FROM deed WHERE seq <= ? ORDER BY seq DESC LIMIT 1", [until], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(Time::from_micros(last.unwrap_or_default()))
}

/// The same after a deed of that time.
pub(super) fn apply_after(
    connection: &mut Connection,
    entries: &[Entry<'_>],
    last_time: Time,
) -> Result<(), IndexError> {
    let Some(last) = entries.last() else { return Ok(()) };
    let transaction = connection.transaction()?;
    let mut head = head(&transaction)?.seq;
    let mut writer = Writer::new(&transaction, last_time)?;
    for entry in entries {
        if entry.seq != head.next() {
            return Err(IndexError::Gap { head, given: entry.seq });
        }
        head = entry.seq;
        writer.deed(entry)?;
    }
    writer.finish()?;
    let identity: String = transaction.query_row("SELECT identity FROM meta", [], |row| row.get(0))?;
    let seal = seal(&identity, to_sql(head.0), last.hash);
    transaction
        .execute("UPDATE meta SET head = ?, hash = ?, seal = ?", params![to_sql(head.0), last.hash, seal])?;
    transaction.commit()?;
    Ok(())
}

/// The prepared statements and what is counted up in memory until the batch ends.
struct Writer<'t> {
    transaction: &'t Transaction<'t>,
    terms: HashMap<(TermKind, String), i64>,
    /// The posts of the batch: term, deed.
    posts: Vec<(i64, i64)>,
    /// Committed writes of the batch by entity, field and writer: how many, and the last deed.
    written: HashMap<(i64, i64, i64), (i64, i64)>,
    minutes: HashMap<(i64, i64), i64>,
    last_time: Time,
    find_term: CachedStatement<'t>,
    add_term: CachedStatement<'t>,
    deed: CachedStatement<'t>,
    touch: CachedStatement<'t>,
    reference: CachedStatement<'t>,
    text: CachedStatement<'t>,
    words: CachedStatement<'t>,
}

impl<'t> Writer<'t> {
    fn new(transaction: &'t Transaction<'t>, last_time: Time) -> Result<Self, IndexError> {
        let prepare = |sql| transaction.prepare_cached(sql);
        Ok(Self {
            transaction,
            terms: HashMap::new(),
            posts: Vec::new(),
            written: HashMap::new(),
            minutes: HashMap::new(),
            last_time,
            find_term: prepare("SELECT id FROM term WHERE kind = ? AND name = ?")?,
            add_term: prepare("INSERT INTO term(kind, name) VALUES (?, ?) RETURNING id")?,
            deed: prepare("INSERT INTO deed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?,
            touch: prepare("INSERT OR REPLACE INTO touch VALUES (?, ?, ?, ?)")?,
            reference: prepare("INSERT OR IGNORE INTO ref VALUES (?, ?, ?)")?,
            text: prepare("INSERT INTO text VALUES (?, ?)")?,
            words: prepare("INSERT INTO words(rowid, folded) VALUES (?, ?)")?,
        })
    }

    fn deed(&mut self, entry: &Entry<'_>) -> Result<(), IndexError> {
        let facts = Facts::read(entry.seq, entry.bytes, self.last_time);
        self.last_time = facts.time;
        let seq = to_sql(facts.seq.0);
        let class = self.posted(TermKind::Class, &facts.class, seq)?;
        let actor = self.posted(TermKind::Actor, &facts.actor, seq)?;
        let action = self.posted(TermKind::Action, &facts.action, seq)?;
        let kind = self.posted(TermKind::Type, &facts.kind, seq)?;
        let outcome = self.posted(TermKind::Outcome, &facts.outcome, seq)?;
        // No deed was refused for the empty reason: 0 keeps `code:*` to the deeds that have one.
        let code = if facts.code.is_empty() { 0 } else { self.posted(TermKind::Code, &facts.code, seq)? };
        let time = facts.time.micros();
        let cause = facts.cause.map_or(0, |cause| to_sql(cause.0));
        let correlation = to_sql(facts.correlation.0);
        self.deed.execute(params![
            seq,
            time,
            class,
            actor,
            action,
            kind,
            outcome,
            code,
            cause,
            correlation,
            to_sql(facts.map)
        ])?;
        *self.minutes.entry((time.div_euclid(MINUTE_MICROS), outcome)).or_default() += 1;
        self.references(&facts, seq)?;
        self.touches(&facts, seq, actor)?;
        self.text.execute(params![seq, facts.text])?;
        self.words.execute(params![seq, facts.text])?;
        Ok(())
    }

    fn references(&mut self, facts: &Facts<'_>, seq: i64) -> Result<(), IndexError> {
        let items = facts.item.iter().map(|item| (RefKind::Item, item));
        let alerts = facts.alerts.iter().map(|alert| (RefKind::Alert, alert));
        let works = facts.works.iter().map(|work| (RefKind::Work, work));
        let causes = facts.cause.iter().map(|Seq(cause)| (RefKind::Cause, cause));
        for (kind, number) in items.chain(alerts).chain(works).chain(causes) {
            self.reference.execute(params![kind.number(), to_sql(*number), seq])?;
        }
        Ok(())
    }

    fn touches(&mut self, facts: &Facts<'_>, seq: i64, actor: i64) -> Result<(), IndexError> {
        for entity in facts.entities() {
            let term = self.entity(entity)?;
            self.posts.push((term, seq));
        }
        if let Some(subject) = &facts.subject {
            let subject = self.entity(subject)?;
            self.touch.execute(params![seq, subject, NO_FIELD, 0])?;
        }
        let committed = facts.outcome == "committed";
        for touch in &facts.touches {
            let entity = self.entity(&touch.entity)?;
            let field = self.posted(TermKind::Field, &touch.field, seq)?;
            self.touch.execute(params![seq, entity, field, to_sql(touch.version)])?;
            if committed {
                let (writes, last) = self.written.entry((entity, field, actor)).or_default();
                (*writes, *last) = (*writes + 1, seq);
            }
        }
        Ok(())
    }

    /// The number of an entity, or of what stands in its place.
    fn entity(&mut self, name: &str) -> Result<i64, IndexError> {
        if let Some(id) = self.terms.get(&(TermKind::Entity, name.to_owned())) {
            return Ok(*id);
        }
        let kind = if name.parse::<EntityPath>().is_ok() { TermKind::Entity } else { TermKind::NoEntity };
        self.term(kind, name)
    }

    /// The term's number; the deed joins the term's list.
    fn posted(&mut self, kind: TermKind, name: &str, seq: i64) -> Result<i64, IndexError> {
        let term = self.term(kind, name)?;
        self.posts.push((term, seq));
        Ok(term)
    }

    fn term(&mut self, kind: TermKind, name: &str) -> Result<i64, IndexError> {
        // The key is built anew for each look-up: `HashMap` can't be asked with a borrowed pair.
        let key = (kind, name.to_owned());
        if let Some(id) = self.terms.get(&key) {
            return Ok(*id);
        }
        let found = self.find_term.query_row(params![kind.number(), name], |row| row.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => self.add_term.query_row(params![kind.number(), name], |row| row.get(0))?,
        };
        self.terms.insert(key, id);
        Ok(id)
    }

    /// Writes what was gathered and counted up.
    fn finish(mut self) -> Result<(), IndexError> {
        self.write_posts()?;
        self.write_writers()?;
        let mut minute = self.transaction.prepare_cached(
            "INSERT INTO minute VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET deeds = deeds + excluded.deeds",
        )?;
        for ((at, outcome), deeds) in self.minutes {
            minute.execute([at, outcome, deeds])?;
        }
        Ok(())
    }

    /// The lists of deeds by term, in their order on disk and many rows a statement: most of an index's rows are these.
    fn write_posts(&mut self) -> Result<(), IndexError> {
        self.posts.sort_unstable();
        // A deed may name a term twice.
        self.posts.dedup();
        let (groups, rest) = self.posts.as_chunks::<POSTS>();
        let many = format!("INSERT INTO post VALUES (?, ?){}", ", (?, ?)".repeat(POSTS - 1));
        let mut many = self.transaction.prepare_cached(&many)?;
        for group in groups {
            many.execute(params_from_iter(group.iter().flat_map(|(term, seq)| [term, seq])))?;
        }
        let mut one = self.transaction.prepare_cached("INSERT INTO post VALUES (?, ?)")?;
        for (term, seq) in rest {
            one.execute([term, seq])?;
        }
        let mut term = self.transaction.prepare_cached("UPDATE term SET deeds = deeds + ? WHERE id = ?")?;
        for of_term in self.posts.chunk_by(|(one, _), (other, _)| one == other) {
            if let Some((id, _)) = of_term.first() {
                term.execute(params![of_term.len(), id])?;
            }
        }
        Ok(())
    }

    /// Counts committed writes by field and writer.
    fn write_writers(&mut self) -> Result<(), IndexError> {
        let mut writer = self.transaction.prepare_cached(
            "INSERT INTO writer VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET writes = writes + excluded.writes RETURNING writes",
        )?;
        let mut total = self.transaction.prepare_cached(
            "INSERT INTO field VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET writers = writers + excluded.writers, writes = writes + excluded.writes,
               last = max(last, excluded.last)",
        )?;
        for ((entity, field, actor), (writes, last)) in self.written.drain() {
            let all: i64 = writer.query_row([entity, field, actor, writes], |row| row.get(0))?;
            total.execute([entity, field, i64::from(all == writes), writes, last])?;
        }
        Ok(())
    }
}
