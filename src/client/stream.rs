//! The deed stream: every deed once, in order, across connections. It resumes behind the last deed it handed out, checks
//! the chain where every deed comes, and never goes on with a history that is not the one it has seen.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep_until, timeout};

use super::bound::Bound;
use super::events::{Event, Events};
use super::send::answer;
use super::{Backoff, Client, ClientError};
use crate::api::{
    EVENT_DEED, EVENT_END, EVENT_HELLO, EVENT_PROGRESS, Hash, Hello, Problem, ProblemCode, Progress, link,
};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;

/// The wait before the second try to connect.
const RECONNECT_FIRST: Duration = Duration::from_millis(100);
/// The longest wait between tries to connect.
const RECONNECT_MOST: Duration = Duration::from_secs(10);
/// Without a word for this long the connection is taken for dead; the server sends something every fifteen seconds.
const SILENCE: Duration = Duration::from_secs(45);
/// How long the server may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// Where a stream begins, and what it leaves out.
#[derive(Debug, Clone, Default)]
pub struct StreamFrom {
    /// Behind this deed.
    pub after: Seq,
    /// That deed's hash, so that another history is noticed at once.
    pub hash: Option<Hash>,
    /// Only deeds that this filter means; the empty one means all.
    pub filter: String,
}

/// What a stream tells.
#[derive(Debug, Clone)]
pub enum StreamEvent {
    /// The link is up.
    Connected {
        /// Where the ledger ends at this moment.
        head: Seq,
        /// Whether every deed comes and the chain is checked.
        complete: bool,
    },
    /// A deed.
    Deed {
        /// Its number.
        seq: Seq,
        /// Its chain hash; checked where every deed comes.
        hash: Hash,
        /// Its exact bytes.
        bytes: Bytes,
        /// The deed; none where it is of a later version.
        deed: Option<Arc<Deed>>,
    },
    /// Every deed up to this one was sent or left out.
    Progress {
        /// Up to here.
        seq: Seq,
    },
    /// The link is down; the stream comes back by itself.
    Disconnected {
        /// How long it waits now.
        retry_in: Duration,
        /// Why it is down.
        why: String,
    },
    /// The server's history is not the one seen before. The stream ends.
    Rewritten {
        /// The first deed that does not continue it.
        seq: Seq,
        /// How that was noticed.
        why: String,
    },
    /// The server refuses the stream for good: the token has ended, the filter can't be read. The stream ends.
    Refused(Box<Problem>),
}

/// A stream of deeds.
#[derive(Debug)]
pub struct DeedStream {
    client: Client,
    filter: String,
    cursor: Seq,
    hash: Option<Hash>,
    complete: bool,
    link: Link,
    backoff: Backoff,
    ready: VecDeque<StreamEvent>,
}

#[derive(Debug)]
enum Link {
    /// Not before then.
    Down(Instant),
    Up(Box<reqwest::Response>, Events),
    Over,
}

/// Any bytes as what a server sends, after how many it sends at a time: events come whole however they are cut, and a stream takes
/// each or says why not, and never goes back.
#[cfg(any(test, fuzzing))]
pub(crate) fn any_events(bytes: &[u8]) {
    static CLIENT: std::sync::LazyLock<Client> = std::sync::LazyLock::new(|| {
        let token = format!("deeds_watcher_default_{}_{}", "a".repeat(16), "0".repeat(64));
        Client::new("http://127.0.0.1:9", &token).unwrap_or_else(|error| panic!("{error}"))
    });

    let Some((step, text)) = bytes.split_first() else { return };
    let read = |step: usize| {
        let (mut events, mut read) = (Events::default(), Vec::new());
        for chunk in text.chunks(step.max(1)) {
            if events.push(chunk).is_err() {
                break;
            }
            read.extend(std::iter::from_fn(|| events.next()));
        }
        read
    };
    let events = read(text.len());
    assert_eq!(events, read(usize::from(*step)), "cut otherwise they are others");
    let mut stream = CLIENT.stream(StreamFrom::default());
    for event in &events {
        let before = stream.cursor;
        if stream.take(event).is_err() {
            return;
        }
        assert!(stream.cursor >= before, "it went back");
    }
}

/// A deed as it comes.
#[derive(Deserialize)]
struct Wire<'a> {
    hash: Hash,
    #[serde(borrow)]
    deed: &'a RawValue,
}

impl Client {
    /// Follows the ledger. It connects when the first event is asked for.
    pub fn stream(&self, from: StreamFrom) -> DeedStream {
        DeedStream {
            client: self.clone(),
            filter: from.filter,
            cursor: from.after,
            hash: from.hash,
            complete: false,
            link: Link::Down(Instant::now()),
            backoff: Backoff::new(RECONNECT_FIRST, RECONNECT_MOST),
            ready: VecDeque::new(),
        }
    }
}

impl DeedStream {
    /// The last deed that was handed out or left out.
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// That deed's hash, where every deed comes.
    pub fn hash(&self) -> Option<Hash> {
        self.hash
    }

