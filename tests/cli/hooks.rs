//! The guards for coding agents: recorded tool calls of Claude Code decided, real commits of a real git refused and let
//! through, with a server, without one, and where nothing can be decided. The calls lie in `tests/data/hooks`, with
//! `{FILE}`, `{CWD}` and `{HOME}` where paths of the machine stood.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::programs;
use crate::run::{Home, Said};
use crate::server::Server;

/// Two agents over the files of a repository.
pub(crate) const MAP: &str = r#"
workspace = "default"
governance_owner = "dana"
mode = "enforce"

[[agent]]
id = "docs-writer"
owner = "dana"
writes = ["files/docs/**", "files/README.md"]
except = ["files/docs/legal/**"]
hidden = ["files/secrets/**"]

[[agent]]
id = "coder"
owner = "eve"
writes = ["files/src/**"]

[[queue]]
name = "desk"
owner = "pat"
review = "daily 09:00"
priority = ["docs-writer", "coder"]
"#;

/// A home with a git repository in it and a map in force, or in a file.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) repo: PathBuf,
}

impl Place {
    /// None where there is no git.
    pub(crate) fn new() -> Option<Self> {
        if !programs::is_there("git") {
            return None;
        }
        let home = Home::new();
        let repo = fs::canonicalize(home.dir.path()).unwrap().join("repo");
        fs::create_dir_all(repo.join("docs/legal")).unwrap();
        fs::create_dir_all(repo.join("src")).unwrap();
        home.file("team.toml", MAP);
        let place = Self { home, repo };
        place.git(&["init", "-q", "-b", "main"]);
        place.git(&["config", "user.name", "Docs"]);
        place.git(&["config", "user.email", "docs@example.com"]);
        Some(place)
    }

    /// git as an agent runs it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        let keep = self.home.command(&[]);
        command.env_clear().envs(keep.get_envs().filter_map(|(key, value)| Some((key, value?))));
        command.env("PATH", std::env::var("PATH").unwrap()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(&self.repo).args(arguments);
        command
    }

    fn try_git(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.command(arguments))
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let said = self.try_git(arguments);
        assert_eq!(said.status, 0, "git {}\n{}\n{}", arguments.join(" "), said.out, said.err);
        said.out
    }

    /// deeds inside the repository.
    pub(crate) fn deeds(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("PATH", std::env::var("PATH").unwrap()).current_dir(&self.repo);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.deeds(arguments))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.repo.join(path), text).unwrap();
    }

    /// A recorded call about a file.
    fn call(&self, name: &str, file: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/hooks/{name}.json"));
        let text = fs::read_to_string(path).unwrap();
        let home = self.home.dir.path().display().to_string();
        let cwd = self.repo.display().to_string();
        text.replace("{FILE}", file).replace("{CWD}", &cwd).replace("{HOME}", &home)
    }

    /// A recorded call by the map in the file.
    fn by_file(&self, name: &str, file: &str) -> Option<(String, String)> {
        let map = self.home.dir.path().join("team.toml").display().to_string();
        let arguments = ["hook", "claude-code", "--agent", "docs-writer", "--map", &map];
        decided(&Said::with(&mut self.deeds(&arguments), self.call(name, file).as_bytes()))
    }
}

/// A word to the user, with the decision left to Claude Code.
pub(crate) const TOLD: &str = "told";

/// Decision and reason, in the documented form and nothing else; none where it has no opinion. It never allows.
pub(crate) fn decided(said: &Said) -> Option<(String, String)> {
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    if said.out.is_empty() {
        return None;
    }
    let json: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
    if let Some(told) = json.get("systemMessage") {
        return Some((TOLD.to_owned(), told.as_str().unwrap().to_owned()));
    }
    let inner = json["hookSpecificOutput"].as_object().unwrap();
    assert_eq!(inner.len(), 3, "{json}");
    assert_eq!(inner["hookEventName"], "PreToolUse");
    let text = |key: &str| inner[key].as_str().unwrap().to_owned();
    let decision = text("permissionDecision");
    assert!(["deny", "ask"].contains(&decision.as_str()), "a guard only restricts: {json}");
    Some((decision, text("permissionDecisionReason")))
}

#[track_caller]
pub(crate) fn is(found: Option<(String, String)>, decision: &str, words: &[&str]) {
    let (answer, why) = found.expect("a decision");
    assert_eq!(answer, decision, "{why}");
    for word in words {
        assert!(why.contains(word), "{word:?} is not in {why}");
    }
}

