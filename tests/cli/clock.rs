//! The clock of a real server can be shifted, as operators and tests do it: by libfaketime, around the whole program.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::faketime::serving;
use super::patience::PATIENCE;
use super::programs;
use super::room::team;
use super::run::{Home, Said};
use super::server::ask;
use deeds::coordinator::Clock;
use deeds::domain::time::{Span, Time};

const EVENT: &str = r#"{"id": 1, "issue_id": "x-1", "actor": "rig/a", "event_type": "created", "created_at": "2026-03-01T10:00:00Z"}"#;

/// The same command at another time.
pub(crate) fn at(time: &str, command: &Command) -> Command {
    let mut shifted = Command::new("faketime");
    shifted.args(["-f", time]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shifted.env(name, value),
            None => shifted.env_remove(name),
        };
    }
    shifted
}

#[test]
fn the_clock_can_be_shifted() {
    if !programs::is_there("faketime") {
        return;
    }
    let home = Home::new();
    let log = home.file("events.jsonl", EVENT);
    let import = home.command(&["import", "beads", log.to_str().unwrap(), "--workspace", "b"]);
    let said = Said::of(&mut at("@2031-05-05 10:00:00", &import));
    assert_eq!(said.status, 0, "{said:?}");
    let told = home.command(&["log", "--json", "--workspace", "b"]);
    let told = Said::of(&mut at("@2031-05-05 10:10:00", &told));
    assert!(told.out.contains(r#""recordedtime":"2031-05-05T10:0"#), "{told:?}");
    assert!(told.out.contains(r#""time":"2026-03-01T10:00:00.000000Z""#), "{told:?}");
}

/// How many days from now on the next deed is recorded.
fn days(home: &Home, subject: &str) -> i64 {
    home.ok(&["override", "freeze", subject, "--reason", "to see when"]);
    let log = home.ok(&["log", "--json", "--limit", "1"]);
    let deed: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let text = deed.pointer("/recordedtime").or(deed.pointer("/deed/recordedtime")).unwrap();
    let recorded: Time = text.as_str().unwrap().parse().unwrap();
    (recorded.micros() - Clock::System.now().micros()) / Span::from_days(1).micros()
}

/// The number of the open alert about the clock, once it is there or once it is not.
fn alert(home: &Home, open: bool) -> Option<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let list: Value = serde_json::from_str(&home.ok(&["alerts", "--json"])).unwrap();
        let of_clock = |alert: &&Value| alert["kind"] == "clock" && alert["state"] != "resolved";
        let alert =
            list["alerts"].as_array().unwrap().iter().find(of_clock).map(|alert| alert["no"].to_string());
        if alert.is_some() == open {
            return alert;
        }
        assert!(Instant::now() < end, "{list}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_clock_that_jumps_is_not_believed_until_a_person_says_so() {
    if !programs::is_there("faketime") {
        return;
    }
    let home = Home::new();
    let off = home.file("off", "+0d");
    let mut server = serving(&home, &off);
    assert_eq!(days(&home, "a/1"), 0);
    fs::write(&off, "+3650d").unwrap();
    // Nobody asks for anything: it is seen all the same.
    let told = alert(&home, true).unwrap();
    assert_eq!(days(&home, "a/2"), 0);
    fs::write(&off, "+0d").unwrap();
    assert_eq!(alert(&home, false), None, "right again, it ends by itself");
    assert_eq!(days(&home, "a/3"), 0);
    fs::write(&off, "+3650d").unwrap();
    let again = alert(&home, true).unwrap();
    assert_ne!(told, again);
    home.ok(&["alerts", "resolve", &again, "--note", "the clock is right"]);
    let late = days(&home, "a/4");
    assert!((3_648..=3_650).contains(&late), "{late}");
    // Wrong after all: what was recorded stays, and time goes on from there, so that nothing waits for ten years.
    assert_eq!(server.signal(Signal::TERM), Some(0));
    drop(server);
    fs::write(&off, "+0d").unwrap();
    let server = serving(&home, &off);
    alert(&home, true).unwrap();
    home.ok(&["override", "freeze", "a/5", "--for", "1s", "--reason", "for a second"]);
    let end = Instant::now() + PATIENCE;
    while !home.ok(&["log", "--limit", "5"]).contains("lapse") {
        assert!(Instant::now() < end, "{}", home.ok(&["log", "--limit", "5"]));
        std::thread::sleep(Duration::from_millis(100));
    }
    // Who lets it go on ahead is not asked again by the next start, until the clock shows something else.
    let behind = alert(&home, true).unwrap();
    home.ok(&["alerts", "resolve", &behind, "--note", "let it go on"]);
    drop(server);
    let _server = serving(&home, &off);
    assert!(days(&home, "a/6") > 3_600);
    assert_eq!(alert(&home, false), None);
}

/// One write while the clock is ten years ahead, and what comes after it is as long as it says.
#[test]
fn a_lease_ends_in_time_after_a_write_under_a_wrong_clock() {
    if !programs::is_there("faketime") {
        return;
    }
    let home = team();
    let off = home.file("off", "+0d");
    let server = serving(&home, &off);
    let (dana, agent) =
        (home.data().join("tokens/default.dana"), home.data().join("tokens/default.first-agent"));
    let asks = |path: &str, body: Value| {
        let (status, answer) = ask(&server.url, &agent, "POST", path, &body.to_string()).unwrap();
        assert_eq!(status, 200, "{answer}");
    };
    let write = |entity: &str| json!({"entity": entity, "changes": {"name": "x"}, "expected": {"name": 0}});
    asks("/v1/writes", write("crm/contact/before"));
    fs::write(&off, "+3650d").unwrap();
    asks("/v1/writes", write("crm/contact/meanwhile"));
    fs::write(&off, "+0d").unwrap();
    asks("/v1/leases", json!({"target": {"path": "crm/contact/after#name"}, "ttl": "2s"}));
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, leases) = ask(&server.url, &dana, "GET", "/v1/leases", "").unwrap();
        if !leases.to_string().contains("crm/contact/after") {
            break;
        }
        assert!(Instant::now() < end, "a lease of two seconds is held after thirty: {leases}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A wrong clock was believed; an admin sets right what came of it.
#[test]
fn what_was_recorded_under_a_wrong_clock_is_rebased() {
    if !programs::is_there("faketime") {
        return;
    }
    let home = Home::new();
    let off = home.file("off", "+0d");
    let mut server = serving(&home, &off);
    assert_eq!(days(&home, "a/1"), 0);
    fs::write(&off, "+3650d").unwrap();
    let told = alert(&home, true).unwrap();
    home.ok(&["alerts", "resolve", &told, "--note", "the clock is right"]);
    assert!(days(&home, "a/2") > 3_600);
    let next_year = Clock::System.now().plus(Span::from_days(365)).to_string();
    let log = home.ok(&["log", "--json", "--limit", "20"]);
    let deeds = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let said = |deed: &Value, what: &str| {
        let inside = deed.get("deed").unwrap_or(deed);
        inside[what].as_str().unwrap().to_owned()
    };
    let wrong = deeds.filter(|deed| said(deed, "recordedtime") > next_year).map(|deed| said(&deed, "id"));
    let numbers = wrong.map(|id| id.rsplit(':').next().unwrap().parse::<u64>().unwrap());
    let from = &*numbers.min().unwrap().to_string();
    home.ok(&["override", "freeze", "a/3", "--for", "2h", "--reason", "for two hours"]);
    assert_eq!(server.signal(Signal::TERM), Some(0));
    drop(server);
    fs::write(&off, "+0d").unwrap();
    let server = serving(&home, &off);
    alert(&home, true).unwrap();
    let asked = ["clock", "rebase", "--from", from, "--reason", "the battery was empty"];
    let preview = home.ok(&[&asked[..], &["--dry-run"]].concat());
    assert!(preview.contains("freeze of a/3"), "{preview}");
    home.ok(&asked);
    assert_eq!(alert(&home, false), None);
    assert_eq!(days(&home, "a/4"), 0);
    let list = home.ok(&["log", "type:deeds.clock.rebased", "--json"]);
    assert!(list.contains("freeze of a/3"), "{list}");
    // It stays so.
    drop(server);
    let _server = serving(&home, &off);
    assert_eq!(days(&home, "a/5"), 0);
    assert_eq!(alert(&home, false), None);
    assert!(home.ok(&["verify"]).contains("holds"));
}
