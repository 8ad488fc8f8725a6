//! Who decides: the Deeds server, asked at its addresses under the agent's own token. What a call means and whether it may
//! be is nobody else's to say; here is only how it is asked, and that nothing goes ahead where it can't be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::client::Client;
use crate::domain::hash::hex;
use crate::domain::outcome::Outcome;
use crate::domain::path::Glob;
use crate::domain::reply::Reply;
use crate::domain::time::Span;

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

impl Door for Client {
    fn ask<'a>(
        &'a self,
        method: &'static str,
        path: String,
        body: Option<Vec<u8>>,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Bytes, NoAnswer>> {
        Box::pin(async move {
            self.raw(method, path, body, wait).await.map_err(|error| {
                let may_come = error.problem().is_none_or(|problem| matches!(problem.status, 429 | 500..));
                if may_come { NoAnswer::Away(error.to_string()) } else { NoAnswer::No(error.to_string()) }
            })
        })
    }
}

/// The way to the Deeds server: one request and its JSON.
pub trait Door: Send + Sync + 'static {
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
    door: Arc<dyn Door>,
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
    pub(super) verified: Option<String>,
}

/// What is to be done with a call.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Forward it now, once, and say how this act ended.
    Begun(u64),
    /// Forward it, and tell afterwards: it changes nothing that is anybody's.
    Open,
    /// A person or an owner decides first.
    Pending(Box<Reply>),
    /// It is not forwarded.
    No(Box<Reply>),
}

/// How a forwarded call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    /// Its server says it did it.
    Done,
    /// Its server says it did not.
    Failed,
    /// It never left.
    Unsent,
    /// It left, and nobody can say.
    Unknown,
}

/// The end of a call.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) how: How,
    pub(super) took: Duration,
    pub(super) digest: Option<String>,
    pub(super) note: Option<String>,
}

/// Where a call stands that was asked before.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Standing {
    pub(super) stage: String,
    #[serde(default)]
    pub(super) by: Option<String>,
    #[serde(default)]
    pub(super) note: Option<String>,
}

impl Standing {
    /// Whether it still waits for somebody.
    pub(super) fn is_pending(&self) -> bool {
        self.stage == "pending"
    }

    /// Whether it must not be done any more.
    pub(super) fn is_turned_down(&self) -> bool {
        matches!(self.stage.as_str(), "rejected" | "expired")
    }
}

/// What a row of the map says that the wire has to know.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) does: String,
    #[serde(default)]
    pub(super) verify: Option<String>,
    #[serde(default)]
    pub(super) hold: Option<Span>,
    #[serde(default)]
    pub(super) timeout: Option<Span>,
}

impl Row {
    /// Whether it is about that tool.
    pub(super) fn is_for(&self, tool: &str) -> bool {
        Glob::new(&self.name).map_or(*self.name == *tool, |glob| glob.matches(tool))
    }

    /// Whether such a call changes nothing.
    pub(super) fn is_look(&self) -> bool {
        is_look(&self.does)
    }
}

/// What the rules say of a look before it is made.
#[derive(Debug, Deserialize)]
pub(super) struct Looked {
    #[serde(default)]
    does: Option<String>,
    /// The last deed before it.
    #[serde(default)]
    pub(super) head: Option<u64>,
    #[serde(flatten)]
    pub(super) reply: Reply,
}

impl Looked {
    /// Whether it is still a look, by the map in force.
    pub(super) fn is_look(&self) -> bool {
        self.does.as_deref().is_some_and(is_look)
    }
}

fn is_look(does: &str) -> bool {
    matches!(does, "read" | "nothing")
}

#[derive(Serialize)]
struct CallBody<'a> {
    server: &'a str,
    tool: &'a str,
    arguments: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<&'a str>,
}

#[serde_with::skip_serializing_none]
#[derive(Serialize)]
struct EndBody<'a> {
    how: How,
    ms: u64,
    digest: Option<&'a str>,
    note: Option<&'a str>,
}

