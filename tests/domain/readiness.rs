//! Readiness and stages, RULES §14: each gate when it holds, when it fails, and when too little is known; the stages; who
//! may join.

use std::sync::Arc;

use super::script::{play, run};
use super::world::World;
use deeds::domain::command::{ApplyMap, Command, MapReview};
use deeds::domain::deed::Body;
use deeds::domain::ids::AgentId;
use deeds::domain::map::{self, Model};
use deeds::domain::readiness::{Gate, GateKind, GateState, Stage, Team, overdue, readiness};
use deeds::domain::time::{Span, Time};

/// One agent, documented, with a queue that is gone through every day.
pub(crate) const ALONE: &str = r#"
workspace = "acme"
governance_owner = "dana"
review_every = "90d"

[[agent]]
id = "sales"
owner = "dana"
triggers = ["deal.found"]
writes = ["crm/deal/*"]
outputs = ["mail/sales"]

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
review = "daily 09:00"
"#;

const DAY: i64 = 86_400_000_000;

/// A second agent on fields of its own.
pub(crate) fn with(id: &str, more: &str) -> String {
    let ranked = ALONE.replace("review = \"daily", "priority = [\"sales\"]\nreview = \"daily");
    format!("{ranked}\n[[agent]]\nid = \"{id}\"\nowner = \"sam\"\n{more}\n")
}

fn model(toml: &str) -> Model {
    map::parse(toml).applicable().unwrap_or_else(|findings| panic!("{findings:#?}"))
}

pub(crate) fn team(world: &World) -> Team {
    readiness(&world.state.board, world.now)
}

pub(crate) fn gate(world: &World, agent: &str, kind: GateKind) -> Gate {
    let team = team(world);
    let agent = team.agent(&AgentId::new(agent).unwrap()).unwrap_or_else(|| panic!("no {agent}: {team:#?}"));
    agent.gate(kind).unwrap().clone()
}

/// How each gate of sales stands: `+`, `-` or `?`, in the order of the table.
fn signs(world: &World) -> String {
    let sign = |kind| match gate(world, "sales", kind).state {
        GateState::Holds => '+',
        GateState::Fails => '-',
        GateState::TooLittle => '?',
    };
    GateKind::ALL.into_iter().map(sign).collect()
}

/// The next day at nine: the review is held, and sales does its work of the day.
pub(crate) fn day(world: &mut World) {
    day_with(world, true, "sales escalates 'x' because 'y'");
    answer_all(world);
}

fn answer_all(world: &mut World) {
    let items: Vec<_> = world.state.board.items.keys().copied().collect();
    for item in items {
        run(world, &format!("dana drops #{item} 'done'"));
    }
    // Its agent comes for the answers.
    let works: Vec<_> = world.state.board.works.values().map(|work| (work.agent.clone(), work.no)).collect();
    for (agent, no) in works {
        run(world, &format!("{agent} completes {no}"));
    }
}

fn tick(world: &mut World) {
    run(world, "deeds sends '{\"do\": \"tick\"}'");
}

/// The same with or without the review, and with something else to do. One that is missed is known to be the day after.
fn day_with(world: &mut World, review: bool, step: &str) {
    answer_all(world);
    let midnight = world.now.micros().div_euclid(DAY) * DAY + DAY;
    world.now = Time::from_micros(midnight).plus(Span::from_hours(9));
    if review {
        tick(world);
        run(world, step);
        world.pass(Span::from_hours(2));
        tick(world);
        return;
    }
    world.now = world.now.minus(Span::from_hours(1));
    run(world, step);
    for hours in [1, 24] {
        world.pass(Span::from_hours(hours));
        tick(world);
        tick(world);
    }
}

pub(crate) fn days(world: &mut World, n: usize) {
    for _ in 0..n {
        day(world);
    }
}

/// Two months without an incident.
pub(crate) fn settled() -> World {
    let mut world = World::new(ALONE);
    days(&mut world, 57);
    assert_eq!(signs(&world), "++++++", "{:#?}", team(&world));
    world
}

