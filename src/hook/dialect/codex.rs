//! Codex: <https://developers.openai.com/codex/hooks>. It takes no `ask` (the hook counts as failed, and the tool is used), so
//! that a question is a no which says who may do it.

use serde_json::{Value, json};

use super::{Dialect, Form};
use crate::hook::call::{Answer, Wish};

/// Codex.
pub const CODEX: Dialect = Dialect {
    name: "codex",
    host: "Codex",
    before: "PreToolUse",
    after: &["PostToolUse"],
    project: None,
    tools: &[
        ("Bash", Form::Shell),
        ("exec_command", Form::Shell),
        ("shell_command", Form::Shell),
        ("shell", Form::Shell),
        ("local_shell", Form::Shell),
        ("apply_patch", Form::Patch),
        ("view_image", Form::File(&["path"], Wish::Look)),
    ],
    write,
};

fn write(answer: &Answer) -> Value {
    match CODEX.stops(answer) {
        None => json!({ "systemMessage": answer.why() }),
        Some(why) => json!({ "hookSpecificOutput": {
            "hookEventName": CODEX.before,
            "permissionDecision": "deny",
            "permissionDecisionReason": why,
        }}),
    }
}
