//! The coordinator on both engines: what is answered is on disk, and what fails leaves nothing.

mod ahead;
mod following;
mod outside;
mod proof;
mod recovering;
mod starting;
mod watching;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::domain::command::{AskedKey, Command, Principal};
use crate::domain::deed::Body;
use crate::domain::ids::{Actor, AgentId, IdempotencyKey, WorkspaceId};
use crate::domain::outcome::Outcome;
use crate::domain::things::TokenClass;
use crate::domain::time::Time;
use crate::ledger::testing::Mishap;
use crate::ledger::{LedgerId, MemoryLedger, SqliteLedger, sqlite};

const ID: [u8; 16] = [5; 16];

fn memory() -> MemoryLedger {
    MemoryLedger::new(LedgerId::from_bytes(ID), "northwind")
}

fn file(directory: &TempDir) -> SqliteLedger {
    SqliteLedger::open_or_create(&directory.path().join("northwind.ledger"), "northwind").unwrap()
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
    Request::new(
        Principal {
            actor: Actor::Agent(AgentId::new(agent).unwrap()),
            class: TokenClass::Agent,
            token: None,
        },
        serde_json::from_value::<Command>(command).unwrap(),
    )
}

fn keyed(request: Request, key: &str) -> Request {
    Request { key: Some(AskedKey::new(IdempotencyKey::new(key).unwrap(), Arc::from("digest"))), ..request }
}

fn escalation(agent: &str) -> Request {
    let command = json!({"do": "escalate", "input": "a letter", "why": "nobody knows what to do"});
    Request { command: serde_json::from_value(command).unwrap(), ..write(agent, "text", 0, 0) }
}

/// The bytes of a state, head, values and all.
async fn bytes_of(handle: &Handle) -> Vec<u8> {
    let state = handle.whole().await.unwrap();
    let bytes = all_bytes(handle.identity(), handle.head(), &state);
    assert_eq!(state.failed(), None);
    bytes
}

fn all_bytes(identity: &Identity, head: Head, state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    snapshot::write(&mut bytes, identity, head, state).unwrap();
    bytes.extend(state.to_bytes().unwrap());
    bytes
}

/// The same, folded anew from the first record on.
async fn bytes_of_replay(handle: &Handle) -> Vec<u8> {
    let identity = handle.identity();
    let mut state = State::new(WorkspaceId::new(&identity.workspace).unwrap());
    let genesis = Head { seq: 0, hash: identity.genesis() };
    let heads = start::Heads { board: genesis, values: genesis };
    let head = start::replay(handle.ledger(), &mut state, heads, u64::MAX, None, |_, _| {}).await.unwrap();
    all_bytes(identity, head, &state)
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
    assert_eq!(handle.front().head().0, handle.head().seq);
    let record = handle.ledger().get(reply.deed.0).await.unwrap().unwrap();
    let deed = Deed::decode(&record.bytes).unwrap();
    assert_eq!((deed.seq, deed.outcome), (reply.deed, Outcome::Committed));
    assert!(matches!(deed.body, Body::WriteCommitted(())));
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
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
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
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
    assert_eq!(bytes_of(&nodes[0]).await, bytes_of_replay(&nodes[0]).await);
}

/// Records as another node on the same ledger would append them next.
async fn after(handle: &Handle, count: u64) -> Vec<Bytes> {
    let other = Box::pin(started(memory())).await;
    for record in handle.ledger().read(0, 1_000).await.unwrap() {
        let head = other.ledger().head().await.unwrap();
        other.ledger().append(head, vec![record.bytes]).await.unwrap();
    }
    let known = other.ledger().head().await.unwrap().seq;
    for n in 0..count {
        // The first of them finds out that its ledger has moved.
        other.submit(write("zoe", "text", n, n)).await.unwrap();
    }
    other.ledger().read(known, 1_000).await.unwrap().into_iter().map(|record| record.bytes).collect()
}

/// The same where the ledger is empty.
async fn foreign(count: u64) -> Vec<Bytes> {
    Box::pin(after(&Box::pin(started(memory())).await, count)).await
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
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
    assert_eq!(
        watching::collect(&mut watcher, handle.head().seq).await,
        (1..=handle.head().seq).collect::<Vec<_>>()
    );
}

fn full() -> LedgerError {
    LedgerError::Full { place: "northwind.ledger".to_owned(), reason: "no space left".to_owned() }
}

#[tokio::test]
async fn what_can_not_be_recorded_did_not_happen() {
    let ledger = memory();
    ledger.prepare(Mishap::Fails(full()));
    let handle = started(ledger).await;
    let before = bytes_of(&handle).await;
    let mut watcher = handle.watch(Seq(0));
    let answers =
        handle.submit_all(vec![write("ada", "text", 0, 1), write("bob", "text", 0, 2)]).await.unwrap();
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error, SubmitError::Unavailable(Trouble::Ledger(full())));
        assert!(error.to_string().starts_with("nothing was recorded: northwind.ledger"), "{error}");
    }
    assert_eq!(handle.trouble(), Some(Trouble::Ledger(full())));
    assert_eq!(bytes_of(&handle).await, before);
    let reply = committed(&handle, write("ada", "text", 0, 1)).await;
    assert_eq!(reply.deed, Seq(1));
    assert_eq!(handle.trouble(), None);
    let seen = watching::collect(&mut watcher, handle.head().seq).await;
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
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
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
async fn who_has_its_share_waiting_is_refused_and_nobody_else() {
    let handle = started(memory()).await;
    let many = |agent: &str, count: usize| (0..count).map(|_| write(agent, "text", 0, 1)).collect::<Vec<_>>();
    let (filling, mine, other) = tokio::join!(
        handle.submit_all(many("ada", SHARE)),
        handle.submit(write("ada", "text", 0, 1)),
        handle.submit(write("bob", "text", 0, 1)),
    );
    assert_eq!(filling.unwrap().len(), SHARE);
    assert_eq!(mine.unwrap_err(), SubmitError::Share);
    other.unwrap();
    committed(&handle, write("ada", "other", 0, 1)).await;
}

#[tokio::test]
async fn a_full_mailbox_refuses_who_has_something_in_it() {
    let handle = started(memory()).await;
    let many = |agent: &str| (0..SHARE).map(|_| write(agent, "text", 0, 1)).collect::<Vec<_>>();
    let filling = ["a", "b", "c"].map(|agent| handle.submit_all(many(agent)));
    let (filled, rest, first, again, other) = tokio::join!(
        futures_util::future::join_all(filling),
        handle.submit_all(many("d")[1..].to_vec()),
        handle.submit(write("e", "text", 0, 1)),
        handle.submit(write("e", "text", 0, 2)),
        handle.submit(write("f", "text", 0, 1)),
    );
    assert!(filled.into_iter().chain([rest]).all(|filled| filled.is_ok()));
    assert!(first.is_ok() && other.is_ok(), "of whom nothing waits is let in");
    assert_eq!(again.unwrap_err(), SubmitError::Overloaded);
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
        let due = decide::next_due(&handle.whole().await.unwrap()).expect("nothing will fall due");
        clock.set(due);
        for entry in watching::next(&mut watcher).await.unwrap() {
            let deed = entry.deed().unwrap();
            assert_eq!((deed.recorded, deed.actor.clone()), (due, Actor::Deeds));
            if deed.refs.item == reply.item {
                seen.push(deed.body.type_name());
            }
        }
    }
    assert_eq!(seen.first(), Some(&"deeds.item.warned"));
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
}
