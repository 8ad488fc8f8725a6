//! From a filter to SQL. The SQL is put together from fixed fragments; what people wrote is only ever bound.
//!
//! Every term becomes a condition on one row of `deed`. Besides, the rarest term that is not negated becomes the
//! *source*: where the candidates are read from, in order, so that a page stops as soon as it is full. A `+` before a
//! column keeps SQLite from looking up every term of a large set for each deed; it is to look at the deed's few.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use super::schema::{RefKind, TermKind};
use super::terms::{Subtree, entities, fields_of, named, pick};
use super::{IndexError, to_sql, words};
use crate::domain::filter::{Choice, Filter, Glob, NameKey, NumberKey, Numbers, Term};
use crate::domain::path::Pattern;
use crate::domain::time::Time;

/// How many terms are bound one by one.
const BOUND_IDS: usize = 32;
/// Candidates beyond this are not gathered first: the deeds are read in order instead.
const GATHERED: u64 = 100_000;
/// The entities of a place are gathered one by one up to this many; beyond it every deed is asked where its entities are.
const GATHERED_NAMES: usize = 2_000;

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

    /// Adds another piece behind this one.
    pub(super) fn push(&mut self, joint: &str, other: Self) {
        self.sql.push_str(joint);
        self.sql.push_str(&other.sql);
        self.bound.extend(other.bound);
    }
}

/// A filter ready to be asked: `FROM … WHERE …`, and the expression that is the sequence number there.
#[derive(Debug)]
pub(super) struct Prepared {
    /// `FROM … WHERE …`, to be gone on with ` AND …`, grouping, order and limit.
    pub(super) body: Fragment,
    /// The column by which the rows come in order.
    pub(super) seq: &'static str,
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
        let order = if newest_first { "DESC" } else { "ASC" };
        let (body, seq) = (&self.body.sql, self.seq);
        let sql = format!("SELECT d.seq {body} AND {seq} BETWEEN ? AND ? ORDER BY {seq} {order} LIMIT ?");
        let mut bound = self.body.bound.clone();
        bound.extend([between.0, between.1, i64::try_from(limit).unwrap_or(i64::MAX)].map(Sql::from));
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(bound), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many deeds lie between the bounds.
    pub(super) fn count(&self, connection: &Connection, between: (i64, i64)) -> Result<u64, IndexError> {
        let sql = format!("SELECT count(*) {} AND {} BETWEEN ? AND ?", self.body.sql, self.seq);
        let mut bound = self.body.bound.clone();
        bound.extend([between.0, between.1].map(Sql::from));
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(super::from_sql(statement.query_row(params_from_iter(bound), |row| row.get(0))?))
    }
}

/// Where candidates can be read from.
#[derive(Debug)]
enum Source {
    /// The deeds of these terms.
    Posts(Vec<i64>),
    /// The deeds that refer to a number in the range.
    References(RefKind, Numbers),
    /// The deeds whose text has these trigrams.
    Words(String),
    /// The deeds of a span of time.
    Times(i64, i64),
    /// A range of the ledger.
    Seqs,
}

/// A condition on a row of `deed`, and where its candidates are with their rough number.
struct Condition {
    fragment: Fragment,
    source: Option<(Source, u64)>,
    /// The first and the last deed that it can mean, where that is known.
    between: Option<(i64, i64)>,
}

