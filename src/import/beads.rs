//! The event log of beads, an issue tracker for coding agents: one JSON object a line, read into import commands.
//!
//! Actors become agents, the issue `bd-x` becomes the entity `issue/bd-x`, its fields become fields. An absent field
//! and an empty one are the same and both become `null`. What a line says was there before is kept, so that a write
//! from a value that was no longer current can be told.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::domain::command::{Import, ImportChange, WriteKind};
use crate::domain::ids::AgentId;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Longest line in bytes.
pub const LINE_BYTES: u64 = 8 * 1024 * 1024;
/// Longest note kept of a line, in bytes; the rest is cut off.
pub const NOTE_BYTES: usize = 16 * 1024;

/// A line that was not taken. The lines around it are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenLine {
    /// Its number in the file, from 1.
    pub line: u64,
    /// Why not, and what would do.
    pub reason: String,
}

impl fmt::Display for BrokenLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Reads a log line by line. Blank lines are passed over.
#[derive(Debug)]
pub struct Events<R> {
    reader: R,
    line: u64,
    bytes: u64,
    source: Option<Arc<str>>,
    seen: HashMap<u64, u64>,
}

impl<R: BufRead> Events<R> {
    /// From the log's beginning: its first line names the history, so that importing it again, or a longer version of
    /// it, adds nothing twice.
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, bytes: 0, source: None, seen: HashMap::new() }
    }

    /// The number of the line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes have been read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line's command, or why it has none; nothing at the end.
    ///
    /// # Errors
    /// When the file can't be read on.
    pub fn next_line(&mut self) -> io::Result<Option<Result<Import, BrokenLine>>> {
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
                return Ok(Some(Err(self.broken(format!("it is longer than {LINE_BYTES} bytes")))));
            }
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(self.event(bytes.trim_ascii())));
            }
        }
    }

    fn event(&mut self, bytes: &[u8]) -> Result<Import, BrokenLine> {
        let source = self.source.get_or_insert_with(|| Import::source_name("beads", bytes));
        let source = Arc::clone(source);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| self.broken(format!("byte {} is not UTF-8", error.valid_up_to() + 1)))?;
        let event: Event = serde_json::from_str(text)
            .map_err(|error| self.broken(format!("not an event of a beads log: {error}")))?;
        if let Some(first) = self.seen.get(&event.id) {
            return Err(self.broken(format!("event {} stands on line {first} already", event.id)));
        }
        let id = event.id;
        let import = event.import(source).map_err(|reason| self.broken(reason))?;
        self.seen.insert(id, self.line);
        Ok(import)
    }

    fn broken(&self, reason: String) -> BrokenLine {
        BrokenLine { line: self.line, reason }
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
    id: u64,
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
    fn import(self, source: Arc<str>) -> Result<Import, String> {
        let actor = AgentId::new(&self.actor).map_err(|error| format!("`actor`: {error}"))?;
        let time: Time = self.created_at.parse().map_err(|error| format!("`created_at`: {error}"))?;
        let entity: EntityPath =
            format!("issue/{}", self.issue_id).parse().map_err(|error| format!("`issue_id`: {error}"))?;
        let (changes, note) = self.changes()?;
        let kind = if self.kind == "created" { WriteKind::Create } else { WriteKind::Update };
        Ok(Import { source, id: self.id, actor, time, entity, kind, changes, note })
    }

    fn changes(&self) -> Result<(Changes, Option<Arc<str>>), String> {
        let comment = self.comment.as_deref().unwrap_or_default();
        match self.kind.as_str() {
            "created" => Ok((Changes::new(), note(comment))),
            "updated" | "status_changed" | "reopened" => Ok((self.fields()?, note(comment))),
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
                let before = empty_is_null(&Json::from(text(self.old_value.as_ref())))?;
                Ok((one("id", Some(before), &Json::from(text(self.new_value.as_ref())))?, note(comment)))
            }
            other => Err(format!("there is no rule for events of type {other:?}; it is left out")),
        }
    }

    /// The fields written, with what the record had in them before.
    fn fields(&self) -> Result<Changes, String> {
        let record = |name: &str, value: Option<&String>| -> Result<Map<String, Json>, String> {
            serde_json::from_str(text(value))
                .map_err(|error| format!("`{name}` is not a record in JSON: {error}"))
        };
        let (old, new) =
            (record("old_value", self.old_value.as_ref())?, record("new_value", self.new_value.as_ref())?);
        let mut changes = Changes::new();
        for (name, after) in &new {
            let before = empty_is_null(old.get(name).unwrap_or(&Json::Null))?;
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

fn label(comment: &str, start: &str, after: &Json) -> Result<Changes, String> {
    match comment.strip_prefix(start) {
        Some(label) if !label.is_empty() => one(&format!("label.{label}"), None, after),
        Some(_) | None => Err(format!("`comment` does not name the label; it should read \"{start}NAME\"")),
    }
}

fn one(name: &str, before: Option<Value>, after: &Json) -> Result<Changes, String> {
    let field = field_name(name).map_err(|reason| format!("field {name:?}: {reason}"))?;
    let after = empty_is_null(after).map_err(|reason| format!("field {name:?}: {reason}"))?;
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
