//! Calls as their hosts' documentation has them, and as they have been seen to differ from it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

fn call(event: &str, tool: &str, input: &Value) -> Value {
    json!({
        "session_id": "s-1", "transcript_path": null, "cwd": "/r", "hook_event_name": event,
        "permission_mode": "default", "tool_name": tool, "tool_input": input, "tool_use_id": "t-1",
        "something_new": { "in": ["any", "form"] },
    })
}

fn read(dialect: &Dialect, said: &Value) -> Result<Option<Call>, String> {
    dialect.read(said.to_string().as_bytes())
}

#[track_caller]
fn touches(dialect: &Dialect, tool: &str, input: &Value) -> Vec<Touch> {
    read(dialect, &call(dialect.before, tool, input)).unwrap().map(|call| call.touches).unwrap_or_default()
}

fn change(path: &str) -> Touch {
    Touch::File(path.to_owned(), Wish::Change)
}

fn look(path: &str) -> Touch {
    Touch::File(path.to_owned(), Wish::Look)
}

fn shell(script: &str) -> Touch {
    Touch::Shell { script: script.to_owned(), cwd: None }
}

fn search(named: &str, folder: &str, reach: &str) -> Touch {
    Touch::Search { named: named.to_owned(), folder: PathBuf::from(folder), reach: reach.to_owned() }
}

#[test]
fn every_host_says_which_files_a_tool_is_about() {
    for (dialect, tool, input, wanted) in [
        (&CLAUDE_CODE, "Write", json!({"file_path": "/r/a", "content": "x"}), vec![change("/r/a")]),
        (&CLAUDE_CODE, "NotebookEdit", json!({"notebook_path": "/r/n.ipynb"}), vec![change("/r/n.ipynb")]),
        (&CLAUDE_CODE, "Read", json!({"file_path": "/r/a", "limit": 3}), vec![look("/r/a")]),
        (&CLAUDE_CODE, "Grep", json!({"pattern": "x", "glob": "*.md"}), vec![search(".", ".", "**/*.md")]),
        (&CLAUDE_CODE, "Bash", json!({"command": "rm a", "timeout": 1}), vec![shell("rm a")]),
        (&CLAUDE_CODE, "Task", json!({"prompt": "edit", "path": "x"}), vec![]),
        (&CLAUDE_CODE, "TodoWrite", json!({"todos": []}), vec![]),
        (&CODEX, "Bash", json!({"command": "rm a"}), vec![shell("rm a")]),
        (&CODEX, "shell", json!({"command": ["bash", "-lc", "rm a"]}), vec![shell("rm a")]),
        (&CODEX, "shell", json!({"command": ["rm", "it's"]}), vec![shell("'rm' 'it'\\''s'")]),
        (
            &CODEX,
            "apply_patch",
            json!({"command": "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n*** Add File: b\n+z\n*** End Patch"}),
            vec![change("a"), change("b")],
        ),
        (&CODEX, "update_plan", json!({"plan": []}), vec![]),
        (&GEMINI, "replace", json!({"file_path": "a", "old_string": "x"}), vec![change("a")]),
        (&GEMINI, "read_file", json!({"absolute_path": "/r/a"}), vec![look("/r/a")]),
        (&GEMINI, "list_directory", json!({"dir_path": "docs"}), vec![search("docs", "docs", "*")]),
        (&GEMINI, "glob", json!({"pattern": "src/*.rs"}), vec![search(".", "./src", "*.rs")]),
        (
            &GEMINI,
            "grep_search",
            json!({"pattern": "x", "include": "docs/**"}),
            vec![search(".", ".", "docs/**")],
        ),
        (
            &GEMINI,
            "read_many_files",
            json!({"include": ["docs/*.md", "a"]}),
            vec![search(".", "./docs", "*.md"), search(".", ".", "a")],
        ),
        (
            &GEMINI,
            "run_shell_command",
            json!({"command": "rm a", "dir_path": "docs"}),
            vec![Touch::Shell { script: "rm a".to_owned(), cwd: Some("docs".to_owned()) }],
        ),
        (&GEMINI, "save_memory", json!({"fact": "x"}), vec![]),
    ] {
        assert_eq!(touches(dialect, tool, &input), wanted, "{}: {tool} {input}", dialect.host);
    }
}

#[test]
fn a_tool_that_is_not_known_is_a_question_where_it_is_about_files() {
    for (dialect, tool, input) in [
        (&CLAUDE_CODE, "PowerShell", json!({"command": "Set-Content a x"})),
        (&CLAUDE_CODE, "SuperEdit", json!({"file_path": "a"})),
        (&CODEX, "write_anything", json!({"path": "a"})),
        (&GEMINI, "run_notebook", json!({"script": "x"})),
    ] {
        assert!(matches!(touches(dialect, tool, &input)[..], [Touch::Unsure(_)]), "{tool}");
    }
}

