//! Work, tasks, leases, outputs and reviews by commands alone: what people and agents type, and what they are told.

use serde_json::Value;

use crate::run::{Home, Said};
use crate::server::Server;

const TEAM: &str = "workspace = \"default\"\ngovernance_owner = \"dana\"\n\n[[agent]]\nid = \"crm\"\nowner = \"dana\"\nwrites = [\"crm/**\"]\noutputs = [\"mail/crm\"]\nescalates_to = \"inbox\"\n\n\
    [[agent]]\nid = \"sales\"\nowner = \"dana\"\nwrites = [\"pipeline/**\"]\nescalates_to = \"inbox\"\n\n\
    [[queue]]\nname = \"inbox\"\nowner = \"dana\"\npriority = [\"crm\", \"sales\"]\nreview = \"daily 09:00\"\n";

/// A team of two with their tokens, and a server beside.
fn team() -> (Home, Server) {
    let home = Home::new();
    let server = Server::start(&home);
    home.file("team.toml", TEAM);
    home.ok(&["map", "apply", "team.toml", "--reason", "two join"]);
    for agent in ["crm", "sales"] {
        home.ok(&["tokens", "create", "agent", agent, "--out", &format!("{agent}.token")]);
    }
    (home, server)
}

fn by(home: &Home, agent: &str, arguments: &[&str]) -> Said {
    let token = format!("{agent}.token");
    home.run(&[&["--token-file", &token], arguments].concat())
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {}{}", said.out, said.err))
}

fn told(said: &Said) -> String {
    format!("status {}\nout: {}\nerr: {}", said.status, said.out, said.err)
}

#[test]
fn leases_are_acquired_listed_renewed_and_ended_by_commands() {
    let (home, _server) = team();
    let held = by(&home, "crm", &["leases", "acquire", "crm/contact/acme#status", "--for", "5m", "--json"]);
    assert_eq!(held.status, 0, "{}", told(&held));
    let fence = json(&held)["lease"].to_string();
    let list = home.ok(&["leases"]);
    assert!(list.contains("crm/contact/acme#status") && list.contains("crm "), "{list}");
    let foreign = by(&home, "sales", &["leases", "release", &fence]);
    assert_eq!(foreign.status, 1, "{}", told(&foreign));
    assert!(foreign.out.contains("next:"), "{}", told(&foreign));
    assert_eq!(by(&home, "crm", &["leases", "renew", &fence, "--for", "10m"]).status, 0);
    let free = home.run(&["override", "unlock", &fence, "--reason", "its agent is gone"]);
    assert_eq!(free.status, 0, "{}", told(&free));
    assert!(home.ok(&["leases", "list"]).contains("no lease is held"));
    let late = by(&home, "crm", &["leases", "renew", &fence, "--for", "10m"]);
    assert_eq!(late.status, 1, "{}", told(&late));
}

#[test]
fn work_is_taken_and_declined_by_commands() {
    let (home, server) = team();
    let none = by(&home, "crm", &["work", "take"]);
    assert_eq!((none.status, none.out.trim()), (1, "nothing waits"), "{}", told(&none));
    let body = r#"{"entity":"crm/contact/acme","changes":{"status":"hot"},"expected":{"status":0}}"#;
    let header = home.dir.path().join("sales.token");
    crate::server::ask(&server.url, &header, "POST", "/v1/writes", body).unwrap();
    let taken = by(&home, "crm", &["work", "take", "--wait", "5s", "--json"]);
    assert_eq!(taken.status, 0, "{}", told(&taken));
    let taken = json(&taken);
    assert_eq!(taken["works"][0]["kind"]["kind"], "proposal");
    let no = taken["works"][0]["no"].to_string();
    assert!(home.ok(&["work"]).contains("taken"));
    let done = by(&home, "sales", &["work", "complete", &no, "--result", "{}"]);
    assert_eq!(done.status, 1, "another's work: {}", told(&done));
    let declined = by(&home, "crm", &["work", "decline", &no, "--note", "not before Monday"]);
    assert_eq!(declined.status, 0, "{}", told(&declined));
    let heard = by(&home, "sales", &["work"]);
    assert!(heard.out.contains("not before Monday"), "{}", told(&heard));
}

