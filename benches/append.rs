//! How fast the ledger appends, and the coordinator decides and appends, beside raw SQLite appends of the same bytes in
//! the same run.
//!
//! `cargo bench --bench append`. Every side is durable on every commit (`synchronous=FULL`); the ledger also compares
//! the head, chains SHA-256 and crosses to its thread and back; the coordinator moreover decides, serialises, folds and
//! publishes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that meets an error has no result"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::{Connection, params};

use deeds::coordinator::{Options, start};
use deeds::domain::command::{Principal, Request};
use deeds::domain::ids::{Actor, AgentId};
use deeds::domain::outcome::Outcome;
use deeds::domain::things::TokenClass;
use deeds::ledger::{Append, Ledger, SqliteLedger};

const RUNS: usize = 5;
/// Records appended on each side in each run.
const RECORDS: usize = 25_600;
/// Writes that the coordinator decides in each run.
const WRITES: usize = 12_800;
/// How many records go into one commit.
const BATCHES: [usize; 3] = [1, 64, 100];
/// Single commits take longer each, so there are fewer.
const SINGLES: usize = 600;
/// No further run of a figure is begun after this time; one is made anyhow.
const EACH: Duration = Duration::from_secs(5);

fn main() {
    println!("records a second beside raw SQLite with the same bytes, up to {RUNS} runs");
    println!(
        "{:>12} {:>9} {:>12} {:>12} {:>14} {:>14} {:>5}",
        "figure", "a commit", "raw, median", "its median", "ratio, median", "ratio, worst", "runs"
    );
    for batch in BATCHES {
        let records = deeds(if batch == 1 { SINGLES } else { RECORDS / batch * batch });
        report("ledger", batch, || (rate(&records, batch, raw), rate(&records, batch, ledger)));
    }
    for batch in [64, 100] {
        report("coordinator", batch, || {
            let (written, rate_of_writes) = coordinator(batch);
            (rate(&written, batch, raw), rate_of_writes)
        });
    }
}

/// Runs both sides as often as there is time for, and prints a line.
fn report(figure: &str, batch: usize, run: impl Fn() -> (f64, f64)) {
    let begun = Instant::now();
    let mut runs = vec![run()];
    while runs.len() < RUNS && begun.elapsed() < EACH {
        runs.push(run());
    }
    let ratios = sorted(runs.iter().map(|(raw, ours)| ours / raw));
    println!(
        "{figure:>12} {batch:>9} {:>12.0} {:>12.0} {:>14.2} {:>14.2} {:>5}",
        median(&sorted(runs.iter().map(|run| run.0))),
        median(&sorted(runs.iter().map(|run| run.1))),
        median(&ratios),
        ratios[0],
        runs.len(),
    );
}

/// Writes of as many agents as are in a batch, each to its own scratch space; gives the bytes that were recorded, and
/// how many of them a second.
fn coordinator(batch: usize) -> (Vec<Bytes>, f64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("bench.ledger");
    runtime.block_on(async {
        let ledger = SqliteLedger::open_or_create(&path, "bench").unwrap();
        let handle = start(ledger.into(), Options::default()).await.unwrap();
        let rounds: Vec<Vec<Request>> = (0..WRITES / batch)
            .map(|round| (0..batch).map(|agent| write(&format!("agent-{agent}"), round)).collect())
            .collect();
        let begun = Instant::now();
        for round in rounds {
            for answer in handle.submit_all(round).await.unwrap() {
                assert_eq!(answer.unwrap().reply.outcome, Outcome::Committed);
            }
        }
        let spent = begun.elapsed();
        let mut written = Vec::new();
        while (written.len() as u64) < handle.head().seq {
            let page = handle.ledger().read(written.len() as u64, 10_000).await.unwrap();
            written.extend(page.into_iter().map(|record| record.bytes));
        }
        handle.shutdown().await;
        let rate = f64::from(u32::try_from(written.len()).unwrap()) / spent.as_secs_f64();
        (written, rate)
    })
}

fn write(agent: &str, round: usize) -> Request {
    let command = serde_json::json!({
        "do": "write", "entity": format!("scratch/{agent}/notes"),
        "changes": {"status": format!("round {round}")}, "expected": {"status": round},
        "reason": "the bench wants to know how long this takes",
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

/// Deeds of the usual size: some 600 bytes of JSON.
fn deeds(count: usize) -> Vec<Bytes> {
    (0..count)
        .map(|n| {
            let value = format!("{n:064}").repeat(8);
            Bytes::from(format!(
                r#"{{"id":"northwind:{n}","type":"deeds.write.committed","data":"{value}"}}"#
            ))
        })
        .collect()
}

fn rate(records: &[Bytes], batch: usize, append: fn(&Path, &[Bytes], usize) -> Duration) -> f64 {
    let directory = tempfile::TempDir::new().unwrap();
    let spent = append(&directory.path().join("bench.ledger"), records, batch);
    f64::from(u32::try_from(records.len()).unwrap()) / spent.as_secs_f64()
}

fn raw(path: &Path, records: &[Bytes], batch: usize) -> Duration {
    let mut conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE record (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT").unwrap();
    let begun = Instant::now();
    let mut seq = 0_i64;
    for batch in records.chunks(batch) {
        let transaction = conn.transaction().unwrap();
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO record (seq, bytes) VALUES (?1, ?2)").unwrap();
            for bytes in batch {
                seq += 1;
                insert.execute(params![seq, &bytes[..]]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    begun.elapsed()
}

fn ledger(path: &Path, records: &[Bytes], batch: usize) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ledger = SqliteLedger::open_or_create(path, "bench").unwrap();
        let mut head = ledger.head().await.unwrap();
        let begun = Instant::now();
        for batch in records.chunks(batch) {
            match ledger.append(head, batch.to_vec()).await.unwrap() {
                Append::Appended(records) => head = records.last().unwrap().head(),
                Append::Moved(head) => panic!("moved to {head:?}"),
            }
        }
        let spent = begun.elapsed();
        ledger.close().await;
        spent
    })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
