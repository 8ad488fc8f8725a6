//! Entities, keys and heads of every shape, the same for the same seed.

use std::sync::Arc;

use serde_json::json;

use crate::domain::hash::Hash;
use crate::domain::ids::{Actor, AgentId, IdempotencyKey, PersonId, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::state::{Kept, KeyAnswer};
use crate::domain::things::{Entity, Field, Run, Tombstone, Touch};
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::store::At;

/// Numbers by chance, the same for the same seed (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn some<T>(&mut self, most: u64, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }
}

pub(crate) fn path(number: u64) -> EntityPath {
    format!("team/{}/record-{number:06}", number % 7).parse().unwrap()
}

pub(crate) fn at(seq: u64) -> At {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&seq.to_be_bytes());
    At { seq: Seq(seq), hash: Hash(hash), more: format!("more of {seq}").into_bytes() }
}

fn actor(dice: &mut Dice) -> Actor {
    match dice.below(8) {
        0 => Actor::Deeds,
        1 => Actor::Person(PersonId::new("jörg@example.org").unwrap()),
        number => Actor::Agent(AgentId::new(&format!("agent/{number}")).unwrap()),
    }
}

fn value(dice: &mut Dice) -> Value {
    let json = match dice.below(8) {
        0 => json!(null),
        1 => json!(true),
        2 => json!(dice.below(1 << 53)),
        3 => json!(-0.25),
        4 => json!({"b": [1, "é\n\"\\"], "a": null}),
        5 => json!("x".repeat(usize::try_from(dice.below(3_000)).unwrap())),
        number => json!(format!("value {number} of {}", dice.below(1_000))),
    };
    Value::new(&json).unwrap()
}

fn time(dice: &mut Dice) -> Time {
    match dice.below(20) {
        0 => Time::from_micros(i64::MIN),
        1 => Time::from_micros(i64::MAX),
        _ => Time::from_micros(1_760_000_000_000_000 + i64::try_from(dice.below(1 << 40)).unwrap()),
    }
}

fn name(dice: &mut Dice) -> FieldName {
    let names = ["", "status", "owner", "größe", "a.b_c-d"];
    names[usize::try_from(dice.below(5)).unwrap()].parse().unwrap()
}

fn run(dice: &mut Dice, present: &Value) -> Run {
    Run {
        by: actor(dice),
        value: if dice.below(2) == 0 { present.clone() } else { value(dice) },
        writes: dice.below(1 << 20),
        deed: Seq(dice.below(1 << 40)),
        base: Version(dice.below(300)),
        version: Version(dice.below(300)),
        at: time(dice),
    }
}

fn field(dice: &mut Dice) -> (FieldName, Field) {
    let (name, value) = (name(dice), value(dice));
    let runs = dice.some(3, |dice| run(dice, &value));
    let (by, at) = (actor(dice), time(dice));
    (name, Field { version: Version(dice.next() >> 11), value, by, at, deed: Seq(dice.below(1 << 50)), runs })
}

fn touch(dice: &mut Dice) -> Arc<Touch> {
    Arc::new(Touch {
        deed: Seq(dice.below(1 << 40)),
        at: time(dice),
        actor: actor(dice),
        action: ["write", "act", "agent/3"][usize::try_from(dice.below(3)).unwrap()].into(),
        outcome: Outcome::ALL[usize::try_from(dice.below(Outcome::ALL.len() as u64)).unwrap()],
        fields: dice.some(4, name),
    })
}

/// Any entity; as state would fold it or not.
pub(crate) fn entity(dice: &mut Dice) -> Entity {
    let gone = (dice.below(4) == 0).then(|| Tombstone {
        deleted: dice.below(2) == 0,
        version: Version(dice.below(500)),
        by: actor(dice),
        at: time(dice),
        deed: Seq(dice.below(1 << 30)),
    });
    Entity {
        version: Version(dice.below(1 << 20)),
        fields: dice.some(4, field),
        gone,
        floor: Version(dice.below(3)),
        recent: dice.some(8, touch),
        last: dice.some(5, |dice| (actor(dice), time(dice))),
        deed: Seq(dice.below(1 << 50)),
    }
}

/// An entity with three fields and the bytes of its ids and values, as the targets of speed have it.
pub(crate) fn usual(number: u64, deed: u64) -> Entity {
    let by = Actor::Agent(AgentId::new(&format!("agent-{}", number % 50)).unwrap());
    let at = Time::from_micros(1_760_000_000_000_000 + i64::try_from(deed).unwrap() * 1_000);
    let field = |name: &str, text: &str| {
        let value = Value::new(&json!(format!("{text} {number} as of {deed}"))).unwrap();
        let run = Run {
            by: by.clone(),
            value: value.clone(),
            writes: 1,
            deed: Seq(deed),
            base: Version(0),
            version: Version(1),
            at,
        };
        let field =
            Field { version: Version(1), value, by: by.clone(), at, deed: Seq(deed), runs: vec![run] };
        (name.parse().unwrap(), field)
    };
    let touch = Touch {
        deed: Seq(deed),
        at,
        actor: by.clone(),
        action: "write".into(),
        outcome: Outcome::Committed,
        fields: ["note", "owner", "status"].map(|name| name.parse().unwrap()).to_vec(),
    };
    Entity {
        version: Version(1),
        fields: vec![
            field("note", "a sentence that somebody left on the record"),
            field("owner", "somebody of the team"),
            field("status", "open"),
        ],
        recent: vec![Arc::new(touch)],
        last: vec![(by, at)],
        deed: Seq(deed),
        ..Entity::default()
    }
}

pub(crate) fn kept(dice: &mut Dice, deed: u64) -> Kept {
    let part = (dice.below(3) == 0).then(|| u32::try_from(dice.below(100)).unwrap());
    let answer = KeyAnswer { deed: Seq(deed), at: time(dice), digest: "sha256:00ff".into(), part };
    let key = format!("key {} of {}", dice.below(40), dice.below(3));
    Kept { actor: actor(dice), key: IdempotencyKey::new(&key).unwrap(), answer }
}
