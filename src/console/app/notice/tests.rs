//! Who is told what, once, and how.

use crate::console::app::{App, Settings};
use crate::console::ask::{Ask, What};
use crate::console::message::Effect;
use crate::console::notify::Notify;
use crate::console::terminal::notice::{Notice, Way};
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{SALES_AND_SUPPORT, console_with, start, write};
use crate::console::testing::team::Team;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

/// Cases are due after an hour; two values that can't both be true are a critical alert.
const REST: &str = r#"
[[queue]]
name = "ops"
owner = "dana"
sla = "1h"
priority = ["sales", "support"]

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#name = 'sourced'", "crm/deal/{id}#stage = 'uncontacted'"]
"#;

fn team() -> Team {
    Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap()
}

fn open(team: &mut Team, notify: Notify) -> Runner<App> {
    let kitty = Way::from_environment(|name| (name == "TERM").then(|| "xterm-kitty".to_owned()));
    let settings = Settings { notify, notices: kitty, ..Settings::default() };
    let mut runner = console_with(team, settings, TokenClass::Admin, (120, 30));
    runner.effects.clear();
    runner
}

/// What was told beside the screen since the last call.
fn told(runner: &mut Runner<App>) -> Vec<Effect<Ask>> {
    let is = |effect: &Effect<Ask>| match effect {
        Effect::Bell | Effect::Notice(..) => true,
        Effect::Do(ask) => matches!(ask.what, What::Notify(_)),
        Effect::Quit
        | Effect::Suspend
        | Effect::Redraw
        | Effect::Mouse(_)
        | Effect::Copy(..)
        | Effect::Title(_)
        | Effect::ReadTheme
        | Effect::Edit(_) => false,
    };
    std::mem::take(&mut runner.effects).into_iter().filter(is).collect()
}

fn case(team: &mut Team, entity: &str) {
    team.agent("sales", write(entity, "text", "x", 0, "a note")).unwrap();
}

#[test]
fn a_case_that_becomes_overdue_is_told_once_and_those_from_before_in_a_line() {
    let mut team = team();
    case(&mut team, "crm/note/old");
    team.pass(Span::from_hours(2)).unwrap();
    let mut runner = open(&mut team, Notify::Terminal);
    assert!(runner.screen_text().contains("1 case is overdue"), "{}", runner.screen_text());
    case(&mut team, "crm/note/new");
    team.news(&mut runner);
    runner.clock(team.now.micros());
    assert_eq!(told(&mut runner), [], "nothing that was so before, and nothing that is not yet due");
    let mut texts = Vec::new();
    for _ in 0..4 {
        team.pass(Span::from_mins(30)).unwrap();
        team.news(&mut runner);
        runner.clock(team.now.micros());
        texts.extend(told(&mut runner));
    }
    let [Effect::Notice(Notice { title, text }, _)] = texts.as_slice() else { panic!("{texts:?}") };
    assert_eq!(title, "deeds tallyfern");
    assert!(text.starts_with("case #2 is overdue: ") && !text.contains("more"), "{text}");
}

#[test]
fn a_new_critical_alert_is_told_and_one_from_before_is_not() {
    let mut team = team();
    let contradict = |team: &mut Team, id: u64| {
        team.agent("sales", write(&format!("crm/deal/{id}"), "stage", "uncontacted", 0, "new")).unwrap();
        team.agent("sales", write(&format!("crm/contact/{id}"), "name", "sourced", 0, "found")).unwrap();
    };
    contradict(&mut team, 1);
    let mut runner = open(&mut team, Notify::Terminal);
    contradict(&mut team, 2);
    team.news(&mut runner);
    let told = told(&mut runner);
    let [Effect::Notice(Notice { text, .. }, _)] = told.as_slice() else { panic!("{told:?}") };
    assert!(text.starts_with("critical alert #2, contradiction: "), "{text}");
}

#[test]
fn several_at_once_are_one_and_each_setting_tells_its_way() {
    for notify in Notify::NAMES.map(|(_, notify)| notify) {
        let mut team = team();
        for entity in ["crm/note/a", "crm/note/b", "crm/note/c"] {
            case(&mut team, entity);
        }
        let mut runner = open(&mut team, notify);
        team.now = team.now.plus(Span::from_hours(3));
        runner.clock(team.now.micros());
        let told = told(&mut runner);
        match (notify, told.as_slice()) {
            (Notify::Off, []) | (Notify::Bell, [Effect::Bell]) => {}
            (Notify::Terminal, [Effect::Notice(notice, _)])
            | (Notify::Desktop, [Effect::Do(Ask { what: What::Notify(notice), .. })]) => {
                assert!(notice.text.contains("and 2 more"), "{notice:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_terminal_that_is_not_known_rings_and_so_does_one_that_is_read_out() {
    for (notices, linear) in
        [(Way::default(), false), (Way::from_environment(|_| Some("xterm-kitty".to_owned())), true)]
    {
        let mut team = team();
        case(&mut team, "crm/note/a");
        let settings = Settings { notify: Notify::Terminal, notices, linear, ..Settings::default() };
        let mut runner = console_with(&mut team, settings, TokenClass::Admin, (120, 30));
        runner.effects.clear();
        team.now = team.now.plus(Span::from_hours(3));
        runner.clock(team.now.micros());
        assert_eq!(told(&mut runner), [Effect::Bell]);
    }
}
