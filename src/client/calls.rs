//! What a gateway asks: what tools mean, whether a call may be forwarded, and where it stands.

use std::time::Duration;

use super::{Client, Result};
use crate::api::{CallAsked, CallBody, CallList, CallMadeBody, ToolList};
use crate::domain::reply::Reply;
use crate::domain::time::Span;

impl Client {
    /// What the map says of the tools of a server; of all where none is named.
    pub async fn tools(&self, server: Option<&str>) -> Result<ToolList> {
        self.list(|| self.get("/v1/tools").maybe("server", server)).await
    }

    /// What would be said to a call. Nothing is recorded.
    pub async fn ask_call(&self, call: &CallBody) -> Result<CallAsked> {
        self.post("/v1/calls/ask").json(call)?.send().await
    }

    /// May the call be forwarded? Decided and recorded; asked again under the same key it is answered the same.
    pub async fn make_call(&self, call: &CallBody) -> Result<Reply> {
        self.post("/v1/calls").json(call)?.send().await
    }

    /// Tells that a call was forwarded which needed no leave.
    pub async fn call_made(&self, made: &CallMadeBody) -> Result<Reply> {
        self.post("/v1/calls/made").json(made)?.send().await
    }

    /// Where the caller's call with that digest stands; waits until it has gone on. Empty where nothing is known of it.
    pub async fn call_stands(&self, digest: &str, wait: Option<Span>) -> Result<CallList> {
        let longer = wait.map_or(0, |wait| u64::try_from(wait.micros()).unwrap_or(0));
        let ask = self.get("/v1/calls").query("digest", digest).maybe("wait", wait);
        ask.patient(Duration::from_micros(longer)).send().await
    }

    /// The latest calls: an agent's own, everybody's for people.
    pub async fn calls(&self) -> Result<CallList> {
        self.list(|| self.get("/v1/calls")).await
    }
}
