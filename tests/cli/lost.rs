//! A ledger that ends before what was seen in it: said everywhere, nothing recorded, until the deeds are back or a person
//! accepts that they are gone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::run::{Home, Said};
use crate::server::{Server, ask};

fn folder(home: &Home) -> PathBuf {
    home.data().join("workspaces/default")
}

fn raise(home: &Home, count: usize) {
    for n in 0..count {
        home.ok(&["raise", &format!("nobody.knows.{n}")]);
    }
}

/// What the server answers on that way, as the admin of this directory.
fn get(home: &Home, server: &Server, path: &str) -> (u16, String) {
    let token = home.data().join("tokens/default.dana");
    match ask(&server.url, &token, "GET", path, "") {
        Ok((status, json)) => (status, json.to_string()),
        Err(_) => (200, String::new()),
    }
}

/// A home whose ledger was checkpointed at some deeds, with more in its write-ahead log; the server was killed.
fn killed() -> (Home, u64) {
    let home = Home::new();
    raise(&home, 3);
    let mut server = Server::start(&home);
    raise(&home, 4);
    let head = head(&home);
    // It waits until the index has that deed.
    home.ok(&["log", "--json"]);
    server.signal(Signal::KILL);
    assert!(folder(&home).join("ledger.db-wal").exists(), "a killed server leaves its write-ahead log");
    (home, head)
}

fn head(home: &Home) -> u64 {
    let listed: Json = serde_json::from_str(&home.ok(&["workspaces", "--json"])).unwrap();
    listed["workspaces"][0]["head"].as_u64().unwrap()
}

fn lose(home: &Home) {
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        fs::remove_file(folder(home).join(name)).unwrap_or_default();
    }
}

fn told(said: &Said) -> String {
    format!("exit {}\nout: {}\nerr: {}", said.status, said.out, said.err)
}

/// Everything says that deeds are missing, and nothing is recorded.
fn is_lost(home: &Home, witness: &str, last: u64) {
    let before = fs::read(folder(home).join("ledger.db")).unwrap();
    for arguments in [&["verify"][..], &["doctor"]] {
        let said = home.run(arguments);
        assert_ne!(said.status, 0, "{}", told(&said));
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("deeds are missing") && all.contains(witness), "{witness}: {}", told(&said));
    }
    let server = Server::start(home);
    let (status, _) = get(home, &server, "/readyz");
    assert_eq!(status, 503);
    let said = home.run(&["raise", "nobody.knows"]);
    assert_eq!(said.status, 3, "{}", told(&said));
    for words in ["deeds are missing", witness, &format!("to {last}"), "accept-loss", "ledger.db-wal"] {
        assert!(said.err.contains(words), "{words}: {}", told(&said));
    }
    // Looking works, what is there is found, and it is said that there may be more.
    let look = home.run(&["inbox", "list"]);
    assert!(look.status == 0 && look.err.contains("nothing is recorded there"), "{}", told(&look));
    let signed = home.run(&["checkpoint"]);
    assert!(signed.status == 3 && signed.err.contains("deeds are missing"), "{}", told(&signed));
    assert!(home.ok(&["log", "type:deeds.event.*"]).contains("nobody.knows.0"));
    home.ok(&["inbox", "list"]);
    let log = fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    assert!(log.contains("deeds are missing"), "{log}");
    drop(server);
    let now = fs::read(folder(home).join("ledger.db")).unwrap();
    assert_eq!(now.len(), before.len(), "something was recorded");
}

