//! One rule for all that goes out, RULES §10.1: no other door leads around it.

use super::outputs::team;
use super::script::{check_on, play};
use super::world::World;
use deeds::domain::deed::Body;
use deeds::domain::things::{Case, WorkKind};

/// A freeze of where it goes stops it as well as one of what it is about.
#[test]
fn what_is_frozen_is_closed_at_every_door() {
    check_on(
        &team(),
        "
        dana freezes crm/account/acme 'audit' -> recorded
        sales acts mail/sales send_offer on crm/account/acme -> refused frozen
        sales publishes mail/sales 'an offer' on crm/account/acme -> refused frozen
        sales publishes mail/sales 'an offer' thread=crm/account/acme -> refused frozen
        sales acts crm/account/acme#plan move_plan on crm/deal/7 -> refused frozen
        dana unfreezes crm/account/acme 'done' -> recorded
        sales acts crm/account/acme#plan move_plan on crm/deal/7 -> allowed
        dana freezes mail/sales 'no mail today' -> recorded
        sales acts mail/sales send_offer on crm/deal/7 -> refused frozen
        sales publishes mail/sales 'an offer' -> refused frozen
        ",
    );
}

/// Where no subject is named the thread stands for it, for freezes, for who goes first and for what is gone.
#[test]
fn a_thread_stands_for_the_subject() {
    let map = team().replace("actions = [\"send_*\"]", "actions = [\"send_*\", \"publish\"]");
    let world = check_on(
        &map,
        "
        sales publishes mail/sales 'hello' thread=acme -> committed
        support writes support/ticket/acme status=open@0 -> committed
        sales publishes mail/sales 'hello' thread=acme -> deferred deferred
        sales publishes mail/sales 'hello' thread=crm/account/acme -> deferred deferred
        support writes support/ticket/acme status=closed@1 -> committed
        sales writes crm/account/acme plan=pro@0 -> committed
        sales publishes mail/sales 'hello' thread=crm/account/acme -> committed
        sales archives crm/account/acme @1 -> committed
        sales publishes mail/sales 'hello' thread=crm/account/acme -> stale tombstone
        ",
    );
    let subjects: Vec<String> = world
        .deeds
        .iter()
        .filter(|deed| matches!(deed.body, Body::OutputPublished(_)))
        .map(|deed| deed.subject.as_ref().map(ToString::to_string).unwrap_or_default())
        .collect();
    assert_eq!(subjects, ["", "crm/account/acme"], "only what is there is recorded as a subject");
}

/// A thread that reads as what is hidden is refused like a subject, and alike whether there is such an entity or not.
#[test]
fn a_thread_does_not_tell_what_is_hidden() {
    check_on(
        &team().replace("hidden = [\"hr/**\"", "hidden = [\"crm/contact/**\", \"hr/**\""),
        "
        sourcing writes crm/contact/1 status=new@0 -> committed
        sales publishes mail/sales 'hello' thread=crm/contact/1 -> refused hidden
        sales publishes mail/sales 'hello' thread=crm/contact/2 -> refused hidden
        sales publishes mail/sales 'hello' thread=crm/contact/1 on crm/account/acme -> committed
        ",
    );
}

/// Whoever speaks has the conversation for the window of where it was said, whichever output answers.
#[test]
fn a_short_window_does_not_walk_around_a_long_one() {
    let windows = "[[output]]
        name = \"mail/sales\"
        thread_window = \"2h\"
        [[output]]
        name = \"mail/support\"
        thread_window = \"1m\"
        ";
    check_on(
        &format!("{}{windows}", team()),
        "
        sales publishes mail/sales 'hello' thread=inv-7 -> committed
        pass 90m
        support publishes mail/support 'hello' thread=inv-7 -> escalated collision
        pass 31m
        support publishes mail/support 'hello again' thread=inv-7 -> committed
        pass 2m
        sales publishes mail/sales 'hello' thread=inv-7 -> committed
        ",
    );
}

