//! The Agents view by its keys and its screens, on the real rules.

use serde_json::json;

use crate::console::app::{App, Settings};
use crate::console::message::Pace;
use crate::console::place::View;
use crate::console::run::Program as _;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, line_with, me, press, start, write};
use crate::console::testing::team::Team;
use crate::console::theme::Choice;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

const MAP: &str = r#"
workspace = "tallyfern"
governance_owner = "dana"
review_every = "90d"

[[agent]]
id = "sales"
role = "Sells to those who asked"
owner = "dana"
live_since = 2026-09-01
writes = ["crm/deal/**", "crm/contact/*#name"]
triggers = ["form.submitted"]
outputs = ["mail/outbox"]
escalates_to = "ops"

[[agent]]
id = "support"
role = "Helps those who bought"
owner = "sam"
live_since = 2026-11-10
writes = ["crm/contact/*#health"]
escalates_to = "ops"

[[agent]]
id = "archivist"
role = "puts away"
owner = "dana"
writes = ["archive/**"]

[[output]]
name = "mail/outbox"
needs_approval = true

[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
review = "daily 09:00"
priority = ["sales", "support", "archivist"]
"#;

/// Three days of work, some of it refused, somebody who is not in the map, and one who never came.
fn team() -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    for day in 0..3_u64 {
        for n in 0..=day {
            team.agent(
                "sales",
                write(&format!("crm/deal/{day}-{n}"), "stage", "prospect", 0, "form received"),
            )
            .unwrap();
        }
        team.agent("support", write("crm/contact/acme", "health", "good", day, "check\u{202e} of the day"))
            .unwrap();
        team.pass(Span::from_hours(24)).unwrap();
    }
    team.agent("sales", write("crm/contact/acme", "health", "great", 3, "they sounded fine")).unwrap();
    team.agent("sales", write("crm/deal/0-0", "stage", "active", 0, "they called")).unwrap();
    team.agent("drifter", write("crm/deal/9", "stage", "won", 0, "I was told to")).unwrap();
    team
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Agents, TokenClass::Admin, (width, height))
}

#[test]
fn the_agents_at_three_widths() {
    let mut team = team();
    for (width, height) in [(120, 36), (80, 24), (44, 20)] {
        let mut runner = console(&mut team, width, height);
        insta::assert_snapshot!(format!("team_{width}x{height}"), runner.screen_text());
        let agent = press(&mut team, &mut runner, "j");
        if width > 44 {
            insta::assert_snapshot!(format!("agent_{width}x{height}"), agent);
        } else {
            insta::assert_snapshot!(
                format!("opened_{width}x{height}"),
                press(&mut team, &mut runner, "enter j j")
            );
            assert!(press(&mut team, &mut runner, "esc").contains("LAST SEEN"));
        }
    }
}

/// Whichever view is open: the head says that the map should have been gone through.
#[test]
fn a_map_that_is_overdue_is_a_word_in_the_head() {
    let mut team = Team::new(MAP, start()).unwrap();
    let head = |team: &mut Team| console(team, 120, 36).screen_text().lines().next().unwrap().to_owned();
    assert!(head(&mut team).contains("map v1") && !head(&mut team).contains("overdue"));
    team.pass(Span::from_hours(24 * 91)).unwrap();
    let said = head(&mut team);
    assert!(said.contains("map v1 overdue"), "{said}");
}

/// What people approved of an agent's mails, from one part of the days to the next.
#[test]
fn approvals_go_from_one_part_of_the_days_to_the_next() {
    let mut team = team();
    for (approves, thread) in [(false, "a"), (true, "b"), (true, "c"), (true, "d")] {
        mail_answered(&mut team, thread, approves);
        if thread != "c" {
            team.pass(Span::from_hours(24 * 8)).unwrap();
        }
    }
    let mut runner = console(&mut team, 120, 48);
    let shown = press(&mut team, &mut runner, "j");
    let words = shown.lines().skip_while(|line| !line.contains("approved")).take(2);
    let words: String = words.filter_map(|line| Some(line.split_once('│')?.1)).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("75% of 4 as they were, in 28 days: 0%→100%→100%"), "{shown}");
}

/// Sales sends a mail, and dana says yes or no to it.
fn mail_answered(team: &mut Team, thread: &str, approves: bool) {
    let mail = json!({"do": "publish", "output": "mail/outbox", "thread": thread, "body": "an offer"});
    let no = team.agent("sales", mail).unwrap().item.unwrap();
    let item = &team.state.board.items[&no];
    let answer =
        if approves { json!({"kind": "approve"}) } else { json!({"kind": "reject", "note": "not yet"}) };
    let step = json!({"do": "item", "item": no, "step": "answer", "version": item.version,
        "digest": item.digest(), "answer": answer});
    let step = serde_json::from_value(step).unwrap();
    assert!(team.person(&"dana".parse().unwrap(), TokenClass::Reviewer, step).unwrap().is_done());
}

#[test]
fn the_agents_in_ascii_without_colour() {
    let mut team = team();
    let settings = Settings { ascii: true, theme: Choice::Mono, ..Settings::default() };
    let mut runner = by_keys::console_with(
        &mut team,
        Settings { view: View::Agents, ..settings },
        TokenClass::Admin,
        (120, 30),
    );
    let screen = press(&mut team, &mut runner, "j");
    let drawn: String = screen.chars().filter(|c| *c != '…').collect();
    assert!(drawn.is_ascii(), "{screen}");
}

