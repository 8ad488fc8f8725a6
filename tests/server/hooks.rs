//! Hooks of coding agents by HTTP: who may ask, from where, and that whatever goes wrong behind the token is a decision. How
//! calls are decided is tested by way of the command (`tests/cli/guards.rs`), with the same table by HTTP.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use super::support::{Caller, Came, Server, came};
use crate::patience::PATIENCE;
use crate::programs;
use deeds::config::Config;
use deeds::domain::things::TokenClass;
use deeds::server::{Options, run};

const MAP: &str = r#"
workspace = "northwind"
governance_owner = "dana"
mode = "enforce"

[[agent]]
id = "intake"
owner = "dana"
writes = ["files/docs/**"]

[[agent]]
id = "sales"
owner = "eve"
writes = ["files/src/**"]

[[queue]]
name = "inbox"
owner = "dana"
review = "daily 09:00"
priority = ["intake", "sales"]
"#;
const ASK: &str = "/v1/hooks/claude-code?agent=intake";

/// A repository in the server's directory, with its guard.
async fn start() -> Option<(Server, Caller, String)> {
    if !programs::is_there("git") {
        return None;
    }
    let server = Server::start_on(MAP).await;
    let guard = server.with_token(TokenClass::Guard, "ci").await;
    let repository = server.directory.path().join("repository");
    fs::create_dir_all(repository.join("src")).unwrap();
    assert!(Command::new("git").arg("init").arg("-q").arg(&repository).status().unwrap().success());
    Some((server, guard, repository.display().to_string()))
}

fn write(cwd: &str, file: &str) -> Json {
    json!({"session_id": "one", "cwd": cwd, "hook_event_name": "PreToolUse", "tool_name": "Write",
        "tool_input": {"file_path": file, "content": "x"}})
}

/// It is decided so, for a reason with these words.
#[track_caller]
fn is(came: &Came, decision: &str, words: &[&str]) {
    let said = &came["hookSpecificOutput"];
    assert_eq!((came.status, &said["permissionDecision"]), (200, &json!(decision)), "{}", came.text);
    let why = said["permissionDecisionReason"].as_str().unwrap();
    for word in words {
        assert!(why.contains(word), "{word:?} is not in {why}");
    }
}

