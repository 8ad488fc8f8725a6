//! Many who follow the deeds, some of whom read nothing: who writes hardly notices, and everybody who reads gets every deed.
//!
//! As the environment says: `DEEDS_WATCHERS` streams, of which every twentieth stalls, and `DEEDS_PACE` writes a second, as
//! fast as they come without it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;

use crate::team::{Team, measures};

/// Connections of the agent that writes.
const WRITERS: usize = 8;
/// For how long it writes.
const WRITING: Duration = Duration::from_secs(3);
/// One of so many streams is not read.
const STALLED: usize = 20;
/// How many watchers tell when each deed came.
const TIMED: usize = 8;
/// Those who watch: one may have 4,096 streams at most.
const PEOPLE: [&str; 4] = ["wanda", "wim", "wolf", "wren"];

fn said(name: &str) -> Option<usize> {
    std::env::var(name).ok().and_then(|count| count.parse().ok())
}

/// When each deed was acknowledged.
type Acknowledged = Arc<Mutex<BTreeMap<u64, Instant>>>;
/// The last deed that a watcher got, and of one that is timed when each came.
type Got = (u64, Vec<(u64, Instant)>);

/// How many writes a second come through.
fn rate(team: &Team, round: usize, acknowledged: &Acknowledged) -> u64 {
    let over = Arc::new(AtomicBool::new(false));
    let pause = said("DEEDS_PACE")
        .map(|pace| Duration::from_secs(1) * u32::try_from(WRITERS).unwrap() / u32::try_from(pace).unwrap());
    let writer = |connection: usize| {
        let (mut line, over, acknowledged) =
            (team.connect("victim"), Arc::clone(&over), Arc::clone(acknowledged));
        std::thread::spawn(move || {
            let began = Instant::now();
            let mut done = 0;
            while !over.load(Ordering::Relaxed) {
                let body = format!(
                    r#"{{"entity":"victim/{round}/{connection}","changes":{{"n":{done}}},"expected":{{"n":{done}}}}}"#
                );
                let (status, reply) = line.ask("POST", "/v1/writes", &body).unwrap();
                assert_eq!(status, 200, "{reply}");
                acknowledged.lock().unwrap().insert(reply["deed"].as_u64().unwrap(), Instant::now());
                done += 1;
                let due = pause.map_or(began, |pause| began + pause * u32::try_from(done).unwrap());
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            done
        })
    };
    let began = Instant::now();
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    std::thread::sleep(WRITING);
    over.store(true, Ordering::Relaxed);
    let done: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
    done * 1_000 / u64::try_from(began.elapsed().as_millis()).unwrap()
}

/// The numbers of the deeds in a piece of a stream; what is left of the last line stays.
fn numbers(tail: &mut Vec<u8>) -> Vec<u64> {
    let end = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let text: Vec<u8> = tail.drain(..end).collect();
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"id: "));
    lines.filter_map(|number| std::str::from_utf8(number).ok()?.trim().parse().ok()).collect()
}

/// Reads what comes; says which deed came last, and of one that is timed when each came.
async fn read(mut stream: tokio::net::TcpStream, is_timed: bool, over: Arc<AtomicBool>) -> Got {
    let (mut tail, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
    let (mut last, mut times) = (0, Vec::new());
    loop {
        match tokio::time::timeout(Duration::from_millis(500), stream.read(&mut piece)).await {
            Ok(Ok(0) | Err(_)) => return (last, times),
            Ok(Ok(read)) => {
                tail.extend_from_slice(&piece[..read]);
                let came = numbers(&mut tail);
                last = came.last().copied().unwrap_or(last);
                if is_timed {
                    times.extend(came.into_iter().map(|seq| (seq, Instant::now())));
                }
            }
            Err(_) if over.load(Ordering::Relaxed) => return (last, times),
            Err(_) => {}
        }
    }
}

/// The streams that are read, on a thread with the least priority: what reading costs the machine is not the server's doing.
fn follow(streams: Vec<std::net::TcpStream>, over: Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<Got>> {
    std::thread::spawn(move || {
        rustix::process::nice(19).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let start = |(at, stream): (usize, std::net::TcpStream)| {
                stream.set_nonblocking(true).unwrap();
                let stream = tokio::net::TcpStream::from_std(stream).unwrap();
                tokio::spawn(read(stream, at < TIMED, Arc::clone(&over)))
            };
            let tasks: Vec<_> = streams.into_iter().enumerate().map(start).collect();
            let mut got = Vec::new();
            for task in tasks {
                got.push(task.await.unwrap());
            }
            got
        })
    })
}

/// How long the slowest hundredth of the deeds took from their acknowledgement to those who tell.
fn slowest(times: &[(u64, Instant)], acknowledged: &BTreeMap<u64, Instant>) -> Duration {
    let took = |(seq, came): &(u64, Instant)| Some(came.saturating_duration_since(*acknowledged.get(seq)?));
    let mut took: Vec<Duration> = times.iter().filter_map(took).collect();
    took.sort_unstable();
    took.get(took.len() * 99 / 100).copied().unwrap_or_default()
}

