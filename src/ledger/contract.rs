//! What every engine must do, written once and run on each of them, every time.

use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;

use super::engine::{Choice, ENGINES, Reached, Secret};
use super::postgres::testing as postgres;
use super::{
    AnyLedger, Append, Engine, Head, Ledger, LedgerError, LedgerId, MAX_BATCH_RECORDS, MAX_READ_BYTES,
    MemoryLedger, Record, Store, Verified, Verifier, chain,
};
use crate::domain::ids::WorkspaceId;

/// An empty ledger, and whatever must live as long as it does.
struct Fresh {
    ledger: AnyLedger,
    _directory: Option<TempDir>,
}

fn northwind() -> WorkspaceId {
    WorkspaceId::new("northwind").unwrap()
}

/// Every engine that people choose, with nothing in it yet. PostgreSQL's server is this process's own, and ends with it.
pub(super) fn every_engine() -> Vec<Arc<dyn Engine>> {
    ENGINES.iter().filter_map(|choice| fresh(choice.name)).collect()
}

/// The engine of that name, with nothing in it yet; none where it can't be had here, which is told.
fn fresh(name: &str) -> Option<Arc<dyn Engine>> {
    let mut reached = Reached::default();
    if name == "postgres" {
        reached.postgres = Some(Secret(postgres::shared()?.fresh()));
    }
    Some((Choice::named(name).unwrap().open)(&reached).unwrap())
}

/// A ledger of every engine: of those that people choose, and of the one that tests hold.
fn of_every_engine() -> impl Iterator<Item = Fresh> {
    let memory = MemoryLedger::new(LedgerId::random().unwrap(), "northwind");
    let stored = every_engine().into_iter().map(|engine| {
        let directory = TempDir::new().unwrap();
        let ledger = Store::new(directory.path(), engine).create(&northwind()).unwrap();
        Fresh { ledger, _directory: Some(directory) }
    });
    stored.chain([Fresh { ledger: memory.into(), _directory: None }])
}

/// Runs each named case, as a test of its own, on a ledger of each engine.
macro_rules! of_every_engine {
    ($($case:ident),* $(,)?) => {
        mod ledgers {
            $( #[tokio::test] async fn $case() {
                for fresh in super::of_every_engine() {
                    eprintln!("on {:?}", fresh.ledger);
                    super::$case(fresh).await;
                }
            } )*
        }
    };
}

/// Runs each named case, as a test of its own, on a store of each engine.
macro_rules! in_every_store {
    ($($case:ident),* $(,)?) => {
        mod stores {
            $( #[tokio::test] async fn $case() {
                for engine in super::every_engine() {
                    eprintln!("with {}", engine.name());
                    super::$case(engine, tempfile::TempDir::new().unwrap()).await;
                }
            } )*
        }
    };
}

of_every_engine!(
    an_empty_ledger_ends_at_its_genesis,
    what_was_appended_is_read_back_byte_for_byte_and_chained,
    an_append_elsewhere_than_at_the_head_moves_nothing,
    of_two_that_race_exactly_one_wins,
    batches_without_records_or_with_too_many_are_refused,
    a_big_batch_is_one_append,
    pages_are_bounded_and_go_on,
    readers_see_whole_batches_while_a_writer_works,
    recovery_finds_the_same_head,
    a_closed_ledger_says_so,
);

in_every_store!(
    an_engine_is_found_by_its_name,
    an_empty_directory_has_no_ledger_and_gets_none_by_looking,
    what_was_made_is_listed_and_opened_again,
    a_ledger_is_looked_at_beside_its_writer,
    a_copy_is_the_same_ledger_and_comes_back,
    the_home_is_what_was_said_last,
);

