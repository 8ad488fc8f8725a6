//! A node that shows what another one records.

use std::time::Duration;

use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(20);

/// Two nodes on the ledger of one file; the second one follows.
async fn two(directory: &TempDir, clock: &Clock) -> [Handle; 2] {
    let options = |follows| Options { clock: clock.clone(), follows, ..Options::default() };
    let one = start(file(directory).into(), options(false)).await.unwrap();
    [one, start(file(directory).into(), options(true)).await.unwrap()]
}

fn still() -> Clock {
    Clock::manual(Time::from_micros(1_000_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_shows_what_another_one_records_each_deed_once() {
    let directory = TempDir::new().unwrap();
    let [one, other] = two(&directory, &still()).await;
    let mut watcher = other.watch(Seq(0));
    for round in 0..3_u64 {
        // More than are read at once.
        for some in 0..30_u64 {
            let from = (round * 30 + some) * 50;
            let requests = (from..from + 50).map(|n| write("ada", "text", n, n)).collect();
            one.submit_all(requests).await.unwrap();
        }
        let head = one.head();
        if round == 1 {
            other.heard(Seq(head.seq));
            timeout(SOON, other.reached(Seq(head.seq))).await.unwrap();
        } else {
            other.catch_up().await.unwrap();
        }
        assert_eq!(other.head(), head);
        assert_eq!(bytes_of(&other).await, bytes_of(&one).await);
    }
    assert_eq!(bytes_of(&other).await, bytes_of_replay(&other).await);
    let goal = one.head().seq;
    assert_eq!(watching::collect(&mut watcher, goal).await, (1..=goal).collect::<Vec<_>>());
    // It decides on what it has read.
    assert_eq!(committed(&other, write("ada", "text", 4_500, 0)).await.deed, Seq(goal + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_and_not_there_is_no_loss() {
    let directory = TempDir::new().unwrap();
    let [one, other] = two(&directory, &still()).await;
    other.heard(Seq(9_999));
    committed(&one, write("ada", "text", 0, 1)).await;
    other.catch_up().await.unwrap();
    assert_eq!((other.head(), other.trouble()), (one.head(), None));
}

/// Only who leads tells the time; who follows begins to when it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn what_falls_due_is_told_by_who_leads() {
    let directory = TempDir::new().unwrap();
    let clock = still();
    let [one, other] = two(&directory, &clock).await;
    one.lead(false);
    one.submit(escalation("ada")).await.unwrap();
    other.catch_up().await.unwrap();
    let known = one.head();
    let due = decide::next_due(&other.whole().await.unwrap()).expect("nothing will fall due");
    clock.set(due);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(one.ledger().head().await.unwrap(), known, "nobody leads, so nobody tells");
    other.lead(true);
    timeout(SOON, other.reached(Seq(known.seq + 1))).await.unwrap();
    one.catch_up().await.unwrap();
    assert_eq!(bytes_of(&one).await, bytes_of(&other).await);
}

/// Whoever hears all the time that others record looks all the same whether its own ledger works again.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_failed_goes_on_while_it_hears_of_others() {
    let ledger = memory();
    ledger.prepare(Mishap::Fails(full()));
    let handle = start(ledger.into(), Options { follows: true, ..options() }).await.unwrap();
    handle.submit(write("ada", "text", 0, 1)).await.unwrap_err();
    assert!(handle.is_troubled());
    let heard = async {
        while handle.is_troubled() {
            handle.heard(Seq(9));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, heard).await.unwrap();
}
