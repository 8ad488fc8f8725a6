//! Disks without room: what can't be recorded is said so as a whole, and what is only a cache makes way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::disk::Disk;
use crate::run::Home;
use crate::server::{Server, ask};

pub(crate) const MAP: &str = "workspace = \"default\"\n[[agent]]\nid = \"first-agent\"\nowner = \"dana\"\nwrites = [\"crm/**\"]\n\
                   [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n";

/// A home in which the first agent may write below `crm/`.
pub(crate) fn team() -> Home {
    let home = Home::new();
    let map = home.file("team.toml", MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    home
}

fn batch(from: usize, text: &str) -> String {
    let write = |at: usize| {
        let entity = format!("crm/contact/c{at}");
        json!({"entity": entity, "changes": {"name": text}, "expected": {"name": 0}})
    };
    Value::Array((from..from + 8).map(write).collect()).to_string()
}

/// Of a batch that is not recorded nothing is answered as if it had been decided.
#[test]
fn a_batch_on_a_full_disk_is_a_problem_as_a_whole() {
    let home = team();
    let server = Server::in_little_room(&home, 1_200);
    let agent = home.data().join("tokens/default.first-agent");
    let (mut recorded, mut told) = (0, None);
    for at in 0..200 {
        let body = batch(at * 8, &"x".repeat(4_000));
        let (status, answer) = ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap();
        if status != 200 {
            told = Some((status, answer));
            break;
        }
        let answers = answer["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 8);
        recorded += answers.iter().filter(|one| one["reply"]["outcome"] == "committed").count();
        assert!(answers.iter().any(|one| one["reply"].is_object()), "nothing was recorded: {answer}");
    }
    let (status, problem) = told.expect("the disk was full before that");
    assert!(recorded > 0);
    assert_eq!(status, 503, "{problem}");
    assert!(problem["next"].is_string() && problem["answers"].is_null(), "{problem}");
    drop(server);
    assert!(home.ok(&["verify"]).contains("holds"));
    let server = Server::start(&home);
    let (status, answer) =
        ask(&server.url, &agent, "POST", "/v1/writes:batch", &batch(5_000, "there is room again")).unwrap();
    assert_eq!((status, answer["answers"][0]["reply"]["outcome"].as_str()), (200, Some("committed")));
}

#[test]
fn caches_make_room_for_the_ledger_and_take_none_of_its_last() {
    let home = Home::new();
    let Some(_disk) = Disk::mounted(&home.data()) else { return };
    let map = home.file("team.toml", MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    let mut server = Server::start(&home);
    let agent = home.data().join("tokens/default.first-agent");
    let write = |server: &Server, at: usize| {
        let body = batch(at * 8, &"x".repeat(16_000));
        let (status, answer) = ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap();
        status == 200 && !answer.to_string().contains("\"problem\"")
    };
    let snapshot = home.data().join("workspaces/default/snapshot");
    assert!((0..16).all(|at| write(&server, at)));
    server.restart(&home);
    assert!(snapshot.exists());
    // Not faster than caches are written.
    let writes = |at: &usize| {
        std::thread::sleep(Duration::from_millis(50));
        write(&server, *at)
    };
    (16..400).find(|at| !writes(at)).expect("the disk gets full");
    assert!(!snapshot.exists(), "a cache stays, and nothing can be recorded");
    let log = std::fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    for stands_back in ["the index stands back", "values are not written to their image until there is room"]
    {
        assert!(log.contains(stands_back), "no {stands_back:?} in {log}");
    }
    drop(server);
    assert!(home.ok(&["verify"]).contains("holds"));
    // By now the ledger may have all of it; a server says where it listens, which takes some.
    for index in ["index.db", "index.db-wal", "index.db-shm"] {
        std::fs::remove_file(home.data().join("workspaces/default").join(index)).unwrap_or_default();
    }
    let again = Server::start(&home);
    drop(again);
    assert!(!home.data().join("workspaces/default/snapshot.new").exists());
}

#[test]
fn a_snapshot_that_finds_no_room_takes_none() {
    let home = Home::new();
    let Some(disk) = Disk::mounted(&home.data()) else { return };
    let map = home.file("team.toml", MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    let mut server = Server::start(&home);
    let agent = home.data().join("tokens/default.first-agent");
    for at in 0..16 {
        let body = batch(at * 8, &"x".repeat(16_000));
        assert_eq!(ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap().0, 200);
    }
    // Room for a part of the two megabytes that it will be.
    let room = home.data().join("room");
    std::fs::write(&room, vec![b'x'; 300_000]).unwrap();
    disk.fill("filler");
    std::fs::remove_file(&room).unwrap();
    server.signal(rustix::process::Signal::TERM);
    assert!(!home.data().join("workspaces/default/snapshot.new").exists(), "it keeps what it had written");
    std::fs::remove_file(home.data().join("filler")).unwrap();
    home.ok(&["raise", "nobody.knows"]);
}

/// The log grows beside a file that can't: what is recorded is recorded, and the server says that it won't be for long.
#[test]
fn a_log_that_can_not_be_brought_in_ends_being_ready() {
    let home = team();
    let server = Server::in_little_room(&home, 24_000);
    let agent = home.data().join("tokens/default.first-agent");
    let ready = || ask(&server.url, &agent, "GET", "/readyz", "").map_or(200, |(status, _)| status);
    assert_eq!(ready(), 200);
    let mut recorded_beyond = 0;
    let end = Instant::now() + Duration::from_mins(1);
    for at in 0..2_000 {
        let body = batch(at * 8, &"x".repeat(8_000));
        let (status, _) = ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap();
        if ready() != 200 {
            recorded_beyond = usize::from(status == 200);
            break;
        }
        assert!(status == 200 && Instant::now() < end, "batch {at}: {status}, and it says that it is ready");
        // The log is brought in beside the writer: on a slow machine it would be full before that was tried twice.
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(recorded_beyond, 1, "told while deeds are still recorded");
    let log = std::fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    assert!(log.contains("can't be brought into the ledger's file"), "{log}");
}

#[test]
fn what_lies_on_a_read_only_disk_is_looked_at_and_nothing_is_recorded() {
    let home = Home::new();
    let Some(disk) = Disk::mounted(&home.data()) else { return };
    home.ok(&["raise", "nobody.knows.1"]);
    let mut server = Server::start(&home);
    home.ok(&["raise", "nobody.knows.2"]);
    // A ledger with its last deed in the log, beside which nothing can be made.
    server.signal(rustix::process::Signal::KILL);
    disk.again("ro");
    for (look, finds) in
        [(&["log"][..], "nobody.knows.2"), (&["inbox", "list"], "#2"), (&["verify"], "holds")]
    {
        assert!(home.ok(look).contains(finds), "{look:?}");
    }
    let said = home.run(&["workspaces"]);
    assert!(said.status == 1 && said.out.contains("NO"), "{said:?}");
    let said = home.run(&["raise", "nobody.knows.3"]);
    assert!(said.status == 3 && said.err.contains("reading only"), "{said:?}");
    assert!(home.run(&["doctor"]).out.contains("Read-only"));
    disk.again("rw");
    home.ok(&["raise", "nobody.knows.3"]);
    let log = home.ok(&["log", "type:deeds.event.*"]);
    assert!((1..4).all(|n| log.contains(&format!("nobody.knows.{n}"))), "{log}");
}