fn deeds(range: std::ops::Range<u64>) -> Vec<Bytes> {
    range.map(|n| Bytes::from(format!(r#"{{"deed":{n},"text":"ü\u0000"}}"#))).collect()
}

async fn appended(ledger: &AnyLedger, expected: Head, batch: Vec<Bytes>) -> Head {
    match ledger.append(expected, batch).await.unwrap() {
        Append::Appended(records) => records.last().unwrap().head(),
        Append::Moved(head) => panic!("moved to {head:?}"),
    }
}

async fn read_all(ledger: &AnyLedger) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |record| record.seq);
        let page = ledger.read(after, 100).await.unwrap();
        if page.is_empty() {
            return records;
        }
        records.extend(page);
    }
}

fn verified(ledger: &AnyLedger, records: &[Record]) -> Head {
    let mut verifier = Verifier::after(Head { seq: 0, hash: ledger.identity().genesis() });
    for record in records {
        verifier.check(record.seq, record.hash, &record.bytes).unwrap();
    }
    verifier.head()
}

async fn an_empty_ledger_ends_at_its_genesis(fresh: Fresh) {
    let ledger = fresh.ledger;
    assert_eq!(ledger.head().await, Ok(Head { seq: 0, hash: ledger.identity().genesis() }));
    assert_eq!(ledger.read(0, 10).await, Ok(vec![]));
    assert_eq!(ledger.get(0).await, Ok(None));
    assert_eq!(ledger.get(1).await, Ok(None));
    assert_eq!(ledger.identity().workspace, "northwind");
}

async fn what_was_appended_is_read_back_byte_for_byte_and_chained(fresh: Fresh) {
    let ledger = fresh.ledger;
    let mut head = ledger.head().await.unwrap();
    let mut expected = Vec::new();
    for size in [1, 5, 64, 3] {
        let start = head.seq;
        head = appended(&ledger, head, deeds(start..start + size)).await;
        expected.extend(deeds(start..start + size));
        assert_eq!((head.seq, ledger.head().await), (start + size, Ok(head)));
    }
    let records = read_all(&ledger).await;
    assert_eq!(records.iter().map(|record| record.bytes.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(verified(&ledger, &records), head);
    assert_eq!(ledger.get(7).await, Ok(Some(records[6].clone())));
    let picked = ledger.read_many(vec![70, 0, 3, u64::MAX, 3], usize::MAX).await.unwrap();
    assert_eq!(picked, [records[69].clone(), records[2].clone(), records[2].clone()]);
    let last = records[69].bytes.len();
    for (bytes, read) in [(0, 1), (last - 1, 1), (last, 2), (last + records[2].bytes.len(), 3)] {
        let some = ledger.read_many(vec![70, 0, 3, 4], bytes).await.unwrap();
        assert_eq!(some, [69, 2, 3].map(|at: usize| records[at].clone())[..read], "{bytes} bytes");
    }
    assert_eq!(ledger.read(u64::MAX, 5).await, Ok(vec![]));
}

async fn an_append_elsewhere_than_at_the_head_moves_nothing(fresh: Fresh) {
    let ledger = fresh.ledger;
    let empty = ledger.head().await.unwrap();
    let head = appended(&ledger, empty, deeds(0..4)).await;
    let second = ledger.get(2).await.unwrap().unwrap().head();
    let ahead = Head { seq: 9, hash: head.hash };
    let another_history = Head { seq: head.seq, hash: chain::link(head.hash, b"") };
    for elsewhere in [empty, second, ahead, another_history] {
        assert_eq!(ledger.append(elsewhere, deeds(7..9)).await, Ok(Append::Moved(head)));
        assert_eq!(ledger.head().await, Ok(head));
    }
    assert_eq!(read_all(&ledger).await.len(), 4);
}

async fn of_two_that_race_exactly_one_wins(fresh: Fresh) {
    let ledger = fresh.ledger;
    let mut wins = [0, 0];
    for round in 0..50 {
        let head = ledger.head().await.unwrap();
        let (one, other) = tokio::join!(
            ledger.append(head, deeds(round..round + 2)),
            ledger.append(head, deeds(round + 100..round + 101)),
        );
        let won: Vec<usize> = [one, other]
            .into_iter()
            .enumerate()
            .filter_map(|(who, answer)| matches!(answer.unwrap(), Append::Appended(_)).then_some(who))
            .collect();
        assert_eq!(won.len(), 1);
        wins[won[0]] += 1;
    }
    let records = read_all(&ledger).await;
    assert_eq!(records.len(), wins[0] * 2 + wins[1]);
    verified(&ledger, &records);
}

async fn batches_without_records_or_with_too_many_are_refused(fresh: Fresh) {
    let ledger = fresh.ledger;
    let head = ledger.head().await.unwrap();
    let many = vec![Bytes::from_static(b"{}"); MAX_BATCH_RECORDS + 1];
    for bad in [vec![], many] {
        let error = ledger.append(head, bad).await.unwrap_err();
        assert!(matches!(error, LedgerError::BadBatch { .. }), "{error}");
        assert!(!error.outcome_unknown());
    }
    assert_eq!(ledger.head().await, Ok(head));
}

async fn a_big_batch_is_one_append(fresh: Fresh) {
    let ledger = fresh.ledger;
    let empty = ledger.head().await.unwrap();
    let head = appended(&ledger, empty, deeds(0..20_000)).await;
    assert_eq!(head.seq, 20_000);
    assert_eq!(verified(&ledger, &read_all(&ledger).await), head);
}

async fn pages_are_bounded_and_go_on(fresh: Fresh) {
    let ledger = fresh.ledger;
    let big = Bytes::from(vec![b'x'; MAX_READ_BYTES / 4 + 1]);
    let head = ledger.head().await.unwrap();
    appended(&ledger, head, vec![big; 10]).await;
    let first = ledger.read(0, usize::MAX).await.unwrap();
    assert_eq!(first.len(), 4);
    assert_eq!(read_all(&ledger).await.len(), 10);
    assert_eq!(ledger.read(3, 2).await.unwrap().iter().map(|record| record.seq).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(ledger.read(0, 0).await, Ok(vec![]));
}

async fn readers_see_whole_batches_while_a_writer_works(fresh: Fresh) {
    const BATCH: u64 = 10;
    const BATCHES: u64 = 60;
    let ledger = std::sync::Arc::new(fresh.ledger);
    let empty = ledger.head().await.unwrap();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < BATCH * BATCHES {
                    let head = ledger.head().await.unwrap();
                    assert_eq!(head.seq % BATCH, 0, "half a batch is visible");
                    assert!(head.seq >= seen, "the ledger went back");
                    seen = head.seq;
                    tokio::task::yield_now().await;
                }
                verified(&ledger, &read_all(&ledger).await)
            })
        })
        .collect();
    let mut head = empty;
    for batch in 0..BATCHES {
        head = appended(&ledger, head, deeds(batch * BATCH..(batch + 1) * BATCH)).await;
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), head);
    }
}

