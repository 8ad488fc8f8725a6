//! Bad input: each gets a clear answer with the place and the mend, changes nothing, and the server stays up.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::{Caller, Server, came};
use deeds::domain::things::TokenClass;

const FINE: &str = r#"{"entity":"crm/contact/a","changes":{"name":1},"expected":{"name":0}}"#;

/// What is sent as a write, the problem it meets, and the place that is named.
const BODIES: &[(&str, &str, u16, &str)] = &[
    ("", "bad-json", 400, "line 1, column 0"),
    ("{", "bad-json", 400, "line 1, column 1"),
    ("not json", "bad-json", 400, "line 1, column 2"),
    ("[]", "bad-body", 400, "the body itself"),
    ("{}", "bad-body", 400, "the body itself"),
    (r#"{"entity":"a","entity":"b"}"#, "duplicate-key", 400, "line 1, column 22"),
    (r#"{"entity":"a","changes":{"x":"\u0000"}}"#, "nul", 400, "line 1, column 37"),
    (r#"{"entity":"a","changes":{"x":9007199254740994}}"#, "large-integer", 400, "line 1, column 45"),
    (r#"{"entity":"crm//a"}"#, "bad-body", 400, "entity"),
    (r#"{"entity":"crm/*"}"#, "bad-body", 400, "entity"),
    (r#"{"entity":"crm/a","changes":{"a/b":1}}"#, "bad-body", 400, "changes"),
    (r#"{"entity":"crm/a","expected":{"x":-1}}"#, "bad-body", 400, "expected"),
    (r#"{"entity":"crm/a","lease":"one"}"#, "bad-body", 400, "lease"),
    (r#"{"entity":"crm/a","op":"destroy"}"#, "bad-body", 400, "op"),
];

#[tokio::test]
async fn broken_bodies_are_answered_with_place_and_mend() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let head = server.dana.get("/v1/board").await["seq"].clone();
    let deep = format!(r#"{{"entity":"a","changes":{{"x":{}1{}}}}}"#, "[".repeat(40), "]".repeat(40));
    let many = format!("[{}1]", "1,".repeat(100_001));
    let large = format!(r#"{{"entity":"a","changes":{{"x":"{}"}}}}"#, "x".repeat(2 << 20));
    let value = format!(r#"{{"entity":"a","changes":{{"x":"{}"}}}}"#, "x".repeat(70 * 1024));
    let mut table = BODIES.to_vec();
    table.push((&deep, "too-deep", 400, "line 1, column"));
    table.push((&many, "over-bound", 413, "line 1, column"));
    table.push((&large, "body-too-large", 413, "the body"));
    table.push((&value, "bad-body", 400, "changes"));
    for (body, code, status, place) in table {
        let shown: String = body.chars().take(80).collect();
        let came = came(intake.request("POST", "/v1/writes").body(body.to_owned())).await;
        assert_eq!((came.status, &came["code"]), (status, &json!(code)), "{shown}: {}", came.text);
        assert!(came["place"].as_str().unwrap().starts_with(place), "{shown}: {}", came.text);
        is_a_problem(&came.body);
        assert_eq!(came.headers["content-type"], "application/problem+json");
    }
    assert_eq!(server.dana.get("/v1/board").await["seq"], head, "a broken request leaves no deed");
    let fine = came(intake.request("POST", "/v1/writes").body(FINE)).await;
    assert_eq!(fine["outcome"], "committed");
    server.stop().await;
}

fn is_a_problem(body: &Json) {
    for key in ["title", "detail", "next"] {
        assert!(!body[key].as_str().unwrap_or_default().is_empty(), "no {key}: {body}");
    }
}

#[tokio::test]
async fn broken_addresses_and_parameters_are_answered_with_place_and_mend() {
    let server = Server::start().await;
    let dana = &server.dana;
    for (path, code, status) in [
        ("/v1/nothing", "no-route", 404),
        ("/", "no-route", 404),
        ("/v1/writes", "bad-method", 405),
        ("/v1/entities/a//b", "bad-parameter", 400),
        ("/v1/entities/a%00b", "bad-parameter", 400),
        ("/v1/entities/a%ffb", "bad-parameter", 400),
        ("/v1/entities/a/b?min_seq=x", "bad-parameter", 400),
        ("/v1/inbox/x", "bad-parameter", 400),
        ("/v1/inbox/9007199254740993", "bad-parameter", 400),
        ("/v1/inbox/99", "not-found", 404),
        ("/v1/ledger/0", "not-found", 404),
        ("/v1/ledger/999", "not-found", 404),
        ("/v1/ledger?before=1&after=2", "bad-parameter", 400),
        ("/v1/ledger?limit=many", "bad-parameter", 400),
        ("/v1/ledger?colour=red", "bad-parameter", 400),
        ("/v1/ledger?filter=actr:intake", "bad-filter", 400),
        ("/v1/ledger?filter=%22open", "bad-filter", 400),
        ("/v1/ledger/stream?filter=since:yesterdayish", "bad-filter", 400),
        ("/v1/ledger/stream?after=999", "cursor-gone", 409),
        ("/v1/ledger/histogram?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "bad-parameter", 400),
        ("/v1/trace", "bad-parameter", 400),
        ("/v1/trace?deed=999", "not-found", 404),
        ("/v1/who-owns", "bad-parameter", 400),
        ("/v1/who-owns?path=a%23", "bad-parameter", 400),
        ("/v1/map?version=77", "not-found", 404),
        ("/v1/work?agent=intake&wait=2h", "bad-parameter", 400),
        ("/v1/work", "bad-parameter", 400),
    ] {
        let came = dana.get(path).await;
        assert_eq!((came.status, &came["code"]), (status, &json!(code)), "{path}: {}", came.text);
        is_a_problem(&came.body);
    }
    let map = |tag: Option<&'static str>, body: &'static str| {
        let request = dana.request("PUT", "/v1/map").body(body);
        let request = match tag {
            Some(tag) => request.header("if-match", tag),
            None => request,
        };
        async move { came(request).await }
    };
    assert_eq!(map(None, "").await["code"], "version-needed");
    assert_eq!(map(Some("\"x\""), "").await["code"], "bad-parameter");
    let broken = map(Some("\"0\""), "workspace = ").await;
    assert_eq!((broken.status, &broken["code"]), (422, &json!("map-broken")));
    assert_eq!(broken["findings"][0]["line"], 1);
    server.stop().await;
}

#[tokio::test]
async fn broken_headers_and_tokens_are_answered_and_open_nothing() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let long = "k".repeat(300);
    for (header, value, code) in [
        ("idempotency-key", long.as_str(), "bad-header"),
        ("origin", "http://evil.example", "origin-refused"),
        ("host", "evil.example", "host-refused"),
    ] {
        let came = came(intake.request("POST", "/v1/writes").header(header, value).body(FINE)).await;
        assert_eq!(came["code"], code, "{header}: {}", came.text);
        is_a_problem(&came.body);
    }
    let secret = "ab".repeat(32);
    for token in [
        "x".to_owned(),
        format!("deeds_agent_northwind_zz_{secret}"),
        format!("deeds_agent_nowhere_zz_{secret}"),
        intake.token.replace("_agent_", "_admin_"),
        other_end(&intake.token),
    ] {
        let came = Caller::new(&server.base, token.clone()).get("/v1/whoami").await;
        assert_eq!((came.status, came["code"].as_str().unwrap()), (401, "bad-token"), "{token}");
        assert!(!came.text.contains(&secret), "{}", came.text);
        assert_eq!(came.headers["www-authenticate"], "Bearer");
    }
    let none = came(reqwest::Client::new().get(format!("{}/v1/whoami", server.base))).await;
    assert_eq!((none.status, &none["code"]), (401, &json!("no-token")));
    // Traces that are none are passed over, as the standard says.
    let odd = came(intake.request("POST", "/v1/writes").header("traceparent", "zz").body(FINE)).await;
    assert_eq!(odd["outcome"], "committed");
    server.stop().await;
}

/// The token with another last digit, whatever it was.
fn other_end(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test]
async fn many_bad_tokens_are_slowed_and_good_ones_still_pass() {
    let server = Server::start().await;
    let guesser = Caller::new(&server.base, format!("deeds_admin_northwind_zz_{}", "ab".repeat(32)));
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(guesser.get("/v1/whoami").await.status);
    }
    assert_eq!((statuses[0], statuses[39]), (401, 429));
    assert_eq!(server.dana.get("/v1/whoami").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn an_expired_token_is_told_so() {
    let server = Server::start().await;
    let soon = server.workspaces.clock().now().plus(deeds::domain::time::Span::from_micros(300_000));
    let id = super::support::northwind();
    let token = server.workspaces.issue(&id, TokenClass::Watcher, "vera", Some(soon)).await.unwrap();
    let vera = Caller::new(&server.base, token.expose());
    let mut stream = vera.client().stream(deeds::client::StreamFrom::default());
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            match stream.next().await.unwrap() {
                deeds::client::StreamEvent::Refused(problem) => return problem,
                deeds::client::StreamEvent::Disconnected { why, .. } => panic!("{why}"),
                _ => {}
            }
        }
    });
    assert_eq!(ended.await.expect("the stream ends when the token does").code, "token-ended");
    assert_eq!(vera.get("/v1/whoami").await["code"], "token-ended");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_http_at_all_leaves_the_server_up() {
    let server = Server::start().await;
    let address = server.base.trim_start_matches("http://");
    let huge = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let short = "POST /v1/writes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{";
    for garbage in ["\0\0\0\0", "GET", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n", &huge, short] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(garbage.as_bytes()).await.ok();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
            .await
            .expect(garbage)
            .ok();
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{garbage:?}");
    }
    assert_eq!(server.dana.get("/v1/whoami").await.status, 200);
    let ready = came(server.dana.request_unsigned("GET", "/readyz")).await;
    assert_eq!((ready.status, ready.text.as_str()), (200, "ready\n"));
    server.stop().await;
}

#[tokio::test]
async fn plaintext_off_loopback_is_refused_at_the_start() {
    use deeds::server::{Options, ServeError, Workspaces, run};
    let directory = tempfile::TempDir::new().unwrap();
    let clock = deeds::coordinator::Clock::System;
    let workspaces = std::sync::Arc::new(Workspaces::open(directory.path(), clock).await.unwrap());
    let open = || tokio::net::TcpListener::bind(("0.0.0.0", 0));
    let listener = open().await.unwrap();
    let refused = run(listener, workspaces.clone(), Options::default(), std::future::pending()).await;
    assert!(matches!(refused, Err(ServeError::Plaintext(_))), "{refused:?}");
    let told = Options { allow_plaintext: true, ..Options::default() };
    run(open().await.unwrap(), workspaces, told, std::future::ready(())).await.unwrap();
}

#[tokio::test]
async fn a_damaged_workspace_is_said_and_the_others_are_served() {
    let server = Server::start().await;
    let south = server.dana.post("/v1/workspaces", json!({"workspace": "southwind"})).await;
    let sam = Caller::new(&server.base, south["token"].as_str().unwrap().to_owned());
    let base = server.base.clone();
    let dana = server.dana.clone();
    let directory = server.stop().await;
    let ledger = directory.path().join("workspaces/southwind/ledger.db");
    std::fs::write(&ledger, "this was a ledger once").unwrap();
    let server = Server::resume(directory, &base, dana).await;
    assert_eq!(server.workspaces.broken().len(), 1);
    assert_eq!(server.dana.get("/v1/whoami").await.status, 200);
    let told = sam.get("/v1/whoami").await;
    // As of one that is not there: whether a token of it is good can't be told.
    assert_eq!((told.status, &told["code"]), (401, &json!("bad-token")));
    assert!(told.text.contains("does not open"), "{}", told.text);
    let ready = came(server.dana.request_unsigned("GET", "/readyz")).await;
    assert_eq!(ready.status, 503);
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), "this was a ledger once");
    server.stop().await;
}

/// Keeps everything that is logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_at_any_level_has_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: a subscriber of one thread misses what other tests' threads have asked about before.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = Server::start().await;
    let made = server.dana.post("/v1/tokens", json!({"class": "agent", "name": "intake"})).await;
    let intake = Caller::new(&server.base, made["token"].as_str().unwrap().to_owned());
    intake.client().whoami().await.unwrap();
    assert_eq!(came(intake.request("POST", "/v1/writes").body("{")).await.status, 400);
    let planted = "cd".repeat(32);
    let guess = Caller::new(&server.base, format!("deeds_agent_northwind_zz_{planted}"));
    assert_eq!(guess.get("/v1/whoami").await.status, 401);
    let secrets: Vec<String> =
        [&server.dana, &intake].iter().map(|one| one.token.rsplit('_').next().unwrap().to_owned()).collect();
    server.stop().await;
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("serving") && text.contains("bad-json"), "{text}");
    for secret in secrets.iter().chain([&planted]) {
        assert!(!text.contains(secret.as_str()), "a secret is in the log");
    }
}
