//! The ledger's file from outside: damage, foreign files, missing room and rights, two processes, sudden death.
//!
//! Some cases need a process of their own (limits, another user, an abort). They run this very test binary again with
//! the case's name in the environment.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "common/programs.rs"]
mod programs;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use patience::PATIENCE;
use proptest::prelude::*;
use rusqlite::Connection;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use deeds::ledger::sqlite::verify;
use deeds::ledger::{Append, Head, Ledger, LedgerError, SqliteLedger};

/// Names the case that a child process is to play.
const CHILD: &str = "DEEDS_TEST_LEDGER_CHILD";
const NOBODY: u32 = 65_534;

fn deeds(count: usize) -> Vec<Bytes> {
    (0..count)
        .map(|n| Bytes::from(format!(r#"{{"deed":{n},"reason":"{}"}}"#, "because ".repeat(20))))
        .collect()
}

fn open(path: &Path) -> SqliteLedger {
    patience::begun();
    SqliteLedger::open_or_create(path, "northwind").unwrap()
}

async fn append(ledger: &SqliteLedger, count: usize) -> Head {
    let head = ledger.head().await.unwrap();
    match ledger.append(head, deeds(count)).await.unwrap() {
        Append::Appended(records) => records.last().unwrap().head(),
        Append::Moved(head) => panic!("moved to {head:?}"),
    }
}

/// A closed ledger with `count` records, everything in the one file.
fn written(directory: &TempDir, count: usize) -> (PathBuf, Head) {
    let path = directory.path().join("northwind.ledger");
    let head = block_on(async {
        let ledger = open(&path);
        let head = append(&ledger, count).await;
        ledger.close().await;
        head
    });
    assert!(!path.with_extension("ledger-wal").exists(), "closing left a write-ahead log");
    (path, head)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn opening(path: &Path) -> LedgerError {
    SqliteLedger::open_or_create(path, "northwind").expect_err("it opened")
}

#[test]
fn what_was_appended_is_there_after_opening_again() {
    let directory = TempDir::new().unwrap();
    let (path, head) = written(&directory, 2_500);
    block_on(async {
        let ledger = open(&path);
        assert_eq!(ledger.head().await, Ok(head));
        assert_eq!(append(&ledger, 1).await.seq, 2_501);
    });
    let mut reached = Vec::new();
    let found = verify(&path, |head| reached.push(head.seq)).unwrap();
    assert_eq!(found.head.seq, 2_501);
    assert_eq!(reached, (1..=2_501).collect::<Vec<_>>());
}

#[test]
fn the_log_goes_into_the_file_beside_the_writer_and_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("northwind.ledger");
    block_on(async {
        let ledger = open(&path);
        // Less than what the writer itself waits for.
        for _ in 0..8 {
            append(&ledger, 1_000).await;
        }
        let end = Instant::now() + PATIENCE;
        while fs::metadata(&path).unwrap().len() < 400_000 {
            assert!(Instant::now() < end, "nothing was brought into the file");
            std::thread::sleep(Duration::from_millis(2));
        }
        append(&ledger, 1_000).await;
        ledger.close().await;
    });
    assert!(!path.with_extension("ledger-wal").exists(), "closing left a write-ahead log");
    verify(&path, |_| {}).unwrap();
}

#[test]
fn every_file_is_the_owners_alone_and_no_draft_stays() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.ledger");
    block_on(async {
        let ledger = open(&path);
        append(&ledger, 3).await;
        let mut names = Vec::new();
        for entry in fs::read_dir(directory.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", entry.file_name());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        let names: Vec<&str> =
            names.iter().filter_map(|name| name.strip_prefix("northwind.ledger")).collect();
        assert_eq!(names, ["", "-head", "-shm", "-wal"]);
    });
}

#[test]
fn two_processes_that_race_collide_on_the_sequence() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.ledger");
    block_on(async {
        let (one, other) = (open(&path), open(&path));
        assert_eq!(one.identity(), other.identity());
        let empty = other.head().await.unwrap();
        let head = append(&one, 3).await;
        assert_eq!(other.append(empty, deeds(1)).await, Ok(Append::Moved(head)));
        assert_eq!(append(&other, 2).await.seq, 5);
        assert!(matches!(one.append(head, deeds(1)).await, Ok(Append::Moved(Head { seq: 5, .. }))));
    });
    assert_eq!(verify(&path, |_| {}).unwrap().head.seq, 5);
}

#[test]
fn what_is_no_ledger_is_named_as_such_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.ledger");
    fs::write(&path, "Dear diary, this is no database at all.\n".repeat(200)).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(opening(&path), LedgerError::NotALedger { .. }), "{}", opening(&path));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    assert!(opening(&path).to_string().contains("another application"), "{}", opening(&path));

    fs::write(&path, "").unwrap();
    assert!(matches!(opening(&path), LedgerError::Truncated { .. }), "{}", opening(&path));

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(opening(&path).to_string().contains("it is a directory"), "{}", opening(&path));

    let nowhere = directory.path().join("missing.ledger");
    assert!(matches!(SqliteLedger::open(&nowhere).unwrap_err(), LedgerError::Missing { .. }));
    assert!(matches!(verify(&nowhere, |_| {}).unwrap_err(), LedgerError::Missing { .. }));
    assert!(!nowhere.exists());
}

