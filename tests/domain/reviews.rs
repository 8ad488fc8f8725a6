//! Sessions over a queue, RULES §13.2: who holds them, what they count for, and what is missed.

use super::script::{check, play};
use super::world::World;
use deeds::domain::ids::QueueName;
use deeds::domain::things::QueueReviews;

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
    assert_eq!((reviews.open, reviews.held, reviews.missed), (None, 0, 0));
    play(&mut world, "sam starts ops -> recorded");
}

#[test]
fn the_scheduled_one_is_held_a_little_before_or_after() {
    let mut world = check(
        "
        pass 10h
        dana starts ops -> recorded
        dana ends ops -> recorded
        pass 11h
        tick
        alerts
        pass 22h
        dana starts ops 'late but there' -> recorded
        dana ends ops -> recorded
        tick
        alerts
        ",
    );
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (2, 0, Some(true)));
    play(
        &mut world,
        "
        dana starts ops -> recorded
        dana ends ops -> recorded
        ",
    );
    assert_eq!(ops(&world).held, 2, "one counts for one");
}

#[test]
fn one_that_nobody_held_is_missed() {
    let mut world = check(
        "
        pass 19h
        tick
        alerts
        pass 2h
        tick
        alerts overdue x1
        items
        tick
        alerts overdue x1
        pass 24h
        tick
        alerts overdue x2
        ",
    );
    let reviews = ops(&world);
    assert_eq!((reviews.held, reviews.missed, reviews.last_held), (0, 2, Some(false)));
    assert!(reviews.late.unwrap() > world.now);
    // After a long stop the ones meanwhile are one.
    play(
        &mut world,
        "
        pass 5d
        tick
        tick
        ",
    );
    assert_eq!(ops(&world).missed, 3);
    assert!(ops(&world).late.unwrap() > world.now);
}
