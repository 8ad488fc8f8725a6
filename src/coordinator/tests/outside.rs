//! Values and keys on disk, in a real image: whatever becomes of it, the state is what the ledger says.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::ahead::settle;
use super::*;
use crate::coordinator::fetch::Pace;
use crate::coordinator::outside::{Outside, WAITING_BYTES};
use crate::domain::ids::Version;
use crate::domain::state::{Changes, Far as _, Totals};
use crate::domain::things::{Entity, Field};
use crate::store::Images;

const CACHE: u64 = 8 * 1_024 * 1_024;

/// A ledger in a folder, its snapshot and its image beside it.
pub(super) async fn started_with(folder: &Path, images: &Images, near: u64) -> Handle {
    let ledger = SqliteLedger::open_or_create(&folder.join("northwind.ledger"), "northwind").unwrap();
    let image = images.of(&ledger.identity().source()).unwrap();
    let snapshot = Some(folder.join("snapshot"));
    let options = Options { image: Some(image), snapshot, near: Some(near), ..options() };
    start(ledger.into(), options).await.unwrap()
}

pub(super) fn images(folder: &Path) -> Images {
    Images::open(&folder.join("image"), CACHE).unwrap()
}

/// Writes by some agents, with keys; each knows the version of before by the values that lie outside.
pub(super) async fn live(handle: &Handle, from: u64, count: u64) {
    for n in from..from + count {
        let agent = format!("a{}", n % 7);
        committed(handle, keyed(write(&agent, "text", n / 7, n), &format!("k{n}"))).await;
        if n % 5 == 0 {
            let again = keyed(write(&agent, "text", n / 7, n), &format!("k{n}"));
            assert!(handle.submit(again).await.unwrap().replayed, "the key of {n} was forgotten");
        }
    }
}

async fn is_what_the_ledger_says(handle: &Handle) {
    let (is, due) = (bytes_of(handle).await, bytes_of_replay(handle).await);
    assert_eq!(String::from_utf8_lossy(&is), String::from_utf8_lossy(&due));
}

pub(super) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if let Err(error) = fs::copy(from, to) {
        // A part of an image that was replaced meanwhile.
        assert!(error.kind() == std::io::ErrorKind::NotFound, "{error}");
    }
}

pub(super) async fn stopped(handle: Handle, images: Images) {
    handle.shutdown().await;
    images.flush().unwrap();
}

#[tokio::test]
async fn with_nothing_near_every_answer_is_that_of_the_ledger() {
    let directory = TempDir::new().unwrap();
    let images = images(directory.path());
    let handle = started_with(directory.path(), &images, 0).await;
    live(&handle, 0, 140).await;
    is_what_the_ledger_says(&handle).await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    live(&handle, 140, 70).await;
    is_what_the_ledger_says(&handle).await;
    handle.shutdown().await;
    let image = images.of(&handle.identity().source()).unwrap();
    assert_eq!(
        image.at().unwrap().map(|at| at.seq.0),
        Some(handle.head().seq),
        "the image is not written up"
    );
}

#[tokio::test]
async fn board_and_values_begin_at_heads_of_their_own() {
    let directory = TempDir::new().unwrap();
    let (now, old) = (directory.path().join("now"), directory.path().join("old"));
    fs::create_dir(&now).unwrap();
    let used = images(&now);
    let handle = started_with(&now, &used, 0).await;
    live(&handle, 0, 70).await;
    stopped(handle, used).await;
    copy(&now, &old);
    let used = images(&now);
    let handle = started_with(&now, &used, 0).await;
    live(&handle, 70, 70).await;
    stopped(handle, used).await;
    // The other one is older, or there is none.
    for (part, other) in [("image", "snapshot"), ("snapshot", "image")] {
        for there in [true, false] {
            let folder = directory.path().join(format!("{part}-{other}-{there}"));
            copy(&now, &folder);
            if folder.join(part).is_dir() {
                fs::remove_dir_all(folder.join(part)).unwrap();
            } else {
                fs::remove_file(folder.join(part)).unwrap();
            }
            if there {
                copy(&old.join(part), &folder.join(part));
            }
            let used = images(&folder);
            let handle = started_with(&folder, &used, 0).await;
            is_what_the_ledger_says(&handle).await;
            live(&handle, 140, 14).await;
            is_what_the_ledger_says(&handle).await;
            stopped(handle, used).await;
        }
    }
    // An image that has seen more than the ledger has is not believed.
    let folder = directory.path().join("ahead");
    copy(&old, &folder);
    fs::remove_dir_all(folder.join("image")).unwrap();
    copy(&now.join("image"), &folder.join("image"));
    let used = images(&folder);
    let handle = started_with(&folder, &used, 0).await;
    is_what_the_ledger_says(&handle).await;
}

