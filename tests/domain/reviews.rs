//! Sessions over a queue, RULES §13.2: who holds them, what they count for, and what is missed.

use std::sync::Arc;

use super::script::{check, check_on, play};
use super::world::{TEAM, World};
use deeds::domain::command::{ApplyMap, Command};
use deeds::domain::ids::QueueName;
use deeds::domain::map;
use deeds::domain::things::{PastTurn, QueueReviews};
use deeds::domain::time::Span;

fn ops(world: &World) -> QueueReviews {
    world.state.board.reviews[&QueueName::new("ops").unwrap()].clone()
}

/// The world begins at 14:13 UTC; the next review of ops is due at nine.
#[test]
fn a_session_is_started_and_ended_by_one_named_person() {
    let mut world = check(
        "
        sales escalates 'a' because 'why' -> escalated
        sales escalates 'b' because 'why not' -> escalated
        dana ends ops -> refused wrong-state
        eve starts ops -> refused not-named
        dana starts nowhere -> refused not-found
        sales starts ops -> refused not-allowed
        dana starts ops -> recorded
        dana starts ops -> refused wrong-state
        sam starts ops -> refused wrong-state
        sam ends ops -> refused wrong-state
        dana handles #1 'done' -> recorded
        dana ends ops 'one is left' -> recorded
        dana ends ops -> refused wrong-state
        ",
    );
    let reviews = ops(&world);
    let last = reviews.last.unwrap();
    assert_eq!((last.answered, last.left, last.by.name(), last.counts), (1, 1, "dana", None));
    assert_eq!(last.remaining.iter().map(|no| no.0).collect::<Vec<_>>(), [2]);
    assert_eq!((reviews.open, reviews.held, reviews.missed), (None, 0, 0));
    play(&mut world, "sam starts ops -> recorded");
}

/// What else was done in it stands on the deed of its end: handed on, left with a reason, settled along, and what came of it in
/// the map. What others do, and what is done in another queue, is not of it.
#[test]
fn a_session_tells_what_it_came_to() {
    let mut world = check(
        "
        sales writes crm/contact/7 note=x@0 -> escalated unowned
        sales writes crm/contact/8 note=x@0 -> escalated unowned
        sales escalates 'a' because 'why' -> escalated
        sales escalates 'b' because 'why not' -> escalated
        sales escalates 'c' because 'who knows' -> escalated
        sourcing escalates 'd' because 'roadmap' -> escalated
        dana starts ops -> recorded
        dana expands #1 sales writes crm/contact/*#note with #2 -> recorded
        dana skips #3 'legal answers on Friday' -> recorded
        dana reassigns #4 to sam -> recorded
        sam handles #4 'done' -> recorded
        sam skips #6 'later' -> recorded
        ",
    );
    let (answered, came_to) = {
        let open = ops(&world).open.unwrap();
        (open.answered, open.came_to)
    };
    assert_eq!((answered, came_to.alike, came_to.put_off, came_to.handed_on), (2, 1, 1, 1), "{came_to:?}");
    play(&mut world, "dana ends ops 'two are left' 'the board meets on Monday' -> recorded");
    let last = ops(&world).last.unwrap();
    assert_eq!((last.came_to.put_off, last.came_to.handed_on), (3, 1), "#3 again, and #5: {last:?}");
    let (before, after) = last.came_to.map.unwrap();
    assert_eq!(after.0, before.0 + 1);
    assert_eq!(
        last.came_to.changes.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["+ sales.writes crm/contact/*#note"]
    );
    let deed = world.deeds.iter().rfind(|deed| deed.body.type_name() == "deeds.review.ended").unwrap();
    assert!(
        deed.reason.as_deref().unwrap().contains("2 answered, 1 handed on, 3 left with a reason, 2 left"),
        "{deed:?}"
    );
}

