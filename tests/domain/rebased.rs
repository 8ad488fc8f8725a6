//! What was recorded under a wrong clock and moved is as if the clock had been right all the time, RULES §3.8.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::golden::{EVENTS, LIFE, LOCKS, TASKS};
use super::script::{check_on, play, run};
use super::world::{TEAM, World};
use deeds::domain::command::{Command, RebaseClock};
use deeds::domain::deed::Body;
use deeds::domain::ids::Seq;
use deeds::domain::time::{Span, Time};

const TEN_YEARS: Span = Span::from_days(3_650);
/// Not so long that a review that comes by the week would be missed.
const DAYS: Span = Span::from_days(3);

fn asked(from: u64, to: Option<Time>, by: Option<Span>) -> Command {
    let reason = Arc::from("the battery of the clock was empty");
    Command::RebaseClock(RebaseClock { from: Seq(from), to, by, reason, read: None })
}

/// The state as it is written, without how many deeds came out how, what is known of the clock, the last link, and which deed changed
/// an entity last, which are of the deed that moved it.
fn written(world: &World) -> Json {
    let mut state: Json = serde_json::from_slice(&world.state.to_bytes().unwrap()).unwrap();
    let board = state["board"].as_object_mut().unwrap();
    board.remove("outcomes");
    board.remove("clock");
    state["links"]["ring"].as_array_mut().unwrap().pop();
    for entity in state["entities"].as_object_mut().unwrap().values_mut() {
        entity.as_object_mut().unwrap().remove("deed");
    }
    state
}

/// Every place at which the two differ.
fn differences(place: &str, one: &Json, other: &Json, found: &mut Vec<String>) {
    if one == other {
        return;
    }
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let of = |side: &serde_json::Map<String, Json>| side.get(name).cloned().unwrap_or_default();
                differences(&format!("{place}/{name}"), &of(one), &of(other), found);
            }
        }
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                differences(&format!("{place}/{at}"), one, other, found);
            }
        }
        // What was said in words was said then.
        _ if ["/why", "/text", "/title"].iter().any(|words| place.ends_with(words)) => {}
        _ => found.push(format!("{place}: {one} and {other}")),
    }
}

/// One history whose clock was right, and the same whose clock was wrong from its second part on, moved: they come to the same.
fn comes_to_the_same(team: &str, (before, after): (&str, &str), off: Span) {
    let team = &*team.replace("daily 09:00", "weekly mon 10:00");
    let right = {
        let mut world = check_on(team, before);
        play(&mut world, after);
        let refused = world.ask("ada", asked(2, Some(Time::from_micros(i64::MAX)), None));
        assert_eq!(refused.code.unwrap().as_str(), "wrong-state", "time is not set on");
        world
    };
    let moved = {
        let mut world = check_on(team, before);
        let from = world.state.head().0 + 1;
        world.pass(off);
        play(&mut world, after);
        let reply = world.ask("ada", asked(from, None, Some(off)));
        assert_eq!(reply.outcome.as_str(), "recorded", "{reply:?}");
        world
    };
    let mut found = Vec::new();
    differences("", &written(&right), &written(&moved), &mut found);
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
    assert_eq!(right.now, moved.now);
}

#[test]
fn a_history_under_a_wrong_clock_comes_to_what_it_would_have_under_a_right_one() {
    for (team, script) in [
        (TEAM, LIFE),
        (TEAM, TASKS),
        (super::triggers::DESK, EVENTS),
        (super::outputs::team().as_str(), LOCKS),
    ] {
        comes_to_the_same(team, ("", script), DAYS);
    }
}

/// What was set before, under the right clock, stays, though it ends after the jump.
#[test]
fn what_was_set_before_the_jump_stays() {
    let before = "
        support leases shared/log 20h -> allowed
        support leases crm/account/acme#health 10h -> allowed
        sales hands draft-7 to support of 2 on crm/account/acme -> recorded
        support takes 1 for 10h -> recorded
        support accepts 1 'with pleasure' -> recorded
        dana freezes crm/account/b 'under audit' for 30h -> recorded
        dana pauses product 'too many mails' for 30h -> recorded
        dana sets support/ticket/acme#status closed@0 'told on the phone' for 30h -> committed
        dana leaves until 30h -> recorded
        sales fans support,product within 20h needed 1 on crm/account/acme -> recorded
        ";
    let after = "
        support renews 1 21h -> allowed
        support leases support/ticket/x 10m -> allowed
        sam freezes crm/account/c 'under audit' for 1h -> recorded
        sales hands draft-8 to support -> recorded
        ";
    comes_to_the_same(TEAM, (before, after), Span::from_mins(8));
}

