//! One request and its answer: headers, the idempotency key, tries, and what an answer is parsed into.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bound::{Bound, Broken, body};
use super::{Backoff, Client, ClientError, Result};
use crate::api::{Problem, RECORDING_HEADER, Sent};
use crate::domain::code::Code;
use crate::domain::reply::Reply;
use crate::domain::rule::signing::Meant;

/// The wait before the second try.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest wait between tries.
const RETRY_MOST: Duration = Duration::from_secs(2);
/// How often a decision is signed at most, where others of the same person come between.
const SIGNED_TRIES: u32 = 5;
/// The signature that goes with a decision.
const SIGNATURE: HeaderName = HeaderName::from_static("deeds-signature");
/// What can't stand in a path segment.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request being put together.
pub(super) struct Ask<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, String)>,
    body: Option<(Bytes, &'static str)>,
    accept: &'static str,
    bound: Bound,
    wait: Duration,
    meant: Option<Meant>,
    /// Whether it is worth sending without a signature too.
    also_unsigned: bool,
}

/// A segment of a path, percent-encoded.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

impl Client {
    pub(super) fn get(&self, path: impl Into<String>) -> Ask<'_> {
        Ask::new(self, Method::GET, path.into())
    }

    pub(super) fn post(&self, path: impl Into<String>) -> Ask<'_> {
        Ask::new(self, Method::POST, path.into())
    }

    pub(super) fn put(&self, path: impl Into<String>) -> Ask<'_> {
        Ask::new(self, Method::PUT, path.into())
    }

    /// The `Authorization` header, marked so that no log shows it.
    pub(super) fn authorization(&self) -> Result<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.inner.token.expose()))
            .map_err(|_| ClientError::Token { reason: "the token can't be sent in a header".to_owned() })?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.inner.root)
    }

    /// What a failed exchange means; never with the token in it.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let mut why = String::new();
        let mut cause: Option<&dyn Error> = error.source();
        while let Some(error) = cause {
            why = error.to_string();
            cause = error.source();
        }
        if error.is_timeout() {
            "it did not answer in time".clone_into(&mut why);
        }
        if why.is_empty() {
            "the connection failed".clone_into(&mut why);
        }
        ClientError::Unreachable { url: self.inner.base.clone(), why }
    }
}

impl<'a> Ask<'a> {
    fn new(client: &'a Client, method: Method, path: String) -> Self {
        let bound = if method == Method::GET { Bound::List } else { Bound::Reply };
        Self {
            client,
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            accept: "application/json",
            bound,
            wait: Duration::ZERO,
            meant: None,
            also_unsigned: false,
        }
    }

    /// A command at its address.
    pub(super) fn command(client: &'a Client, sent: Sent) -> Result<Self> {
        let method = Method::from_bytes(sent.method.as_bytes())
            .map_err(|error| ClientError::Protocol { why: error.to_string() })?;
        let mut ask = Self::new(client, method, sent.path(segment));
        ask.body = sent.body.map(|body| (body.into(), "application/json"));
        Ok(ask)
    }

    /// One that somebody else put together.
    pub(super) fn passed(client: &'a Client, method: Method, path: String, body: Option<Vec<u8>>) -> Self {
        let mut ask = Self::new(client, method, path);
        ask.body = body.map(|body| (body.into(), "application/json"));
        ask
    }

    /// Sends it under a key of the caller's, where there is one.
    pub(super) async fn under(self, key: Option<String>) -> Result<Bytes> {
        match key {
            Some(key) => self.exchanged(Some(&key)).await,
            None => self.bytes().await,
        }
    }

    pub(super) fn query(mut self, key: &'static str, value: impl std::fmt::Display) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    pub(super) fn maybe<T: std::fmt::Display>(self, key: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    pub(super) fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self> {
        let bytes =
            serde_json::to_vec(body).map_err(|error| ClientError::Protocol { why: error.to_string() })?;
        self.body = Some((bytes.into(), "application/json"));
        Ok(self)
    }

    pub(super) fn toml(mut self, text: &str) -> Self {
        self.body = Some((Bytes::copy_from_slice(text.as_bytes()), "application/toml"));
        self
    }

    pub(super) fn accept(mut self, kind: &'static str) -> Self {
        self.accept = kind;
        self
    }

    /// The answer is of another kind than those of its method are.
    pub(super) fn bound(mut self, bound: Bound) -> Self {
        self.bound = bound;
        self
    }

