//! The event log of beads, an issue tracker for coding agents: one JSON object a line, read into import commands.
//!
//! Actors become agents, the issue `bd-x` becomes the entity `issue/bd-x`, its fields become fields. An absent field
//! and an empty one are the same and both become `null`. What a line says was there before is kept, so that a write
//! from a value that was no longer current can be told.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::events::{Format, Read};
use super::line::Broken;
use super::name;
use crate::domain::command::{FIELDS_PER_WRITE, Import, ImportChange, WriteKind};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Longest note kept of a line, in bytes; the rest is cut off.
pub const NOTE_BYTES: usize = 16 * 1024;

/// How a beads log is read.
#[derive(Debug)]
pub struct Beads;

impl Format for Beads {
    fn system(&self) -> &'static str {
        "beads"
    }

    fn read(&self, text: &str, source: Arc<str>) -> Result<Read, Broken> {
        let event: Event =
            serde_json::from_str(text).map_err(|error| Broken::new("not an event of a beads log", error))?;
        let import = event.import(source)?;
        let name = (!event.id.is_null()).then(|| event.id.to_string());
        let said = event.said(import.time);
        Ok(Read { import, name, kind: event.kind, said })
    }
}

/// A line as beads writes it.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    id: Json,
    issue_id: String,
    #[serde(rename = "event_type")]
    kind: String,
    actor: String,
    created_at: String,
    #[serde(default)]
    old_value: Option<String>,
    #[serde(default)]
    new_value: Option<String>,
    #[serde(default)]
    comment: Option<String>,
}

type Changes = BTreeMap<FieldName, ImportChange>;

impl Event {
    fn import(&self, source: Arc<str>) -> Result<Import, Broken> {
        let entity: EntityPath = format!("issue/{}", self.issue_id)
            .parse()
            .map_err(|error| Broken::new("`issue_id` is no name of a record", error))?;
        self.fill(source, entity.clone()).map_err(|broken| broken.on(entity, self.names()))
    }

    fn fill(&self, source: Arc<str>, entity: EntityPath) -> Result<Import, Broken> {
        let (actor, called) = name::agent(&self.actor).map_err(|why| Broken::new("`actor`", why))?;
        let time: Time = self.created_at.parse().map_err(|error| Broken::new("`created_at`", error))?;
        let (changes, note) = self.changes()?;
        if changes.len() > FIELDS_PER_WRITE {
            return Err(Broken::new(
                format!("more than {FIELDS_PER_WRITE} fields in one line"),
                changes.len(),
            ));
        }
        let kind = if self.kind == "created" { WriteKind::Create } else { WriteKind::Update };
        let number = self.id.as_u64();
        let name = || self.id.as_str().map_or_else(|| self.id.to_string().into(), Arc::from);
        let event = (number.is_none() && !self.id.is_null()).then(name);
        let id = number.unwrap_or_default();
        Ok(Import { source, id, event, digest: None, actor, called, time, entity, kind, changes, note })
    }

    /// What it says, without its name: absent and empty are the same, and an instant is one however spelled.
    fn said(&self, time: Time) -> Json {
        let texts =
            [&self.old_value, &self.new_value, &self.comment].map(|text| text.as_deref().unwrap_or_default());
        serde_json::json!([self.issue_id, self.kind, self.actor, time.micros(), texts])
    }

