//! Starting and stopping: snapshots that are believed and that are not, deeds that can't be read, the first deed.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::domain::ids::PersonId;
use crate::domain::map::Model;
use crate::domain::time::Span;
use crate::ledger::chain;

#[tokio::test]
async fn what_was_waiting_is_decided_before_the_shutdown() {
    let directory = TempDir::new().unwrap();
    let handle = started(file(&directory)).await;
    let (answer, ()) = tokio::join!(handle.submit(write("ada", "text", 0, 1)), handle.shutdown());
    assert_eq!(answer.unwrap().reply.outcome, Outcome::Committed);
    let found = sqlite::verify(&directory.path().join("northwind.ledger"), |_| {}).unwrap();
    assert_eq!(found.head, handle.head());
}

#[tokio::test]
async fn a_deed_of_an_unknown_type_refuses_the_start_with_its_number() {
    let ledger = memory();
    let head = ledger.head().await.unwrap();
    let mut batch = foreign(2).await;
    let last = String::from_utf8(batch.pop().unwrap().to_vec()).unwrap();
    assert!(last.contains("deeds.write.committed"));
    batch.push(last.replace("deeds.write.committed", "deeds.write.imagined").into());
    let seq = batch.len() as u64;
    ledger.append(head, batch).await.unwrap();
    let error = start(ledger.into(), options()).await.unwrap_err();
    assert!(error.to_string().contains(&format!("deed {seq} can't be read")), "{error}");
    assert!(error.to_string().contains("deeds.write.imagined"), "{error}");
}

#[tokio::test]
async fn records_in_the_wrong_place_refuse_the_start() {
    let ledger = memory();
    let head = ledger.head().await.unwrap();
    let mut batch = foreign(3).await;
    batch.remove(0);
    ledger.append(head, batch).await.unwrap();
    let error = start(ledger.into(), options()).await.unwrap_err().to_string();
    assert!(error.contains("it says that it is deed 2"), "{error}");
}

async fn started_with_snapshot(directory: &TempDir, snapshot: &Path) -> Result<Handle, StartError> {
    let options = Options { snapshot: Some(snapshot.to_owned()), ..options() };
    start(file(directory).into(), options).await
}

/// A workspace with some deeds, shut down with a snapshot; then some more deeds without one.
async fn with_snapshot_and_tail(directory: &TempDir, snapshot: &Path) -> Vec<u8> {
    let handle = started_with_snapshot(directory, snapshot).await.unwrap();
    for n in 0..20 {
        committed(&handle, keyed(write(&format!("a{}", n % 3), "text", n / 3, n), &format!("k{n}"))).await;
    }
    handle.shutdown().await;
    assert!(snapshot.exists());
    let handle = started(file(directory)).await;
    for n in 0..5 {
        committed(&handle, write("tail", "text", n, n)).await;
    }
    let bytes = bytes_of(&handle).await;
    assert_eq!(bytes, bytes_of_replay(&handle).await);
    handle.shutdown().await;
    bytes
}

#[tokio::test]
async fn snapshot_and_tail_give_the_state_of_a_replay_byte_for_byte() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    let expected = Box::pin(with_snapshot_and_tail(&directory, &snapshot)).await;
    let (_, taken) = snapshot::load(&snapshot, file(&directory).identity()).unwrap();
    let handle = started_with_snapshot(&directory, &snapshot).await.unwrap();
    assert!(taken.seq > 0 && taken.seq < handle.head().seq, "the snapshot has no tail");
    assert_eq!(bytes_of(&handle).await, expected);
    assert!(handle.submit(keyed(write("a0", "text", 0, 0), "k0")).await.unwrap().replayed);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&snapshot).unwrap()) & 0o777, 0o600);
}

#[tokio::test]
async fn a_damaged_or_foreign_snapshot_is_passed_over() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    let expected = Box::pin(with_snapshot_and_tail(&directory, &snapshot)).await;
    let good = fs::read(&snapshot).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let identity = file(&directory).identity().clone();
    let damaged: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("cut short", good[..good.len() - 100].to_vec()),
        (
            "a line out",
            text.split_inclusive('\n')
                .enumerate()
                .filter(|(n, _)| *n != 2)
                .map(|(_, line)| line)
                .collect::<String>()
                .into(),
        ),
        ("one value", text.replacen("\"a1\"", "\"a7\"", 1).into()),
        ("another version", text.replacen(env!("CARGO_PKG_VERSION"), "99.0.0", 1).into()),
        (
            "another ledger",
            text.replacen(&identity.id.to_string(), &LedgerId::from_bytes(ID).to_string(), 1).into(),
        ),
    ];
    for (what, bytes) in damaged {
        assert_ne!(bytes, good, "{what}");
        fs::write(&snapshot, bytes).unwrap();
        assert!(snapshot::load(&snapshot, &identity).is_err(), "{what} was taken");
        let handle = started_with_snapshot(&directory, &snapshot).await.unwrap();
        assert_eq!(bytes_of(&handle).await, expected, "{what}");
        // It leaves a good snapshot in the place of the bad one.
        handle.shutdown().await;
        assert!(snapshot::load(&snapshot, &identity).is_ok(), "{what}");
    }
}

