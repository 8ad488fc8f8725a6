//! How each host of coding agents speaks: a row of tools with where their input names what they are about, the names of its
//! events, and how it takes an answer. Everything else in what it says is let be, so that a field more breaks nothing.

mod claude_code;
mod codex;
mod gemini;

use serde_json::{Map, Value};

use super::call::{Answer, Call, Touch, When, Wish};
use super::patch;
use super::search::Search;

pub use claude_code::CLAUDE_CODE;
pub use codex::CODEX;
pub use gemini::GEMINI;

/// Every host that is known.
pub const DIALECTS: [&Dialect; 3] = [&CLAUDE_CODE, &CODEX, &GEMINI];

/// Where an input names a command, and where that runs.
const COMMANDS: [&str; 3] = ["command", "cmd", "script"];
const PLACES: [&str; 5] = ["workdir", "dir_path", "directory", "working_directory", "cwd"];
/// Where an input has a patch.
const PATCHES: [&str; 3] = ["command", "input", "patch"];
/// By what an input of a tool that nobody knows shows that it is about files or runs something.
const TELLING: [&str; 8] =
    ["file_path", "path", "notebook_path", "filename", "absolute_path", "command", "patch", "script"];

/// One host.
#[derive(Debug)]
pub struct Dialect {
    /// As it is named in commands and reports.
    pub name: &'static str,
    /// As people call it.
    pub host: &'static str,
    /// The event in which an answer may stop a tool.
    pub before: &'static str,
    /// The events after it.
    pub after: &'static [&'static str],
    /// Where an environment variable says in which directory the agent was started.
    pub project: Option<&'static str>,
    tools: &'static [(&'static str, Form)],
    write: fn(&Answer) -> Value,
}

/// Where the input of a tool names what it is about.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// A file, under the first of these keys that is there.
    File(&'static [&'static str], Wish),
    /// A search, with the keys of its folder.
    Search(Search, &'static [&'static str]),
    /// Several globs, under that key.
    Globs(&'static str),
    /// A command line for a shell.
    Shell,
    /// A patch that names its files.
    Patch,
    /// A command line that is not understood here.
    Strange,
    /// Nothing that a map of files is about.
    Nothing,
}

impl Dialect {
    /// The one of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        DIALECTS.into_iter().find(|dialect| dialect.name == name)
    }

    /// The answer in the host's own form.
    pub fn said(&self, answer: &Answer) -> Value {
        (self.write)(answer)
    }

    /// What stops a tool, where the host can't be told to ask its user: then a question does, and says who may do it. None where
    /// nothing is decided.
    fn stops(&self, answer: &Answer) -> Option<String> {
        match answer {
            Answer::Deny(_) => Some(answer.why()),
            Answer::Ask(_) => {
                Some(format!("{}. {} can't be told to ask: let a person do it", answer.why(), self.host))
            }
            Answer::Tell(_) => None,
        }
    }

    /// Reads what the host says. None where it is no use of a tool, or one that is about nothing here.
    ///
    /// # Errors
    /// Why that can't be told, as a clause.
    pub fn read(&self, bytes: &[u8]) -> Result<Option<Call>, String> {
        let said: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| format!("what came is no tool call of {}: {error}", self.host))?;
        let event = text(&said, "hook_event_name")
            .ok_or_else(|| format!("the call of {} says no `hook_event_name`", self.host))?;
        let when = match event {
            event if event == self.before => When::Before,
            event if self.after.contains(&event) => When::After,
            _ => return Ok(None),
        };
        let tool = text(&said, "tool_name")
            .ok_or_else(|| format!("the call of {} says no `tool_name`", self.host))?;
        let touches = self.touches(&said, tool)?;
        let owned = |key: &str| text(&said, key).filter(|text| !text.is_empty()).map(str::to_owned);
        let call = Call {
            when,
            tool: tool.to_owned(),
            cwd: owned("cwd").map(Into::into),
            session: owned("session_id"),
            subagent: owned("agent_type"),
            touches,
        };
        Ok(Some(call).filter(|call| !call.touches.is_empty()))
    }

    fn touches(&self, said: &Map<String, Value>, tool: &str) -> Result<Vec<Touch>, String> {
        let nothing = Map::new();
        let input = match said.get("tool_input") {
            Some(Value::Object(input)) => input,
            None | Some(Value::Null) => &nothing,
            Some(_) => return Err(format!("the `tool_input` of {tool} is no object")),
        };
        if let Some((server, tool)) = of_a_server(said, tool) {
            return Ok(vec![Touch::Tool { server, tool, arguments: Value::Object(input.clone()) }]);
        }
        match self.tools.iter().find(|(name, _)| *name == tool) {
            Some((_, form)) => form.touches(tool, input),
            None => Ok(TELLING
                .iter()
                .find(|key| input.contains_key(**key))
                .map(|key| {
                    Touch::Unsure(format!("{tool} is a tool that is not known here, and it names a `{key}`"))
                })
                .into_iter()
                .collect()),
        }
    }
}

