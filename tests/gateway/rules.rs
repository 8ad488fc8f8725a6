//! What the map makes of calls: two agents on one file, proposals whose call is forwarded once, approvals that are good for one
//! call and no other.

use std::fs;

use serde_json::{Value as Json, json};

use crate::client::{Client, Team};
use crate::patience::PATIENCE;
use crate::programs;
use crate::same::installed;

/// Two agents over the files of a folder, and a tool of each kind.
pub(crate) const FILES: &str = r#"
workspace = "default"
mode = "enforce"
governance_owner = "dana"

[[agent]]
id = "coder"
owner = "dana"
writes = ["files/src/**"]

[[agent]]
id = "writer"
owner = "dana"
writes = ["files/docs/**"]

[[queue]]
name = "desk"
owner = "dana"
review = "daily 09:00"
priority = ["coder", "writer"]

[[tool]]
server = "files"
name = "read_text_file"
does = "read"
entity = "files/{path}"

[[tool]]
server = "files"
name = "write_file"
does = "write"
entity = "files/{path}"
verify = "read_text_file"
withhold = ["content"]
hold = "1s"
"#;

/// The file server behind the gateway of an agent, which works in that folder.
fn files(team: &Team, program: &str, agent: &str) -> Client {
    let folder = team.folder("files");
    let root = folder.to_str().unwrap();
    let mut command = team
        .home
        .command(&["gateway", "--as", agent, "--server", "files", "--root", root, "--", program, root]);
    command.env("PATH", std::env::var("PATH").unwrap());
    Client::start(command).begin()
}

fn write(path: &str, content: &str) -> Json {
    json!({ "path": path, "content": content })
}

#[test]
fn a_silent_overwrite_is_stopped_though_nobody_ever_sends_a_version() {
    let Some(program) = installed("mcp-server-filesystem") else { return };
    let team = Team::new(FILES);
    let folder = team.folder("files/src");
    fs::write(folder.join("plan.md"), "one").unwrap();
    let at = format!("{}/plan.md", folder.display());
    let (mut coder, mut writer) = (files(&team, &program, "coder"), files(&team, &program, "writer"));
    let blind = writer.told("write_file", &write(&at, "blind"));
    assert!(blind.contains("has not read files/src/plan.md") && blind.contains("Next: read it"), "{blind}");
    let read = json!({ "path": at });
    assert_eq!(
        (coder.done("read_text_file", &read), writer.done("read_text_file", &read)),
        ("one".into(), "one".into())
    );
    coder.done("write_file", &write(&at, "two"));
    let stale = writer.told("write_file", &write(&at, "three"));
    assert!(stale.contains("based on what is no longer so"), "{stale}");
    assert_eq!(fs::read_to_string(&at).unwrap(), "two");
    // Based on what is so it is a proposal: the file is another's.
    assert_eq!(writer.done("read_text_file", &read), "two");
    let pending = writer.told("write_file", &write(&at, "three"));
    assert!(pending.contains("Pending"), "{pending}");
    assert_eq!(fs::read_to_string(&at).unwrap(), "two");
    // What somebody changed without asking anyone is seen just before it would be lost.
    coder.done("read_text_file", &read);
    fs::write(&at, "by hand").unwrap();
    let stale = coder.told("write_file", &write(&at, "four"));
    assert!(stale.contains("otherwise than coder read it"), "{stale}");
    assert_eq!(fs::read_to_string(&at).unwrap(), "by hand");
    // Outside of the folder there is no name for it, and so no leave.
    let outside = coder.told("write_file", &write("/etc/motd", "x"));
    assert!(outside.contains("outside"), "{outside}");
    let doors = team.doors("coder");
    assert!(doors["gateway"]["first"].is_string() && doors["http"].is_null(), "{doors}");
}

