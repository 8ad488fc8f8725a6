//! Events: raised, claimed, raised by changes and on schedule; those that nobody or more than one answers.

use super::script::{check_on, play, run};
use super::world::{TEAM, World};
use deeds::domain::things::{Case, WorkKind};

/// A team with events of every kind.
pub(crate) const DESK: &str = r#"
workspace = "acme"
timezone = "Europe/Madrid"
governance_owner = "dana"

[[agent]]
id = "billing"
owner = "dana"
triggers = ["invoice.due", "email.bounced"]
writes = ["invoices/*"]
hidden = ["hr/**"]

[[agent]]
id = "payments"
owner = "dana"
triggers = ["payment.*"]
writes = ["payments/*", "crm/contact/*#plan"]

[[agent]]
id = "reporting"
owner = "dana"
triggers = ["report.due", "contact.contacted", "salary.changed"]
writes = ["reports/*"]
hidden = ["crm/contact/*#salary"]

[[agent]]
id = "sales"
owner = "dana"
triggers = ["call.missed", "contact.left"]
writes = ["crm/contact/*#status", "crm/contact/*#salary"]

[[agent]]
id = "support"
owner = "dana"
triggers = ["call.missed"]
writes = ["tickets/*"]

[[event]]
name = "email.received"
[[event]]
name = "report.due"
schedule = "daily 08:00"
[[event]]
name = "contact.contacted"
on = "crm/contact/*#status becomes 'contacted'"
[[event]]
name = "contact.left"
on = "crm/contact/*#status = 'left'"
[[event]]
name = "salary.changed"
on = "crm/contact/*#salary != null"

[[route]]
event = "email.received"
when = { subject = "*invoice*" }
agent = "billing"
then = ["reporting"]
[[route]]
event = "email.received"
when = { subject = "*paid*" }
agent = "payments"
[[route]]
event = "call.missed"
when = { from = "vip-*" }
agent = "support"

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "4h"
review = "daily 09:00"
priority = ["billing", "payments", "reporting", "sales", "support"]
"#;

/// The dispatches that wait: agent, event, who comes after.
fn dispatches(world: &World) -> Vec<String> {
    let line = |work: &std::sync::Arc<deeds::domain::things::Work>| match &work.kind {
        WorkKind::Dispatch { event, then, .. } => {
            let then: Vec<&str> = then.iter().map(deeds::domain::ids::AgentId::as_str).collect();
            Some(format!("{} {event} [{}]", work.agent, then.join(" ")))
        }
        _ => None,
    };
    world.state.board.works.values().filter_map(line).collect()
}

fn observing() -> String {
    DESK.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1)
}

#[test]
fn the_first_route_that_fits_wins() {
    let world = check_on(
        DESK,
        r#"
        sales sends '{"do":"raise","event":"email.received","attributes":{"subject":"re: invoice is paid"}}' -> recorded
        sales sends '{"do":"raise","event":"email.received","attributes":{"subject":"it is paid"}}' -> recorded
        dana sends '{"do":"raise","event":"payment.late","subject":"invoices/7"}' -> recorded
        wanda sends '{"do":"raise","event":"payment.late"}' -> refused not-allowed
        works billing 1, payments 2
        "#,
    );
    assert_eq!(
        dispatches(&world),
        ["billing email.received [reporting]", "payments email.received []", "payments payment.late []"]
    );
    let raised = world.deeds.iter().find(|deed| deed.body.type_name() == "deeds.event.raised").unwrap();
    assert_eq!(raised.refs.owners[0].as_str(), "billing");
    assert_eq!(raised.refs.works.len(), 1);
    assert_eq!(raised.reason.as_deref(), Some("email.received goes to billing, then reporting"));
}