#[test]
fn tools_of_servers_are_known_by_their_names_and_by_what_is_said_beside() {
    let of = |name: &str, beside: Value| {
        let mut said = call("PreToolUse", name, &json!({"path": "a"}));
        for (key, value) in beside.as_object().unwrap() {
            said[key] = value.clone();
        }
        let touches = read(&CLAUDE_CODE, &said).unwrap().unwrap().touches;
        match touches.into_iter().next() {
            Some(Touch::Tool { server, tool, arguments }) if arguments == json!({"path": "a"}) => {
                (server, tool)
            }
            other => panic!("{other:?}"),
        }
    };
    for (name, beside, server, tool) in [
        ("mcp__fs__write_file", json!({}), "fs", "write_file"),
        ("mcp__fs__write__file", json!({}), "fs", "write__file"),
        ("mcp__my__fs__write", json!({"mcp_server": {"name": "my__fs", "scope": "user"}}), "my__fs", "write"),
        ("mcp__fs__write", json!({"mcp_server": "fs"}), "fs", "write"),
        ("mcp__fs__write", json!({"mcp_server": 7}), "fs", "write"),
        ("mcp__fs__write", json!({"mcp_server": {"name": ["fs"]}}), "fs", "write"),
        (
            "write_file",
            json!({"mcp_context": {"server_name": "fs", "tool_name": "write_file"}}),
            "fs",
            "write_file",
        ),
        ("mcp__fs", json!({}), "fs", "mcp__fs"),
    ] {
        assert_eq!(of(name, beside), (server.to_owned(), tool.to_owned()), "{name}");
    }
}

#[test]
fn who_calls_and_when_is_kept_and_other_events_are_nothing() {
    let mut said = call("PreToolUse", "Write", &json!({"file_path": "a"}));
    said["agent_type"] = json!("reviewer");
    let one = read(&CODEX, &call("PreToolUse", "Bash", &json!({"command": "ls"}))).unwrap().unwrap();
    assert_eq!((one.when, one.subagent, one.session.as_deref()), (When::Before, None, Some("s-1")));
    let one = read(&CLAUDE_CODE, &said).unwrap().unwrap();
    assert_eq!((one.cwd, one.subagent.as_deref()), (Some(PathBuf::from("/r")), Some("reviewer")));
    // What is of another kind than it should be and is not needed is let be.
    said["agent_type"] = json!({"name": "reviewer"});
    said["session_id"] = json!(7);
    said["cwd"] = json!(null);
    let one = read(&CLAUDE_CODE, &said).unwrap().unwrap();
    assert_eq!((one.cwd, one.subagent, one.session), (None, None, None));
    let after = read(&GEMINI, &call("AfterTool", "replace", &json!({"file_path": "a"}))).unwrap().unwrap();
    assert_eq!(after.when, When::After);
    assert_eq!(read(&CLAUDE_CODE, &call("Stop", "Write", &json!({}))).unwrap(), None);
    assert_eq!(read(&GEMINI, &call("PreToolUse", "replace", &json!({}))).unwrap(), None);
}

#[test]
fn a_call_that_says_not_what_it_should_is_told_and_never_silence() {
    for (said, words) in [
        (json!([]), "no tool call of Claude Code"),
        (json!({}), "no `hook_event_name`"),
        (json!({"hook_event_name": 7}), "no `hook_event_name`"),
        (json!({"hook_event_name": "PreToolUse"}), "no `tool_name`"),
        (json!({"hook_event_name": "PreToolUse", "tool_name": ["Write"]}), "no `tool_name`"),
        (call("PreToolUse", "Write", &json!("a")), "is no object"),
        (call("PreToolUse", "Write", &json!({"path": "a"})), "names no file in `file_path`"),
        (call("PreToolUse", "Write", &json!({"file_path": ["a"]})), "names no file in `file_path`"),
        (call("PreToolUse", "Write", &json!({"file_path": ""})), "names no file in `file_path`"),
        (call("PreToolUse", "Write", &json!({"file_path": "a\u{0}b"})), "names no file in `file_path`"),
        (call("PreToolUse", "Bash", &json!({"command": {"a": 1}})), "no `command`"),
        (call("PreToolUse", "Bash", &json!({"command": ["rm", 7]})), "no `command`"),
    ] {
        let why = read(&CLAUDE_CODE, &said).unwrap_err();
        assert!(why.contains(words), "{words:?} is not in {why}");
    }
    assert!(read(&CODEX, &call("PreToolUse", "apply_patch", &json!({"command": "x"}))).is_err());
    assert!(read(&GEMINI, &call("BeforeTool", "read_many_files", &json!({"include": []}))).is_err());
    let whole = call("PreToolUse", "Write", &json!({"file_path": "/r/a"})).to_string();
    for end in 0..whole.len() {
        assert!(CLAUDE_CODE.read(&whole.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    let nested = format!("{{\"hook_event_name\":\"PreToolUse\",\"tool_input\":{}", "[".repeat(1 << 20));
    assert!(CLAUDE_CODE.read(nested.as_bytes()).is_err());
}

#[test]
fn a_question_is_a_no_where_a_host_can_not_ask() {
    let why = "nobody knows".to_owned();
    let [deny, ask, tell] = [Answer::Deny(why.clone()), Answer::Ask(why.clone()), Answer::Tell(why)];
    assert_eq!(CLAUDE_CODE.said(&ask)["hookSpecificOutput"]["permissionDecision"], "ask");
    assert_eq!(CODEX.said(&ask)["hookSpecificOutput"]["permissionDecision"], "deny");
    assert_eq!(GEMINI.said(&ask)["decision"], "deny");
    for dialect in DIALECTS {
        let text = |answer: &Answer| dialect.said(answer).to_string();
        assert!(text(&deny).contains("\"deny\"") && text(&deny).contains("deeds: nobody knows"));
        assert_eq!(dialect.said(&tell), json!({"systemMessage": "deeds: nobody knows"}), "{}", dialect.host);
        assert!(!text(&ask).contains("allow"));
    }
}
