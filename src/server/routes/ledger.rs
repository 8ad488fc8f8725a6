//! The ledger: pages, single deeds with their exact bytes, counts over time, and what the deeds add up to.
//!
//! Without a filter the ledger answers itself; with one the index says which deeds are meant.

use serde_json::value::RawValue;

use crate::api::{
    BucketView, ContestedField, FieldActivity, Histogram, KnownActor, LastWritten, LedgerPage, PAGE_LIMIT,
    Problem, ProblemCode, RawDeed, Stats, Times, Words,
};
use crate::domain::filter::Filter;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::time::{Span, Time};
use crate::index::{self, PageFrom};
use crate::ledger::{Ledger as _, Record};
use crate::server::answer::{Answer, ROW, absent, apart, defect, json, json_of, text, unfiltered, unread};
use crate::server::gate::Call;
use crate::server::query::Query;
use crate::server::workspace::Workspace;

/// How many deeds a page has where the caller does not say.
const PAGE: usize = 100;
/// How many bytes of deeds an answer has at most; a single deed's may be more.
pub(in crate::server) const PAGE_BYTES: usize = 1024 * 1024;
/// How often each of them is in memory while the answer is made: as it was read, as a deed, as JSON.
pub(in crate::server) const MADE_OF: usize = 3;
/// How many bytes stand beside a deed, its hash and its number, at most.
const BESIDE: usize = 128;
/// How many buckets a histogram has where the caller does not say.
const BUCKETS: usize = 60;
/// How far back a histogram looks where the caller does not say.
const HISTOGRAM_SPAN: Span = Span::from_hours(1);
/// How many contested fields are told.
const CONTESTED: usize = 200;
/// How many words of each kind are told.
const WORDS: usize = 500;

/// `GET /v1/ledger`: a page, oldest first, where `before`, `after` or `around` says; the newest without.
pub(in crate::server) async fn page(call: Call) -> Answer {
    let query = call.query()?;
    let from = page_from(&query)?;
    let limit = query.get::<usize>("limit")?.unwrap_or(PAGE).clamp(1, PAGE_LIMIT);
    let filter = filter_of(&call, &query)?;
    let state = call.front(&query).await?;
    let counted = query.flag("count")?;
    if filter.is_empty() {
        let head = state.head();
        let (seqs, more) = stretch(head, from, limit);
        return told(&call, from, seqs, more, head, counted.then_some((head.0, true))).await;
    }
    if let Some(seq) = query.get::<Seq>("min_seq")? {
        call.space.index_reached(seq).await?;
    }
    let asked = call.space.ask_index(move |index| {
        let found = index.page(&filter, from, limit)?;
        let count = if counted { Some(index.count(&filter)?) } else { None };
        Ok((found, count))
    });
    let (found, count) = asked.await?;
    let count = count.map(|count| (count.deeds, count.exact));
    told(&call, from, found.seqs, found.more, found.head, count).await
}

/// The numbers of a page of every deed, and whether there are more the way it goes.
fn stretch(head: Seq, from: PageFrom, limit: usize) -> (Vec<Seq>, bool) {
    let count = limit as u64;
    let (after, until) = match from {
        PageFrom::Newest => (head.0.saturating_sub(count), head.0),
        PageFrom::Oldest => (0, count),
        PageFrom::Before(seq) => {
            let last = seq.0.saturating_sub(1).min(head.0);
            (last.saturating_sub(count), last)
        }
        PageFrom::After(seq) => (seq.0, seq.0.saturating_add(count)),
        PageFrom::Around(seq) => {
            let last = seq.0.saturating_add(count / 2).min(head.0);
            (last.saturating_sub(count), last.max(count))
        }
    };
    let until = until.min(head.0);
    let more = match from {
        PageFrom::Newest | PageFrom::Before(_) => after > 0,
        PageFrom::Oldest | PageFrom::After(_) => until < head.0,
        PageFrom::Around(_) => after > 0 || until < head.0,
    };
    ((after..until).map(|seq| Seq(seq + 1)).collect(), more)
}

/// A page of these deeds, as many as have room: the nearest to where it was asked for.
pub(in crate::server) async fn told(
    call: &Call,
    from: PageFrom,
    seqs: Vec<Seq>,
    more: bool,
    head: Seq,
    count: Option<(u64, bool)>,
) -> Answer {
    let _making = call.making(MADE_OF * PAGE_BYTES).await;
    let deeds = nearest(&call.space, &seqs, from).await?;
    let more = more || deeds.len() < seqs.len();
    let page = LedgerPage { deeds, more, head, count };
    let bytes = page.deeds.iter().map(|deed| deed.deed.get().len() + BESIDE).sum();
    apart(bytes, || json_of(ROW + bytes, &page))
}

