//! Sudden death under load: what was acknowledged is there, the chain verifies, and a replay gives the state that the
//! survivors see. The child is this very test binary, run again with its case in the environment.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test, wherever it stands")]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patience::PATIENCE;
use tempfile::TempDir;

use deeds::coordinator::{Handle, Options, start};
use deeds::domain::command::{Principal, Request};
use deeds::domain::deed::Deed;
use deeds::domain::ids::{Actor, AgentId, Seq};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::{EntityPath, FieldName};
use deeds::domain::things::TokenClass;
use deeds::ledger::{Ledger, SqliteLedger, sqlite};

const CHILD: &str = "DEEDS_TEST_COORDINATOR_CHILD";
/// How often the child is killed; `DEEDS_TEST_KILLS` asks for more.
const KILLS: u64 = 8;
const WRITERS: usize = 16;
/// Acknowledgements after which a child may be killed.
const ENOUGH: usize = 60;

fn snapshot_in(directory: &Path) -> PathBuf {
    directory.join("northwind.snapshot")
}

async fn workspace(directory: &Path, snapshot: Option<PathBuf>) -> Handle {
    patience::begun();
    let ledger = SqliteLedger::open_or_create(&directory.join("northwind.ledger"), "northwind").unwrap();
    start(ledger.into(), Options { snapshot, ..Options::default() }).await.unwrap()
}

fn write(agent: &str, version: u64) -> Request {
    let command = serde_json::json!({
        "do": "write", "entity": format!("scratch/{agent}/notes"),
        "changes": {"status": version}, "expected": {"status": version},
    });
    Request::new(
        Principal {
            actor: Actor::Agent(AgentId::new(agent).unwrap()),
            class: TokenClass::Agent,
            token: None,
        },
        serde_json::from_value(command).unwrap(),
    )
}

#[test]
fn plays_the_child() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(writes_until_killed(&PathBuf::from(directory)));
}

/// Sixteen agents write, each its own field, and note each acknowledgement: agent, version, deed.
async fn writes_until_killed(directory: &Path) {
    let acks = fs::OpenOptions::new().create(true).append(true).open(directory.join("acks")).unwrap();
    let acks = Arc::new(Mutex::new(acks));
    let handle = workspace(directory, Some(snapshot_in(directory))).await;
    for n in 0..WRITERS {
        let (handle, acks) = (handle.clone(), Arc::clone(&acks));
        tokio::spawn(async move {
            let agent = format!("agent-{n}");
            let mut version = 0;
            loop {
                let reply = handle.submit(write(&agent, version)).await.unwrap().reply;
                version = reply.fields.first().unwrap().version.0;
                if reply.outcome == Outcome::Committed {
                    // One call writes the whole line, so a kill leaves whole lines.
                    let line = format!("{agent} {version} {}\n", reply.deed);
                    acks.lock().unwrap().write_all(line.as_bytes()).unwrap();
                }
            }
        });
    }
    std::future::pending::<()>().await;
}

fn acks(directory: &Path) -> Vec<(String, u64, u64)> {
    let text = fs::read_to_string(directory.join("acks")).unwrap_or_default();
    // The last line may be being written.
    let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
    whole
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let mut next = || words.next().unwrap();
            (next().to_owned(), next().parse().unwrap(), next().parse().unwrap())
        })
        .collect()
}

#[test]
fn after_kill_every_acknowledged_write_is_there_and_replay_gives_the_state() {
    let directory = TempDir::new().unwrap();
    let kills = std::env::var("DEEDS_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    for round in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "plays_the_child", "--test-threads=1"])
            .env(CHILD, directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (before, begun) = (acks(directory.path()).len(), Instant::now());
        while acks(directory.path()).len() < before + ENOUGH && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1 + round % 7));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let acks = acks(directory.path());
        assert!(acks.len() >= before + ENOUGH, "the child got nowhere");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(survey(directory.path(), &acks, round % 3 == 2));
    }
}

/// Compares the acknowledgements with ledger and state. With `leave_snapshot` the next start begins from one.
async fn survey(directory: &Path, acks: &[(String, u64, u64)], leave_snapshot: bool) {
    let path = directory.join("northwind.ledger");
    let head = sqlite::verify(&path, |_| {}).unwrap().head;
    let handle = workspace(directory, Some(snapshot_in(directory))).await;
    assert_eq!(handle.head(), head);
    let from_zero = workspace(directory, None).await;
    assert_eq!(
        handle.whole().await.unwrap(),
        from_zero.whole().await.unwrap(),
        "snapshot and tail differ from a replay"
    );
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for (agent, version, deed) in acks {
        let record = handle.ledger().get(*deed).await.unwrap().unwrap();
        let deed = Deed::decode(&record.bytes).unwrap();
        assert_eq!((deed.outcome, deed.actor.name()), (Outcome::Committed, agent.as_str()));
        assert_eq!(deed.fields.first().unwrap().version.0, *version);
        newest.insert(agent, *version);
    }
    for (agent, version) in newest {
        let path: EntityPath = format!("scratch/{agent}/notes").parse().unwrap();
        let state = handle.of_entity(&path).await.unwrap();
        let entity = state.entities.get(&path).unwrap();
        let status: FieldName = "status".parse().unwrap();
        assert!(entity.version_of(&status).0 >= version, "{agent} lost a write");
    }
    let mut watcher = handle.watch(Seq(0));
    let mut seen = 0;
    while seen < head.seq {
        for entry in patience::within("a deed", watcher.next()).await.unwrap() {
            assert_eq!(entry.record.seq, seen + 1);
            seen += 1;
        }
    }
    if leave_snapshot {
        handle.shutdown().await;
    }
}
