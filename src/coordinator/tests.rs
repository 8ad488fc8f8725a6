//! The coordinator on both engines: what is answered is on disk, what fails leaves nothing, and who watches misses
//! nothing.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::domain::command::{Command, Principal};
use crate::domain::deed::{Body, Outcome};
use crate::domain::ids::{Actor, AgentId, IdempotencyKey, WorkspaceId};
use crate::domain::state::TokenClass;
use crate::domain::time::{Span, Time};
use crate::ledger::memory::Mishap;
use crate::ledger::{LedgerId, MemoryLedger, SqliteLedger, chain, sqlite};

const ID: [u8; 16] = [5; 16];

fn memory() -> MemoryLedger {
    MemoryLedger::new(LedgerId::from_bytes(ID), "northwind")
}

fn file(directory: &TempDir) -> SqliteLedger {
    SqliteLedger::open_or_create(&sqlite::file_in(directory.path(), "northwind"), "northwind").unwrap()
}

fn options() -> Options {
    Options { clock: Clock::manual(Time::from_micros(1_000_000)), ..Options::default() }
}

async fn started(ledger: impl Into<AnyLedger>) -> Handle {
    start(ledger.into(), options()).await.unwrap()
}

/// A write to the caller's own scratch space, which needs no map.
fn write(agent: &str, field: &str, version: u64, value: u64) -> Request {
    let command = json!({
        "do": "write", "entity": format!("scratch/{agent}/notes"),
        "changes": {field: value}, "expected": {field: version},
    });
    Request {
        principal: Principal {
            actor: Actor::Agent(AgentId::new(agent).unwrap()),
            class: TokenClass::Agent,
            token: None,
        },
        command: serde_json::from_value::<Command>(command).unwrap(),
        key: None,
        traceparent: None,
    }
}

fn keyed(request: Request, key: &str) -> Request {
    Request { key: Some((IdempotencyKey::new(key).unwrap(), Arc::from("digest"))), ..request }
}

fn escalation(agent: &str) -> Request {
    let command = json!({"do": "escalate", "input": "a letter", "why": "nobody knows what to do"});
    Request { command: serde_json::from_value(command).unwrap(), ..write(agent, "text", 0, 0) }
}

/// The bytes of a state, head and all.
fn bytes_of(handle: &Handle) -> Vec<u8> {
    let mut bytes = Vec::new();
    snapshot::write(&mut bytes, handle.identity(), handle.head(), &handle.state()).unwrap();
    bytes
}

/// The same, folded anew from the first record on.
async fn bytes_of_replay(handle: &Handle) -> Vec<u8> {
    let identity = handle.identity();
    let mut state = State::new(WorkspaceId::new(&identity.workspace).unwrap());
    let genesis = Head { seq: 0, hash: identity.genesis() };
    let head = start::replay(handle.ledger(), &mut state, genesis, |_| {}).await.unwrap();
    let mut bytes = Vec::new();
    snapshot::write(&mut bytes, identity, head, &state).unwrap();
    bytes
}

async fn committed(handle: &Handle, request: Request) -> Reply {
    let answer = handle.submit(request).await.unwrap();
    assert_eq!(answer.reply.outcome, Outcome::Committed, "{:?}", answer.reply);
    answer.reply
}

#[tokio::test]
async fn what_is_answered_is_on_disk_and_in_the_state() {
    let directory = TempDir::new().unwrap();
    let handle = started(file(&directory)).await;
    let reply = committed(&handle, write("ada", "text", 0, 7)).await;
    assert_eq!(handle.head(), handle.ledger().head().await.unwrap());
    assert!(handle.head().seq >= reply.deed.0);
    assert_eq!(handle.state().head().0, handle.head().seq);
    let record = handle.ledger().get(reply.deed.0).await.unwrap().unwrap();
    let deed = Deed::decode(&record.bytes).unwrap();
    assert_eq!((deed.seq, deed.outcome), (reply.deed, Outcome::Committed));
    assert!(matches!(deed.body, Body::WriteCommitted(())));
    assert_eq!(bytes_of(&handle), bytes_of_replay(&handle).await);
}