#[test]
fn tools_that_change_files_are_decided_by_the_zones() {
    let Some(place) = Place::new() else { return };
    let at = |path: &str| place.repo.join(path).display().to_string();
    // Claude Code's own permissions go on where nothing speaks against it.
    assert_eq!(place.by_file("write", &at("docs/plan.md")), None);
    assert_eq!(place.by_file("edit", &at("README.md")), None);
    is(place.by_file("multi-edit", &at("src/lib.rs")), "deny", &["coder", "eve", "files/src/lib.rs"]);
    is(place.by_file("notebook-edit", &at("lab/a.ipynb")), "deny", &["nobody owns", "pat", "desk"]);
    is(place.by_file("write", &at("docs/legal/terms.md")), "deny", &["nobody owns"]);
    is(place.by_file("write", &at("secrets/key")), "deny", &["hidden"]);
    is(place.by_file("write", &at(".git/hooks/pre-commit")), "deny", &["files/.git/hooks/pre-commit"]);
    place.write("docs/legal/terms.md", "x");
    is(place.by_file("bash", ""), "deny", &["nobody owns files/docs/legal/terms.md"]);
    // Tools that look, and all others.
    is(place.by_file("read", &at("secrets/key")), "deny", &["hidden"]);
    is(place.by_file("grep", &at("secrets")), "deny", &["hidden"]);
    for (name, file) in [
        ("read", at("src/lib.rs")),
        ("grep", at("src")),
        ("mcp", at("src")),
        ("post", at("src/lib.rs")),
        ("write", "/tmp/elsewhere.md".to_owned()),
    ] {
        assert_eq!(place.by_file(name, &file), None, "{name} {file}");
    }
}

#[test]
fn paths_are_resolved_before_they_are_judged() {
    let Some(place) = Place::new() else { return };
    symlink("../src", place.repo.join("docs/code")).unwrap();
    symlink("/tmp", place.repo.join("docs/out")).unwrap();
    symlink("round", place.repo.join("docs/round")).unwrap();
    symlink("../docs", place.repo.join("src/guide")).unwrap();
    assert_eq!(place.by_file("write", "docs/new/a.md"), None);
    assert_eq!(place.by_file("write", "src/guide/a.md"), None, "it is a file of docs");
    is(place.by_file("write", "docs/../src/a.rs"), "deny", &["files/src/a.rs"]);
    is(place.by_file("write", "docs/code/a.rs"), "deny", &["files/src/a.rs"]);
    assert_eq!(place.by_file("write", "docs/out/a.md"), None);
    assert_eq!(place.by_file("write", "../a.md"), None);
    is(place.by_file("write", "docs/round"), "ask", &["circle"]);
    is(place.by_file("write", "docs/a*b#c"), "ask", &["can't decide", "no `#`"]);
    // Another work tree of the same repository is the same repository.
    place.write("README.md", "x");
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "first"]);
    place.git(&["worktree", "add", "-q", "../other"]);
    is(place.by_file("write", "../other/src/a.rs"), "deny", &["files/src/a.rs"]);
    assert_eq!(place.by_file("write", "../other/docs/a.md"), None);
}

#[test]
fn who_asks_and_where_the_files_are_can_be_said_in_several_ways() {
    let Some(place) = Place::new() else { return };
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let call = place.call("write", "src/a.rs");
    let ask = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = place.deeds(&[&["hook", "claude-code", "--map", &map][..], arguments].concat());
        command.envs(environment.iter().copied());
        decided(&Said::with(&mut command, call.as_bytes()))
    };
    is(ask(&[], &[]), "ask", &["which agent", "DEEDS_AGENT"]);
    assert_eq!(ask(&[], &[("DEEDS_AGENT", "coder")]), None);
    is(ask(&["--agent", "docs-writer"], &[("DEEDS_AGENT", "coder")]), "deny", &["coder"]);
    is(ask(&["--agent", "stranger"], &[]), "deny", &["not on the map", "owns nothing", "coder"]);
    is(ask(&["--agent", "coder", "--prefix", "repo/a"], &[]), "deny", &["nobody owns repo/a/src/a.rs"]);
    assert_eq!(ask(&["--agent", "docs-writer"], &[("DEEDS_HOOK_PREFIX", "files/docs")]), None);
    let config = place.home.file("c.toml", "[hook]\nagent = \"coder\"\n").display().to_string();
    assert_eq!(ask(&["--config", &config], &[]), None);
}

