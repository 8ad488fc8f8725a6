//! What it costs, printed: `cargo test --release --lib image_in_figures -- --ignored --nocapture`.

use std::fs;
use std::time::{Duration, Instant};

use super::far::changes;
use super::sample::{Dice, path};
use crate::domain::path::EntityPath;
use crate::domain::state::Far;
use crate::domain::things::Entity;
use crate::store::{Image, Images};

/// Bytes of this process in memory.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// Bytes in files below.
fn on_disk(folder: &std::path::Path) -> u64 {
    super::damage::files(folder).iter().map(|file| fs::metadata(file).unwrap().len()).sum()
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 1_000];
    println!(
        "{what:<44} p50 {:>10.2?} p99 {:>10.2?} p99.9 {:>10.2?} worst {:>10.2?}",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

fn reads(what: &str, image: &Image, entities: u64, absent: bool, dice: &mut Dice) {
    let mut times = Vec::new();
    for _ in 0..200_000 {
        let path = path(dice.below(entities) + if absent { entities } else { 0 });
        let begun = Instant::now();
        let found = image.entity(&path).unwrap();
        times.push(begun.elapsed());
        assert_eq!(found.is_none(), absent);
    }
    tell(what, times);
}

/// An image with its figures.
struct Measured {
    images: Images,
    image: Image,
    folder: tempfile::TempDir,
    entities: u64,
    seq: u64,
    /// Bytes of ids and values.
    values: u64,
    /// Bytes in memory before.
    base: u64,
}

impl Measured {
    fn open(entities: u64, cache: u64) -> Self {
        let (folder, base) = (tempfile::tempdir().unwrap(), resident());
        let begun = Instant::now();
        let images = Images::open(folder.path(), cache).unwrap();
        let image = images.of("urn:uuid:1").unwrap();
        println!("cache of {} MiB; open, empty: {:?}", cache >> 20, begun.elapsed());
        Self { images, image, folder, entities, seq: 0, values: 0, base }
    }

    fn write(&mut self, what: &str, batches: u64, mut of: impl FnMut(u64, u64) -> u64) {
        let (mut times, begun) = (Vec::new(), Instant::now());
        for batch in 0..batches {
            self.seq += 256;
            let seq = self.seq;
            let some: Vec<(u64, u64)> = (0..256).map(|place| (of(batch, place), seq)).collect();
            let changes = changes(seq, &some);
            if self.seq <= self.entities {
                self.values += changes.entities.iter().map(|(path, entity)| size(path, entity)).sum::<u64>();
            }
            let begun = Instant::now();
            self.image.write(&changes).unwrap();
            times.push(begun.elapsed());
        }
        println!("{batches} batches in {:?}, with what makes them", begun.elapsed());
        tell(what, times);
        self.tell();
    }

    fn tell(&self) {
        let (resident, disk) = (resident() - self.base, on_disk(self.folder.path()));
        println!(
            "    on disk {} MiB; resident {} MiB more, {}% of {} MiB of ids and values",
            disk >> 20,
            resident >> 20,
            resident * 100 / self.values,
            self.values >> 20
        );
    }

    fn close(self, cache: u64) {
        let Self { images, image, folder, entities, seq, .. } = self;
        let begun = Instant::now();
        let all = image.entities("team/3/", None, usize::MAX).unwrap().len();
        println!("{all} entities in a range: {:?}", begun.elapsed());
        let begun = Instant::now();
        drop((image, images));
        println!("close: {:?}", begun.elapsed());
        let begun = Instant::now();
        let images = Images::open(folder.path(), cache).unwrap();
        let image = images.of("urn:uuid:1").unwrap();
        assert_eq!(image.head().0, seq);
        println!("open, full: {:?}", begun.elapsed());
        let begun = Instant::now();
        assert!(image.entity(&path(entities / 2)).unwrap().is_some());
        println!("first read: {:?}", begun.elapsed());
    }
}

fn size(path: &EntityPath, entity: &Entity) -> u64 {
    let values: usize = entity.fields.iter().map(|(_, field)| field.value.as_json().len()).sum();
    (path.as_str().len() + values) as u64
}

#[test]
#[ignore = "prints figures; asserts nothing about time"]
fn image_in_figures() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (entities, cache) = (number("ENTITIES", 1_000_000), number("CACHE_MIB", 256) << 20);
    let mut measured = Measured::open(entities, cache);
    let mut dice = Dice(1);
    measured.write("256 new", entities / 256, |batch, place| batch * 256 + place);
    let entities = entities / 256 * 256;
    reads("point read, at random, at first", &measured.image, entities, false, &mut dice);
    reads("point read, at random, later", &measured.image, entities, false, &mut dice);
    reads("absent read", &measured.image, entities, true, &mut dice);
    reads("point read, of 10,000", &measured.image, 10_000, false, &mut dice);
    reads("point read, of 10,000, later", &measured.image, 10_000, false, &mut dice);
    measured.tell();
    measured.write("256 updates at random", entities / 256, |_, _| dice.below(entities));
    measured.close(cache);
}
