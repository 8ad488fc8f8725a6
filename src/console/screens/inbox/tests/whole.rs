//! Cases with long inputs: the board has their beginning, and all of one is fetched when it is shown.

use super::*;
use crate::domain::state::Thing;

/// An escalation of so many that has 3 KB, and ends with its own word.
fn long(no: usize) -> serde_json::Value {
    let input = format!("{} and ends with end-{no}", "once more. ".repeat(280));
    json!({"do": "escalate", "subject": format!("crm/contact/{no}"), "why": "reply outside templates", "input": input})
}

fn team_of(cases: usize) -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    for no in 1..=cases {
        team.agent("follow-up", long(no)).unwrap();
    }
    team
}

#[test]
fn what_is_not_all_here_is_fetched_once_and_not_decided_before() {
    let mut team = team_of(1);
    let mut runner = team.console(me("dana", TokenClass::Admin), Settings::default(), 120, 36);
    let asked = |runner: &mut Runner<App>| {
        let asked = runner.take_done();
        let (whole, others): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|ask| matches!(ask.what, What::Whole(..)));
        drop(others);
        whole
    };
    let ask = asked(&mut runner);
    assert_eq!(ask.len(), 1);
    let screen = runner.screen_text();
    assert!(screen.contains("the whole is being fetched") && screen.contains("once more."), "{screen}");
    for keys in ["h", "v", "y"] {
        runner.send_keys(keys).unwrap();
        let screen = runner.screen_text();
        assert!(screen.contains("not all of #1 is here yet"), "{keys}: {screen}");
    }
    assert_eq!(asked(&mut runner).len(), 0, "once at a time");
    // It changed meanwhile: what comes is not of what is shown, and is asked for again with the news.
    let claim = serde_json::from_value(json!({"do": "item", "item": 1, "step": "claim"})).unwrap();
    team.person(&me("dana", TokenClass::Admin).person, TokenClass::Admin, claim).unwrap();
    let dana = runner.program.me();
    let answer = team.answer(&dana, ask[0].clone());
    runner.server(answer);
    assert!(runner.program.world.is_cut(&Thing::Item(ItemNo(1))), "{}", runner.screen_text());
    team.serve(&mut runner);
    let is_cut = runner.program.world.is_cut(&Thing::Item(ItemNo(1)));
    assert!(!is_cut && runner.screen_text().contains("claimed: you"), "{}", runner.screen_text());
    // All of it is there to be read, and the answer is given on the digest of all of it.
    assert!(press(&mut team, &mut runner, "v pgdn pgdn").contains("end-1"), "{}", runner.screen_text());
    press(&mut team, &mut runner, "esc h text:called_them enter tab enter");
    assert!(team.state.board.items.is_empty(), "{}", runner.screen_text());
}

#[test]
fn payloads_are_kept_within_a_bound_and_the_past_has_its_own() {
    let mut team = team_of(50);
    let mut runner = dana(&mut team);
    let cut = |team: &Team, runner: &Runner<App>| {
        (1..=50).filter(|no| runner.program.world.is_cut(&Thing::Item(ItemNo(*no)))).count() + 50
            - team.state.board.items.len()
    };
    assert_eq!(cut(&team, &runner), 49);
    for _ in 0..49 {
        press(&mut team, &mut runner, "j");
    }
    assert_eq!(cut(&team, &runner), 50 - 32, "the first ones went again");
    press(&mut team, &mut runner, "home");
    assert!(press(&mut team, &mut runner, "v pgdn pgdn").contains("end-1"), "{}", runner.screen_text());
    press(&mut team, &mut runner, "esc");
    // As it was when the first one had come.
    press(&mut team, &mut runner, "@ text:2 enter");
    let screen = press(&mut team, &mut runner, "v pgdn pgdn");
    assert!(screen.contains("end-1") && runner.program.looks_back(), "{screen}");
    press(&mut team, &mut runner, "esc");
    // Marked cases are answered together, each on the digest of all of it.
    press(&mut team, &mut runner, "@ enter space space space o text:spam enter tab enter");
    assert_eq!(team.state.board.items.len(), 47, "{}", runner.screen_text());
}
