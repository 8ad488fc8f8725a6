//! What passes: whole tool lists and answers of other people's servers, the same with and without the gateway, byte by byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::client::{Client, Team};
use crate::patience::PATIENCE;
use crate::programs;

/// Everything is looked at and nothing is anybody's: what is compared is the wire.
pub(crate) const OPEN: &str = "workspace = \"default\"\nmode = \"enforce\"\ngovernance_owner = \"dana\"\nunmapped = \"record\"\n\n[[agent]]\nid = \"coder\"\nowner = \"dana\"\nwrites = [\"x/**\"]\n\n[[queue]]\nname = \"desk\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = [\"coder\"]\n";

/// A server of npm as `.ci/others` installs it; none where it is not there.
pub(crate) fn installed(name: &str) -> Option<String> {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mcp-npm/node_modules/.bin").join(name);
    (bin.exists() || programs::is_passed_over("mcp-servers")).then(|| bin.display().to_string())
}

/// Asks all of it, one after another; each answer as it was written.
pub(crate) fn script(mut client: Client, asks: &[(&str, Json)]) -> Vec<String> {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
    let mut all = vec![client.raw("initialize", &params)];
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    all.extend(asks.iter().map(|(method, params)| client.raw(method, params)));
    client.hang_up();
    all
}

#[expect(clippy::needless_pass_by_value, reason = "it is written where it is called")]
fn call(tool: &str, arguments: Json) -> (&'static str, Json) {
    ("tools/call", json!({ "name": tool, "arguments": arguments }))
}

/// A folder as it is before a script runs in it.
fn fill(folder: &Path) {
    fs::remove_dir_all(folder).unwrap_or_default();
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("a.txt"), "one\ntwo\nthree\n").unwrap();
    fs::write(folder.join("sub/b.txt"), "é漢\u{1f600}\u{202e}").unwrap();
    fs::write(folder.join("p.png"), [0x89, b'P', b'N', b'G', 0]).unwrap();
}

fn direct(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(std::env::temp_dir());
    command
}

