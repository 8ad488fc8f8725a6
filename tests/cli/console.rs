//! The console in a real pseudo-terminal: the first screen, a case expanded with keys, a second console, the way out.

use std::time::Instant;

use serde_json::json;

use crate::patience::PATIENCE;
use crate::run::Home;
use crate::server::{Server, ask};
use crate::terminal::Terminal;

fn url(home: &Home) -> String {
    let text = std::fs::read_to_string(home.data().join("served.json")).unwrap();
    let serving: serde_json::Value = serde_json::from_str(&text).unwrap();
    format!("http://{}", serving["address"].as_str().unwrap())
}

fn write(home: &Home, entity: &str) -> serde_json::Value {
    let agent = home.data().join("tokens/default.first-agent");
    let body = json!({ "entity": entity, "changes": { "status": "new" }, "expected": { "status": 0 } });
    ask(&url(home), &agent, "POST", "/v1/writes", &body.to_string()).unwrap().1
}

#[test]
fn a_fresh_machine_says_how_an_agent_connects_and_its_request_is_expanded_with_keys() {
    let home = Home::new();
    let mut first = Terminal::open(&home, &[]);
    first.shows("default ▸ inbox");
    first.shows("curl");
    assert_eq!(write(&home, "crm/contact/acme")["outcome"], "escalated");
    first.shows("first-agent");

    let mut second = Terminal::open(&home, &[]);
    second.shows("first-agent");
    first.types("e");
    first.shows("settles");
    first.shows("[ cancel");
    // The safe button is chosen; one key moves to the other.
    first.types("\x1b[C");
    first.shows("[ expand");
    first.types("\r");
    second.shows("map v1");
    assert!(home.ok(&["who-owns", "crm/contact/acme#status"]).contains("v1 by first-agent"));

    let before = url(&home);
    assert_eq!(first.quit(), 0);
    assert!(first.is_given_back());
    // The second console serves now, at the same address, and goes on.
    let give_up = Instant::now() + PATIENCE;
    while home.run(&["inbox", "list"]).status != 0 {
        assert!(Instant::now() < give_up);
    }
    assert_eq!(url(&home), before);
    assert_eq!(write(&home, "crm/lead/zoe")["outcome"], "escalated");
    second.shows("#status");
    assert_eq!(second.quit(), 0);
    assert!(second.is_given_back());
}

#[test]
fn a_console_on_another_server_remembers_its_token_there() {
    let home = Home::new();
    let server = Server::start(&home);
    let token = home.data().join("tokens/default.dana").display().to_string();
    let other = Home::new();
    let mut console = Terminal::open(&other, &["--connect", &server.url, "--token-file", &token]);
    console.shows("dana (admin)");
    assert_eq!(console.quit(), 0);
    assert!(other.ok(&["--connect", &server.url, "inbox", "list"]).contains("nothing waits"));
    let mut again = Terminal::open(&other, &["--connect", &server.url]);
    again.shows("● live");
    assert_eq!(again.quit(), 0);
    assert!(!other.data().join("workspaces").exists(), "no workspace was made here");
}

#[test]
fn the_demo_plays_in_the_console_and_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.dir.path().join("tmp");
    // What a demo that was killed has left behind is cleared away; what only looks like it is not.
    for (name, file) in [("deeds-demo-0123", "served.json"), ("deeds-demo-notes", "notes.txt")] {
        std::fs::create_dir_all(temporary.join(name)).unwrap();
        std::fs::write(temporary.join(name).join(file), "{}").unwrap();
    }
    // The console's flags are understood before the command and after it.
    let mut like = home.command(&["--no-mouse", "demo", "--speed", "20", "--ascii", "--theme", "mono"]);
    like.env("TMPDIR", &temporary);
    let mut demo = Terminal::open_like(&home, &like);
    demo.shows("northwind > inbox");
    demo.shows("dana");
    demo.types("2");
    demo.shows("northwind > log");
    demo.shows("committed");
    assert_eq!(demo.quit(), 0);
    assert!(demo.is_given_back());
    let left: Vec<_> =
        std::fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["deeds-demo-notes"], "its directory is gone");
    assert!(!home.data().exists(), "the person's own data was never touched");
}

#[test]
fn the_demo_sums_up_where_nobody_watches() {
    let home = Home::new();
    let said = home.ok(&["demo", "--for", "60s", "--speed", "30", "--json"]);
    let teams: serde_json::Value = serde_json::from_str(&said).unwrap();
    let teams = teams.as_array().unwrap();
    assert_eq!(teams.len(), 3);
    let alerts: Vec<&String> =
        teams.iter().flat_map(|team| team["alerts"].as_object().unwrap().keys()).collect();
    for kind in ["contradiction", "stale-read", "not-owner"] {
        assert!(
            alerts.iter().any(|one| *one == kind),
            "{kind} did not happen in the first minute: {teams:?}"
        );
    }
    assert!(!home.data().exists());
}
