//! What random keys found once: a box can be confirmed only after it was drawn.

use super::team;
use crate::chance::Chance;
use deeds::console::app::{App, Settings};
use deeds::console::ask::What;
use deeds::console::testing::Runner;
use deeds::console::world::Me;
use deeds::domain::ids::PersonId;
use deeds::domain::things::TokenClass;

/// Pauses every agent, with all that it takes.
const KEYS: &str = "! w enter tab enter";

fn console() -> Runner<App> {
    let me = Me { person: PersonId::new("dana").unwrap(), class: TokenClass::Admin };
    team::team("unseen", &mut Chance::new(7)).console(me, Settings::default(), 120, 36)
}

fn commands(runner: &mut Runner<App>) -> usize {
    runner.take_done().iter().filter(|ask| matches!(ask.what, What::Command(_))).count()
}

#[test]
fn nothing_is_confirmed_that_was_not_drawn() {
    let mut seen = console();
    seen.send_keys(KEYS).unwrap();
    assert_eq!(commands(&mut seen), 1);
    let mut ahead = console();
    ahead.send_keys_at_once(KEYS).unwrap();
    assert_eq!(commands(&mut ahead), 0, "typed before the box was drawn");
    let mut small = console();
    small.resize(30, 10);
    small.send_keys(KEYS).unwrap();
    assert_eq!(commands(&mut small), 0, "a terminal that shows nothing");
}
