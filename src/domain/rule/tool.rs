//! What a call of a tool means on the map: what it would change, look at, or do, from its arguments. Whether it may is
//! decided like everything else of that kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::domain::arguments::{Arguments, Json};
use crate::domain::hash::hex;
use crate::domain::map::tool::{Piece, pieces};
use crate::domain::map::{Does, Model, ToolFields, ToolRow, Unmapped};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::value::{Value, ValueError, WITHHELD};

/// What a call comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// It looks at this.
    Read(EntityPath),
    /// It changes this.
    Write {
        /// Of what.
        entity: EntityPath,
        /// To what.
        changes: BTreeMap<FieldName, Value>,
        /// The map does not say which fields, so that it is based on all of it.
        whole: bool,
    },
    /// It does something to a target.
    Act {
        /// To which.
        target: Arc<str>,
        /// About what.
        subject: EntityPath,
    },
    /// It says something on an output.
    Publish {
        /// On which.
        output: Arc<str>,
        /// In which conversation.
        thread: Option<Arc<str>>,
        /// About what.
        subject: EntityPath,
    },
    /// Nothing that the map is about.
    Nothing,
    /// The map does not name the tool.
    Unmapped(Unmapped),
}

impl Meaning {
    /// What the map says that it does.
    pub fn does(&self) -> Option<Does> {
        match self {
            Self::Read(_) => Some(Does::Read),
            Self::Write { .. } => Some(Does::Write),
            Self::Act { .. } => Some(Does::Act),
            Self::Publish { .. } => Some(Does::Publish),
            Self::Nothing => Some(Does::Nothing),
            Self::Unmapped(_) => None,
        }
    }

    /// What it is about.
    pub fn entity(&self) -> Option<&EntityPath> {
        match self {
            Self::Read(entity)
            | Self::Write { entity, .. }
            | Self::Act { subject: entity, .. }
            | Self::Publish { subject: entity, .. } => Some(entity),
            Self::Nothing | Self::Unmapped(_) => None,
        }
    }
}

/// The row that counts for a tool: the first that names it.
pub fn row<'m>(model: &'m Model, server: &str, tool: &str) -> Option<&'m ToolRow> {
    model.tools.iter().find(|row| row.names(server, tool))
}

/// What a call means. `root` is the directory that file names among its arguments are in.
///
/// # Errors
/// Why that can't be told from its arguments, as "reason; mend".
pub fn meaning(
    model: &Model,
    (server, tool): (&str, &str),
    arguments: &Arguments,
    root: Option<&str>,
) -> Result<Meaning, String> {
    let Some(row) = row(model, server, tool) else { return Ok(Meaning::Unmapped(model.unmapped)) };
    let named = arguments.by_name();
    let asked = Asked { row, named: &named, root };
    Ok(match row.does {
        Does::Read => Meaning::Read(asked.entity()?),
        Does::Write => {
            let entity = asked.entity()?;
            let changes = asked.changes(tool)?;
            Meaning::Write { entity, changes, whole: !matches!(row.fields, Some(ToolFields::Named(_))) }
        }
        Does::Act => {
            let subject = asked.entity()?;
            let target = match &row.target {
                Some(target) => asked.filled("target", target)?,
                None => subject.to_string(),
            };
            Meaning::Act { target: Arc::from(target), subject }
        }
        Does::Publish => {
            let output = row.output.clone().unwrap_or_default();
            let thread = row.thread.as_ref().map(|thread| asked.filled("thread", thread)).transpose()?;
            let subject = match (&row.entity, thread.as_deref().and_then(|thread| thread.parse().ok())) {
                (Some(_), _) => asked.entity()?,
                (None, Some(subject)) => subject,
                (None, None) => output.parse().map_err(|error| format!("the output is no path: {error}"))?,
            };
            Meaning::Publish { output: Arc::from(output), thread: thread.map(Arc::from), subject }
        }
        Does::Nothing => Meaning::Nothing,
    })
}

/// The arguments as people see them: of what the map withholds digest and length.
///
/// # Errors
/// When they are too large to be kept, as "reason; mend".
pub fn shown(row: Option<&ToolRow>, arguments: &Arguments) -> Result<Value, String> {
    let withheld = row.map_or(&[][..], |row| &row.withhold);
    let tree = hide(withheld, "", &Json::Object(arguments.by_name()));
    Value::new(&tree.plain()).map_err(|error| too_much("the arguments", &error))
}

fn too_much(what: &str, error: &ValueError) -> String {
    format!("{what} can't be kept: {error}; or let the map withhold it: `withhold` in the [[tool]]")
}

