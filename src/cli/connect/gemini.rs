//! Gemini CLI, in the form of version 0.61: `settings.json` in `~/.gemini` and in a project's `.gemini`
//! (<https://geminicli.com/docs/tools/mcp-server>, <https://geminicli.com/docs/hooks/reference>).

use std::path::PathBuf;

use serde_json::json;

use super::host::{Hooks, Host, Machine, SERVER, Scope};
use crate::hook::GEMINI;

/// Longer than the hook ever takes, in milliseconds.
const TIMEOUT_MILLIS: u32 = 10_000;

pub(super) const HOST: Host = Host {
    word: GEMINI.name,
    title: GEMINI.host,
    program: "gemini",
    traces: |machine| vec![folder(machine, Scope::User), folder(machine, Scope::Project)],
    servers: settings,
    key: "mcpServers",
    typed: false,
    hooks: Some(Hooks {
        file: settings,
        also: |_, _| None,
        dialect: &GEMINI,
        handler: |_, asks| json!({ "name": SERVER, "type": "command", "command": asks.text(), "timeout": TIMEOUT_MILLIS }),
        by_http: false,
    }),
    then: "its next session reads it; of a project it reads settings once you trust the folder",
};

fn settings(machine: &Machine, scope: Scope) -> PathBuf {
    folder(machine, scope).join("settings.json")
}

fn folder(machine: &Machine, scope: Scope) -> PathBuf {
    match scope {
        Scope::Project => machine.project.join(".gemini"),
        Scope::User => {
            let home = std::env::var_os("GEMINI_CLI_HOME").filter(|home| !home.is_empty());
            home.map_or_else(|| machine.home.clone(), PathBuf::from).join(".gemini")
        }
    }
}
