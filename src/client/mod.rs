//! The client: `ask` for every command, a method for each look, and the deed stream that resumes where it broke off. Console, command line,
//! demo and import all speak to a server through here.
//!
//! Every command carries an idempotency key made here, and is sent again under the same key when the connection fails;
//! nothing else is retried. There is no proxy on loopback, and no plaintext off it unless the caller insists.

mod agent;
mod agents;
mod ask;
mod backoff;
mod board;
mod bound;
mod calls;
mod carry;
mod error;
mod events;
mod expected;
mod long_look;
mod pass;
mod people;
mod reads;
mod send;
mod stream;
mod trust;
mod way;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::way::Sure;
use crate::api::{AsOf, TokenText};

#[cfg(any(test, fuzzing))]
pub(crate) use stream::any_events;

pub use agent::{SshAgent, Whose};
pub use backoff::Backoff;
pub use board::Start;
pub use carry::{Carry, Peer, Uncarried};
pub use error::{ClientError, Result};
pub use pass::Passed;
pub use reads::{Direction, LedgerQuery};
/// A server's address, checked.
pub use reqwest::Url;
pub use stream::{DeedStream, StreamEvent, StreamFrom};
pub use trust::Trust;
pub use way::{Said, Socket, Way, Witness};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer may take, beside what a long poll waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request is sent at most when connections fail.
const ATTEMPTS: u32 = 5;
/// Idle connections kept to the server.
const IDLE_CONNECTIONS: usize = 64;

/// How a client behaves.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Speak plaintext to a server that is not on this machine.
    pub allow_plaintext: bool,
    /// How often a request is sent at most when connections fail; 1 for never again.
    pub attempts: u32,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { allow_plaintext: false, attempts: ATTEMPTS, timeout: ANSWER_TIMEOUT }
    }
}

/// The way to one workspace on one server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
    then: Option<Then>,
    signer: Option<SshAgent>,
    expected: Option<Arc<expected::Expected>>,
}

/// The moment that a client looks at.
#[derive(Debug, Clone)]
struct Then {
    /// As it is asked for: it means the same however late that is.
    text: Arc<str>,
    as_of: AsOf,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    /// The same as requests go there: a socket needs no TLS.
    root: String,
    token: TokenText,
    options: Options,
    /// Whether an answer said that nothing is recorded where it comes from.
    unrecorded: AtomicBool,
}

impl Client {
    /// A client of the server at `base_url`, such as `http://127.0.0.1:7117`, with a token of one of its workspaces.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When the address or the token can't be one, or would send the token in plaintext off this machine.
    pub fn new(base_url: &str, token: &str) -> Result<Self> {
        Self::with_options(base_url, token, Options::default())
    }

    /// The same with other than the usual behaviour.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_options(base_url: &str, token: &str, options: Options) -> Result<Self> {
        let token: TokenText =
            token.parse().map_err(|error| ClientError::Token { reason: format!("{error}") })?;
        Self::by(Way::Address, base_url, token, options)
    }

    /// The same by a way of its own.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn by(way: Way, base_url: &str, token: TokenText, options: Options) -> Result<Self> {
        let (base, loopback) = address(base_url, options.allow_plaintext)?;
        let mut builder = connecting(loopback).pool_max_idle_per_host(IDLE_CONNECTIONS);
        if let Way::Socket(socket) = &way {
            builder = builder.unix_socket(socket.path());
        }
        let broken = |error: &dyn std::error::Error| ClientError::Protocol { why: error.to_string() };
        let trust = match &way {
            Way::Trusting(trust) => trust.clone(),
            Way::Proven(_) => Trust::any(),
            Way::Address | Way::Socket(_) => Trust::default(),
        };
        let root = match &way {
            Way::Socket(_) => base.replacen("https:", "http:", 1),
            Way::Address | Way::Trusting(_) | Way::Proven(_) => base.clone(),
        };
        let tls = if root.starts_with("https:") { trust.config() } else { trust::nobody() };
        builder = builder.tls_backend_preconfigured(tls.map_err(|error| broken(&error))?);
        let builder = match way {
            Way::Address | Way::Trusting(_) => builder,
            way @ (Way::Socket(_) | Way::Proven(_)) => builder.connector_layer(Sure(way)),
        };
        let http = builder.build().map_err(|error| broken(&error))?;
        Ok(Self {
            inner: Arc::new(Inner { http, base, root, token, options, unrecorded: AtomicBool::default() }),
            then: None,
            signer: None,
            expected: None,
        })
    }

    /// The same, which signs what is to be signed.
    #[must_use]
    pub fn signing(self, signer: Option<SshAgent>) -> Self {
        Self { signer, ..self }
    }

    /// The same server, by the same way, for another token of it.
    #[must_use]
    pub fn signed_by(&self, token: TokenText) -> Self {
        let Inner { http, base, root, options, .. } = &*self.inner;
        let (http, base, root) = (http.clone(), base.clone(), root.clone());
        let unrecorded = AtomicBool::default();
        let inner = Inner { http, base, root, token, options: *options, unrecorded };
        Self { inner: Arc::new(inner), then: None, signer: None, expected: None }
    }

    /// Whether an answer said that nothing is recorded in this workspace at present.
    pub fn is_unrecorded(&self) -> bool {
        self.inner.unrecorded.load(Ordering::Relaxed)
    }

    /// The server's address, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.inner.base
    }

    /// The token; it shows no secret.
    pub fn token(&self) -> &TokenText {
        &self.inner.token
    }
}

