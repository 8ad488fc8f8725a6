//! Publications, RULES §10: by the publisher or in turn, and one voice on a thread.

use super::script::{check_on, play};
use super::world::{TEAM, World};
use deeds::domain::deed::Body;
use deeds::domain::things::{AlertKind, Case, Severity};

/// The usual team with two agents in turn on one output, and one where a person approves.
pub(crate) fn team() -> String {
    let team = TEAM
        .replace("outputs = [\"mail/sales\"]", "outputs = [\"mail/sales\", \"slack/billing\", \"press\"]");
    let team =
        team.replace("outputs = [\"mail/support\"]", "outputs = [\"mail/support\", \"slack/billing\"]");
    format!(
        "{team}
        [[output]]
        name = \"slack/billing\"
        order = [\"support\", \"sales\"]
        thread_window = \"1h\"
        [[output]]
        name = \"press\"
        needs_approval = true
        "
    )
}

/// The same, where support answers mail.
fn mailed() -> String {
    let route = "[[event]]\nname = \"mail\"\n[[route]]\nevent = \"mail\"\nagent = \"support\"\n[[queue]]";
    team().replacen("[[queue]]", route, 1)
}

fn published(world: &World) -> Vec<String> {
    let out = |deed: &deeds::domain::deed::Deed| match &deed.body {
        Body::OutputPublished(out) => Some(format!("{} {} {}", deed.actor, out.output, out.body.plain())),
        _ => None,
    };
    world.deeds.iter().filter_map(out).collect()
}

#[test]
fn the_publisher_publishes_and_nobody_else() {
    let world = check_on(
        &team(),
        "
        sales publishes mail/sales 'hello' -> committed
        support publishes mail/sales 'hello' -> refused not-owner
        sales publishes fax/all 'hello' -> escalated unowned
        sales publishes fax/all 'hello' -> escalated unowned
        items #1
        alerts not-owner x1
        dana expands #1 sales outputs fax/all -> recorded
        sales publishes fax/all 'again' -> committed
        dana undoes #1 -> refused used-since
        ",
    );
    assert_eq!(published(&world), ["sales mail/sales hello", "sales fax/all hello", "sales fax/all again"]);
}

#[test]
fn what_is_out_of_scope_stays_so() {
    check_on(
        &team(),
        "
        sales publishes fax/all 'hello' -> escalated unowned
        dana drops #1 'we have no fax' rule -> recorded
        sales publishes fax/all 'Hello' -> refused out-of-scope
        sales publishes fax/all 'really' -> escalated unowned
        items #2
        ",
    );
}

#[test]
fn it_is_checked_against_what_it_was_based_on_and_who_goes_first() {
    let map = team().replace("actions = [\"send_*\"]", "actions = [\"send_*\", \"publish\"]");
    check_on(
        &map,
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@1 -> committed
        sales publishes mail/sales 'an upsell' on crm/account/acme dep=crm/account/acme#health@1 -> stale stale
        alerts stale-read x1
        support writes support/ticket/acme status=open@0 -> committed
        sales publishes mail/sales 'an upsell' on crm/account/acme -> deferred deferred
        dana freezes crm/account/acme 'audit' -> recorded
        sales publishes mail/sales 'an upsell' on crm/account/acme -> refused frozen
        dana unfreezes crm/account/acme 'done' -> recorded
        sales creates crm/deal/7 stage=trial -> committed
        sales archives crm/deal/7 @1 -> committed
        sales publishes mail/sales 'good news' on crm/deal/7 -> stale tombstone
        sales publishes mail/sales '' thread= -> refused over-bound
        sales sends '{\"do\": \"publish\", \"output\": \"mail/sales\", \"body\": \"x\", \"cause\": 9999}' -> refused not-found
        ",
    );
}

/// Who comes later may begin a thread of its own; on one thread the last one goes on, or the next one has its turn.
#[test]
fn several_publishers_take_turns() {
    check_on(
        &team(),
        "
        sales publishes slack/billing 'due' thread=inv-8 -> committed
        support publishes slack/billing 'due' thread=inv-7 -> committed
        support publishes slack/billing 'and late' thread=inv-7 -> committed
        pass 1h
        sales publishes slack/billing 'paid' thread=inv-7 -> committed
        sales publishes slack/billing 'thanks' -> committed
        support publishes slack/billing 'x' -> committed
        pass 1h
        support publishes slack/billing 'due again' thread=inv-7 -> committed
        alerts
        ",
    );
}

/// Three in an order: who is out of its turn waits, and goes out by itself when its turn comes or has passed.
#[test]
fn out_of_turn_waits() {
    let three = team().replacen(
        "order = [\"support\", \"sales\"]",
        "order = [\"support\", \"product\", \"sales\"]",
        1,
    );
    let three = three.replacen(
        "writes = [\"requests/*\"",
        "outputs = [\"slack/billing\"]\nwrites = [\"requests/*\"",
        1,
    );
    let mut world = check_on(
        &three,
        "
        support publishes slack/billing 'one' thread=t -> committed
        sales publishes slack/billing 'three' thread=t -> deferred not-your-turn
        sales publishes slack/billing 'three' thread=t -> deferred not-your-turn
        works
        ",
    );
    assert_eq!(world.state.board.queued.len(), 1, "the very same one waits once");
    // It is product's turn, which says nothing; the window is over, and the turn passes.
    play(&mut world, "pass 1h\n tick\n works sales 1\n items\n alerts");
    assert!(world.state.board.queued.is_empty());
    let said = |world: &World| {
        world.deeds.iter().rev().find_map(|deed| match &deed.body {
            Body::OutputPublished(out) => {
                Some((deed.actor.name().to_owned(), out.body.plain(), deed.refs.first.is_some()))
            }
            _ => None,
        })
    };
    assert_eq!(said(&world).unwrap(), ("sales".to_owned(), "three".to_owned(), true));
    // Its turn comes because the one before has spoken, and nobody has to look.
    play(
        &mut world,
        "
        pass 1h
        support publishes slack/billing 'one' thread=u -> committed
        sales publishes slack/billing 'three' thread=u -> deferred not-your-turn
        pass 59m
        product publishes slack/billing 'two' thread=u -> committed
        items
        alerts
        works sales 2
        ",
    );
    assert!(world.state.board.queued.is_empty());
    assert_eq!(said(&world).unwrap(), ("sales".to_owned(), "three".to_owned(), true));
    // The first one goes on speaking, and the last one is through once its time is over.
    play(
        &mut world,
        "
        pass 1h
        support publishes slack/billing 'one' thread=v -> committed
        sales publishes slack/billing 'three' thread=v -> deferred not-your-turn
        pass 59m
        support publishes slack/billing 'one more' thread=v -> committed
        pass 1m
        tick
        items
        works sales 3
        ",
    );
    assert!(world.state.board.queued.is_empty());
}

/// The order says who of its agents speaks after whom on its output, on one thread or about one entity. Whoever speaks there
/// from elsewhere has the conversation all the same, and so has one of them that speaks on another output.
#[test]
fn the_order_rules_the_conversation_on_its_output() {
    let acme = "on crm/account/acme";
    let mut world = check_on(
        &team(),
        &format!(
            "
            support publishes slack/billing 'due' {acme} -> committed
            sales publishes slack/billing 'paid' {acme} -> committed
            support publishes slack/billing 'thanks' thread=t {acme} -> committed
            support publishes mail/support 'dear Acme' thread=u -> committed
            sales publishes slack/billing 'me too' thread=u -> escalated collision
            items #1
            "
        ),
    );
    // What another said from elsewhere while it waited is a person's matter.
    let mut mailed = World::new(&mailed());
    play(
        &mut mailed,
        "
        dana sends '{\"do\":\"raise\",\"event\":\"mail\",\"attributes\":{\"id\":\"t\"}}' -> recorded
        sales publishes slack/billing 'paid' thread=t -> deferred not-your-turn
        support publishes mail/support 'dear Acme' thread=t -> committed
        support takes 1 -> recorded
        support completes 1 -> recorded
        items #1
        alerts output-collision x1
        works sales 1
        ",
    );
    assert!(mailed.state.board.queued.is_empty());
    play(&mut world, "pass 1h\n sales publishes slack/billing 'me too' thread=u -> committed");
}

/// Who comes later waits for one that comes earlier and has work about the thread; when that ends, the way is free.
#[test]
fn who_has_work_about_the_thread_goes_first() {
    let mut world = World::new(&mailed());
    play(
        &mut world,
        "
        dana sends '{\"do\":\"raise\",\"event\":\"mail\",\"attributes\":{\"id\":\"t\"}}' -> recorded
        sales publishes slack/billing 'paid' thread=t -> deferred not-your-turn
        sales publishes slack/billing 'paid' thread=other -> committed
        sales acts slack/billing send on crm/account/acme thread=t waiting -> deferred not-your-turn
        support takes 1 -> recorded
        support completes 1 -> recorded
        works sales 2
        ",
    );
    assert!(world.state.board.queued.is_empty() && world.state.board.waiting.is_empty());
    play(&mut world, "sales acts slack/billing send on crm/account/acme thread=t -> allowed");
}

/// What stands in the way by then is asked again.
#[test]
fn what_waited_is_decided_afresh() {
    for (what, how) in [
        ("dana pauses sales 'no more' -> recorded", "paused"),
        ("dana freezes crm/account/acme 'audit' -> recorded", "frozen"),
        ("support writes crm/account/acme health=bad@0 -> committed", "stale"),
    ] {
        let mut world = World::new(&mailed());
        play(
            &mut world,
            "
            dana sends '{\"do\":\"raise\",\"event\":\"mail\",\"attributes\":{\"id\":\"t\"}}' -> recorded
            sales publishes slack/billing 'paid' thread=t on crm/account/acme dep=crm/account/acme#health@0 -> deferred not-your-turn
            ",
        );
        play(&mut world, what);
        play(&mut world, "pass 1h\n tick");
        let refused =
            world.deeds.iter().rev().find(|deed| matches!(deed.body, Body::OutputRefused(_))).unwrap();
        assert_eq!(refused.code.unwrap().to_string(), how);
        assert!(world.state.board.queued.is_empty());
        world.verify();
    }
}

/// Double reply: the second voice within the window is held, with one alert and one item.
#[test]
fn the_second_voice_on_a_thread_is_held() {
    let mut world = check_on(
        &team(),
        "
        support publishes slack/billing 'due' thread=inv-7 -> committed
        sales publishes mail/sales 'paid' thread=inv-7 -> escalated collision
        sales publishes mail/sales 'paid' thread=inv-7 -> escalated collision
        items #1
        alerts output-collision x1
        ",
    );
    let board = &world.state.board;
    let alert = board.alerts.values().next().unwrap();
    assert_eq!((alert.kind, alert.severity), (AlertKind::OutputCollision, Severity::Critical));
    assert_eq!(alert.item.unwrap().0, 1);
    let item = board.items.values().next().unwrap();
    let first = world.deeds.iter().find(|deed| matches!(deed.body, Body::OutputPublished(_))).unwrap().seq;
    assert!(matches!(&item.case, Case::Approval { over, alert, .. } if *over == [first] && alert.is_some()));
    assert!(item.evidence.contains(&first));
    play(
        &mut world,
        "
        dana rejects #1 'one answer is enough' -> recorded
        alerts
        works sales 1
        ",
    );
    assert_eq!(published(&world), ["support slack/billing due"]);
}

#[test]
fn who_only_watches_lets_all_out() {
    let world = check_on(
        &team().replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1),
        "
        support publishes slack/billing 'due' thread=inv-7 -> committed
        sales publishes mail/sales 'paid' thread=inv-7 -> committed (escalated) collision
        sales publishes press 'we grow' -> committed (escalated) needs-approval
        support publishes mail/sales 'hello' -> committed (refused) not-owner
        sales publishes fax/all 'hello' -> committed (escalated) unowned
        items
        alerts output-collision x1, not-owner x1
        ",
    );
    assert_eq!(published(&world).len(), 5);
}
