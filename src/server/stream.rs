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
use super::answer::{Answer, unfiltered, unread, unsubmitted};
use super::auth::{Caller, behind, live};
use super::cluster::Cluster;
use super::gate::Call;
use super::relay::{AROUND, Follower, Gone, Piece, deed, events, id};
use super::workspace::Workspace;
use crate::api::{EVENT_END, EVENT_HELLO, EVENT_PROGRESS, Hash, Hello, Problem, ProblemCode, Progress, fit};
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
/// A stream of a node among others looks so often whether that still knows what is recorded.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A stream that leaves deeds out says how far it has got at most this often.
const MARK_EVERY: Duration = Duration::from_millis(250);

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
    // Another node may have shown it already.
    if after.0 > head.seq && call.app.workspaces.cluster().is_some() {
        call.space.handle().catch_up().await.map_err(|error| unsubmitted(&error))?;
    }
    let hash = hash_of(&call.space, after).await?;
    let place = call.space.watch_place(&call.caller.principal)?;
    let complete = filter.is_empty() && call.caller.agent().is_none();
    let hello =
        Hello { ledger: call.space.handle().identity().source(), after, hash, head: Seq(head.seq), complete };
    let mut first = BytesMut::new();
    event(&mut first, EVENT_HELLO, &hello);
    let feed = Feed {
        cursor: after,
        source: Source::Arriving,
        app: call.app,
        space: call.space,
        caller: call.caller,
        filter,
        complete,
        first: Some(first.freeze()),
        silent_since: Instant::now(),
        marked: Instant::now(),
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
    Turn(Result<(), Gone>),
    Past(Result<Vec<Entry>, WatchError>),
    Nothing,
}

/// Where a stream gets its deeds from.
enum Source {
    /// It is to be seen from where.
    Arriving,
    /// The ledger.
    Past(Box<Watcher>),
    /// What all share who have everything that was.
    End(Follower),
}

impl Source {
    /// Waits for what comes after `cursor`. Cancelling it loses nothing.
    async fn heard(&mut self, cursor: Seq) -> Heard {
        match self {
            Self::Arriving => Heard::Turn(Ok(())),
            // Seldom, and large: not a part of every stream's future.
            Self::Past(watcher) => Heard::Past(Box::pin(watcher.next()).await),
            Self::End(follower) => Heard::Turn(follower.turn(cursor).await),
        }
    }
}

