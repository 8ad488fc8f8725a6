//! Random histories of all commands, by the right ones and the wrong ones, against a small model that shares no code with
//! the rules: the promises of docs/GUARANTEES.md in simulated time.
//!
//! `DEEDS_MODEL_CASES` says how many histories there are; 200 of each kind where nobody says. A history that failed once
//! is tried again first (`proptest-regressions/model.txt`).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first thing that is not as it says"
)]

#[path = "model/apart.rs"]
mod apart;
#[path = "model/ask.rs"]
mod ask;
#[path = "model/book/mod.rs"]
mod book;
#[path = "model/disk.rs"]
mod disk;
#[path = "domain/foretold.rs"]
mod foretold;
#[path = "model/index.rs"]
mod index;
#[path = "corpus/keep.rs"]
mod keep;
#[path = "common/recount.rs"]
mod recount;
#[path = "model/step.rs"]
mod step;
#[path = "model/team.rs"]
mod team;
#[path = "model/world.rs"]
mod world;
#[path = "model/zones.rs"]
mod zones;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

use self::step::Step;
use self::world::World;
use deeds::domain::deed::Body;

/// Histories of each kind where the environment does not say how many.
const CASES: u32 = 200;
/// Histories on disk where the environment does not say how many.
const DISKS: u32 = 40;
/// Histories in which every type of deed must have happened.
const MOST_HISTORIES: usize = 1_200;
/// Steps of one history at most.
const STEPS: usize = 70;

fn config() -> ProptestConfig {
    let cases = std::env::var("DEEDS_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let seeds = FileFailurePersistence::Direct("proptest-regressions/model.txt");
    // An ordinary run plays the same histories each time; with a number of cases they are others each time.
    let chance = std::env::var_os("DEEDS_MODEL_CASES").is_some();
    ProptestConfig {
        cases,
        rng_seed: if chance { RngSeed::Random } else { RngSeed::Fixed(2) },
        failure_persistence: Some(Box::new(seeds)),
        max_shrink_iters: 6000,
        ..ProptestConfig::default()
    }
}

/// A history: how it begins, and the random steps after that.
fn history() -> impl Strategy<Value = Vec<Step>> {
    let steps = prop::collection::vec(step::step(), 1..STEPS);
    (0..step::OPENINGS, steps)
        .prop_map(|(first, steps)| step::opening(first).into_iter().chain(steps).collect())
}

fn play(steps: &[Step], enforce: bool) -> World {
    // Half of them begin in a ledger of the first format.
    let mut world = World::new(team::team(0, enforce), enforce, steps.len() % 2 == 1);
    for step in steps {
        world.step(step);
    }
    world.run_out();
    world.replay();
    world
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_promise_holds_where_rules_are_enforced(steps in history()) {
        play(&steps, true);
    }

    #[test]
    fn every_promise_holds_where_rules_are_observed(steps in history()) {
        play(&steps, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn values_outside_memory_decide_the_same(steps in history(), enforce in any::<bool>()) {
        let mut world = World::new(team::team(0, enforce), enforce, false);
        world.set_apart();
        for step in &steps {
            world.step(step);
        }
        world.run_out();
        world.agrees();
    }

    #[test]
    fn values_outside_memory_decide_the_same_through_days(steps in life(), asked in 0..team::ASKED.len()) {
        let mut world = World::new(team::asking(0, true, asked), true, false);
        world.asked = asked;
        world.set_apart();
        for step in &steps {
            world.step(step);
        }
        world.agrees();
    }
}

/// Values and keys on disk, with next to nothing in memory: killed, cut, flipped, deleted, and 0 wrong answers.
#[test]
fn an_image_that_is_killed_and_damaged_answers_as_the_model() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let cases = std::env::var("DEEDS_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(DISKS);
    let mut runner = TestRunner::deterministic();
    let mut done = disk::Done::default();
    for case in 0..cases {
        let days = case % 3 == 2;
        let steps = if days {
            life().new_tree(&mut runner).unwrap().current()
        } else {
            history().new_tree(&mut runner).unwrap().current()
        };
        let asked = usize::try_from(case).unwrap() % team::ASKED.len();
        let mut world = if days {
            World::new(team::asking(0, true, asked), true, false)
        } else {
            World::new(team::team(0, case % 2 == 0), case % 2 == 0, false)
        };
        world.asked = if days { asked } else { 0 };
        world.set_on_disk(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::from(case) + 1));
        for step in &steps {
            world.step(step);
        }
        world.run_out();
        done.add(world.agrees_on_disk());
    }
    println!("{cases} histories: {done:?}");
    assert!(done.kills > 0 && done.damaged > 0 && done.believed > 0 && done.anew > 0, "{done:?}");
}

/// A longer life, in which days go by.
fn life() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step::life(), 1..STEPS)
}

fn live(steps: &[Step], enforce: bool, asked: usize) {
    let mut world = World::new(team::asking(0, enforce, asked), enforce, false);
    world.asked = asked;
    for step in steps {
        world.step(step);
    }
    world.readiness();
    world.run_out();
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..config() })]

    #[test]
    fn readiness_is_what_the_deeds_say(steps in life(), enforce in any::<bool>(), asked in 0..team::ASKED.len()) {
        live(&steps, enforce, asked);
    }
}

/// The random steps reach what they are meant to reach: otherwise the promises would hold of nothing.
#[test]
fn the_histories_reach_the_deeds_that_the_promises_are_about() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut unseen: BTreeSet<&str> = Body::TYPES.iter().copied().collect();
    // What the coordinator counts and sees by itself, which no history asks for; and what needs a clock that was wrong.
    for own in ["deeds.door.refused", "deeds.clock.doubted", "deeds.clock.believed", "deeds.clock.rebased"] {
        unseen.remove(own);
    }
    for _ in 0..MOST_HISTORIES {
        let steps = history().new_tree(&mut runner).unwrap().current();
        for deed in &play(&steps, true).deeds {
            unseen.remove(deed.body.type_name());
        }
        if unseen.is_empty() {
            return;
        }
    }
    panic!("never reached: {unseen:?}");
}
