//! The Watch view by its keys and its screens, on the real rules.

use serde_json::json;

use crate::console::app::{App, Settings};
use crate::console::ask::What;
use crate::console::message::Pace;
use crate::console::place::View;
use crate::console::run::Program as _;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, SALES_AND_SUPPORT, line_with, press, start, write};
use crate::console::testing::team::Team;
use crate::console::theme::Choice;
use crate::domain::ids::PersonId;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

/// What the map has beside sales and support.
const REST: &str = r#"
[[agent]]
id = "archivist"
role = "puts away"
owner = "dana"
writes = ["archive/**"]

[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
priority = ["sales", "support", "archivist"]
"#;

/// The four-second upsell after quiet minutes, a write that is another's, one that nobody owns.
fn team() -> Team {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    for n in 0..6 {
        team.pass(Span::from_mins(2)).unwrap();
        for part in 0..=n % 3 {
            let deal = format!("crm/deal/{n}-{part}");
            team.agent("sales", write(&deal, "stage", "prospect", 0, "form received")).unwrap();
        }
    }
    team.agent("support", write("crm/contact/acme", "health", "good", 0, "quarterly check")).unwrap();
    team.pass(Span::from_secs(100)).unwrap();
    team.agent(
        "support",
        write("crm/contact/acme", "health", "at risk", 1, "escalation\u{202e} by the customer"),
    )
    .unwrap();
    team.pass(Span::from_secs(40)).unwrap();
    team.agent(
        "sales",
        json!({"do": "act", "target": "mail/outbox", "subject": "crm/contact/acme", "action": "send_upsell",
               "depends_on": {"crm/contact/acme#health": 1}, "reason": "renewal is near"}),
    )
    .unwrap();
    team.pass(Span::from_secs(70)).unwrap();
    team.agent("sales", write("crm/contact/acme", "health", "good", 2, "they sounded fine")).unwrap();
    team.agent("sales", write("crm/contact/acme", "score", "9", 0, "model run 12")).unwrap();
    team
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Watch, TokenClass::Reviewer, (width, height))
}

#[test]
fn the_watch_at_three_widths() {
    let mut team = team();
    for (width, height) in [(120, 36), (80, 24), (44, 20)] {
        let mut runner = console(&mut team, width, height);
        press(&mut team, &mut runner, "N N N");
        insta::assert_snapshot!(format!("watch_{width}x{height}"), runner.screen_text());
    }
}

#[test]
fn the_watch_in_ascii_without_colour() {
    let mut team = team();
    let settings = Settings { ascii: true, theme: Choice::Mono, ..Settings::default() };
    let mut runner = by_keys::console_with(
        &mut team,
        Settings { view: View::Watch, ..settings },
        TokenClass::Reviewer,
        (120, 30),
    );
    let screen = press(&mut team, &mut runner, "N N N");
    let drawn: String = screen.lines().filter(|line| !line.contains('\u{2026}')).collect();
    assert!(drawn.is_ascii(), "{screen}");
    insta::assert_snapshot!("ascii_120x30", screen);
}

/// The cells of the lane of that name, without its label.
fn lane<'a>(screen: &'a str, name: &str) -> &'a str {
    line_with(screen, name).split('│').next().unwrap().trim_end()
}

#[test]
fn what_happens_comes_in_at_the_right_and_nothing_moves_for_its_own_sake() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    assert_eq!(runner.program.pace(), Pace::Minute);
    let before = runner.screen_text();
    assert!(before.contains("● following  last 15 m"), "{before}");
    team.agent("archivist", write("archive/2026", "closed", "yes", 0, "the quarter is over")).unwrap();
    team.serve(&mut runner);
    let after = runner.screen_text();
    assert!(lane(&after, "archivist").ends_with('●'), "{after}");
    assert!(!lane(&before, "archivist").contains('●'));
    // Within the same cell the lanes stand still.
    runner.clock(team.now.plus(Span::from_secs(1)).micros());
    assert_eq!(lane(&runner.screen_text(), "sales"), lane(&after, "sales"));
}

