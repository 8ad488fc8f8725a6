//! Between the console and the client: carries what is asked, brings what is heard. Nothing is decided here, and nothing is
//! assumed to have succeeded: what a command did comes back as deeds.

mod carry;
mod export;
mod pages;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ask::{Ask, Heard, Told, Trouble, What};
use super::kept::{Keeper, Note};
use super::notify::on_desktop;
use super::rehearsing::{Controls, Move};
use super::terminal::notice::Notice;
use super::world::{Link, Me};
use crate::api::Hash;
use crate::client::{Backoff, Client, ClientError, Start, StreamEvent, StreamFrom};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::time::{Span, Time};

/// Messages that may wait for the loop; the stream waits then, and the server's bounds hold.
pub const QUEUE: usize = 4096;
/// The wait before the board is asked for again.
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// The longest such wait.
const RETRY_MOST: Duration = Duration::from_secs(10);

/// Asks one thing by a client of one's own, without a console.
///
/// # Errors
/// When no answer comes, with what can be done.
pub async fn ask(client: &Client, what: What) -> Result<Told, Trouble> {
    carry::carry(client, what, |_| {}).await
}

/// The way to one workspace: a client with that workspace's token.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its name.
    pub workspace: WorkspaceId,
    pub client: Client,
}

/// The last deed that was seen of a ledger, and its hash: a history that does not continue it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSeen {
    /// The deed.
    pub seq: Seq,
    /// Its chain hash.
    pub hash: Hash,
}

/// What was seen of each workspace's ledger.
pub type SeenAll = BTreeMap<WorkspaceId, LastSeen>;

/// The same as it grows, for whoever keeps it.
pub type Seen = Arc<Mutex<SeenAll>>;

/// Carries between one console and the server.
#[derive(Debug)]
pub struct Wire {
    endpoints: Vec<Endpoint>,
    at: usize,
    tell: mpsc::Sender<Heard>,
    seen: Seen,
    clock: fn() -> i64,
    /// Whether deeds come: then an answer tells how quick the link is.
    live: Arc<AtomicBool>,
    following: Option<JoinHandle<()>>,
    /// Where moves of a simulated clock go.
    moves: Option<mpsc::UnboundedSender<Move>>,
    /// Where what is to be kept goes.
    notes: Option<std::sync::mpsc::Sender<Note>>,
    /// Whether it was told that the desktop shows nothing.
    notified_badly: Arc<AtomicBool>,
}

impl Wire {
    /// Begins to follow the first workspace. To be called inside the runtime.
    pub fn start(
        endpoints: Vec<Endpoint>,
        first: &WorkspaceId,
        seen: Seen,
        tell: mpsc::Sender<Heard>,
        clock: fn() -> i64,
    ) -> Self {
        let at = endpoints.iter().position(|endpoint| endpoint.workspace == *first).unwrap_or(0);
        let live = Arc::new(AtomicBool::new(false));
        let mut wire = Self {
            endpoints,
            at,
            tell,
            seen,
            clock,
            live,
            following: None,
            moves: None,
            notes: None,
            notified_badly: Arc::default(),
        };
        wire.follow();
        wire
    }

