//! Claude Code's settings file with one hook more: everything else stays as it is written, in its order.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::cli::hook::claude_code::matcher;

/// Longer than the hook ever takes, in seconds; then Claude Code goes on without it.
const TIMEOUT_SECONDS: u32 = 10;
const EVENT: &str = "PreToolUse";

/// What became of the settings.
#[derive(Debug)]
pub(super) enum Merged {
    /// There is such a hook, with this command.
    There(String),
    /// The whole new text.
    New(String),
}

/// An object with its keys in their order and its values as they are written.
#[derive(Debug, Default)]
struct Object(Vec<(String, Box<RawValue>)>);

#[derive(Serialize)]
struct Group {
    matcher: String,
    hooks: [Hook; 1],
}

#[derive(Serialize)]
struct Hook {
    r#type: &'static str,
    command: String,
    timeout: u32,
}

/// What stands under the event, as far as it matters.
#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    hooks: Vec<KnownHook>,
}

#[derive(Deserialize)]
struct KnownHook {
    #[serde(default)]
    command: String,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Object {
    fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| &**value)
    }

    /// The object with another value for a key, at that depth.
    fn with(&self, key: &str, value: &str, depth: usize) -> serde_json::Result<String> {
        let mut entries = Vec::new();
        let mut put = false;
        for (known, old) in &self.0 {
            let value = if known == key { value } else { old.get() };
            put |= known == key;
            entries.push(format!("{}: {value}", serde_json::to_string(known)?));
        }
        if !put {
            entries.push(format!("{}: {value}", serde_json::to_string(key)?));
        }
        Ok(between('{', &entries, '}', depth))
    }
}

/// Entries on lines of their own.
fn between(open: char, entries: &[String], close: char, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let lines: Vec<String> = entries.iter().map(|entry| format!("{indent}  {entry}")).collect();
    format!("{open}\n{}\n{indent}{close}", lines.join(",\n"))
}

/// A settings file with nothing else in it.
pub(super) fn alone(command: &str) -> serde_json::Result<String> {
    let groups = between('[', &[group(command, 3)?], ']', 2);
    let hooks = Object::default().with(EVENT, &groups, 1)?;
    Object::default().with("hooks", &hooks, 0)
}

/// The settings that are there with the hook; `words` tell such a hook from others. Why they can't be read, as a clause.
pub(super) fn merged(there: Option<&str>, command: &str, words: &str) -> Result<Merged, String> {
    let wrong = |what: &str, error: &serde_json::Error| format!("{what} can't be read: {error}");
    let text = there.unwrap_or_default().trim_start_matches('\u{feff}');
    let settings: Object = if text.trim().is_empty() {
        Object::default()
    } else {
        serde_json::from_str(text).map_err(|error| wrong("it", &error))?
    };
    let hooks: Object = match settings.get("hooks") {
        Some(hooks) => serde_json::from_str(hooks.get()).map_err(|error| wrong("`hooks` in it", &error))?,
        None => Object::default(),
    };
    let groups: Vec<Box<RawValue>> = match hooks.get(EVENT) {
        Some(groups) => {
            serde_json::from_str(groups.get()).map_err(|error| wrong("`hooks.PreToolUse` in it", &error))?
        }
        None => Vec::new(),
    };
    for group in &groups {
        let known: Known = serde_json::from_str(group.get())
            .map_err(|error| wrong("an entry of `hooks.PreToolUse` in it", &error))?;
        if let Some(hook) = known.hooks.into_iter().find(|hook| hook.command.contains(words)) {
            return Ok(Merged::There(hook.command));
        }
    }
    let write = || {
        let mut entries: Vec<String> = groups.iter().map(|group| group.get().to_owned()).collect();
        entries.push(group(command, 3)?);
        let hooks = hooks.with(EVENT, &between('[', &entries, ']', 2), 1)?;
        settings.with("hooks", &hooks, 0)
    };
    let text = write().map_err(|error: serde_json::Error| error.to_string())?;
    Ok(Merged::New(format!("{text}\n")))
}

/// Our entry, at that depth.
fn group(command: &str, depth: usize) -> serde_json::Result<String> {
    let hook = Hook { r#type: "command", command: command.to_owned(), timeout: TIMEOUT_SECONDS };
    let text = serde_json::to_string_pretty(&Group { matcher: matcher(), hooks: [hook] })?;
    Ok(text.replace('\n', &format!("\n{}", "  ".repeat(depth))))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const WORDS: &str = " hook claude-code";
    const COMMAND: &str = "deeds hook claude-code --agent a";

    fn new(there: &str) -> String {
        match merged(Some(there), COMMAND, WORDS).unwrap() {
            Merged::New(text) => text,
            Merged::There(command) => panic!("{command}"),
        }
    }

    #[test]
    fn what_is_there_stays_as_it_is_written() {
        let there = "{\n  \"zeta\": [1, 2],\n  \"hooks\": {\n    \"PreToolUse\": [\n      {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"./lint.sh\"}]}\n    ],\n    \"Stop\": []\n  },\n  \"alpha\": {\"b\":  1.50, \"a\": 9007199254740993}\n}\n";
        let text = new(there);
        for kept in [
            "\"zeta\": [1, 2]",
            "\"Stop\": []",
            "\"command\": \"./lint.sh\"",
            "{\"b\":  1.50, \"a\": 9007199254740993}",
        ] {
            assert!(text.contains(kept), "{kept}\n{text}");
        }
        assert!(text.find("zeta").unwrap() < text.find("alpha").unwrap(), "{text}");
        let (mut before, mut after): (Value, Value) =
            (serde_json::from_str(there).unwrap(), serde_json::from_str(&text).unwrap());
        assert_eq!(after["hooks"]["PreToolUse"][1]["hooks"][0]["command"], COMMAND);
        after["hooks"]["PreToolUse"].as_array_mut().unwrap().pop();
        assert_eq!(before.take(), after);
        assert!(matches!(merged(Some(&text), COMMAND, WORDS), Ok(Merged::There(there)) if there == COMMAND));
    }

    #[test]
    fn an_empty_file_becomes_what_is_printed() {
        for there in ["", " \n", "{}", "\u{feff}{}"] {
            assert_eq!(new(there), format!("{}\n", alone(COMMAND).unwrap()));
        }
    }

    #[test]
    fn what_can_not_be_read_is_not_written() {
        for (there, why) in [
            ("{ // mine\n}", "it can't be read"),
            ("[]", "an object"),
            ("{\"hooks\": []}", "`hooks` in it"),
            ("{\"hooks\": {\"PreToolUse\": {}}}", "`hooks.PreToolUse` in it"),
            ("{\"hooks\": {\"PreToolUse\": [3]}}", "an entry of"),
        ] {
            let said = merged(Some(there), COMMAND, WORDS).unwrap_err();
            assert!(said.contains(why), "{there}: {said}");
        }
    }
}