#[test]
fn held_time_stands_still_and_what_is_new_is_counted() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 30);
    let held = press(&mut team, &mut runner, "space");
    assert!(held.contains("■ held"), "{held}");
    team.pass(Span::from_mins(3)).unwrap();
    team.agent("sales", write("crm/deal/9", "stage", "prospect", 0, "form received")).unwrap();
    team.serve(&mut runner);
    let later = runner.screen_text();
    assert!(
        line_with(&later, "held").contains("1 new") && line_with(&later, "held").contains("3m back"),
        "{later}"
    );
    assert_eq!(lane(&later, "sales").trim_start_matches('▌'), lane(&held, "sales").trim_start_matches('▌'));
    let following = press(&mut team, &mut runner, "end");
    assert!(following.contains("following"));
    assert!(lane(&following, "sales").contains('●') && lane(&following, "sales") != lane(&held, "sales"));
}

#[test]
fn the_cursor_goes_by_cells_by_deeds_and_by_what_needs_a_look() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let newest = press(&mut team, &mut runner, "g end");
    assert!(newest.contains("why       no agent owns") || newest.contains("» escalated"), "{newest}");
    let before = press(&mut team, &mut runner, "shift-tab");
    assert!(line_with(&before, "proposed").contains("sales"), "{before}");
    let stale = press(&mut team, &mut runner, "N N N");
    assert!(line_with(&stale, "why").contains("based on #health v1, now v2 by support"), "{stale}");
    let beside = press(&mut team, &mut runner, "h");
    assert!(beside.contains("nothing here"), "{beside}");
    let below = press(&mut team, &mut runner, "n j");
    assert!(below.contains("to 09:15:00  ◇ support"), "{below}");
    let end = press(&mut team, &mut runner, "end");
    assert!(end.contains("following"), "{end}");
}

#[test]
fn enter_leads_to_the_deed_c_to_its_chain_and_back_to_the_same_screen() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let here = press(&mut team, &mut runner, "N N N esc N N N");
    let log = press(&mut team, &mut runner, "enter");
    assert!(log.contains("▸ log") && log.contains("HASH"), "{log}");
    let back = press(&mut team, &mut runner, "H");
    assert_eq!(line_with(&back, "why"), line_with(&here, "why"));
    let chain = press(&mut team, &mut runner, "c");
    assert!(chain.contains("the chain of #16") && chain.contains("stale-read #1"), "{chain}");
    assert!(!chain.contains("HASH"), "{chain}");
    press(&mut team, &mut runner, "H");
    let traced = press(&mut team, &mut runner, "t");
    assert!(line_with(&traced, " / ").contains("entity:crm/contact/acme"), "{traced}");
    press(&mut team, &mut runner, "H");
    assert!(press(&mut team, &mut runner, "p").contains("Record "));
}

#[test]
fn windows_that_are_not_here_are_asked_for_and_time_can_be_zoomed() {
    let mut team = team();
    team.pass(Span::from_hours(5)).unwrap();
    team.agent("support", write("crm/contact/zoe", "health", "good", 0, "quarterly check")).unwrap();
    let mut runner = console(&mut team, 120, 36);
    let now = runner.screen_text();
    assert!(lane(&now, "support").contains('●') && !lane(&now, "sales").contains('●'), "{now}");
    runner.send_keys("[").unwrap();
    let asked = runner.take_done();
    let filter = asked.iter().find_map(|ask| {
        let What::Page(query) = &ask.what else { return None };
        Some(query.filter.clone())
    });
    assert!(filter.unwrap().starts_with("since:2026-11-20T13:"), "{asked:?}");
    let mut runner = console(&mut team, 120, 36);
    let wide = press(&mut team, &mut runner, "- -");
    assert!(wide.contains("last 6 h") && lane(&wide, "sales").contains('✗') || wide.contains('✗'), "{wide}");
    assert!(press(&mut team, &mut runner, "- -").contains("a day is the most"));
    let near = press(&mut team, &mut runner, "+ + + + + +");
    assert!(near.contains("a minute is the least"), "{near}");
    let first = press(&mut team, &mut runner, "- - home");
    assert!(first.contains("workspace tallyfern") && first.contains("held"), "{first}");
    let next = press(&mut team, &mut runner, "] ] ]");
    assert!(next.contains("held"), "{next}");
}

