//! What others made on the other side: the conformance suite and the inspector of the protocol's authors, and the clients in Python.
//! `.ci/others` installs them under target/mcp-clients; where they are not there, that is said, and is a failure where
//! `DEEDS_DEMAND` names `mcp-node` or `mcp-python`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::programs;
use crate::support::{Caller, Server};

/// Where they are, if they are.
fn home(demand: &str, within: &str) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("mcp-clients");
    (home.join(within).exists() || programs::is_passed_over(demand)).then_some(home)
}

/// A Node that is new enough: the one that was installed, or the machine's.
fn node(home: &Path) -> Command {
    let own = ["x64", "arm64"].map(|kind| home.join(format!("npm/node_modules/node-linux-{kind}/bin/node")));
    let node = own.into_iter().find(|node| node.exists()).unwrap_or_else(|| "node".into());
    let mut command = Command::new(node);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The suite can't sign in: somebody who adds the token, and nothing else, stands between. One request a connection.
async fn signed_in(caller: &Caller) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (to, token) = (caller.base.trim_start_matches("http://").to_owned(), caller.token.clone());
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(pass_on(client, to.clone(), token.clone()));
        }
    });
    here
}

async fn pass_on(client: TcpStream, to: String, token: String) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let mut server = TcpStream::connect(to).await?;
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await?;
        if line.trim().is_empty() {
            break;
        }
        if !line.to_lowercase().starts_with("connection:") {
            server.write_all(line.as_bytes()).await?;
        }
    }
    let ours = format!("Authorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    server.write_all(ours.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// The suite as each of the protocols asks for it. What fails by intent stands in `conformance.yaml` with its reason; what is
/// listed there and does not fail is a failure too.
#[tokio::test(flavor = "multi_thread")]
async fn the_conformance_suite_finds_only_what_is_known() {
    let Some(home) = home("mcp-node", "npm/node_modules/@modelcontextprotocol/conformance") else { return };
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let url = signed_in(&sales).await;
    let suite = home.join("npm/node_modules/@modelcontextprotocol/conformance/dist/index.js");
    let mut wrong = Vec::new();
    for version in ["2025-11-25", "2026-07-28"] {
        let known = format!("{}/tests/mcp/conformance-{version}.yaml", env!("CARGO_MANIFEST_DIR"));
        let mut command = node(&home);
        command.arg(&suite).args(["server", "--url", &url, "--suite", "all", "--spec-version", version]);
        command.args(["--expected-failures", &known]).current_dir(server.directory.path());
        let ran = output(command).await;
        let said = text(&ran);
        if !ran.status.success() || !said.contains("server-stateless") && version == "2026-07-28" {
            wrong.push(format!("{version}: {}\n{said}", ran.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop().await;
}

/// The inspector, by each way: it lists the tools and calls one.
#[tokio::test(flavor = "multi_thread")]
async fn the_inspector_lists_and_calls() {
    let Some(home) = home("mcp-node", "npm/node_modules/@modelcontextprotocol/inspector-cli") else { return };
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    sales.write("pipeline/p", json!({"stage": "new"}), json!({"stage": 0})).await;
    let inspector = home.join("npm/node_modules/@modelcontextprotocol/inspector-cli/build/index.js");
    let http = [
        format!("{}/mcp", server.base),
        "--transport".to_owned(),
        "http".to_owned(),
        "--header".to_owned(),
        format!("Authorization: Bearer {}", sales.token),
    ];
    let stdio = [env!("CARGO_BIN_EXE_deeds"), "--connect", &server.base, "mcp"].map(str::to_owned);
    for way in [&http[..], &stdio[..]] {
        let ask = async |what: &[&str]| -> Json {
            let mut command = node(&home);
            command.arg("--no-deprecation").arg(&inspector).args(way).args(what);
            command.env("DEEDS_TOKEN", &sales.token).env("DEEDS_CONFIG", "/dev/null");
            // From here it finds its own package.json.
            command.current_dir(inspector.parent().unwrap());
            let ran = output(command).await;
            assert!(ran.status.success(), "{what:?}: {}", text(&ran));
            serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&ran)))
        };
        let listed = ask(&["--method", "tools/list"]).await;
        assert_eq!(listed["tools"].as_array().unwrap().len(), deeds::mcp::TOOLS.len());
        let call =
            ["--method", "tools/call", "--tool-name", "read_record", "--tool-arg", "entity=pipeline/p"];
        let read = ask(&call).await;
        let said = &read["structuredContent"];
        assert_eq!(said["answer"]["fields"]["stage"]["value"], "new", "{read}");
        let zone = ask(&["--method", "resources/read", "--uri", "deeds://zone"]).await;
        assert!(zone["contents"][0]["text"].as_str().unwrap().contains("\"sales\""), "{zone}");
    }
    server.stop().await;
}

/// The SDK in Python and `fastmcp`, by each way: tools, resources, a refusal that is no exception.
#[tokio::test(flavor = "multi_thread")]
async fn the_clients_in_python_work() {
    let Some(home) = home("mcp-python", "venv/bin/python") else { return };
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/clients.py");
    let mut command = Command::new(home.join("venv/bin/python"));
    command.arg(script).args([&server.base, env!("CARGO_BIN_EXE_deeds")]);
    command.env("DEEDS_TOKEN", &sales.token).env("DEEDS_CONFIG", "/dev/null").stdin(Stdio::null());
    let ran = output(command).await;
    assert!(ran.status.success(), "{}", text(&ran));
    let said = text(&ran);
    for line in ["mcp http", "mcp stdio", "fastmcp http", "fastmcp stdio"] {
        assert!(said.contains(&format!("{line}: committed, then stale, 19 tools")), "{said}");
    }
    server.stop().await;
}