/// An answer that is taken back in the session takes back what it did to the map.
#[test]
fn what_was_undone_changed_nothing() {
    let world = check(
        "
        sales writes crm/contact/7 note=x@0 -> escalated unowned
        dana starts ops -> recorded
        dana expands #1 sales writes crm/contact/*#note -> recorded
        dana undoes #1 -> recorded
        dana ends ops -> recorded
        ",
    );
    let came_to = ops(&world).last.unwrap().came_to;
    assert!(came_to.is_nothing(), "{came_to:?}");
}

fn last(world: &World) -> PastTurn {
    *ops(world).turns.last().unwrap()
}

/// What waits in the review of ops that is under way.
fn waiting(world: &World) -> Vec<u64> {
    ops(world).round.map(|round| round.waiting.iter().map(|no| no.0).collect()).unwrap_or_default()
}

/// From the day before on until after nine.
const NINE: &str = "
    sales escalates 'a' because 'y' -> escalated
    sales escalates 'b' because 'y' -> escalated
    sales escalates 'c' because 'y' -> escalated
    pass 18h50m
    tick
    ";

#[test]
fn a_review_counts_what_was_answered_and_not_that_one_was_there() {
    let mut world = check(NINE);
    assert_eq!(waiting(&world), [1, 2, 3]);
    play(
        &mut world,
        "
        sales escalates 'later' because 'y' -> escalated
        dana starts ops -> recorded
        dana handles #1 'done' -> recorded
        dana ends ops 'one of three' -> recorded
        ",
    );
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (0, 0, None), "opening one holds nothing");
    assert_eq!(waiting(&world), [2, 3], "what came later is for the next one");
    play(
        &mut world,
        "
        dana reassigns #2 to sam -> recorded
        dana skips #3 ' ' -> refused wrong-state
        dana skips #3 'legal answers on Friday' -> recorded
        ",
    );
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (1, 0, Some(true)));
    assert!(reviews.round.is_none() && !last(&world).late);
    play(&mut world, "items #2 #3 #4\ntick");
}

#[test]
fn what_is_left_with_a_reason_at_the_end_was_gone_through() {
    let mut world = check(NINE);
    play(
        &mut world,
        "
        dana starts ops 'today' -> recorded
        dana ends ops -> recorded
        ",
    );
    assert_eq!(ops(&world).held, 0);
    play(
        &mut world,
        "
        dana starts ops -> recorded
        dana ends ops 'short' 'the board meets on Monday' -> recorded
        items #1 #2 #3
        ",
    );
    assert_eq!((ops(&world).held, ops(&world).last.unwrap().left), (1, 3));
    let left = world.deeds.iter().filter(|deed| deed.body.type_name() == "deeds.item.left");
    assert!(
        left.clone().count() == 3
            && left.clone().all(|deed| deed.reason.as_deref().unwrap().contains("Monday"))
    );
}

#[test]
fn late_is_late_and_not_missed() {
    let mut world = check(NINE);
    play(&mut world, "pass 1h\ntick");
    let round = ops(&world).round.unwrap();
    assert!(
        round.is_late && world.state.board.alerts.values().any(|alert| alert.title.contains("review of ops"))
    );
    play(
        &mut world,
        "
        dana handles #1 'done' -> recorded
        dana handles #2 'done' -> recorded
        dana handles #3 'done' -> recorded
        ",
    );
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (1, 0, Some(false)));
    assert!(last(&world).held && last(&world).late);
    // The next one is in time again.
    play(&mut world, "pass 23h\ntick");
    assert_eq!((ops(&world).held, ops(&world).last_held), (2, Some(true)));
}

#[test]
fn the_map_says_how_long_a_review_is_in_time() {
    let patient = TEAM.replacen("review = \"daily 09:00\"", "review = \"daily 09:00\"\ngrace = \"4h\"", 1);
    let mut world = check_on(&patient, NINE);
    play(
        &mut world,
        "
        pass 3h
        tick
        dana ends ops -> refused wrong-state
        dana starts ops -> recorded
        dana ends ops 'x' 'next week' -> recorded
        ",
    );
    assert_eq!((ops(&world).held, ops(&world).last_held), (1, Some(true)));
}

