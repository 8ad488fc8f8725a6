//! How much memory and how much disk an image takes, and what it does without.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::damage::{SOURCE, copy, files, judge, written_by};
use super::sample::path;
use crate::domain::ids::Seq;
use crate::domain::state::Far as _;
use crate::store::{ImageError, Images};

#[test]
fn what_lies_in_memory_is_bounded_by_the_cache() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), 20 << 20);
    let images = Images::open(folder.path(), cache).unwrap();
    let image = images.of(SOURCE).unwrap();
    let mut most = 0;
    for seq in 1..=8_000 {
        image.write(&written_by(seq)).unwrap();
        if seq % 10 == 0 {
            most = most.max(images.in_memory());
        }
    }
    let written: u64 = 8_000 * 20 * 300;
    assert!(written > cache * 2, "too little was written to fill anything");
    assert!(most > cache / 32 && most <= cache, "{most} bytes in memory of {cache}");
    judge(&image).holds("much was written");
}

/// Who looks at a moment long gone does not keep all that was replaced since in memory; where nothing of it was replaced it goes on.
#[test]
fn a_view_that_is_too_old_says_so_unless_nothing_has_changed() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), 8 << 20);
    let images = Images::open(folder.path(), cache).unwrap();
    let (busy, idle) = (images.of(SOURCE).unwrap(), images.of("urn:uuid:idle").unwrap());
    busy.write(&written_by(1)).unwrap();
    idle.write(&written_by(2)).unwrap();
    let (of_busy, of_idle) = (busy.pinned(), idle.pinned());
    for seq in 2..3_000 {
        busy.write(&written_by(seq)).unwrap();
        assert!(images.in_memory() <= cache + (1 << 20), "{} bytes at {seq}", images.in_memory());
    }
    assert!(of_busy.entity(&path(7)).is_err() && of_busy.entities("", None, 9).is_err());
    assert_eq!((of_busy.head(), of_idle.head()), (Seq(1), Seq(2)));
    assert_eq!(of_idle.entity(&path(14)).unwrap(), idle.entity(&path(14)).unwrap());
    assert_eq!(of_idle.entities("", None, 99).unwrap().len(), 20);
    idle.write(&written_by(3)).unwrap();
    assert_eq!(of_idle.pinned().entities("", None, 99).unwrap().len(), 20, "as it was");
    judge(&busy).holds("after views that were too old");
}

/// A small disk of its own, which goes with the test; none where none may be mounted.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mounted(at: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        let made = mount.args(["-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs"]).arg(at).output();
        if made.is_ok_and(|made| made.status.success()) {
            return Some(Self(at));
        }
        println!("\n!! PASSED OVER: a test of full disks may not mount one here. It tested nothing.");
        None
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        for bytes in [1 << 20, 1 << 12, 1] {
            while std::io::Write::write_all(&mut file, &vec![b'x'; bytes]).is_ok() {}
        }
    }

    /// So many pages may be written, and no more.
    fn leave(&self, pages: u64) {
        self.fill();
        let file = fs::File::options().write(true).open(self.0.join("filler")).unwrap();
        file.set_len(file.metadata().unwrap().len() - pages * 4_096).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}

/// With no room on the disk everything that was written is still answered; there is no more than a few parts of it, and with
/// room again it goes on.
#[test]
fn a_full_disk_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mounted(folder.path()) else { return };
    let images = Images::open(&folder.path().join("image"), 4 << 20).unwrap();
    let image = images.of(SOURCE).unwrap();
    let mut seq = 0;
    for _ in 0..600 {
        seq += 1;
        image.write(&written_by(seq)).unwrap();
    }
    for round in 0..3 {
        disk.fill();
        let refused = loop {
            if let Err(error) = image.write(&written_by(seq + 1)) {
                break error;
            }
            seq += 1;
            assert!(images.in_memory() <= 8 << 20);
        };
        assert!(matches!(refused, ImageError::Later(_)), "round {round}: {refused}");
        assert_eq!(judge(&image).holds("full").head, Some(seq));
        disk.free();
        let mut tries = 0;
        while let Err(error) = image.write(&written_by(seq + 1)) {
            tries += 1;
            assert!(tries < 200 && matches!(error, ImageError::Later(_)), "round {round}: {error}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        seq += 1;
        images.flush().unwrap();
    }
    drop((image, images));
    assert!(!files(folder.path()).is_empty());
    let images = Images::open(&folder.path().join("image"), 4 << 20).unwrap();
    assert_eq!(judge(&images.of(SOURCE).unwrap()).holds("opened again").head, Some(seq));
    drop(images);
    drop(disk);
}

/// The disk fills up at each page of what goes to it, so at each step: tables, their filters and indexes, the manifest, and the file
/// that names it.
#[test]
fn a_disk_that_fills_up_at_any_step_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mounted(folder.path()) else { return };
    let (mut stopped, mut whole) = (0, 0);
    for pages in 0.. {
        let place = folder.path().join("image");
        let images = Images::open(&place, 4 << 20).unwrap();
        let image = images.of(SOURCE).unwrap();
        for seq in 1..=20 {
            image.write(&written_by(seq)).unwrap();
            if seq == 5 {
                images.flush().unwrap();
            }
        }
        disk.leave(pages);
        match images.flush() {
            Ok(()) => whole += 1,
            Err(error) => {
                stopped += 1;
                assert!(matches!(error, ImageError::Later(_)), "{pages} pages: {error}");
            }
        }
        assert_eq!(judge(&image).holds("full").head, Some(20), "{pages} pages");
        // A process that ends there loses what did not fit and nothing else.
        let copied = tempfile::tempdir().unwrap();
        copy(&place, copied.path());
        let again = Images::open(copied.path(), 4 << 20).unwrap();
        let head = judge(&again.of(SOURCE).unwrap()).holds("opened as it was left").head;
        assert!(head.is_none_or(|head| head == 5 || head == 20), "{pages} pages: {head:?}");
        disk.free();
        images.flush().unwrap();
        image.write(&written_by(21)).unwrap();
        drop((image, images));
        let images = Images::open(&place, 4 << 20).unwrap();
        assert_eq!(judge(&images.of(SOURCE).unwrap()).holds("with room").head, Some(21), "{pages} pages");
        drop(images);
        fs::remove_dir_all(&place).unwrap();
        // Merges go on beside it, and take their pages where a flush alone would fit.
        if whole == 8 {
            break;
        }
    }
    assert!(stopped > 12, "only {stopped} steps were stopped");
    drop(disk);
}
