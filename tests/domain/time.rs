//! Deadlines: a warning at three quarters, overdue at the end. Only a tick says that time went by.

use super::script::{check, play};
use super::world::{TEAM, World};
use deeds::domain::command::Command;
use deeds::domain::decide::next_due;
use deeds::domain::ids::ItemNo;
use deeds::domain::state::Timer;
use deeds::domain::things::{AlertKind, ClockSight};
use deeds::domain::time::{Span, Time};

#[test]
fn an_item_is_warned_of_and_then_overdue() {
    let mut world = World::new(TEAM);
    assert_eq!(item_due(&world), None);
    play(&mut world, "sales escalates 'x' because 'y' on crm/account/acme -> escalated");
    let opened = world.now;
    let item = world.state.board.items[&ItemNo(1)].clone();
    assert_eq!(
        (item.warn_at, item.due),
        (opened.plus(Span::from_hours(3)), opened.plus(Span::from_hours(4)))
    );
    assert_eq!(item_due(&world), Some(item.warn_at));
    let deeds = world.deeds.len();
    play(&mut world, "pass 2h\ntick");
    assert_eq!(world.deeds.len(), deeds, "nothing was due");
    play(&mut world, "pass 1h\ntick");
    assert!(world.state.board.items[&ItemNo(1)].warned);
    assert_eq!(item_due(&world), Some(item.due));
    play(&mut world, "alerts\npass 1h\ntick\nalerts overdue x1\nitems #1");
    assert!(world.state.board.items[&ItemNo(1)].overdue);
    assert_eq!(item_due(&world), None);
    play(&mut world, "pass 9h\ntick\nalerts overdue x1");
    assert_eq!(world.state.board.alerts.values().next().unwrap().item, None);
}

/// When the next item falls due; reviews have timers of their own.
fn item_due(world: &World) -> Option<Time> {
    let item = |(_, timer): &&(Time, Timer)| matches!(timer, Timer::Item(_));
    world.state.board.timers.iter().find(item).map(|(at, _)| *at)
}

/// After a long silence one tick says both.
#[test]
fn a_late_tick_catches_up() {
    let mut world = check("sales escalates 'x' because 'y' on crm/account/acme -> escalated\npass 3d\ntick");
    while next_due(&world.state).is_some_and(|due| due <= world.now) {
        play(&mut world, "tick");
    }
    play(&mut world, "alerts overdue x1, overdue x1");
    // The other one is the review, which is late by now.
    assert!(world.state.board.items[&ItemNo(1)].overdue);
}

/// Also where it is about no record.
#[test]
fn an_item_without_a_subject_is_overdue_too() {
    check(
        "
        sales escalates 'x' because 'y' -> escalated
        pass 3h
        tick
        pass 1h
        tick
        alerts overdue x1
        ",
    );
}

#[test]
fn an_answer_ends_the_deadline() {
    let mut world = check(
        "
        sales escalates 'x' because 'y' -> escalated
        pass 3h
        tick
        dana handles #1 'in time' -> recorded
        pass 2h
        tick
        alerts silent-agent x1
        ",
    );
    assert_eq!(item_due(&world), None);
    play(&mut world, "dana undoes #1 -> recorded\ntick\nalerts silent-agent x1, overdue x1");
}

#[test]
fn only_deeds_says_that_time_went_by() {
    let mut world = World::new(TEAM);
    for who in ["sales", "dana", "ada", "wanda"] {
        let reply = world.ask(who, Command::Tick);
        assert_eq!(reply.code.unwrap().as_str(), "not-allowed", "{who}");
    }
}

/// A clock that is doubted, and then believed again.
pub(crate) fn doubted() -> World {
    let mut world = World::new(TEAM);
    let now = world.now;
    let ten_years = now.plus(Span::from_days(3_650));
    for (machine, believed) in [(ten_years, false), (ten_years, false), (now, true), (now, true)] {
        world.ask("deeds", Command::Clock(ClockSight { machine, now, believed }));
    }
    world.verify();
    world
}

#[test]
fn a_clock_that_is_doubted_is_told_once_and_ends_by_itself() {
    let world = doubted();
    let resolved = &world.state.board.resolved;
    let of_clock: Vec<_> = resolved.iter().filter(|alert| alert.kind == AlertKind::Clock).collect();
    assert_eq!(of_clock.len(), 1, "{of_clock:?}");
    assert!(of_clock[0].title.contains("3650d ahead"), "{}", of_clock[0].title);
    assert!(world.state.board.alerts.is_empty() && world.state.board.items.is_empty());
    let mut world = world;
    let sight = ClockSight { machine: world.now, now: world.now, believed: true };
    for who in ["sales", "dana", "ada", "wanda"] {
        let reply = world.ask(who, Command::Clock(sight));
        assert_eq!(reply.code.unwrap().as_str(), "not-allowed", "{who}");
    }
}
