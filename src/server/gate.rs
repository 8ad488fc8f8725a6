//! The one way in: every request passes here. Host and origin, token, the route's access, the body within its limits;
//! then its handler; then it is counted. Nothing here knows what a request means.

use std::error::Error as _;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::RequestPartsExt;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::admission::Pass;
use super::answer::{self, Answer, refuse, unseen, unsubmitted};
use super::auth::{Caller, authenticate};
use super::cluster::{PassedOn, away};
use super::doors::Peer;
use super::query::Query;
use super::seats::Seat;
use super::workspace::Workspace;
use super::{App, past, signing};
use crate::api::{self, Address, DOOR_HEADER, Kind, Parts as Asking, Problem, ProblemCode, RECORDING_HEADER};
use crate::coordinator;
use crate::domain::command::{AskedKey, Command, Request as Asked};
use crate::domain::ids::{IdempotencyKey, Seq};
use crate::domain::path::EntityPath;
use crate::domain::state::{Front, State};
use crate::domain::things::Door;
use crate::domain::time::Time;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of a body of somebody without a token.
const STRANGER_BYTES: usize = 4 * 1024;
/// How long a read waits for the sequence it asks for.
const MIN_SEQ_WAIT: Duration = Duration::from_secs(5);
/// How many bytes of an idempotency key callers may use.
const KEY_BYTES: usize = 240;
/// The length of a W3C `traceparent`.
const TRACEPARENT_BYTES: usize = 55;
/// By which a caller tells its requests apart: it comes back as it came.
const REQUEST_ID: &str = "x-request-id";

/// An authenticated request with its body.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) app: Arc<App>,
    pub(super) address: &'static Address,
    pub(super) caller: Caller,
    pub(super) space: Arc<Workspace>,
    pub(super) peer: IpAddr,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    door: Door,
    params: Vec<(Arc<str>, String)>,
}

/// Lets a request through to its handler.
pub(super) async fn enter<H, F>(
    app: Arc<App>,
    address: &'static Address,
    request: Request,
    handler: H,
) -> Response
where
    H: Fn(Call) -> F,
    F: Future<Output = Answer>,
{
    enter_or(app, address, request, handler, Err).await
}

/// The same; what is said where there is a problem is for `otherwise`.
pub(super) async fn enter_or<H, F>(
    app: Arc<App>,
    address: &'static Address,
    request: Request,
    handler: H,
    otherwise: impl FnOnce(Box<Problem>) -> Answer,
) -> Response
where
    H: Fn(Call) -> F,
    F: Future<Output = Answer>,
{
    let began = Instant::now();
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut unrecorded = false;
    let (answer, pass) = match admit(&app, address, request).await {
        Ok((call, pass)) => {
            unrecorded = call.space.handle().is_troubled();
            let answer = match away(&call).await {
                Some(answer) => {
                    unrecorded = false;
                    answer
                }
                None => decided(call, handler).await,
            };
            (answer, Some(pass))
        }
        Err(problem) => (Err(problem), None),
    };
    let mut response = identified(finish(&app, address.path, began, answer.or_else(otherwise)), id);
    if unrecorded {
        response.headers_mut().insert(RECORDING_HEADER, HeaderValue::from_static("no"));
    }
    match pass {
        Some(pass) => pass.attend(response),
        None => response,
    }
}

fn identified(mut response: Response, id: Option<HeaderValue>) -> Response {
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The handler's answer, here.
async fn decided<H, F>(call: Call, handler: H) -> Answer
where
    H: Fn(Call) -> F,
    F: Future<Output = Answer>,
{
    let passed_on = PassedOn::of(&call);
    let mut answer = handler(call).await;
    if let (Some(passed_on), Ok(answer)) = (passed_on, &mut answer) {
        passed_on.say_head(answer);
    }
    answer
}

/// A request that needs no token: who it is from, where that matters, shows in its body.
#[derive(Debug)]
pub(super) struct Stranger {
    pub(super) app: Arc<App>,
    pub(super) body: Bytes,
    pub(super) peer: IpAddr,
    address: &'static Address,
    uri: Uri,
    headers: HeaderMap,
}

impl Stranger {
    /// Where the asker found the server: `https://deeds.example`, also behind a proxy that ends TLS and says so.
    pub(super) fn base(&self) -> String {
        let said = |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let secure = self.app.secure || said("x-forwarded-proto") == Some("https");
        format!("{}://{}", if secure { "https" } else { "http" }, said("host").unwrap_or_default())
    }

    /// The query; only the parameters of the address may come.
    pub(super) fn query(&self) -> Result<Query, Box<Problem>> {
        Query::parse(self.uri.query(), &self.address.query())
    }
}

/// Lets a request with a small body through to a handler that needs no token.
pub(super) async fn enter_open<H, F>(
    app: Arc<App>,
    address: &'static Address,
    request: Request,
    handler: H,
) -> Response
where
    H: Fn(Stranger) -> F,
    F: Future<Output = Answer>,
{
    let began = Instant::now();
    let id = request.headers().get(REQUEST_ID).cloned();
    let answer = match greet(&app, address, request).await {
        Ok(stranger) => handler(stranger).await,
        Err(problem) => Err(problem),
    };
    identified(finish(&app, address.path, began, answer), id)
}

async fn greet(
    app: &Arc<App>,
    address: &'static Address,
    request: Request,
) -> Result<Stranger, Box<Problem>> {
    let (parts, body) = request.into_parts();
    app.hosts.check(&parts.headers)?;
    let peer = peer_of(&parts);
    let Parts { uri, headers, .. } = parts;
    if let Ok(Ok(body)) = timeout(BODY_TIMEOUT, to_bytes(body, STRANGER_BYTES)).await {
        return Ok(Stranger { app: Arc::clone(app), body, peer, address, uri, headers });
    }
    let detail = format!("at most {STRANGER_BYTES} bytes are taken here");
    Err(Box::new(Problem::new(ProblemCode::BodyTooLarge, detail).at("the body")))
}

pub(super) fn peer_of(parts: &Parts) -> IpAddr {
    parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip())
}

