//! Looking at the past by its keys and screens, on the real rules.

use serde_json::json;

use crate::console::app::App;
use crate::console::ask::{Heard, What};
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, me, press, start};
use crate::console::testing::team::Team;
use crate::console::world::Link;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

const MAP: &str = r#"
workspace = "tallyfern"
governance_owner = "dana"

[[agent]]
id = "sales"
role = "sells"
owner = "dana"
writes = ["crm/deal/**", "crm/contact/*#name"]

[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
priority = ["sales"]
"#;

fn write(entity: &str, field: &str, value: u64) -> serde_json::Value {
    json!({"do": "write", "entity": entity, "changes": {field: value}, "expected": {field: value}})
}

/// What happens, a step every ten minutes: cases for the inbox, writes, an alert.
fn step(team: &mut Team, n: u64) {
    team.pass(Span::from_mins(10)).unwrap();
    team.agent("sales", write(&format!("crm/lead/l{n}"), &format!("score{n}"), 0)).unwrap();
    team.agent("sales", write("crm/deal/d", "stage", n)).unwrap();
    // Too late by one: a stale write.
    team.agent("sales", write("crm/deal/d", "stage", n)).unwrap();
}

fn team(steps: u64) -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    for n in 0..steps {
        step(&mut team, n);
    }
    team
}

fn console(team: &mut Team, view: View) -> Runner<App> {
    by_keys::console(team, view, TokenClass::Reviewer, (120, 36))
}

/// Everything between header and hints, and the counts of the tabs.
fn body(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().collect();
    [&lines[1..2], &lines[3..34]].concat().join("\n")
}

