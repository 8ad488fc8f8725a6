//! A tool call in one form for all hosts, and the answer to it.

use std::path::PathBuf;

use serde_json::Value;

/// What is about to happen to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// It is made, changed, or taken away.
    Change,
    /// It is looked at.
    Look,
}

/// Whether a tool is about to be used or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// An answer may stop it.
    Before,
    /// It is over.
    After,
}

/// One use of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Before or after it.
    pub when: When,
    /// The tool, as its host calls it.
    pub tool: String,
    /// Where the agent is.
    pub cwd: Option<PathBuf>,
    /// Which conversation it is, as its host calls it.
    pub session: Option<String>,
    /// Of which kind the subagent is that uses it, where it is one.
    pub subagent: Option<String>,
    /// What it is about.
    pub touches: Vec<Touch>,
}

/// Something that a use of a tool is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Touch {
    /// A file, as it is written.
    File(String, Wish),
    /// A search: where it was told to look, or from where on and what a pattern of the map says of it, where that is a folder.
    Search {
        /// As it is written.
        named: String,
        /// The folder that it begins in.
        folder: PathBuf,
        /// What it looks at there, in the map's language.
        reach: String,
    },
    /// A command line for a shell.
    Shell {
        /// As it is written.
        script: String,
        /// Where it runs, where the call says so.
        cwd: Option<String>,
    },
    /// A tool of an MCP server.
    Tool {
        /// The server, as the host calls it.
        server: String,
        /// The tool, as its server calls it.
        tool: String,
        /// As they are written.
        arguments: Value,
    },
    /// Something whose reach can't be told: why, as a clause.
    Unsure(String),
}

/// What a guard says. It never allows: a host that is told so would not ask its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The tool is not used, and its agent is told why.
    Deny(String),
    /// A person decides.
    Ask(String),
    /// The user is told something; nothing is decided.
    Tell(String),
}

impl Answer {
    /// Why, in words that say who speaks: several hooks may speak in the same place.
    pub fn why(&self) -> String {
        match self {
            Self::Deny(why) | Self::Ask(why) | Self::Tell(why) => format!("deeds: {why}"),
        }
    }
}
