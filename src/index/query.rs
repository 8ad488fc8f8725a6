//! From a filter to what is asked. The SQL is put together from fixed fragments; what people wrote is only ever bound.
//!
//! Every term becomes a condition on one row of `deed`. Besides, the rarest term that is not negated becomes the
//! *source*: where the candidates are read from, in order, so that a page stops as soon as it is full. What a source says of
//! its deeds is not asked of them again. A `+` before a column keeps SQLite from looking up every term of a large set for each
//! deed; it is to look at the deed's few.

use std::rc::Rc;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};

use super::schema::{RefKind, TermKind};
use super::terms::{Subtree, entities, fields_of, named, pick};
use super::{IndexError, posts, texts, to_sql};
use crate::domain::filter::{Choice, Filter, Glob, NameKey, NumberKey, Numbers, Term};
use crate::domain::path::Pattern;
use crate::domain::time::Time;

/// How many terms are bound one by one.
const BOUND_IDS: usize = 32;
/// Candidates beyond this are not gathered first: the deeds are read in order instead.
pub(super) const GATHERED: u64 = 100_000;
/// The entities of a place are gathered one by one up to this many; beyond it every deed is asked where its entities are.
const GATHERED_NAMES: usize = 2_000;
/// How many candidates are asked for their conditions at once.
const AT_ONCE: usize = 128;
/// A second list of deeds is gone through beside the source's where it is at most so many times as long. Beyond that each
/// candidate is looked up.
const BESIDE: u64 = 64;

/// A piece of SQL with what is bound in it, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    pub(super) sql: String,
    pub(super) bound: Vec<Sql>,
}

impl Fragment {
    fn new(sql: impl Into<String>, bound: Vec<Sql>) -> Self {
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
    source: Source,
    /// Terms in whose lists the candidates are, too.
    beside: Vec<i64>,
    /// What else is asked of a row `d` of `deed`, each with ` AND ` before it.
    conditions: Fragment,
    /// The first and the last deed that can be meant, where that is known.
    between: (i64, i64),
    head: i64,
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
fn both(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
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
enum Source {
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

/// A condition on a row of `deed`, and where its candidates are with their rough number.
struct Condition {
    fragment: Fragment,
    source: Option<(Source, u64)>,
    /// Whether all that the source gives meets the condition.
    exact: bool,
    /// The first and the last deed that it can mean, where that is known.
    between: Option<(i64, i64)>,
}

impl Condition {
    fn new(fragment: Fragment, source: Option<(Source, u64)>, exact: bool) -> Self {
        Self { fragment, source, exact, between: None }
    }

    /// The one term whose deeds are just those that are meant.
    fn only_term(&self) -> Option<(i64, u64)> {
        match &self.source {
            Some((Source::Posts(ids), estimate)) if self.exact => match ids.as_slice() {
                [id] => Some((*id, *estimate)),
                _ => None,
            },
            Some(_) | None => None,
        }
    }
}

/// Compiles a filter, within a span of time if one is given (start included, end not).
pub(super) fn plan(
    connection: &Connection,
    filter: &Filter,
    within: Option<(Time, Time)>,
    head: u64,
) -> Result<Prepared, IndexError> {
    let mut compiler = Compiler { connection, head, slots: 0 };
    connection.prepare_cached("DELETE FROM temp.pick")?.execute([])?;
    let mut conditions = Vec::new();
    for term in filter.terms() {
        conditions.push(compiler.term(term)?);
    }
    let within = within.map(|(start, end)| (start.micros(), end.micros() - 1));
    let span = filter.terms().iter().filter_map(span_of).chain(within);
    // Looked up once for all of them: a day is short, where what came since its beginning may be everything.
    if let Some((first, last)) = span.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1))) {
        conditions.push(compiler.times(first, last)?);
    }
    Ok(compiler.assemble(conditions))
}

/// The time that a term says its deeds are of, both ends included.
fn span_of(term: &Term) -> Option<(i64, i64)> {
    match term.choices.as_slice() {
        [Choice::Since(when)] if !term.negated => Some((when.at.micros(), i64::MAX)),
        [Choice::Until(when)] if !term.negated => Some((i64::MIN, when.at.micros())),
        _ => None,
    }
}

fn of_times(first: i64, last: i64) -> Fragment {
    Fragment::new("d.time BETWEEN ? AND ?", vec![Sql::from(first), Sql::from(last)])
}

struct Compiler<'c> {
    connection: &'c Connection,
    head: u64,
    slots: i64,
}

