//! Lists in pages: each is of one moment, which is kept while pages of it are asked for, and bounded in rows and in bytes.
//!
//! Where a page begins is counted in the rows as the moment has them, so that nothing that happens meanwhile moves it: what the
//! map of the present hides is left out of a page, and not out of the count.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::answer::{ROW, apart};
use super::gate::Call;
use super::past;
use super::query::Query;
use crate::api::{Problem, ProblemCode};
use crate::domain::ids::Seq;
use crate::domain::readiness::{Team, readiness};
use crate::domain::state::{Front, Thing};
use crate::domain::things::{Brief, weight};
use crate::domain::time::Time;

/// Most rows of a page.
const ROWS: usize = 500;
/// How many bytes of JSON a page has room for; a row that is larger has one of its own.
const BYTES: u64 = 192 * 1024;
/// A row of more bytes than this is told in short.
const LONG: u64 = 8 * 1024;
/// Where the parameter stands.
const PLACE: &str = "query, `page`";

/// Where a page begins: of which moment, at what time, behind how many rows. In text `4711.1767225600000000.250`; of the
/// past with `.then` behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    seq: Seq,
    now: Time,
    row: usize,
    then: bool,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.seq, self.now.micros(), self.row)?;
        if self.then { f.write_str(".then") } else { Ok(()) }
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (text, then) = text.strip_suffix(".then").map_or((text, false), |text| (text, true));
            let mut parts = text.splitn(3, '.');
            Some(Self {
                seq: parts.next()?.parse().ok()?,
                now: Time::from_micros(parts.next()?.parse().ok()?),
                row: parts.next()?.parse().ok()?,
                then,
            })
        };
        read().ok_or("it is not what `next` of a page said")
    }
}

/// A page that is asked for.
#[derive(Debug)]
pub(super) struct Page {
    /// The moment that it is of.
    pub(super) front: Arc<Front>,
    /// What the time was when the first page was asked for.
    pub(super) now: Time,
    row: usize,
    then: bool,
}

/// The rows of a page.
#[derive(Debug)]
pub(super) struct Taken<R> {
    pub(super) rows: Vec<R>,
    /// What of it is told in short.
    pub(super) cut: Vec<String>,
    /// Where the next one begins.
    pub(super) next: Option<String>,
}

/// A row of one of two lists, which come one after the other.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Row<A, B> {
    First(A),
    Second(B),
}

/// The two lists that rows are of.
pub(super) fn split<A, B>(rows: Vec<Row<A, B>>) -> (Vec<A>, Vec<B>) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Row::First(row) => first.push(row),
            Row::Second(row) => second.push(row),
        }
    }
    (first, second)
}

impl Page {
    /// The page that the query names, or the first one of the moment that it names.
    pub(super) async fn of(call: &Call, query: &Query) -> Result<Self, Box<Problem>> {
        let Some(text) = query.text("page") else {
            let (front, then) = (call.front(query).await?, query.text("at").is_some());
            return Ok(Self { front, now: past::now(call, query).await?, row: 0, then });
        };
        let Cursor { seq, now, row, then } = text
            .parse()
            .map_err(|detail: &str| Box::new(Problem::new(ProblemCode::BadParameter, detail).at(PLACE)))?;
        let front = call.space.pins().get(seq, then).ok_or_else(|| gone(seq))?;
        is_of_then(call, query, seq).await?;
        Ok(Self { front, now, row, then })
    }

    /// How the team stands at its moment: worked out with the first page, and kept for those behind it.
    pub(super) fn team(&self, call: &Call) -> Arc<Team> {
        let Self { front, now, then, .. } = self;
        let known = call.space.pins().team(front.head(), *then, *now);
        let size = front.board.map.model().agents.len() * ROW;
        known.unwrap_or_else(|| Arc::new(apart(size, || readiness(&front.board, *now))))
    }

    /// Keeps that, where more pages are to come.
    pub(super) fn keep_team(&self, call: &Call, team: Arc<Team>) {
        call.space.pins().keep_team(self.front.head(), self.then, team);
    }

    /// Whether it is the first one.
    pub(super) fn is_first(&self) -> bool {
        self.row == 0
    }

    /// Whether it is of the past, which has an order of its own.
    pub(super) fn is_of_then(&self) -> bool {
        self.then
    }

