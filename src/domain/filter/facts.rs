//! What a filter can ask of a deed, taken from a deed or from its stored bytes. What is asked lives in `filter`.
//!
//! Reading from bytes is lenient on purpose: a deed of a later version keeps its envelope, and bytes that are no deed
//! at all are searchable as text.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::code::Code;
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, Seq, TokenId};
use crate::domain::path::{EntityPath, composed};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Most bytes of a deed's visible text that a text search looks at; what people look for stands first.
pub const TEXT_BYTES: usize = 64 * 1024;
/// The type under which bytes that are no deed are found.
pub const UNREADABLE: &str = "unreadable";
/// What every type name starts with on the wire, and what people leave out.
pub const TYPE_PREFIX: &str = "deeds.";

/// One field of one entity that a deed touched or found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch<'a> {
    /// The entity's path.
    pub entity: Cow<'a, str>,
    /// The field's name; empty for the whole entity.
    pub field: Cow<'a, str>,
    /// The field's version as the deed left or found it.
    pub version: u64,
}

/// Everything of a deed that a filter term can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Its place in the ledger.
    pub seq: Seq,
    /// When it happened.
    pub time: Time,
    /// When it was appended.
    pub recorded: Time,
    /// `agent`, `person` or `deeds`.
    pub class: Cow<'a, str>,
    /// Who.
    pub actor: Cow<'a, str>,
    /// What was asked, in the caller's word.
    pub action: Cow<'a, str>,
    /// The type without its `deeds.`.
    pub kind: Cow<'a, str>,
    /// How it came out.
    pub outcome: Cow<'a, str>,
    /// Why not; empty where it was done.
    pub code: Cow<'a, str>,
    /// The entity it is about.
    pub subject: Option<Cow<'a, str>>,
    /// The fields it touched or found.
    pub touches: Vec<Touch<'a>>,
    /// The inbox item it made or concerns.
    pub item: Option<u64>,
    /// The alerts it raised or concerns.
    pub alerts: Vec<u64>,
    /// The work items it made or concerns.
    pub works: Vec<u64>,
    /// The deed that led to it.
    pub cause: Option<Seq>,
    /// The first deed of its decision.
    pub correlation: Seq,
    /// The map it was decided under.
    pub map: u64,
    /// Its visible text, case-folded, one part a line.
    pub text: String,
}

impl<'a> Facts<'a> {
    /// Reads the facts from a deed's stored bytes. Bytes that are no deed get the type [`UNREADABLE`], the time
    /// `fallback` and their text, so that they can be found and looked at.
    pub fn read(seq: Seq, bytes: &'a [u8], fallback: Time) -> Self {
        match serde_json::from_slice::<Envelope<'a>>(bytes) {
            Ok(envelope) => envelope.facts(seq),
            Err(_) => Self::unreadable(seq, bytes, fallback),
        }
    }

    /// The same facts from a deed at hand.
    pub fn of(deed: &'a Deed) -> Self {
        Self { text: visible(deed), ..Self::without_text(deed) }
    }

    /// The facts without the visible text, which takes longer to gather than all the others.
    pub(super) fn without_text(deed: &'a Deed) -> Self {
        let borrowed = |text: &'a str| Cow::Borrowed(text);
        let class = match &deed.actor {
            Actor::Agent(_) => "agent",
            Actor::Person(_) => "person",
            Actor::Deeds => "deeds",
        };
        let kind = deed.body.type_name();
        let subject = deed.subject.as_ref().map(|subject| borrowed(subject.as_str()));
        let touches = deed
            .fields
            .iter()
            .filter_map(|field| {
                let entity = field.entity.as_ref().or(deed.subject.as_ref())?;
                let (entity, name) = (borrowed(entity.as_str()), borrowed(field.name.as_str()));
                Some(Touch { entity, field: name, version: field.version.0 })
            })
            .collect();
        Self {
            seq: deed.seq,
            time: deed.time,
            recorded: deed.recorded,
            class: Cow::Borrowed(class),
            actor: borrowed(deed.actor.name()),
            action: borrowed(&deed.action),
            kind: Cow::Borrowed(kind.strip_prefix(TYPE_PREFIX).unwrap_or(kind)),
            outcome: Cow::Borrowed(deed.outcome.as_str()),
            code: Cow::Borrowed(deed.code.map_or("", Code::as_str)),
            subject,
            touches,
            item: deed.refs.item.map(|item| item.0),
            alerts: deed.refs.alerts.iter().map(|alert| alert.0).collect(),
            works: deed.refs.works.iter().map(|work| work.0).collect(),
            cause: deed.cause,
            correlation: deed.correlation,
            map: deed.map_version.0,
            text: String::new(),
        }
    }

    fn unreadable(seq: Seq, bytes: &[u8], fallback: Time) -> Self {
        let mut text = Text::default();
        text.part(&String::from_utf8_lossy(bytes));
        Self {
            seq,
            time: fallback,
            recorded: fallback,
            class: Cow::Borrowed(""),
            actor: Cow::Borrowed(""),
            action: Cow::Borrowed(""),
            kind: Cow::Borrowed(UNREADABLE),
            outcome: Cow::Borrowed(""),
            code: Cow::Borrowed(""),
            subject: None,
            touches: Vec::new(),
            item: None,
            alerts: Vec::new(),
            works: Vec::new(),
            cause: None,
            correlation: seq,
            map: 0,
            text: text.done(),
        }
    }

    /// The entities it concerns: its subject first, then those its fields name. An entity may come up twice.
    pub fn entities(&self) -> impl Iterator<Item = &str> {
        self.subject.as_deref().into_iter().chain(self.touches.iter().map(|touch| touch.entity.as_ref()))
    }
}