#[test]
fn a_newer_format_and_another_workspace_are_refused() {
    let directory = TempDir::new().unwrap();
    let (path, _) = written(&directory, 3);
    let error = SqliteLedger::open_or_create(&path, "southwind").unwrap_err().to_string();
    assert!(error.contains("workspace `northwind`, not of `southwind`"), "{error}");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = opening(&path).to_string();
    assert!(error.contains("format 7 by a newer Deeds, this one reads up to 1"), "{error}");
    assert!(error.starts_with(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let directory = TempDir::new().unwrap();
    let (path, _) = written(&directory, 200);
    let whole = fs::read(&path).unwrap();
    for length in [1, 99, 4_095, 4_096, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        // What is missing decides which words fit: the head of the file, whole pages, or a piece of the last one.
        let fits = |error: &LedgerError| match length {
            ..4_096 => matches!(error, LedgerError::Truncated { .. } | LedgerError::NotALedger { .. }),
            _ if length % 4_096 == 0 => matches!(error, LedgerError::Truncated { .. }),
            _ => matches!(error, LedgerError::Truncated { .. } | LedgerError::Corrupt { .. }),
        };
        let error = opening(&path);
        assert!(fits(&error), "at {length}: {error}");
        assert!(verify(&path, |_| {}).is_err());
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(verify(&path, |_| {}).unwrap().head.seq, 200);
}

#[test]
fn a_record_taken_out_is_found_with_its_number() {
    let directory = TempDir::new().unwrap();
    let (path, _) = written(&directory, 3_000);
    Connection::open(&path).unwrap().execute("DELETE FROM record WHERE seq = 40", []).unwrap();
    let LedgerError::Corrupt { seq, .. } = verify(&path, |_| {}).unwrap_err() else { panic!() };
    assert_eq!(seq, Some(40));
    // Opening looks at the tail only, and that is whole.
    SqliteLedger::open(&path).unwrap();
    Connection::open(&path).unwrap().execute("DELETE FROM record WHERE seq = 2990", []).unwrap();
    let LedgerError::Corrupt { seq, .. } = opening(&path) else { panic!() };
    assert_eq!(seq, Some(2_990));
}

#[test]
fn an_exchanged_identity_is_found() {
    let directory = TempDir::new().unwrap();
    let (path, _) = written(&directory, 3);
    Connection::open(&path).unwrap().execute("UPDATE ledger SET workspace = 'southwind'", []).unwrap();
    assert!(matches!(verify(&path, |_| {}), Err(LedgerError::Corrupt { seq: Some(1), .. })));
}

/// Where a stored column lies in the file's bytes. SQLite may leave an old copy behind when it splits a page, so there
/// can be several places.
fn places(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    (0..haystack.len()).filter(|at| haystack[*at..].starts_with(needle)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_of_a_stored_record_is_found_with_its_number(
        seq in 1_usize..=60, in_hash in any::<bool>(), at in any::<prop::sample::Index>(), bit in 0_u8..8,
    ) {
        let directory = TempDir::new().unwrap();
        let (path, _) = written(&directory, 60);
        let record = block_on(async {
            let ledger = SqliteLedger::open(&path).unwrap();
            let record = ledger.get(seq as u64).await.unwrap().unwrap();
            ledger.close().await;
            record
        });
        let mut file = fs::read(&path).unwrap();
        let stored: &[u8] = if in_hash { &record.hash.0 } else { &record.bytes };
        let at = at.index(stored.len());
        let places = places(&file, stored);
        prop_assert!(!places.is_empty(), "not stored as it was written");
        for place in places {
            file[place + at] ^= 1 << bit;
        }
        fs::write(&path, file).unwrap();
        let found = verify(&path, |_| {}).unwrap_err();
        prop_assert!(
            matches!(found, LedgerError::Corrupt { seq: Some(found), .. } if found == record.seq),
            "{}", found
        );
        prop_assert!(SqliteLedger::open(&path).is_err());
    }
}

/// Runs a case of this binary in a process of its own; `with` may set limits or the user.
fn child(case: &str, path: &Path, with: impl FnOnce(&mut Command)) -> Command {
    child_of(&std::env::current_exe().unwrap(), case, path, with)
}

fn child_of(program: &Path, case: &str, path: &Path, with: impl FnOnce(&mut Command)) -> Command {
    // A shell in between, because only it can set a signal to be ignored: a write past the limit shall fail, not kill.
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(program)
        .args(["--exact", "plays_the_child", "--nocapture", "--test-threads=1"])
        .env(CHILD, case)
        .env("DEEDS_TEST_LEDGER_PATH", path)
        .stdin(Stdio::null());
    with(&mut command);
    command
}

fn assert_ok(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(out.contains("1 passed"), "{out}");
}

#[test]
fn plays_the_child() {
    let Ok(case) = std::env::var(CHILD) else { return };
    let path = PathBuf::from(std::env::var_os("DEEDS_TEST_LEDGER_PATH").unwrap());
    match case.as_str() {
        "no room" => block_on(no_room(&path)),
        "no rights" => no_rights(&path),
        "until killed" => block_on(until_killed(&path)),
        "failing syncs" => block_on(failing_syncs(&path)),
        other => panic!("no case {other}"),
    }
}

#[test]
fn without_room_nothing_is_recorded_and_with_room_it_goes_on() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.ledger");
    assert_ok(&patience::output(&mut child("no room", &path, |_| {}), &[]));
    assert_eq!(verify(&path, |_| {}).unwrap().head.seq, 21);
}

fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

async fn no_room(path: &Path) {
    let ledger = open(path);
    let head = append(&ledger, 20).await;
    limit(Some(fs::metadata(path.with_extension("ledger-wal")).unwrap().len() + 8_192));
    for _ in 0..3 {
        let error = ledger.append(head, deeds(500)).await.unwrap_err();
        assert!(matches!(error, LedgerError::Io { .. } | LedgerError::Full { .. }), "{error}");
        assert_eq!(ledger.head().await, Ok(head), "readers saw what was not acknowledged");
    }
    // Now there is not even room to tidy up, so the ledger stays down, and still reads.
    limit(Some(0));
    let error = ledger.append(head, deeds(500)).await.unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(ledger.append(head, deeds(1)).await.is_err());
    assert_eq!(ledger.head().await, Ok(head));
    assert_eq!(ledger.read(0, 100).await.unwrap().len(), 20);
    limit(None);
    assert_eq!(ledger.recover().await, Ok(head));
    assert_eq!(append(&ledger, 1).await.seq, 21);
}

#[test]
fn without_rights_it_says_whose_and_changes_nothing() {
    if !rustix::process::geteuid().is_root() {
        return no_rights_here();
    }
    // Root may write anywhere, so somebody else has to try.
    let directory = prepared_without_rights();
    let path = directory.path().join("northwind.ledger");
    // Nor may everybody enter the folder of this binary: where `/root` is closed, it is not found there.
    let open_to_all = TempDir::new().unwrap();
    fs::set_permissions(open_to_all.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = open_to_all.path().join("ledger");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let as_nobody = |command: &mut Command| {
        command.uid(NOBODY).gid(NOBODY).current_dir(open_to_all.path());
    };
    assert_ok(&patience::output(&mut child_of(&program, "no rights", &path, as_nobody), &[]));
    assert_eq!(verify(&path, |_| {}).unwrap().head.seq, 5);
}

fn no_rights_here() {
    let directory = prepared_without_rights();
    no_rights(&directory.path().join("northwind.ledger"));
}

fn prepared_without_rights() -> TempDir {
    let directory = TempDir::new().unwrap();
    let (path, _) = written(&directory, 5);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    directory
}

fn no_rights(path: &Path) {
    let error = opening(path);
    assert!(matches!(error, LedgerError::Unwritable { .. }), "{error}");
    let error = opening(&path.with_file_name("new.ledger"));
    assert!(matches!(error, LedgerError::Unwritable { .. }), "{error}");
    // The ledger and the note of its last head.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    // What can't be written can still be verified.
    assert_eq!(verify(path, |_| {}).unwrap().head.seq, 5);
}

#[test]
fn after_kill_every_acknowledged_append_is_there() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.ledger");
    let acknowledged = path.with_extension("acks");
    let mut last = 0;
    for round in 0_u64..6 {
        let mut process = child("until killed", &path, |command| {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        })
        .spawn()
        .unwrap();
        let before = read_number(&acknowledged);
        let end = Instant::now() + PATIENCE;
        while read_number(&acknowledged) < before + 20 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1 + round));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let acks = read_number(&acknowledged);
        assert!(acks >= before + 20, "the child got nowhere: {acks}");
        let found = verify(&path, |_| {}).unwrap().head.seq;
        assert!(found >= acks && found >= last, "{acks} were acknowledged, {found} are there");
        assert_eq!(found % 5, 0, "half a batch is there");
        last = found;
    }
}

fn read_number(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next_back().and_then(|line| line.parse().ok()).unwrap_or(0)
}

async fn until_killed(path: &Path) {
    use std::io::Write;
    let ledger = open(path);
    let mut acks =
        fs::OpenOptions::new().create(true).append(true).open(path.with_extension("acks")).unwrap();
    loop {
        let head = append(&ledger, 5).await;
        // One write a line, so that a reader never meets half a number with a line end behind it.
        acks.write_all(format!("{}\n", head.seq).as_bytes()).unwrap();
    }
}

/// strace makes every few syncs fail.
#[test]
fn a_failed_sync_is_an_error_and_never_a_lost_or_doubled_record() {
    if !programs::is_there("strace") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let (path, _) = written(&directory, 10);
    for first in 5..17 {
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"])
            .arg(format!("inject=fsync,fdatasync:error=EIO:when={first}+13"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "plays_the_child", "--nocapture", "--test-threads=1"])
            .env(CHILD, "failing syncs")
            .env("DEEDS_TEST_LEDGER_PATH", &path);
        assert_ok(&patience::output(&mut traced, &[]));
        verify(&path, |_| {}).unwrap();
    }
}

/// Appends through failures, keeping count of what must be there and what may be.
async fn failing_syncs(path: &Path) {
    let (mut failures, mut unknown) = (0, 0);
    let ledger = open(path);
    let mut head = ledger.head().await.unwrap();
    for _ in 0..60 {
        match ledger.append(head, deeds(3)).await {
            Ok(Append::Appended(records)) => {
                head = records.last().unwrap().head();
                assert_eq!(ledger.head().await, Ok(head));
            }
            Ok(Append::Moved(now)) => panic!("moved from {head:?} to {now:?}"),
            Err(error) => {
                failures += 1;
                let now = loop {
                    if let Ok(now) = ledger.recover().await {
                        break now;
                    }
                };
                if error.outcome_unknown() {
                    unknown += 1;
                    assert!(now.seq == head.seq || now.seq == head.seq + 3, "half a batch");
                } else {
                    assert_eq!(now, head, "an error was told, and it was recorded: {error}");
                }
                head = now;
            }
        }
    }
    println!("{failures} failures, {unknown} of unknown fate");
    assert!(failures > 0, "nothing was injected");
}
