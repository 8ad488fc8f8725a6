//! After a failure the state is what the ledger says, whatever had been decided, and who only looks sees no other.

use tokio::task::JoinHandle;

use std::sync::atomic::AtomicBool;

use super::*;
use crate::coordinator::tests::ahead::{ledger_of, settle};
use crate::domain::command::AcceptLoss;
use crate::domain::ids::PersonId;
use crate::domain::path::{EntityPath, FieldName};
use crate::ledger::{Hash, Lost, Witness};

fn notes(agent: &str) -> EntityPath {
    format!("scratch/{agent}/notes").parse().unwrap()
}

/// The version of the one field in an agent's notes.
fn version_in(state: &State, agent: &str) -> u64 {
    let text: FieldName = "text".parse().unwrap();
    state.entities.get(&notes(agent)).map_or(0, |entity| entity.version_of(&text).0)
}

async fn version(handle: &Handle, agent: &str) -> u64 {
    version_in(&handle.of_entity(&notes(agent)).await.unwrap(), agent)
}

/// Sends a write and, beside it, a look at the same notes.
fn beside(handle: &Handle, write: Request) -> (JoinHandle<Result<Answer, SubmitError>>, JoinHandle<State>) {
    let (writer, looker) = (handle.clone(), handle.clone());
    let writing = tokio::spawn(async move { writer.submit(write).await });
    (writing, tokio::spawn(async move { looker.of_entity(&notes("ada")).await.unwrap() }))
}

#[tokio::test]
async fn a_look_has_one_entity_and_the_front_has_none() {
    let handle = started(memory()).await;
    committed(&handle, write("ada", "text", 0, 1)).await;
    committed(&handle, write("bob", "text", 0, 1)).await;
    let seen = handle.of_entity(&notes("ada")).await.unwrap();
    assert_eq!((seen.entities.iter().count(), version_in(&seen, "ada")), (1, 1));
    assert_eq!(seen.board, handle.front().board);
    assert!(handle.of_entity(&notes("zoe")).await.unwrap().entities.is_empty());
    assert_eq!(handle.whole().await.unwrap().front(), *handle.front());
}

#[tokio::test]
async fn a_look_waits_for_what_was_decided_before_it() {
    let handle = started(memory()).await;
    ledger_of(&handle).hold(true);
    let (writing, looking) = beside(&handle, write("ada", "text", 0, 1));
    settle().await;
    assert!(!looking.is_finished(), "it saw what is not on disk, or did not wait for it");
    ledger_of(&handle).hold(false);
    writing.await.unwrap().unwrap();
    let seen = looking.await.unwrap();
    assert_eq!((version_in(&seen, "ada"), seen.head()), (1, Seq(1)));
}

#[tokio::test]
async fn a_look_beside_a_batch_that_fails_sees_nothing_of_it() {
    for overtaken in [false, true] {
        let handle = started(memory()).await;
        committed(&handle, write("ada", "text", 0, 1)).await;
        let mishap =
            if overtaken { Mishap::Overtaken(after(&handle, 3).await) } else { Mishap::Fails(full()) };
        ledger_of(&handle).hold(true);
        ledger_of(&handle).prepare(mishap);
        let (writing, looking) = beside(&handle, write("ada", "text", 1, 2));
        settle().await;
        assert!(!looking.is_finished());
        ledger_of(&handle).hold(false);
        assert_eq!(writing.await.unwrap().is_ok(), overtaken);
        let seen = looking.await.unwrap();
        assert_eq!((version_in(&seen, "ada"), version_in(&seen, "zoe")), (1, 0));
        assert_eq!(version(&handle, "ada").await, if overtaken { 2 } else { 1 });
        assert_eq!(version(&handle, "zoe").await, if overtaken { 3 } else { 0 });
        assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
    }
}

#[tokio::test]
async fn what_is_read_again_begins_with_the_snapshot() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("northwind.snapshot");
    let options = Options { snapshot: Some(path.clone()), ..options() };
    let handle = start(memory().into(), options).await.unwrap();
    for n in 0..10 {
        committed(&handle, write("ada", "text", n, n)).await;
    }
    let whole = handle.whole().await.unwrap();
    snapshot::save(&path, handle.identity(), handle.head(), &whole, &AtomicBool::new(false)).unwrap();
    for n in 10..15 {
        committed(&handle, write("ada", "text", n, n)).await;
    }
    ledger_of(&handle).prepare(Mishap::Fails(full()));
    handle.submit(write("ada", "text", 15, 0)).await.unwrap_err();
    assert_eq!(version(&handle, "ada").await, 15);
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
}