    /// Tells how the rehearsal stands from now on, and carries what is asked of its clock.
    pub fn rehearse(&mut self, controls: Controls) {
        let Controls { mut told, say } = controls;
        self.moves = Some(say);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            loop {
                let now = Arc::clone(&told.borrow_and_update());
                // Either side may end first.
                if tell.send(Heard::Rehearsing(now)).await.is_err() || told.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// Hands on what is to be kept from now on, and tells what can't be.
    pub fn keep(&mut self, keeper: Keeper) {
        let Keeper { notes, mut troubles, .. } = keeper;
        self.notes = Some(notes);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            while let Some(why) = troubles.recv().await {
                if tell.send(Heard::NotKept(why)).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Has the desktop show it, on a thread of its own. What fails is told once.
    fn notify(&self, notice: Notice) {
        let (tell, failed) = (self.tell.clone(), Arc::clone(&self.notified_badly));
        let show = move || {
            if let Err(why) = on_desktop(&notice)
                && !failed.swap(true, Ordering::Relaxed)
            {
                // Nobody hears it where the console has ended meanwhile.
                _ = tell.blocking_send(Heard::NotNotified(why));
            }
        };
        // Without the thread it is as where there is no desktop.
        _ = std::thread::Builder::new().name("notify".to_owned()).spawn(show);
    }

    /// What was seen so far, to be kept for the next start.
    pub fn seen(&self) -> SeenAll {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts what is asked and returns at once; the answer is told.
    pub fn perform(&mut self, ask: Ask) {
        if let What::Switch(to) = &ask.what {
            if let Some(at) = self.endpoints.iter().position(|endpoint| endpoint.workspace == *to) {
                self.at = at;
                self.follow();
            }
            return;
        }
        if let What::Move(asked) = ask.what {
            // Whoever moved the clock may have ended.
            _ = self.moves.as_ref().map(|moves| moves.send(asked));
            return;
        }
        if let What::Notify(notice) = ask.what {
            return self.notify(notice);
        }
        if let What::Keep(note) = ask.what {
            // Whoever keeps it says by itself where it can't.
            _ = self.notes.as_ref().map(|notes| notes.send(note));
            return;
        }
        let asked = if let What::Waiting(of) = &ask.what {
            self.endpoints.iter().find(|endpoint| endpoint.workspace == *of)
        } else {
            self.endpoints.get(self.at)
        };
        let Some(endpoint) = asked else { return };
        let (client, tell, live) = (endpoint.client.clone(), self.tell.clone(), Arc::clone(&self.live));
        tokio::spawn(async move {
            let before = std::time::Instant::now();
            let (to, tag) = (ask.from, ask.tag);
            let halfway = tell.clone();
            // Where the loop is busy, one step less is told.
            let progress = move |looked| {
                _ = halfway.try_send(Heard::Answer { to, tag, result: Ok(Told::Looked(looked)) });
            };
            let result = carry::carry(&client, ask.what, progress).await;
            if result.is_ok() && live.load(Ordering::Relaxed) {
                let latency_ms = Some(millis(before.elapsed()));
                _ = tell.send(Heard::Link(Link::Live { latency_ms })).await;
            }
            // A console that has ended needs no answer.
            _ = tell.send(Heard::Answer { to: ask.from, tag: ask.tag, result }).await;
        });
    }

    fn follow(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
        let Some(endpoint) = self.endpoints.get(self.at) else { return };
        let follower = Follower {
            workspace: endpoint.workspace.clone(),
            client: endpoint.client.clone(),
            workspaces: self.endpoints.iter().map(|endpoint| endpoint.workspace.clone()).collect(),
            tell: self.tell.clone(),
            seen: Arc::clone(&self.seen),
            clock: self.clock,
            live: Arc::clone(&self.live),
        };
        self.following = Some(tokio::spawn(async move { _ = follower.follow().await }));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }
}

/// The console's side has ended.
struct NobodyListens;

struct Follower {
    workspace: WorkspaceId,
    client: Client,
    workspaces: Vec<WorkspaceId>,
    tell: mpsc::Sender<Heard>,
    seen: Seen,
    clock: fn() -> i64,
    live: Arc<AtomicBool>,
}

impl Follower {
    async fn follow(&self) -> Result<(), NobodyListens> {
        self.tell(Heard::Link(Link::Connecting)).await?;
        if !self.continues_what_was_seen().await? {
            return Ok(());
        }
        let Some((view, latency_ms)) = self.board().await? else { return Ok(()) };
        let Some(person) = view.you.actor.person() else {
            let why = "this token is an agent's; the console needs a reviewer's, an admin's or a watcher's";
            return self.tell(Heard::Link(Link::Ended { why: why.to_owned() })).await;
        };
        let me = Me { person: person.clone(), class: view.you.class };
        let from = LastSeen { seq: view.seq, hash: view.hash };
        self.remember(from);
        let (workspaces, board, ledger) = (self.workspaces.clone(), view.board, view.you.ledger);
        let trouble = view.you.trouble.map(|trouble| trouble.detail);
        let unreplicated = view.you.unreplicated.is_some();
        self.tell(Heard::Board { workspaces, me, board, ledger, trouble, unreplicated }).await?;
        self.stream(from, latency_ms).await
    }

    /// The stream from what was seen last time, only to find out whether the history continues it.
    async fn continues_what_was_seen(&self) -> Result<bool, NobodyListens> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&self.workspace).copied();
        let Some(seen) = seen else { return Ok(true) };
        let mut stream =
            self.client.stream(StreamFrom { after: seen.seq, hash: Some(seen.hash), filter: String::new() });
        while let Some(event) = stream.next().await {
            match event {
                StreamEvent::Disconnected { retry_in, why } => self.lost(retry_in, why).await?,
                StreamEvent::Rewritten { seq, .. } => {
                    self.tell(Heard::Link(Link::Rewritten { at: seq })).await?;
                    return Ok(false);
                }
                StreamEvent::Refused(problem) => {
                    self.tell(Heard::Link(Link::Ended { why: problem.to_string() })).await?;
                    return Ok(false);
                }
                StreamEvent::Connected { .. } | StreamEvent::Deed { .. } | StreamEvent::Progress { .. } => {
                    return Ok(true);
                }
            }
        }
        Ok(true)
    }

    /// The board, asked for until it comes; none where it never will.
    async fn board(&self) -> Result<Option<(Start, u64)>, NobodyListens> {
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MOST);
        loop {
            let before = std::time::Instant::now();
            match self.client.board().await {
                Ok(view) => {
                    return Ok(Some((view, millis(before.elapsed()))));
                }
                Err(error) if error.is_unreachable() => {
                    let wait = backoff.wait();
                    self.lost(wait, brief(&error)).await?;
                    tokio::time::sleep(wait).await;
                }
                Err(error) => {
                    self.tell(Heard::Link(Link::Ended { why: error.to_string() })).await?;
                    return Ok(None);
                }
            }
        }
    }

    async fn stream(&self, from: LastSeen, latency_ms: u64) -> Result<(), NobodyListens> {
        let filter = String::new();
        let mut stream = self.client.stream(StreamFrom { after: from.seq, hash: Some(from.hash), filter });
        while let Some(event) = stream.next().await {
            match event {
                StreamEvent::Connected { .. } => {
                    self.tell(Heard::Link(Link::Live { latency_ms: Some(latency_ms) })).await?;
                }
                StreamEvent::Deed { seq, hash, deed, .. } => {
                    self.remember(LastSeen { seq, hash });
                    let heard = deed.map_or(Heard::UnknownDeed(seq), Heard::Deed);
                    self.tell(heard).await?;
                }
                StreamEvent::Progress { .. } => {}
                StreamEvent::Disconnected { retry_in, why } => self.lost(retry_in, why).await?,
                StreamEvent::Rewritten { seq, .. } => {
                    self.tell(Heard::Link(Link::Rewritten { at: seq })).await?;
                }
                StreamEvent::Refused(problem) => {
                    self.tell(Heard::Link(Link::Ended { why: problem.to_string() })).await?;
                }
            }
        }
        Ok(())
    }

    async fn lost(&self, retry_in: Duration, why: String) -> Result<(), NobodyListens> {
        let micros = i64::try_from(retry_in.as_micros()).unwrap_or(i64::MAX);
        let retry_at = Time::from_micros((self.clock)()).plus(Span::from_micros(micros));
        self.tell(Heard::Link(Link::Lost { retry_at, why })).await
    }

    fn remember(&self, seen: LastSeen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(self.workspace.clone(), seen);
    }

    async fn tell(&self, heard: Heard) -> Result<(), NobodyListens> {
        if let Heard::Link(link) = &heard {
            self.live.store(matches!(link, Link::Live { .. }), Ordering::Relaxed);
        }
        self.tell.send(heard).await.map_err(|_| NobodyListens)
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// The part of an error that fits a line.
fn brief(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { why, .. } => why.clone(),
        ClientError::Address { .. }
        | ClientError::Token { .. }
        | ClientError::Problem(_)
        | ClientError::TooLong { .. }
        | ClientError::Signing { .. }
        | ClientError::Forked { .. }
        | ClientError::Protocol { .. } => error.to_string(),
    }
}