#[tokio::test]
async fn a_snapshot_of_another_history_is_passed_over() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    let expected = Box::pin(with_snapshot_and_tail(&directory, &snapshot)).await;
    let ledger = file(&directory);
    let (state, taken) = snapshot::load(&snapshot, ledger.identity()).unwrap();
    let forged = Head { seq: taken.seq, hash: chain::link(taken.hash, b"another past") };
    snapshot::save(&snapshot, ledger.identity(), forged, &state, &AtomicBool::new(false)).unwrap();
    let handle = started_with_snapshot(&directory, &snapshot).await.unwrap();
    assert_eq!(bytes_of(&handle).await, expected);
}

#[tokio::test]
async fn a_ledger_that_ends_before_its_snapshot_is_not_taken_for_whole() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    Box::pin(with_snapshot_and_tail(&directory, &snapshot)).await;
    let path = directory.path().join("northwind.ledger");
    let taken = snapshot::load(&snapshot, file(&directory).identity()).unwrap().1.seq;
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("DELETE FROM record WHERE seq >= ?1", [taken])
        .unwrap();
    let error = started_with_snapshot(&directory, &snapshot).await.unwrap_err().to_string();
    assert!(error.contains("deeds were lost") && error.contains(snapshot.to_str().unwrap()), "{error}");
    fs::remove_file(&snapshot).unwrap();
    assert_eq!(started_with_snapshot(&directory, &snapshot).await.unwrap().head().seq, taken - 1);
}

#[tokio::test]
async fn an_empty_ledger_is_founded_once() {
    let model: Model =
        serde_json::from_value(json!({"workspace": "northwind", "governance_owner": "dana"})).unwrap();
    let dana = Actor::Person(PersonId::new("dana").unwrap());
    let founding = || -> Option<Founding> {
        let (model, dana) = (Arc::new(model.clone()), dana.clone());
        Some(Box::new(move |now| vec![decide::found(model, dana, now)]))
    };
    let directory = TempDir::new().unwrap();
    for round in 0..2 {
        let clock = Clock::manual(Time::from_micros(7_000_000).plus(Span::from_secs(round)));
        let options = Options { clock, founding: founding(), ..Options::default() };
        let handle = start(file(&directory).into(), options).await.unwrap();
        assert_eq!((handle.head().seq, handle.front().board.recorded), (1, Time::from_micros(7_000_000)));
        assert_eq!(handle.front().board.maps.iter().map(|step| &step.by).collect::<Vec<_>>(), [&dana]);
        assert_eq!(handle.front().board.map.model().governance_owner, model.governance_owner);
        handle.shutdown().await;
    }
}

/// A state in which most of what a state can hold is there once.
async fn lived_in() -> Handle {
    let model: Model = serde_json::from_value(json!({
        "workspace": "northwind",
        "agent": [{"id": "ada", "role": "writes", "owner": "dana", "writes": ["crm/**"]}],
    }))
    .unwrap();
    let dana = Actor::Person(PersonId::new("dana").unwrap());
    let founder = dana.clone();
    let founding: Founding = Box::new(move |now| vec![decide::found(Arc::new(model), founder, now)]);
    let handle = start(memory().into(), Options { founding: Some(founding), ..options() }).await.unwrap();
    let as_dana = |command: serde_json::Value| Request {
        principal: Principal { actor: dana.clone(), class: TokenClass::Admin, token: None },
        command: serde_json::from_value(command).unwrap(),
        ..write("ada", "text", 0, 0)
    };
    let as_guard = |command: serde_json::Value| Request {
        principal: Principal { class: TokenClass::Guard, ..as_dana(json!({"do": "tick"})).principal },
        command: serde_json::from_value(command).unwrap(),
        ..write("ada", "text", 0, 0)
    };
    let as_agent = |agent: &str, command: serde_json::Value| Request {
        command: serde_json::from_value(command).unwrap(),
        ..write(agent, "text", 0, 0)
    };
    let hash = "0".repeat(64);
    for request in [
        keyed(write("ada", "text", 0, 1), "k"),
        write("ada", "text", 0, 2),
        escalation("ada"),
        as_agent("ada", json!({"do": "write", "entity": "crm/a", "changes": {"x": 1}, "expected": {"x": 0}})),
        as_agent("bob", json!({"do": "write", "entity": "crm/a", "changes": {"x": 2}, "expected": {"x": 1}})),
        as_agent("ada", json!({"do": "act", "target": "crm/a", "subject": "crm/a", "action": "send"})),
        as_dana(
            json!({"do": "token", "step": "create", "id": "t1", "class": "agent", "name": "ada", "hash": hash}),
        ),
        as_dana(json!({"do": "override", "step": "freeze", "entity": "crm/b", "reason": "looking into it"})),
        as_dana(json!({"do": "override", "step": "pause", "agent": "bob", "reason": "looking into it"})),
        as_guard(json!({"do": "guard", "agent": "ada", "by": "git", "paths": ["crm/a"]})),
    ] {
        handle.submit(request).await.unwrap();
    }
    handle
}

