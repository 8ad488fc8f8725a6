//! Takes values out of a test file, each with its place, and says in place what is wrong with one.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::clock::{TIMES, When};
use crate::domain::code::Code;
use crate::domain::map::nearest_name;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::readiness::{GateKind, GateState};
use crate::domain::things::AlertKind;
use crate::domain::time::Span;

/// What keeps a file from being a test: where, why, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Which bytes of the file.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { span, message: message.into(), mend: mend.into() }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) json: Json,
    pub(super) span: Range<usize>,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Text,
    Flag,
    Count,
    Length,
    Moment,
    Entity,
    Path,
    /// A record or a field, or several.
    Paths,
    /// A name, or several.
    Names,
    /// Names with any value each.
    Table,
    /// Fields with the value of each.
    Values,
    /// Records with their fields.
    Records,
    /// An outcome and, where there is one, its code.
    Came,
    Outcome,
    Alerts,
    /// What is known of items; of none with `[]`.
    Items,
    /// Agents with what is known of their gates.
    Gates,
    /// Tables, each a step or a part of one.
    Tables,
}

/// The keys of an expected item.
pub(super) const ITEM_KEYS: [&str; 6] = ["queue", "kind", "on", "title", "why", "due"];

impl Kind {
    /// In words, with an example.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Text => "a text",
            Self::Flag => "true or false",
            Self::Count => "a whole number",
            Self::Length => "a length of time, such as \"2h\"",
            Self::Moment => "a time: \"+2h\", \"09:00\", \"mon 09:00\" or \"2026-11-02 09:00\"",
            Self::Entity => "a record, such as \"crm/contact/acme\"",
            Self::Path => "a record or a field, such as \"crm/contact/acme#name\"",
            Self::Paths => "fields, such as [\"crm/contact/acme#name\"]",
            Self::Names => "a name, or a list of names",
            Self::Table => "a table, such as { name = \"Acme\" }",
            Self::Values => "fields and their values, such as { \"crm/contact/acme#name\" = \"Acme\" }",
            Self::Records => {
                "records and their fields, such as { \"crm/contact/acme\" = { name = \"Acme\" } }"
            }
            Self::Came => "an outcome and its code, such as \"proposed not-owner\"",
            Self::Outcome => "an outcome, such as \"refused\"",
            Self::Alerts => "kinds of alerts, such as [\"contradiction\"]; [] for none",
            Self::Items => "what is known of the item, such as { queue = \"ops\" }; [] for none",
            Self::Gates => "agents and their gates, such as { intake = { stable = \"holds\" } }",
            Self::Tables => "a list of tables, such as [{ by = \"intake\", write = \"crm/contact/acme\" }]",
        }
    }

    /// Whether the value is one; else what is wrong with it, if that is more than its kind.
    pub(super) fn check(self, json: &Json) -> Result<(), Option<String>> {
        match self {
            Self::Any => Ok(()),
            Self::Text => is(json.is_string()),
            Self::Flag => is(json.is_boolean()),
            Self::Count => is(json.is_u64()),
            Self::Length => said(json, |text| text.parse::<Span>().map(drop)),
            Self::Moment => said(json, |text| {
                When::read(text).map(drop).ok_or_else(|| format!("{text:?} is no time; write {TIMES}"))
            }),
            Self::Entity => said(json, |text| text.parse::<EntityPath>().map(drop)),
            Self::Path => said(json, |text| text.parse::<FieldPath>().map(drop)),
            Self::Paths => each(json, |text| text.parse::<FieldPath>().map(drop)),
            Self::Names => each(json, |_| Ok::<(), String>(())),
            Self::Table => is(json.is_object()),
            Self::Values => keyed(json, |text| text.parse::<FieldPath>().map(drop)),
            Self::Records => keyed(json, |text| text.parse::<EntityPath>().map(drop)),
            Self::Came => said(json, came),
            Self::Outcome => said(json, |text| named("outcome", text, outcomes())),
            Self::Alerts => each(json, |text| {
                named("kind of alert", text, AlertKind::ALL.iter().map(|kind| kind.as_str()))
            }),
            Self::Items => items(json),
            Self::Gates => gates(json),
            Self::Tables => is(json.as_array().is_some_and(|all| all.iter().all(Json::is_object))),
        }
    }
}

fn is(so: bool) -> Result<(), Option<String>> {
    if so { Ok(()) } else { Err(None) }
}

fn said<E: ToString>(json: &Json, read: impl Fn(&str) -> Result<(), E>) -> Result<(), Option<String>> {
    read(json.as_str().ok_or(None)?).map_err(|error| Some(error.to_string()))
}

fn each<E: ToString>(json: &Json, read: impl Fn(&str) -> Result<(), E>) -> Result<(), Option<String>> {
    match json.as_array() {
        Some(all) => all.iter().try_for_each(|one| said(one, &read)),
        None => said(json, read),
    }
}

