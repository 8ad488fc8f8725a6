//! May another agent join? By commands alone, with their exit statuses.

use serde_json::{Value, json};

use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// A team of one that has run for long, whose queue dana answers.
const ALONE: &str = r#"workspace = "default"
governance_owner = "dana"

[[agent]]
id = "first-agent"
owner = "dana"
live_since = 2026-01-01
triggers = ["form.submitted"]
writes = ["crm/contact/*"]

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
"#;

/// The same with a newcomer.
fn with(id: &str, trigger: &str, writes: &str) -> String {
    let ranked = ALONE.replace("review =", &format!("priority = [\"first-agent\", \"{id}\"]\nreview ="));
    format!(
        "{ranked}\n[[agent]]\nid = \"{id}\"\nowner = \"sam\"\ntriggers = [\"{trigger}\"]\nwrites = [\"{writes}\"]\n"
    )
}

fn read(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let said = home.run(arguments);
    let json = serde_json::from_str(&said.out);
    (said.status, json.unwrap_or_else(|_| panic!("{arguments:?}: {}{}", said.out, said.err)))
}

fn with_file(home: &Home, toml: &str) -> Said {
    let file = home.file("with.toml", toml);
    home.run(&["readiness", "--with", &file.display().to_string()])
}

/// An agent that works, so that what is known of it is not nothing.
fn at_work(home: &Home) -> Server {
    let server = Server::start(home);
    let file = home.file("alone.toml", ALONE);
    home.ok(&["map", "apply", &file.display().to_string()]);
    let agent = home.data().join("tokens/default.first-agent");
    let body =
        json!({"entity": "crm/contact/a", "changes": {"name": "A"}, "expected": {"name": 0}}).to_string();
    let (_, reply) = ask(&server.url, &agent, "POST", "/v1/writes", &body).unwrap();
    assert_eq!(reply["outcome"], "committed", "{reply}");
    server
}

#[test]
fn what_keeps_a_newcomer_out_is_told() {
    let home = Home::new();
    let _server = at_work(&home);
    let same = with_file(&home, ALONE);
    assert_eq!(same.status, 0, "{}{}", same.out, same.err);
    assert!(
        same.out.contains("the map adds no agent") && same.out.contains("nothing keeps them out"),
        "{}",
        same.out
    );
    let clean = with_file(&home, &with("billing", "invoice.due", "billing/*"));
    assert_eq!(clean.status, 1, "{}{}", clean.out, clean.err);
    for words in ["too little  first-agent is not stable: live 0 of 28 days", "is not quiet", "no, not yet"] {
        assert!(clean.out.contains(words), "{words}: {}", clean.out);
    }

    let clash = with_file(&home, &with("billing", "form.submitted", "crm/*/acme#status"));
    assert_eq!(clash.status, 1, "{}{}", clash.out, clash.err);
    for words in
        ["two-writers", "for example: crm/contact/acme#status", "two-listeners", "mend:", "no, not yet"]
    {
        assert!(clash.out.contains(words), "{words}: {}", clash.out);
    }
    let two = with("billing", "invoice.due", "billing/*")
        .replace("\"first-agent\", \"billing\"", "\"first-agent\", \"billing\", \"ops\"")
        + "\n[[agent]]\nid = \"ops\"\nowner = \"sam\"\ntriggers = [\"y\"]\nwrites = [\"ops/*\"]\n";
    let two = with_file(&home, &two);
    assert_eq!(two.status, 1);
    assert!(two.out.contains("calibrating first-agent, billing, ops at once"), "{}", two.out);

    home.ok(&["override", "freeze", "crm/contact/a", "--reason", "under audit"]);
    let frozen = with_file(&home, &with("billing", "invoice.due", "billing/*"));
    assert_eq!(frozen.status, 1);
    assert!(frozen.out.contains("first-agent is not stable: 1 manual intervention"), "{}", frozen.out);

    let broken = with_file(&home, "workspace = 7");
    assert_eq!(broken.status, 1);
    assert!(broken.out.contains("types"), "{}{}", broken.out, broken.err);
    let absent = home.run(&["readiness", "--with", "nowhere.toml"]);
    assert_eq!(absent.status, 2, "{}", absent.err);
    assert_eq!(home.run(&["readiness", "first-agent", "--with", "nowhere.toml"]).status, 2);
}