pub(crate) fn apply(world: &mut World, toml: &str, reason: Option<&str>) -> deeds::domain::reply::Reply {
    let if_version = world.state.board.map_version;
    let reason = reason.map(Arc::from);
    let model = Arc::new(model(toml));
    world.ask(
        "ada",
        Command::ApplyMap(ApplyMap { model, if_version, reason, planned: false, take_back: false }),
    )
}

#[test]
fn an_empty_history_is_too_little_and_no_pass() {
    let world = World::new(ALONE);
    assert_eq!(signs(&world), "?+?+??");
    let team = team(&world);
    assert_eq!((team.stage, team.agents.len()), (Stage::Single, 1));
    assert!(!team.agents[0].is_ready() && !team.next.is_empty(), "{team:#?}");
    assert!(team.next[0].words.contains("it has done nothing yet"), "{team:#?}");
    let nobody = World::new(
        "workspace = \"acme\"\n[[queue]]\nname = \"ops\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n",
    );
    let team = self::team(&nobody);
    assert!(team.agents.is_empty() && team.next[0].words.contains("no agent"), "{team:#?}");
}

#[test]
fn two_quiet_months_hold_every_gate() {
    let mut world = World::new(ALONE);
    days(&mut world, 13);
    assert_eq!(signs(&world), "?+?++?");
    days(&mut world, 2);
    assert_eq!(signs(&world), "?+?+++");
    assert!(gate(&world, "sales", GateKind::Stable).words.contains("of 28 days"));
    days(&mut world, 14);
    assert_eq!(signs(&world), "++++++", "fortnights are compared");
    days(&mut world, 28);
    assert_eq!(signs(&world), "++++++");
    let team = team(&world);
    let [reads] = team.next.as_slice() else { panic!("{team:#?}") };
    assert!(team.agents[0].is_ready() && reads.words.starts_with("with one agent more: read permissions"));
    for gate in &team.agents[0].gates {
        let needs_none = gate.kind == GateKind::Trusted;
        assert!(needs_none || !gate.evidence.is_empty() || gate.kind == GateKind::Consistent, "{gate:#?}");
    }
    world.verify();
    // An agent that does nothing any more proves nothing any more.
    world.pass(Span::from_days(40));
    assert_eq!(&signs(&world)[..1], "?");
}

#[test]
fn a_person_who_steps_in_unsettles_for_four_weeks() {
    let mut world = settled();
    run(&mut world, "dana freezes crm/deal/7 'wait'");
    let stable = gate(&world, "sales", GateKind::Stable);
    assert_eq!(stable.state, GateState::Fails);
    let seq = stable.evidence.last().unwrap().deed.unwrap();
    let deed = world.deeds.iter().find(|deed| deed.seq == seq).unwrap();
    assert!(matches!(deed.body, Body::EntityFrozen(())), "{deed:?}");
    days(&mut world, 27);
    assert_eq!(gate(&world, "sales", GateKind::Stable).state, GateState::Fails);
    day(&mut world);
    // To the minute at which it was, and on.
    world.pass(Span::from_mins(5));
    assert_eq!(gate(&world, "sales", GateKind::Stable).state, GateState::Holds);
    world.verify();
}

/// What a person does over an agent's head is there before the agent has done anything.
#[test]
fn an_agent_that_was_stepped_in_on_before_it_began_is_not_stable() {
    let mut world = World::new(ALONE);
    run(&mut world, "dana freezes crm/deal/7 'not yet'");
    let stable = gate(&world, "sales", GateKind::Stable);
    assert_eq!(
        (stable.state, stable.words.as_str()),
        (GateState::Fails, "1 manual intervention in the last 28 days")
    );
}

