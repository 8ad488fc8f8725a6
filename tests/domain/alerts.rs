//! Detection, RULES §11: the same fingerprint counts up instead of piling up; conflicts find a person by themselves.

use std::sync::Arc;

use super::script::{check, check_on, command, play, run, words};
use super::world::{TEAM, World};
use deeds::domain::code::Code;
use deeds::domain::command::{ApplyMap, Command};
use deeds::domain::deed::Body;
use deeds::domain::ids::{Actor, AlertNo, ItemNo, MapVersion};
use deeds::domain::map;
use deeds::domain::reply::Reply;
use deeds::domain::things::{AlertState, Case, Severity, Work, WorkKind};
use deeds::domain::time::Span;

#[test]
fn the_same_fingerprint_counts_up() {
    let world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        support writes crm/account/acme health=bad@0 -> stale stale
        product writes requests/1 priority=low@0 dep=crm/account/acme#health@0 -> stale stale
        alerts stale-write x2, stale-read x1
        ",
    );
    let alert = &world.state.board.alerts[&AlertNo(1)];
    assert_eq!(alert.sides.len(), 3);
    assert_eq!(alert.sides[0].outcome.as_ref(), "committed");
    assert_eq!(alert.sides[2].outcome.as_ref(), "stopped, stale");
    assert_eq!(alert.on.as_ref().unwrap().to_string(), "crm/account/acme#health");
}

/// Writes of one agent to the same field of many records are one alert.
#[test]
fn foreign_writes_to_sibling_records_are_one_alert() {
    check(
        "
        sales writes crm/account/a health=good@0 -> proposed not-owner
        sales writes crm/account/b health=good@0 -> proposed not-owner
        product writes crm/account/b health=good@0 -> proposed not-owner
        alerts not-owner x2, not-owner x1
        ",
    );
}

#[test]
fn after_its_window_it_is_a_new_one() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        ",
    );
    world.pass(Span::from_days(1));
    play(
        &mut world,
        "
        support writes crm/account/acme health=bad@0 -> stale stale
        alerts stale-write x1, stale-write x1
        ",
    );
}

#[test]
fn a_fight_that_does_not_stop_becomes_critical() {
    let mut world = check("support writes crm/account/acme health=good@0 -> committed");
    // Not so often that its agent has to wait for a person.
    let fight = |world: &mut World| {
        world.pass(Span::from_mins(3));
        run(world, "support writes crm/account/acme health=bad@0");
    };
    for _ in 0..9 {
        fight(&mut world);
    }
    assert_eq!(world.state.board.alerts[&AlertNo(1)].severity, Severity::Warning);
    fight(&mut world);
    assert_eq!(world.state.board.alerts[&AlertNo(1)].severity, Severity::Critical);
    for _ in 0..20 {
        fight(&mut world);
    }
    let alert = &world.state.board.alerts[&AlertNo(1)];
    assert_eq!(alert.count, 30);
    assert_eq!(alert.sides.len(), deeds::domain::things::SIDES, "an alert is bounded");
    world.verify();
}

/// Both committed, both were right to: one alert, one item, with both sides and a deadline.
#[test]
fn a_contradiction_binds_its_variables() {
    let world = check(
        "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/8 stage=trial@0 -> committed
        alerts
        sales writes crm/deal/7 stage=trial@0 -> committed
        alerts contradiction x1
        items #1
        sales writes crm/deal/7 note=checked@0 -> committed
        alerts contradiction x1
        sales writes crm/deal/7 stage=trial@1 -> committed
        alerts contradiction x2
        items #1
        sourcing writes crm/contact/8 status=sourced@0 -> committed
        alerts contradiction x2, contradiction x1
        items #1 #2
        ",
    );
    let alert = &world.state.board.alerts[&AlertNo(1)];
    assert_eq!(alert.severity, Severity::Critical);
    let sides: Vec<(&str, String)> = alert
        .sides
        .iter()
        .take(2)
        .map(|side| (side.actor.name(), side.path.as_ref().unwrap().to_string()))
        .collect();
    assert_eq!(
        sides,
        [("sourcing", "crm/contact/7#status".to_owned()), ("sales", "crm/deal/7#stage".to_owned())]
    );
    let item = world.state.board.items.values().next().unwrap();
    assert!(matches!(item.case, Case::Conflict { alert: no } if no == alert.no));
    assert_eq!(item.evidence.len(), 2);
    assert!(item.due > item.opened);
}

