//! Long looks at the ledger: page after page on a blocking thread, with lines of JSON on the way. A look ends with its
//! caller, with the server, and with its answer; only a few run at once.

use std::convert::Infallible;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::answer::{Answer, defect, unread};
use super::gate::Call;
use super::query::Query;
use crate::api::{LookLine, Looked, MOST_DAYS, NDJSON, Problem, ProblemCode, Window};
use crate::coordinator::Handle;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::state::Front;
use crate::domain::time::{Span, Time};
use crate::ledger::{Ledger as _, Record};

/// How many deeds are looked at before the caller is asked for.
const PAGE: usize = 1_000;
/// How often it is said how far a look has got.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Something that is shown deed after deed.
pub(super) trait Look: Send + 'static {
    /// The next deed.
    fn consider(&mut self, deed: &Deed);
    /// What came of it.
    fn finish(self: Box<Self>, window: Window) -> LookLine;
}

/// The parameter `days`; `usual` where nothing is said.
pub(super) fn days_of(query: &Query, usual: Option<u32>) -> Result<Option<u32>, Box<Problem>> {
    let Some(days) = query.get::<u32>("days")? else { return Ok(usual) };
    if (1..=MOST_DAYS).contains(&days) {
        return Ok(Some(days));
    }
    let detail = format!("{days} days; a look goes back 1 to {MOST_DAYS}");
    Err(Box::new(Problem::new(ProblemCode::BadParameter, detail).at("query, `days`")))
}

/// Answers with the lines of a look at the deeds of the last `days`, or at all of them, up to the head of `state`.
pub(super) async fn answer(call: &Call, state: &Front, days: Option<u32>, look: Box<dyn Look>) -> Answer {
    let place = call.space.look_place()?;
    let handle = call.space.handle().clone();
    let until = state.head();
    let since = days.map(|days| call.app.clock().now().minus(Span::from_days(i64::from(days))));
    let after = match since {
        Some(since) => before(&handle, since, until).await?,
        None => Seq(0),
    };
    let window = Window { days, since, head: until, version: state.board.map_version };
    let looking = Looking {
        handle,
        _space: Arc::clone(&call.space),
        closing: call.app.closing.clone(),
        look: Some(look),
        window: Some(window),
        began: after,
        at: after,
        until,
        told: false,
        _place: place,
    };
    let lines = stream::unfold(looking, |mut looking| async move {
        let line = looking.next().await?;
        Some((Ok::<_, Infallible>(line), looking))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The last deed that was recorded before then: by the clock that was right, times of recording never go back, so half of what is
/// left is enough.
async fn before(handle: &Handle, since: Time, until: Seq) -> Result<Seq, Box<Problem>> {
    let clock = &handle.front().board.clock;
    let (mut low, mut high) = (0, until.0);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let record = handle.ledger().get(middle).await.map_err(|error| unread(&error))?;
        let record = record.ok_or_else(|| defect(format!("deed {middle} is not in the ledger")))?;
        if clock.right(Seq(middle), read(&record)?.recorded) < since {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(Seq(low))
}

fn read(record: &Record) -> Result<Deed, Box<Problem>> {
    Deed::decode(&record.bytes).map_err(|error| defect(format!("deed {} can't be read: {error}", record.seq)))
}

/// One look on its way. Whoever lets go of it ends it.
struct Looking {
    handle: Handle,
    /// Whoever looks keeps it open.
    _space: Arc<super::Workspace>,
    closing: watch::Receiver<bool>,
    look: Option<Box<dyn Look>>,
    window: Option<Window>,
    began: Seq,
    at: Seq,
    until: Seq,
    told: bool,
    _place: OwnedSemaphorePermit,
}

impl Looking {
    /// The next line; none once all is said.
    async fn next(&mut self) -> Option<Bytes> {
        self.window.as_ref()?;
        // The caller learns at once how much there is to look at.
        if !mem::replace(&mut self.told, true) {
            return Some(line(&self.progress()));
        }
        let tell = Instant::now() + TELL_EVERY;
        while self.at < self.until {
            if let Err(problem) = self.page().await {
                self.window = None;
                return Some(line(&LookLine::Broken { problem }));
            }
            if Instant::now() >= tell && self.at < self.until {
                return Some(line(&self.progress()));
            }
        }
        let (look, window) = (self.look.take()?, self.window.take()?);
        match spawn_blocking(move || line(&look.finish(window))).await {
            Ok(last) => Some(last),
            Err(error) => {
                Some(line(&LookLine::Broken { problem: defect(format!("the look broke off: {error}")) }))
            }
        }
    }

    /// Shows the look one page more.
    async fn page(&mut self) -> Result<(), Box<Problem>> {
        if *self.closing.borrow() {
            return Err(Box::new(Problem::new(ProblemCode::Closing, "the look ends with the server")));
        }
        let wanted = usize::try_from(self.until.0 - self.at.0).unwrap_or(PAGE).min(PAGE);
        let records = self.handle.ledger().read(self.at.0, wanted).await.map_err(|error| unread(&error))?;
        let last = records.last().map(|record| Seq(record.seq));
        let last = last.ok_or_else(|| defect(format!("the ledger ends at {} all at once", self.at)))?;
        let Some(mut look) = self.look.take() else { return Ok(()) };
        let shown = spawn_blocking(move || {
            for record in &records {
                look.consider(&read(record)?);
            }
            Ok::<_, Box<Problem>>(look)
        });
        let shown = shown.await.map_err(|error| defect(format!("the look broke off: {error}")))?;
        self.look = Some(shown?);
        self.at = last;
        Ok(())
    }

    fn progress(&self) -> LookLine {
        LookLine::Progress(Looked { looked: self.at.0 - self.began.0, of: self.until.0 - self.began.0 })
    }
}

fn line<T: Serialize>(line: &T) -> Bytes {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes.into()
}