#[test]
fn the_file_server_answers_the_same_behind_the_gateway() {
    let Some(program) = installed("mcp-server-filesystem") else { return };
    let team = Team::new(OPEN);
    let folder: PathBuf = team.folder("files");
    let root = folder.to_str().unwrap();
    let at = |name: &str| json!({ "path": format!("{root}/{name}") });
    let with = |name: &str, more: Json| {
        let mut arguments = at(name);
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let mut asks = vec![
        ("ping", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("no/such/method", json!({ "n": 1 })),
        call("read_file", at("a.txt")),
        call("read_text_file", with("a.txt", json!({ "head": 2 }))),
        call("read_text_file", at("sub/b.txt")),
        call("read_text_file", at("none.txt")),
        call("read_text_file", json!({ "path": "/etc/passwd" })),
        call("read_text_file", json!({ "path": 7 })),
        call("read_media_file", at("p.png")),
        call("read_multiple_files", json!({ "paths": [format!("{root}/a.txt"), format!("{root}/none")] })),
        call("write_file", with("c.txt", json!({ "content": "new \u{1b}[31m" }))),
        call("edit_file", with("a.txt", json!({ "edits": [{ "oldText": "two", "newText": "2" }] }))),
        call(
            "edit_file",
            with("a.txt", json!({ "edits": [{ "oldText": "x", "newText": "y" }], "dryRun": true })),
        ),
        call("create_directory", at("d")),
        call("list_directory", json!({ "path": root })),
        call("list_directory_with_sizes", json!({ "path": root })),
        call("directory_tree", json!({ "path": root })),
        call(
            "move_file",
            json!({ "source": format!("{root}/c.txt"), "destination": format!("{root}/d/c.txt") }),
        ),
        call("search_files", json!({ "path": root, "pattern": "**/*.txt" })),
        call("list_allowed_directories", json!({})),
        call("no_such_tool", json!({})),
    ];
    asks.push(("tools/call", json!({ "name": "list_allowed_directories" })));
    fill(&folder);
    let without = script(Client::start(direct(&program, &[root])), &asks);
    fill(&folder);
    let through = script(Client::start(team.gateway("coder", "files", &[&program, root])), &asks);
    same(&asks, &without, &through);
    let listed: Json = serde_json::from_str(&through[2]).unwrap();
    let tools = listed["result"]["tools"].as_array().unwrap();
    // Each of its tools was called, but for the one whose answer has times in it.
    for tool in
        tools.iter().map(|tool| tool["name"].as_str().unwrap()).filter(|name| *name != "get_file_info")
    {
        assert!(asks.iter().any(|(_, params)| params["name"] == tool), "{tool} was not called");
    }
}

#[track_caller]
fn same(asks: &[(&str, Json)], without: &[String], through: &[String]) {
    for (at, (one, other)) in without.iter().zip(through).enumerate() {
        let asked = at.checked_sub(1).map(|at| format!("{:?}", asks[at]));
        assert_eq!(one, other, "{asked:?}");
    }
    assert_eq!(without.len(), asks.len() + 1);
}

#[test]
fn the_server_that_has_everything_answers_the_same_behind_the_gateway() {
    let Some(program) = installed("mcp-server-everything") else { return };
    let team = Team::new(OPEN);
    let ask = || {
        vec![
            ("tools/list", json!({})),
            ("prompts/list", json!({})),
            ("resources/list", json!({})),
            ("resources/templates/list", json!({})),
            ("logging/setLevel", json!({ "level": "error" })),
            ("prompts/get", json!({ "name": "simple-prompt" })),
            ("prompts/get", json!({ "name": "args-prompt", "arguments": { "city": "Bern" } })),
            ("prompts/get", json!({ "name": "no" })),
            call("echo", json!({ "message": "é\u{1b}[2J" })),
            call("get-sum", json!({ "a": 1.5, "b": 2 })),
            call("get-tiny-image", json!({})),
            call("get-annotated-message", json!({ "messageType": "error", "includeImage": true })),
            call("get-structured-content", json!({ "location": "New York" })),
            call("get-resource-links", json!({ "count": 3 })),
            call("get-resource-reference", json!({ "resourceType": "Text", "resourceId": 1 })),
            call("echo", json!({})),
            call("no", json!({})),
        ]
    };
    let (asks, again) = (ask(), ask());
    let without = script(Client::start(direct(&program, &["stdio"])), &asks);
    let once_more = script(Client::start(direct(&program, &["stdio"])), &again);
    let through = script(Client::start(team.gateway("coder", "everything", &[&program, "stdio"])), &asks);
    // What it says otherwise each time is no matter of the gateway's.
    let steady: Vec<usize> =
        (0..without.len()).filter(|at| unclocked(&without[*at]) == unclocked(&once_more[*at])).collect();
    for at in &steady {
        assert_eq!(
            unclocked(&without[*at]),
            unclocked(&through[*at]),
            "{:?}",
            at.checked_sub(1).map(|at| &asks[at])
        );
    }
    assert!(steady.len() + 3 > asks.len(), "only {} of {} answers can be compared", steady.len(), asks.len());
    progress(&program, &team);
}

/// Without the time of day that one of its resources tells.
fn unclocked(line: &str) -> String {
    let cut =
        line.split_once("created at ").and_then(|(before, rest)| Some((before, rest.split_once('"')?.1)));
    cut.map_or_else(|| line.to_owned(), |(before, after)| format!("{before}{after}"))
}

/// Notifications of progress come before the answer, as they were sent.
fn progress(program: &str, team: &Team) {
    let params = json!({ "name": "trigger-long-running-operation", "arguments": { "duration": 1, "steps": 4 }, "_meta": { "progressToken": "p" } });
    let run = |client: Client| {
        let mut client = client.begin();
        client.beside();
        let answer = client.raw("tools/call", &params);
        let beside = client.beside();
        (
            answer,
            beside.into_iter().filter(|line| line.contains("notifications/progress")).collect::<Vec<_>>(),
        )
    };
    let without = run(Client::start(direct(program, &["stdio"])));
    let through = run(Client::start(team.gateway("coder", "everything", &[program, "stdio"])));
    assert_eq!(without.0, through.0);
    // How many there are is a matter of its clock.
    assert!(through.1.len() >= 2 && through.1.iter().all(|line| without.1.contains(line)), "{through:?}");
}

#[test]
fn what_no_sdk_would_write_passes_as_it_is() {
    if !programs::is_there("python3") {
        return;
    }
    let team = Team::new(OPEN);
    let mut client = team.odd("coder");
    client.send(r#" {"id":12345678901234567890123, "params":{"arguments":{"id":"\u0041","n":12345678901234567890123},"name":"vendor","x":[1.0]},"method":"tools/call","jsonrpc":"2.0"} "#);
    let line = client.line(PATIENCE).unwrap();
    assert_eq!(
        line,
        r#"{"x-vendor": {"b":1,"a":[1.0,1e2]} , "result":{"z":12345678901234567890123,"content":[{"type":"hologram","data":"\u00e9\/"}],"_meta":{"trace":"0"},"a":{}},"id":12345678901234567890123,"jsonrpc":"2.0"}"#
    );
    // Requests that the gateway does not know pass too, and batches without calls as a whole.
    let id = client.ask("vendor/thing", &json!({ "b": 1, "a": [null] }));
    let answer = client.answer_of(&id, PATIENCE).unwrap();
    assert!(answer.contains(r#""echo": {"a": [null], "b": 1}"#), "{answer}");
    client.send(r#"[{"jsonrpc":"2.0","id":"a","method":"x"},{"jsonrpc":"2.0","method":"y"},{"jsonrpc":"2.0","id":"b","method":"x"}]"#);
    let batch = client.line(PATIENCE).unwrap();
    assert_eq!(
        batch,
        r#"[{"jsonrpc": "2.0", "id": "a", "result": {}}, {"jsonrpc": "2.0", "id": "b", "result": {}}]"#
    );
    assert_eq!(client.line(Duration::from_millis(200)), None);
    assert_eq!(client.hang_up(), Some(0));
}
