//! Keys at random into every view, with deeds arriving in between: no panic, no decision that was not confirmed on the screen,
//! and no place from which escape does not lead back to a view.
//!
//! An ordinary run presses some thousands of keys, always the same ones; `DEEDS_FUZZ_KEYS=100000 cargo test --test keys` presses
//! as many in each view, others each time. A run that fails tells its number and the last keys: `DEEDS_FUZZ_SEED=NUMBER` makes
//! the same choices again.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test, wherever it stands")]

#[path = "keys/chance.rs"]
mod chance;
#[path = "keys/round.rs"]
mod round;
#[path = "keys/team.rs"]
mod team;
#[path = "keys/unseen.rs"]
mod unseen;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use chance::Chance;
use deeds::console::place::View;
use deeds::domain::things::TokenClass;
use round::Round;

/// Keys in each view in an ordinary run.
const KEYS: u64 = 1_000;
/// Keys in one workspace, before another is begun.
const ROUND: u64 = 500;
/// Who presses them, by the number of the round's choices.
fn class(seed: u64) -> TokenClass {
    match seed % 4 {
        0 => TokenClass::Watcher,
        2 => TokenClass::Reviewer,
        _ => TokenClass::Admin,
    }
}

fn set(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|said| said.parse().unwrap())
}

fn any_number() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_ne_bytes(bytes) >> 16
}

/// Presses keys at random, beginning in this view and coming back to it.
fn press_at_random(view: View) {
    let asked = set("DEEDS_FUZZ_KEYS");
    let keys = asked.unwrap_or(KEYS);
    let first = set("DEEDS_FUZZ_SEED").unwrap_or_else(|| asked.map_or(1, |_| any_number()));
    eprintln!("{}: DEEDS_FUZZ_SEED={first}", view.name());
    let (mut pressed, mut confirmed, mut boxes, mut homes) = (0, 0, 0, 0);
    let mut seed = first;
    while pressed < keys {
        let mut round = Round::new(view, class(seed), Chance::new(seed));
        let went = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..ROUND.min(keys - pressed) {
                round.step();
            }
        }));
        if let Err(panic) = went {
            eprintln!("{} with DEEDS_FUZZ_SEED={seed} after the keys {}", view.name(), round.last_keys());
            resume_unwind(panic);
        }
        pressed += round.pressed;
        (confirmed, boxes, homes) = (confirmed + round.confirmed, boxes + round.boxes, homes + round.homes);
        seed += 1;
    }
    eprintln!(
        "{}: {pressed} keys, {homes} times back by escape, enter in {boxes} boxes, {confirmed} decisions confirmed",
        view.name()
    );
    assert!(homes > 0 && boxes > 0, "nothing was tried");
    assert!(confirmed > 0 || keys < KEYS, "no decision came about: this shows nothing");
}

macro_rules! views {
    ($($test:ident $view:ident;)*) => {
        $(#[test] fn $test() { press_at_random(View::$view); })*

        #[test]
        fn every_view_is_among_them() {
            assert_eq!([$(View::$view),*], View::ALL);
        }
    };
}

views! {
    in_the_inbox Inbox;
    in_the_log Log;
    in_the_map Map;
    in_the_conflicts Conflicts;
    in_the_agents Agents;
    in_the_work Work;
    in_the_watch Watch;
}