#[test]
fn a_map_that_observes_lets_through_and_warns() {
    let Some(place) = Place::new() else { return };
    place.home.file("team.toml", &MAP.replace("enforce", "observe"));
    is(place.by_file("write", "src/a.rs"), TOLD, &["warning", "coder", "eve", "observes"]);
    is(place.by_file("notebook-edit", "lab/a.ipynb"), TOLD, &["warning", "nobody owns", "pat", "desk"]);
    assert_eq!(place.by_file("write", "docs/a.md"), None);
    is(place.by_file("write", "docs/a*b#c"), "ask", &["can't decide"]);
    is(place.by_file("read", "secrets/key"), "deny", &["hidden"]);
}

#[test]
fn garbage_is_told_and_the_default_answers() {
    let Some(place) = Place::new() else { return };
    let call = place.call("write", "docs/a.md");
    let without = |key: &str| {
        let mut json: Json = serde_json::from_str(&call).unwrap();
        json.as_object_mut().unwrap().remove(key);
        json.to_string().into_bytes()
    };
    let inputs: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"not json".to_vec(),
        b"[1,2]".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"{}".to_vec(),
        "[".repeat(100_000).into_bytes(),
        call.as_bytes()[..call.len() / 2].to_vec(),
        without("tool_input"),
        without("tool_name"),
        without("cwd"),
        call.replace("docs/a.md", "").into_bytes(),
        call.replace("\"docs/a.md\"", "7").into_bytes(),
        call.replace("docs/a.md", "a\\u0000b").into_bytes(),
    ];
    let map = place.home.dir.path().join("team.toml").display().to_string();
    for (default, answer) in
        [(None, "ask"), (Some("allow"), TOLD), (Some("deny"), "deny"), (Some("ask"), "ask")]
    {
        for input in &inputs {
            let mut command = place.deeds(&["hook", "claude-code", "--agent", "docs-writer", "--map", &map]);
            command.envs(default.map(|default| ("DEEDS_HOOK_DEFAULT", default)));
            is(decided(&Said::with(&mut command, input)), answer, &["can't decide", "hook.default"]);
        }
    }
    let oversized = vec![b' '; 65 * 1024 * 1024];
    let said =
        Said::with(&mut place.deeds(&["hook", "claude-code", "--agent", "a", "--map", &map]), &oversized);
    is(decided(&said), "ask", &["more than"]);
    let mut wrong = place.deeds(&["hook", "claude-code"]);
    wrong.env("DEEDS_HOOK_DEFAULT", "perhaps");
    let said = Said::with(&mut wrong, call.as_bytes());
    assert!(said.status == 2 && said.out.is_empty() && said.err.contains("allow, deny, ask"), "{}", said.err);
}

