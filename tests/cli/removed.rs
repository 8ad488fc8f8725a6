//! A ledger whose file is taken away while it is written: seen at once, nothing is acknowledged any more, and what was is
//! kept as an export.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::{Server, ask};

fn folder(home: &Home) -> PathBuf {
    home.data().join("workspaces/default")
}

fn rescued(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("rescued"))
        .collect();
    found.sort();
    found
}

/// Takes the file away under a server with deeds in its write-ahead log; what is asked next is refused, and the export has
/// everything that was acknowledged, and nothing else.
fn taken_away(take: impl FnOnce(&Path), kept_in: impl FnOnce(&Home) -> PathBuf) -> (Home, Server) {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    let server = Server::start(&home);
    let mut acknowledged = Vec::new();
    for n in 0..4 {
        acknowledged.push(home.ok(&["raise", &format!("nobody.knows.{n}")]));
    }
    take(&folder(&home));
    let token = home.data().join("tokens/default.dana");
    for event in ["one.too.many", "another.one"] {
        let body = serde_json::json!({ "event": event, "attributes": {} }).to_string();
        let (status, problem) = ask(&server.url, &token, "POST", "/v1/events", &body).unwrap();
        assert_eq!((status, problem["code"].as_str()), (503, Some("ledger-gone")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("is gone") && detail.contains("rescued"), "{detail}");
    }

    let place = kept_in(&home);
    let began = Instant::now();
    while rescued(&place).is_empty() && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let [export] = rescued(&place).try_into().unwrap();
    let export = export.to_str().unwrap().to_owned();
    let verified = || home.run(&["verify", "--export", &export]);
    while verified().status != 0 && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(&export).unwrap();
    for n in 0..acknowledged.len() {
        assert!(text.contains(&format!("nobody.knows.{n}")), "{n} was acknowledged and is not in {export}");
    }
    assert!(!text.contains("one.too.many") && !text.contains("another.one"), "{text}");
    home.ok(&["verify", "--export", &export]);
    // It can be gone on with.
    home.ok(&["restore", &export, "--data-dir", "new"]);
    let events = home.ok(&["log", "type:deeds.event.*", "--data-dir", "new"]);
    assert!(events.contains("nobody.knows.3"), "{events}");
    home.ok(&["raise", "goes.on", "--data-dir", "new"]);
    let doctor = home.ok(&["doctor", "--data-dir", "new"]);
    assert!(doctor.contains("restored") && doctor.contains(&export), "{doctor}");
    let log = fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
    assert!(log.contains(&export), "{log}");
    // Looking still works.
    let (status, _) = ask(&server.url, &token, "GET", "/v1/inbox", "").unwrap();
    assert_eq!(status, 200);
    (home, server)
}

fn is_ready(server: &Server, home: &Home) -> bool {
    let token = home.data().join("tokens/default.dana");
    // What it says when it is ready is no JSON.
    ask(&server.url, &token, "GET", "/readyz", "").is_err()
}

#[test]
fn a_ledger_that_is_removed_while_it_is_written_is_missed_at_once() {
    let (home, server) = taken_away(|folder| fs::remove_file(folder.join("ledger.db")).unwrap(), folder);
    assert!(!is_ready(&server, &home));
}

#[test]
fn so_is_one_that_is_renamed_and_it_comes_back_whole() {
    let away = |folder: &Path| fs::rename(folder.join("ledger.db"), folder.join("ledger.away")).unwrap();
    let (home, mut server) = taken_away(away, folder);
    assert_eq!(server.signal(rustix::process::Signal::TERM), Some(0));
    fs::rename(folder(&home).join("ledger.away"), folder(&home).join("ledger.db")).unwrap();
    home.ok(&["doctor"]);
    assert!(home.ok(&["log", "type:deeds.event.*"]).contains("nobody.knows.3"));
    home.ok(&["raise", "goes.on"]);
}

#[test]
fn so_is_one_that_a_copy_takes_the_place_of() {
    let replace = |folder: &Path| {
        fs::copy(folder.join("ledger.db"), folder.join("copy")).unwrap();
        fs::rename(folder.join("copy"), folder.join("ledger.db")).unwrap();
    };
    let (home, mut server) = taken_away(replace, folder);
    assert_eq!(server.signal(rustix::process::Signal::TERM), Some(0));
    // The write-ahead log stays where it was, and the copy has what it began with.
    home.ok(&["doctor"]);
    assert!(home.ok(&["log", "type:deeds.event.*"]).contains("nobody.knows.3"));
}

#[test]
fn so_is_its_write_ahead_log() {
    taken_away(|folder| fs::remove_file(folder.join("ledger.db-wal")).unwrap(), folder);
}

#[test]
fn where_the_folder_is_gone_too_the_export_lies_in_the_data_directory() {
    taken_away(|folder| fs::remove_dir_all(folder).unwrap(), Home::data);
}

#[test]
fn it_is_missed_also_where_nothing_is_written() {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    let server = Server::start(&home);
    assert!(is_ready(&server, &home));
    fs::remove_file(folder(&home).join("ledger.db")).unwrap();
    let began = Instant::now();
    while is_ready(&server, &home) {
        assert!(began.elapsed() < PATIENCE, "nobody missed it");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is in it is written over, never cut off: a shorter one has lost what the connection believes to be there.
#[test]
fn a_write_ahead_log_that_is_cut_off_takes_nothing_more() {
    for keep in [0, 2] {
        let home = Home::new();
        let server = Server::start(&home);
        for n in 0..4 {
            home.ok(&["raise", &format!("nobody.knows.{n}")]);
        }
        let log = fs::OpenOptions::new().write(true).open(folder(&home).join("ledger.db-wal")).unwrap();
        log.set_len(log.metadata().unwrap().len() / 4 * keep).unwrap();
        let token = home.data().join("tokens/default.dana");
        let body = r#"{"event": "one.too.many", "attributes": {}}"#;
        let (status, problem) = ask(&server.url, &token, "POST", "/v1/events", body).unwrap();
        assert_eq!((status, &problem["code"]), (503, &"ledger-gone".into()), "{problem}");
        assert!(!is_ready(&server, &home));
        let doctor = home.run(&["doctor"]);
        assert_ne!(doctor.status, 0, "{}", doctor.out);
        assert!(doctor.out.contains("recording default"), "{}", doctor.out);
    }
}

/// SQLite reads what it wrote from memory and goes on; what is behind the damage would be lost with the process.
#[test]
fn a_write_ahead_log_that_is_damaged_in_place_takes_nothing_more() {
    use std::os::unix::fs::FileExt as _;
    for damage in [vec![0; 6_000], b"?".to_vec()] {
        let home = Home::new();
        let server = Server::start(&home);
        for n in 0..4 {
            home.ok(&["raise", &format!("nobody.knows.{n}")]);
        }
        assert!(is_ready(&server, &home));
        let log = fs::OpenOptions::new().write(true).open(folder(&home).join("ledger.db-wal")).unwrap();
        log.write_all_at(&damage, log.metadata().unwrap().len() / 2).unwrap();
        let began = Instant::now();
        while is_ready(&server, &home) {
            assert!(began.elapsed() < PATIENCE, "nobody missed it");
            std::thread::sleep(Duration::from_millis(50));
        }
        for command in ["doctor", "verify"] {
            let said = home.run(&[command]);
            assert_ne!(said.status, 0, "{command}: {}", said.out);
            let all = format!("{}{}", said.out, said.err);
            assert!(all.contains("write-ahead log is damaged"), "{command}: {all}");
        }
        let token = home.data().join("tokens/default.dana");
        let body = r#"{"event": "one.too.many", "attributes": {}}"#;
        let (status, problem) = ask(&server.url, &token, "POST", "/v1/events", body).unwrap();
        assert_eq!((status, &problem["code"]), (503, &"ledger-gone".into()), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("write-ahead log is damaged"), "{problem}");
        let said = fs::read_to_string(home.dir.path().join("serve.log")).unwrap();
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Nobody has looked yet: the stop does.
#[test]
fn a_stop_keeps_what_is_left_of_it() {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    let mut server = Server::start(&home);
    fs::remove_file(folder(&home).join("ledger.db")).unwrap();
    server.signal(rustix::process::Signal::TERM);
    let [export] = rescued(&folder(&home)).try_into().unwrap();
    home.ok(&["verify", "--export", export.to_str().unwrap()]);
}

/// Written over in place, and no shorter than before: the same file by name, device and inode.
#[test]
fn another_ledger_that_is_written_over_it_is_missed_at_once() {
    use std::io::Write as _;
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    home.ok(&["raise", "somebody.else.knows", "--data-dir", "other"]);
    let other = fs::read(home.dir.path().join("other/workspaces/default/ledger.db")).unwrap();
    let server = Server::start(&home);
    home.ok(&["raise", "nobody.knows.1"]);
    let mut file = fs::OpenOptions::new().write(true).open(folder(&home).join("ledger.db")).unwrap();
    file.write_all(&other).unwrap();
    drop(file);
    let token = home.data().join("tokens/default.dana");
    let body = r#"{"event": "one.too.many", "attributes": {}}"#;
    let (status, problem) = ask(&server.url, &token, "POST", "/v1/events", body).unwrap();
    assert_eq!((status, &problem["code"]), (503, &"ledger-gone".into()), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("written over"), "{problem}");
    assert!(!is_ready(&server, &home));
    // What is rescued is nobody else's.
    for export in rescued(&folder(&home)) {
        assert!(!fs::read_to_string(export).unwrap().contains("somebody.else"));
    }
}

/// A copy of the very same bytes, and a file whose times were touched, are no other ledger.
#[test]
fn what_only_looks_written_over_goes_on() {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    let _server = Server::start(&home);
    home.ok(&["raise", "nobody.knows.1"]);
    let path = folder(&home).join("ledger.db");
    let same = fs::read(&path).unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &same))
        .unwrap();
    home.ok(&["raise", "nobody.knows.2"]);
    fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    home.ok(&["raise", "nobody.knows.3"]);
}
