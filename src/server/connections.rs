//! Connections: accepted up to a bound, served over HTTP/1.1 with limits on headers and idle time, and let go in order
//! when the server goes down.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::doors::{Accepted, Doors, Peer, Wire, is_ours};
use super::tls::Tls;

/// Most connections at once; more wait to be accepted.
const CONNECTIONS: usize = 16_384;
/// How long a connection may take for a request's headers, and may be idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Most headers of a request.
const HEADERS: usize = 64;
/// Most bytes of a request's line and headers.
const HEADER_BYTES: usize = 64 * 1024;
/// How long requests may take to end when the server goes down.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait after the system had no descriptor for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then tells `close` and waits for connections to end.
pub(super) async fn serve(
    doors: Doors,
    router: Router,
    close: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    let mut http = http1::Builder::new();
    // `pipeline_flush` stays off: with it hyper buffers a body without bound for a client that does not read.
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES);
    loop {
        while tasks.try_join_next().is_some() {}
        let place = tokio::select! {
            biased;
            () = &mut shutdown => break,
            place = Arc::clone(&room).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = doors.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let tls = doors.tls.as_ref().map(Tls::acceptor);
                let task = welcome(accepted, tls, http.clone(), router.clone(), close.subscribe());
                tasks.spawn(async move {
                    task.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(doors);
    close.send_replace(true);
    let ended = timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(open = tasks.len(), "connections did not end in time and are cut");
        tasks.shutdown().await;
    }
}

/// Makes a connection of what was accepted: here, and nowhere else, it matters what its bytes travel on.
async fn welcome(
    accepted: Accepted,
    tls: Option<TlsAcceptor>,
    http: http1::Builder,
    router: Router,
    closing: watch::Receiver<bool>,
) {
    match accepted {
        Accepted::Tcp(stream, address) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection could not be told not to delay");
            }
            let Some(tls) = tls else {
                return connection(stream, Peer::Net(address), http, router, closing).await;
            };
            // Who shakes hands slowly waits like who sends its headers slowly.
            match timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => connection(stream, Peer::Net(address), http, router, closing).await,
                Ok(Err(error)) => tracing::debug!(%error, "a connection did not come about by TLS"),
                Err(_) => tracing::debug!("a connection took too long to come about by TLS"),
            }
        }
        Accepted::Local(stream, uid) if is_ours(uid) => {
            connection(stream, Peer::Local(uid), http, router, closing).await;
        }
        Accepted::Local(_, uid) => {
            tracing::warn!(
                uid,
                "a process of another account came to the data directory's socket and was sent away"
            );
        }
    }
}

async fn connection(
    stream: impl Wire,
    peer: Peer,
    http: http1::Builder,
    router: Router,
    mut closing: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let answer = router.clone().call(request);
        async move { answer.await as Result<Response, Infallible> }
    });
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = &mut served => Some(outcome),
        () = closed(&mut closing) => None,
    };
    let outcome = if let Some(outcome) = outcome {
        outcome
    } else {
        served.as_mut().graceful_shutdown();
        served.await
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Waits until the server goes down; a sender that is gone means the same.
async fn closed(closing: &mut watch::Receiver<bool>) {
    closing.wait_for(|closing| *closing).await.map(drop).unwrap_or_default();
}
