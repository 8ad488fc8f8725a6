//! Cases that came from calls of tools: the call as a person reads it, and what it would do to which record.

use serde_json::{Value as Json, json};

use super::me;
use crate::console::app::{App, Settings};
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, line_with, press, start};
use crate::console::testing::team::Team;
use crate::domain::things::TokenClass;

const MAP: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "coder"
role = "Keeps the customers' records"
owner = "dana"
writes = ["crm/contact/*"]
outputs = ["mail/clients"]

[[tool]]
server = "crm"
name = "update_contact"
does = "write"
entity = "crm/contact/{id}"
fields = { status = "{properties.status}" }
withhold = ["secret"]
approve = true

[[tool]]
server = "crm"
name = "get_contact"
does = "read"
entity = "crm/contact/{id}"

[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
"#;

fn call(tool: &str, arguments: &Json) -> Json {
    json!({"do": "call", "step": "make", "server": "crm", "tool": tool, "arguments": arguments, "via": "gate-1"})
}

/// A call that a person approves each time, one of a tool that the map does not name, and one whose end nobody knows.
fn team() -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    for id in ["acme", "hotel"] {
        let read = json!({"do": "call", "step": "made", "server": "crm", "tool": "get_contact",
            "arguments": {"id": id}, "how": "done", "ms": 12});
        team.agent("coder", read).unwrap();
    }
    let tools = ["update_contact", "get_contact", "merge_contacts", "drop\u{1b}[31m_table"];
    let tools: Vec<Json> = tools.iter().map(|name| json!({"name": name})).collect();
    team.agent("coder", json!({"do": "call", "step": "offer", "server": "crm", "tools": tools})).unwrap();
    let secret = json!({"id": "acme", "properties": {"status": "customer"}, "secret": "hunter2", "note": "\u{202e}as agreed"});
    team.agent("coder", call("update_contact", &secret)).unwrap();
    team.agent("coder", call("merge_contacts", &json!({"from": "acme", "into": "hotel"}))).unwrap();
    team
}

fn dana(team: &mut Team) -> Runner<App> {
    team.console(me("dana", TokenClass::Reviewer), Settings::default(), 120, 40)
}

#[test]
fn a_call_is_shown_as_a_person_reads_it() {
    let mut team = team();
    let mut runner = dana(&mut team);
    team.serve(&mut runner);
    let shown = runner.screen_text();
    assert!(shown.contains("crm/update_contact by coder") && shown.contains("changes #status"), "{shown}");
    assert!(!shown.contains("hunter2") && shown.contains("withheld: 7 bytes"), "{shown}");
    insta::assert_snapshot!("call_approved_each_time_120x40", shown);
    let unmapped = press(&mut team, &mut runner, "j");
    assert!(unmapped.contains("crm/merge_contacts by coder"), "{unmapped}");
    insta::assert_snapshot!("call_unmapped_120x40", unmapped);
}

/// What the person says yes to is in force once, and the log says how it ended and how long that took.
#[test]
fn the_log_says_how_a_call_ended() {
    let mut team = team();
    let mut runner = dana(&mut team);
    team.serve(&mut runner);
    press(&mut team, &mut runner, "a tab enter");
    let secret = json!({"id": "acme", "properties": {"status": "customer"}, "secret": "hunter2", "note": "\u{202e}as agreed"});
    let begun = team.agent("coder", call("update_contact", &secret)).unwrap();
    let end = json!({"do": "call", "step": "end", "act": begun.act.unwrap(), "how": "done", "ms": 1840});
    assert!(team.agent("coder", end).unwrap().is_done());
    let mut log = by_keys::console(&mut team, View::Log, TokenClass::Admin, (120, 40));
    let shown = press(&mut team, &mut log, "/ t y p e : d e e d s . c a l l . e n d e d enter enter");
    assert!(line_with(&shown, "CALL").contains("crm/update_contact: done after 1,840 ms"), "{shown}");
}

/// Which tools of the servers that an agent calls the map does not name.
#[test]
fn an_agent_shows_which_of_its_tools_are_not_on_the_map() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Agents, TokenClass::Admin, (120, 48));
    let shown = press(&mut team, &mut runner, "j");
    let tools = line_with(&shown, "tools  ");
    assert!(tools.contains("crm: 2 of 4 not on the map"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
}