/// Every path of keys in a JSON value; numbers and paths as keys stand for all of their kind.
fn shape(prefix: &str, value: &serde_json::Value, into: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let any = key.parse::<u64>().is_ok() || key.contains(['/', '\n', ' ']);
                shape(&format!("{prefix}.{}", if any { "*" } else { key }), value, into);
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                shape(&format!("{prefix}[]"), item, into);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::String(_) => {
            into.insert(prefix.to_owned());
        }
    }
}

#[tokio::test]
async fn a_changed_shape_of_the_state_asks_for_a_new_snapshot_format() {
    let handle = lived_in().await;
    let mut lines = std::collections::BTreeSet::new();
    let mut written = Vec::new();
    let whole = handle.whole().await.unwrap();
    snapshot::write(&mut written, handle.identity(), handle.head(), &whole).unwrap();
    for line in String::from_utf8(written).unwrap().lines() {
        shape("", &serde_json::from_str(line).unwrap(), &mut lines);
    }
    let found = lines.into_iter().collect::<Vec<_>>().join("\n") + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/coordinator/tests/snapshot_shape.txt");
    if std::env::var_os("DEEDS_BLESS").is_some() {
        fs::write(&golden, &found).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    let new: Vec<&str> = found.lines().filter(|line| !expected.lines().any(|other| other == *line)).collect();
    let gone: Vec<&str> =
        expected.lines().filter(|line| !found.lines().any(|other| other == *line)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "the state's shape changed (new: {new:?}, gone: {gone:?}): raise FORMAT in coordinator/snapshot.rs, so that \
         older snapshots are passed over, then run this test once with DEEDS_BLESS=1"
    );
}

#[tokio::test]
async fn a_state_that_was_lived_in_is_read_back_from_its_snapshot_as_it_was() {
    let handle = lived_in().await;
    assert!(!handle.front().board.items.is_empty() && !handle.front().board.alerts.is_empty());
    assert!(!handle.front().board.works.is_empty() && !handle.front().tokens.is_empty());
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.snapshot");
    snapshot::save(
        &path,
        handle.identity(),
        handle.head(),
        &handle.whole().await.unwrap(),
        &AtomicBool::new(false),
    )
    .unwrap();
    let (state, head) = snapshot::load(&path, handle.identity()).unwrap();
    let mut whole = handle.whole().await.unwrap();
    // Values and keys are not in it.
    (whole.entities, whole.volume) = Default::default();
    let access = std::mem::take(&mut whole.access);
    whole.access.tokens = access.tokens;
    whole.access.invitations = access.invitations;
    assert_eq!((&state, head), (&whole, handle.head()));
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
}

#[tokio::test]
async fn a_snapshot_that_is_given_up_or_fails_leaves_nothing_and_the_one_before() {
    let handle = lived_in().await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.snapshot");
    let whole = handle.whole().await.unwrap();
    let save = |path: &Path, given_up: bool| {
        snapshot::save(path, handle.identity(), handle.head(), &whole, &AtomicBool::new(given_up))
    };
    save(&path, false).unwrap();
    let before = fs::read(&path).unwrap();
    let error = save(&path, true).unwrap_err().to_string();
    assert!(error.contains("given up"), "{error}");
    // What can't be put in its place is taken away, too.
    let folder = directory.path().join("folder.snapshot");
    fs::create_dir_all(folder.join("in the way")).unwrap();
    save(&folder, false).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), before);
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["folder.snapshot", "northwind.snapshot"]);
    // What a process left that was killed is taken away at the next start.
    fs::write(directory.path().join("northwind.snapshot.new"), b"half").unwrap();
    snapshot::tidy(&path);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}
