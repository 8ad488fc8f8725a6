//! From a history to a map that holds: infer, resolve, check, plan, apply; and the shared document.

use serde_json::Value;

use crate::history::beads;
use crate::run::Home;
use crate::server::{Server, ask};

/// The file as a person leaves it who gives everything contested to whoever did most of it.
fn resolved(map: &str) -> String {
    let mut lines: Vec<String> = map.lines().map(str::to_owned).collect();
    let contested: Vec<(String, String)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| {
            let shares = line.strip_prefix("# CONTESTED: ")?;
            let agent = shares.split(' ').next()?;
            let path = lines.get(at + 2)?.strip_prefix("path = ")?;
            Some((agent.to_owned(), path.to_owned()))
        })
        .collect();
    for (agent, path) in contested {
        let id = format!("id = \"{agent}\"");
        let at = lines.iter().position(|line| *line == id).expect("the agent has an entry");
        let end = lines[at..].iter().position(String::is_empty).map_or(lines.len(), |end| at + end);
        match lines[at..end].iter().position(|line| line == "writes = [") {
            Some(writes) => lines.insert(at + writes + 1, format!("    {path},")),
            None => lines.insert(end, format!("writes = [\n    {path},\n]")),
        }
        lines = lines.join("\n").lines().map(str::to_owned).collect();
    }
    lines.join("\n")
}

#[test]
fn a_history_becomes_a_map_that_holds() {
    let Some(file) = beads() else { return };
    let home = Home::new();
    home.ok(&["import", "beads", &file]);
    let told = home.run(&["map", "infer", "--out", "map.toml"]);
    assert_eq!(told.status, 0, "{}{}", told.out, told.err);
    assert!(told.err.contains("54 agents") && told.err.contains("contested"), "{}", told.err);
    let map = std::fs::read_to_string(home.dir.path().join("map.toml")).unwrap();
    assert!(map.contains("path = \"issue/*#status\"") && map.contains("# CONTESTED: mayor "), "{map}");
    assert_eq!(home.run(&["map", "infer", "--out", "map.toml"]).status, 2, "a file that is there stays");

    // As it is, what is contested keeps it from being applied, and nothing else does.
    let checked = home.run(&["map", "check", "map.toml", "--json"]);
    assert_eq!(checked.status, 1, "{}{}", checked.out, checked.err);
    let checked: Value = serde_json::from_str(&checked.out).unwrap();
    let findings = checked["findings"].as_array().unwrap();
    let errors: Vec<&Value> = findings.iter().filter(|one| one["severity"] == "error").collect();
    assert!(!errors.is_empty() && errors.iter().all(|one| one["code"] == "unowned-field"), "{errors:#?}");
    let refused = home.run(&["map", "plan", "map.toml"]);
    assert_eq!(refused.status, 1, "{}", refused.out);
    assert!(refused.out.contains("unowned-field"), "findings as `map check` has them: {}", refused.out);

    home.file("resolved.toml", &resolved(&map));
    home.ok(&["map", "check", "resolved.toml"]);

    // What it would have stopped, by whom, on what.
    let planned = home.run(&["map", "plan", "resolved.toml", "--json"]);
    assert_eq!(planned.status, 1, "{}{}", planned.out, planned.err);
    let plan: Value = serde_json::from_str(&planned.out).unwrap();
    assert_eq!(
        (&plan["mode"], &plan["decisions"], &plan["unknown"]),
        (&"enforce".into(), &2123.into(), &0.into())
    );
    let stopped = plan["counts"]["stopped"].as_u64().unwrap();
    assert!((200..2000).contains(&stopped), "{stopped}");
    let by_agent: u64 =
        plan["agents"].as_array().unwrap().iter().map(|one| one["counts"]["stopped"].as_u64().unwrap()).sum();
    assert_eq!(by_agent, stopped);
    let row = plan["rows"].as_array().unwrap().iter().find(|row| row["what"] == "issue/*#status").unwrap();
    assert_eq!((&row["turn"], &row["was"]["fate"]), (&"stopped".into(), &"through".into()));
    assert!(row["examples"].as_array().unwrap().len() <= 3);
    let shown = home.run(&["map", "plan", "resolved.toml"]);
    assert!(shown.out.contains(&format!("{stopped} would be refused")), "{}", shown.out);

    // Then it holds.
    let applied = home.ok(&["map", "plan", "resolved.toml", "--apply", "--reason", "from the history"]);
    assert!(applied.contains("recorded"), "{applied}");
    let owner = row["would"]["to"][0].as_str().expect("another owns it").to_owned();
    let stranger = row["agent"].as_str().unwrap().to_owned();
    let again: Value =
        serde_json::from_str(&home.run(&["map", "plan", "resolved.toml", "--json"]).out).unwrap();
    assert_eq!((&again["counts"]["stopped"], &again["already"]["stopped"]), (&0.into(), &stopped.into()));
    let who = home.ok(&["who-owns", "issue/bd-019#status", "--json"]);
    assert!(who.contains(&owner) && owner != stranger, "{who}");
    let server = Server::start(&home);
    let write = r#"{"entity": "issue/bd-new", "changes": {"status": "open"}, "expected": {"status": 0}}"#;
    let write_as = |agent: &str, file: &str| {
        home.ok(&["tokens", "create", "agent", agent, "--out", file]);
        let header = home.dir.path().join(file);
        let (status, answer) = ask(&server.url, &header, "POST", "/v1/writes", write).unwrap();
        assert_eq!(status, 200, "{answer}");
        (answer["outcome"].as_str().unwrap().to_owned(), answer["code"].clone())
    };
    assert_eq!(write_as(&stranger, "stranger.token"), ("proposed".to_owned(), "not-owner".into()));
    assert_eq!(write_as(&owner, "owner.token"), ("committed".to_owned(), Value::Null));
}

