//! `kill -9` in the middle of whatever makes something: done again it is done, and nothing that was there before is gone.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::chance::Chance;
use crate::checker::{Book, is_well};
use crate::kills::at_work;
use crate::load::{self, Caller};
use crate::patience;
use crate::run::Home;
use crate::server::Server;
use crate::totals::{self, KILLS};

/// Kills of each in an ordinary run, and in a long one.
const EACH: (u64, u64) = (3, 30);

/// Something that makes something, and takes a while.
struct Making {
    name: &'static str,
    /// Makes it so that there is something to make, in the `n`th round.
    before: fn(&Home, n: u64),
    /// What is run.
    command: fn(&Home, n: u64) -> Command,
    /// Whether it ends by itself; a server is asked to stop.
    ends: bool,
    /// Done again after a kill, it is done: once, and whole.
    again: fn(&Home, n: u64),
}

const ALL: [Making; 7] = [
    Making {
        name: "a workspace",
        before: |_, _| {},
        command: |home, n| home.command(&["-w", "default", "workspaces", "create", &format!("made{n}")]),
        ends: true,
        again: |home, n| {
            let name = format!("made{n}");
            let said = home.run(&["-w", "default", "workspaces", "create", &name]);
            // The kill may have come after it was made.
            assert!(
                said.status == 0 || said.err.contains("exists") || said.err.contains("already"),
                "{said:?}"
            );
            home.ok(&["-w", &name, "inbox", "list"]);
        },
    },
    Making {
        name: "a backup",
        before: |_, _| {},
        command: |home, n| home.command(&["backup", &format!("b{n}.tar")]),
        ends: true,
        again: |home, n| {
            let file = format!("b{n}.tar");
            if !home.dir.path().join(&file).exists() {
                home.ok(&["backup", &file]);
            }
            restored(home, &file, &format!("of-b{n}"));
            let left = std::fs::read_dir(home.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
            let left: Vec<_> = left.filter(|name| name.to_string_lossy().ends_with(".new")).collect();
            // What a killed one left is taken away by the next one of the same name; one that was whole needs no next one.
            let unfinished = |name: &&std::ffi::OsString| {
                let backup = name.to_string_lossy().split_inclusive(".tar").next().unwrap().to_owned();
                !home.dir.path().join(backup).exists()
            };
            assert_eq!(left.iter().find(unfinished), None, "{left:?}");
        },
    },
    Making {
        name: "a restore",
        before: |home, _| {
            if !home.dir.path().join("all.tar").exists() {
                home.ok(&["backup", "all.tar"]);
            }
        },
        command: |home, n| home.command(&["restore", "all.tar", "--data-dir", &format!("new{n}")]),
        ends: true,
        again: |home, n| restored(home, "all.tar", &format!("new{n}")),
    },
    Making {
        name: "a token",
        before: |_, _| {},
        command: |home, n| {
            home.command(&["tokens", "create", "watcher", "wall", "--out", &format!("wall{n}.token")])
        },
        ends: true,
        again: |home, n| {
            let file = format!("again{n}.token");
            home.ok(&["tokens", "create", "watcher", "wall", "--out", &file]);
            let server = Server::start(home);
            for file in [file, format!("wall{n}.token")] {
                let file = home.dir.path().join(file);
                if file.exists() && std::fs::metadata(&file).unwrap().len() > 0 {
                    let (status, said) = crate::checker::look(&server, &file, "/v1/whoami");
                    assert_eq!(status, 200, "{}: {said}", file.display());
                }
            }
        },
    },
    Making { name: "a snapshot", before: |_, _| {}, command: serving, ends: false, again: |_, _| {} },
    Making {
        name: "an index",
        before: |home, _| {
            for name in ["index.db", "index.db-wal", "index.db-shm"] {
                let file = home.data().join("workspaces/default").join(name);
                std::fs::remove_file(file).unwrap_or_default();
            }
        },
        command: serving,
        ends: false,
        again: |home, _| {
            // A search answers from the whole index: the oldest deeds are in it.
            let found = home.ok(&["log", "--json", "type:deeds.workspace.founded"]);
            assert!(found.contains("deeds.workspace.founded"), "{found}");
        },
    },
    Making {
        name: "a start",
        before: |home, _| {
            std::fs::remove_file(home.data().join("workspaces/default/snapshot")).unwrap_or_default();
        },
        command: serving,
        ends: false,
        again: |_, _| {},
    },
];

fn serving(home: &Home, _: u64) -> Command {
    home.command(&["serve", "--listen", "127.0.0.1:0"])
}

/// A backup makes a directory that holds, whether or not somebody began to before.
fn restored(home: &Home, file: &str, to: &str) {
    let new = home.dir.path().join(to);
    if !new.join("workspaces").exists() {
        home.ok(&["restore", file, "--data-dir", to]);
    }
    home.ok(&["verify", "--data-dir", to]);
    for left in ["restored.json", "home", "workspaces/default/ledger.db-head"] {
        assert!(new.join(left).exists(), "{to}: no {left}");
    }
    std::fs::remove_dir_all(home.dir.path().join(to)).unwrap();
}

/// How long it takes where nobody kills it: to the end, or until it serves and, asked to stop, has stopped.
fn lasts(making: &Making, home: &Home) -> Duration {
    (making.before)(home, 0);
    let began = Instant::now();
    let mut child = started(home, (making.command)(home, 0));
    if !making.ends {
        await_server(home, &mut child);
        patience::signal(&child, Signal::TERM);
    }
    assert!(patience::ended(&mut child).success(), "{}", making.name);
    let took = began.elapsed();
    (making.again)(home, 0);
    took
}

/// Where the last server was killed, its address is still there.
fn started(home: &Home, command: Command) -> Child {
    std::fs::remove_file(home.data().join("server.json")).unwrap_or_default();
    quiet(command)
}

fn quiet(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Until the server says where it is, or has ended.
fn await_server(home: &Home, child: &mut Child) {
    let end = Instant::now() + patience::PATIENCE;
    while !home.data().join("server.json").exists() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "no server");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Killed at a random moment: of what stops, also while it stops.
fn kill(making: &Making, home: &Home, n: u64, chance: &mut Chance, within: Duration) -> Duration {
    (making.before)(home, n);
    let mut child = started(home, (making.command)(home, n));
    if making.name == "a snapshot" {
        await_server(home, &mut child);
        patience::signal(&child, Signal::TERM);
    }
    let after = chance.sleep(within);
    if child.try_wait().unwrap().is_none() {
        patience::signal(&child, Signal::KILL);
        totals::count(&KILLS, 1);
    }
    patience::ended(&mut child);
    after
}

/// A home with some deeds by everybody, and the book of them.
fn founded() -> (Home, Vec<Caller>, Book) {
    let home = Home::new();
    let mut callers = load::team(&home);
    let mut server = Server::start(&home);
    let mut book = Book::default();
    at_work(&mut callers, &mut server, |_, _| std::thread::sleep(Duration::from_millis(700)));
    for caller in &mut callers {
        totals::none(book.check(&home, &server, &caller.hand_over()));
    }
    server.signal(Signal::TERM);
    (home, callers, book)
}

#[test]
fn what_is_killed_halfway_is_done_by_doing_it_again() {
    let mut chance = Chance::of("kills halfway");
    let (home, mut callers, mut book) = founded();
    let each = if totals::long() { EACH.1 } else { EACH.0 };
    for making in &ALL {
        let mut within = lasts(making, &home);
        if making.name == "a snapshot" {
            within = within.min(Duration::from_millis(80));
        }
        for n in 1..=each {
            let after = kill(making, &home, n, &mut chance, within);
            let why = format!("{} {n}, killed after {after:?} of {within:?}", making.name);
            eprintln!("{why}");
            let mut server = is_well(&home, &why);
            for caller in &mut callers {
                totals::none(book.check(&home, &server, &caller.hand_over()));
            }
            assert_eq!(server.signal(Signal::TERM), Some(0), "{why}");
            drop(server);
            (making.again)(&home, n);
        }
        // And it goes on as before.
        let mut server = Server::start(&home);
        at_work(&mut callers, &mut server, |_, _| std::thread::sleep(Duration::from_millis(100)));
    }
    let server = is_well(&home, "at the end");
    for caller in &mut callers {
        totals::none(book.check(&home, &server, &caller.hand_over()));
    }
    drop(server);
    totals::none(book.check_whole(&home));
    totals::say();
}

/// A first start, killed at a random moment: the next one has a home, a person and both tokens, each once.
#[test]
fn what_is_killed_while_it_is_founded_is_founded_by_the_next_start() {
    let mut chance = Chance::of("kills in founding");
    let rounds = if totals::long() { 100 } else { 6 };
    for round in 0..rounds {
        let home = Home::new();
        let mut child = quiet(home.command(&["inbox", "list"]));
        let after = chance.sleep(Duration::from_millis(120));
        if child.try_wait().unwrap().is_none() {
            patience::signal(&child, Signal::KILL);
            totals::count(&KILLS, 1);
        }
        patience::ended(&mut child);
        let why = format!("founding {round}, killed after {after:?}");
        home.ok(&["inbox", "list"]);
        let server = is_well(&home, &why);
        let tokens: Value = serde_json::from_str(&home.ok(&["tokens", "list", "--json"])).unwrap();
        assert_eq!(tokens["tokens"].as_array().unwrap().len(), 2, "{why}: {tokens}");
        drop(server);
    }
    totals::say();
}