#[test]
fn where_nothing_waited_it_is_held() {
    let mut world = check("pass 18h50m\ntick\nalerts");
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (1, 0, Some(true)));
    play(&mut world, "pass 24h\ntick\nalerts");
    assert_eq!(ops(&world).held, 2);
}

#[test]
fn one_that_nobody_held_is_missed_when_the_next_one_begins() {
    let mut world = check(NINE);
    play(&mut world, "pass 24h\ntick\ntick");
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (0, 1, Some(false)));
    assert_eq!(waiting(&world), [1, 2, 3], "they wait in the next one");
    // After a long stop the ones meanwhile are one.
    play(&mut world, "pass 5d\ntick\ntick\ntick");
    assert_eq!(ops(&world).missed, 2);
    let round = ops(&world).round.unwrap();
    assert!(round.due <= world.now && round.next > world.now);
}

#[test]
fn an_answer_that_is_undone_was_one_all_the_same() {
    let mut world = check(NINE);
    for no in 1..=3 {
        play(&mut world, &format!("dana handles #{no} 'done' -> recorded"));
    }
    play(&mut world, "dana undoes #3 -> recorded");
    assert_eq!((ops(&world).held, waiting(&world)), (1, vec![]));
}

#[test]
fn where_nothing_waits_nobody_is_late_for_it() {
    // Deeds comes back two days later, long after the grace.
    let mut world = check("pass 50h\ntick");
    let turn = last(&world);
    assert!(turn.held && !turn.late, "{turn:?}");
    play(&mut world, "alerts");
}

/// Weekly until a new map says daily: before its grace is over, or when it is late already.
#[test]
fn the_next_one_begins_by_the_schedule_of_a_new_map() {
    let weekly = TEAM.replacen("review = \"daily 09:00\"", "review = \"weekly tue 09:00\"", 1);
    let day = Span::from_days(1);
    for before_it_is_late in [true, false] {
        let mut world = check_on(&weekly, NINE);
        let begun = ops(&world).round.unwrap();
        assert_eq!(begun.next.since(begun.due), Span::from_days(7));
        if before_it_is_late {
            apply(&mut world);
        }
        play(&mut world, "pass 30m\ntick");
        assert!(!ops(&world).round.unwrap().is_late, "its grace is as it was");
        play(&mut world, "pass 30m\ntick");
        assert!(ops(&world).round.unwrap().is_late);
        if !before_it_is_late {
            apply(&mut world);
        }
        play(&mut world, "pass 22h\ntick");
        assert_eq!(
            (ops(&world).missed, waiting(&world).len()),
            (0, 3),
            "it goes on until the next one begins"
        );
        play(&mut world, "pass 1h\ntick\ntick");
        let next = ops(&world).round.unwrap();
        assert_eq!((ops(&world).missed, next.due.since(begun.due), next.next.since(next.due)), (1, day, day));
    }
}

#[test]
fn what_is_held_under_a_new_map_is_followed_by_its_schedule() {
    let weekly = TEAM.replacen("review = \"daily 09:00\"", "review = \"weekly tue 09:00\"", 1);
    let mut world = check_on(&weekly, NINE);
    let begun = ops(&world).round.unwrap();
    apply(&mut world);
    for no in 1..=3 {
        play(&mut world, &format!("dana handles #{no} 'done' -> recorded"));
    }
    assert_eq!((ops(&world).held, ops(&world).due.unwrap().since(begun.due)), (1, Span::from_days(1)));
}

/// The team's map, in which the queue is gone through every day.
fn apply(world: &mut World) {
    let model = Arc::new(map::parse(TEAM).applicable().unwrap());
    let if_version = world.state.board.map_version;
    let apply = ApplyMap { model, if_version, reason: None, planned: false, take_back: false };
    assert!(world.ask("ada", Command::ApplyMap(apply)).is_done());
}
