//! Clients that break the protocol or mean no good: always a clear answer, and what must hold is held.

use std::io::{BufRead as _, BufReader, Write as _};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::client::{Agent, KINDS, Kind, stdio};
use crate::support::{Caller, Came, Server, came};

/// A request as a client of 2025-11-25 sends it.
fn raw(caller: &Caller, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
    caller
        .request("POST", "/mcp")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2025-11-25")
        .body(body)
}

fn tool(name: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
    )
}

/// What came of a call, as a tool's result.
fn said(came: &Came) -> &Json {
    &came["result"]["structuredContent"]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_token_or_comes_from_a_page_gets_nowhere() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let with = |name: &'static str, value: &'static str| raw(&sales, list).header(name, value);
    let unsigned = sales.request_unsigned("POST", "/mcp").header("accept", "application/json").body(list);
    let refused = came(unsigned).await;
    assert_eq!((refused.status, &refused["code"]), (401, &json!("no-token")));
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    let wrong = Caller::new(&server.base, format!("{}0", &sales.token[..sales.token.len() - 1]));
    let wrong_last = Caller::new(&server.base, format!("{}1", &sales.token[..sales.token.len() - 1]));
    let answers = [came(raw(&wrong, list)).await.status, came(raw(&wrong_last, list)).await.status];
    assert!(answers.contains(&401), "{answers:?}");
    for (name, value, code) in [
        ("origin", "http://evil.example", "origin-refused"),
        ("origin", "null", "origin-refused"),
        ("host", "evil.example", "host-refused"),
    ] {
        let refused = came(with(name, value)).await;
        assert_eq!(refused["code"], code, "{name}: {value}: {}", refused.text);
    }
    for method in ["GET", "DELETE", "PUT"] {
        assert_eq!(came(sales.request(method, "/mcp")).await.status, 405, "{method}");
    }
    // A session is nothing that anybody has.
    let session = came(raw(&sales, list).header("mcp-session-id", "somebody-elses")).await;
    assert_eq!(session.status, 200, "{}", session.text);
    assert!(!session.headers.contains_key("mcp-session-id"));
    server.stop().await;
}

/// A token that is revoked in the middle of a session opens nothing any more, on either way.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_the_session() {
    let server = Server::start().await;
    for kind in [Kind::Stdio25, Kind::Stdio26] {
        let sales = server.agent("sales").await;
        let agent = Agent::new(&sales, kind).await;
        let before = agent.call("my_zone", json!({})).await;
        assert_eq!(before["outcome"], "found");
        let id = sales.get("/v1/whoami").await["token"].as_str().unwrap().to_owned();
        assert_eq!(came(server.dana.request("DELETE", &format!("/v1/tokens/{id}"))).await.status, 200);
        let after = agent.call("my_zone", json!({})).await;
        assert_eq!((&after["outcome"], &after["code"]), (&json!("error"), &json!("token-ended")), "{after}");
        let refused = came(raw(&sales, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)).await;
        assert_eq!((refused.status, &refused["code"]), (401, &json!("token-ended")));
        agent.end().await;
    }
    server.stop().await;
}

/// Broken frames get an error of the protocol or a problem; nothing is recorded, and the server goes on.
#[tokio::test(flavor = "multi_thread")]
async fn broken_frames_are_answered_and_do_nothing() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let head = server.dana.get("/v1/ledger?limit=1").await["deeds"][0]["seq"].clone();
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let broken = [
        String::new(),
        "nonsense".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop_everything"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#.to_owned(),
        tool("escalate", &deep),
        tool("escalate", "[]"),
        "\u{feff}{}".to_owned(),
    ];
    for body in broken {
        let shown: String = body.chars().take(80).collect();
        let answered = came(raw(&sales, body)).await;
        assert!(answered.status < 500, "{shown}: {} {}", answered.status, answered.text);
        let is_fault = answered.status >= 400
            || answered["error"]["code"].is_number()
            || said(&answered)["outcome"] == "error";
        assert!(is_fault, "{shown}: {} {}", answered.status, answered.text);
    }
    let after = server.dana.get("/v1/ledger?limit=1").await["deeds"][0]["seq"].clone();
    assert_eq!(head, after, "something was recorded");
    assert_eq!(Agent::new(&sales, Kind::Http26).await.call("my_zone", json!({})).await["outcome"], "found");
    server.stop().await;
}

