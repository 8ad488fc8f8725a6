//! Visual Studio Code, in the form of its page of November 2026: `mcp.json` in a project's `.vscode` and in the user's profile
//! (<https://code.visualstudio.com/docs/agents/reference/mcp-configuration>). It has no guard of its own here.

use std::path::PathBuf;

use super::host::{Host, Machine, Scope};

pub(super) const HOST: Host = Host {
    word: "vscode",
    title: "VS Code",
    program: "code",
    traces: |machine| vec![folder(machine, Scope::User), folder(machine, Scope::Project)],
    servers: |machine, scope| folder(machine, scope).join("mcp.json"),
    key: "servers",
    typed: true,
    hooks: None,
    then: "it asks whether to trust the server when it first starts it",
};

fn folder(machine: &Machine, scope: Scope) -> PathBuf {
    match scope {
        Scope::Project => machine.project.join(".vscode"),
        Scope::User => machine.config.join("Code/User"),
    }
}
