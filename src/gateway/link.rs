//! One client, one server behind, and every frame between them. Calls of tools take the way over `call`; all else passes as
//! it came, once it is known whose it is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::behind::Behind;
use super::frame::{Frame, Id, Message, What, on_one_line};
use super::judge::Judge;
use super::kept::Kept;
use super::tools::Tools;
use super::{call, words};
use crate::domain::ids::MapVersion;
use crate::domain::map::ToolRow;

/// Most requests that wait for their answers at once.
const MOST_IN_FLIGHT: usize = 256;
/// How long a question of the gateway's own may take.
pub(super) const OWN_WAIT: Duration = Duration::from_secs(20);
/// How long rows of the map are taken for those in force; what they say is only how to ask.
const ROWS_FRESH: Duration = Duration::from_secs(5);
/// How long the end of a call may be unrecorded before others are told to wait.
const ENDS_WAIT: Duration = Duration::from_secs(20);
/// How long may be waited at the end for what is still under way.
const END_WAIT: Duration = Duration::from_secs(4);

/// JSON-RPC's and MCP's numbers for errors.
pub(super) const BAD_JSON: i32 = -32700;
pub(super) const BAD_REQUEST: i32 = -32600;
pub(super) const FAILED: i32 = -32000;

/// What became of a frame that was sent on.
#[derive(Debug)]
pub(super) enum Came {
    /// It was answered.
    Answer(Message),
    /// Nothing of it left.
    Unsent(String),
    /// It left, and there will be no answer.
    Lost(String),
}

/// A request without its answer.
#[derive(Debug)]
enum Flight {
    /// The client's, sent on.
    Asked(Box<RawValue>),
    /// A call that is being decided; its end is heard there.
    Deciding(watch::Sender<bool>),
    /// A call that was sent on, or a question of the gateway's own.
    Sent(oneshot::Sender<Came>),
}

/// How the client began, to begin the same way with a server that was started again.
#[derive(Debug, Default, Clone)]
pub(super) struct Opening {
    /// The parameters of its `initialize`.
    pub(super) initialize: Option<Box<RawValue>>,
    /// Its `notifications/initialized`.
    pub(super) initialized: Option<Message>,
    /// The `_meta` of its last request, where that says the protocol's version.
    pub(super) meta: Option<Box<RawValue>>,
}

/// The rows for this server: since when, and of which map.
type Rows = (Instant, MapVersion, Arc<[ToolRow]>);

/// One client and one server.
pub(super) struct Link {
    pub(super) judge: Judge,
    pub(super) kept: Arc<Kept>,
    front: mpsc::Sender<Bytes>,
    behind: OnceLock<Behind>,
    flight: Mutex<HashMap<Id, Flight>>,
    own: AtomicU64,
    /// What begins the ids of the gateway's own questions; nobody guesses it.
    prefix: String,
    debt: watch::Sender<Debt>,
    pub(super) opening: Mutex<Opening>,
    pub(super) tools: Mutex<Tools>,
    rows: Mutex<Option<Rows>>,
}

/// What is not recorded yet of calls that were answered: of acts, and of looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Debt {
    acts: usize,
    looks: usize,
}

impl Debt {
    fn of(&mut self, is_act: bool) -> &mut usize {
        if is_act { &mut self.acts } else { &mut self.looks }
    }
}

/// The end of a call that is to be recorded before the next one is decided.
pub(super) struct Owed<'a> {
    debt: &'a watch::Sender<Debt>,
    is_act: bool,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        self.debt.send_modify(|debt| {
            let count = debt.of(self.is_act);
            *count = count.saturating_sub(1);
        });
    }
}

impl Link {
    /// A link whose frames for the client go there.
    pub(super) fn new(judge: Judge, kept: Arc<Kept>, front: mpsc::Sender<Bytes>) -> Self {
        let mut random = [0_u8; 8];
        // Without random bytes a client could guess the ids, and would hear that they are in use.
        getrandom::fill(&mut random).unwrap_or_default();
        Self {
            judge,
            kept,
            front,
            behind: OnceLock::new(),
            flight: Mutex::default(),
            own: AtomicU64::new(0),
            prefix: format!("deeds-{}", crate::domain::hash::hex(&random)),
            debt: watch::Sender::new(Debt::default()),
            opening: Mutex::default(),
            tools: Mutex::default(),
            rows: Mutex::default(),
        }
    }

    /// Says which server is behind, once.
    pub(super) fn lead_to(&self, behind: Behind) {
        // There is no second one.
        self.behind.set(behind).unwrap_or_default();
    }

    /// The server behind.
    pub(super) fn behind(&self) -> Option<&Behind> {
        self.behind.get()
    }

