//! Hooks of all hosts against agents that go round: whatever tool would write what is not theirs is stopped or asked about, the
//! same target stays refused, subagents are who the map says, and nobody's change is written over.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::hooks::{MAP, Place, TOLD, decided, is};
use crate::run::Said;
use crate::server::{Server, ask};

const TOOLS: &str = r#"
[[tool]]
server = "files"
name = "write_file"
does = "write"
entity = "files/{path}"
withhold = ["content"]

[[tool]]
server = "files"
name = "read_file"
does = "read"
entity = "files/{path}"

[[tool]]
server = "mail"
name = "send"
does = "publish"
output = "mail/clients"
thread = "{thread}"

[[output]]
name = "mail/clients"
"#;

/// The team, with tools of servers and an output.
fn team() -> String {
    let writes = "writes = [\"files/src/**\"]";
    format!("{}{TOOLS}", MAP.replace(writes, &format!("{writes}\noutputs = [\"mail/clients\"]")))
}

/// A host with its agent, in a repository with a map.
struct Guarded<'a> {
    place: &'a Place,
    host: &'static str,
    event: &'static str,
    /// Without a map file the server's is asked for, and there is a memory.
    map: Option<String>,
    session: &'static str,
    /// Where its hook asks by HTTP, rather than run the command.
    url: Option<&'a str>,
}

impl<'a> Guarded<'a> {
    fn by(place: &'a Place, host: &'static str) -> Self {
        let map = place.home.dir.path().join("team.toml").display().to_string();
        let event = if host == "gemini" { "BeforeTool" } else { "PreToolUse" };
        Self { place, host, event, map: Some(map), session: "one", url: None }
    }

    /// The same by HTTP.
    fn at(place: &'a Place, host: &'static str, server: &'a Server) -> Self {
        Self { map: None, url: Some(&server.url), ..Self::by(place, host) }
    }

    fn said(&self, agent: &str, call: &Json) -> Said {
        let mut arguments = vec!["hook", self.host, "--agent", agent];
        arguments.extend(self.map.iter().flat_map(|map| ["--map", map]));
        let mut hook = self.place.deeds(&arguments);
        hook.env_remove("CLAUDE_PROJECT_DIR");
        if let Some(url) = self.url {
            let path = format!("/v1/hooks/{}?agent={agent}", self.host);
            let (status, said) = ask(url, &headers(self.place), "POST", &path, &call.to_string()).unwrap();
            assert_eq!(status, 200, "{said}");
            let out = if said == json!({}) { String::new() } else { said.to_string() };
            return Said { status: 0, out, err: String::new() };
        }
        Said::with(&mut hook, call.to_string().as_bytes())
    }

    fn call(&self, event: &str, tool: &str, input: &Json) -> Json {
        json!({
            "session_id": self.session, "cwd": self.place.repo, "hook_event_name": event,
            "tool_name": tool, "tool_input": input,
        })
    }

    fn ask(&self, agent: &str, tool: &str, input: &Json) -> Option<(String, String)> {
        let said = self.said(agent, &self.call(self.event, tool, input));
        if self.host == "gemini" && said.out.contains("\"decision\"") {
            let json: Json = serde_json::from_str(&said.out).unwrap();
            let text = |key: &str| json[key].as_str().unwrap().to_owned();
            return Some((text("decision"), text("reason")));
        }
        decided(&said)
    }
}

/// What a hook by HTTP sends: the token that the command made for itself, and its environment's home.
fn headers(place: &Place) -> PathBuf {
    let file = place.home.dir.path().join("headers");
    if !file.exists() {
        let token = fs::read_to_string(place.home.data().join("tokens/default.dana=guard")).unwrap();
        let home = place.home.dir.path().display();
        place.home.file("headers", &format!("{}\r\nDeeds-Home: {home}", token.trim()));
    }
    file
}

/// A server with the team's map, which guards know.
fn served(place: &Place) -> Server {
    let server = Server::start(&place.home);
    place.home.ok(&["map", "apply", "team.toml", "--reason", "first"]);
    assert_eq!(place.run(&["hook", "claude-code", "--install", "--agent", "coder"]).status, 0);
    server
}

fn place() -> Option<Place> {
    let place = Place::new()?;
    place.home.file("team.toml", &team());
    place.write("src/main.rs", "fn main() {}\n");
    place.write("docs/plan.md", "plan\n");
    place.write("README.md", "read\n");
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "first"]);
    Some(place)
}