#[test]
fn what_nobody_owns_reaches_a_person_and_is_sent_on_when_a_zone_grows() {
    let mut world = check_on(
        DESK,
        r#"
        sales sends '{"do":"raise","event":"email.opened","attributes":{"mail":"7"}}' -> escalated unowned
        sales sends '{"do":"raise","event":"email.opened","attributes":{"mail":"7"}}' -> escalated unowned
        sales sends '{"do":"raise","event":"email.opened","attributes":{"mail":"8"}}' -> escalated unowned
        items #1 #2
        "#,
    );
    let item = &world.state.board.items.values().next().unwrap();
    assert_eq!((item.joined, &*item.title), (1, "email.opened mail=7"));
    let suggestion = item.suggestion.as_ref().unwrap();
    assert_eq!(suggestion.agent.as_str(), "billing", "it listens to email.bounced");
    play(
        &mut world,
        "
        dana expands #1 billing triggers email.opened with #2 -> recorded
        items
        works billing 2, sales 2
        map v2
        ",
    );
    assert_eq!(dispatches(&world), ["billing email.opened []", "billing email.opened []"]);
    play(&mut world, "dana undoes #1 -> recorded\n items #1 #2\n map v3\n works");
    play(
        &mut world,
        r#"
        dana expands #1 billing triggers email.opened -> recorded
        sales sends '{"do":"raise","event":"email.opened","attributes":{"mail":"9"}}' -> recorded
        dana undoes #1 -> refused used-since
        "#,
    );
}

#[test]
fn a_person_gives_one_event_to_an_agent() {
    let world = check_on(
        DESK,
        r#"
        sales sends '{"do":"raise","event":"fax.received"}' -> escalated unowned
        dana forwards #1 nobody 'take this one' -> refused not-found
        dana forwards #1 support 'take this one' -> recorded
        works sales 1, support 1
        sales sends '{"do":"raise","event":"fax.received"}' -> escalated unowned
        items #2
        dana undoes #1 -> recorded
        items #1 #2
        works
        sales escalates 'what now' because 'the customer wants it' -> escalated
        dana forwards #3 support 'take it' -> refused wrong-state
        "#,
    );
    assert!(dispatches(&world).is_empty());
}

#[test]
fn an_event_out_of_scope_is_closed_on_arrival() {
    check_on(
        DESK,
        r#"
        sales sends '{"do":"raise","event":"spam.received"}' -> escalated unowned
        dana drops #1 'we sell nothing there' rule -> recorded
        billing sends '{"do":"raise","event":"spam.received"}' -> refused out-of-scope
        billing sends '{"do":"raise","event":"spam.received","attributes":{"n":2}}' -> escalated unowned
        billing sends '{"do":"claim","event":"spam.received","key":"m1"}' -> escalated unowned
        dana drops #3 'we sell nothing there' rule -> recorded
        sales sends '{"do":"claim","event":"spam.received","key":"m1"}' -> refused out-of-scope
        items #2
        "#,
    );
}

#[test]
fn two_that_answer_the_same_event_collide_and_none_is_woken() {
    let mut world = check_on(
        DESK,
        r#"
        billing sends '{"do":"raise","event":"call.missed","attributes":{"from":"vip-7"}}' -> recorded
        billing sends '{"do":"raise","event":"call.missed","attributes":{"from":"bob"}}' -> escalated collision
        alerts trigger-collision x1
        items #1
        works support 1
        dana expands #1 support triggers call.missed -> refused wrong-state
        billing sends '{"do":"raise","event":"call.missed"}' -> escalated collision
        alerts trigger-collision x2
        items #1 #2
        dana forwards #1 sales 'yours' -> recorded
        works billing 1, sales 1, support 1
        alerts
        "#,
    );
    let item = world.state.board.items.values().next().unwrap();
    assert!(matches!(item.case, Case::TriggerCollision { .. }));
    let routed = DESK.replace("when = { from = \"vip-*\" }\n", "");
    let model = deeds::domain::map::parse(&routed).applicable().unwrap();
    let apply = deeds::domain::command::ApplyMap {
        model: std::sync::Arc::new(model),
        if_version: world.state.board.map_version,
        reason: None,
        planned: false,
        take_back: true,
    };
    world.ask("ada", deeds::domain::command::Command::ApplyMap(apply));
    play(
        &mut world,
        "dana expands #2 support triggers call.missed -> recorded\n items\n works billing 2, sales 1, support 2",
    );
}

#[test]
fn one_claim_is_granted() {
    let world = check_on(
        DESK,
        r#"
        payments sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> refused claim-taken
        billing sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed
        billing sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed
        payments sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> refused claim-taken
        billing sends '{"do":"claim","event":"invoice.due","key":"m2"}' -> allowed
        alerts trigger-collision x2
        items #1
        dana sends '{"do":"claim","event":"invoice.due","key":"m3"}' -> refused not-allowed
        "#,
    );
    let alert = world.state.board.alerts.values().next().unwrap();
    let who: Vec<&str> = alert.who.iter().map(deeds::domain::ids::Actor::name).collect();
    assert_eq!(who, ["billing", "payments"]);
    assert_eq!(world.state.board.works.len(), 0, "who claims listens on its own");
}

