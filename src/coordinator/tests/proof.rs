//! An image held against a replay: one that is what the ledger gives, and every way in which one may not be.

use super::outside::{images, live, started_with};
use super::*;
use crate::coordinator::Proof;
use crate::domain::hash::Hash;
use crate::domain::ids::Version;
use crate::domain::state::{Far as _, Totals};
use crate::domain::things::Entity;
use crate::ledger::Record;
use crate::store::{Changes, Image, Images};

pub(super) async fn records(handle: &Handle) -> Vec<Record> {
    let mut all = Vec::new();
    loop {
        let page = handle.ledger().read(all.len() as u64, 10_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// How many entities agreed, how often the ledger was read, and what was found.
fn held(image: &Image, records: &[Record], at_once: u64) -> (u64, u32, Vec<String>) {
    let workspace = WorkspaceId::new("northwind").unwrap();
    let mut proof = Proof::of(image, &workspace).unwrap().unwrap().within(at_once);
    let mut turns = 0;
    loop {
        for record in records {
            proof.take(record.head(), &Deed::decode(&record.bytes).unwrap());
        }
        turns += 1;
        if !proof.again() {
            return (proof.agreed(), turns, proof.faults().collect());
        }
    }
}

/// The image has all that a replay of its ledger gives, and no more.
pub(super) fn agrees(image: &Image, records: &[Record]) {
    let (agreed, _, faults) = held(image, records, u64::MAX);
    assert_eq!(faults, [""; 0]);
    assert!(agreed > 0, "there is nothing in it");
}

/// All that an image says.
fn all_of(image: &Image) -> Changes {
    Changes {
        at: image.at().unwrap().unwrap(),
        entities: image.entities("", None, usize::MAX).unwrap(),
        keys: image.keys(None, usize::MAX).unwrap(),
        gone_keys: Vec::new(),
    }
}

/// What differs, and what is said of it.
type Case = (fn(&mut Changes), &'static str);

const CASES: [Case; 12] = [
    (|_| {}, ""),
    (
        |all| drop(all.entities.remove(3)),
        "scratch/a3/notes: the image has none, the ledger version 20 of deed",
    ),
    (
        |all| {
            let more = Entity { version: Version(3), deed: Seq(7), ..Entity::default() };
            all.entities.push(("scratch/zz/notes".parse().unwrap(), Arc::new(more)));
        },
        "scratch/zz/notes: the image has version 3 of deed 7, the ledger none",
    ),
    (
        |all| {
            let other = Arc::clone(&all.entities[2].1);
            let field = &mut Arc::make_mut(&mut all.entities[1].1).fields[0].1;
            field.value = other.fields[0].1.value.clone();
        },
        "scratch/a1/notes: the image has version 20 of deed",
    ),
    (|all| Arc::make_mut(&mut all.entities[4].1).fields[0].1.by = Actor::Deeds, ", another `text`"),
    (|all| Arc::make_mut(&mut all.entities[4].1).version = Version(19), "the image has version 19 of deed"),
    (|all| drop(all.keys.remove(9)), "of the idempotency keys by age the image has k"),
    (|all| all.keys[9].answer.digest = Arc::from("other"), "k9 of a2, answered by deed"),
    (|all| drop(all.keys.pop()), "the image has no other key, the ledger k139 of a6"),
    (
        |all| {
            let totals: Totals = serde_json::from_slice(&all.at.more).unwrap();
            let mut totals = serde_json::to_value(totals).unwrap();
            totals["volume"]["bytes"] = json!(5);
            all.at.more = serde_json::to_vec(&totals).unwrap();
        },
        "how many values there are",
    ),
    (|all| all.at.seq = Seq(9_999), "it has seen deed 9999, and the ledger ends at"),
    (|all| all.at.hash = Hash([9; 32]), "than the ledger has there"),
];

#[tokio::test]
async fn an_image_that_is_not_what_a_replay_gives_is_told_from_one_that_is() {
    let directory = TempDir::new().unwrap();
    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, 0).await;
    live(&handle, 0, 140).await;
    let records = records(&handle).await;
    handle.shutdown().await;
    let image = used.of(&handle.identity().source()).unwrap();
    for (number, (change, told)) in CASES.into_iter().enumerate() {
        let folder = TempDir::new().unwrap();
        let changed = Images::open(folder.path(), 0).unwrap();
        let other = changed.of(&handle.identity().source()).unwrap();
        let mut all = all_of(&image);
        change(&mut all);
        other.write(&all).unwrap();
        for (at_once, least) in [(u64::MAX, 1), (4_096, 3)] {
            let (agreed, turns, faults) = held(&other, &records, at_once);
            if told.is_empty() {
                assert_eq!((agreed, faults), (7, Vec::new()));
                assert!(turns >= least, "{turns} turns");
            } else {
                let faults = faults.join("; ");
                assert!(faults.contains(told), "case {number}, {at_once} bytes: {faults:?}");
            }
        }
    }
}

/// As it is looked at beside whoever uses it: what is on disk, and nothing of it changes.
#[tokio::test]
async fn an_image_in_use_is_looked_at_as_it_is_on_disk() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("image");
    assert!(Images::look(&folder).unwrap().is_none());
    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, 0).await;
    live(&handle, 0, 70).await;
    let source = handle.identity().source();
    let records = records(&handle).await;
    handle.shutdown().await;
    used.flush().unwrap();
    let image = used.of(&source).unwrap();
    let looked = Images::look(&folder).unwrap().unwrap();
    let seen = looked.of(&source).unwrap();
    agrees(&seen, &records);
    // It goes on, and what was looked at stays what it was.
    let head = seen.head();
    let mut next = all_of(&image);
    for n in 1..4_000 {
        next.at.seq = Seq(head.0 + n);
        image.write(&next).unwrap();
    }
    used.flush().unwrap();
    assert_eq!(seen.head(), head);
    agrees(&seen, &records);
    drop((seen, looked));
    assert_eq!(Images::look(&folder).unwrap().unwrap().of(&source).unwrap().head(), next.at.seq);
    // What was deleted is not there, and what was damaged is said to be so.
    drop((image, used));
    let tables = std::fs::read_dir(folder.join("1-1/tables")).unwrap().flatten();
    for table in tables {
        std::fs::write(table.path(), [0; 40]).unwrap();
    }
    assert!(Images::look(&folder).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(Images::look(&folder).unwrap().is_none());
}
