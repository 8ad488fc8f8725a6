//! Ten thousand workspaces on one node. A measurement of many minutes: `cargo test --release --test server ten_thousand -- --ignored --nocapture`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::domain::things::Keeping;
use deeds::domain::time::Span;
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

use super::support::{Caller, Server};

/// How many there are, how many of them are busy, and how many deeds the cold one has.
const BUSY: usize = 100;
const DEEDS: u64 = 10_000;

fn many() -> usize {
    std::env::var("DEEDS_MANY").ok().and_then(|many| many.parse().ok()).unwrap_or(10_000)
}

/// What the system says of a process: resident bytes, threads, open files.
#[derive(Debug, Clone, Copy)]
struct Cost {
    bytes: u64,
    threads: usize,
    files: usize,
}

fn cost(process: u32) -> Cost {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    Cost { bytes: line("VmRSS:") * 1024, threads: usize::try_from(line("Threads:")).unwrap(), files }
}

/// The threads of a process by name, and the files by kind.
fn named(process: u32) -> String {
    let mut names = std::collections::BTreeMap::<String, usize>::new();
    for task in std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        *names
            .entry(name.trim().trim_end_matches(|sign: char| sign.is_ascii_digit()).to_owned())
            .or_default() += 1;
    }
    for file in std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten() {
        let Ok(target) = std::fs::read_link(file.path()) else { continue };
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.contains(".db") {
            *names.entry(name).or_default() += 1;
        }
    }
    format!("{names:?}")
}

/// A server in a process of its own, on a directory that is there.
struct Alone {
    child: std::process::Child,
    base: String,
}