/// Ways to one file: with a shell, an edit tool, a patch tool and file servers.
fn ways(place: &Place) -> Vec<(&'static str, &'static str, Json)> {
    let absolute = place.repo.join("src/main.rs");
    let shell = |script: &str| json!({ "command": script });
    let mut all: Vec<(&'static str, &'static str, Json)> = vec![
        ("claude-code", "Edit", json!({"file_path": absolute, "old_string": "a", "new_string": "b"})),
        ("claude-code", "Write", json!({"file_path": "src/../src/./main.rs", "content": "x"})),
        ("claude-code", "mcp__files__write_file", json!({"path": "src/main.rs", "content": "x"})),
        ("claude-code", "mcp__files__write_file", json!({"path": absolute, "content": "x"})),
        ("claude-code", "mcp__fs__write_file", json!({"path": absolute, "content": "x"})),
        // A server that somebody calls like ours.
        ("claude-code", "mcp__deeds__write_file", json!({"path": absolute, "content": "x"})),
        ("claude-code", "mcp__fs__put", json!({"uri": format!("file://{}", absolute.display())})),
        ("claude-code", "mcp__fs__edit", json!({"edits": [{"target": {"file": "src/main.rs"}}]})),
        ("claude-code", "PowerShell", shell("Set-Content src/main.rs x")),
        ("claude-code", "SuperEdit", json!({"path": "src/main.rs"})),
        (
            "codex",
            "apply_patch",
            json!({"command": "*** Begin Patch\n*** Update File: src/main.rs\n@@\n-a\n+b\n*** End Patch"}),
        ),
        (
            "codex",
            "apply_patch",
            json!({"input": "*** Begin Patch\n*** Delete File: src/main.rs\n*** End Patch"}),
        ),
        ("codex", "shell", json!({"command": ["bash", "-lc", "echo x > src/main.rs"]})),
        ("codex", "shell", json!({"command": ["cp", "docs/plan.md", "src/main.rs"]})),
        ("codex", "mcp__files__write_file", json!({"path": "src/main.rs", "content": "x"})),
        ("gemini", "replace", json!({"file_path": absolute, "old_string": "a", "new_string": "b"})),
        ("gemini", "write_file", json!({"file_path": "src/main.rs", "content": "x"})),
        ("gemini", "run_shell_command", json!({"command": "echo x > main.rs", "dir_path": "src"})),
    ];
    for script in SCRIPTS {
        all.push(("claude-code", "Bash", shell(script)));
        all.push(("codex", "Bash", shell(script)));
        all.push(("gemini", "run_shell_command", shell(script)));
    }
    all
}

const SCRIPTS: [&str; 27] = [
    "echo x > src/main.rs",
    "echo x >> 'src/main.rs'",
    "cat docs/plan.md | tee src/main.rs",
    "sed -i 's/a/b/' src/main.rs",
    "cd src && sed -i.bak -e s/a/b/ main.rs",
    "perl -pi -e 's/a/b/' src/main.rs",
    "mv docs/plan.md src/main.rs",
    "cp docs/plan.md src/",
    "install -m 644 docs/plan.md src/main.rs",
    "ln -sf ../docs/plan.md src/main.rs",
    "rm -rf src",
    "dd if=docs/plan.md of=src/main.rs",
    "truncate -s 0 src/main.rs",
    "git checkout -- src/main.rs",
    "git restore src",
    "git apply changes.patch",
    "if true; then for f in src/main.rs; do echo x > $f; done; fi",
    "bash -c 'echo x > src/main.rs'",
    "sudo env A=b sh -c \"rm src/main.rs\"",
    "python3 - <<'EOF'\nopen('src/main.rs', 'w').write('x')\nEOF",
    "python3 -c \"open('src/main.rs','w')\"",
    "node -e 'require(\"fs\").writeFileSync(\"src/main.rs\", \"x\")'",
    "eval \"$CHANGE\"",
    "echo x > \"$(cat where)\"",
    "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: src/main.rs\n@@\n-a\n+b\n*** End Patch\nEOF",
    "find src -name '*.rs' -delete",
    "curl -s http://127.0.0.1:9/x.sh | sh",
];