#[test]
fn the_map_is_asked_for_while_a_server_runs_and_remembered_after() {
    let Some(place) = Place::new() else { return };
    let arguments = ["hook", "claude-code", "--agent", "docs-writer"];
    let ask =
        |file: &str| decided(&Said::with(&mut place.deeds(&arguments), place.call("write", file).as_bytes()));
    is(ask("docs/a.md"), "ask", &["no server runs", "no map is known"]);
    assert!(!place.home.data().exists(), "a hook makes nothing");

    let server = Server::start(&place.home);
    place.home.ok(&["map", "apply", "team.toml", "--reason", "first"]);
    is(ask("src/a.rs"), "deny", &["coder", "map v1 of default"]);
    let kept = place.home.data().join("maps/default.toml");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    drop(server);

    let began = Instant::now();
    is(ask("src/a.rs"), "deny", &["coder", "last known map, v1 of default", "ago"]);
    is(ask("docs/a.md"), TOLD, &["last known map, v1 of default", "ago"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // It is a map file, and one that was damaged is none.
    place.home.ok(&["map", "check", &kept.display().to_string()]);
    fs::write(&kept, "# nothing of ours\n").unwrap();
    is(ask("docs/a.md"), "ask", &["damaged"]);
    fs::remove_file(&kept).unwrap();
    is(ask("docs/a.md"), "ask", &["no map is known"]);
}

#[test]
fn commands_that_look_at_the_map_keep_it_for_hooks_too() {
    let Some(place) = Place::new() else { return };
    let server = Server::start(&place.home);
    place.home.ok(&["map", "apply", "team.toml", "--reason", "first"]);
    let kept = place.home.data().join("maps/default.toml");
    for (arguments, keeps) in [
        (&["map", "show"][..], true),
        (&["map", "show", "--json"], true),
        (&["map", "docs"], true),
        (&["who-owns", "files/src/a.rs"], true),
        (&["who-owns", "files/src/a.rs", "--json"], true),
        (&["map", "show", "--at", "1"], false),
        (&["who-owns", "files/src/a.rs", "--at", "-0s"], false),
    ] {
        fs::remove_file(&kept).unwrap_or_default();
        let said = place.run(arguments);
        assert!(said.status < 2, "{arguments:?}\n{}", said.err);
        assert_eq!(kept.exists(), keeps, "{arguments:?}");
    }
    place.home.ok(&["map", "show"]);
    drop(server);
    let mut hook = place.deeds(&["hook", "claude-code", "--agent", "docs-writer"]);
    let said = Said::with(&mut hook, place.call("write", "src/a.rs").as_bytes());
    is(decided(&said), "deny", &["coder", "last known map, v1 of default"]);
}

#[test]
fn a_server_that_hangs_holds_nobody_up() {
    let Some(place) = Place::new() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut command = place.deeds(&["hook", "claude-code", "--agent", "docs-writer", "--connect", &url]);
    command.env("DEEDS_TOKEN", format!("deeds_agent_default_a1_{}", "ab".repeat(32)));
    let began = Instant::now();
    let said = Said::with(&mut command, place.call("write", "docs/a.md").as_bytes());
    is(decided(&said), "ask", &["does not answer", "no map is known"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn a_real_commit_is_refused_and_another_let_through() {
    let Some(place) = Place::new() else { return };
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let said = place.run(&["hook", "git", "--install", "--agent", "docs-writer", "--map", &map]);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    let again = place.run(&["hook", "git", "--install", "--agent", "docs-writer", "--map", &map]);
    assert!(again.status == 0 && again.out.contains("already"), "{}{}", again.out, again.err);

    place.write("docs/plan one.md", "x");
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "mine"]);

    place.write("src/lib.rs", "x");
    place.write("docs/b.md", "x");
    place.git(&["add", "."]);
    let refused = place.try_git(&["commit", "-m", "not mine"]);
    assert_eq!(refused.status, 1, "{}{}", refused.out, refused.err);
    for words in ["src/lib.rs", "added", "coder", "eve", "1 of 2 staged paths"] {
        assert!(refused.err.contains(words), "{words}\n{}", refused.err);
    }
    assert!(!refused.err.contains("docs/b.md"), "{}", refused.err);
    assert_eq!(place.git(&["rev-list", "--count", "HEAD"]).trim(), "1");
    place.git(&["restore", "--staged", "src/lib.rs"]);
    place.git(&["commit", "-qm", "mine again"]);

    // The other agent commits from another work tree, where the same hook runs.
    place.git(&["worktree", "add", "-q", "../other"]);
    let mut theirs = place.command(&["-C", "../other", "commit", "-qm", "theirs"]);
    fs::create_dir_all(place.repo.join("../other/src")).unwrap();
    fs::write(place.repo.join("../other/src/x.rs"), "x").unwrap();
    place.git(&["-C", "../other", "add", "."]);
    let said = Said::of(&mut theirs);
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(said.err.contains("src/x.rs"), "{}", said.err);
}

#[test]
fn renames_deletions_and_odd_names_are_seen() {
    let Some(place) = Place::new() else { return };
    let text = "one\ntwo\nthree\nfour\n";
    place.write("src/gone.rs", "y");
    place.write("src/moved.rs", text);
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "first"]);
    place.git(&["mv", "src/moved.rs", "docs/moved.rs"]);
    place.git(&["rm", "-q", "src/gone.rs"]);
    place.write("docs/é \"quoted\".md", "x");
    place.git(&["add", "."]);
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let arguments = ["hook", "git", "--agent", "docs-writer", "--map", &map];
    let said = place.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    let found: Json = serde_json::from_str(&said.out).unwrap();
    let told: Vec<_> =
        found.as_array().unwrap().iter().map(|one| (one["path"].as_str().unwrap(), &one["change"])).collect();
    assert_eq!(told.len(), 2, "{found}");
    assert!(told.iter().any(|(path, how)| *path == "src/moved.rs" && *how == "renamed away"), "{found}");
    assert!(told.iter().any(|(path, how)| *path == "src/gone.rs" && *how == "deleted"), "{found}");
    assert_eq!(found[0]["owners"][0], "coder");

    // A name that no map can hold: nobody knows, and the default answers.
    place.git(&["reset", "-q", "--hard"]);
    place.write("docs/a*b\u{1b}[2J.md", "x");
    place.git(&["add", "."]);
    for (default, status) in [("ask", 1), ("deny", 1), ("allow", 0)] {
        let said = Said::of(place.deeds(&arguments).env("DEEDS_HOOK_DEFAULT", default));
        assert_eq!(said.status, status, "{}{}", said.out, said.err);
        assert!(said.err.contains("can't decide") && !said.err.contains('\u{1b}'), "{}", said.err);
        assert!(!said.out.contains('\u{1b}'), "{}", said.out);
    }
}

#[test]
fn git_takes_the_agent_from_its_own_settings_and_the_default_where_nothing_is_known() {
    let Some(place) = Place::new() else { return };
    let map = place.home.dir.path().join("team.toml").display().to_string();
    assert_eq!(place.run(&["hook", "git"]).status, 0, "nothing is staged");
    place.write("docs/a.md", "x");
    place.git(&["add", "."]);
    let run = |arguments: &[&str], default: &str| {
        let arguments = [&["hook", "git"][..], arguments].concat();
        Said::of(place.deeds(&arguments).env("DEEDS_HOOK_DEFAULT", default))
    };
    for (default, status) in [("ask", 1), ("deny", 1), ("allow", 0)] {
        let nobody = run(&["--map", &map], default);
        assert_eq!(nobody.status, status, "{}", nobody.err);
        assert!(nobody.err.contains("git config deeds.agent"), "{}", nobody.err);
        let mapless = run(&["--agent", "docs-writer"], default);
        assert_eq!(mapless.status, status, "{}", mapless.err);
        assert!(mapless.err.contains("no map is known"), "{}", mapless.err);
    }
    place.git(&["config", "deeds.agent", "docs-writer"]);
    assert_eq!(run(&["--map", &map], "ask").status, 0);
    place.git(&["config", "deeds.agent", "coder"]);
    assert_eq!(run(&["--map", &map], "allow").status, 1);
    place.git(&["config", "deeds.agent", "no such name"]);
    assert!(run(&["--map", &map], "ask").err.contains("no agent is called"));
    let outside = Said::of(place.home.command(&["hook", "git"]).env("PATH", std::env::var("PATH").unwrap()));
    assert_eq!(outside.status, 2, "{}", outside.err);
    let mut gitless = place.deeds(&["hook", "git"]);
    gitless.env("PATH", "/nowhere");
    assert_eq!(Said::of(&mut gitless).status, 3);
}

/// A search shows what lies below: it is decided by the patterns, whatever is there.
#[test]
fn a_search_over_what_is_hidden_is_stopped() {
    let Some(place) = Place::new() else { return };
    place.write("docs/a.md", "x");
    let ask = |tool: &str, input: Json| {
        let call = place.call("grep", ".").replace("\"Grep\"", &format!("\"{tool}\""));
        let mut call: Json = serde_json::from_str(&call).unwrap();
        call["tool_input"] = input;
        let map = place.home.dir.path().join("team.toml").display().to_string();
        let arguments = ["hook", "claude-code", "--agent", "docs-writer", "--map", &map];
        decided(&Said::with(&mut place.deeds(&arguments), call.to_string().as_bytes()))
    };
    let above = place.repo.parent().unwrap().display().to_string();
    let inside = place.repo.join("secrets").display().to_string();
    for (tool, input) in [
        ("Grep", json!({"pattern": "x"})),
        ("Grep", json!({"pattern": "x", "path": "."})),
        ("Grep", json!({"pattern": "x", "glob": "*.md"})),
        ("Grep", json!({"pattern": "x", "glob": "{secrets,docs}/*"})),
        ("Grep", json!({"pattern": "x", "path": above})),
        ("Glob", json!({"pattern": "**/*"})),
        ("Glob", json!({"pattern": "secrets/*"})),
        ("Glob", json!({"pattern": "docs/../secrets/k*"})),
        ("Glob", json!({"pattern": "se*/key"})),
        ("Glob", json!({"pattern": format!("{inside}/*")})),
        ("LS", json!({"path": place.repo})),
    ] {
        is(ask(tool, input), "deny", &["hidden"]);
    }
    for (tool, input) in [
        ("Grep", json!({"pattern": "x", "path": "docs"})),
        ("Grep", json!({"pattern": "x", "path": "docs/a.md"})),
        ("Grep", json!({"pattern": "x", "glob": "docs/**"})),
        ("Glob", json!({"pattern": "docs/**/*.md"})),
        ("Glob", json!({"pattern": "*/*.md", "path": "docs"})),
    ] {
        assert_eq!(ask(tool, input.clone()), None, "{tool} {input}");
    }
}

/// What is written by one name of a file stands under the others.
#[test]
fn a_hard_link_is_decided_by_all_names_of_the_file() {
    let Some(place) = Place::new() else { return };
    place.write("src/lib.rs", "x");
    fs::create_dir_all(place.repo.join("secrets")).unwrap();
    place.write("secrets/key", "x");
    fs::hard_link(place.repo.join("src/lib.rs"), place.repo.join("docs/mine.md")).unwrap();
    fs::hard_link(place.repo.join("secrets/key"), place.repo.join("docs/key.md")).unwrap();
    is(place.by_file("write", "docs/mine.md"), "deny", &["coder", "files/src/lib.rs"]);
    is(place.by_file("read", "docs/key.md"), "deny", &["hidden"]);
    let outside = place.repo.parent().unwrap().join("outside");
    fs::hard_link(place.repo.join("src/lib.rs"), &outside).unwrap();
    is(place.by_file("edit", &outside.display().to_string()), "deny", &["coder"]);
    place.write("docs/b.md", "x");
    fs::hard_link(place.repo.join("docs/b.md"), place.repo.join("docs/c.md")).unwrap();
    assert_eq!(place.by_file("write", "docs/b.md"), None, "both names are its own");
    fs::hard_link(place.repo.join("docs/b.md"), place.repo.parent().unwrap().join("away")).unwrap();
    is(place.by_file("write", "docs/b.md"), "ask", &["hard links", "cp"]);
}

/// Where Claude Code does not say where it was started, a guard is not left behind by going elsewhere.
#[test]
fn going_elsewhere_leaves_no_guard_behind() {
    let Some(place) = Place::new() else { return };
    let elsewhere = place.repo.parent().unwrap().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    let file = place.repo.join("src/lib.rs").display().to_string();
    let call = place.call("write", &file);
    let call = call.replace(
        &format!("\"cwd\": \"{}\"", place.repo.display()),
        &format!("\"cwd\": \"{}\"", elsewhere.display()),
    );
    assert!(call.contains("elsewhere"));
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let mut hook = place.deeds(&["hook", "claude-code", "--agent", "docs-writer", "--map", &map]);
    hook.env_remove("CLAUDE_PROJECT_DIR");
    is(decided(&Said::with(&mut hook, call.as_bytes())), "deny", &["coder"]);
}

/// What a hook on the agent's machine does not see, the server that takes the push does.
#[test]
fn pushed_commits_are_checked_by_the_server_and_by_ci() {
    let Some(place) = Place::new() else { return };
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let server = place.repo.parent().unwrap().join("server.git");
    place.git(&["init", "-q", "--bare", "-b", "main", &server.display().to_string()]);
    place.git(&["remote", "add", "origin", &server.display().to_string()]);
    place.write("docs/a.md", "one");
    place.write("src/lib.rs", "one");
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "first"]);
    place.git(&["push", "-q", "origin", "main"]);
    let deeds = env!("CARGO_BIN_EXE_deeds");
    let hook = format!("#!/bin/sh\nexec {deeds} hook git --pre-receive --agent docs-writer --map {map}\n");
    let file = server.join("hooks/pre-receive");
    fs::write(&file, hook).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();

    place.write("docs/a.md", "two");
    place.git(&["commit", "-qam", "mine"]);
    place.git(&["push", "-q", "origin", "main"]);
    // A hook on this machine is left out with --no-verify, and by a rebase.
    place.write("src/lib.rs", "two");
    place.git(&["commit", "-qam", "not mine", "--no-verify"]);
    place.write("src/lib.rs", "one");
    place.git(&["commit", "-qam", "and back", "--no-verify"]);
    let refused = place.try_git(&["push", "origin", "main"]);
    assert_ne!(refused.status, 0, "{}", refused.err);
    assert!(refused.err.contains("src/lib.rs") && refused.err.contains("coder"), "{}", refused.err);
    let range =
        |range: &str| place.run(&["hook", "git", "--agent", "docs-writer", "--map", &map, "--range", range]);
    let checked = range("origin/main..HEAD");
    assert_eq!(checked.status, 1, "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("COMMIT") && checked.out.contains("src/lib.rs"), "{}", checked.out);
    assert_eq!(range("HEAD~3..HEAD~2").status, 0);
    for wrong in ["HEAD", "--all..x", "nowhere..HEAD"] {
        assert!(range(wrong).status >= 2, "{wrong}");
    }

    // A merge that drops what others did, and a branch that is moved back.
    place.git(&["reset", "-q", "--hard", "origin/main"]);
    place.git(&["checkout", "-q", "-b", "aside", "HEAD~1"]);
    place.write("docs/b.md", "x");
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "aside"]);
    place.git(&["checkout", "-q", "main"]);
    fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
    place.write("src/lib.rs", "three");
    place.git(&["commit", "-qam", "by the coder"]);
    place.git(&["push", "-q", "origin", "main"]);
    fs::write(
        &file,
        format!("#!/bin/sh\nexec {deeds} hook git --pre-receive --agent docs-writer --map {map}\n"),
    )
    .unwrap();
    place.git(&["checkout", "-q", "aside"]);
    place.git(&["merge", "-q", "-s", "ours", "main", "-m", "ours"]);
    let dropped = place.try_git(&["push", "origin", "aside:main"]);
    assert!(dropped.status != 0 && dropped.err.contains("src/lib.rs"), "{}", dropped.err);
    let back = place.try_git(&["push", "--force", "origin", "main~1:main"]);
    assert!(back.status != 0 && back.err.contains("src/lib.rs"), "{}", back.err);
    // A merge that takes what others pushed is the agent's to push.
    place.git(&["reset", "-q", "--hard", "HEAD~1"]);
    place.git(&["merge", "-q", "main", "-m", "theirs too"]);
    let merged = place.try_git(&["push", "-q", "origin", "aside:main"]);
    assert_eq!(merged.status, 0, "{}", merged.err);
    place.git(&["push", "-q", "origin", "aside:new"]);
    place.git(&["push", "-q", "origin", ":new"]);
}

