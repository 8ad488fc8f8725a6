//! Promise G11 in simulated time: whatever agents do with their work, their tasks and their fan-outs, each of them ends,
//! and each asks a person at most once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::world::{TEAM, World};
use deeds::domain::command::Command;
use deeds::domain::deed::Body;
use deeds::domain::ids::{FanOutNo, TaskId, WorkNo};
use deeds::domain::things::{Case, TaskStage, WorkKind};
use deeds::domain::time::Span;

const AGENTS: [&str; 3] = ["sales", "support", "product"];
const FEEDBACK: [&str; 4] = ["shorter", "add the figures", "wrong tone", "name the source"];
/// No task lives through more steps than this: attempts times what can be done in one, with room.
const MOST_STEPS: usize = 120;

/// What the agent at hand does with the work that is at hand.
#[derive(Debug, Clone, Copy)]
struct Step {
    verb: u8,
    feedback: usize,
    to: usize,
    pass: u16,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..8_u8, 0..FEEDBACK.len(), 0..AGENTS.len(), 0..12_u16)
        .prop_map(|(verb, feedback, to, pass)| Step { verb, feedback, to, pass });
    prop::collection::vec(step, 1..60)
}

fn ask(world: &mut World, who: &str, json: serde_json::Value) {
    let command: Command = serde_json::from_value(json).unwrap();
    world.ask(who, command);
}

fn tick(world: &mut World, minutes: u16) {
    world.pass(Span::from_mins(i64::from(minutes)));
    for _ in 0..2 {
        world.ask("deeds", Command::Tick);
    }
}

/// Any of the agents' ways with the oldest work that is open: none of them ends it on purpose.
fn wander(world: &mut World, step: Step) {
    let work = world.state.board.works.values().find(|work| work.kind.asks()).cloned();
    let Some(work) = work else { return };
    let (who, no, feedback) = (work.agent.to_string(), work.no.0, FEEDBACK[step.feedback]);
    let taken = work.is_taken(world.now);
    let do_it = |verb: &str| json!({"do": "work", "work": no, "step": verb, "note": feedback});
    let give = |task: &TaskId| {
        json!({"do": "handoff", "task": task, "to": AGENTS[step.to], "attempt": 1, "max_attempts": 100,
            "work_product": {"result": "a draft", "status": "again"}, "context": null, "constraints": []})
    };
    match (&work.kind, step.verb) {
        (WorkKind::Handoff { order, .. }, 0..3) => {
            ask(world, &who, do_it("accept"));
            ask(world, &who, give(&order.task));
        }
        (WorkKind::Handoff { .. }, 3..6) => ask(world, &who, do_it("return")),
        (WorkKind::Returned { task, .. }, 0..6) => ask(world, &who, give(task)),
        (_, 6) if taken => ask(world, &who, do_it("fail")),
        (_, 5) if taken => ask(world, &who, do_it("return")),
        _ if taken => {}
        _ => ask(world, &who, json!({"do": "take", "work": no, "visibility": "3m"})),
    }
    tick(world, step.pass);
}

/// Everything that was begun has ended, or waits for the one person who was asked.
fn assert_ends(world: &World) {
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for deed in &world.deeds {
        let Body::ItemOpened(item) = &deed.body else { continue };
        let about = match &item.case {
            Case::Stuck { task, .. } => format!("task {}", task.id),
            Case::GivenUp { work } => format!("work {}", work.no),
            other => panic!("asked of something else: {other:#?}"),
        };
        *asked.entry(about).or_default() += 1;
    }
    assert!(asked.values().all(|times| *times == 1), "asked more than once: {asked:#?}");
    let joins: Vec<FanOutNo> = world
        .deeds
        .iter()
        .filter_map(|deed| match deed.body {
            Body::FanOutJoined(no) => Some(no),
            _ => None,
        })
        .collect();
    let mut once = joins.clone();
    once.dedup();
    assert_eq!(joins, once, "joined more than once");
    let board = &world.state.board;
    assert!(board.fan_outs.is_empty(), "never joined: {:#?}", board.fan_outs);
    let open: Vec<WorkNo> =
        board.works.values().filter(|work| work.kind.asks()).map(|work| work.no).collect();
    assert!(open.is_empty(), "never ended: {:#?}", board.works);
    let with_a_person = |stage: &TaskStage| matches!(stage, TaskStage::Escalated { .. });
    assert!(board.tasks.values().all(|task| with_a_person(&task.stage)), "{:#?}", board.tasks);
}

/// Goes round and round with these steps until nothing is left to do.
fn live(steps: &[Step]) -> World {
    let mut world = World::new(TEAM);
    let born = world.now;
    ask(
        &mut world,
        "sales",
        json!({"do": "handoff", "task": "draft-7", "to": "support", "attempt": 1,
        "work_product": {"result": "a draft", "status": "drafted"}, "context": null, "constraints": []}),
    );
    ask(
        &mut world,
        "sales",
        json!({"do": "fan-out", "deadline": "1h",
        "branches": [{"to": "support", "input": 1, "max_attempts": 2}, {"to": "product", "input": 2}]}),
    );
    ask(
        &mut world,
        "sales",
        json!({"do": "write", "entity": "crm/account/acme", "changes": {"health": "good"}, "expected": {"health": 0}}),
    );
    let again = steps.iter().cycle().take(MOST_STEPS.max(steps.len()));
    for (round, step) in again.enumerate() {
        // In every third step somebody at least takes what waits: an agent that is silent for ever ends nothing, and
        // that is what `silent-agent` is for.
        let step = if round % 3 == 2 { Step { verb: 7, pass: 4, ..*step } } else { *step };
        wander(&mut world, step);
    }
    // At last everybody looks after what is left now and then, and still ends nothing on purpose.
    while world.now < born.plus(Span::from_days(30)) {
        let open: Vec<_> =
            world.state.board.works.values().filter(|work| work.kind.asks()).cloned().collect();
        for work in open {
            ask(&mut world, work.agent.as_str(), json!({"do": "take", "work": work.no}));
        }
        tick(&mut world, 13 * 60);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_loop_ends_and_asks_once(steps in steps()) {
        let world = live(&steps);
        assert_ends(&world);
        world.verify();
    }
}

/// The promise is not kept by nothing ever going wrong.
#[test]
fn the_loops_reach_their_ends() {
    let step = |verb, feedback, to, pass| Step { verb, feedback, to, pass };
    let forward = live(&[step(0, 0, 1, 1), step(1, 1, 0, 1), step(2, 2, 2, 1)]);
    let returned = live(&[step(3, 0, 1, 1), step(0, 0, 1, 0), step(4, 0, 1, 1)]);
    for world in [&forward, &returned] {
        assert_ends(world);
    }
    let types =
        |world: &World| -> Vec<&str> { world.deeds.iter().map(|deed| deed.body.type_name()).collect() };
    assert!(types(&forward).contains(&"deeds.handoff.escalated"));
    assert!(types(&forward).contains(&"deeds.work.exhausted"));
    assert!(types(&returned).contains(&"deeds.fan-out.joined"));
}