#[test]
fn everything_that_leads_somewhere_leads_there_and_back() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 60);
    let sales = press(&mut team, &mut runner, "j");
    assert!(
        line_with(&sales, "stable").contains("fails") || sales.contains("too little evidence"),
        "{sales}"
    );
    let detail = press(&mut team, &mut runner, "enter");
    assert!(line_with(&detail, "life").contains('▌'), "{detail}");
    // The last deed of the agent in the log, and back to the line that one came from.
    assert!(press(&mut team, &mut runner, "enter").contains("▸ log"));
    assert_eq!(press(&mut team, &mut runner, "H"), detail);
    // Every line that the cursor stops at leads to another view.
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let here = runner.screen_text();
        if here == before {
            break;
        }
        before = here;
        let there = press(&mut team, &mut runner, "enter");
        let place = line_with(&there, "deeds  tallyfern").to_owned();
        assert!(!place.contains("▸ agents"), "{there}");
        seen.push(place);
        press(&mut team, &mut runner, "H j");
    }
    assert!(seen.len() > 8, "{seen:#?}");
    assert!(
        seen.iter().any(|place| place.contains("▸ map")) && seen.iter().any(|place| place.contains("▸ log"))
    );
    let list = press(&mut team, &mut runner, "esc");
    assert!(list.contains("▌ sales"), "{list}");
    // What is missing for the team leads to the agent that it is missing of.
    press(&mut team, &mut runner, "g enter G");
    let mut screen = runner.screen_text();
    for _ in 0..40 {
        if screen.lines().any(|line| line.contains('▌') && line.contains("stable")) {
            break;
        }
        screen = press(&mut team, &mut runner, "k");
    }
    let gone = press(&mut team, &mut runner, "enter");
    assert!(gone.contains("GATES") && !gone.contains("TO STAGE"), "{gone}");
}

#[test]
fn agents_are_found_traced_paused_and_told_of_as_they_act() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 60);
    let found = press(&mut team, &mut runner, "/ text:sam enter g");
    assert!(line_with(&found, "▌").contains("support"), "{found}");
    assert!(press(&mut team, &mut runner, "t").contains("actor:support"));
    press(&mut team, &mut runner, "H esc");
    let outsider = press(&mut team, &mut runner, "G");
    assert!(line_with(&outsider, "▌").contains("not in map"), "{outsider}");
    assert!(outsider.contains("The map does not know it"));
    let quiet = press(&mut team, &mut runner, "k");
    assert!(line_with(&quiet, "▌").contains("never"), "{quiet}");
    team.agent("archivist", write("archive/2026", "closed", "yes", 0, "the quarter is over")).unwrap();
    team.serve(&mut runner);
    let alive = runner.screen_text();
    assert!(line_with(&alive, "▌").contains("● <1m"), "{alive}");
    assert!(alive.contains("LAST DEEDS") && alive.contains("archivist write"), "{alive}");
    assert_eq!(runner.program.pace(), Pace::Minute);
    let paused = press(&mut team, &mut runner, "P text:looking_into_it enter tab enter");
    assert!(line_with(&paused, "▌").contains("■ paused"), "{paused}");
    assert!(line_with(&paused, "5 agents").contains("5 agents 1"), "{paused}");
}

#[test]
fn a_team_without_agents_says_so_and_nothing_panics_on_any_size() {
    let mut empty = Team::new("workspace = \"bare\"\ngovernance_owner = \"dana\"\n", start()).unwrap();
    let mut runner = console(&mut empty, 120, 24);
    assert!(runner.screen_text().contains("0 agents"), "{}", runner.screen_text());
    assert!(press(&mut empty, &mut runner, "?").contains("Keys of the agents"));
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    for keys in ["", "j", "enter", "j j j", "G", "esc /", "esc p", "esc"] {
        press(&mut team, &mut runner, keys);
        for width in [1, 2, 7, 39, 40, 41, 79, 80, 119, 121, 250] {
            for height in [1, 2, 7, 8, 9, 24, 60] {
                runner.resize(width, height);
                assert!(!runner.screen_text().is_empty());
            }
        }
    }
}

/// Two who come under one name are told: before the name, and with what is known of it.
#[test]
fn a_name_with_two_live_tokens_is_marked() {
    let mut team = team();
    for id in ["t1", "t2"] {
        let token = json!({"do": "token", "step": "create", "id": id, "class": "agent", "name": "sales", "hash": "0".repeat(64)});
        let made = team.person(
            &me("dana", TokenClass::Admin).person,
            TokenClass::Admin,
            serde_json::from_value(token).unwrap(),
        );
        assert!(made.unwrap().is_done());
    }
    let mut runner = console(&mut team, 120, 36);
    let screen = press(&mut team, &mut runner, "j");
    assert!(line_with(&screen, "sales   ").contains("! sales"), "{screen}");
    assert!(screen.contains("2 live ones bear this name"), "{screen}");
    assert!(!line_with(&screen, "support   ").contains("! support"), "{screen}");
}

/// A guard has met it: that is a door by which it comes, with since when.
#[test]
fn the_doors_of_an_agent_are_told() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let before = press(&mut team, &mut runner, "j");
    assert!(!before.contains("comes by"), "{before}");
    let seen =
        json!({"do": "guard", "agent": "sales", "by": "git", "stopped": false, "paths": ["crm/deal/1"]});
    let told = team.person(
        &me("gate", TokenClass::Guard).person,
        TokenClass::Guard,
        serde_json::from_value(seen).unwrap(),
    );
    assert!(told.unwrap().is_done());
    team.serve(&mut runner);
    let screen = runner.screen_text();
    assert!(line_with(&screen, "comes by").contains("hook since"), "{screen}");
}
