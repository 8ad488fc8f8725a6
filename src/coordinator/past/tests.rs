//! The board as of any sequence is the board folded over the deeds up to it, whatever is or is not at hand.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::coordinator::{Clock, Handle, Options, start};
use crate::domain::command::{Principal, Request};
use crate::domain::decide;
use crate::domain::ids::{Actor, AgentId, PersonId};
use crate::domain::path::EntityPath;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;
use crate::ledger::{LedgerId, MemoryLedger};

/// A history by its choices: who does what after how long.
type Choices = Vec<(u8, u8, u32)>;

fn request(class: TokenClass, name: &str, command: serde_json::Value) -> Request {
    let actor = match class {
        TokenClass::Agent => Actor::Agent(AgentId::new(name).unwrap()),
        TokenClass::Watcher | TokenClass::Reviewer | TokenClass::Admin | TokenClass::Guard => {
            Actor::Person(PersonId::new(name).unwrap())
        }
    };
    Request::new(Principal { actor, class, token: None }, serde_json::from_value(command).unwrap())
}

/// One thing that somebody tries; many are refused, which is a deed too.
async fn one(who: u8, what: u8, handle: &Handle) -> Request {
    let agent = ["ada", "bob", "zoe"][usize::from(who) % 3];
    let state = handle.whole().await.unwrap();
    let record = format!("crm/contact/c{}", who % 4);
    let path = record.parse::<EntityPath>().unwrap();
    let version = state.entities.get(&path).map_or(0, |one| one.version_of(&"status".parse().unwrap()).0);
    let item = state.board.items.keys().next().map_or(1, |no| no.0);
    let alert = state.board.alerts.keys().next().map_or(1, |no| no.0);
    let (class, name, command) = match what % 9 {
        0..=2 => {
            let write = json!({"do": "write", "entity": record, "changes": {"status": what}, "expected": {"status": version}});
            (TokenClass::Agent, agent, write)
        }
        3 => (
            TokenClass::Agent,
            agent,
            json!({"do": "escalate", "input": format!("case {what}"), "why": "unsure"}),
        ),
        4 => {
            let answered = json!({"do": "item", "item": item, "step": "claim"});
            (TokenClass::Reviewer, "dana", answered)
        }
        5 => (TokenClass::Admin, "dana", json!({"do": "alert", "alert": alert, "step": "acknowledge"})),
        6 => {
            let freeze = json!({"do": "override", "step": "freeze", "entity": record, "reason": "looking"});
            (TokenClass::Admin, "dana", freeze)
        }
        7 => {
            let step = if who.is_multiple_of(2) { "pause" } else { "resume" };
            (
                TokenClass::Admin,
                "dana",
                json!({"do": "override", "step": step, "agent": agent, "reason": "why not"}),
            )
        }
        _ => {
            let model = json!({
                "workspace": "northwind",
                "agent": [{"id": agent, "role": "r", "owner": "dana", "writes": ["crm/**"]}],
            });
            let version = state.board.map_version;
            (TokenClass::Admin, "dana", json!({"do": "apply-map", "model": model, "if_version": version}))
        }
    };
    request(class, name, command)
}

async fn history(choices: &Choices) -> Handle {
    let clock = Clock::manual(Time::from_micros(1_000_000));
    let model = json!({
        "workspace": "northwind",
        "agent": [{"id": "ada", "role": "writes", "owner": "dana", "writes": ["crm/**"]}],
    });
    let model = Arc::new(serde_json::from_value(model).unwrap());
    let options = Options {
        clock: clock.clone(),
        snapshot: None,
        founding: Some(Box::new(move |now| {
            vec![decide::found(model, Actor::Person(PersonId::new("dana").unwrap()), now)]
        })),
        ..Options::default()
    };
    let ledger = MemoryLedger::new(LedgerId::from_bytes([5; 16]), "northwind");
    let handle = start(ledger.into(), options).await.unwrap();
    for (who, what, pause) in choices {
        clock.set(clock.now().plus(Span::from_micros(i64::from(*pause))));
        handle.submit(one(*who, *what, &handle).await).await.unwrap();
    }
    handle
}

/// Every board of the history, folded one deed after another.
async fn folded(handle: &Handle) -> Vec<Board> {
    let mut board = Board::new(WorkspaceId::new("northwind").unwrap());
    let mut boards = vec![board.clone()];
    for record in handle.ledger().read(0, 10_000).await.unwrap() {
        board.fold(&Deed::decode(&record.bytes).unwrap());
        boards.push(board.clone());
    }
    boards
}

fn bytes(board: &Board) -> Vec<u8> {
    serde_json::to_vec(board).unwrap()
}

fn durable(handle: &Handle) -> Durable {
    handle.shared.durable.borrow().clone()
}

async fn same(past: &Past, handle: &Handle, expected: &[Board], seqs: impl IntoIterator<Item = usize>) {
    for seq in seqs {
        let board = past.board_at(handle.ledger(), &durable(handle), Seq(seq as u64)).await.unwrap();
        assert!(*board == expected[seq], "the board as of {seq} is another than the one folded up to it");
        assert_eq!(bytes(&board), bytes(&expected[seq]), "as of {seq}");
    }
}

/// Leaves checkpoints behind as a long replay would.
async fn with_checkpoints(handle: &Handle, directory: &Path, kept: u64, gap: u64) -> Checkpoints {
    let files = Checkpoints::with_bounds(directory.to_owned(), kept, gap);
    let expected = folded(handle).await;
    for record in handle.ledger().read(0, 10_000).await.unwrap() {
        let board = &expected[usize::try_from(record.seq).unwrap()];
        files.consider(handle.identity(), record.head(), board, handle.head().seq);
    }
    files
}

