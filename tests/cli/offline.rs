//! What needs no server: help, completions, `map check`, `verify` of an export that is none.

use crate::run::Home;

const BROKEN: &str = r#"workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "intake"
role = "Qualifies inbound leads"
owner = "dana"
writes = ["crm/contact/*#status"]
escalates_to = "ops"

[[agent]]
id = "follow-up"
role = "Keeps up"
owner = "dana"
writes = ["crm/contact/acme#*"]
escalates_to = "opps"

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
"#;

#[test]
fn map_check_underlines_what_is_wrong_and_says_how_to_mend_it() {
    let home = Home::new();
    home.file("team.toml", BROKEN);
    let said = home.run(&["map", "check", "team.toml"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    insta::assert_snapshot!("map-check", said.out);
    assert_eq!(said.err, "");
}

#[test]
fn map_check_tells_programs_the_same() {
    let home = Home::new();
    home.file("team.toml", BROKEN);
    let said = home.run(&["map", "check", "team.toml", "--json"]);
    assert_eq!(said.status, 1);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["applicable"], false);
    let codes: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"two-writers") && codes.contains(&"unknown-queue"), "{codes:?}");
}

#[test]
fn the_sample_map_can_be_applied() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/maps/northwind.toml");
    let out = Home::new().ok(&["map", "check", path]);
    assert!(out.contains("apply it with `deeds map apply`"), "{out}");
}

#[test]
fn every_command_explains_itself() {
    let home = Home::new();
    let help = home.ok(&["--help"]);
    for word in ["map", "verify", "completions", "--data-dir", "--connect", "Exit status"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
    assert!(home.ok(&["map", "check", "--help"]).contains("Examples:"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(home.ok(&["completions", shell]).contains("data-dir"), "{shell}");
    }
    assert!(!home.data().exists(), "nothing of this needs a data directory");
}
