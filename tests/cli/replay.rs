//! A conflict of a history that was taken in, played again: as text, as a recording, with keys; and such a history travelled
//! by the times at which it happened.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::run::Home;
use crate::terminal::Terminal;

/// Mayor and dog take turns on one issue for a morning, months before it is taken in.
fn fought() -> Home {
    let home = Home::new();
    let mut log = String::new();
    for turn in 0..8_u32 {
        let (actor, before, after) =
            if turn % 2 == 0 { ("mayor", "open", "hooked") } else { ("dog", "hooked", "open") };
        let line = json!({
            "id": turn + 1, "actor": actor, "created_at": format!("2026-02-14T08:{:02}:00Z", 11 + turn * 3),
            "event_type": "status_changed", "issue_id": "bd-019", "comment": "",
            "old_value": json!({"status": before}).to_string(), "new_value": json!({"status": after}).to_string(),
        });
        writeln!(log, "{line}").unwrap();
    }
    home.file("events.jsonl", &log);
    home.ok(&["import", "beads", "events.jsonl", "-w", "beads"]);
    home
}

fn the_fight(home: &Home) -> String {
    let alerts: Value = serde_json::from_str(&home.ok(&["-w", "beads", "alerts", "--json"])).unwrap();
    let alerts = alerts["alerts"].as_array().unwrap();
    let fight = alerts.iter().find(|alert| alert["kind"] == "ping-pong").unwrap();
    fight["no"].to_string()
}

#[test]
fn every_step_is_told_and_written_down_for_players() {
    let home = fought();
    let alert = the_fight(&home);
    let told = home.ok(&["-w", "beads", "replay", &alert]);
    assert!(told.contains("step 1 of ") && told.contains("14 Feb 2026 08:11:00"), "{told}");
    assert!(told.contains("hooked → open") && told.contains("WHAT HAPPENED"), "{told}");
    assert!(told.contains("UNDER v"), "{told}");

    home.ok(&["-w", "beads", "replay", &alert, "--cast", "fight.cast", "--size", "90x28"]);
    let cast = std::fs::read_to_string(home.dir.path().join("fight.cast")).unwrap();
    let mut lines = cast.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let heading = lines.next().unwrap();
    assert_eq!(
        (&heading["version"], &heading["width"], &heading["height"]),
        (&json!(2), &json!(90), &json!(28))
    );
    assert!(lines.all(|event| event[1] == "o" && event[2].is_string()));
    let again = home.run(&["-w", "beads", "replay", &alert, "--cast", "fight.cast"]);
    assert!(again.status == 3 && again.err.contains("can't be written"), "{}", again.err);
    assert_eq!(home.run(&["-w", "beads", "replay", "4711"]).status, 1);
    let unknown = home.run(&["-w", "beads", "replay", &alert, "--under", "77"]);
    assert!(unknown.status == 2 && unknown.err.contains("version 77"), "{}", unknown.err);
}

#[test]
fn it_is_played_with_keys_and_written_down_from_the_console() {
    let home = fought();
    let mut console = Terminal::open(&home, &["-w", "beads"]);
    console.shows("beads ▸ inbox");
    console.types("4");
    console.shows("ping-pong");
    console.types("m");
    console.shows("Replay of ");
    console.shows("step 1 of ");
    console.shows("step 2 of ");
    console.types("\x1b[F");
    console.shows("WHAT HAPPENED");
    console.types("x");
    console.shows("file  alert-");
    console.types("\r");
    console.shows("is written");
    console.types("q");
    console.shows("m replay");
    assert_eq!(console.quit(), 0);
}

#[test]
fn a_history_that_was_taken_in_is_travelled_by_when_it_happened() {
    let home = fought();
    let watch = home.ok(&["-w", "beads", "screen", "watch", "--size", "120x36"]);
    assert!(watch.contains("last activity ") && watch.contains("14 Feb 08:32:00, as it happened"), "{watch}");
    let log = home.ok(&["-w", "beads", "screen", "log", "--size", "120x36"]);
    assert!(log.contains("60 m to 14 Feb 08:33, as it happened"), "{log}");
    let then = home.ok(&["-w", "beads", "screen", "watch", "--at", "2026-02-14T08:15", "--size", "120x36"]);
    assert!(then.contains("as it happened by 14 Feb 08:15:59"), "{then}");
    let field = |at: &str| home.ok(&["-w", "beads", "entity", "issue/bd-019", "--at", at]);
    let (hooked, open) = (field("2026-02-14T08:11"), field("happened 2026-02-14T08:14"));
    assert!(hooked.contains("hooked") && hooked.contains("as it happened by"), "{hooked}");
    assert!(open.contains("open") && !open.contains("hooked"), "{open}");
    assert!(
        home.ok(&["-w", "beads", "alerts", "list", "--at", "2026-02-14T08:11"]).contains("no open conflict")
    );
    let before = home.run(&["-w", "beads", "alerts", "list", "--at", "2026-01-01"]);
    assert!(before.status != 0 && before.err.contains("before the first deed"), "{}", before.err);
    let never = home.run(&["-w", "beads", "alerts", "list", "--at", "happened 2026-01-01"]);
    assert!(never.status != 0 && never.err.contains("nothing happened by"), "{}", never.err);
}