async fn check(choices: Choices, order: Vec<usize>) {
    let handle = history(&choices).await;
    let expected = folded(&handle).await;
    let last = expected.len() - 1;
    let seqs = || order.iter().map(|at| 1 + at % last).chain([1, last]);
    same(&Past::new(None), &handle, &expected, seqs()).await;
    for seq in seqs() {
        assert_eq!(handle.board_at(Seq(seq as u64)).await.unwrap().head, Seq(seq as u64));
    }
    let directory = TempDir::new().unwrap();
    let files = with_checkpoints(&handle, directory.path(), 4, 2).await;
    assert!(files.all().len() <= 4);
    same(&Past::with(Some(files.clone())), &handle, &expected, seqs()).await;
    // A damaged one is passed over; without any, nothing is lost.
    for (n, seq) in files.all().into_iter().enumerate() {
        let path = directory.path().join(format!("{seq:020}.board"));
        let text = fs::read(&path).unwrap();
        let bad = if n % 2 == 0 { text[..text.len() / 2].to_vec() } else { b"nothing".to_vec() };
        fs::write(&path, bad).unwrap();
    }
    same(&Past::with(Some(files.clone())), &handle, &expected, seqs()).await;
    fs::remove_dir_all(directory.path()).unwrap();
    same(&Past::with(Some(files)), &handle, &expected, seqs()).await;
    recorded(&handle, &expected).await;
}

/// Every time finds the last deed that was recorded by then.
async fn recorded(handle: &Handle, expected: &[Board]) {
    for board in &expected[1..] {
        for time in [board.recorded, board.recorded.plus(Span::from_micros(1))] {
            let last = expected.iter().rposition(|one| one.head.0 > 0 && one.recorded <= time).unwrap();
            assert_eq!(handle.seq_at(time).await.unwrap(), Seq(last as u64), "{time}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_board_as_of_any_sequence_is_the_one_folded_up_to_it(
        choices in prop::collection::vec((any::<u8>(), any::<u8>(), 0_u32..3), 1..60),
        order in prop::collection::vec(any::<usize>(), 1..30),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(check(choices, order));
    }
}

#[tokio::test]
async fn what_never_was_is_said_so() {
    let handle = history(&vec![(0, 0, 5), (1, 1, 5)]).await;
    let head = Seq(handle.head().seq);
    let first = Time::from_micros(1_000_000);
    let beyond = handle.board_at(head.next()).await.unwrap_err();
    assert_eq!(beyond, PastError::Beyond { asked: head.next(), head });
    assert_eq!(handle.board_at(Seq(0)).await.unwrap_err(), PastError::BeforeFirst { first });
    let early = handle.seq_at(Time::from_micros(999_999)).await.unwrap_err();
    assert_eq!(early, PastError::BeforeFirst { first });
    assert_eq!(handle.seq_at(first).await.unwrap(), Seq(1));
    assert_eq!(handle.seq_at(first.plus(Span::from_days(1))).await.unwrap(), head);
    let empty = MemoryLedger::new(LedgerId::from_bytes([5; 16]), "northwind");
    let empty = start(empty.into(), Options::default()).await.unwrap();
    assert_eq!(empty.seq_at(first).await.unwrap_err(), PastError::Empty);
    assert_eq!(empty.board_at(Seq(0)).await.unwrap_err(), PastError::Empty);
}

#[tokio::test]
async fn checkpoints_are_few_and_spread_over_the_whole_history() {
    let handle = history(&vec![(0, 0, 1); 100]).await;
    let directory = TempDir::new().unwrap();
    let files = Checkpoints::with_bounds(directory.path().join("past"), 8, 2);
    let expected = folded(&handle).await;
    let last = handle.head().seq;
    // As they come while the ledger grows: each time the end is where the ledger was then.
    for record in handle.ledger().read(0, 10_000).await.unwrap() {
        let board = &expected[usize::try_from(record.seq).unwrap()];
        files.consider(handle.identity(), record.head(), board, record.seq);
    }
    let all = files.all();
    assert!((6..=8).contains(&all.len()), "{all:?}");
    let gaps = all.windows(2).map(|pair| pair[1] - pair[0]).chain([all[0], last - all[all.len() - 1]]);
    assert!(gaps.clone().max().unwrap() <= last / 3, "{all:?} of {last}");
    #[cfg(unix)]
    for entry in fs::read_dir(directory.path().join("past")).unwrap() {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_history_is_passed_over_and_removed() {
    let directory = TempDir::new().unwrap();
    let other = history(&vec![(1, 3, 1); 30]).await;
    let files = with_checkpoints(&other, directory.path(), 4, 5).await;
    assert!(!files.all().is_empty());
    let handle = history(&vec![(0, 0, 1); 40]).await;
    let expected = folded(&handle).await;
    let last = usize::try_from(handle.head().seq).unwrap();
    same(&Past::with(Some(files.clone())), &handle, &expected, (1..=last).rev()).await;
}

#[tokio::test]
async fn memory_is_bounded_and_keeps_what_is_asked_for() {
    let mut memory = Memory::default();
    let board = Arc::new(Board::new(WorkspaceId::new("northwind").unwrap()));
    for seq in 1..=(KEPT as u64 * 2) {
        memory.nearest(Seq(1));
        memory.keep(Head { seq, hash: crate::ledger::Hash([0; 32]) }, &board);
    }
    assert_eq!(memory.boards.len(), KEPT);
    assert!(memory.boards.iter().any(|known| known.head.seq == 1), "what is asked for again and again stays");
}
