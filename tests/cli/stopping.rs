//! A server that is asked to stop ends in two seconds, whatever it is looking at.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::patience;
use crate::run::Home;
use crate::server::{Server, ask};

/// Two seconds, and what a loaded machine adds.
const IN_TIME: Duration = Duration::from_secs(3);

/// Asks it to stop; how it ended, and how long that took.
fn stopped(child: &mut Child, signal: Signal) -> (Option<i32>, Duration) {
    let asked = Instant::now();
    patience::signal(child, signal);
    (patience::ended(child).code(), asked.elapsed())
}

/// Two agents whose zones no bound lets tell apart: looking at them takes many times what ending may take.
fn slow_map() -> String {
    let windows: Vec<String> = (0..24).map(|at| format!("\"**/x{}\"", "/*".repeat(at))).collect();
    let far = format!("\"**/x{}/**\"", "/*".repeat(24));
    let grants = |agent: &str| {
        let writes: Vec<String> =
            (0..40).map(|at| format!("\"{}{agent}{at}/**\"", "**/x/".repeat(9))).collect();
        writes.join(", ")
    };
    format!(
        "workspace = \"default\"\n[[agent]]\nid = \"one\"\nowner = \"dana\"\nwrites = [{}]\nexcept = [{}, {far}]\n\
         [[agent]]\nid = \"two\"\nowner = \"dana\"\nwrites = [{}]\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n",
        grants("a"),
        windows.join(", "),
        grants("b"),
    )
}

#[test]
fn a_server_that_checks_a_map_ends_in_two_seconds() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let tokens = std::fs::read_dir(home.data().join("tokens")).unwrap();
    let mut admins =
        tokens.map(|file| file.unwrap().path()).filter(|file| !file.ends_with("default.first-agent"));
    let (url, token) = (server.url.clone(), admins.next().unwrap());
    let asking = std::thread::spawn(move || ask(&url, &token, "POST", "/v1/map/check", &slow_map()));
    std::thread::sleep(Duration::from_millis(700));
    assert!(!asking.is_finished(), "the map is looked at for longer than this: {:?}", asking.join());
    let asked = Instant::now();
    assert_eq!(server.signal(Signal::TERM), Some(0), "asked to stop, it ends in order");
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(3), "two seconds, and what a loaded machine adds: {took:?}");
    assert!(asking.join().unwrap().is_err(), "the question got no answer");
    // What it served before is served again.
    let again = Server::start(&home);
    drop(again);
}

/// Whoever holds the ledger keeps a start waiting for seconds.
#[test]
fn a_server_that_is_still_starting_ends_in_two_seconds() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let ledger = home.data().join("workspaces/default/ledger.db");
    let held = rusqlite::Connection::open(&ledger).unwrap();
    held.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM record WHERE 0")
        .unwrap();
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "the start waits for the ledger");
    let (status, took) = stopped(&mut child, Signal::TERM);
    assert!(status == Some(0) && took < IN_TIME, "{status:?} after {took:?}");
    drop(held);
    home.ok(&["inbox", "list"]);
}

/// A pipe that nobody reads takes no snapshot, however long one waits.
#[test]
fn a_snapshot_that_does_not_end_is_given_up_and_what_is_left_of_it_goes() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let mut server = Server::start(&home);
    let draft = home.data().join("workspaces/default/snapshot.new");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &draft,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    home.ok(&["tokens", "create", "watcher", "wall"]);
    let asked = Instant::now();
    assert_eq!(server.signal(Signal::TERM), Some(0));
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    home.ok(&["inbox", "list"]);
    assert!(!draft.exists(), "the next start takes it away");
    assert!(home.ok(&["tokens", "list"]).contains("wall"));
}

#[test]
fn a_server_under_nohup_goes_on_when_the_terminal_hangs_up() {
    let home = Home::new();
    let binary = env!("CARGO_BIN_EXE_deeds");
    let script = format!("trap '' HUP; exec {binary} serve --listen 127.0.0.1:0");
    let mut server = Server::by_script(&home, &script);
    server.send(Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    let address = server.url.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(address).is_ok(), "it is that one still");
    home.ok(&["inbox", "list"]);
    assert_eq!(server.signal(Signal::TERM), Some(0));
    // Where these tests run under `nohup` themselves, so does every server of theirs.
    let about = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = about.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    if u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 0 {
        let mut other = Server::start(&home);
        assert_eq!(other.signal(Signal::HUP), Some(0), "without nohup it ends");
    }
}
