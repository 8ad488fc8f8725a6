//! The deed stream as server-sent events: history, then what is appended, each deed once, in order, `id` = sequence.
//!
//! It ends with a problem when the token ends, when the watcher is too slow, or when the server goes down; the problem
//! names the cursor to resume from. A client that does not read costs nothing but its place.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use serde::Serialize;
use tokio::time::Instant;

use super::App;
use super::answer::{Answer, unfiltered, unread};
use super::auth::{Caller, live};
use super::gate::Call;
use super::workspace::Workspace;
use crate::api::{
    EVENT_DEED, EVENT_END, EVENT_HELLO, EVENT_PROGRESS, Hash, Hello, Problem, ProblemCode, Progress, fit,
};
use crate::coordinator::{Entry, Places, WatchError, Watcher};
use crate::domain::deed::Deed;
use crate::domain::filter::{Facts, Filter};
use crate::domain::ids::{AgentId, MapVersion, Seq};
use crate::domain::map::Model;
use crate::domain::sight::Sight;
use crate::domain::state::Board;
use crate::domain::things::TokenRecord;
use crate::ledger::Ledger as _;

/// A stream says something at least this often, so that a dead connection is noticed on both sides.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream that leaves deeds out says how far it has got at most this often.
const MARK_EVERY: Duration = Duration::from_millis(250);

/// What each stream adds to the time between two chunks of all of them: writing one takes a tenth of this, so that all streams
/// together take a tenth of those processors that are left beside one for who writes.
const TURN: Duration = Duration::from_micros(200);
/// No deed waits longer than this for others to go out with.
const MOST_GATHERED: Duration = Duration::from_secs(2);
/// While it gathers a stream looks this often whether it may fall behind.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Streams that began together go out at so many moments, not all at one.
const SPREAD: u32 = 32;

