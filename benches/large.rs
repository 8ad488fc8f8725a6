//! A workspace larger than memory: the program itself as a process of its own, written to through the API.
//!
//! `cargo bench --bench large -- 1000000` makes that many entities with three fields, each write with an idempotency key, on
//! 64 connections; the rate and the latencies at the beginning and at the end; *P14*, what the process keeps resident beside
//! the bytes of ids and values; how long it takes to stop, and to start to its first answer (*P6*). With a second number so
//! many deeds are there before that: the entities are written again. *P5*: the latency of writes at half the rate that was
//! reached, beside `fdatasync` of the same run. `DEEDS_VALUES_CACHE` is the setting of the program itself.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench that meets an error has no result"
)]

#[path = "common/http.rs"]
mod http;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use deeds::coordinator::Clock;
use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::domain::map::parse::parse;
use deeds::domain::things::TokenClass;
use deeds::server::Workspaces;
use http::Connection;

const CONNECTIONS: usize = 64;
const ENTITIES: usize = 1_000_000;
/// How long the writes at half the rate go on.
const PACED: Duration = Duration::from_secs(10);
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

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let entities = asked.first().copied().unwrap_or(ENTITIES);
    let deeds = asked.get(1).copied().unwrap_or(entities).max(entities);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = TempDir::new().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let token = runtime.block_on(found(directory.path()));
    let (mut server, _) = Server::start(directory.path(), &runtime, &token);
    println!("started empty: {} MiB resident", server.resident());

    let first = server.write(&runtime, &token, 0..entities, entities);
    first.print("each entity once");
    let mut written = entities;
    while written < deeds {
        let until = (written + entities).min(deeds);
        server.write(&runtime, &token, written..until, entities).print("again");
        written = until;
    }
    let bytes: usize = (0..entities).map(|n| body(n, entities).1).sum();
    let kept = server.resident();
    println!(
        "{entities} entities, {written} deeds: {kept} MiB resident; ids and values are {} MiB: P14 {:.1}",
        bytes >> 20,
        kept as f64 / (bytes as f64 / f64::from(1 << 20)),
    );
    paced(&server, &runtime, &token, first.rate / 2.0, (written, entities));

    let stopped = server.stop();
    let (mut server, ready) = Server::start(directory.path(), &runtime, &token);
    println!("SIGTERM to the end: {stopped:?}; start to the first answer, a write: {ready:?}");
    println!("started with {written} deeds: {} MiB resident", server.resident());
    let (size, files) = on_disk(directory.path());
    println!("on disk: {} MiB in {files} files", size >> 20);
    server.stop();
}

/// The workspace and its agent's token.
async fn found(directory: &Path) -> String {
    let workspaces = Workspaces::open(directory, Clock::System).await.unwrap();
    let (id, dana) = (WorkspaceId::new("bench").unwrap(), PersonId::new("dana").unwrap());
    workspaces.create(&id, &dana, Some(parse(MAP).applicable().unwrap())).await.unwrap();
    let token = workspaces.issue(&id, TokenClass::Agent, "writer", None).await.unwrap().expose();
    workspaces.shutdown().await;
    token
}

/// The `n`th write where so many entities are written in turns, and how many bytes of ids and values are in it.
fn body(n: usize, entities: usize) -> (String, usize) {
    let (path, before) = (format!("crm/contact/{:012}", n % entities * 7_919), n / entities);
    let values = [format!("round {n}"), format!("{n}@example.com"), format!("owner of {n}")];
    let [status, email, owner] = &values;
    let names = "statusemailowner".len();
    let bytes = path.len() + names + values.iter().map(|value| value.len() + 2).sum::<usize>();
    let body = format!(
        r#"{{"entity":"{path}","changes":{{"status":"{status}","email":"{email}","owner":"{owner}"}},"expected":{{"status":{before},"email":{before},"owner":{before}}},"reason":"the form came in"}}"#
    );
    (body, bytes)
}

