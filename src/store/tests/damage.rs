//! Damage to every kind of file: an image answers rightly, or says that it can't, or is not believed at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::far::{CACHE, changes};
use super::sample::{self, Dice, path};
use crate::domain::state::Far;
use crate::store::{Changes, Image, Images};

/// The workspace that is looked at.
pub(super) const SOURCE: &str = "urn:uuid:damaged";
/// How many entities there are.
const ENTITIES: u64 = 500;
/// How many each deed writes.
const EACH: u64 = 20;

/// Which entities the deeds write: those whose numbers have one rest by [`ENTITIES`] write the same.
static WRITES: LazyLock<Vec<Vec<u64>>> = LazyLock::new(|| {
    let one = |seq: u64| (0..EACH).map(|each| (seq * 7 + each * 13) % ENTITIES).collect();
    (0..ENTITIES).map(one).collect()
});

/// What a deed writes.
pub(super) fn written_by(seq: u64) -> Changes {
    let numbers = &WRITES[usize::try_from(seq % ENTITIES).unwrap()];
    changes(seq, &numbers.iter().map(|number| (*number, seq)).collect::<Vec<_>>())
}

/// The deed that wrote an entity last, as of a head.
fn last_write(number: u64, head: u64) -> Option<u64> {
    let wrote = |seq: &u64| WRITES[usize::try_from(seq % ENTITIES).unwrap()].contains(&number);
    (1..=head).rev().take(usize::try_from(ENTITIES).unwrap()).find(wrote)
}

/// How an image answered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Its head; none where it is not believed.
    pub(super) head: Option<u64>,
    right: u64,
    said: u64,
    wrong: u64,
}

impl Verdict {
    /// Nothing was wrong.
    pub(super) fn holds(self, what: &str) -> Self {
        assert_eq!(self.wrong, 0, "{what}: {self:?}");
        self
    }
}

/// Asks for every entity, for some that are not there, and for all in a row.
pub(super) fn judge(image: &Image) -> Verdict {
    let mut verdict = Verdict::default();
    let Ok(Some(at)) = image.at() else { return verdict };
    verdict.head = Some(at.seq.0);
    if at != sample::at(at.seq.0) || image.head() != at.seq {
        verdict.wrong += 1;
    }
    let mut there = 0;
    for number in 0..ENTITIES + 20 {
        let truth = last_write(number, at.seq.0).map(|deed| sample::usual(number, deed));
        there += u64::from(truth.is_some());
        match image.entity(&path(number)) {
            Err(_) => verdict.said += 1,
            Ok(entity) if entity.as_deref() == truth.as_ref() => verdict.right += 1,
            Ok(_) => verdict.wrong += 1,
        }
    }
    match image.entities("", None, usize::MAX) {
        Err(_) => verdict.said += 1,
        Ok(all) if all.len() as u64 == there => verdict.right += 1,
        Ok(_) => verdict.wrong += 1,
    }
    verdict
}

/// A folder with tables on several levels, of versions that were replaced since.
fn sound() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let images = Images::open(folder.path(), CACHE).unwrap();
    let image = images.of(SOURCE).unwrap();
    for seq in 1..=900 {
        image.write(&written_by(seq)).unwrap();
        if seq % 150 == 0 {
            images.flush().unwrap();
        }
    }
    drop((image, images));
    folder
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        } else if entry.file_name() != "lock" {
            all.push(entry.path());
        }
    }
    all.sort();
    all
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // One that went meanwhile is not in the copy.
            drop(fs::copy(entry.path(), target));
        }
    }
}

/// A copy of a folder is damaged, and asked.
fn after(folder: &Path, what: &str, damage: impl FnOnce(&Path)) -> Verdict {
    let copied = tempfile::tempdir().unwrap();
    copy(folder, copied.path());
    damage(copied.path());
    let images = Images::open(copied.path(), CACHE).unwrap();
    judge(&images.of(SOURCE).unwrap()).holds(what)
}

fn flip(file: &Path, dice: &mut Dice) {
    let mut bytes = fs::read(file).unwrap();
    if bytes.is_empty() {
        return;
    }
    let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
    bytes[at] ^= 1 << dice.below(8);
    fs::write(file, bytes).unwrap();
}

/// How many times each file is damaged; more before a release.
fn times() -> u64 {
    std::env::var("DEEDS_IMAGE_FLIPS").ok().and_then(|times| times.parse().ok()).unwrap_or(12)
}

#[test]
fn a_flipped_bit_is_never_a_wrong_answer() {
    let (folder, mut dice) = (sound(), Dice(11));
    let mut told = Verdict::default();
    let (mut flips, mut thrown) = (0, 0);
    for file in files(folder.path()) {
        let name = file.strip_prefix(folder.path()).unwrap().to_owned();
        for turn in 0..times() {
            let what = format!("{} flipped, turn {turn}", name.display());
            let verdict = after(folder.path(), &what, |copied| flip(&copied.join(&name), &mut dice));
            flips += 1;
            thrown += u64::from(verdict.head.is_none());
            told.right += verdict.right;
            told.said += verdict.said;
        }
    }
    println!(
        "{flips} flips: {thrown} images not believed, {} answers right, {} errors, 0 wrong",
        told.right, told.said
    );
    assert!(thrown > 0 && told.said > 0 && told.right > 0, "{told:?}");
}

#[test]
fn a_cut_file_is_never_a_wrong_answer() {
    let (folder, mut dice) = (sound(), Dice(12));
    for file in files(folder.path()) {
        let name = file.strip_prefix(folder.path()).unwrap().to_owned();
        let length = fs::metadata(&file).unwrap().len();
        for turn in 0..times() / 3 {
            let keep = if turn == 0 { 0 } else { dice.below(length) };
            after(folder.path(), &format!("{} cut to {keep}", name.display()), |copied| {
                fs::File::options().write(true).open(copied.join(&name)).unwrap().set_len(keep).unwrap();
            });
        }
    }
}

