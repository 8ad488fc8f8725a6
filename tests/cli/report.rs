//! What a team did in a week, by the command that writes it down.

use serde_json::Value;

use crate::run::Home;

const TEAM: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*"]

[[agent]]
id = "support"
owner = "dana"
writes = ["crm/account/*"]

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["sales", "support"]
"#;

#[test]
fn a_week_is_written_down() {
    let home = Home::new();
    let quiet = home.ok(&["report", "--week"]);
    for nothing in
        ["Nobody had to decide anything.", "Everything was done as asked.", "No conflict was opened."]
    {
        assert!(quiet.contains(nothing), "{quiet}");
    }
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "two | join <b>now</b>"]);
    home.ok(&["write", "crm/deal/1", "stage=won", "--as", "sales"]);
    for stage in ["lost", "open"] {
        home.run(&["write", "crm/deal/1", &format!("stage={stage}"), "--as", "support"]);
    }
    home.run(&["write", "crm/note/1", "text=hello", "--as", "support"]);
    home.run(&["write", "crm/note/2", "text=hello", "--as", "support"]);
    let cases = home.ok(&["inbox", "list", "--json"]);
    assert!(cases.contains("crm/note/1"), "{cases}");
    home.ok(&["inbox", "answer", "1", "out-of-scope", "nobody needs it"]);

    let week = home.ok(&["report", "--week"]);
    for line in [
        "## Decisions",
        "1 answered, half of them within",
        "| out of scope | 1 |",
        "| support | 4 |",
        "| crm/deal/1#stage | 2 | support 2 |",
        "| crm/note/1#text | 1 | support 1 |",
        "by dana",
        "two \\| join \\<b\\>now\\</b\\>",
        "## Readiness",
    ] {
        assert!(week.contains(line), "{line:?} is not in\n{week}");
    }
    let json: Value = serde_json::from_str(&home.ok(&["report", "--days", "2", "--json"])).unwrap();
    assert_eq!(json["days"].as_array().map(Vec::len), Some(2), "{json}");
    assert_eq!(json["answers"]["out of scope"], 1, "{json}");
    assert_eq!(json["waited"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(home.run(&["report", "--days", "0"]).status, 2);
}