/// `deeds serve` at work.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it, and says how long it took to the first write.
    fn start(directory: &Path, runtime: &Runtime, token: &str) -> (Self, Duration) {
        let begun = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_deeds"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory)
            .envs(
                ["ENTITIES", "KEYS", "AGENT_KEYS", "AGENT_RATE"]
                    .map(|what| (format!("DEEDS_BUDGET_{what}"), "1000000000")),
            )
            .env("DEEDS_BUDGET_VALUES", "1024GiB")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.by_ref().map(Result::unwrap).find_map(|line| {
            let (_, after) = line.split_once("http://")?;
            after.split(|c: char| c.is_whitespace() || c == '/').next()?.parse().ok()
        });
        let server = Self { process, address: address.unwrap() };
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        runtime.block_on(async {
            let mut connection = Connection::open(server.address, token).await.unwrap();
            let body =
                r#"{"entity":"crm/contact/ready","changes":{"status":"up"},"reason":"it has started"}"#;
            connection.post("/v1/writes", &format!("ready-{}", server.address.port()), body).await;
        });
        (server, begun.elapsed())
    }

    /// Writes the deeds of those numbers on all connections, in turns.
    fn write(&self, runtime: &Runtime, token: &str, numbers: Range<usize>, entities: usize) -> Times {
        let begun = Instant::now();
        let (count, first) = (numbers.len(), numbers.start);
        let mut times = runtime.block_on(async {
            let mut tasks = Vec::new();
            for caller in 0..CONNECTIONS {
                let mut connection = Connection::open(self.address, token).await.unwrap();
                tasks.push(tokio::spawn(async move {
                    let mut times = Vec::with_capacity(count / CONNECTIONS + 1);
                    for n in (caller..count).step_by(CONNECTIONS) {
                        let (text, _) = body(first + n, entities);
                        let sent = Instant::now();
                        let answer = connection.post("/v1/writes", &format!("w{}", first + n), &text).await;
                        times.push((sent.duration_since(begun), sent.elapsed()));
                        // Looked at only now and then: the load shares the cores.
                        if n % 61 == 0 {
                            let answer = String::from_utf8_lossy(answer);
                            assert!(answer.contains(r#""outcome":"committed""#), "{answer}");
                        }
                    }
                    times
                }));
            }
            let mut all = Vec::with_capacity(count);
            for task in tasks {
                all.extend(task.await.unwrap());
            }
            all
        });
        times.sort_unstable();
        Times { rate: count as f64 / begun.elapsed().as_secs_f64(), times }
    }

    /// MiB of memory that the process has now.
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }

    fn stop(&mut self) -> Duration {
        let begun = Instant::now();
        Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        self.process.wait().unwrap();
        begun.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().unwrap_or_default();
    }
}

/// When each write was sent, and how long it took.
struct Times {
    rate: f64,
    times: Vec<(Duration, Duration)>,
}

impl Times {
    fn print(&self, what: &str) {
        let tenth = (self.times.len() / 10).max(1);
        let (begin, end) = (&self.times[..tenth], &self.times[self.times.len() - tenth..]);
        let rate = |part: &[(Duration, Duration)]| {
            let (first, last) = (part[0], part[part.len() - 1]);
            part.len() as f64 / last.0.saturating_sub(first.0).as_secs_f64().max(f64::EPSILON)
        };
        println!("{what}: {:.0} writes a second", self.rate);
        for (name, part) in [("the first tenth", begin), ("the last tenth", end)] {
            let [half, most] = quantiles(part.iter().map(|(_, took)| *took));
            println!("  {name}: {:.0} a second, p50 {half:?}, p99 {most:?}", rate(part));
        }
        println!("  the end is {:.2} of the beginning", rate(end) / rate(begin));
    }
}

/// The median, and what one in a hundred is above.
fn quantiles(times: impl Iterator<Item = Duration>) -> [Duration; 2] {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 99 / 100]]
}

/// P5: writes at that rate, each sent when its time has come, beside `fdatasync`.
fn paced(server: &Server, runtime: &Runtime, token: &str, rate: f64, (written, entities): (usize, usize)) {
    let [_, synced] = sync_times();
    let each = Duration::from_secs_f64(CONNECTIONS as f64 / rate);
    let times = runtime.block_on(async {
        let begun = Instant::now();
        let mut tasks = Vec::new();
        for caller in 0..CONNECTIONS {
            let mut connection = Connection::open(server.address, token).await.unwrap();
            let mut due = begun + each.mul_f64(caller as f64 / CONNECTIONS as f64);
            tasks.push(tokio::spawn(async move {
                let mut times = Vec::new();
                let mut n = caller;
                while begun.elapsed() < PACED {
                    tokio::time::sleep_until(due.into()).await;
                    let (text, _) = body(written + n, entities);
                    connection.post("/v1/writes", &format!("p{n}"), &text).await;
                    // What was late for its time waited for its connection, too.
                    times.push(due.elapsed());
                    (due, n) = (due + each, n + CONNECTIONS);
                }
                times
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all
    });
    let [half, most] = quantiles(times.into_iter());
    let over = most.saturating_sub(Duration::from_millis(2)).as_secs_f64() / synced.as_secs_f64();
    println!(
        "P5 at {rate:.0} a second: p50 {half:?}, p99 {most:?}; fdatasync p99 {synced:?}: {over:.1} times, + 2 ms"
    );
}

/// How long the disk takes to make a small write durable.
fn sync_times() -> [Duration; 2] {
    use std::os::unix::fs::FileExt as _;
    let file = tempfile::tempfile().unwrap();
    quantiles((0..2_000).map(|n| {
        file.write_all_at(&[1; 4096], n * 4096).unwrap();
        let begun = Instant::now();
        file.sync_data().unwrap();
        begun.elapsed()
    }))
}

/// Bytes and files below a folder.
fn on_disk(folder: &Path) -> (u64, usize) {
    let mut all = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (size, files) = match entry.metadata().unwrap() {
            about if about.is_dir() => on_disk(&entry.path()),
            about => (about.len(), 1),
        };
        all = (all.0 + size, all.1 + files);
    }
    all
}