fn hide(withheld: &[String], path: &str, json: &Json) -> Json {
    if withheld.iter().any(|name| name == path) {
        let text = bytes(json);
        return Json::Text(format!("withheld: {} bytes, sha256:{}", text.len(), hex(&Sha256::digest(&text))));
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match json {
        Json::Object(entries) => Json::Object(
            entries.iter().map(|(name, one)| (name.clone(), hide(withheld, &below(name), one))).collect(),
        ),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => json.clone(),
    }
}

/// What a digest of a value is taken of: a text without its quotes, anything else as JSON.
fn bytes(json: &Json) -> String {
    if let Json::Text(text) = json { text.clone() } else { json.to_string() }
}

/// One call with its row.
struct Asked<'a> {
    row: &'a ToolRow,
    named: &'a BTreeMap<String, Json>,
    root: Option<&'a str>,
}

impl Asked<'_> {
    fn entity(&self) -> Result<EntityPath, String> {
        let template =
            self.row.entity.as_deref().ok_or("the map does not say what the tool is about; add `entity`")?;
        let mut text = String::new();
        for piece in pieces(template)? {
            match piece {
                Piece::Text(one) => text.push_str(one),
                Piece::Argument(name) => text.push_str(&below(&self.text(name)?, self.root)?),
            }
        }
        text.parse().map_err(|error| format!("it has no name on the map: {error}"))
    }

    fn filled(&self, key: &str, template: &str) -> Result<String, String> {
        let mut text = String::new();
        for piece in pieces(template).map_err(|why| format!("`{key}`: {why}"))? {
            match piece {
                Piece::Text(one) => text.push_str(one),
                Piece::Argument(name) => text.push_str(&self.text(name)?),
            }
        }
        Ok(text)
    }

    /// An argument that names something.
    fn text(&self, name: &str) -> Result<String, String> {
        match Json::at(self.named, name) {
            Some(Json::Text(text)) if !text.trim().is_empty() => Ok(text.clone()),
            Some(Json::Number(number)) => Ok(number.clone()),
            Some(Json::Text(_)) => Err(format!("the argument `{name}` is empty; name what it is about")),
            Some(Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_)) => Err(format!(
                "the argument `{name}` is no text and no number; call it for one thing at a time"
            )),
            None => Err(format!("the argument `{name}` is missing; name what it is about")),
        }
    }

    /// A tool that is told nothing but what it is about does it to the whole of that.
    fn changes(&self, tool: &str) -> Result<BTreeMap<FieldName, Value>, String> {
        let Some(ToolFields::Named(fields)) = &self.row.fields else {
            let others = self.other_arguments()?;
            let whole = || BTreeMap::from([(FieldName::whole(), Value::text(tool))]);
            return Ok(if others.is_empty() { whole() } else { others });
        };
        let changes = self.named_fields(fields)?;
        if changes.is_empty() {
            return Err("it names no field that the map knows; send one, or let a person add it to the map"
                .to_owned());
        }
        Ok(changes)
    }

    fn named_fields(
        &self,
        fields: &BTreeMap<FieldName, String>,
    ) -> Result<BTreeMap<FieldName, Value>, String> {
        let mut changes = BTreeMap::new();
        for (field, template) in fields {
            let value = match pieces(template)?.as_slice() {
                [Piece::Argument(name)] => match Json::at(self.named, name) {
                    Some(json) => self.value(name, json)?,
                    None => continue,
                },
                _ => Value::text(&self.filled("fields", template)?),
            };
            changes.insert(field.clone(), value);
        }
        Ok(changes)
    }

    fn other_arguments(&self) -> Result<BTreeMap<FieldName, Value>, String> {
        let template = self.row.entity.as_deref().unwrap_or_default();
        let naming: Vec<&str> = pieces(template)?
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Argument(name) => Some(name),
                Piece::Text(_) => None,
            })
            .collect();
        let mut changes = BTreeMap::new();
        for (name, json) in self.named.iter().filter(|(name, _)| !naming.contains(&name.as_str())) {
            let field = name
                .parse::<FieldName>()
                .map_err(|error| format!("the argument `{name}` is no field: {error}"))?;
            changes.insert(field, self.value(name, json)?);
        }
        Ok(changes)
    }

    /// The value as it is kept: of what is withheld the digest.
    fn value(&self, name: &str, json: &Json) -> Result<Value, String> {
        let within = |kept: &String| {
            name == kept || name.strip_prefix(kept.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        let kept = if self.row.withhold.iter().any(within) {
            let digest = format!("sha256:{}", hex(&Sha256::digest(bytes(json))));
            serde_json::json!({ WITHHELD: digest })
        } else {
            hide(&self.row.withhold, name, json).plain()
        };
        Value::new(&kept).map_err(|error| too_much(&format!("the argument `{name}`"), &error))
    }
}

/// A name as segments of an entity: a file's as it is called below `root`.
fn below(name: &str, root: Option<&str>) -> Result<String, String> {
    if !name.starts_with('/') {
        return if name.starts_with('.') || name.contains('/') { normal(name) } else { Ok(name.to_owned()) };
    }
    let root = root.ok_or_else(|| {
        format!(
            "`{name}` is an absolute path, and where that is on the map is not known; send a relative one"
        )
    })?;
    let whole = normal(name)?;
    let inside = whole.strip_prefix(&normal(root)?).and_then(|rest| rest.strip_prefix('/'));
    let outside = || format!("`{name}` is outside of `{root}` and has no name on the map; leave it alone");
    inside.map(str::to_owned).ok_or_else(outside)
}

/// A path without `.`, `..` and doubled slashes.
fn normal(path: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| {
                    format!("`{path}` leaves the directory that it is in; send a path without `..`")
                })?;
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() {
        return Err(format!("`{path}` names no file; name one"));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(rows: &str) -> Model {
        toml::from_str(&format!("workspace = \"w\"\n{rows}")).unwrap()
    }

    fn means(rows: &str, tool: &str, arguments: &str, root: Option<&str>) -> Result<Meaning, String> {
        meaning(&model(rows), ("fs", tool), &Arguments::parse(arguments).unwrap(), root)
    }

    const ROWS: &str = r#"
        [[tool]]
        server = "fs"
        name = "write_file"
        does = "write"
        entity = "repo/{path}"
        withhold = ["content"]
        [[tool]]
        server = "*"
        name = "update_*"
        does = "write"
        entity = "crm/contact/{id}"
        fields = { status = "{properties.status}", both = "{a}-{id}" }
        [[tool]]
        server = "fs"
        name = "send"
        does = "publish"
        output = "mail/clients"
        thread = "{thread}"
    "#;

    #[test]
    fn a_file_has_one_name_however_it_is_spelled() {
        for path in ["a/b.md", "./a/b.md", "a/../a//b.md", "/home/x/repo/a/b.md", "/home/x/./repo/a/b.md"] {
            let arguments = format!("{{\"path\":{path:?},\"content\":\"secret\"}}");
            let Meaning::Write { entity, changes, whole } =
                means(ROWS, "write_file", &arguments, Some("/home/x/repo/")).unwrap()
            else {
                panic!("{path}")
            };
            assert_eq!(entity.as_str(), "repo/a/b.md", "{path}");
            assert!(whole && changes.values().all(Value::is_withheld) && changes.len() == 1);
        }
        for path in [
            "/etc/passwd",
            "../x",
            "/home/x/repository/a",
            "/home/x/repo",
            ".",
            "",
            "a*b",
            "/home/x/repo/../y",
        ] {
            let arguments = format!("{{\"path\":{path:?},\"content\":1}}");
            assert!(means(ROWS, "write_file", &arguments, Some("/home/x/repo")).is_err(), "{path}");
        }
        assert!(means(ROWS, "write_file", r#"{"path":"/home/x","content":1}"#, None).is_err());
        assert!(means(ROWS, "write_file", r#"{"path":["a","b"],"content":1}"#, None).is_err());
    }

    #[test]
    fn fields_come_from_where_the_map_says() {
        let call = r#"{"id":7,"a":"x","properties":{"status":"won","amount":12345678901234567890123}}"#;
        let Meaning::Write { entity, changes, whole } = means(ROWS, "update_contact", call, None).unwrap()
        else {
            panic!()
        };
        assert_eq!((entity.as_str(), whole), ("crm/contact/7", false));
        let shown: Vec<String> =
            changes.iter().map(|(name, value)| format!("{name}={}", value.plain())).collect();
        assert_eq!(shown, ["both=x-7", "status=won"]);
        assert!(means(ROWS, "update_contact", r#"{"a":"x"}"#, None).unwrap_err().contains("`id` is missing"));
        assert_eq!(means(ROWS, "other", "{}", None).unwrap(), Meaning::Unmapped(Unmapped::Ask));
        let said = means(ROWS, "send", r#"{"thread":"inv/7","body":"x"}"#, None).unwrap();
        assert_eq!((said.does(), said.entity().unwrap().as_str()), (Some(Does::Publish), "inv/7"));
    }

    #[test]
    fn what_is_withheld_is_nowhere() {
        let model = model(ROWS);
        let row = row(&model, "fs", "write_file");
        let arguments =
            Arguments::parse(r#"{"path":"a","content":"secret","n":12345678901234567890123}"#).unwrap();
        let shown = shown(row, &arguments).unwrap().as_json().to_owned();
        assert!(!shown.contains("secret") && shown.contains("6 bytes, sha256:2bb80d"), "{shown}");
        assert!(shown.contains("\"12345678901234567890123\""), "{shown}");
        let large =
            Arguments::parse(&format!("{{\"path\":\"a\",\"x\":\"{}\"}}", "y".repeat(70_000))).unwrap();
        assert!(super::shown(row, &large).unwrap_err().contains("withhold"));
    }
}
