//! Ten thousand workspaces on one node: the program itself as a process of its own, asked through the API and by its commands.
//!
//! `cargo bench --bench many -- 10000` makes that many, one of them with 10,000 deeds, and prints what each costs beside a server that
//! has its home only; what lists and commands take with all of them; how long the first request of a closed one takes; threads, files and the
//! slowest answer with 100 busy; how late what fell due in closed ones is recorded; backup, restore and verify of all. Beside the times stands
//! `fdatasync` of the same run. `DEEDS_MANY_DIR` keeps them in that directory, and finds them there; `DEEDS_PROGRAM` measures another build.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that meets an error has no result"
)]

#[path = "../common/http.rs"]
mod http;
mod process;

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deeds::domain::time::Time;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use http::Connection;
use process::{Cost, Server, program};

const MANY: usize = 10_000;
const BUSY: usize = 100;
/// How many deeds the one has that is opened cold.
const DEEDS: usize = 10_000;
const TIMES: usize = 5;
/// How long one stays open that nobody asks for, as the servers here are set.
const IDLE: Duration = Duration::from_secs(4);
/// Until what was opened is closed, and threads that nobody needs have ended.
const QUIET: Duration = Duration::from_secs(20);
const HOME: &str = "default";
/// With what the file of a token begins.
const HEADER: &str = "Authorization: Bearer ";
/// How long items and leases of this map's workspaces have.
const SPAN: Duration = Duration::from_secs(40);
const MAP: &str = r#"
mode = "enforce"
[[agent]]
id = "writer"
role = "Writes"
owner = "dana"
writes = ["notes/*"]
[[queue]]
name = "inbox"
owner = "dana"
sla = "40s"
review = "daily 09:00"
"#;

fn main() {
    let many = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(MANY);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kept = std::env::var_os("DEEDS_MANY_DIR").map(PathBuf::from);
    let (scratch, bare) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let data = kept.unwrap_or_else(|| scratch.path().join("data"));
    fs::create_dir_all(&data).unwrap();
    for directory in [&data, bare.path()] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    }
    println!("fdatasync of this disk: {:?}", synced(bare.path()));
    let empty = Server::start(bare.path(), IDLE);
    std::thread::sleep(QUIET);
    let alone = empty.cost();
    println!("a server with its home only: {alone:?}");
    drop(empty);

    let node = Node { data, many, runtime };
    node.make();
    let server = node.idle(&alone);
    node.lists(&server);
    let server = node.cold(server);
    node.busy(&server);
    node.due(&server);
    drop(server);
    node.commands(scratch.path());
}

/// What a small write and its sync take, the median.
fn synced(directory: &Path) -> Duration {
    let mut file = fs::File::create(directory.join("sync")).unwrap();
    let mut times: Vec<Duration> = (0..64)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    fs::remove_file(directory.join("sync")).unwrap();
    times.sort_unstable();
    times[times.len() / 2]
}

/// The directory, and who asks.
struct Node {
    data: PathBuf,
    many: usize,
    runtime: Runtime,
}

impl Node {
    fn name(number: usize) -> String {
        format!("team-{number:05}")
    }

    fn token_file(&self, workspace: &str) -> PathBuf {
        self.data.join("tokens").join(format!("{workspace}.dana"))
    }

    fn token(&self, workspace: &str) -> String {
        let kept = fs::read_to_string(self.token_file(workspace)).unwrap();
        kept.trim().strip_prefix(HEADER).unwrap().to_owned()
    }

    async fn ask(server: &Server, token: &str, first: &str, body: &str) -> String {
        let mut connection = Connection::open(server.address, token).await.unwrap();
        String::from_utf8(connection.ask(first, body).await.to_owned()).unwrap()
    }

    /// The answer to a `GET`, and how long it took with its connection.
    fn get(&self, server: &Server, token: &str, path: &str) -> (String, Duration) {
        let begun = Instant::now();
        let answer = self.runtime.block_on(Self::ask(server, token, &format!("GET {path} HTTP/1.1"), ""));
        (answer, begun.elapsed())
    }