/// The answer says which kind of alert it raised or counted; who wrote before is told once, of the paths alone.
#[test]
fn both_writers_of_a_contradiction_are_told() {
    let kinds = |reply: &Reply| -> Vec<(u64, &'static str)> {
        reply.raised.iter().map(|raised| (raised.alert.0, raised.code.as_str())).collect()
    };
    let mut world = check("sourcing writes crm/contact/7 status=sourced@0 -> committed");
    let opened = run(&mut world, "sales writes crm/deal/7 stage=trial@0");
    assert_eq!(kinds(&opened), [(1, "contradiction")]);
    assert_eq!(opened.alerts, [AlertNo(1)]);
    let deed = world.deeds.iter().find(|deed| deed.seq == opened.deed).unwrap();
    assert_eq!(Reply::of(deed), opened, "a retry is answered alike");
    let works: Vec<_> = world.state.board.works.values().cloned().collect();
    assert_eq!((works.len(), works[0].agent.as_str()), (1, "sourcing"));
    let words = format!(
        "your crm/contact/7#status (deed {}) and crm/deal/7#stage by sales (deed {}) must not be true together: alert #1; a person decides",
        opened.deed.0 - 1,
        opened.deed
    );
    assert_eq!(*works[0].title, *words);
    let counted = run(&mut world, "sales writes crm/deal/7 stage=trial@1");
    assert_eq!(kinds(&counted), [(1, "contradiction")]);
    assert_eq!(world.state.board.works.len(), 1, "told once");
    assert_eq!(kinds(&run(&mut world, "sales writes crm/deal/7 note=checked@0")), []);
    // Other kinds are told as well, and conclusions like states.
    assert_eq!(kinds(&run(&mut world, "sales writes crm/contact/9 status=new@0")), [(2, "not-owner")]);
    run(
        &mut world,
        "product sends '{\"do\":\"conclude\",\"subject\":\"crm/account/acme\",\"question\":\"refund?\",\"answer\":\"yes\"}'",
    );
    let differs = run(
        &mut world,
        "support sends '{\"do\":\"conclude\",\"subject\":\"crm/account/acme\",\"question\":\"refund?\",\"answer\":\"no\"}'",
    );
    assert_eq!(kinds(&differs), [(3, "contradiction")]);
    let last = world.state.board.works.values().next_back().unwrap();
    let words = "concluded otherwise on crm/account/acme than you";
    assert_eq!(last.agent.as_str(), "product");
    assert!(last.title.starts_with("support (deed ") && last.title.contains(words), "{}", last.title);
    world.verify();
}

/// Of what is hidden nobody is told: neither in work nor by a deed that others see.
#[test]
fn of_a_contradiction_nothing_hidden_is_told() {
    let open = "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        alerts contradiction x1
    ";
    let told = |map: &str, works: &str| {
        let world = check_on(map, &format!("{open} works {works}"));
        let deed =
            world.deeds.iter().rev().find(|deed| matches!(deed.body, Body::WriteCommitted(()))).unwrap();
        (deed.refs.alerts.len(), deed.refs.raised.len())
    };
    // The one who wrote last may not see the other side, then the one who wrote first.
    let hide = |from: &str, to: &str| TEAM.replace(from, to);
    let sales = hide("hidden = [\"hr/**\",", "hidden = [\"hr/**\", \"crm/contact/**\",");
    assert_eq!(told(&sales, "sourcing 1"), (0, 0));
    let sourcing = hide("id = \"sourcing\"", "id = \"sourcing\"\nhidden = [\"crm/deal/**\"]");
    assert_eq!(told(&sourcing, ""), (1, 1));
    // Somebody else reads the deed, and may not see the other side: the author is told by work alone.
    let product = hide("hidden = [\"crm/deal/*#discount\"]", "hidden = [\"crm/contact/**\"]");
    assert_eq!(told(&product, "sales 1, sourcing 1"), (1, 0));
}

/// What is no contradiction any more needs nobody's answer: the deed that ended it is named.
#[test]
fn states_that_agree_again_end_it() {
    let mut world = check(
        "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        alerts contradiction x1
        items #1
        sales writes crm/deal/7 note=checked@0 -> committed
        alerts contradiction x1
        sales writes crm/deal/7 stage=proposal@1 -> committed
        alerts
        items
        sam undoes #1 -> refused wrong-state
        ",
    );
    let deed = world.deeds.iter().rev().find(|deed| matches!(deed.body, Body::AlertResolved(()))).unwrap();
    let cause = deed.cause.unwrap();
    assert_eq!(deed.actor, Actor::Deeds);
    let why = format!("the states agree again: crm/deal/7#stage is proposal since deed {cause} by sales");
    assert_eq!(deed.reason.as_deref(), Some(why.as_str()));
    let closed = world.state.board.closed_item(ItemNo(1)).unwrap();
    assert_eq!(closed.by, Actor::Deeds);
    // One that was ruled on is over already; a record that goes takes it along.
    play(
        &mut world,
        "
        sourcing writes crm/contact/8 status=sourced@0 -> committed
        sales writes crm/deal/8 stage=trial@0 -> committed
        sam rules #2 crm/contact/8#status 'they answered us' -> recorded
        alerts
        works sales 1, sourcing 3
        sales writes crm/deal/8 stage=proposal@1 -> committed
        sourcing writes crm/contact/9 status=sourced@0 -> committed
        sales creates crm/deal/9 stage=trial -> committed
        items #3
        sales deletes crm/deal/9 @1 -> committed
        items
        alerts
        ",
    );
    world.verify();
}