#[test]
fn who_follows_takes_little_from_who_writes_and_misses_nothing() {
    let team = Team::start();
    for person in PEOPLE {
        team.invite("watcher", person);
    }
    let (acknowledged, over) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
    rate(&team, 0, &acknowledged);
    let alone = rate(&team, 1, &acknowledged);
    let count = said("DEEDS_WATCHERS").unwrap_or(100);
    let (before, lean) = (team.connect("dana").gauge("deeds_ledger_deeds", None), team.resident());
    let streams = (0..count).map(|at| {
        let mut line = team.connect(PEOPLE[at % PEOPLE.len()]);
        line.send("GET", &format!("/v1/ledger/stream?after={before}"), "").unwrap();
        line.stream.into_inner()
    });
    let (stalled, read): (Vec<_>, Vec<_>) =
        streams.enumerate().partition(|(at, _)| at % STALLED == STALLED - 1);
    let followers = follow(read.into_iter().map(|(_, stream)| stream).collect(), Arc::clone(&over));
    std::thread::sleep(Duration::from_secs(1));
    let idle = team.resident();
    let beside = rate(&team, 2, &acknowledged);
    let head = team.connect("dana").gauge("deeds_ledger_deeds", None);
    let held = team.resident();
    std::thread::sleep(Duration::from_secs(2));
    over.store(true, Ordering::Relaxed);
    let got = followers.join().unwrap();
    let times: Vec<(u64, Instant)> = got.iter().flat_map(|(_, times)| times).copied().collect();
    let p99 = slowest(&times, &acknowledged.lock().unwrap());
    println!(
        "{alone} writes a second alone, {beside} beside {count} streams, of which {} stall; delivered within {p99:?} (p99); \
         {lean} MiB before, {idle} with them, {held} when they have been told",
        stalled.len()
    );
    assert!(
        head > before && got.iter().all(|(last, _)| *last == head),
        "{head}, {:?}",
        got.iter().map(|one| one.0).min()
    );
    if measures() {
        assert!(beside * 10 >= alone * 9, "{alone} alone, {beside} beside them");
    }
}

/// Streams that are not read, and bytes of each deed.
const UNREAD: usize = 300;
const LONG: usize = 20_000;
/// Writes of each connection: together more than a stream with small buffers takes.
const LONG_WRITES: u64 = 100;
/// What each may take more once it has been told; of its own it would hold up to 256 KiB, and most did. The allocator keeps
/// up to 60 MiB of what the writes took, which is the most of it.
const MORE: u64 = 240 * 1024;

/// A follower that takes little at once, and reads nothing.
fn unread(team: &Team, runtime: &tokio::runtime::Runtime, after: u64) -> std::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let token = std::fs::read_to_string(team.home.dir.path().join("dana.token")).unwrap();
    let address = team.server.url.trim_start_matches("http://");
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
        let request = format!(
            "GET /v1/ledger/stream?after={after} HTTP/1.1\r\nHost: {address}\r\n{}\r\n\r\n",
            token.trim()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.into_std().unwrap()
    })
}

/// Deeds from all connections at once: many go out together.
fn long_writes(team: &Team, from: u64) {
    std::thread::scope(|scope| {
        for connection in 0..WRITERS {
            let mut line = team.connect("victim");
            scope.spawn(move || {
                for n in from..from + LONG_WRITES {
                    let text = format!("{n} {}", "x".repeat(LONG));
                    let body = format!(
                        r#"{{"entity":"victim/long/{connection}","changes":{{"text":"{text}"}},"expected":{{"text":{n}}}}}"#
                    );
                    let (status, reply) = line.ask("POST", "/v1/writes", &body).unwrap();
                    assert_eq!((status, &reply["outcome"]), (200, &serde_json::json!("committed")), "{reply}");
                }
            });
        }
    });
}

#[test]
fn who_reads_nothing_holds_what_all_share() {
    let team = Team::start();
    // What the writes take by themselves is there before.
    long_writes(&team, 0);
    long_writes(&team, LONG_WRITES);
    let after = team.connect("dana").gauge("deeds_ledger_deeds", None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let streams: Vec<_> = (0..UNREAD).map(|_| unread(&team, &runtime, after)).collect();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(team.connect("dana").gauge("deeds_watchers", None), UNREAD as u64);
    let idle = team.resident();
    long_writes(&team, LONG_WRITES * 2);
    let more = team.resident().saturating_sub(idle);
    println!(
        "{idle} MiB with {} streams that read nothing, {more} more when they have been told",
        streams.len()
    );
    assert!(more * 1_024 * 1_024 < UNREAD as u64 * MORE, "{more} MiB more");
}
