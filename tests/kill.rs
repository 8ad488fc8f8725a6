//! The guarantee that matters most: what was acknowledged is there. `deeds serve` is killed again and again while several
//! writers write; afterwards every acknowledged write is in the ledger, the chain holds, and replay gives the state.
//!
//! A few cycles run always; `DEEDS_KILL_CYCLES=100 cargo test --test kill` runs a hundred.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use patience::PATIENCE;
use run::Home;
use rustix::process::Signal;
use serde_json::{Value, json};
use server::{Server, ask};

use deeds::coordinator::{self, Handle, Options};
use deeds::domain::deed::Deed;
use deeds::domain::path::EntityPath;
use deeds::ledger::{Ledger as _, Store};

/// Cycles in an ordinary test run.
const CYCLES: u32 = 4;
const WRITERS: usize = 4;
/// The server is killed after a random time up to this one, in milliseconds.
const LIFE_MS: u64 = 400;

/// One acknowledged write.
struct Acknowledged {
    deed: u64,
    entity: String,
    version: u64,
    value: u64,
}

/// A writer between the server's lives.
struct Writer {
    name: String,
    header: PathBuf,
    /// Counts every write that was tried, so that each has a value of its own.
    tried: u64,
    acknowledged: Vec<Acknowledged>,
}

impl Writer {
    /// Writes until the server is gone: by turns a new record and its one hot record.
    fn write_on(&mut self, url: &str, over: &AtomicBool) {
        let hot = format!("load/{}/hot", self.name);
        let end = Instant::now() + PATIENCE;
        while !over.load(Ordering::Relaxed) && Instant::now() < end {
            self.tried += 1;
            let value = self.tried;
            let entity =
                if value.is_multiple_of(2) { format!("load/{}/{value}", self.name) } else { hot.clone() };
            let Ok(version) = version_of(url, &self.header, &entity) else { return };
            let body = json!({ "entity": entity, "changes": { "n": value }, "expected": { "n": version } });
            let Ok((status, reply)) = ask(url, &self.header, "POST", "/v1/writes", &body.to_string()) else {
                return;
            };
            if status == 503 {
                return;
            }
            assert_eq!((status, &reply["outcome"]), (200, &json!("committed")), "{reply}");
            self.acknowledged.push(Acknowledged {
                deed: reply["deed"].as_u64().unwrap(),
                entity,
                version: reply["fields"][0]["version"].as_u64().unwrap(),
                value,
            });
        }
    }
}

fn version_of(url: &str, header: &Path, entity: &str) -> std::io::Result<u64> {
    let (status, view) = ask(url, header, "GET", &format!("/v1/entities/{entity}"), "")?;
    if status != 200 {
        return Err(std::io::Error::other("going down"));
    }
    Ok(view["fields"]["n"]["version"].as_u64().unwrap_or(0))
}

/// Pauses that differ from cycle to cycle and from run to run.
fn random_ms(most: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_ne_bytes(bytes) % most
}

fn prepare(home: &Home) -> Vec<Writer> {
    let mut map = "workspace = \"default\"\ngovernance_owner = \"dana\"\n\n[[queue]]\nname = \"inbox\"\nowner = \"dana\"\n\
                   review = \"daily 09:00\"\npriority = [\"w0\", \"w1\", \"w2\", \"w3\"]\n"
        .to_owned();
    for n in 0..WRITERS {
        map.push_str(&["\n[[agent]]\nowner = \"dana\"\nescalates_to = \"inbox\"\n"].concat());
        map.push_str(
            &["id = \"w", &n.to_string(), "\"\nwrites = [\"load/w", &n.to_string(), "/**\"]\n"].concat(),
        );
    }
    home.file("team.toml", &map);
    home.ok(&["map", "apply", "team.toml"]);
    (0..WRITERS)
        .map(|n| {
            let name = format!("w{n}");
            let file = format!("{name}.token");
            home.ok(&["tokens", "create", "agent", &name, "--out", &file]);
            Writer { header: home.dir.path().join(file), name, tried: 0, acknowledged: Vec::new() }
        })
        .collect()
}

#[test]
fn every_acknowledged_write_survives_kill_9() {
    let cycles = std::env::var("DEEDS_KILL_CYCLES").map_or(CYCLES, |cycles| cycles.parse().unwrap());
    let home = Home::new();
    let mut writers = prepare(&home);
    for _ in 0..cycles {
        let mut server = Server::start(&home);
        let (url, over) = (server.url.clone(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for writer in &mut writers {
                scope.spawn(|| writer.write_on(&url, &over));
            }
            std::thread::sleep(Duration::from_millis(20 + random_ms(LIFE_MS)));
            assert_eq!(server.signal(Signal::KILL), None);
            over.store(true, Ordering::Relaxed);
        });
    }
    // Ended in order once, it leaves a snapshot of everything; started again, it has opened it.
    Server::start(&home).restart(&home);
    let acknowledged: Vec<&Acknowledged> = writers.iter().flat_map(|writer| &writer.acknowledged).collect();
    eprintln!("{cycles} cycles, {} acknowledged writes", acknowledged.len());
    assert!(acknowledged.len() > usize::try_from(cycles).unwrap(), "the writers did write");

    let verified = home.run(&["verify"]);
    assert_eq!(verified.status, 0, "{}{}", verified.out, verified.err);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let space = Store::from(home.data().as_path());
        let replayed = start(&space, false).await;
        everything_is_there(&replayed, &acknowledged).await;
        let whole = replayed.whole().await.unwrap();
        replayed.shutdown().await;
        let resumed = start(&space, true).await;
        assert!(
            whole == resumed.whole().await.unwrap(),
            "the snapshot with its tail gives another state than the whole ledger"
        );
        resumed.shutdown().await;
    });
}

/// The workspace's state: from the first deed on, or from the newest snapshot.
async fn start(space: &Store, with_snapshot: bool) -> Handle {
    let workspace = "default".parse().unwrap();
    let ledger = space.open(&workspace).unwrap();
    let snapshot = with_snapshot.then(|| space.folder(&workspace).join(coordinator::SNAPSHOT_FILE));
    coordinator::start(ledger, Options { snapshot, ..Options::default() }).await.unwrap()
}

async fn everything_is_there(handle: &Handle, acknowledged: &[&Acknowledged]) {
    let mut last: BTreeMap<&str, &Acknowledged> = BTreeMap::new();
    for one in acknowledged {
        let record = handle.ledger().get(one.deed).await.unwrap().expect("an acknowledged deed");
        let deed: Value = serde_json::from_slice(&record.bytes).unwrap();
        assert_eq!(deed["subject"], one.entity.as_str(), "deed {}", one.deed);
        assert_eq!(deed["data"]["fields"][0]["after"], one.value, "deed {}", one.deed);
        assert_eq!(Deed::decode(&record.bytes).unwrap().seq.0, one.deed);
        let latest = last.entry(&one.entity).or_insert(one);
        if one.version > latest.version {
            *latest = one;
        }
    }
    let state = handle.whole().await.unwrap();
    for (entity, one) in last {
        let path: EntityPath = entity.parse().unwrap();
        let field = state.entities.get(&path).and_then(|known| known.field(&"n".parse().unwrap())).unwrap();
        // A write that was not acknowledged may have been recorded after the last one that was.
        assert!(
            field.version.0 >= one.version,
            "{entity} has version {} and had {}",
            field.version,
            one.version
        );
        if field.version.0 == one.version {
            assert_eq!(field.value.json(), one.value, "{entity}");
        }
    }
}