/// A ruling is taken back only while there is something to decide again.
#[test]
fn a_ruling_on_what_agrees_by_now_stays() {
    let open = "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        sam rules #1 crm/contact/7#status 'they answered us' -> recorded
    ";
    let mut world = check(&format!("{open} sales writes crm/deal/7 stage=proposal@1 -> committed"));
    play(&mut world, "sam undoes #1 -> refused used-since\n alerts\n items");
    world.verify();
    let mut world = check(&format!("{open} sales writes crm/deal/7 stage=trial@1 -> committed\n items #2"));
    play(&mut world, "sam undoes #1 -> refused used-since\n alerts contradiction x1\n items #2");
    world.verify();
    let mut world = check(open);
    play(&mut world, "sam undoes #1 -> recorded\n alerts contradiction x1\n items #1");
    play(&mut world, "sales writes crm/deal/7 stage=proposal@1 -> committed\n alerts\n items");
    world.verify();
}

/// What another map does not know is over.
#[test]
fn a_contradiction_that_the_map_does_not_have_is_over() {
    let mut world = check(
        "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        alerts contradiction x1
        items #1
        ",
    );
    let without = TEAM.replace("name = \"double truth\"", "name = \"another truth\"");
    let model = Arc::new(map::parse(&without).applicable().unwrap());
    let (if_version, reason) = (MapVersion(1), None);
    let apply = ApplyMap { model, if_version, reason, planned: false, take_back: false };
    assert!(world.ask("ada", Command::ApplyMap(apply)).is_done());
    play(&mut world, "alerts\n items");
    world.verify();
}

/// What the map stops while a contradiction is open waits, and is woken when it is over, however that comes.
#[test]
fn a_contradiction_stops_what_the_map_says() {
    let map = TEAM.replace("name = \"double truth\"", "name = \"double truth\"\nstops = [\"call_*\"]");
    let open = "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales acts mail/sales call_them on crm/deal/7 -> allowed
        sales writes crm/deal/7 stage=trial@0 -> committed
        sales sends '{\"do\":\"act\",\"target\":\"mail/sales\",\"action\":\"call_them\",\"subject\":\"crm/deal/7\",\"wait\":true}' -> deferred contradicted
        sales acts mail/sales call_them on crm/contact/7 -> deferred contradicted
        sales acts mail/sales mail_them on crm/deal/7 -> allowed
        sales acts mail/sales call_them on crm/deal/8 -> allowed
        sales sends '{\"do\":\"publish\",\"output\":\"mail/sales\",\"body\":\"hi\",\"subject\":\"crm/deal/7\",\"action\":\"call_now\"}' -> deferred contradicted
    ";
    let woken = |world: &World| {
        let free =
            |work: &Work| matches!(&work.kind, WorkKind::Free { act, .. } if *act.action == *"call_them");
        world.state.board.works.values().filter(|work| free(work)).count()
    };
    for over in [
        "sales writes crm/deal/7 stage=proposal@1 -> committed",
        "sam rules #1 sales -> recorded",
        "dana resolves !1 'they are both right' -> recorded",
        "sam handles #1 'called them' -> recorded",
    ] {
        let mut world = check_on(&map, open);
        let why =
            world.deeds.iter().find(|deed| deed.code == Some(Code::Contradicted)).unwrap().reason.clone();
        let words = "call_them waits while crm/contact/7#status and crm/deal/7#stage contradict each other (double truth #1)";
        assert_eq!(why.as_deref(), Some(words));
        assert_eq!(woken(&world), 0);
        play(&mut world, over);
        assert_eq!((woken(&world), world.state.board.waiting.len()), (1, 0), "{over}");
        play(&mut world, "sales acts mail/sales call_them on crm/contact/7 -> allowed");
        world.verify();
    }
    // While the workspace only observes it goes through, with the verdict.
    let watched = map.replacen("workspace = \"acme\"", "workspace = \"acme\"\nmode = \"observe\"", 1);
    check_on(
        &watched,
        "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        sales acts mail/sales call_them on crm/deal/7 -> allowed (deferred) contradicted
        ",
    );
}

