//! Clients in front that speak Streamable HTTP: their sessions, each a link of its own, and which of their connections hears
//! what. Whose request it is was found out before; a session is nobody else's.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::frame::{Frame, Id, Message, What};
use super::link::Link;
use super::{Gateway, words};

/// Sessions of one server and agent, and of all.
const MOST_OF_ONE: usize = 16;
const MOST: usize = 256;
/// Without a request for so long a session is over.
const IDLE: Duration = Duration::from_mins(30);
/// Frames that may wait to be written.
const QUEUE: usize = 64;
/// Frames that wait for a connection which hears them.
const HELD: usize = 64;

/// Every session, by whose it is, which server's, and its id; of a client that knows no sessions it is empty.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<Key, Arc<Session>>>,
}

type Key = (Arc<str>, Arc<str>, String);

/// One client and its link.
struct Session {
    link: Arc<Link>,
    hearing: Mutex<Hearing>,
}

/// Which connection hears what.
struct Hearing {
    /// Requests without an answer, the newest last.
    waiting: Vec<(Vec<Id>, mpsc::Sender<Bytes>)>,
    /// The connection for what belongs to no request.
    general: Option<mpsc::Sender<Bytes>>,
    held: VecDeque<Bytes>,
    used: Instant,
}

/// What a request comes to.
pub enum Heard {
    /// It wanted no answer.
    Taken,
    /// Frames, until they end; the id of the session that began with it.
    Frames(mpsc::Receiver<Bytes>, Option<String>),
    /// There is no such session.
    NoSession,
    /// There are as many as there may be.
    TooMany,
    /// This is no frame.
    Unreadable(String),
    /// The server behind can't be started.
    Failed(String),
}

impl Sessions {
    fn open(&self) -> MutexGuard<'_, HashMap<Key, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a frame of `who`'s client. `make` makes the gateway of a session that begins with it.
    pub async fn post(
        &self,
        who: &Arc<str>,
        server: &Arc<str>,
        session: Option<&str>,
        body: Bytes,
        make: impl FnOnce() -> Gateway,
    ) -> Heard {
        self.sweep();
        let messages = match Frame::read(&body) {
            Ok(Frame::One(one)) => vec![one],
            Ok(Frame::Batch(all)) => all,
            Err(why) => return Heard::Unreadable(why.to_string()),
        };
        let begins = messages.iter().any(|one| one.method == "initialize") && session.is_none();
        let id = match session {
            Some(id) => id.to_owned(),
            None if begins => new_id(),
            None => String::new(),
        };
        let key: Key = (Arc::clone(who), Arc::clone(server), id.clone());
        let found = self.open().get(&key).cloned();
        let found = match found {
            Some(found) => found,
            None if session.is_some() => return Heard::NoSession,
            None => match self.begin(key, make) {
                Ok(made) => made,
                Err(heard) => return heard,
            },
        };
        let heard = found.take(body, &messages).await;
        match heard {
            Some(frames) => Heard::Frames(frames, begins.then_some(id)),
            None => Heard::Taken,
        }
    }

    fn begin(&self, key: Key, make: impl FnOnce() -> Gateway) -> Result<Arc<Session>, Heard> {
        {
            let open = self.open();
            let of_one = open.keys().filter(|(who, server, _)| *who == key.0 && *server == key.1).count();
            if open.len() >= MOST || of_one >= MOST_OF_ONE {
                return Err(Heard::TooMany);
            }
        }
        let (front, frames) = mpsc::channel(QUEUE);
        let link = make().link(front).map_err(Heard::Failed)?;
        let hearing =
            Hearing { waiting: Vec::new(), general: None, held: VecDeque::new(), used: Instant::now() };
        let session = Arc::new(Session { link, hearing: Mutex::new(hearing) });
        tokio::spawn(hand_out(Arc::clone(&session), frames));
        self.open().insert(key, Arc::clone(&session));
        Ok(session)
    }

    /// The connection for what belongs to no request.
    pub fn listen(&self, who: &Arc<str>, server: &Arc<str>, session: Option<&str>) -> Heard {
        let key = (Arc::clone(who), Arc::clone(server), session.unwrap_or_default().to_owned());
        let Some(found) = self.open().get(&key).cloned() else { return Heard::NoSession };
        let (sender, frames) = mpsc::channel(QUEUE + HELD);
        let mut hearing = found.hearing();
        for frame in std::mem::take(&mut hearing.held) {
            // There is room for all of them.
            sender.try_send(frame).unwrap_or_default();
        }
        hearing.general = Some(sender);
        Heard::Frames(frames, None)
    }

    /// Ends a session; false where there is none.
    pub async fn end(&self, who: &Arc<str>, server: &Arc<str>, session: &str) -> bool {
        let key = (Arc::clone(who), Arc::clone(server), session.to_owned());
        let found = self.open().remove(&key);
        let is_there = found.is_some();
        if let Some(found) = found {
            found.end().await;
        }
        is_there
    }