    /// The next event; none once the stream has ended for good. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            match &mut self.link {
                Link::Over => return None,
                Link::Down(at) => {
                    sleep_until(*at).await;
                    self.connect().await;
                }
                Link::Up(response, events) => match timeout(SILENCE, response.chunk()).await {
                    Ok(Ok(Some(chunk))) => {
                        if events.push(&chunk).is_err() {
                            self.drop_link("the server sent an event beyond all bounds");
                        }
                        self.take_events();
                    }
                    Ok(Ok(None)) => self.drop_link("the server ended the connection"),
                    Ok(Err(_)) => self.drop_link("the connection broke"),
                    Err(_) => self.drop_link("the server went silent"),
                },
            }
        }
    }

    async fn connect(&mut self) {
        match timeout(BEGIN, self.ask()).await {
            Ok(Ok(response)) => self.link = Link::Up(Box::new(response), Events::default()),
            Ok(Err(ClientError::Problem(problem))) => self.refused(problem),
            Ok(Err(error)) => self.drop_link(&error.to_string()),
            Err(_) => self.drop_link("the server did not answer in time"),
        }
    }

    async fn ask(&self) -> super::Result<reqwest::Response> {
        let mut request = self
            .client
            .http()
            .get(self.client.url("/v1/ledger/stream"))
            .header(AUTHORIZATION, self.client.authorization()?)
            .header(ACCEPT, "text/event-stream")
            .header("last-event-id", self.cursor.to_string());
        if !self.filter.is_empty() {
            request = request.query(&[("filter", &self.filter)]);
        }
        let response = request.send().await.map_err(|error| self.client.unreachable(&error))?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(response);
        }
        answer(status, self.client.body(response, Bound::Problem).await?)?;
        Err(ClientError::Protocol { why: format!("the stream began with status {status}") })
    }

    /// A problem instead of a stream, or at its end: some pass, some don't.
    fn refused(&mut self, problem: Box<Problem>) {
        if problem.is(ProblemCode::CursorGone) {
            return self.rewritten(self.cursor, problem.detail);
        }
        // The server's own troubles pass; a crowd of watchers does too.
        if problem.status >= 500 || problem.status == 429 || problem.status == 408 {
            return self.drop_link(&problem.to_string());
        }
        self.link = Link::Over;
        self.ready.push_back(StreamEvent::Refused(problem));
    }

    fn rewritten(&mut self, seq: Seq, why: String) {
        self.link = Link::Over;
        self.ready.push_back(StreamEvent::Rewritten { seq, why });
    }

    fn drop_link(&mut self, why: &str) {
        let retry_in = self.backoff.wait();
        self.link = Link::Down(Instant::now() + retry_in);
        self.ready.push_back(StreamEvent::Disconnected { retry_in, why: why.to_owned() });
    }

    fn take_events(&mut self) {
        loop {
            let Link::Up(_, events) = &mut self.link else { return };
            let Some(event) = events.next() else { return };
            if let Err(why) = self.take(&event) {
                self.drop_link(&why);
            }
        }
    }

    /// One event of the server. An error is a sentence about why the connection is of no use.
    fn take(&mut self, event: &Event) -> Result<(), String> {
        let odd = |error: serde_json::Error| format!("the server sent what can't be understood: {error}");
        match event.kind.as_str() {
            EVENT_HELLO => {
                let hello: Hello = serde_json::from_slice(&event.data).map_err(odd)?;
                self.greet(&hello)
            }
            EVENT_DEED => {
                let wire: Wire<'_> = serde_json::from_slice(&event.data).map_err(odd)?;
                let bytes = event.data.slice_ref(wire.deed.get().as_bytes());
                let seq = event.id.ok_or("the server sent a deed without its number")?;
                self.take_deed(Seq(seq), wire.hash, bytes)
            }
            EVENT_PROGRESS => {
                let progress: Progress = serde_json::from_slice(&event.data).map_err(odd)?;
                self.cursor = self.cursor.max(progress.seq);
                self.ready.push_back(StreamEvent::Progress { seq: progress.seq });
                Ok(())
            }
            EVENT_END => {
                let problem: Problem = serde_json::from_slice(&event.data).map_err(odd)?;
                self.refused(Box::new(problem));
                Ok(())
            }
            // A later server may say more.
            _ => Ok(()),
        }
    }

    fn greet(&mut self, hello: &Hello) -> Result<(), String> {
        if hello.after != self.cursor {
            return Err(format!("asked for what follows {}, got what follows {}", self.cursor, hello.after));
        }
        if let Some(seen) = self.hash.filter(|seen| *seen != hello.hash) {
            let why = format!(
                "deed {} has hash {} there, and had {seen} when it was seen before",
                hello.after, hello.hash
            );
            self.rewritten(hello.after, why);
            return Ok(());
        }
        self.complete = hello.complete;
        self.hash = hello.complete.then_some(hello.hash);
        self.backoff.reset();
        self.ready.push_back(StreamEvent::Connected { head: hello.head, complete: hello.complete });
        Ok(())
    }

    fn take_deed(&mut self, seq: Seq, hash: Hash, bytes: Bytes) -> Result<(), String> {
        if seq <= self.cursor {
            return Err(format!("deed {seq} came again"));
        }
        if self.complete {
            if seq != self.cursor.next() {
                return Err(format!("deed {seq} came where {} was due", self.cursor.next()));
            }
            if self.hash.is_some_and(|before| link(before, &bytes) != hash) {
                self.rewritten(seq, format!("deed {seq} does not continue the chain seen so far"));
                return Ok(());
            }
            self.hash = Some(hash);
        }
        self.cursor = seq;
        let deed = Deed::decode(&bytes).ok().map(Arc::new);
        self.ready.push_back(StreamEvent::Deed { seq, hash, bytes, deed });
        Ok(())
    }
}