impl Condition {
    fn new(fragment: Fragment, source: Option<(Source, u64)>) -> Self {
        Self { fragment, source, between: None }
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
    compiler.assemble(conditions)
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
    fn assemble(&mut self, mut conditions: Vec<Condition>) -> Result<Prepared, IndexError> {
        let stretch = conditions.iter().filter_map(|condition| condition.between);
        let stretch = stretch.reduce(|(first, last), other| (first.max(other.0), last.min(other.1)));
        let best = conditions
            .iter_mut()
            .filter_map(|condition| condition.source.take())
            .map(|(source, estimate)| (self.within(&source, estimate, stretch), source))
            .min_by_key(|(estimate, _)| *estimate)
            .map(|(estimate, source)| (source, estimate));
        let mut plan = self.source(best)?;
        if let Some((first, last)) = stretch {
            let sql = format!(" AND {} BETWEEN ? AND ?", plan.seq);
            plan.body.push(&sql, Fragment::new("", vec![Sql::from(first), Sql::from(last)]));
        }
        for condition in conditions {
            plan.body.push(" AND ", condition.fragment);
        }
        Ok(plan)
    }

    /// How many candidates a source has on a stretch of the ledger, if they are spread evenly.
    fn within(&self, source: &Source, estimate: u64, stretch: Option<(i64, i64)>) -> u64 {
        match (source, stretch) {
            (Source::Posts(_) | Source::Words(_), Some((first, last))) => {
                let part = u128::from(super::from_sql(last.saturating_sub(first).saturating_add(1)));
                let scaled = u128::from(estimate) * part / u128::from(self.head.max(1));
                u64::try_from(scaled).unwrap_or(u64::MAX).min(estimate)
            }
            (Source::References(..) | Source::Times(..) | Source::Seqs, _) | (_, None) => estimate,
        }
    }

    fn source(&mut self, best: Option<(Source, u64)>) -> Result<Prepared, IndexError> {
        let scan =
            || Prepared { body: Fragment::new("FROM deed d NOT INDEXED WHERE 1", Vec::new()), seq: "d.seq" };
        let Some((source, estimate)) = best else { return Ok(scan()) };
        let gathered = estimate <= GATHERED;
        Ok(match source {
            Source::Posts(ids) => match ids.as_slice() {
                [id] => Prepared {
                    body: Fragment::new(
                        "FROM post p CROSS JOIN deed d ON d.seq = p.seq WHERE p.term = ?",
                        vec![Sql::from(*id)],
                    ),
                    seq: "p.seq",
                },
                ids if gathered => {
                    let ids = self.in_list(ids)?;
                    let sql = format!("d.seq IN (SELECT seq FROM post WHERE term {})", ids.sql);
                    with(scan(), Fragment::new(sql, ids.bound))
                }
                _ => scan(),
            },
            Source::Words(trigrams) => Prepared {
                body: Fragment::new(
                    "FROM words CROSS JOIN deed d ON d.seq = words.rowid WHERE words MATCH ?",
                    vec![Sql::from(trigrams)],
                ),
                seq: "words.rowid",
            },
            Source::References(kind, range) if gathered => with(scan(), references(kind, range)),
            Source::Times(first, last) if gathered => {
                let sql = "d.seq IN (SELECT seq FROM deed WHERE time BETWEEN ? AND ?)";
                with(scan(), Fragment::new(sql, vec![Sql::from(first), Sql::from(last)]))
            }
            Source::References(..) | Source::Times(..) | Source::Seqs => scan(),
        })
    }

    fn term(&mut self, term: &Term) -> Result<Condition, IndexError> {
        let mut any = Fragment::new("(0", Vec::new());
        let mut sources = Vec::new();
        for choice in &term.choices {
            let condition = self.choice(choice)?;
            any.push(" OR ", condition.fragment);
            sources.push(condition.source);
        }
        any.sql.push(')');
        if term.negated {
            any.sql.insert_str(0, "NOT ");
            return Ok(Condition::new(any, None));
        }
        Ok(Condition::new(any, joined(sources)))
    }

    fn choice(&mut self, choice: &Choice) -> Result<Condition, IndexError> {
        match choice {
            Choice::Name(key, glob) => self.name(*key, glob),
            Choice::Entity(pattern) => self.entity(pattern),
            Choice::Number(key, range) => self.number(*key, *range),
            Choice::Since(when) => Ok(Condition::new(of_times(when.at.micros(), i64::MAX), None)),
            Choice::Until(when) => Ok(Condition::new(of_times(i64::MIN, when.at.micros()), None)),
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
        Ok(Condition::new(Fragment::new(sql, list.bound), Some((Source::Posts(ids), deeds))))
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
        Ok(Condition::new(fragment, source))
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
                return Ok(Condition::new(between("d.seq", range.low), source));
            }
            NumberKey::Map => return Ok(Condition::new(between("d.map", range.low), None)),
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
        Ok(Condition::new(references(kind, range), source))
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
            return Ok(Condition::new(fragment, None));
        }
        let between = low.zip(high);
        Ok(Condition { fragment, source: Some((Source::Times(first, last), found)), between })
    }

    fn text(&self, folded: &str) -> Result<Condition, IndexError> {
        let sql = "EXISTS (SELECT 1 FROM text x WHERE x.seq = d.seq AND instr(x.folded, ?) > 0)";
        let fragment = Fragment::new(sql, vec![Sql::from(folded.to_owned())]);
        let source = words::rarest(self.connection, folded, self.head)?;
        Ok(Condition::new(fragment, source.map(|(words, estimate)| (Source::Words(words), estimate))))
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

fn with(mut plan: Prepared, condition: Fragment) -> Prepared {
    plan.body.push(" AND ", condition);
    plan
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
            Some((Source::References(..) | Source::Words(_) | Source::Times(..) | Source::Seqs, _))
            | None => {
                return None;
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    Some((Source::Posts(all), deeds))
}