    /// Ends every session, at once.
    pub async fn end_all(&self) {
        let all: Vec<Arc<Session>> = self.open().drain().map(|(_, session)| session).collect();
        let ends = all.iter().map(|session| async {
            session.link.lost("the gateway is going down").await;
            session.end().await;
        });
        futures_util::future::join_all(ends).await;
    }

    /// Ends what nobody has used for long.
    fn sweep(&self) {
        let over: Vec<Arc<Session>> = {
            let mut open = self.open();
            let over: Vec<Key> =
                open.iter().filter(|(_, session)| session.is_idle()).map(|(key, _)| key.clone()).collect();
            over.iter().filter_map(|key| open.remove(key)).collect()
        };
        for session in over {
            tokio::spawn(async move { session.end().await });
        }
    }
}

impl Session {
    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self) -> bool {
        let hearing = self.hearing();
        let listens = hearing.general.as_ref().is_some_and(|general| !general.is_closed());
        hearing.waiting.is_empty() && !listens && hearing.used.elapsed() > IDLE
    }

    async fn take(&self, body: Bytes, messages: &[Message]) -> Option<mpsc::Receiver<Bytes>> {
        let ids = messages.iter().filter_map(|one| match &one.what {
            What::Request(id) => Some(id.clone()),
            What::Notification | What::Answer { .. } => None,
        });
        let ids: Vec<Id> = ids.collect();
        let (sender, frames) = mpsc::channel(QUEUE);
        let waits = !ids.is_empty();
        let doubled = {
            let mut hearing = self.hearing();
            hearing.used = Instant::now();
            let doubled =
                ids.iter().find(|id| hearing.waiting.iter().any(|(all, _)| all.contains(id))).cloned();
            if waits && doubled.is_none() {
                hearing.waiting.push((ids, sender.clone()));
            }
            doubled
        };
        if doubled.is_some() {
            let id = messages.first().map_or("null", Message::id_text);
            let text = "a request with this id is under way; this one was not forwarded";
            // There is room in a channel that was just made.
            sender.try_send(words::error(id, super::link::BAD_REQUEST, text).into()).unwrap_or_default();
            return Some(frames);
        }
        Box::pin(self.link.from_front(body)).await;
        waits.then_some(frames)
    }

    async fn end(&self) {
        self.link.end().await;
        if let Some(behind) = self.link.behind() {
            behind.end().await;
        }
        let mut hearing = self.hearing();
        hearing.waiting.clear();
        hearing.general = None;
    }
}

/// Gives each frame to the connection that is to hear it. A client that does not read holds up no more than its own session.
async fn hand_out(session: Arc<Session>, mut frames: mpsc::Receiver<Bytes>) {
    while let Some(frame) = frames.recv().await {
        let to = session.hearing().ear_of(&frame);
        if let Some(ear) = to {
            // Who has gone hears nothing; what was done is recorded all the same.
            ear.send(frame).await.unwrap_or_default();
        } else {
            let mut hearing = session.hearing();
            if hearing.held.len() >= HELD {
                hearing.held.pop_front();
            }
            hearing.held.push_back(frame);
        }
    }
}

impl Hearing {
    fn ear_of(&mut self, frame: &Bytes) -> Option<mpsc::Sender<Bytes>> {
        self.used = Instant::now();
        self.waiting.retain(|(_, ear)| !ear.is_closed());
        let answered: Vec<Id> = match Frame::read(frame) {
            Ok(Frame::One(Message { what: What::Answer { id, .. }, .. })) => vec![id],
            Ok(Frame::Batch(all)) => all
                .into_iter()
                .filter_map(|one| match one.what {
                    What::Answer { id, .. } => Some(id),
                    What::Request(_) | What::Notification => None,
                })
                .collect(),
            Ok(Frame::One(_)) | Err(_) => Vec::new(),
        };
        if !answered.is_empty() {
            let at = self.waiting.iter().position(|(ids, _)| ids.iter().any(|id| answered.contains(id)))?;
            let (ids, ear) = self.waiting.get_mut(at)?;
            ids.retain(|id| !answered.contains(id));
            let (is_over, ear) = (ids.is_empty(), ear.clone());
            if is_over {
                self.waiting.remove(at);
            }
            return Some(ear);
        }
        let newest = || self.waiting.last().map(|(_, ear)| ear.clone());
        newest().or_else(|| self.general.clone().filter(|ear| !ear.is_closed()))
    }
}

fn new_id() -> String {
    let mut random = [0_u8; 16];
    // Without random bytes ids could be guessed; a session is found by its owner's token besides.
    getrandom::fill(&mut random).unwrap_or_default();
    crate::domain::hash::hex(&random).to_string()
}