fn keyed<E: ToString>(json: &Json, read: impl Fn(&str) -> Result<(), E>) -> Result<(), Option<String>> {
    let table = json.as_object().ok_or(None)?;
    table.keys().try_for_each(|key| read(key).map_err(|error| Some(error.to_string())))
}

fn outcomes() -> impl Iterator<Item = &'static str> + Clone {
    Outcome::ALL.iter().map(|outcome| outcome.as_str())
}

fn came(text: &str) -> Result<(), String> {
    let (outcome, code) = text.split_once(' ').unwrap_or((text, ""));
    named("outcome", outcome, outcomes())?;
    if code.is_empty() {
        return Ok(());
    }
    named("code", code, Code::ALL.iter().map(|code| code.as_str()))
}

fn items(json: &Json) -> Result<(), Option<String>> {
    let one = std::slice::from_ref(json);
    json.as_array().map_or(one, Vec::as_slice).iter().try_for_each(|item| {
        let item = item.as_object().ok_or(None)?;
        item.iter().try_for_each(|(key, value)| {
            named("key of an item", key, ITEM_KEYS.into_iter()).map_err(Some)?;
            is(value.is_string())
        })
    })
}

fn gates(json: &Json) -> Result<(), Option<String>> {
    let states = [GateState::Holds, GateState::Fails, GateState::TooLittle];
    json.as_object().ok_or(None)?.values().try_for_each(|gates| {
        gates.as_object().ok_or(None)?.iter().try_for_each(|(gate, state)| {
            named("gate", gate, GateKind::ALL.iter().map(|kind| kind.as_str())).map_err(Some)?;
            said(state, |text| named("state of a gate", text, states.iter().map(|state| state_word(*state))))
        })
    })
}

/// A gate's state as a test file writes it.
pub(super) fn state_word(state: GateState) -> &'static str {
    match state {
        GateState::Holds => "holds",
        GateState::Fails => "fails",
        GateState::TooLittle => "too little",
    }
}

/// One of these names, or what it probably was.
pub(super) fn named<'a>(
    what: &str,
    text: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), String> {
    if known.clone().any(|name| name == text) {
        return Ok(());
    }
    let mend = match nearest_name(text, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", known.collect::<Vec<_>>().join(", ")),
    };
    Err(format!("there is no {what} {text:?}; {mend}"))
}

/// One table of the file.
pub(super) struct Entry<'r, 'i> {
    pub(super) table: &'r DeTable<'i>,
    pub(super) span: Range<usize>,
}

impl<'r, 'i> Entry<'r, 'i> {
    /// Takes out every key that is known; each that is not, or that is not what it takes, is a fault.
    pub(super) fn read(
        &self,
        called: &str,
        known: &[(&'static str, Kind)],
        faults: &mut Vec<Fault>,
    ) -> BTreeMap<&'static str, Placed> {
        let mut found = BTreeMap::new();
        for (key, value) in self.table {
            let text: &str = key.get_ref();
            let Some((name, kind)) = known.iter().find(|(name, _)| *name == text) else {
                let names = known.iter().map(|(name, _)| *name);
                let mend = match nearest_name(text, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{called} knows {}", names.collect::<Vec<_>>().join(", ")),
                };
                faults.push(Fault::new(key.span(), format!("{called} has no key {text:?}"), mend));
                continue;
            };
            let json = json(value.get_ref());
            match kind.check(&json) {
                Ok(()) => _ = found.insert(*name, Placed { json, span: value.span() }),
                Err(why) => faults.push(misread(name, *kind, value.span(), why)),
            }
        }
        found
    }

    /// The tables of a list, `[[case]]`.
    pub(super) fn tables(&self, key: &str) -> Vec<Entry<'r, 'i>> {
        let Some(DeValue::Array(all)) = self.table.get(key).map(Spanned::get_ref) else { return Vec::new() };
        let table = |value: &'r Spanned<DeValue<'i>>| match value.get_ref() {
            DeValue::Table(table) => Some(Entry { table, span: value.span() }),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => None,
        };
        all.iter().filter_map(table).collect()
    }
}

fn misread(key: &str, kind: Kind, span: Range<usize>, why: Option<String>) -> Fault {
    match why {
        Some(why) => {
            let (message, mend) = why.rsplit_once("; ").unwrap_or((&why, kind.words()));
            Fault::new(span, message, mend)
        }
        None => Fault::new(span, format!("`{key}` takes {}", kind.words()), "write it so"),
    }
}

/// A value as JSON. Dates and times become texts.
fn json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => Json::from(&**text),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Json::Null, Json::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Json::Null, Json::from),
        DeValue::Boolean(flag) => Json::from(*flag),
        DeValue::Datetime(time) => Json::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => Json::Object(
            table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect(),
        ),
    }
}