/// `GET /v1/ledger/stream`: from the `Last-Event-ID` header or `after` on; without either, what comes from now on.
pub(super) async fn follow(call: Call) -> Answer {
    let query = call.query()?;
    let filter = Filter::parse(query.text("filter").unwrap_or_default(), call.app.clock().now())
        .map_err(|error| unfiltered(&error))?;
    let head = call.space.handle().head();
    let after = match call.header("last-event-id")? {
        Some(text) => Some(fit("Last-Event-ID", text)?),
        None => query.get("after")?,
    };
    let after = after.unwrap_or(Seq(head.seq));
    let hash = hash_of(&call.space, after).await?;
    let place = call.space.watch_place(&call.caller.principal)?;
    let complete = filter.is_empty() && call.caller.agent().is_none();
    let spread = u32::try_from(call.space.watching()).unwrap_or_default() % SPREAD;
    let hello =
        Hello { ledger: call.space.handle().identity().source(), after, hash, head: Seq(head.seq), complete };
    let mut first = BytesMut::new();
    event(&mut first, EVENT_HELLO, &hello);
    let feed = Feed {
        watcher: call.space.handle().watch(after),
        app: call.app,
        space: call.space,
        caller: call.caller,
        filter,
        complete,
        first: Some(first.freeze()),
        silent_since: Instant::now(),
        marked: Instant::now(),
        sent: None,
        spread,
        owed: None,
        over: false,
        _place: place,
    };
    let body = Body::from_stream(stream::unfold(feed, |mut feed| async move {
        let chunk = feed.next().await?;
        Some((Ok::<_, Infallible>(chunk), feed))
    }));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The hash of the deed that a stream begins behind.
async fn hash_of(space: &Workspace, after: Seq) -> Result<Hash, Box<Problem>> {
    let handle = space.handle();
    if after == Seq(0) {
        return Ok(handle.identity().genesis());
    }
    let head = handle.head();
    if after.0 == head.seq {
        return Ok(head.hash);
    }
    let gone = || {
        let detail = format!("{after} was asked for, but the ledger ends at {}", handle.head().seq);
        Box::new(Problem::new(ProblemCode::CursorGone, detail).resume_after(handle.head().seq))
    };
    if after.0 > head.seq {
        return Err(gone());
    }
    let record = handle.ledger().get(after.0).await.map_err(|error| unread(&error))?;
    record.map(|record| record.hash).ok_or_else(gone)
}

/// Earlier maps, by version.
type Maps = BTreeMap<MapVersion, Arc<Model>>;

/// What a stream wakes up for.
enum Heard {
    Closing,
    Entries(Result<Vec<Entry>, WatchError>),
    Nothing,
}

/// One stream.
struct Feed {
    app: Arc<App>,
    space: Arc<Workspace>,
    caller: Caller,
    watcher: Watcher,
    filter: Filter,
    complete: bool,
    first: Option<Bytes>,
    silent_since: Instant,
    /// When the last deeds went out, and its part of [`SPREAD`].
    sent: Option<Instant>,
    spread: u32,
    /// When the last progress mark went out, and the one that is due.
    marked: Instant,
    owed: Option<Seq>,
    over: bool,
    _place: Places,
}

impl Feed {
    /// The next bytes; none once it is over.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let mut closing = self.app.closing.clone();
        loop {
            let (wake, next) = (self.wake(), self.next_turn());
            let heard = tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => Heard::Closing,
                entries = gathered(&mut self.watcher, next) => Heard::Entries(entries),
                () = tokio::time::sleep_until(wake) => Heard::Nothing,
            };
            let chunk =
                match heard {
                    Heard::Closing => {
                        let cursor = self.watcher.cursor();
                        Some(self.end(
                            Problem::new(ProblemCode::Closing, "the stream ends with the server"),
                            cursor,
                        ))
                    }
                    Heard::Entries(entries) => {
                        let versions = forgotten(&self.space, self.caller.agent(), &entries);
                        let maps = remembered(Arc::clone(&self.space), versions).await;
                        self.sent = Some(Instant::now());
                        self.take(entries, &maps)
                    }
                    Heard::Nothing => self.tick(),
                };
            if let Some(chunk) = chunk {
                self.silent_since = Instant::now();
                return Some(chunk);
            }
        }
    }

    /// When there is something to say without any deed: a mark, a sign of life, the end of the token.
    fn wake(&self) -> Instant {
        let mut wake = self.silent_since + KEEP_ALIVE;
        if self.owed.is_some() {
            wake = wake.min(self.marked + MARK_EVERY);
        }
        if let Some(end) = self.caller.record.token.expires {
            let left = end.since(self.app.clock().now()).micros();
            let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
            wake = wake.min(Instant::now() + left);
        }
        wake
    }

    /// When deeds may go out again: the more streams there are, the more each gathers.
    fn next_turn(&self) -> Option<Instant> {
        let streams = u32::try_from(self.space.watching()).unwrap_or(u32::MAX);
        let gathered = (TURN.saturating_mul(streams) / self.app.processors).min(MOST_GATHERED);
        Some(self.sent? + gathered - gathered * self.spread / (SPREAD * 2))
    }

    fn tick(&mut self) -> Option<Bytes> {
        if let Some(end) = self.ended() {
            return Some(end);
        }
        let mut chunk = BytesMut::new();
        if self.owed.is_some() && self.marked.elapsed() >= MARK_EVERY {
            self.mark(&mut chunk);
        } else if self.silent_since.elapsed() >= KEEP_ALIVE {
            chunk.put_slice(b": still here\n\n");
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    fn take(&mut self, entries: Result<Vec<Entry>, WatchError>, maps: &Maps) -> Option<Bytes> {
        // Asked first: nothing that was appended after a token ended goes out on it.
        if let Some(end) = self.ended() {
            return Some(end);
        }
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return Some(self.broken(&error)),
        };
        let size = entries.iter().map(|entry| entry.record.bytes.len() + 128).sum();
        let mut chunk = BytesMut::with_capacity(size);
        let state = self.space.handle().front();
        for entry in &entries {
            let seq = Seq(entry.record.seq);
            if self.complete || self.meant(entry, &state.board, maps) {
                deed(&mut chunk, entry);
                self.owed = None;
            } else {
                self.owed = Some(seq);
            }
        }
        if self.owed.is_some() && self.marked.elapsed() >= MARK_EVERY {
            self.mark(&mut chunk);
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    /// Whether the deed is one that the caller may see and the filter means. What can't be read is shown to people only.
    fn meant(&self, entry: &Entry, board: &Board, maps: &Maps) -> bool {
        match (entry.deed(), self.caller.agent()) {
            (Ok(deed), None) => self.filter.matches(&deed),
            (Ok(deed), Some(agent)) => {
                let earlier = || Some(Sight::then(agent, &board.map, maps.get(&deed.map_version)?));
                let sight = board.sight(agent, deed.map_version).or_else(earlier);
                sight.is_some_and(|sight| deed.is_seen_by(&sight)) && self.filter.matches(&deed)
            }
            (Err(_), None) => {
                let facts = Facts::read(Seq(entry.record.seq), &entry.record.bytes, self.app.clock().now());
                self.filter.accepts(&facts)
            }
            (Err(_), Some(_)) => false,
        }
    }

    fn mark(&mut self, chunk: &mut BytesMut) {
        if let Some(seq) = self.owed.take() {
            self.marked = Instant::now();
            id(chunk, seq.0);
            event(chunk, EVENT_PROGRESS, &Progress { seq });
        }
    }

    /// The end of the stream, if the token has ended.
    fn ended(&mut self) -> Option<Bytes> {
        let state = self.space.handle().front();
        let record: Option<&Arc<TokenRecord>> = state.tokens.get(&self.caller.record.token.id);
        let problem = live(record.unwrap_or(&self.caller.record), self.app.clock().now()).err()?;
        let cursor = self.watcher.cursor();
        Some(self.end(*problem, cursor))
    }

    fn broken(&mut self, error: &WatchError) -> Bytes {
        let (code, cursor) = match error {
            WatchError::Lagged { resume_at } => (ProblemCode::TooSlow, *resume_at),
            WatchError::Beyond { head, .. } => (ProblemCode::CursorGone, *head),
            WatchError::Ledger(_) => (ProblemCode::Unavailable, self.watcher.cursor()),
            WatchError::Closed { resume_at } => (ProblemCode::Closing, *resume_at),
        };
        self.end(Problem::new(code, error.to_string()), cursor)
    }

    fn end(&mut self, problem: Problem, cursor: Seq) -> Bytes {
        self.over = true;
        let mut chunk = BytesMut::new();
        event(&mut chunk, EVENT_END, &problem.resume_after(cursor.0));
        chunk.freeze()
    }
}

/// What comes, once it is time, or once so much has come that more would be missed. Cancelling it loses nothing.
async fn gathered(watcher: &mut Watcher, next: Option<Instant>) -> Result<Vec<Entry>, WatchError> {
    while let Some(next) = next.filter(|next| *next > Instant::now() && !watcher.is_pressed()) {
        tokio::time::sleep_until(next.min(Instant::now() + LOOK_EVERY)).await;
    }
    watcher.next().await
}

/// The maps that an agent's deeds were decided under and that the board does not keep any more, each with such a deed.
fn forgotten(
    space: &Workspace,
    agent: Option<&AgentId>,
    entries: &Result<Vec<Entry>, WatchError>,
) -> BTreeMap<MapVersion, Seq> {
    let (Some(agent), Ok(entries)) = (agent, entries) else { return BTreeMap::new() };
    let state = space.handle().front();
    let deeds = entries.iter().filter_map(|entry| entry.deed().ok());
    let of = |deed: Arc<Deed>| (deed.map_version, deed.seq);
    deeds.map(of).filter(|(version, _)| state.board.sight(agent, *version).is_none()).collect()
}

/// These maps. Where one can't be had, its deeds are not shown.
async fn remembered(space: Arc<Workspace>, versions: BTreeMap<MapVersion, Seq>) -> Maps {
    let mut maps = Maps::new();
    for (version, deed) in versions {
        let Ok(board) = space.handle().board_at(deed).await else { continue };
        let step = board.maps.iter().rev().find(|step| step.version == version);
        maps.extend(step.map(|step| (version, Arc::clone(&step.model))));
    }
    maps
}

/// A deed's event: its number, its hash, its exact bytes. Deeds are compact JSON and have no line ends.
fn deed(chunk: &mut BytesMut, entry: &Entry) {
    id(chunk, entry.record.seq);
    chunk.put_slice(b"event: ");
    chunk.put_slice(EVENT_DEED.as_bytes());
    chunk.put_slice(b"\ndata: {\"hash\":\"");
    chunk.put_slice(&entry.record.hash.digits());
    chunk.put_slice(b"\",\"deed\":");
    chunk.put_slice(&entry.record.bytes);
    chunk.put_slice(b"}\n\n");
}

fn id(chunk: &mut BytesMut, seq: u64) {
    chunk.put_slice(b"id: ");
    chunk.put_slice(seq.to_string().as_bytes());
    chunk.put_slice(b"\n");
}

fn event<T: Serialize>(chunk: &mut BytesMut, kind: &str, data: &T) {
    chunk.put_slice(b"event: ");
    chunk.put_slice(kind.as_bytes());
    chunk.put_slice(b"\ndata: ");
    chunk.put_slice(&serde_json::to_vec(data).unwrap_or_default());
    chunk.put_slice(b"\n\n");
}
