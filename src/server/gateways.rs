//! `/mcp/NAME`: MCP servers of the configuration behind the map, for clients that speak Streamable HTTP. The wire is
//! `crate::gateway`; here is who may come in, and the way from it to the rules, which is the router itself.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use tower::Service as _;

use super::App;
use super::admission::Pass;
use super::answer::{Answer, absent};
use super::auth::authenticate;
use super::doors::Peer;
use super::gate::{finish, peer_of, read_body};
use crate::api::{DOOR_HEADER, Problem, ProblemCode};
use crate::domain::things::Door;
use crate::gateway::{Gateway, Heard, NoAnswer, Served, Sessions, Way};

/// Where they are.
pub(super) const PATH: &str = "/mcp/{name}";
const PREFIX: &str = "/mcp/";
/// Most bytes of a frame.
const FRAME_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of an answer of the rules.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// How long the rules may take for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// A stream says something at least this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const SESSION: &str = "mcp-session-id";
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The servers behind, and the sessions with them.
#[derive(Default)]
pub(super) struct Gateways {
    served: BTreeMap<Arc<str>, Served>,
    sessions: Sessions,
    /// The way to the rules, while the server runs.
    router: Mutex<Option<Router>>,
}

impl std::fmt::Debug for Gateways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.served.keys()).finish()
    }
}

impl Gateways {
    pub(super) fn new(served: Vec<Served>) -> Self {
        let served = served.into_iter().map(|one| (Arc::clone(&one.name), one)).collect();
        Self { served, ..Self::default() }
    }

    /// From now on the rules are asked by that router.
    pub(super) fn open(&self, router: Router) {
        *self.router.lock().unwrap_or_else(PoisonError::into_inner) = Some(router);
    }

