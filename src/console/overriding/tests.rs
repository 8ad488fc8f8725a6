//! Overrides by their keys: from a conflict, from the quick peek, on the real rules.

use serde_json::json;

use crate::console::app::App;
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, SALES_AND_SUPPORT, press, start};
use crate::console::testing::team::Team;
use crate::domain::ids::AgentId;
use crate::domain::path::FieldPath;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

/// What the map has beside sales and support.
const REST: &str = r#"
[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["sales", "support"]
"#;

/// The health of a contact was written three times; an act rested on the first of them.
fn team() -> Team {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    for (version, health) in ["good", "wobbly", "at risk"].iter().enumerate() {
        team.agent(
            "support",
            json!({"do": "write", "entity": "crm/contact/acme", "changes": {"health": health},
            "expected": {"health": version}, "reason": "quarterly check"}),
        )
        .unwrap();
        team.pass(Span::from_mins(2)).unwrap();
    }
    team.agent(
        "sales",
        json!({"do": "act", "target": "mail/outbox", "subject": "crm/contact/acme", "action": "send_upsell",
        "depends_on": {"crm/contact/acme#health": 1}, "reason": "renewal is near"}),
    )
    .unwrap();
    team
}

fn console(team: &mut Team, view: View, class: TokenClass) -> Runner<App> {
    by_keys::console(team, view, class, (120, 30))
}

fn health(team: &Team) -> String {
    let path: FieldPath = "crm/contact/acme#health".parse().unwrap();
    let entity = team.state.entities.get(&path.entity).expect("it was written");
    let field = entity.field(&path.field).expect("it has the field");
    format!("v{} {}", field.version, field.value.plain())
}

#[test]
fn a_field_is_set_from_the_version_that_the_ledger_tells() {
    let mut team = team();
    let mut runner = console(&mut team, View::Conflicts, TokenClass::Admin);
    let shown = press(&mut team, &mut runner, "S");
    assert!(shown.contains("v3 at risk  by support"), "{shown}");
    let lacks = press(&mut team, &mut runner, "enter");
    assert!(lacks.contains("say what it is set to"), "{lacks}");
    insta::assert_snapshot!(
        "set_120x30",
        press(&mut team, &mut runner, "text:good enter text:they_signed enter")
    );
    // The safe button is chosen first.
    let deeds = team.deeds.len();
    press(&mut team, &mut runner, "enter");
    assert_eq!(team.deeds.len(), deeds);
    // What was typed is still there.
    let again = press(&mut team, &mut runner, "S");
    assert!(again.contains("good") && again.contains("they signed"), "{again}");
    let done = press(&mut team, &mut runner, "tab enter");
    assert!(done.contains("crm/contact/acme#health is set"), "{done}");
    assert_eq!(health(&team), "v4 good");
}

/// What a person set is held: the peek says so, an agent's write waits for a yes in the inbox, and a key lets go of it.
#[test]
fn what_was_set_is_held_until_it_is_released() {
    let mut team = team();
    let mut runner = console(&mut team, View::Conflicts, TokenClass::Admin);
    press(&mut team, &mut runner, "S text:good tab text:soon enter text:they_signed enter");
    let lacks = press(&mut team, &mut runner, "tab enter");
    assert!(lacks.contains("is not a length of time"), "{lacks}");
    press(&mut team, &mut runner, "esc");
    press(&mut team, &mut runner, "S shift-tab shift-tab ctrl-u text:3h enter tab enter");
    let write = json!({"do": "write", "entity": "crm/contact/acme", "changes": {"health": "at risk"},
        "expected": {"health": 4}, "reason": "quarterly check"});
    let held = team.agent("support", write).unwrap();
    assert_eq!(held.item.map(|no| no.0), Some(1), "{held:?}");
    let mut runner = console(&mut team, View::Conflicts, TokenClass::Admin);
    let peek = press(&mut team, &mut runner, "p");
    assert!(peek.contains("held") && peek.contains("they signed"), "{peek}");
    let release = press(&mut team, &mut runner, "U");
    assert!(release.contains("Let go of crm/contact/acme#health"), "{release}");
    insta::assert_snapshot!("release_120x30", release);
    press(&mut team, &mut runner, "text:settled enter tab enter");
    assert!(team.state.board.held.is_empty());
    let mut inbox = console(&mut team, View::Inbox, TokenClass::Admin);
    insta::assert_snapshot!("held_item_120x30", press(&mut team, &mut inbox, "tab"));
    let refused = press(&mut team, &mut inbox, "h");
    assert!(refused.contains("a lets it through"), "{refused}");
    press(&mut team, &mut inbox, "a");
    press(&mut team, &mut inbox, "tab enter");
    assert_eq!(health(&team), "v5 at risk");
}

#[test]
fn a_revert_shows_the_versions_and_asks_for_one_of_them() {
    let mut team = team();
    let mut runner = console(&mut team, View::Conflicts, TokenClass::Admin);
    press(&mut team, &mut runner, "V text:7 enter text:it_was_right enter");
    let unknown = press(&mut team, &mut runner, "tab enter");
    assert!(unknown.contains("v7 is not among the versions"), "{unknown}");
    press(&mut team, &mut runner, "esc");
    press(&mut team, &mut runner, "V text:1 enter text:it_was_right enter");
    insta::assert_snapshot!("revert_120x30", runner.screen_text());
}

#[test]
fn the_peek_of_an_entity_and_its_agents_leads_to_every_override() {
    let mut team = team();
    for view in [View::Conflicts, View::Log] {
        let mut runner = console(&mut team, view, TokenClass::Admin);
        let peek = press(&mut team, &mut runner, "p");
        assert!(peek.contains("crm/contact/acme"), "{peek}");
        if view == View::Conflicts {
            insta::assert_snapshot!("peek_120x30", peek);
        }
        for (key, title) in
            [("F", "Freeze crm/contact/acme"), ("S", "Set a field"), ("V", "Revert a field"), ("P", "Pause ")]
        {
            let shown = press(&mut team, &mut runner, &format!("esc p {key}"));
            assert!(shown.contains(title), "{title}: {shown}");
            press(&mut team, &mut runner, "esc");
        }
    }
    let mut runner = console(&mut team, View::Conflicts, TokenClass::Admin);
    let paused = |team: &Team| {
        team.state.board.agents.get(&AgentId::new("support").unwrap()).unwrap().paused.is_some()
    };
    press(&mut team, &mut runner, "p P down text:calm_down enter tab enter");
    let was = paused(&team);
    press(&mut team, &mut runner, "P down text:go_on enter tab enter");
    assert_ne!(was, paused(&team), "again lets it go on");
}

#[test]
fn every_override_is_in_the_palette_with_its_key() {
    let mut team = team();
    let mut runner = console(&mut team, View::Work, TokenClass::Admin);
    for (name, key) in [("freeze", "F"), ("pause", "P"), ("set field", "S"), ("revert", "V"), ("unlock", "U")]
    {
        let typed = name.replace(' ', "_");
        let shown = press(&mut team, &mut runner, &format!(": text:{typed}"));
        let line = shown.lines().find(|line| line.contains(&format!("▌ {name} ")));
        assert!(line.is_some_and(|line| line.contains(&format!(" {key} "))), "{name}: {shown}");
        press(&mut team, &mut runner, "esc");
    }
}

#[test]
fn nothing_under_the_cursor_is_said_and_a_watcher_only_looks() {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    let mut runner = console(&mut team, View::Work, TokenClass::Admin);
    assert!(press(&mut team, &mut runner, "F").contains("no entity is under the cursor"));
    assert!(press(&mut team, &mut runner, "p").contains("no entity and no agent is under the cursor"));
    let mut team = self::team();
    let mut runner = console(&mut team, View::Conflicts, TokenClass::Watcher);
    for keys in ["F", "S", "V", "p F"] {
        let shown = press(&mut team, &mut runner, keys);
        assert!(shown.contains("only looks"), "{keys}: {shown}");
        press(&mut team, &mut runner, "esc");
    }
}

/// One key stops every agent, after a confirmation; everybody sees that, and the same key lets all go on.
#[test]
fn a_key_stops_every_agent_and_lets_all_go_on() {
    let mut team = team();
    let mut runner = console(&mut team, View::Work, TokenClass::Admin);
    insta::assert_snapshot!("pause_all_120x30", press(&mut team, &mut runner, "! text:stop_now"));
    press(&mut team, &mut runner, "enter enter");
    assert!(team.state.board.halted.is_none(), "the safe button is chosen first");
    let shown = press(&mut team, &mut runner, "! tab enter");
    assert!(team.state.board.halted.is_some());
    assert!(shown.contains("all paused by ☺ dana"), "{shown}");
    let again = press(&mut team, &mut runner, "!");
    assert!(again.contains("Let every agent go on") && again.contains("stop now"), "{again}");
    press(&mut team, &mut runner, "text:all_is_well enter tab enter");
    assert!(team.state.board.halted.is_none());
}

/// More may be kept for an agent from then on; what is left empty is as the settings say.
#[test]
fn an_agent_is_allowed_more() {
    let mut team = team();
    let mut runner = console(&mut team, View::Agents, TokenClass::Admin);
    press(&mut team, &mut runner, "j");
    assert!(runner.screen_text().contains("of 16.0 MiB"), "{}", runner.screen_text());
    let box_ =
        press(&mut team, &mut runner, "A text:8 tab text:many tab tab text:the_backlog enter tab enter");
    assert!(
        box_.contains("Let more be kept for sales") && box_.contains("\"many\" is not a whole number"),
        "{box_}"
    );
    press(&mut team, &mut runner, "esc");
    let box_ = press(
        &mut team,
        &mut runner,
        "A shift-tab shift-tab shift-tab shift-tab ctrl-u text:32 tab ctrl-u text:5000",
    );
    assert!(box_.contains("32 MiB, 5000 open things"), "{box_}");
    press(&mut team, &mut runner, "enter tab enter");
    let sales = AgentId::new("sales").unwrap();
    let allowance = team.state.board.agents[&sales].allowance;
    assert_eq!((allowance.bytes, allowance.open, allowance.keys), (Some(32 << 20), Some(5_000), None));
    assert!(runner.screen_text().contains("of 32.0 MiB"), "{}", runner.screen_text());
}
