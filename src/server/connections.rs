//! Connections: accepted up to a bound, served over HTTP/1.1 with limits on headers and idle time, and let go in order
//! when the server goes down.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
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
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::doors::{Accepted, Doors, Peer, Wire, is_ours};
use super::seats::{Seat, Seats, raise_limit};
use super::timely::Timely;
use super::tls::Tls;
use crate::coordinator::Clock;

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
    clock: Clock,
    close: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let seats = Seats::new(raise_limit());
    let mut numbers = 0_u64..;
    let mut tasks = JoinSet::new();
    let mut http = http1::Builder::new();
    // `pipeline_flush` stays off: with it hyper buffers a body without bound for a client that does not read.
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES);
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = doors.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let Some(seat) = numbers.next().and_then(|number| Seats::sit(&seats, number)) else {
                    tracing::debug!("every connection is in use, a new one was turned away");
                    continue;
                };
                let at = Bearings { seat, clock: clock.clone(), http: http.clone(), router: router.clone() };
                tasks.spawn(welcome(accepted, doors.tls.as_ref().map(Tls::acceptor), at, close.subscribe()));
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

/// What a connection needs.
struct Bearings {
    seat: Arc<Seat>,
    clock: Clock,
    http: http1::Builder,
    router: Router,
}

impl Drop for Bearings {
    fn drop(&mut self) {
        self.seat.rise();
    }
}

/// Makes a connection of what was accepted: here, and nowhere else, it matters what its bytes travel on.
async fn welcome(accepted: Accepted, tls: Option<TlsAcceptor>, at: Bearings, closing: watch::Receiver<bool>) {
    match accepted {
        Accepted::Tcp(stream, address) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection could not be told not to delay");
            }
            let Some(tls) = tls else {
                return connection(stream, Peer::Net(address), &at, closing).await;
            };
            // Large: not a part of every connection's future.
            Box::pin(secured(stream, address, tls, &at, closing)).await;
        }
        Accepted::Local(stream, uid) if is_ours(uid) => {
            connection(stream, Peer::Local(uid), &at, closing).await;
        }
        Accepted::Local(_, uid) => {
            tracing::warn!(
                uid,
                "a process of another account came to the data directory's socket and was sent away"
            );
        }
    }
}

/// The same by TLS. Who shakes hands slowly waits like who sends its headers slowly.
async fn secured(
    stream: TcpStream,
    address: SocketAddr,
    tls: TlsAcceptor,
    at: &Bearings,
    closing: watch::Receiver<bool>,
) {
    let shaken = tokio::select! {
        shaken = timeout(HEADER_TIMEOUT, tls.accept(stream)) => shaken,
        () = at.seat.is_cut() => return,
    };
    match shaken {
        Ok(Ok(stream)) => connection(stream, Peer::Net(address), at, closing).await,
        Ok(Err(error)) => tracing::debug!(%error, "a connection did not come about by TLS"),
        Err(_) => tracing::debug!("a connection took too long to come about by TLS"),
    }
}

async fn connection(stream: impl Wire, peer: Peer, at: &Bearings, mut closing: watch::Receiver<bool>) {
    let (router, seat) = (at.router.clone(), Arc::clone(&at.seat));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(Arc::clone(&seat));
        let answer = router.clone().call(request);
        async move { answer.await as Result<Response, Infallible> }
    });
    let stream = Timely::new(stream, Arc::clone(&at.seat), at.clock.clone());
    let mut served = pin!(at.http.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = &mut served => Some(outcome),
        () = at.seat.is_cut() => return tracing::debug!("a connection made place for another"),
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
