//! Claude Code, in the form of version 2.1.332: `.mcp.json`, `.claude/settings.local.json`, `~/.claude.json`, `~/.claude/settings.json`
//! (<https://code.claude.com/docs/en/hooks>, <https://code.claude.com/docs/en/mcp>). Since 2.1.295 a hook may say that its own
//! failure stops the tool; earlier ones pass over the key.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::host::{Asks, GUARD_TOKEN, Hooks, Host, Machine, Scope};
use crate::api::{HOME_HEADER, PROJECT_HEADER};
use crate::hook::CLAUDE_CODE;

/// Longer than the hook ever takes, in seconds.
const TIMEOUT_SECONDS: u32 = 10;
/// Where a person's settings are, other than in the home.
const DIRECTORY: &str = "CLAUDE_CONFIG_DIR";

pub(super) const HOST: Host = Host {
    word: CLAUDE_CODE.name,
    title: CLAUDE_CODE.host,
    program: "claude",
    traces: |machine| vec![user(machine), machine.home.join(".claude.json"), machine.project.join(".claude")],
    servers: |machine, scope| match scope {
        Scope::Project => machine.project.join(".mcp.json"),
        Scope::User => {
            std::env::var_os(DIRECTORY).map_or(machine.home.clone(), PathBuf::from).join(".claude.json")
        }
    },
    key: "mcpServers",
    typed: true,
    hooks: Some(HOOKS),
    then: "its next session asks whether to use the servers of this project, and runs the hooks",
};

pub(in crate::cli) const HOOKS: Hooks = Hooks {
    // What names files of this machine is not for others who work on the project.
    file: |machine, scope| match scope {
        Scope::Project => machine.project.join(".claude/settings.local.json"),
        Scope::User => user(machine).join("settings.json"),
    },
    also: |machine, scope| (scope == Scope::Project).then(|| machine.project.join(".claude/settings.json")),
    dialect: &CLAUDE_CODE,
    handler,
    by_http: true,
};

fn handler(event: &str, asks: &Asks) -> Value {
    let mut hook = match asks {
        Asks::Command(command) => json!({ "type": "command", "command": command }),
        Asks::Server { url, project } => json!({
            "type": "http",
            "url": url,
            "headers": {
                "Authorization": format!("Bearer ${GUARD_TOKEN}"), (PROJECT_HEADER): project, (HOME_HEADER): "$HOME",
            },
            "allowedEnvVars": [GUARD_TOKEN, "HOME", "PWD"],
        }),
    };
    // After a tool there is nothing left to stop.
    let blocks = (event == CLAUDE_CODE.before).then(|| ("onFailure".to_owned(), "block".into()));
    if let Value::Object(hook) = &mut hook {
        hook.extend([("timeout".to_owned(), TIMEOUT_SECONDS.into())].into_iter().chain(blocks));
    }
    hook
}

fn user(machine: &Machine) -> PathBuf {
    machine.named(DIRECTORY, ".claude")
}