/// Those of some deeds in order that a page has room for, the nearest to where it was asked for; what comes behind it first.
pub(in crate::server) async fn nearest(
    space: &Workspace,
    seqs: &[Seq],
    from: PageFrom,
) -> Result<Vec<RawDeed>, Box<Problem>> {
    let pivot = match from {
        PageFrom::Newest | PageFrom::Before(_) => Seq(u64::MAX),
        PageFrom::Oldest | PageFrom::After(_) => Seq(0),
        PageFrom::Around(seq) => seq,
    };
    let (before, behind) = seqs.split_at(seqs.partition_point(|seq| *seq < pivot));
    let mut room = Room::default();
    let mut later = raw_deeds(space, behind, &mut room).await?;
    if before.is_empty() || later.len() < behind.len() {
        return Ok(later);
    }
    let before: Vec<Seq> = before.iter().rev().copied().collect();
    let mut deeds = raw_deeds(space, &before, &mut room).await?;
    deeds.reverse();
    deeds.append(&mut later);
    Ok(deeds)
}

fn filter_of(call: &Call, query: &Query) -> Result<Filter, Box<Problem>> {
    Filter::parse(query.text("filter").unwrap_or_default(), call.app.clock().now())
        .map_err(|error| unfiltered(&error))
}

fn page_from(query: &Query) -> Result<PageFrom, Box<Problem>> {
    let (before, after, around) = (query.get("before")?, query.get("after")?, query.get("around")?);
    match (before, after, around) {
        (None, None, None) => Ok(PageFrom::Newest),
        (None, Some(Seq(0)), None) => Ok(PageFrom::Oldest),
        (Some(seq), None, None) => Ok(PageFrom::Before(seq)),
        (None, Some(seq), None) => Ok(PageFrom::After(seq)),
        (None, None, Some(seq)) => Ok(PageFrom::Around(seq)),
        _ => {
            let problem =
                Problem::new(ProblemCode::BadParameter, "only one of before, after and around may come");
            Err(Box::new(problem.at("query")))
        }
    }
}

/// `GET /v1/ledger/{seq}`
pub(in crate::server) async fn one(call: Call) -> Answer {
    let query = call.query()?;
    call.front(&query).await?;
    let seq = call.param::<Seq>("seq")?;
    json(&one_deed(&call.space, seq).await?)
}

/// One deed with its exact bytes.
pub(in crate::server) async fn one_deed(space: &Workspace, seq: Seq) -> Result<RawDeed, Box<Problem>> {
    let found = raw_deeds(space, &[seq], &mut Room::default()).await?.pop();
    found.ok_or_else(|| absent(format!("deed {seq}")))
}

/// What an answer has room for: bytes of deeds, or the first, however large that is.
#[derive(Debug)]
pub(in crate::server) struct Room {
    left: usize,
    is_fresh: bool,
}

impl Default for Room {
    /// That of a page.
    fn default() -> Self {
        Self { left: PAGE_BYTES, is_fresh: true }
    }
}

impl Room {
    /// Takes so many of it, where they fit.
    fn takes(&mut self, bytes: usize) -> bool {
        let fits = self.is_fresh || bytes <= self.left;
        self.is_fresh = false;
        self.left = if fits { self.left.saturating_sub(bytes) } else { 0 };
        fits
    }
}

/// Those of the deeds that exist, with their exact bytes, in the order asked for and up to the first that has no room. No more
/// than that is read.
pub(in crate::server) async fn raw_deeds(
    space: &Workspace,
    seqs: &[Seq],
    room: &mut Room,
) -> Result<Vec<RawDeed>, Box<Problem>> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let seqs = seqs.iter().map(|seq| seq.0).collect();
    let found = space.handle().ledger().read_many(seqs, room.left).await;
    let mut deeds = Vec::new();
    for record in found.map_err(|error| unread(&error))? {
        if !room.takes(record.bytes.len()) {
            break;
        }
        deeds.push(raw(&record)?);
    }
    Ok(deeds)
}