impl Compiler<'_> {
    fn assemble(&self, mut conditions: Vec<Condition>) -> Prepared {
        let stretch = conditions.iter().filter_map(|condition| condition.between).reduce(both);
        let estimated = conditions.iter().enumerate().filter_map(|(at, condition)| {
            let (source, estimate) = condition.source.as_ref()?;
            Some((self.within(source, *estimate, stretch), at))
        });
        let mut plan = Prepared {
            source: Source::All,
            beside: Vec::new(),
            conditions: Fragment::default(),
            between: stretch.unwrap_or((0, i64::MAX)),
            head: to_sql(self.head),
        };
        let mut most_beside = 0;
        if let Some((estimate, best)) = estimated.min()
            && let Some(condition) = conditions.get_mut(best)
            && let Some((source, _)) = condition.source.take()
            && let Some(exact) = readable(&source, estimate).then_some(condition.exact)
        {
            plan.source = source;
            most_beside = estimate.saturating_mul(BESIDE);
            if exact {
                conditions.remove(best);
            }
        }
        for condition in conditions {
            match condition.only_term() {
                Some((term, estimate)) if estimate <= most_beside => plan.beside.push(term),
                Some(_) | None => plan.conditions.push(" AND ", condition.fragment),
            }
        }
        plan
    }

    /// How many candidates a source has on a stretch of the ledger, if they are spread evenly.
    fn within(&self, source: &Source, estimate: u64, stretch: Option<(i64, i64)>) -> u64 {
        match (source, stretch) {
            (Source::Posts(_) | Source::Text(_), Some((first, last))) => {
                let part = u128::from(super::from_sql(last.saturating_sub(first).saturating_add(1)));
                let scaled = u128::from(estimate) * part / u128::from(self.head.max(1));
                u64::try_from(scaled).unwrap_or(u64::MAX).min(estimate)
            }
            (Source::References(..) | Source::Times(..) | Source::Seqs | Source::All, _) | (_, None) => {
                estimate
            }
        }
    }

    fn term(&mut self, term: &Term) -> Result<Condition, IndexError> {
        let mut any = Fragment::new("(0", Vec::new());
        let (mut sources, mut exact, mut between) = (Vec::new(), true, None);
        for choice in &term.choices {
            let condition = self.choice(choice)?;
            between = condition.between;
            any.push(" OR ", condition.fragment);
            sources.push(condition.source);
            exact &= condition.exact;
        }
        any.sql.push(')');
        if term.negated {
            any.sql.insert_str(0, "NOT ");
            return Ok(Condition::new(any, None, false));
        }
        let between = between.filter(|_| term.choices.len() == 1);
        Ok(Condition { fragment: any, source: joined(sources), exact, between })
    }

    fn choice(&mut self, choice: &Choice) -> Result<Condition, IndexError> {
        match choice {
            Choice::Name(key, glob) => self.name(*key, glob),
            Choice::Entity(pattern) => self.entity(pattern),
            Choice::Number(key, range) => self.number(*key, *range),
            Choice::Since(when) => Ok(Condition::new(of_times(when.at.micros(), i64::MAX), None, false)),
            Choice::Until(when) => Ok(Condition::new(of_times(i64::MIN, when.at.micros()), None, false)),
            Choice::Text(text) => self.text(text.folded()),
        }
    }

    fn name(&mut self, key: NameKey, glob: &Glob) -> Result<Condition, IndexError> {
        let kind = match key {
            NameKey::Actor => TermKind::Actor,
            NameKey::Class => TermKind::Class,
            NameKey::Action => TermKind::Action,
            NameKey::Type => TermKind::Type,
            NameKey::Outcome => TermKind::Outcome,
            NameKey::Code => TermKind::Code,
            NameKey::Field => TermKind::Field,
        };
        let (ids, deeds) = named(self.connection, kind, glob)?;
        let list = self.in_list(&ids)?;
        let sql = match kind.column() {
            Some(column) => format!("{column} {}", list.sql),
            None => format!("EXISTS (SELECT 1 FROM touch t WHERE t.seq = d.seq AND +t.field {})", list.sql),
        };
        Ok(Condition::new(Fragment::new(sql, list.bound), Some((Source::Posts(ids), deeds)), true))
    }

    fn entity(&mut self, pattern: &Pattern) -> Result<Condition, IndexError> {
        let (mut fragment, source) = match Subtree::of(pattern) {
            Some(subtree) if subtree.has_more_than(self.connection, GATHERED_NAMES)? => {
                (below(subtree), None)
            }
            Some(_) | None => {
                let (ids, deeds) = entities(self.connection, pattern)?;
                let sql = "EXISTS (SELECT 1 FROM touch t WHERE t.seq = d.seq AND +t.entity ";
                let mut fragment = Fragment::new(sql, Vec::new());
                fragment.push("", self.in_list(&ids)?);
                (fragment, Some((Source::Posts(ids), deeds)))
            }
        };
        if let Some(field) = pattern.field_text() {
            let (fields, _) = fields_of(self.connection, pattern, field)?;
            fragment.push(" AND +t.field ", self.in_list(&fields)?);
        }
        fragment.sql.push(')');
        Ok(Condition::new(fragment, source, pattern.field_text().is_none()))
    }

    fn number(&self, key: NumberKey, range: Numbers) -> Result<Condition, IndexError> {
        let between = |column: &str, low: u64| {
            let bound = vec![Sql::from(to_sql(low)), Sql::from(to_sql(range.high))];
            Fragment::new(format!("{column} BETWEEN ? AND ?"), bound)
        };
        let kind = match key {
            NumberKey::Item => RefKind::Item,
            NumberKey::Alert => RefKind::Alert,
            NumberKey::Work => RefKind::Work,
            NumberKey::Cause => RefKind::Cause,
            NumberKey::Seq => {
                let source = Some((Source::Seqs, range.high.min(self.head).saturating_sub(range.low)));
                let stretch = Some((to_sql(range.low), to_sql(range.high)));
                let fragment = between("d.seq", range.low);
                return Ok(Condition { fragment, source, exact: false, between: stretch });
            }
            NumberKey::Map => return Ok(Condition::new(between("d.map", range.low), None, false)),
        };
        let found: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM ref WHERE kind = ? AND number BETWEEN ? AND ? LIMIT ?)",
            )?
            .query_row(
                [kind.number(), to_sql(range.low), to_sql(range.high), to_sql(GATHERED + 1)],
                |row| row.get(0),
            )?;
        let source = Some((Source::References(kind, range), super::from_sql(found)));
        Ok(Condition::new(references(kind, range), source, true))
    }

    fn times(&self, first: i64, last: i64) -> Result<Condition, IndexError> {
        // What happened at about the same time stands close together, imports apart.
        let (found, low, high): (i64, Option<i64>, Option<i64>) = self
            .connection
            .prepare_cached(
                "SELECT count(*), min(seq), max(seq) FROM (SELECT seq FROM deed WHERE time BETWEEN ? AND ? LIMIT ?)",
            )?
            .query_row([first, last, to_sql(GATHERED + 1)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let found = super::from_sql(found);
        let fragment = of_times(first, last);
        if found > GATHERED {
            return Ok(Condition::new(fragment, None, false));
        }
        let (source, between) = (Some((Source::Times(first, last), found)), low.zip(high));
        Ok(Condition { fragment, source, exact: true, between })
    }

    fn text(&self, folded: &str) -> Result<Condition, IndexError> {
        let fragment = Fragment::new(texts::SAYS, vec![Sql::from(folded.to_owned())]);
        let estimate = texts::estimate(self.connection, folded, self.head)?;
        Ok(Condition::new(fragment, Some((Source::Text(folded.to_owned()), estimate)), true))
    }

    /// `IN (…)` for a set of terms.
    fn in_list(&mut self, ids: &[i64]) -> Result<Fragment, IndexError> {
        if ids.len() <= BOUND_IDS {
            let marks = vec!["?"; ids.len()].join(", ");
            return Ok(Fragment::new(format!("IN ({marks})"), ids.iter().map(|id| Sql::from(*id)).collect()));
        }
        let slot = self.slots;
        self.slots += 1;
        pick(self.connection, slot, ids)?;
        Ok(Fragment::new("IN (SELECT id FROM temp.pick WHERE slot = ?)", vec![Sql::from(slot)]))
    }
}

/// Whether a source is worth being read for so many candidates: several lists are gathered first.
fn readable(source: &Source, estimate: u64) -> bool {
    match source {
        Source::Posts(ids) => ids.len() == 1 || estimate <= GATHERED,
        Source::References(..) | Source::Times(..) => estimate <= GATHERED,
        Source::Text(_) => true,
        Source::Seqs | Source::All => false,
    }
}

/// A deed that touches what is below a place, for places with so many entities that their deeds can't be rare: each deed's
/// few are looked at. The bracket is left open for a condition on the field.
fn below(subtree: Subtree<'_>) -> Fragment {
    let sql = "EXISTS (SELECT 1 FROM touch t CROSS JOIN term e ON e.id = t.entity
        WHERE t.seq = d.seq AND +e.kind = ? AND (+e.name >= ? AND +e.name < ? OR +e.name = ?)";
    let [begin, end, place] = subtree.bounds();
    Fragment::new(sql, vec![Sql::from(TermKind::Entity.number()), begin, end, place])
}

fn references(kind: RefKind, range: Numbers) -> Fragment {
    Fragment::new(
        "d.seq IN (SELECT seq FROM ref WHERE kind = ? AND number BETWEEN ? AND ?)",
        [kind.number(), to_sql(range.low), to_sql(range.high)].map(Sql::from).to_vec(),
    )
}

/// The source of several choices: a single one's own, or the terms of all.
fn joined(mut sources: Vec<Option<(Source, u64)>>) -> Option<(Source, u64)> {
    if sources.len() == 1 {
        return sources.pop().flatten();
    }
    let (mut all, mut deeds) = (Vec::new(), 0);
    for source in sources {
        match source {
            Some((Source::Posts(ids), estimate)) => {
                all.extend(ids);
                deeds += estimate;
            }
            Some((
                Source::References(..) | Source::Text(_) | Source::Times(..) | Source::Seqs | Source::All,
                _,
            ))
            | None => {
                return None;
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    Some((Source::Posts(all), deeds))
}