#[tokio::test]
async fn many_callers_at_once_are_each_answered_with_their_own() {
    let directory = TempDir::new().unwrap();
    let handle = started(file(&directory)).await;
    let callers: Vec<_> = (0..300)
        .map(|n| {
            let handle = handle.clone();
            tokio::spawn(async move { committed(&handle, write(&format!("a{n}"), "text", 0, n)).await.deed })
        })
        .collect();
    let mut deeds = Vec::new();
    for caller in callers {
        deeds.push(caller.await.unwrap());
    }
    deeds.sort();
    deeds.dedup();
    assert_eq!(deeds.len(), 300);
    let answers = handle.submit_all((0..100).map(|n| write("bob", "text", n, n)).collect()).await.unwrap();
    assert!(answers.into_iter().all(|answer| answer.unwrap().reply.outcome == Outcome::Committed));
    assert_eq!(bytes_of(&handle), bytes_of_replay(&handle).await);
}

#[tokio::test]
async fn of_writes_from_the_same_version_one_is_committed() {
    let handle = started(memory()).await;
    let answers = handle.submit_all((0..5).map(|n| write("ada", "text", 0, n)).collect()).await.unwrap();
    let outcomes: Vec<Outcome> = answers.into_iter().map(|answer| answer.unwrap().reply.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Committed, Outcome::Stale, Outcome::Stale, Outcome::Stale, Outcome::Stale]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_ledger_decide_as_one() {
    const WRITES: u64 = 60;
    let directory = TempDir::new().unwrap();
    let nodes = [started(file(&directory)).await, started(file(&directory)).await];
    let writers: Vec<_> = nodes
        .iter()
        .cloned()
        .map(|node| {
            tokio::spawn(async move {
                let (mut version, mut won, mut sent) = (0, Vec::new(), 0);
                while sent < WRITES {
                    let answer = match node.submit(write("ada", "text", version, sent)).await {
                        Ok(answer) => answer,
                        Err(SubmitError::Contended) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    sent += 1;
                    let now = answer.reply.fields.first().map_or(version, |field| field.version.0);
                    if answer.reply.outcome == Outcome::Committed {
                        won.push(now);
                    }
                    version = now;
                }
                won
            })
        })
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.extend(writer.await.unwrap());
    }
    versions.sort_unstable();
    let all: Vec<u64> = (1..=versions.len() as u64).collect();
    assert_eq!(versions, all, "a version was given twice or left out");
    // One more write on each side makes both read to the end.
    for node in &nodes {
        node.submit(write("bob", "text", 99, 1)).await.unwrap();
    }
    nodes[0].submit(write("bob", "text", 99, 1)).await.unwrap();
    assert_eq!(bytes_of(&nodes[0]), bytes_of_replay(&nodes[0]).await);
}

/// Records as another node on the same ledger would append them.
async fn foreign(count: u64) -> Vec<Bytes> {
    let other = started(memory()).await;
    for n in 0..count {
        committed(&other, write("zoe", "text", n, n)).await;
    }
    other.ledger().read(0, 1_000).await.unwrap().into_iter().map(|record| record.bytes).collect()
}

#[tokio::test]
async fn when_another_node_was_first_its_deeds_are_folded_and_the_command_decided_anew() {
    let ledger = memory();
    let foreign = foreign(3).await;
    let first = foreign.len() as u64;
    ledger.prepare(Mishap::Overtaken(foreign));
    let handle = started(ledger).await;
    let mut watcher = handle.watch(Seq(0));
    let answer = handle.submit(write("zoe", "text", 0, 9)).await.unwrap();
    assert_eq!(answer.reply.outcome, Outcome::Stale, "it was decided on the old state");
    assert!(answer.reply.deed.0 > first);
    assert_eq!(bytes_of(&handle), bytes_of_replay(&handle).await);
    assert_eq!(collect(&mut watcher, handle.head().seq).await, (1..=handle.head().seq).collect::<Vec<_>>());
}

fn full() -> LedgerError {
    LedgerError::Full { place: "northwind.ledger".to_owned(), reason: "no space left".to_owned() }
}

#[tokio::test]
async fn what_can_not_be_recorded_did_not_happen() {
    let ledger = memory();
    ledger.prepare(Mishap::Fails(full()));
    let handle = started(ledger).await;
    let before = bytes_of(&handle);
    let mut watcher = handle.watch(Seq(0));
    let answers =
        handle.submit_all(vec![write("ada", "text", 0, 1), write("bob", "text", 0, 2)]).await.unwrap();
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error, SubmitError::Unavailable(Trouble::Ledger(full())));
        assert!(error.to_string().starts_with("nothing was recorded: northwind.ledger"), "{error}");
    }
    assert_eq!(bytes_of(&handle), before);
    assert_eq!(handle.trouble(), Some(Trouble::Ledger(full())));
    let reply = committed(&handle, write("ada", "text", 0, 1)).await;
    assert_eq!(reply.deed, Seq(1));
    assert_eq!(handle.trouble(), None);
    let seen = collect(&mut watcher, handle.head().seq).await;
    assert_eq!(seen.first(), Some(&1));
}