    /// Ends every session, and lets the router go.
    pub(super) async fn close(&self) {
        self.sessions.end_all().await;
        self.router.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Lets a request through to its server.
pub(super) async fn enter(app: Arc<App>, request: Request) -> Response {
    let began = Instant::now();
    let mut pass = None;
    let answer = Box::pin(answered(&app, request, &mut pass)).await;
    let response = finish(&app, PATH, began, answer);
    match pass {
        Some(pass) => pass.attend(response),
        None => response,
    }
}

async fn answered(app: &Arc<App>, request: Request, passed: &mut Option<Pass>) -> Answer {
    let (parts, body) = request.into_parts();
    app.hosts.check(&parts.headers)?;
    let peer = peer_of(&parts);
    let (caller, space) = authenticate(app, &parts.headers, peer).await?;
    let name = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let served = app.gateways.served.get(name).ok_or_else(|| absent(format!("gateway {name:?}")))?;
    let agent = caller.agent().filter(|agent| served.agent.as_ref().is_none_or(|one| one == *agent));
    let Some(agent) = agent else {
        let whom = served.agent.as_ref().map_or("an agent's own".to_owned(), |one| format!("{one}'s"));
        let problem = Problem::new(ProblemCode::NotAllowed, format!("the gateway {name} takes {whom} token"));
        return Err(Box::new(problem));
    };
    let pass = passed.insert(app.admission.enter(&caller, space.id())?);
    let who: Arc<str> = format!("{}/{agent}", space.id()).into();
    let session = text(&parts.headers, SESSION)?;
    let sessions = &app.gateways.sessions;
    let heard = match parts.method {
        Method::POST => {
            let body = read_body(body, FRAME_BYTES, pass).await?;
            let authorization = parts.headers.get(header::AUTHORIZATION).cloned();
            let inside = Inside::of(app, authorization, Door::Gateway);
            let make = || gateway(served, inside);
            Box::pin(sessions.post(&who, &served.name, session, body, make)).await
        }
        Method::GET => sessions.listen(&who, &served.name, session),
        Method::DELETE => {
            let there = sessions.end(&who, &served.name, session.unwrap_or_default()).await;
            if there { Heard::Taken } else { Heard::NoSession }
        }
        _ => {
            let detail = format!("{} {PATH}", parts.method);
            return Err(Box::new(Problem::new(ProblemCode::BadMethod, detail)));
        }
    };
    respond(heard, &parts.headers).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Box<Problem>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = value.to_str().ok().filter(|text| !text.is_empty());
    let wrong =
        || Problem::new(ProblemCode::BadHeader, "it is no id of a session").at(format!("header {name}"));
    value.map(Some).ok_or_else(|| Box::new(wrong()))
}

fn gateway(served: &Served, inside: Inside) -> Gateway {
    let name = Arc::clone(&served.name);
    Gateway {
        server: Arc::clone(&served.name),
        target: served.target.clone(),
        via: format!("serve-{}", std::process::id()).into(),
        root: served.root.clone(),
        door: Arc::new(inside),
        tell: Arc::new(move |line| tracing::info!(gateway = %name, said = ?line, "the server behind")),
        kept: served.kept.clone(),
    }
}

async fn respond(heard: Heard, headers: &HeaderMap) -> Answer {
    match heard {
        Heard::Taken => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            Ok(response)
        }
        Heard::Frames(frames, session) => {
            let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
            let streams = accept.contains("text/event-stream") || accept.contains("*/*");
            let mut response = if streams { streamed(frames) } else { whole(frames).await };
            let session = session.and_then(|session| HeaderValue::from_str(&session).ok());
            if let Some(session) = session {
                response.headers_mut().insert(SESSION, session);
            }
            Ok(response)
        }
        Heard::NoSession => Err(absent("such session here; begin anew with `initialize`")),
        Heard::TooMany => {
            let detail = "there are as many sessions with this server as there may be; end one";
            Err(Box::new(Problem::new(ProblemCode::TooManyAtOnce, detail)))
        }
        Heard::Unreadable(why) => Err(Box::new(Problem::new(ProblemCode::BadJson, why).at("the body"))),
        Heard::Failed(why) => Err(Box::new(Problem::new(ProblemCode::Unavailable, why))),
    }
}

/// Each frame as an event.
fn streamed(frames: Receiver<Bytes>) -> Response {
    let events = stream::unfold(frames, |mut frames| async move {
        let event = match timeout(KEEP_ALIVE, frames.recv()).await {
            Ok(Some(frame)) => [b"event: message\ndata: ", &frame[..], b"\n\n"].concat().into(),
            Ok(None) => return None,
            Err(_) => Bytes::from_static(b": still here\n\n"),
        };
        Some((Ok::<_, Infallible>(event), frames))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENTS);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The last frame, which is the answer.
async fn whole(mut frames: Receiver<Bytes>) -> Response {
    let mut last = Bytes::new();
    while let Some(frame) = frames.recv().await {
        last = frame;
    }
    let mut response = Response::new(Body::from(last));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// The way to the rules from within: the agent's own requests, by the router, as from anywhere.
pub(super) struct Inside {
    app: Weak<App>,
    authorization: Option<HeaderValue>,
    peer: Peer,
    door: Door,
}

impl Inside {
    /// For whoever has that token, by that door.
    pub(super) fn of(app: &Arc<App>, authorization: Option<HeaderValue>, door: Door) -> Self {
        Self { app: Arc::downgrade(app), authorization, peer: Peer::Net(app.address), door }
    }
}

impl Way for Inside {
    fn ask<'a>(
        &'a self,
        method: &'static str,
        path: String,
        body: Option<Vec<u8>>,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Bytes, NoAnswer>> {
        Box::pin(async move {
            let closed = || NoAnswer::Away("it is going down".to_owned());
            let app = self.app.upgrade().ok_or_else(closed)?;
            let router = app.gateways.router.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut router = router.ok_or_else(closed)?;
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::HOST, "localhost")
                .header(header::CONTENT_TYPE, JSON)
                .header(DOOR_HEADER, self.door.as_str())
                .extension(self.peer);
            if let Some(authorization) = &self.authorization {
                request = request.header(header::AUTHORIZATION, authorization.clone());
            }
            let request = request.body(Body::from(body.unwrap_or_default()));
            let request = request.map_err(|error| NoAnswer::No(error.to_string()))?;
            let answer = timeout(ANSWER_WAIT + wait, async {
                let Ok(response) = router.call(request).await;
                let status = response.status();
                (status, to_bytes(response.into_body(), ANSWER_BYTES).await)
            });
            let late = |_| NoAnswer::Away("it did not answer in time".to_owned());
            let (status, body) = answer.await.map_err(late)?;
            let body = body.map_err(|error| NoAnswer::Away(error.to_string()))?;
            if status.is_success() {
                return Ok(body);
            }
            let why = serde_json::from_slice::<Problem>(&body).map(|problem| problem.to_string());
            let why = why.unwrap_or_else(|_| status.to_string());
            let may_come = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            Err(if may_come { NoAnswer::Away(why) } else { NoAnswer::No(why) })
        })
    }
}
