//! `deeds rehearse`: weeks of a team in seconds, the same for the same seed.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run::Home;

const FOUNDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/maps/founder.toml");

fn rehearse(home: &Home, arguments: &[&str]) -> Value {
    let said = home.ok(&[&["rehearse", "--json", "--map", FOUNDER], arguments].concat());
    serde_json::from_str(&said).unwrap()
}

#[test]
fn sixty_days_of_a_team_pass_in_seconds_and_its_gates_come_to_hold() {
    let home = Home::new();
    let began = Instant::now();
    let came = rehearse(&home, &["--days", "60", "--seed", "7", "--begins", "2026-02-02 09:00"]);
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    assert!(!home.data().exists(), "a rehearsal of a file needs no data directory");

    let weeks = came["weeks"].as_array().unwrap();
    assert_eq!(weeks.len(), 9);
    let gate = |week: &Value, agent: &str, gate: &str| week["agents"][agent][gate]["state"].clone();
    for agent in ["planner", "growth", "ops", "support", "books"] {
        assert_ne!(gate(&weeks[0], agent, "stable"), "holds", "{agent}");
        assert_eq!(gate(&weeks[8], agent, "quiet"), "holds", "{agent}");
        assert_eq!(gate(&weeks[8], agent, "stable"), "holds", "{agent}: {:#}", weeks[8]["agents"][agent]);
        assert_eq!(gate(&weeks[8], agent, "reviewed"), "holds", "{agent}: {:#}", weeks[8]["agents"][agent]);
    }
    assert_eq!(gate(&weeks[0], "growth", "quiet"), "too little");
    assert_eq!(gate(&weeks[8], "growth", "trusted"), "holds", "{:#}", weeks[8]["agents"]["growth"]);

    // The clocks change on 8 March: the night that has no 02:30 has its one backup, too.
    assert_eq!(came["ends"], "Fri 2026-04-03 00:00:00");
    assert_eq!(came["events"]["backup.due"], 59, "{:#}", came["events"]);
    assert_eq!(came["events"]["week.begins"], 8, "{:#}", came["events"]);
    assert_eq!(came["reviews"]["desk"][1], 0, "{:#}", came["reviews"]);
    assert!(came["reviews"]["desk"][0].as_u64().unwrap() >= 59, "{:#}", came["reviews"]);
}

#[test]
fn the_same_seed_gives_the_same_deeds() {
    let home = Home::new();
    let one = rehearse(&home, &["--days", "10", "--seed", "7"]);
    assert_eq!(rehearse(&home, &["--days", "10", "--seed", "7"]), one);
    assert_ne!(rehearse(&home, &["--days", "10", "--seed", "8"])["chain"], one["chain"]);
    let told = home.ok(&["rehearse", "--map", FOUNDER, "--days", "10", "--seed", "7"]);
    assert!(told.contains("week 2, until") && told.contains(one["chain"].as_str().unwrap()), "{told}");
}

#[test]
fn the_map_in_force_is_rehearsed_and_left_as_it_is() {
    let home = Home::new();
    let demo = home.ok(&["rehearse", "--days", "3"]);
    assert!(demo.contains("the demo's team northwind plays"), "{demo}");
    let map = std::fs::read_to_string(FOUNDER)
        .unwrap()
        .replace("workspace = \"founder\"", "workspace = \"default\"");
    home.file("team.toml", &map);
    home.ok(&["map", "apply", "team.toml", "--reason", "five join"]);
    let before = home.ok(&["map", "show"]);
    let told = home.ok(&["rehearse", "--days", "3"]);
    assert!(told.contains("deeds"), "{told}");
    assert_eq!(home.ok(&["map", "show"]), before);
    home.file("broken.toml", "workspace = 3");
    assert_eq!(home.run(&["rehearse", "--map", "broken.toml"]).status, 1);
}

/// Its own map says what it said; another one says otherwise, and why.
#[test]
fn a_recorded_history_is_played_again_under_another_map() {
    let home = Home::new();
    let map = std::fs::read_to_string(FOUNDER).unwrap();
    let own = map.replace("workspace = \"founder\"", "workspace = \"default\"");
    home.file("team.toml", &own);
    home.ok(&["map", "apply", "team.toml", "--reason", "five join"]);
    home.ok(&["write", "site/home", "note=ship", "--as", "growth"]);
    home.ok(&["write", "site/shop", "note=sell", "--as", "growth"]);
    home.ok(&["escalate", "half price", "--why", "an offer goes below cost", "--as", "growth"]);
    home.file("deeds.jsonl", &home.ok(&["log", "--export", "jsonl"]));
    let again = |arguments: &[&str]| -> Value {
        serde_json::from_str(&home.ok(&[&["rehearse", "--json", "--story"], arguments].concat())).unwrap()
    };
    let same = again(&["deeds.jsonl"]);
    assert_eq!((&same["different"], &same["untold"]), (&0.into(), &serde_json::json!([])), "{same:#}");
    assert!(same["asked"].as_u64().unwrap() >= 4, "{same:#}");
    let ledger = home.data().join("workspaces/default/ledger.db");
    assert_eq!(again(&[ledger.to_str().unwrap()]), same);

    let moved = own.replace("[\"site/*\", ", "[").replace("[\"goals/*\", ", "[\"goals/*\", \"site/*\", ");
    home.file("new.toml", &moved);
    let other = again(&["deeds.jsonl", "--map", "new.toml"]);
    let row = &other["turns"][0];
    assert_eq!(
        (&row["turned"], &row["who"], &row["count"]),
        (&"stopped".into(), &"growth".into(), &2.into()),
        "{other:#}"
    );
    assert_eq!((&row["then"], &row["now"]), (&"committed".into(), &"proposed not-owner to planner".into()));
    let told = home.ok(&["rehearse", "--story", "deeds.jsonl", "--map", "new.toml"]);
    assert!(
        told.contains("site/home#note belongs to planner") && told.contains("no longer goes through"),
        "{told}"
    );

    let event = r#"{"id":1,"issue_id":"bd-1","event_type":"status_changed","actor":"mayor","old_value":"{\"status\":\"open\"}","new_value":"{\"status\":\"closed\"}","created_at":"2026-02-26T15:13:31Z"}"#;
    home.file("events.jsonl", event);
    let beads = again(&["events.jsonl", "--map", "team.toml"]);
    assert_eq!((&beads["different"], &beads["turns"][0]["who"]), (&1.into(), &"mayor".into()), "{beads:#}");
    for (arguments, why) in [
        (["--story", "team.toml"].as_slice(), "this is no story; a story is a ledger"),
        (&["--story", "events.jsonl"], "name one with --map"),
        (&["--story", "nothing.db"], "No such file"),
        (&["--story", "deeds.jsonl", "--seed", "3"], "cannot be used with"),
    ] {
        let said = home.run(&[&["rehearse"], arguments].concat());
        assert!(said.status == 2 && said.err.contains(why), "{arguments:?}: {}{}", said.out, said.err);
    }
}
