//! Many who follow the deeds: who writes hardly notices, and everybody gets every deed.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::team::{Line, Team, measures};

/// Connections of the agent that writes.
const WRITERS: usize = 8;
/// For how long it writes.
const WRITING: Duration = Duration::from_secs(2);

fn watchers() -> usize {
    std::env::var("DEEDS_WATCHERS").ok().and_then(|count| count.parse().ok()).unwrap_or(100)
}

/// How many writes a second come through.
fn rate(team: &Team, round: usize) -> u64 {
    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = |connection: usize| {
        let (mut line, over, done) = (team.connect("victim"), Arc::clone(&over), Arc::clone(&done));
        std::thread::spawn(move || {
            for n in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let body = format!(
                    r#"{{"entity":"victim/{round}/{connection}","changes":{{"n":{n}}},"expected":{{"n":{n}}}}}"#
                );
                assert_eq!(line.ask("POST", "/v1/writes", &body).unwrap().0, 200);
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let began = Instant::now();
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    std::thread::sleep(WRITING);
    over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().unwrap();
    }
    done.load(Ordering::Relaxed) * 1_000 / u64::try_from(began.elapsed().as_millis()).unwrap()
}

/// Reads what comes until it is over, with the least priority and no look at it: what reading costs the machine is not the server's
/// doing. Says which deed came last.
fn read(mut line: Line, over: &AtomicBool) -> u64 {
    rustix::process::nice(19).unwrap();
    let stream = line.stream.get_mut();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let (mut tail, mut piece) = (Vec::new(), vec![0; 256 * 1024]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                tail.extend_from_slice(&piece[..read]);
                tail.drain(..tail.len().saturating_sub(8 * 1024));
            }
            Err(_) if over.load(Ordering::Relaxed) => break,
            Err(_) => {}
        }
    }
    let text = String::from_utf8_lossy(&tail);
    text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).next_back().unwrap_or_default()
}

#[test]
fn who_follows_takes_little_from_who_writes_and_misses_nothing() {
    let team = Team::start();
    team.invite("watcher", "wanda");
    rate(&team, 0);
    let alone = rate(&team, 1);
    let over = Arc::new(AtomicBool::new(false));
    let count = watchers();
    let before = team.connect("dana").gauge("deeds_ledger_deeds", None);
    let followers: Vec<_> = (0..count)
        .map(|_| {
            let (mut line, over) = (team.connect("wanda"), Arc::clone(&over));
            line.send("GET", &format!("/v1/ledger/stream?after={before}"), "").unwrap();
            std::thread::spawn(move || read(line, &over))
        })
        .collect();
    let beside = rate(&team, 2);
    let head = team.connect("dana").gauge("deeds_ledger_deeds", None);
    std::thread::sleep(Duration::from_secs(2));
    over.store(true, Ordering::Relaxed);
    let got: Vec<u64> = followers.into_iter().map(|follower| follower.join().unwrap()).collect();
    println!("{alone} writes a second alone, {beside} beside {count} streams; {} MiB", team.resident());
    assert!(head > before && got.iter().all(|got| *got == head), "{head}, {:?}", got.iter().min());
    if measures() {
        assert!(beside * 10 >= alone * 9, "{alone} alone, {beside} beside them");
    }
}