/// A record that is gone contradicts nothing.
#[test]
fn the_dead_do_not_contradict() {
    check(
        "
        sales creates crm/deal/7 stage=trial -> committed
        sales deletes crm/deal/7 @1 -> committed
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        alerts
        ",
    );
}

#[test]
fn two_that_take_turns_are_found() {
    let mut world = check(
        "
        product writes files/draft .=one@0 -> committed
        support writes files/draft .=three@1 -> committed
        alerts
        product writes files/draft .=two@2 -> committed
        alerts ping-pong x3
        items #1
        support writes files/draft .=three@3 -> committed
        alerts ping-pong x4
        ",
    );
    let alert = world.state.board.alerts[&AlertNo(1)].clone();
    let who: Vec<&str> = alert.who.iter().map(Actor::name).collect();
    assert_eq!(who, ["product", "support"]);
    assert_eq!(alert.first_cause.unwrap().0, 2);
    play(
        &mut world,
        "
        product writes files/draft .=six@4 -> committed
        alerts ping-pong x5
        items #1
        ",
    );
}

#[test]
fn people_acknowledge_and_resolve() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        dana acknowledges !1 -> recorded
        ",
    );
    assert!(matches!(world.state.board.alerts[&AlertNo(1)].state, AlertState::Acknowledged { .. }));
    play(
        &mut world,
        "
        dana resolves !1 -> refused wrong-state
        dana resolves !1 'it reads first now' -> recorded
        alerts
        dana resolves !1 'again' -> refused wrong-state
        dana resolves !9 'what' -> refused not-found
        support writes crm/account/acme health=bad@0 -> stale stale
        alerts stale-write x1
        dana escalates !2 -> opened
        dana escalates !2 -> refused wrong-state
        items #1
        ",
    );
}

#[test]
fn answering_a_conflict_resolves_its_alert() {
    check(
        "
        sales writes crm/deal/7 stage=trial@0 -> committed
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        items #1
        dana expands #1 sales writes crm/contact/*#note -> refused wrong-state
        dana drops #1 'a test record' -> recorded
        alerts
        items
        ",
    );
}

/// Who stopped a send is told by name, with the newer version, and both sides are kept.
#[test]
fn the_four_second_upsell() {
    let mut world = World::new(TEAM);
    play(
        &mut world,
        "
        support writes crm/account/acme health=healthy@0 -> committed
        support writes support/ticket/acme status=open@0 -> committed
        support writes crm/account/acme health='at risk'@1 -> committed
        ",
    );
    let reply = run(
        &mut world,
        "sales acts mail/sales send_upsell on crm/account/acme dep=crm/account/acme#health@1",
    );
    assert_eq!(reply.outcome.as_str(), "stale");
    assert!(reply.message.as_ref().unwrap().contains("crm/account/acme#health v1, now v2 by support"));
    assert_eq!(reply.fields[0].value.as_ref().unwrap().plain(), "at risk");
    assert_eq!(reply.alerts.len(), 1);
    let alert = &world.state.board.alerts[&reply.alerts[0]];
    assert_eq!(alert.kind.as_str(), "stale-read");
    let sides: Vec<&str> = alert.sides.iter().map(|side| side.actor.name()).collect();
    assert_eq!(sides, ["support", "sales"]);
    play(
        &mut world,
        "sales acts mail/sales send_upsell on crm/account/acme dep=crm/account/acme#health@2 -> deferred deferred",
    );
}

/// A reviewer was shown the sides of a conflict: one more of them is new material.
#[test]
fn a_new_side_changes_the_item() {
    let mut world = check(
        "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        items #1
        ",
    );
    let answer = command(&world, &words("handles #1 'the pipeline is right'"));
    play(&mut world, "sales writes crm/deal/7 stage=trial@1 -> committed\nalerts contradiction x2");
    let reply = world.ask("sam", answer);
    assert_eq!(reply.code.unwrap().as_str(), "changed", "{reply:?}");
    play(&mut world, "sam handles #1 'the pipeline is right' -> recorded\nalerts");
}

/// Resolving the old one leaves the newer one counting.
#[test]
fn an_old_alert_does_not_take_the_fingerprint_along() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        ",
    );
    world.pass(Span::from_days(1));
    play(
        &mut world,
        "
        support writes crm/account/acme health=bad@0 -> stale stale
        dana resolves !1 'long ago' -> recorded
        support writes crm/account/acme health=bad@0 -> stale stale
        alerts stale-write x2
        ",
    );
}