async fn recovery_finds_the_same_head(fresh: Fresh) {
    let ledger = fresh.ledger;
    let empty = ledger.head().await.unwrap();
    let head = appended(&ledger, empty, deeds(0..3_000)).await;
    assert_eq!(ledger.recover().await, Ok(head));
    let head = appended(&ledger, head, deeds(0..1)).await;
    assert_eq!(ledger.head().await, Ok(head));
}

async fn a_closed_ledger_says_so(fresh: Fresh) {
    let ledger = fresh.ledger;
    let head = ledger.head().await.unwrap();
    ledger.close().await;
    ledger.close().await;
    assert!(matches!(ledger.append(head, deeds(0..1)).await, Err(LedgerError::Closed { .. })));
    assert!(matches!(ledger.head().await, Err(LedgerError::Closed { .. })));
    assert!(matches!(ledger.recover().await, Err(LedgerError::Closed { .. })));
}

async fn an_engine_is_found_by_its_name(engine: Arc<dyn Engine>, _: TempDir) {
    assert_eq!(Choice::named(engine.name()).map(|choice| choice.name), Some(engine.name()));
    assert_eq!(Choice::named(&engine.name().to_uppercase()), None);
}

async fn an_empty_directory_has_no_ledger_and_gets_none_by_looking(
    engine: Arc<dyn Engine>,
    directory: TempDir,
) {
    let store = Store::new(directory.path(), engine);
    assert_eq!(store.workspaces(), Ok(vec![]));
    assert!(matches!(store.open(&northwind()).unwrap_err(), LedgerError::Missing { .. }));
    assert!(matches!(store.verify(&northwind(), |_| {}).unwrap_err(), LedgerError::Missing { .. }));
    assert!(matches!(store.inspect(&northwind()).unwrap_err(), LedgerError::Missing { .. }));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

async fn what_was_made_is_listed_and_opened_again(engine: Arc<dyn Engine>, directory: TempDir) {
    let store = Store::new(directory.path(), engine);
    let southwind = WorkspaceId::new("southwind").unwrap();
    store.create(&southwind).unwrap().close().await;
    let ledger = store.create(&northwind()).unwrap();
    let head = appended(&ledger, ledger.head().await.unwrap(), deeds(0..3)).await;
    ledger.close().await;
    assert_eq!(store.workspaces(), Ok(vec![northwind(), southwind]));
    for again in [store.open(&northwind()).unwrap(), store.create(&northwind()).unwrap()] {
        assert_eq!(again.identity(), ledger.identity());
        assert_eq!(again.head().await, Ok(head));
        again.close().await;
    }
}

async fn a_ledger_is_looked_at_beside_its_writer(engine: Arc<dyn Engine>, directory: TempDir) {
    let store = Store::new(directory.path(), engine);
    let ledger = store.create(&northwind()).unwrap();
    assert_eq!(store.inspect(&northwind()).unwrap().1, None);
    let head = appended(&ledger, ledger.head().await.unwrap(), deeds(0..1_200)).await;
    let verified = Verified { identity: ledger.identity().clone(), head };
    let heads = store.heads(&northwind(), &[1, 1_000_000]).unwrap();
    assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [1], "those that are there");
    let (looked, last) = store.inspect(&northwind()).unwrap();
    assert_eq!((looked, last.as_ref().map(Record::head)), (verified.clone(), Some(head)));
    let mut reached = 0;
    assert_eq!(store.verify(&northwind(), |head| reached = head.seq), Ok(verified));
    assert_eq!(reached, head.seq);
}