impl Judge {
    pub(super) fn new(door: Arc<dyn Door>, server: Arc<str>, via: Arc<str>, root: Option<Arc<str>>) -> Self {
        Self { door, server, via, root }
    }

    /// The rows for this server, the first that matches wins.
    pub(super) async fn rows(&self) -> Result<Vec<Row>, NoAnswer> {
        #[derive(Deserialize)]
        struct Page {
            tools: Vec<Row>,
        }
        let page: Page = self.get(format!("/v1/tools?server={}", segment(&self.server)), Duration::ZERO).await?;
        Ok(page.tools)
    }

    /// What the rules would say of a look, recorded nowhere.
    pub(super) async fn look(&self, asked: &Asked) -> Result<Looked, NoAnswer> {
        self.post("/v1/calls/ask".to_owned(), &self.body(asked)).await
    }

    /// Has a call decided, durably.
    pub(super) async fn decide(&self, asked: &Asked) -> Result<Verdict, NoAnswer> {
        let reply: Reply = self.post("/v1/calls".to_owned(), &self.body(asked)).await?;
        let reply = Box::new(reply);
        Ok(match (reply.outcome, reply.act) {
            (Outcome::Allowed, Some(act)) => Verdict::Begun(act.0),
            (Outcome::Allowed, None) => Verdict::Open,
            (Outcome::Recorded, _) if reply.code.is_none() => Verdict::Open,
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

    /// Says how an act ended, as often as it takes: until then nobody can act on it.
    pub(super) async fn end(&self, act: u64, end: &End) -> Result<(), NoAnswer> {
        let body = EndBody {
            how: end.how,
            ms: millis(end.took),
            digest: end.digest.as_deref(),
            note: end.note.as_deref(),
        };
        self.post::<serde::de::IgnoredAny>(format!("/v1/calls/{act}/end"), &body).await.map(drop)
    }

    /// Tells of a call that was forwarded without an act.
    pub(super) async fn made(&self, asked: &Asked, head: Option<u64>, end: &End) -> Result<(), NoAnswer> {
        #[derive(Serialize)]
        struct Made<'a> {
            #[serde(flatten)]
            call: CallBody<'a>,
            #[serde(flatten)]
            end: EndBody<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            head: Option<u64>,
        }
        let end = EndBody { how: end.how, ms: millis(end.took), digest: end.digest.as_deref(), note: None };
        let call = CallBody { via: None, verified: None, ..self.body(asked) };
        self.post::<serde::de::IgnoredAny>("/v1/calls/made".to_owned(), &Made { call, end, head }).await.map(drop)
    }

    /// Waits until a call that was asked stands otherwise, at most so long.
    pub(super) async fn stands(&self, digest: &str, wait: Duration) -> Result<Standing, NoAnswer> {
        self.get(format!("/v1/calls?digest={digest}&wait={}s", wait.as_secs()), wait).await
    }

    /// Tells which tools the server behind has.
    pub(super) async fn seen(&self, tools: &[(String, bool)]) -> Result<(), NoAnswer> {
        let offered = |(name, read_only): &(String, bool)| match read_only {
            true => json!({ "name": name, "read_only": true }),
            false => json!({ "name": name }),
        };
        let tools: Vec<_> = tools.iter().map(offered).collect();
        let seen = json!({ "server": &*self.server, "tools": tools });
        self.post::<serde::de::IgnoredAny>("/v1/tools/seen".to_owned(), &seen).await.map(drop)
    }

    fn body<'a>(&'a self, asked: &'a Asked) -> CallBody<'a> {
        CallBody {
            server: &self.server,
            tool: &asked.tool,
            arguments: &asked.arguments,
            via: Some(&self.via),
            root: self.root.as_deref(),
            verified: asked.verified.as_deref(),
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
    serde_json::from_slice(bytes).map_err(|error| NoAnswer::Away(format!("its answer can't be understood: {error}")))
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// A text in a query.
fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What tells this call from others.
pub(super) fn digest(server: &str, asked: &Asked) -> String {
    hex(&Sha256::digest(format!("{server} {} {}", asked.tool, asked.arguments))).to_string()
}
