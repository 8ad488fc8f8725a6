//! How fast the server answers, beside references of the same run.
//!
//! `cargo bench --bench serve`. *P1*: durable, checked, chained single writes over HTTP on 64 and 256 connections, beside
//! the same router with an authenticated handler that does nothing (an empty batch). *P2*: deeds a second of batches of
//! 100 writes, beside raw SQLite appends of the same bytes, 100 a commit. *MCP*: calls of the tool `write_fields` at `/mcp`,
//! beside the same writes at `/v1/writes`. Each write carries an idempotency key, every
//! commit is `synchronous=FULL`, the index follows as always. The load comes from a thread of its own on the same cores.
//!
//! *P15*: single writes on 256 connections while the index follows, beside the same with the index off; and how far the index is
//! behind when the last write was answered, in deeds and in seconds. `DEEDS_P15=60` makes its sides so many seconds long.
//!
//! *P3*: single writes on 64 connections whose ledger is in PostgreSQL, beside `pgbench -N` with 16 clients on the same server; *P19*: the
//! same where each commit waits for a standby. They need PostgreSQL's programs.
//!
//! Beside the rates stands what a request costs: the processor time of every thread of the run, by what the thread does.
//! Neighbours on the machine change that much less than the rates. `cargo bench --bench serve -- P1 3` makes three runs of P1.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench that meets an error has no result"
)]

#[path = "common/http.rs"]
mod http;
#[path = "serve/pgbench.rs"]
mod pgbench;
#[path = "../tests/common/postgres.rs"]
#[expect(dead_code, reason = "shared with tests, which use the rest of it")]
mod postgres;
#[path = "../tests/common/standby.rs"]
#[expect(dead_code, reason = "shared with tests, which use the rest of it")]
mod standby;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use deeds::coordinator::Clock;
use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::domain::map::parse::parse;
use deeds::domain::things::{Limits, TokenClass};
use deeds::ledger::{Ledger as _, Store};
use deeds::server::{Options, Workspaces, run};

const RUNS: usize = 5;
/// How many clock ticks `/proc` counts for a second, on every Linux that this runs on.
const TICKS: f64 = 100.0;
/// What the threads of a run do, by the beginning of their names.
const THREADS: [(&str, &str); 6] = [
    ("server", "tokio"),
    ("coordinator", "coordinator"),
    ("ledger", "ledger"),
    ("database", "postgres"),
    ("index", "index"),
    ("load", "load"),
];
/// How long each side of a run takes.
const EACH: Duration = Duration::from_millis(1_500);
/// How long each side of a run of P15 takes, and the variable that says otherwise.
const EACH_P15: Duration = Duration::from_secs(6);
const SECONDS_P15: &str = "DEEDS_P15";
const CONNECTIONS: [usize; 2] = [64, 256];
const BATCH: usize = 100;
/// How many callers send batches side by side.
const BATCH_CALLERS: usize = 4;
const MAP: &str = r#"
workspace = "bench"
mode = "enforce"
[[agent]]
id = "writer"
role = "Writes as fast as it can"
owner = "dana"
writes = ["crm/contact/*"]
[[queue]]
name = "inbox"
owner = "dana"
sla = "24h"
review = "daily 09:00"
"#;

/// Writes make many small, short-lived texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let runs = asked.iter().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    let wanted = |part: &str| {
        !asked.iter().any(|word| word.starts_with(['P', 'M'])) || asked.iter().any(|word| word == part)
    };
    println!("requests a second beside the reference of the same run, {runs} runs of {EACH:?} a side");
    println!("one fdatasync of 4 KiB here takes {:?} (median): what a commit waits for", sync_time());
    println!(
        "{:>22} {:>11} {:>12} {:>12} {:>14} {:>14}",
        "figure", "connections", "reference", "median", "ratio, median", "ratio, worst"
    );
    if wanted("P1") {
        for connections in CONNECTIONS {
            report("P1 single writes", connections, runs, || {
                let bench = Bench::start();
                let reference = bench.rate(connections, Work::Nothing);
                [reference, bench.rate(connections, Work::Write)]
            });
        }
    }
    if wanted("P15") {
        let each = std::env::var(SECONDS_P15).map_or(EACH_P15, |s| Duration::from_secs(s.parse().unwrap()));
        let [_, connections] = CONNECTIONS;
        println!("P15: {each:?} a side");
        report("P15 index on and off", connections, runs, || {
            let off = Bench::start();
            off.workspaces.list()[0].stop_indexing();
            let reference = off.rate_for(connections, Work::Write, each);
            drop(off);
            let bench = Bench::start();
            let ours = bench.rate_for(connections, Work::Write, each);
            let (deeds, seconds) = bench.catch_up();
            println!("{:>22} the index was {deeds} deeds behind, and {seconds:.2} s later at the head", "");
            [reference, ours]
        });
    }
    if wanted("MCP") {
        // A call has two places of its caller's: its own, and that of the request which it is made.
        let [connections, ..] = CONNECTIONS;
        report("MCP write_fields", connections, runs, || {
            let bench = Bench::start();
            let reference = bench.rate(connections, Work::Write);
            [reference, bench.rate(connections, Work::Tool)]
        });
    }
    if wanted("P3") {
        pgbench::report("P3 on PostgreSQL", runs, postgres::Postgres::start(""), |server| server);
    }
    if wanted("P19") {
        pgbench::report("P19 with a standby", runs, standby::Pair::start(""), standby::Pair::primary);
    }
    if wanted("P2") {
        report("P2 batches, deeds", BATCH_CALLERS, runs, || {
            let bench = Bench::start();
            let rate = bench.rate(BATCH_CALLERS, Work::Batch);
            [Side { rate: raw(&bench.records()), costs: Vec::new(), indexed: 0.0 }, rate]
        });
    }
}