/// The next of some deeds in order, as many as an answer has room for; those that are left behind them. Empty at the end.
pub(in crate::server) async fn next_deeds(
    space: &Workspace,
    left: &mut &[Seq],
) -> Result<Vec<RawDeed>, Box<Problem>> {
    let deeds = raw_deeds(space, left, &mut Room::default()).await?;
    let read = deeds.last().map_or(left.len(), |last| left.partition_point(|seq| *seq <= last.seq));
    *left = left.get(read..).unwrap_or_default();
    Ok(deeds)
}

fn raw(record: &Record) -> Result<RawDeed, Box<Problem>> {
    let deed: Box<RawValue> = serde_json::from_slice(&record.bytes)
        .map_err(|error| defect(format!("deed {} can't be read: {error}", record.seq)))?;
    Ok(RawDeed { seq: Seq(record.seq), hash: record.hash, deed })
}

/// `GET /v1/ledger/histogram?from=…&to=…&buckets=…&filter=…`: the last hour by the minute where nothing is said.
pub(in crate::server) async fn histogram(call: Call) -> Answer {
    let query = call.query()?;
    let filter = filter_of(&call, &query)?;
    let to = query.get::<Time>("to")?.unwrap_or_else(|| call.app.clock().now());
    let from = query.get::<Time>("from")?.unwrap_or_else(|| to.minus(HISTOGRAM_SPAN));
    let buckets = query.get::<usize>("buckets")?.unwrap_or(BUCKETS).clamp(1, index::HISTOGRAM_BUCKETS);
    if from >= to {
        let problem = Problem::new(ProblemCode::BadParameter, format!("{from} is not before {to}"));
        return Err(Box::new(problem.at("query, `from`")));
    }
    if let Some(seq) = query.get::<Seq>("min_seq")? {
        call.space.index_reached(seq).await?;
    }
    let found = call.space.ask_index(move |index| index.histogram(&filter, from, to, buckets)).await?;
    let bucket = |bucket: &index::Bucket| BucketView {
        start: bucket.start,
        outcomes: Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, bucket.tally.of(outcome)))
            .filter(|(_, deeds)| *deeds > 0)
            .collect(),
        other: bucket.tally.other(),
    };
    json(&Histogram { width: found.width, buckets: found.buckets.iter().map(bucket).collect() })
}

/// `GET /v1/ledger/stats?pattern=…`
pub(in crate::server) async fn stats(call: Call) -> Answer {
    let query = call.query()?;
    let pattern = query.get::<Pattern>("pattern")?;
    if let Some(seq) = query.get::<Seq>("min_seq")? {
        call.space.index_reached(seq).await?;
    }
    let now = call.app.clock().now();
    let stats = call.space.ask_index(move |index| {
        let fields = match &pattern {
            Some(pattern) => index.field_stats(pattern, now)?,
            None => Vec::new(),
        };
        let words = index.vocabulary(WORDS)?;
        Ok(Stats {
            fields: fields.into_iter().map(field_activity).collect(),
            contested: index.contested(CONTESTED)?.into_iter().map(contested).collect(),
            multi_writer_entities: index.multi_writer_entities()?,
            actors: index
                .actors()?
                .into_iter()
                .map(|one| KnownActor { name: one.name, deeds: one.deeds })
                .collect(),
            words: Words {
                actors: words.actors,
                actions: words.actions,
                entities: words.entities,
                fields: words.fields,
            },
            head: index.head()?.seq,
        })
    });
    json(&stats.await?)
}

fn field_activity(stats: index::FieldStats) -> FieldActivity {
    let times = |tried: Vec<index::Tried>| {
        let times = |one: index::Tried| Times { actor: one.actor, times: one.times, last: one.last };
        tried.into_iter().map(times).collect()
    };
    FieldActivity {
        field: stats.field,
        writes: stats.writes,
        last: stats.last.map(|last| LastWritten {
            seq: last.seq,
            time: last.time,
            actor: last.actor,
            entity: last.entity,
            version: last.version,
        }),
        proposals: times(stats.proposals),
        refusals: times(stats.refusals),
    }
}

fn contested(one: index::Contested) -> ContestedField {
    let index::Contested { entity, field, writers, writes, last } = one;
    ContestedField { entity, field, writers, writes, last }
}

/// `GET /v1/checkpoint`
pub(in crate::server) async fn checkpoint(call: Call) -> Answer {
    call.query()?;
    Ok(text("text/plain; charset=utf-8", call.space.checkpoint().await?))
}