/// There is no such address, or it does not take this method.
pub(super) fn nowhere(app: &App, request: &Request, code: ProblemCode) -> Response {
    let began = Instant::now();
    let detail =
        format!("{} {}", request.method(), request.uri().path().chars().take(200).collect::<String>());
    let answer = app.hosts.check(request.headers()).and(Err(Box::new(Problem::new(code, detail))));
    finish(app, "nowhere", began, answer)
}

pub(super) fn finish(app: &App, route: &'static str, began: Instant, answer: Answer) -> Response {
    let response = match answer {
        Ok(response) => response,
        Err(problem) => {
            // That the whole node is behind is logged once, when it begins.
            if problem.status >= 500 && !problem.is(ProblemCode::Behind) {
                tracing::warn!(route, code = %problem.code, detail = %problem.detail, "a request failed");
            } else {
                tracing::debug!(route, code = %problem.code, "a request was turned away");
            }
            refuse(&problem)
        }
    };
    app.metrics.count(response.status().as_u16(), began.elapsed());
    response
}

/// Finds out who asks before anything that costs more than that, and lets in what its principal may have here.
async fn admit(
    app: &Arc<App>,
    address: &'static Address,
    request: Request,
) -> Result<(Call, Pass), Box<Problem>> {
    let (mut parts, body) = request.into_parts();
    app.hosts.check(&parts.headers)?;
    let peer = peer_of(&parts);
    let (caller, space) = authenticate(app, &parts.headers, peer).await?;
    let seat = parts.extensions.get::<Arc<Seat>>();
    if !seat.is_none_or(|seat| seat.sign_in(&caller, &space)) {
        let detail = "agents have as many connections as they may";
        return Err(Box::new(Problem::new(ProblemCode::TooManyAtOnce, detail)));
    }
    let class = caller.principal.class;
    // Commands go on to the rules whoever asks: a refusal is recorded there. What is dear to read is not read for that.
    let by_rules = address.kind == Kind::Command && !address.takes_a_map();
    if !by_rules && !address.who.allows(class) {
        let detail = format!(
            "{} {} is for {}; this is {} token",
            address.method,
            address.path,
            address.who,
            article(class.as_str())
        );
        return Err(Box::new(Problem::new(ProblemCode::NotAllowed, detail)));
    }
    let mut pass = app.admission.enter(&caller, space.id())?;
    let body = read_body(body, address.body_bytes(), &mut pass).await?;
    if !address.may_wait() {
        app.admission.turn(&mut pass, address.kind != Kind::Command, body.len()).await?;
    }
    let params = if address.path.contains('{') { path_params(&mut parts).await? } else { Vec::new() };
    let Parts { method, uri, headers, .. } = parts;
    let door = door(&headers)?;
    Ok((
        Call { app: Arc::clone(app), address, caller, space, peer, method, uri, headers, body, door, params },
        pass,
    ))
}

/// By which door it came, as it says itself: nothing is decided by that.
fn door(headers: &HeaderMap) -> Result<Door, Box<Problem>> {
    let Some(said) = headers.get(DOOR_HEADER) else { return Ok(Door::Http) };
    Door::ALL.into_iter().find(|door| door.as_str().as_bytes() == said.as_bytes()).ok_or_else(|| {
        let detail = format!("it is one of {}", Door::ALL.map(Door::as_str).join(", "));
        Box::new(Problem::new(ProblemCode::BadHeader, detail).at("header Deeds-Door"))
    })
}

