//! Streams and answers that nobody reads, and no descriptor left: memory stays bounded, the server says what it lacks, and those
//! who are served go on.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::checker::{Book, is_well};
use crate::kills::at_work;
use crate::line::Line;
use crate::load::{self, Caller};
use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::Server;
use crate::totals;

/// The workspace's budget and 100 MiB: what the server may take, whatever its callers do or leave.
const MOST_MIB: u64 = 356;
/// Connections that nobody reads.
const UNREAD: usize = 240;
/// How many files the server may have open, and how many connections of one agent want one of them.
const FILES: usize = 80;
const WANTED: usize = 120;

fn connect(home: &Home, server: &Server, who: &str) -> Line {
    let token = std::fs::read_to_string(home.dir.path().join(format!("{who}.token"))).unwrap();
    Line::open(server.url.trim_start_matches("http://"), token.trim()).unwrap()
}

fn checked(book: &mut Book, callers: &mut [Caller], home: &Home, server: &Server) {
    for caller in callers {
        totals::none(book.check(home, server, &caller.hand_over()));
    }
}

#[test]
fn what_nobody_reads_takes_bounded_memory_and_keeps_nobody_waiting() {
    let home = Home::new();
    let mut callers = load::team(&home);
    let mut book = Book::default();
    let mut server = Server::start(&home);
    // Something to be sent: more than the system takes for a connection that nobody reads.
    let mut line = connect(&home, &server, "ann");
    let long = "x".repeat(60_000);
    for n in 0..60 {
        let body =
            json!({"entity": format!("ann/long/{n}"), "changes": {"text": long}, "expected": {"text": 0}});
        assert_eq!(line.ask("POST", "/v1/writes", &body.to_string()).unwrap().0, 200);
    }
    let mut unread: Vec<Line> = (0..UNREAD).map(|_| connect(&home, &server, "ann")).collect();
    for (n, line) in unread.iter_mut().enumerate() {
        let path = if n.is_multiple_of(2) { "/v1/ledger/stream?after=0" } else { "/v1/ledger?limit=200" };
        line.send("GET", path, "").unwrap();
    }
    let mut most = 0;
    at_work(&mut callers, &mut server, |server, _| {
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(100));
            most = most.max(server.resident());
        }
    });
    checked(&mut book, &mut callers, &home, &server);
    eprintln!("{UNREAD} connections unread: {most} MiB");
    assert!(most < MOST_MIB, "{most} MiB");
    drop(unread);
    server.signal(Signal::KILL);
    server = is_well(&home, "killed with streams that nobody read");
    at_work(&mut callers, &mut server, |_, _| std::thread::sleep(Duration::from_millis(200)));
    checked(&mut book, &mut callers, &home, &server);
    totals::say();
}

#[test]
fn a_server_without_a_descriptor_says_so_and_goes_on() {
    let home = Home::new();
    let mut callers = load::team(&home);
    let mut book = Book::default();
    let binary = env!("CARGO_BIN_EXE_deeds");
    let script = format!("ulimit -n {FILES}; exec {binary} serve --listen 127.0.0.1:0");
    let mut server = Server::by_script(&home, &script);
    let (mut ann, mut held) = (connect(&home, &server, "ann"), Vec::new());
    let mut write = |n: u64| {
        let body = json!({"entity": "ann/own", "changes": {"n": n}, "expected": {"n": n}}).to_string();
        ann.ask("POST", "/v1/writes", &body).unwrap()
    };
    at_work(&mut callers, &mut server, |server, _| {
        for n in 0..WANTED {
            // The system takes more connections than the server; those beyond are not answered, and not waited for.
            let mut line = connect(&home, server, "ben");
            line.send("GET", "/v1/whoami", "").unwrap();
            held.push(line);
            if n.is_multiple_of(10) {
                let (status, answer) = write(u64::try_from(n / 10).unwrap());
                assert_eq!((status, &answer["outcome"]), (200, &json!("committed")), "{answer}");
            }
        }
        std::thread::sleep(Duration::from_millis(300));
    });
    let log = || std::fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    assert!(log().contains("a connection could not be accepted"), "it says so: {}", log());
    assert!(!log().contains("panicked"), "{}", log());
    drop(held);
    // Those who waited let go: whoever comes now is served.
    let end = Instant::now() + PATIENCE;
    let mut dana = connect(&home, &server, "dana");
    let (status, _) = dana.exchange("GET", "/readyz", "", "").unwrap();
    assert!(status == 200 && Instant::now() < end, "{status}");
    at_work(&mut callers, &mut server, |_, _| std::thread::sleep(Duration::from_millis(200)));
    checked(&mut book, &mut callers, &home, &server);
    assert_eq!(server.signal(Signal::TERM), Some(0), "it ends in order");
    let server = is_well(&home, "after it had no descriptor");
    checked(&mut book, &mut callers, &home, &server);
    totals::say();
}
