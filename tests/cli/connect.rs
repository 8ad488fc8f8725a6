//! `deeds connect` and the way back: real settings files of each coding agent, odd ones and broken ones, in a home that is
//! thrown away; and what was entered, run as the coding agent would run it, against a real server.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use crate::patience;
use crate::programs;
use crate::run::{Home, Said};
use crate::server::{Server, ask};

const MAP: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "coder"
owner = "dana"
writes = ["files/src/**", "crm/**"]

[[agent]]
id = "writer"
owner = "dana"
writes = ["files/docs/**"]

[[queue]]
name = "desk"
owner = "dana"
review = "daily 09:00"
priority = ["coder", "writer"]
"#;

/// The settings files of a project, with what they are connected by.
const FILES: [(&str, &str); 6] = [
    ("claude-code", ".mcp.json"),
    ("claude-code", ".claude/settings.local.json"),
    ("codex", ".codex/config.toml"),
    ("codex", ".codex/hooks.json"),
    ("gemini", ".gemini/settings.json"),
    ("vscode", ".vscode/mcp.json"),
];

struct Place {
    home: Home,
    project: PathBuf,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let project = fs::canonicalize(home.dir.path()).unwrap().join("project");
        fs::create_dir(&project).unwrap();
        home.file("team.toml", MAP);
        home.ok(&["map", "apply", "team.toml"]);
        Self { home, project }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.current_dir(&self.project);
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.command(arguments))
    }

    fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.status, 0, "deeds {}\n{}\n{}", arguments.join(" "), said.out, said.err);
        said
    }

    fn write(&self, file: &str, text: &[u8]) -> PathBuf {
        let path = self.project.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.project.join(file)).unwrap()
    }

    fn json(&self, file: &str) -> Json {
        serde_json::from_str(&self.read(file)).unwrap()
    }

    /// All files here that are not Deeds' own, with what is in them.
    fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut all, mut open) = (BTreeMap::new(), vec![self.project.clone()]);
        while let Some(folder) = open.pop() {
            all.insert(folder.clone(), Vec::new());
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    // A link may lead nowhere.
                    all.insert(path.clone(), fs::read(&path).unwrap_or_default());
                }
            }
        }
        all
    }
}

const ALL: [&str; 6] = ["connect", "claude-code", "codex", "gemini", "vscode", "--yes"];

/// JSON as people and programs write it.
const JSONS: [&[u8]; 9] = [
    b"",
    b"{}",
    b"{}\n",
    b"{\"zeta\": [1, 2], \"alpha\": {\"b\":  1.50, \"a\": 9007199254740993}}",
    b"{\n\t// mine\n\t\"zeta\": [1, 2,],\n\t/* and this */\n\t\"alpha\": true, // behind\n}\n",
    b"{\r\n  \"zeta\": [\r\n    1\r\n  ],\r\n  \"alpha\": \"\xc3\xa9\"\r\n}\r\n",
    b"\xef\xbb\xbf{\n  \"alpha\": 1\n}\n",
    b"{\n  \"mcpServers\": {\"other\": {\"command\": \"x\", \"args\": []}},\n  \"servers\": {\"other\": {\"command\": \"x\"}},\n  \"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"./lint.sh\"}]}], \"Stop\": []}\n}\n",
    b"{\n  \"mcpServers\": {},\n  \"servers\": {},\n  \"hooks\": {\"PreToolUse\": [], \"BeforeTool\": []},\n  \"deep\": {\"same\": 1, \"same\": 2}\n}",
];
const TOMLS: [&[u8]; 6] = [
    b"",
    b"# mine\nmodel = \"x\" # behind\n",
    b"model = \"x\"\n\n[mcp_servers.other]\ncommand = \"x\"\nargs = [\n  \"a\", # one\n]\n[mcp_servers.other.env]\nKEY = \"v\"\n\n[hooks.state]\nx = 1\n",
    b"model = \"x\"\r\n\r\n[tui]\r\ntheme = 'dark'\r\n",
    b"\xef\xbb\xbfmodel = \"x\"",
    b"mcp_servers = { }\n",
];

fn is_json(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end == "json")
}