#[test]
fn what_is_deleted_is_never_said_to_be_absent() {
    let folder = sound();
    for file in files(folder.path()) {
        let name = file.strip_prefix(folder.path()).unwrap().to_owned();
        let verdict = after(folder.path(), &format!("{} deleted", name.display()), |copied| {
            fs::remove_file(copied.join(&name)).unwrap();
        });
        // A manifest of before may still lie there: nobody reads it.
        let unread =
            name.to_str().unwrap().starts_with("1-1/v") && (verdict.head, verdict.said) == (Some(900), 0);
        assert!(verdict.head.is_none() || unread, "{} is needed: {verdict:?}", name.display());
    }
    for gone in ["1-1/tables", "1-1"] {
        let verdict = after(folder.path(), gone, |copied| fs::remove_dir_all(copied.join(gone)).unwrap());
        assert_eq!(verdict.head, None);
    }
    assert_eq!(after(folder.path(), "nothing", |_| ()).head, Some(900));
}

/// Damage under an image that is open: what can't be read any more is an error, and the next one begins in its place.
#[test]
fn an_open_image_that_is_damaged_says_so_and_begins_anew() {
    let folder = sound();
    for turn in 0..8 {
        let copied = tempfile::tempdir().unwrap();
        copy(folder.path(), copied.path());
        let images = Images::open(copied.path(), CACHE).unwrap();
        let image = images.of(SOURCE).unwrap();
        let mut dice = Dice(turn);
        for table in files(&copied.path().join("1-1/tables")) {
            match turn % 4 {
                0 => fs::remove_file(table).unwrap(),
                1 => fs::write(table, []).unwrap(),
                _ => {
                    for _ in 0..200 {
                        flip(&table, &mut dice);
                    }
                }
            }
        }
        let before = image.pinned();
        let verdict = judge(&image).holds("damaged while it is open");
        if verdict.head.is_none() || verdict.said > 0 {
            assert!(image.write(&written_by(901)).is_err(), "nothing is written to what is in doubt");
            assert_eq!(image.at().unwrap(), None);
            image.clear().unwrap();
            assert!(before.entity(&path(1)).is_err(), "a view of before is not believed either");
        } else {
            image.clear().unwrap();
        }
        image.write(&written_by(1)).unwrap();
        let verdict = judge(&image).holds("begun anew");
        assert_eq!((verdict.head, verdict.said), (Some(1), 0));
        assert_eq!(judge(&images.of(SOURCE).unwrap()), verdict);
    }
}

/// Whoever finds that an image says something that can't be may say so; then nothing of it is believed, of no workspace.
#[test]
fn what_is_in_doubt_is_believed_nowhere() {
    let folder = sound();
    let images = Images::open(folder.path(), CACHE).unwrap();
    let (image, other) = (images.of(SOURCE).unwrap(), images.of("urn:uuid:other").unwrap());
    other.write(&written_by(3)).unwrap();
    images.doubt("the ledger says otherwise");
    assert_eq!((image.at().unwrap(), other.at().unwrap()), (None, None));
    assert!(other.entity(&path(21)).is_err());
    image.clear().unwrap();
    assert_eq!(other.at().unwrap(), None);
    assert!(other.write(&written_by(4)).is_err(), "it is begun anew by whoever fills it, and not by a write");
    other.clear().unwrap();
    other.write(&written_by(5)).unwrap();
    image.write(&written_by(6)).unwrap();
    drop((image, other, images));
    let images = Images::open(folder.path(), CACHE).unwrap();
    assert_eq!(images.of(SOURCE).unwrap().head().0, 6);
    assert_eq!(images.of("urn:uuid:other").unwrap().head().0, 5);
}

/// A row that was read whole and makes no sense is one workspace's affair: the others keep their images, and it begins anew in its range.
#[test]
fn a_row_that_makes_no_sense_throws_away_no_other_image() {
    let folder = sound();
    let images = Images::open(folder.path(), CACHE).unwrap();
    let (image, other) = (images.of(SOURCE).unwrap(), images.of("urn:uuid:other").unwrap());
    for seq in 1..=3 {
        other.write(&written_by(seq)).unwrap();
    }
    let before = judge(&other).holds("the other");
    image.break_row(&path(5));
    let pinned = image.pinned();
    assert!(image.entity(&path(5)).is_err());
    assert!(
        image.entity(&path(6)).is_err() && image.keys(None, 9).is_err() && pinned.entity(&path(6)).is_err()
    );
    assert_eq!((image.at().unwrap(), image.doubt().is_some()), (None, true));
    assert!(image.write(&written_by(901)).is_err(), "nothing is written to what is in doubt");
    assert_eq!((judge(&other), other.doubt()), (before, None));
    image.clear().unwrap();
    image.write(&written_by(1)).unwrap();
    assert_eq!(judge(&image).holds("begun anew").head, Some(1));
    assert_eq!(image.entities("", None, usize::MAX).unwrap().len() as u64, EACH);
    drop((image, pinned));
    // It is found as it was left, by who opens it next.
    other.break_row(&path(21));
    images.flush().unwrap();
    drop((other, images));
    let images = Images::open(folder.path(), CACHE).unwrap();
    assert_eq!(judge(&images.of(SOURCE).unwrap()).holds("opened again").head, Some(1));
    assert!(images.of("urn:uuid:other").unwrap().entity(&path(21)).is_err());
}