#[test]
fn no_way_to_write_what_is_anothers_is_silence() {
    let Some(place) = place() else { return };
    no_way_is_silence(&place, |host| Guarded::by(&place, host));
    let quiet = Guarded::by(&place, "claude-code");
    place.home.file("team.toml", &team().replace("enforce", "observe"));
    is(quiet.ask("docs-writer", "Bash", &json!({"command": "rm src/main.rs"})), TOLD, &["observes", "coder"]);
    is(quiet.ask("docs-writer", "Bash", &json!({"command": "python3 -c 'x'"})), TOLD, &["observes"]);
}

#[test]
fn a_server_that_is_asked_by_http_answers_every_way_as_the_command_does() {
    let Some(place) = place() else { return };
    let server = served(&place);
    // Nothing is remembered of one way that would show in another.
    no_way_is_silence(&place, |host| Guarded::at(&place, host, &server));
    for (host, tool, input) in ways(&place) {
        let asked = |url| {
            let guard = Guarded { url, session: "alike", ..Guarded::at(&place, host, &server) };
            guard.ask("docs-writer", tool, &input)
        };
        assert_eq!(asked(Some(&server.url)), asked(None), "{host}: {tool} {input}");
    }
    let stopped = place.home.ok(&["log", "type:deeds.guard.stopped", "--json"]);
    assert!(stopped.contains("files/src/main.rs") && stopped.contains("gemini"), "{stopped}");
    place.home.file("team.toml", &team().replace("enforce", "observe"));
    place.home.ok(&["map", "apply", "team.toml", "--reason", "look"]);
    let quiet = Guarded::at(&place, "claude-code", &server);
    is(quiet.ask("docs-writer", "Bash", &json!({"command": "rm src/main.rs"})), TOLD, &["observes", "coder"]);
    assert!(place.home.ok(&["log", "type:deeds.guard.seen", "--json"]).contains("files/src/main.rs"));
}

fn no_way_is_silence<'a>(place: &'a Place, guarded: impl Fn(&'static str) -> Guarded<'a>) {
    for (host, tool, input) in ways(place) {
        let said = guarded(host).ask("docs-writer", tool, &input);
        let (answer, why) = said.unwrap_or_else(|| panic!("{host}: {tool} {input} is silence"));
        assert!(["deny", "ask"].contains(&answer.as_str()), "{host}: {tool} {input}: {answer} {why}");
        assert!(host == "claude-code" || answer == "deny", "{host} can't ask: {tool} {input}");
    }
    // Its owner does the same without a word, where it can be told what is done.
    for (host, tool, input) in ways(place)
        .into_iter()
        .filter(|(_, tool, _)| !["mcp__fs", "mcp__deeds"].iter().any(|server| tool.contains(server)))
    {
        let text = input.to_string();
        let told = ["src/main.rs", "main.rs"].iter().any(|name| text.contains(name))
            && !["python3", "node", "docs/plan.md src/main.rs", "../docs"]
                .iter()
                .any(|word| text.contains(word))
            && !["PowerShell", "SuperEdit"].contains(&tool);
        if told && !text.contains("mv ") {
            assert_eq!(guarded(host).ask("coder", tool, &input), None, "{host}: {tool} {input}");
        }
    }
    // What reads, builds and tests is nobody's business.
    let quiet = guarded("claude-code");
    for script in [
        "ls -la src",
        "cargo test 2>&1 | tail -5",
        "git status",
        "git diff src",
        "grep -rn main src",
        "cat src/main.rs",
    ] {
        assert_eq!(quiet.ask("docs-writer", "Bash", &json!({"command": script})), None, "{script}");
    }
    is(quiet.ask("docs-writer", "Bash", &json!({"command": "cat secrets/key"})), "deny", &["hidden"]);
}

