//! Anybody's log of one JSON object a line, read as a small TOML file says: which keys are actor, time, entity, field, before
//! and after. Keys of objects within are written with dots.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::beads::{field_name, note};
use super::events::{Format, Read};
use super::line::Broken;
use super::name;
use crate::domain::command::{FIELDS_PER_WRITE, Import, ImportChange, WriteKind};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Which keys of a line mean what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the log is called; it names the history.
    name: String,
    /// Who did it.
    actor: String,
    /// When.
    time: String,
    /// How times are written.
    #[serde(default)]
    time_unit: Unit,
    /// The record, with keys in braces: `ticket/{id}`.
    entity: String,
    /// The field that was written. Without it `before` and `after` are records, each of their keys a field.
    field: Option<String>,
    /// The value that the writer saw.
    before: Option<String>,
    /// The value that was written.
    after: Option<String>,
    /// Fields whose values stand under keys of their own.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// The event's type.
    kind: Option<String>,
    /// The types by which a record begins.
    #[serde(default)]
    created: Vec<String>,
    /// The event's name.
    id: Option<String>,
    /// What is said beside.
    note: Option<String>,
}

/// How times are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Unit {
    /// As RFC 3339 says.
    #[default]
    Rfc3339,
    /// Since 1970, in seconds.
    Seconds,
    /// In milliseconds.
    Millis,
    /// In microseconds.
    Micros,
}

/// Why a mapping can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct WrongMapping {
    /// Where in its text.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub why: String,
}

impl std::str::FromStr for Mapping {
    type Err = WrongMapping;

    fn from_str(text: &str) -> Result<Self, WrongMapping> {
        let mapping: Self = toml::from_str(text)
            .map_err(|error| WrongMapping { span: error.span(), why: error.message().to_owned() })?;
        let wrong = |why: &str| Err(WrongMapping { span: None, why: why.to_owned() });
        if mapping.after.is_none() && mapping.fields.is_empty() {
            return wrong("it is not said what was written: name `after`, or [fields]");
        }
        if mapping.name.is_empty()
            || !mapping.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return wrong("`name` is made of letters, digits and `-`");
        }
        Ok(mapping)
    }
}

type Changes = BTreeMap<FieldName, ImportChange>;

impl Format for Mapping {
    fn system(&self) -> &str {
        &self.name
    }

    fn read(&self, text: &str, source: Arc<str>) -> Result<Read, Broken> {
        let line: Json = serde_json::from_str(text).map_err(|error| Broken::new("it is no JSON", error))?;
        let entity = self.entity(&line)?;
        let read = self.fill(&line, source, entity.clone());
        read.map_err(|broken| broken.on(entity, None))
    }
}

impl Mapping {
    fn fill(&self, line: &Json, source: Arc<str>, entity: EntityPath) -> Result<Read, Broken> {
        let (actor, called) = name::agent(&text(needed(line, "actor", &self.actor)?))
            .map_err(|why| Broken::new(format!("`{}`", self.actor), why))?;
        let time = self.time(needed(line, "time", &self.time)?)?;
        let changes = self.changes(line)?;
        if changes.len() > FIELDS_PER_WRITE {
            let why = format!("more than {FIELDS_PER_WRITE} fields in one line");
            return Err(Broken::new(why, changes.len()));
        }
        let optional = |key: &Option<String>| key.as_deref().and_then(|key| find(line, key));
        let kind = optional(&self.kind).map(text).unwrap_or_default();
        let begins = self.created.contains(&kind);
        let id = optional(&self.id).filter(|id| !id.is_null());
        let number = id.and_then(Json::as_u64);
        let event = id.filter(|_| number.is_none()).map(|id| Arc::from(text(id)));
        let mut said = line.clone();
        // The name is not what it says.
        if let (Some(key), Some(top)) = (&self.id, said.as_object_mut()) {
            top.remove(key);
        }
        let import = Import {
            source,
            id: number.unwrap_or_default(),
            event,
            digest: None,
            actor,
            called,
            time,
            entity,
            kind: if begins { WriteKind::Create } else { WriteKind::Update },
            changes,
            note: optional(&self.note).and_then(|said| note(&text(said))),
        };
        Ok(Read { import, name: id.map(Json::to_string), kind, said: Json::Array(vec![said]) })
    }

