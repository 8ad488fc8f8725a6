//! Entities and idempotency keys as bytes: short, and nothing that is said twice in one is written twice. Who changes a shape here
//! raises [`FORMAT`]; images of another format are made anew.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::Names;
use crate::domain::ids::{Actor, IdempotencyKey, Seq, Version};
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldName;
use crate::domain::state::{Kept, KeyAnswer};
use crate::domain::things::{Entity, Field, Run, Tombstone, Touch};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// The number of what is written here.
pub(super) const FORMAT: u32 = 1;

/// Bytes that are not what was written here.
#[derive(Debug)]
pub(super) struct Broken;

/// What a name in the table of an entity is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Agent = 0,
    Person = 1,
    Deeds = 2,
    Word = 3,
}

/// Writes one entity: its names first, each once, then its parts, which say the names by their place.
#[derive(Default)]
struct Writer<'a> {
    names: Vec<(Kind, &'a str)>,
    places: HashMap<(Kind, &'a str), u64>,
    /// Times are told as distances from the first one.
    base: Option<i64>,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn number(&mut self, number: u64) {
        put(&mut self.out, number);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, kind: Kind, text: &'a str) {
        let next = self.names.len() as u64;
        let place = *self.places.entry((kind, text)).or_insert(next);
        if place == next {
            self.names.push((kind, text));
        }
        self.number(place);
    }

    fn actor(&mut self, actor: &'a Actor) {
        let (kind, name) = parts(actor);
        self.name(kind, name);
    }

    fn time(&mut self, time: Time) {
        let base = *self.base.get_or_insert(time.micros());
        self.number(zigzag(time.micros().wrapping_sub(base)));
    }

    fn run(&mut self, run: &'a Run, value: &Value) {
        let Run { by, value: own, writes, deed, base, version, at } = run;
        self.actor(by);
        if own == value {
            self.number(0);
        } else {
            self.number(own.as_json().len() as u64 + 1);
            self.out.extend_from_slice(own.as_json().as_bytes());
        }
        for number in [*writes, deed.0, base.0, version.0] {
            self.number(number);
        }
        self.time(*at);
    }

    fn field(&mut self, name: &'a FieldName, field: &'a Field) {
        let Field { version, value, by, at, deed, runs } = field;
        self.name(Kind::Word, name.as_str());
        self.number(version.0);
        self.text(value.as_json());
        self.actor(by);
        self.time(*at);
        self.number(deed.0);
        self.number(runs.len() as u64);
        for run in runs {
            self.run(run, value);
        }
    }

    fn touch(&mut self, touch: &'a Touch) {
        let Touch { deed, at, actor, action, outcome, fields } = touch;
        self.number(deed.0);
        self.time(*at);
        self.actor(actor);
        self.name(Kind::Word, action);
        self.number(Outcome::ALL.iter().position(|one| one == outcome).unwrap_or_default() as u64);
        self.number(fields.len() as u64);
        for name in fields {
            self.name(Kind::Word, name.as_str());
        }
    }

    /// The names, the base of times, the parts.
    fn finish(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.out.len() + 16 * self.names.len() + 16);
        put(&mut whole, self.names.len() as u64);
        for (kind, text) in self.names {
            whole.push(kind as u8);
            put(&mut whole, text.len() as u64);
            whole.extend_from_slice(text.as_bytes());
        }
        put(&mut whole, zigzag(self.base.unwrap_or_default()));
        whole.extend_from_slice(&self.out);
        whole
    }
}

/// One entity.
pub(super) fn entity(entity: &Entity) -> Vec<u8> {
    // Whole on purpose: a field that comes is a question to whoever adds it.
    let Entity { version, fields, gone, floor, recent, last, deed } = entity;
    let mut writer = Writer::default();
    writer.number(version.0);
    writer.number(deed.0);
    writer.number(floor.0);
    writer.number(fields.len() as u64);
    for (name, field) in fields {
        writer.field(name, field);
    }
    writer.number(u64::from(gone.is_some()));
    if let Some(Tombstone { deleted, version, by, at, deed }) = gone {
        writer.number(u64::from(*deleted));
        writer.number(version.0);
        writer.actor(by);
        writer.time(*at);
        writer.number(deed.0);
    }
    writer.number(recent.len() as u64);
    for touch in recent {
        writer.touch(touch);
    }
    writer.number(last.len() as u64);
    for (actor, at) in last {
        writer.actor(actor);
        writer.time(*at);
    }
    writer.finish()
}

