//! What one node of Deeds passes on to another: a request as it came, and the whole answer. A node that speaks TLS itself is known by its
//! certificate's fingerprint, which it says in the database that both share; whoever speaks it for one, by the system's authorities; one in
//! plaintext, where nodes share a secret, by a proof on each connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::{Request, Response};

use super::bound::{Bound, Broken, body};
use super::trust::{self, Trust};
use super::way::{Said, Sure, Way, Witness};
use super::{address, connecting};
use crate::api::{Fingerprint, ProofKey};

/// Most nodes to which connections are kept.
const NODES: usize = 256;

/// Connections to other nodes.
#[derive(Debug, Default)]
pub struct Carry {
    /// Tokens may go to other machines in plaintext.
    allow_plaintext: bool,
    /// By this one that speaks no TLS is known before anything is sent.
    secret: Option<ProofKey>,
    /// By the node, and the certificate that is taken there.
    clients: Mutex<HashMap<(Peer, Option<String>), reqwest::Client>>,
}

/// A node, as the database tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Which run of it.
    pub instance: Arc<str>,
    /// Where it is reached.
    pub address: Arc<str>,
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
    /// Where it is allowed, tokens go to other machines in plaintext; where there is a secret, in plaintext to none that does not have it.
    pub fn new(allow_plaintext: bool, secret: Option<ProofKey>) -> Self {
        Self { allow_plaintext, secret, clients: Mutex::default() }
    }

    /// Sends the request to that node, which has that certificate, if it speaks TLS itself.
    ///
    /// # Errors
    /// When it was not sent, or not answered.
    pub async fn send(
        &self,
        to: &Peer,
        certificate: Option<Fingerprint>,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Uncarried> {
        let unsent = |error: &dyn ToString| Uncarried::Unsent(error.to_string());
        let (base, loopback) = address(&to.address, self.allow_plaintext).map_err(|error| unsent(&error))?;
        let client = self.client(to, certificate, loopback).map_err(|error| unsent(&error))?;
        let (parts, bytes) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let sent = client.request(parts.method, format!("{base}{target}")).headers(parts.headers).body(bytes);
        let answer = sent.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() { unsent(&words(&error)) } else { lost(&error) }
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
        to: &Peer,
        certificate: Option<Fingerprint>,
        loopback: bool,
    ) -> Result<reqwest::Client, Box<dyn std::error::Error>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (to.clone(), certificate.map(|certificate| certificate.to_string()));
        if let Some(client) = clients.get(&of) {
            return Ok(client.clone());
        }
        let is_plain = !to.address.starts_with("https:");
        let tls = if is_plain { trust::nobody() } else { Trust::new(certificate).config() };
        let mut builder = connecting(loopback).tls_backend_preconfigured(tls?);
        if let Some(key) = self.secret.clone().filter(|_| is_plain) {
            let (instance, address) = (to.instance.to_string(), to.address.to_string());
            let said = Said { key, node: true, instance, address };
            builder = builder.connector_layer(Sure(Way::Proven(Witness::new(move || Ok(said.clone())))));
        }
        let client = builder.build()?;
        // Each run of a node is one.
        if clients.len() >= NODES {
            clients.clear();
        }
        Ok(clients.entry(of).or_insert(client).clone())
    }
}

/// With what it comes from.
fn words(error: &reqwest::Error) -> String {
    let sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    sources.last().map_or_else(|| error.to_string(), |last| format!("{error}: {last}"))
}

fn lost(error: &dyn ToString) -> Uncarried {
    Uncarried::Lost(error.to_string())
}