#[test]
fn what_was_refused_is_refused_by_another_tool_with_the_same_reason() {
    let Some(place) = place() else { return };
    let server = served(&place);
    let guard = Guarded { map: None, ..Guarded::by(&place, "claude-code") };
    let script = json!({"command": "python3 - <<'EOF'\nfrom pathlib import Path\nPath('src', 'main.rs').write_text('x')\nEOF"});
    is(guard.ask("docs-writer", "Bash", &script), "ask", &["python3"]);
    let edit = json!({"file_path": "src/main.rs"});
    let (_, why) = guard.ask("docs-writer", "Edit", &edit).unwrap();
    assert_eq!(guard.ask("docs-writer", "Bash", &script), Some(("deny".to_owned(), why.clone())));
    let other = json!({"path": place.repo.join("src/main.rs")});
    assert_eq!(guard.ask("docs-writer", "mcp__fs__write_file", &other), Some(("deny".to_owned(), why)));
    // By HTTP it is the same memory.
    let by_http = Guarded::at(&place, "claude-code", &server);
    is(by_http.ask("docs-writer", "Bash", &script), "deny", &["coder"]);
    // Another conversation has been refused nothing.
    let another = Guarded { session: "two", map: None, ..Guarded::by(&place, "claude-code") };
    is(another.ask("docs-writer", "Bash", &script), "ask", &["python3"]);
    assert_eq!(guard.ask("coder", "Edit", &edit), None);
    let kept = place.home.data().join("hooks");
    for entry in fs::read_dir(kept).unwrap() {
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.unwrap().metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0);
    }
}

#[test]
fn subagents_are_the_agents_that_the_map_names() {
    let Some(place) = place() else { return };
    let map = format!(
        "{}\n[[agent]]\nid = \"coder/reviewer\"\nowner = \"eve\"\nwrites = [\"files/review/**\"]\n",
        team()
    );
    place.home.file("team.toml", &map);
    let guard = Guarded::by(&place, "claude-code");
    let ask = |kind: &str, file: &str| {
        let mut call = guard.call("PreToolUse", "Write", &json!({"file_path": file}));
        call["agent_type"] = json!(kind);
        call["agent_id"] = json!("a-7");
        decided(&guard.said("coder", &call))
    };
    assert_eq!(ask("docs-writer", "docs/plan.md"), None, "in its own zone");
    is(ask("docs-writer", "src/main.rs"), "deny", &["not of docs-writer"]);
    assert_eq!(ask("reviewer", "review/a.md"), None);
    is(ask("reviewer", "src/main.rs"), "deny", &["not of coder/reviewer"]);
    assert_eq!(ask("general-purpose", "src/main.rs"), None, "who is not named acts for its agent");
    is(ask("general-purpose", "docs/plan.md"), "deny", &["not of coder"]);
    assert_eq!(ask("Explore *?", "src/main.rs"), None);
}

#[test]
fn a_file_that_another_changed_is_read_again_before_it_is_written() {
    let Some(place) = place() else { return };
    let server = served(&place);
    let one = Guarded { map: None, ..Guarded::by(&place, "claude-code") };
    let two = Guarded { map: None, session: "two", ..Guarded::by(&place, "codex") };
    let file = json!({"file_path": "README.md"});
    let after = |guard: &Guarded<'_>, agent: &str, tool: &str, input: &Json| {
        let said = guard.said(agent, &guard.call("PostToolUse", tool, input));
        assert!(said.status == 0 && said.out.is_empty(), "{} {}", said.out, said.err);
    };
    let patch = json!({"command": "*** Begin Patch\n*** Update File: README.md\n*** End Patch"});
    assert_eq!(one.ask("docs-writer", "Read", &file), None);
    assert_eq!(one.ask("docs-writer", "Edit", &file), None, "as it was read");
    place.write("README.md", "one\n");
    after(&one, "docs-writer", "Edit", &file);
    assert_eq!(one.ask("docs-writer", "Edit", &file), None, "its own change is no other's");
    place.write("README.md", "more\n");
    after(&one, "docs-writer", "Edit", &file);
    // By HTTP it is the same memory.
    let by_http = Guarded::at(&place, "claude-code", &server);
    place.write("README.md", "by nobody\n");
    is(by_http.ask("docs-writer", "Edit", &file), "deny", &["stale", "it has changed"]);
    assert_eq!(by_http.ask("docs-writer", "Read", &file), None);
    assert_eq!(one.ask("docs-writer", "Edit", &file), None, "its own change is no other's");
    place.write("README.md", "two\n");
    after(&one, "docs-writer", "Edit", &file);

    assert_eq!(two.ask("docs-writer", "apply_patch", &patch), None);
    place.write("README.md", "three\n");
    after(&two, "docs-writer", "apply_patch", &patch);
    is(
        one.ask("docs-writer", "Edit", &file),
        "deny",
        &["README.md is stale", "another conversation of docs-writer changed it", "Read it again"],
    );
    assert_eq!(one.ask("docs-writer", "Read", &file), None);
    // It was not refused: a command that names it is a question like any other.
    let script = json!({"command": "python3 -c \"open('README.md', 'a')\""});
    is(one.ask("docs-writer", "Bash", &script), "ask", &["python3"]);
    assert_eq!(one.ask("docs-writer", "Edit", &file), None);
    after(&one, "docs-writer", "Edit", &file);
    // Nobody that is guarded did it, and neither did this conversation.
    place.write("README.md", "four\n");
    is(one.ask("docs-writer", "Write", &file), "deny", &["stale", "it has changed"]);
    // What a program of its own did is its own.
    assert_eq!(one.ask("docs-writer", "Read", &file), None);
    assert_eq!(one.ask("docs-writer", "Bash", &json!({"command": "make fmt"})), None);
    place.write("README.md", "five\n");
    assert_eq!(one.ask("docs-writer", "Edit", &file), None);
}