#[tokio::test]
async fn an_image_in_doubt_voids_what_is_decided_on_it_and_is_made_anew() {
    let directory = TempDir::new().unwrap();
    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, 0).await;
    live(&handle, 0, 35).await;
    stopped(handle, used).await;
    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, 0).await;
    let head = handle.head();
    used.doubt("a test");
    let error = handle.submit(write("a1", "text", 5, 1)).await.unwrap_err();
    assert!(matches!(&error, SubmitError::Unavailable(Trouble::Values(_))), "{error}");
    assert_eq!(handle.ledger().head().await.unwrap(), head, "a deed was recorded of what could not be read");
    // "Absent" would be version 0, and a false create.
    let stale = handle.submit(write("a1", "text", 0, 1)).await.unwrap();
    assert_eq!(stale.reply.outcome, Outcome::Stale);
    live(&handle, 35, 35).await;
    assert!(!handle.is_troubled());
    is_what_the_ledger_says(&handle).await;
}

#[tokio::test]
async fn a_long_history_is_read_into_an_image_within_bounds() {
    let directory = TempDir::new().unwrap();
    let ledger = file(&directory);
    let handle = started(ledger).await;
    for n in 0..40 {
        let all = (0..200).map(|m| keyed(write(&format!("b{m}"), "text", n, n), &format!("{n}-{m}")));
        for answer in handle.submit_all(all.collect()).await.unwrap() {
            assert_eq!(answer.unwrap().reply.outcome, Outcome::Committed);
        }
    }
    handle.shutdown().await;
    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, 1).await;
    let image = used.of(&handle.identity().source()).unwrap();
    assert!(image.at().unwrap().unwrap().seq.0 > 4_000, "nothing was put away on the way");
    is_what_the_ledger_says(&handle).await;
    let again = handle.submit(keyed(write("b7", "text", 3, 3), "3-7")).await.unwrap();
    assert!(again.replayed);
}

/// Asks until it is answered: what could not be read is made anew, and asked again.
async fn answered(handle: &Handle, request: Request) -> Answer {
    loop {
        match handle.submit(request.clone()).await {
            Err(SubmitError::Unavailable(Trouble::Values(_))) => {}
            answer => return answer.unwrap(),
        }
    }
}

/// Damages one file of an image, in a way that depends on the turn.
fn damage(image: &Path, turn: usize) {
    let tables = image.join("1-1/tables");
    let files =
        [image.join("1-1"), tables].into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).filter(|file| file.is_file()).collect();
    files.sort();
    let Some(file) = files.get(turn * 7 % files.len().max(1)) else { return };
    let mut bytes = fs::read(file).unwrap();
    match turn % 4 {
        0 => {}
        1 => fs::remove_file(file).unwrap(),
        2 => fs::write(file, &bytes[..bytes.len() / 2]).unwrap(),
        _ => {
            let at = bytes.len() * (turn % 5) / 5;
            bytes[at] ^= 4;
            fs::write(file, bytes).unwrap();
        }
    }
}

/// A copy of all that is on disk at some moment is what a kill leaves.
#[tokio::test]
async fn a_workspace_that_is_killed_and_whose_image_is_damaged_answers_by_its_ledger() {
    let mut home = TempDir::new().unwrap();
    for turn in 0..24_usize {
        let used = images(home.path());
        let handle = started_with(home.path(), &used, 0).await;
        for n in 0..14_u64 {
            let (agent, n) = (format!("a{}", n % 7), n + 14 * turn as u64);
            let first = keyed(write(&agent, "text", n / 7, n), &format!("k{n}"));
            let answer = answered(&handle, first.clone()).await;
            assert_eq!((answer.reply.outcome, answer.replayed), (Outcome::Committed, false), "{n}");
            assert!(answered(&handle, first).await.replayed, "the key of {n} was forgotten");
            if let Some(old) = n.checked_sub(70) {
                let old = keyed(write(&format!("a{}", old % 7), "text", old / 7, old), &format!("k{old}"));
                assert!(answered(&handle, old).await.replayed, "a key of long ago was forgotten");
            }
            let stale = answered(&handle, write(&agent, "text", n / 7, 1)).await;
            assert_eq!(stale.reply.outcome, Outcome::Stale, "{n}");
        }
        if turn % 3 != 0 {
            tokio::time::sleep(std::time::Duration::from_millis(260)).await;
            answered(&handle, write("late", "text", 999, 1)).await;
            settle().await;
            used.flush().unwrap_or_default();
        }
        let next = TempDir::new().unwrap();
        copy(home.path(), next.path());
        damage(&next.path().join("image"), turn);
        drop((handle, used));
        home = next;
    }
    let used = images(home.path());
    let handle = started_with(home.path(), &used, 0).await;
    answered(&handle, write("late", "text", 999, 1)).await;
    is_what_the_ledger_says(&handle).await;
    let records = proof::records(&handle).await;
    handle.shutdown().await;
    proof::agrees(&used.of(&handle.identity().source()).unwrap(), &records);
}

