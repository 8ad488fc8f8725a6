//! What is entered into a settings file, and how it is found again: the file's own form, JSON or TOML, does the rest
//! (`in_json`, `in_toml`). A file keeps its comments, its order and its line ends.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{in_json, in_toml};

/// The sign before the first letter that some editors write.
const BOM: char = '\u{feff}';

/// Something that is entered.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Entry {
    /// The keys that lead to it, from the top.
    pub(super) path: Vec<String>,
    /// It is one more in the list there, rather than what is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) listed: bool,
    /// The entry.
    pub(super) value: Value,
    /// What stood there before, which comes back.
    pub(super) was: Option<Value>,
}

impl Entry {
    /// The value at that place.
    pub(super) fn at(path: &[&str], value: Value) -> Self {
        Self { path: path.iter().map(|&key| key.to_owned()).collect(), listed: false, value, was: None }
    }

    /// One more in the list at that place.
    pub(in crate::cli) fn in_list(path: &[&str], value: Value) -> Self {
        Self { listed: true, ..Self::at(path, value) }
    }

    /// The program that it starts, where it says that by itself.
    pub(in crate::cli) fn program(&self) -> Option<&str> {
        self.value.get("command").unwrap_or(&self.value).as_str()
    }

    /// What it is called where something is said of it.
    pub(in crate::cli) fn name(&self) -> String {
        self.path.join(".")
    }

    /// Whether it stands in a file that says this.
    pub(in crate::cli) fn stands(&self, all: &Value) -> bool {
        match (find(all, &self.path), self.listed) {
            (Some(there), false) => *there == self.value,
            (Some(there), true) => there.as_array().is_some_and(|list| list.contains(&self.value)),
            (None, _) => false,
        }
    }
}

/// What is at the end of those keys.
pub(super) fn find<'a>(all: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(all, |value, key| value.get(key))
}

/// The place of a key among those of what is entered, as people write them.
pub(super) fn rank(key: &str) -> usize {
    const ORDER: [&str; 11] = [
        "matcher",
        "hooks",
        "name",
        "type",
        "command",
        "args",
        "url",
        "headers",
        "allowedEnvVars",
        "timeout",
        "onFailure",
    ];
    ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len())
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Form {
    /// JSON, with comments and commas after the last where they are.
    Json,
    Toml,
}

impl Form {
    pub(in crate::cli) fn of(file: &Path) -> Self {
        if file.extension().is_some_and(|extension| extension == "toml") { Self::Toml } else { Self::Json }
    }

    /// What the text says; else where it breaks off and why, as `LINE:COLUMN: …`.
    pub(in crate::cli) fn value(self, text: &str) -> Result<Value, String> {
        let text = text.strip_prefix(BOM).unwrap_or(text);
        match self {
            Self::Json => in_json::value(text),
            Self::Toml => in_toml::value(text),
        }
    }

    /// The text with the entries in it; each learns what stood there.
    pub(in crate::cli) fn enter(self, text: &str, entries: &mut [Entry]) -> Result<String, String> {
        let new = as_written(text, |text| match self {
            Self::Json => in_json::enter(text, entries),
            Self::Toml => in_toml::enter(text, entries),
        })?;
        // What is written says what it should, or nothing is.
        let all = self.value(&new)?;
        match entries.iter().find(|entry| !entry.stands(&all)) {
            Some(entry) => Err(format!("{} can't be entered as the file is written", entry.name())),
            None => Ok(new),
        }
    }

    /// The text without the entries, and the names of those that are left, since somebody has changed them. Where they leave
    /// nothing behind in something that the text before did not have, that goes too.
    pub(super) fn take_out(
        self,
        text: &str,
        entries: &[Entry],
        before: Option<&str>,
    ) -> Result<(String, Vec<String>), String> {
        let all = self.value(text)?;
        let before = before.and_then(|before| self.value(before).ok()).unwrap_or(Value::Null);
        let ours: Vec<&Entry> = entries.iter().rev().filter(|entry| entry.stands(&all)).collect();
        let changed = |entry: &&Entry| {
            !entry.listed
                && !entry.stands(&all)
                && find(&all, &entry.path).is_some_and(|now| entry.was.as_ref() != Some(now))
        };
        let left = entries.iter().filter(changed).map(Entry::name).collect();
        let text = as_written(text, |text| match self {
            Self::Json => in_json::take_out(text, &ours, &before),
            Self::Toml => in_toml::take_out(text, &ours, &before),
        })?;
        Ok((text, left))
    }
}

/// Changes a text and keeps its mark at the beginning.
fn as_written(text: &str, change: impl FnOnce(&str) -> Result<String, String>) -> Result<String, String> {
    match text.strip_prefix(BOM) {
        Some(rest) => Ok(format!("{BOM}{}", change(rest)?)),
        None => change(text),
    }
}
