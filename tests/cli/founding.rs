//! A first start that is killed or has no room, and what a directory has lost of what it was founded with: the next start
//! finishes it, mends it, or says what is gone.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::patience;
use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// The directory is founded as if nothing had been: a home, both tokens once and good.
fn is_founded(home: &Home, case: &str) {
    home.ok(&["workspaces", "create", "second"]);
    let tokens: Value = serde_json::from_str(&home.ok(&["tokens", "list", "--json"])).unwrap();
    let mut names: Vec<_> =
        tokens["tokens"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["dana", "first-agent"], "{case}");
    let server = Server::start(home);
    for (name, path) in [("dana", "/v1/tokens"), ("first-agent", "/v1/scope")] {
        let file = home.data().join("tokens").join(format!("default.{name}"));
        let (status, _) = ask(&server.url, &file, "GET", path, "").unwrap();
        assert_eq!(status, 200, "{case}: the token of {name}");
    }
    drop(server);
    assert_eq!(fs::read_to_string(home.data().join("home")).unwrap(), "default\n", "{case}");
    assert_eq!(fs::read_to_string(home.data().join("person")).unwrap(), "dana", "{case}");
    let left = fs::read_dir(home.data()).unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().ends_with(".new")).collect();
    assert!(left.is_empty(), "{case}: {left:?}");
}

/// Killed after 1 to 40 ms and more, until a start got through: at each point of founding there is.
#[test]
fn a_first_start_that_is_killed_is_finished_by_the_next() {
    for round in 0..40_u64 {
        let home = Home::new();
        let mut child = home.command(&["inbox", "list"]);
        let mut child =
            child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(2_000 + round * 1_500));
        patience::signal(&child, Signal::KILL);
        patience::ended(&mut child);
        is_founded(&home, &format!("killed in round {round}"));
    }
}

#[test]
fn a_first_start_without_room_is_finished_when_there_is_some() {
    for blocks in [0, 1, 2, 4, 16, 32, 40, 48, 64, 72, 80, 96] {
        let home = Home::new();
        let said = Said::of(&mut home.in_little_room(blocks, "inbox list"));
        assert!(!said.err.contains("panicked"), "{blocks} blocks: {}", said.err);
        is_founded(&home, &format!("{blocks} blocks"));
    }
}

#[test]
fn a_directory_that_lost_its_workspaces_is_not_begun_anew() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let (place, away) = (home.data().join("workspaces"), home.dir.path().join("away"));
    fs::rename(&place, &away).unwrap();
    for arguments in [&["inbox", "list"][..], &["serve"], &["-w", "other", "inbox", "list"]] {
        let said = home.run(arguments);
        assert_eq!(said.status, 3, "{arguments:?}: {}", said.err);
        assert!(said.err.contains("it is gone") && said.err.contains("deeds restore"), "{}", said.err);
        assert!(!place.join("default").exists() && !place.join("other").exists(), "nothing was made");
    }
    let said = home.run(&["doctor"]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.out.contains("WRONG") && said.out.contains("it is gone"), "{}", said.out);
    // The mends that are told work.
    fs::rename(&away, &place).unwrap();
    home.ok(&["inbox", "list"]);
    fs::rename(&place, &away).unwrap();
    fs::remove_file(home.data().join("home")).unwrap();
    is_founded(&home, "begun anew");
}

#[test]
fn a_home_that_is_not_said_is_the_only_workspace_or_asked_for() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let file = home.data().join("home");
    for left in [None, Some("\0\0\0")] {
        fs::remove_file(&file).unwrap();
        if let Some(left) = left {
            fs::write(&file, left).unwrap();
        }
        home.ok(&["inbox", "list"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "default\n");
    }
    home.ok(&["workspaces", "create", "other"]);
    fs::remove_file(&file).unwrap();
    let said = home.run(&["doctor"]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.out.contains("home") && said.out.contains("write the name"), "{}", said.out);
    assert_ne!(home.run(&["workspaces", "create", "third"]).status, 0);
    fs::write(&file, "default\n").unwrap();
    home.ok(&["workspaces", "create", "third"]);
    assert!(!home.run(&["doctor"]).out.contains("write the name"));
}

#[test]
fn a_damaged_token_of_ones_own_is_made_anew() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let file = home.data().join("tokens/default.dana");
    let good = fs::read_to_string(&file).unwrap();
    let other = if good.trim_end().ends_with('0') { "1" } else { "0" };
    let flipped = format!("{}{other}\n", &good[..good.len() - 2]);
    for (what, bytes) in [
        ("cut", good.as_bytes()[..40].to_vec()),
        ("empty", Vec::new()),
        ("garbage", vec![0xff; 200]),
        ("zeros", vec![0; good.len()]),
        ("too long", vec![b'x'; 10_000]),
        ("a digit is another", flipped.into_bytes()),
    ] {
        fs::write(&file, bytes).unwrap();
        let said = home.run(&["doctor"]);
        let told = what == "a digit is another" || said.out.contains("default.dana");
        assert!(told && (said.status == 1 || what == "a digit is another"), "{what}: {}", said.out);
        let said = home.run(&["inbox", "list"]);
        assert_eq!(said.status, 0, "{what}: {}", said.err);
        assert!(said.err.contains("a new one was made"), "{what}: {}", said.err);
        assert_eq!(home.run(&["inbox", "list"]).err, "", "{what}");
    }
}

/// Where another process serves, only that one could make a new one.
#[test]
fn a_damaged_token_beside_a_server_is_told_with_its_mend() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let file = home.data().join("tokens/default.dana");
    fs::write(&file, "").unwrap();
    let said = home.run(&["inbox", "list"]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("default.dana") && said.err.contains("start again"), "{}", said.err);
    server.restart(&home);
    home.ok(&["inbox", "list"]);
}

#[test]
fn a_lock_that_is_gone_lets_nobody_in_twice() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let lock = home.data().join("lock");
    fs::remove_file(&lock).unwrap();
    home.ok(&["inbox", "list"]);
    let said = home.run(&["serve"]);
    assert_eq!(said.status, 3, "{}", said.err);
    assert!(said.err.contains("another deeds serves"), "{}", said.err);
    assert_eq!(server.signal(Signal::TERM), Some(0));
    fs::remove_file(&lock).unwrap();
    home.ok(&["inbox", "list"]);
    assert!(lock.exists());
}
