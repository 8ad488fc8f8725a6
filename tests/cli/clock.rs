//! The clock of a real server can be shifted, as operators and tests do it: by libfaketime, around the whole program.

use std::process::Command;

use super::programs;
use super::run::{Home, Said};

const EVENT: &str = r#"{"id": 1, "issue_id": "x-1", "actor": "rig/a", "event_type": "created", "created_at": "2026-03-01T10:00:00Z"}"#;

/// The same command at another time.
fn at(time: &str, command: &Command) -> Command {
    let mut shifted = Command::new("faketime");
    shifted.args(["-f", time]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shifted.env(name, value),
            None => shifted.env_remove(name),
        };
    }
    shifted
}

#[test]
fn the_clock_can_be_shifted() {
    if !programs::is_there("faketime") {
        return;
    }
    let home = Home::new();
    let log = home.file("events.jsonl", EVENT);
    let import = home.command(&["import", "beads", log.to_str().unwrap(), "--workspace", "b"]);
    let said = Said::of(&mut at("@2031-05-05 10:00:00", &import));
    assert_eq!(said.status, 0, "{said:?}");
    let told = home.command(&["log", "--json", "--workspace", "b"]);
    let told = Said::of(&mut at("@2031-05-05 10:10:00", &told));
    assert!(told.out.contains(r#""recordedtime":"2031-05-05T10:0"#), "{told:?}");
    assert!(told.out.contains(r#""time":"2026-03-01T10:00:00.000000Z""#), "{told:?}");
}