/// A cause that is no deed yet would be somebody else's later.
#[test]
fn a_cause_is_a_deed_at_every_door() {
    check_on(
        &team(),
        r#"
        sales sends '{"do":"write","entity":"crm/account/acme","changes":{"plan":1},"expected":{"plan":0},"cause":77}' -> refused not-found
        sales sends '{"do":"act","target":"mail/sales","action":"send","subject":"crm/account/acme","cause":77}' -> refused not-found
        sales sends '{"do":"publish","output":"mail/sales","body":"hello","cause":77}' -> refused not-found
        sales sends '{"do":"fan-out","branches":[{"to":"support","input":1}],"deadline":"1h","cause":77}' -> refused not-found
        sales sends '{"do":"handoff","to":"support","task":"t","work_product":{"result":1,"status":"x"},"context":1,"constraints":1,"attempt":1,"cause":77}' -> refused not-found
        sales sends '{"do":"write","entity":"crm/account/acme","changes":{"plan":1},"expected":{"plan":0},"cause":1}' -> committed
        "#,
    );
}

/// An act on an output that needs approval waits for a person like a publication, and approving it opens the act.
#[test]
fn an_act_waits_for_approval() {
    let mut world = check_on(
        &team(),
        "
        sales acts press announce on crm/account/acme thread=t -> escalated needs-approval
        sales acts press announce on crm/account/acme thread=t -> escalated needs-approval
        items #1
        dana approves #1 'with a text' -> refused wrong-state
        dana freezes crm/account/acme 'audit' -> recorded
        dana approves #1 -> refused frozen
        dana unfreezes crm/account/acme 'done' -> recorded
        dana approves #1 -> recorded
        items
        dana undoes #1 -> refused used-since
        ",
    );
    let board = &world.state.board;
    let act = board.acts.values().next().unwrap();
    assert_eq!((act.agent.as_str(), &*act.target, &*act.action), ("sales", "press", "announce"));
    let work = board.works.values().next().unwrap();
    let WorkKind::Decision { result: Some(result), .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!((result.outcome.as_str(), result.act), ("allowed", Some(act.no)));
    let allowed = world.deeds.iter().find(|deed| deed.seq == result.deed).unwrap();
    let Body::ActAllowed(order) = &allowed.body else { panic!("{allowed:?}") };
    assert_eq!(order.conversation.as_ref().unwrap().thread.as_deref(), Some("t"));
    play(
        &mut world,
        "
        sales done 1 -> committed
        sales acts press announce on crm/account/beta -> escalated needs-approval
        dana rejects #2 'not yet' -> recorded
        ",
    );
    assert!(world.state.board.acts.is_empty(), "rejected, and nothing is open");
}

/// An act speaks on its thread: who comes after it there is held, by either door, and it takes turns.
#[test]
fn an_act_counts_as_a_publication() {
    let mut world = check_on(
        &team(),
        "
        support acts slack/billing send on crm/account/acme thread=inv-7 -> allowed
        sales publishes mail/sales 'paid' thread=inv-7 -> escalated collision
        sales acts mail/sales send on crm/account/acme thread=inv-7 -> escalated collision
        items #1 #2
        alerts output-collision x2
        ",
    );
    let cases: Vec<&Case> = world.state.board.items.values().map(|item| &item.case).collect();
    assert!(matches!(cases.as_slice(), [Case::Approval { .. }, Case::ActApproval { .. }]), "{cases:#?}");
    play(
        &mut world,
        "
        support acts slack/billing send on crm/account/acme thread=inv-7 -> allowed
        dana approves #2 -> refused changed
        dana approves #2 -> recorded
        sales done 3 -> committed
        ",
    );
    // It takes its turn as well: after an act of the one before, and waits for its own.
    check_on(
        &team(),
        "
        support acts slack/billing send on crm/account/acme thread=inv-7 -> allowed
        sales publishes slack/billing 'paid' thread=inv-7 -> committed
        support publishes slack/billing 'thanks' thread=inv-7 -> committed
        sales acts slack/billing send on crm/account/acme thread=inv-7 -> allowed
        items
        alerts
        ",
    );
}

/// An output is one also where its name reads as a path in the zone of the agent that acts.
#[test]
fn a_zone_is_no_way_around_an_output() {
    let map = team()
        .replace("writes = [\"crm/account/*\", ", "writes = [\"mail/**\", \"crm/account/*\", ")
        .replace("name = \"press\"", "name = \"mail/support\"");
    check_on(&map, "sales acts mail/support send_offer on crm/account/acme -> escalated needs-approval");
}

#[test]
fn who_only_watches_lets_acts_go_ahead() {
    check_on(
        &team().replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1),
        "
        support publishes slack/billing 'due' thread=inv-7 -> committed
        sales acts mail/sales send on crm/account/acme thread=inv-7 -> allowed (escalated) collision
        sales acts press announce on crm/account/acme -> allowed (escalated) needs-approval
        items
        alerts output-collision x1
        ",
    );
}