/// Fields that take 100 KiB together.
fn large(deed: u64) -> Arc<Entity> {
    let field = |name: &str| {
        let value = serde_json::from_value(json!("x".repeat(50 * 1_024))).unwrap();
        let (by, at) = (Actor::Deeds, Time::from_micros(1));
        let field = Field { version: Version(1), value, by, at, deed: Seq(deed), runs: Vec::new() };
        (name.parse().unwrap(), field)
    };
    let fields = ["left", "right"].map(field).to_vec();
    Arc::new(Entity { version: Version(1), fields, deed: Seq(deed), ..Entity::default() })
}

#[tokio::test]
async fn large_values_that_wait_for_their_image_are_bounded_in_bytes() {
    const COUNT: u64 = 1_200;
    let directory = TempDir::new().unwrap();
    let used = images(directory.path());
    let image = used.of("urn:uuid:large").unwrap();
    let mut outside = Outside::new(Some(image.clone()), 0);
    let mut state = State::new("northwind".parse().unwrap());
    let mut most = 0;
    for n in 1..=COUNT {
        let entities = vec![(format!("crm/deal/{n}").parse().unwrap(), large(n))];
        let head = Head { seq: n, hash: crate::domain::hash::Hash([1; 32]) };
        outside.note(head, Totals::default(), Changes { entities, keys: Vec::new() });
        outside.advance(&mut state).await.unwrap();
        most = most.max(outside.waits());
    }
    assert!(most > 1_024 * 1_024, "nothing ever waited: {most} bytes");
    assert!(most < WAITING_BYTES + 1_024 * 1_024, "{most} bytes waited");
    outside.finish().await;
    assert_eq!(image.head(), Seq(COUNT));
    for n in [1, COUNT / 2, COUNT] {
        assert_eq!(image.entity(&format!("crm/deal/{n}").parse().unwrap()).unwrap(), Some(large(n)));
    }
}

/// A write of some KiB to an entity of its own.
fn wide(agent: &str, version: u64) -> Request {
    let command = json!({
        "do": "write", "entity": format!("scratch/{agent}/notes"),
        "changes": {"text": agent.repeat(500)}, "expected": {"text": version},
    });
    Request { command: serde_json::from_value(command).unwrap(), ..write(agent, "text", 0, 0) }
}

/// The coordinator is on this thread, which does not let it go on meanwhile.
#[tokio::test]
async fn what_waiting_commands_name_is_read_while_nobody_decides() {
    let directory = TempDir::new().unwrap();
    let images = |folder: &Path| Images::open(&folder.join("image"), 64 * 1_024 * 1_024).unwrap();
    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, u64::MAX).await;
    let all = |version| (0..40).map(move |n| wide(&format!("cold{n}"), version));
    for answer in handle.submit_all(all(0).collect()).await.unwrap() {
        assert_eq!(answer.unwrap().reply.outcome, Outcome::Committed);
    }
    // A start looks at what was written last.
    for n in 0..600 {
        committed(&handle, write("zoe", "text", n, n)).await;
    }
    let begin = |handle: &Handle| {
        let asked: Vec<Request> = all(1).collect();
        handle.shared.fetch.as_ref().unwrap().begin(&asked, || 1_000)
    };
    assert!(begin(&handle).is_none(), "everything is near, and was read");
    stopped(handle, used).await;

    let used = images(directory.path());
    let handle = started_with(directory.path(), &used, 0).await;
    settle().await;
    let before = used.in_memory();
    let mut sent = Box::pin(handle.submit_all(all(1).collect()));
    std::future::poll_fn(|context| {
        assert!(sent.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while used.in_memory() < before + 40 * 1_024 {
        assert!(std::time::Instant::now() < end, "nothing was read: {before}, {}", used.in_memory());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    for answer in sent.await.unwrap() {
        assert_eq!(answer.unwrap().reply.outcome, Outcome::Committed);
    }
    assert!(begin(&handle).is_none(), "what was named lately was read once more");
    let few: Vec<Request> = (90..92).map(|n| wide(&format!("cold{n}"), 0)).collect();
    let fetch = handle.shared.fetch.as_ref().unwrap();
    assert!(fetch.begin(&few, || 2).is_none(), "where nothing waits there is no time for it");
}

#[test]
fn what_comes_from_memory_is_read_ahead_now_and_then_only() {
    let pace = Pace::default();
    let helps = || (0..640).filter(|_| pace.helps()).count();
    assert_eq!(helps(), 640, "nobody knows yet");
    (0..64).for_each(|_| pace.note(4, Duration::from_micros(36)));
    assert_eq!(helps(), 10);
    pace.note(1, Duration::from_millis(1));
    assert_eq!(helps(), 640, "the disk was waited for");
}