    fn flight(&self) -> MutexGuard<'_, HashMap<Id, Flight>> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the client a frame.
    pub(super) async fn to_front(&self, frame: impl Into<Bytes>) {
        // Without a client nobody misses it.
        self.front.send(on_one_line(frame.into())).await.unwrap_or_default();
    }

    /// Takes a frame of the client's. Frames that need no decision are sent on in their order.
    pub(super) async fn from_front(self: &Arc<Self>, bytes: Bytes) {
        match Frame::read(&bytes) {
            Ok(Frame::One(message)) => Box::pin(self.one_from_front(message)).await,
            Ok(Frame::Batch(all)) => Box::pin(self.batch_from_front(bytes, all)).await,
            Err(why) => {
                let text = format!("this frame is not forwarded: {why}");
                self.to_front(words::error("null", BAD_JSON, &text)).await;
            }
        }
    }

    async fn one_from_front(self: &Arc<Self>, message: Message) {
        match (message.what.clone(), message.method.as_str()) {
            (What::Request(id), "tools/call") => self.begin_call(id, message).await,
            (What::Request(id), method) => {
                self.note_opening(method, &message);
                if self.register(&id, &message).await {
                    self.send(&message).await;
                }
            }
            (What::Notification, "tools/call") => {
                self.kept
                    .say("the client called a tool without an id, which has no answer: it was not forwarded");
            }
            (What::Notification, "notifications/cancelled") => self.cancelled(message).await,
            (What::Notification, "notifications/initialized") => {
                self.opening().initialized = Some(message.clone());
                self.send(&message).await;
                let link = Arc::clone(self);
                tokio::spawn(async move { Box::pin(link.look_at_tools()).await });
            }
            (What::Notification | What::Answer { .. }, _) => self.send(&message).await,
        }
    }

