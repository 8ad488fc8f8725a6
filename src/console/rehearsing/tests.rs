//! The head and the list of a rehearsal, and the keys that move its time.

use std::sync::Arc;

use super::{Going, Move, Note, Rehearsing};
use crate::console::app::App;
use crate::console::ask::{Heard, What};
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, SALES_AND_SUPPORT, start, write};
use crate::console::testing::team::Team;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

fn team() -> Team {
    let mut team = Team::new(SALES_AND_SUPPORT, start()).unwrap();
    team.agent("sales", write("crm/deal/7", "stage", "won", 0, "they signed")).unwrap();
    team
}

fn stands(day: u32, state: Going, notes: Vec<Note>) -> Heard {
    Heard::Rehearsing(Arc::new(Rehearsing {
        now: start().plus(Span::from_days(i64::from(day) - 1)).plus(Span::from_mins(10)),
        day,
        days: 60,
        pace: "6 h/s",
        state,
        title: "What would have been different",
        notes: Arc::new(notes),
        none: "Nothing came out otherwise so far.",
    }))
}

fn moves(runner: &mut Runner<App>, keys: &str) -> Vec<Move> {
    runner.send_keys(keys).unwrap();
    let asked = runner.take_done().into_iter();
    asked.filter_map(|ask| if let What::Move(asked) = ask.what { Some(asked) } else { None }).collect()
}

#[test]
fn the_keys_of_the_clock_are_those_of_a_rehearsal_alone() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
    assert_eq!(moves(&mut runner, "; . > <"), []);
    assert!(runner.screen_text().contains("< does nothing here"), "{}", runner.screen_text());
    runner.send_keys("?").unwrap();
    assert!(!runner.screen_text().contains("Rehearsal"), "{}", runner.screen_text());
    runner.send_keys("esc").unwrap();
    runner.server(stands(12, Going::On, Vec::new()));
    assert_eq!(moves(&mut runner, "; . > <"), [Move::Pause, Move::Day, Move::Faster, Move::Slower]);
    runner.send_keys("?").unwrap();
    assert!(runner.screen_text().contains("Let the time stand still, or go on"), "{}", runner.screen_text());
}

#[test]
fn the_head_says_which_day_it_is_and_the_list_what_differs() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Log, TokenClass::Admin, (120, 36));
    runner.server(stands(12, Going::On, Vec::new()));
    // The machine's clock is nobody's here.
    runner.clock(start().plus(Span::from_days(900)).micros());
    let head = |runner: &Runner<App>| runner.screen_text().lines().next().unwrap_or_default().to_owned();
    assert!(head(&runner).contains("day 12 of 60 · 6 h/s"), "{}", head(&runner));
    assert!(head(&runner).contains("Tue 01 Dec 09:10 UTC"), "{}", head(&runner));
    runner.send_keys("D").unwrap();
    assert!(runner.screen_text().contains("Nothing came out otherwise so far."), "{}", runner.screen_text());
    let note = Note {
        head: "3 ×  sales write crm/deal/*#stage: committed → proposed not-owner to support".to_owned(),
        more: "Mon 2026-11-23 09:00:00, deed 41: crm/deal/7#stage belongs to support".to_owned(),
        stops: true,
    };
    runner.server(stands(13, Going::Paused, vec![note]));
    insta::assert_snapshot!(runner.screen_text());
    runner.resize(80, 24);
    assert!(head(&runner).contains("day 13 of 60 · paused"), "{}", head(&runner));
    runner.server(stands(60, Going::Over, Vec::new()));
    assert!(head(&runner).contains("day 60 of 60 · over"), "{}", head(&runner));
}