/// An idempotency key with its answer.
pub(super) fn kept(kept: &Kept) -> Vec<u8> {
    let Kept { actor, key, answer: KeyAnswer { deed, at, digest, part } } = kept;
    let (kind, name) = parts(actor);
    let mut out = vec![kind as u8];
    for text in [name, key.as_str(), digest] {
        put(&mut out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    put(&mut out, deed.0);
    put(&mut out, zigzag(at.micros()));
    put(&mut out, part.map_or(0, |part| u64::from(part) + 1));
    out
}

fn parts(actor: &Actor) -> (Kind, &str) {
    match actor {
        Actor::Agent(id) => (Kind::Agent, id.as_str()),
        Actor::Person(id) => (Kind::Person, id.as_str()),
        Actor::Deeds => (Kind::Deeds, ""),
    }
}

/// A number in as few bytes as it has sevens of bits.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Reads what was written here, and believes no length that goes beyond the bytes.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn byte(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.0.split_first().ok_or(Broken)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'b [u8], Broken> {
        let length = usize::try_from(length).map_err(|_| Broken)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Broken)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'b str, Broken> {
        let length = self.number()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Broken)
    }

    /// How many follow; each takes a byte at least.
    fn count(&mut self) -> Result<usize, Broken> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len()).ok_or(Broken)
    }

    pub(super) fn end(self) -> Result<(), Broken> {
        if self.0.is_empty() { Ok(()) } else { Err(Broken) }
    }
}

/// A name of the table, as what it is.
enum Name {
    Actor(Actor),
    Word(Arc<str>, Option<FieldName>),
}

/// Reads one entity.
struct Parts<'b, 'n> {
    reader: Reader<'b>,
    names: Vec<Name>,
    shared: &'n Names,
    base: i64,
}

