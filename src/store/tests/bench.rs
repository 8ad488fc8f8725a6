//! What it costs, printed: `cargo test --release --lib image_in_figures -- --ignored --nocapture`.

use std::fs;
use std::time::{Duration, Instant};

use super::far::changes;
use super::sample::{self, Dice, path};
use crate::domain::state::Far;
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

#[test]
#[ignore = "prints figures; asserts nothing about time"]
fn image_in_figures() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (entities, cache) = (number("ENTITIES", 1_000_000), number("CACHE_MIB", 256) << 20);
    let (folder, mut dice) = (tempfile::tempdir().unwrap(), Dice(1));
    let base = resident();
    let begun = Instant::now();
    let images = Images::open(folder.path(), cache).unwrap();
    let image = images.of("urn:uuid:1").unwrap();
    println!("open, empty: {:?}", begun.elapsed());
    let (mut values, mut times, mut seq) = (0_u64, Vec::new(), 0);
    let begun = Instant::now();
    for first in (0..entities).step_by(256) {
        seq += 256;
        let of: Vec<(u64, u64)> = (first..entities.min(first + 256)).map(|number| (number, seq)).collect();
        let changes = changes(seq, &of);
        let size = |(path, entity): &(crate::domain::path::EntityPath, std::sync::Arc<_>)| {
            let entity: &crate::domain::things::Entity = entity;
            let values: usize = entity.fields.iter().map(|(_, field)| field.value.as_json().len()).sum();
            (path.as_str().len() + values) as u64
        };
        values += changes.entities.iter().map(size).sum::<u64>();
        let begun = Instant::now();
        image.write(&changes).unwrap();
        times.push(begun.elapsed());
    }
    println!(
        "{entities} entities in {:?}; {} bytes of ids and values each",
        begun.elapsed(),
        values / entities
    );
    tell("256 new", times);
    let begun = Instant::now();
    images.flush().unwrap();
    println!(
        "flush {:?}; on disk {} MiB; resident {} MiB more",
        begun.elapsed(),
        on_disk(folder.path()) >> 20,
        (resident() - base) >> 20
    );
    reads("point read, at random, from the start", &image, entities, false, &mut dice);
    reads("point read, at random, later", &image, entities, false, &mut dice);
    reads("absent read", &image, entities, true, &mut dice);
    reads("point read, of 10,000 in use", &image, 10_000, false, &mut dice);
    reads("point read, of 10,000 in use, later", &image, 10_000, false, &mut dice);
    println!(
        "resident {} MiB more: {:.2} × ids and values",
        (resident() - base) >> 20,
        (resident() - base) as f64 / values as f64
    );
    let mut times = Vec::new();
    for _ in 0..entities / 256 {
        seq += 256;
        let of: Vec<(u64, u64)> = (0..256).map(|_| (dice.below(entities), seq)).collect();
        let changes = changes(seq, &of);
        let begun = Instant::now();
        image.write(&changes).unwrap();
        times.push(begun.elapsed());
    }
    tell("256 updates at random", times);
    println!("on disk {} MiB; resident {} MiB more", on_disk(folder.path()) >> 20, (resident() - base) >> 20);
    let begun = Instant::now();
    let all = image.entities("team/3/", None, usize::MAX).unwrap().len();
    println!("{all} entities in a range in {:?}", begun.elapsed());
    let begun = Instant::now();
    drop((image, images));
    println!("close {:?}", begun.elapsed());
    let begun = Instant::now();
    let images = Images::open(folder.path(), cache).unwrap();
    let image = images.of("urn:uuid:1").unwrap();
    assert_eq!(image.head().0, seq);
    println!("open, full: {:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(image.entity(&path(entities / 2)).unwrap().is_some());
    println!("first read: {:?}", begun.elapsed());
    let mut sum = 0;
    for _ in 0..20_000 {
        let one = image.entity(&path(dice.below(entities))).unwrap().unwrap();
        sum += sample::usual(1, 1).fields.len() + one.fields.len();
    }
    assert!(sum > 0);
}