fn article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}'s")
}

async fn path_params(parts: &mut Parts) -> Result<Vec<(Arc<str>, String)>, Box<Problem>> {
    let params = parts.extract::<RawPathParams>().await.map_err(|error| {
        Box::new(Problem::new(ProblemCode::BadParameter, error.to_string()).at("the path"))
    })?;
    Ok(params.iter().map(|(name, value)| (Arc::from(name), value.to_owned())).collect())
}

pub(super) async fn read_body(body: Body, limit: usize, pass: &mut Pass) -> Result<Bytes, Box<Problem>> {
    let too_large = || {
        let detail = format!("at most {limit} bytes are taken here");
        Box::new(Problem::new(ProblemCode::BodyTooLarge, detail).at("the body"))
    };
    let length = HttpBody::size_hint(&body).exact().map_or(Ok(limit), usize::try_from);
    let length = length.ok().filter(|length| *length <= limit).ok_or_else(too_large)?;
    pass.carry(length).await?;
    match timeout(BODY_TIMEOUT, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let bounded = error.source().is_some_and(|source| source.to_string().contains("length limit"));
            if bounded {
                return Err(too_large());
            }
            Err(Box::new(Problem::new(ProblemCode::BadJson, "the body broke off").at("the body")))
        }
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
            Err(Box::new(Problem::new(ProblemCode::SlowBody, detail).at("the body")))
        }
    }
}