#[test]
fn a_foreign_write_waits_for_its_owner_and_is_forwarded_once() {
    let Some(program) = installed("mcp-server-filesystem") else { return };
    let team = Team::new(FILES);
    let folder = team.folder("files/src");
    let at = format!("{}/a.rs", folder.display());
    fs::write(&at, "one").unwrap();
    let mut writer = files(&team, &program, "writer");
    writer.done("read_text_file", &json!({ "path": at }));
    let pending = writer.told("write_file", &write(&at, "proposed"));
    assert!(pending.contains("Pending, proposal #1") && pending.contains("Owner: coder"), "{pending}");
    // The very same call attaches to it.
    let again = writer.told("write_file", &write(&at, "proposed"));
    assert!(again.contains("proposal #1"), "{again}");
    assert_eq!(fs::read_to_string(&at).unwrap(), "one");
    // Its owner sees it and accepts, by a console, a script or MCP: it is the same address.
    files(&team, &program, "coder").done("read_text_file", &json!({ "path": at }));
    let answer = team.post("coder", "/v1/work/1/accept", "{}");
    assert_eq!(answer["outcome"], "allowed", "{answer}");
    assert_eq!(fs::read_to_string(&at).unwrap(), "one", "it is forwarded by whoever redeems it");
    writer.done("write_file", &write(&at, "proposed"));
    assert_eq!(fs::read_to_string(&at).unwrap(), "proposed");
    fs::write(&at, "later").unwrap();
    let settled = writer.told("write_file", &write(&at, "proposed"));
    assert!(settled.contains("made before") && settled.contains("ended as done"), "{settled}");
    assert_eq!(fs::read_to_string(&at).unwrap(), "later");
}

/// Calls that a person approves, of the server that counts.
pub(crate) const APPROVED: &str = r#"
workspace = "default"
mode = "enforce"
governance_owner = "dana"

[[agent]]
id = "coder"
owner = "dana"
writes = ["odd/**"]

[[queue]]
name = "desk"
owner = "dana"
review = "daily 09:00"
priority = ["coder"]

[[tool]]
server = "odd"
name = "*"
does = "act"
entity = "odd/{id}"
approve = true
hold = "1s"
timeout = "3s"
approval_for = "1h"
"#;

/// A call that waits for a person; the number of its item.
#[track_caller]
pub(crate) fn pending(client: &mut Client, tool: &str, arguments: &Json) -> String {
    let told = client.told(tool, arguments);
    let number = told.split("item #").nth(1).and_then(|rest| rest.split(':').next());
    number.unwrap_or_else(|| panic!("{told}")).to_owned()
}

pub(crate) fn approve(team: &Team, item: &str) {
    team.home.ok(&["inbox", "answer", item, "approve"]);
}

/// The cases of envoyproxy/ai-gateway#2073 (an approval is for the very call that was paused), gridctl/gridctl#1150 (a retry attaches
/// to what is pending, and gets the settled outcome) and margince/margince#1689 (a retry just before the approval and after it makes
/// no second one).
#[test]
fn an_approval_is_for_one_call_and_no_other() {
    if !programs::is_there("python3") {
        return;
    }
    let team = Team::new(APPROVED);
    let mut client = team.odd("coder");
    let item = pending(&mut client, "bump", &json!({ "id": "a", "text": "x" }));
    // Pending is not denied, and a retry makes no second item, however its arguments are written.
    assert_eq!(pending(&mut client, "bump", &json!({ "text": "x", "id": "a" })), item);
    approve(&team, &item);
    // Other arguments are another call.
    let other = pending(&mut client, "bump", &json!({ "id": "a", "text": "y" }));
    assert_ne!(other, item);
    assert_eq!(team.count("bump a"), 0);
    client.done("bump", &json!({ "id": "a", "text": "x" }));
    let settled = client.told("bump", &json!({ "id": "a", "text": "x" }));
    assert!(settled.contains("made before"), "{settled}");
    assert_eq!(team.count("bump a"), 1);
    // A map that has changed since: decided anew.
    approve(&team, &other);
    team.apply(&APPROVED.replace("approval_for = \"1h\"", "approval_for = \"2h\""));
    let changed = client.told("bump", &json!({ "id": "a", "text": "y" }));
    assert!(changed.contains("and v2 is in force"), "{changed}");
    assert_eq!(team.count("bump a"), 1);
    let item = pending(&mut client, "bump", &json!({ "id": "r" }));
    team.home.ok(&["inbox", "answer", &item, "reject", "not today"]);
    assert_eq!(team.count("bump r"), 0);
}