#[tokio::test]
async fn a_guard_is_told_by_the_map_in_force_and_what_it_stops_is_recorded() {
    let Some((server, guard, repository)) = start().await else { return };
    let ask = |file: &str| guard.post(ASK, write(&repository, file));
    let own = ask("docs/plan.md").await;
    assert_eq!((own.status, own.text.as_str()), (200, "{}"));
    is(&ask("src/main.rs").await, "deny", &["sales", "eve", "map v1 of northwind"]);
    let head = server.dana.get("/v1/board").await["seq"].clone();
    let page = server.dana.get(&format!("/v1/ledger?filter=type:deeds.guard.stopped&min_seq={head}")).await;
    let told = page["deeds"][0].to_string();
    assert!(told.contains("files/src/main.rs") && told.contains("claude-code"), "{}", page.text);
    let prefixed = guard.post(&format!("{ASK}&prefix=files/docs"), write(&repository, "src/main.rs")).await;
    assert_eq!(prefixed.text, "{}", "files/docs/src/main.rs is its own");
    // Other hosts have their own forms.
    let gemini = json!({"cwd": repository, "hook_event_name": "BeforeTool", "tool_name": "write_file",
        "tool_input": {"file_path": "src/main.rs", "content": "x"}});
    let said = guard.post("/v1/hooks/gemini?agent=intake", gemini).await;
    assert_eq!((said.status, &said["decision"]), (200, &json!("deny")), "{}", said.text);
    let nobody = guard.post("/v1/hooks/notepad?agent=intake", write(&repository, "a")).await;
    assert_eq!((nobody.status, &nobody["code"]), (404, &json!("not-found")), "{}", nobody.text);
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_no_guard_is_turned_away() {
    let Some((server, guard, repository)) = start().await else { return };
    let call = write(&repository, "docs/plan.md");
    for class in TokenClass::ALL {
        let name = if class == TokenClass::Agent { "intake" } else { "vera" };
        let said = server.with_token(class, name).await.post(ASK, call.clone()).await;
        let wanted = if class == TokenClass::Guard { 200 } else { 403 };
        assert_eq!(said.status, wanted, "{class:?}: {}", said.text);
    }
    let unsigned = came(guard.request_unsigned("POST", ASK).body(call.to_string())).await;
    assert_eq!(unsigned.status, 401, "{}", unsigned.text);
    let misled =
        came(guard.request("POST", ASK).header("host", "deeds.example").body(call.to_string())).await;
    assert_eq!(misled.status, 421, "{}", misled.text);
    server.stop().await;
}

#[tokio::test]
async fn the_folder_that_the_agent_was_started_in_counts_and_must_be_there() {
    let Some((server, guard, repository)) = start().await else { return };
    let from = |cwd: &str, project: &str, file: &str| {
        let call = write(cwd, file).to_string();
        came(guard.request("POST", ASK).header("deeds-project", project).body(call))
    };
    let main = format!("{repository}/src/main.rs");
    let elsewhere = server.directory.path().display().to_string();
    is(&from(&repository, "", &main).await, "deny", &["sales"]);
    is(&from(&elsewhere, &repository, &main).await, "deny", &["sales"]);
    for (cwd, project) in [
        ("/not/there", ""),
        ("/not/there", repository.as_str()),
        (repository.as_str(), "/not/there"),
        ("src", ""),
    ] {
        is(&from(cwd, project, &main).await, "ask", &["is no folder", "deeds hook"]);
    }
    // The server's home is not that of whoever runs the agent.
    let home = |home: Option<&str>| {
        let mut call = write(&repository, "");
        call["tool_name"] = json!("Bash");
        call["tool_input"] = json!({"command": "echo x > ~/src/main.rs"});
        let request = guard.request("POST", ASK);
        let request = home.iter().fold(request, |request, home| request.header("deeds-home", *home));
        came(request.body(call.to_string()))
    };
    is(&home(None).await, "ask", &["whose home"]);
    is(&home(Some(&repository)).await, "deny", &["sales"]);
    server.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_behind_the_token_is_a_question() {
    let Some((server, guard, repository)) = start().await else { return };
    let call = write(&repository, "docs/plan.md").to_string();
    let without = |key: &str| {
        let mut json: Json = serde_json::from_str(&call).unwrap();
        json.as_object_mut().unwrap().remove(key);
        json.to_string().into_bytes()
    };
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"not json".to_vec(),
        b"[1,2]".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"{}".to_vec(),
        "[".repeat(100_000).into_bytes(),
        call.as_bytes()[..call.len() / 2].to_vec(),
        without("tool_input"),
        without("tool_name"),
        without("cwd"),
        call.replace("docs/plan.md", "a\\u0000b").into_bytes(),
    ];
    for body in bodies {
        let said = came(guard.request("POST", ASK).body(body)).await;
        is(&said, "ask", &["deeds: can't decide", "hook.default"]);
    }
    for (query, word) in [
        ("", "which agent"),
        ("?agent=a%00b", "agent"),
        ("?agent=intake&agent=sales", "twice"),
        ("?agent=intake&prefix=a//b", "prefix"),
        ("?agents=intake", "parameters"),
    ] {
        let said =
            came(guard.request("POST", &format!("/v1/hooks/claude-code{query}")).body(call.clone())).await;
        is(&said, "ask", &[word]);
    }
    let large = came(guard.request("POST", ASK).body(vec![b' '; 17 * 1024 * 1024])).await;
    is(&large, "ask", &["at most"]);
    // A host that can't ask is told no.
    let said = came(guard.request("POST", "/v1/hooks/codex?agent=intake").body("{")).await;
    is(&said, "deny", &["can't decide"]);
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_is_cut_short_is_no_consent() {
    let Some((server, guard, repository)) = start().await else { return };
    let call = write(&repository, "docs/plan.md").to_string();
    let address = server.base.trim_start_matches("http://").to_owned();
    let head = format!(
        "POST {ASK} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
        guard.token,
        call.len(),
        &call[..call.len() / 2]
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_default();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(!answer.contains("{}"), "{answer}");
    assert!(answer.is_empty() || answer.contains("\"ask\""), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_call_from_another_machine_is_turned_away_and_told_what_to_do() {
    let Some((server, guard, repository)) = start().await else { return };
    // Whatever address of its own this machine would speak from; nothing is sent.
    let own = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let Some(own) = own.ok().map(|own| own.ip()).filter(|own| !own.is_loopback()) else {
        programs::is_passed_over("an address beside loopback");
        return;
    };
    let listener = TcpListener::bind((own, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let options = Options {
        allow_plaintext: true,
        hosts: vec![own.to_string()],
        guard: Some(deeds::cli::guard(server.directory.path(), &Config::default()).unwrap()),
        ..Options::default()
    };
    let other = tokio::spawn(run(listener, Arc::clone(&server.workspaces), options, std::future::pending()));
    let said = Caller::new(&base, guard.token.clone()).post(ASK, write(&repository, "docs/plan.md")).await;
    assert_eq!((said.status, &said["code"]), (403, &json!("not-allowed")), "{}", said.text);
    assert!(said["next"].as_str().unwrap().contains("deeds hook"), "{}", said.text);
    other.abort();
    server.stop().await;
}
