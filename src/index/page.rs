//! Pages, counts and histograms of the deeds that a filter means.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use super::apply::MINUTE_MICROS;
use super::plan;
use super::query::Prepared;
use super::schema::TermKind;
use super::{Index, IndexError, from_sql, head, to_sql};
use crate::domain::filter::Filter;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::time::{Span, Time};

/// Most deeds of one page.
pub const PAGE_LIMIT: usize = 1000;
/// Most buckets of one histogram.
pub const HISTOGRAM_BUCKETS: usize = 1000;

/// How long a count may look before it estimates the rest.
const COUNT_BUDGET: Duration = Duration::from_millis(100);
/// How many deeds a count looks at before it looks at the clock for the first time.
const COUNT_WINDOW: u64 = 20_000;

/// Where a page lies among the deeds that a filter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFrom {
    Newest,
    Oldest,
    /// The nearest before this one, itself not included.
    Before(Seq),
    /// The nearest after this one, itself not included.
    After(Seq),
    /// Half of them up to this one, itself included if it is meant, and half after it.
    Around(Seq),
}

/// A page: numbers in the order of the ledger, whichever way it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The deeds, oldest first.
    pub seqs: Vec<Seq>,
    /// Whether there are more in the direction asked for; for [`PageFrom::Around`] in either.
    pub more: bool,
    /// How far the index had got: later deeds are not in it.
    pub head: Seq,
}

/// How many deeds a filter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The number.
    pub deeds: u64,
    /// Whether all were counted; otherwise the number is an estimate from the newest ones.
    pub exact: bool,
}

/// Deeds over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// How much of time each bucket takes: whole minutes where a bucket is a minute or more.
    pub width: Span,
    /// The buckets, oldest first, without a gap.
    pub buckets: Vec<Bucket>,
}

/// One bucket of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins.
    pub start: Time,
    /// What happened in it.
    pub tally: Tally,
}

/// Deeds by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    by_outcome: [u64; Outcome::ALL.len()],
    other: u64,
}

impl Tally {
    /// How many came out so.
    pub fn of(&self, outcome: Outcome) -> u64 {
        let mut pairs = Outcome::ALL.iter().zip(self.by_outcome);
        pairs.find(|(one, _)| **one == outcome).map_or(0, |(_, deeds)| deeds)
    }

    /// Those of an outcome that this version does not know, and bytes that are no deed.
    pub fn other(&self) -> u64 {
        self.other
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_outcome.iter().sum::<u64>() + self.other
    }

    /// Counts deeds of that outcome.
    pub fn add(&mut self, outcome: Option<Outcome>, deeds: u64) {
        let mut pairs = Outcome::ALL.iter().zip(&mut self.by_outcome);
        match pairs.find(|(one, _)| Some(**one) == outcome) {
            Some((_, count)) => *count += deeds,
            None => self.other += deeds,
        }
    }
}

impl Index {
    /// The deeds that the filter means, up to `limit` ([`PAGE_LIMIT`] at most).
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn page(&self, filter: &Filter, from: PageFrom, limit: usize) -> Result<Page, IndexError> {
        let limit = limit.clamp(1, PAGE_LIMIT);
        self.read(|connection| {
            let head = head(connection)?.seq;
            let plan = plan::plan(connection, filter, None, head.0)?;
            let (seqs, more) = match from {
                PageFrom::Newest => older(connection, &plan, i64::MAX, limit)?,
                PageFrom::Before(seq) => older(connection, &plan, to_sql(seq.0).saturating_sub(1), limit)?,
                PageFrom::Oldest => newer(connection, &plan, 0, limit)?,
                PageFrom::After(seq) => newer(connection, &plan, to_sql(seq.0).saturating_add(1), limit)?,
                PageFrom::Around(seq) => {
                    let (mut seqs, before) = older(connection, &plan, to_sql(seq.0), limit.div_ceil(2))?;
                    let rest = limit.saturating_sub(seqs.len()).max(1);
                    let (after, later) = newer(connection, &plan, to_sql(seq.0).saturating_add(1), rest)?;
                    seqs.extend(after);
                    (seqs, before || later)
                }
            };
            Ok(Page { seqs: seqs.into_iter().map(|seq| Seq(from_sql(seq))).collect(), more, head })
        })
    }

    /// How many deeds the filter means; an estimate where counting takes too long.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn count(&self, filter: &Filter) -> Result<Count, IndexError> {
        self.read(|connection| {
            let head = head(connection)?.seq.0;
            if filter.is_empty() {
                return Ok(Count { deeds: head, exact: true });
            }
            let plan = plan::plan(connection, filter, None, head)?;
            count(connection, &plan, head, Instant::now())
        })
    }

    /// The deeds that the filter means over time, in at most `buckets` ([`HISTOGRAM_BUCKETS`]) equal parts that cover
    /// `from` to `to`. Without a filter it is read off the counts per minute.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn histogram(
        &self,
        filter: &Filter,
        from: Time,
        to: Time,
        buckets: usize,
    ) -> Result<Histogram, IndexError> {
        let frame = Frame::new(from, to, buckets);
        self.read(|connection| {
            let rows = if filter.is_empty() && frame.whole_minutes() {
                minutes(connection, &frame)?
            } else {
                let head = head(connection)?.seq.0;
                let plan = plan::plan(connection, filter, Some((frame.start, frame.end())), head)?;
                deeds(connection, &frame, &plan)?
            };
            tally(connection, &frame, rows)
        })
    }
}