    fn changes(&self) -> Result<(Changes, Option<Arc<str>>), Broken> {
        let comment = self.comment.as_deref().unwrap_or_default();
        match self.kind.as_str() {
            "created" => Ok((Changes::new(), note(comment))),
            "updated" | "status_changed" | "claimed" | "reopened" => Ok((self.fields()?, note(comment))),
            // Some closings are written like any other change of status, most as a reason alone.
            "closed" if self.new_value.as_deref().is_some_and(|new| new.starts_with('{')) => {
                Ok((self.fields()?, note(comment)))
            }
            "closed" => {
                Ok((one("status", None, &Json::from("closed"))?, note(text(self.new_value.as_ref()))))
            }
            "label_added" => Ok((label(comment, "Added label: ", &Json::Bool(true))?, None)),
            "label_removed" => Ok((label(comment, "Removed label: ", &Json::Null)?, None)),
            "commented" => Ok((one("comments", None, &Json::from(comment))?, None)),
            "renamed" => {
                let before = empty_is_null(&Json::from(text(self.old_value.as_ref())))
                    .map_err(|why| Broken::new("`old_value`", why))?;
                Ok((one("id", Some(before), &Json::from(text(self.new_value.as_ref())))?, note(comment)))
            }
            _ => Ok((Changes::new(), note(&self.words()))),
        }
    }

    /// What an event of a type without a reading says: it changes nothing, and is kept as a note.
    fn words(&self) -> String {
        let said =
            [Some(&self.kind), self.comment.as_ref(), self.old_value.as_ref(), self.new_value.as_ref()];
        said.into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// The fields that it would have written, as far as that can be told; nothing where it might be any.
    fn names(&self) -> Option<Vec<FieldName>> {
        let record: Map<String, Json> = serde_json::from_str(text(self.new_value.as_ref())).ok()?;
        record.keys().map(|name| field_name(name).ok()).collect()
    }

    /// The fields written, with what the record had in them before.
    fn fields(&self) -> Result<Changes, Broken> {
        let record = |name: &str, value: Option<&String>| -> Result<Map<String, Json>, Broken> {
            serde_json::from_str(text(value))
                .map_err(|error| Broken::new(format!("`{name}` is not a record in JSON"), error))
        };
        let (old, new) =
            (record("old_value", self.old_value.as_ref())?, record("new_value", self.new_value.as_ref())?);
        let mut changes = Changes::new();
        for (name, after) in &new {
            let before = empty_is_null(old.get(name).unwrap_or(&Json::Null))
                .map_err(|why| Broken::new("`old_value`", format!("field {name:?}: {why}")))?;
            changes.extend(one(name, Some(before), after)?);
        }
        Ok(changes)
    }
}

fn text(value: Option<&String>) -> &str {
    value.map_or("", String::as_str)
}

pub(super) fn note(text: &str) -> Option<Arc<str>> {
    let end = (0..=NOTE_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    text.get(..end).filter(|text| !text.is_empty()).map(Arc::from)
}

fn label(comment: &str, start: &str, after: &Json) -> Result<Changes, Broken> {
    match comment.strip_prefix(start) {
        Some(label) if !label.is_empty() => one(&format!("label.{label}"), None, after),
        Some(_) | None => {
            Err(Broken::new(format!("`comment` does not name the label; it should read \"{start}NAME\""), ""))
        }
    }
}

fn one(name: &str, before: Option<Value>, after: &Json) -> Result<Changes, Broken> {
    let wrong = |why: String| Broken::new("a field can't be taken", format!("{name:?}: {why}"));
    let field = field_name(name).map_err(wrong)?;
    let after = empty_is_null(after).map_err(wrong)?;
    Ok(Changes::from([(field, ImportChange { before, after })]))
}

/// Characters that a field name can't have are written as in URLs.
pub(super) fn field_name(name: &str) -> Result<FieldName, String> {
    if name.is_empty() {
        return Err("it has no name".to_owned());
    }
    let mut safe = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '#' => safe.push_str("%23"),
            '/' => safe.push_str("%2F"),
            '*' => safe.push_str("%2A"),
            '%' => safe.push_str("%25"),
            _ => safe.push(c),
        }
    }
    safe.parse().map_err(|error| format!("{error}"))
}

fn empty_is_null(json: &Json) -> Result<Value, String> {
    if json.as_str() == Some("") {
        Ok(Value::null())
    } else {
        Value::new(json).map_err(|error| error.to_string())
    }
}
