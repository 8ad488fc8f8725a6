//! Hooks of coding agents by HTTP. Their hosts take every status but 200 for consent, or may: whoever has shown a token is
//! answered 200 with a decision, whatever goes wrong.

use std::ffi::OsStr;
use std::future::Future;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::header;
use axum::response::Response;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::api::{Address, HOME_HEADER, PROJECT_HEADER, Problem, ProblemCode, sent};
use crate::domain::command::{Command, GuardNote};
use crate::domain::things::Door;
use crate::gateway::Way as _;
use crate::server::App;
use crate::server::answer::{Answer, absent, defect, json};
use crate::server::gate::{Call, enter_or, finish};
use crate::server::gateways::Inside;
use crate::server::guards::ToolCall;

/// How long all of it may take: hosts wait for ten seconds.
const WITHIN: Duration = Duration::from_secs(9);
/// How long an answer waits until what was stopped is recorded.
const RECORDED: Duration = Duration::from_secs(1);

/// Lets a call through like any request. What goes wrong behind the door is no consent.
pub(in crate::server) async fn enter<H, F>(
    app: Arc<App>,
    address: &'static Address,
    request: Request,
    handler: H,
) -> Response
where
    H: Fn(Call) -> F,
    F: Future<Output = Answer>,
{
    let began = Instant::now();
    let host = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let guard = app.guards.guard.clone();
    let otherwise = move |problem: Box<Problem>| {
        let is_outside =
            matches!(problem.status, 401 | 403 | 421) || problem.is(ProblemCode::TooManyFailures);
        let guard = guard.as_ref().filter(|_| !is_outside);
        match guard.and_then(|guard| guard.undecided(&host, &problem.to_string())) {
            Some(said) => {
                tracing::warn!(%host, code = %problem.code, detail = %problem.detail, "a guard could not decide");
                json(&said)
            }
            None => Err(problem),
        }
    };
    let answered = enter_or(Arc::clone(&app), address, request, handler, &otherwise);
    if let Ok(response) = timeout(WITHIN, answered).await {
        return response;
    }
    let detail = format!("it was not its turn within {WITHIN:?}");
    let late = Box::new(Problem::new(ProblemCode::TooManyAtOnce, detail));
    finish(&app, address.path, began, otherwise(late))
}

/// `POST /v1/hooks/{host}`
pub(in crate::server) async fn decide(call: Call) -> Answer {
    if !call.peer.to_canonical().is_loopback() {
        let detail =
            "it would be decided by files of the server's own machine, and this call comes from another";
        let problem = Problem::new(ProblemCode::NotAllowed, detail);
        return Err(Box::new(
            problem.next("run the command `deeds hook` there; it asks this server for the map"),
        ));
    }
    let guard = call.app.guards.guard.clone().ok_or_else(|| {
        Box::new(Problem::new(ProblemCode::Unavailable, "this server decides no calls of tools"))
    })?;
    let decided = spawn_blocking({
        let asked = asked(&call).await?;
        move || guard.decide(asked)
    });
    let decided = decided.await.map_err(defect)?.ok_or_else(|| absent("such host of coding agents"))?;
    if let Some(note) = decided.note {
        record(&call, note).await;
    }
    json(&decided.said)
}

async fn asked(call: &Call) -> Result<ToolCall, Box<Problem>> {
    let query = call.query()?;
    let turn = Arc::clone(&call.app.guards.turns).acquire_owned().await.map_err(defect)?;
    let front = call.space.handle().front();
    Ok(ToolCall {
        host: call.param("host")?,
        agent: query.get("agent")?,
        prefix: query.get("prefix")?,
        project: place(call, PROJECT_HEADER),
        home: place(call, HOME_HEADER),
        body: call.body.clone(),
        map: front.board.map.clone(),
        version: front.board.map_version,
        turn,
    })
}

/// The place that a header names; a host leaves it empty where it does not know.
fn place(call: &Call, name: &str) -> Option<PathBuf> {
    let said = call.headers.get(name)?.as_bytes();
    (!said.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(said)))
}

/// Records it as the command does, at whichever node that is done. Who can't has lost nothing else: the answer stands without.
async fn record(call: &Call, note: GuardNote) {
    let Ok(Some(sent)) = sent(Command::Guard(note)) else { return };
    let inside = Inside::of(&call.app, call.headers.get(header::AUTHORIZATION).cloned(), Door::Http);
    // It has no key in its path.
    let asked = inside.ask(sent.method, sent.path(str::to_owned), sent.body, Duration::ZERO);
    match timeout(RECORDED, asked).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(?error, "what the guard found could not be recorded"),
        Err(_) => tracing::warn!("what the guard found was not recorded in time"),
    }
}