#[test]
fn an_approval_that_nobody_used_in_time_is_over() {
    if !programs::is_there("python3") {
        return;
    }
    let team = Team::new(&APPROVED.replace("approval_for = \"1h\"", "approval_for = \"1s\""));
    let mut client = team.odd("coder");
    let item = pending(&mut client, "bump", &json!({ "id": "a" }));
    approve(&team, &item);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let again = pending(&mut client, "bump", &json!({ "id": "a" }));
    assert_ne!(again, item, "it is asked about anew");
    assert_eq!(team.count("bump a"), 0);
}

/// The call is held while somebody decides, with progress; what is decided meanwhile is its answer.
#[test]
fn a_held_call_is_forwarded_when_it_is_approved_and_not_when_it_is_cancelled() {
    if !programs::is_there("python3") {
        return;
    }
    let team = Team::new(&APPROVED.replace("hold = \"1s\"", "hold = \"60s\""));
    let mut client = team.odd("coder");
    let call =
        |id: &str| json!({ "name": "bump", "arguments": { "id": id }, "_meta": { "progressToken": 7 } });
    let held = client.ask("tools/call", &call("a"));
    crate::client::until("the item is there", || team.inbox().len() == 1);
    approve(&team, "1");
    let answer = client.answer_of(&held, PATIENCE).unwrap();
    assert!(answer.contains("\"bump\""), "{answer}");
    let progress: Vec<f64> = client
        .beside()
        .iter()
        .filter_map(|line| {
            let frame: Json = serde_json::from_str(line).unwrap();
            (frame["params"]["progressToken"] == 7).then(|| frame["params"]["progress"].as_f64().unwrap())
        })
        .collect();
    assert!(!progress.is_empty() && progress.is_sorted(), "{progress:?}");
    let held = client.ask("tools/call", &call("b"));
    crate::client::until("the item is there", || team.inbox().len() == 1);
    client.send(
        &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": held } })
            .to_string(),
    );
    client.raw("ping", &json!({}));
    approve(&team, "2");
    assert_eq!((client.answer_of(&held, std::time::Duration::from_secs(1)), team.count("bump b")), (None, 0));
    // The record stayed: who asks again gets what was decided.
    client.done("bump", &json!({ "id": "b" }));
    assert_eq!(team.count("bump b"), 1);
}

/// A refusal is no structured content where the tool promises a shape of it: the client would make a protocol error of it.
#[test]
fn a_refusal_is_a_tool_result_that_every_client_takes() {
    let Some(program) = installed("mcp-server-filesystem") else { return };
    let team = Team::new(FILES);
    let mut client = files(&team, &program, "writer");
    client.raw("tools/list", &json!({}));
    let at = format!("{}/x", team.folder("files").display());
    let told = client.call("create_directory", &json!({ "path": at }));
    assert_eq!((told["isError"].as_bool(), &told["structuredContent"]), (Some(true), &Json::Null));
    assert_eq!(told["_meta"]["deeds/reply"]["code"], "unmapped", "{told}");
    if programs::is_there("python3") {
        let mut client = team.odd("writer");
        crate::client::until("its tools are known", || {
            team.home.ok(&["log", "--json"]).contains("tools.offered")
        });
        let told = client.call("bump", &json!({ "id": "a" }));
        assert_eq!(
            (&told["structuredContent"]["code"], told["isError"].as_bool()),
            (&json!("unmapped"), Some(true))
        );
    }
}
