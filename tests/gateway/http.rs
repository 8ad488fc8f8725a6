//! Streamable HTTP on both sides: `/mcp/NAME` in front, servers by `--url` behind.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use crate::behind::ACTS;
use crate::client::{Client, Team, until};
use crate::patience::PATIENCE;
use crate::programs;
use crate::same::{installed, script};

/// What came back: the status, the session, and the frames.
#[derive(Debug)]
struct Came {
    status: u16,
    session: Option<String>,
    frames: Vec<String>,
    text: String,
}

/// A request of a client in front, by hand.
struct Front<'t> {
    team: &'t Team,
    agent: &'static str,
    session: Option<String>,
    headers: String,
}

impl<'t> Front<'t> {
    fn new(team: &'t Team, agent: &'static str) -> Self {
        Self {
            team,
            agent,
            session: None,
            headers: "Accept: application/json, text/event-stream\r\n".to_owned(),
        }
    }

    fn send(&self, method: &str, body: &str) -> Came {
        let address = self.team.server.as_ref().unwrap().url.strip_prefix("http://").unwrap();
        let token = self.team.home.data().join(format!("tokens/default.{}", self.agent));
        let authorization = std::fs::read_to_string(token).unwrap();
        let session =
            self.session.as_ref().map_or_else(String::new, |id| format!("Mcp-Session-Id: {id}\r\n"));
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{method} /mcp/odd HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{}\r\n{session}{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            authorization.trim(),
            self.headers,
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let frames = text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect();
        Came { status, session: header("mcp-session-id: "), frames, text }
    }

    fn begin(&mut self) {
        let came = self.send("POST", r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#);
        assert_eq!((came.status, came.frames.len()), (200, 1), "{came:?}");
        self.session = came.session;
        assert!(self.session.is_some());
        let came = self.send("POST", r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert_eq!(came.status, 202, "{came:?}");
    }

    fn call(&self, tool: &str, id: &str) -> Json {
        let frame = json!({ "jsonrpc": "2.0", "id": format!("{tool}-{id}"), "method": "tools/call", "params": { "name": tool, "arguments": { "id": id } } });
        let came = self.send("POST", &frame.to_string());
        let answer = came.frames.last().unwrap_or_else(|| panic!("{came:?}"));
        serde_json::from_str::<Json>(answer).unwrap()["result"].take()
    }
}

fn served(only: &str) -> Option<Team> {
    if !programs::is_there("python3") {
        return None;
    }
    let team = Team::configured(
        &ACTS.replace(
            "odd/**\"]",
            "odd/**\"]\n\n[[agent]]\nid = \"other\"\nowner = \"dana\"\nwrites = [\"other/**\"]",
        ),
        |home| {
            let folder = std::fs::canonicalize(home.dir.path()).unwrap().join("odd");
            std::fs::create_dir_all(&folder).unwrap();
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/odd.py");
            format!(
                "[gateway.odd]\ncommand = \"python3\"\nargs = [\"{script}\", \"{}\"]\nenv = {{ ODD_TOKEN = \"env:HOME\" }}\n{only}",
                folder.display()
            )
        },
    );
    for agent in ["coder", "other"] {
        let file = team.home.data().join(format!("tokens/default.{agent}")).display().to_string();
        team.home.ok(&["tokens", "create", "agent", agent, "--out", &file]);
    }
    Some(team)
}

#[test]
fn servers_of_the_settings_have_an_address() {
    let Some(team) = served("") else { return };
    let mut coder = Front::new(&team, "coder");
    coder.begin();
    assert_eq!(crate::client::text(&coder.call("bump", "a")), "bump");
    assert_eq!(team.count("bump a"), 1);
    let flood = coder.send("POST", r#"{"jsonrpc":"2.0","id":"f","method":"tools/call","params":{"name":"flood","arguments":{"id":"a"}}}"#);
    assert_eq!(flood.frames.len(), 20_001, "{}", flood.frames.len());
    let died = crate::client::text(&coder.call("die", "a"));
    assert!(died.contains("Outcome unknown"), "{died}");
    assert_eq!(crate::client::text(&coder.call("bump", "b")), "bump");
    // The session is its owner's; the call of another agent is decided as that agent's.
    let mut other = Front::new(&team, "other");
    other.session.clone_from(&coder.session);
    assert_eq!(other.send("POST", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).status, 404);
    other.session = None;
    other.begin();
    let told = other.call("bump", "c");
    assert!(told["isError"] == true && team.count("bump c") == 0, "{told}");
    // Who knows no sessions has one of its own, and JSON where it takes no events.
    let plain = Front { headers: "Accept: application/json\r\n".to_owned(), ..Front::new(&team, "coder") };
    let came = plain.send(
        "POST",
        r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"bump","arguments":{"id":"d"}}}"#,
    );
    assert!(came.text.contains("application/json") && came.text.contains("bump"), "{came:?}");
    assert_eq!(coder.send("DELETE", "").status, 202);
    assert_eq!(coder.send("POST", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).status, 404);
}

#[test]
fn nobody_comes_in_who_may_not() {
    let Some(team) = served("as = \"other\"\n") else { return };
    let coder = Front::new(&team, "coder");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(coder.send("POST", ping).status, 403, "it is for another agent");
    assert_eq!(Front::new(&team, "dana").send("POST", ping).status, 403, "a person's token");
    let other = |headers: &str| Front { headers: headers.to_owned(), ..Front::new(&team, "other") };
    assert_eq!(other("Origin: https://evil.example\r\n").send("POST", ping).status, 403);
    assert_eq!(other("").send("PUT", ping).status, 405);
    assert_eq!(other("").send("POST", "{\"id\":1,").status, 400);
    assert_eq!(other("Mcp-Session-Id: made-up\r\n").send("POST", ping).status, 404);
}

#[test]
fn a_server_behind_that_speaks_http_answers_the_same() {
    let Some(program) = installed("mcp-server-everything") else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("node");
    command.args([&program, "streamableHttp"]).env("PORT", port.to_string());
    let behind = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let behind = Ended(behind);
    until("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let team = Team::new(crate::same::OPEN);
    let url = format!("http://127.0.0.1:{port}/mcp");
    let far = team.home.command(&["gateway", "--as", "coder", "--server", "far", "--url", &url]);
    let mut direct = Command::new("node");
    direct.args([&program, "stdio"]).current_dir(team.home.dir.path());
    let call = |tool: &str, arguments: Json| ("tools/call", json!({ "name": tool, "arguments": arguments }));
    let asks = [
        ("tools/list", json!({})),
        ("resources/templates/list", json!({})),
        call("echo", json!({ "message": "é\u{1b}[2J" })),
        call("get-sum", json!({ "a": 1.5, "b": 2 })),
        call("get-structured-content", json!({ "location": "New York" })),
        call("no", json!({})),
        ("no/such", json!({})),
    ];
    let through = script(Client::start(far), &asks);
    let without = script(Client::start(direct), &asks);
    assert_eq!(through, without);
    // Where nobody listens any more nothing was sent: the call may be made again.
    drop(behind);
    let mut client =
        Client::start(team.home.command(&["gateway", "--as", "coder", "--server", "far", "--url", &url]));
    client.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"x"}}}"#);
    let answer = client.line(PATIENCE).unwrap();
    assert!(answer.contains("gave no answer"), "{answer}");
}

