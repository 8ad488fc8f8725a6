//! Codex, in the form of version 0.171: `config.toml` and `hooks.json` beside it, in `~/.codex` and in a project's `.codex`
//! (<https://developers.openai.com/codex/mcp>, <https://developers.openai.com/codex/hooks>). Hooks run by default since 0.124.

use std::path::PathBuf;

use serde_json::json;

use super::host::{Hooks, Host, Machine, Scope};
use crate::hook::CODEX;

/// Longer than the hook ever takes, in seconds.
const TIMEOUT_SECONDS: u32 = 10;

pub(super) const HOST: Host = Host {
    word: CODEX.name,
    title: CODEX.host,
    program: "codex",
    traces: |machine| vec![folder(machine, Scope::User), folder(machine, Scope::Project)],
    servers: |machine, scope| folder(machine, scope).join("config.toml"),
    key: "mcp_servers",
    typed: false,
    hooks: Some(Hooks {
        file: |machine, scope| folder(machine, scope).join("hooks.json"),
        also: |_, _| None,
        dialect: &CODEX,
        handler: |_, asks| json!({ "type": "command", "command": asks.text(), "timeout": TIMEOUT_SECONDS }),
        by_http: false,
    }),
    then: "it runs no hook before you trust it: open `/hooks` in it; of a project it reads settings once you trust the project",
};

fn folder(machine: &Machine, scope: Scope) -> PathBuf {
    match scope {
        Scope::Project => machine.project.join(".codex"),
        Scope::User => machine.named("CODEX_HOME", ".codex"),
    }
}