/// A client of somebody else's server: by HTTP, never elsewhere than where it was sent, no proxy on this machine, and with a
/// certificate that the system's authorities vouch for.
///
/// # Errors
/// When the address can't be one, or would send secrets in plaintext off this machine.
pub fn outside(url: &str) -> Result<reqwest::Client> {
    let (_, loopback) = address(url, false)?;
    let broken = |error: &dyn std::error::Error| ClientError::Protocol { why: error.to_string() };
    let tls = if url.starts_with("https:") { Trust::default().config() } else { trust::nobody() };
    let builder = connecting(loopback).tls_backend_preconfigured(tls.map_err(|error| broken(&error))?);
    builder.build().map_err(|error| broken(&error))
}

/// How anybody is connected to: by HTTP/1, never elsewhere than where it was sent, and without a proxy on this machine.
fn connecting(loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("deeds/", env!("CARGO_PKG_VERSION")));
    if loopback { builder.no_proxy() } else { builder }
}

/// The address without its last slash, and whether it is on this machine.
fn address(text: &str, allow_plaintext: bool) -> Result<(String, bool)> {
    let wrong = |why: &str, mend: &str| ClientError::Address {
        address: text.to_owned(),
        why: why.to_owned(),
        mend: mend.to_owned(),
    };
    let url = reqwest::Url::parse(text)
        .map_err(|error| wrong(&error.to_string(), "write it as http://127.0.0.1:7117"))?;
    match url.scheme() {
        "http" | "https" => {}
        _ => return Err(wrong("it is no http address", "write it as http://127.0.0.1:7117")),
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(wrong("it has more than a host, a port and a path", "leave the rest out"));
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !loopback && !allow_plaintext && url.scheme() == "http" {
        return Err(wrong(
            "it is not on this machine and would get the token in plaintext",
            "use https://, or a tunnel (ssh -L), or allow plaintext if the network between is yours alone",
        ));
    }
    Ok((url.as_str().trim_end_matches('/').to_owned(), loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_loopback_plaintext_unless_told_otherwise() {
        let fine = |text| address(text, false).unwrap();
        assert_eq!(fine("http://127.0.0.1:7117/"), ("http://127.0.0.1:7117".to_owned(), true));
        assert_eq!(fine("http://localhost:1"), ("http://localhost:1".to_owned(), true));
        assert_eq!(fine("http://[::1]:1"), ("http://[::1]:1".to_owned(), true));
        for (bad, said) in [
            ("nonsense", "http://127.0.0.1:7117"),
            ("ftp://localhost", "no http address"),
            ("http://deeds.example:80", "plaintext"),
            ("http://me:pw@localhost", "more than"),
        ] {
            let error = address(bad, false).unwrap_err().to_string();
            assert!(error.contains(said), "{bad}: {error}");
        }
        assert!(!address("http://10.0.0.1:80", true).unwrap().1);
        assert!(!address("https://deeds.example", false).unwrap().1);
    }

    #[test]
    fn a_bad_token_is_not_repeated() {
        let error = Client::new("http://127.0.0.1:1", "deeds_agent_w_a_secretish").unwrap_err().to_string();
        assert!(!error.contains("secretish") && error.contains("not a token"), "{error}");
    }
}
