//! The server behind that misbehaves, and the client in front that does: bounded, told, nothing forwarded that was not decided.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::client::{Client, Team};
use crate::patience::PATIENCE;
use crate::programs;

/// Every tool of the server that misbehaves is an act on what its agent may act on.
pub(crate) const ACTS: &str = r#"
workspace = "default"
mode = "enforce"
governance_owner = "dana"
unmapped = "record"

[[agent]]
id = "coder"
owner = "dana"
writes = ["odd/**"]

[[queue]]
name = "desk"
owner = "dana"
review = "daily 09:00"
priority = ["coder"]

[[tool]]
server = "odd"
name = "look"
does = "nothing"

[[tool]]
server = "odd"
name = "*"
does = "act"
entity = "odd/{id}"
timeout = "3s"
"#;

fn team() -> Option<Team> {
    programs::is_there("python3").then(|| Team::new(ACTS))
}

#[test]
fn garbage_floods_and_large_answers_do_no_harm() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    assert_eq!(client.done("garbage", &json!({ "id": "a" })), "after the garbage");
    assert_eq!(client.beside(), Vec::<String>::new(), "garbage is not passed on");
    assert_eq!(client.done("flood", &json!({ "id": "a" })), "flooded");
    assert_eq!(client.beside().len(), 20_000, "notifications are passed on");
    let big = client.done("big", &json!({ "id": "a" }));
    assert_eq!((big.len(), &big[..4]), (1024 * 1024 + 4, "\u{1b}[2J"));
    let kept = std::fs::read_to_string(team.home.data().join("gateway/odd.log")).unwrap();
    for said in ["this is no JSON", "an answer to \"nobody\"", "`result` comes twice", "not passed on"] {
        assert!(kept.contains(said), "{said}: {kept}");
    }
}

#[test]
fn a_server_that_dies_is_started_again_and_its_call_is_unknown() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    let told = client.told("die", &json!({ "id": "a" }));
    assert!(told.contains("Outcome unknown") && told.contains("signal: 9"), "{told}");
    // The same process for its client; another one behind, begun as the first was.
    assert_eq!(client.done("bump", &json!({ "id": "a" })), "bump");
    let again = client.told("die", &json!({ "id": "a" }));
    assert!(again.contains("not") && team.count("die a") == 1, "{again}");
    let inbox = team.inbox();
    assert!(inbox.iter().any(|item| item.to_string().contains("die")), "{inbox:?}");
    let log = std::fs::read_to_string(team.home.data().join("gateway/odd.log")).unwrap();
    assert!(log.contains("started again") && log.contains("\u{1b}[31mgoing"), "{log}");
    let told = std::fs::read_to_string(team.home.dir.path().join("client.log")).unwrap();
    assert!(!told.contains('\u{1b}') && told.contains("going"), "{told}");
}

#[test]
fn a_server_that_hangs_leaves_an_unknown_outcome_and_others_go_on() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    let hung = client.ask("tools/call", &json!({ "name": "hang", "arguments": { "id": "a" } }));
    assert_eq!(client.done("bump", &json!({ "id": "b" })), "bump");
    let told = client.answer_of(&hung, PATIENCE).unwrap();
    assert!(told.contains("Outcome unknown") && told.contains("within 3 s"), "{told}");
    let again = client.told("hang", &json!({ "id": "a" }));
    assert!(team.count("hang a") == 1, "{again}");
}

#[test]
fn other_tools_are_told_once() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    client.done("change", &json!({ "id": "a" }));
    let seen = || {
        let log = team.home.ok(&["log", "type:tools.offered", "--json"]);
        log.lines().filter(|line| line.contains("another")).count()
    };
    crate::client::until("the changed tools are told", || seen() == 1);
    client.done("look", &json!({ "id": "a" }));
    assert_eq!(seen(), 1);
}