#[tokio::test]
async fn values_are_told_while_nothing_can_be_appended() {
    let handle = started(memory()).await;
    committed(&handle, write("ada", "text", 0, 1)).await;
    ledger_of(&handle).prepare(Mishap::Fails(full()));
    ledger_of(&handle).stay_down(Some(full()));
    handle.submit(write("ada", "text", 1, 2)).await.unwrap_err();
    for _ in 0..3 {
        assert_eq!(version(&handle, "ada").await, 1);
        let error = handle.submit(write("ada", "text", 1, 2)).await.unwrap_err();
        assert_eq!(error, SubmitError::Unavailable(Trouble::Ledger(full())));
    }
    assert_eq!(handle.trouble(), Some(Trouble::Ledger(full())));
    ledger_of(&handle).stay_down(None);
    committed(&handle, write("ada", "text", 1, 2)).await;
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
}

#[tokio::test]
async fn questions_are_bounded_like_commands() {
    let handle = started(memory()).await;
    ledger_of(&handle).hold(true);
    let writing = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.submit(write("ada", "text", 0, 1)).await })
    };
    settle().await;
    let looks: Vec<_> = (0..=MAILBOX)
        .map(|_| {
            let handle = handle.clone();
            tokio::spawn(
                async move { handle.of_entity(&notes("ada")).await.map(|seen| version_in(&seen, "ada")) },
            )
        })
        .collect();
    settle().await;
    ledger_of(&handle).hold(false);
    writing.await.unwrap().unwrap();
    let mut overloaded = 0;
    for look in looks {
        match look.await.unwrap() {
            Ok(version) => assert_eq!(version, 1),
            Err(error) => {
                assert_eq!(error, LookError::Overloaded);
                overloaded += 1;
            }
        }
    }
    assert_eq!(overloaded, 1);
    assert_eq!(handle.waiting(), 0);
}

#[tokio::test]
async fn apart_from_the_runtime_it_works_and_ends_alike() {
    let directory = TempDir::new().unwrap();
    let snapshot = Some(directory.path().join("northwind.snapshot"));
    let apart = || start_apart(file(&directory).into(), Options { snapshot: snapshot.clone(), ..options() });
    let handle = apart().await.unwrap();
    committed(&handle, write("ada", "text", 0, 1)).await;
    let bytes = bytes_of(&handle).await;
    handle.shutdown().await;
    assert_eq!(handle.of_entity(&notes("ada")).await.unwrap_err(), LookError::Closed);
    assert!(!directory.path().join("northwind.ledger-wal").exists(), "the ledger is still open");
    let handle = apart().await.unwrap();
    assert_eq!(bytes_of(&handle).await, bytes);
    handle.shutdown().await;
    let path = directory.path().join("northwind.ledger");
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM record", []).unwrap();
    assert!(matches!(apart().await, Err(StartError::Lost { .. })));
}

#[tokio::test]
async fn a_ledger_that_lost_its_end_is_not_taken_up_again() {
    let handle = started(memory()).await;
    committed(&handle, write("ada", "text", 0, 1)).await;
    ledger_of(&handle).prepare(Mishap::Fails(full()));
    handle.submit(write("ada", "text", 1, 2)).await.unwrap_err();
    ledger_of(&handle).lose(1);
    let error = handle.submit(write("ada", "text", 1, 2)).await.unwrap_err();
    assert_eq!(error, SubmitError::Unavailable(Trouble::WentBack { seq: 1 }));
    assert_eq!(
        handle.of_entity(&notes("ada")).await.unwrap_err(),
        LookError::Unavailable(Trouble::WentBack { seq: 1 })
    );
    assert_eq!(handle.front().head(), Seq(1), "what was shown before stays to be seen");
}