/// A case that a person handles is one; a zone that grows, and what is out of scope, is none.
#[test]
fn a_handled_case_counts_and_an_expanded_zone_does_not() {
    let mut world = settled();
    play(
        &mut world,
        "
        sales writes crm/note/1 text=hello@0 -> escalated unowned
        sales escalates 'odd' because 'never seen' -> escalated
        ",
    );
    let numbers: Vec<_> = world.state.board.items.keys().copied().collect();
    run(&mut world, &format!("dana expands #{} sales writes crm/note/*", numbers[0]));
    run(&mut world, &format!("dana drops #{} 'not ours'", numbers[1]));
    assert_eq!(gate(&world, "sales", GateKind::Stable).state, GateState::Holds);
    play(&mut world, "sales escalates 'odder' because 'never seen' -> escalated");
    let number = world.state.board.items.keys().next().copied().unwrap();
    run(&mut world, &format!("dana handles #{number} 'done by hand'"));
    assert_eq!(gate(&world, "sales", GateKind::Stable).state, GateState::Fails);
}

/// Eighteen, then seventeen of twenty without edits: more than 85% is asked for.
#[test]
fn trust_is_earned_by_approvals_without_edits() {
    let asked = format!("{ALONE}\n[[output]]\nname = \"mail/sales\"\nneeds_approval = true\n");
    for (plain, edited, wanted) in [
        (19, 0, GateState::TooLittle),
        (18, 2, GateState::Holds),
        (17, 3, GateState::Fails),
        (20, 0, GateState::Holds),
    ] {
        let mut world = World::new(&asked);
        for n in 0..plain + edited {
            run(&mut world, &format!("sales publishes mail/sales 'hello {n}' thread=t{n}"));
            let item = world.state.board.items.keys().next().copied().unwrap();
            let words = if n < plain { "" } else { " 'better words'" };
            assert!(run(&mut world, &format!("dana approves #{item}{words}")).is_done());
        }
        let trusted = gate(&world, "sales", GateKind::Trusted);
        assert_eq!(trusted.state, wanted, "{plain} and {edited}: {trusted:#?}");
        assert!(trusted.evidence.iter().any(|evidence| evidence.deed.is_some()));
        assert!(
            trusted.evidence.iter().any(|evidence| evidence.place.as_deref() == Some("output mail/sales"))
        );
        // The last twenty say as much half a year on, and then nothing.
        world.pass(Span::from_days(150));
        let trusted = gate(&world, "sales", GateKind::Trusted);
        assert_eq!(trusted.state, wanted, "{plain} and {edited}: {trusted:#?}");
        assert_eq!(trusted.words.contains("the last ones since"), wanted != GateState::TooLittle);
        world.pass(Span::from_days(31));
        assert_eq!(gate(&world, "sales", GateKind::Trusted).state, GateState::TooLittle);
        world.verify();
    }
}

/// Ten of a hundred deeds were refused; fourteen is as before, fifteen is half as high again. Fortnights are compared
/// until two windows of four weeks are there.
#[test]
fn refusals_may_not_rise_by_half() {
    for (bad, wanted) in [(0, GateState::Holds), (14, GateState::Holds), (15, GateState::Fails)] {
        for (lead, days) in [(0, 14), (28, 28)] {
            let mut world = World::new(ALONE);
            run(&mut world, "sales writes crm/deal/first stage=x@0");
            world.pass(Span::from_days(lead));
            hundred(&mut world, 0, 10);
            world.pass(Span::from_days(days));
            assert_eq!(gate(&world, "sales", GateKind::Consistent).state, GateState::TooLittle);
            hundred(&mut world, 100, bad);
            let consistent = gate(&world, "sales", GateKind::Consistent);
            assert_eq!(consistent.state, wanted, "{bad}: {consistent:#?}");
            assert!(consistent.words.contains(&format!("in {days} days")), "{consistent:#?}");
            world.verify();
        }
    }
}

/// A hundred deeds of sales, so many of them refused because no version is named.
fn hundred(world: &mut World, first: u32, bad: u32) {
    for n in first..first + 100 {
        let version = if n - first < bad { "" } else { "@0" };
        run(world, &format!("sales writes crm/deal/{n} stage=x{version}"));
    }
}