/// The state that the alarm is about: a lease of two seconds that lasts for ten years.
#[test]
fn a_lease_ends_when_it_would_have() {
    let mut world = World::new(TEAM);
    let right = world.now;
    world.pass(TEN_YEARS);
    play(&mut world, "support leases shared/log 1m -> allowed");
    let lease = world.deeds.iter().find(|deed| matches!(deed.body, Body::LeaseGranted(_))).unwrap().seq.0;
    // The clock is right again; time never goes back behind the last deed by itself.
    world.now = world.state.board.recorded;
    let reply = world.ask("ada", asked(lease, Some(right.plus(Span::from_secs(5))), None));
    assert_eq!(reply.outcome.as_str(), "recorded", "{reply:?}");
    let Body::ClockRebased(rebased) = &world.deeds.last().unwrap().body else { panic!("nothing moved") };
    assert_eq!(rebased.moves.len(), 1);
    assert_eq!(&*rebased.moves[0].what, "lease 1");
    assert!(world.now < right.plus(Span::from_mins(1)));
    play(&mut world, "leases 1 support shared/log\npass 61s\ntick\nleases");
    let times: Vec<Time> = world.deeds.iter().map(|deed| deed.recorded).collect();
    assert!(times.is_sorted_by(|a, b| a <= b) || times.windows(2).filter(|two| two[1] < two[0]).count() == 1);
    let clock = &world.state.board.clock;
    let by_right: Vec<Time> = world.deeds.iter().map(|deed| clock.right(deed.seq, deed.recorded)).collect();
    assert!(by_right.is_sorted(), "{by_right:?}");
}

#[test]
fn what_cannot_be_moved_is_refused_with_why() {
    let mut world = World::new(TEAM);
    play(&mut world, "support leases shared/log 10m -> allowed");
    let at = world.now;
    world.pass(Span::from_hours(5));
    play(&mut world, "support leases support/ticket/x 10m -> allowed");
    let last = world.state.head().0;
    let hour = Some(Span::from_hours(1));
    for (who, command, code, words) in [
        ("dana", asked(last, None, hour), "not-allowed", "admins"),
        ("sales", asked(last, None, hour), "not-allowed", "admins"),
        ("ada", asked(0, None, hour), "not-found", "there is no deed 0"),
        ("ada", asked(last + 40, None, hour), "not-found", "there is no deed"),
        ("ada", asked(last, Some(at), hour), "wrong-state", "say one"),
        ("ada", asked(last, None, None), "wrong-state", "no alert says"),
        ("ada", asked(last, None, Some(Span::default())), "wrong-state", "already"),
        ("ada", asked(last, None, Some(Span::from_hours(9))), "wrong-state", "the one before it is from"),
    ] {
        let reply = world.ask(who, command);
        assert_eq!(reply.code.unwrap().as_str(), code, "{reply:?}");
        assert!(reply.message.as_ref().is_some_and(|why| why.contains(words)), "{words}: {reply:?}");
    }
    let long = json!({"do": "rebase-clock", "from": last, "by": "1h", "reason": "x".repeat(20_000)});
    assert_eq!(run(&mut world, &format!("ada sends '{long}'")).code.unwrap().as_str(), "over-bound");
    let empty = json!({"do": "rebase-clock", "from": last, "by": "1h", "reason": " "});
    assert_eq!(run(&mut world, &format!("ada sends '{empty}'")).code.unwrap().as_str(), "wrong-state");
    assert!(world.state.board.clock.rebased.is_empty());
}

/// The alert about the clock says how far it was off, and ends.
pub(crate) fn rebased() -> World {
    use deeds::domain::things::ClockSight;
    let mut world = World::new(TEAM);
    let machine = world.now;
    world.pass(TEN_YEARS);
    play(&mut world, "support leases shared/log 10m -> allowed");
    let sight = ClockSight { machine, now: world.now, believed: false };
    let from = world.state.head().0;
    world.ask("deeds", Command::Clock(sight));
    assert_eq!(world.state.board.alerts.len(), 1);
    world.ask("ada", asked(0, None, None));
    let reply = world.ask("ada", asked(from, None, None));
    assert_eq!(reply.outcome.as_str(), "recorded", "{reply:?}");
    assert!(world.state.board.alerts.is_empty() && world.state.board.items.is_empty());
    assert!(world.now.since(machine) < Span::from_mins(1), "{}", world.now);
    world
}

#[test]
fn the_alert_says_how_far_it_was_off_and_ends() {
    let world = rebased();
    world.verify();
    assert_eq!(world.state.board.clock.doubted, None);
}