#[tokio::test]
async fn a_batch_of_unknown_fate_is_looked_for_and_its_retry_gets_the_first_answer() {
    let ledger = memory();
    ledger.prepare(Mishap::RecordedButUnknown);
    let handle = started(ledger).await;
    let request = keyed(write("ada", "text", 0, 1), "once");
    let error = handle.submit(request.clone()).await.unwrap_err();
    assert!(matches!(error, SubmitError::Unknown(_)), "{error}");
    assert_eq!(handle.head().seq, 0, "shown without knowing");
    let again = handle.submit(request).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.reply.outcome, again.reply.deed), (Outcome::Committed, Seq(1)));
    assert_eq!(bytes_of(&handle), bytes_of_replay(&handle).await);
}

#[tokio::test]
async fn a_failed_ledger_is_looked_at_again_by_itself() {
    let ledger = memory();
    ledger.prepare(Mishap::RecordedButUnknown);
    let handle = started(ledger).await;
    handle.submit(write("ada", "text", 0, 1)).await.unwrap_err();
    assert_eq!(handle.reached(Seq(1)).await.head(), Seq(handle.head().seq));
    assert_eq!(handle.trouble(), None);
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_once() {
    let handle = started(memory()).await;
    let request = keyed(write("ada", "text", 0, 1), "k");
    let together = handle.submit_all(vec![request.clone(), request.clone()]).await.unwrap();
    let together: Vec<Answer> = together.into_iter().map(Result::unwrap).collect();
    assert_eq!(together.iter().map(|answer| answer.replayed).collect::<Vec<_>>(), [false, true]);
    let head = handle.head();
    let later = handle.submit(request).await.unwrap();
    assert_eq!(later, together[1]);
    assert_eq!(later.reply, together[0].reply);
    assert_eq!(handle.head(), head);
}

#[tokio::test]
async fn a_full_mailbox_refuses_and_recovers() {
    let handle = started(memory()).await;
    let many = |count: usize| (0..count).map(|n| write(&format!("a{n}"), "text", 0, 1)).collect::<Vec<_>>();
    assert_eq!(handle.submit_all(many(MAILBOX + 1)).await.unwrap_err(), SubmitError::Overloaded);
    let (filling, refused) =
        tokio::join!(handle.submit_all(many(MAILBOX)), handle.submit(write("b", "text", 0, 1)));
    assert_eq!(filling.unwrap().len(), MAILBOX);
    assert_eq!(refused.unwrap_err(), SubmitError::Overloaded);
    committed(&handle, write("b", "text", 0, 1)).await;
}

#[tokio::test]
async fn recorded_time_never_goes_back() {
    let options = options();
    let clock = options.clock.clone();
    let handle = start(memory().into(), options).await.unwrap();
    for (n, at) in [(0, 5_000_000), (1, 2_000_000), (2, 6_000_000)] {
        clock.set(Time::from_micros(at));
        committed(&handle, write("ada", "text", n, n)).await;
    }
    let mut recorded = Vec::new();
    for record in handle.ledger().read(0, 100).await.unwrap() {
        recorded.push(Deed::decode(&record.bytes).unwrap().recorded.micros());
    }
    assert!(recorded.is_sorted(), "{recorded:?}");
    assert_eq!(recorded.first(), Some(&5_000_000));
    assert_eq!(recorded.last(), Some(&6_000_000));
}

#[tokio::test]
async fn what_falls_due_is_a_deed_without_anybody_asking() {
    let options = options();
    let clock = options.clock.clone();
    let handle = start(memory().into(), options).await.unwrap();
    let reply = handle.submit(escalation("ada")).await.unwrap().reply;
    let before = handle.head().seq;
    let mut seen = Vec::new();
    let mut watcher = handle.watch(Seq(before));
    while seen.last() != Some(&"deeds.item.overdue") {
        let due = decide::next_due(&handle.state()).expect("nothing will fall due");
        clock.set(due);
        for entry in watcher.next().await.unwrap() {
            let deed = entry.deed().unwrap();
            assert_eq!((deed.recorded, deed.actor.clone()), (due, Actor::Deeds));
            if deed.refs.item == reply.item {
                seen.push(deed.body.type_name());
            }
        }
    }
    assert_eq!(seen.first(), Some(&"deeds.item.warned"));
    assert_eq!(bytes_of(&handle), bytes_of_replay(&handle).await);
}

async fn collect(watcher: &mut Watcher, until: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while watcher.cursor().0 < until {
        for entry in watcher.next().await.unwrap() {
            assert_eq!(entry.deed().unwrap().seq.0, entry.record.seq);
            seen.push(entry.record.seq);
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_see_every_deed_once_in_order_from_wherever_they_begin() {
    let directory = TempDir::new().unwrap();
    let handle = started(file(&directory)).await;
    let fill = |from: u64, to: u64| (from..to).map(|n| write("ada", "text", n, n)).collect::<Vec<_>>();
    handle.submit_all(fill(0, 2_000)).await.unwrap();
    let before = handle.head().seq;
    let writer = {
        let handle = handle.clone();
        let batches: Vec<_> = (0..200).map(|n| fill(2_000 + n * 5, 2_005 + n * 5)).collect();
        tokio::spawn(async move {
            for batch in batches {
                handle.submit_all(batch).await.unwrap();
            }
        })
    };
    let goal = before + 1_000;
    let watchers: Vec<_> = [0, 1, 700, before - 1, before]
        .into_iter()
        .map(|after| {
            let mut watcher = handle.watch(Seq(after));
            tokio::spawn(async move { (after, collect(&mut watcher, goal).await) })
        })
        .collect();
    writer.await.unwrap();
    for watcher in watchers {
        let (after, seen) = watcher.await.unwrap();
        let due: Vec<u64> = (after + 1..=*seen.last().unwrap()).collect();
        assert!(seen == due && seen.len() as u64 >= goal - after, "from {after}: {} seen", seen.len());
    }
}

#[tokio::test]
async fn a_slow_watcher_is_dropped_and_told_where_to_resume() {
    let handle = started(memory()).await;
    let mut watcher = handle.watch(Seq(0));
    committed(&handle, write("ada", "text", 0, 0)).await;
    let first = handle.head().seq;
    assert_eq!(collect(&mut watcher, first).await.len() as u64, first);
    for n in 0..=LIVE_BATCHES as u64 {
        committed(&handle, write("bob", "text", n, n)).await;
    }
    let error = watcher.next().await.unwrap_err();
    assert_eq!(error, WatchError::Lagged { resume_at: Seq(first) });
    let head = handle.head().seq;
    let rest = collect(&mut handle.watch(Seq(first)), head).await;
    assert_eq!(rest, (first + 1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_refused_and_shutdown_ends_watchers_and_callers() {
    let handle = started(memory()).await;
    let error = handle.watch(Seq(9)).next().await.unwrap_err();
    assert_eq!(error, WatchError::Beyond { asked: Seq(9), head: Seq(0) });
    let mut watcher = handle.watch(Seq(0));
    let waiting = tokio::spawn(async move { watcher.next().await.map(|entries| entries.len()) });
    tokio::task::yield_now().await;
    handle.shutdown().await;
    assert_eq!(waiting.await.unwrap().unwrap_err(), WatchError::Closed { resume_at: Seq(0) });
    assert_eq!(handle.submit(write("ada", "text", 0, 1)).await.unwrap_err(), SubmitError::Closed);
    handle.shutdown().await;
}

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
    let founding = |foreign: Bytes| -> Option<Founding> {
        Some(Box::new(move |at: Time| {
            let mut deed = Deed::decode(&foreign).unwrap();
            (deed.time, deed.recorded) = (at, at);
            vec![deed]
        }))
    };
    let first = foreign(1).await.remove(0);
    let directory = TempDir::new().unwrap();
    for round in 0..2 {
        let clock = Clock::manual(Time::from_micros(7_000_000).plus(Span::from_secs(round)));
        let options = Options { clock, snapshot: None, founding: founding(first.clone()) };
        let handle = start(file(&directory).into(), options).await.unwrap();
        assert_eq!((handle.head().seq, handle.state().board.recorded), (1, Time::from_micros(7_000_000)));
        handle.shutdown().await;
    }
}