/// What came back, failed or ran out of time counts like a refusal.
#[test]
fn returns_and_failures_count_too() {
    let mut world = World::new(&with("support", "triggers = [\"x\"]\nwrites = [\"support/*\"]"));
    let base = |world: &World| {
        let facts = &world.state.board.agents[&AgentId::new("sales").unwrap()];
        let sum = facts.history.last_days(world.now, 28);
        (sum.refused.n, sum.returned.n, sum.failed.n)
    };
    play(
        &mut world,
        "
        sales hands t-1 to support -> recorded
        support returns 1 'what is the amount' -> recorded
        sales acts mail/sales send on crm/deal/1 -> allowed
        sales failed 1 -> failed
        sales takes x5 for 10m -> recorded
        sales returns 2 'later' -> recorded
        ",
    );
    assert_eq!(base(&world), (0, 2, 1));
    play(
        &mut world,
        "
        sales takes x5 for 10m -> recorded
        pass 1h
        tick
        ",
    );
    assert_eq!(base(&world), (0, 2, 2), "a lapse is a failure of who had it");
}

#[test]
fn the_map_must_say_what_an_agent_does_and_be_current() {
    let mut world = settled();
    let bare = ALONE.replace("triggers = [\"deal.found\"]\n", "");
    apply(&mut world, &bare, None);
    let documented = gate(&world, "sales", GateKind::Documented);
    assert!(
        documented.state == GateState::Fails && documented.words.contains("no trigger"),
        "{documented:#?}"
    );
    apply(&mut world, ALONE, None);
    assert_eq!(gate(&world, "sales", GateKind::Documented).state, GateState::Holds);

    world.pass(Span::from_days(91));
    let documented = gate(&world, "sales", GateKind::Documented);
    assert!(documented.state == GateState::Fails && documented.words.contains("overdue"), "{documented:#?}");
    assert_eq!(overdue(&world.state.board, world.now).unwrap().lint.code(), "map-overdue");
    let review = || Command::MapReview(MapReview::default());
    assert_eq!(world.ask("sam", review()).code.unwrap().as_str(), "not-accountable");
    assert_eq!(world.ask("sales", review()).code.unwrap().as_str(), "not-allowed");
    let other = MapReview { version: Some(deeds::domain::ids::MapVersion(7)), note: None };
    assert_eq!(world.ask("ada", Command::MapReview(other)).code.unwrap().as_str(), "map-moved");
    assert!(overdue(&world.state.board, world.now).is_some());
    assert!(world.ask("ada", review()).is_done());
    assert_eq!(gate(&world, "sales", GateKind::Documented).state, GateState::Holds);
    assert!(overdue(&world.state.board, world.now).is_none());
    world.verify();
}

/// A team's map is gone through every quarter, where it says nothing.
#[test]
fn a_map_of_two_is_overdue_after_a_quarter() {
    let silent = |map: &str| map.replace("review_every = \"90d\"\n", "");
    let mut alone = World::new(&silent(ALONE));
    let mut two = World::new(&silent(&with("support", "triggers = [\"x\"]\nwrites = [\"support/*\"]")));
    for world in [&mut alone, &mut two] {
        assert!(world.ask("ada", Command::MapReview(MapReview::default())).is_done());
        world.pass(Span::from_days(90));
    }
    assert!(team(&alone).map.due.is_none() && !team(&alone).map.overdue);
    assert!(team(&two).map.overdue && overdue(&two.state.board, two.now).is_some());
}

/// Who answers for the map goes through it without being an admin.
#[test]
fn the_governance_owner_reviews_the_map() {
    let mut world = World::new(&ALONE.replace("governance_owner = \"dana\"", "governance_owner = \"sam\""));
    let note = Some(Arc::from("nothing to change"));
    let done = world.ask("sam", Command::MapReview(MapReview { version: None, note }));
    assert!(done.is_done() && done.message.unwrap().contains("nothing to change"));
    assert_eq!(world.state.board.care.reviewed.as_ref().unwrap().by.name(), "sam");
    assert_eq!(
        world.ask("dana", Command::MapReview(MapReview::default())).code.unwrap().as_str(),
        "not-accountable"
    );
}

