//! Every row of the product's table of cases, from outside: what goes wrong without Deeds, and what Deeds does about it.
//! Agents and people are plain HTTP callers of a real server.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "server/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the server, which use the rest of it")]
mod support;

#[path = "rows/decisions_cases.rs"]
mod decisions_cases;
#[path = "rows/decisions_desk.rs"]
mod decisions_desk;
#[path = "rows/decisions_stuck.rs"]
mod decisions_stuck;
#[path = "rows/doors.rs"]
mod doors;
#[path = "rows/evidence.rs"]
mod evidence;
#[path = "rows/exceptions.rs"]
mod exceptions;
#[path = "rows/fence.rs"]
mod fence;
#[path = "rows/hands.rs"]
mod hands;
#[path = "rows/hidden.rs"]
mod hidden;
#[path = "rows/loops.rs"]
mod loops;
#[path = "rows/once.rs"]
mod once;
#[path = "rows/patterns.rs"]
mod patterns;
#[path = "rows/records.rs"]
mod records;
#[path = "rows/replies.rs"]
mod replies;
#[path = "rows/rulings.rs"]
mod rulings;
#[path = "rows/tasks.rs"]
mod tasks;
#[path = "rows/turns.rs"]
mod turns;
#[path = "rows/words.rs"]
mod words;

use serde_json::{Value as Json, json};
use support::{Caller, Came, Server};

const TEAM: &str = include_str!("rows/team.toml");

async fn team() -> Server {
    Server::start_on(TEAM).await
}

/// The one open alert of that kind.
async fn alert(server: &Server, kind: &str) -> Json {
    let came = server.dana.get("/v1/alerts").await;
    let open: Vec<Json> =
        came["alerts"].as_array().unwrap().iter().filter(|alert| alert["kind"] == kind).cloned().collect();
    assert_eq!(open.len(), 1, "alerts of kind {kind}: {}", came.text);
    open[0].clone()
}

fn who(alert: &Json) -> Vec<&str> {
    alert["who"].as_array().unwrap().iter().map(|actor| actor["name"].as_str().unwrap()).collect()
}

/// Answers an item as it is shown now.
async fn answer(person: &Caller, no: &Json, answer: Json) -> Came {
    let shown = person.get(&format!("/v1/inbox/{no}")).await;
    let body = json!({"answer": answer, "version": shown["item"]["version"], "digest": shown["digest"]});
    person.post(&format!("/v1/inbox/{no}/answer"), body).await
}

/// The open work of an agent, of one kind.
async fn work(agent: &Caller, kind: &str) -> Vec<Json> {
    let came = agent.get("/v1/work").await;
    came["works"].as_array().unwrap().iter().filter(|work| work["kind"]["kind"] == kind).cloned().collect()
}

/// Takes the next work and completes it.
async fn take(agent: &Caller) -> Json {
    let took = agent.post("/v1/work/take", json!({})).await;
    let works = took["works"].as_array().unwrap_or_else(|| panic!("{}", took.text));
    assert_eq!(works.len(), 1, "{}", took.text);
    works[0].clone()
}

#[track_caller]
fn told(came: &Came, outcome: &str, code: Option<&str>) {
    assert_eq!((came.status, came["outcome"].as_str()), (200, Some(outcome)), "{}", came.text);
    assert_eq!(came["code"].as_str(), code, "{}", came.text);
    if code.is_some() {
        assert!(came["next"].as_str().is_some_and(|next| !next.is_empty()), "no next step: {}", came.text);
    }
}