#[test]
fn everything_is_given_back_byte_for_byte() {
    for round in 0..9 {
        let place = Place::new();
        if round > 0 {
            for (_, file) in FILES {
                let text = if is_json(file) { JSONS[round] } else { TOMLS[round % TOMLS.len()] };
                place.write(file, text);
            }
        }
        let before = place.everything();
        let said = place.ok(&[&ALL[..], &["--agent", "coder"]].concat());
        for (host, file) in FILES {
            let (text, was) = (place.read(file), before.get(&place.project.join(file)));
            assert!(said.out.contains(file) && text.contains("deeds"), "{host}: {}", said.out);
            let was = was.map(|was| String::from_utf8_lossy(was).into_owned()).unwrap_or_default();
            if was.contains("\r\n") {
                assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
            }
            assert_eq!(was.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
            for comment in [
                "// mine",
                "/* and this */",
                "// behind",
                "# mine",
                "# behind",
                "# one",
                "1.50",
                "9007199254740993",
            ] {
                assert_eq!(was.contains(comment), text.contains(comment), "{comment}: {text}");
            }
        }
        let twice = place.everything();
        let said = place.ok(&[&ALL[..], &["--agent", "coder"]].concat());
        assert_eq!(said.out.matches("stands already").count(), FILES.len(), "{}", said.out);
        assert_eq!(place.everything(), twice);
        place.ok(&["connect", "--undo", "--yes"]);
        assert_eq!(place.everything(), before, "round {round}");
        let again = place.run(&["connect", "--undo", "--yes"]);
        assert!(again.status == 1 && again.err.contains("nothing was entered"), "{}", again.err);
    }
}

#[test]
fn what_is_entered_names_files_and_no_secret() {
    let place = Place::new();
    place.ok(&[&ALL[..], &["--agent", "coder"]].concat());
    let data = fs::canonicalize(place.home.data()).unwrap();
    let token = data.join("tokens/default.coder");
    let kept = fs::read_to_string(&token).unwrap();
    assert!(kept.contains("deeds_agent_default_"));
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let guard = fs::read_to_string(data.join("tokens/default.dana=guard")).unwrap();
    let secrets = [&kept, &guard].map(|text| text.trim().rsplit('_').next().unwrap().to_owned());
    for (file, text) in place.everything() {
        let text = String::from_utf8(text).unwrap();
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{}", file.display());
    }
    let deeds = fs::canonicalize(env!("CARGO_BIN_EXE_deeds")).unwrap();
    let arguments = json!(["--data-dir", place.home.data(), "--token-file", token, "mcp"]);
    let plain = json!({"command": deeds, "args": arguments});
    let mut typed = plain.clone();
    typed["type"] = "stdio".into();
    assert_eq!(place.json(".mcp.json"), json!({"mcpServers": {"deeds": typed}}));
    assert_eq!(place.json(".vscode/mcp.json"), json!({"servers": {"deeds": typed}}));
    let codex: Json = toml::from_str(&place.read(".codex/config.toml")).unwrap();
    assert_eq!(codex, json!({"mcp_servers": {"deeds": plain}}));
    let gemini = place.json(".gemini/settings.json");
    assert_eq!(gemini["mcpServers"], json!({"deeds": plain}));

    let line = |dialect: &str| {
        format!("{} hook {dialect} --agent coder --data-dir {}", deeds.display(), place.home.data().display())
    };
    let hook = json!({"type": "command", "command": line("claude-code"), "timeout": 10});
    let mut blocks = hook.clone();
    blocks["onFailure"] = "block".into();
    let group = |hook: Json| json!([{"matcher": "*", "hooks": [hook]}]);
    let claude = place.json(".claude/settings.local.json");
    assert_eq!(claude, json!({"hooks": {"PreToolUse": group(blocks), "PostToolUse": group(hook.clone())}}));
    let codex = group(json!({"type": "command", "command": line("codex"), "timeout": 10}));
    assert_eq!(
        place.json(".codex/hooks.json"),
        json!({"hooks": {"PreToolUse": codex, "PostToolUse": codex}})
    );
    let asks =
        group(json!({"name": "deeds", "type": "command", "command": line("gemini"), "timeout": 10_000}));
    assert_eq!(gemini["hooks"], json!({"BeforeTool": asks, "AfterTool": asks}));

    // What was made goes, the token with it.
    place.ok(&["connect", "--undo", "--yes"]);
    assert!(!token.exists() && fs::read_dir(data.join("connections")).unwrap().next().is_none());
    let tokens: Json = serde_json::from_str(&place.ok(&["tokens", "list", "--json"]).out).unwrap();
    let coder = tokens["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "coder").unwrap();
    assert_eq!(coder["live"], false, "{coder}");
}

/// A server on standard input and output, asked line by line.
fn asked(command: &mut Command, lines: &[Json]) -> Json {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let (tell, told) = std::sync::mpsc::channel();
    let lines = lines.to_vec();
    std::thread::spawn(move || {
        let mut answer = String::new();
        for line in lines {
            writeln!(input, "{line}").unwrap();
            // Between the answers there may be notices.
            while line.get("id").is_some() {
                answer.clear();
                let read = output.read_line(&mut answer).unwrap();
                let said: Json = serde_json::from_str(&answer).unwrap_or_default();
                if read == 0 || said.get("id") == line.get("id") {
                    break;
                }
            }
        }
        tell.send(answer).unwrap();
    });
    let answer = patience::come("an answer", &told);
    patience::ended(&mut child);
    serde_json::from_str(&answer).unwrap()
}

fn call(tool: &str, arguments: &Json) -> [Json; 3] {
    let me = json!({"name": "a test", "version": "1"});
    [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize",
               "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me}}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}),
    ]
}

#[test]
fn the_first_call_of_a_connected_agent_is_in_the_ledger() {
    let place = Place::new();
    let server = Server::start(&place.home);
    place.ok(&["connect", "claude-code", "--agent", "coder", "--yes"]);
    let entry = place.json(".mcp.json")["mcpServers"]["deeds"].clone();
    // As a coding agent runs it: with little in its environment.
    let mut mcp = Command::new(entry["command"].as_str().unwrap());
    mcp.args(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    mcp.env_clear().env("HOME", place.home.dir.path()).current_dir(&place.project);
    let write =
        json!({"entity": "crm/contact/acme", "changes": {"status": "won"}, "expected": {"status": 0}});
    let answer = asked(&mut mcp, &call("write_fields", &write));
    assert_eq!(answer["result"]["structuredContent"]["outcome"], "committed", "{answer}");
    let log = place.ok(&["log", "actor:coder", "--json"]).out;
    assert!(log.contains("crm/contact/acme") && log.contains("\"door\":\"mcp\""), "{log}");

    // The hook stops what is another's, and says nothing of another moment.
    let settings = place.json(".claude/settings.local.json");
    for (event, says) in [("PreToolUse", "\"deny\""), ("PostToolUse", "")] {
        let line = settings["hooks"][event][0]["hooks"][0]["command"].as_str().unwrap();
        let file = place.project.join("docs/a.md");
        let call = json!({"session_id": "s", "hook_event_name": event, "tool_name": "Write", "cwd": place.project,
                          "tool_input": {"file_path": file, "content": "x"}});
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .env_clear()
            .env("HOME", place.home.dir.path())
            .env("PATH", std::env::var("PATH").unwrap());
        if event == "PreToolUse" {
            Command::new("git").args(["init", "-q"]).current_dir(&place.project).status().unwrap();
        }
        let said = Said::with(shell.current_dir(&place.project), call.to_string().as_bytes());
        assert!(
            said.status == 0 && said.out.contains(says) && says.is_empty() == said.out.is_empty(),
            "{said:?}"
        );
    }
    drop(server);
}

#[test]
fn hooks_of_claude_code_can_ask_the_server_here() {
    let place = Place::new();
    let mut arguments = vec!["connect", "claude-code", "--agent", "coder", "--hooks", "http", "--yes"];
    let before = place.everything();
    let nobody = place.run(&arguments);
    assert!(nobody.status == 2 && nobody.err.contains("deeds serve"), "{}", nobody.err);
    let server = Server::start(&place.home);
    let codex = place.run(&["connect", "codex", "--agent", "coder", "--hooks", "http", "--yes"]);
    assert!(codex.status == 2 && codex.err.contains("Codex ask no server"), "{}", codex.err);
    assert_eq!(place.everything(), before);

    let said = place.ok(&arguments);
    let settings = place.json(".claude/settings.local.json");
    let hook = json!({
        "type": "http", "url": format!("{}/v1/hooks/claude-code?agent=coder", server.url), "timeout": 10,
        "headers": {
            "Authorization": "Bearer $DEEDS_GUARD_TOKEN", "deeds-project": place.project, "deeds-home": "$HOME",
        },
        "allowedEnvVars": ["DEEDS_GUARD_TOKEN", "HOME", "PWD"],
    });
    let mut blocks = hook.clone();
    blocks["onFailure"] = "block".into();
    let group = |hook: Json| json!([{"matcher": "*", "hooks": [hook]}]);
    assert_eq!(settings, json!({"hooks": {"PreToolUse": group(blocks), "PostToolUse": group(hook)}}));

    // The line that is told is what the headers need, and what is asked so is answered.
    let export = said.out.lines().find_map(|line| line.split_once("token: ")).unwrap().1;
    let script = format!("{export}\nprintf 'Authorization: Bearer %s' \"$DEEDS_GUARD_TOKEN\"");
    let authorization = Said::of(Command::new("sh").args(["-c", &script])).out;
    assert!(authorization.contains("deeds_guard_default_"), "{script}");
    let headers =
        place.home.file("headers", &format!("{authorization}\r\nDeeds-Project: {}", place.project.display()));
    Command::new("git").args(["init", "-q"]).current_dir(&place.project).status().unwrap();
    for (file, says) in [("docs/a.md", "deny"), ("src/a.rs", "{}")] {
        let call = json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": place.home.dir.path(),
                          "tool_input": {"file_path": place.project.join(file), "content": "x"}});
        let path = "/v1/hooks/claude-code?agent=coder";
        let (status, answer) = ask(&server.url, &headers, "POST", path, &call.to_string()).unwrap();
        assert!(status == 200 && answer.to_string().contains(says), "{answer}");
    }
    fs::remove_dir_all(place.project.join(".git")).unwrap();

    // Once is enough, and the one way takes the place of the other.
    assert_eq!(place.ok(&arguments).out.matches("stands already").count(), 2);
    arguments.splice(4..6, []);
    place.ok(&arguments);
    let hooks = place.json(".claude/settings.local.json")["hooks"]["PreToolUse"].clone();
    assert!(
        hooks.as_array().unwrap().len() == 1 && hooks.to_string().contains(" hook claude-code"),
        "{hooks}"
    );
    arguments.extend(["--hooks", "http"]);
    place.ok(&arguments);
    place.ok(&["connect", "--undo", "--yes"]);
    assert_eq!(place.everything(), before);
}

#[test]
fn a_server_that_is_there_goes_behind_the_map() {
    let place = Place::new();
    let claude = "{\n  \"mcpServers\": {\n    \"files\": {\"command\": \"npx\", \"args\": [\"-y\", \"files\", \".\"], \"env\": {\"KEY\": \"v\"}},\n    \"web\": {\"type\": \"http\", \"url\": \"https://x.example/mcp\"}\n  }\n}\n";
    let codex = "[mcp_servers.files]\ncommand = \"npx\" # theirs\nargs = [\"-y\", \"files\"]\nstartup_timeout_sec = 20\n";
    place.write(".mcp.json", claude.as_bytes());
    place.write(".codex/config.toml", codex.as_bytes());
    let before = place.everything();
    let web = place.run(&["connect", "claude-code", "--agent", "coder", "--gateway", "web", "--yes"]);
    assert!(web.status == 2 && web.err.contains("GATEWAY.md"), "{}", web.err);
    let nobody = place.run(&["connect", "claude-code", "--agent", "coder", "--gateway", "x", "--yes"]);
    assert!(nobody.status == 2 && nobody.err.contains("`x`"), "{}", nobody.err);
    assert_eq!(place.everything(), before);
    place.ok(&["connect", "claude-code", "codex", "--agent", "coder", "--gateway", "files", "--yes"]);
    let files = place.json(".mcp.json")["mcpServers"]["files"].clone();
    let words: Vec<&str> =
        files["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(words.ends_with(&["gateway", "--server", "files", "--", "npx", "-y", "files", "."]), "{files}");
    assert!(words.contains(&"--token-file") && files["env"]["KEY"] == "v", "{files}");
    let text = place.read(".codex/config.toml");
    assert!(text.contains("# theirs") && text.contains("startup_timeout_sec = 20"), "{text}");
    // It stays behind it when something else is entered, and comes back alone where the file has changed.
    place.ok(&["connect", "claude-code", "codex", "--agent", "writer", "--yes"]);
    assert_eq!(place.read(".codex/config.toml").matches("gateway").count(), 1);
    place.write(
        ".codex/config.toml",
        format!("model = \"x\"\n{}", place.read(".codex/config.toml")).as_bytes(),
    );
    let said = place.ok(&["connect", "--undo", "--yes"]);
    assert!(said.out.contains("changed since"), "{}", said.out);
    assert_eq!(place.read(".codex/config.toml"), format!("model = \"x\"\n{codex}"));
    assert_eq!(place.read(".mcp.json"), claude);
}

#[test]
fn what_is_entered_for_a_server_passes_its_calls_on_and_stops_those_that_the_map_forbids() {
    if !programs::is_there("python3") {
        return;
    }
    let place = Place::new();
    let row = |tool, entity| {
        format!("\n[[tool]]\nserver = \"desk\"\nname = \"{tool}\"\ndoes = \"act\"\nentity = \"{entity}\"\n")
    };
    place
        .home
        .file("team.toml", &format!("{MAP}{}{}", row("put", "crm/{id}"), row("bump", "files/docs/{id}")));
    place.home.ok(&["map", "apply", "team.toml"]);
    let server = Server::start(&place.home);
    let odd = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/odd.py");
    let desk = json!({"mcpServers": {"desk": {"command": "python3", "args": [odd, place.project]}}});
    place.write(".mcp.json", desk.to_string().as_bytes());
    place.ok(&["connect", "claude-code", "--agent", "coder", "--gateway", "desk", "--yes"]);
    let entry = place.json(".mcp.json")["mcpServers"]["desk"].clone();
    let entered = || {
        let mut gateway = Command::new(entry["command"].as_str().unwrap());
        gateway.args(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
        gateway.env("HOME", place.home.dir.path()).current_dir(&place.project);
        gateway
    };
    for (tool, done) in [("put", true), ("bump", false)] {
        let answer = asked(&mut entered(), &call(tool, &json!({"id": "7", "text": "hello"})));
        assert_eq!(answer["result"]["isError"] == true, !done, "{answer}");
    }
    assert_eq!(place.read("done"), "put 7\n");
    let log = place.ok(&["log", "actor:coder", "--json"]).out;
    assert!(log.contains("crm/7") && log.contains("files/docs/7"), "{log}");
    drop(server);
}

#[test]
fn where_a_file_was_changed_since_only_ours_is_taken_out() {
    let place = Place::new();
    place.write(".gemini/settings.json", b"{\n  \"a\": 1,\n  \"hooks\": {}\n}\n");
    place.ok(&[&ALL[..], &["--agent", "coder"]].concat());
    for (_, file) in FILES {
        let text = place.read(file);
        let new = if is_json(file) {
            text.replacen('{', "{\n  // added since\n  \"since\": [1],", 1)
        } else {
            format!("# added since\nsince = [1]\n{text}")
        };
        place.write(file, new.as_bytes());
    }
    let standing = place.ok(&[&ALL[..], &["--agent", "coder"]].concat());
    assert_eq!(standing.out.matches("stands already").count(), FILES.len(), "{}", standing.out);
    // Another agent: everything is written anew, and what was added stays.
    place.ok(&[&ALL[..], &["--agent", "writer"]].concat());
    for (_, file) in FILES {
        let text = place.read(file);
        assert!(text.contains("added since") && !text.contains("coder") && text.contains("writer"), "{text}");
    }
    // One entry is not as it was entered.
    let changed = place.read(".vscode/mcp.json").replace("\"mcp\"", "\"mcp\", \"--more\"");
    place.write(".vscode/mcp.json", changed.as_bytes());
    let said = place.ok(&["connect", "--undo", "--yes"]);
    assert!(said.out.contains("servers.deeds is not as it was entered"), "{}", said.out);
    for (_, file) in FILES.iter().filter(|(host, _)| *host != "vscode") {
        let text = place.read(file);
        assert!(
            text.contains("added since") && !text.contains("deeds") && !text.contains("PreToolUse"),
            "{text}"
        );
    }
    assert_eq!(
        place.read(".gemini/settings.json"),
        "{\n  // added since\n  \"since\": [1],\n  \"a\": 1,\n  \"hooks\": {}\n}\n"
    );
    assert!(place.read(".vscode/mcp.json").contains("--more"));
}

/// What keeps from writing is told with its place, and nothing is written anywhere.
#[test]
fn a_file_that_can_not_be_read_stops_all_of_it() {
    let place = Place::new();
    for (file, text, told) in [
        (".gemini/settings.json", &b"{\n  \"a\": 1\n  \"b\": 2\n}\n"[..], "settings.json:2:9: "),
        (".gemini/settings.json", b"{\"a\": ", "settings.json:1:7: "),
        (".gemini/settings.json", b"[]", "no object"),
        (".gemini/settings.json", b"{\"hooks\": []}", "settings.json:1:2: `hooks` is no object"),
        (
            ".gemini/settings.json",
            b"{\"hooks\": {\"BeforeTool\": {}}}",
            "settings.json:1:12: `BeforeTool` is no list",
        ),
        (
            ".gemini/settings.json",
            b"{\n  \"hooks\": {},\n  \"hooks\": {}\n}",
            "settings.json:3:3: `hooks` is there twice",
        ),
        (".gemini/settings.json", b"{\"mcpServers\": 3}", "`mcpServers` is no object"),
        (".gemini/settings.json", b"{\"a\": \"\xff\"}", "byte 7 is not UTF-8"),
        (".codex/config.toml", b"a = 1\nb = = 2\n", "config.toml:2:5: "),
        (".codex/config.toml", b"a = 1\na = 2\n", "config.toml:2:1: "),
        (".codex/config.toml", b"mcp_servers = 3\n", "`mcp_servers` is no table"),
    ] {
        place.write(file, text);
        let before = place.everything();
        let said = place.run(&[&ALL[..], &["--agent", "coder"]].concat());
        assert!(said.status == 2 && said.err.contains(told), "{told}: {}", said.err);
        assert!(
            said.err.to_lowercase().contains("nothing was written") || told.contains("UTF-8"),
            "{}",
            said.err
        );
        assert_eq!(place.everything(), before);
        fs::remove_file(place.project.join(file)).unwrap();
    }
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("{{\"a\": \"{}\"}}", "x".repeat(5 << 20));
    for text in [deep, huge] {
        place.write(".gemini/settings.json", text.as_bytes());
        let said = place.run(&["connect", "gemini", "--agent", "coder", "--yes"]);
        assert!(said.status == 2 && said.err.contains("settings.json"), "{}", said.err);
        assert_eq!(place.read(".gemini/settings.json"), text);
    }
    assert!(!place.home.data().join("connections").exists());
}

#[test]
fn links_are_followed_and_what_is_not_ours_is_left_alone() {
    let place = Place::new();
    let real = place.write("elsewhere/mine.json", b"{}\n");
    symlink("../elsewhere", place.project.join("folder")).unwrap();
    fs::create_dir(place.project.join(".vscode")).unwrap();
    symlink("../elsewhere/mine.json", place.project.join(".vscode/mcp.json")).unwrap();
    fs::remove_file(place.project.join("folder")).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let connect = ["connect", "vscode", "--agent", "coder", "--yes"];
    place.ok(&connect);
    assert!(fs::read_to_string(&real).unwrap().contains("deeds"));
    assert!(place.project.join(".vscode/mcp.json").is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    place.ok(&["connect", "--undo", "--yes"]);
    assert_eq!(fs::read(&real).unwrap(), b"{}\n");
    assert!(place.project.join(".vscode/mcp.json").is_symlink());

    let refused = |why: &str| {
        let before = place.everything();
        let said = place.run(&connect);
        assert!(said.status == 2 && said.err.contains(why), "{why}: {}", said.err);
        assert_eq!(place.everything(), before);
    };
    fs::set_permissions(&real, fs::Permissions::from_mode(0o400)).unwrap();
    refused("read-only");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(place.project.join("elsewhere"), fs::Permissions::from_mode(0o500)).unwrap();
    refused("read-only");
    fs::set_permissions(place.project.join("elsewhere"), fs::Permissions::from_mode(0o700)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&real, Some(65_534), None).unwrap();
        refused("belongs to user 65534");
    }
    fs::remove_file(&real).unwrap();
    refused("link to what is not there");
    fs::remove_file(place.project.join(".vscode/mcp.json")).unwrap();
    fs::create_dir(place.project.join(".vscode/mcp.json")).unwrap();
    refused("no file");
    fs::remove_dir(place.project.join(".vscode/mcp.json")).unwrap();
    fs::remove_dir(place.project.join(".vscode")).unwrap();
    fs::write(place.project.join(".vscode"), "x").unwrap();
    let said = place.run(&connect);
    assert!(said.status == 2, "{}", said.err);
}

#[test]
fn only_what_is_here_is_connected_and_somebody_is_asked() {
    let place = Place::new();
    let none = place.run(&["connect", "--agent", "coder"]);
    assert!(none.status == 1 && none.err.contains("no coding agent is found"), "{}", none.err);
    // Which agent it is has to be said where there are several.
    fs::create_dir(place.home.dir.path().join(".gemini")).unwrap();
    let whose = place.run(&["connect", "--yes"]);
    assert!(whose.status == 2 && whose.err.contains("coder, writer"), "{}", whose.err);
    let nobody = place.run(&["connect", "--agent", "coder"]);
    assert!(nobody.status == 2 && nobody.err.contains("--yes"), "{}", nobody.err);
    let dry = place.ok(&["connect", "--agent", "coder", "--dry-run", "--json"]);
    let told: Json = serde_json::from_str(&dry.out).unwrap();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["host"]), (1, &json!("gemini")));
    assert!(told[0]["difference"].as_str().unwrap().starts_with("--- /dev/null\n+++ "), "{told}");
    assert!(fs::read_dir(&place.project).unwrap().next().is_none(), "a dry run writes nothing");
    assert!(!place.home.data().join("tokens/default.coder").exists());
    // Parts alone, and one after the other.
    place.ok(&["connect", "gemini", "--agent", "coder", "--only", "mcp", "--yes"]);
    assert!(place.json(".gemini/settings.json").get("hooks").is_none());
    place.ok(&["connect", "gemini", "--agent", "coder", "--only", "hooks", "--yes"]);
    let all = place.json(".gemini/settings.json");
    assert!(all["hooks"]["BeforeTool"][0].is_object() && all["mcpServers"]["deeds"].is_object(), "{all}");
    place.ok(&["connect", "--undo", "--yes"]);
    assert!(fs::read_dir(&place.project).unwrap().next().is_none());

    // A hook that somebody put there is not entered twice.
    place.ok(&["hook", "claude-code", "--install", "--agent", "writer"]);
    let said = place.run(&["connect", "claude-code", "--agent", "coder", "--yes"]);
    assert!(said.status == 2 && said.err.contains("--agent writer"), "{}", said.err);
    place.ok(&["connect", "claude-code", "--agent", "coder", "--only", "mcp", "--yes"]);
    assert!(!place.project.join(".claude/settings.local.json").exists());
}

/// At a terminal the answer decides.
#[test]
fn an_answer_at_the_terminal_decides() {
    if !programs::is_there("script") {
        return;
    }
    let place = Place::new();
    for (answer, status) in [("no\n", 1), ("\n", 1), ("yes\n", 0)] {
        let asked = format!("{} connect vscode --agent coder", env!("CARGO_BIN_EXE_deeds"));
        let mut script = place.home.script(&format!("script -qec '{asked}' /dev/null"));
        script.current_dir(&place.project).env("PATH", std::env::var("PATH").unwrap());
        let said = Said::with(&mut script, answer.as_bytes());
        assert!(said.status == status && said.out.contains("Write this?"), "{said:?}");
        assert_eq!(place.project.join(".vscode/mcp.json").exists(), status == 0, "{answer:?}");
    }
}

#[test]
fn a_persons_own_settings_are_found_where_the_environment_says() {
    let place = Place::new();
    let home = place.home.dir.path();
    let at = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("CODEX_HOME", home.join("cx")).env("CLAUDE_CONFIG_DIR", home.join("cl"));
        command.env("GEMINI_CLI_HOME", home.join("gm")).env("XDG_CONFIG_HOME", home.join("cfg"));
        let said = Said::of(&mut command);
        assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    };
    at(&[&ALL[..], &["--agent", "coder", "--user"]].concat());
    let files = [
        "cl/.claude.json",
        "cl/settings.json",
        "cx/config.toml",
        "cx/hooks.json",
        "gm/.gemini/settings.json",
        "cfg/Code/User/mcp.json",
    ];
    for file in files {
        let text = fs::read_to_string(home.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains("deeds"), "{file}: {text}");
    }
    assert!(fs::read_dir(&place.project).unwrap().next().is_none(), "nothing in the project");
    assert_eq!(place.run(&["connect", "--undo", "--yes"]).status, 1, "nothing of this project");
    at(&["connect", "--undo", "--user", "--yes"]);
    assert!(files.iter().all(|file| !home.join(file).parent().unwrap().exists()));
}