async fn a_copy_is_the_same_ledger_and_comes_back(engine: Arc<dyn Engine>, directory: TempDir) {
    let at = |name: &str| directory.path().join(name);
    let store = Store::new(&at("first"), Arc::clone(&engine));
    let ledger = store.create(&northwind()).unwrap();
    let head = appended(&ledger, ledger.head().await.unwrap(), deeds(0..30)).await;
    let backup = Store::of_backups(&at("backup"));
    store.copy(&northwind(), &backup).unwrap();
    appended(&ledger, head, deeds(30..31)).await;
    let verified = Verified { identity: ledger.identity().clone(), head };
    assert_eq!(backup.verify(&northwind(), |_| {}), Ok(verified.clone()));
    assert!(backup.file(&northwind()).is_file());
    std::fs::create_dir(at("second")).unwrap();
    // A database that has it already takes no second one.
    let second = Store::new(&at("second"), fresh(engine.name()).unwrap());
    second.restore(&backup).unwrap();
    assert_eq!(second.workspaces(), Ok(vec![northwind()]));
    assert_eq!(second.verify(&northwind(), |_| {}), Ok(verified));
}

async fn the_home_is_what_was_said_last(engine: Arc<dyn Engine>, directory: TempDir) {
    let files = usize::from(engine.nodes().is_none());
    let store = Store::new(directory.path(), engine);
    assert_eq!(store.home(), None);
    store.say_home(&WorkspaceId::new("southwind").unwrap()).unwrap();
    store.say_home(&northwind()).unwrap();
    assert_eq!(store.home(), Some(northwind()));
    assert_eq!(directory.path().read_dir().unwrap().count(), files, "a database keeps it itself");
}