#[test]
fn every_view_shows_then_what_it_showed_then_and_comes_back_as_if_it_had_never_left() {
    for view in View::ALL.iter().copied() {
        // Two consoles see the same; only one of them looks back.
        let mut team = team(3);
        let mut runner = console(&mut team, view);
        let (then, head, now) = (runner.screen_text(), team.state.head(), team.now);
        for n in 3..6 {
            step(&mut team, n);
        }
        team.pass(Span::from_mins(3)).unwrap();
        team.serve(&mut runner);
        let later = runner.screen_text();
        assert!(view == View::Map || body(&later) != body(&then), "{view:?}: nothing happened:\n{later}");
        for at in [format!("#{head}"), format!("{now}")] {
            let past = press(&mut team, &mut runner, &format!("@ text:{at} enter"));
            assert!(past.lines().next().unwrap().contains("◷ as of"), "{past}");
            if view == View::Map {
                // What is counted over the last days is not known of the past.
                assert!(past.contains("crm/deal/**"), "{past}");
            } else {
                // What is over is followed by nobody, and Watch says so.
                let past = body(&past).replace("◷ up to then  15 m    ", "● following  last 15 m");
                assert_eq!(past, body(&then), "{view:?} as of {at}");
            }
        }
        // What happens meanwhile changes nothing of the past, and is there afterwards.
        let before = runner.screen_text();
        step(&mut team, 6);
        team.serve(&mut runner);
        assert_eq!(body(&runner.screen_text()), body(&before), "{view:?}");
        let back = press(&mut team, &mut runner, "backspace");
        let mut other = console(&mut team, view);
        // Columns keep the room that earlier rows have earned, and less of the others may fit beside them.
        let words =
            |text: &str| text.replace('▸', " ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&body(&back)), words(&body(&press(&mut team, &mut other, ""))), "{view:?}");
        assert!(!back.lines().next().unwrap().contains('◷'), "{back}");
    }
}

#[test]
fn where_the_reader_was_is_where_the_reader_comes_back_to() {
    let mut team = team(5);
    let mut runner = console(&mut team, View::Log);
    let left = press(&mut team, &mut runner, "/ text:outcome:stale enter k k enter");
    let past = press(&mut team, &mut runner, "@ text:#5 enter");
    assert_ne!(body(&past), body(&left));
    press(&mut team, &mut runner, "1 2 j j 3");
    let back = press(&mut team, &mut runner, "backspace 2");
    assert_eq!(body(&back), body(&left), "{back}");
}

#[test]
fn nothing_of_the_past_can_be_decided() {
    let mut team = team(3);
    let mut runner = console(&mut team, View::Inbox);
    press(&mut team, &mut runner, "@ text:-5m enter");
    for keys in ["e", "h", "o", "c", "T", "u", "R", "F", "P", "S", "3 E", "4 a", "4 r", "4 i"] {
        runner.send_keys(keys).unwrap();
        let asked = runner.take_done();
        assert!(!asked.iter().any(|ask| matches!(ask.what, What::Command(_))), "{keys}: {asked:?}");
        let screen = runner.screen_text();
        assert!(
            screen.lines().last().unwrap().contains("the past can't be changed"),
            "{keys} is not told that the past can't be changed:\n{screen}"
        );
        runner.send_keys("1").unwrap();
    }
}

#[test]
fn the_log_of_the_past_ends_there_and_a_deed_shows_how_it_was() {
    let mut team = team(4);
    let mut runner = console(&mut team, View::Log);
    let screen = press(&mut team, &mut runner, "g enter j j j w");
    assert!(screen.contains("◷ as of") && screen.contains("deed 4"), "{screen}");
    let screen = press(&mut team, &mut runner, "esc");
    assert!(screen.contains("· 4 deeds") || screen.contains(" 4 deeds"), "{screen}");
    // Filters mean what was there then, and what is opened knows nothing of what came later.
    let screen = press(&mut team, &mut runner, "/ text:type:write.* enter");
    assert!(screen.contains("◷ as of") && !screen.contains("score1"), "{screen}");
    let screen = press(&mut team, &mut runner, "4");
    assert!(screen.contains("◷ as of"), "{screen}");
}

#[test]
fn conflicts_and_cases_show_how_it_was_when_they_came() {
    let mut team = team(4);
    let mut runner = console(&mut team, View::Conflicts);
    let screen = press(&mut team, &mut runner, "w");
    assert!(screen.contains("◷ as of"), "{screen}");
    let first = team.state.board.items.values().next().unwrap().clone();
    let mut runner = console(&mut team, View::Inbox);
    let screen = press(&mut team, &mut runner, "g w");
    assert!(screen.contains(&format!("deed {}", first.deed)), "{screen}");
}

#[test]
fn what_names_no_moment_is_told_in_the_box() {
    let mut team = team(2);
    let mut runner = console(&mut team, View::Inbox);
    let before = runner.screen_text();
    let screen = press(&mut team, &mut runner, "@ text:soon enter");
    assert!(screen.contains("Look at how it was") && screen.contains("no moment"), "{screen}");
    let screen = press(&mut team, &mut runner, "ctrl-u text:#9999 enter");
    assert!(screen.contains("the ledger has nothing there"), "{screen}");
    assert_eq!(body(&press(&mut team, &mut runner, "esc")), body(&before));
    // Nothing typed, and nowhere to come back from: the box closes.
    assert_eq!(body(&press(&mut team, &mut runner, "@ enter")), body(&before));
    let screen = press(&mut team, &mut runner, "backspace");
    assert!(screen.contains("this is the present"), "{screen}");
}

#[test]
fn escape_leaves_the_past_once_nothing_is_open() {
    let mut team = team(4);
    let mut runner = console(&mut team, View::Log);
    let before = runner.screen_text();
    press(&mut team, &mut runner, "@ text:-5m enter");
    press(&mut team, &mut runner, "/ text:sales enter");
    let screen = press(&mut team, &mut runner, "enter esc");
    assert!(screen.contains("◷"), "what was opened is closed first:\n{screen}");
    let screen = press(&mut team, &mut runner, "esc");
    assert!(screen.contains("◷"), "then the filter goes:\n{screen}");
    let screen = press(&mut team, &mut runner, "esc");
    assert!(!screen.contains("◷"), "then the past:\n{screen}");
    assert_eq!(body(&screen), body(&before));
    press(&mut team, &mut runner, "@ text:-5m enter");
    let screen = press(&mut team, &mut runner, "@ enter");
    assert!(!screen.contains("◷"), "{screen}");
}

#[test]
fn the_past_survives_a_lost_link_and_a_new_board() {
    let mut team = team(4);
    let mut runner = console(&mut team, View::Inbox);
    let past = press(&mut team, &mut runner, "@ text:#6 enter");
    let retry_at = team.now.plus(Span::from_secs(2));
    runner.server(Heard::Link(Link::Lost { retry_at, why: "gone".to_owned() }));
    assert_eq!(body(&runner.screen_text()), body(&past));
    step(&mut team, 4);
    runner.server(team.board(me("dana", TokenClass::Reviewer)));
    runner.server(Heard::Link(Link::Live { latency_ms: None }));
    assert_eq!(body(&runner.screen_text()), body(&past));
    let back = press(&mut team, &mut runner, "backspace");
    let mut other = console(&mut team, View::Inbox);
    team.serve(&mut other);
    assert_eq!(body(&back), body(&other.screen_text()));
}

/// An answer that comes after the reader has left goes where it was asked for, and nowhere else.
#[test]
fn late_answers_find_their_own_screens() {
    let mut team = team(4);
    let mut runner = console(&mut team, View::Log);
    runner.send_keys("g enter").unwrap();
    // The chain of the opened deed is asked for in the present, and answered in the past.
    let late = runner.take_done();
    assert!(late.iter().any(|ask| matches!(ask.what, What::Chain(_))), "{late:?}");
    press(&mut team, &mut runner, "@ text:#3 enter");
    runner.effects.extend(late.into_iter().map(crate::console::message::Effect::Do));
    team.serve(&mut runner);
    let back = press(&mut team, &mut runner, "backspace");
    let mut other = console(&mut team, View::Log);
    assert_eq!(body(&back), body(&press(&mut team, &mut other, "g enter")));
}