#[test]
fn gates_are_shown_with_what_they_were_found_by() {
    let home = Home::new();
    let nobody = home.run(&["readiness"]);
    assert_eq!(nobody.status, 0);
    assert!(
        nobody.out.contains("none has done anything yet") && nobody.out.contains("stage       1 of 5"),
        "{}",
        nobody.out
    );
    let _server = at_work(&home);
    let table = home.ok(&["readiness"]);
    for words in ["stable", "holds", "too little evidence", "live 0 of 28 days", "next agent"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let one = home.ok(&["readiness", "first-agent"]);
    assert!(
        one.contains("agent first-agent: says since 2026-01-01, which no deed shows"),
        "with all evidence: {one}"
    );
    let (status, json) = read(&home, &["readiness", "first-agent", "--json"]);
    let stable = &json["agents"][0]["gates"][0];
    assert_eq!(
        (status, &stable["kind"], &stable["state"]),
        (0, &json!("stable"), &json!("too-little")),
        "{json}"
    );
    let consistent = &json["agents"][0]["gates"][2]["evidence"];
    let last = consistent.as_array().unwrap().last().unwrap()["deed"].as_u64().unwrap();
    let deed = home.ok(&["log", "--json", "actor:first-agent"]);
    assert!(deed.contains(&format!("{last:020}")), "{last}: {deed}");

    let before = home.ok(&["readiness", "--at", "4"]);
    assert!(before.contains("as of ") && before.contains("it has done nothing yet"), "{before}");
    assert!(home.ok(&["agents", "--at", "4"]).contains("never"));
    let missing = home.run(&["readiness", "frist-agent"]);
    assert_eq!(missing.status, 1, "{}{}", missing.out, missing.err);
    assert!(
        missing.err.contains("frist-agent") && missing.err.contains("did you mean first-agent?"),
        "{}",
        missing.err
    );
    assert_eq!(home.run(&["readiness", "no such name"]).status, 2);

    let agents = home.ok(&["agents"]);
    assert!(agents.contains("first-agent") && agents.contains("1 writes, 1 triggers"), "{agents}");
    let (_, agents) = read(&home, &["agents", "--json"]);
    let standing = &agents["agents"][0]["standing"];
    assert_eq!((&standing["owner"], &standing["deeds"]), (&json!("dana"), &json!(1)), "{agents}");
}

#[test]
fn joining_too_early_needs_a_reason_that_is_kept() {
    let home = Home::new();
    let _server = at_work(&home);
    home.ok(&["override", "freeze", "crm/contact/a", "--reason", "under audit"]);
    let file = home.file("grown.toml", &with("billing", "invoice.due", "billing/*")).display().to_string();
    let dry = home.run(&["map", "apply", &file, "--dry-run"]);
    assert_eq!(dry.status, 0);
    assert!(dry.err.contains("warning: first-agent is not stable"), "{}", dry.err);
    let refused = home.run(&["map", "apply", &file]);
    assert_eq!(refused.status, 1, "{}{}", refused.out, refused.err);
    assert!(
        refused.out.contains("reason-needed") && refused.err.contains("--reason"),
        "{}{}",
        refused.out,
        refused.err
    );
    assert!(!home.ok(&["map", "show"]).contains("billing"), "nothing half-applied");
    home.ok(&["map", "apply", &file, "--reason", "the audit is about something else"]);
    let log = home.ok(&["log", "--json", "actor:dana"]);
    let applied: Value = log
        .lines()
        .filter(|line| line.contains("deeds.map.applied"))
        .map(|line| serde_json::from_str(line).unwrap())
        .next_back()
        .unwrap();
    let text = applied.to_string();
    assert!(
        text.contains("the audit is about something else") && text.contains("first-agent is not stable"),
        "{text}"
    );
}

#[test]
fn an_overdue_map_is_said_where_it_is_known_and_reviewed() {
    let home = Home::new();
    let server = at_work(&home);
    let file =
        home.file("soon.toml", &ALONE.replace("governance_owner", "review_every = \"1s\"\ngovernance_owner"));
    let file = file.display().to_string();
    home.ok(&["map", "apply", &file]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let checked = home.run(&["map", "check", &file]);
    assert_eq!(checked.status, 0, "a warning is no error: {}", checked.err);
    assert!(
        checked.out.contains("warning[map-overdue]") && checked.out.contains("deeds map reviewed"),
        "{}",
        checked.out
    );
    let (_, json) = read(&home, &["map", "check", &file, "--json"]);
    assert_eq!(json["in_force"][0]["lint"], "map-overdue", "{json}");
    assert!(home.ok(&["readiness"]).contains("overdue since"));

    assert_eq!(home.run(&["map", "reviewed", "--if-version", "7"]).status, 1);
    let late = home
        .file("late.toml", &ALONE.replace("governance_owner", "review_every = \"90d\"\ngovernance_owner"));
    home.ok(&["map", "apply", &late.display().to_string()]);
    assert!(home.ok(&["map", "reviewed", "--note", "all is well"]).contains("was gone through: all is well"));
    let checked = home.ok(&["map", "check", &file]);
    assert!(!checked.contains("map-overdue"), "{checked}");
    drop(server);
    // Without a server there is nobody to ask, and none is started for it.
    assert!(!home.ok(&["map", "check", &file]).contains("map-overdue"));
}