/// Trees and files that no commit names come in under a tag, or another name, of such.
#[test]
fn a_push_of_what_is_no_commit_is_refused() {
    let Some(place) = Place::new() else { return };
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let server = place.repo.parent().unwrap().join("server.git");
    place.git(&["init", "-q", "--bare", "-b", "main", &server.display().to_string()]);
    place.git(&["remote", "add", "origin", &server.display().to_string()]);
    let deeds = env!("CARGO_BIN_EXE_deeds");
    let hook = format!("#!/bin/sh\nexec {deeds} hook git --pre-receive --agent docs-writer --map {map}\n");
    fs::write(server.join("hooks/pre-receive"), hook).unwrap();
    fs::set_permissions(server.join("hooks/pre-receive"), fs::Permissions::from_mode(0o755)).unwrap();
    place.write("docs/a.md", "one");
    place.git(&["add", "."]);
    place.git(&["commit", "-qm", "first"]);
    for (object, tag) in [("HEAD^{tree}", "tree"), ("HEAD:docs/a.md", "file")] {
        place.git(&["tag", tag, object]);
        place.git(&["tag", "-a", "-m", "x", &format!("{tag}-told"), object]);
        for name in [tag.to_owned(), format!("{tag}-told"), format!("{tag}:refs/other/{tag}")] {
            let said = place.try_git(&["push", "origin", &name]);
            let why = "is no commit and no tag of one";
            assert!(said.status != 0 && said.err.contains(why), "{name}: {}", said.err);
        }
    }
    place.git(&["tag", "-a", "-m", "x", "v1"]);
    place.git(&["push", "-q", "origin", "v1"]);
}

