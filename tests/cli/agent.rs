//! An agent's commands from the shell, as the admin of a workspace here tries them.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::run::{Home, Said};

const TEAM: &str = r#"
workspace = "default"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*", "crm/account/*#name"]
hidden = ["hr/**"]
outputs = ["mail/sales"]
escalates_when = ["special terms"]
[[agent]]
id = "support"
owner = "dana"
writes = ["crm/account/*#health", "hr/**"]

[[queue]]
name = "inbox"
owner = "dana"
review = "daily 09:00"
priority = ["sales", "support"]
"#;

fn team() -> Home {
    let home = Home::new();
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "two join"]);
    home
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {}{}", said.out, said.err))
}

#[test]
fn an_admin_here_tries_what_an_agent_may_do() {
    let home = team();
    home.ok(&["write", "crm/account/acme", "health=good", "--as", "support"]);
    // The second write reads first, and goes by what is there.
    home.ok(&["write", "crm/account/acme", "health=at risk", "--reason", "they wait", "--as", "support"]);
    let proposed = home.run(&["write", "crm/account/acme", "health=great", "--as", "sales", "--json"]);
    assert_eq!(
        (proposed.status, json(&proposed)["outcome"].as_str()),
        (0, Some("proposed")),
        "{}",
        proposed.out
    );
    let stale = home.run(&[
        "write",
        "crm/account/acme",
        "health=fine",
        "--expected",
        "health=1",
        "--as",
        "support",
        "--json",
    ]);
    assert_eq!((stale.status, json(&stale)["code"].as_str()), (1, Some("stale")), "{}", stale.out);

    home.ok(&["write", "crm/deal/acme", "--create", "stage=open", "--as", "sales"]);
    let act = ["act", "mail/sales", "send_offer", "--subject", "crm/deal/acme", "--as", "sales", "--json"];
    let act = json(&home.run(&act))["act"].to_string();
    home.ok(&["act", "--done", &act, "--note", "sent", "--as", "sales"]);
    home.ok(&["publish", "mail/sales", "hello", "--thread", "t-1", "--as", "sales"]);
    let told = home.ok(&["escalate", "free for a year", "--why", "special terms", "--as", "sales"]);
    assert!(told.contains("inbox item #"), "{told}");
    home.ok(&["write", "crm/deal/acme", "--archive", "--as", "sales"]);
    assert_eq!(home.run(&["write", "crm/deal/acme", "--as", "sales"]).status, 2, "nothing is written");

    let read = home.ok(&["read", "crm/account/acme", "--as", "sales"]);
    assert!(read.contains("at risk"), "{read}");
    home.ok(&["write", "hr/dana", "pay=1", "--as", "support"]);
    assert_eq!(home.run(&["read", "hr/dana", "--as", "sales"]).status, 1, "what is hidden is not there");
    let lately = home.ok(&["activity", "crm/account/acme", "--as", "sales"]);
    assert!(lately.contains("support") && lately.contains("committed"), "{lately}");
    assert_eq!(home.run(&["activity", "crm/account/none"]).status, 1);

    // One token for each agent, however often it is used, in a file of the owner's alone.
    let tokens = home.ok(&["tokens", "list"]);
    for agent in ["sales", "support"] {
        assert_eq!(tokens.lines().filter(|line| line.contains(agent)).count(), 1, "{tokens}");
        let file = home.data().join(format!("tokens/default.{agent}"));
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn only_admins_of_a_workspace_here_speak_as_others() {
    let home = team();
    home.ok(&["tokens", "create", "watcher", "sam", "--out", "sam.token"]);
    let said = home.run(&["--token-file", "sam.token", "read", "crm/account/acme", "--as", "sales"]);
    assert_eq!(said.status, 2, "{}{}", said.out, said.err);
    let said = home.run(&["--connect", "http://127.0.0.1:9", "read", "crm/account/acme", "--as", "sales"]);
    assert!(said.status != 0, "{}{}", said.out, said.err);
    // A token that was revoked is replaced.
    home.ok(&["write", "crm/deal/acme", "stage=open", "--as", "sales"]);
    let tokens: Value = serde_json::from_str(&home.ok(&["tokens", "list", "--json"])).unwrap();
    let tokens = tokens["tokens"].as_array().unwrap().clone();
    let id = tokens.iter().find(|token| token["name"] == "sales").unwrap()["id"].as_str().unwrap().to_owned();
    home.ok(&["tokens", "revoke", &id]);
    home.ok(&["write", "crm/deal/acme", "stage=won", "--as", "sales"]);
}

/// An agent that nobody knows yet writes, and a person is asked; one that has a person's name leaves that person's token alone.
#[test]
fn who_is_tried_need_not_be_known_and_may_have_anybodys_name() {
    let home = team();
    let asked = home.run(&["write", "notes/first", "text=hello", "--as", "scout", "--json"]);
    assert_eq!(json(&asked)["outcome"], "escalated", "{}{}", asked.out, asked.err);
    // Whoever types this is dana.
    home.run(&["write", "notes/first", "text=mine", "--as", "dana"]);
    home.ok(&["tokens", "list"]);
    // What is hidden from it is no reason not to ask.
    let hidden = home.run(&["write", "hr/1", "pay=1", "--as", "sales", "--json"]);
    assert_ne!(json(&hidden)["outcome"], Value::Null, "{}{}", hidden.out, hidden.err);
}
