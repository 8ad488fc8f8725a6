//! `/mcp`: MCP inside the server. The gate lets a request in like every other one; what it asks then goes through the gate
//! once more, at its own address, under the same token.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use rmcp::RoleServer;
use rmcp::model::Extensions;
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::value::RawValue;
use tower::Service as _;

use super::answer::{Answer, defect};
use super::gate::Call;
use crate::api::{DOOR_HEADER, EVENT_DEED, Problem, ProblemCode};
use crate::domain::things::Door;
use crate::mcp::{Ask, Asking, Changes, Server, Way, raw_arguments};

/// Most bytes of one answer.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// What of a request's headers goes on with each of its asks.
const GOES_ON: [HeaderName; 2] = [header::AUTHORIZATION, header::HOST];

/// The service behind `/mcp`.
#[derive(Clone)]
pub(super) struct Mcp(Arc<StreamableHttpService<Server<Inside>, NeverSessionManager>>);

/// The way inside: the server's own addresses.
#[derive(Debug, Clone)]
pub(super) struct Inside(Router);

/// The arguments of the call in hand, to the byte.
#[derive(Debug, Clone)]
struct Arguments(Option<Box<RawValue>>);

impl Mcp {
    /// One that asks at these addresses.
    pub(super) fn new(addresses: Router) -> Self {
        // Host and Origin were looked at by the gate, against the server's own lists.
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let inside = Inside(addresses);
        let serve = move || Ok(Server::stateless(inside.clone()));
        Self(Arc::new(StreamableHttpService::new(serve, Arc::default(), config)))
    }

    /// Answers one request that the gate let in.
    pub(super) async fn answer(self, call: Call) -> Answer {
        let mut request = Request::new(Body::from(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        *request.headers_mut() = call.headers.clone();
        request.extensions_mut().insert(Arguments(raw_arguments(&call.body)));
        Ok(self.0.handle(request).await.map(Body::new))
    }
}

/// An ask as a request of whoever sent the call.
fn request(from: &Extensions, ask: Ask) -> Result<Request<Body>, Box<Problem>> {
    let parts = from.get::<Parts>().ok_or_else(|| defect("a call came without its request"))?;
    let mut request = Request::new(ask.body.map(Body::from).unwrap_or_default());
    *request.method_mut() = ask.method.parse().map_err(defect_of)?;
    *request.uri_mut() = ask.path.parse().map_err(defect_of)?;
    let headers = request.headers_mut();
    for name in GOES_ON {
        if let Some(value) = parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(DOOR_HEADER, HeaderValue::from_static(Door::Mcp.as_str()));
    say(headers, "idempotency-key", ask.key.as_deref())?;
    say(headers, "traceparent", ask.traceparent.as_deref())?;
    Ok(request)
}

fn say(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) -> Result<(), Box<Problem>> {
    let Some(value) = value else { return Ok(()) };
    let unfit = |_| Box::new(Problem::new(ProblemCode::BadHeader, "it is no plain text").at(name));
    headers.insert(name, HeaderValue::from_str(value).map_err(unfit)?);
    Ok(())
}

fn defect_of(error: impl std::fmt::Display) -> Box<Problem> {
    defect(error)
}

impl Way for Inside {
    fn ask(&self, from: &Extensions, ask: Ask) -> Asking {
        let (request, mut router) = (request(from, ask), self.0.clone());
        async move {
            let response = match router.call(request?).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, ANSWER_BYTES).await.map_err(defect_of)?;
            if parts.status.is_success() { Ok(bytes) } else { Err(problem(&bytes)) }
        }
        .boxed()
    }

    fn changes(&self, from: &Extensions) -> BoxFuture<'static, Result<Changes, Box<Problem>>> {
        let ask = Ask { method: "GET", path: "/v1/ledger/stream".to_owned(), ..Ask::default() };
        let (request, mut router) = (request(from, ask), self.0.clone());
        async move {
            let response = match router.call(request?).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (parts, body) = response.into_parts();
            if !parts.status.is_success() {
                return Err(problem(&to_bytes(body, ANSWER_BYTES).await.map_err(defect_of)?));
            }
            let changed = body.into_data_stream().filter_map(async |chunk| {
                let marks = [format!("event: {EVENT_DEED}"), "id: ".to_owned()];
                let text = chunk.ok()?;
                let text = String::from_utf8_lossy(&text).into_owned();
                marks.iter().any(|mark| text.contains(mark.as_str())).then_some(())
            });
            Ok(changed.boxed())
        }
        .boxed()
    }

    fn arguments(&self, context: &RequestContext<RoleServer>) -> Option<Box<RawValue>> {
        context.extensions.get::<Parts>()?.extensions.get::<Arguments>()?.0.clone()
    }
}

fn problem(bytes: &Bytes) -> Box<Problem> {
    serde_json::from_slice(bytes).unwrap_or_else(defect)
}
