//! The event log of beads, an issue tracker for coding agents: one JSON object a line, read into import commands.
//!
//! Actors become agents, the issue `bd-x` becomes the entity `issue/bd-x`, its fields become fields. An absent field
//! and an empty one are the same and both become `null`. What a line says was there before is kept, so that a write
//! from a value that was no longer current can be told. An event is known by what it says: its number is only a name, for
//! logs are pruned, renumbered, and put together from several tables.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read as _};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::line::{Broken, Line};
use super::name;
use crate::domain::command::{FIELDS_PER_WRITE, Import, ImportChange, WriteKind};
use crate::domain::ids::EventDigest;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Longest line in bytes.
pub const LINE_BYTES: u64 = 8 * 1024 * 1024;
/// Longest note kept of a line, in bytes; the rest is cut off.
pub const NOTE_BYTES: usize = 16 * 1024;
/// How many types without a reading are told apart.
const KEPT_TYPES: usize = 50;

/// Reads a log line by line. Blank lines are passed over.
#[derive(Debug)]
pub struct Events<R> {
    reader: R,
    line: u64,
    bytes: u64,
    source: Option<Arc<str>>,
    /// The names of the events that say the same, in their order.
    seen: HashMap<EventDigest, Vec<String>>,
    notes: BTreeMap<String, u64>,
}

impl<R: BufRead> Events<R> {
    /// From the log's beginning: its first line names the history, so that importing it again, or a longer version of
    /// it, adds nothing twice.
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, bytes: 0, source: None, seen: HashMap::new(), notes: BTreeMap::new() }
    }

    /// The number of the line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Events that change nothing so far, by type.
    pub fn notes(&self) -> &BTreeMap<String, u64> {
        &self.notes
    }

    /// The next line's command, or why it has none; nothing at the end.
    ///
    /// # Errors
    /// When the file can't be read on.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let read = self.reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.bytes += read as u64;
            if read as u64 == LINE_BYTES && bytes.last() != Some(&b'\n') {
                self.bytes += skip_line(&mut self.reader)?;
                let why = format!("it is longer than {LINE_BYTES} bytes");
                return Ok(Some(Line { number: self.line, read: Err(Broken::new(why, "")) }));
            }
            if !bytes.trim_ascii().is_empty() {
                let read = self.event(bytes.trim_ascii());
                return Ok(Some(Line { number: self.line, read }));
            }
        }
    }

    fn event(&mut self, bytes: &[u8]) -> Result<Import, Broken> {
        let source = self.source.get_or_insert_with(|| Import::source_name("beads", bytes));
        let source = Arc::clone(source);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Broken::new("it is not UTF-8", format!("byte {}", error.valid_up_to() + 1)))?;
        let event: Event =
            serde_json::from_str(text).map_err(|error| Broken::new("not an event of a beads log", error))?;
        let mut import = event.import(source)?;
        if import.kind == WriteKind::Update && import.changes.is_empty() {
            let kind = if self.notes.len() < KEPT_TYPES { &*event.kind } else { "others" };
            *self.notes.entry(kind.to_owned()).or_default() += 1;
        }
        import.digest = Some(self.digest(&event, import.time));
        Ok(import)
    }

    /// What is said twice under two names was two events, the second of them known as such.
    fn digest(&mut self, event: &Event, time: Time) -> EventDigest {
        let said = event.digest(time, 0);
        let names = self.seen.entry(said).or_default();
        let name = event.id.to_string();
        let known = names.iter().position(|known| *known == name && !event.id.is_null());
        let nth = known.unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        event.digest(time, nth)
    }
}

/// Passes over the rest of a line and says how long it was.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let (done, used) = {
            let buffer = reader.fill_buf()?;
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (true, at + 1),
                None => (buffer.is_empty(), buffer.len()),
            }
        };
        reader.consume(used);
        skipped += used as u64;
        if done {
            return Ok(skipped);
        }
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

    /// The digest of what it says, without its name: absent and empty are the same, and an instant is one however spelled.
    fn digest(&self, time: Time, nth: usize) -> EventDigest {
        let texts =
            [&self.old_value, &self.new_value, &self.comment].map(|text| text.as_deref().unwrap_or_default());
        let said = (&self.issue_id, &self.kind, &self.actor, time.micros(), texts, nth);
        let hash = Sha256::digest(serde_json::to_vec(&said).unwrap_or_default());
        EventDigest(hash.first_chunk().copied().unwrap_or_default())
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

fn note(text: &str) -> Option<Arc<str>> {
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
fn field_name(name: &str) -> Result<FieldName, String> {
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
