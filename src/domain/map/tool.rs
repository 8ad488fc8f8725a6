//! One `[[tool]]`: what calling a tool behind the gateway means on this map. What a call comes to is `rule::tool`'s.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::text_matches;
use crate::domain::path::FieldName;
use crate::domain::time::Span;

/// For how long a call is held open while a person decides, where its row says nothing.
pub const HOLD: Span = Span::from_secs(20);
/// For how long a forwarded call may be without an end, where its row says nothing.
pub const TIMEOUT: Span = Span::from_mins(1);
/// For how long an approval is good, where its row says nothing.
pub const APPROVAL_FOR: Span = Span::from_hours(1);

/// What is done with a call that no row names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unmapped {
    /// A person decides what the tool does.
    #[default]
    Ask,
    /// It is refused.
    Deny,
    /// It is forwarded, and recorded.
    Record,
}

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Does {
    /// It looks at an entity.
    Read,
    /// It changes fields of an entity.
    Write,
    /// It does something outside, to a target.
    Act,
    /// It says something on an output.
    Publish,
    /// Nothing that the map is about.
    Nothing,
}

impl Does {
    /// As the map writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Act => "act",
            Self::Publish => "publish",
            Self::Nothing => "nothing",
        }
    }
}

/// Which fields a write changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ToolFields {
    /// These, each from the arguments.
    #[schemars(title = "Named")]
    Named(BTreeMap<FieldName, String>),
    /// Every other argument: `"*"`.
    All(AllFields),
}

/// `"*"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AllFields {
    /// Every argument that does not name the entity is a field.
    #[serde(rename = "*")]
    All,
}

/// One `[[tool]]`. Of the rows that name a tool the first counts.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolRow {
    /// Of which servers, by their names in the gateway's settings; `*` stands for anything.
    pub server: String,
    /// Which tools; `*` stands for anything.
    pub name: String,
    /// What they do.
    pub does: Does,
    /// What it is about, from the arguments: `crm/contact/{id}`, `{a.b}` for nested ones.
    pub entity: Option<String>,
    /// Where a publication goes: an output.
    pub output: Option<String>,
    /// The conversation on it, from the arguments.
    pub thread: Option<String>,
    /// Where an act goes, from the arguments: an output, or a path in somebody's zone.
    pub target: Option<String>,
    /// A tool of the same server that reads the entity again just before it is written.
    pub verify: Option<String>,
    /// Arguments of which only digest and length are kept and shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withhold: Vec<String>,
    /// For how long a call is held open while a person decides.
    pub hold: Option<Span>,
    /// For how long a forwarded call may be without an end.
    pub timeout: Option<Span>,
    /// For how long an approval is good.
    pub approval_for: Option<Span>,
    /// A person approves each call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approve: bool,
    /// Which fields a write changes; every other argument where it says nothing.
    pub fields: Option<ToolFields>,
}

impl ToolRow {
    /// A row that names one tool and what it does.
    pub fn new(server: &str, name: &str, does: Does) -> Self {
        Self {
            server: server.to_owned(),
            name: name.to_owned(),
            does,
            entity: None,
            output: None,
            thread: None,
            target: None,
            verify: None,
            withhold: Vec::new(),
            hold: None,
            timeout: None,
            approval_for: None,
            approve: false,
            fields: None,
        }
    }

    /// Does it speak of that tool?
    pub fn names(&self, server: &str, tool: &str) -> bool {
        text_matches(&self.server, server) && text_matches(&self.name, tool)
    }

    /// For how long a call is held open while a person decides.
    pub fn hold(&self) -> Span {
        self.hold.unwrap_or(HOLD)
    }

    /// For how long a forwarded call may be without an end.
    pub fn timeout(&self) -> Span {
        self.timeout.unwrap_or(TIMEOUT)
    }

    /// For how long an approval is good.
    pub fn approval_for(&self) -> Span {
        self.approval_for.unwrap_or(APPROVAL_FOR)
    }

    /// The fields that an argument changes, by its name at the top of the arguments; none where it names what the call is
    /// about, or is only passed on.
    pub fn feeds(&self, argument: &str) -> Vec<FieldName> {
        let is_it = |text: &str| {
            let pieces = pieces(text).unwrap_or_default();
            pieces.iter().any(|piece| match piece {
                Piece::Argument(name) => name.split('.').next() == Some(argument),
                Piece::Text(_) => false,
            })
        };
        match (self.does, &self.fields) {
            (Does::Write, Some(ToolFields::Named(fields))) => {
                fields.iter().filter(|(_, text)| is_it(text)).map(|(name, _)| name.clone()).collect()
            }
            (Does::Write, Some(ToolFields::All(_)) | None) if !self.entity.as_deref().is_some_and(is_it) => {
                argument.parse().into_iter().collect()
            }
            (Does::Write | Does::Read | Does::Act | Does::Publish | Does::Nothing, _) => Vec::new(),
        }
    }

    /// Its texts that are filled in from the arguments, by key.
    pub fn templates(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = match &self.fields {
            Some(ToolFields::Named(fields)) => Some(fields),
            Some(ToolFields::All(_)) | None => None,
        };
        let fields = named.into_iter().flatten().map(|(_, text)| ("fields", text.as_str()));
        let own = [("entity", &self.entity), ("thread", &self.thread), ("target", &self.target)];
        own.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?))).chain(fields)
    }
}

impl fmt::Display for ToolRow {
    /// In one line: `crm/update_contact writes crm/contact/{id}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = match self.does {
            Does::Read | Does::Write => self.entity.as_deref(),
            Does::Act => self.target.as_deref(),
            Does::Publish => self.output.as_deref(),
            Does::Nothing => None,
        };
        write!(f, "{}/{}: {}", self.server, self.name, self.does.as_str())?;
        about.map_or(Ok(()), |about| write!(f, " {about}"))
    }
}

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// The argument of that name, or at that path.
    Argument(&'a str),
}

/// The parts of a text with `{arguments}` in it.
///
/// # Errors
/// What is wrong with a brace, as "reason; mend".
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, &'static str> {
    let mut rest = text;
    let mut all = Vec::new();
    while let Some((before, after)) = rest.split_once('{') {
        if before.contains('}') {
            return Err("a `}` stands without its `{`; write `{argument}`");
        }
        let (name, left) = after.split_once('}').ok_or("a `{` is not closed; write `{argument}`")?;
        if name.trim().is_empty() || name.contains('{') {
            return Err("a variable has no name; write `{argument}`, or `{a.b}` for a nested one");
        }
        if !before.is_empty() {
            all.push(Piece::Text(before));
        }
        all.push(Piece::Argument(name));
        rest = left;
    }
    if rest.contains('}') {
        return Err("a `}` stands without its `{`; write `{argument}`");
    }
    if !rest.is_empty() {
        all.push(Piece::Text(rest));
    }
    Ok(all)
}
