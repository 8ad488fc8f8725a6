//! Workspaces that are opened when somebody asks for them, or when something falls due in them, and closed when nobody does.

use std::time::{Duration, Instant};

use deeds::coordinator::Clock;
use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::domain::map::parse::parse;
use deeds::domain::things::Keeping;
use deeds::domain::time::{Span, Time};
use futures_util::future::join_all;
use serde_json::json;

use super::support::{Caller, Server, TEAM};

fn keeping(open: u64, idle: i64) -> Keeping {
    Keeping { most: 0, open, idle: Span::from_micros(idle * 1_000) }
}

fn named(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).unwrap()
}

/// Somebody who is admin of a new workspace with the test team's map, in which items are due after `sla`.
async fn made(server: &Server, name: &str, sla: &str) -> Caller {
    let map = TEAM.replace("northwind", name).replace("sla = \"24h\"", &format!("sla = \"{sla}\""));
    let model = parse(&map).applicable().unwrap();
    let dana = PersonId::new("dana").unwrap();
    let token = server.workspaces.create(&named(name), &dana, Some(model)).await.unwrap();
    Caller::new(&server.base, token.expose())
}

async fn closed(server: &Server, name: &str) {
    let began = Instant::now();
    while server.workspaces.get(&named(name)).is_some() || began.elapsed() < Duration::from_millis(50) {
        assert!(began.elapsed() < Duration::from_secs(20), "{name} stays open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn head(caller: &Caller) -> u64 {
    let board = caller.get("/v1/board").await;
    board["seq"].as_u64().unwrap_or_else(|| panic!("{}", board.text))
}

#[tokio::test]
async fn a_deadline_in_a_closed_workspace_raises_its_alert_on_time() {
    let server = Server::start_keeping(keeping(256, 300)).await;
    let sam = made(&server, "southwind", "9s").await;
    let agent = sam.post("/v1/tokens", json!({"class": "agent", "name": "nobody-knows"})).await;
    let first = Caller::new(&server.base, agent["token"].as_str().unwrap().to_owned());
    let write = first.write("notes/one", json!({"text": "hello"}), json!({"text": 0})).await;
    assert_eq!(write["outcome"], "escalated", "{}", write.text);
    let began = Instant::now();
    closed(&server, "southwind").await;
    // Also by a server that has never opened it.
    let server = server.restart_keeping(keeping(256, 300)).await;
    assert!(server.workspaces.get(&named("southwind")).is_none(), "its row says all that is to be known");
    assert!(began.elapsed() < Duration::from_secs(8), "the test is too slow to tell");
    let alerts = async || {
        let list = server.dana.get("/v1/workspaces?page=northwind").await;
        assert_eq!(list["workspaces"][0]["workspace"], "southwind", "{}", list.text);
        list["workspaces"][0]["alerts"].as_u64().unwrap()
    };
    assert_eq!(alerts().await, 0);
    while alerts().await == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "the alert does not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    closed(&server, "southwind").await;
    let ledger = sam.get("/v1/ledger?after=0").await;
    let deeds = ledger["deeds"].as_array().unwrap_or_else(|| panic!("{}", ledger.text)).clone();
    // The warning at three quarters finds it closed, too.
    let when = |kind: &str| {
        let deed = deeds.iter().map(|entry| &entry["deed"]).find(|deed| deed["type"] == kind);
        let deed = deed.unwrap_or_else(|| panic!("no {kind}: {}", ledger.text));
        deed["time"].as_str().unwrap().parse::<Time>().unwrap()
    };
    let opened = when("deeds.item.opened");
    let after = |kind: &str| when(kind).since(opened).micros();
    let (warned, overdue) = (after("deeds.item.warned"), after("deeds.item.overdue"));
    assert!((6_750_000..8_750_000).contains(&warned), "warned after {warned} µs");
    assert!((9_000_000..11_000_000).contains(&overdue), "overdue after {overdue} µs");
    server.stop().await;
}

#[tokio::test]
async fn many_who_ask_for_a_closed_one_open_it_once_and_are_all_answered() {
    let server = Server::start_keeping(keeping(256, 200)).await;
    let sam = made(&server, "southwind", "1h").await;
    let counted = async || {
        let metrics = server.dana.get("/metrics").await.text;
        let line =
            metrics.lines().find(|line| line.starts_with("deeds_workspaces_opened{")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    closed(&server, "southwind").await;
    let before = counted().await;
    let answers = join_all((0..64).map(|_| sam.get("/v1/whoami"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(counted().await, before + 1);
    server.stop().await;
}

/// Whoever comes while it is closed waits until it is open again; nothing is lost and nothing is answered by what is closed.
#[tokio::test]
async fn a_workspace_that_is_closed_and_opened_under_load_loses_nothing() {
    let server = Server::start_keeping(keeping(256, 0)).await;
    let sam = made(&server, "southwind", "1h").await;
    let agent = sam.post("/v1/tokens", json!({"class": "agent", "name": "sales"})).await;
    let sales = Caller::new(&server.base, agent["token"].as_str().unwrap().to_owned());
    let mut last = head(&sam).await;
    let mut closings = 0;
    for round in 0..60_u64 {
        let written =
            sales.write(&format!("crm/contact/{round}"), json!({"name": round}), json!({"name": 0})).await;
        assert_eq!(written.status, 200, "{}", written.text);
        let seq = written["deed"].as_u64().unwrap_or_else(|| panic!("{}", written.text));
        assert!(seq > last, "{seq} after {last}");
        last = seq;
        tokio::time::sleep(Duration::from_millis(40 * (round % 20))).await;
        closings += u32::from(server.workspaces.get(&named("southwind")).is_none());
        let seen = head(&sam).await;
        assert!(seen >= last, "{seen} is shown, and {last} was answered");
    }
    assert!(closings >= 5, "it was closed {closings} times");
    server.stop().await;
}

#[tokio::test]
async fn no_more_are_open_than_may_be_and_one_in_use_stays_open() {
    let server = Server::start_keeping(keeping(3, 600_000)).await;
    let mut all = Vec::new();
    for name in ["a1", "b2", "c3", "d4", "e5"] {
        all.push((name, made(&server, name, "1h").await));
    }
    for (name, caller) in all.iter().chain(&all) {
        assert_eq!(caller.get("/v1/whoami").await["workspace"], *name);
        let open = server.workspaces.list().len();
        assert!(open <= 3, "{open} are open");
    }
    assert!(server.workspaces.get(&named("northwind")).is_some(), "the home stays open");
    let (name, streaming) = &all[0];
    let stream = streaming.request("GET", "/v1/ledger/stream?after=0").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let held = server.workspaces.get(&named(name)).map(|space| space.handle().head()).unwrap();
    for (_, caller) in &all[1..] {
        assert_eq!(caller.get("/v1/whoami").await.status, 200);
        assert!(server.workspaces.get(&named(name)).is_some(), "a stream keeps it open");
    }
    let (_, second) = &all[1];
    let other = second.request("GET", "/v1/ledger/stream?after=0").send().await.unwrap();
    assert_eq!(other.status(), 200);
    let (_, third) = &all[2];
    let full = third.get("/v1/whoami").await;
    assert_eq!((full.status, &full["code"]), (503, &json!("overloaded")), "{}", full.text);
    drop(other);
    let began = Instant::now();
    while third.get("/v1/whoami").await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "a stream that has ended keeps it open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.workspaces.get(&named(name)).map(|space| space.handle().head()), Some(held));
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_secret_that_a_closed_workspace_can_t_know_opens_no_ledger() {
    let server = Server::start_keeping(keeping(256, 200)).await;
    let sam = made(&server, "southwind", "1h").await;
    closed(&server, "southwind").await;
    let forged = Caller::new(&server.base, server.dana.token.replace("northwind", "southwind"));
    assert_eq!(forged.get("/v1/whoami").await["code"], "bad-token");
    assert!(server.workspaces.get(&named("southwind")).is_none());
    assert_eq!(sam.get("/v1/whoami").await.status, 200);
    assert!(server.workspaces.get(&named("southwind")).is_some());
    // A ledger that was written elsewhere is looked into, whatever its row says.
    let base = server.base.clone();
    let dana = server.dana.clone();
    let directory = server.stop().await;
    let ledger = directory.path().join("workspaces/southwind/ledger.db");
    let bytes = std::fs::read(&ledger).unwrap();
    std::fs::write(&ledger, &bytes).unwrap();
    let server = Server::resume(directory, &base, dana).await;
    assert!(server.workspaces.get(&named("southwind")).is_some(), "it was looked into");
    server.stop().await;
}

#[tokio::test]
async fn without_its_table_a_server_looks_into_the_ledgers() {
    let server = Server::start_at(TEAM, Clock::System).await;
    made(&server, "southwind", "1h").await;
    let directory = server.stop().await;
    let due = directory.path().join("workspaces.due");
    for damage in [None, Some(b"not a table".to_vec()), Some(Vec::new())] {
        match damage {
            None => std::fs::remove_file(&due).unwrap(),
            Some(bytes) => std::fs::write(&due, bytes).unwrap(),
        }
        let workspaces = deeds::server::Workspaces::open(directory.path(), Clock::System).await.unwrap();
        assert!(workspaces.get(&named("southwind")).is_some());
        workspaces.shutdown().await;
    }
    let opened = async || {
        let workspaces = deeds::server::Workspaces::open(directory.path(), Clock::System).await.unwrap();
        let is_open = workspaces.get(&named("southwind")).is_some();
        workspaces.shutdown().await;
        is_open
    };
    assert!(!opened().await, "a whole row is believed");
    for part in 0..8 {
        assert!(opened().await == (part > 0), "the row of one that was opened is as good as any");
        let mut bytes = std::fs::read(&due).unwrap();
        let rows = String::from_utf8(bytes.clone()).unwrap();
        let row =
            rows.rfind("southwind").map(|name| rows[..name].rfind('\n').map_or(0, |end| end + 1)).unwrap();
        let end = rows[row..].find('\n').unwrap();
        bytes[row + end * part / 8] ^= 1;
        std::fs::write(&due, bytes).unwrap();
    }
    assert!(opened().await, "a row with a flipped byte is believed");
}
