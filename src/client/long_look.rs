//! Long looks at the ledger: the lines of the answer as they come, until the one that counts.

use std::future::Future;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use tokio::time::timeout;

use super::bound::Bound;
use super::send::answer;
use super::{Client, ClientError, Result};
use crate::api::{InferView, LookLine, Looked, NDJSON, PlanView};

/// Without a word for this long the server is taken for dead; it says several times a second how far it has got.
const SILENCE: Duration = Duration::from_mins(1);
/// Most lines about how far it has got: several a second for as long as anybody waits.
const LINES: usize = 100_000;

impl Client {
    /// What the map would have said to what has happened in the last `days`; the server's usual number where none is
    /// named. `progress` is told how far the look has got. A map with errors is a problem with its findings.
    pub async fn plan_map(
        &self,
        toml: &str,
        days: Option<u32>,
        progress: impl FnMut(Looked) + Send,
    ) -> Result<PlanView> {
        let request = self.http().post(self.url("/v1/map/plan")).header(CONTENT_TYPE, "application/toml");
        let days: Vec<(&str, u32)> = days.map(|days| ("days", days)).into_iter().collect();
        let request = request.query(&days);
        match self.look(request.body(toml.to_owned()), progress).await? {
            LookLine::Planned { plan } => Ok(*plan),
            LookLine::Inferred { .. } | LookLine::Progress(_) | LookLine::Broken { .. } => {
                Err(odd("something else than a plan"))
            }
        }
    }

    /// A map proposed from what has happened in the last `days`; from everything where none is named.
    pub async fn infer_map(
        &self,
        days: Option<u32>,
        progress: impl FnMut(Looked) + Send,
    ) -> Result<InferView> {
        let days: Vec<(&str, u32)> = days.map(|days| ("days", days)).into_iter().collect();
        let request = self.http().post(self.url("/v1/map/infer")).query(&days);
        match self.look(request, progress).await? {
            LookLine::Inferred { inferred } => Ok(*inferred),
            LookLine::Planned { .. } | LookLine::Progress(_) | LookLine::Broken { .. } => {
                Err(odd("something else than a map"))
            }
        }
    }

    /// Sends a request and reads on to the last line.
    pub(super) async fn look(
        &self,
        request: reqwest::RequestBuilder,
        mut progress: impl FnMut(Looked) + Send,
    ) -> Result<LookLine> {
        let request = request.header(AUTHORIZATION, self.authorization()?).header(ACCEPT, NDJSON);
        let mut response = self.heard(request.send()).await?;
        let status = response.status().as_u16();
        if status != 200 {
            let body = timeout(SILENCE, self.body(response, Bound::Problem)).await;
            answer(status, body.map_err(|_| self.silent())??)?;
            return Err(odd(&format!("status {status}")));
        }
        let mut buffer = BytesMut::new();
        let mut lines = 0_usize;
        let mut searched = 0;
        loop {
            while let Some(end) =
                buffer.get(searched..).and_then(|rest| rest.iter().position(|b| *b == b'\n'))
            {
                let line = buffer.split_to(searched + end);
                buffer.advance(1);
                searched = 0;
                lines += 1;
                if lines > LINES {
                    return Err(odd("no end of its answer"));
                }
                let line: LookLine =
                    serde_json::from_slice(&line).map_err(|error| odd(&error.to_string()))?;
                match line {
                    LookLine::Progress(looked) => progress(looked),
                    LookLine::Broken { problem } => return Err(ClientError::Problem(problem)),
                    LookLine::Planned { .. } | LookLine::Inferred { .. } => return Ok(line),
                }
            }
            searched = buffer.len();
            if searched > Bound::Line.bytes() {
                return Err(Bound::Line.passed());
            }
            match self.heard(response.chunk()).await? {
                Some(chunk) => buffer.extend_from_slice(&chunk),
                None => return Err(odd("no end of its answer")),
            }
        }
    }

    async fn heard<T>(&self, what: impl Future<Output = reqwest::Result<T>>) -> Result<T> {
        match timeout(SILENCE, what).await {
            Ok(heard) => heard.map_err(|error| self.unreachable(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> ClientError {
        ClientError::Unreachable {
            url: self.base_url().to_owned(),
            why: "it went silent in the middle of its answer".to_owned(),
        }
    }
}

fn odd(what: &str) -> ClientError {
    ClientError::Protocol { why: format!("the server sent {what}") }
}