#[test]
fn installing_takes_nothing_away() {
    let Some(place) = Place::new() else { return };
    let settings = place.repo.join(".claude/settings.json");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    let before = "{\n  \"permissions\": {\"deny\": [\"Read(./.env)\"]},\n  \"hooks\": {\"Stop\": []},\n  \"env\": {\"A\": \"b\"}\n}\n";
    fs::write(&settings, before).unwrap();
    let install = ["hook", "claude-code", "--install", "--agent", "docs-writer"];
    let said = place.run(&install);
    assert_eq!(said.status, 0, "{}", said.err);
    let after = fs::read_to_string(&settings).unwrap();
    let json: Json = serde_json::from_str(&after).unwrap();
    assert_eq!(json["permissions"]["deny"][0], "Read(./.env)");
    assert!(json["hooks"]["Stop"].is_array() && json["env"]["A"] == "b", "{after}");
    let command = json["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap();
    assert!(command.ends_with(" hook claude-code --agent docs-writer"), "{command}");
    assert_eq!(place.run(&install).status, 0);
    assert_eq!(fs::read_to_string(&settings).unwrap(), after, "never twice");
    let other = place.run(&["hook", "claude-code", "--install", "--agent", "coder"]);
    assert!(other.status == 1 && other.err.contains("already"), "{}", other.err);
    // What is installed works, as Claude Code runs it: through a shell.
    let mut shell = place.deeds(&[]);
    let map = place.home.dir.path().join("team.toml");
    let mut sh = Command::new("sh");
    sh.env_clear().envs(shell.env("LANG", "C").get_envs().filter_map(|(key, value)| Some((key, value?))));
    sh.current_dir(&place.repo).args(["-c", &format!("{command} --map {}", map.display())]);
    is(decided(&Said::with(&mut sh, place.call("write", "src/a.rs").as_bytes())), "deny", &["coder"]);
    fs::write(&settings, "{ mine }").unwrap();
    let broken = place.run(&install);
    assert!(broken.status == 2 && broken.err.contains("settings.json"), "{}", broken.err);
    assert_eq!(fs::read_to_string(&settings).unwrap(), "{ mine }");

    let printed = place.run(&["hook", "claude-code", "--print"]);
    assert!(serde_json::from_str::<Json>(&printed.out).is_ok(), "{}", printed.out);
    assert!(place.run(&["hook", "git", "--print"]).out.starts_with("#!/bin/sh\n"));

    // A hook of somebody else's, where core.hooksPath says.
    place.git(&["config", "core.hooksPath", "shared hooks"]);
    let foreign = place.repo.join("shared hooks/pre-commit");
    let said = place.run(&["hook", "git", "--install"]);
    assert!(said.status == 0 && foreign.exists(), "{}{}", said.out, said.err);
    fs::write(&foreign, "#!/bin/sh\nmake lint\n").unwrap();
    let said = place.run(&["hook", "git", "--install", "--agent", "docs-writer"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("hook git --agent docs-writer || exit $?"), "{}", said.err);
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "#!/bin/sh\nmake lint\n");
}

/// Guards come in by a token of their own, and what they stopped, or saw and let be, is in the ledger.
#[test]
fn what_a_guard_stopped_is_recorded_under_a_token_that_can_do_nothing_else() {
    let Some(place) = Place::new() else { return };
    let server = Server::start(&place.home);
    place.home.ok(&["map", "apply", "team.toml"]);
    fs::write(place.repo.join("src/main.rs"), "x").unwrap();
    place.git(&["add", "."]);
    let mut commit = place.home.command(&["hook", "git", "--agent", "docs-writer"]);
    commit.current_dir(&place.repo).env("PATH", std::env::var("PATH").unwrap());
    assert_eq!(Said::of(&mut commit).status, 1);
    let log = place.home.ok(&["log", "type:deeds.guard.stopped", "--json"]);
    assert!(log.contains("files/src/main.rs") && log.contains("docs-writer"), "{log}");

    // The token is kept beside the person's, and is of the class that may do no more.
    let file = place.home.data().join("tokens/default.dana=guard");
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains("deeds_guard_default_"), "the class stands in the token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for (method, path, body) in [
        ("GET", "/v1/board", ""),
        ("GET", "/v1/inbox", ""),
        ("GET", "/v1/entities/files/src/main.rs", ""),
        ("GET", "/v1/tokens", ""),
    ] {
        let (status, said) = crate::server::ask(&server.url, &file, method, path, body).unwrap();
        assert_eq!((status, &said["code"]), (403, &Json::from("not-allowed")), "{path}: {said}");
    }
    let write = r#"{"entity":"files/docs/a.md","changes":{"x":1},"expected":{"x":0}}"#;
    let (_, said) = crate::server::ask(&server.url, &file, "POST", "/v1/writes", write).unwrap();
    assert_eq!((&said["outcome"], &said["code"]), (&"refused".into(), &"not-allowed".into()), "{said}");

    // One that was revoked is made anew.
    let id = kept.trim().rsplit('_').nth(1).unwrap().to_owned();
    place.home.ok(&["tokens", "revoke", &id]);
    let mut commit = place.home.command(&["hook", "git", "--agent", "docs-writer"]);
    commit.current_dir(&place.repo).env("PATH", std::env::var("PATH").unwrap());
    assert_eq!(Said::of(&mut commit).status, 1);
    assert_ne!(fs::read_to_string(&file).unwrap(), kept);
}

/// What a search from above every repository reaches nobody knows, where it is not said which project is meant: that is asked about.
#[test]
fn a_search_from_above_every_repository_is_asked_about() {
    let Some(place) = Place::new() else { return };
    let above = place.repo.parent().unwrap();
    let map = place.home.dir.path().join("team.toml").display().to_string();
    let ask = |tool: &str, input: Json| {
        let call =
            json!({"hook_event_name": "PreToolUse", "tool_name": tool, "cwd": above, "tool_input": input});
        let mut hook = place.deeds(&["hook", "claude-code", "--agent", "docs-writer", "--map", &map]);
        hook.env_remove("CLAUDE_PROJECT_DIR");
        decided(&Said::with(&mut hook, call.to_string().as_bytes()))
    };
    is(ask("Grep", json!({"pattern": "x"})), "ask", &["in no repository", "CLAUDE_PROJECT_DIR"]);
    is(ask("Glob", json!({"pattern": "**/*.md"})), "ask", &["in no repository"]);
    assert_eq!(ask("LS", json!({})), None, "the names in a folder that is in no repository");
}
