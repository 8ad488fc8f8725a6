//! Ways around a rule, by plain HTTP: grants by way of another's case, stops in another's zone, inputs of agents that were shut
//! out, work about what is hidden, values that pose as withheld, headers and keys that say two things.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value as Json, json};

use super::patience::PATIENCE;
use super::support::{Caller, Came, Server, came, northwind};
use deeds::domain::ids::WorkspaceId;
use deeds::domain::things::TokenClass;

/// Two queues, an exception, a hidden place, and an event with a listener.
const TEAM: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/account/*"]
except = ["crm/account/vip-*"]
hidden = ["hr/**"]

[[agent]]
id = "support"
owner = "sam"
writes = ["support/ticket/*"]
triggers = ["pay.changed"]
escalates_to = "desk"

[[event]]
name = "pay.changed"

[[queue]]
name = "ops"
owner = "dana"
sla = "4h"
review = "daily 09:00"
priority = ["sales"]

[[queue]]
name = "desk"
owner = "sam"
sla = "4h"
review = "daily 09:00"
priority = ["support"]
"#;

async fn team() -> Server {
    Server::start_on(TEAM).await
}

#[track_caller]
fn told(came: &Came, outcome: &str, code: Option<&str>) {
    assert_eq!((came.status, came["outcome"].as_str()), (200, Some(outcome)), "{}", came.text);
    assert_eq!(came["code"].as_str(), code, "{}", came.text);
}

async fn expand(person: &Caller, no: &Json, agent: &str, what: &str, value: &str) -> Came {
    let shown = person.get(&format!("/v1/inbox/{no}")).await;
    let answer = json!({"kind": "expand", "agent": agent, "grant": {"what": what, "value": value}});
    let body = json!({"answer": answer, "version": shown["item"]["version"], "digest": shown["digest"]});
    person.post(&format!("/v1/inbox/{no}/answer"), body).await
}

#[tokio::test]
async fn a_case_is_no_way_to_grant_something_else() {
    let server = team().await;
    let sales = server.agent("sales").await;
    let asked = sales.write("blog/post", json!({"title": "x"}), json!({"title": 0})).await;
    told(&asked, "escalated", Some("unowned"));
    for (what, value) in [("write", "finance/**"), ("output", "mail/all"), ("trigger", "email.received")] {
        let answered = expand(&server.dana, &asked["item"], "sales", what, value).await;
        told(&answered, "refused", Some("overlap"));
    }
    assert_eq!(server.dana.get("/v1/map").await["version"], 1);
    told(&expand(&server.dana, &asked["item"], "sales", "write", "blog/*").await, "recorded", None);
    server.stop().await;
}

#[tokio::test]
async fn a_reviewer_lifts_no_exception_and_overrides_in_no_other_zone() {
    let server = team().await;
    let sales = server.agent("sales").await;
    let (dana, sam) = (
        server.with_token(TokenClass::Reviewer, "dana").await,
        server.with_token(TokenClass::Reviewer, "sam").await,
    );
    let asked = sales.write("crm/account/vip-1", json!({"plan": "pro"}), json!({"plan": 0})).await;
    told(&asked, "escalated", Some("unowned"));
    let lifted = expand(&dana, &asked["item"], "sales", "write", "crm/account/vip-*").await;
    told(&lifted, "refused", Some("not-allowed"));
    told(
        &expand(&server.dana, &asked["item"], "sales", "write", "crm/account/vip-*").await,
        "recorded",
        None,
    );

    for (verb, place) in [
        ("freeze", json!({"entity": "crm/account/acme"})),
        ("pause", json!({"agent": "sales"})),
        ("pause-all", json!({})),
        ("set", json!({"path": "crm/account/acme#plan", "value": "free", "expected": 0})),
    ] {
        let mut body = place;
        body["step"] = json!(verb);
        body["reason"] = json!("not mine");
        let came = sam.post("/v1/overrides", body).await;
        told(&came, "refused", Some("not-named"));
    }
    let own = json!({"step": "pause", "agent": "support", "reason": "mine"});
    told(&sam.post("/v1/overrides", own).await, "recorded", None);
    server.stop().await;
}

#[tokio::test]
async fn what_a_revoked_agent_left_behind_is_not_committed() {
    let server = team().await;
    let sales = server.agent("sales").await;
    let asked = sales.write("blog/post", json!({"title": "x"}), json!({"title": 0})).await;
    told(&asked, "escalated", Some("unowned"));
    let tokens = server.dana.get("/v1/tokens").await;
    let own = tokens["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "sales").unwrap();
    let id = own["id"].as_str().unwrap();
    let revoked = came(server.dana.request("DELETE", &format!("/v1/tokens/{id}"))).await;
    told(&revoked, "recorded", None);
    told(&expand(&server.dana, &asked["item"], "sales", "write", "blog/*").await, "recorded", None);
    let post = server.dana.get("/v1/entities/blog/post").await;
    assert_eq!(post["fields"]["title"]["version"].as_u64().unwrap_or_default(), 0, "{}", post.text);
    server.stop().await;
}

#[tokio::test]
async fn no_work_is_opened_about_what_is_hidden_and_nothing_follows_from_what_is_to_come() {
    let server = team().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let about = json!({"event": "pay.changed", "subject": "hr/dana"});
    told(&sales.post("/v1/events", about.clone()).await, "refused", Some("hidden"));
    let branches = json!([{"to": "support", "input": 1}]);
    let fan = json!({"branches": branches, "deadline": "1h", "subject": "hr/dana"});
    told(&sales.post("/v1/fan-outs", fan).await, "refused", Some("hidden"));
    assert_eq!(support.get("/v1/work").await["works"], json!([]));
    told(&support.post("/v1/events", about).await, "recorded", None);
    let later = json!({"event": "pay.changed", "cause": 9_999});
    told(&sales.post("/v1/events", later).await, "refused", Some("not-found"));
    let evidence = json!({"input": 1, "why": "y", "evidence": [9_999]});
    told(&sales.post("/v1/escalations", evidence).await, "refused", Some("not-found"));
    server.stop().await;
}

/// A value that poses as withheld closed the way back to it.
#[tokio::test]
async fn what_poses_as_withheld_is_refused() {
    let server = team().await;
    let sales = server.agent("sales").await;
    let digest = format!("sha256:{}", "ab".repeat(32));
    for fake in [
        json!({"withheld": digest, "z": 1}),
        json!({"withheld": "sha256:ab"}),
        json!([{"withheld": "sha256:", "a": 1}]),
    ] {
        let came = sales.write("crm/account/acme", json!({"plan": fake}), json!({"plan": 0})).await;
        assert_eq!((came.status, came["code"].as_str()), (400, Some("bad-body")), "{}", came.text);
    }
    let real = json!({"withheld": digest});
    told(
        &sales.write("crm/account/acme", json!({"plan": real}), json!({"plan": 0})).await,
        "committed",
        None,
    );
    server.stop().await;
}

/// Sends a request as it stands, and gives the first line of the answer.
fn raw(server: &Server, request: &str) -> String {
    let address = server.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_twice_are_refused() {
    let server = team().await;
    let token = &server.dana.token;
    let other = format!("deeds_admin_northwind_a1_{}", "ab".repeat(32));
    let get = |headers: &str| format!("GET /v1/whoami HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    let once = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n");
    let fine = raw(&server, &get(&once));
    assert!(fine.contains(" 200 "), "{fine}");
    for twice in [
        format!("Host: localhost\r\n{once}"),
        format!("{once}Host: evil.example\r\n"),
        format!("{once}Authorization: Bearer {other}\r\n"),
        format!("Authorization: Bearer {other}\r\n{once}"),
        format!("{once}Idempotency-Key: a\r\nIdempotency-Key: b\r\n"),
    ] {
        let answer = raw(&server, &get(&twice));
        assert!(answer.contains(" 400 "), "{answer}\n{twice}");
    }
    server.stop().await;
}

/// Who has no token learns nothing of which workspaces there are.
#[tokio::test]
async fn a_workspace_that_does_not_open_is_as_one_that_is_not_there() {
    let server = team().await;
    let made = server.dana.post("/v1/workspaces", json!({"workspace": "second"})).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let (dana, base) = (server.dana.clone(), server.base.clone());
    let directory = server.stop().await;
    let ledger = directory.path().join("workspaces/second/ledger.db");
    std::fs::write(&ledger, b"no ledger at all").unwrap();
    let server = Server::resume(directory, &base, dana).await;
    assert!(server.workspaces.broken().iter().any(|(id, _)| id.as_str() == "second"));
    let ask = async |workspace: &str| {
        let token = format!("deeds_admin_{workspace}_a1_{}", "ab".repeat(32));
        let came = Caller::new(&server.base, token).get("/v1/whoami").await;
        (came.status, came.body)
    };
    assert_eq!(ask("second").await, ask("nowhere").await);
    assert_eq!(ask("northwind").await, ask("nowhere").await);
    server.stop().await;
}

#[tokio::test]
async fn a_workspace_is_made_once_under_one_key() {
    let server = team().await;
    let make = async |key: &str, body: Json| {
        let request = server.dana.request("POST", "/v1/workspaces").header("Idempotency-Key", key);
        came(request.body(body.to_string())).await
    };
    let first = make("one", json!({"workspace": "second"})).await;
    assert!(first.status == 200 && first["token"].is_string(), "{}", first.text);
    let again = make("one", json!({ "workspace" : "second" })).await;
    assert_eq!((again.status, &again["workspace"]), (200, &json!("second")), "{}", again.text);
    assert_eq!(again["token"], first["token"], "an answer that was lost: {}", again.text);
    for other in [json!({"workspace": "third"}), json!({"workspace": "second", "admin": "dana"})] {
        let refused = make("one", other).await;
        assert_eq!((refused.status, refused["code"].as_str()), (409, Some("key-reused")), "{}", refused.text);
    }
    assert!(server.workspaces.get(&WorkspaceId::new("third").unwrap()).is_none());
    let taken = make("two", json!({"workspace": "second"})).await;
    assert_eq!((taken.status, taken["code"].as_str()), (409, Some("exists")), "{}", taken.text);
    // A server that was started again has forgotten the secret, and says what to do.
    let server = server.restart().await;
    let request = server.dana.request("POST", "/v1/workspaces").header("Idempotency-Key", "one");
    let forgotten = came(request.body(json!({"workspace": "second"}).to_string())).await;
    assert_eq!((forgotten.status, forgotten["code"].as_str()), (409, Some("exists")), "{}", forgotten.text);
    assert!(forgotten["next"].as_str().unwrap().contains("revokes its first token"), "{}", forgotten.text);
    assert!(server.workspaces.get(&northwind()).is_some());
    server.stop().await;
}

#[tokio::test]
async fn an_option_is_no_name_of_a_workspace() {
    let server = team().await;
    for name in ["--help", "-w", "-"] {
        let came = server.dana.post("/v1/workspaces", json!({"workspace": name})).await;
        assert_eq!((came.status, came["code"].as_str()), (400, Some("bad-body")), "{name}: {}", came.text);
    }
    server.stop().await;
}