    /// The server may take this much longer on purpose.
    pub(super) fn patient(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// What it says, where a person may have to sign it.
    pub(super) fn means(mut self, meant: Option<Meant>) -> Self {
        self.meant = meant;
        self
    }

    /// A signature is of use, and it goes without one too.
    pub(super) fn also_unsigned(mut self, also: bool) -> Self {
        self.also_unsigned = also;
        self
    }

    /// Sends it and parses the answer.
    pub(super) async fn send<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Protocol { why: error.to_string() })
    }

    /// Sends it and takes the answer as text.
    pub(super) async fn text(self) -> Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| ClientError::Protocol { why: error.to_string() })
    }

    /// What is to be signed is asked for first, and sent again with the signature: under the same key, which stands for the same
    /// request.
    async fn bytes(mut self) -> Result<Bytes> {
        let key = if self.method == Method::GET { None } else { Some(idempotency_key()?) };
        let Some((signer, meant)) = self.client.signer.clone().zip(self.meant.take()) else {
            return self.exchanged(key.as_deref()).await;
        };
        // Each statement names the one before: one after another, and again where somebody's other hand was quicker.
        let _turn = signer.turn().await;
        let mut left = SIGNED_TRIES;
        loop {
            left -= 1;
            let asked = match self.with_signature("ask".to_owned()).exchanged(key.as_deref()).await {
                Err(ClientError::Problem(asked)) if asked.statement.is_some() => asked,
                other => return other,
            };
            match signer.sign(self.client.token(), &asked, &meant).await {
                Ok(signature) => _ = self.with_signature(signature),
                Err(_) if self.also_unsigned => self.headers.retain(|(name, _)| *name != SIGNATURE),
                Err(error) => return Err(error),
            }
            let answered = self.exchanged(key.as_deref()).await?;
            let overtaken = serde_json::from_slice::<Reply>(&answered)
                .is_ok_and(|reply| reply.code == Some(Code::SignatureWrong));
            if left == 0 || !overtaken {
                return Ok(answered);
            }
        }
    }

    fn with_signature(&mut self, signature: String) -> &mut Self {
        self.headers.retain(|(name, _)| *name != SIGNATURE);
        self.headers.push((SIGNATURE, signature));
        self
    }

    async fn exchanged(&self, key: Option<&str>) -> Result<Bytes> {
        let authorization = self.client.authorization()?;
        let options = self.client.inner.options;
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MOST);
        let mut left = options.attempts.max(1);
        loop {
            left -= 1;
            let mut request = self
                .client
                .http()
                .request(self.method.clone(), self.client.url(&self.path))
                .timeout(options.timeout.saturating_add(self.wait))
                .header(AUTHORIZATION, authorization.clone())
                .header(ACCEPT, self.accept);
            if !self.query.is_empty() {
                request = request.query(&self.query);
            }
            for (name, value) in &self.headers {
                request = request.header(name, value);
            }
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if let Some((body, kind)) = &self.body {
                request = request.header(CONTENT_TYPE, *kind).body(body.clone());
            }
            match exchange(request, self.bound, &self.client.inner.unrecorded).await {
                Ok((status, bytes)) => return answer(status, bytes),
                Err(Broken::Long(bound)) => return Err(bound.passed()),
                // The same key makes a second try safe even where the first one arrived.
                Err(Broken::Lost(error)) if left > 0 && !error.is_timeout() => {
                    tracing::debug!(path = %self.path, "the connection failed, trying again");
                    tokio::time::sleep(backoff.wait()).await;
                }
                Err(Broken::Lost(error)) => return Err(self.client.unreachable(&error)),
            }
        }
    }
}

async fn exchange(
    request: reqwest::RequestBuilder,
    bound: Bound,
    unrecorded: &AtomicBool,
) -> std::result::Result<(u16, Bytes), Broken> {
    let response = request.send().await.map_err(Broken::Lost)?;
    if response.headers().contains_key(RECORDING_HEADER) {
        unrecorded.store(true, Ordering::Relaxed);
    }
    let status = response.status().as_u16();
    if response.status().is_redirection() {
        // What it says beside that is not read.
        return Ok((status, Bytes::new()));
    }
    Ok((status, body(response, bound).await?))
}

/// What a status and a body mean.
pub(super) fn answer(status: u16, bytes: Bytes) -> Result<Bytes> {
    if (200..300).contains(&status) {
        return Ok(bytes);
    }
    if (300..400).contains(&status) {
        return Err(ClientError::Protocol {
            why: format!("status {status} sends on to another address, which a token never goes to"),
        });
    }
    match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => Err(ClientError::Problem(Box::new(problem))),
        Err(_) => Err(ClientError::Protocol {
            why: format!("status {status} without a problem; is this a Deeds server?"),
        }),
    }
}

fn idempotency_key() -> Result<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| ClientError::Protocol {
        why: format!("the system gives no random bytes: {error}"),
    })?;
    Ok(crate::domain::hash::hex(&random).to_string())
}