/// Killed with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

#[test]
fn what_of_the_map_does_not_fit_a_server_is_told() {
    let Some(team) = served("") else { return };
    let config = team.home.dir.path().join("config.toml").display().to_string();
    let check = |arguments: &[&str]| {
        let mut command =
            team.home.command(&[&["gateway", "check", "--config", &config][..], arguments].concat());
        command.env("PATH", std::env::var("PATH").unwrap());
        crate::run::Said::of(&mut command)
    };
    let said = check(&["odd"]);
    assert!(said.status == 0 && said.out.contains("13 tools, 2 rows of the map, 0 to look at"), "{said:?}");
    team.apply(
        &ACTS
            .replace(
                "name = \"look\"\ndoes = \"nothing\"",
                "name = \"bump\"\ndoes = \"write\"\nentity = \"odd/{key}\"\nverify = \"fetch\"\n\n[[tool]]\nserver = \"odd\"\nname = \"fetch\"\ndoes = \"read\"\nentity = \"odd/{id}\"",
            )
            .replace("name = \"*\"", "name = \"[a-z]*\""),
    );
    let said = check(&["odd", "--json"]);
    let found: Json = serde_json::from_str(&said.out).unwrap();
    let text = found["findings"].to_string();
    for wanted in [
        "`key`, which `bump` does not have",
        "`fetch`, which the server",
        "odd/look",
        "no tool of the server",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!((said.status, &found["tools"]), (1, &json!(13)));
    assert_eq!(check(&["none"]).status, 2);
}
