//! Where nothing but ASCII is wanted, nothing else is drawn: every view, what lies over it, every width, with texts of agents
//! that have everything else in them.

use serde_json::json;

use crate::console::app::Settings;
use crate::console::message::Effect;
use crate::console::place::View;
use crate::console::testing::by_keys::{SALES_AND_SUPPORT, console_with, press, start, write};
use crate::console::testing::team::Team;
use crate::domain::things::TokenClass;

const SIZES: [(u16, u16); 5] = [(44, 20), (60, 20), (80, 24), (120, 36), (200, 60)];
/// What is opened over a view, and closed again.
const KEYS: [&str; 10] =
    ["?", ":", ": text:crm enter", "enter", "p", "v", "@ text:-1h", "/ text:caf\u{e9}", "F", "e tab"];

/// A morning of a team that writes in several scripts.
fn team() -> Team {
    let mut team = Team::new(SALES_AND_SUPPORT, start()).unwrap();
    let odd =
        "caf\u{e9} \u{2192} \u{6f22}\u{5b57} \u{1f1e9}\u{1f1ea} \u{1f44d}\u{1f3fd} \u{1b}[2J \u{202e}gpj";
    team.agent("sales", write("crm/deal/9", "stage", odd, 0, odd)).unwrap();
    team.agent("support", write("crm/contact/7", "health", "good", 0, odd)).unwrap();
    team.agent("sales", write("crm/contact/7", "health", odd, 0, odd)).unwrap();
    team.agent("sales", write("crm/deal/9", "\u{e9}tat", odd, 0, odd))
        .unwrap_or_else(|_| panic!("a field's name"));
    let escalation = json!({"do": "escalate", "subject": "crm/deal/9", "why": odd, "input": {"text": odd}});
    team.agent("sales", escalation).unwrap();
    team
}

/// Every frame, with what was pressed for it.
fn frames(ascii: bool) -> Vec<(String, String)> {
    let mut frames = Vec::new();
    for view in View::ALL.iter().copied() {
        for size in SIZES {
            let mut team = team();
            let settings = Settings { ascii, view, ..Settings::default() };
            let mut runner = console_with(&mut team, settings, TokenClass::Admin, size);
            frames.push((format!("{view:?} {size:?}"), runner.screen_text()));
            for keys in KEYS {
                let screen = press(&mut team, &mut runner, keys);
                frames.push((format!("{view:?} {size:?} {keys}"), screen));
                press(&mut team, &mut runner, "esc esc esc");
            }
        }
    }
    frames
}

#[test]
fn no_frame_has_anything_else() {
    let frames = frames(true);
    for (what, screen) in &frames {
        let other: String = screen.chars().filter(|c| !c.is_ascii()).collect();
        assert!(other.is_empty(), "{what}: {other:?} in\n{screen}");
    }
    // What agents wrote can still be told apart.
    assert!(frames.iter().any(|(_, screen)| screen.contains("caf<U+00E9>")), "{}", frames[0].1);
    assert!(frames.iter().any(|(_, screen)| screen.contains("<DE>")));
}

#[test]
fn otherwise_every_frame_has() {
    for (what, screen) in frames(false) {
        assert!(!screen.is_ascii(), "{what}");
    }
}

#[test]
fn the_title_says_what_waits_unless_it_is_left_alone() {
    let title = |settings: Settings| {
        let mut runner = console_with(&mut team(), settings, TokenClass::Admin, (80, 24));
        runner.program.title.clear();
        runner.program.title()
    };
    let Some(Effect::Title(shown)) = title(Settings::default()) else { panic!("no title") };
    assert!(shown.starts_with("deeds tallyfern \u{b7} inbox "), "{shown}");
    let Some(Effect::Title(plain)) = title(Settings { ascii: true, ..Settings::default() }) else {
        panic!("no title")
    };
    assert!(plain.is_ascii(), "{plain}");
    assert_eq!(title(Settings { title: false, ..Settings::default() }), None);
}
