//! How fast the ledger appends, beside raw SQLite appends of the same bytes in the same run.
//!
//! `cargo bench --bench append`. Both sides are durable on every commit (`synchronous=FULL`); the ledger's side also
//! compares the head, chains SHA-256 and crosses to its thread and back.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that meets an error has no result"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deeds::ledger::{Append, Ledger, SqliteLedger};
use rusqlite::{Connection, params};

const RUNS: usize = 5;
/// Records appended on each side in each run.
const RECORDS: usize = 25_600;
/// How many records go into one commit.
const BATCHES: [usize; 3] = [1, 64, 100];
/// Single commits take longer each, so there are fewer.
const SINGLES: usize = 1_500;
/// No further run is begun after this time.
const AT_MOST: Duration = Duration::from_secs(25);

fn main() {
    let begun = Instant::now();
    println!("append: records a second, ledger beside raw SQLite with the same bytes, {RUNS} runs");
    println!(
        "{:>9} {:>12} {:>12} {:>14} {:>14}",
        "a commit", "raw, median", "ledger, med.", "ratio, median", "ratio, worst"
    );
    for batch in BATCHES {
        let records = deeds(if batch == 1 { SINGLES } else { RECORDS / batch * batch });
        let mut runs: Vec<(f64, f64)> = Vec::new();
        for _ in 0..RUNS {
            if begun.elapsed() > AT_MOST {
                break;
            }
            runs.push((rate(&records, batch, raw), rate(&records, batch, ledger)));
        }
        if runs.is_empty() {
            println!("{batch:>9} left out: the time was up");
            continue;
        }
        let ratios = sorted(runs.iter().map(|(raw, ledger)| ledger / raw));
        println!(
            "{batch:>9} {:>12.0} {:>12.0} {:>14.2} {:>14.2}",
            median(&sorted(runs.iter().map(|run| run.0))),
            median(&sorted(runs.iter().map(|run| run.1))),
            median(&ratios),
            ratios[0],
        );
    }
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
