//! Histories by chance against a map in memory: written, cleared, pinned, flushed, closed and opened again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::far::{CACHE, changes};
use super::sample::{self, Dice, at, path};
use crate::domain::ids::Seq;
use crate::domain::path::EntityPath;
use crate::domain::state::{Far, Fingerprint, Kept};
use crate::domain::things::Entity;
use crate::store::{Changes, Image, Images};

/// What an image must say.
#[derive(Clone, Default)]
struct Model {
    head: u64,
    entities: BTreeMap<EntityPath, Arc<Entity>>,
    /// By age.
    keys: BTreeMap<(Seq, Option<u32>), Kept>,
    /// The answer that is found by a fingerprint.
    found: BTreeMap<[u8; 16], Kept>,
}

fn print(kept: &Kept) -> Fingerprint {
    Fingerprint::of_key(&kept.actor, &kept.key, kept.answer.part)
}

fn place(kept: &Kept) -> (Seq, Option<u32>) {
    (kept.answer.deed, kept.answer.part)
}

impl Model {
    /// Something happens.
    fn step(&mut self, dice: &mut Dice) -> Changes {
        self.head += 1 + dice.below(3);
        let mut changes = Changes { at: at(self.head), ..changes(self.head, &[]) };
        for _ in 0..dice.below(12) {
            let (path, entity) = (path(dice.below(300)), Arc::new(sample::entity(dice)));
            self.entities.insert(path.clone(), Arc::clone(&entity));
            changes.entities.push((path, entity));
        }
        if dice.below(3) == 0
            && let Some((_, gone)) = self.keys.pop_first()
        {
            if self.found.get(&print(&gone).0) == Some(&gone) {
                self.found.remove(&print(&gone).0);
            }
            changes.gone_keys.push(gone);
        }
        if dice.below(2) == 0 {
            let kept = sample::kept(dice, self.head);
            self.keys.insert(place(&kept), kept.clone());
            self.found.insert(print(&kept).0, kept.clone());
            changes.keys.push(kept);
        }
        changes
    }

    fn is_said_by(&self, far: &dyn Far, dice: &mut Dice) {
        assert_eq!(far.head(), Seq(self.head));
        for _ in 0..20 {
            let path = path(dice.below(330));
            assert_eq!(far.entity(&path).unwrap().as_ref(), self.entities.get(&path), "{path}");
        }
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = far.entities("team/", after.as_ref(), 17).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            all.extend(page);
        }
        assert!(all.iter().map(|(path, entity)| (path, entity)).eq(self.entities.iter()), "all entities");
        assert!(far.keys(None, usize::MAX).unwrap().iter().eq(self.keys.values()), "all keys");
        for kept in self.found.values() {
            assert_eq!(far.key(&print(kept)).unwrap().as_ref(), Some(kept));
        }
        let gone = sample::kept(dice, 0);
        assert_eq!(far.key(&print(&gone)).unwrap().as_ref(), self.found.get(&print(&gone).0));
    }
}

/// The image of a workspace among others, and what it must say.
struct Played {
    images: Images,
    image: Image,
    model: Model,
    pinned: Vec<(Arc<dyn Far>, Model)>,
}

impl Played {
    fn open(folder: &Path, source: &str, model: Model) -> Self {
        let images = Images::open(folder, CACHE).unwrap();
        let image = images.of(source).unwrap();
        Self { images, image, model, pinned: Vec::new() }
    }

    fn step(mut self, folder: &Path, source: &str, dice: &mut Dice) -> Self {
        match dice.below(20) {
            0 => {
                let model = self.model.clone();
                drop(self);
                self = Self::open(folder, source, model);
                assert_eq!(self.image.at().unwrap().map(|at| at.seq.0).unwrap_or_default(), self.model.head);
                self.model.is_said_by(&self.image, dice);
            }
            1 | 2 => self.images.flush().unwrap(),
            3 => self.pinned.push((self.image.pinned(), self.model.clone())),
            4 if dice.below(4) == 0 => {
                self.image.clear().unwrap();
                self.model = Model::default();
            }
            5 => {
                for (far, model) in &self.pinned {
                    model.is_said_by(&**far, dice);
                }
                self.pinned.truncate(3);
            }
            _ => self.image.write(&self.model.step(dice)).unwrap(),
        }
        self
    }
}

#[test]
fn histories_by_chance_are_answered_like_a_map_in_memory() {
    for seed in 0..6 {
        let (folder, mut dice) = (tempfile::tempdir().unwrap(), Dice(seed));
        let other = {
            // Another workspace, which must not be touched.
            let images = Images::open(folder.path(), CACHE).unwrap();
            let mut model = Model::default();
            images.of("urn:uuid:other").unwrap().write(&model.step(&mut dice)).unwrap();
            model
        };
        let mut played = Played::open(folder.path(), "urn:uuid:one", Model::default());
        for _ in 0..400 {
            played = played.step(folder.path(), "urn:uuid:one", &mut dice);
        }
        played.model.is_said_by(&played.image, &mut dice);
        other.is_said_by(&played.images.of("urn:uuid:other").unwrap(), &mut dice);
    }
}

/// Views stay what they were while parts are merged under them, in another thread too.
#[test]
fn views_stay_while_much_is_written() {
    let folder = tempfile::tempdir().unwrap();
    // So large that no view gets too old, so small that there is much to merge.
    let images = Images::open(folder.path(), 64 << 20).unwrap();
    let (image, mut dice) = (images.of("urn:uuid:one").unwrap(), Dice(9));
    let mut readers = Vec::new();
    let mut model = Model::default();
    for round in 0..40_u64 {
        for _ in 0..60 {
            image.write(&model.step(&mut dice)).unwrap();
        }
        let (far, seen) = (image.pinned(), model.clone());
        readers.push(std::thread::spawn(move || {
            for turn in 0..3 {
                seen.is_said_by(&*far, &mut Dice(round * 7 + turn));
            }
        }));
        if readers.len() > 3 {
            readers.remove(0).join().unwrap();
        }
    }
    for reader in readers {
        reader.join().unwrap();
    }
    model.is_said_by(&image, &mut dice);
}