#[test]
fn tools_of_servers_mean_what_the_map_says() {
    let Some(place) = place() else { return };
    let guard = Guarded::by(&place, "claude-code");
    let ask = |agent: &str, tool: &str, input: Json| guard.ask(agent, tool, &input);
    assert_eq!(
        ask("docs-writer", "mcp__files__write_file", json!({"path": "docs/a.md", "content": "x"})),
        None
    );
    is(ask("docs-writer", "mcp__files__read_file", json!({"path": "secrets/key"})), "deny", &["hidden"]);
    assert_eq!(ask("docs-writer", "mcp__files__read_file", json!({"path": "src/main.rs"})), None);
    is(
        ask("docs-writer", "mcp__files__write_file", json!({"content": "x"})),
        "ask",
        &["can't be told", "path"],
    );
    is(
        ask("docs-writer", "mcp__mail__send", json!({"thread": "a"})),
        "deny",
        &["coder publishes on mail/clients"],
    );
    assert_eq!(ask("coder", "mcp__mail__send", json!({"thread": "a"})), None);
    is(ask("coder", "mcp__mail__forget", json!({})), "ask", &["forget of mail", "does not name"]);
    assert_eq!(
        ask("coder", "mcp__weather__today", json!({"place": "Oslo"})),
        None,
        "nothing of it is on the map"
    );
    // Our own are decided where they are called.
    assert_eq!(ask("coder", "mcp__deeds__write_fields", json!({"entity": "files/docs/plan.md"})), None);
}

#[test]
fn a_submodule_is_a_part_of_its_repository() {
    let Some(place) = place() else { return };
    let other = place.repo.parent().unwrap().join("other");
    fs::create_dir_all(&other).unwrap();
    let other = other.display().to_string();
    place.git(&["init", "-q", "-b", "main", &other]);
    place.git(&[
        "-C",
        &other,
        "-c",
        "user.name=x",
        "-c",
        "user.email=x",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    ]);
    place.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &other, "src/sub"]);
    let guard = Guarded::by(&place, "claude-code");
    let file = json!({"file_path": place.repo.join("src/sub/docs/a.md")});
    is(guard.ask("docs-writer", "Write", &file), "deny", &["files/src/sub/docs/a.md"]);
    assert_eq!(guard.ask("coder", "Write", &file), None);
}

#[test]
fn the_form_of_a_call_is_told_without_what_is_in_it() {
    let Some(place) = place() else { return };
    let call = json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": "/secret/place",
        "tool_input": {"file_path": "/secret/a", "content": "hush", "n": [1, 2.5, null, true]}});
    let said = Said::with(&mut place.deeds(&["hook", "capture"]), call.to_string().as_bytes());
    assert!(said.status == 0 && !said.out.contains("secret") && !said.out.contains("hush"), "{}", said.out);
    let form: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&form["tool_name"], &form["cwd"]), (&json!("Write"), &json!("13 bytes")));
    assert_eq!(form["tool_input"]["n"], json!(["a whole number", "a number", null, true]));
    let file = place.home.dir.path().join("calls.jsonl");
    for _ in 0..2 {
        let to = file.display().to_string();
        let said =
            Said::with(&mut place.deeds(&["hook", "capture", "--to", &to]), call.to_string().as_bytes());
        assert!(said.status == 0 && said.out.is_empty(), "{}", said.err);
    }
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 2);
    let said = Said::with(&mut place.deeds(&["hook", "capture"]), b"no json");
    assert_eq!(said.status, 2);
}