/// The envelope as far as a filter looks at it; every part may be absent.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    subject: Option<Cow<'a, str>>,
    time: Time,
    recordedtime: Option<Time>,
    #[serde(default, borrow)]
    correlationid: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    causationid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    actor: Who<'a>,
    #[serde(default, borrow)]
    token: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    action: Cow<'a, str>,
    #[serde(default, borrow)]
    outcome: Cow<'a, str>,
    #[serde(default, borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(default)]
    map_version: u64,
    #[serde(default, borrow)]
    fields: Vec<Field<'a>>,
    #[serde(default)]
    refs: Refs,
    #[serde(default, borrow)]
    detail: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Who<'a> {
    #[serde(borrow)]
    class: Cow<'a, str>,
    #[serde(default, borrow)]
    name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Field<'a> {
    #[serde(default, borrow)]
    entity: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    version: u64,
    #[serde(default, borrow)]
    before: Option<&'a RawValue>,
    #[serde(default, borrow)]
    after: Option<&'a RawValue>,
}

/// A text as JSON has it, copied only where something in it is escaped.
#[derive(Deserialize)]
struct Escaped<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Default, Deserialize)]
struct Refs {
    item: Option<u64>,
    #[serde(default)]
    alerts: Vec<u64>,
    #[serde(default)]
    works: Vec<u64>,
}

impl<'a> Envelope<'a> {
    fn facts(self, seq: Seq) -> Facts<'a> {
        let mut data = self.data;
        // As paths have it, whatever it was spelled like when it was recorded (RULES §1.2).
        let subject = self.subject.map(composed);
        for field in &mut data.fields {
            field.name = composed(std::mem::take(&mut field.name));
            field.entity = field.entity.take().map(composed);
        }
        let actor = data.actor.name.unwrap_or(Cow::Borrowed("deeds"));
        let mut text = Text::default();
        for part in [&*actor, &*data.action, &*data.outcome] {
            text.part(part);
        }
        for part in [&data.code, &subject, &data.reason, &data.token].into_iter().flatten() {
            text.part(part);
        }
        for field in &data.fields {
            if let Some(entity) = &field.entity {
                text.part(entity);
            }
            text.part(&field.name);
            text.value(field.after.map(RawValue::get));
        }
        for field in &data.fields {
            text.value(field.before.map(RawValue::get));
        }
        text.leaves(data.detail.map(RawValue::get));
        let touches = data
            .fields
            .into_iter()
            .filter_map(|field| {
                let entity = field.entity.or_else(|| subject.clone())?;
                Some(Touch { entity, field: field.name, version: field.version })
            })
            .collect();
        Facts {
            seq,
            time: self.time,
            recorded: self.recordedtime.unwrap_or(self.time),
            class: data.actor.class,
            actor,
            action: data.action,
            kind: short_type(self.kind),
            outcome: data.outcome,
            code: data.code.unwrap_or_default(),
            subject,
            touches,
            item: data.refs.item,
            alerts: data.refs.alerts,
            works: data.refs.works,
            cause: self.causationid.as_deref().and_then(number),
            correlation: self.correlationid.as_deref().and_then(number).unwrap_or(seq),
            map: data.map_version,
            text: text.done(),
        }
    }
}