/// How long the disk of the temporary directory takes to make a small write durable.
fn sync_time() -> Duration {
    use std::os::unix::fs::FileExt as _;
    let file = tempfile::tempfile().unwrap();
    let mut times: Vec<Duration> = (0..51)
        .map(|n| {
            file.write_all_at(&[1; 4096], n * 4096).unwrap();
            let begun = Instant::now();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// What one side of a run came to.
struct Side {
    /// Requests, or deeds, a second.
    rate: f64,
    /// Microseconds of processor time for each of them, by [`THREADS`].
    costs: Vec<f64>,
    /// How much of the ledger was in the index at the end.
    indexed: f64,
}

/// Runs both sides as often as said, and prints a line, and what each side cost.
fn report(figure: &str, connections: usize, runs: usize, run: impl Fn() -> [Side; 2]) {
    let runs: Vec<[Side; 2]> = (0..runs).map(|_| run()).collect();
    let ratios = sorted(runs.iter().map(|[reference, ours]| ours.rate / reference.rate));
    println!(
        "{figure:>22} {connections:>11} {:>12.0} {:>12.0} {:>14.2} {:>14.2}",
        median(&sorted(runs.iter().map(|run| run[0].rate))),
        median(&sorted(runs.iter().map(|run| run[1].rate))),
        median(&ratios),
        ratios[0],
    );
    for (side, name) in ["reference", "ours"].into_iter().enumerate() {
        let cost = |thread: usize| runs.iter().filter_map(move |run| run[side].costs.get(thread).copied());
        let words: Vec<String> = THREADS
            .iter()
            .enumerate()
            .filter(|(thread, _)| cost(*thread).next().is_some())
            .map(|(thread, (name, _))| format!("{name} {:.1}", median(&sorted(cost(thread)))))
            .collect();
        if !words.is_empty() {
            println!("{:>22} {name}: {} µs of processor time each", "", words.join(", "));
        }
    }
    let indexed = median(&sorted(runs.iter().map(|[_, ours]| ours.indexed)));
    println!("{:>22} ours: the index had {:.0} % of the deeds at the end", "", indexed * 100.0);
}

/// The processor time that the threads of this process have had so far, by [`THREADS`]; empty where there is no `/proc`.
fn spent() -> Vec<f64> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let mut spent = vec![0.0; THREADS.len()];
    for task in tasks {
        // A thread that ended meanwhile is not counted.
        let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
        let (name, rest) = stat.split_once('(').unwrap().1.rsplit_once(')').unwrap();
        // The thread's time in its own code and in the kernel, the 14th and 15th field.
        let ticks: f64 = rest.split_whitespace().skip(11).take(2).map(|n| n.parse::<f64>().unwrap()).sum();
        if let Some(at) = THREADS.iter().position(|(_, thread)| name.starts_with(thread)) {
            spent[at] += ticks / TICKS;
        }
    }
    spent
}

/// What a connection asks for, over and over.
#[derive(Clone, Copy)]
enum Work {
    Nothing,
    Write,
    Tool,
    Batch,
}

/// A server at work on a directory of its own.
struct Bench {
    runtime: Runtime,
    workspaces: Arc<Workspaces>,
    address: SocketAddr,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn start() -> Self {
        let directory = tempfile::TempDir::new().unwrap();
        let store = directory.path().into();
        Self::start_on(directory, store)
    }

    /// The same on other ledgers than that directory's.
    fn start_on(directory: tempfile::TempDir, store: Store) -> Self {
        let runtime = deeds::server::runtime().unwrap();
        // One agent sends here what thousands would.
        let limits = Limits { agent_keys: u64::MAX, keys: u64::MAX, ..Limits::default() };
        let (stop, stopped) = oneshot::channel::<()>();
        let (workspaces, address, token) = runtime.block_on(async {
            let workspaces = Arc::new(Workspaces::open_within(store, Clock::System, limits).await.unwrap());
            let (id, dana) = (WorkspaceId::new("bench").unwrap(), PersonId::new("dana").unwrap());
            let model = parse(MAP).applicable().unwrap();
            workspaces.create(&id, &dana, Some(model)).await.unwrap();
            let token = workspaces.issue(&id, TokenClass::Agent, "writer", None).await.unwrap();
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let theirs = Arc::clone(&workspaces);
            tokio::spawn(async move {
                let shutdown = async { stopped.await.unwrap_or(()) };
                run(listener, theirs, Options::default(), shutdown).await.unwrap();
            });
            (workspaces, address, token.expose())
        });
        Self { runtime, workspaces, address, token, stop: Some(stop), _directory: directory }
    }

    /// How many deeds the index is behind, and how many seconds it takes to have them.
    fn catch_up(&self) -> (u64, f64) {
        let space = &self.workspaces.list()[0];
        let (begun, head) = (Instant::now(), space.handle().head().seq);
        let behind = head.saturating_sub(space.indexed().0);
        while space.indexed().0 < head {
            std::thread::sleep(Duration::from_millis(2));
        }
        (behind, begun.elapsed().as_secs_f64())
    }

    fn rate(&self, connections: usize, work: Work) -> Side {
        self.rate_for(connections, work, EACH)
    }

    /// Requests, or deeds of batches, a second.
    fn rate_for(&self, connections: usize, work: Work, each: Duration) -> Side {
        let (address, token) = (self.address, self.token.clone());
        let space = Arc::clone(&self.workspaces.list()[0]);
        let load = std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut callers = Vec::new();
                for n in 0..connections {
                    callers.push(Caller::connect(address, &token, n).await);
                }
                let (before, begun) = (spent(), Instant::now());
                let until = begun + each;
                let tasks: Vec<_> =
                    callers.into_iter().map(|caller| tokio::spawn(caller.work(work, until))).collect();
                let mut done = 0;
                for task in tasks {
                    done += task.await.unwrap();
                }
                let rate = f64::from(done) / begun.elapsed().as_secs_f64();
                let costs =
                    before.iter().zip(spent()).map(|(then, now)| (now - then) / f64::from(done) * 1e6);
                let (indexed, head) = (space.indexed().0, space.handle().head().seq);
                Side { rate, costs: costs.collect(), indexed: indexed as f64 / head as f64 }
            })
        });
        load.unwrap().join().unwrap()
    }

    /// The bytes of every deed that was recorded.
    fn records(&self) -> Vec<bytes::Bytes> {
        let handle = self.workspaces.list()[0].handle().clone();
        self.runtime.block_on(async {
            let mut written = Vec::new();
            while (written.len() as u64) < handle.head().seq {
                let page = handle.ledger().read(written.len() as u64, 10_000).await.unwrap();
                written.extend(page.into_iter().map(|record| record.bytes));
            }
            written
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.runtime.block_on(self.workspaces.shutdown());
    }
}

/// One caller, with one request at a time.
struct Caller {
    connection: http::Connection,
    number: usize,
    round: usize,
}

impl Caller {
    async fn connect(address: SocketAddr, token: &str, number: usize) -> Self {
        Self { connection: http::Connection::open(address, token).await.unwrap(), number, round: 0 }
    }

    async fn work(mut self, work: Work, until: Instant) -> u32 {
        let mut done = 0;
        while Instant::now() < until {
            done += self.once(work).await;
        }
        done
    }

    async fn once(&mut self, work: Work) -> u32 {
        let (number, round) = (self.number, self.round);
        self.round += 1;
        let write = |part: usize| {
            format!(
                r#"{{"entity":"crm/contact/{number}-{part}","changes":{{"status":"round {round}"}},"expected":{{"status":{round}}},"reason":"the form came in again"}}"#
            )
        };
        let (path, body, counts) = match work {
            Work::Nothing => ("/v1/writes:batch", "[]".to_owned(), 1),
            Work::Write => ("/v1/writes", write(0), 1),
            // On records of its own: the reference has written before.
            Work::Tool => {
                let arguments = write(1);
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":{round},"method":"tools/call","params":{{"name":"write_fields","arguments":{arguments}}}}}"#
                );
                ("/mcp", body, 1)
            }
            Work::Batch => {
                let writes: Vec<String> = (0..BATCH).map(write).collect();
                ("/v1/writes:batch", format!("[{}]", writes.join(",")), u32::try_from(BATCH).unwrap())
            }
        };
        let answer = self.connection.post(path, &format!("{number}-{round}"), &body).await;
        let wanted = match work {
            Work::Nothing => 0,
            Work::Write => 1,
            // As the outcome of the call, and in the answer as HTTP has it.
            Work::Tool => 2,
            Work::Batch => BATCH,
        };
        // Looked at only now and then: the load generator shares the cores.
        if round % 64 == 0 {
            let text = String::from_utf8_lossy(answer);
            assert_eq!(text.matches("\"outcome\":\"committed\"").count(), wanted, "{text}");
        }
        counts
    }
}

/// Records a second, 100 a commit, with nothing but SQLite.
fn raw(records: &[bytes::Bytes]) -> f64 {
    let directory = tempfile::TempDir::new().unwrap();
    let mut conn = Connection::open(directory.path().join("raw.db")).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE record (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT").unwrap();
    let begun = Instant::now();
    let mut seq = 0_i64;
    for batch in records.chunks(BATCH) {
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
    f64::from(u32::try_from(records.len()).unwrap()) / begun.elapsed().as_secs_f64()
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