    /// The record's name, with what stands under the keys in it.
    fn entity(&self, line: &Json) -> Result<EntityPath, Broken> {
        let (mut path, mut rest) = (String::new(), self.entity.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            let Some((key, after)) = after.split_once('}') else { break };
            path.push_str(before);
            path.push_str(&text(needed(line, "entity", key)?));
            rest = after;
        }
        path.push_str(rest);
        path.parse().map_err(|error| Broken::new("it names no record", format!("{path:?}: {error}")))
    }

    fn time(&self, value: &Json) -> Result<Time, Broken> {
        let wrong = |why: &str| Broken::new(format!("`{}` is no time", self.time), format!("{value}: {why}"));
        let factor = match self.time_unit {
            Unit::Rfc3339 => return text(value).parse().map_err(|error| wrong(&format!("{error}"))),
            Unit::Seconds => 1_000_000,
            Unit::Millis => 1_000,
            Unit::Micros => 1,
        };
        let whole = value.as_i64().and_then(|number| number.checked_mul(factor));
        whole.map(Time::from_micros).ok_or_else(|| wrong("it is no whole number"))
    }

    fn changes(&self, line: &Json) -> Result<Changes, Broken> {
        let mut changes = Changes::new();
        for (name, key) in &self.fields {
            if let Some(after) = find(line, key) {
                changes.extend(one(name, None, after)?);
            }
        }
        let Some(after) = &self.after else { return Ok(changes) };
        let before = self.before.as_deref().and_then(|key| find(line, key));
        if let Some(field) = &self.field {
            let name = text(needed(line, "field", field)?);
            let value = find(line, after).unwrap_or(&Json::Null);
            changes.extend(one(&name, self.before.as_ref().map(|_| before.unwrap_or(&Json::Null)), value)?);
            return Ok(changes);
        }
        let Some(written) = find(line, after).filter(|written| !is_empty(written)) else {
            return Ok(changes);
        };
        let written = record(after, written)?;
        let seen = match before.filter(|before| !is_empty(before)) {
            Some(before) => Some(record(self.before.as_deref().unwrap_or_default(), before)?),
            None => None,
        };
        for (name, value) in &written {
            let before = seen.as_ref().map(|seen| seen.get(name).unwrap_or(&Json::Null));
            changes.extend(one(name, before, value)?);
        }
        Ok(changes)
    }
}

/// What stands under a key of a line, or of an object in it.
fn find<'a>(line: &'a Json, key: &str) -> Option<&'a Json> {
    line.get(key).or_else(|| key.split('.').try_fold(line, |value, key| value.get(key)))
}

fn needed<'a>(line: &'a Json, what: &str, key: &str) -> Result<&'a Json, Broken> {
    let there = find(line, key).filter(|value| !is_empty(value));
    there.ok_or_else(|| Broken::new(format!("there is no `{key}`, which is its {what}"), ""))
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An object, also where it is written as a text.
fn record(key: &str, value: &Json) -> Result<Map<String, Json>, Broken> {
    let wrong = |why: String| Broken::new(format!("`{key}` is no record"), why);
    match value {
        Json::Object(record) => Ok(record.clone()),
        Json::String(text) => serde_json::from_str(text).map_err(|error| wrong(error.to_string())),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
            Err(wrong("name the key of the field in `field`".to_owned()))
        }
    }
}

fn one(name: &str, before: Option<&Json>, after: &Json) -> Result<Changes, Broken> {
    let wrong = |why: String| Broken::new("a field can't be taken", format!("{name:?}: {why}"));
    let value = |json: &Json| Value::new(json).map_err(|error| wrong(error.to_string()));
    let field = field_name(name).map_err(wrong)?;
    let before = before.map(value).transpose()?;
    Ok(Changes::from([(field, ImportChange { before, after: value(after)? })]))
}

#[cfg(test)]
mod tests {
    use super::super::Events;
    use std::fmt::Write as _;

    use super::*;

    const TICKETS: &str = r#"
name = "tickets"
actor = "user.name"
time = "ts"
time-unit-is-wrong = 1
"#;

