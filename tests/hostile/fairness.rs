//! An agent that sends all it can, holds what it can and reads nothing: the others hardly notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::team::{Line, Team, measures, p99};

/// Connections of the hostile agent.
const CONNECTIONS: usize = 64;
/// The workspace's budget and 100 MiB: what the server may take, whatever an agent does.
pub(crate) const MOST_MIB: u64 = 356;
/// What all answers may take while they are made.
const MAKING_MIB: u64 = 64;
/// Writes of the victim, quiet and under attack.
const WRITES: usize = 300;

fn body(who: &str, connection: usize, n: u64) -> String {
    format!(r#"{{"entity":"{who}/{connection}","changes":{{"n":{n}}},"expected":{{"n":{n}}}}}"#)
}

/// What the victim's writes and looks take; none is refused.
fn victim(team: &Team, entity: usize) -> (Duration, Duration) {
    let mut line = team.connect("victim");
    let (mut writes, mut looks) = (Vec::new(), Vec::new());
    for n in 0..WRITES {
        let (status, answer, took) = line.timed("POST", "/v1/writes", &body("victim", entity, n as u64));
        assert_eq!((status, &answer["outcome"]), (200, &json!("committed")), "{answer}");
        writes.push(took);
        let (status, answer, took) = line.timed("GET", &format!("/v1/entities/victim/{entity}"), "");
        assert_eq!(status, 200, "{answer}");
        looks.push(took);
    }
    (p99(writes), p99(looks))
}

/// Sends all it can on one connection until it is over; counts what went through.
fn flood(mut line: Line, connection: usize, over: &AtomicBool, done: &AtomicU64, batch: usize) {
    // What the server does to the others is measured, not what a program does that keeps the machine busy: that needs no server.
    rustix::process::nice(19).unwrap();
    let mut n = 0;
    while !over.load(Ordering::Relaxed) {
        let writes: Vec<String> = (0..batch as u64).map(|one| body("hostile", connection, n + one)).collect();
        n += batch as u64;
        let sent = match batch {
            1 => line.exchange("POST", "/v1/writes", "", &writes[0]),
            _ => line.exchange("POST", "/v1/writes:batch", "", &format!("[{}]", writes.join(","))),
        };
        match sent {
            Ok((200, answer)) => {
                let through = String::from_utf8_lossy(&answer).matches("\"outcome\":\"committed\"").count();
                done.fetch_add(through as u64, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

fn attacked(batch: usize) {
    let team = Team::start();
    victim(&team, 0);
    let quiet = victim(&team, 1);
    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let floods: Vec<_> = (0..CONNECTIONS)
        .map(|connection| {
            let (line, over, done) = (team.connect("hostile"), Arc::clone(&over), Arc::clone(&done));
            std::thread::spawn(move || flood(line, connection, &over, &done, batch))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let began = Instant::now();
    let flooded = victim(&team, 2);
    let through = done.load(Ordering::Relaxed);
    let mut dana = team.connect("dana");
    let pause = json!({ "step": "pause", "agent": "hostile", "reason": "it floods" }).to_string();
    let (status, answer, paused) = dana.timed("POST", "/v1/overrides", &pause);
    assert_eq!(status, 200, "{answer}");
    // What was decided before the pause may still be answered; then nothing goes through any more.
    std::thread::sleep(Duration::from_secs(1));
    let before = done.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(done.load(Ordering::Relaxed), before, "went through after the pause");
    let resident = team.resident();
    over.store(true, Ordering::Relaxed);
    for flood in floods {
        flood.join().unwrap();
    }
    println!(
        "batches of {batch}: writes p99 {:?} quiet, {:?} flooded by {through} in {:?}; looks p99 {:?}, {:?}; pause {paused:?}, {resident} MiB",
        quiet.0,
        flooded.0,
        began.elapsed(),
        quiet.1,
        flooded.1
    );
    assert!(through > 0, "there was no flood");
    assert!(resident < MOST_MIB, "{resident} MiB");
    if measures() {
        assert!(flooded.0 <= quiet.0 * 3, "writes");
        assert!(flooded.1 <= (quiet.1 * 3).max(Duration::from_millis(10)), "looks");
        assert!(paused <= Duration::from_millis(200), "pause");
    }
}

#[test]
fn a_flood_of_single_writes_costs_the_others_little() {
    attacked(1);
}

#[test]
fn a_flood_of_whole_batches_costs_the_others_little() {
    attacked(64);
}

#[test]
fn a_flood_of_the_largest_batches_costs_the_others_little() {
    attacked(256);
}

#[test]
fn idle_connections_shut_nobody_out() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    // As many descriptors as a plain account has, for this process and for the server.
    let few = Some(2_048);
    setrlimit(Resource::Nofile, Rlimit { current: few, maximum: few }).unwrap();
    let team = Team::start();
    // Strangers, and then an agent, hold all they can.
    let strangers: Vec<Line> = (0..700).map(|_| team.connect("hostile")).collect();
    let mut signed: Vec<Line> = (0..1_200).map(|_| team.connect("hostile")).collect();
    let mut held = 0;
    for line in &mut signed {
        // The last ones may be told that agents have enough.
        held += u32::from(line.ask("GET", "/v1/scope", "").is_ok_and(|(status, _)| status == 200));
    }
    for who in ["dana", "victim"] {
        let (status, me) = team.connect(who).ask("GET", "/v1/whoami", "").unwrap();
        assert_eq!(status, 200, "{me}");
    }
    println!("{} strangers and {held} connections of an agent: {} MiB", strangers.len(), team.resident());
}

#[test]
fn answers_that_nobody_reads_cost_little_and_end_with_their_token() {
    unread("watcher", 16);
}

#[test]
fn answers_that_a_person_does_not_read_cost_what_a_person_may_have() {
    unread("reviewer", 64);
}

/// Somebody of that class asks for pages on many connections and reads none; `may` MiB of them may wait.
fn unread(class: &str, may: u64) {
    let team = Team::start();
    let mut line = team.connect("hostile");
    let long = "x".repeat(60_000);
    for n in 0..150 {
        let write =
            json!({ "entity": format!("hostile/{n}"), "changes": { "t": long }, "expected": { "t": 0 } });
        assert_eq!(line.ask("POST", "/v1/writes", &write.to_string()).unwrap().0, 200);
    }
    team.invite(class, "wanda");
    let before = team.resident();
    let mut unread: Vec<Line> = (0..60).map(|_| team.connect("wanda")).collect();
    for line in &mut unread {
        // Together they are more than the system takes for a connection that nobody reads.
        for _ in 0..8 {
            line.send("GET", "/v1/ledger?limit=200", "").unwrap();
        }
    }
    std::thread::sleep(Duration::from_secs(3));
    let (held, mut dana) = (team.resident(), team.connect("dana"));
    let (_, tokens) = dana.ask("GET", "/v1/tokens", "").unwrap();
    let of_wanda = tokens["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "wanda");
    let id = of_wanda.unwrap()["id"].as_str().unwrap();
    let (status, answer) = dana.ask("DELETE", &format!("/v1/tokens/{id}"), "").unwrap();
    assert_eq!(status, 200, "{answer}");
    std::thread::sleep(Duration::from_secs(4));
    let after = team.resident();
    println!(
        "60 connections of a {class} with unread answers: {before} MiB before, {held} while they wait, {after} after the token was revoked"
    );
    // And as much again of what was given back, which the allocator keeps for a while.
    let most = MOST_MIB.min(before + 2 * (may + MAKING_MIB));
    assert!(held < most && after < most, "{before} MiB, {held}, then {after}");
    assert!(
        unread.iter_mut().take(8).any(|line| line.is_cut_before(8)),
        "the connections of the revoked token are still served"
    );
}

#[test]
fn large_looks_keep_nobody_waiting() {
    let team = Team::start();
    let mut line = team.connect("hostile");
    let long = "x".repeat(60_000);
    for n in 0..75 {
        let field = format!("f{n}");
        let write =
            json!({ "entity": "hostile/big", "changes": { &field: long }, "expected": { &field: 0 } });
        assert_eq!(line.ask("POST", "/v1/writes", &write.to_string()).unwrap().0, 200);
    }
    let before = team.resident();
    let mut looks: Vec<Line> = (0..40).map(|_| team.connect("hostile")).collect();
    for look in &mut looks {
        look.send("GET", "/v1/entities/hostile/big", "").unwrap();
    }
    let (writes, _) = victim(&team, 0);
    let freeze = json!({ "step": "freeze", "entity": "hostile/big", "reason": "too large" }).to_string();
    let (status, answer, frozen) = team.connect("dana").timed("POST", "/v1/overrides", &freeze);
    assert_eq!(status, 200, "{answer}");
    let held = team.resident();
    println!(
        "40 looks at 4.5 MB: writes p99 {writes:?}, freeze {frozen:?}, {before} MiB before, {held} MiB then"
    );
    assert!(held < MOST_MIB, "{held} MiB");
}
