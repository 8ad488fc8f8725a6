//! A conflict played again by its keys and its screens, on the real rules.

use std::sync::Arc;

use crate::console::app::App;
use crate::console::message::Pace;
use crate::console::place::View;
use crate::console::run::Program as _;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, line_with, press, start, write};
use crate::console::testing::team::Team;
use crate::domain::command::{AlertStep, AlertVerb, ApplyMap, Command};
use crate::domain::ids::{MapVersion, PersonId};
use crate::domain::map::parse;
use crate::domain::things::{AlertKind, TokenClass};
use crate::domain::time::Span;

/// Mayor owns the status of issues; the workspace only observes, so that the dog's writes go through.
const OBSERVING: &str = r#"
workspace = "tallyfern"
governance_owner = "dana"
mode = "observe"

[[agent]]
id = "mayor"
role = "dispatches"
owner = "dana"
writes = ["issue/*"]

[[agent]]
id = "dog"
role = "watches"
owner = "dana"
writes = ["kennel/**"]

[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
priority = ["mayor", "dog"]
"#;

/// Mayor and dog overwrite each other in turn; then the map enforces.
fn team() -> Team {
    let mut team = Team::new(OBSERVING, start()).unwrap();
    for n in 0..4_u64 {
        team.pass(Span::from_mins(20)).unwrap();
        team.agent("mayor", write("issue/bd-019", "status", "hooked", n * 2, "dispatch")).unwrap();
        team.pass(Span::from_mins(3)).unwrap();
        team.agent("dog", write("issue/bd-019", "status", "open", n * 2 + 1, "release stuck")).unwrap();
    }
    let model = Arc::new(parse(&OBSERVING.replace("observe", "enforce")).model.unwrap());
    let apply = ApplyMap { model, if_version: MapVersion(1), reason: None, planned: false, take_back: false };
    team.person(&PersonId::new("dana").unwrap(), TokenClass::Admin, Command::ApplyMap(apply)).unwrap();
    team
}

/// The same, with the conflict in the inbox.
fn with_case() -> Team {
    let mut team = team();
    let mut alerts = team.state.board.alerts.values();
    let alert = alerts.find(|alert| alert.kind == AlertKind::PingPong).map(|alert| alert.no).unwrap();
    let escalate = Command::Alert(AlertStep { alert, step: AlertVerb::Escalate, note: None });
    team.person(&PersonId::new("dana").unwrap(), TokenClass::Admin, escalate).unwrap();
    team
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Conflicts, TokenClass::Admin, (width, height))
}

/// The console with the ping-pong under the cursor, played.
fn replay(team: &mut Team, (width, height): (u16, u16)) -> (Runner<App>, String) {
    let mut runner = console(team, width, height);
    while !runner.screen_text().lines().any(|line| line.starts_with('▌') && line.contains("ping-pong")) {
        press(team, &mut runner, "j");
    }
    let screen = press(team, &mut runner, "m");
    (runner, screen)
}

#[test]
fn both_sides_step_by_step_at_four_sizes() {
    let mut team = team();
    for (width, height) in [(200, 60), (120, 36), (80, 24), (44, 20)] {
        let (mut runner, _) = replay(&mut team, (width, height));
        let third = press(&mut team, &mut runner, "home right right");
        insta::assert_snapshot!(format!("replay_{width}x{height}"), third);
        insta::assert_snapshot!(format!("end_{width}x{height}"), press(&mut team, &mut runner, "end"));
    }
}

#[test]
fn the_field_changes_from_step_to_step_and_each_says_what_it_had_read() {
    let mut team = team();
    let (mut runner, _) = replay(&mut team, (120, 36));
    let first = press(&mut team, &mut runner, "home");
    assert!(first.contains("step 1 of "), "{first}");
    let second = press(&mut team, &mut runner, "right");
    let field = line_with(&second, "issue/bd-019 #status  v");
    assert!(field.contains("v2") && field.contains("hooked → open") && field.contains("dog"), "{second}");
    assert!(second.contains("v1 hooked") && second.contains("release stuck"), "{second}");
    assert!(second.contains("nothing → hooked"), "the other side stays beside it: {second}");
    let third = press(&mut team, &mut runner, "right");
    assert!(line_with(&third, "issue/bd-019 #status  v").contains("open → hooked"), "{third}");
    assert_eq!(press(&mut team, &mut runner, "left"), second);
}

#[test]
fn it_plays_by_itself_until_the_end_and_a_key_stops_it() {
    let mut team = team();
    let (mut runner, begun) = replay(&mut team, (120, 36));
    assert!(begun.contains("● playing, a step in 2 s") && begun.contains("step 1 of "), "{begun}");
    assert_eq!(runner.program.pace(), Pace::Animation);
    let mut pass = |runner: &mut Runner<App>, millis: i64| {
        team.now = team.now.plus(Span::from_micros(millis * 1_000));
        runner.clock(team.now.micros());
        runner.screen_text()
    };
    pass(&mut runner, 250);
    assert!(pass(&mut runner, 1_000).contains("step 1 of "));
    assert!(pass(&mut runner, 1_250).contains("step 2 of "));
    runner.send_keys("space").unwrap();
    assert!(pass(&mut runner, 9_000).contains("■ paused"));
    assert_eq!(runner.program.pace(), Pace::Minute);
    runner.send_keys("space + +").unwrap();
    assert!(runner.screen_text().contains("2 steps a second"));
    for _ in 0..60 {
        pass(&mut runner, 600);
    }
    let end = runner.screen_text();
    assert!(end.contains("■ paused") && end.contains("WHAT HAPPENED"), "{end}");
    runner.send_keys("space").unwrap();
    assert!(runner.screen_text().contains("step 1 of "), "at its end it begins anew");
}

