//! Starting and stopping: snapshots that are believed and that are not, deeds that can't be read, the first deed.

use std::fs;
use std::path::Path;

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
    let found = sqlite::verify(&sqlite::file_in(directory.path(), "northwind"), |_| {}).unwrap();
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
    let bytes = bytes_of(&handle);
    assert_eq!(bytes, bytes_of_replay(&handle).await);
    handle.shutdown().await;
    bytes
}

#[tokio::test]
async fn snapshot_and_tail_give_the_state_of_a_replay_byte_for_byte() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    let expected = with_snapshot_and_tail(&directory, &snapshot).await;
    let (_, taken) = snapshot::load(&snapshot, file(&directory).identity()).unwrap();
    let handle = started_with_snapshot(&directory, &snapshot).await.unwrap();
    assert!(taken.seq > 0 && taken.seq < handle.head().seq, "the snapshot has no tail");
    assert_eq!(bytes_of(&handle), expected);
    assert!(handle.submit(keyed(write("a0", "text", 0, 0), "k0")).await.unwrap().replayed);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&snapshot).unwrap()) & 0o777, 0o600);
}

#[tokio::test]
async fn a_damaged_or_foreign_snapshot_is_passed_over() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    let expected = with_snapshot_and_tail(&directory, &snapshot).await;
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
                .filter(|(n, _)| *n != 5)
                .map(|(_, line)| line)
                .collect::<String>()
                .into(),
        ),
        ("one value", text.replacen("scratch/a1/notes", "scratch/a7/notes", 1).into()),
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
        assert_eq!(bytes_of(&handle), expected, "{what}");
        // It leaves a good snapshot in the place of the bad one.
        handle.shutdown().await;
        assert!(snapshot::load(&snapshot, &identity).is_ok(), "{what}");
    }
}

#[tokio::test]
async fn a_snapshot_of_another_history_is_passed_over() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    let expected = with_snapshot_and_tail(&directory, &snapshot).await;
    let ledger = file(&directory);
    let (state, taken) = snapshot::load(&snapshot, ledger.identity()).unwrap();
    let forged = Head { seq: taken.seq, hash: chain::link(taken.hash, b"another past") };
    snapshot::save(&snapshot, ledger.identity(), forged, &state).unwrap();
    let handle = started_with_snapshot(&directory, &snapshot).await.unwrap();
    assert_eq!(bytes_of(&handle), expected);
}

#[tokio::test]
async fn a_ledger_that_ends_before_its_snapshot_is_not_taken_for_whole() {
    let directory = TempDir::new().unwrap();
    let snapshot = directory.path().join("northwind.snapshot");
    with_snapshot_and_tail(&directory, &snapshot).await;
    let path = sqlite::file_in(directory.path(), "northwind");
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
        let options = Options { clock, snapshot: None, founding: founding() };
        let handle = start(file(&directory).into(), options).await.unwrap();
        assert_eq!((handle.head().seq, handle.state().board.recorded), (1, Time::from_micros(7_000_000)));
        assert_eq!(handle.state().board.maps.iter().map(|step| &step.by).collect::<Vec<_>>(), [&dana]);
        assert_eq!(handle.state().board.map.model().governance_owner, model.governance_owner);
        handle.shutdown().await;
    }
}
