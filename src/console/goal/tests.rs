//! Going to anything by its name, over a look at it; and the page of a record.

use crate::console::app::Settings;
use crate::console::ask::{Heard, Waiting};
use crate::console::message::Effect;
use crate::console::place::View;
use crate::console::testing::by_keys::{
    SALES_AND_SUPPORT, console, console_with, line_with, me, press, start, write,
};
use crate::console::testing::team::Team;
use crate::domain::ids::WorkspaceId;
use crate::domain::things::TokenClass;
use crate::domain::time::Zone;

fn team() -> Team {
    let mut team = Team::new(SALES_AND_SUPPORT, start()).unwrap();
    for (entity, value) in [("crm/contact/acme", "good"), ("crm/contact/zenith", "at risk")] {
        team.agent("support", write(entity, "health", value, 0, "quarterly check")).unwrap();
    }
    team.agent("support", write("crm/contact/acme", "health", "poor", 1, "a bad call")).unwrap();
    team
}

#[test]
fn a_record_is_found_by_a_part_of_its_name_looked_at_and_opened() {
    let mut team = team();
    let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 30));
    let found = press(&mut team, &mut runner, ": text:acme");
    assert!(found.contains("▌ crm/contact/acme"), "{found}");
    assert!(
        found.contains("#health") && found.contains("poor") && found.contains("v2"),
        "looked at: {found}"
    );
    insta::assert_snapshot!("found_120x30", found);
    let page = press(&mut team, &mut runner, "enter");
    assert!(page.contains("Record crm/contact/acme") && page.contains("history"), "{page}");
    insta::assert_snapshot!("record_120x30", page);
    // From its page it is one key to its deeds.
    let log = press(&mut team, &mut runner, "t");
    assert!(log.contains("deeds  tallyfern ▸ log") && log.contains("entity:crm/contact/acme"), "{log}");
}

#[test]
fn times_are_told_in_the_timezone_of_the_workspace_and_it_is_named() {
    let map = SALES_AND_SUPPORT.replace("governance_owner", "timezone = \"Asia/Kolkata\"\ngovernance_owner");
    let mut team = Team::new(&map, start()).unwrap();
    team.agent("support", write("crm/contact/acme", "health", "good", 0, "quarterly check")).unwrap();
    let mut runner = console(&mut team, View::Log, TokenClass::Admin, (120, 30));
    let shown = press(&mut team, &mut runner, "esc");
    assert!(shown.contains("14:30 IST"), "{shown}");
    let settings = Settings { view: View::Log, zone: Some(Zone::UTC), ..Settings::default() };
    let shown = console_with(&mut team, settings, TokenClass::Admin, (120, 30)).screen_text();
    assert!(shown.contains("09:00 UTC"), "{shown}");
}

/// What was typed into a box and not sent is told before the console is left.
#[test]
fn a_console_with_unsent_texts_is_left_knowingly() {
    let mut team = team();
    let mut runner = console(&mut team, View::Agents, TokenClass::Admin, (120, 30));
    press(&mut team, &mut runner, "j P text:too_eager");
    let closed = press(&mut team, &mut runner, "esc");
    assert!(closed.contains("not done: pause") && closed.contains("the text is kept"), "{closed}");
    let warned = press(&mut team, &mut runner, "q");
    assert!(warned.contains("1 text that was typed is not sent"), "{warned}");
    assert!(!runner.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
    runner.send_keys("j q").unwrap();
    assert!(!runner.effects.iter().any(|effect| matches!(effect, Effect::Quit)), "another key begins anew");
    runner.send_keys("q").unwrap();
    assert!(runner.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
}

#[test]
fn a_path_a_number_and_a_time_are_goals_of_their_own() {
    let mut team = team();
    let mut runner = console(&mut team, View::Work, TokenClass::Admin, (120, 30));
    let path = press(&mut team, &mut runner, ": text:crm/contact/new#name");
    assert!(path.contains("▌ crm/contact/new#name") && path.contains("field: its record's page"), "{path}");
    press(&mut team, &mut runner, "esc");
    let deed = press(&mut team, &mut runner, "ctrl-p text:#2");
    assert!(deed.contains("▌ deed #2") && deed.contains("as of #2"), "{deed}");
    let there = press(&mut team, &mut runner, "enter");
    assert!(there.contains("deeds  tallyfern ▸ log"), "{there}");
    let then = press(&mut team, &mut runner, ": text:09:00");
    assert!(then.contains("▌ as of 09:00"), "{then}");
}

#[test]
fn agents_and_what_the_map_names_are_there_and_what_only_moves_comes_last() {
    let mut team = team();
    let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 30));
    let all = press(&mut team, &mut runner, ":");
    assert!(!all.contains("half page down") && all.contains("view inbox"), "{all}");
    let agent = press(&mut team, &mut runner, "text:support");
    assert!(agent.contains("▌ support") && agent.contains("crm/contact/*#health"), "{agent}");
    let there = press(&mut team, &mut runner, "enter");
    assert!(there.contains("deeds  tallyfern ▸ agents"), "{there}");
    let output = press(&mut team, &mut runner, ": text:outbox enter");
    assert!(output.contains("deeds  tallyfern ▸ map") && output.contains("mail/outbox"), "{output}");
}

#[test]
fn the_other_workspaces_say_what_waits_there() {
    let mut team = team();
    team.agent("support", write("crm/contact/acme", "score", "9", 0, "model run 12")).unwrap();
    let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
    let Heard::Board { mut workspaces, me, board, trouble, ledger, unreplicated } =
        team.board(me("dana", TokenClass::Admin))
    else {
        panic!("no board")
    };
    workspaces.push(WorkspaceId::new("other").unwrap());
    let waiting = Waiting::of(&board, team.now).words();
    runner.server(Heard::Board { workspaces, me, board, trouble, ledger, unreplicated });
    let list = press(&mut team, &mut runner, "W");
    assert!(line_with(&list, "here now").contains("▌ tallyfern"), "{list}");
    assert!(waiting.starts_with("1 case"), "{waiting}");
    assert!(line_with(&list, " other ").contains(&waiting), "{list}");
}

#[test]
fn keys_of_other_alphabets_are_found_by_their_place_and_typed_as_they_are() {
    let mut team = team();
    let mut runner = console(&mut team, View::Inbox, TokenClass::Admin, (120, 30));
    let log = press(&mut team, &mut runner, "2 л");
    assert!(log.contains("held"), "the key of k moves to an earlier deed: {log}");
    let found = press(&mut team, &mut runner, ": text:ук");
    assert!(found.contains("> ук"), "{found}");
}