#[test]
fn what_is_typed_wrong_is_told_with_the_mend_and_the_right_status() {
    let (home, _server) = team();
    home.file("order.json", "{\"branchs\": []}");
    home.file("list.json", "[1]");
    for (arguments, status, says) in [
        (&["raise", "email.received", "--attr", "subject"][..], 2, "there is no `=`"),
        (&["raise", "email.received", "--attr", "a=1", "--attr", "a=2"], 2, "`a` comes twice"),
        (&["raise", "email.received", "--subject", "a//b"], 2, "--subject"),
        (
            &["conclude", "crm/a", "paid?", "true", "--depends-on", "crm/a#b=x"],
            2,
            "crm/contact/acme#status=3",
        ),
        (&["leases", "acquire", "--for", "5m"], 2, "PATH"),
        (&["leases", "acquire", "crm/a", "--task", "t", "--for", "5m"], 2, "--task"),
        (&["leases", "renew", "1", "--for", "soon"], 2, "length of time"),
        (&["leases", "renew", "first", "--for", "5m"], 2, "first"),
        (&["work", "take", "--wait", "2h"], 2, "at most"),
        (&["fan-outs", "start"], 2, "--file"),
        (&["fan-outs", "start", "--branch", "sales", "--deadline", "1h"], 2, "agent=input"),
        (&["fan-outs", "start", "--file", "order.json"], 2, "order.json: branchs"),
        (&["fan-outs", "start", "--file", "list.json"], 2, "named keys"),
        (&["fan-outs", "show", "7"], 1, "fan-out 7"),
        (&["handoffs", "give", "--file", "none.json"], 2, "none.json"),
        (&["handoffs", "give", "--file", "list.json", "--to", "crm"], 2, "--to"),
        (&["handoffs", "show", "draft-7"], 1, "deeds handoffs list"),
        (&["outputs", "publish", "mail/crm"], 2, "BODY"),
        (&["review", "status"], 1, "this token may not ask this"),
    ] {
        let said = by(&home, "crm", arguments);
        assert_eq!(said.status, status, "{arguments:?} {}", told(&said));
        assert!(said.err.contains(says), "{says:?} is not in {arguments:?} {}", told(&said));
    }
    let said = home.run(&["review", "status", "nowhere"]);
    assert!(said.status == 2 && said.err.contains("no queue nowhere"), "{}", told(&said));
    let said = home.run(&["override", "revert", "crm/a#b", "--to", "3", "--reason", "x"]);
    assert!(said.status == 1 && said.err.contains("version 3"), "{}", told(&said));
    let said = home.run(&["claim", "email.received", "m-1"]);
    assert!(said.status == 1 && said.out.contains("not-allowed"), "a person claims nothing: {}", told(&said));
}

#[test]
fn what_there_is_is_listed_for_people_and_for_programs() {
    let (home, _server) = team();
    assert!(home.ok(&["outputs"]).contains("mail/crm"));
    assert!(home.ok(&["review"]).contains("daily 09:00"));
    for (command, key) in [
        ("outputs", "outputs"),
        ("leases", "leases"),
        ("handoffs", "tasks"),
        ("fan-outs", "fan_outs"),
        ("review", "reviews"),
    ] {
        let said = home.run(&[command, "--json"]);
        assert!(json(&said)[key].is_array(), "{command}: {}", told(&said));
    }
    for command in
        ["raise", "claim", "conclude", "handoffs", "fan-outs", "leases", "outputs", "review", "work"]
    {
        assert!(home.ok(&[command, "--help"]).contains("Examples:"), "{command} has no example");
    }
}
