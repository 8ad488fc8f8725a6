//! Rounds of everything, each about things of its own and each come to its end: nothing of the board grows with their number.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::script::{command, words};
use super::world::{TEAM, World, request};
use deeds::domain::code::Code;
use deeds::domain::command::Command;
use deeds::domain::decide::decide_within;
use deeds::domain::things::WorkKind;
use deeds::domain::time::Span;

/// How many there are, where `DEEDS_ROUNDS` says nothing else.
const ROUNDS: u64 = 600;
/// From so many rounds on, what is remembered by number is full at the half already.
const FULL: u64 = 25_000;
/// What is remembered by number, and so grows until that is reached.
const BY_NUMBER: [&str; 11] = [
    "agents",
    "claims",
    "closed",
    "conclusions",
    "dependencies",
    "in_vain",
    "past",
    "resolved",
    "rounds",
    "targets",
    "threads",
];
/// The largest board, as JSON.
const MOST: usize = 64 * 1024 * 1024;

/// A step, of which nothing is kept but the state.
fn step(world: &mut World, who: &str, command: Command) {
    world.pass(Span::from_secs(1));
    let decision = decide_within(&world.state, &request(who, command), world.now, &world.limits);
    for deed in decision.deeds {
        world.state.fold(&deed);
    }
}

fn steps(world: &mut World, round: u64) {
    let script = format!(
        r#"
        sales writes crm/deal/{round} stage=trial@0
        support writes crm/account/a{round} health=good@0
        support writes crm/account/a{round} health=bad@0
        sales writes crm/account/a{round} health=fine@1
        sales writes place-{round}/one note=x@0
        sales escalates 'what of {round}' because 'unsure' on crm/account/a{round}
        sales acts mail/sales send_{round} on crm/deal/{round} thread=t{round} dep=crm/account/a{round}#health@1
        sales acts slack/c{round} post on crm/deal/{round}
        sales publishes mail/sales 'about {round}' thread=p{round} on crm/deal/{round}
        sales hands draft-{round} to support on crm/account/a{round}
        sales fans support,product within 1h on crm/account/a{round}
        sales leases crm/deal/{round}#stage 10m
        sales concludes crm/deal/{round} 'is it {round}' true
        support concludes crm/deal/{round} 'is it {round}' false
        sales sends '{{"do": "raise", "event": "seen.{round}", "attributes": {{"n": {round}}}}}'
        sales sends '{{"do": "claim", "event": "email.received", "key": "k{round}"}}'
        support takes x5
        dana freezes crm/deal/{round} 'a look'
        dana unfreezes crm/deal/{round} 'seen'
        dana sets crm/account/a{round}#health 'good'@1 'so it is' for 2h
        dana frees crm/account/a{round}#health 'done'
        dana leaves for sam
        dana comes for sam
        dana starts ops
        "#
    );
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words = words(line);
        let command = command(world, &words[1..]);
        step(world, &words[0], command);
    }
}

/// Everything that is open comes to its end.
fn ends(world: &mut World) {
    let say = |world: &mut World, who: &str, line: &str| {
        let command = command(world, &words(line));
        step(world, who, command);
    };
    for _ in 0..6 {
        let board = world.state.board.clone();
        for item in board.items.values().filter(|item| item.case.alert().is_none()) {
            let owner = if &*item.queue.to_string() == "roadmap" { "sam" } else { "dana" };
            if world.state.board.items.contains_key(&item.no) {
                say(world, owner, &format!("handles #{} 'noted'", item.no));
            }
        }
        for alert in board.alerts.keys() {
            say(world, "dana", &format!("resolves !{alert} 'seen'"));
        }
        for item in world.state.board.items.clone().values() {
            if !world.state.board.items.contains_key(&item.no) {
                continue;
            }
            say(world, "dana", &format!("handles #{} 'noted'", item.no));
        }
        for work in board.works.values() {
            let agent = work.agent.as_str();
            if matches!(work.kind, WorkKind::Proposal { .. }) {
                say(world, agent, &format!("declines {} 'no'", work.no));
            }
            say(world, agent, &format!("accepts {}", work.no));
            say(world, agent, &format!("completes {} 'done' '{{\"is\": 1}}'", work.no));
        }
        for (no, act) in &board.acts {
            say(world, act.agent.as_str(), &format!("done {no}"));
        }
        for (fence, lease) in &board.leases {
            say(world, lease.holder.as_str(), &format!("unlocks {fence}"));
        }
    }
    say(world, "dana", "ends ops 'done' 'later'");
    step(world, "deeds", Command::Tick);
}