/// What readers of JSON disagree on is refused with its place, not mended on the way: no value is rounded, none left out.
#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_not_changed_on_the_way() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let write =
        |value: &str| format!(r#"{{"entity":"pipeline/n","changes":{{"n":{value}}},"expected":{{"n":0}}}}"#);
    for (arguments, code) in [
        (write("12345678901234567890123"), "large-integer"),
        (write("9007199254740993"), "large-integer"),
        (write(r#"{"a":1,"a":2}"#), "duplicate-key"),
        (
            r#"{"entity":"pipeline/n","entity":"pipeline/m","changes":{"n":1},"expected":{"n":0}}"#
                .to_owned(),
            "duplicate-key",
        ),
        (write(r#""\u0000""#), "nul"),
        (
            r#"{"entity":"pipeline/n","changes":{"n":1},"expected":{"n":0},"force":true}"#.to_owned(),
            "bad-body",
        ),
        (r#"{"entity":"pipeline/n","changes":{"n":1},"expected":{"n":0},"key":7}"#.to_owned(), "bad-body"),
    ] {
        let answered = came(raw(&sales, tool("write_fields", &arguments))).await;
        assert_eq!(said(&answered)["code"], code, "{arguments}: {}", answered.text);
    }
    // Twice at the level of the call: which counts is nobody's to guess.
    let twice = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"my_zone","arguments":{},"arguments":{"a":1}}}"#;
    let answered = came(raw(&sales, twice)).await;
    assert!(
        answered["error"].is_object()
            || said(&answered)["outcome"] == "error"
            || answered.status == 400
            || answered.status == 415
            || answered.status == 422,
        "{} {}",
        answered.status,
        answered.text
    );
    // What is taken is what HTTP takes of the same words.
    let odd = [
        r#""a\u0301 \ud83d\ude00""#,
        "0.1000000000000000055",
        "1e2",
        "9007199254740991",
        r#"{"b":1,"a":[null,1.50]}"#,
    ];
    for (at, value) in odd.into_iter().enumerate() {
        let by = |way: &str| {
            format!(r#"{{"entity":"pipeline/{way}{at}","changes":{{"n":{value}}},"expected":{{"n":0}}}}"#)
        };
        let called = came(raw(&sales, tool("write_fields", &by("mcp")))).await;
        assert_eq!(said(&called)["outcome"], "committed", "{}", called.text);
        assert_eq!(came(sales.request("POST", "/v1/writes").body(by("http"))).await["outcome"], "committed");
        let kept = async |way: &str| {
            let shown = sales.get(&format!("/v1/entities/pipeline/{way}{at}")).await.text;
            let (_, value) = shown.split_once("\"value\":").unwrap();
            value.split_once(",\"version\"").unwrap().0.to_owned()
        };
        assert_eq!(kept("mcp").await, kept("http").await, "{value}");
    }
    server.stop().await;
}

/// Five megabytes are more than any call has: over HTTP the gate says so, on standard input the tool does.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_argument_is_refused() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let large = "x".repeat(5 * 1024 * 1024);
    let arguments = json!({"input": large, "why": "?"});
    let just = json!({"input": "x".repeat(1024 * 1024), "why": "?"});
    // A client that is still writing when the server has ended the connection does not hear why: it asks again.
    let mut heard = None;
    for _ in 0..20 {
        if heard.is_none() {
            heard = raw(&sales, tool("escalate", &just.to_string())).send().await.ok();
        }
    }
    let refused = heard.expect("it never heard why");
    assert_eq!(refused.status().as_u16(), 413);
    let said: Json = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
    assert_eq!(said["code"], "body-too-large");
    // Of what is much larger the server reads nothing; whether the client still hears why is up to its own writing.
    if let Ok(refused) = raw(&sales, tool("escalate", &arguments.to_string())).send().await {
        assert_eq!(refused.status().as_u16(), 413);
    }
    for kind in [Kind::Stdio25, Kind::Stdio26] {
        let agent = Agent::new(&sales, kind).await;
        let said = agent.call("escalate", arguments.clone()).await;
        assert_eq!((&said["outcome"], &said["code"]), (&json!("error"), &json!("body-too-large")), "{said}");
        assert_eq!(agent.call("my_zone", json!({})).await["outcome"], "found", "it goes on");
        agent.end().await;
    }
    server.stop().await;
}

/// People's tokens look and can't do what is an agent's; a watcher's call of an agent's tool is refused like over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_the_authority() {
    let server = Server::start().await;
    for kind in KINDS {
        let agent = Agent::new(&server.dana, kind).await;
        let read = agent.call("who_owns", json!({"path": "pipeline/p"})).await;
        assert_eq!(read["outcome"], "found", "{read}");
        let write = json!({"entity": "pipeline/p", "changes": {"stage": 1}, "expected": {"stage": 0}});
        let refused = agent.call("write_fields", write).await;
        assert_eq!(refused["outcome"], "refused", "{refused}");
        agent.end().await;
    }
    server.stop().await;
}

/// A server does not wait for who has gone: as many waits as one may have at once are given up, and the next call is served.
#[tokio::test(flavor = "multi_thread")]
async fn waits_end_with_their_callers() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let escalated = came(raw(&sales, tool("escalate", r#"{"input":1,"why":"?"}"#))).await;
    let item = said(&escalated)["answer"]["item"].clone();
    for _ in 0..3 {
        let waits: Vec<_> = (0..100)
            .map(|_| {
                let wait = raw(&sales, tool("wait", &format!(r#"{{"item":{item},"seconds":50}}"#)));
                tokio::spawn(async move { wait.send().await.map(|response| response.status().as_u16()) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        waits.iter().for_each(tokio::task::JoinHandle::abort);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let next = came(raw(&sales, tool("my_zone", "{}"))).await;
        assert_eq!(said(&next)["outcome"], "found", "{} {}", next.status, next.text);
    }
    server.stop().await;
}

/// On standard input: nonsense is answered or passed over, a wait that is cancelled holds nothing up, and the end of the input
/// is the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_rude_client_on_standard_input_is_served() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let escalated = came(raw(&sales, tool("escalate", r#"{"input":1,"why":"?"}"#))).await;
    let item = said(&escalated)["answer"]["item"].clone();
    let mut child = stdio(&sales).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25",
        "capabilities": {}, "clientInfo": {"name": "rude", "version": "1"}}});
    let wait = json!({"jsonrpc": "2.0", "id": "w", "method": "tools/call",
        "params": {"name": "wait", "arguments": {"item": item, "seconds": 50}}});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "w"}});
    let began = Instant::now();
    for line in [
        hello.to_string(),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string(),
        wait.to_string(),
        "nonsense".to_owned(),
        "{\"jsonrpc\":\"2.0\"".to_owned(),
        String::new(),
        json!({"jsonrpc": "2.0", "id": 3, "method": "no/such"}).to_string(),
        cancel.to_string(),
        tool("my_zone", "{}"),
        tool("my_zone", "{}").replace(":7,", ":8,"),
    ] {
        writeln!(input, "{line}").unwrap();
    }
    let mut zones = 0;
    while zones < 2 {
        let line = output.next().unwrap().unwrap();
        let answer: Json = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_ne!(answer["id"], "w", "the wait was cancelled: {line}");
        zones += usize::from(
            answer["id"].is_number() && answer["result"]["structuredContent"]["outcome"] == "found",
        );
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(30), "it waited for what was cancelled");
    server.stop().await;
}
