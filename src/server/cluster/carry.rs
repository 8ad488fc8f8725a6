//! A command that another node is to decide is passed on to it as it came, with its bearer token, one hop far; that node authenticates it
//! again. What became of one whose answer was lost is known where it has an idempotency key: it is sent again.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::{Cluster, Place};
use crate::api::{Kind, NODE_HEADER, Problem, ProblemCode};
use crate::coordinator::Handle;
use crate::domain::ids::Seq;
use crate::ledger::LedgerError;
use crate::ledger::nodes::{LEASE, Node};
use crate::server::answer::Answer;
use crate::server::gate::Call;

/// For so long a node is looked for that takes a command: another one's lease ends in that time.
const PATIENCE: Duration = Duration::from_secs(3 * LEASE.as_secs());
/// For so long an answer waits until what it tells of is shown here.
const SHOWN: Duration = Duration::from_millis(250);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// What is said to one's own server, and not passed on.
const OWN: [HeaderName; 8] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::UPGRADE,
    header::ACCEPT_ENCODING,
    header::ORIGIN,
];

/// A command on its way to another node; its target is a path with its query.
pub type Errand = Request<Bytes>;
/// Its whole answer, if there is one.
pub type Brought = Result<Response<Bytes>, NotCarried>;

/// Brings requests to other nodes.
pub trait Carrier: Debug + Send + Sync {
    /// Sends it to that node, and waits for the answer however long that takes.
    fn carry<'a>(&'a self, to: &'a Node, errand: Errand) -> BoxFuture<'a, Brought>;
}

/// Why there is no answer of another node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCarried {
    /// Nothing was sent.
    #[error("it can't be reached: {0}")]
    Unsent(String),
    /// It was sent, and no answer came.
    #[error("it did not answer: {0}")]
    Lost(String),
}

/// The answer of the node that decides this command; none where that is this one, or it is no command.
pub(in crate::server) async fn away(call: &Call) -> Option<Answer> {
    let cluster = call.app.workspaces.cluster()?;
    if call.address.kind != Kind::Command {
        return None;
    }
    Box::pin(carried(call, cluster)).await
}

impl Cluster {
    /// Whether it has others take up what nobody holds, until that time at most.
    fn leaves_it(&self, until: Instant) -> bool {
        self.is_apart() && !self.is_alone() && Instant::now() < until
    }
}

async fn carried(call: &Call, cluster: &Arc<Cluster>) -> Option<Answer> {
    let (workspace, until) = (call.space.id(), Instant::now() + PATIENCE);
    let meant = call.headers.get(NODE_HEADER);
    if meant.is_some_and(|meant| meant.as_bytes() != cluster.instance.as_bytes()) {
        let detail = format!("it was meant for another node than {}", cluster.instance);
        return Some(Err(Box::new(Problem::new(ProblemCode::NotHeld, detail))));
    }
    loop {
        // Where the database can't be asked, the ledger says so.
        let node = match cluster.place(workspace).await {
            Ok(Place::There(node)) => node,
            Ok(Place::Here { anew }) => {
                if anew {
                    call.space.handle().lead(true);
                    // What fails here fails again when it is decided.
                    call.space.handle().catch_up().await.unwrap_or_default();
                }
                return None;
            }
            // Another one takes what this one let go of.
            Err(LedgerError::NotThere { .. }) if cluster.leaves_it(until) => {
                sleep(PAUSE).await;
                continue;
            }
            Ok(Place::Nowhere) | Err(_) => return None,
        };
        if meant.is_some() {
            let detail = format!("{workspace} is held by the node {}", node.instance);
            return Some(Err(Box::new(Problem::new(ProblemCode::NotHeld, detail))));
        }
        let sent = tokio::select! {
            sent = cluster.advertised.carrier.carry(&node, passed_on(call, &node)) => sent,
            () = cluster.gone(&node) => Err(NotCarried::Lost("its lease ended".to_owned())),
        };
        let why = match sent {
            Ok(answer) if !is_not_held(&answer) => return Some(Ok(shown(call, answer).await)),
            Ok(_) => "it does not hold it any more".to_owned(),
            Err(NotCarried::Lost(why)) if !call.headers.contains_key("idempotency-key") => {
                let detail = format!("the node {} did not answer: {why}", node.instance);
                return Some(Err(Box::new(Problem::new(ProblemCode::Unknown, detail))));
            }
            Err(error) => error.to_string(),
        };
        cluster.forget(workspace);
        if Instant::now() >= until {
            let detail =
                format!("the node {} at {} holds {workspace}, and {why}", node.instance, node.address);
            let problem = Problem::new(ProblemCode::Unavailable, detail);
            return Some(Err(Box::new(
                problem.next("look at that node and at its setting `cluster.advertise`"),
            )));
        }
        sleep(PAUSE).await;
    }
}

/// The answer, once what it tells of is shown here as well, if that does not take long.
async fn shown(call: &Call, mut answer: Response<Bytes>) -> Response<Body> {
    let head = answer.headers_mut().remove(NODE_HEADER);
    if let Some(head) = head.as_ref().and_then(|head| head.to_str().ok()?.parse::<Seq>().ok()) {
        call.space.handle().heard(head);
        drop(timeout(SHOWN, call.space.handle().reached(head)).await);
    }
    answer.map(Body::from)
}

/// A command that another node passed on: that one is told up to where the ledger goes that was acknowledged by then.
pub(in crate::server) struct PassedOn(Handle);

impl PassedOn {
    /// None where it came from nobody else.
    pub(in crate::server) fn of(call: &Call) -> Option<Self> {
        call.headers.contains_key(NODE_HEADER).then(|| Self(call.space.handle().clone()))
    }

    pub(in crate::server) fn say_head(&self, answer: &mut Response<Body>) {
        answer.headers_mut().insert(NODE_HEADER, HeaderValue::from(self.0.head().seq));
    }
}

fn is_not_held<T>(answer: &Response<T>) -> bool {
    answer.status() == StatusCode::MISDIRECTED_REQUEST
}

/// The request as it came, for that node.
fn passed_on(call: &Call, to: &Node) -> Errand {
    let mut request = Request::new(call.body.clone());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.uri.clone();
    let headers = request.headers_mut();
    headers.clone_from(&call.headers);
    for own in OWN {
        headers.remove(own);
    }
    if let Ok(instance) = HeaderValue::from_str(&to.instance) {
        headers.insert(NODE_HEADER, instance);
    }
    request
}
