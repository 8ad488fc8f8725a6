//! The Conflicts by their keys and their screens, on the real rules.

use serde_json::json;

use crate::console::app::App;
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, SALES_AND_SUPPORT, press, start, write};
use crate::console::testing::team::Team;
use crate::domain::ids::AgentId;
use crate::domain::things::{AlertKind, TokenClass};
use crate::domain::time::Span;

/// What the map has beside sales and support.
const REST: &str = r#"
[[agent]]
id = "sourcing"
role = "finds"
owner = "dana"
writes = ["crm/contact/*#status", "notes/*"]

[[agent]]
id = "writer"
role = "drafts"
owner = "dana"
writes = ["drafts/**"]

[[field]]
path = "board/*"
kind = "append"

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["sales", "support", "sourcing", "writer"]

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#status = 'sourced'", "crm/deal/{id}#stage = 'uncontacted'"]
"#;

/// One conflict of most kinds: the upsell, the double truth, another's field, a missed deadline.
fn team() -> Team {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    team.agent("sales", write("crm/deal/7", "stage", "uncontacted", 0, "new in the pipeline")).unwrap();
    team.agent(
        "sales",
        json!({"do": "escalate", "subject": "crm/deal/7", "why": "no template fits", "input": "hello"}),
    )
    .unwrap();
    team.pass(Span::from_hours(25)).unwrap();
    team.agent("sourcing", write("crm/contact/7", "status", "sourced", 0, "found on the fair")).unwrap();
    team.agent("support", write("crm/contact/acme", "health", "good", 0, "quarterly check")).unwrap();
    team.agent(
        "support",
        write("crm/contact/acme", "health", "at risk", 1, "escalation\u{202e} by the customer"),
    )
    .unwrap();
    let upsell = json!({"do": "act", "target": "mail/outbox", "subject": "crm/contact/acme", "action": "send_upsell",
               "depends_on": {"crm/contact/acme#health": 1}, "reason": "renewal is near"});
    team.agent("sales", upsell).unwrap();
    for n in 0..3 {
        team.pass(Span::from_mins(3)).unwrap();
        team.agent("sales", write(&format!("crm/contact/{n}"), "health", "good", 0, "they sounded fine"))
            .unwrap();
    }
    team.pass(Span::from_mins(4)).unwrap();
    team
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Conflicts, TokenClass::Admin, (width, height))
}

#[test]
fn the_conflicts_at_three_widths() {
    let mut team = team();
    for (width, height) in [(120, 36), (80, 24), (44, 20)] {
        let mut runner = console(&mut team, width, height);
        insta::assert_snapshot!(format!("conflicts_{width}x{height}"), runner.screen_text());
        if width == 44 {
            insta::assert_snapshot!("conflict_44x20", press(&mut team, &mut runner, "enter"));
        }
    }
}

#[test]
fn every_kind_is_readable() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    let mut kinds = Vec::new();
    for _ in 0..team.state.board.alerts.len() {
        kinds.push(runner.screen_text());
        press(&mut team, &mut runner, "j");
    }
    for (kind, says) in [
        (AlertKind::StaleRead, "stopped, stale"),
        (AlertKind::Contradiction, "crm/deal/7#stage"),
        (AlertKind::NotOwner, "proposed to the"),
        (AlertKind::Overdue, "no template fits"),
    ] {
        let head = format!("│ {} #", kind.as_str());
        let screen = kinds.iter().find(|screen| screen.contains(&head) && screen.contains(says));
        assert!(screen.is_some(), "no {head} that says {says}");
    }
    insta::assert_snapshot!("not_owner_120x30", kinds.iter().find(|s| s.contains("│ not-owner #")).unwrap());
}