/// One stream.
struct Feed {
    app: Arc<App>,
    space: Arc<Workspace>,
    caller: Caller,
    /// The last deed that was looked at.
    cursor: Seq,
    source: Source,
    filter: Filter,
    complete: bool,
    first: Option<Bytes>,
    silent_since: Instant,
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
            if matches!(self.source, Source::Arriving) {
                self.arrive();
            }
            let chunk = match self.piece() {
                Ok(Some(piece)) => self.pass_on(&piece).await,
                Ok(None) => {
                    let wake = self.wake();
                    let heard = tokio::select! {
                        biased;
                        _ = closing.wait_for(|closing| *closing) => Heard::Closing,
                        heard = self.source.heard(self.cursor) => heard,
                        () = tokio::time::sleep_until(wake) => Heard::Nothing,
                    };
                    self.hear(heard).await
                }
                Err(gone) => self.gone(gone),
            };
            if let Some(chunk) = chunk {
                self.silent_since = Instant::now();
                return Some(chunk);
            }
        }
    }

    /// Goes to the live end, if it has read what was before, or to read that.
    fn arrive(&mut self) {
        let handle = self.space.handle();
        let joined = self.space.relay().join(self.cursor, || handle.watch(Seq(handle.head().seq)));
        if let Some(follower) = joined {
            self.source = Source::End(follower);
        } else if matches!(self.source, Source::Arriving) {
            self.source = Source::Past(Box::new(handle.watch(self.cursor)));
        }
    }

    fn piece(&self) -> Result<Option<Arc<Piece>>, Gone> {
        match &self.source {
            Source::Arriving | Source::Past(_) => Ok(None),
            Source::End(follower) => follower.piece(self.cursor),
        }
    }

    async fn hear(&mut self, heard: Heard) -> Option<Bytes> {
        match heard {
            Heard::Closing => {
                Some(self.end(Problem::new(ProblemCode::Closing, "the stream ends with the server")))
            }
            Heard::Turn(Ok(())) => None,
            Heard::Turn(Err(gone)) => self.gone(gone),
            Heard::Past(Ok(entries)) => {
                let chunk = self.take(&entries, None).await;
                self.arrive();
                chunk
            }
            Heard::Past(Err(error)) => Some(self.broken(&error)),
            Heard::Nothing => self.tick(),
        }
    }

    /// It can't go on with the others: where they were ended it asks the ledger why, and is told.
    fn gone(&mut self, gone: Gone) -> Option<Bytes> {
        match gone {
            Gone::Ended => {
                self.source = Source::Past(Box::new(self.space.handle().watch(self.cursor)));
                None
            }
            Gone::Behind => Some(self.broken(&WatchError::Lagged { resume_at: self.cursor })),
        }
    }

    fn cluster(&self) -> Option<&Cluster> {
        self.app.workspaces.cluster().map(Arc::as_ref)
    }

    /// When there is something to say without any deed: a mark, a sign of life, the end of the token.
    fn wake(&self) -> Instant {
        let mut wake = self.silent_since + KEEP_ALIVE;
        if self.cluster().is_some() {
            wake = wake.min(Instant::now() + LOOK_EVERY);
        }
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

    /// What of a piece goes out: where that is all of it, the same bytes as on every other stream.
    async fn pass_on(&mut self, piece: &Piece) -> Option<Bytes> {
        let (entries, events) = piece.after(self.cursor);
        self.take(entries, events).await
    }

    /// What of these deeds goes out; `shared` are the events of all of them.
    async fn take(&mut self, entries: &[Entry], shared: Option<Bytes>) -> Option<Bytes> {
        // Asked first: nothing that was appended after a token ended goes out on it.
        if let Some(end) = self.ended() {
            return Some(end);
        }
        let last = Seq(entries.last()?.record.seq);
        self.cursor = last;
        if self.complete {
            return Some(shared.unwrap_or_else(|| events(entries)));
        }
        let maps = self.maps(entries).await;
        let state = self.space.handle().front();
        let meant: Vec<&Entry> =
            entries.iter().filter(|entry| self.meant(entry, &state.board, &maps)).collect();
        self.owed = meant.last().is_none_or(|entry| entry.record.seq < last.0).then_some(last);
        if let Some(shared) = shared.filter(|_| meant.len() == entries.len()) {
            return Some(shared);
        }
        let mut chunk =
            BytesMut::with_capacity(meant.iter().map(|entry| entry.record.bytes.len() + AROUND).sum());
        for entry in meant {
            deed(&mut chunk, entry);
        }
        if self.owed.is_some() && self.marked.elapsed() >= MARK_EVERY {
            self.mark(&mut chunk);
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    /// The maps that these deeds were decided under and that the board does not keep any more.
    async fn maps(&self, entries: &[Entry]) -> Maps {
        let versions = forgotten(&self.space, self.caller.agent(), entries);
        if versions.is_empty() {
            return Maps::new();
        }
        // Seldom, and large: not a part of every stream's future.
        Box::pin(remembered(Arc::clone(&self.space), versions)).await
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
        if self.cluster().is_some_and(Cluster::is_blind) {
            return Some(self.end(*behind()));
        }
        let state = self.space.handle().front();
        let record: Option<&Arc<TokenRecord>> = state.tokens.get(&self.caller.record.token.id);
        let problem = live(record.unwrap_or(&self.caller.record), self.app.clock().now()).err()?;
        Some(self.end(*problem))
    }

    fn broken(&mut self, error: &WatchError) -> Bytes {
        let code = match error {
            WatchError::Lagged { .. } => ProblemCode::TooSlow,
            WatchError::Beyond { head, .. } => {
                self.cursor = *head;
                ProblemCode::CursorGone
            }
            WatchError::Ledger(_) => ProblemCode::Unavailable,
            WatchError::Closed { .. } => ProblemCode::Closing,
        };
        self.end(Problem::new(code, error.to_string()))
    }

    fn end(&mut self, problem: Problem) -> Bytes {
        self.over = true;
        let mut chunk = BytesMut::new();
        event(&mut chunk, EVENT_END, &problem.resume_after(self.cursor.0));
        chunk.freeze()
    }
}

/// The maps that an agent's deeds were decided under and that the board does not keep any more, each with such a deed.
fn forgotten(space: &Workspace, agent: Option<&AgentId>, entries: &[Entry]) -> BTreeMap<MapVersion, Seq> {
    let Some(agent) = agent else { return BTreeMap::new() };
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

fn event<T: Serialize>(chunk: &mut BytesMut, kind: &str, data: &T) {
    chunk.put_slice(b"event: ");
    chunk.put_slice(kind.as_bytes());
    chunk.put_slice(b"\ndata: ");
    chunk.put_slice(&serde_json::to_vec(data).unwrap_or_default());
    chunk.put_slice(b"\n\n");
}