impl<'b, 'n> Parts<'b, 'n> {
    fn of(bytes: &'b [u8], shared: &'n Names) -> Result<Self, Broken> {
        let mut reader = Reader(bytes);
        let count = reader.count()?;
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = reader.byte()?;
            let text = reader.text()?;
            names.push(match kind {
                3 => Name::Word(shared.word(text), None),
                _ => Name::Actor(actor(shared, kind, text)?),
            });
        }
        let base = unzigzag(reader.number()?);
        Ok(Self { reader, names, shared, base })
    }

    fn number(&mut self) -> Result<u64, Broken> {
        self.reader.number()
    }

    fn name(&mut self) -> Result<&mut Name, Broken> {
        let place = usize::try_from(self.reader.number()?).map_err(|_| Broken)?;
        self.names.get_mut(place).ok_or(Broken)
    }

    fn actor(&mut self) -> Result<Actor, Broken> {
        match self.name()? {
            Name::Actor(actor) => Ok(actor.clone()),
            Name::Word(..) => Err(Broken),
        }
    }

    fn word(&mut self) -> Result<Arc<str>, Broken> {
        match self.name()? {
            Name::Word(word, _) => Ok(Arc::clone(word)),
            Name::Actor(_) => Err(Broken),
        }
    }

    fn field_name(&mut self) -> Result<FieldName, Broken> {
        let shared = self.shared;
        match self.name()? {
            Name::Word(_, Some(name)) => Ok(name.clone()),
            Name::Word(word, name) => {
                let made = shared.field(word).ok_or(Broken)?;
                *name = Some(made.clone());
                Ok(made)
            }
            Name::Actor(_) => Err(Broken),
        }
    }

    fn time(&mut self) -> Result<Time, Broken> {
        Ok(Time::from_micros(self.base.wrapping_add(unzigzag(self.number()?))))
    }

    fn run(&mut self, present: &Value) -> Result<Run, Broken> {
        let by = self.actor()?;
        let value = match self.number()? {
            0 => present.clone(),
            longer => {
                let text = std::str::from_utf8(self.reader.bytes(longer - 1)?).map_err(|_| Broken)?;
                Value::kept(text)
            }
        };
        Ok(Run {
            by,
            value,
            writes: self.number()?,
            deed: Seq(self.number()?),
            base: Version(self.number()?),
            version: Version(self.number()?),
            at: self.time()?,
        })
    }

    fn field(&mut self) -> Result<(FieldName, Field), Broken> {
        let name = self.field_name()?;
        let version = Version(self.number()?);
        let value = Value::kept(self.reader.text()?);
        let (by, at, deed) = (self.actor()?, self.time()?, Seq(self.number()?));
        let mut runs = Vec::with_capacity(self.reader.count()?);
        for _ in 0..runs.capacity() {
            runs.push(self.run(&value)?);
        }
        Ok((name, Field { version, value, by, at, deed, runs }))
    }

    fn tombstone(&mut self) -> Result<Option<Tombstone>, Broken> {
        if self.number()? == 0 {
            return Ok(None);
        }
        Ok(Some(Tombstone {
            deleted: self.number()? == 1,
            version: Version(self.number()?),
            by: self.actor()?,
            at: self.time()?,
            deed: Seq(self.number()?),
        }))
    }

    fn touch(&mut self) -> Result<Touch, Broken> {
        let (deed, at, actor, action) = (Seq(self.number()?), self.time()?, self.actor()?, self.word()?);
        let outcome = usize::try_from(self.number()?).ok().and_then(|place| Outcome::ALL.get(place));
        let outcome = *outcome.ok_or(Broken)?;
        let count = self.reader.count()?;
        let fields = (0..count).map(|_| self.field_name()).collect::<Result<_, _>>()?;
        Ok(Touch { deed, at, actor, action, outcome, fields })
    }
}

/// The entity that was written; its names are those that `shared` has.
pub(super) fn read_entity(bytes: &[u8], shared: &Names) -> Result<Entity, Broken> {
    let mut parts = Parts::of(bytes, shared)?;
    let (version, deed, floor) = (Version(parts.number()?), Seq(parts.number()?), Version(parts.number()?));
    let count = parts.reader.count()?;
    let fields = (0..count).map(|_| parts.field()).collect::<Result<_, _>>()?;
    let gone = parts.tombstone()?;
    let count = parts.reader.count()?;
    let recent = (0..count).map(|_| parts.touch().map(Arc::new)).collect::<Result<_, _>>()?;
    let count = parts.reader.count()?;
    let last = (0..count).map(|_| Ok((parts.actor()?, parts.time()?))).collect::<Result<_, Broken>>()?;
    parts.reader.end()?;
    Ok(Entity { version, fields, gone, floor, recent, last, deed })
}

/// The key that was written.
pub(super) fn read_kept(bytes: &[u8], shared: &Names) -> Result<Kept, Broken> {
    let mut reader = Reader(bytes);
    let kind = reader.byte()?;
    let actor = actor(shared, kind, reader.text()?)?;
    let key = IdempotencyKey::new(reader.text()?).map_err(|_| Broken)?;
    let digest = Arc::from(reader.text()?);
    let (deed, at) = (Seq(reader.number()?), Time::from_micros(unzigzag(reader.number()?)));
    let part = match reader.number()? {
        0 => None,
        next => Some(u32::try_from(next - 1).map_err(|_| Broken)?),
    };
    reader.end()?;
    Ok(Kept { actor, key, answer: KeyAnswer { deed, at, digest, part } })
}

fn actor(shared: &Names, kind: u8, text: &str) -> Result<Actor, Broken> {
    match kind {
        0 => shared.agent(text).ok_or(Broken),
        1 => shared.person(text).ok_or(Broken),
        2 => Ok(Actor::Deeds),
        _ => Err(Broken),
    }
}