const TWO_OUTPUTS: &str = "crm/account/acme";

/// The very case: two agents, each with an output of its own, answer one thread.
#[test]
fn two_outputs_are_one_conversation() {
    let world = check_on(
        &team(),
        "
        sales publishes mail/sales 'an offer' thread=re:acme -> committed
        support publishes mail/support 'an answer' thread=re:acme -> escalated collision
        support acts mail/support send on crm/deal/7 thread=re:acme -> escalated collision
        sales publishes mail/sales 'one more' thread=re:acme -> committed
        support publishes mail/support 'another matter' thread=re:beta -> committed
        items #1 #2
        alerts output-collision x2
        pass 1h
        support publishes mail/support 'an answer, later' thread=re:acme -> committed
        ",
    );
    let alert = world.state.board.alerts.values().next().unwrap();
    assert!(alert.title.contains("thread re:acme"), "{}", alert.title);
}

/// Without a thread the entity is the conversation, with all of its threads; two threads about it are two.
#[test]
fn an_entity_is_a_conversation() {
    let acme = TWO_OUTPUTS;
    check_on(
        &team(),
        &format!(
            "
            sales acts mail/sales send_offer on {acme} -> allowed
            support publishes mail/support 'an answer' on {acme} -> escalated collision
            support publishes mail/support 'an answer' thread=t on {acme} -> escalated collision
            support publishes mail/support 'an answer' thread={acme} -> escalated collision
            support publishes mail/support 'else' on crm/account/beta -> committed
            support acts crm/account/acme#health look on {acme} -> allowed
            pass 1h
            sales publishes mail/sales 'a' thread=one on {acme} -> committed
            support publishes mail/support 'b' thread=two on {acme} -> committed
            sales acts mail/sales send_offer on {acme} -> escalated collision
            "
        ),
    );
}

/// Voices that meet in one conversation are one alert, whichever way they name it: the entity, a thread that reads as its path,
/// or both. It names everybody, and what was held says what it met the other in.
#[test]
fn one_conversation_is_one_alert() {
    let map = team().replacen(
        "escalates_to = \"roadmap\"",
        "outputs = [\"news/site\"]\nescalates_to = \"roadmap\"",
        1,
    );
    let first = [
        "on crm/account/acme",
        "thread=crm/account/acme",
        "thread=crm/account/acme on crm/account/acme",
        "thread=t on crm/account/acme",
    ];
    for first in first {
        let mut world = World::new(&map);
        play(&mut world, &format!("sales publishes mail/sales 'an offer' {first} -> committed"));
        let mut voices = vec![
            "on crm/account/acme",
            "thread=crm/account/acme",
            "thread=crm/account/acme on crm/account/acme",
        ];
        if first.starts_with("thread=t") {
            voices = vec!["on crm/account/acme", "thread=t on crm/account/acme", "thread=t"];
        }
        for (no, voice) in voices.iter().enumerate() {
            let line = format!("support publishes mail/support 'an answer' {voice} -> escalated collision");
            play(&mut world, &line);
            // Whoever spoke first goes on, and is met in the same conversation.
            play(&mut world, &format!("sales publishes mail/sales 'one more' {first} -> committed"));
            assert_eq!(world.state.board.alerts.len(), 1, "{first}, {voice}");
            let item = world.state.board.items.values().next_back().unwrap();
            assert_eq!(item.no.0, no as u64 + 1);
            let met = if voice.starts_with("on") { "on crm/account/acme " } else { "on " };
            assert!(item.why.contains(met), "{}", item.why);
        }
        let title = |world: &World| world.state.board.alerts.values().next().unwrap().title.to_string();
        assert!(title(&world).starts_with("sales and support both speak on "), "{}", title(&world));
        let third = voices[1];
        play(&mut world, &format!("product publishes news/site 'a release' {third} -> escalated collision"));
        play(&mut world, "alerts output-collision x4");
        assert!(title(&world).starts_with("sales, support and product speak on "), "{}", title(&world));
    }
    // Two threads about one entity are two conversations.
    check_on(
        &map,
        "
        sales publishes mail/sales 'a' thread=one on crm/account/acme -> committed
        support publishes mail/support 'b' thread=two on crm/account/acme -> committed
        product publishes news/site 'c' thread=one on crm/account/acme -> escalated collision
        product publishes news/site 'c' thread=two on crm/account/acme -> escalated collision
        alerts output-collision x1, output-collision x1
        ",
    );
}