/// Failures of every kind again and again, close together and far apart, so that the state is taken from the spare copy
/// and read again from the ledger in turns.
#[tokio::test]
async fn after_any_failures_the_state_is_what_the_ledger_says() {
    let handle = started(memory()).await;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut next, mut bobs) = (0, 0);
    for round in 0..1_500_u64 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // The middle of the test is long enough without a failure for the copy to be given up.
        let calm = (400..900).contains(&round);
        match random % 16 {
            0 if !calm => ledger_of(&handle).prepare(Mishap::Fails(full())),
            1 if !calm => ledger_of(&handle).prepare(Mishap::RecordedButUnknown),
            _ => {}
        }
        let known = next;
        match handle.submit(keyed(write("ada", "text", known, round), &round.to_string())).await {
            Ok(answer) => {
                assert_eq!(answer.reply.outcome, Outcome::Committed, "round {round}");
                next = known + 1;
            }
            Err(error) => {
                let unknown = matches!(error, SubmitError::Unknown(_));
                assert!(unknown || matches!(error, SubmitError::Unavailable(_)), "{error}");
                assert_eq!(version(&handle, "ada").await, known, "it saw what is not known to be recorded");
                // The next command has the ledger looked at again.
                committed(&handle, write("bob", "text", bobs, round)).await;
                bobs += 1;
                next = if unknown { known + 1 } else { known };
            }
        }
        assert_eq!(version(&handle, "ada").await, next, "round {round}");
        if round % 100 == 0 || random % 64 < 2 {
            assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await, "round {round}");
        }
    }
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
}

/// A ledger with two deeds of which a witness has seen five.
async fn short() -> (Handle, Request) {
    let handle = started(memory()).await;
    committed(&handle, write("ada", "text", 0, 1)).await;
    committed(&handle, write("ada", "text", 1, 2)).await;
    let kept = handle.ledger().read(0, 10).await.unwrap();
    let ledger = memory();
    let start_of = Head { seq: 0, hash: ledger.identity().genesis() };
    ledger.append(start_of, kept.into_iter().map(|record| record.bytes).collect()).await.unwrap();
    let witness = Witness { what: "somebody".to_owned(), head: Head { seq: 5, hash: Hash([5; 32]) } };
    let lost = Some(Lost { place: "here".to_owned(), end: 2, witness });
    let handle = start(ledger.into(), Options { lost, ..options() }).await.unwrap();
    (handle, accepting(5))
}

/// An admin accepts a loss up to that deed.
fn accepting(through: u64) -> Request {
    let admin = Principal {
        actor: Actor::Person(PersonId::new("dana").unwrap()),
        class: TokenClass::Admin,
        token: None,
    };
    Request::new(admin, Command::AcceptLoss(AcceptLoss { through: Seq(through), reason: "it burned".into() }))
}

#[tokio::test]
async fn where_deeds_are_missing_only_their_loss_is_accepted() {
    let (handle, accept) = Box::pin(short()).await;
    assert_eq!(version(&handle, "ada").await, 2, "looking works");
    let refused = handle.submit(write("ada", "text", 2, 3)).await;
    assert!(matches!(refused, Err(SubmitError::Unavailable(Trouble::Lost(_)))), "{refused:?}");
    assert_eq!(handle.submit(accepting(4)).await, Err(SubmitError::NotLost(Seq(4))));
    // An agent has no say in it, and leaves no deed either.
    let agents = Request { command: accept.command.clone(), ..write("ada", "text", 0, 0) };
    assert!(matches!(handle.submit(agents).await, Err(SubmitError::Unavailable(Trouble::Lost(_)))));
    assert_eq!(handle.head().seq, 2);

    // Where it can't be recorded, nothing is accepted.
    ledger_of(&handle).prepare(Mishap::Fails(full()));
    assert!(handle.submit(accept.clone()).await.is_err());
    let refused = handle.submit(write("ada", "text", 2, 3)).await;
    assert!(matches!(refused, Err(SubmitError::Unavailable(_))), "{refused:?}");
    assert_eq!(handle.head().seq, 2);

    // With it comes whatever waits, and not before it.
    ledger_of(&handle).hold(true);
    let (accepter, writer) = (handle.clone(), handle.clone());
    let accepting_it = tokio::spawn(async move { accepter.submit(accept).await });
    settle().await;
    let writing = tokio::spawn(async move { writer.submit(write("ada", "text", 2, 3)).await });
    settle().await;
    ledger_of(&handle).hold(false);
    let accepted = accepting_it.await.unwrap().unwrap();
    assert_eq!((accepted.reply.outcome, accepted.reply.deed), (Outcome::Recorded, Seq(3)));
    assert_eq!(writing.await.unwrap().unwrap().reply.deed, Seq(4));
    assert!(handle.trouble().is_none() && handle.lost().is_none());
    handle.whole_again().await;
    assert_eq!(bytes_of(&handle).await, bytes_of_replay(&handle).await);
    assert_eq!(handle.submit(accepting(5)).await, Err(SubmitError::NotLost(Seq(5))));
}
