//! Many commands at once in a directory that no server holds: one of them serves the others and quits, and another goes on.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::patience;
use crate::run::{Home, Said};

const CROWD: usize = 12;
const ROUNDS: usize = 4;

/// All at once, and what each of them said.
fn together(home: &Home, commands: &[Vec<String>]) -> Vec<Said> {
    let mut children = Vec::new();
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let child = home.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        children.push(child);
    }
    let ended = children.into_iter().map(|mut child| {
        let status = patience::ended(&mut child).code().unwrap_or(-1);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { status, out: text(&output.stdout), err: text(&output.stderr) }
    });
    ended.collect()
}

#[test]
fn twelve_commands_at_once_without_a_server_all_get_through() {
    let home = Home::new();
    for round in 0..ROUNDS {
        let commands: Vec<Vec<String>> = (0..CROWD)
            .map(|at| match at % 3 {
                0 => vec!["inbox".to_owned(), "list".to_owned()],
                1 => ["tokens", "create", "watcher"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([format!("wall-{round}-{at}")])
                    .collect(),
                _ => vec!["map".to_owned(), "show".to_owned()],
            })
            .collect();
        for (command, said) in commands.iter().zip(together(&home, &commands)) {
            assert_eq!((said.status, said.err.as_str()), (0, ""), "round {round}: {command:?}: {}", said.out);
        }
        // Between two rounds none of them is left.
        std::thread::sleep(Duration::from_millis(50));
    }
    let tokens: Value = serde_json::from_str(&home.ok(&["tokens", "list", "--json"])).unwrap();
    let made = tokens["tokens"].as_array().unwrap().iter();
    let walls = made.filter(|token| token["name"].as_str().unwrap().starts_with("wall-")).count();
    assert_eq!(walls, ROUNDS * CROWD / 3, "each was made once");
    assert!(home.ok(&["verify"]).contains("holds"));
    assert!(!home.data().join("server.json").exists(), "whoever served last has ended in order");
}