/// Who names thread and entity, and meets another that speaks about the whole entity, is told that it met it there.
#[test]
fn what_is_held_says_what_it_met_another_in() {
    let world = check_on(
        &team(),
        "
        sales publishes mail/sales 'an offer' on crm/account/acme -> committed
        support publishes mail/support 'an answer' thread=t on crm/account/acme -> escalated collision
        ",
    );
    let board = &world.state.board;
    let why = &board.items.values().next().unwrap().why;
    assert!(why.starts_with("sales spoke on crm/account/acme "), "{why}");
    let title = &board.alerts.values().next().unwrap().title;
    assert_eq!(&**title, "sales and support both speak on crm/account/acme");
}

/// What is the team's own opens no conversation, and windows are the map's and the output's.
#[test]
fn windows_and_what_is_internal() {
    let map = team().replace(
        "name = \"press\"\n        needs_approval = true",
        "name = \"mail/sales\"\n        internal = true",
    );
    check_on(
        &map,
        "
        sales publishes mail/sales 'a report' on crm/account/acme -> committed
        support publishes mail/support 'an answer' on crm/account/acme -> committed
        sales publishes mail/sales 'a report' on crm/account/acme -> committed
        ",
    );
    let map = team().replacen("governance_owner", "thread_window = \"10m\"\ngovernance_owner", 1);
    check_on(
        &map,
        "
        sales publishes mail/sales 'hello' on crm/account/acme -> committed
        pass 9m
        support publishes mail/support 'hello' on crm/account/acme -> escalated collision
        pass 1m
        support publishes mail/support 'hello again' on crm/account/acme -> committed
        support publishes slack/billing 'due' thread=inv-7 -> committed
        pass 11m
        sales publishes mail/sales 'paid' thread=inv-7 -> escalated collision
        pass 49m
        sales publishes mail/sales 'paid by now' thread=inv-7 -> committed
        ",
    );
}

/// Who was given the work goes on: the next of the event's sequence, the receiver of a handoff, the giver of a return.
#[test]
fn who_was_handed_the_work_goes_on() {
    let map = format!(
        "{}\n[[event]]\nname = \"mail\"\n[[route]]\nevent = \"mail\"\nagent = \"sales\"\nthen = [\"support\"]\n",
        team()
    );
    check_on(
        &map,
        "
        sales sends '{\"do\":\"raise\",\"event\":\"mail\",\"attributes\":{\"thread\":\"re:acme\"}}' -> recorded
        sales takes -> recorded
        sales publishes mail/sales 'an answer' thread=re:acme -> committed
        support publishes mail/support 'too early' thread=re:acme -> escalated collision
        sales completes 1 -> recorded
        support publishes mail/support 'a second answer' thread=re:acme -> committed
        sales publishes mail/sales 'me again' thread=re:acme -> escalated collision
        ",
    );
    check_on(
        &team(),
        "
        sales publishes mail/sales 'an offer' on crm/account/acme -> committed
        sales hands draft-7 to support on crm/account/acme -> recorded
        support publishes mail/support 'the details' on crm/account/acme -> committed
        sales publishes mail/sales 'an offer' on crm/account/acme -> escalated collision
        support returns 1 'the price is wrong' -> recorded
        sales publishes mail/sales 'the right price' on crm/account/acme -> committed
        ",
    );
}