    fn mapping(more: &str) -> Mapping {
        let start = "name = \"tickets\"\nactor = \"user.name\"\ntime = \"ts\"\nentity = \"ticket/{project.key}-{no}\"\n";
        format!("{start}{more}").parse().unwrap()
    }

    /// Each line as it is read: its command, or why not.
    fn read(mapping: Mapping, lines: &[&str]) -> String {
        let log = lines.join("\n");
        let mut events = Events::new(log.as_bytes(), mapping);
        let mut said = String::new();
        while let Some(line) = events.next_line().unwrap() {
            let read = match line.read {
                Ok(mut import) => {
                    assert!(import.digest.take().is_some());
                    serde_json::to_string(&import).unwrap()
                }
                Err(broken) => format!("{}: {}", broken.why, broken.detail),
            };
            writeln!(said, "{} {read}", line.number).unwrap();
        }
        said
    }

    #[test]
    fn one_field_a_line() {
        let mapping = mapping(
            "field = \"what\"\nbefore = \"old\"\nafter = \"new\"\nid = \"seq\"\nnote = \"why\"\nkind = \"type\"\ncreated = [\"opened\"]\n",
        );
        insta::assert_snapshot!(read(
            mapping,
            &[
                r#"{"seq": 1, "ts": "2026-03-01T10:00:00Z", "type": "opened", "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "what": "title", "new": "It breaks"}"#,
                r#"{"seq": "b", "ts": "2026-03-01T10:05:00+02:00", "user": {"name": "Ann Example"}, "project": {"key": "WEB"}, "no": 7, "what": "status", "old": "open", "new": "done", "why": "it does not break"}"#,
                r#"{"ts": "2026-03-01T10:00:00Z", "user": {}, "project": {"key": "WEB"}, "no": 7, "what": "status", "new": 1}"#,
                r#"{"ts": "yesterday", "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "what": "status", "new": 1}"#,
                r#"{"ts": "2026-03-01T10:00:00Z", "user": {"name": "ann"}, "no": 7, "what": "status", "new": 1}"#,
                r#"{"ts": "2026-03-01T10:00:00Z", "user": {"name": "ann"}, "project": {"key": "a*"}, "no": 7, "what": "s", "new": 1}"#,
                r#"{"ts": "2026-03-01T10:00:00Z", "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "new": 1}"#,
                "[1]",
                "{",
            ]
        ));
    }

    #[test]
    fn a_record_a_line_or_keys_of_their_own() {
        let lines = [
            r#"{"ts": 1772359200, "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "was": {"a": 1}, "is": {"a": 2, "b/c": [1]}, "owner": "bob"}"#,
            r#"{"ts": 1772359201, "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "was": "{\"a\":2}", "is": "{\"a\":null}"}"#,
            r#"{"ts": 1772359202.5, "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "is": {}}"#,
            r#"{"ts": 1772359203, "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "is": "closed"}"#,
            r#"{"ts": 1772359204, "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "is": 3}"#,
            r#"{"ts": 1772359205, "user": {"name": "ann"}, "project": {"key": "WEB"}, "no": 7, "owner": null}"#,
        ];
        let both = mapping(
            "time_unit = \"seconds\"\nbefore = \"was\"\nafter = \"is\"\n[fields]\nassignee = \"owner\"\n",
        );
        insta::assert_snapshot!(read(both, &lines));
    }

    #[test]
    fn a_wrong_mapping_is_told_with_its_place() {
        for (text, why, at) in [
            (TICKETS, "unknown field `time-unit-is-wrong`", Some("time-unit-is-wrong")),
            ("name = \"x\"\n", "missing field `actor`", None),
            ("name = 3\n", "invalid type", Some("3")),
            (
                "name = \"a b\"\nactor = \"a\"\ntime = \"t\"\nentity = \"x/{e}\"\nafter = \"n\"\n",
                "letters",
                None,
            ),
            ("name = \"x\"\nactor = \"a\"\ntime = \"t\"\nentity = \"x/{e}\"\n", "name `after`", None),
        ] {
            let wrong = text.parse::<Mapping>().unwrap_err();
            assert!(wrong.why.contains(why), "{}", wrong.why);
            if let Some(at) = at {
                assert!(text.get(wrong.span.unwrap()).unwrap().starts_with(at), "{text}");
            }
        }
    }
}
