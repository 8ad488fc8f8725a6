//! Values and keys on disk, in a real image: whatever becomes of it, the state is what the ledger says.

use std::fs;
use std::path::Path;

use super::*;
use crate::store::Images;

const CACHE: u64 = 8 * 1_024 * 1_024;

/// A ledger in a folder, its snapshot and its image beside it.
async fn started_with(folder: &Path, images: &Images, near: u64) -> Handle {
    let ledger = SqliteLedger::open_or_create(&folder.join("northwind.ledger"), "northwind").unwrap();
    let image = images.of(&ledger.identity().source()).unwrap();
    let snapshot = Some(folder.join("snapshot"));
    let options = Options { image: Some(image), snapshot, near: Some(near), ..options() };
    start(ledger.into(), options).await.unwrap()
}

fn images(folder: &Path) -> Images {
    Images::open(&folder.join("image"), CACHE).unwrap()
}

/// Writes by some agents, with keys; each knows the version of before by the values that lie outside.
async fn live(handle: &Handle, from: u64, count: u64) {
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

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

async fn stopped(handle: Handle, images: Images) {
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
