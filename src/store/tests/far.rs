//! The contract of `Far`, on the real thing.

use std::path::Path;
use std::sync::Arc;

use super::sample::{self, at, path};
use crate::domain::ids::{Actor, AgentId, IdempotencyKey, Seq};
use crate::domain::path::EntityPath;
use crate::domain::state::{Far, Fingerprint, Kept, KeyAnswer};
use crate::domain::time::Time;
use crate::store::{Changes, Image, ImageError, Images};

pub(crate) const CACHE: u64 = 8 << 20;

pub(crate) fn open(folder: &Path) -> Images {
    Images::open(folder, CACHE).unwrap()
}

pub(crate) fn changes(seq: u64, entities: &[(u64, u64)]) -> Changes {
    let one = |(number, deed): &(u64, u64)| (path(*number), Arc::new(sample::usual(*number, *deed)));
    Changes {
        at: at(seq),
        entities: entities.iter().map(one).collect(),
        keys: Vec::new(),
        gone_keys: Vec::new(),
    }
}

fn key(name: &str, deed: u64, part: Option<u32>) -> Kept {
    let answer = KeyAnswer { deed: Seq(deed), at: Time::from_micros(5), digest: "d".into(), part };
    let actor = Actor::Agent(AgentId::new("a").unwrap());
    Kept { actor, key: IdempotencyKey::new(name).unwrap(), answer }
}

fn print(kept: &Kept) -> Fingerprint {
    Fingerprint::of_key(&kept.actor, &kept.key, kept.answer.part)
}

fn names(rows: &[(EntityPath, Arc<crate::domain::things::Entity>)]) -> Vec<&str> {
    rows.iter().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn a_new_image_has_no_head_and_nothing_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let image = open(folder.path()).of("urn:uuid:1").unwrap();
    assert_eq!(image.at().unwrap(), None);
    assert_eq!(image.head(), Seq(0));
    assert_eq!(image.entity(&path(1)).unwrap(), None);
    assert_eq!(image.keys(None, 9).unwrap(), []);
}

#[test]
fn what_is_written_is_there_with_its_head_and_after_a_start_too() {
    let folder = tempfile::tempdir().unwrap();
    for start in 0..3 {
        let images = open(folder.path());
        let image = images.of("urn:uuid:1").unwrap();
        if start == 0 {
            image.write(&changes(5, &[(1, 4), (2, 5)])).unwrap();
        }
        assert_eq!(image.at().unwrap(), Some(at(5)));
        assert_eq!(image.head(), Seq(5));
        assert_eq!(*image.entity(&path(2)).unwrap().unwrap(), sample::usual(2, 5));
        assert_eq!(image.entity(&path(3)).unwrap(), None);
        assert_eq!(images.of("urn:uuid:2").unwrap().entity(&path(2)).unwrap(), None, "another's");
    }
}

#[test]
fn entities_come_by_path_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let images = open(folder.path());
    let (image, other) = (images.of("urn:uuid:1").unwrap(), images.of("urn:uuid:2").unwrap());
    let all = ["a", "a/b", "a/b/c", "a/bc", "a0", "b", "ü/x"];
    let entities = all.map(|name| (name.parse().unwrap(), Arc::new(sample::usual(1, 1))));
    let written = Changes { entities: entities.to_vec(), ..changes(1, &[]) };
    image.write(&written).unwrap();
    other.write(&written).unwrap();
    let page = |prefix: &str, after: Option<&str>, most| {
        image.entities(prefix, after.map(|after| after.parse().unwrap()).as_ref(), most).unwrap()
    };
    assert_eq!(names(&page("", None, 99)), all);
    assert_eq!(names(&page("a/b", None, 99)), ["a/b", "a/b/c", "a/bc"]);
    assert_eq!(names(&page("a/b", Some("a/b"), 1)), ["a/b/c"]);
    assert_eq!(names(&page("a/b", Some("a"), 2)), ["a/b", "a/b/c"]);
    assert_eq!(names(&page("a/b", Some("a/bc"), 9)), [] as [&str; 0]);
    assert_eq!(names(&page("a/b", Some("b"), 9)), [] as [&str; 0]);
    assert_eq!(names(&page("ü", None, 9)), ["ü/x"]);
    assert_eq!(names(&page("c", None, 9)), [] as [&str; 0]);
}

