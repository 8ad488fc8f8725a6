//! The file of what is kept: written by several, broken, of a later version, too large.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::console::kept::Change;
use crate::console::widgets::form::Texts;
use crate::domain::ids::Seq;

fn note(ledger: &str, change: Change) -> Note {
    Note { ledger: ledger.to_owned(), workspace: "northwind".to_owned(), change }
}

fn draft(about: &str, text: &str) -> Change {
    Change::Draft { about: about.to_owned(), texts: Texts::from([("note".to_owned(), text.to_owned())]) }
}

#[test]
fn two_consoles_at_once_lose_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state/deeds").join(FILE);
    let consoles: Vec<_> = (0..4_u64)
        .map(|console| {
            let (keeper, writing) = begin(file.clone()).unwrap();
            thread::spawn(move || {
                for n in 0..50 {
                    let seq = Seq(console * 50 + n + 1);
                    keeper.notes.send(note("urn:uuid:1", Change::Bookmark(seq, true))).unwrap();
                    if n % 10 == 0 {
                        // So that their writes fall into each other.
                        thread::sleep(GATHER);
                    }
                }
                drop(keeper);
                writing.ended.recv_timeout(Duration::from_mins(1)).unwrap_err();
            })
        })
        .collect();
    for console in consoles {
        console.join().unwrap();
    }
    assert_eq!(read(&file).unwrap().ledgers["urn:uuid:1"].bookmarks.len(), 200);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let left: Vec<_> =
        fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock: {left:?}");
}

#[test]
fn a_broken_file_is_set_aside_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    for broken in ["{\"version\":1,\"ledg", "", "[]", "{\"version\":1,\"ledgers\":{\"x\":{\"drafts\":3}}}"] {
        fs::write(&file, broken).unwrap();
        let (mut keeper, writing) = begin(file.clone()).unwrap();
        let said = keeper.troubles.try_recv().unwrap();
        assert!(said.contains("can't be read"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), broken, "looking alone changes nothing");
        keeper.notes.send(note("urn:uuid:1", draft("Handle #1", "x"))).unwrap();
        let Keeper { notes, mut troubles, .. } = keeper;
        drop(notes);
        writing.ended.recv_timeout(Duration::from_mins(1)).unwrap_err();
        let said = troubles.try_recv().unwrap();
        let (_, aside) = said.split_once("set aside as ").unwrap();
        assert_eq!(fs::read_to_string(aside).unwrap(), broken);
        assert!(read(&file).unwrap().ledgers["urn:uuid:1"].drafts.contains_key("Handle #1"));
        fs::remove_file(aside).unwrap();
    }
}

#[test]
fn a_file_of_a_later_version_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    let later = r#"{"version":2,"ledgers":[],"other":1}"#;
    fs::write(&file, later.replace("[]", "{}")).unwrap();
    let why = write(&file, &[note("urn:uuid:1", draft("Handle #1", "x"))]).unwrap_err().to_string();
    assert!(why.contains("later version"), "{why}");
    assert_eq!(fs::read_to_string(&file).unwrap(), later.replace("[]", "{}"));
    // What is only beside what is known is carried on.
    fs::write(&file, r#"{"version":1,"ledgers":{},"other":[1]}"#).unwrap();
    write(&file, &[note("urn:uuid:1", draft("Handle #1", "x"))]).unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains(r#""other":[1]"#));
}

#[test]
fn beyond_the_bounds_what_was_used_least_lately_goes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    let notes: Vec<_> =
        (0..LEDGERS + 20).map(|n| note(&format!("urn:uuid:{n}"), draft("Handle #1", "x"))).collect();
    for notes in notes.chunks(40) {
        write(&file, notes).unwrap();
    }
    let all = read(&file).unwrap().ledgers;
    assert!(all.len() == LEDGERS && all.contains_key(&format!("urn:uuid:{}", LEDGERS + 19)));
    // Each of them may be as full as it can be.
    let long = "x".repeat(200 * 1024);
    for n in 0..30 {
        write(&file, &[note(&format!("urn:uuid:long {n}"), draft("Handle #1", &long))]).unwrap();
    }
    assert!(fs::metadata(&file).unwrap().len() <= FILE_BYTES as u64);
    assert!(read(&file).unwrap().ledgers.contains_key("urn:uuid:long 29"));
}

#[test]
fn where_nothing_can_be_written_it_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("file");
    fs::write(&in_the_way, "x").unwrap();
    let (keeper, writing) = begin(in_the_way.join(FILE)).unwrap();
    let Keeper { notes, mut troubles, .. } = keeper;
    for _ in 0..2 {
        notes.send(note("urn:uuid:1", draft("Handle #1", "x"))).unwrap();
        thread::sleep(2 * GATHER);
    }
    drop(notes);
    writing.ended.recv_timeout(Duration::from_mins(1)).unwrap_err();
    let mut said = Vec::new();
    while let Ok(why) = troubles.try_recv() {
        said.push(why);
    }
    assert!(!said.is_empty() && said.len() <= 2, "once when it was read, once when it was written: {said:?}");
    assert!(said.iter().all(|why| why.contains("nothing is kept")), "{said:?}");
}
