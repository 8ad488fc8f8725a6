//! From an agent's request to a person's decision, by commands alone.

use serde_json::{Value, json};

use crate::run::Home;
use crate::server::{Server, ask};

fn write(entity: &str, field: &str, value: &str, version: u64) -> String {
    json!({ "entity": entity, "changes": { field: value }, "expected": { field: version } }).to_string()
}

fn read(home: &Home, arguments: &[&str]) -> Value {
    let said = home.run(arguments);
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{arguments:?}: {}{}", said.out, said.err))
}

#[test]
fn an_unowned_write_waits_is_expanded_and_commits() {
    let home = Home::new();
    let server = Server::start(&home);
    let agent = home.data().join("tokens/default.first-agent");
    let body = write("crm/contact/acme", "status", "new", 0);
    let (status, reply) = ask(&server.url, &agent, "POST", "/v1/writes", &body).unwrap();
    assert_eq!((status, reply["outcome"].as_str()), (200, Some("escalated")), "{reply}");

    assert!(home.ok(&["inbox", "list"]).contains("first-agent"));
    let shown = home.ok(&["inbox", "show", "1"]);
    assert!(shown.contains("crm/contact/acme") && shown.contains("digest"), "{shown}");
    let view = read(&home, &["inbox", "show", "1", "--json"]);
    let digest = view["digest"].as_str().unwrap();

    // Another case than the one that was looked at is not answered.
    let said = home.run(&["inbox", "answer", "1", "--digest", "deadbeef", "expand"]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    let dry = home.ok(&["inbox", "answer", "1", "--dry-run", "expand", "--writes", "crm/contact/*#status"]);
    assert!(dry.contains("v0 → v1") && dry.contains("decided again at once"), "{dry}");
    assert_eq!(home.run(&["who-owns", "crm/contact/acme#status"]).status, 1, "a dry run changes nothing");

    home.ok(&["inbox", "claim", "1"]);
    let view = read(&home, &["inbox", "show", "1", "--json"]);
    assert_eq!(view["digest"].as_str(), Some(digest), "claiming changes nothing of what is shown");
    home.ok(&["inbox", "answer", "1", "--digest", digest, "expand", "--writes", "crm/contact/*#status"]);
    let owner = home.ok(&["who-owns", "crm/contact/acme#status"]);
    assert!(owner.contains("first-agent") && owner.contains("new (v1 by first-agent"), "{owner}");
    assert!(home.ok(&["trace", "crm/contact/acme#status"]).contains("committed"));
    assert!(home.ok(&["map", "show"]).contains("crm/contact/*#status"));

    let said = home.run(&["inbox", "answer", "1", "handle", "again"]);
    assert_eq!(said.status, 1, "answered once: {}{}", said.out, said.err);
    home.ok(&["inbox", "undo", "1"]);
    assert_eq!(home.run(&["who-owns", "crm/contact/acme#status"]).status, 1);
    assert!(home.ok(&["inbox", "list"]).contains("#1"));
    home.ok(&["inbox", "answer", "1", "out-of-scope", "not ours"]);
    let token = agent.display().to_string();
    assert!(home.ok(&["--token-file", &token, "work"]).contains("out of scope"));
}

#[test]
fn a_write_to_anothers_field_becomes_a_proposal_that_the_owner_accepts() {
    let home = Home::new();
    let server = Server::start(&home);
    home.file(
        "team.toml",
        "workspace = \"default\"\n\n[[agent]]\nid = \"crm\"\nowner = \"dana\"\nwrites = [\"crm/**\"]\nescalates_to = \"inbox\"\n\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n",
    );
    let plan = home.ok(&["map", "apply", "team.toml", "--dry-run"]);
    assert!(plan.contains("crm.writes crm/**"), "{plan}");
    home.ok(&["map", "apply", "team.toml", "--reason", "crm joins"]);
    let said = home.run(&["map", "apply", "team.toml", "--if-version", "0"]);
    assert_eq!(said.status, 1, "another map is in force: {}{}", said.out, said.err);

    home.ok(&["tokens", "create", "agent", "crm", "--out", "crm.token"]);
    let said = home.run(&["tokens", "create", "agent", "crm", "--out", "crm.token"]);
    assert_eq!(said.status, 2, "a file is never written over: {}", said.err);

    let foreign = home.data().join("tokens/default.first-agent");
    let body = write("crm/contact/acme", "status", "hot", 0);
    let url = read(&home, &["workspaces", "--json"]);
    assert_eq!(url["workspaces"][0]["workspace"], "default");
    let (_, reply) = ask(&server.url, &foreign, "POST", "/v1/writes", &body).unwrap();
    assert_eq!((&reply["outcome"], &reply["owners"][0]), (&json!("proposed"), &json!("crm")));

    assert!(home.ok(&["work", "--agent", "crm"]).contains("proposal"));
    let own = read(&home, &["--token-file", "crm.token", "work", "--json"]);
    let work = own[0]["no"].to_string();
    let accepted = home.ok(&["--token-file", "crm.token", "work", "accept", &work]);
    assert!(accepted.contains("committed"), "{accepted}");
    assert!(home.ok(&["who-owns", "crm/contact/acme#status"]).contains("hot (v1 by crm"));
    assert!(home.ok(&["alerts"]).contains("not-owner"));
    let said = home.run(&["--token-file", "crm.token", "inbox", "list"]);
    assert!(
        said.out.contains("nothing waits"),
        "an agent's token sees what it raised: {}{}",
        said.out,
        said.err
    );
}

#[test]
fn a_person_steps_in() {
    let home = Home::new();
    let server = Server::start(&home);
    home.ok(&["override", "freeze", "crm/contact/acme", "--reason", "legal"]);
    let agent = home.data().join("tokens/default.first-agent");
    let body = write("crm/contact/acme", "status", "x", 0);
    let (_, reply) = ask(&server.url, &agent, "POST", "/v1/writes", &body).unwrap();
    // The map does not name this agent: it learns nothing of what is there, and a person decides.
    assert_eq!(reply["code"], "unowned");
    home.ok(&["override", "set", "crm/contact/acme#status", "churned", "--reason", "on the phone"]);
    home.ok(&["override", "set", "crm/contact/acme#status", "\"back\"", "--reason", "they came back"]);
    let owner = home.run(&["who-owns", "crm/contact/acme#status"]);
    assert!(owner.out.contains("back (v2 by dana"), "{}", owner.out);
    let said =
        home.run(&["override", "set", "crm/contact/acme#status", "x", "--expected", "1", "--reason", "y"]);
    assert_eq!(said.status, 1, "the version is another one by now: {}{}", said.out, said.err);
    home.ok(&["override", "pause", "first-agent", "--reason", "too eager"]);
    let (_, reply) = ask(&server.url, &agent, "POST", "/v1/writes", &body).unwrap();
    assert_eq!(reply["code"], "paused");
    home.ok(&["override", "pause-all", "--for", "2h", "--reason", "something is very wrong"]);
    for look in [&["inbox", "list"][..], &["agents"], &["doctor"]] {
        let said = home.run(look).out;
        let told = said.lines().find(|line| line.contains("something is very wrong"));
        let told = told.unwrap_or_else(|| panic!("{look:?}: {said}"));
        assert!(told.contains("paused by") && told.contains("since") && told.contains("until"), "{told}");
    }
    home.ok(&["override", "resume-all", "--reason", "it was the import"]);
    assert!(!home.ok(&["agents"]).contains("very wrong"));
    let log = home.ok(&["log", "class:person action:set", "--json"]);
    assert_eq!(log.lines().count(), 3, "two that were done, one that was refused:\n{log}");
}