#[test]
fn nothing_happened_nothing_is_proposed() {
    let home = Home::new();
    let said = home.run(&["map", "infer"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains("nothing to propose"), "{}", said.err);
    let map = home.ok(&["map", "show"]);
    home.file("same.toml", &map);
    let said = home.ok(&["map", "plan", "same.toml"]);
    assert!(said.contains("nothing changes") && said.contains("nothing to compare"), "{said}");
    for days in ["0", "4000", "week"] {
        let said = home.run(&["map", "plan", "same.toml", "--days", days]);
        assert_eq!(said.status, 2, "{days}: {}", said.err);
    }
    assert_eq!(home.run(&["map", "infer", "--days", "3", "--all"]).status, 2);
    assert_eq!(home.run(&["map", "plan", "nowhere.toml"]).status, 2);
}

#[test]
fn the_document_is_the_same_from_file_and_from_the_map_in_force() {
    let home = Home::new();
    home.file("map.toml", include_str!("../../assets/maps/northwind.toml"));
    let from_file = home.ok(&["map", "docs", "map.toml"]);
    assert!(!home.data().exists(), "a file needs no server");
    assert!(
        from_file.contains("## Write authority") && from_file.contains("## Escalation owners"),
        "{from_file}"
    );
    home.ok(&["map", "apply", "map.toml", "-w", "northwind"]);
    home.ok(&["map", "docs", "--out", "page.md"]);
    let in_force = std::fs::read_to_string(home.dir.path().join("page.md")).unwrap();
    let elsewhere = Home::new();
    elsewhere.file("map.toml", include_str!("../../assets/maps/northwind.toml"));
    let said = elsewhere.run(&["map", "plan", "map.toml"]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.err.contains("the map is of workspace northwind"), "{}", said.err);
    let body = |page: &str| page.split("## Agents").nth(1).unwrap().trim().to_owned();
    assert_eq!(body(&in_force), body(&from_file));
    assert!(in_force.contains("in force"), "{in_force}");
    home.file("broken.toml", "workspace = \"x\"\n");
    assert_eq!(home.run(&["map", "docs", "broken.toml"]).status, 1);
}

/// The file that a team begins with, and what becomes of it beside answers in the inbox.
#[test]
fn a_first_map_is_written_applied_and_pulled_into() {
    let home = Home::new();
    let file = home.dir.path().join("team.toml");
    let told = home.ok(&["map", "init", "team.toml"]);
    assert!(told.contains("deeds map check team.toml"), "{told}");
    assert_eq!(home.run(&["map", "init", "team.toml"]).status, 2, "a file that is there stays");
    let checked = home.ok(&["map", "check", "team.toml"]);
    assert!(checked.contains("nothing wrong"), "{checked}");
    let tested = home.ok(&["map", "test", "team.test.toml"]);
    assert!(tested.contains("2 passed, 0 failed"), "{tested}");
    let first = std::fs::read_to_string(&file).unwrap();
    let (head, example) = first.split_once("# [[agent]]").expect("an agent is shown");
    let example: Vec<&str> = example.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    home.file("team.toml", &format!("{head}[[agent]]{}\n", example.join("\n")));
    home.ok(&["map", "apply", "team.toml"]);
    let again = home.run(&["map", "init", "other.toml"]);
    assert!(again.status == 2 && again.err.contains("deeds map show > other.toml"), "{}", again.err);

    let server = Server::start(&home);
    home.ok(&["tokens", "create", "agent", "intake", "--out", "intake.token"]);
    let header = home.dir.path().join("intake.token");
    let asked = r#"{"input": "a new field: score", "why": "nobody owns it"}"#;
    let (status, answer) = ask(&server.url, &header, "POST", "/v1/escalations", asked).unwrap();
    assert_eq!((status, &answer["item"]), (200, &1.into()), "{answer}");
    home.ok(&["inbox", "answer", "1", "expand", "--agent", "intake", "--writes", "crm/contact/*#score"]);

    let refused = home.run(&["map", "apply", "team.toml", "--reason", "the file as it was"]);
    assert_eq!(refused.status, 1, "{}{}", refused.out, refused.err);
    assert!(refused.out.contains("+ intake.writes crm/contact/*#score"), "{}", refused.out);
    assert!(refused.out.contains("deeds map pull") && refused.out.contains("--take-back"), "{}", refused.out);
    let before = std::fs::read_to_string(&file).unwrap();
    let dry = home.ok(&["map", "pull", "team.toml", "--dry-run"]);
    assert!(dry.contains("+ intake.writes crm/contact/*#score"), "{dry}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before, "only said");
    home.ok(&["map", "pull", "team.toml"]);
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.contains(r#"writes = ["crm/contact/*#name", "crm/contact/*#score"]"#), "{after}");
    for line in before.lines().filter(|line| !line.starts_with("writes")) {
        assert!(after.contains(line), "{line:?} is gone: {after}");
    }
    assert!(after.contains("# the fields that only it writes"), "{after}");
    let nothing = home.ok(&["map", "pull", "team.toml"]);
    assert!(nothing.contains("has all that answers have changed"), "{nothing}");
    home.ok(&["map", "apply", "team.toml"]);

    // An old file takes nothing back unseen, also once a newer one has it.
    home.file("old.toml", &before);
    let refused = home.run(&["map", "apply", "old.toml"]);
    assert_eq!(refused.status, 1, "{}{}", refused.out, refused.err);
    assert!(refused.out.contains("+ intake.writes crm/contact/*#score"), "{}", refused.out);
    home.ok(&["map", "apply", "old.toml", "--take-back"]);
    home.file("other.toml", &before.replacen("workspace = \"", "workspace = \"not-", 1));
    let other = home.ok(&["map", "check", "other.toml"]);
    assert!(other.contains("warning[other-workspace]"), "{other}");
}
