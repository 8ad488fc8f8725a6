//! Two processes on one data directory: the second attaches, and takes over at the same address when the first quits.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::patience::{self, PATIENCE};
use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// A `deeds log --follow` with what it prints.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn start(home: &Home) -> Self {
        let mut command = home.command(&["log", "--follow", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines }
    }

    /// The number of the next deed that it prints.
    fn next(&self) -> u64 {
        let line = patience::come("a deed", &self.lines);
        let deed: serde_json::Value = serde_json::from_str(&line).unwrap();
        deed["sequence"].as_str().unwrap().parse().unwrap()
    }

    fn terminate(&mut self) -> Option<i32> {
        patience::signal(&self.child, Signal::TERM);
        patience::ended(&mut self.child).code()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn address(home: &Home) -> String {
    let text = std::fs::read_to_string(home.data().join("served.json")).unwrap();
    let serving: serde_json::Value = serde_json::from_str(&text).unwrap();
    format!("http://{}", serving["address"].as_str().unwrap())
}

/// Writes as the first agent until somebody answers.
fn write(home: &Home, url: &str, name: &str) {
    let agent = home.data().join("tokens/default.first-agent");
    let body = json!({ "entity": format!("x/{name}"), "changes": { "a": 1 }, "expected": { "a": 0 } });
    let give_up = Instant::now() + PATIENCE;
    loop {
        match ask(url, &agent, "POST", "/v1/writes", &body.to_string()) {
            Ok((status, reply)) => return assert_eq!(status, 200, "{reply}"),
            Err(error) => assert!(Instant::now() < give_up, "nobody serves {url}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_second_takes_over_at_the_same_address_and_misses_nothing() {
    let home = Home::new();
    let mut first = Follower::start(&home);
    let founding: Vec<u64> = (0..3).map(|_| first.next()).collect();
    assert_eq!(founding, [1, 2, 3]);
    let url = address(&home);
    let second = Follower::start(&home);
    for seq in 1..=3 {
        assert_eq!(second.next(), seq);
    }
    // Commands attach too, and one that is done leaves the server alone.
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits"));
    write(&home, &url, "one");
    assert_eq!([first.next(), first.next()], [4, 5]);
    assert_eq!([second.next(), second.next()], [4, 5]);

    assert_eq!(first.terminate(), Some(0), "asked to stop, it ends in order");
    write(&home, &url, "two");
    assert_eq!(address(&home), url, "agents need not be told anything");
    assert_eq!([second.next(), second.next()], [6, 7], "no gap, no duplicate");
    assert!(home.ok(&["verify"]).contains("holds"));
}

#[test]
fn followers_see_the_same_deeds_in_the_same_order_across_a_restart_of_the_server() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let followers = [Follower::start(&home), Follower::start(&home), Follower::start(&home)];
    let all_see = |seqs: std::ops::RangeInclusive<u64>| {
        for follower in &followers {
            for seq in seqs.clone() {
                assert_eq!(follower.next(), seq);
            }
        }
    };
    all_see(1..=3);
    for (round, name) in ["one", "two", "three"].into_iter().enumerate() {
        let before = 2 * u64::try_from(round).unwrap() + 3;
        write(&home, &server.url, name);
        all_see(before + 1..=before + 2);
        // Nobody takes the place of a server that is started again.
        server.restart(&home);
    }
    write(&home, &server.url, "four");
    all_see(10..=11);
}

#[test]
fn a_second_server_is_refused_with_the_first_ones_address() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let said = home.run(&["serve"]);
    assert_eq!(said.status, 3);
    assert!(said.err.contains(server.url.trim_start_matches("http://")), "{}", said.err);
    assert_eq!(server.signal(Signal::TERM), Some(0));
    let mut again = Server::start(&home);
    assert_eq!(again.signal(Signal::INT), Some(0));
}

#[test]
fn without_a_token_of_ones_own_the_mend_is_told_soon() {
    let home = Home::new();
    let _server = Server::start(&home);
    std::fs::remove_file(home.data().join("tokens/default.dana")).unwrap();
    let began = Instant::now();
    let said = home.run(&["inbox", "list"]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("default.dana") && said.err.contains("--token-file"), "{}", said.err);
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_server_that_was_killed_leaves_no_lock_behind() {
    let home = Home::new();
    let mut server = Server::start(&home);
    assert_eq!(server.signal(Signal::KILL), None);
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits"));
}

#[test]
fn a_server_elsewhere_is_used_with_a_token_and_remembers_nothing_here() {
    let home = Home::new();
    let server = Server::start(&home);
    let token = home.data().join("tokens/default.dana").display().to_string();
    let other = Home::new();
    let url = server.url.clone();
    let remote = ["--connect", url.as_str()];
    let said = other.run(&[&remote[..], &["inbox", "list"]].concat());
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("--token-file"), "{}", said.err);
    other.ok(&[&remote[..], &["--token-file", &token, "inbox", "list"]].concat());
    let secret = std::fs::read_to_string(&token).unwrap();
    let secret = secret.trim().rsplit(' ').next().unwrap();
    let mut list = other.command(&[&remote[..], &["tokens", "list"]].concat());
    assert_eq!(Said::of(list.env("DEEDS_TOKEN", secret)).status, 0);
    assert!(!other.data().exists(), "a command on another server keeps nothing here");

    drop(server);
    let said = other.run(&[&remote[..], &["--token-file", &token, "inbox", "list"]].concat());
    assert_eq!(said.status, 3, "{}", said.err);
    assert!(said.err.contains("can't be reached"), "{}", said.err);
}
