//! `deeds map test`: the samples' own tests pass, and what comes out otherwise is shown where it stands.

use serde_json::Value;

use crate::run::Home;

/// The samples, as they lie beside their maps.
fn samples() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/maps");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let mut files: Vec<String> = files.collect();
    files.sort();
    files
}

#[test]
fn every_sample_has_tests_that_pass_and_touch_all_of_it() {
    let home = Home::new();
    let (tests, maps): (Vec<String>, Vec<String>) =
        samples().into_iter().partition(|file| file.ends_with(".test.toml"));
    for map in &maps {
        let test = map.replace(".toml", ".test.toml");
        assert!(tests.contains(&test), "{map} has no tests beside it");
    }
    assert!(maps.len() >= 6, "{maps:?}");
    let mut arguments = vec!["map", "test", "--json"];
    arguments.extend(tests.iter().map(String::as_str));
    let said = home.run(&arguments);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["failed"], 0);
    for of_map in report["coverage"].as_array().unwrap() {
        let missing = of_map["entries"].as_array().unwrap().iter().filter(|entry| entry["touched"] == false);
        let missing: Vec<&Value> = missing.collect();
        assert!(missing.is_empty(), "{}: {missing:#?}", of_map["map"]);
    }
    assert!(!home.data().exists(), "a test of a map needs no data directory");
}

const MAP: &str = r#"
workspace = "w"
governance_owner = "dana"

[[agent]]
id = "intake"
owner = "dana"
writes = ["crm/*#name"]
outputs = ["chat/leads"]
[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/*#stage"]

[[queue]]
name = "desk"
owner = "dana"
review = "daily 09:00"
priority = ["intake", "sales"]
"#;

const TESTS: &str = r#"map = "team.toml"

[[case]]
name = "stages are sales'"
steps = [
    { by = "sales", write = "crm/acme", set = { stage = "new" } },
    { by = "intake", write = "crm/acme", set = { stage = "won" }, expect = "committed" },
    { by = "intake", write = "crm/acme", set = { name = "never played" } },
]

[[case]]
name = "names are intake's"
steps = [{ by = "intake", write = "crm/acme", set = { name = "Acme" }, wakes = [] }]
"#;

#[test]
fn a_wrong_expectation_is_shown_like_a_failing_test() {
    let home = Home::new();
    home.file("team.toml", MAP);
    home.file("team.test.toml", TESTS);
    let said = home.run(&["map", "test", "team.test.toml", "--junit", "report.xml"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    insta::assert_snapshot!("a_wrong_expectation", said.out);
    let xml = std::fs::read_to_string(home.dir.path().join("report.xml")).unwrap();
    insta::assert_snapshot!("a_wrong_expectation_junit", xml);

    let said = home.run(&["map", "test", "team.test.toml", "--json"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    let failure = &report["files"][0]["cases"][0]["failure"];
    assert_eq!(failure["line"], 7);
    assert_eq!(failure["differences"][0]["came"], "proposed not-owner");
}

#[test]
fn what_is_no_test_is_told_in_place_with_the_nearest_word() {
    let home = Home::new();
    home.file("team.toml", MAP);
    home.file(
        "team.test.toml",
        r#"map = "team.toml"
beginns = "09:00"

[[case]]
name = "misspelt"
steps = [
    { by = "intak", write = "crm/acme", set = { name = "Acme" } },
    { by = "intake", wirte = "crm/acme" },
    { by = "intake", write = "crm/acme", set = { name = "Acme" }, expect = "comitted" },
    { by = "intake", write = "crm/acme", publish = "chat/leads" },
    { by = "intake", act = "chat/leads" },
    { by = "intake", publish = "chat/leads", set = { name = "Acme" } },
    { at = "soon" },
    { expect = "committed" },
]
"#,
    );
    let said = home.run(&["map", "test", "team.test.toml"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    insta::assert_snapshot!("no_test", said.out);
}

#[test]
fn a_map_that_cannot_be_applied_is_no_map_to_test() {
    let home = Home::new();
    home.file("team.toml", &MAP.replace("crm/*#stage", "crm/*#name"));
    home.file("team.test.toml", TESTS);
    let said = home.run(&["map", "test", "team.test.toml"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("team.toml can't be applied, it has 1 errors"), "{}", said.out);
    assert!(said.out.contains("`deeds map check team.toml` shows where"), "{}", said.out);
}

#[test]
fn the_words_of_tests_are_told() {
    let home = Home::new();
    let said = home.ok(&["map", "test", "--words"]);
    assert!(said.contains("hand_over") && said.contains("open_alerts"), "{said}");
    assert_eq!(home.run(&["map", "test"]).status, 2);
    assert_eq!(home.run(&["map", "test", "nowhere.toml"]).status, 2);
}
