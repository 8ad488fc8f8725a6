//! Going to anything by its name, over a look at it; and the page of a record.

use crate::console::place::View;
use crate::console::testing::by_keys::{SALES_AND_SUPPORT, console, press, start, write};
use crate::console::testing::team::Team;
use crate::domain::things::TokenClass;

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
