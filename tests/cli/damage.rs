//! Data directories that something happened to: told with place and mend, exit status 3, nothing half-done.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::patience::PATIENCE;
use crate::run::{Home, Said};
use crate::server::{Server, ask};

fn ledger(home: &Home, workspace: &str) -> PathBuf {
    home.data().join("workspaces").join(workspace).join("ledger.db")
}

fn flip_a_byte(path: &PathBuf, near: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(near.len()).position(|window| window == near).unwrap();
    bytes[at] ^= 0x01;
    fs::write(path, bytes).unwrap();
}

fn told(said: &Said) -> String {
    format!("exit {}\nout: {}\nerr: {}", said.status, said.out, said.err)
}

#[test]
fn a_truncated_ledger_is_told() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let path = ledger(&home, "default");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    for arguments in [&["verify"][..], &["inbox", "list"], &["screen", "inbox"]] {
        let said = home.run(arguments);
        assert_eq!(said.status, 3, "{}", told(&said));
        assert!(said.err.contains("ledger.db"), "{}", told(&said));
    }
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len() / 2, "it was left as it is");
}

#[test]
fn a_flipped_byte_is_found_with_its_sequence() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    flip_a_byte(&ledger(&home, "default"), b"create token");
    let said = home.run(&["verify"]);
    assert_eq!(said.status, 3, "{}", told(&said));
    assert!(said.err.contains("sequence"), "{}", told(&said));
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let path = ledger(&home, "default");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for arguments in [&["verify"][..], &["inbox", "list"]] {
        let said = home.run(arguments);
        assert_eq!(said.status, 3, "{}", told(&said));
        assert!(said.err.contains("newer"), "{}", told(&said));
    }
}

#[test]
fn a_ledger_that_is_gone_is_not_begun_anew() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    fs::remove_file(ledger(&home, "default")).unwrap();
    for arguments in [&["verify"][..], &["inbox", "list"]] {
        let said = home.run(arguments);
        assert_eq!(said.status, 3, "{}", told(&said));
        assert!(said.err.contains("ledger.db: there is no ledger here"), "{}", told(&said));
    }
    assert!(!ledger(&home, "default").exists());
}

