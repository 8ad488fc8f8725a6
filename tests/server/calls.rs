//! Calls of tools as a gateway asks: looks record nothing, digits are kept, a wait ends with the answer, and what is under way is so
//! after a restart.

use std::time::Duration;

use serde_json::json;

use super::support::{Caller, Came, Server, TEAM};

const TOOLS: &str = r#"
[[tool]]
server = "crm"
name = "get_contact"
does = "read"
entity = "crm/contact/{id}"
[[tool]]
server = "crm"
name = "set_name"
does = "write"
entity = "crm/contact/{id}"
approve = true
"#;

/// A call as its text stands: numbers of any size.
async fn raw(caller: &Caller, path: &str, body: &str) -> Came {
    super::support::came(caller.request("POST", path).body(body.to_owned())).await
}

#[tokio::test]
async fn a_look_records_nothing_and_keeps_every_digit() {
    let server = Server::start_on(&format!("{TEAM}{TOOLS}")).await;
    let intake = server.agent("intake").await;
    let ask = |id: &str| {
        format!("{{\"server\":\"crm\",\"tool\":\"get_contact\",\"arguments\":{{\"id\":{id}}},\"via\":\"g\"}}")
    };
    let one = raw(&intake, "/v1/calls/ask", &ask("12345678901234567890123")).await;
    let other = raw(&intake, "/v1/calls/ask", &ask("12345678901234567890124")).await;
    assert_eq!((one.status, &one["reply"]["outcome"]), (200, &json!("allowed")), "{}", one.text);
    assert_eq!(one["entity"], "crm/contact/12345678901234567890123");
    assert_ne!(one["digest"], other["digest"]);
    assert_eq!(one["head"], other["head"], "a look was recorded");
    for broken in [ask("1,\"id\":2"), ask("[1"), "[]".to_owned(), ask("1").replace("arguments", "argument")] {
        let came = raw(&intake, "/v1/calls/ask", &broken).await;
        assert_eq!(came.status, 400, "{broken}: {}", came.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_waits_and_what_is_under_way_outlives_the_server() {
    let server = Server::start_on(&format!("{TEAM}{TOOLS}")).await;
    let intake = server.agent("intake").await;
    let made = json!({"server": "crm", "tool": "get_contact", "arguments": {"id": 7}, "how": "done"});
    intake.post("/v1/calls/made", made).await;
    let body =
        || json!({"server": "crm", "tool": "set_name", "arguments": {"id": 7, "name": "Ann"}, "via": "g"});
    let held = intake.post("/v1/calls", body()).await;
    assert_eq!(
        (&held["outcome"], &held["code"]),
        (&json!("escalated"), &json!("needs-approval")),
        "{}",
        held.text
    );
    let digest = intake.post("/v1/calls/ask", body()).await["digest"].as_str().unwrap().to_owned();
    let server = server.restart().await;
    let (dana, item) = (server.dana.clone(), held["item"].clone());
    let waits = intake.client();
    let waiting = {
        let digest = digest.clone();
        tokio::spawn(async move { waits.call_stands(&digest, Some("20s".parse().unwrap())).await.unwrap() })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    let shown = dana.get(&format!("/v1/inbox/{item}")).await;
    let answer = json!({"answer": {"kind": "approve"}, "version": shown["item"]["version"], "digest": shown["digest"]});
    let answered = dana.post(&format!("/v1/inbox/{item}/answer"), answer).await;
    assert_eq!(answered["outcome"], "recorded", "{}", answered.text);
    let stands = waiting.await.unwrap();
    assert_eq!(stands.calls[0].stage.as_str(), "approved", "{stands:?}");
    let server = server.restart().await;
    let begun = intake.post("/v1/calls", body()).await;
    assert_eq!(begun["outcome"], "allowed", "{}", begun.text);
    let server = server.restart().await;
    let again = intake.post("/v1/calls", body()).await;
    assert_eq!(again["code"], "in-flight", "{}", again.text);
    let act = &begun["act"];
    let end = intake.post(&format!("/v1/calls/{act}/end"), json!({"how": "done", "ms": 3})).await;
    assert_eq!(end["outcome"], "committed", "{}", end.text);
    let settled = intake.post("/v1/calls", body()).await;
    assert_eq!(
        (&settled["outcome"], &settled["code"]),
        (&json!("recorded"), &json!("settled")),
        "{}",
        settled.text
    );
    let all = server.dana.get("/v1/calls").await;
    assert_eq!(all["calls"].as_array().unwrap().len(), 2, "{}", all.text);
    let others = server.agent("sales").await.get("/v1/calls").await;
    assert_eq!(others["calls"], json!([]), "{}", others.text);
    server.stop().await;
}