#[test]
fn the_double_reply_is_one_case() {
    // Mail "re: invoice payment due" wakes two agents; no route leads it anywhere, and both claim it.
    check_on(
        &DESK.replace("[\"call.missed\"]", "[\"call.missed\", \"mail\"]").replace(
            "[\"call.missed\", \"contact.left\"]",
            "[\"call.missed\", \"contact.left\", \"mail\"]",
        ).replace("event = \"call.missed\"\nwhen", "event = \"mail\"\nwhen = { x = \"1\" }\nagent = \"sales\"\n[[route]]\nevent = \"call.missed\"\nwhen"),
        r#"
        sales sends '{"do":"claim","event":"mail","key":"m1"}' -> escalated collision
        support sends '{"do":"claim","event":"mail","key":"m1"}' -> escalated collision
        payments sends '{"do":"claim","event":"mail","key":"m1"}' -> escalated collision
        items #1
        alerts trigger-collision x3
        dana forwards #1 support 'support answers' -> recorded
        items
        alerts
        works sales 1, support 1
        "#,
    );
}

#[test]
fn a_change_raises_its_event_in_the_same_batch() {
    let world = check_on(
        DESK,
        "
        sales writes crm/contact/7 status=new@0 -> committed
        works
        sales writes crm/contact/7 status=contacted@1 -> committed
        works reporting 1
        sales writes crm/contact/7 status=contacted@2 -> committed
        // Who has work open on a record is told of its changes.
        works reporting 2
        sales writes crm/contact/7 status=left@3 -> committed
        sales writes crm/contact/7 status=left@4 -> committed
        works reporting 2, sales 2
        dana sets crm/contact/7#status 'contacted'@5 'she called' -> committed
        works reporting 3, sales 3
        ",
    );
    let raised: Vec<_> =
        world.deeds.iter().filter(|deed| deed.body.type_name() == "deeds.event.raised").collect();
    for event in &raised {
        let cause = event.cause.unwrap();
        let commit = &world.deeds[usize::try_from(cause.0).unwrap() - 1];
        assert_eq!(commit.body.type_name(), "deeds.write.committed");
        assert_eq!((commit.correlation, &commit.subject), (event.correlation, &event.subject), "one batch");
    }
    assert_eq!(raised.len(), 4);
}