#[test]
fn one_broken_workspace_does_not_stop_the_others() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    home.ok(&["workspaces", "create", "other"]);
    fs::write(ledger(&home, "default"), b"not a ledger").unwrap();
    let _server = Server::start(&home);
    home.ok(&["-w", "other", "inbox", "list"]);
    let said = home.run(&["-w", "default", "inbox", "list"]);
    assert_eq!(said.status, 3, "{}", told(&said));
    let log = fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    assert!(log.contains("workspace default does not open"), "{log}");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_half_done() {
    let home = Home::new();
    let binary = env!("CARGO_BIN_EXE_deeds");
    // No file of this process may grow beyond 4 KiB: as a full disk, without filling one.
    let script = format!("trap '' XFSZ; ulimit -f 4; exec {binary} inbox list");
    let mut command = Command::new("sh");
    let base = home.command(&[]);
    command.env_clear().envs(base.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = Said::of(command.args(["-c", &script]));
    assert_eq!(said.status, 3, "{}", told(&said));
    assert!(!said.err.contains("panicked"), "{}", told(&said));
    home.ok(&["inbox", "list"]);
    assert!(home.ok(&["verify"]).contains("holds"));
}

#[test]
fn a_directory_that_is_used_for_something_else_is_left_alone() {
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    fs::write(home.data().join("thesis.tex"), "x").unwrap();
    let said = home.run(&["inbox", "list"]);
    assert_eq!(said.status, 3, "{}", told(&said));
    assert!(said.err.contains("thesis.tex"), "{}", told(&said));
    assert_eq!(fs::read_dir(home.data()).unwrap().count(), 1);
    let said = home.run(&["--data-dir", "/proc/deeds", "inbox", "list"]);
    assert_eq!(said.status, 3, "{}", told(&said));
}

/// Far from the end, where opening does not look.
#[test]
fn damage_in_the_middle_is_found_while_a_server_runs() {
    let home = Home::new();
    let event = |n: u32| {
        format!(
            r#"{{"id": {n}, "issue_id": "x-{n}", "actor": "rig/a", "event_type": "created", "created_at": "2026-03-01T10:00:00Z"}}"#
        )
    };
    let events = (1..1_400).map(event).collect::<Vec<_>>().join("\n");
    let log = home.file("events.jsonl", &events);
    home.ok(&["import", "beads", log.to_str().unwrap(), "--workspace", "b"]);
    flip_a_byte(&ledger(&home, "b"), b"x-7\"");
    let server = Server::start(&home);
    let nobody = home.file("nobody", "Accept: application/json");
    let end = Instant::now() + PATIENCE;
    loop {
        // What is ready says so in plain text.
        if let Ok((503, problem)) = ask(&server.url, &nobody, "GET", "/readyz", "") {
            assert!(problem["detail"].as_str().unwrap().contains("1 can't record"), "{problem}");
            break;
        }
        assert!(Instant::now() < end, "it was not found");
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    assert!(log.contains("the ledger is damaged"), "{log}");
    let said = home.run(&["log", "--export", "jsonl", "--workspace", "b"]);
    assert_eq!(said.status, 3, "{}", told(&said));
}

/// Changes the secrets that a snapshot lets in and seals it again, as somebody would who knows the form.
fn reseal(snapshot: &PathBuf) {
    use sha2::{Digest as _, Sha256};

    let text = fs::read_to_string(snapshot).unwrap();
    let (lines, seal) = text.trim_end().rsplit_once('\n').unwrap();
    let with_another_hash = |line: &str| {
        let at = line.find("\"hash\":\"").unwrap() + "\"hash\":\"".len() + 10;
        let other = if line[at..].starts_with('0') { "1" } else { "0" };
        format!("{}{other}{}\n", &line[..at], &line[at + 1..])
    };
    let each = lines.lines().map(|line| {
        if line.starts_with("{\"token\":") { with_another_hash(line) } else { format!("{line}\n") }
    });
    let changed: String = each.collect();
    assert_ne!(changed, format!("{lines}\n"));
    let hex = deeds::ledger::Hash(Sha256::digest(&changed).into()).to_string();
    let at = seal.find("sha256").unwrap() + "sha256\":\"".len();
    fs::write(snapshot, format!("{changed}{}{hex}{}\n", &seal[..at], &seal[at + 64..])).unwrap();
}

#[test]
fn a_snapshot_that_was_changed_and_sealed_again_is_found() {
    let home = Home::new();
    let map = home.file("team.toml", crate::room::MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    home.ok(&["override", "set", "crm/contact/c1#phone", "x1234567", "--reason", "it is known"]);
    let snapshot = ledger(&home, "default").with_file_name("snapshot");
    assert!(home.ok(&["verify", "--deep"]).contains("1 snapshots"));
    reseal(&snapshot);
    let said = home.run(&["verify", "--deep"]);
    assert_eq!(said.status, 3, "{}", told(&said));
    assert!(said.err.contains("sealed again") && said.err.contains("snapshot"), "{}", told(&said));
    assert!(home.run(&["doctor"]).out.contains("sealed again"));
    // The last deeds before it say otherwise: it is not used, and the next one is right.
    assert!(home.ok(&["entity", "crm/contact/c1"]).contains("1234567"));
    home.ok(&["verify", "--deep"]);
}

/// By what a person sees of it alone.
#[test]
fn a_snapshot_that_was_sealed_again_is_not_what_is_gone_on_from() {
    let home = Home::new();
    let map = home.file("team.toml", crate::room::MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    home.ok(&["override", "set", "crm/contact/c1#phone", "x1234567", "--reason", "it is known"]);
    reseal(&ledger(&home, "default").with_file_name("snapshot"));
    // Its own token lets in whom it let in before.
    assert!(home.ok(&["entity", "crm/contact/c1"]).contains("1234567"));
}

/// Nobody asks for it to be looked at, and what is searched for is found again.
#[test]
fn a_search_index_that_says_something_else_is_made_anew_beside_the_work() {
    let home = Home::new();
    for word in ["one", "two", "three"] {
        home.ok(&["raise", &format!("nobody.knows.{word}")]);
    }
    home.ok(&["log", "--json"]);
    let index = ledger(&home, "default").with_file_name("index.db");
    let changed = rusqlite::Connection::open(&index)
        .unwrap()
        .execute("UPDATE text SET said = replace(said, 'knows.two', 'knows.six')", [])
        .unwrap();
    assert!(changed > 0);
    let _server = Server::start(&home);
    let end = Instant::now() + Duration::from_mins(1);
    while !home.ok(&["log", "knows.two"]).contains("knows.two") {
        assert!(Instant::now() < end, "what is in the ledger is not found: {}", home.ok(&["log", "knows"]));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(!home.ok(&["log", "knows.six"]).contains("knows"));
}

#[test]
fn a_search_index_that_says_something_else_is_found() {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows.one"]);
    home.ok(&["log", "--json"]);
    let index = ledger(&home, "default").with_file_name("index.db");
    // Where a text is looked for, not the text itself.
    let connection = rusqlite::Connection::open(&index).unwrap();
    let all_bits = "UPDATE sieve SET bits = unhex(replace(hex(bits), '0', 'f'))";
    assert_eq!(connection.execute(all_bits, []).unwrap(), 1);
    drop(connection);
    let said = home.run(&["verify", "--deep"]);
    assert_eq!(said.status, 3, "{}", told(&said));
    assert!(said.err.contains("full text"), "{}", told(&said));
    home.ok(&["doctor", "--fix"]);
    home.ok(&["log", "--json"]);
    home.ok(&["verify", "--deep"]);
}
