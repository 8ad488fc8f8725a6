//! A server behind that speaks Streamable HTTP: each message is a POST, answered with JSON or with a stream of events; what it
//! says of itself comes by a GET. A session that it ends is begun again as the client had begun.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde_json::value::RawValue;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::behind::Secret;
use super::events::Events;
use super::frame::{MOST_BYTES, Message, What, members, text_of};
use super::link::{Came, Link};
use super::tools::text;
use crate::client::{self, Backoff};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const EVENTS: &str = "text/event-stream";
/// How often a stream that broke is asked for again, for the answer to one request.
const RESUMED: u32 = 3;
/// How long the last word to it may take.
const END_WAIT: Duration = Duration::from_secs(2);
/// Most bytes of what is shown of an answer that is none.
const SHOWN: usize = 200;

/// The way to it.
pub(super) struct Http {
    inner: Arc<Inner>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
    session: Mutex<Session>,
}

/// What the server said of the session when it began.
#[derive(Debug, Default, Clone)]
struct Session {
    id: Option<HeaderValue>,
    version: Option<HeaderValue>,
}

impl Http {
    pub(super) fn new(url: &str, headers: &BTreeMap<String, Secret>) -> Result<Self, String> {
        let mut all = HeaderMap::new();
        for (name, secret) in headers {
            let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is no header's name"))?;
            let value = HeaderValue::from_str(&secret.0);
            let mut value = value.map_err(|_| format!("the value of {name} can't be sent in a header"))?;
            value.set_sensitive(true);
            all.insert(name, value);
        }
        let client = client::outside(url).map_err(|error| error.to_string())?;
        let inner = Inner { client, url: url.to_owned(), headers: all, session: Mutex::default() };
        Ok(Self { inner: Arc::new(inner), listening: Mutex::default() })
    }

    /// What needs no answer is sent in its turn, a request beside others.
    pub(super) async fn send(&self, link: &Arc<Link>, message: &Message) {
        let (link, inner, message) = (Arc::clone(link), Arc::clone(&self.inner), message.clone());
        if matches!(message.what, What::Request(_)) {
            tokio::spawn(async move { Box::pin(inner.post(&link, &message)).await });
            return;
        }
        Box::pin(inner.post(&link, &message)).await;
        if message.method == "notifications/initialized" {
            let listening = tokio::spawn(async move { Box::pin(inner.listen(&link)).await });
            let before = self.listening.lock().unwrap_or_else(PoisonError::into_inner).replace(listening);
            if let Some(before) = before {
                before.abort();
            }
        }
    }

    pub(super) async fn end(&self) {
        if let Some(listening) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take() {
            listening.abort();
        }
        if self.inner.session().id.is_some() {
            let request = self.inner.request(Method::DELETE).send();
            // Whether it takes it or not, this session is over here.
            timeout(END_WAIT, request).await.map(drop).unwrap_or_default();
        }
    }
}

