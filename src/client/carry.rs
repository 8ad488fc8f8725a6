//! What one node of Deeds passes on to another: a request as it came, and the whole answer. A node that speaks TLS itself is known by its
//! certificate's fingerprint, which it says in the database that both share; whoever speaks it for one, by the system's authorities.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hyper::{Request, Response};

use super::bound::{Bound, Broken, body};
use super::trust::{self, Trust};
use super::{address, connecting};
use crate::api::Fingerprint;

/// Most nodes to which connections are kept.
const NODES: usize = 256;

/// Connections to other nodes.
#[derive(Debug, Default)]
pub struct Carry {
    /// Tokens may go to other machines in plaintext.
    allow_plaintext: bool,
    /// By the address, and the certificate that is taken there.
    clients: Mutex<HashMap<(String, Option<String>), reqwest::Client>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Uncarried {
    /// Nothing was sent.
    Unsent(String),
    /// It was sent, and no answer came, or not whole.
    Lost(String),
}

impl Carry {
    /// Where it is allowed, tokens go to other machines in plaintext.
    pub fn new(allow_plaintext: bool) -> Self {
        Self { allow_plaintext, clients: Mutex::default() }
    }

    /// Sends the request to the server at that address, which has that certificate, if it speaks TLS itself.
    ///
    /// # Errors
    /// When it was not sent, or not answered.
    pub async fn send(
        &self,
        base: &str,
        certificate: Option<Fingerprint>,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Uncarried> {
        let unsent = |error: &dyn ToString| Uncarried::Unsent(error.to_string());
        let (base, loopback) = address(base, self.allow_plaintext).map_err(|error| unsent(&error))?;
        let client = self.client(&base, certificate, loopback).map_err(|error| unsent(&error))?;
        let (parts, bytes) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let sent = client.request(parts.method, format!("{base}{target}")).headers(parts.headers).body(bytes);
        let answer = sent.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() { unsent(&error) } else { lost(&error) }
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = body(answer, Bound::List).await.map_err(|broken| match broken {
            Broken::Lost(error) => lost(&error),
            Broken::Long(bound) => lost(&bound.passed()),
        })?;
        let mut response = Response::new(bytes);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response.headers_mut().remove(hyper::header::TRANSFER_ENCODING);
        response.headers_mut().remove(hyper::header::CONNECTION);
        Ok(response)
    }

    fn client(
        &self,
        base: &str,
        certificate: Option<Fingerprint>,
        loopback: bool,
    ) -> Result<reqwest::Client, Box<dyn std::error::Error>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (base.to_owned(), certificate.map(|certificate| certificate.to_string()));
        if let Some(client) = clients.get(&of) {
            return Ok(client.clone());
        }
        let tls = if base.starts_with("https:") { Trust::new(certificate).config() } else { trust::nobody() };
        let client = connecting(loopback).tls_backend_preconfigured(tls?).build()?;
        // Each address and certificate that a node ever had is one.
        if clients.len() >= NODES {
            clients.clear();
        }
        Ok(clients.entry(of).or_insert(client).clone())
    }
}

fn lost(error: &dyn ToString) -> Uncarried {
    Uncarried::Lost(error.to_string())
}