/// What is written so that a reader in front and one behind could take it for two things is not forwarded.
#[test]
fn a_client_that_breaks_the_protocol_reaches_nothing() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    let call = r#""method":"tools/call","params":{"name":"bump","arguments":{"id":"x"}}"#;
    for (frame, said) in [
        (format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping",{call}}}"#), "comes twice"),
        (format!(r#"{{"jsonrpc":"2.0","id":2,"Method":"ping",{call}}}"#), "could be taken for"),
        (format!(r#"{{"jsonrpc":"2.0","id":null,{call}}}"#), "text or a number"),
        (format!(r#"{{"jsonrpc":"2.0","id":3,{call},}}"#), "not forwarded"),
        (format!(r#"[{{"jsonrpc":"2.0","id":4,{call}}},{{"jsonrpc":"2.0","id":5,"method":"ping"}}]"#), "one by one"),
        (r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"look","name":"bump","arguments":{"id":"x"}}}"#.to_owned(), "twice"),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"bump","arguments":{"id":"odd","ID":"x"}}}"#.to_owned(), "twice"),
        (r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"bump","arguments":[]}}"#.to_owned(), "no object"),
        (r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"arguments":{"id":"x"}}}"#.to_owned(), "no tool"),
    ] {
        client.send(&frame);
        let line = client.line(PATIENCE).unwrap();
        assert!(line.contains(said), "{frame}: {line}");
    }
    // Without an id there is no answer, and nothing to be forwarded either.
    client.send(&format!(r#"{{"jsonrpc":"2.0",{call}}}"#));
    client.raw("ping", &json!({}));
    assert_eq!(team.done(), Vec::<String>::new());
}

/// An id that is in use, and cancelling what is under way.
#[test]
fn ids_are_used_once_and_cancelled_calls_end_all_the_same() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    let slow = json!({ "jsonrpc": "2.0", "id": "s", "method": "tools/call", "params": { "name": "slow", "arguments": { "id": "a", "seconds": 1 } } });
    client.send(&slow.to_string());
    crate::client::until("it is being done", || team.count("slow a") == 1);
    client.send(&slow.to_string());
    let refused = client.line(PATIENCE).unwrap();
    assert!(refused.contains("under way"), "{refused}");
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s"}}"#);
    assert!(client.answer_of(&"s".into(), PATIENCE).unwrap().contains("slow"));
    assert_eq!(team.count("slow a"), 1);
}

#[test]
fn where_deeds_can_not_be_asked_nothing_is_forwarded() {
    let Some(mut team) = team() else { return };
    let mut client = team.odd("coder");
    assert_eq!(client.done("bump", &json!({ "id": "a" })), "bump");
    team.server.as_mut().unwrap().send(rustix::process::Signal::STOP);
    let id = client.ask("tools/call", &json!({ "name": "bump", "arguments": { "id": "b" } }));
    assert_eq!(client.answer_of(&id, Duration::from_secs(2)), None);
    // What needs no decision passes meanwhile.
    client.raw("ping", &json!({}));
    assert_eq!(team.count("bump b"), 0);
    team.server.as_mut().unwrap().send(rustix::process::Signal::CONT);
    assert!(client.answer_of(&id, PATIENCE).is_some());
    assert!(team.count("bump b") <= 1);
}

#[test]
fn secrets_come_from_files_and_stand_nowhere() {
    if !programs::is_there("python3") {
        return;
    }
    let team = Team::new(ACTS);
    let file =
        team.home.file("odd.env", "# for it alone\nODD_TOKEN=very-secret-indeed\n").display().to_string();
    let code = "import os, sys; sys.stderr.write(os.environ.get('ODD_TOKEN', 'none')[:4] + ' ' + str('DEEDS_TOKEN' in os.environ) + chr(10)); sys.stdin.read()";
    let mut command = team.home.command(&[
        "gateway",
        "--as",
        "coder",
        "--server",
        "odd",
        "--env-file",
        &file,
        "--",
        "python3",
        "-c",
        code,
    ]);
    command.env("PATH", std::env::var("PATH").unwrap());
    let mut client = Client::start(command);
    let log = || std::fs::read_to_string(team.home.data().join("gateway/odd.log")).unwrap_or_default();
    crate::client::until("the server has said what it sees", || log().contains("very"));
    assert!(log().contains("very False"), "{}", log());
    let arguments = std::fs::read(format!("/proc/{}/cmdline", client.id())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains("very-secret"));
    client.hang_up();
    let deeds = team.home.ok(&["log", "--json"]);
    let told = std::fs::read_to_string(team.home.dir.path().join("client.log")).unwrap();
    assert!(!deeds.contains("very-secret") && !told.contains("very-secret"));
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let said = team.home.run(&["gateway", "--as", "coder", "--env-file", &file, "--", "true"]);
    assert!(said.status == 2 && said.err.contains("chmod 600") && !said.err.contains("very"), "{}", said.err);
}

/// Under no deed type is a call without its digest and its end.
#[test]
fn every_forwarded_call_is_a_deed_with_its_end() {
    let Some(team) = team() else { return };
    let mut client = team.odd("coder");
    client.done("bump", &json!({ "id": "a" }));
    client.done("look", &json!({ "id": "a" }));
    client.told("fail", &json!({ "id": "a" }));
    let calls = || -> Json {
        let log = team.home.ok(&["log", "--json"]);
        let kinds = log.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
        kinds.filter(|deed| deed.to_string().contains("\"ms\":")).map(|deed| deed["type"].clone()).collect()
    };
    crate::client::until("three ends are recorded", || calls().as_array().is_some_and(|all| all.len() == 3));
}