#[test]
fn deeds_that_went_with_the_write_ahead_log_are_missed_until_their_loss_is_accepted() {
    let (home, last) = killed();
    lose(&home);
    is_lost(&home, "the note of its last head", last);
    // Again, after a start: nobody has forgotten.
    is_lost(&home, "the note of its last head", last);
    let index = rusqlite::Connection::open(folder(&home).join("index.db")).unwrap();
    let seen: u64 = index.query_row("SELECT head FROM meta", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, last, "the index was made anew");
    drop(index);

    let mut server = Server::start(&home);
    let token = home.data().join("tokens/default.dana");
    let wrong = json!({"through": last + 1, "reason": "x"}).to_string();
    let (status, problem) = ask(&server.url, &token, "POST", "/v1/ledger/accept-loss", &wrong).unwrap();
    assert_eq!((status, &problem["code"]), (409, &json!("nothing-lost")), "{problem}");
    // Words that can't be recorded are refused before anything is.
    for reason in [" ".to_owned(), "x".repeat(20_000)] {
        let unfit = json!({"through": last, "reason": reason}).to_string();
        let (status, problem) = ask(&server.url, &token, "POST", "/v1/ledger/accept-loss", &unfit).unwrap();
        assert_eq!((status, &problem["code"]), (400, &json!("bad-body")), "{problem}");
    }
    assert!(!home.ok(&["log", "--limit", "5"]).contains("loss"));
    let said = home.ok(&["ledger", "accept-loss", "--reason", "the log was taken for rubbish"]);
    assert!(said.contains("recorded"), "{said}");
    home.ok(&["raise", "goes.on"]);
    assert_eq!(get(&home, &server, "/readyz").0, 200);
    let deed = home.ok(&["log", "type:deeds.loss.accepted", "--json"]);
    assert!(deed.contains(&format!("\"last\":{last}")) && deed.contains("taken for rubbish"), "{deed}");
    server.restart(&home);
    assert_eq!(get(&home, &server, "/readyz").0, 200);
    home.ok(&["raise", "goes.on.again"]);
    drop(server);
    assert!(home.ok(&["verify"]).contains("holds"));
    home.ok(&["doctor"]);
    let refused = home.run(&["ledger", "accept-loss", "--reason", "again"]);
    assert_eq!(refused.status, 2, "{}", told(&refused));
}

/// One bit of the write-ahead log: what comes after it is not read any more.
#[test]
fn deeds_that_went_with_a_flipped_bit_are_missed_and_what_is_left_of_them_is_kept() {
    let (home, last) = killed();
    let log = folder(&home).join("ledger.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, &bytes).unwrap();
    is_lost(&home, "the note of its last head", last);
    assert_eq!(fs::read(folder(&home).join("ledger.db-wal.lost")).unwrap(), bytes);
    is_lost(&home, "the note of its last head", last);
}

#[test]
fn each_witness_alone_is_believed() {
    let (home, last) = killed();
    lose(&home);
    let note = fs::read(folder(&home).join("ledger.db-head")).unwrap();
    fs::remove_file(folder(&home).join("ledger.db-head")).unwrap();
    is_lost(&home, "the index", last);
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        fs::remove_file(folder(&home).join(name)).unwrap_or_default();
    }
    fs::write(folder(&home).join("ledger.db-head"), &note).unwrap();
    is_lost(&home, "the note", last);
}

/// An old copy of the ledger alone, with everything else as it was.
#[test]
fn an_old_copy_that_is_put_back_is_told_by_the_snapshot_and_by_what_was_signed() {
    let home = Home::new();
    raise(&home, 2);
    let ledger = folder(&home).join("ledger.db");
    let old = fs::read(&ledger).unwrap();
    raise(&home, 3);
    let last = head(&home);
    let set = |names: &[&str]| {
        for name in ["ledger.db-head", "index.db", "snapshot", "heads.signed"] {
            let (here, apart) = (folder(&home).join(name), home.dir.path().join(name));
            if apart.exists() {
                fs::rename(&apart, &here).unwrap();
            }
            if !names.contains(&name) {
                fs::rename(&here, &apart).unwrap();
            }
        }
    };
    fs::write(&ledger, &old).unwrap();
    for (name, witness) in [("snapshot", "the snapshot"), ("heads.signed", "a signed checkpoint")] {
        set(&[name]);
        is_lost(&home, witness, last);
    }
    // A snapshot that is not as it was written is heard by nobody.
    set(&["snapshot"]);
    let snapshot = folder(&home).join("snapshot");
    let text = fs::read_to_string(&snapshot).unwrap();
    fs::write(&snapshot, text.replacen("\"dana\"", "\"dona\"", 1)).unwrap();
    home.ok(&["verify"]);
}

#[test]
fn a_damaged_witness_is_not_believed_and_said() {
    let home = Home::new();
    raise(&home, 3);
    let note = folder(&home).join("ledger.db-head");
    let mut bytes = fs::read(&note).unwrap();
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 5;
    bytes[at] ^= 1;
    fs::write(&note, bytes).unwrap();
    let said = home.run(&["doctor"]);
    assert!(said.status == 1 && said.out.contains("the note of its last head is damaged"), "{}", told(&said));
    raise(&home, 1);
    home.ok(&["doctor"]);
}