/// The coding agents' own programs find what was entered, start it, and have nothing to say against it.
#[test]
fn their_own_programs_read_what_was_entered() {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/coding-agents/node_modules/.bin");
    if !bin.join("codex").exists() && !programs::is_passed_over("coding-agents") {
        return;
    }
    let place = Place::new();
    let _server = Server::start(&place.home);
    place.ok(&["connect", "codex", "gemini", "--agent", "coder", "--yes"]);
    let project = place.project.display();
    let home = place.home.dir.path();
    for (file, text) in [
        (".codex/config.toml", format!("[projects.\"{project}\"]\ntrust_level = \"trusted\"\n")),
        (
            ".gemini/trustedFolders.json",
            json!({ place.project.to_str().unwrap(): "TRUST_FOLDER" }).to_string(),
        ),
    ] {
        fs::create_dir_all(home.join(file).parent().unwrap()).unwrap();
        fs::write(home.join(file), text).unwrap();
    }
    let theirs = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(bin.join(program));
        command.args(arguments).env_clear().env("HOME", home).env("PATH", std::env::var("PATH").unwrap());
        command.current_dir(&place.project);
        command
    };
    let said = Said::of(&mut theirs("gemini", &["mcp", "list"]));
    let listed = format!("{}{}", said.out, said.err);
    assert!(listed.contains("deeds") && listed.contains("Connected"), "{said:?}");
    let said = Said::of(&mut theirs("codex", &["mcp", "list", "--json"]));
    let servers: Json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!((&servers[0]["name"], &servers[0]["enabled"]), (&json!("deeds"), &json!(true)), "{servers}");
    let ask = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}}),
        json!({"jsonrpc": "2.0", "method": "initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "hooks/list", "params": {"cwds": [place.project]}}),
    ];
    let found = asked(&mut theirs("codex", &["app-server"]), &ask)["result"]["data"][0].clone();
    assert_eq!((&found["warnings"], &found["errors"]), (&json!([]), &json!([])), "{found}");
    let events: Vec<&Json> =
        found["hooks"].as_array().unwrap().iter().map(|hook| &hook["eventName"]).collect();
    assert_eq!(events, ["preToolUse", "postToolUse"], "{found}");
}

