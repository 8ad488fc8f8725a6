//! Forks: an older copy of the data directory goes on, and gets other deeds. Whoever saw the first history decides nothing on the
//! second, and is told so.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::run::{Home, Said};
use crate::server::Server;
use crate::terminal::Terminal;
use crate::totals::{self, Fault};

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "{}", from.display());
}

/// As the agent raises it: its person may answer.
fn raise(home: &Home, count: usize) {
    let agent = home.data().join("tokens/default.first-agent").display().to_string();
    for n in 0..count {
        home.ok(&["raise", &format!("nobody.knows.{n}"), "--token-file", &agent]);
    }
}

/// A console that sees everything, and quits.
fn looks(home: &Home, arguments: &[&str], seen: &str) {
    let mut console = Terminal::open(home, arguments);
    console.shows(seen);
    assert_eq!(console.quit(), 0);
}

/// What decides is refused with the way out.
fn is_refused(decides: &Said, why: &str) {
    let told = format!("{}{}", decides.out, decides.err);
    if decides.status == 0 {
        totals::none(Err((Fault::Wrong, format!("{why}: it was decided on another history\n{told}"))));
    }
    assert!(told.contains("deeds ledger confirm"), "{why}: {told}");
}

/// The person looks from this very directory; what was seen stays, and the ledgers are those of before.
#[test]
fn an_older_copy_that_goes_on_is_not_decided_on_where_its_person_saw_more() {
    let home = Home::new();
    raise(&home, 2);
    let (ledgers, older) = (home.data().join("workspaces"), home.dir.path().join("older"));
    copy(&ledgers, &older);
    raise(&home, 3);
    looks(&home, &[], "nobody.knows.2");
    assert!(home.data().join("seen.json").exists(), "a console keeps what it saw");
    fs::remove_dir_all(&ledgers).unwrap();
    copy(&older, &ledgers);
    // It goes on: as far as the other one had come, and further.
    for n in 0..6 {
        let server = Server::start(&home);
        home.ok(&["raise", &format!("something.else.{n}")]);
        drop(server);
    }
    let decides = home.run(&["inbox", "claim", "1"]);
    is_refused(&decides, "the ledgers alone are older");
    let doctor = home.run(&["doctor"]);
    if doctor.status == 0 {
        totals::none(Err((
            Fault::Fine,
            format!("the ledgers alone are older, and doctor says\n{}", doctor.out),
        )));
    }
    home.ok(&["verify"]);
    home.ok(&["ledger", "confirm"]);
    home.ok(&["inbox", "claim", "1"]);
    home.ok(&["doctor"]);
    totals::say();
}

/// The person looks from another machine, where what was seen is kept; the server's directory is as a whole an older one.
#[test]
fn an_older_copy_of_a_whole_directory_is_not_decided_on_from_elsewhere() {
    let (home, away) = (Home::new(), Home::new());
    raise(&home, 2);
    let older = home.dir.path().join("older");
    copy(&home.data(), &older);
    raise(&home, 3);
    home.ok(&["tokens", "create", "admin", "dana", "--out", "dana.token"]);
    let token = home.dir.path().join("dana.token").display().to_string();
    let mut server = Server::start(&home);
    let remote = |server: &Server, more: &[&str]| {
        let url = server.url.clone();
        away.run(&[more, &["--connect", &url, "--token-file", &token]].concat())
    };
    let url = server.url.clone();
    looks(&away, &["--connect", &url, "--token-file", &token], "nobody.knows.2");
    let claimed = remote(&server, &["inbox", "claim", "1"]);
    assert_eq!(claimed.status, 0, "{claimed:?}");
    server.signal(Signal::KILL);
    fs::remove_dir_all(home.data()).unwrap();
    copy(&older, &home.data());
    raise(&home, 7);
    fs::remove_file(home.dir.path().join("dana.token")).unwrap();
    home.ok(&["tokens", "create", "admin", "dana", "--out", "dana.token"]);
    let address = url.trim_start_matches("http://").to_owned();
    let server = Server::start_with(&home, &address, |_| {});
    let decides = remote(&server, &["inbox", "claim", "1"]);
    is_refused(&decides, "the directory is older");
    let doctor = remote(&server, &["doctor", "--json"]);
    assert!(doctor.status == 1 && doctor.out.contains("seen-another"), "{doctor:?}");
    let looked = remote(&server, &["inbox", "list"]);
    assert_eq!(looked.status, 0, "{looked:?}");
    let confirmed = remote(&server, &["ledger", "confirm"]);
    assert_eq!(confirmed.status, 0, "{confirmed:?}");
    let decides = remote(&server, &["inbox", "claim", "1"]);
    assert_eq!(decides.status, 0, "{decides:?}");
    totals::say();
}