#[test]
fn resolving_needs_a_note_and_a_chosen_button() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    let before = team.state.board.alerts.len();
    let refused = press(&mut team, &mut runner, "r enter");
    assert!(refused.contains("a reason is needed"), "{refused}");
    insta::assert_snapshot!("resolve_120x30", press(&mut team, &mut runner, "text:merged_by_hand enter"));
    press(&mut team, &mut runner, "enter");
    assert_eq!(team.state.board.alerts.len(), before, "the safe button is chosen first");
    let done = press(&mut team, &mut runner, "r tab enter");
    assert_eq!(team.state.board.alerts.len(), before - 1);
    assert!(done.contains("is resolved"), "{done}");
    let all = press(&mut team, &mut runner, "R G");
    assert!(all.contains("✓ resolved") && all.contains("merged by hand"), "{all}");
}

#[test]
fn acknowledging_and_sending_to_the_inbox() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    press(&mut team, &mut runner, "/ text:stale-read enter");
    let seen = press(&mut team, &mut runner, "a");
    assert!(seen.contains("· acknowledged"), "{seen}");
    let items = team.state.board.items.len();
    insta::assert_snapshot!("escalate_120x30", press(&mut team, &mut runner, "i"));
    let sent = press(&mut team, &mut runner, "tab enter");
    assert_eq!(team.state.board.items.len(), items + 1);
    assert!(sent.contains("waits in the inbox"), "{sent}");
}

#[test]
fn an_entity_is_frozen_and_an_agent_paused_with_a_reason() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    press(&mut team, &mut runner, "/ text:stale-read enter");
    let frozen = press(&mut team, &mut runner, "F text:until_we_know_more enter tab enter");
    assert!(frozen.contains("STOPPED") && frozen.contains("until we know more"), "{frozen}");
    insta::assert_snapshot!("pause_120x30", press(&mut team, &mut runner, "P down text:calm_down enter"));
    press(&mut team, &mut runner, "tab enter");
    let paused = |team: &Team, agent: &str| {
        team.state.board.agents.get(&AgentId::new(agent).unwrap()).unwrap().paused.is_some()
    };
    assert!(paused(&team, "support") && !paused(&team, "sales"));
    press(&mut team, &mut runner, "P down text:go_on enter tab enter F text:go_on enter tab enter");
    assert!(!paused(&team, "support") && team.state.board.frozen.is_empty());
}

#[test]
fn the_first_cause_opens_in_the_log_and_the_way_leads_back() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    press(&mut team, &mut runner, "/ text:stale-read enter");
    let log = press(&mut team, &mut runner, "enter");
    assert!(log.contains("tallyfern ▸ log") && log.contains("- good") && log.contains("+ at risk"), "{log}");
    assert!(press(&mut team, &mut runner, "H").contains("tallyfern ▸ conflicts"));
    assert!(press(&mut team, &mut runner, "t").contains("/ entity:crm/contact/acme"));
}

#[test]
fn a_watcher_decides_nothing_and_pasted_text_neither() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Conflicts, TokenClass::Watcher, (120, 30));
    for key in ["a", "r", "i", "F", "P"] {
        assert!(press(&mut team, &mut runner, key).contains("only looks"), "{key}");
    }
    let mut runner = console(&mut team, 120, 30);
    let deeds = team.deeds.len();
    runner.send_keys("r").unwrap();
    runner.paste("done\nenter\n");
    team.serve(&mut runner);
    assert_eq!(team.deeds.len(), deeds);
}

#[test]
fn without_conflicts_it_says_what_would_show_up() {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    let runner = console(&mut team, 80, 24);
    assert!(runner.screen_text().contains("No open conflicts"));
}

#[test]
fn nothing_panics_on_any_size() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    for keys in ["", "enter H", "r", "esc P", "text:x enter", "esc /", "esc R G"] {
        press(&mut team, &mut runner, keys);
        for width in [1, 7, 39, 40, 41, 79, 80, 119, 121, 250] {
            for height in [1, 7, 8, 9, 24, 60] {
                runner.resize(width, height);
                assert!(!runner.screen_text().is_empty());
            }
        }
    }
}