/// A server elsewhere: the token that it gave is named, and nothing else is made.
#[test]
fn an_agents_own_token_is_named_where_it_is() {
    let (there, here) = (Place::new(), Place::new());
    let server = Server::start(&there.home);
    let token = here.project.join("coder.token");
    there.ok(&["tokens", "create", "agent", "coder", "--out", token.to_str().unwrap()]);
    let arguments =
        ["--connect", &server.url, "--token-file", "coder.token", "connect", "claude-code", "--yes"];
    here.ok(&arguments);
    let entry = here.json(".mcp.json")["mcpServers"]["deeds"].clone();
    let words: Vec<&str> =
        entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(
        words.iter().any(|word| word.starts_with(&server.url)) && words.contains(&token.to_str().unwrap()),
        "{entry}"
    );
    let mut mcp = Command::new(entry["command"].as_str().unwrap());
    mcp.args(&words).env_clear().env("HOME", here.home.dir.path()).current_dir("/");
    let answer = asked(&mut mcp, &call("my_zone", &json!({})));
    assert!(answer.to_string().contains("coder"), "{answer}");
    here.ok(&["connect", "--undo", "--yes"]);
    assert!(token.exists() && !here.project.join(".mcp.json").exists());

    // An admin elsewhere has one made, kept here.
    let admin = there.home.data().join("tokens/default.dana");
    let admin = admin.to_str().unwrap();
    here.ok(&[
        "--connect",
        &server.url,
        "--token-file",
        admin,
        "connect",
        "vscode",
        "--agent",
        "writer",
        "--yes",
    ]);
    let entry = here.json(".vscode/mcp.json")["servers"]["deeds"].clone();
    let words: Vec<&str> =
        entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let kept = Path::new(words.iter().find(|word| word.ends_with("=agent=writer")).unwrap());
    assert_eq!(fs::metadata(kept).unwrap().mode() & 0o777, 0o600);
}
