//! Who decides: the Deeds server, asked at its addresses under the agent's own token. What a call means and whether it may
//! be is nobody else's to say; here is only how it is asked, and that nothing goes ahead where it can't be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::api::{CallAsked, CallBody, CallEndBody, CallList, CallMadeBody, ToolList};
use crate::client::{Client, Passed};
use crate::domain::arguments::Arguments;
use crate::domain::ids::{ActNo, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;
use crate::domain::things::{CallHow, CallState, Door, OfferedTool, ToolsSeen};

/// Why the Deeds server gave no answer, in words for whoever called the tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It can't be reached, or can't say now: it may be asked again.
    #[error("Deeds can't be asked: {0}")]
    Away(String),
    /// It does not take what was asked.
    #[error("Deeds does not take this: {0}")]
    No(String),
}

impl Way for Client {
    fn ask<'a>(
        &'a self,
        method: &'static str,
        path: String,
        body: Option<Vec<u8>>,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Bytes, NoAnswer>> {
        Box::pin(async move {
            let passed = Passed { method, path, body, wait, ..Passed::default() };
            self.pass(Door::Gateway, passed).await.map_err(|error| {
                let may_come = error.problem().is_none_or(|problem| matches!(problem.status, 429 | 500..));
                if may_come { NoAnswer::Away(error.to_string()) } else { NoAnswer::No(error.to_string()) }
            })
        })
    }
}

/// The way to the Deeds server: one request and its JSON.
pub trait Way: Send + Sync + 'static {
    /// Asks. `wait` is how much longer than usual the answer may take on purpose.
    ///
    /// # Errors
    /// Why there is no answer.
    fn ask<'a>(
        &'a self,
        method: &'static str,
        path: String,
        body: Option<Vec<u8>>,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Bytes, NoAnswer>>;
}

/// The rules for the tools of one server.
#[derive(Clone)]
pub(super) struct Judge {
    door: Arc<dyn Way>,
    /// How the server behind is called on the map.
    pub(super) server: Arc<str>,
    /// By which gateway the calls come.
    via: Arc<str>,
    /// The directory that file names among the arguments are in.
    root: Option<Arc<str>>,
}

/// A call of a tool, as it is judged.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) tool: Arc<str>,
    /// As they were written; an empty object where there were none.
    pub(super) arguments: Box<RawValue>,
    /// Digest of what the row's `verify` gave back just now.
    pub(super) verified: Option<Arc<str>>,
}

/// What is to be done with a call.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Forward it now, once, and say how this act ended.
    Begun(ActNo),
    /// Forward it, and tell afterwards: it changes nothing that is anybody's.
    Open,
    /// A person or an owner decides first.
    Pending(Box<Reply>),
    /// It is not forwarded.
    No(Box<Reply>),
}

/// The end of a call.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) how: CallHow,
    pub(super) took: Duration,
    /// Of what came back.
    pub(super) digest: Option<Arc<str>>,
    pub(super) note: Option<Arc<str>>,
}

impl Judge {
    pub(super) fn new(door: Arc<dyn Way>, server: Arc<str>, via: Arc<str>, root: Option<Arc<str>>) -> Self {
        Self { door, server, via, root }
    }

    /// The rows for this server, and how the map is called that has them.
    pub(super) async fn rows(&self) -> Result<ToolList, NoAnswer> {
        self.get(format!("/v1/tools?server={}", segment(&self.server)), Duration::ZERO).await
    }

    /// What the rules would say of a call, recorded nowhere.
    pub(super) async fn look(&self, asked: &Asked) -> Result<CallAsked, NoAnswer> {
        self.post("/v1/calls/ask".to_owned(), &self.body(asked)).await
    }

    /// Has a call decided, durably.
    pub(super) async fn decide(&self, asked: &Asked) -> Result<Verdict, NoAnswer> {
        let reply: Reply = self.post("/v1/calls".to_owned(), &self.body(asked)).await?;
        let reply = Box::new(reply);
        Ok(match (reply.outcome, reply.act) {
            (Outcome::Allowed, Some(act)) => Verdict::Begun(act),
            (Outcome::Allowed, None) => Verdict::Open,
            (Outcome::Proposed | Outcome::Escalated, _) => Verdict::Pending(reply),
            (
                Outcome::Committed
                | Outcome::Deferred
                | Outcome::Stale
                | Outcome::Refused
                | Outcome::Failed
                | Outcome::Opened
                | Outcome::Recorded,
                _,
            ) => Verdict::No(reply),
        })
    }

    /// Says how an act ended.
    pub(super) async fn end(&self, act: ActNo, end: &End) -> Result<(), NoAnswer> {
        let (digest, note) = (end.digest.clone(), end.note.clone());
        let body = CallEndBody { how: end.how, ms: Some(millis(end.took)), digest, note };
        self.post::<IgnoredAny>(format!("/v1/calls/{act}/end"), &body).await.map(drop)
    }

    /// Tells of a call that was forwarded without an act.
    pub(super) async fn made(&self, asked: &Asked, head: Option<Seq>, end: &End) -> Result<(), NoAnswer> {
        let body = CallMadeBody {
            server: Arc::clone(&self.server),
            tool: Arc::clone(&asked.tool),
            arguments: Some(asked.arguments.clone()),
            root: self.root.clone(),
            how: end.how,
            ms: Some(millis(end.took)),
            digest: end.digest.clone(),
            head,
        };
        self.post::<IgnoredAny>("/v1/calls/made".to_owned(), &body).await.map(drop)
    }

    /// Waits until a call that was asked has gone on, at most so long; none where nothing is known of it.
    pub(super) async fn stands(
        &self,
        digest: &str,
        wait: Duration,
    ) -> Result<Option<Arc<CallState>>, NoAnswer> {
        let path = format!("/v1/calls?digest={digest}&wait={}s", wait.as_millis().div_ceil(1000));
        let list: CallList = self.get(path, wait).await?;
        Ok(list.calls.into_iter().next())
    }

    /// What tells a call from others.
    pub(super) fn digest(&self, asked: &Asked) -> Result<Arc<str>, String> {
        let arguments = Arguments::parse(asked.arguments.get()).map_err(|error| error.to_string())?;
        Ok(arguments.digest(&self.server, &asked.tool))
    }

    /// Tells which tools the server behind has.
    pub(super) async fn seen(&self, tools: Vec<OfferedTool>) -> Result<(), NoAnswer> {
        let seen = ToolsSeen { server: Arc::clone(&self.server), tools };
        self.post::<IgnoredAny>("/v1/tools/seen".to_owned(), &seen).await.map(drop)
    }

    fn body(&self, asked: &Asked) -> CallBody {
        CallBody {
            server: Arc::clone(&self.server),
            tool: Arc::clone(&asked.tool),
            arguments: Some(asked.arguments.clone()),
            via: Arc::clone(&self.via),
            root: self.root.clone(),
            verified: asked.verified.clone(),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: String, wait: Duration) -> Result<T, NoAnswer> {
        understood(&self.door.ask("GET", path, None, wait).await?)
    }

    async fn post<T: DeserializeOwned>(&self, path: String, body: &impl Serialize) -> Result<T, NoAnswer> {
        let body = serde_json::to_vec(body).map_err(|error| NoAnswer::No(error.to_string()))?;
        understood(&self.door.ask("POST", path, Some(body), Duration::ZERO).await?)
    }
}

fn understood<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NoAnswer> {
    serde_json::from_slice(bytes)
        .map_err(|error| NoAnswer::Away(format!("its answer can't be understood: {error}")))
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// A text in a query.
fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