impl Form {
    fn touches(self, tool: &str, input: &Map<String, Value>) -> Result<Vec<Touch>, String> {
        Ok(match self {
            Self::File(keys, wish) => vec![Touch::File(named(tool, input, keys)?.to_owned(), wish)],
            Self::Search(search, keys) => {
                // Those that look look here unless they are told otherwise.
                let folder = if keys.iter().any(|key| input.contains_key(*key)) {
                    named(tool, input, keys)?
                } else {
                    "."
                };
                vec![search.touch(folder, input)]
            }
            Self::Globs(key) => {
                let globs = input.get(key).and_then(Value::as_array).into_iter().flatten();
                let globs: Vec<&str> = globs.filter_map(Value::as_str).collect();
                if globs.is_empty() {
                    return Err(format!("the call of {tool} names no files in `{key}`"));
                }
                globs.iter().map(|glob| Search::Glob.of(".", glob)).collect()
            }
            Self::Shell => {
                let script = script(input).ok_or_else(|| format!("the call of {tool} has no `command`"))?;
                let cwd = PLACES.iter().find_map(|key| text(input, key)).filter(|place| !place.is_empty());
                // Some hosts have `apply_patch` as a program of the shell.
                let patched = if script.contains(patch::BEGIN) { patch::files(&script) } else { Vec::new() };
                let mut all: Vec<Touch> =
                    patched.into_iter().map(|file| Touch::File(file.to_owned(), Wish::Change)).collect();
                all.push(Touch::Shell { script: script.clone(), cwd: cwd.map(str::to_owned) });
                all
            }
            Self::Patch => {
                let patch = PATCHES.iter().find_map(|key| text(input, key));
                let patch = patch.ok_or_else(|| format!("the call of {tool} has no patch"))?;
                let files = patch::files(patch);
                if files.is_empty() {
                    return Err("the patch names no file".to_owned());
                }
                files.into_iter().map(|file| Touch::File(file.to_owned(), Wish::Change)).collect()
            }
            Self::Strange => vec![Touch::Unsure(format!("what a command of {tool} writes can't be told"))],
            Self::Nothing => Vec::new(),
        })
    }
}

/// The command line: a text, or the words of one.
fn script(input: &Map<String, Value>) -> Option<String> {
    match COMMANDS.iter().find_map(|key| input.get(*key))? {
        Value::String(script) => Some(script.clone()),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            Some(match words?.as_slice() {
                // A shell's own: what it is told to run.
                [shell, flag, script] if is_shell(shell) && flag.starts_with('-') && flag.ends_with('c') => {
                    (*script).to_owned()
                }
                words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("bash" | "sh" | "zsh" | "dash"))
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn text<'a>(entries: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    entries.get(key).and_then(Value::as_str)
}

/// A file that an input names.
fn named<'a>(tool: &str, input: &'a Map<String, Value>, keys: &[&str]) -> Result<&'a str, String> {
    let there = keys.iter().find_map(|key| input.get(*key)).and_then(Value::as_str);
    there.filter(|path| !path.is_empty() && !path.contains('\0')).ok_or_else(|| {
        format!("the call of {tool} names no file in `{}`", keys.first().copied().unwrap_or_default())
    })
}

/// The server and the tool, where it is a tool of an MCP server: by its name (`mcp__server__tool`), and by what some hosts say
/// beside it, as a text or as an object.
fn of_a_server(said: &Map<String, Value>, name: &str) -> Option<(String, String)> {
    let beside = ["mcp_server", "mcp_context"].iter().find_map(|key| said.get(*key));
    let one_of = |keys: [&str; 3]| {
        let Some(Value::Object(entries)) = beside else { return None };
        keys.iter().find_map(|key| text(entries, key))
    };
    let told = beside.and_then(Value::as_str).or_else(|| one_of(["name", "server_name", "server"]));
    let rest = name.strip_prefix("mcp__");
    let of_told = told.and_then(|told| rest?.strip_prefix(told)?.strip_prefix("__"));
    let split = rest.and_then(|rest| rest.split_once("__"));
    let server = told.or(split.map(|(server, _)| server)).or(rest)?;
    let tool = one_of(["tool_name", "tool", "original_name"]).or(of_told).or(split.map(|(_, tool)| tool));
    Some((server.to_owned(), tool.unwrap_or(name).to_owned()))
}

#[cfg(test)]
mod tests;
