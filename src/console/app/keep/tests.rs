//! What a console notices, and what the next one begins with.

use crate::console::app::{App, Settings};
use crate::console::ask::Heard;
use crate::console::message::Effect;
use crate::console::place::{Spot, View};
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{SALES_AND_SUPPORT, me, press, start, write};
use crate::console::testing::team::Team;
use crate::console::world::Link;
use crate::domain::things::TokenClass;

fn team() -> Team {
    let mut team = Team::new(SALES_AND_SUPPORT, start()).unwrap();
    for contact in ["acme", "zenith", "nadir"] {
        let entity = format!("crm/contact/{contact}");
        team.agent("support", write(&entity, "health", "good", 0, "quarterly check")).unwrap();
        team.agent("sales", write(&format!("crm/note/{contact}"), "text", "x", 0, "a note")).unwrap();
    }
    team
}

/// A console that keeps, with what those before it kept.
fn console(team: &mut Team) -> Runner<App> {
    let me = me("dana", TokenClass::Admin);
    let app = App::new(team.workspace(), me.clone(), Settings::default()).with_kept(team.kept.clone());
    let mut runner = Runner::new(app, 120, 36, team.now.micros());
    runner.server(team.board(me));
    runner.server(Heard::Link(Link::Live { latency_ms: Some(12) }));
    for _ in 0..3 {
        runner.screen_text();
        team.serve(&mut runner);
    }
    runner
}

#[test]
fn the_next_console_begins_where_this_one_was() {
    let mut team = team();
    let mut runner = console(&mut team);
    press(&mut team, &mut runner, "2 / text:actor:support enter f k");
    drop(runner);
    let place = team.kept.values().next().unwrap().place.clone().unwrap();
    let Some(Spot::Within(filter, seq)) = &place.spot else { panic!("{place:?}") };
    assert_eq!((place.view, filter.as_str()), (View::Log, "actor:support"));
    // What happens meanwhile does not move the reader.
    team.agent("support", write("crm/contact/late", "health", "good", 0, "late")).unwrap();
    let mut runner = console(&mut team);
    let begins = runner.screen_text();
    assert!(begins.contains("tallyfern ▸ log") && begins.contains(" / actor:support"), "{begins}");
    assert!(begins.contains("held"), "{begins}");
    let opened = press(&mut team, &mut runner, "enter");
    assert!(opened.contains(&format!("#{seq}")), "{seq} in {opened}");
    // A list's own filter, and the row in it.
    press(&mut team, &mut runner, "esc 1 / text:zenith enter");
    let begins = console(&mut team).screen_text();
    assert!(begins.contains("tallyfern ▸ inbox") && begins.contains("/ zenith"), "{begins}");
    assert!(begins.contains("crm/note/zenith") && !begins.contains("crm/note/acme"), "{begins}");
}

#[test]
fn a_text_that_was_not_sent_is_there_in_the_next_console_until_it_is_sent_or_thrown_away() {
    let mut team = team();
    let mut runner = console(&mut team);
    // Nothing closes the box: the console is gone at once.
    press(&mut team, &mut runner, "h text:done_by_phone");
    let mut runner = console(&mut team);
    let said = runner.screen_text();
    assert!(said.contains("kept from before, and not sent: what was typed for"), "{said}");
    let again = press(&mut team, &mut runner, "h");
    assert!(again.contains("done by phone"), "{again}");
    // It is left without a second question.
    press(&mut team, &mut runner, "esc");
    runner.send_keys("q").unwrap();
    assert!(runner.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
    // Thrown away knowingly, by its name.
    let mut runner = console(&mut team);
    let looked = press(&mut team, &mut runner, ": text:throw_away");
    assert!(looked.contains("▌ throw away: ") && looked.contains("note: done by phone"), "{looked}");
    let gone = press(&mut team, &mut runner, "enter");
    assert!(gone.contains("thrown away: what was typed for"), "{gone}");
    assert!(!kept_one(&team), "{:?}", team.kept);
    // Sent, and taken: gone.
    press(&mut team, &mut runner, "h text:by_hand enter");
    assert!(kept_one(&team));
    let sent = press(&mut team, &mut runner, "tab");
    assert!(sent.contains("[ handle"), "{sent}");
    let sent = press(&mut team, &mut runner, "enter");
    assert!(!kept_one(&team), "{:?}\n{sent}", team.kept);
}

fn kept_one(team: &Team) -> bool {
    team.kept.values().any(|kept| !kept.drafts.is_empty())
}