#[test]
fn too_many_deeds_are_counted_and_the_log_shows_a_cell_of_them() {
    let mut team = team();
    for n in 0..4_100_u32 {
        let deal = format!("crm/deal/many-{}", n % 50);
        team.agent("sales", write(&deal, "stage", &format!("{n}"), u64::from(n / 50), "load")).unwrap();
        // Four a second.
        team.now = team.now.minus(Span::from_micros(900_000));
    }
    let mut runner = console(&mut team, 120, 36);
    let counted = runner.screen_text();
    assert!(counted.contains("too many deeds to tell apart"), "{counted}");
    assert!(line_with(&counted, "following").contains("4,1"), "{counted}");
    assert!(lane(&counted, "sales").contains('█'), "{counted}");
    let cell = press(&mut team, &mut runner, "h h h");
    assert!(cell.contains("committed; enter shows them in the log"), "{cell}");
    let log = press(&mut team, &mut runner, "enter");
    assert!(line_with(&log, " / ").contains("class:agent actor:sales since:"), "{log}");
    press(&mut team, &mut runner, "H end");
    let near = press(&mut team, &mut runner, "+ +");
    assert!(!near.contains("too many"), "{near}");
    assert!(near.contains("200 of 2") || near.contains("deeds, J K"), "{near}");
}

#[test]
fn nothing_panics_on_any_size() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    for keys in ["", "N N", "-", "h h", "[", "home", "j j j", "J K", "p", "esc ?", "esc", "+ + + + +", "N N"]
    {
        press(&mut team, &mut runner, keys);
        for width in [1, 2, 7, 39, 40, 41, 79, 80, 119, 121, 250] {
            for height in [1, 2, 7, 8, 9, 12, 24, 60] {
                runner.resize(width, height);
                assert!(!runner.screen_text().is_empty());
            }
        }
    }
}

#[test]
fn quiet_says_where_there_is_something() {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    team.pass(Span::from_hours(2)).unwrap();
    let mut runner = console(&mut team, 80, 24);
    insta::assert_snapshot!("quiet_80x24", runner.screen_text());
    assert!(press(&mut team, &mut runner, "?").contains("Keys of the watch"));
    assert!(press(&mut team, &mut runner, "esc N").contains("no earlier deed was refused"));
}

#[test]
fn while_time_is_held_alerts_and_deadlines_are_those_of_the_moment() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    assert!(line_with(&runner.screen_text(), "ALERTS").contains("1 warning · 1 info"));
    // On what was refused: its own alert had just been opened, the later one had not.
    let held = press(&mut team, &mut runner, "N N N");
    assert!(line_with(&held, "◷ as of").contains("deed 16"), "{held}");
    assert!(line_with(&held, "ALERTS").contains("none open"), "{held}");
    let after = press(&mut team, &mut runner, "n");
    assert!(line_with(&after, "ALERTS").contains("1 warning") && !after.contains("1 info"), "{after}");
    let now = press(&mut team, &mut runner, "end");
    assert!(line_with(&now, "ALERTS").contains("1 warning · 1 info") && !now.contains("◷ as of"), "{now}");
}

#[test]
fn the_whole_console_can_be_seen_as_of_a_deed_and_nothing_later_is_in_it() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    press(&mut team, &mut runner, "N N N");
    let then = press(&mut team, &mut runner, "a");
    assert!(line_with(&then, "tallyfern").contains("◷ as of"), "{then}");
    assert!(line_with(&then, "──").is_char_boundary(0) && then.contains("send_ups"), "{then}");
    assert!(!then.contains("they sounded fine") && lane(&then, "sales").ends_with('✗'), "{then}");
    let back = press(&mut team, &mut runner, "backspace");
    assert!(back.contains("back in the present") || back.contains("■ held"), "{back}");
}

