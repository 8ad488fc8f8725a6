//! Gemini CLI: <https://geminicli.com/docs/hooks/reference>. A hook of its may deny and not ask, so that a question is a no which
//! says who may do it.

use serde_json::{Value, json};

use super::{Dialect, Form};
use crate::hook::call::{Answer, Wish};
use crate::hook::search::Search;

/// Where its tools name a folder, in the order in which it came to call it so.
const FOLDER: &[&str] = &["dir_path", "path"];

/// Gemini CLI.
pub const GEMINI: Dialect = Dialect {
    name: "gemini",
    host: "Gemini CLI",
    before: "BeforeTool",
    after: &["AfterTool"],
    project: Some("GEMINI_PROJECT_DIR"),
    tools: &[
        ("write_file", Form::File(&["file_path"], Wish::Change)),
        ("replace", Form::File(&["file_path"], Wish::Change)),
        ("read_file", Form::File(&["file_path", "absolute_path"], Wish::Look)),
        ("read_many_files", Form::Globs("include")),
        ("list_directory", Form::Search(Search::List, FOLDER)),
        ("glob", Form::Search(Search::Glob, FOLDER)),
        ("grep_search", Form::Search(Search::Grep, FOLDER)),
        ("search_file_content", Form::Search(Search::Grep, FOLDER)),
        ("run_shell_command", Form::Shell),
        ("web_fetch", Form::Nothing),
        ("google_web_search", Form::Nothing),
    ],
    write,
};

fn write(answer: &Answer) -> Value {
    match GEMINI.stops(answer) {
        None => json!({ "systemMessage": answer.why() }),
        Some(why) => json!({ "decision": "deny", "reason": why }),
    }
}