impl Call {
    /// The body, an object, as what it should be.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Box<Problem>> {
        self.reading(|| api::parse_object(&self.body))
    }

    /// The body, an array, as what its elements should be.
    pub(super) fn parse_all<T: DeserializeOwned>(&self) -> Result<Vec<T>, Box<Problem>> {
        self.reading(|| api::parse(&self.body))
    }

    /// Reads the body; a large one apart from those who wait.
    fn reading<T>(&self, read: impl FnOnce() -> T) -> T {
        answer::apart(self.body.len(), read)
    }

    /// The same where the body may be left out.
    pub(super) fn parse_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Box<Problem>> {
        if self.body.is_empty() { Ok(T::default()) } else { self.parse() }
    }

    /// The body as text.
    pub(super) fn text(&self) -> Result<&str, Box<Problem>> {
        std::str::from_utf8(&self.body).map_err(|error| {
            let detail = format!("the body is not UTF-8 from byte {} on", error.valid_up_to());
            Box::new(Problem::new(ProblemCode::BadBody, detail).at("the body"))
        })
    }

    /// Waits until an answer that takes so many bytes while it is made may be made, and for nothing more until it is dropped.
    pub(super) async fn making(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        self.app.admission.making(bytes).await
    }

    /// The server's time.
    pub(super) fn now(&self) -> Time {
        self.app.clock().now()
    }

    /// The query; only the parameters of the address may come.
    pub(super) fn query(&self) -> Result<Query, Box<Problem>> {
        Query::parse(self.uri.query(), &self.address.query())
    }

    /// The command that the path's key and the body are.
    pub(super) fn made(
        &self,
        command: fn(Asking<'_>) -> Result<Command, Box<Problem>>,
    ) -> Result<Command, Box<Problem>> {
        let key = self.params.first().map_or("", |(_, value)| value.as_str());
        self.reading(|| command(Asking { key, body: &self.body }))
    }

    /// A part of the path as what it should be.
    pub(super) fn param<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<T, Box<Problem>> {
        let text = self.params.iter().find(|(one, _)| &**one == name).map_or("", |(_, value)| value.as_str());
        api::fit(name, text)
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Result<Option<&str>, Box<Problem>> {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        value.to_str().map(Some).map_err(|_| {
            let problem = Problem::new(ProblemCode::BadHeader, "it has bytes that are not plain text");
            Box::new(problem.at(format!("header {name}")))
        })
    }

    /// What everybody may look at, once it has the sequence that the query's `min_seq` asks for. With `at` the board as it was then, and
    /// nothing else: no tokens.
    pub(super) async fn front(&self, query: &Query) -> Result<Arc<Front>, Box<Problem>> {
        if let Some(moment) = past::moment(self, query).await? {
            return Ok(moment.front);
        }
        let Some(seq) = query.get::<Seq>("min_seq")? else { return Ok(self.space.handle().front()) };
        if seq.0 > self.space.handle().head().seq && self.app.workspaces.cluster().is_some() {
            // What fails here shows in the wait.
            self.space.handle().catch_up().await.unwrap_or_default();
        }
        let reached = timeout(MIN_SEQ_WAIT, self.space.handle().reached(seq)).await;
        reached.map_err(|_| {
            let head = self.space.handle().head().seq;
            let detail = format!("{seq} was asked for, the ledger ends at {head}");
            Box::new(Problem::new(ProblemCode::NotYet, detail).at("query, `min_seq`"))
        })
    }

    /// The board with the values of one entity, once it has the sequence that the query's `min_seq` asks for.
    pub(super) async fn of_entity(&self, query: &Query, path: &EntityPath) -> Result<State, Box<Problem>> {
        self.front(query).await?;
        self.present(path).await
    }

    /// The same as it is now, whatever the query asks for.
    pub(super) async fn present(&self, path: &EntityPath) -> Result<State, Box<Problem>> {
        self.space.handle().of_entity(path).await.map_err(|error| unseen(&error))
    }

    /// Has a command decided and recorded, and answers with its reply.
    pub(super) async fn command(&self, command: Command) -> Answer {
        answer::reply(&self.submit(command).await?)
    }

    /// The same for handlers that have more to say.
    pub(super) async fn submit(&self, command: Command) -> Result<coordinator::Answer, Box<Problem>> {
        signing::ask_first(self, &command).await?;
        let request = Asked { proof: signing::proof(self)?, ..self.asked(command, self.key()?) };
        self.space.handle().submit(request).await.map_err(|error| unsubmitted(&error))
    }

    /// Has several commands decided, each on its own.
    pub(super) async fn submit_all(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<coordinator::Answer, Box<Problem>>>, Box<Problem>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key()?;
        let part = |at: usize| Some(key.as_ref()?.of_part(u32::try_from(at).ok()?));
        let requests = commands.into_iter().enumerate().map(|(at, command)| self.asked(command, part(at)));
        let answers = self.space.handle().submit_all(requests.collect()).await;
        let answers = answers.map_err(|error| unsubmitted(&error))?;
        Ok(answers.into_iter().map(|answer| answer.map_err(|error| unsubmitted(&error))).collect())
    }

    fn asked(&self, command: Command, key: Option<AskedKey>) -> Asked {
        let principal = self.caller.principal.clone();
        Asked { key, traceparent: self.traceparent(), door: self.door, ..Asked::new(principal, command) }
    }

    /// The idempotency key, with the digest of the request it stands for.
    pub(super) fn key(&self) -> Result<Option<AskedKey>, Box<Problem>> {
        let Some(text) = self.header("idempotency-key")? else { return Ok(None) };
        let wrong = |detail: String| {
            Box::new(Problem::new(ProblemCode::BadHeader, detail).at("header Idempotency-Key"))
        };
        if text.len() > KEY_BYTES {
            return Err(wrong(format!("it has {} bytes, at most {KEY_BYTES} are taken", text.len())));
        }
        let key = IdempotencyKey::new(text).map_err(|error| wrong(error.to_string()))?;
        let of_bytes = Some(digest(&[self.method.as_str().as_bytes(), self.target(), &self.body]));
        Ok(Some(AskedKey { of_bytes, ..AskedKey::new(key, self.digest()) }))
    }

    fn target(&self) -> &[u8] {
        self.uri.path_and_query().map_or(b"", |path| path.as_str().as_bytes())
    }

    /// The digest of the request as it is understood: the address with its keys, the parameters and the JSON of the body.
    /// Whatever else is written otherwise (escapes, spaces, the order of keys, `1.0` for `1`) makes no other request.
    fn digest(&self) -> Arc<str> {
        let mut parts = vec![self.address.method.as_bytes(), self.address.path.as_bytes()];
        parts.extend(self.params.iter().map(|(_, value)| value.as_bytes()));
        let mut query: Vec<&[u8]> =
            self.uri.query().unwrap_or_default().split('&').map(str::as_bytes).collect();
        query.sort_unstable();
        parts.extend(query);
        let understood = self.reading(|| api::understood(&self.body));
        parts.push(understood.as_deref().unwrap_or(&self.body));
        digest(&parts)
    }

    /// The caller's trace context, where it is one; the standard says to pass over what is not.
    fn traceparent(&self) -> Option<Arc<str>> {
        let text = self.headers.get("traceparent")?.to_str().ok()?;
        let fits = text.len() == TRACEPARENT_BYTES
            && text.bytes().enumerate().all(|(at, byte)| match at {
                2 | 35 | 52 => byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        fits.then(|| Arc::from(text))
    }
}

/// The beginning of a SHA-256, by which requests under one key are told apart.
fn digest(parts: &[&[u8]]) -> Arc<str> {
    let mut hasher = Sha256::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hasher.update([0]);
        }
        hasher.update(part);
    }
    let digits = api::Hash(hasher.finalize().into()).digits();
    let digest = digits.first_chunk::<16>().and_then(|digits| std::str::from_utf8(digits).ok());
    Arc::from(digest.unwrap_or_default())
}