/// `kill -9` alone loses nothing, and a stop in order leaves no write-ahead log.
#[test]
fn a_killed_server_has_lost_nothing() {
    let (home, last) = killed();
    home.ok(&["verify"]);
    home.ok(&["doctor"]);
    assert_eq!(head(&home), last);
    let mut server = Server::start(&home);
    raise(&home, 1);
    assert_eq!(server.signal(Signal::TERM), Some(0));
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        assert!(!folder(&home).join(name).exists(), "{name} is left");
    }
}

/// What a console saw is what commands go by, too: nothing is decided on another history before its person has said so.
#[test]
fn nothing_is_decided_on_a_history_that_is_not_the_one_seen() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let agent = home.data().join("tokens/default.first-agent").display().to_string();
    home.ok(&["raise", "nobody.knows", "--token-file", &agent]);
    let seen = |seq: u64, hash: &str| {
        home.file("data/seen.json", &json!({"here": {"default": {"seq": seq, "hash": hash}}}).to_string());
    };
    let deed: Json =
        serde_json::from_str(home.ok(&["log", "--export", "jsonl"]).lines().nth(3).unwrap()).unwrap();
    seen(deed["seq"].as_u64().unwrap(), deed["hash"].as_str().unwrap());
    home.ok(&["doctor"]);
    home.ok(&["inbox", "claim", "1"]);
    for (seq, hash) in [(1, "0".repeat(64)), (9_000, "1".repeat(64))] {
        seen(seq, &hash);
        let said = home.run(&["inbox", "release", "1"]);
        assert!(said.status == 1 && said.err.contains("deeds ledger confirm"), "{}", told(&said));
        let said = home.run(&["doctor"]);
        assert!(said.status == 1 && said.out.contains("seen default"), "{}", told(&said));
        // Looking, what agents do, and a stop are not held up.
        home.ok(&["inbox", "list"]);
        home.ok(&["raise", "goes.on"]);
        let stop = home.run(&["override", "pause-all", "--reason", "something is wrong here"]);
        assert!(!stop.err.contains("ledger confirm"), "{}", told(&stop));
    }
    assert!(home.ok(&["log", "type:deeds.workspace.paused"]).contains("wrong here"));
    let said = home.ok(&["ledger", "confirm"]);
    assert!(said.contains("9000"), "{said}");
    home.ok(&["inbox", "release", "1"]);
    home.ok(&["doctor"]);
    assert!(home.ok(&["ledger", "confirm"]).contains("nothing to confirm"));
}

/// Nothing of it was in the file yet: it is no workspace that was never finished.
#[test]
fn a_ledger_that_lost_all_is_not_founded_anew() {
    let home = Home::new();
    let mut server = Server::start(&home);
    raise(&home, 3);
    server.signal(Signal::KILL);
    lose(&home);
    for arguments in [&["raise", "nobody.knows"][..], &["inbox", "list"], &["doctor"], &["verify"]] {
        let said = home.run(arguments);
        assert_ne!(said.status, 0, "{}", told(&said));
        assert!(format!("{}{}", said.out, said.err).contains("deeds are missing"), "{}", told(&said));
    }
    let ledger = rusqlite::Connection::open(folder(&home).join("ledger.db")).unwrap();
    let deeds: u64 = ledger.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap();
    assert_eq!(deeds, 0, "it was founded over what was lost");
}

/// What a restore was unpacking when it was killed is no reason to begin anew.
#[test]
fn a_restore_that_was_cut_off_is_told_and_can_be_done_again() {
    let home = Home::new();
    raise(&home, 2);
    home.ok(&["backup", "all.tar"]);
    let cut = home.dir.path().join("new/restoring/workspaces/default");
    fs::create_dir_all(&cut).unwrap();
    fs::write(cut.join("ledger.db"), "half of it").unwrap();
    fs::set_permissions(home.dir.path().join("new"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(home.dir.path().join("new/lock"), "").unwrap();
    for arguments in [&["raise", "nobody.knows"][..], &["doctor"]] {
        let said = home.run(&[arguments, &["--data-dir", "new"]].concat());
        assert_ne!(said.status, 0, "{}", told(&said));
        assert!(format!("{}{}", said.out, said.err).contains("a restore was cut off"), "{}", told(&said));
    }
    home.ok(&["restore", "all.tar", "--data-dir", "new"]);
    home.ok(&["verify", "--data-dir", "new"]);
    home.ok(&["raise", "goes.on", "--data-dir", "new"]);
}
