//! The ledger: pages, single deeds with their exact bytes, counts over time, and what the deeds add up to.
//!
//! Without a filter the ledger answers itself; with one the index says which deeds are meant.

use std::collections::VecDeque;

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
use crate::server::answer::{Answer, absent, apart, defect, json, text, unfiltered, unread};
use crate::server::gate::Call;
use crate::server::query::Query;
use crate::server::workspace::Workspace;

/// How many deeds a page has where the caller does not say.
const PAGE: usize = 100;
/// How many bytes of deeds a page has at most; a single deed's may be more.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// How many deeds that a filter means are read at a time.
const READ: usize = 16;
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
    if filter.is_empty() {
        let mut page = unfiltered_page(&call.space, state.head(), from, limit).await?;
        page.count = query.flag("count")?.then_some((page.head.0, true));
        return apart(bytes(&page), || json(&page));
    }
    if let Some(seq) = query.get::<Seq>("min_seq")? {
        call.space.index_reached(seq).await?;
    }
    let counted = query.flag("count")?;
    let (found, count) = call
        .space
        .ask_index(move |index| {
            let found = index.page(&filter, from, limit)?;
            let count = if counted { Some(index.count(&filter)?) } else { None };
            Ok((found, count))
        })
        .await?;
    let mut fitting = Fitting::of(from);
    for some in found.seqs.chunks(READ) {
        fitting.take(raw_deeds(&call.space, some.to_vec()).await?);
    }
    let count = count.map(|count| (count.deeds, count.exact));
    let more = found.more || fitting.left_out;
    let page = LedgerPage { deeds: fitting.deeds.into(), more, head: found.head, count };
    apart(bytes(&page), || json(&page))
}

fn bytes(page: &LedgerPage) -> usize {
    page.deeds.iter().map(|deed| deed.deed.get().len()).sum()
}

/// The deeds of a page, as many as fit: nearest to where it was asked for.
struct Fitting {
    deeds: VecDeque<RawDeed>,
    bytes: usize,
    /// Those before this one may go, and then those after it.
    pivot: Seq,
    /// Some had no room.
    left_out: bool,
    /// Of what comes later none has room.
    full: bool,
}

impl Fitting {
    fn of(from: PageFrom) -> Self {
        let pivot = match from {
            PageFrom::Newest | PageFrom::Before(_) => Seq(u64::MAX),
            PageFrom::Oldest | PageFrom::After(_) => Seq(0),
            PageFrom::Around(seq) => seq,
        };
        Self { deeds: VecDeque::new(), bytes: 0, pivot, left_out: false, full: false }
    }

    /// Takes deeds that come after those it has.
    fn take(&mut self, deeds: Vec<RawDeed>) {
        for deed in deeds {
            if self.full {
                return;
            }
            self.bytes += deed.deed.get().len();
            self.deeds.push_back(deed);
            while self.bytes > PAGE_BYTES && self.deeds.len() > 1 {
                let gone = self.deeds.pop_front_if(|first| first.seq < self.pivot);
                self.full = gone.is_none();
                let gone = gone.or_else(|| self.deeds.pop_back());
                self.bytes -= gone.map_or(0, |gone| gone.deed.get().len());
                self.left_out = true;
            }
        }
    }
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

/// A page of every deed: a stretch of the ledger.
async fn unfiltered_page(
    space: &Workspace,
    head: Seq,
    from: PageFrom,
    limit: usize,
) -> Result<LedgerPage, Box<Problem>> {
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
    let mut fitting = Fitting::of(from);
    let mut at = after;
    while at < until && !fitting.full {
        let wanted = usize::try_from(until - at).unwrap_or(limit);
        let records = space.handle().ledger().read(at, wanted).await.map_err(|error| unread(&error))?;
        let Some(last) = records.last() else { break };
        at = last.seq;
        for record in records {
            fitting.take(vec![raw(&record)?]);
        }
    }
    let more = match from {
        PageFrom::Newest | PageFrom::Before(_) => after > 0,
        PageFrom::Oldest | PageFrom::After(_) => until < head.0,
        PageFrom::Around(_) => after > 0 || until < head.0,
    };
    Ok(LedgerPage { deeds: fitting.deeds.into(), more: more || fitting.left_out, head, count: None })
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
    raw_deeds(space, vec![seq]).await?.pop().ok_or_else(|| absent(format!("deed {seq}")))
}

/// Those of the deeds that exist, with their exact bytes.
pub(in crate::server) async fn raw_deeds(
    space: &Workspace,
    seqs: Vec<Seq>,
) -> Result<Vec<RawDeed>, Box<Problem>> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let seqs = seqs.into_iter().map(|seq| seq.0).collect();
    let records = space.handle().ledger().read_many(seqs).await.map_err(|error| unread(&error))?;
    records.iter().map(raw).collect()
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