#[test]
fn the_queue_must_be_gone_through() {
    let mut world = settled();
    day_with(&mut world, false, "sales escalates 'x' because 'y'");
    let reviewed = gate(&world, "sales", GateKind::Reviewed);
    assert!(
        reviewed.state == GateState::Fails && reviewed.words.contains("the last one missed"),
        "{reviewed:#?}"
    );
    let mut missed = reviewed.evidence.iter().filter(|evidence| evidence.words.contains("missed"));
    let seq = missed.next_back().unwrap().deed.unwrap();
    assert!(matches!(world.deeds.iter().find(|deed| deed.seq == seq).unwrap().body, Body::ReviewMissed(_)));
    // One of 28 is forgiven, three are not.
    day(&mut world);
    assert_eq!(gate(&world, "sales", GateKind::Reviewed).state, GateState::Holds);
    day_with(&mut world, false, "sales escalates 'x' because 'y'");
    day_with(&mut world, false, "sales escalates 'x' because 'y'");
    day(&mut world);
    let reviewed = gate(&world, "sales", GateKind::Reviewed);
    assert!(reviewed.state == GateState::Fails && reviewed.words.contains("25 of 28"), "{reviewed:#?}");
    world.verify();
}

/// An open collision, and for two weeks one that is over. What a rule stopped in time is none.
#[test]
fn collisions_are_remembered_for_two_weeks() {
    let mut world = settled();
    play(
        &mut world,
        "
        sales writes crm/deal/1 stage=a@0 -> committed
        sales writes crm/deal/1 stage=b@0 -> stale stale
        alerts stale-write x1
        ",
    );
    assert_eq!(gate(&world, "sales", GateKind::Quiet).state, GateState::Holds);
    let joined = with("rival", "writes = [\"crm/note/*\"]");
    assert!(apply(&mut world, &joined, Some("a second voice")).is_done());
    let says = |who: &str, answer: bool| {
        format!(
            "{who} sends '{{\"do\":\"conclude\",\"subject\":\"crm/deal/1\",\"question\":\"paid\",\"answer\":{answer}}}' -> committed"
        )
    };
    play(
        &mut world,
        &format!(
            "{}\n{}\nalerts stale-write x1, contradiction x1",
            says("sales", true),
            says("rival", false)
        ),
    );
    let quiet = gate(&world, "sales", GateKind::Quiet);
    assert!(quiet.state == GateState::Fails && quiet.words.contains("is open: contradiction"), "{quiet:#?}");
    let alert =
        world.state.board.alerts.values().find(|alert| alert.kind.as_str() == "contradiction").unwrap();
    assert_eq!(quiet.evidence[0].deed, Some(alert.deed));
    let no = alert.no;
    run(&mut world, &format!("dana acknowledges !{no} 'looking'"));
    assert!(gate(&world, "sales", GateKind::Quiet).words.contains("is open"), "seen is not over");
    run(&mut world, &format!("dana resolves !{no} 'the bank is right'"));
    let quiet = gate(&world, "sales", GateKind::Quiet);
    assert!(
        quiet.state == GateState::Fails && quiet.words.contains("1 coordination failure in"),
        "{quiet:#?}"
    );
    days(&mut world, 13);
    assert_eq!(gate(&world, "sales", GateKind::Quiet).state, GateState::Fails);
    day(&mut world);
    world.pass(Span::from_mins(5));
    assert_eq!(gate(&world, "sales", GateKind::Quiet).state, GateState::Holds);
    world.verify();
}

/// Where rules only observe, what is stale goes through: that is a failure, and a lapsed lease is none.
#[test]
fn what_was_stale_and_went_through_is_a_failure() {
    let mut world = World::new(&ALONE.replace("review_every", "mode = \"observe\"\nreview_every"));
    days(&mut world, 15);
    play(
        &mut world,
        "
        sales leases crm/deal/1 1m -> allowed
        pass 5m
        tick
        alerts lease-lapsed x1
        ",
    );
    assert_eq!(gate(&world, "sales", GateKind::Quiet).state, GateState::Holds);
    play(
        &mut world,
        "
        sales writes crm/deal/1 stage=a@0 -> committed
        sales writes crm/deal/1 stage=b@0 -> committed (stale) stale
        ",
    );
    let quiet = gate(&world, "sales", GateKind::Quiet);
    assert!(quiet.state == GateState::Fails && quiet.words.contains("stale-write"), "{quiet:#?}");
}