    /// Makes those that are not there yet, and fills the last one.
    fn make(&self) {
        let server = Server::start(&self.data, IDLE);
        let missing: Vec<String> =
            (0..self.many).map(Self::name).filter(|name| !self.token_file(name).exists()).collect();
        let home = self.token(HOME);
        let mut times = Vec::new();
        self.runtime.block_on(async {
            let mut connection = Connection::open(server.address, &home).await.unwrap();
            for name in &missing {
                let begun = Instant::now();
                let body = json!({ "workspace": name }).to_string();
                let answer = connection.ask("POST /v1/workspaces HTTP/1.1", &body).await;
                let answer: Value = serde_json::from_slice(answer).unwrap();
                times.push(begun.elapsed());
                let mut options = fs::OpenOptions::new();
                let kept = options.write(true).create_new(true).mode(0o600).open(self.token_file(name));
                writeln!(kept.unwrap(), "{HEADER}{}", answer["token"].as_str().unwrap()).unwrap();
            }
            self.fill(&server).await;
        });
        if !times.is_empty() {
            let some = times.len().div_ceil(10);
            let of = |part: &[Duration]| part.iter().sum::<Duration>() / u32::try_from(part.len()).unwrap();
            let (first, last) = (of(&times[..some]), of(&times[times.len() - some..]));
            println!(
                "made {}: {:?} each; of the first tenth {first:?}, of the last {last:?}",
                times.len(),
                of(&times)
            );
        }
        println!("stopped in {:?}", server.stop());
    }

    /// Imports deeds into the last one until it has as many as it is to have.
    async fn fill(&self, server: &Server) {
        let token = self.token(&Self::name(self.many - 1));
        let board = Self::ask(server, &token, "GET /v1/board HTTP/1.1", "").await;
        let board: Value = serde_json::from_str(&board).unwrap();
        if board["seq"].as_u64().unwrap() >= DEEDS as u64 {
            return;
        }
        for from in (0..DEEDS).step_by(250) {
            let line = |number: usize| {
                json!({"source": "tracker", "id": number, "actor": "intake", "time": "2026-02-14T08:11:00Z",
                    "entity": format!("issue/{number}"), "changes": {"status": {"before": null, "after": "open"}}})
            };
            let lines: Vec<Value> = (from..from + 250).map(line).collect();
            let mut connection = Connection::open(server.address, &token).await.unwrap();
            connection.post("/v1/imports", &format!("from-{from}"), &json!(lines).to_string()).await;
        }
    }

    /// Starts it with all of them closed, and says what they cost.
    fn idle(&self, alone: &Cost) -> Server {
        let server = Server::start(&self.data, IDLE);
        println!("started with {} closed in {:?}: {:?}", self.many, server.started, server.cost());
        std::thread::sleep(QUIET);
        let idle = server.cost();
        let each = idle.bytes.saturating_sub(alone.bytes) / self.many as u64;
        println!("all idle: {idle:?}, {each} bytes for each; most so far {} MiB", idle.peak >> 20);
        server
    }

    /// What knows of all of them, by the API.
    fn lists(&self, server: &Server) {
        let home = self.token(HOME);
        let (mut after, mut listed, mut times) = (String::new(), 0, Vec::new());
        loop {
            let (page, took) = self.get(server, &home, &format!("/v1/workspaces{after}"));
            let page: Value = serde_json::from_str(&page).unwrap();
            listed += page["workspaces"].as_array().unwrap().len();
            times.push(took);
            let Some(next) = page["next"].as_str() else { break };
            after = format!("?page={next}");
        }
        assert_eq!(listed, self.many + 1);
        let most = times.iter().max().unwrap();
        println!(
            "listed {listed} in {:?}: {} pages, the slowest {most:?}",
            times.iter().sum::<Duration>(),
            times.len()
        );
        for path in ["/readyz", "/healthz", "/metrics"] {
            let (answer, took) = self.get(server, &home, path);
            println!("{path}: {took:?}, {} bytes", answer.len());
        }
    }

