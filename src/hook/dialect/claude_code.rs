//! Claude Code: <https://code.claude.com/docs/en/hooks>.

use serde_json::{Value, json};

use super::{Dialect, Form};
use crate::hook::call::{Answer, Wish};
use crate::hook::search::Search;

/// Claude Code.
pub const CLAUDE_CODE: Dialect = Dialect {
    name: "claude-code",
    host: "Claude Code",
    before: "PreToolUse",
    after: &["PostToolUse", "PostToolUseFailure"],
    project: Some("CLAUDE_PROJECT_DIR"),
    tools: &[
        ("Write", Form::File(&["file_path"], Wish::Change)),
        ("Edit", Form::File(&["file_path"], Wish::Change)),
        ("MultiEdit", Form::File(&["file_path"], Wish::Change)),
        ("NotebookEdit", Form::File(&["notebook_path"], Wish::Change)),
        ("Read", Form::File(&["file_path"], Wish::Look)),
        ("NotebookRead", Form::File(&["notebook_path"], Wish::Look)),
        ("Grep", Form::Search(Search::Grep, &["path"])),
        ("Glob", Form::Search(Search::Glob, &["path"])),
        ("LS", Form::Search(Search::List, &["path"])),
        ("Bash", Form::Shell),
        ("Monitor", Form::Shell),
        ("PowerShell", Form::Strange),
        // They start others, which are asked about themselves, or look elsewhere.
        ("Agent", Form::Nothing),
        ("Task", Form::Nothing),
        ("SendMessage", Form::Nothing),
        ("WebFetch", Form::Nothing),
        ("WebSearch", Form::Nothing),
    ],
    write,
};

fn write(answer: &Answer) -> Value {
    let decision = match answer {
        Answer::Deny(_) => "deny",
        Answer::Ask(_) => "ask",
        Answer::Tell(_) => return json!({ "systemMessage": answer.why() }),
    };
    json!({ "hookSpecificOutput": {
        "hookEventName": CLAUDE_CODE.before,
        "permissionDecision": decision,
        "permissionDecisionReason": answer.why(),
    }})
}
