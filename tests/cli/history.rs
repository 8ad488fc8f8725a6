//! A real history goes in, holds, and shows what the team fought over. Also the log's exports.

use std::path::PathBuf;

use serde_json::Value;

use crate::run::Home;

/// The write log of a real team, kept outside the repository.
pub(crate) fn beads() -> Option<String> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/beads-events.jsonl");
    let named = std::env::var_os("DEEDS_TEST_BEADS").map_or(beside, PathBuf::from);
    if named.exists() {
        return Some(named.display().to_string());
    }
    eprintln!("PASSED OVER: {} is not here; DEEDS_TEST_BEADS names another place", named.display());
    None
}

#[test]
fn a_real_teams_log_is_imported_once_and_shows_its_fights() {
    let Some(file) = beads() else { return };
    let home = Home::new();
    let report: Value = serde_json::from_str(&home.ok(&["import", "beads", &file, "--json"])).unwrap();
    assert_eq!(report["taken"], 2123);
    assert_eq!((&report["entities"], &report["agents"]), (&259.into(), &54.into()));
    assert_eq!(report["multi_writer_entities"], 198);
    assert_eq!(report["alerts"]["stale-write"]["times"], 11);
    assert_eq!(report["contested"][0]["entity"], "issue/bd-019");

    let again: Value = serde_json::from_str(&home.ok(&["import", "beads", &file, "--json"])).unwrap();
    assert_eq!((&again["taken"], &again["known"], &again["deeds"]), (&0.into(), &2123.into(), &0.into()));
    assert!(home.ok(&["verify"]).contains("holds"));
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits"), "an import asks nobody");

    let alerts: Value = serde_json::from_str(&home.ok(&["alerts", "--json"])).unwrap();
    let fought = |alert: &&Value| alert["kind"] == "ping-pong" && alert["on"] == "issue/bd-019#status";
    let fight = alerts["alerts"].as_array().unwrap().iter().find(fought).unwrap();
    assert!(fight["who"].as_array().unwrap().iter().any(|who| who["name"] == "dog"), "{fight}");
}

#[test]
fn broken_lines_are_told_and_the_rest_goes_in() {
    let home = Home::new();
    let good = |id: u64| {
        format!(
            "{{\"id\":{id},\"actor\":\"mayor\",\"created_at\":\"2026-02-14T08:11:00Z\",\"event_type\":\"created\",\
             \"issue_id\":\"bd-{id}\",\"old_value\":\"\",\"new_value\":\"\",\"comment\":\"\"}}\n"
        )
    };
    home.file("events.jsonl", &format!("{}not json\n{}", good(1), good(2)));
    let said = home.run(&["import", "beads", "events.jsonl", "-w", "beads"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("2 taken") && said.out.contains("1 line (2): not an event of a beads log"),
        "{}",
        said.out
    );
    assert!(home.ok(&["workspaces"]).contains("beads"));

    // Into a directory that has another workspace already, the one that is named is made.
    let second = Home::new();
    second.ok(&["inbox", "list"]);
    second.file("events.jsonl", &good(7));
    second.ok(&["import", "beads", "events.jsonl", "-w", "history"]);
    let there = second.ok(&["workspaces"]);
    assert!(there.contains("default") && there.contains("history"), "{there}");
    assert!(second.ok(&["map", "show"]).contains("enforce"), "the other workspace stays as it was");
}

#[test]
fn exports_verify_until_they_are_changed() {
    let home = Home::new();
    home.ok(&["override", "set", "crm/contact/acme#name", "=cmd, \"quoted\"", "--reason", "=1+1"]);
    let export = home.ok(&["log", "--export", "jsonl"]);
    home.file("deeds.jsonl", &export);
    assert!(home.ok(&["verify", "--export", "deeds.jsonl"]).contains("holds"));
    home.file("changed.jsonl", &export.replace("acme", "acne"));
    let said = home.run(&["verify", "--export", "changed.jsonl"]);
    assert_eq!(said.status, 3, "{}{}", said.out, said.err);
    assert!(said.err.contains("line 5"), "the first line that does not hold: {}", said.err);

    let part = home.ok(&["log", "action:set", "--export", "jsonl"]);
    assert_eq!(part.lines().count(), 1, "{part}");
    let table = home.ok(&["log", "--export", "csv"]);
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.contains("'=1+1"), "no formula for a spreadsheet:\n{table}");
    let said = home.run(&["log", "outcome:nonsense"]);
    assert_eq!(said.status, 2, "{}", said.err);
}

#[test]
fn anybodys_log_is_read_as_a_small_file_says() {
    let home = Home::new();
    home.file("map.toml", "name = \"desk\"\nactor = \"user.name\"\ntime = \"ts\"\ntime_unit = \"seconds\"\nentity = \"ticket/{no}\"\nfield = \"what\"\nbefore = \"old\"\nafter = \"new\"\nkind = \"type\"\ncreated = [\"opened\"]\n");
    let log = [
        r#"{"ts": 1772359200, "type": "opened", "user": {"name": "ann"}, "no": 7, "what": "status", "new": "open"}"#,
        r#"{"ts": 1772359260, "user": {"name": "bob"}, "no": 7, "what": "status", "old": "open", "new": "done"}"#,
        r#"{"ts": 1772359290, "user": {"name": "ann"}, "no": 7, "what": "status", "old": "open", "new": "waits"}"#,
        r#"{"ts": 1772359320, "no": 7, "what": "status", "new": "lost"}"#,
    ];
    home.file("desk.jsonl", &log.join("\n"));
    let import = ["import", "jsonl", "desk.jsonl", "--map", "map.toml", "-w", "desk"];
    let said = home.run(&import);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    for told in ["3 taken", "1 line (4): there is no `user.name`, which is its actor", "stale-write: 1"] {
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    assert!(home.run(&import).out.contains("0 taken, 3 known already"));
    let entity = home.ok(&["-w", "desk", "entity", "ticket/7"]);
    assert!(entity.contains("waits") && entity.contains("ann"), "{entity}");

    home.file("map.toml", "name = \"desk\"\nactor = \"user\"\ncolour = \"red\"\n");
    let wrong = home.run(&import);
    assert!(wrong.status == 2 && wrong.err.contains("map.toml:3: unknown field `colour`"), "{}", wrong.err);
}

/// The same log as beads' own reader takes: what stands in it as records goes in, the rest is told.
#[test]
fn a_real_teams_log_is_read_by_a_map_of_its_keys() {
    let Some(file) = beads() else { return };
    let home = Home::new();
    home.file("map.toml", "name = \"beads-log\"\nactor = \"actor\"\ntime = \"created_at\"\nentity = \"issue/{issue_id}\"\nbefore = \"old_value\"\nafter = \"new_value\"\nkind = \"event_type\"\ncreated = [\"created\"]\nid = \"id\"\nnote = \"comment\"\n");
    let said = home.run(&["import", "jsonl", &file, "--map", "map.toml", "--json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let broken = &report["broken"];
    assert_eq!(
        (&broken["reasons"][0]["why"], broken["reasons"].as_array().unwrap().len()),
        (&"`new_value` is no record".into(), 1),
        "{report}"
    );
    assert_eq!((&report["taken"], &broken["lines"]), (&1652.into(), &471.into()), "{report}");
    assert_eq!(
        (&report["entities"], &report["agents"]),
        (&224.into(), &37.into()),
        "of what was taken: {report}"
    );
}
