//! Writing deeds into the index, in large transactions. Reading is elsewhere.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};

use super::lexicon::Lexicon;
use super::schema::{RefKind, TermKind, seal};
use super::texts::Texts;
use super::{Entry, IndexError, head, posts, to_sql};
use crate::domain::filter::Facts;
use crate::domain::ids::Seq;
use crate::domain::time::Time;

/// How long a minute is.
pub(super) const MINUTE_MICROS: i64 = 60_000_000;

/// Stands in `touch` for a deed's subject itself; no term has this number.
pub(super) const NO_FIELD: i64 = 0;

/// Applies the entries, all or nothing.
pub(super) fn apply(
    connection: &mut Connection,
    lexicon: &mut Lexicon,
    entries: &[Entry<'_>],
) -> Result<(), IndexError> {
    let last_time = last_time(connection, i64::MAX)?;
    let applied = apply_after(connection, lexicon, entries, last_time);
    if applied.is_err() {
        // It may know terms that were not kept.
        *lexicon = Lexicon::default();
    }
    applied
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
    lexicon: &mut Lexicon,
    entries: &[Entry<'_>],
    last_time: Time,
) -> Result<(), IndexError> {
    let Some(last) = entries.last() else { return Ok(()) };
    let transaction = connection.transaction()?;
    let mut head = head(&transaction)?.seq;
    let mut writer = Writer::new(&transaction, lexicon, to_sql(head.0), last_time)?;
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
    lexicon: &'t mut Lexicon,
    texts: Texts,
    /// Committed writes of the batch by entity, field and writer: how many, and the last deed.
    written: HashMap<(i64, i64, i64), (i64, i64)>,
    minutes: HashMap<(i64, i64), i64>,
    last_time: Time,
    deed: CachedStatement<'t>,
    touch: CachedStatement<'t>,
    reference: CachedStatement<'t>,
}

impl<'t> Writer<'t> {
    fn new(
        transaction: &'t Transaction<'t>,
        lexicon: &'t mut Lexicon,
        head: i64,
        last_time: Time,
    ) -> Result<Self, IndexError> {
        let prepare = |sql| transaction.prepare_cached(sql);
        Ok(Self {
            transaction,
            lexicon,
            texts: Texts::after(transaction, head)?,
            written: HashMap::new(),
            minutes: HashMap::new(),
            last_time,
            deed: prepare("INSERT INTO deed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?,
            touch: prepare("INSERT OR REPLACE INTO touch VALUES (?, ?, ?, ?)")?,
            reference: prepare("INSERT OR IGNORE INTO ref VALUES (?, ?, ?)")?,
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
        self.texts.push(self.transaction, &facts.text)
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
        if let Some(subject) = &facts.subject {
            let entity = self.entity(subject, seq)?;
            if facts.touches.iter().all(|touch| touch.entity != *subject) {
                self.touch.execute(params![seq, entity, NO_FIELD, 0])?;
            }
        }
        let committed = facts.outcome == "committed";
        for touch in &facts.touches {
            let entity = self.entity(&touch.entity, seq)?;
            let field = self.posted(TermKind::Field, &touch.field, seq)?;
            self.touch.execute(params![seq, entity, field, to_sql(touch.version)])?;
            if committed {
                let (writes, last) = self.written.entry((entity, field, actor)).or_default();
                (*writes, *last) = (*writes + 1, seq);
            }
        }
        Ok(())
    }

    /// The number of an entity, or of what stands in its place; the deed joins its list.
    fn entity(&mut self, name: &str, seq: i64) -> Result<i64, IndexError> {
        self.lexicon.entity(self.transaction, name, seq)
    }

    /// The term's number; the deed joins the term's list.
    fn posted(&mut self, kind: TermKind, name: &str, seq: i64) -> Result<i64, IndexError> {
        self.lexicon.posted(self.transaction, kind, name, seq)
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
        self.texts.finish(self.transaction)
    }

    /// The lists of deeds by term, in their order on disk.
    fn write_posts(&mut self) -> Result<(), IndexError> {
        let mut term = self.transaction.prepare_cached("UPDATE term SET deeds = deeds + ? WHERE id = ?")?;
        for (id, seqs) in self.lexicon.take_posts() {
            posts::add(self.transaction, id, &seqs)?;
            term.execute(params![seqs.len(), id])?;
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