#[test]
fn a_hidden_value_does_not_travel_in_an_event() {
    let world = check_on(DESK, "sales writes crm/contact/7 salary=90000@0 -> committed\n works reporting 1");
    let work = world.state.board.works.values().next().unwrap();
    let WorkKind::Dispatch { attributes, .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!(attributes.keys().map(|name| &**name).collect::<Vec<_>>(), ["path"]);
}

#[test]
fn a_schedule_is_raised_once_and_the_late_one_once() {
    let mut world = World::new(DESK);
    let first = world.state.board.schedules.values().next().copied().unwrap();
    world.now = first;
    assert_eq!(play_ticks(&mut world), 1);
    assert_eq!(play_ticks(&mut world), 0, "not again at the same time");
    world.pass("9d".parse().unwrap());
    assert_eq!(play_ticks(&mut world), 1, "only the latest of nine");
    let next = world.state.board.schedules.values().next().copied().unwrap();
    assert!(next > world.now && next.since(world.now) <= "1d".parse().unwrap());
    assert_eq!(dispatches(&world), ["reporting report.due []", "reporting report.due []"]);
    world.verify();
}

#[test]
fn a_new_map_does_not_swallow_what_is_due() {
    let mut world = World::new(DESK);
    world.now = world.state.board.schedules.values().next().copied().unwrap();
    let apply = deeds::domain::command::ApplyMap {
        model: std::sync::Arc::clone(world.state.board.map.model()),
        if_version: world.state.board.map_version,
        reason: None,
        planned: false,
        take_back: true,
    };
    world.ask("ada", deeds::domain::command::Command::ApplyMap(apply));
    assert_eq!(play_ticks(&mut world), 1);
    world.verify();
}

/// Ticks; how many events it raised.
fn play_ticks(world: &mut World) -> usize {
    let raised = |world: &World| {
        world.deeds.iter().filter(|deed| deed.body.type_name() == "deeds.event.raised").count()
    };
    let before = raised(world);
    world.send(&super::world::request("deeds", deeds::domain::command::Command::Tick));
    raised(world) - before
}

#[test]
fn observing_lets_everything_through_and_keeps_the_verdict() {
    check_on(
        &observing(),
        r#"
        billing sends '{"do":"raise","event":"fax.received"}' -> recorded (escalated) unowned
        billing sends '{"do":"raise","event":"call.missed"}' -> recorded (escalated) collision
        works sales 1, support 1
        payments sends '{"do":"claim","event":"invoice.due","key":"m1"}' -> allowed (refused) claim-taken
        items
        alerts trigger-collision x1, trigger-collision x1
        "#,
    );
}

#[test]
fn a_chain_that_comes_back_is_a_cascade() {
    let world = check_on(
        DESK,
        "
        sales sends '{\"do\":\"write\",\"entity\":\"crm/contact/7\",\"changes\":{\"status\":\"a\"},\"expected\":{\"status\":0}}' -> committed
        payments sends '{\"do\":\"write\",\"entity\":\"payments/7\",\"changes\":{\"x\":1},\"expected\":{\"x\":0},\"cause\":2}' -> committed
        sales sends '{\"do\":\"write\",\"entity\":\"crm/contact/8\",\"changes\":{\"status\":\"a\"},\"expected\":{\"status\":0},\"cause\":3}' -> committed
        alerts
        sales sends '{\"do\":\"write\",\"entity\":\"crm/contact/7\",\"changes\":{\"status\":\"b\"},\"expected\":{\"status\":1},\"cause\":4}' -> committed
        alerts cascade x1
        items #1
        sales sends '{\"do\":\"raise\",\"event\":\"invoice.due\",\"cause\":99}' -> refused not-found
        ",
    );
    let alert = world.state.board.alerts.values().next().unwrap();
    assert_eq!(alert.first_cause.unwrap().0, 2);
    assert!(alert.title.contains("sales → payments → sales"), "{}", alert.title);
}

#[test]
fn an_act_can_close_a_chain_too() {
    check_on(
        DESK,
        "
        sales sends '{\"do\":\"write\",\"entity\":\"crm/contact/7\",\"changes\":{\"status\":\"a\"},\"expected\":{\"status\":0}}' -> committed
        payments sends '{\"do\":\"write\",\"entity\":\"payments/7\",\"changes\":{\"x\":1},\"expected\":{\"x\":0},\"cause\":2}' -> committed
        alerts
        sales sends '{\"do\":\"act\",\"target\":\"crm/contact/7#status\",\"subject\":\"crm/contact/7\",\"action\":\"call\",\"cause\":3}' -> allowed
        alerts cascade x1
        ",
    );
}

#[test]
fn a_chain_without_an_end_is_a_cascade() {
    let mut world = World::new(DESK);
    for n in 0..16_u64 {
        let who = if n % 2 == 0 { "billing" } else { "payments" };
        let cause = if n == 0 { String::new() } else { format!(",\"cause\":{}", last_raise(&world)) };
        let step = format!(
            "{who} sends '{{\"do\":\"raise\",\"event\":\"invoice.due\",\"subject\":\"invoices/{n}\"{cause}}}' -> recorded"
        );
        play(&mut world, &step);
    }
    play(&mut world, "alerts");
    let step = format!(
        "billing sends '{{\"do\":\"raise\",\"event\":\"invoice.due\",\"cause\":{}}}' -> escalated looping\n alerts cascade x1",
        last_raise(&world)
    );
    play(&mut world, &step);
}

fn last_raise(world: &World) -> u64 {
    let raised = |deed: &&deeds::domain::deed::Deed| deed.body.type_name() == "deeds.event.raised";
    world.deeds.iter().rev().find(raised).unwrap().seq.0
}

#[test]
fn events_are_bounded() {
    let long = "x".repeat(257);
    let many: Vec<String> = (0..65).map(|n| format!("\"a{n}\":1")).collect();
    let mut world = World::new(DESK);
    for body in [
        "\"event\":\"\"".to_owned(),
        format!("\"event\":\"{long}\""),
        "\"event\":\"a\\u0007b\"".to_owned(),
        format!("\"event\":\"x\",\"attributes\":{{{}}}", many.join(",")),
        format!("\"event\":\"x\",\"attributes\":{{\"{long}\":1}}"),
        format!("\"event\":\"x\",\"reason\":\"{}\"", "r".repeat(16 * 1024 + 1)),
    ] {
        play(&mut world, &format!("sales sends '{{\"do\":\"raise\",{body}}}' -> refused over-bound"));
    }
    play(
        &mut world,
        &format!(
            "sales sends '{{\"do\":\"claim\",\"event\":\"x\",\"key\":\"{long}\"}}' -> refused over-bound"
        ),
    );
    let origin = deeds::domain::deed::Origin {
        source: std::sync::Arc::from("urn:uuid:0"),
        workspace: "acme".parse().unwrap(),
    };
    let largest = world.deeds.iter().skip(1).map(|deed| deed.encode(&origin).unwrap().len()).max().unwrap();
    assert!(largest < 2_000, "a refusal keeps no more than the bounds allow, not {largest} bytes");
}

/// Two agents, each of which listens to what the other raises.
fn asking() -> World {
    let events = "[[event]]\nname = \"ask\"\n[[event]]\nname = \"tell\"\n";
    let map = format!("{TEAM}{events}")
        .replacen("id = \"sales\"", "id = \"sales\"\ntriggers = [\"tell\"]", 1)
        .replacen("id = \"support\"", "id = \"support\"\ntriggers = [\"ask\"]", 1);
    World::new(&map)
}

fn ask(world: &mut World, round: u32, wanted: &str) {
    let (who, event) = if round % 2 == 1 { ("sales", "ask") } else { ("support", "tell") };
    let raise = format!(
        r#"{{"do": "raise", "event": "{event}", "subject": "crm/account/acme", "attributes": {{"round": {round}}}}}"#
    );
    play(world, &format!("{who} sends '{raise}' -> {wanted}"));
}

#[test]
fn two_that_wake_each_other_and_change_nothing_wait_for_a_person() {
    let mut world = asking();
    for round in 1..=8 {
        ask(&mut world, round, "recorded");
    }
    // Who asks again without having been answered wakes nobody in turn.
    ask(&mut world, 8, "recorded");
    ask(&mut world, 9, "escalated looping");
    ask(&mut world, 9, "escalated looping");
    play(&mut world, "items #1\nalerts cascade x2\nworks sales 5, support 4");
    let item = world.state.board.items.values().next().unwrap();
    assert!(matches!(&item.case, Case::Loop { .. }), "{item:?}");
    play(
        &mut world,
        "
        dana expands #1 product triggers ask -> refused wrong-state
        dana forwards #1 support 'once more' -> recorded
        alerts
        ",
    );
    // An answer, a changed value and a day each begin anew.
    ask(&mut world, 10, "recorded");
    for round in 11..=17 {
        ask(&mut world, round, "recorded");
    }
    play(&mut world, "support writes crm/account/acme health=good@0 -> committed");
    for round in 18..=25 {
        ask(&mut world, round, "recorded");
    }
    play(&mut world, "support writes crm/account/acme health=good@1 -> committed");
    ask(&mut world, 26, "escalated looping");
    play(&mut world, "pass 25h");
    ask(&mut world, 26, "recorded");
}

#[test]
fn the_map_says_how_often() {
    let mut world = asking();
    let map = "governance_owner = \"dana\"";
    let toml = TEAM.replacen(map, &format!("wake_ups = 2\n{map}"), 1);
    assert_eq!(deeds::domain::map::parse(&toml).applicable().unwrap().wake_ups, Some(2));
    for wrong in ["wake_ups = 0", "wake_ups = \"many\"", "wake_ups = 1001"] {
        let toml = TEAM.replacen(map, &format!("{wrong}\n{map}"), 1);
        assert!(deeds::domain::map::parse(&toml).applicable().is_err(), "{wrong}");
    }
    ask(&mut world, 1, "recorded");
}

/// What an agent does while it has work is caused by it: the chain is seen where nobody speaks of it.
#[test]
fn a_chain_that_nobody_named_ends_too() {
    let mut world = asking();
    let mut held = false;
    for round in 1..=40 {
        let (who, event) = if round % 2 == 1 { ("sales", "ask") } else { ("support", "tell") };
        let raise = format!(
            r#"{who} sends '{{"do": "raise", "event": "{event}", "attributes": {{"round": {round}}}}}'"#
        );
        let reply = run(&mut world, &raise);
        held = reply.code.is_some_and(|code| code.as_str() == "looping");
        if held {
            break;
        }
        let other = if who == "sales" { "support" } else { "sales" };
        let work = reply.works[0];
        run(&mut world, &format!("{other} takes {work}"));
        // What it did before does not count any more.
        let before = world.state.board.work_of(&deeds::domain::ids::AgentId::new(who).unwrap()).next();
        if let Some(work) = before.map(|work| work.no) {
            run(&mut world, &format!("{who} completes {work}"));
        }
    }
    assert!(held);
    play(&mut world, "items #1");
}

/// A claim that is repeated stays where it was, and one that was only let through takes nothing.
#[test]
fn whose_an_occurrence_is_stays_as_it_was() {
    use super::script::run;
    let claim = |who: &str| format!(r#"{who} sends '{{"do":"claim","event":"invoice.due","key":"m1"}}'"#);
    let first = |map_toml: &str| {
        let mut world = World::new(map_toml);
        let first = run(&mut world, &claim("billing")).deed;
        (world, first)
    };
    let (mut world, deed) = first(DESK);
    for _ in 0..2 {
        let again = run(&mut world, &claim("billing")).message.unwrap();
        assert!(again.ends_with(&format!("claimed in deed {deed}")), "{again}");
    }
    let other = run(&mut world, &claim("payments")).message.unwrap();
    assert!(other.ends_with(&format!("was claimed by billing, deed {deed}")), "{other}");
    world.verify();

    let observing = DESK.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1);
    let (mut world, deed) = first(&observing);
    play(
        &mut world,
        &format!("{} -> allowed (refused) claim-taken\nalerts trigger-collision x1", claim("payments")),
    );
    play(&mut world, &format!("{} -> allowed\nalerts trigger-collision x1", claim("billing")));
    let other = run(&mut world, &claim("payments")).message.unwrap();
    assert!(other.ends_with(&format!("was claimed by billing, deed {deed}")), "{other}");
    let mut world = World::new(&observing);
    play(&mut world, &format!("{} -> allowed (refused) claim-taken", claim("payments")));
    play(&mut world, &format!("{} -> allowed", claim("billing")));
    world.verify();
}

/// What is in an agent's hands counts, whatever it names: here a deed of its own from before, and the deed says what was
/// longer.
#[test]
fn a_named_cause_does_not_lead_out_of_a_chain() {
    let mut world = asking();
    let (mut told, mut first) = (None, Vec::new());
    for round in 1..=40_u64 {
        let (who, event) = if round % 2 == 1 { ("sales", "ask") } else { ("support", "tell") };
        let named = first.get(usize::from(round % 2 == 0)).filter(|_| round > 2);
        let cause = named.map(|cause| format!(",\"cause\":{cause}")).unwrap_or_default();
        let raise = format!(
            r#"{who} sends '{{"do":"raise","event":"{event}","attributes":{{"round":{round}}}{cause}}}'"#
        );
        let reply = run(&mut world, &raise);
        first.push(reply.deed);
        let deed = world.deeds.iter().find(|deed| deed.seq == reply.deed).unwrap();
        let in_hand = deed.decided.as_ref().and_then(|decided| decided.in_hand);
        assert_eq!(in_hand.is_some(), round > 2, "round {round}: {deed:?}");
        if reply.code.is_some() {
            told = reply.code;
            assert_eq!(round, 17, "a chain has 16");
            break;
        }
        let other = if who == "sales" { "support" } else { "sales" };
        run(&mut world, &format!("{other} takes {}", reply.works[0]));
    }
    assert_eq!(told.unwrap().as_str(), "looping");
    play(&mut world, "alerts cascade x1");
    // A write is seen as an event is.
    let write = r#"{"do":"write","entity":"crm/deal/7","changes":{"stage":"trial"},"expected":{"stage":0},"cause":2}"#;
    play(&mut world, &format!("sales sends '{write}' -> committed\nalerts cascade x2"));
}
