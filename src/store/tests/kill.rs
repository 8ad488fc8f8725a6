//! A process is killed while it writes, and a folder is copied while it is written.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::damage::{SOURCE, copy, judge, written_by};
use super::far::CACHE;
use super::sample::Dice;
use crate::store::Images;

/// Where the process that is killed writes.
const FOLDER: &str = "DEEDS_IMAGE_OF_A_CHILD";

/// Writes on and on from the head that there is.
fn write_on(folder: &Path, most: u64) {
    let images = Images::open(folder, CACHE).unwrap();
    let image = images.of(SOURCE).unwrap();
    let head = image.at().unwrap().map(|at| at.seq.0).unwrap_or_default();
    for seq in head + 1..=head + most {
        image.write(&written_by(seq)).unwrap();
    }
}

/// What the child does; nothing where it is none.
#[test]
fn a_child_writes() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_on(Path::new(&folder), u64::MAX / 2);
    }
}

fn child(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::tests::kill::a_child_writes"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn after_a_kill_an_image_has_a_head_and_all_that_was_true_there() {
    let (folder, mut dice) = (tempfile::tempdir().unwrap(), Dice(21));
    let (mut before, mut grew) = (0, 0);
    for round in 0..12 {
        let mut writer = child(folder.path());
        thread::sleep(Duration::from_millis(200 + dice.below(400)));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let images = Images::open(folder.path(), CACHE).unwrap();
        let verdict = judge(&images.of(SOURCE).unwrap()).holds("killed");
        let head = verdict.head.unwrap_or_default();
        assert!(head >= before, "round {round}: {head} after {before}");
        grew += u64::from(head > before);
        before = head;
    }
    assert!(grew >= 3, "the child wrote in {grew} rounds only, up to {before}");
}

/// A copy that is no moment's is either not believed, or right.
#[test]
fn a_copy_of_a_folder_that_is_being_written_holds() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().to_owned();
    let writer = thread::spawn(move || write_on(&source, 12_000));
    let mut believed = 0;
    while !writer.is_finished() {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let images = Images::open(copied.path(), CACHE).unwrap();
        believed += u64::from(judge(&images.of(SOURCE).unwrap()).holds("copied").head.is_some());
        thread::sleep(Duration::from_millis(20));
    }
    writer.join().unwrap();
    assert!(believed > 0, "no copy was believed");
}
