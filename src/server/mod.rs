//! The HTTP server: authenticates, parses into domain types, asks the coordinator or the index, and writes the answer.
//!
//! `router` has every route on one screen and `gate` the one way in; `routes/` has a file for each resource; `stream` is
//! the deed stream; `workspaces` owns the coordinators and indexes. Rules live in `domain`, and nothing here writes but
//! by the coordinator.

mod admission;
mod answer;
mod auth;
mod cluster;
mod connections;
mod doors;
mod due;
mod founding;
mod gate;
mod gateways;
mod guards;
mod hosts;
mod indexing;
mod long_look;
mod mcp;
mod metrics;
mod orders;
mod pages;
mod past;
mod pins;
mod query;
mod relay;
mod router;
mod routes;
mod sealing;
mod seats;
mod shown;
mod signing;
mod spaces;
mod stream;
mod timely;
mod tls;
pub mod witnesses;
mod workspace;
mod workspaces;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use self::admission::Admission;
use self::auth::Failures;
use self::gateways::Gateways;
use self::guards::Guards;
use self::hosts::Hosts;
use self::metrics::Metrics;
use self::shown::Shown;
use crate::api::{ProofKey, ServerFacts};
use crate::coordinator::Clock;
use crate::gateway::Served;

pub use cluster::{Advertised, Brought, Carrier, ClocksApart, Errand, NotCarried};
pub use doors::Doors;
pub use guards::{Guard, Guarded, ToolCall};
pub use tls::{Tls, TlsError, self_signed};
pub use workspace::Workspace;
pub use workspaces::{Bounds, CreateError, IMAGE_FOLDER, OpenError, Workspaces};

/// How a server behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Listen off loopback although there is no TLS.
    pub allow_plaintext: bool,
    /// Host names that it answers to, beside those of this machine's loopback.
    pub hosts: Vec<String>,
    /// Origins of web pages that may call it; none by default.
    pub origins: Vec<String>,
    /// Requests in a second that are taken of one agent; no limit by default.
    pub rate: Option<u32>,
    /// The secret by which readers of the data directory know it; without one nobody does.
    pub proof: Option<ProofKey>,
    /// The secret by which other nodes know it, and the address by which they reach it.
    pub node: Option<(ProofKey, Arc<str>)>,
    /// MCP servers behind the map that it has addresses for.
    pub gateways: Vec<Served>,
    /// What decides the calls of tools that hosts of coding agents ask about; without it such calls are turned away.
    pub guard: Option<Arc<dyn Guard>>,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would speak plaintext to other machines.
    #[error(
        "{0} is not on loopback and there is no TLS: tokens would travel in plaintext; give a certificate with --tls-cert and --tls-key, or --tls-self-signed; listen on 127.0.0.1 and use a tunnel; or allow plaintext if the network between is yours alone"
    )]
    Plaintext(SocketAddr),
    /// The listener fails.
    #[error("the listening socket failed: {0}")]
    Io(#[from] io::Error),
}

/// How many of its own tasks a thread runs before it looks for those that other threads have woken: a coordinator and a
/// ledger answer from threads of their own, and whoever they answer should not wait behind a row of new requests.
const LOOK_AROUND: u32 = 8;

/// Threads for what blocks: questions to indexes, opening and closing workspaces. None of it waits for another of its kind.
const BLOCKING: usize = 24;

/// The runtime that a server runs on.
///
/// # Errors
/// When no thread can be started.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.global_queue_interval(LOOK_AROUND).max_blocking_threads(BLOCKING).enable_all().build()
}

/// What all requests share.
#[derive(Debug)]
struct App {
    workspaces: Arc<Workspaces>,
    hosts: Hosts,
    failures: Failures,
    admission: Admission,
    metrics: Metrics,
    proof: Option<ProofKey>,
    node: Option<(ProofKey, Arc<str>)>,
    shown: Shown,
    gateways: Gateways,
    guards: Guards,
    /// Where it listens.
    address: SocketAddr,
    /// Whether by TLS.
    secure: bool,
    /// True once the server goes down: streams and long polls end.
    closing: watch::Receiver<bool>,
}

impl App {
    fn clock(&self) -> &Clock {
        self.workspaces.clock()
    }

    fn facts(&self) -> ServerFacts {
        ServerFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.workspaces.instance().to_owned(),
            now: self.clock().now(),
        }
    }
}

/// Serves the workspaces on what it listens on until `shutdown` is ready, then lets requests end. The caller owns the
/// port, the workspaces and their lifetimes.
///
/// # Errors
/// When it would speak plaintext off loopback without being allowed to, or the listener fails.
pub async fn run(
    doors: impl Into<Doors>,
    workspaces: Arc<Workspaces>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let doors = doors.into();
    let address = doors.tcp.local_addr()?;
    if !address.ip().is_loopback() && !options.allow_plaintext && doors.tls.is_none() {
        return Err(ServeError::Plaintext(address));
    }
    let (close, closing) = watch::channel(false);
    let app = Arc::new(App {
        workspaces,
        hosts: Hosts::new(&options.hosts, &options.origins),
        failures: Failures::default(),
        admission: Admission::new(options.rate),
        metrics: Metrics::default(),
        proof: options.proof,
        node: options.node,
        shown: Shown::default(),
        gateways: Gateways::new(options.gateways),
        guards: Guards::new(options.guard),
        address,
        secure: doors.tls.is_some(),
        closing,
    });
    tracing::info!(%address, "serving");
    let followed = doors.tls.clone().map(|tls| tokio::spawn(tls.follow()));
    let clock = app.clock().clone();
    let watched = {
        let clock = clock.clone();
        tokio::spawn(async move { clock.follow().await })
    };
    let router = router::router(Arc::clone(&app));
    app.gateways.open(router.clone());
    let ended = {
        let (app, mut closing) = (Arc::clone(&app), close.subscribe());
        tokio::spawn(async move {
            closing.wait_for(|closing| *closing).await.map(drop).unwrap_or_default();
            Box::pin(app.gateways.close()).await;
        })
    };
    connections::serve(doors, router, clock, close, shutdown).await;
    // Its programs end with it.
    ended.await.unwrap_or_default();
    watched.abort();
    if let Some(followed) = followed {
        followed.abort();
    }
    tracing::info!(%address, "no longer serving");
    Ok(())
}