    /// The first request of the one with many deeds: after it was closed for idleness, and after the start of a server.
    fn cold(&self, server: Server) -> Server {
        let token = self.token(&Self::name(self.many - 1));
        let first = |server: &Server| self.get(server, &token, "/v1/whoami").1;
        let mut idle = Vec::new();
        for _ in 0..TIMES {
            idle.push(first(&server));
            std::thread::sleep(IDLE + Duration::from_secs(4));
        }
        let warm = [first(&server), first(&server)][1];
        println!("first request of a closed one of {DEEDS} deeds: {idle:?}; of an open one {warm:?}");
        let (mut server, mut started, mut stopped) = (server, Vec::new(), Vec::new());
        let mut cold = Vec::new();
        for _ in 0..TIMES {
            stopped.push(server.stop());
            server = Server::start(&self.data, IDLE);
            started.push(server.started);
            cold.push(first(&server));
        }
        println!(
            "after a start of the server: {cold:?}; it started in {started:?} and stopped in {stopped:?}"
        );
        server
    }

    /// Writes to some at once, each on a connection of its own.
    fn busy(&self, server: &Server) {
        let until = Instant::now() + Duration::from_secs(20);
        let (mut most, mut times) = (server.cost(), Vec::new());
        self.runtime.block_on(async {
            let mut tasks = Vec::new();
            for number in 0..BUSY.min(self.many) {
                let mut connection =
                    Connection::open(server.address, &self.token(&Self::name(number))).await.unwrap();
                tasks.push(tokio::spawn(async move {
                    let mut times = Vec::new();
                    while Instant::now() < until {
                        let begun = Instant::now();
                        let body = json!({"class": "watcher", "name": "vera"}).to_string();
                        connection.ask("POST /v1/tokens HTTP/1.1", &body).await;
                        times.push(begun.elapsed());
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    times
                }));
            }
            while Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(200)).await;
                most = most.most(&server.cost());
            }
            for task in tasks {
                times.push(task.await.unwrap());
            }
        });
        let firsts = times.iter().map(|times| times[0]).max().unwrap();
        let mut rest: Vec<Duration> = times.into_iter().flat_map(|times| times.into_iter().skip(1)).collect();
        rest.sort_unstable();
        let quantile = |part: usize| rest[(rest.len() - 1) * part / 100];
        println!("{BUSY} busy: {most:?}; {}", server.named());
        println!(
            "  {} writes: p50 {:?}, p99 {:?}, the slowest {:?}; the slowest first one, which opens {firsts:?}",
            rest.len(),
            quantile(50),
            quantile(99),
            quantile(100),
        );
    }

    /// Items and leases fall due in closed ones, all of them at nearly the same time.
    fn due(&self, server: &Server) {
        let names: Vec<String> = (0..BUSY.min(self.many)).map(Self::name).collect();
        let (mut set, begun) = (Vec::new(), Instant::now());
        for name in &names {
            set.push(self.runtime.block_on(Self::set_due(server, &self.token(name), name)));
        }
        let within = begun.elapsed();
        let mut open = 0;
        for _ in 0..3 {
            std::thread::sleep(SPAN / 2);
            open = open.max(self.open(server));
        }
        let all = names.iter().zip(&set).flat_map(|(name, after)| self.late(server, name, *after));
        let mut late: Vec<(Duration, &str)> = all.collect();
        late.sort_unstable();
        for kind in KINDS.map(|(_, kind)| kind) {
            let of: Vec<Duration> = late.iter().filter(|one| one.1 == kind).map(|one| one.0).collect();
            assert_eq!(of.len(), names.len(), "{kind}");
            println!(
                "{kind} in {} closed ones within {within:?}: {:?} late in the middle, {:?} at most",
                of.len(),
                of[of.len() / 2],
                of[of.len() - 1]
            );
        }
        println!("  meanwhile {open} were open");
    }

    fn open(&self, server: &Server) -> u64 {
        let (metrics, _) = self.get(server, &self.token(HOME), "/metrics");
        let line = metrics.lines().find(|line| line.starts_with("deeds_workspaces_open{")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// An item and a lease that end after the same time; the number of a deed before them.
    async fn set_due(server: &Server, admin: &str, name: &str) -> u64 {
        let map: Value =
            serde_json::from_str(&Self::ask(server, admin, "GET /v1/map HTTP/1.1", "").await).unwrap();
        let version = map["version"].as_u64().unwrap();
        let put = format!("PUT /v1/map?reason=measured HTTP/1.1\r\nif-match: \"{version}\"");
        Self::ask(server, admin, &put, &format!("workspace = \"{name}\"{MAP}")).await;
        let agent = async |name: &str| {
            let body = json!({"class": "agent", "name": name}).to_string();
            let token = Self::ask(server, admin, "POST /v1/tokens HTTP/1.1", &body).await;
            serde_json::from_str::<Value>(&token).unwrap()["token"].as_str().unwrap().to_owned()
        };
        let (writer, unknown) = (agent("writer").await, agent("unknown").await);
        let lease =
            json!({"target": {"path": "notes/one"}, "ttl": format!("{}s", SPAN.as_secs())}).to_string();
        Self::ask(server, &writer, "POST /v1/leases HTTP/1.1", &lease).await;
        let write =
            json!({"entity": "other/two", "changes": {"text": "hello"}, "expected": {"text": 0}}).to_string();
        let escalated = Self::ask(server, &unknown, "POST /v1/writes HTTP/1.1", &write).await;
        assert!(escalated.contains("escalated"), "{escalated}");
        map["seq"].as_u64().unwrap()
    }

    /// How much later than it was due each kind was recorded, as the ledger says.
    fn late(&self, server: &Server, name: &str, after: u64) -> Vec<(Duration, &'static str)> {
        let (ledger, _) = self.get(server, &self.token(name), &format!("/v1/ledger?after={after}"));
        let ledger: Value = serde_json::from_str(&ledger).unwrap();
        let when = |kind: &str| {
            let deeds = ledger["deeds"].as_array().unwrap().iter().map(|entry| &entry["deed"]);
            let times = deeds.filter(|deed| deed["type"] == kind).map(|deed| deed["time"].as_str().unwrap());
            times
                .map(|time| time.parse::<Time>().unwrap())
                .max()
                .unwrap_or_else(|| panic!("no {kind}: {ledger}"))
        };
        let since = |(first, last): (&str, &'static str)| {
            let micros = u64::try_from(when(last).since(when(first)).micros()).unwrap();
            (Duration::from_micros(micros).checked_sub(SPAN).unwrap(), last)
        };
        KINDS.map(since).to_vec()
    }

    /// What commands take on all of them, while no server runs.
    fn commands(&self, scratch: &Path) {
        let of = |parts: &[&dyn AsRef<OsStr>]| {
            parts.iter().map(|part| part.as_ref().to_owned()).collect::<Vec<_>>()
        };
        let (one, some, all) = (scratch.join("one.tar"), scratch.join("some.tar"), scratch.join("all.tar"));
        let restored = scratch.join("restored");
        let named: Vec<String> = (0..BUSY.min(self.many)).map(Self::name).collect();
        let mut backup_some = of(&[&"backup", &some]);
        backup_some.extend(named.iter().map(Into::into));
        for (what, arguments, data) in [
            ("the list of workspaces", of(&[&"workspaces"]), &self.data),
            ("doctor", of(&[&"doctor"]), &self.data),
            ("backup of one", of(&[&"backup", &one, &named[0]]), &self.data),
            ("backup of some", backup_some, &self.data),
            ("backup of all", of(&[&"backup", &all]), &self.data),
            ("restore of all", of(&[&"restore", &all]), &restored),
            ("verify of all that was restored", of(&[&"verify"]), &restored),
        ] {
            let begun = Instant::now();
            let mut command = Command::new(program());
            command.args(arguments).arg("--data-dir").arg(data).stdin(Stdio::null());
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            let lines = String::from_utf8_lossy(&output.stdout).lines().count();
            println!("{what}: {:?}, {lines} lines, {} {told}", begun.elapsed(), output.status);
        }
    }
}

/// What begins, and what tells that its time is over.
const KINDS: [(&str, &str); 2] =
    [("deeds.item.opened", "deeds.item.overdue"), ("deeds.lease.granted", "deeds.lease.lapsed")];