#[test]
fn it_opens_at_the_last_activity_and_goes_on_when_something_happens() {
    let mut team = team();
    team.now = team.now.plus(Span::from_days(3));
    let mut runner = console(&mut team, 120, 36);
    let opened = runner.screen_text();
    assert!(opened.contains("■ last activity 3d ago  15 m to 20 Nov 09:1"), "{opened}");
    assert!(lane(&opened, "sales").contains('●'), "{opened}");
    assert!(lane(&opened, "sales").trim_end().ends_with('»'), "it ends with the last deed: {opened}");
    team.agent("archivist", write("archive/2026", "closed", "yes", 0, "the quarter is over")).unwrap();
    team.serve(&mut runner);
    assert!(runner.screen_text().contains("● following"));
    // Who has gone elsewhere is left there.
    team.now = team.now.plus(Span::from_days(3));
    let mut runner = console(&mut team, 120, 36);
    press(&mut team, &mut runner, "h");
    team.agent("archivist", write("archive/2027", "closed", "no", 0, "it begins")).unwrap();
    team.serve(&mut runner);
    assert!(line_with(&runner.screen_text(), "held").contains("1 new"));
}

#[test]
fn nothing_leads_beyond_the_beginning_of_the_ledger() {
    let mut team = team();
    for keys in [
        "[ [ [ [ [ [ [ [",
        "home [ [",
        "home h h h h h h h h h h h h h h h h h h h h h h h h h h h h h h h h",
    ] {
        let mut runner = console(&mut team, 120, 36);
        let back = press(&mut team, &mut runner, keys);
        assert!(line_with(&back, "held").contains("the ledger begins here"), "{keys}: {back}");
        let lanes: String = back.lines().filter(|line| line.contains('│')).collect();
        assert!(lanes.contains('·') || lanes.contains('●'), "something is in sight: {back}");
        assert!(
            press(&mut team, &mut runner, "[").contains("the ledger begins here: nothing happened before")
        );
        assert!(!press(&mut team, &mut runner, "]").contains("nothing happened before"));
    }
    // Typed ahead of every answer, it comes back to the beginning.
    let mut runner = console(&mut team, 120, 36);
    runner.send_keys_at_once("[ [ [ [ [ [ [ [ [ [ [ [").unwrap();
    team.serve(&mut runner);
    let back = runner.screen_text();
    assert!(line_with(&back, "held").contains("the ledger begins here"), "{back}");
}

#[test]
fn a_history_that_is_taken_in_moves_the_beginning() {
    let observing = SALES_AND_SUPPORT.replace("governance_owner", "mode = \"observe\"\ngovernance_owner");
    let mut team = Team::new(&[&observing, REST].concat(), start()).unwrap();
    team.agent("sales", write("crm/deal/7", "stage", "prospect", 0, "form received")).unwrap();
    let mut runner = console(&mut team, 120, 36);
    assert!(press(&mut team, &mut runner, "home [").contains("nothing happened before"));
    let line = json!({"do": "import", "source": "beads", "id": 1, "actor": "sales", "time": "2026-11-19T08:00:00Z",
                      "entity": "crm/deal/3", "changes": {"stage": {"after": "signed"}}});
    let dana = PersonId::new("dana").unwrap();
    team.person(&dana, TokenClass::Admin, serde_json::from_value(line).unwrap()).unwrap();
    team.serve(&mut runner);
    let back = press(&mut team, &mut runner, "[");
    assert!(!back.contains("nothing happened before") && !back.contains("the ledger begins here"), "{back}");
    let first = press(&mut team, &mut runner, "home");
    assert!(line_with(&first, "held").contains("19 Nov") && first.contains("as it happened"), "{first}");
}