impl Alone {
    fn start(data: &Path) -> Self {
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deeds"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
        command.env("DEEDS_WORKSPACES_IDLE", "5s").env("DEEDS_PERSON", "dana").env("DEEDS_LOG", "warn");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("serving ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, base }
    }

    fn cost(&self) -> Cost {
        cost(self.child.id())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of many minutes, which prints what ten thousand workspaces cost"]
async fn ten_thousand_workspaces_cost_what_is_busy() {
    let keeping = Keeping { most: 0, open: 64, idle: Span::from_micros(60_000_000) };
    let server = Server::start_keeping(keeping).await;
    let dana = PersonId::new("dana").unwrap();
    let name = |number: usize| WorkspaceId::new(&format!("team-{number:05}")).unwrap();
    let began = Instant::now();
    let mut tokens = Vec::new();
    let bare = tempfile::TempDir::new().unwrap();
    for number in 0..many() {
        let token = server.workspaces.create(&name(number), &dana, None).await.unwrap();
        tokens.push(token.expose());
    }
    println!("made {} in {:?}", many(), began.elapsed());
    let last = tokens.last().unwrap().clone();
    fill(&Caller::new(&server.base, last.clone())).await;
    let home = server.dana.token.clone();
    let data = server.stop().await;

    let empty = Alone::start(bare.path());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let bare_cost = empty.cost();
    drop(empty);
    let began = Instant::now();
    let alone = Alone::start(data.path());
    println!("a server of them all is up after {:?}", began.elapsed());
    // Threads that nobody needs any more end after ten seconds, and their memory goes with them.
    tokio::time::sleep(Duration::from_secs(40)).await;
    let idle = alone.cost();
    let each = idle.bytes.saturating_sub(bare_cost.bytes) / many() as u64;
    println!(
        "an empty one {bare_cost:?}; all idle {idle:?}: {each} bytes for each; {}",
        named(alone.child.id())
    );
    assert!(each <= 64 * 1024, "{each} bytes for each idle one");

    let cold = Caller::new(&alone.base, last);
    let warm = Caller::new(&alone.base, home);
    assert_eq!(warm.get("/v1/whoami").await.status, 200);
    let mut firsts = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let first = cold.get("/v1/whoami").await;
        firsts.push(began.elapsed());
        assert_eq!(first.status, 200, "{}", first.text);
        tokio::time::sleep(Duration::from_secs(8)).await;
    }
    println!("first requests of a cold one of {DEEDS} deeds: {firsts:?}");

    let began = Instant::now();
    let listed = warm.client().workspaces().await.unwrap();
    println!("listed {} in {:?}", listed.workspaces.len(), began.elapsed());
    assert_eq!(listed.workspaces.len(), many() + 1);

    let busy: Vec<Caller> =
        tokens.iter().take(BUSY).map(|token| Caller::new(&alone.base, token.clone())).collect();
    let (most, asked, slowest) = under_load(&alone, &busy).await;
    println!("{BUSY} busy: {most:?}, {asked} requests, the slowest {slowest:?}");
    assert!(most.files <= 2_000, "{most:?}");
    backed_up(data.path().to_owned()).await;
    drop(alone);
}

/// Imports so many deeds into a workspace.
async fn fill(admin: &Caller) {
    for from in (0..DEEDS).step_by(250) {
        let line = |number: u64| {
            json!({"source": "tracker", "id": number, "actor": "intake", "time": "2026-02-14T08:11:00Z",
                "entity": format!("issue/{number}"), "changes": {"status": {"before": null, "after": "open"}}})
        };
        let lines: Vec<Json> = (from..from + 250).map(line).collect();
        let answer = admin.post("/v1/imports", json!(lines)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let head = admin.get("/v1/board").await["seq"].as_u64().unwrap();
    assert!(head > DEEDS, "{head}");
}

/// Asks each for some seconds; what it costs at most, how many requests were answered, and the slowest of them.
async fn under_load(alone: &Alone, busy: &[Caller]) -> (Cost, u64, Duration) {
    let ended = Arc::new(AtomicBool::new(false));
    let (asked, slowest) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let callers = busy.iter().enumerate().map(|(number, caller)| {
        let (caller, ended) = (caller.clone(), Arc::clone(&ended));
        let (asked, slowest) = (Arc::clone(&asked), Arc::clone(&slowest));
        tokio::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let began = Instant::now();
                let token = caller.post("/v1/tokens", json!({"class": "watcher", "name": "vera"})).await;
                assert_eq!(token.status, 200, "workspace {number}: {}", token.text);
                slowest.fetch_max(u64::try_from(began.elapsed().as_micros()).unwrap(), Ordering::Relaxed);
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut most = alone.cost();
    for _ in 0..80 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = alone.cost();
        let max = |one: usize, other: usize| one.max(other);
        most = Cost {
            bytes: most.bytes.max(now.bytes),
            threads: max(most.threads, now.threads),
            files: max(most.files, now.files),
        };
    }
    println!("at work: {}", named(alone.child.id()));
    ended.store(true, Ordering::Relaxed);
    for done in join_all(callers).await {
        done.unwrap();
    }
    (most, asked.load(Ordering::Relaxed), Duration::from_micros(slowest.load(Ordering::Relaxed)))
}

/// Everything in one backup beside the server, restored elsewhere and verified there.
async fn backed_up(data: PathBuf) {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let file = elsewhere.path().join("all.tar");
    let deeds = |arguments: Vec<std::ffi::OsString>| {
        let began = Instant::now();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_deeds"));
        let output = command.args(&arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        println!("{} took {:?}", arguments.first().unwrap().display(), began.elapsed());
    };
    let restored = elsewhere.path().join("restored");
    let theirs = file.clone();
    tokio::task::spawn_blocking(move || {
        let of = |parts: &[&std::ffi::OsStr]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        deeds(of(&["backup".as_ref(), theirs.as_os_str(), "--data-dir".as_ref(), data.as_os_str()]));
        deeds(of(&["restore".as_ref(), theirs.as_os_str(), "--data-dir".as_ref(), restored.as_os_str()]));
        deeds(of(&["verify".as_ref(), "--data-dir".as_ref(), restored.as_os_str()]));
    })
    .await
    .unwrap();
}