    fn opening(&self) -> MutexGuard<'_, Opening> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_opening(&self, method: &str, message: &Message) {
        if method == "initialize" {
            let mut opening = self.opening();
            opening.initialize.clone_from(&message.params);
            opening.initialized = None;
        }
        let meta = message.params(["_meta"]).ok().and_then(|[meta]| meta);
        if let Some(meta) = meta.filter(|meta| meta.get().contains("io.modelcontextprotocol/protocolVersion"))
        {
            self.opening().meta = Some(meta.to_owned());
        }
    }

    /// Remembers a request that is sent on; false where it can't be, as was told.
    async fn register(&self, id: &Id, message: &Message) -> bool {
        let flight = message.id_text.clone().map(Flight::Asked);
        let Some(flight) = flight else { return false };
        match self.take_off(id, flight) {
            Ok(()) => true,
            Err(why) => {
                self.to_front(words::error(message.id_text(), BAD_REQUEST, why)).await;
                false
            }
        }
    }

    fn take_off(&self, id: &Id, as_what: Flight) -> Result<(), &'static str> {
        let mut flight = self.flight();
        if flight.contains_key(id) {
            return Err("a request with this id is under way; this one was not forwarded");
        }
        if flight.len() >= MOST_IN_FLIGHT {
            return Err("too many requests are under way; this one was not forwarded");
        }
        flight.insert(id.clone(), as_what);
        Ok(())
    }

    async fn begin_call(self: &Arc<Self>, id: Id, message: Message) {
        self.note_opening("tools/call", &message);
        let (stop, stopped) = watch::channel(false);
        if let Err(why) = self.take_off(&id, Flight::Deciding(stop)) {
            self.to_front(words::error(message.id_text(), BAD_REQUEST, why)).await;
            return;
        }
        let link = Arc::clone(self);
        tokio::spawn(async move { Box::pin(call::run(&link, &id, &message, stopped)).await });
    }

    /// The call is not under way any more, whether it was cancelled or told.
    pub(super) fn landed(&self, id: &Id) {
        self.flight().remove(id);
    }

    /// Sends a call on; what becomes of it is heard there.
    pub(super) async fn send_call(self: &Arc<Self>, id: &Id, message: &Message) -> oneshot::Receiver<Came> {
        let (sender, came) = oneshot::channel();
        self.flight().insert(id.clone(), Flight::Sent(sender));
        self.send(message).await;
        came
    }

    async fn cancelled(self: &Arc<Self>, message: Message) {
        let id = message.params(["requestId"]).ok().and_then(|[id]| Id::read(id?).ok());
        let deciding = id.and_then(|id| match self.flight().get(&id) {
            Some(Flight::Deciding(stop)) => Some(stop.clone()),
            Some(Flight::Asked(_) | Flight::Sent(_)) | None => None,
        });
        match deciding {
            // The server behind never heard of it.
            Some(stop) => {
                stop.send_replace(true);
            }
            None => self.send(&message).await,
        }
    }

    /// A batch without calls passes as it is. One with calls is not forwarded: what of it would go through could not be told
    /// from what would not.
    async fn batch_from_front(self: &Arc<Self>, bytes: Bytes, all: Vec<Message>) {
        let why = "a batch with calls of tools is not forwarded: send its messages one by one";
        if all.iter().any(|one| matches!(one.method.as_str(), "tools/call" | "notifications/cancelled")) {
            let told = all.iter().filter(|one| matches!(one.what, What::Request(_))).map(|one| {
                let told = match one.method.as_str() {
                    "tools/call" => words::told(one.id_text(), why, None, true),
                    _ => words::error(one.id_text(), BAD_REQUEST, why),
                };
                String::from_utf8_lossy(&told).into_owned()
            });
            let told: Vec<String> = told.collect();
            self.to_front(format!("[{}]", told.join(","))).await;
            return;
        }
        for one in &all {
            self.note_opening(&one.method, one);
            if let What::Request(id) = &one.what
                && !self.register(id, one).await
            {
                return;
            }
        }
        let (what, method) = (What::Notification, "a batch".to_owned());
        self.send(&Message { bytes, what, method, id_text: None, params: None }).await;
    }

    /// Sends a message to the server behind.
    pub(super) fn send<'a>(self: &'a Arc<Self>, message: &'a Message) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            match self.behind.get() {
                Some(behind) => behind.send(self, message).await,
                None => self.settle(message, Came::Unsent("there is no server behind yet".to_owned())).await,
            }
        })
    }

    /// What became of a request that will have no answer.
    pub(super) async fn settle(&self, message: &Message, came: Came) {
        let What::Request(id) = &message.what else { return };
        let flight = self.flight().remove(id);
        self.settle_flight(flight, came).await;
    }

    async fn settle_flight(&self, flight: Option<Flight>, came: Came) {
        match flight {
            // Whoever asked has given up waiting.
            Some(Flight::Sent(sender)) => sender.send(came).unwrap_or_default(),
            Some(Flight::Asked(id)) => {
                let why = match came {
                    Came::Unsent(why) | Came::Lost(why) => why,
                    Came::Answer(message) => return self.to_front(message.bytes).await,
                };
                self.to_front(words::error(id.get(), FAILED, &why)).await;
            }
            Some(Flight::Deciding(_)) | None => {}
        }
    }

    /// Nothing that was sent will be answered any more.
    pub(super) async fn lost(&self, why: &str) {
        let sent: Vec<Flight> = {
            let mut flight = self.flight();
            let ids: Vec<Id> = flight.keys().cloned().collect();
            let sent = |flight: &Flight| !matches!(flight, Flight::Deciding(_));
            let gone = ids.into_iter().filter(|id| flight.get(id).is_some_and(sent)).collect::<Vec<_>>();
            gone.iter().filter_map(|id| flight.remove(id)).collect()
        };
        for flight in sent {
            self.settle_flight(Some(flight), Came::Lost(why.to_owned())).await;
        }
    }

    /// Takes a frame of the server's.
    pub(super) async fn from_behind(self: &Arc<Self>, bytes: Bytes) {
        match Frame::read(&bytes) {
            Ok(Frame::One(message)) => self.one_from_behind(message).await,
            Ok(Frame::Batch(all)) if self.is_plain(&all) => {
                for one in &all {
                    if let What::Answer { id, .. } = &one.what {
                        self.landed(id);
                    }
                }
                self.to_front(bytes).await;
            }
            Ok(Frame::Batch(all)) => {
                for one in all {
                    self.one_from_behind(one).await;
                }
            }
            Err(why) => {
                let shown: String = String::from_utf8_lossy(&bytes).chars().take(200).collect();
                self.kept.say(&format!("no JSON-RPC on its standard output, not passed on ({why}): {shown}"));
            }
        }
    }

    /// Whether all of it is for the client alone.
    fn is_plain(&self, all: &[Message]) -> bool {
        let flight = self.flight();
        all.iter().all(|one| match &one.what {
            What::Answer { id, .. } => matches!(flight.get(id), Some(Flight::Asked(_))),
            What::Request(_) | What::Notification => true,
        })
    }

    async fn one_from_behind(self: &Arc<Self>, message: Message) {
        let What::Answer { id, .. } = &message.what else {
            if message.method == "notifications/tools/list_changed" {
                let link = Arc::clone(self);
                tokio::spawn(async move { Box::pin(link.look_at_tools()).await });
            }
            return self.to_front(message.bytes).await;
        };
        let flight = {
            let mut flight = self.flight();
            match flight.get(id) {
                // It was not asked this yet: whatever that is, it is no answer.
                Some(Flight::Deciding(_)) | None => None,
                Some(Flight::Asked(_) | Flight::Sent(_)) => flight.remove(id),
            }
        };
        if flight.is_none() {
            let id: String = message.id_text().chars().take(80).collect();
            self.kept.say(&format!("an answer to {id}, which nobody asked or waits for, was not passed on"));
            return;
        }
        self.settle_flight(flight, Came::Answer(message)).await;
    }

    /// Asks the server behind something of the gateway's own.
    pub(super) async fn ask(
        self: &Arc<Self>,
        method: &str,
        params: &impl serde::Serialize,
    ) -> Result<Message, String> {
        let id = format!("{}-{}", self.prefix, self.own.fetch_add(1, Ordering::Relaxed));
        let frame = words::request(&id, method, params).into();
        let Ok(Frame::One(message)) = Frame::read(&frame) else {
            return Err("the question can't be written".to_owned());
        };
        let (sender, came) = oneshot::channel();
        let id = Id::Text(id);
        self.flight().insert(id.clone(), Flight::Sent(sender));
        let asked = async {
            Box::pin(self.send(&message)).await;
            came.await
        };
        let came = timeout(OWN_WAIT, asked).await;
        self.landed(&id);
        match came {
            Ok(Ok(Came::Answer(answer))) => Ok(answer),
            Ok(Ok(Came::Unsent(why) | Came::Lost(why))) => Err(why),
            Ok(Err(_)) => Err("the question was dropped".to_owned()),
            Err(_) => Err(format!("no answer to {method} within {} s", OWN_WAIT.as_secs())),
        }
    }

    /// Tells the server behind something of the gateway's own.
    pub(super) async fn tell(self: &Arc<Self>, method: &str) {
        let frame = words::notification(method).into();
        if let Ok(Frame::One(message)) = Frame::read(&frame) {
            self.send(&message).await;
        }
    }

    /// The end of a call, owed to the ledger from before its answer goes on its way.
    pub(super) fn owe(&self, is_act: bool) -> Owed<'_> {
        self.debt.send_modify(|debt| *debt.of(is_act) += 1);
        Owed { debt: &self.debt, is_act }
    }

    /// Waits until every call that was answered has its end recorded; before a look those of acts alone, since what was looked
    /// at before does not change what it sees. False where that takes too long.
    pub(super) async fn is_paid(&self, looks_too: bool) -> bool {
        let mut debt = self.debt.subscribe();
        let paid = debt.wait_for(|debt| debt.acts == 0 && (debt.looks == 0 || !looks_too));
        timeout(ENDS_WAIT, paid).await.is_ok_and(|waited| waited.is_ok())
    }

    /// Waits for what is still under way, for a while; what has no answer by then was lost.
    pub(super) async fn end(&self) {
        let until = Instant::now() + END_WAIT;
        while !self.flight().is_empty() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let deciding: Vec<_> = self.flight().values().filter_map(Flight::stop).collect();
        for stop in deciding {
            stop.send_replace(true);
        }
        self.lost("the client has gone").await;
        let mut debt = self.debt.subscribe();
        // Whatever is not recorded by then stands as begun, and is unknown when its time is over.
        timeout(END_WAIT, debt.wait_for(|debt| *debt == Debt::default())).await.map(drop).unwrap_or_default();
    }

    /// An answer was decided under that map: rows of another are read again.
    pub(super) fn decided_under(&self, map: MapVersion) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.as_ref().is_some_and(|(_, known, _)| *known != map) {
            *rows = None;
        }
    }

    /// The first row of the map for a tool of this server.
    pub(super) async fn row(&self, tool: &str) -> Result<Option<ToolRow>, super::NoAnswer> {
        let known = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let rows = if let Some((.., rows)) = known.filter(|(at, ..)| at.elapsed() < ROWS_FRESH) {
            rows
        } else {
            let list = self.judge.rows().await?;
            let rows: Arc<[ToolRow]> = list.tools.into();
            let read = (Instant::now(), list.map_version, Arc::clone(&rows));
            *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
            rows
        };
        Ok(rows.iter().find(|row| row.names(&self.judge.server, tool)).cloned())
    }
}

impl Flight {
    fn stop(&self) -> Option<watch::Sender<bool>> {
        match self {
            Self::Deciding(stop) => Some(stop.clone()),
            Self::Asked(_) | Self::Sent(_) => None,
        }
    }
}