/// The visible text of a deed at hand; the parts and their order are those of [`Envelope::facts`].
fn visible(deed: &Deed) -> String {
    let mut text = Text::default();
    for part in [deed.actor.name(), &deed.action, deed.outcome.as_str(), deed.code.map_or("", Code::as_str)] {
        text.part(part);
    }
    let subject = deed.subject.as_ref().map(EntityPath::as_str);
    let token = deed.token.as_ref().map(TokenId::as_str);
    for part in [subject, deed.reason.as_deref(), token].into_iter().flatten() {
        text.part(part);
    }
    for field in &deed.fields {
        if let Some(entity) = &field.entity {
            text.part(entity.as_str());
        }
        text.part(field.name.as_str());
        text.value(field.after.as_ref().map(Value::as_json));
    }
    for field in &deed.fields {
        text.value(field.before.as_ref().map(Value::as_json));
    }
    if let Ok(detail) = deed.body.detail() {
        text.leaves(detail.as_deref().map(RawValue::get));
    }
    text.done()
}

fn short_type(kind: Cow<'_, str>) -> Cow<'_, str> {
    match kind {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix(TYPE_PREFIX).unwrap_or(text)),
        Cow::Owned(text) => Cow::Owned(text.strip_prefix(TYPE_PREFIX).unwrap_or(&text).to_owned()),
    }
}

/// `northwind:317` as 317.
fn number(text: &str) -> Option<Seq> {
    text.rsplit(':').next()?.parse().ok().map(Seq)
}

/// The visible text as it grows, folded, up to [`TEXT_BYTES`].
struct Text(String);

impl Default for Text {
    fn default() -> Self {
        // Most texts are shorter.
        Self(String::with_capacity(256))
    }
}

impl Text {
    fn part(&mut self, part: &str) {
        if part.is_empty() {
            return;
        }
        if self.0.len() + part.len() <= TEXT_BYTES && part.bytes().all(|byte| byte.is_ascii() && byte != 0) {
            // Nearly all parts: as below, and a good deal sooner.
            let start = self.0.len();
            self.0.push_str(part);
            if let Some(new) = self.0.get_mut(start..) {
                new.make_ascii_lowercase();
            }
            self.0.push('\n');
            return;
        }
        for c in part.chars() {
            if self.0.len() >= TEXT_BYTES {
                return;
            }
            fold_char(c, &mut self.0);
        }
        self.0.push('\n');
    }

    fn value(&mut self, json: Option<&str>) {
        match json {
            None | Some("null") => {}
            Some(json) if json.starts_with('"') => match serde_json::from_str::<Escaped<'_>>(json) {
                Ok(Escaped(text)) => self.part(&text),
                Err(_) => self.part(json),
            },
            Some(json) => self.part(json),
        }
    }

    /// The texts and numbers inside a payload, without its keys and punctuation.
    fn leaves(&mut self, json: Option<&str>) {
        if let Some(Ok(value)) = json.map(serde_json::from_str::<serde_json::Value>) {
            self.leaf(&value);
        }
    }

    fn leaf(&mut self, value: &serde_json::Value) {
        use serde_json::Value as Json;
        match value {
            Json::Null | Json::Bool(_) => {}
            Json::Number(number) => self.part(&number.to_string()),
            Json::String(text) => self.part(text),
            Json::Array(items) => items.iter().for_each(|item| self.leaf(item)),
            Json::Object(map) => map.values().for_each(|item| self.leaf(item)),
        }
    }

    fn done(self) -> String {
        self.0
    }
}

/// Folds case so that two texts which differ only by case are equal, final sigma and sharp s included. NUL, which
/// some engines take for the end of a text, becomes a visible replacement.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    text.chars().for_each(|c| fold_char(c, &mut folded));
    folded
}

fn fold_char(c: char, out: &mut String) {
    if c == '\0' {
        out.push('\u{fffd}');
    } else if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
    } else {
        out.extend(c.to_uppercase().flat_map(char::to_lowercase));
    }
}