/// Nothing is forgotten by count: an agent that has too many conversations is refused, and the first one is still its own.
#[test]
fn conversations_are_bounded_by_refusal() {
    let mut world = check_on(&team(), "sales publishes mail/sales 'hello' thread=first -> committed");
    let sales = deeds::domain::ids::AgentId::new("sales").unwrap();
    let (until, last) = {
        let talks = &world.state.board.talks;
        let (_, last) = talks.iter().next().unwrap();
        (last.at.plus(deeds::domain::time::Span::from_hours(1)), last.clone())
    };
    for no in world.state.board.talks.count(&sales, world.now)..30_000 {
        world.state.board.talks.set(format!("thread {no}").into(), sales.clone(), until, last.clone());
    }
    let refused = super::script::run(&mut world, "sales publishes mail/sales 'one more' thread=other");
    assert_eq!(refused.code.unwrap().as_str(), "over-bound", "{refused:?}");
    let held = super::script::run(&mut world, "support publishes mail/support 'me too' thread=first");
    assert_eq!(held.code.unwrap().as_str(), "collision", "{held:?}");
    world.pass(deeds::domain::time::Span::from_hours(1));
    let through = super::script::run(&mut world, "sales publishes mail/sales 'one more' thread=other");
    assert_eq!(through.outcome.as_str(), "committed", "{through:?}");
    assert_eq!(world.state.board.talks.count(&sales, world.now), 2);
}

/// However much else is claimed, what was claimed stays so; and when there is no more room, that is said.
#[test]
fn claims_are_bounded_by_refusal() {
    let claim =
        |key: &str| format!("sales sends '{{\"do\":\"claim\",\"event\":\"mail\",\"key\":\"{key}\"}}'");
    let map =
        team().replacen("outputs = [\"mail/sales\"", "triggers = [\"mail\"]\noutputs = [\"mail/sales\"", 1);
    let mut world = check_on(&map, &format!("{} -> allowed", claim("first")));
    let sales = deeds::domain::ids::AgentId::new("sales").unwrap();
    let held = world.state.board.occurrences.iter().next().unwrap().1.clone();
    let until = held.at.plus(deeds::domain::time::Span::from_hours(7 * 24));
    for no in 1..50_000 {
        let key = format!("mail\u{1f}other {no}");
        world.state.board.occurrences.set(key.into(), sales.clone(), until, held.clone());
    }
    let more = super::script::run(&mut world, &claim("one more"));
    assert_eq!(more.code.unwrap().as_str(), "over-bound", "{more:?}");
    let other = super::script::run(&mut world, &claim("first").replace("sales sends", "support sends"));
    assert_eq!(other.code.unwrap().as_str(), "claim-taken", "{other:?}");
    world.pass(deeds::domain::time::Span::from_hours(7 * 24));
    let later = super::script::run(&mut world, &claim("one more"));
    assert_eq!(later.outcome.as_str(), "allowed", "{later:?}");
}

/// What must be known is named with its version, whichever door it goes out by; where the subject fits none of the fields,
/// only what no variable leads to is asked for.
#[test]
fn nothing_goes_out_blind() {
    let map = format!(
        "{}\n[[basis]]\nactions = [\"send_*\"]\nneeds = [\"crm/account/{{id}}#health\", \"crm/account/{{id}}#plan\"]\n\
         [[basis]]\nactions = [\"move_*\"]\nneeds = [\"support/ticket/stop#status\"]\n",
        team()
    );
    let world = check_on(
        &map,
        "
        support writes crm/account/acme health=good@0 -> committed
        sales acts mail/sales send_offer on crm/account/acme -> refused no-basis
        sales acts mail/sales send_offer on crm/account/acme dep=crm/account/acme#health@1 -> refused no-basis
        sales acts mail/sales send_offer on crm/account/acme dep=crm/account/acme#health@0 dep=crm/account/acme#plan@0 -> stale stale
        sales acts mail/sales send_offer on crm/deal/7 -> allowed
        sales acts crm/deal/7#stage move_on on crm/deal/7 -> refused no-basis
        sales acts crm/deal/7#stage move_on on crm/deal/7 dep=support/ticket/stop#status@0 -> allowed
        sales publishes mail/sales 'hello' on crm/account/acme -> committed
        sales acts mail/sales send_offer on crm/account/acme dep=crm/account/acme#health@1 dep=crm/account/acme#plan@0 -> allowed
        sales writes crm/account/acme plan=pro@0 -> committed
        sales done 1 -> committed
        support writes crm/account/acme health=bad@1 -> committed
        sales done 3 -> committed on-outdated-basis
        sales done 3 -> refused wrong-state
        alerts stale-read x2
        ",
    );
    let done = world.deeds.iter().rfind(|deed| matches!(deed.body, Body::ActDone(()))).unwrap();
    assert_eq!(done.fields.len(), 1, "its own change of the plan is none: {done:?}");
}