#[test]
fn another_map_is_asked_by_the_rules_and_told_in_words() {
    let mut team = team();
    let (mut runner, _) = replay(&mut team, (120, 60));
    let end = press(&mut team, &mut runner, "end");
    assert!(end.contains("UNDER v2"), "{end}");
    assert!(
        line_with(&end, "is a proposal to mayor; it was committed").contains("under v2, deed #"),
        "{end}"
    );
    let own = press(&mut team, &mut runner, "[ [");
    assert!(own.contains("UNDER v1") && own.contains("every step comes out the same"), "{own}");
    let enforced = press(&mut team, &mut runner, "]");
    assert!(enforced.contains("UNDER v1 if it enforced"), "{enforced}");
    assert!(enforced.contains("is a proposal to mayor"), "{enforced}");
    assert!(press(&mut team, &mut runner, "] ]").contains("no newer version of the map"));
}

#[test]
fn a_case_about_an_alert_plays_it_too_and_where_there_is_none_it_says_so() {
    let mut team = with_case();
    let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
    let screen = runner.screen_text();
    assert!(screen.contains("m replay"), "{screen}");
    assert!(press(&mut team, &mut runner, "m").contains("Replay of ping-pong #"));
    let closed = press(&mut team, &mut runner, "esc");
    assert!(!closed.contains("Replay of"), "{closed}");
    let log = press(&mut team, &mut runner, "m end enter");
    assert!(log.contains("▸ log") && log.contains("HASH"), "{log}");
    let mut quiet = Team::new(OBSERVING, start()).unwrap();
    let mut runner = console(&mut quiet, 80, 24);
    assert!(press(&mut quiet, &mut runner, "m").contains("no alert is under the cursor"));
}

#[test]
fn it_says_what_it_waits_for_and_why_it_can_not_be_played() {
    let mut team = team();
    let mut runner = console(&mut team, 80, 24);
    runner.send_keys("m").unwrap();
    assert!(runner.screen_text().contains("Fetching the deeds of both sides"));
    runner.send_keys("space right end [ x").unwrap();
    assert!(!runner.screen_text().contains("file  "), "there is nothing to write yet");
    team.deeds.clear();
    team.serve(&mut runner);
    let failed = runner.screen_text();
    assert!(failed.contains("It can't be played") && failed.contains("none of its deeds"), "{failed}");
}

#[test]
fn a_recording_is_lines_of_json_and_draws_every_step() {
    let mut team = team();
    let (mut runner, screen) = replay(&mut team, (120, 36));
    let steps: usize = screen.split("step 1 of ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(press(&mut team, &mut runner, "x").contains("file  alert-"));
    runner.send_keys("enter").unwrap();
    let asked = runner.take_done();
    let saved = asked.iter().find_map(|ask| {
        let crate::console::ask::What::Save { file, text } = &ask.what else { return None };
        Some((file.clone(), text.clone()))
    });
    let (file, text) = saved.unwrap();
    assert_eq!(file.extension().and_then(std::ffi::OsStr::to_str), Some("cast"));
    let mut lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let heading = lines.next().unwrap();
    assert_eq!((heading["version"].as_u64(), heading["width"].as_u64()), (Some(2), Some(110)));
    let events: Vec<(f64, String)> = lines
        .map(|event| {
            assert_eq!(event[1], "o");
            (event[0].as_f64().unwrap(), event[2].as_str().unwrap().to_owned())
        })
        .collect();
    assert!(events.windows(2).all(|pair| pair[0].0 <= pair[1].0), "time goes on");
    assert_eq!(events.len(), steps + 3, "a blank screen, the steps, what they came to, the end");
    let drawn = events.iter().filter(|(_, data)| data.contains("step ") || data.contains("\u{1b}[")).count();
    assert_eq!(drawn, events.len());
    assert!(events.iter().any(|(_, data)| data.contains("Replay of ping-pong")));
    assert!(events.last().unwrap().0 < 120.0, "a day and more is not as long when it is played");
}

#[test]
fn who_listens_hears_each_step_in_lines_of_its_own() {
    let mut team = with_case();
    let settings = crate::console::app::Settings {
        linear: true,
        view: View::Inbox,
        ..crate::console::app::Settings::default()
    };
    let mut runner = by_keys::console_with(&mut team, settings, TokenClass::Admin, (120, 36));
    press(&mut team, &mut runner, "m home right");
    let mut teller = crate::console::linear::Teller::default();
    let told = teller.tell(runner.program.scene(), true);
    assert!(told.contains("step 2 of ") && told.contains("release stuck"), "{told}");
    assert!(!told.contains('│'), "{told}");
    press(&mut team, &mut runner, "right");
    let next = teller.tell(runner.program.scene(), true);
    assert!(next.contains("step 3 of ") && !next.contains("release stuck"), "{next}");
}

#[test]
fn nothing_panics_on_any_size() {
    let mut team = team();
    let (mut runner, _) = replay(&mut team, (120, 24));
    for keys in ["home", "right", "end", "[", "] ]", "x", "esc", "J J"] {
        press(&mut team, &mut runner, keys);
        for width in [1, 2, 7, 39, 40, 59, 60, 80, 121, 250] {
            for height in [1, 2, 3, 7, 12, 24, 60] {
                runner.resize(width, height);
                assert!(!runner.screen_text().is_empty());
            }
        }
    }
}