    /// As many rows of the list as there is room for, each as `show` has it.
    pub(super) fn take<R, S: Serialize>(
        &self,
        call: &Call,
        list: impl IntoIterator<Item = R>,
        show: impl FnMut(R) -> Option<S>,
    ) -> Taken<S> {
        self.fill(call, list.into_iter().skip(self.row), show, |_| None)
    }

    /// The same of things that may be long: those are told in short.
    pub(super) fn take_brief<R, S: Serialize + Brief>(
        &self,
        call: &Call,
        list: impl IntoIterator<Item = R>,
        show: impl FnMut(R) -> Option<S>,
        thing: impl Fn(&S) -> Thing,
    ) -> Taken<S> {
        self.fill(call, list.into_iter().skip(self.row), show, |one| one.shorten().then(|| thing(one)))
    }

    /// Rows in an order, as far as this page may have room for them.
    pub(super) fn in_order<R, K: Ord>(&self, rows: Vec<R>, key: impl Fn(&R) -> K) -> impl Iterator<Item = R> {
        let mut keyed: Vec<(K, R)> = rows.into_iter().map(|row| (key(&row), row)).collect();
        let order = |a: &(K, R), b: &(K, R)| a.0.cmp(&b.0);
        let end = self.row.saturating_add(ROWS + 1);
        if end < keyed.len() {
            keyed.select_nth_unstable_by(end, order);
            keyed.truncate(end);
        }
        keyed.sort_unstable_by(order);
        keyed.into_iter().map(|(_, row)| row)
    }

    fn fill<R, S: Serialize>(
        &self,
        call: &Call,
        list: impl Iterator<Item = R>,
        mut show: impl FnMut(R) -> Option<S>,
        shorten: impl Fn(&mut S) -> Option<Thing>,
    ) -> Taken<S> {
        let (mut rows, mut cut, mut bytes, mut next) = (Vec::new(), Vec::new(), 0, None);
        let some = list.size_hint().1.unwrap_or(ROWS).min(ROWS);
        apart(some * ROW, || {
            for (at, row) in list.enumerate() {
                if at == ROWS {
                    next = Some(self.row + at);
                    break;
                }
                let Some(mut one) = show(row) else { continue };
                let mut size = weight(&one);
                let short = if size > LONG { shorten(&mut one) } else { None };
                if short.is_some() {
                    size = weight(&one);
                }
                if !rows.is_empty() && bytes + size > BYTES {
                    next = Some(self.row + at);
                    break;
                }
                cut.extend(short.map(|thing| thing.to_string()));
                bytes += size;
                rows.push(one);
            }
        });
        Taken { rows, cut, next: next.map(|row| self.keep(call, row)) }
    }

    /// Keeps the moment, and says where its next page begins.
    fn keep(&self, call: &Call, row: usize) -> String {
        let Self { front, now, then, .. } = self;
        call.space.pins().keep(Arc::clone(front), *then, &call.caller.principal.actor);
        Cursor { seq: front.head(), now: *now, row, then: *then }.to_string()
    }
}

/// The first of some rows that a page of their own would have room for, in short, and how many more there are.
pub(super) fn some<S: Serialize + Brief>(list: impl Iterator<Item = S>, most: u64) -> (Vec<S>, usize) {
    let (mut rows, mut bytes, mut more) = (Vec::new(), 0, 0);
    for mut one in list {
        if more > 0 || rows.len() == ROWS {
            more += 1;
            continue;
        }
        if weight(&one) > LONG {
            one.shorten();
        }
        bytes += weight(&one);
        if bytes > most {
            more += 1;
        } else {
            rows.push(one);
        }
    }
    (rows, more)
}

/// The page of a moment that is not kept any more.
pub(super) fn gone(seq: Seq) -> Box<Problem> {
    let detail = format!("a page of deed {seq} was not asked for lately, or others were since");
    Box::new(Problem::new(ProblemCode::PageGone, detail).at(PLACE))
}

/// A page is of its own moment; where `at` names one too, it is the same.
pub(super) async fn is_of_then(call: &Call, query: &Query, page: Seq) -> Result<(), Box<Problem>> {
    let Some(then) = past::moment(call, query).await?.map(|moment| moment.front.head()) else {
        return Ok(());
    };
    if then == page {
        return Ok(());
    }
    let detail =
        format!("the page is of deed {page} and this of deed {then}: leave it out, a page knows its own");
    Err(Box::new(Problem::new(ProblemCode::BadParameter, detail).at("query, `at`")))
}
