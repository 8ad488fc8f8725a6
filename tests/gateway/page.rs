//! docs/GATEWAY.md, played: its commands, its rows, its settings.

use std::process::Command;

use serde_json::{Value as Json, json};

use crate::client::{Client, Team};
use crate::rules::FILES;
use crate::run::Said;
use crate::same::installed;

const PACKAGE: &str = "npx -y @modelcontextprotocol/server-filesystem";

/// The blocks of that language.
fn blocks(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/GATEWAY.md")).unwrap();
    let begin = format!("```{language}\n");
    page.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn its_commands_connect_and_its_rows_fit() {
    let Some(program) = installed("mcp-server-filesystem") else { return };
    let plain = blocks("sh").into_iter().find(|block| block.starts_with("deeds gateway --as")).unwrap();
    let rows = blocks("toml").into_iter().find(|block| block.contains("[[tool]]")).unwrap();
    let (unmapped, rows) = rows.split_once("\n\n").unwrap();
    let map = FILES.split("[[tool]]").next().unwrap().replacen(
        "\n[[agent]]",
        &format!("{unmapped}\n\n[[agent]]"),
        1,
    );
    let team = Team::new(&format!("{map}{rows}"));
    let folder = team.folder("repo");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/a.rs"), "one").unwrap();
    let command = plain.trim().replace(PACKAGE, &program);
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let mut command = team.home.command(&words);
    command.env("PATH", std::env::var("PATH").unwrap()).current_dir(&folder);
    let mut client = Client::start(command).begin();
    let at = folder.join("src/a.rs").display().to_string();
    assert_eq!(client.done("read_text_file", &json!({ "path": at })), "one");
    client.done("write_file", &json!({ "path": at, "content": "two" }));
    let told = client.told("move_file", &json!({ "source": at, "destination": format!("{at}.old") }));
    assert!(told.contains("item #1"), "{told}");
    // The other clients start the same command.
    let claude = blocks("sh").into_iter().find(|block| block.starts_with("claude mcp add")).unwrap();
    assert!(claude.trim().ends_with(plain.trim()), "{claude}");
    let code: Json = serde_json::from_str(&blocks("json")[0]).unwrap();
    let server = &code["servers"]["files"];
    let arguments = server["args"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
    let whole: Vec<&str> = std::iter::once(server["command"].as_str().unwrap()).chain(arguments).collect();
    assert_eq!(whole.join(" "), plain.trim());
}

#[test]
fn its_settings_are_read() {
    let settings = blocks("toml").into_iter().find(|block| block.contains("[gateway.crm]")).unwrap();
    let team = Team::new(FILES);
    let file = team.home.file("gateways.toml", &settings).display().to_string();
    let check = |with: fn(&mut Command)| {
        let mut command = team.home.command(&["gateway", "check", "crm", "--config", &file]);
        with(&mut command);
        Said::of(&mut command)
    };
    // Its secret is not there, and then its program is not.
    let said = check(|_| ());
    assert!(
        said.status == 2 && said.err.contains("gateway.crm.env") && said.err.contains("CRM_TOKEN"),
        "{said:?}"
    );
    let said = check(|command| _ = command.env("CRM_TOKEN", "t").env("PATH", "/nowhere"));
    assert!(said.status == 3 && said.err.contains("npx can't be started"), "{said:?}");
}