#[test]
fn keys_come_by_age_and_the_later_answer_stays() {
    let folder = tempfile::tempdir().unwrap();
    let image = open(folder.path()).of("urn:uuid:1").unwrap();
    let batch = [key("k", 3, None), key("k", 3, Some(0)), key("k", 3, Some(1)), key("m", 9, None)];
    image.write(&Changes { keys: batch.to_vec(), ..changes(9, &[]) }).unwrap();
    assert_eq!(image.keys(None, 99).unwrap(), batch);
    assert_eq!(image.keys(Some((Seq(3), None)), 2).unwrap(), batch[1..3]);
    assert_eq!(image.keys(Some((Seq(3), Some(1))), 2).unwrap(), batch[3..]);
    assert_eq!(image.keys(Some((Seq(9), None)), 2).unwrap(), []);
    for kept in &batch {
        assert_eq!(image.key(&print(kept)).unwrap().as_ref(), Some(kept));
    }
    // Used again after its time, and then the old one goes.
    let later = key("k", 12, None);
    image.write(&Changes { keys: vec![later.clone()], ..changes(12, &[]) }).unwrap();
    image.write(&Changes { gone_keys: batch[..2].to_vec(), ..changes(13, &[]) }).unwrap();
    assert_eq!(image.key(&print(&later)).unwrap(), Some(later.clone()));
    assert_eq!(image.key(&print(&batch[1])).unwrap(), None);
    assert_eq!(image.keys(None, 99).unwrap(), [batch[2].clone(), batch[3].clone(), later.clone()]);
    // Gone and kept again by one deed.
    let again = key("k", 14, None);
    let both = Changes { keys: vec![again.clone()], gone_keys: vec![later], ..changes(14, &[]) };
    image.write(&both).unwrap();
    assert_eq!(image.key(&print(&again)).unwrap(), Some(again));
}

#[test]
fn a_pinned_view_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let images = open(folder.path());
    let image = images.of("urn:uuid:1").unwrap();
    image.write(&changes(1, &[(1, 1), (2, 1)])).unwrap();
    let pinned = image.pinned();
    for seq in 2..200 {
        image.write(&changes(seq, &[(1, seq), (3, seq)])).unwrap();
        if seq % 50 == 0 {
            images.flush().unwrap();
        }
    }
    let again = pinned.pinned();
    drop(pinned);
    assert_eq!(again.head(), Seq(1));
    assert_eq!(*again.entity(&path(1)).unwrap().unwrap(), sample::usual(1, 1));
    assert_eq!(again.entity(&path(3)).unwrap(), None);
    assert_eq!(again.entities("", None, 9).unwrap().len(), 2);
    assert_eq!(*image.entity(&path(1)).unwrap().unwrap(), sample::usual(1, 199));
    image.clear().unwrap();
    assert_eq!(*again.entity(&path(2)).unwrap().unwrap(), sample::usual(2, 1));
}

#[test]
fn what_is_cleared_is_gone_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    {
        let images = open(folder.path());
        let (image, other) = (images.of("urn:uuid:1").unwrap(), images.of("urn:uuid:2").unwrap());
        let many: Vec<(u64, u64)> = (0..10_000).map(|number| (number, 1)).collect();
        image.write(&changes(1, &many)).unwrap();
        other.write(&changes(7, &[(1, 7)])).unwrap();
        image.clear().unwrap();
        assert_eq!((image.at().unwrap(), image.head()), (None, Seq(0)));
        assert_eq!(image.entity(&path(1)).unwrap(), None);
        image.write(&changes(3, &[(2, 3)])).unwrap();
    }
    let images = open(folder.path());
    let (image, other) = (images.of("urn:uuid:1").unwrap(), images.of("urn:uuid:2").unwrap());
    assert_eq!(image.at().unwrap(), Some(at(3)));
    assert_eq!(names(&image.entities("", None, 9).unwrap()), [path(2).as_str()]);
    assert_eq!(*other.entity(&path(1)).unwrap().unwrap(), sample::usual(1, 7));
    images.forget("urn:uuid:2").unwrap();
    assert_eq!(other.at().unwrap(), None);
}

#[test]
fn one_process_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    assert!(matches!(Images::open(folder.path(), CACHE), Err(ImageError::Folder(..))));
    drop(first);
    open(folder.path());
}

#[test]
fn another_format_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).of("urn:uuid:1").unwrap().write(&changes(1, &[(1, 1)])).unwrap();
    std::fs::rename(folder.path().join("1-1"), folder.path().join("0-1")).unwrap();
    let image = open(folder.path()).of("urn:uuid:1").unwrap();
    assert_eq!(image.at().unwrap(), None);
    assert!(!folder.path().join("0-1").exists());
}

/// Two that ask for the same workspace write one image.
#[test]
fn a_workspace_has_one_image() {
    let folder = tempfile::tempdir().unwrap();
    let images = open(folder.path());
    let (one, other): (Image, Image) = (images.of("urn:uuid:1").unwrap(), images.of("urn:uuid:1").unwrap());
    one.write(&changes(4, &[(1, 4)])).unwrap();
    assert_eq!(other.head(), Seq(4));
}
