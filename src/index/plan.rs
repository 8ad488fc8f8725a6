//! From a filter to what is asked. The SQL is put together from fixed fragments; what people wrote is only ever bound.
//!
//! Every term becomes a condition on one row of `deed`. Besides, the rarest term that is not negated becomes the
//! *source*: where the candidates are read from, in order, so that a page stops as soon as it is full. What a source says of
//! its deeds is not asked of them again. A `+` before a column keeps SQLite from looking up every term of a large set for each
//! deed; it is to look at the deed's few.

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use super::query::{Fragment, GATHERED, Prepared, Source, both};
use super::schema::{RefKind, TermKind};
use super::terms::{Subtree, entities, fields_of, named, pick};
use super::{IndexError, texts, to_sql};
use crate::domain::filter::{Choice, Filter, Glob, NameKey, NumberKey, Numbers, Term};
use crate::domain::path::Pattern;
use crate::domain::time::Time;

/// How many terms are bound one by one.
const BOUND_IDS: usize = 32;
/// The entities of a place are gathered one by one up to this many; beyond it every deed is asked where its entities are.
const GATHERED_NAMES: usize = 2_000;
/// A second list of deeds is gone through beside the source's where it is at most so many times as long. Beyond that each
/// candidate is looked up.
const BESIDE: u64 = 64;

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