/// The size of each part of the board.
fn sizes(world: &World) -> BTreeMap<String, usize> {
    let board = serde_json::to_value(&world.state.board).unwrap();
    let parts = board.as_object().unwrap().iter();
    parts.map(|(part, value): (&String, &Json)| (part.clone(), value.to_string().len())).collect()
}

#[test]
fn no_part_of_the_board_grows_with_the_number_of_rounds() {
    let rounds = std::env::var("DEEDS_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut world = World::new(TEAM);
    let mut half = BTreeMap::new();
    for round in 0..rounds {
        steps(&mut world, round);
        ends(&mut world);
        world.pass(Span::from_hours(1));
        // What is in fields is the team's, and grows.
        drop(std::mem::take(&mut world.state.entities));
        if round == rounds / 2 {
            half = sizes(&world);
        }
    }
    let board = &world.state.board;
    let next = board.next;
    for (what, made) in [
        ("items", next.item.0),
        ("alerts", next.alert.0),
        ("works", next.work.0),
        ("acts", next.act.0),
        ("fan-outs", next.fan_out.0),
        ("leases", next.fence.0),
    ] {
        assert!(made >= rounds, "too few {what} were made: {made}");
    }
    assert!(board.items.len() + board.alerts.len() + board.works.len() < 100, "something does not end");
    assert!(rounds < FULL || board.past.was_cut());
    let last = format!("act|sales|slack/c{}", rounds - 1);
    assert!(board.past.get(&last).is_some_and(|past| past.last.is_some()), "{last}");
    let (full, all) = (sizes(&world), sizes(&world).values().sum::<usize>());
    let mut parts: Vec<_> = full.iter().collect();
    parts.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
    eprintln!("{all} bytes after {} deeds: {:?}", board.head, &parts[..12]);
    assert!(all <= MOST, "{all}");
    for (part, size) in full.iter().filter(|(part, _)| rounds >= FULL || !BY_NUMBER.contains(&part.as_str()))
    {
        let before = half.get(part).copied().unwrap_or_default();
        assert!(*size <= before * 5 / 4 + 16 * 1024, "{part} grew from {before} to {size} bytes");
    }
}

#[test]
fn what_bounds_each_part_of_the_board_is_written_down() {
    let source = std::fs::read_to_string("src/domain/state/board.rs").unwrap();
    let fields = source.split("pub struct Board {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields = fields.lines().filter_map(|line| line.strip_prefix("    pub ")?.split(':').next());
    let page = std::fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let table = page.split("## What bounds each part of the board").nth(1).unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let parts = rows.flat_map(|row| row.split(" |").next().unwrap().split('`').step_by(2));
    let sorted = |parts: Vec<&str>| {
        let mut parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    };
    assert_eq!(sorted(parts.collect()), sorted(fields.collect()));
}

/// What became of the last deed that a line led to.
fn said(world: &mut World, line: &str) -> Option<Code> {
    let words = words(line);
    let command = command(world, &words[1..]);
    let decision = decide_within(&world.state, &request(&words[0], command), world.now, &world.limits);
    for deed in &decision.deeds {
        world.state.fold(deed);
    }
    decision.deeds.last().unwrap().code
}

#[test]
fn as_many_entities_are_frozen_and_rules_in_force_as_fit() {
    let mut world = World::new(TEAM);
    assert_eq!(said(&mut world, "dana freezes crm/deal/0 'a look'"), None);
    let stop = world.state.board.frozen.values().next().unwrap().clone();
    let path = |no| format!("crm/deal/f{no}").parse().unwrap();
    world.state.board.frozen = (0..10_000).map(|no| (path(no), stop.clone())).collect();
    assert_eq!(said(&mut world, "dana freezes crm/deal/1 'a look'"), Some(Code::OverBound));
    assert_eq!(said(&mut world, "dana unfreezes crm/deal/f7 'seen'"), None);
    assert_eq!(said(&mut world, "dana freezes crm/deal/1 'a look'"), None);

    for deal in 0..3 {
        let line = format!("sales escalates 'what of {deal}' because 'unsure {deal}' on crm/deal/{deal}");
        said(&mut world, &line);
    }
    assert_ne!(said(&mut world, "dana drops #1 'not ours' rule"), Some(Code::OverBound));
    let rule = world.state.board.rules.last().unwrap().clone();
    world.state.board.rules = std::iter::repeat_n(rule, 10_000).collect();
    assert_eq!(said(&mut world, "dana drops #2 'not ours' rule"), Some(Code::OverBound));
    assert_ne!(said(&mut world, "dana drops #2 'not ours'"), Some(Code::OverBound));
    assert_eq!(world.state.board.rules.len(), 10_000);
}
