//! How requests leave: inside the server by its own router, elsewhere by the client. Both end at the server's gate.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use rmcp::RoleServer;
use rmcp::model::Extensions;
use rmcp::service::RequestContext;
use serde_json::value::RawValue;

use crate::api::Problem;

/// A request at an address of `api`.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with its query, encoded.
    pub path: String,
    /// The idempotency key, where the agent gave one.
    pub key: Option<String>,
    /// W3C trace context, where the client sent one.
    pub traceparent: Option<String>,
    /// The JSON of the body.
    pub body: Option<Vec<u8>>,
    /// For how long the answer may wait on purpose.
    pub wait: Duration,
}

/// An answer on its way: its JSON, or why there is none.
pub type Asking = BoxFuture<'static, Result<Bytes, Box<Problem>>>;

/// That something happened, each time.
pub type Changes = BoxStream<'static, ()>;

/// A way to the server, for one agent or for whoever asks.
pub trait Way: Clone + Send + Sync + 'static {
    /// Sends a request under the token of whoever asks.
    fn ask(&self, from: &Extensions, ask: Ask) -> Asking;

    /// Follows what happens, as far as whoever asks may see it. It ends with their token, or with the server.
    fn changes(&self, from: &Extensions) -> BoxFuture<'static, Result<Changes, Box<Problem>>>;

    /// The arguments of a call as they came, to the byte.
    fn arguments(&self, context: &RequestContext<RoleServer>) -> Option<Box<RawValue>>;
}

/// What a call says, read without touching its arguments.
#[derive(serde::Deserialize)]
struct Frame<'a> {
    method: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(serde::Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// The arguments of a frame that calls a tool, to the byte; an empty object where it gives none.
pub(crate) fn raw_arguments(frame: &[u8]) -> Option<Box<RawValue>> {
    let frame: Frame<'_> = serde_json::from_slice(frame).ok()?;
    if frame.method != "tools/call" {
        return None;
    }
    match frame.params.and_then(|params| params.arguments) {
        Some(arguments) => Some(arguments.to_owned()),
        None => RawValue::from_string("{}".to_owned()).ok(),
    }
}
