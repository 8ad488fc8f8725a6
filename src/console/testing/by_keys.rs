//! What the tests of every view begin with: a morning, the map of a small team, a console of Dana's; keys, and the screen
//! after them.

use serde_json::json;

use super::Runner;
use super::team::Team;
use crate::console::app::{App, Settings};
use crate::console::place::View;
use crate::console::world::Me;
use crate::domain::ids::PersonId;
use crate::domain::things::TokenClass;
use crate::domain::time::Time;

/// A map's beginning: two agents with a zone each. What a test needs beside them follows it.
pub(in crate::console) const SALES_AND_SUPPORT: &str = r#"
workspace = "tallyfern"
governance_owner = "dana"

[[agent]]
id = "sales"
role = "sells"
owner = "dana"
writes = ["crm/deal/**", "crm/contact/*#name"]
outputs = ["mail/outbox"]

[[agent]]
id = "support"
role = "helps"
owner = "dana"
writes = ["crm/contact/*#health"]
"#;

/// Frames until a view has asked for all that there is room for.
const FRAMES: usize = 3;

/// The morning on which everything begins.
pub(in crate::console) fn start() -> Time {
    "2026-11-20T09:00:00Z".parse().unwrap()
}

/// A write of one field, as an agent sends it.
pub(in crate::console) fn write(
    entity: &str,
    field: &str,
    value: &str,
    expected: u64,
    why: &str,
) -> serde_json::Value {
    json!({"do": "write", "entity": entity, "changes": {field: value}, "expected": {field: expected}, "reason": why})
}

/// Who looks.
pub(in crate::console) fn me(name: &str, class: TokenClass) -> Me {
    Me { person: PersonId::new(name).unwrap(), class }
}

/// Dana's console on a view, with all that it asks for.
pub(in crate::console) fn console(
    team: &mut Team,
    view: View,
    class: TokenClass,
    size: (u16, u16),
) -> Runner<App> {
    console_with(team, Settings { view, ..Settings::default() }, class, size)
}

/// As [`console`], with settings of its own.
pub(in crate::console) fn console_with(
    team: &mut Team,
    settings: Settings,
    class: TokenClass,
    (width, height): (u16, u16),
) -> Runner<App> {
    let mut runner = team.console(me("dana", class), settings, width, height);
    for _ in 0..FRAMES {
        runner.screen_text();
        team.serve(&mut runner);
    }
    runner
}

/// Types keys, each of them answered and drawn before the next.
pub(in crate::console) fn press(team: &mut Team, runner: &mut Runner<App>, keys: &str) -> String {
    for key in keys.split_whitespace() {
        runner.send_keys(key).unwrap();
        team.serve(runner);
        // What is in sight is known once it was drawn.
        runner.screen_text();
    }
    runner.screen_text()
}

/// The first line with a text.
pub(in crate::console) fn line_with<'a>(screen: &'a str, text: &str) -> &'a str {
    screen.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text:?} in\n{screen}"))
}
