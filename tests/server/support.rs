//! A server for each test, and callers that speak plain HTTP to it.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::patience::{self, PATIENCE};
use deeds::api::TokenText;
use deeds::client::Client;
use deeds::config::Config;
use deeds::coordinator::Clock;
use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::domain::map::parse::parse;
use deeds::domain::things::{Keeping, Limits, TokenClass};
use deeds::server::{Bounds, Options, Workspaces, run};

pub(crate) const TEAM: &str = include_str!("team.toml");

/// A server at work on a directory of its own.
pub(crate) struct Server {
    pub(crate) workspaces: Arc<Workspaces>,
    pub(crate) base: String,
    pub(crate) dana: Caller,
    pub(crate) directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) base: String,
    pub(crate) token: String,
    http: reqwest::Client,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) body: Json,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl std::ops::Index<&str> for Came {
    type Output = Json;
    fn index(&self, key: &str) -> &Json {
        &self.body[key]
    }
}

pub(crate) fn northwind() -> WorkspaceId {
    WorkspaceId::new("northwind").unwrap()
}

impl Server {
    /// A server with the workspace `northwind`, the test team's map, and dana as its admin.
    pub(crate) async fn start() -> Self {
        Self::start_on(TEAM).await
    }

    /// The same with a map of one's own.
    pub(crate) async fn start_on(map: &str) -> Self {
        Self::start_at(map, Clock::System).await
    }

    /// The same by a clock of one's own.
    pub(crate) async fn start_at(map: &str, clock: Clock) -> Self {
        Self::start_within(map, clock, Limits::default()).await
    }

    /// The same with other budgets.
    pub(crate) async fn start_within(map: &str, clock: Clock, limits: Limits) -> Self {
        let directory = TempDir::new().unwrap();
        let open = Workspaces::open_within(directory.path(), clock, limits);
        let workspaces = Arc::new(open.await.unwrap());
        let model = parse(map).applicable().unwrap();
        let dana = PersonId::new("dana").unwrap();
        let token = workspaces.create(&northwind(), &dana, Some(model)).await.unwrap();
        Self::serve(directory, workspaces, token.expose(), 0).await
    }

    /// The same with other bounds of how many workspaces are open.
    pub(crate) async fn start_keeping(keeping: Keeping) -> Self {
        let directory = TempDir::new().unwrap();
        let bounds = Bounds { keeping, ..Limits::default().into() };
        let open = Workspaces::open_within(directory.path(), Clock::System, bounds);
        let workspaces = Arc::new(open.await.unwrap());
        let model = parse(TEAM).applicable().unwrap();
        let dana = PersonId::new("dana").unwrap();
        let token = workspaces.create(&northwind(), &dana, Some(model)).await.unwrap();
        Self::serve(directory, workspaces, token.expose(), 0).await
    }

    async fn serve(directory: TempDir, workspaces: Arc<Workspaces>, token: String, port: u16) -> Self {
        patience::begun();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let theirs = Arc::clone(&workspaces);
        let guard = deeds::cli::guard(directory.path(), &Config::default()).unwrap();
        let options = Options { guard: Some(guard), ..Options::default() };
        let task = tokio::spawn(async move {
            let shutdown = async {
                stopped.await.ok();
            };
            run(listener, theirs, options, shutdown).await.unwrap();
        });
        let dana = Caller::new(&base, token);
        Self { workspaces, base, dana, directory, stop: Some(stop), task: Some(task) }
    }

    /// Comes up on a directory that a server has left, on the same port.
    pub(crate) async fn resume(directory: TempDir, base: &str, dana: Caller) -> Self {
        let port = base.rsplit(':').next().unwrap().parse().unwrap();
        let workspaces = Arc::new(Workspaces::open(directory.path(), Clock::System).await.unwrap());
        Self::serve(directory, workspaces, dana.token, port).await
    }

    /// Goes down in order and comes up again on the same port and directory.
    pub(crate) async fn restart(self) -> Self {
        self.restart_keeping(Keeping::default()).await
    }

    /// The same with other bounds of how many workspaces are open.
    pub(crate) async fn restart_keeping(self, keeping: Keeping) -> Self {
        let (base, dana) = (self.base.clone(), self.dana.clone());
        let directory = self.stop().await;
        let port = base.rsplit(':').next().unwrap().parse().unwrap();
        let bounds = Bounds { keeping, ..Limits::default().into() };
        let open = Workspaces::open_within(directory.path(), Clock::System, bounds);
        let workspaces = Arc::new(open.await.unwrap());
        Self::serve(directory, workspaces, dana.token, port).await
    }

    /// Goes down in order.
    pub(crate) async fn stop(mut self) -> TempDir {
        self.stop.take().unwrap().send(()).ok();
        patience::within("the end of the server", self.task.take().unwrap()).await.unwrap();
        self.workspaces.shutdown().await;
        self.directory
    }

    /// Somebody with a new token of that class.
    pub(crate) async fn with_token(&self, class: TokenClass, name: &str) -> Caller {
        let token: TokenText = self.workspaces.issue(&northwind(), class, name, None).await.unwrap();
        Caller::new(&self.base, token.expose())
    }

    pub(crate) async fn agent(&self, name: &str) -> Caller {
        self.with_token(TokenClass::Agent, name).await
    }
}

impl Caller {
    pub(crate) fn new(base: &str, token: String) -> Self {
        // The cryptography is named nowhere else in a test.
        tokio_rustls::rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { base: base.to_owned(), token, http }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base, &self.token).unwrap()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request_unsigned(method, path).bearer_auth(&self.token)
    }

    /// A request that shows no token.
    pub(crate) fn request_unsigned(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Came {
        came(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Json) -> Came {
        came(self.request("POST", path).body(body.to_string())).await
    }

    pub(crate) async fn write(&self, entity: &str, changes: Json, expected: Json) -> Came {
        self.post("/v1/writes", json!({"entity": entity, "changes": changes, "expected": expected})).await
    }
}

pub(crate) async fn came(request: reqwest::RequestBuilder) -> Came {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Came { status, body: serde_json::from_str(&text).unwrap_or(Json::Null), text, headers }
}
