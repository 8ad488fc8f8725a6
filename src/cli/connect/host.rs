//! The coding agents that can be connected, a row each: how one is found, where its settings are, and what is entered in which
//! form. One more is a file beside `codex` and its name in `HOSTS`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::entry::Entry;
use super::{claude_code, codex, gemini, vscode};
use crate::api::Handled;
use crate::cli::hook;
use crate::cli::program::on_path;
use crate::cli::status::Usage;
use crate::client::Url;
use crate::domain::ids::AgentId;
use crate::hook::Dialect;

/// All of them, in the order in which they are told.
pub(super) const HOSTS: [Host; 4] = [claude_code::HOST, codex::HOST, gemini::HOST, vscode::HOST];

/// The name under which Deeds' own tools are entered.
pub(in crate::cli) const SERVER: &str = "deeds";

/// The variable of the environment that has the guard's token, where a hook asks a server.
pub(super) const GUARD_TOKEN: &str = "DEEDS_GUARD_TOKEN";

/// A coding agent.
#[derive(Debug)]
pub(super) struct Host {
    /// Its name among the arguments.
    pub(super) word: &'static str,
    /// Its name.
    pub(super) title: &'static str,
    /// The program that it is started by.
    pub(super) program: &'static str,
    /// What is there where it has been at work.
    pub(super) traces: fn(&Machine) -> Vec<PathBuf>,
    /// Where its MCP servers are named.
    pub(super) servers: fn(&Machine, Scope) -> PathBuf,
    /// By which key.
    pub(super) key: &'static str,
    /// Whether a server says that it speaks on standard input and output.
    pub(super) typed: bool,
    /// How it is guarded, where it can be.
    pub(super) hooks: Option<Hooks>,
    /// What is left for its user to do.
    pub(super) then: &'static str,
}

/// How a coding agent asks before it uses a tool.
#[derive(Debug)]
pub(in crate::cli) struct Hooks {
    /// Where its hooks are named.
    pub(super) file: fn(&Machine, Scope) -> PathBuf,
    /// Where else they may be, so that none is entered twice.
    pub(super) also: fn(&Machine, Scope) -> Option<PathBuf>,
    /// How it speaks to them.
    pub(super) dialect: &'static Dialect,
    /// What is asked, as it is written for an event.
    pub(super) handler: fn(event: &str, asks: &Asks) -> Value,
    /// Whether it also asks a server by HTTP.
    pub(super) by_http: bool,
}

/// What a hook asks.
#[derive(Debug, Clone)]
pub(in crate::cli) enum Asks {
    /// The command, as a line for a shell.
    Command(String),
    /// A server here.
    Server {
        /// The address for the host and its agent.
        url: String,
        /// Where the coding agent is started, as a header says it.
        project: String,
    },
}

impl Asks {
    /// By what it is told from others.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Command(text) | Self::Server { url: text, .. } => text,
        }
    }
}

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of the project here.
    Project,
    /// A person's, for all projects.
    User,
}

/// Where settings can be on this machine.
#[derive(Debug)]
pub(super) struct Machine {
    /// The person's home.
    pub(super) home: PathBuf,
    /// Where the platform has programs keep settings.
    pub(super) config: PathBuf,
    /// The top of the repository here, or the directory.
    pub(super) project: PathBuf,
}

impl Machine {
    pub(super) fn here() -> anyhow::Result<Self> {
        let none = || Usage::error("there is no home directory to look for settings in; set HOME");
        let dirs = directories::BaseDirs::new().ok_or_else(none)?;
        Ok(Self {
            home: dirs.home_dir().to_owned(),
            config: dirs.config_dir().to_owned(),
            project: hook::project()?,
        })
    }

    /// The directory that a variable names, else the one of that name in the home.
    pub(super) fn named(&self, variable: &str, name: &str) -> PathBuf {
        let set = std::env::var_os(variable).filter(|value| !value.is_empty());
        set.map_or_else(|| self.home.join(name), PathBuf::from)
    }
}

impl Host {
    pub(super) fn named(word: &str) -> Option<&'static Self> {
        HOSTS.iter().find(|host| host.word == word)
    }

    /// Whether it is on this machine, or has been at work in this project.
    pub(super) fn is_found(&self, machine: &Machine) -> bool {
        (self.traces)(machine).iter().any(|trace| trace.exists()) || on_path(self.program).is_some()
    }

    /// Deeds' own tools among its MCP servers.
    pub(super) fn tools(&self, command: &str, arguments: &[String]) -> Entry {
        let server = if self.typed {
            json!({ "type": "stdio", "command": command, "args": arguments })
        } else {
            json!({ "command": command, "args": arguments })
        };
        Entry::at(&[self.key, SERVER], server)
    }

    /// A server behind a gateway: its own command, with all that is said beside it left as it is.
    pub(super) fn gateway(&self, name: &str, command: &str, arguments: &[String]) -> [Entry; 2] {
        [
            Entry::at(&[self.key, name, "command"], command.into()),
            Entry::at(&[self.key, name, "args"], arguments.into()),
        ]
    }
}

impl Hooks {
    /// Its hooks that ask so, for every tool: which ones matter, the hook says.
    pub(in crate::cli) fn entries(&self, asks: &Asks) -> Vec<Entry> {
        let entry = |event: &&str| {
            let group = json!({ "matcher": "*", "hooks": [(self.handler)(event, asks)] });
            Entry::in_list(&["hooks", event], group)
        };
        [self.dialect.before].iter().chain(self.dialect.after.first()).map(entry).collect()
    }

    /// By which words in a command a hook of ours is known.
    pub(in crate::cli) fn words(&self) -> String {
        format!(" hook {}", self.dialect.name)
    }

    /// The address of a server at which its hooks ask for the agent.
    pub(super) fn address(&self, server: &str, agent: &AgentId) -> anyhow::Result<String> {
        let url = format!("{server}{}", self.path());
        Ok(Url::parse_with_params(&url, [("agent", agent.as_str())])?.into())
    }

    fn path(&self) -> String {
        Handled::Hook.path().replace("{host}", self.dialect.name)
    }

    /// The command of a hook of ours that stands in a file already, or the address.
    pub(in crate::cli) fn there(&self, all: &Value) -> Option<String> {
        let (words, path) = (self.words(), self.path());
        let groups = all.get("hooks")?.get(self.dialect.before)?.as_array()?;
        let hooks = groups.iter().filter_map(|group| group.get("hooks")?.as_array()).flatten();
        let mut asked = hooks.filter_map(|hook| hook.get("command").or_else(|| hook.get("url"))?.as_str());
        asked.find(|asked| asked.contains(&words) || asked.contains(&path)).map(str::to_owned)
    }
}
