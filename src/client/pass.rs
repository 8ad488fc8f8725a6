//! Requests that somebody else put together, such as the tools of `mcp`: sent as they are, answered as they come.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderName;

use super::send::Ask;
use super::{Client, ClientError, Result};
use crate::api::DOOR_HEADER;
use crate::domain::things::Door;

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with its query, encoded.
    pub path: String,
    /// The idempotency key; one is made where there is none, so that a lost answer can be asked for again.
    pub key: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The JSON of the body.
    pub body: Option<Vec<u8>>,
    /// For how long the answer may wait on purpose.
    pub wait: Duration,
}

impl Client {
    /// Sends it by that door.
    ///
    /// # Errors
    /// The server's problem, or why there is no answer.
    pub async fn pass(&self, door: Door, passed: Passed) -> Result<Bytes> {
        let method = Method::from_bytes(passed.method.as_bytes())
            .map_err(|error| ClientError::Protocol { why: error.to_string() })?;
        let mut ask = Ask::passed(self, method, passed.path, passed.body)
            .patient(passed.wait)
            .header(HeaderName::from_static(DOOR_HEADER), door.as_str().to_owned());
        if let Some(trace) = passed.traceparent {
            ask = ask.header(HeaderName::from_static("traceparent"), trace);
        }
        ask.under(passed.key).await
    }
}
