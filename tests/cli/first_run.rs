//! A fresh machine: no configuration, no server, nothing in the data directory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::run::{Home, Said};

fn modes(directory: &Path, into: &mut Vec<(String, u32)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let about = fs::metadata(&path).unwrap();
        into.push((path.display().to_string(), about.permissions().mode() & 0o777));
        if about.is_dir() {
            modes(&path, into);
        }
    }
}

#[test]
fn the_first_command_finds_everything_it_needs() {
    let home = Home::new();
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits for a decision"));

    let mut found = vec![(home.data().display().to_string(), 0o700)];
    modes(&home.data(), &mut found);
    for (path, mode) in found {
        assert!(mode == 0o700 || mode == 0o600, "{path} has mode {mode:o}");
    }
    let header = fs::read_to_string(home.data().join("tokens/default.first-agent")).unwrap();
    assert!(header.starts_with("Authorization: Bearer deeds_agent_default_"), "not for curl -H @FILE");

    let tokens: Value = serde_json::from_str(&home.ok(&["tokens", "list", "--json"])).unwrap();
    let tokens: Vec<_> = tokens["tokens"].as_array().unwrap().iter().collect();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.iter().any(|token| token["class"] == "admin" && token["name"] == "dana"));
    let map = home.ok(&["map", "show"]);
    assert!(map.contains("mode = \"enforce\"") && map.contains("owner = \"dana\""), "{map}");
}

#[test]
fn the_first_workspace_has_the_name_that_was_asked_for_and_others_are_made_on_request() {
    let home = Home::new();
    home.ok(&["-w", "north", "inbox", "list"]);
    assert!(home.ok(&["workspaces"]).contains("north"));

    let said = home.run(&["-w", "south", "inbox", "list"]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(
        said.err.contains("there is no workspace `south`") && said.err.contains("workspaces create south")
    );

    home.ok(&["workspaces", "create", "south"]);
    home.ok(&["-w", "south", "inbox", "list"]);
    let said = home.run(&["workspaces", "create", "south"]);
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(home.ok(&["verify"]).contains("south"));
}

#[test]
fn a_lost_token_file_is_made_anew_by_whoever_holds_the_directory() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    fs::remove_file(home.data().join("tokens/default.dana")).unwrap();
    home.ok(&["inbox", "list"]);
    assert!(home.data().join("tokens/default.dana").exists());
}

#[test]
fn the_settings_of_the_environment_and_of_a_file_are_used() {
    let home = Home::new();
    home.file("config.toml", "workspace = \"from-file\"\ndata_dir = \"elsewhere\"\n");
    let mut command = home.command(&["--config", "config.toml", "inbox", "list"]);
    let said = Said::of(command.env_remove("DEEDS_DATA_DIR"));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(home.dir.path().join("elsewhere/workspaces/from-file").exists(), "relative to the file");
    assert!(!home.data().exists());
}

#[test]
fn the_console_needs_a_terminal_and_says_what_to_do_without_one() {
    let home = Home::new();
    let said = home.run(&[]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("deeds screen inbox"), "{}", said.err);
    assert!(!home.data().exists());
    let frame = home.ok(&["screen", "inbox", "--size", "80x24"]);
    assert_eq!(frame.lines().next().map(|line| line.contains("default ▸ inbox")), Some(true), "{frame}");
    assert!(
        frame.contains("curl") && frame.contains('@') && frame.contains("\"expected\":{\"status\":0}}'"),
        "how an agent connects, whole on the smallest screen:\n{frame}"
    );
}