/// Up to `limit` deeds that end at `last`, oldest first, and whether there are older ones.
fn older(
    connection: &Connection,
    plan: &Prepared,
    last: i64,
    limit: usize,
) -> Result<(Vec<i64>, bool), IndexError> {
    let mut seqs = plan.seqs(connection, (0, last), true, limit + 1)?;
    let more = seqs.len() > limit;
    seqs.truncate(limit);
    seqs.reverse();
    Ok((seqs, more))
}

/// Up to `limit` deeds that begin at `first`, oldest first, and whether there are newer ones.
fn newer(
    connection: &Connection,
    plan: &Prepared,
    first: i64,
    limit: usize,
) -> Result<(Vec<i64>, bool), IndexError> {
    let mut seqs = plan.seqs(connection, (first, i64::MAX), false, limit + 1)?;
    let more = seqs.len() > limit;
    seqs.truncate(limit);
    Ok((seqs, more))
}

/// Counts from the newest on, in growing windows, until the budget is spent.
fn count(connection: &Connection, plan: &Prepared, head: u64, began: Instant) -> Result<Count, IndexError> {
    let (mut deeds, mut left, mut window) = (0, head, COUNT_WINDOW);
    while left > 0 {
        let next = left.saturating_sub(window);
        deeds += plan.count(connection, (to_sql(next) + 1, to_sql(left)))?;
        left = next;
        window = window.saturating_mul(4);
        if left > 0 && began.elapsed() > COUNT_BUDGET {
            let scanned = u128::from(head - left).max(1);
            let estimate = u128::from(deeds) * u128::from(head) / scanned;
            return Ok(Count { deeds: u64::try_from(estimate).unwrap_or(u64::MAX), exact: false });
        }
    }
    Ok(Count { deeds, exact: true })
}

/// How time is cut.
struct Frame {
    start: Time,
    width: i64,
    buckets: i64,
}

impl Frame {
    fn new(from: Time, to: Time, buckets: usize) -> Self {
        let buckets = i64::try_from(buckets.clamp(1, HISTOGRAM_BUCKETS)).unwrap_or(1);
        let length = to.since(from).micros().max(buckets);
        let width = length.saturating_add(buckets - 1) / buckets;
        if width < MINUTE_MICROS {
            return Self { start: from, width, buckets };
        }
        // A minute is never cut: the buckets begin with one and take whole ones.
        let start = Time::from_micros(from.micros().div_euclid(MINUTE_MICROS).saturating_mul(MINUTE_MICROS));
        let length = to.since(start).micros();
        let minutes = length.saturating_add(buckets * MINUTE_MICROS - 1) / (buckets * MINUTE_MICROS);
        let width = minutes.max(1).saturating_mul(MINUTE_MICROS);
        Self { start, width, buckets: (length.saturating_add(width - 1) / width).max(1) }
    }

    fn whole_minutes(&self) -> bool {
        self.width % MINUTE_MICROS == 0 && self.start.micros() % MINUTE_MICROS == 0
    }

    fn end(&self) -> Time {
        Time::from_micros(self.start.micros().saturating_add(self.width.saturating_mul(self.buckets)))
    }

    fn bucket(&self, at: i64) -> Time {
        Time::from_micros(self.start.micros().saturating_add(self.width.saturating_mul(at)))
    }
}

/// Bucket, outcome's term, deeds.
type Row = (i64, i64, i64);

fn minutes(connection: &Connection, frame: &Frame) -> Result<Vec<Row>, IndexError> {
    let per_bucket = frame.width / MINUTE_MICROS;
    let first = frame.start.micros().div_euclid(MINUTE_MICROS);
    let mut statement = connection.prepare_cached(
        "SELECT (minute - ?1) / ?2 AS bucket, outcome, sum(deeds) FROM minute
         WHERE minute >= ?1 AND minute < ?1 + ?2 * ?3 GROUP BY bucket, outcome",
    )?;
    let rows = statement
        .query_map([first, per_bucket, frame.buckets], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn deeds(connection: &Connection, frame: &Frame, plan: &Prepared) -> Result<Vec<Row>, IndexError> {
    plan.grouped(
        connection,
        "(d.time - ?) / ? AS bucket, d.outcome, count(*)",
        &[Sql::from(frame.start.micros()), Sql::from(frame.width)],
        "GROUP BY bucket, d.outcome",
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

fn tally(connection: &Connection, frame: &Frame, rows: Vec<Row>) -> Result<Histogram, IndexError> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM term WHERE kind = ?")?;
    let outcomes: Vec<(i64, String)> = statement
        .query_map([TermKind::Outcome.number()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let known = |id: i64| {
        let name = outcomes.iter().find(|(term, _)| *term == id).map(|(_, name)| name.as_str())?;
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    };
    let mut buckets: Vec<Bucket> =
        (0..frame.buckets).map(|at| Bucket { start: frame.bucket(at), tally: Tally::default() }).collect();
    for (bucket, outcome, deeds) in rows {
        if let Some(bucket) = usize::try_from(bucket).ok().and_then(|at| buckets.get_mut(at)) {
            bucket.tally.add(known(outcome), from_sql(deeds));
        }
    }
    Ok(Histogram { width: Span::from_micros(frame.width), buckets })
}
