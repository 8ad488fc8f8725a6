//! What is written is what is read.

use std::sync::Arc;

use super::sample::{self, Dice};
use crate::store::code::{entity, kept, read_entity, read_kept};
use crate::store::names::Names;

#[test]
fn what_was_written_is_read() {
    let (names, mut dice) = (Names::default(), Dice(1));
    for number in 0..2_000 {
        let one = sample::entity(&mut dice);
        assert_eq!(read_entity(&entity(&one), &names).unwrap(), one, "entity {number}");
        let one = sample::kept(&mut dice, number);
        assert_eq!(read_kept(&kept(&one), &names).unwrap(), one, "key {number}");
    }
}

#[test]
fn broken_bytes_are_an_error_or_an_entity_and_take_no_memory() {
    let (names, mut dice) = (Names::default(), Dice(2));
    for _ in 0..2_000 {
        let bytes = entity(&sample::entity(&mut dice));
        let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
        assert!(read_entity(&bytes[..at], &names).is_err(), "a part is no entity");
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << dice.below(8);
        drop(read_entity(&flipped, &names));
        assert!(read_entity(&[&bytes[..], &[0]].concat(), &names).is_err(), "more than an entity is none");
    }
    assert!(read_entity(&[0xff; 40], &names).is_err());
}

/// Whatever occurs in many entities is in memory once.
#[test]
fn names_are_shared() {
    let names = Names::default();
    let read = |number| read_entity(&entity(&sample::usual(number, 1)), &names).unwrap();
    let (one, other) = (read(3), read(53));
    let text = |text: &str| text.as_ptr();
    let name = |entity: &crate::domain::things::Entity| text(entity.fields[1].0.as_str());
    assert_eq!(name(&one), name(&other), "names of fields");
    let agent = |entity: &crate::domain::things::Entity| text(entity.fields[2].1.by.name());
    assert_eq!(agent(&one), agent(&other), "agents");
    assert!(Arc::ptr_eq(&one.recent[0].action, &other.recent[0].action), "actions");
    let field = &one.fields[0].1;
    assert_eq!(text(field.value.as_json()), text(field.runs[0].value.as_json()), "the value of the last run");
}

#[test]
fn an_entity_is_short() {
    let one = sample::usual(123_456, 1_000_000);
    let json = serde_json::to_vec(&one).unwrap().len();
    let values: usize = one.fields.iter().map(|(_, field)| field.value.as_json().len()).sum();
    let bytes = entity(&one).len();
    assert!(bytes < values + 130 && bytes * 5 < json, "{bytes} bytes, {values} of values, {json} as JSON");
}