impl Inner {
    fn session(&self) -> Session {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn request(&self, method: Method) -> reqwest::RequestBuilder {
        let mut request = self.client.request(method, &self.url).headers(self.headers.clone());
        let Session { id, version } = self.session();
        for (name, value) in [(SESSION, id), (VERSION, version)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request
    }

    async fn post(self: &Arc<Self>, link: &Arc<Link>, message: &Message) {
        let mut request = self
            .request(Method::POST)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .body(message.bytes.clone());
        for (name, value) in said_in_headers(message) {
            request = request.header(name, value);
        }
        let sent = request.send().await;
        let came = match sent {
            Ok(response) => self.answered(link, message, response).await,
            Err(error) if error.is_connect() || error.is_builder() => {
                Some(Came::Unsent("the server behind can't be reached".to_owned()))
            }
            Err(_) => Some(Came::Lost("the connection to the server behind failed".to_owned())),
        };
        if let Some(came) = came {
            if let (Came::Unsent(why) | Came::Lost(why), What::Notification) = (&came, &message.what) {
                link.kept.say(&format!("{} did not reach it: {why}", message.method));
            }
            link.settle(message, came).await;
        }
    }

    /// Passes an answer on; what became of the request, if it has none.
    async fn answered(
        self: &Arc<Self>,
        link: &Arc<Link>,
        message: &Message,
        mut response: Response,
    ) -> Option<Came> {
        let status = response.status();
        if message.method == "initialize" && status.is_success() {
            let id = response.headers().get(&SESSION).cloned();
            *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Session { id, version: None };
        }
        if status == StatusCode::NOT_FOUND && self.session().id.is_some() && message.method != "initialize" {
            self.begin_again(link);
            return Some(Came::Unsent("it had ended its session, which is begun again".to_owned()));
        }
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if status.is_success() && kind.starts_with(EVENTS) {
            return Box::pin(self.stream(link, message, response)).await;
        }
        let is_json = kind.starts_with("application/json");
        let Ok(body) = whole(&mut response).await else {
            return Some(Came::Lost("its answer broke off, or is too long".to_owned()));
        };
        if is_json && !body.is_empty() && is_answer(&body) {
            self.deliver(link, message, body).await;
            return None;
        }
        let shown: String = String::from_utf8_lossy(&body).chars().take(SHOWN).collect();
        let why = format!("it answered with status {} and no JSON-RPC: {shown}", status.as_u16());
        match &message.what {
            What::Request(_) if status.is_client_error() => {
                Some(Came::Unsent(format!("the server behind refused it: {why}")))
            }
            What::Notification | What::Answer { .. } if status.is_success() => None,
            What::Request(_) | What::Notification | What::Answer { .. } => Some(Came::Lost(why)),
        }
    }

    async fn deliver(&self, link: &Arc<Link>, message: &Message, body: Bytes) {
        if message.method == "initialize" {
            let result = members(text(&body), ["result"]).ok().and_then(|[result]| result);
            let version = result.and_then(|result| members(result.get(), ["protocolVersion"]).ok());
            let version = version.and_then(|[version]| text_of(version?).ok());
            let version = version.and_then(|version| HeaderValue::from_str(&version).ok());
            self.session.lock().unwrap_or_else(PoisonError::into_inner).version = version;
        }
        Box::pin(link.from_behind(body)).await;
    }

    /// Events until the answer was among them; asked for again from the last one where the stream breaks before.
    async fn stream(
        self: &Arc<Self>,
        link: &Arc<Link>,
        message: &Message,
        mut response: Response,
    ) -> Option<Came> {
        let mut events = Events::default();
        let mut left = RESUMED;
        loop {
            if self.events(link, message, &mut response, &mut events).await
                || !matches!(message.what, What::Request(_))
            {
                return None;
            }
            let last = events.last_id().filter(|_| left > 0).and_then(|id| HeaderValue::from_str(id).ok());
            let Some(last) = last else {
                return Some(Came::Lost("its stream ended without an answer".to_owned()));
            };
            left -= 1;
            sleep(Duration::from_millis(500)).await;
            let again =
                self.request(Method::GET).header(ACCEPT, EVENTS).header(LAST_EVENT, last).send().await;
            match again {
                Ok(again) if again.status().is_success() => response = again,
                Ok(_) | Err(_) => {
                    return Some(Came::Lost("its stream broke off without an answer".to_owned()));
                }
            }
        }
    }

    /// Passes on what a stream brings; true once the answer to the message was among it.
    async fn events(
        &self,
        link: &Arc<Link>,
        message: &Message,
        response: &mut Response,
        events: &mut Events,
    ) -> bool {
        let mut answered = false;
        while let Ok(Some(chunk)) = response.chunk().await {
            if events.push(&chunk).is_err() {
                link.kept.say(&format!("an event of more than {MOST_BYTES} bytes ended its stream"));
                return answered;
            }
            while let Some(data) = events.next() {
                let data = Bytes::from(data);
                answered |= answers(&data, message);
                self.deliver(link, message, data).await;
            }
        }
        answered
    }

    /// Listens to what the server says of itself, for as long as it takes such connections.
    async fn listen(self: &Arc<Self>, link: &Arc<Link>) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let mut events = Events::default();
        let nothing = Message::nothing();
        loop {
            let mut request = self.request(Method::GET).header(ACCEPT, EVENTS);
            if let Some(last) = events.last_id().and_then(|id| HeaderValue::from_str(id).ok()) {
                request = request.header(LAST_EVENT, last);
            }
            match request.send().await {
                Ok(mut response) if response.status().is_success() => {
                    backoff.reset();
                    self.events(link, &nothing, &mut response, &mut events).await;
                }
                // It has nothing to say of itself.
                Ok(response) if response.status().is_client_error() => return,
                Ok(_) | Err(_) => {}
            }
            sleep(backoff.wait()).await;
        }
    }

    /// Begins a new session as the client had begun the first.
    fn begin_again(self: &Arc<Self>, link: &Arc<Link>) {
        let opening = link.opening.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Session::default();
        let Some(initialize) = opening.initialize else { return };
        link.kept.say("the server behind ended its session; it is begun again");
        let link = Arc::clone(link);
        tokio::spawn(async move {
            let params: serde_json::Value = serde_json::from_str(initialize.get()).unwrap_or_default();
            match Box::pin(link.ask("initialize", &params)).await {
                Ok(_) => {
                    if let Some(initialized) = &opening.initialized {
                        Box::pin(link.send(initialized)).await;
                    }
                    Box::pin(link.look_at_tools()).await;
                }
                Err(why) => link.kept.say(&format!("its session can't be begun again: {why}")),
            }
        });
    }
}

/// What intermediaries read of a message without its body.
fn said_in_headers(message: &Message) -> Vec<(HeaderName, HeaderValue)> {
    let mut all = Vec::new();
    if message.method.is_empty() {
        return all;
    }
    all.extend(HeaderValue::from_str(&message.method).ok().map(|method| (METHOD, method)));
    let [name, uri, meta] = message.params(["name", "uri", "_meta"]).unwrap_or_default();
    let name = name.or(uri).and_then(|name: &RawValue| text_of(name).ok());
    let plain = |name: &str| name.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
    let name = name.map(|name| {
        if plain(&name) {
            name
        } else {
            format!("=?base64?{}?=", base64::prelude::BASE64_STANDARD.encode(name))
        }
    });
    all.extend(name.and_then(|name| HeaderValue::from_str(&name).ok()).map(|name| (NAME, name)));
    let version = meta.and_then(|meta| members(meta.get(), ["io.modelcontextprotocol/protocolVersion"]).ok());
    let version = version.and_then(|[version]| text_of(version?).ok());
    all.extend(version.and_then(|version| HeaderValue::from_str(&version).ok()).map(|one| (VERSION, one)));
    all
}

/// Whether a frame answers that request.
fn answers(frame: &Bytes, message: &Message) -> bool {
    let What::Request(wanted) = &message.what else { return false };
    match super::frame::Frame::read(frame) {
        Ok(super::frame::Frame::One(one)) => matches!(&one.what, What::Answer { id, .. } if id == wanted),
        Ok(super::frame::Frame::Batch(all)) => {
            all.iter().any(|one| matches!(&one.what, What::Answer { id, .. } if id == wanted))
        }
        Err(_) => false,
    }
}

/// Whether a body is JSON-RPC at all.
fn is_answer(body: &Bytes) -> bool {
    super::frame::Frame::read(body).is_ok()
}

async fn whole(response: &mut Response) -> Result<Bytes, ()> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| ())? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
