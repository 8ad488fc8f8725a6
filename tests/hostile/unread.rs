//! A stream that nobody reads ends, and whoever follows goes on behind what came.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::patience::PATIENCE;
use crate::team::{Line, Team};

/// How long it may wait for its reader at most: thirty seconds, and what a loaded machine adds.
const STALLED: Duration = Duration::from_mins(1);
/// More deeds of 60 KB than the system takes for a connection that nobody reads.
const DEEDS: u64 = 200;

/// Waits until the server has so many streams.
fn streams(team: &Team, count: u64, within: Duration) {
    let (mut dana, end) = (team.connect("dana"), Instant::now() + within);
    while dana.gauge("deeds_watchers", None) != count {
        assert!(Instant::now() < end, "not {count} streams after {within:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn follow(team: &Team, after: u64) -> Line {
    let mut line = team.connect("dana");
    line.send("GET", &format!("/v1/ledger/stream?after={after}"), "").unwrap();
    line
}

/// The numbers of the deeds that come, up to so many or to the end of the stream.
fn numbers(mut stream: Line, most: usize) -> Vec<u64> {
    let (mut numbers, mut line) = (Vec::new(), String::new());
    while numbers.len() < most && stream.stream.read_line(&mut line).is_ok_and(|read| read > 0) {
        numbers.extend(line.strip_prefix("id: ").and_then(|number| number.trim().parse::<u64>().ok()));
        line.clear();
    }
    numbers
}

#[test]
fn a_stream_that_nobody_reads_ends_and_is_gone_on_with() {
    let team = Team::start();
    let (mut victim, long) = (team.connect("victim"), "x".repeat(60_000));
    for n in 0..DEEDS {
        let body =
            json!({"entity": format!("victim/{n}"), "changes": {"text": long}, "expected": {"text": 0}});
        assert_eq!(victim.ask("POST", "/v1/writes", &body.to_string()).unwrap().0, 200);
    }
    let stream = follow(&team, 0);
    streams(&team, 1, PATIENCE);
    streams(&team, 0, STALLED);
    // What was on its way is there, in order; what follows is sent to whoever asks for it.
    let came = numbers(stream, usize::MAX);
    let last = *came.last().unwrap();
    assert!(came.iter().copied().eq(1..=last) && last < DEEDS, "{came:?}");
    assert_eq!(numbers(follow(&team, last), 3), [last + 1, last + 2, last + 3]);
}
