//! Deciding ahead: while a batch is being written the next is decided on what that one will leave behind. Nobody sees
//! or hears of it before both are on disk, and if the first fails the second was never decided.

use std::time::Duration;

use super::*;

/// As much as goes into one batch, so that two of these make two batches.
const FILL: u64 = 256;

/// Within this the second is decided, by threads of which a busy machine may have little.
const AHEAD: Duration = Duration::from_secs(30);

type Told = tokio::task::JoinHandle<Vec<Result<Answer, SubmitError>>>;

pub(super) fn ledger_of(handle: &Handle) -> &MemoryLedger {
    let AnyLedger::Memory(ledger) = handle.ledger() else { panic!("these tests hold a ledger in memory") };
    ledger
}

fn fill_up(agent: &str, from: u64) -> Vec<Request> {
    (from..from + FILL).map(|n| keyed(write(agent, "text", n, n), &format!("{agent}-{n}"))).collect()
}

/// Sends both while the ledger takes its time, and returns when the first is being written and the second is decided.
async fn both(handle: &Handle, first: Vec<Request>, second: Vec<Request>) -> (Told, Told) {
    ledger_of(handle).hold(true);
    let send = |requests: Vec<Request>| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit_all(requests).await.unwrap() })
    };
    let told = (send(first), send(second));
    settle().await;
    let decided = async {
        while handle.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(AHEAD, decided).await.expect("the second was not decided ahead");
    assert!(!told.0.is_finished() && !told.1.is_finished(), "answered before it was on disk");
    assert_eq!(handle.head().seq, 0, "shown before it was on disk");
    assert_eq!(handle.front().head(), Seq(0), "shown before it was on disk");
    told
}

/// Lets every other task of this runtime go as far as it can.
pub(super) async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

fn outcomes(told: Vec<Result<Answer, SubmitError>>) -> Vec<Outcome> {
    told.into_iter().map(|answer| answer.unwrap().reply.outcome).collect()
}

async fn holds(handle: &Handle) {
    assert_eq!(handle.head(), handle.ledger().head().await.unwrap());
    assert_eq!(bytes_of(handle).await, bytes_of_replay(handle).await);
}

#[tokio::test]
async fn the_second_is_decided_on_the_first_and_waits_for_it() {
    let handle = started(memory()).await;
    let mut watcher = handle.watch(Seq(0));
    let (first, second) = both(&handle, fill_up("ada", 0), fill_up("ada", FILL)).await;
    ledger_of(&handle).hold(false);
    assert!(outcomes(first.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Committed));
    assert!(outcomes(second.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Committed));
    holds(&handle).await;
    let head = handle.head().seq;
    assert_eq!(watching::collect(&mut watcher, head).await, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn when_the_first_fails_the_second_was_never_decided_on_it() {
    let handle = started(memory()).await;
    ledger_of(&handle).prepare(Mishap::Fails(full()));
    let mut watcher = handle.watch(Seq(0));
    let (first, second) = both(&handle, fill_up("ada", 0), fill_up("ada", FILL)).await;
    ledger_of(&handle).hold(false);
    for answer in first.await.unwrap() {
        assert_eq!(answer.unwrap_err(), SubmitError::Unavailable(Trouble::Ledger(full())));
    }
    assert!(outcomes(second.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Stale));
    holds(&handle).await;
    let head = handle.head().seq;
    assert_eq!(watching::collect(&mut watcher, head).await, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn when_another_node_was_first_both_are_decided_anew() {
    let handle = started(memory()).await;
    ledger_of(&handle).prepare(Mishap::Overtaken(foreign(3).await));
    let (first, second) = both(&handle, fill_up("zoe", 0), fill_up("zoe", FILL)).await;
    ledger_of(&handle).hold(false);
    let first = outcomes(first.await.unwrap());
    assert!(first[..3].iter().all(|outcome| *outcome == Outcome::Stale), "decided on the old state");
    assert!(first[3..].iter().all(|outcome| *outcome == Outcome::Committed));
    assert!(outcomes(second.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Committed));
    holds(&handle).await;
}

#[tokio::test]
async fn when_the_fate_of_the_first_is_unknown_the_second_is_decided_on_what_is_found() {
    let handle = started(memory()).await;
    ledger_of(&handle).prepare(Mishap::RecordedButUnknown);
    let (first, second) = both(&handle, fill_up("ada", 0), fill_up("ada", FILL)).await;
    ledger_of(&handle).hold(false);
    for answer in first.await.unwrap() {
        assert!(matches!(answer.unwrap_err(), SubmitError::Unknown(_)));
    }
    assert!(outcomes(second.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Committed));
    holds(&handle).await;
}

#[tokio::test]
async fn a_key_of_the_first_is_answered_again_only_when_that_is_on_disk() {
    let handle = started(memory()).await;
    let (first, second) = both(&handle, fill_up("ada", 0), fill_up("ada", 0)).await;
    ledger_of(&handle).hold(false);
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    let head = handle.head();
    for (first, second) in first.into_iter().zip(second) {
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(!first.replayed && second.replayed);
        assert_eq!(first.reply, second.reply);
    }
    assert_eq!(handle.head(), head, "a second answer was recorded");
    holds(&handle).await;
}

#[tokio::test]
async fn a_key_whose_first_answer_was_lost_is_decided_as_new() {
    let handle = started(memory()).await;
    ledger_of(&handle).prepare(Mishap::Fails(full()));
    let (first, second) = both(&handle, fill_up("ada", 0), fill_up("ada", 0)).await;
    ledger_of(&handle).hold(false);
    assert!(first.await.unwrap().iter().all(Result::is_err));
    for answer in second.await.unwrap() {
        let answer = answer.unwrap();
        assert!(!answer.replayed && answer.reply.outcome == Outcome::Committed);
    }
    holds(&handle).await;
}

#[tokio::test]
async fn shutting_down_finishes_both() {
    let handle = started(memory()).await;
    let (first, second) = both(&handle, fill_up("ada", 0), fill_up("ada", FILL)).await;
    let stopping = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.shutdown().await })
    };
    settle().await;
    assert!(!stopping.is_finished(), "it did not wait for what is in flight");
    ledger_of(&handle).hold(false);
    stopping.await.unwrap();
    assert!(outcomes(first.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Committed));
    assert!(outcomes(second.await.unwrap()).iter().all(|outcome| *outcome == Outcome::Committed));
    assert_eq!(handle.head().seq, handle.front().head().0);
    assert_eq!(handle.submit(write("ada", "text", 0, 1)).await.unwrap_err(), SubmitError::Closed);
}

#[tokio::test]
async fn who_is_overtaken_again_and_again_is_told_so() {
    let handle = started(memory()).await;
    let others = foreign(12).await;
    for record in &others[..8] {
        ledger_of(&handle).prepare(Mishap::Overtaken(vec![record.clone()]));
    }
    assert_eq!(handle.submit(write("ada", "text", 0, 1)).await.unwrap_err(), SubmitError::Contended);
    committed(&handle, write("ada", "text", 0, 1)).await;
    holds(&handle).await;
}
